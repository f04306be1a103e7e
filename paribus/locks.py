"""One writer: a lock is held by one process and dies with it, however it dies."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from paribus import durable
from paribus.errors import LockedError, MachineError, Problem

LOCK = "LOCK"


@contextmanager
def lock(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Hold `folder`, made if it is not there. The file `name` in it goes with the lock, and means nothing by itself.

    Raises LockedError (exit 5) at once if another process holds it, MachineError where nothing can be locked, and
    IntegrityError if `LOCK` is a link: what it leads to is left alone.
    """
    path = folder / name
    file = _taken(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def _taken(path: Path) -> FileIO:
    while True:
        durable.make_folder(path.parent)
        try:
            file = FileIO(path, "a+", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o666))
        except FileNotFoundError:  # another process has just removed its empty folder
            continue
        except OSError as error:
            durable.refuse_links(path.parent)
            raise durable.environment_error(error, path) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _locked(file, path) from None
        except OSError as error:
            file.close()
            fix = "choose a folder on a local disk with --out."
            what = f"cannot be locked ({error.strerror}), and two processes at once would spoil it."
            raise MachineError([Problem("ENV_NO_LOCKS", what, str(path.parent), fix)]) from None
        if _is_there(file, path):
            with suppress(OSError):  # a full disk: it is only for the message
                file.truncate(0)
                file.write(
                    f"{os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S')}".encode()
                )
            return file
        file.close()  # its last holder has removed it meanwhile


def _is_there(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _locked(file: FileIO, path: Path) -> LockedError:
    file.seek(0)
    holder = file.read().decode(errors="replace") or "unknown"
    file.close()
    fix = "wait for it, or give this run another --out folder."
    return LockedError([Problem("LOCKED", f"is in use by process {holder}.", str(path.parent), fix)])
