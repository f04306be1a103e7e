"""Walking a data set's folders: names only, no file is opened and no link to a folder is followed."""

import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from paribus import images
from paribus.datasets.items import SPLIT_NAMES, SPLITS
from paribus.errors import DataError, Problem
from paribus.naming import is_junk


@dataclass
class Found:
    """What was met while walking a data set; never opens a file and never follows a link to a folder."""

    root: Path
    left_out: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)  # images that lie in no class folder
    ignored: int = 0

    def subfolders(self, home: Path) -> dict[str, Path]:
        """The folders directly in `home`, by name. Images beside them are noted as loose."""
        folders, files = self._entries(home)
        self.loose += [self._name(path) for path in files]
        return {path.name: path for path in folders}

    def files(self, home: Path) -> list[tuple[str, Path]]:
        """The images in `home` and below it, as (relative posix path, path), in order of name."""
        found: list[tuple[str, Path]] = []
        waiting = [home]
        while waiting:
            folders, files = self._entries(waiting.pop())
            found += [(self._name(path), path) for path in files]
            waiting += reversed(folders)
        return found

    def leave_out_loose(self) -> None:
        message = "lies in no class folder, so it has no label."
        self.left_out += [Problem("CLS_NO_CLASS_FOLDERS", message, name) for name in self.loose]

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _entries(self, home: Path) -> tuple[list[Path], list[Path]]:
        """(folders, image files) of `home`, in order of name."""
        folders: list[Path] = []
        files: list[Path] = []
        try:
            with os.scandir(home) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            message = f"cannot be listed: {error.strerror}."
            self.left_out.append(Problem("FILE_PERMISSION", message, self._name(home)))
            entries = []
        for entry in entries:
            path = Path(entry.path)
            is_image = path.suffix.lower() in images.SUFFIXES
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_junk(entry.name) or not (is_image or is_folder or entry.is_symlink()):
                self.ignored += 1
            elif not _is_utf8(entry.name):
                message = "its name is not valid UTF-8."
                self.left_out.append(Problem("NAME_NOT_UTF8", message, self._name(path), "Rename it."))
            elif is_folder:
                folders.append(path)
            elif entry.is_symlink() and not self._usable_link(path, is_image):
                continue
            else:
                files.append(path)
        return folders, files

    def _usable_link(self, link: Path, is_image: bool) -> bool:
        reason = link_problem(link, self.root, self._name(link))
        if reason is None and link.is_dir():
            message = "links to a folder of the same data set; not followed, so that no image is counted twice."
            self.notes.append(Problem("PATH_LOOP", message, self._name(link)))
        elif reason is not None and (is_image or reason.code == "PATH_OUTSIDE_ROOT"):
            self.left_out.append(reason)
        elif not is_image:
            self.ignored += 1
        else:
            return True
        return False


def link_problem(path: Path, root: Path, name: str) -> Problem | None:
    """Why the file at `path` may not be used: it is nowhere, or its real place is not below `root`."""
    try:
        real = Path(os.path.realpath(path, strict=True))
    except (OSError, ValueError):
        return Problem("FILE_MISSING", "does not exist, or is a link to nothing.", name)
    if not real.is_relative_to(os.path.realpath(root)):
        return Problem(
            "PATH_OUTSIDE_ROOT", "leads out of the data folder.", name, "Bind the folder that holds all files."
        )
    return None


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def existing(root: Path) -> Path:
    try:
        there = root.exists()
    except OSError as error:  # a name of a thousand letters, or a folder that may not be looked into
        message = f"cannot be looked at: {error.strerror}."
        raise DataError([Problem("DATA_NOT_FOUND", message, str(root), "Bind the data: --data NAME=PATH.")]) from None
    if not there:
        message = "there is no such folder."
        raise DataError([Problem("DATA_NOT_FOUND", message, str(root), "Bind the data: --data NAME=PATH.")])
    if not root.is_dir():
        raise DataError([Problem("DATA_NOT_A_FOLDER", "is a file; a folder of images was expected.", str(root))])
    return root


def split_folders(tops: dict[str, Path], found: Found) -> tuple[dict[str, Path], list[Problem]]:
    """Split -> folder, in the order train, val, test; empty if the folders of the root are classes."""
    named: dict[str, list[str]] = defaultdict(list)
    for name in tops:
        if name.lower() in SPLIT_NAMES:
            named[SPLIT_NAMES[name.lower()]].append(name)
    others = [name for name in tops if name.lower() not in SPLIT_NAMES]
    if not named or (others and not ("train" in named and len(named) > 1)):
        return {}, []
    problems = [
        Problem("SPLIT_TWICE", f"the folders {' and '.join(names)} both mean {split}.", "", "Keep one of them.")
        for split, names in named.items()
        if len(names) > 1
    ]
    if "train" not in named or len(named) == 1:
        expected = "expected are train and val (and test), or no split folders."
        problems.append(Problem("SPLIT_MISSING", f"has only {', '.join(sorted(tops))}; {expected}", found.root.name))
    message = "lies beside the split folders and was not looked into."
    found.notes += [Problem("DATA_FOLDER_IGNORED", message, name) for name in others]
    return {split: tops[named[split][0]] for split in SPLITS if split in named}, problems
