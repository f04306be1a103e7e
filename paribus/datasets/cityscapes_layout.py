"""`cityscapes`: street scenes of fifty cities, as the data set is published."""

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal

from paribus.datasets.found import Found, existing
from paribus.datasets.items import ImageSet, Item, image_set, mask_set
from paribus.datasets.legend import Labels
from paribus.datasets.mask_folders import pairs_of
from paribus.datasets.pairs import Home, Pair
from paribus.errors import DataError, Problem
from paribus.labels import CITYSCAPES19, VOID, chosen
from paribus.maskfile import Coding, coding

IMAGES, MASKS = "leftImg8bit", "gtFine"
SPLIT_FOLDERS = ("train", "val")  # the labels of test are not published: its masks are void
# What `*_labelIds.png` hold, in the order of the 19 classes (cityscapesScripts, helpers/labels.py: id and trainId).
_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
_NOT_SCORED = (0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30, VOID)
_FRAME = re.compile(r"^(?P<city>.+)_(?P<sequence>\d+)_(?P<frame>\d+)_leftImg8bit$")


def cityscapes(
    root: Path,
    *,
    masks: Literal["labelIds", "labelTrainIds"] = "labelIds",
    group: Literal["sequence", "city"] = "sequence",
    labels: Labels | str | None = None,
) -> ImageSet:
    """Cityscapes with the 19 classes on which it is scored (Cordts et al. 2016, arXiv 1604.01685).

    Read are `leftImg8bit/train/` and `val/`, and the masks beside them in `gtFine/`: `*_gtFine_labelIds.png`, or
    `*_gtFine_labelTrainIds.png` where they have been made. All other labels are void. The published test images have
    no labels and are not used.

    `group` is what belongs together: images of one sequence of a city, or whole cities; val has three, so that few
    verdicts can be found about new cities. `labels` merges classes. Raises DataError and StudyError.
    """
    code = cityscapes_coding(masks, labels)
    root = existing(root)
    found = Found(root)
    pairs, left_out = pairs_of(root, _homes(root, found, masks), found)
    items, odd = _items(pairs, group)
    if {item.split for item in items} != set(SPLIT_FOLDERS):
        splits = ", ".join(sorted({item.split for item in items})) or "none"
        raise DataError(
            [Problem("SPLIT_MISSING", f"holds images of {splits} only; needed are train and val.", root.name)]
        )
    data = image_set("cityscapes", (), items, [*left_out, *odd], found.notes, found.ignored, False)
    return mask_set(data, code)


def cityscapes_coding(masks: Literal["labelIds", "labelTrainIds"], labels: Labels | str | None) -> Coding:
    """What the pixels of one of the two kinds of masks mean."""
    space, numbers = chosen(CITYSCAPES19, labels)
    values = {number: k for k, number in enumerate(_IDS)} if masks == "labelIds" else {k: k for k in range(len(_IDS))}
    void = _NOT_SCORED if masks == "labelIds" else (VOID,)
    return coding(CITYSCAPES19, values=values, void=void, space=space, numbers=numbers)


def _homes(root: Path, found: Found, masks: str) -> list[Home]:
    tops = found.subfolders(root)
    found.loose.clear()
    if IMAGES not in tops or MASKS not in tops:
        message = f"has {', '.join(tops) or 'no folders'}; expected are {IMAGES} and {MASKS}."
        raise DataError([Problem("CITYSCAPES_LAYOUT", message, root.name, "Use `masks` for other layouts.")])
    there = [split for split in SPLIT_FOLDERS if (tops[IMAGES] / split).is_dir()]
    if missing := [split for split in SPLIT_FOLDERS if split not in there]:
        message = f"has no folder {' nor '.join(missing)}; needed are train and val."
        raise DataError([Problem("SPLIT_MISSING", message, f"{root.name}/{IMAGES}")])
    return [Home(split, f"{IMAGES}/{split}", f"{MASKS}/{split}", f"_{MASKS}_{masks}", f"_{IMAGES}") for split in there]


def _items(pairs: list[Pair], group: str) -> tuple[list[Item], list[Problem]]:
    """The items with their sequence or city as group."""
    items, problems = [], []
    for pair in pairs:
        match = _FRAME.match(PurePosixPath(pair.name).stem)
        item = Item(pair.name, pair.split, 0, pair.image, mask=pair.mask)
        if match is None:
            message = "its name is not that of a Cityscapes frame (a city and two numbers), so it is in no sequence."
            problems.append(Problem("CITYSCAPES_NAME", message, pair.name))
        else:
            where = match["city"] if group == "city" else f"{match['city']}_{match['sequence']}"
            items.append(replace(item, group=where))
    return items, problems
