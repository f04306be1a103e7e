"""All lasting writes: a file is whole or absent, and what is said to be stored survives a crash and a power loss.

Each step is announced to `paribus.faultpoints`, so that tests can kill the process before it or have it fail.
"""

import errno
import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from paribus.errors import IntegrityError, MachineError, Problem
from paribus.faultpoints import step

CODES = {
    errno.ENOSPC: "ENV_DISK_FULL",
    errno.EDQUOT: "ENV_DISK_FULL",
    errno.EACCES: "ENV_PERMISSION",
    errno.EPERM: "ENV_PERMISSION",
    errno.EROFS: "ENV_READ_ONLY",
    errno.EMFILE: "ENV_OPEN_FILES",
    errno.ENFILE: "ENV_OPEN_FILES",
    errno.ENOMEM: "ENV_MEMORY",
}

SYNCED_AT_ONCE = 4  # more threads cost more than they save

ROOM = "make room or choose another folder with --out, then give the same command again: it goes on."
FIXES = {
    "ENV_OPEN_FILES": "allow more open files (ulimit -n), then give the same command again: it goes on.",
    "ENV_MEMORY": "end other programs or take a smaller batch, then give the same command again: it goes on.",
    "ENV_IO": "check the path and the disk it is on, then give the same command again: it goes on.",
}


def write(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: a temporary file in the same folder, synced, renamed, the folder synced.

    Raises MachineError (exit 6) if the disk is full or the folder cannot be written.
    """
    temporary = _aside(path)
    put(temporary, content)
    settle(temporary, path)


def put(path: Path, content: bytes) -> None:
    """A file that nobody reads yet: it lasts after `sync` or `publish`. Raises MachineError."""
    middle = len(content) // 2
    with _told(path, len(content)), _or_nothing(path):
        step("create", path)
        with _created(path) as file:
            file.write(memoryview(content)[:middle])
            file.flush()
            step("half", path)
            file.write(memoryview(content)[middle:])


@contextmanager
def stream(path: Path, size: float = 0) -> Iterator[Callable[[Any], int]]:
    """A file to be written piece by piece, as `write` does it: gives what writes a piece and tells its bytes.

    size: bytes expected in all, for the message. Raises MachineError.
    """
    temporary = _aside(path)
    with _told(path, size), _or_nothing(temporary):
        step("create", temporary)
        with _created(temporary) as file:

            def more(content: Any) -> int:
                step("write", temporary)
                return file.write(content)

            yield more
    settle(temporary, path)


def settle(temporary: Path, path: Path) -> None:
    """Give a file of the same folder its name when all of it is stored; it is gone if that fails.

    Raises MachineError.
    """
    with _told(path):
        with _or_nothing(temporary):
            _fsync(temporary)
            step("rename", path)
            temporary.replace(path)
        _fsync(path.parent)


def write_json(path: Path, value: Any) -> None:
    """As `write`, in canonical form."""
    write(path, canonical(value))


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no NaN: the same value gives the same bytes."""
    text = json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    return text.encode(errors="backslashreplace")  # half characters, of names that are not UTF-8, as JSON escapes them


def make_folder(path: Path, *, lasting: bool = True) -> None:
    """Create a folder and those above it. Not `lasting`: only after `sync_all` or `publish`. Raises MachineError."""
    with _told(path):
        missing = [each for each in (path, *path.parents) if not each.is_dir()]
        for each in reversed(missing):
            step("mkdir", each)
            each.mkdir(exist_ok=True)
            if lasting:
                _fsync(each.parent)


def sync(*paths: Path) -> None:
    """What these files hold, and the names in these folders, survive a power loss from now on. Raises MachineError.

    They are synced at once, for a file system writes them together then, and not one after the other.
    """
    for path in paths:
        with _told(path):
            step("fsync", path)
    with ThreadPoolExecutor(SYNCED_AT_ONCE) as pool:
        for path, done in [(path, pool.submit(_synced, path)) for path in paths]:
            with _told(path):
                done.result()


def sync_all(folder: Path) -> None:
    """A folder with all it holds survives a power loss from now on. Raises MachineError."""
    sync(*sorted(folder.rglob("*")), folder)


def publish(partial: Path, final: Path) -> None:
    """Give a finished folder its name; before that moment it is not there for anybody. Raises MachineError."""
    sync_all(partial)
    with _told(final):
        step("rename", final)
        partial.rename(final)
        _fsync(final.parent)


def unlink(path: Path) -> None:
    """Remove a file, if it is there. Raises MachineError."""
    with _told(path):
        step("unlink", path)
        path.unlink(missing_ok=True)


def remove(path: Path, *, lasting: bool = True) -> None:
    """Remove a folder with all it holds: first its name goes, so that half a folder is never seen.

    Not `lasting`: after a power loss it may be there again, whole or in part. Raises MachineError.
    """
    if path.is_symlink():
        unlink(path)
    elif path.exists():
        with _told(path):
            doomed = path.with_name(f".{path.name}.removed")
            shutil.rmtree(doomed, ignore_errors=True)
            step("rename", doomed)
            path.rename(doomed)
            if lasting:
                _fsync(path.parent)
            step("rmtree", doomed)
            shutil.rmtree(doomed)


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder and those right below it.

    Only for whoever holds the folder's lock.
    """
    for leftover in [*folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")]:
        unlink(leftover)


def refuse_links(folder: Path) -> None:
    """Raises IntegrityError (exit 7) if a folder is a link, or something right below: what is written must stay."""
    for path in (folder, *(sorted(folder.iterdir()) if folder.is_dir() else ())):
        if path.is_symlink():
            fix = f"rm {shlex.quote(str(path))} and give the same command again."
            raise IntegrityError([Problem("FOLDER_LINK", "is a link, and leads elsewhere.", str(path), fix)])


def probe(folder: Path) -> None:
    """Write, sync, rename and remove a file, so that a folder which cannot keep a run is known before training.

    Raises MachineError.
    """
    write(folder / ".probe", b"paribus")
    unlink(folder / ".probe")


def need(path: Path, size: float, what: str) -> None:
    """Raises MachineError (exit 6) if there is no room for so many bytes where `path` is or will be."""
    if size > free(path):
        message = f"there is too little room for {what}: up to {megabytes(size)}, {megabytes(free(path))} free."
        raise MachineError([Problem("ENV_DISK_FULL", message, str(path), ROOM)])


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _created(path: Path) -> BinaryIO:
    """A file to write into; never what a link leads to, and no pipe: others may have made some in the folder."""
    return open(path, "wb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666))


def _fsync(path: Path) -> None:
    step("fsync", path)
    _synced(path)


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # nobody is waited for
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _or_nothing(path: Path) -> Iterator[None]:
    """Where the file does not become whole it is removed."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _told(path: Path, size: float = 0) -> Iterator[None]:
    """Errors of the system in the user's words."""
    try:
        yield
    except OSError as error:
        raise environment_error(error, path, size) from None


def environment_error(error: OSError, path: Path, size: float = 0) -> MachineError:
    """What the system said, in the user's words. size: bytes that were to be written."""
    code = CODES.get(error.errno or 0, "ENV_IO")
    needs = f": needs {megabytes(size)}, {megabytes(free(path))} free" if size and code == "ENV_DISK_FULL" else ""
    return MachineError([Problem(code, f"{error.strerror}{needs}.", str(path), FIXES.get(code, ROOM))])


def free(path: Path) -> int:
    """Bytes that may still be written where `path` is or would be; 0 if that cannot be told."""
    there = next((each for each in (path, *path.parents) if each.exists()), path)
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return 0


def megabytes(size: float) -> str:
    """`2.4 MB`, `300 kB`."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
