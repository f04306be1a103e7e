"""Looks at every image of a data set once: what is usable, what is wrong, and what the content was."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from paribus import images
from paribus.datasets import SPLITS, ImageSet, Item
from paribus.errors import DataError, Problem

FORMAT = 1
REJECT_SHARE = 0.05  # more unusable files than this, and more than REJECT_COUNT, look like a failed copy
REJECT_COUNT = 2
_SHOWN = 10
_THUMBNAIL = 8  # pixels a side
# Root mean square difference of two thumbnails, in grey levels of 255, up to which they count as nearly the same. In
# photographs and faces the closest different pictures were 8 and more apart, a picture and its JPEG copy 1.4.
_NEAR = 3.0

OnLeak = Literal["refuse", "drop_train"]


@dataclass(frozen=True)
class Facts:
    """What was found in one usable image. sha256 is None, and file_bytes is 0, for a generated one.

    thumbnail: 8 x 8 RGB values, in which copies that were compressed again or resized are nearly equal.
    """

    sha256: str | None
    pixel_hash: str
    width: int
    height: int
    file_bytes: int
    thumbnail: bytes
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Scan:
    """A data set that was looked at.

    images: the usable items; their `load` refuses a file whose content is no longer the one that was looked at.
    facts: one entry for each usable item, by id. fingerprints: for each split, a hash over ids, labels, pixels and
    classes; paths have no part in it. left_out: what is not used, and why. warnings: what is used, and looks odd.
    """

    images: ImageSet
    facts: dict[str, Facts]
    fingerprints: dict[str, str]
    left_out: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def findings(self) -> tuple[Problem, ...]:
        return self.left_out + self.warnings

    def lock(self) -> dict[str, Any]:
        """JSON-ready: what each usable file was. `scan(known=...)` and `changed` read it."""
        classes = self.images.classes
        return {
            "format": FORMAT,
            "pillow": PIL.__version__,
            "data": self.images.name,
            "classes": list(classes),
            "fingerprints": self.fingerprints,
            "files": [_row(item, self.facts[item.id], classes) for item in self.images.items],
            "left_out": [_problem_row(problem) for problem in self.left_out],
        }


def scan(
    data: ImageSet,
    *,
    on_leak: OnLeak = "refuse",
    known: Mapping[str, Any] | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Scan:
    """Read and decode every item once, and check the set as a whole.

    Unusable files, and images that occur under two labels, are left out and named. The same image in two splits is
    refused, unless `on_leak` is "drop_train": then its copy in train is left out. `known` is the `lock()` of an
    earlier scan: a file with the same content is not decoded again. `progress` is called with (done, all).

    Raises DataError with every problem: DATA_EMPTY, DATA_TOO_MANY_REJECTED, CLS_EMPTY_CLASS, CLS_TOO_FEW_IMAGES,
    SPLIT_LEAK.
    """
    seen = _look(data, known, workers, progress)
    facts = {name: found for name, found in seen.items() if isinstance(found, Facts)}
    data = _reunited(data, facts)
    broken = [*data.left_out, *(found for found in seen.values() if isinstance(found, Problem))]
    copies = _copies([item for item in data.items if item.id in facts], facts)
    conflicts = [alike for alike in copies if len({item.label for item in alike}) > 1]
    agreeing = [alike for alike in copies if len({item.label for item in alike}) == 1]
    left_out = [*broken, *(problem for alike in conflicts for problem in _conflict(alike, data.classes))]
    problems = _rejections(broken, len(data.items) + len(data.left_out))
    leaks, dropped = _leaks(agreeing, on_leak)
    problems += leaks
    left_out += [_dropped(item, twin) for item, twin in dropped]

    gone = {problem.where for problem in left_out}
    usable = tuple(item for item in data.items if item.id in facts and item.id not in gone)
    problems += _missing_classes(data, usable)
    if problems:
        raise DataError(problems)
    facts = {item.id: facts[item.id] for item in usable}
    duplicates = [d for alike in agreeing for d in _duplicates([item for item in alike if item.id not in gone])]
    odd = [*data.notes, *(w for f in facts.values() for w in f.warnings), *duplicates]
    odd += [*_near_copies(usable, facts), *_shared_groups(usable)]
    checked = replace(data, items=usable, load=_guarded(data, facts), left_out=tuple(left_out))
    return Scan(checked, facts, _fingerprints(checked, facts), tuple(left_out), tuple(odd))


def changed(lock: Mapping[str, Any], now: Scan) -> list[Problem]:
    """How the data differ from an earlier scan; empty if they are the same. The caller decides what to do."""
    before = {row["path"]: row for row in lock["files"]}
    after = {row["path"]: row for row in now.lock()["files"]}
    reasons = {problem.where: problem for problem in now.left_out}
    problems = []
    if list(lock["classes"]) != list(now.images.classes):
        message = f"the classes were {', '.join(lock['classes'])} and are {', '.join(now.images.classes)}."
        problems.append(Problem("DATA_CHANGED", message))
    for path, old in before.items():
        if path in after:
            differing = [key for key in ("sha256", "pixels", "label", "split", "group") if old[key] != after[path][key]]
            if differing:
                problems.append(Problem("DATA_CHANGED", f"is not as scanned before: {', '.join(differing)}.", path))
        elif path in reasons:
            problems.append(Problem("DATA_CHANGED", f"was usable and is left out now: {reasons[path].message}", path))
        else:
            problems.append(Problem("FILE_MISSING", "was there when the data were scanned before.", path))
    message = "was not there when the data were scanned before."
    problems += [Problem("DATA_CHANGED", message, path) for path in after if path not in before]
    return problems


def describe(found: Scan) -> list[str]:
    """The scan in plain lines: classes, counts, sizes, and the findings, each kind once."""
    items = found.images.items
    splits = [split for split in SPLITS if split in found.fingerprints]
    counts = Counter((item.label, item.split) for item in items)
    width = max(len(name) for name in ("class", *found.images.classes))
    lines = [f"{len(items)} images, {len(found.images.classes)} classes"]
    lines.append("  " + "class".ljust(width) + "".join(split.rjust(8) for split in splits))
    for label, name in enumerate(found.images.classes):
        lines.append("  " + name.ljust(width) + "".join(str(counts[label, split]).rjust(8) for split in splits))
    widths = [facts.width for facts in found.facts.values()]
    heights = [facts.height for facts in found.facts.values()]
    lines.append(
        f"sizes: widths {min(widths)} to {max(widths)} (median {median(widths):g}), "
        f"heights {min(heights)} to {max(heights)} (median {median(heights):g}) pixels"
    )
    groups = {item.group for item in items} - {None}
    if groups:
        lines.append(f"groups: {len(groups)}")
    if found.images.ignored:
        lines.append(
            f"ignored: {found.images.ignored} files or folders that are no images (hidden, texts, other types)"
        )
    lines += [problem.line("left out") for problem in found.left_out]
    kinds: dict[str, list[Problem]] = defaultdict(list)
    for problem in found.warnings:
        kinds[problem.code].append(problem)
    for alike in kinds.values():
        more = f" ({len(alike) - 1} more like this)" if len(alike) > 1 else ""
        lines.append(alike[0].line("warning") + more)
    return lines


# ------------------------------------------------------------------------------------------------ one image


def _look(
    data: ImageSet, known: Mapping[str, Any] | None, workers: int, progress: Callable[[int, int], None] | None
) -> dict[str, Facts | Problem]:
    """What was found in each item, by id. Pixels are let go at once."""
    # Another version of the decoder may give other pixels for the same file.
    current = known is not None and (known.get("format"), known.get("pillow")) == (FORMAT, PIL.__version__)
    before = {row["path"]: row for row in known["files"]} if known is not None and current else {}

    def look(item: Item) -> Facts | Problem:
        try:
            if item.source is None:
                return _generated(data.load(item))
            return _file(item.source, item.id, before.get(item.id))
        except images.ImageProblem as error:
            return replace(error.problem, where=item.id)

    seen: dict[str, Facts | Problem] = {}
    with ThreadPoolExecutor(workers) as pool:
        for done, (item, found) in enumerate(zip(data.items, pool.map(look, data.items), strict=True), start=1):
            seen[item.id] = found
            if progress:
                progress(done, len(data.items))
    return seen


def _generated(pixels: NDArray[np.uint8]) -> Facts:
    height, width = pixels.shape[:2]
    return Facts(None, images.hash_pixels(pixels), width, height, 0, _thumbnail(pixels))


def _file(path: Path, name: str, before: Mapping[str, Any] | None) -> Facts:
    if before is not None:
        content = images.hash_bytes(images.read_bytes(path, name))
        if content == before["sha256"]:
            said = tuple(Problem(**row) for row in before.get("warnings", ()))
            small = bytes.fromhex(before["thumbnail"])
            return Facts(content, before["pixels"], before["width"], before["height"], before["bytes"], small, said)
    found = images.read(path, name)
    small = _thumbnail(found.pixels)
    return Facts(found.sha256, found.pixel_hash, found.width, found.height, found.file_bytes, small, found.warnings)


def _thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    return Image.fromarray(pixels).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX).tobytes()


def _guarded(data: ImageSet, facts: Mapping[str, Facts]) -> Callable[[Item], NDArray[np.uint8]]:
    """A loader that decodes only what was looked at: other content raises IntegrityError (DATA_CHANGED)."""

    def load(item: Item) -> NDArray[np.uint8]:
        if item.source is None:
            return data.load(item)
        return images.decode(item.source, sha256=facts[item.id].sha256, name=item.id)

    return load


# ------------------------------------------------------------------------------------------------ the set as a whole


def _copies(items: Sequence[Item], facts: Mapping[str, Facts]) -> list[list[Item]]:
    """The images that occur more than once. Equal files have equal pixels, so pixels decide."""
    alike: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        alike[facts[item.id].pixel_hash].append(item)
    return [copies for copies in alike.values() if len(copies) > 1]


def _reunited(data: ImageSet, facts: Mapping[str, Facts]) -> ImageSet:
    """Where the split was drawn and not given, copies in different files go to the split of the first one.

    Exact copies of a file are together already; this is for the same pixels in another format. Images of groups stay
    where their group is.
    """
    if not data.own_split:
        return data
    home: dict[str, str] = {}
    moved = [
        replace(item, split=home.setdefault(facts[item.id].pixel_hash, item.split))
        if item.id in facts and item.group is None
        else item
        for item in data.items
    ]
    return replace(data, items=tuple(moved))


def _conflict(alike: Sequence[Item], classes: Sequence[str]) -> list[Problem]:
    told = ", ".join(f"{item.id} ({classes[item.label]})" for item in alike)
    message = f"the same image has different labels: {told}. None of them is used."
    return [Problem("DATA_LABEL_CONFLICT", message, item.id, "Keep the right one.") for item in alike]


def _rejections(broken: Sequence[Problem], total: int) -> list[Problem]:
    if len(broken) <= REJECT_COUNT or len(broken) <= REJECT_SHARE * total:
        return []
    message = f"{len(broken)} of {total} files cannot be used (the limit is {REJECT_SHARE:.0%}): a failed copy?"
    more = [Problem("DATA_TOO_MANY_REJECTED", f"and {len(broken) - _SHOWN} more.")] if len(broken) > _SHOWN else []
    return [Problem("DATA_TOO_MANY_REJECTED", message), *broken[:_SHOWN], *more]


def _leaks(copies: Sequence[Sequence[Item]], on_leak: OnLeak) -> tuple[list[Problem], list[tuple[Item, Item]]]:
    """(problems, items of train to leave out with the copy that stays)."""
    leaking = [alike for alike in copies if len({item.split for item in alike}) > 1]
    dropped: list[tuple[Item, Item]] = []
    if on_leak == "drop_train":
        for alike in leaking:
            kept = [item for item in alike if item.split != "train"]
            dropped += [(item, kept[0]) for item in alike if item.split == "train"]
        leaking = [alike for alike in leaking if len({item.split for item in alike} - {"train"}) > 1]
    if not leaking:
        return [], dropped
    pairs = [" = ".join(f"{item.id} ({item.split})" for item in alike) for alike in leaking]
    more = f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    message = f"{len(pairs)} image(s) lie in more than one split: {'; '.join(pairs[:_SHOWN])}{more}."
    fix = "Delete the copies that do not belong there, or write `on_leak: drop_train` to leave out those in train."
    return [Problem("SPLIT_LEAK", message, "", fix)], dropped


def _dropped(item: Item, twin: Item) -> Problem:
    return Problem("SPLIT_LEAK", f"is also in {twin.split} ({twin.id}); left out of train, as asked.", item.id)


def _missing_classes(data: ImageSet, usable: Sequence[Item]) -> list[Problem]:
    """Every split needs at least one usable image of every class."""
    if not usable:
        return [Problem("DATA_EMPTY", "no image can be used.", data.name)]
    counts = Counter((item.label, item.split) for item in usable)
    splits = [split for split in SPLITS if any(item.split == split for item in data.items)]
    problems = []
    for label, name in enumerate(data.classes):
        each = {split: counts[label, split] for split in splits}
        total = sum(each.values())
        if not total:
            message = f"class {name!r} has no usable image."
            problems.append(Problem("CLS_EMPTY_CLASS", message, name, "Add images or remove the folder or label."))
        elif not all(each.values()):
            listed = ", ".join(f"{count} in {split}" for split, count in each.items())
            unit = "image" if total == 1 else "images"
            message = f"class {name!r} has {total} usable {unit} ({listed}); every split needs at least 1."
            problems.append(Problem("CLS_TOO_FEW_IMAGES", message, name, "Add images or remove the class."))
    return problems


def _duplicates(alike: Sequence[Item]) -> list[Problem]:
    """Copies within one class and split are used, and named."""
    if len(alike) < 2:
        return []
    names = " = ".join(item.id for item in alike)
    return [Problem("DATA_DUPLICATE", f"the same image more than once: {names}.", alike[0].id)]


def _near_copies(items: Sequence[Item], facts: Mapping[str, Facts]) -> list[Problem]:
    """Images of two splits that look nearly the same. A warning: no threshold is sure."""
    pairs: list[tuple[float, Item, Item]] = []
    for first, second in combinations(SPLITS, 2):
        left = [item for item in items if item.split == first]
        right = [item for item in items if item.split == second]
        if left and right:
            pairs += [(d, left[i], right[j]) for d, i, j in _near_pairs(_stacked(left, facts), _stacked(right, facts))]
    problems = []
    for distance, a, b in sorted(pairs, key=lambda pair: (pair[0], pair[1].id))[:_SHOWN]:
        message = f"looks nearly like {b.id} of {b.split} (thumbnails differ by {distance:.1f} of 255): a copy?"
        problems.append(Problem("SPLIT_NEAR_DUPLICATE", message, a.id))
    if len(pairs) > _SHOWN:
        problems.append(Problem("SPLIT_NEAR_DUPLICATE", f"{len(pairs)} pairs in all; the closest are named."))
    return problems


def _stacked(items: Sequence[Item], facts: Mapping[str, Facts]) -> NDArray[np.float32]:
    return np.stack([np.frombuffer(facts[i.id].thumbnail, np.uint8) for i in items]).astype(np.float32) - 128


def _near_pairs(a: NDArray[np.float32], b: NDArray[np.float32]) -> list[tuple[float, int, int]]:
    """(distance, row of a, row of b) of the rows that are at most _NEAR apart. A few hundred rows of a at a time."""
    found = []
    squares = (b * b).sum(axis=1)
    for start in range(0, len(a), 256):
        part = a[start : start + 256]
        mean = ((part * part).sum(axis=1)[:, None] + squares - 2 * part @ b.T) / a.shape[1]
        for i, j in np.argwhere(mean <= _NEAR**2):
            found.append((float(max(mean[i, j], 0)) ** 0.5, start + int(i), int(j)))
    return found


def _shared_groups(items: Sequence[Item]) -> list[Problem]:
    places: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.group is not None:
            places[item.group].add(item.split)
    shared = sorted(group for group, splits in places.items() if len(splits) > 1)
    if not shared:
        return []
    shown = ", ".join(shared[:_SHOWN]) + (" …" if len(shared) > _SHOWN else "")
    message = f"{len(shared)} groups have images in more than one split ({shown}): scores will be too good."
    return [Problem("SPLIT_GROUP_LEAK", message)]


def _fingerprints(data: ImageSet, facts: Mapping[str, Facts]) -> dict[str, str]:
    digests = {}
    for split in SPLITS:
        rows = sorted((i.id, data.classes[i.label], facts[i.id].pixel_hash) for i in data.items if i.split == split)
        if rows:
            digests[split] = hashlib.sha256(repr((data.classes, rows)).encode()).hexdigest()
    return digests


# ------------------------------------------------------------------------------------------------ the lock


def _row(item: Item, facts: Facts, classes: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": item.id,
        "bytes": facts.file_bytes,
        "sha256": facts.sha256,
        "pixels": facts.pixel_hash,
        "width": facts.width,
        "height": facts.height,
        "thumbnail": facts.thumbnail.hex(),
        "label": classes[item.label],
        "split": item.split,
        "group": item.group,
    }
    if facts.warnings:
        row["warnings"] = [_problem_row(problem) for problem in facts.warnings]
    return row


def _problem_row(problem: Problem) -> dict[str, str]:
    return {"code": problem.code, "message": problem.message, "where": problem.where, "fix": problem.fix}
