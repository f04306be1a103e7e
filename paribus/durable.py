"""All lasting writes: a file is whole or absent, and what is said to be stored survives a crash."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from paribus.errors import LockedError, MachineError, Problem


def write(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: a temporary file in the same folder, synced, renamed, the folder synced.

    Raises MachineError (exit 6) if the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise environment_error(error, path, len(content)) from None


@contextmanager
def stream(path: Path) -> Iterator[BinaryIO]:
    """A file to be written piece by piece; it gets its name when all is there and synced."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Canonical JSON: sorted keys, no NaN; the same value gives the same bytes."""
    write(path, (json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode())


def make_folder(path: Path) -> None:
    """Create a folder and those above it. Raises MachineError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise environment_error(error, path) from None


def publish(partial: Path, final: Path) -> None:
    """Give a finished folder its name; before that moment it is not there for anybody."""
    sync_folder(partial)
    partial.rename(final)
    sync_folder(final.parent)


def remove(path: Path) -> None:
    """Remove a folder with all it holds: first its name goes, so that half a folder is never seen."""
    if path.exists():
        doomed = path.with_name(f".{path.name}.removed")
        shutil.rmtree(doomed, ignore_errors=True)
        path.rename(doomed)
        shutil.rmtree(doomed)


def sync_folder(path: Path) -> None:
    """fsync of a folder, so that the names in it survive a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold `path`; the lock dies with the process. Raises LockedError (exit 5) at once if another holds it."""
    make_folder(path.parent)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            fix = "wait for it, or give this run another --out folder."
            raise LockedError([Problem("LOCKED", f"is in use by process {holder}.", str(path.parent), fix)]) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def environment_error(error: OSError, path: Path, size: int = 0) -> MachineError:
    """What the system said, in the user's words."""
    codes = {28: "ENV_DISK_FULL", 122: "ENV_DISK_FULL", 13: "ENV_PERMISSION", 1: "ENV_PERMISSION", 30: "ENV_READ_ONLY"}
    needs = f" ({size} bytes were to be written)" if size else ""
    fix = "make room or choose another folder with --out, then give the same command again: it goes on."
    return MachineError([Problem(codes.get(error.errno or 0, "ENV_IO"), f"{error.strerror}{needs}.", str(path), fix)])
