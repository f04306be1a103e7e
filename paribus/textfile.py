"""Texts that came with somebody's data, read line by line: a regular file, of bounded size and lines, in UTF-8."""

import stat
from collections.abc import Iterator
from pathlib import Path

LARGEST = 1 << 30  # bytes, unless the caller allows more
LONGEST_LINE = 1 << 20  # characters


def lines(path: Path, largest: int = LARGEST) -> Iterator[str]:
    """The lines with their ends as they stand in the file, which is what `csv.reader` wants.

    Raises ValueError (UnicodeDecodeError where it is not UTF-8), in words that follow `cannot be read:`, and OSError.
    """
    found = path.stat()  # before it is opened: whoever opens a pipe waits for its writer
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no regular file (a pipe, socket, device or folder)")
    if found.st_size > largest:
        raise ValueError(f"it has {found.st_size} bytes, more than {largest}")
    with path.open(newline="", encoding="utf-8-sig") as file:
        while line := file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise ValueError(f"it has a line of more than {LONGEST_LINE} characters")
            yield line
