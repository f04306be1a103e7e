"""The files of a scanned set, watched while runs are trained on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from paribus import images
from paribus.errors import DataChanged, Problem
from paribus.images import ImageProblem

Mark = tuple[int, int, int, int]  # size in bytes, when content and entry changed (ns), number of the file


@dataclass(frozen=True)
class Sources:
    """What was read: path -> (name, sha256), and how the file system described each file before that.

    The marks only save reading: where one differs, the content decides.
    """

    files: Mapping[Path, tuple[str, str]] = field(default_factory=dict)
    marks: dict[Path, Mark | None] = field(default_factory=dict)

    def problems(self) -> list[Problem]:
        """An entry for each file that is not what was scanned: DATA_CHANGED, or why it cannot be read."""
        found = []
        for path, (name, sha256) in self.files.items():
            mark = mark_of(path)
            if mark is not None and mark == self.marks.get(path):
                continue
            problem = _difference(path, name, sha256)
            if problem is None:
                self.marks[path] = mark
            else:
                found.append(problem)
        return found


def mark_of(path: Path) -> Mark | None:
    """How the file system describes a file now; None if it is not there."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino


def _difference(path: Path, name: str, sha256: str) -> Problem | None:
    try:
        images.check_bytes(images.read_bytes(path, name), sha256, name)
    except (ImageProblem, DataChanged) as error:
        return replace(error.problems[0], where=name)
    return None
