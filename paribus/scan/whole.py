"""The set as a whole: copies, leaks, conflicts, classes that are missing."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from paribus.datasets import SPLITS, ImageSet, Item
from paribus.datasets.items import mask_name
from paribus.errors import Problem
from paribus.scan.facts import Facts

REJECT_SHARE = 0.05  # more unusable files than this, and more than REJECT_COUNT, look like a failed copy
REJECT_COUNT = 2
_SHOWN = 10

OnLeak = Literal["refuse", "drop_train"]


def truth(item: Item, facts: Mapping[str, Facts]) -> int | str:
    """What two copies of an image must agree in: the label, or the mask before its classes are merged."""
    mask = facts[item.id].mask
    return item.label if mask is None else mask.own_hash


def copies(items: Sequence[Item], facts: Mapping[str, Facts]) -> list[list[Item]]:
    """The images that occur more than once. Equal files have equal pixels, so pixels decide."""
    alike: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        alike[facts[item.id].pixel_hash].append(item)
    return [copies for copies in alike.values() if len(copies) > 1]


def reunited(data: ImageSet, facts: Mapping[str, Facts]) -> ImageSet:
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


def conflict(alike: Sequence[Item], data: ImageSet) -> list[Problem]:
    """An entry for each copy of an image whose labels or masks differ."""
    message = f"{_contradiction(alike, data)}. None of them is used."
    return [Problem("DATA_LABEL_CONFLICT", message, item.id, "Keep the right one.") for item in alike]


def told_apart(
    copies: Sequence[list[Item]], facts: Mapping[str, Facts]
) -> tuple[list[list[Item]], list[list[Item]], list[list[Item]]]:
    """The images that occur more than once: (with one label or mask, with several but one file, with several)."""
    kinds: tuple[list[list[Item]], list[list[Item]], list[list[Item]]] = ([], [], [])
    for alike in copies:
        several = len({truth(item, facts) for item in alike}) > 1
        kinds[0 if not several else 1 if _linked(alike) else 2].append(alike)
    return kinds


def _linked(alike: Sequence[Item]) -> bool:
    """Whether these are one file with links to it, in one split: somebody gave the image two labels on purpose."""
    files = {item.source.resolve() if item.source else None for item in alike}
    return len(files) == 1 and None not in files and len({item.split for item in alike}) == 1


def linked_conflict(alike: Sequence[Item], data: ImageSet) -> Problem:
    """What is said of a link to an image of another label: it is used as it is."""
    message = f"{_contradiction(alike, data)}: links to one file. All are used."
    link = next((item for item in alike if item.source and item.source.is_symlink()), alike[0])
    return Problem("DATA_LABEL_CONFLICT", message, link.id, "Remove the link if it is not meant.")


def _contradiction(alike: Sequence[Item], data: ImageSet) -> str:
    names = [mask_name(item) if data.masks else data.classes[item.label] for item in alike]
    told = ", ".join(f"{item.id} ({name})" for item, name in zip(alike, names, strict=True))
    return f"the same image has different {'masks' if data.masks else 'labels'}: {told}"


def rejections(broken: Sequence[Problem], total: int) -> list[Problem]:
    if len(broken) <= REJECT_COUNT or len(broken) <= REJECT_SHARE * total:
        return []
    message = f"{len(broken)} of {total} files cannot be used (the limit is {REJECT_SHARE:.0%}): a failed copy?"
    return [Problem("DATA_TOO_MANY_REJECTED", message), *broken]


def leaks(copies: Sequence[Sequence[Item]], on_leak: OnLeak) -> tuple[list[Problem], list[tuple[Item, Item]]]:
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


def dropped(item: Item, twin: Item) -> Problem:
    return Problem("SPLIT_LEAK", f"is also in {twin.split} ({twin.id}); left out of train, as asked.", item.id)


def missing_classes(data: ImageSet, usable: Sequence[Item]) -> list[Problem]:
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


def duplicates(alike: Sequence[Item]) -> list[Problem]:
    """Copies within one class and split are used, and named."""
    if len(alike) < 2:
        return []
    names = " = ".join(item.id for item in alike)
    return [Problem("DATA_DUPLICATE", f"the same image more than once: {names}.", alike[0].id)]


def shared_groups(items: Sequence[Item]) -> list[Problem]:
    places: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.group is not None:
            places[item.group].add(item.split)
    shared = sorted(group for group, splits in places.items() if len(splits) > 1)
    if not shared:
        return []
    shown = ", ".join(shared[:_SHOWN]) + (" …" if len(shared) > _SHOWN else "")
    have = "group has" if len(shared) == 1 else "groups have"
    message = f"{len(shared)} {have} images in more than one split ({shown}): scores will be too good."
    return [Problem("SPLIT_GROUP_LEAK", message)]


def fingerprints(data: ImageSet, facts: Mapping[str, Facts]) -> dict[str, str]:
    """Split -> a hash over ids, classes, pixels, and labels or masks; paths have no part in it."""
    return _digests(data, facts, data.classes, {i.id: _learned(data, i, facts) for i in data.items})


def origins(data: ImageSet, facts: Mapping[str, Facts]) -> dict[str, str]:
    """Split -> the fingerprint of a set of masks before its classes are merged; empty for other sets."""
    if data.masks is None:
        return {}
    own = data.coding.own.classes if data.coding else data.classes
    return _digests(data, facts, own, {i.id: str(truth(i, facts)) for i in data.items})


def _learned(data: ImageSet, item: Item, facts: Mapping[str, Facts]) -> str:
    mask = facts[item.id].mask
    return data.classes[item.label] if mask is None else mask.pixel_hash


def _digests(
    data: ImageSet, facts: Mapping[str, Facts], classes: tuple[str, ...], truths: Mapping[str, str]
) -> dict[str, str]:
    digests = {}
    for split in SPLITS:
        rows = sorted((i.id, truths[i.id], facts[i.id].pixel_hash) for i in data.items if i.split == split)
        if rows:
            digests[split] = hashlib.sha256(repr((classes, rows)).encode()).hexdigest()
    return digests
