"""Groups of images that belong together (frames of a video, slices of a patient), as the statistics need them."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from paribus import patterns
from paribus.datasets import ImageSet, Item
from paribus.errors import DataError, Problem
from paribus.questions import BLOCK


def groups(asked: dict[str, Any] | None, images: ImageSet, split: str) -> dict[str, str] | None:
    """Image id -> group, for the scored split; None where images stand alone.

    asked: {"pattern": regular expression with one group, searched in the id}, {"column": the data's own groups},
    {"block": n}, n contiguous images in the order of their ids (numbers by value), and of one of the data's own groups
    where they have some: no block reaches from one video into another. None takes the data's own groups if there are
    any.
    Raises DataError for images that no group can be given to.
    """
    items = sorted((i for i in images.items if i.split == split), key=lambda i: i.id)
    if asked is None or "column" in asked:
        own = {i.id: i.group for i in items}
        if all(group is not None for group in own.values()):
            return {name: str(group) for name, group in own.items()}
        if asked is None:
            return None
        message = "the study asks for the data's groups and the data have none."
        raise DataError([Problem("GROUP_MISSING", message, fix="give the data part its group column.")])
    if "block" in asked:
        return _blocks(items, int(asked["block"]))
    return _by_pattern(str(asked["pattern"]), [i.id for i in items])


def _blocks(items: Sequence[Item], size: int) -> dict[str, str]:
    ordered = sorted(items, key=lambda item: (item.group or "", _natural(item.id), item.id))
    blocks = [
        members[start : start + size]
        for members in (list(together) for _, together in groupby(ordered, key=lambda item: item.group))
        for start in range(0, len(members), size)
    ]
    return {item.id: f"{BLOCK}{number}" for number, block in enumerate(blocks) for item in block}


def _natural(name: str) -> tuple[tuple[str, int], ...]:
    """A key that sorts frame_9 before frame_10."""
    return tuple((text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", name))


def _by_pattern(pattern: str, ids: list[str]) -> dict[str, str]:
    try:
        found = dict(zip(ids, patterns.first_groups(pattern, ids), strict=True))
    except ValueError as error:
        fix = "write a simpler pattern, without repeats inside repeats."
        raise DataError([Problem("GROUPS_PATTERN", f"the pattern {pattern!r}: {error}.", fix=fix)]) from None
    without = [name for name, group in found.items() if group is None]
    if without:
        message = f"the pattern {pattern!r} finds no group in {len(without)} names, among them {without[0]!r}."
        raise DataError([Problem("GROUP_MISSING", message, fix="write a pattern that fits every name.")])
    return {name: group for name, group in found.items() if group is not None}
