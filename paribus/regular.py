"""Regular files only: a pipe, which is waited for, or a device, which never ends, is not opened wherever it lies."""

import errno
import stat
from collections.abc import Iterator
from pathlib import Path

LARGEST = 1 << 30  # bytes of a text, unless the caller allows more
LONGEST_LINE = 1 << 20  # characters


def size_of(path: Path) -> int:
    """Bytes of a regular file. Raises OSError for what is none."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file (a pipe, socket, device or folder)", str(path))
    return found.st_size


def content(path: Path) -> bytes:
    """What a regular file holds. Raises OSError."""
    size_of(path)
    return path.read_bytes()


def lines(path: Path, largest: int = LARGEST) -> Iterator[str]:
    """The lines of a text in UTF-8, with their ends as they stand in the file, which is what `csv.reader` wants.

    Raises ValueError (UnicodeDecodeError where it is not UTF-8), in words that follow `cannot be read:`, and OSError.
    """
    size = size_of(path)
    if size > largest:
        raise ValueError(f"it has {size} bytes, more than {largest}")
    with path.open(newline="", encoding="utf-8-sig") as file:
        while line := file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise ValueError(f"it has a line of more than {LONGEST_LINE} characters")
            yield line
