"""A set of masks as a whole: classes that do not occur, palettes that disagree, frames between training frames."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from paribus.datasets import SPLITS, ImageSet, Item
from paribus.datasets.items import mask_name
from paribus.errors import Problem
from paribus.labels import Colour
from paribus.maskfile import MaskFacts
from paribus.scan.facts import Facts

_SHOWN = 10
_FRAME = re.compile(r"(\d+)$")


def refusals(data: ImageSet, usable: Sequence[Item], facts: Mapping[str, Facts]) -> list[Problem]:
    """Why the set cannot be used: nothing is labelled, one class only, an empty split, palettes that disagree."""
    if not usable:
        return [Problem("DATA_EMPTY", "no image can be used.", data.name)]
    problems = []
    for split in _splits(data.items):
        masks = _masks([item for item in usable if item.split == split], facts)
        if not masks:
            problems.append(Problem("SPLIT_EMPTY", f"no image of {split} can be used.", data.name))
        elif not any(sum(mask.pixels) for mask in masks):
            message = f"no pixel of {split} is labelled: all {len(masks)} masks are void everywhere."
            problems.append(Problem("SEG_NO_LABELS", message, data.name, "Correct `void`, or the masks."))
    present = _present(_masks(usable, facts), data.classes)
    if len(present) == 1:
        missing = ", ".join(name for name in data.classes if name not in present)
        message = f"only the class {present[0]!r} occurs; none of the masks holds {missing}."
        problems.append(Problem("SEG_TOO_FEW_CLASSES", message, data.name, "Correct `classes` or `values`."))
    if not (data.coding and data.coding.declared):
        problems += palettes(usable, facts)
    return problems


def remarks(data: ImageSet, usable: Sequence[Item], facts: Mapping[str, Facts]) -> list[Problem]:
    """What is used, and looks odd."""
    found = [_all_void(item) for item in usable if not sum(_mask(item, facts).pixels)]
    present = {s: _present(_masks([i for i in usable if i.split == s], facts), data.classes) for s in _splits(usable)}
    for name in data.classes:
        lacking = [split for split, names in present.items() if name not in names]
        if lacking:
            where = "no image" if len(lacking) == len(present) else f"no image of {' and '.join(lacking)}"
            message = f"the class {name!r} occurs in {where}: its IoU is undefined there, and no part of a mean."
            found.append(Problem("SEG_CLASS_ABSENT", message, name))
    if data.coding and data.coding.declared:
        found += palettes(usable, facts)
    return found + frames_between(data, usable)


def palettes(items: Sequence[Item], facts: Mapping[str, Facts]) -> list[Problem]:
    """Where masks that are read by their indices show one index in two colours, or one colour at two indices."""
    by_index: dict[int, dict[Colour, list[Item]]] = defaultdict(lambda: defaultdict(list))
    by_colour: dict[Colour, dict[int, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        for index, colour in _mask(item, facts).palette:
            by_index[index][colour].append(item)
            by_colour[colour][index].append(item)
    said = [_two(f"index {k}", "has the colour", each) for k, each in sorted(by_index.items()) if len(each) > 1]
    apart = {
        colour: each
        for colour, each in by_colour.items()
        if len(each) > 1 and not set.intersection(*({item.id for item in those} for those in each.values()))
    }
    said = said or [_two(f"the colour {_plain(c)}", "is index", each) for c, each in sorted(apart.items())]
    if not said:
        return []
    more = f" And {len(said) - 1} more like this." if len(said) > 1 else ""
    message = f"the palettes of the masks disagree: {said[0]}.{more}"
    fix = "If colours count, declare `palette`; if indices count, declare `values`."
    return [Problem("SEG_PALETTE_INCONSISTENT", message, "", fix)]


def frames_between(data: ImageSet, items: Sequence[Item]) -> list[Problem]:
    """Where frames that are scored lie between training frames of the same film."""
    if data.frames_per_second is None:
        return []
    frames: dict[tuple[str, str], list[int]] = defaultdict(list)
    for item in items:
        number = _FRAME.search(PurePosixPath(item.id).stem)
        if item.group is not None and number:
            frames[item.group, item.split].append(int(number[1]))
    problems = []
    for (group, split), scored in sorted(frames.items()):
        trained = frames.get((group, "train"), [])
        before = [frame for frame in trained if frame < min(scored)]
        after = [frame for frame in trained if frame > max(scored)]
        if split == "train" or not before or not after:
            continue
        first, last, left, right = min(scored), max(scored), max(before), min(after)
        seconds, rate = (last - first) / data.frames_per_second, data.frames_per_second
        among = sum(first <= frame <= last for frame in trained)
        gaps = f"{(first - left) / rate:.1f} s before and {(right - last) / rate:.1f} s after"
        also = f", with {among} training frames among them" if among else ""
        message = (
            f"{len(scored)} images of {split} are {seconds:.1f} s of one film ({group}, frames {first} to {last}) "
            f"between its training frames {left} and {right}, {gaps}{also}. "
            f"A mean over them speaks of these {seconds:.1f} seconds, not of other streets."
        )
        problems.append(Problem("VIDEO_BETWEEN", message, split, "Split by whole films to speak of others."))
    return problems


def _splits(items: Sequence[Item]) -> list[str]:
    there = {item.split for item in items}
    return [split for split in SPLITS if split in there]


def _mask(item: Item, facts: Mapping[str, Facts]) -> MaskFacts:
    mask = facts[item.id].mask
    assert mask is not None
    return mask


def _masks(items: Sequence[Item], facts: Mapping[str, Facts]) -> list[MaskFacts]:
    return [_mask(item, facts) for item in items]


def _present(masks: Sequence[MaskFacts], classes: Sequence[str]) -> list[str]:
    totals = Counter(c for mask in masks for c, count in enumerate(mask.pixels) if count)
    return [name for c, name in enumerate(classes) if totals[c]]


def _all_void(item: Item) -> Problem:
    message = f"its mask {mask_name(item)}: is void everywhere; nothing is learned from it and nothing scored."
    return Problem("SEG_ALL_VOID", message, item.id)


def _two(what: str, verb: str, places: Mapping[Colour, list[Item]] | Mapping[int, list[Item]]) -> str:
    told = [f"{_plain(key)} in {len(those)} (such as {mask_name(those[0])})" for key, those in places.items()]
    return f"{what} {verb} {' and '.join(told[:2])}"


def _plain(key: Colour | int) -> str:
    return str(key).replace(" ", "")
