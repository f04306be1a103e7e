"""Which files are meant: files, folders with all below them, patterns, and paths that are read from a stream."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from glob import has_magic, iglob
from pathlib import Path
from typing import BinaryIO

from paribus import images
from paribus.errors import DataError, Problem, StudyError
from paribus.naming import is_junk

STREAM = "-"


@dataclass
class Passed:
    """What was met on the way: files that are no images by their names, and what could not be looked into."""

    others: int = 0
    problems: list[Problem] = field(default_factory=list)


def listed(given: Iterable[str], stream: BinaryIO, passed: Passed) -> Iterator[Path]:
    """The files that `given` means, one after another, never all at once.

    A folder means the images below it, in order of name; links to folders are not followed, hidden files not taken. A
    pattern (`photos/*.jpg`, `photos/**/*.png`) means what it matches. `-` means the paths in `stream`, one a line.
    A file that is named is taken whatever its name ends in, and so is a name that is nowhere: whoever reads it says so.
    """
    for text in given:
        if text != STREAM:
            yield from _meant(text, passed)
            continue
        for line in stream:
            path = os.fsdecode(line.rstrip(b"\r\n"))
            if path:
                yield from _meant(path, passed)


def refuse_inside(given: Iterable[str], out: Path) -> None:
    """Raises StudyError if `out` lies in a folder of images that is read: what is written would be read."""
    for text in given:
        folder = Path(text)
        if text != STREAM and folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
            message = f"--out {out} is inside {text}, which is read and never written to."
            raise StudyError([Problem("OUT_INSIDE", message, fix="name a folder beside it.")])


def nothing(given: Iterable[str], passed: Passed) -> DataError:
    """What is said where there was no image at all."""
    others = f" ({passed.others} files with other names are there)" if passed.others else ""
    message = f"there is no image in what was named{others}."
    fix = "name image files, folders, patterns, or - for paths from standard input."
    return DataError([Problem("NO_IMAGES", message, ", ".join(given)[:200], fix), *passed.problems])


def _meant(text: str, passed: Passed) -> Iterator[Path]:
    path = Path(text)
    if path.is_dir():
        yield from _below(path, passed)
    elif has_magic(text) and not os.path.lexists(path):
        yield from _matching(text, passed)
    else:
        yield path


def _matching(pattern: str, passed: Passed) -> Iterator[Path]:
    any_found = False
    for found in iglob(pattern, recursive=True):  # noqa: PTH207 - a pattern of any folder, also an absolute one
        path = Path(found)
        if path.is_file():
            any_found = True
            yield path
    if not any_found:
        passed.problems.append(Problem("FILE_MISSING", "no file matches this pattern.", pattern))


def _below(folder: Path, passed: Passed) -> Iterator[Path]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        message = f"cannot be listed: {error.strerror}."
        passed.problems.append(Problem("FILE_PERMISSION", message, str(folder)))
        return
    folders = []
    for entry in entries:
        if is_junk(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            folders.append(Path(entry.path))
        elif Path(entry.name).suffix.lower() in images.SUFFIXES:
            yield Path(entry.path)
        elif not entry.is_dir():
            passed.others += 1
    for inner in folders:
        yield from _below(inner, passed)
