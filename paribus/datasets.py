"""The built-in data sets: what each image is called, which class it has and to which split it belongs.

A data part looks at names only; whether the files are usable is for the scan to find out. Its keyword-only arguments
are the study's choices. `root` comes from the run, and is part of no identity.
"""

import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from paribus import images
from paribus.errors import DataError, Problem, StudyError, unknown
from paribus.labels import Space

SPLITS = ("train", "val", "test")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_DEFAULT_SHARES = {"train": 0.7, "val": 0.3}
_KEPT_DRAWINGS = 256 << 20  # bytes of generated pixels held in memory; larger sets are drawn again when asked for


@dataclass(frozen=True)
class Item:
    """One image of a data set.

    id: unique and stable, a posix path relative to the data set's root. split: train, val or test. label: an index of
    the set's classes. source: None if the image is generated. group: images of one group (a person, a scene) belong
    together. box: left, top, right, bottom in pixels, where it is known what the picture shows. mask: the file that says
    what each pixel is, in a set of masks; `label` means nothing there.
    """

    id: str
    split: str
    label: int
    source: Path | None
    group: str | None = None
    box: tuple[float, float, float, float] | None = None
    mask: Path | None = None


@dataclass(frozen=True)
class ImageSet:
    """A data set before or after its scan.

    load: gives the (H, W, 3) uint8 RGB pixels of an item. left_out: files that cannot be items, and why. notes:
    warnings. ignored: how many files and folders were passed over because they are no images (hidden ones, texts).
    own_split: whether the split was drawn here and not given. space and masks: the classes with their colours, and what
    gives an item's mask, (H, W) uint8 class indices and VOID at the mask's own size; both None in a set of labels.
    """

    name: str
    classes: tuple[str, ...]
    items: tuple[Item, ...]
    load: Callable[[Item], NDArray[np.uint8]]
    left_out: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    ignored: int = 0
    own_split: bool = False
    space: Space | None = None
    masks: Callable[[Item], NDArray[np.uint8]] | None = None


def folder(
    root: Path, *, splits: dict[str, float] | None = None, split_seed: int = 0, groups: str | None = None
) -> ImageSet:
    """Images in one folder a class: `train/<class>/` and `val/<class>/` (and `test/<class>/`), or `<class>/` alone.

    Without split folders the images are split by `splits` (default 0.7 train, 0.3 val), class by class; the draw
    depends on `split_seed` and names only. Exact copies stay together, and so do the images of a group: `groups` is a
    regular expression with one group, searched in the path relative to `root`. Raises DataError and StudyError.
    """
    pattern = _pattern(groups)
    root = _existing(root)
    found = _Found(root)
    tops = found.subfolders(root)
    split_folders, problems = _split_folders(tops, found)
    if split_folders and splits:
        message = (
            f"has the folders {', '.join(p.name for p in split_folders.values())}, and the study asks for a split."
        )
        raise StudyError([Problem("SPLITS_TWICE", message, root.name, "Remove `splits`.")])
    homes = {split: found.subfolders(home) for split, home in split_folders.items()} if split_folders else {"": tops}
    classes = tuple(sorted({name for home in homes.values() for name in home}))
    problems += _class_problems(classes, {s: set(home) for s, home in homes.items()}, found)
    if problems:
        raise DataError(problems + found.left_out)
    items = [
        Item(rel, split, classes.index(name), path)
        for split, home in homes.items()
        for name, class_folder in home.items()
        for rel, path in found.files(class_folder)
    ]
    found.leave_out_loose()
    if not items and not found.left_out:
        raise DataError([Problem("DATA_EMPTY", "holds no images.", root.name)])
    items = _grouped(items, pattern)
    if not split_folders:
        items = _split(items, splits, split_seed)
    return _image_set("folder", classes, items, found.left_out, found.notes, found.ignored, not split_folders)


def csv(
    root: Path,
    *,
    manifest: str = "manifest.csv",
    image: str = "image",
    label: str = "label",
    split: str = "split",
    group: str | None = None,
    splits: dict[str, float] | None = None,
    split_seed: int = 0,
) -> ImageSet:
    """Images listed in `manifest`, a CSV file with a header below `root`; paths are relative to the manifest.

    `image`, `label`, `split` and `group` name its columns. Without the column `split` the images are split as in
    `folder`. Raises DataError with all problems of the table at once, and StudyError.
    """
    root = _existing(root)
    table = root / manifest
    outside = _link_problem(table, root, manifest) if table.exists() else None
    if outside:
        raise DataError([outside])
    rows, columns = _table(table, manifest)
    problems = [
        Problem(
            "CSV_COLUMN_MISSING", f"has no column {name!r}; it has {', '.join(columns)}.", manifest, f"Set `{key}`."
        )
        for key, name in (("image", image), ("label", label), ("group", group))
        if name is not None and name not in columns
    ]
    if problems:
        raise DataError(problems)
    given_split = split in columns
    if given_split and splits:
        message = f"has a column {split!r}, and the study asks for a split."
        raise StudyError([Problem("SPLITS_TWICE", message, manifest, "Remove `splits` or name no such column.")])
    needed = [image, label, *([group] if group else []), *([split] if given_split else [])]
    problems = _row_problems(rows, needed, image, split if given_split else None, manifest)
    classes = tuple(sorted({row[label] for _, row in rows if row[label]}))
    by_split: dict[str, set[str]] = defaultdict(set)
    for _, row in rows:
        by_split[_SPLIT_NAMES.get(row[split].lower(), "") if given_split else ""].add(row[label])
    if not problems:
        problems = _class_problems(classes, dict(by_split), None)
    if problems:
        raise DataError(problems)
    items, left_out = [], []
    for _, row in rows:
        name = str(PurePosixPath(row[image].replace("\\", "/")))
        path = table.parent / name
        reason = _link_problem(path, root, name)
        if reason:
            left_out.append(reason)
            continue
        where = _SPLIT_NAMES[row[split].lower()] if given_split else ""
        items.append(Item(name, where, classes.index(row[label]), path, row[group] if group else None))
    if not given_split:
        items = _split(items, splits, split_seed)
    return _image_set("csv", classes, items, left_out, [], 0, not given_split)


def faces(
    *,
    n: int = 800,
    n_val: int = 400,
    n_test: int = 0,
    size: int = 96,
    difficulty: float = 0.5,
    confound: float = 0.0,
    seed: int = 0,
) -> ImageSet:
    """Drawn faces, smiling or neutral, whose truth is known; nothing is read from disk.

    `n`, `n_val` and `n_test` count the images of each split, `size` is their side in pixels, `difficulty` in [0, 1]
    sets how much the classes overlap, and `confound` is the share of training images whose background hue follows the
    label. `seed` draws another set; a run's seed never changes the data. Raises StudyError.
    """
    from paribus.faces import CLASSES, draw

    counts = {"train": n, "val": n_val, "test": n_test}
    problems = [f"faces: {k} is {v}, must be 0 or more." for k, v in counts.items() if v < 0]
    problems += ["faces: needs n of 2 or more, and n_val or n_test of 2 or more."] * (n < 2 or max(n_val, n_test) < 2)
    problems += [
        f"faces: {name} is {value}, must be between 0 and 1."
        for name, value in (("difficulty", difficulty), ("confound", confound))
        if not 0 <= value <= 1
    ]
    problems += [f"faces: size is {size}, must be between 32 and 1024."] * (not 32 <= size <= 1024)
    if problems:
        raise StudyError([Problem("FACES", text) for text in problems])
    keep = sum(counts.values()) * size * size * 3 <= _KEPT_DRAWINGS
    kept: dict[str, NDArray[np.uint8]] = {}

    def item(place: tuple[str, int]) -> Item:
        split, index = place
        face = draw(index, split=split, size=size, difficulty=difficulty, confound=confound, seed=seed)
        name = f"{split}/{index:05d}"
        if keep:
            kept[name] = face.image
        return Item(name, split, face.label, None, box=face.box)

    def load(wanted: Item) -> NDArray[np.uint8]:
        if wanted.id in kept:
            return kept[wanted.id]
        index = int(wanted.id.rpartition("/")[2])
        options = {"difficulty": difficulty, "confound": confound}
        return draw(index, split=wanted.split, size=size, seed=seed, **options).image

    with ThreadPoolExecutor(2) as pool:
        items = tuple(pool.map(item, [(split, i) for split, count in counts.items() for i in range(count)]))
    return ImageSet("faces", tuple(CLASSES), items, load)


# ------------------------------------------------------------------------------------------------ what lies where


@dataclass
class _Found:
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
        folders, files = self._entries(home)
        found = [(self._name(path), path) for path in files]
        for inner in folders:
            found += self.files(inner)
        return found

    def leave_out_loose(self) -> None:
        message = "lies in no class folder, so it has no label."
        self.left_out += [Problem("CLS_NO_CLASS_FOLDERS", message, name) for name in self.loose]

    def _name(self, path: Path) -> str:
        return os.fsencode(path.relative_to(self.root).as_posix()).decode("utf-8", "backslashreplace")

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
            if _is_junk(entry.name) or not (is_image or is_folder or entry.is_symlink()):
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
        reason = _link_problem(link, self.root, self._name(link))
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


def _link_problem(path: Path, root: Path, name: str) -> Problem | None:
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


def _is_junk(name: str) -> bool:
    """Names that operating systems, notebooks and storage boxes leave behind."""
    return name.startswith((".", "@", "$")) or name.lower() in ("__macosx", "thumbs.db", "desktop.ini")


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _existing(root: Path) -> Path:
    if not root.exists():
        message = "there is no such folder."
        raise DataError([Problem("DATA_NOT_FOUND", message, str(root), "Bind the data: --data NAME=PATH.")])
    if not root.is_dir():
        raise DataError([Problem("DATA_NOT_A_FOLDER", "is a file; a folder of images was expected.", str(root))])
    return root


def _split_folders(tops: dict[str, Path], found: _Found) -> tuple[dict[str, Path], list[Problem]]:
    """Split -> folder, in the order train, val, test; empty if the folders of the root are classes."""
    named: dict[str, list[str]] = defaultdict(list)
    for name in tops:
        if name.lower() in _SPLIT_NAMES:
            named[_SPLIT_NAMES[name.lower()]].append(name)
    others = [name for name in tops if name.lower() not in _SPLIT_NAMES]
    if not named or (others and not ("train" in named and len(named) > 1)):
        return {}, []
    problems = [
        Problem("SPLIT_TWICE", f"the folders {' and '.join(names)} both mean {split}.", "", "Keep one of them.")
        for split, names in named.items()
        if len(names) > 1
    ]
    if "train" not in named or len(named) == 1:
        expected = "expected are train and val (and test), or class folders alone."
        problems.append(Problem("SPLIT_MISSING", f"has only {', '.join(sorted(tops))}; {expected}", found.root.name))
    message = "lies beside the split folders and was not looked into."
    found.notes += [Problem("DATA_FOLDER_IGNORED", message, name) for name in others]
    return {split: tops[named[split][0]] for split in SPLITS if split in named}, problems


def _class_problems(classes: Sequence[str], by_split: dict[str, set[str]], found: _Found | None) -> list[Problem]:
    """What is wrong with the classes, before any file is opened."""
    where = found.root.name if found else ""
    if not classes:
        if found is None or not found.loose:
            return [Problem("DATA_EMPTY", "holds no images.", where)]
        message = f"holds {len(found.loose)} images but no class folders."
        return [
            Problem("CLS_NO_CLASS_FOLDERS", message, where, "Put the images of each class into a folder of its name.")
        ]
    problems = _name_collisions(classes, "CLASS_NAME_COLLISION", "CLASS_NAME_COLLISION", "class names")
    if len(classes) < 2:
        message = f"has one class only, {classes[0]!r}; two or more are needed."
        nested = found and any(p.is_dir() and not p.name.startswith(".") for p in (found.root / classes[0]).glob("*"))
        fix = f"Did you mean the folder {where}/{classes[0]} ?" if nested else ""
        problems.append(Problem("CLS_TOO_FEW_CLASSES", message, where, fix))
    lists = {split: sorted(names) for split, names in by_split.items()}
    if len({tuple(names) for names in lists.values()}) > 1:
        odd = sorted(set(classes) - set(classes).intersection(*by_split.values()))
        listed = "; ".join(f"{split}: {', '.join(names) or 'none'}" for split, names in lists.items())
        message = f"the splits have different classes ({', '.join(odd)} not in all). {listed}."
        problems.append(Problem("SPLIT_CLASS_MISMATCH", message, where, "Give every split the same classes."))
    return problems


def _name_collisions(names: Iterable[str], unicode_code: str, case_code: str, what: str) -> list[Problem]:
    """Names that are one on some computers: equal but for Unicode normalisation, or but for case and outer blanks."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[unicodedata.normalize("NFC", name).casefold().strip()].append(name)
    problems = []
    for twins in alike.values():
        normal = {unicodedata.normalize("NFC", name) for name in twins}
        if len(twins) > len(normal):
            message = f"the {what} {_quoted(twins)} differ in Unicode normalisation only."
            problems.append(Problem(unicode_code, message, twins[0], "Rename one."))
        elif len(twins) > 1:
            message = f"the {what} {_quoted(twins)} differ in case or outer blanks only."
            problems.append(Problem(case_code, message, twins[0], "Rename one."))
    return problems


def _quoted(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names)


def _image_set(
    name: str,
    classes: tuple[str, ...],
    items: list[Item],
    left_out: list[Problem],
    notes: list[Problem],
    ignored: int,
    own_split: bool,
) -> ImageSet:
    """A set of files. Names that would collide on another computer are noted."""
    twins = _name_collisions((i.id for i in items), "NAME_COLLISION_UNICODE", "NAME_COLLISION_CASE", "file names")
    in_order = tuple(sorted(items, key=lambda item: item.id))
    return ImageSet(name, classes, in_order, _load_file, tuple(left_out), (*notes, *twins), ignored, own_split)


def _load_file(item: Item) -> NDArray[np.uint8]:
    if item.source is None:
        raise ValueError(f"{item.id} has no file")
    return images.decode(item.source, name=item.id)


# ------------------------------------------------------------------------------------------------ tables

Row = tuple[int, dict[str, str]]  # (line of the file, value of each column)


def _table(path: Path, name: str) -> tuple[list[Row], list[str]]:
    """The rows of a CSV file (comma, quotes, UTF-8, a header), outer blanks removed, and its columns."""
    import csv as tables

    if not path.is_file():
        there = sorted(p.name for p in path.parent.glob("*.csv"))
        fix = f"Set `manifest` to one of {', '.join(there)}." if there else ""
        raise DataError([Problem("DATA_NOT_FOUND", "there is no such file.", name, fix)])
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = tables.reader(file, strict=True)
            header = [column.strip() for column in next(reader, [])]
            lines = [
                (reader.line_num, [v.strip() for v in values]) for values in reader if any(v.strip() for v in values)
            ]
    except (UnicodeDecodeError, tables.Error) as error:
        raise DataError([Problem("CSV_UNREADABLE", f"is not a UTF-8 CSV file: {error}.", name)]) from None
    problems = []
    if len(set(header)) < len(header):
        problems.append(Problem("CSV_COLUMN_TWICE", f"has a column twice: {', '.join(header)}.", name))
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        problems.append(Problem("CSV_SEPARATOR", "has one column only; columns are separated by commas.", name))
    odd = [line for line, values in lines if len(values) != len(header)]
    if odd and header:
        problems.append(Problem("CSV_ROW_LENGTH", f"not {len(header)} values in {_lines(odd)}.", name))
    if not lines:
        problems.append(Problem("DATA_EMPTY", "has no rows.", name))
    if problems:
        raise DataError(problems)
    return [(line, dict(zip(header, values, strict=True))) for line, values in lines], header


def _row_problems(rows: list[Row], needed: list[str], image: str, split: str | None, where: str) -> list[Problem]:
    """What is wrong with the values of a table; each kind once, with its lines."""
    lines: dict[tuple[str, str], list[int]] = defaultdict(list)
    first: dict[str, int] = {}
    for line, row in rows:
        for column in needed:
            if not row[column]:
                lines["CSV_EMPTY_VALUE", f"no {column}"].append(line)
        name = row[image].replace("\\", "/")
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", name):
            reason = (
                f"a URL as {image} (files are never fetched, so that a study stays repeatable; download them first)"
            )
            lines["CSV_URL", reason].append(line)
        elif name.startswith(("/", "~")) or re.match(r"[a-zA-Z]:/", name):
            lines["PATH_ABSOLUTE", f"an absolute path as {image} (write it relative to the manifest)"].append(line)
        elif name and first.setdefault(str(PurePosixPath(name)), line) != line:
            lines["CSV_IMAGE_TWICE", "an image that was listed before"].append(line)
        if split and row[split] and row[split].lower() not in _SPLIT_NAMES:
            lines["CSV_UNKNOWN_SPLIT", unknown("split", row[split], SPLITS).rstrip(".")].append(line)
    problems = [Problem(code, f"{reason} in {_lines(at)}.", where) for (code, reason), at in lines.items()]
    present = {_SPLIT_NAMES.get(row[split].lower(), "") for _, row in rows} if split else set()
    if split and not lines and ("train" not in present or len(present) < 2):
        message = f"column {split!r} holds only {', '.join(sorted(present))}; needed are train and val or test."
        problems.append(Problem("SPLIT_MISSING", message, where))
    return problems


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"


# ------------------------------------------------------------------------------------------------ groups and splits


def _pattern(groups: str | None) -> re.Pattern[str] | None:
    if groups is None:
        return None
    expected = "expected a regular expression with one group, such as '(subject[0-9]+)_'."
    try:
        pattern = re.compile(groups)
    except re.error as error:
        raise StudyError([Problem("GROUPS_PATTERN", f"groups {groups!r}: {error}; {expected}")]) from None
    if pattern.groups != 1:
        raise StudyError([Problem("GROUPS_PATTERN", f"groups {groups!r} has {pattern.groups} groups; {expected}")])
    return pattern


def _grouped(items: list[Item], pattern: re.Pattern[str] | None) -> list[Item]:
    if pattern is None:
        return items
    matches = {item.id: pattern.search(item.id) for item in items}
    missed = [name for name, match in matches.items() if match is None or match.group(1) is None]
    if missed:
        message = f"groups {pattern.pattern!r} does not match {len(missed)} of {len(items)} images, e.g. {missed[0]!r}."
        raise DataError(
            [Problem("GROUPS_PATTERN", message, "", "Widen the pattern; it is searched in the whole path.")]
        )
    return [replace(item, group=match.group(1)) for item in items if (match := matches[item.id])]


def _shares(splits: dict[str, float] | None) -> dict[str, float]:
    """Checked shares in the order train, val, test. Raises StudyError."""
    if splits is None:
        return _DEFAULT_SHARES
    problems = [unknown("split", name, SPLITS) for name in splits if name not in SPLITS]
    problems += [f"the share of {name} is {share}, must be above 0." for name, share in splits.items() if not share > 0]
    if abs(sum(splits.values()) - 1) > 1e-6:
        problems.append(f"the shares sum to {sum(splits.values()):g}, must be 1.")
    if "train" not in splits or len(splits) < 2:
        problems.append("needed are train and at least one of val and test, such as {train: 0.7, val: 0.3}.")
    if problems:
        raise StudyError([Problem("SPLITS", f"splits: {text}") for text in problems])
    return {name: splits[name] for name in SPLITS if name in splits}


def _split(items: list[Item], splits: dict[str, float] | None, seed: int) -> list[Item]:
    """The items with their splits drawn, class by class.

    What must stay together (a group, exact copies) is one unit. The units of a class are put in the order of a hash of
    (seed, name), and the first ones go to test, then to val, then to train: neither the order of the files nor other
    classes matter, and an added file moves few others. Shares count units.
    """
    shares = _shares(splits)
    strata: dict[int, list[tuple[str, list[Item]]]] = defaultdict(list)
    for unit in _units(items):
        labels = [item.label for item in unit]
        usual = max(sorted(set(labels)), key=labels.count)  # a group may hold several classes
        name = min(item.group or item.id for item in unit)
        strata[usual].append((hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest(), unit))
    drawn = []
    for units in strata.values():
        units.sort(key=lambda unit: unit[0])
        names = [split for split, count in _counts(len(units), shares).items() for _ in range(count)]
        drawn += [replace(item, split=split) for split, (_, unit) in zip(names, units, strict=True) for item in unit]
    return drawn


def _counts(n: int, shares: dict[str, float]) -> dict[str, int]:
    """How many of `n` units each split gets, the last split first: rounded, but at least one while there are enough."""
    counts: dict[str, int] = {}
    for split in reversed(shares):
        others = len(shares) - 1 - len(counts)  # splits that are still to come
        left = n - sum(counts.values())
        counts[split] = left if others == 0 else max(0, min(max(1, round(n * shares[split])), left - others))
    return counts


def _units(items: list[Item]) -> list[list[Item]]:
    """The items, those that must stay together in one list."""
    leader = {item.id: item.id for item in items}

    def top(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    copies = _copies(items)
    for keys in ({i.id: i.group for i in items}, copies):
        first: dict[str, str] = {}
        for name, key in keys.items():
            if key is not None:
                a, b = sorted((top(name), top(first.setdefault(key, name))))
                leader[b] = a
    units: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        units[top(item.id)].append(item)
    return list(units.values())


def _copies(items: list[Item]) -> dict[str, str | None]:
    """The content hash of each file that may have an exact copy: only files of equal size are read."""
    by_size: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        try:
            by_size[item.source.stat().st_size if item.source else -1].append(item)
        except OSError:
            continue  # the scan will name it
    hashes: dict[str, str | None] = {}
    for item in (i for alike in by_size.values() if len(alike) > 1 for i in alike):
        try:
            hashes[item.id] = images.hash_bytes(images.read_bytes(item.source)) if item.source else None
        except images.ImageProblem:
            hashes[item.id] = None  # the scan will name it
    return hashes
