"""`camvid`: the Cambridge-driving labelled video database, as SegNet's authors pass it on and as it was published."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal

from paribus import regular
from paribus.datasets.found import Found, existing, link_problem
from paribus.datasets.items import SPLITS, ImageSet, Item, image_set, mask_set
from paribus.datasets.legend import Labels
from paribus.datasets.mask_folders import pairs_of
from paribus.datasets.pairs import Home, Pair
from paribus.errors import DataError, Problem
from paribus.labels import CAMVID11, VOID, Colour, chosen
from paribus.maskfile import Coding, coding

FRAMES_PER_SECOND = 30  # of the film (Brostow et al. 2009, section 3)

# The 32 classes of the original and their colours: label_colors.txt beside the data (Brostow, Fauqueur and Cipolla,
# "Semantic object classes in video: a high-definition ground truth database", Pattern Recognition Letters 30, 2009).
# Last the class among the eleven, as SegNet's authors and those after them merged them; None is void.
_ORIGINAL: tuple[tuple[str, Colour, str | None], ...] = (
    ("Animal", (64, 128, 64), "pedestrian"),
    ("Archway", (192, 0, 128), "building"),
    ("Bicyclist", (0, 128, 192), "bicyclist"),
    ("Bridge", (0, 128, 64), "building"),
    ("Building", (128, 0, 0), "building"),
    ("Car", (64, 0, 128), "car"),
    ("CartLuggagePram", (64, 0, 192), "pedestrian"),
    ("Child", (192, 128, 64), "pedestrian"),
    ("Column_Pole", (192, 192, 128), "pole"),
    ("Fence", (64, 64, 128), "fence"),
    ("LaneMkgsDriv", (128, 0, 192), "road"),
    ("LaneMkgsNonDriv", (192, 0, 64), "road"),
    ("Misc_Text", (128, 128, 64), "sign"),
    ("MotorcycleScooter", (192, 0, 192), "bicyclist"),
    ("OtherMoving", (128, 64, 64), "car"),
    ("ParkingBlock", (64, 192, 128), "pavement"),
    ("Pedestrian", (64, 64, 0), "pedestrian"),
    ("Road", (128, 64, 128), "road"),
    ("RoadShoulder", (128, 128, 192), "pavement"),
    ("Sidewalk", (0, 0, 192), "pavement"),
    ("SignSymbol", (192, 128, 128), "sign"),
    ("Sky", (128, 128, 128), "sky"),
    ("SUVPickupTruck", (64, 128, 192), "car"),
    ("TrafficCone", (0, 0, 64), "pole"),
    ("TrafficLight", (0, 64, 64), "sign"),
    ("Train", (192, 64, 128), "car"),
    ("Tree", (128, 128, 0), "tree"),
    ("Truck_Bus", (192, 128, 192), "car"),
    ("Tunnel", (64, 0, 64), "building"),
    ("VegetationMisc", (192, 192, 0), "tree"),
    ("Void", (0, 0, 0), None),
    ("Wall", (64, 192, 0), "building"),
)
_INDEX_VOID = 11  # in SegNet's masks
_ANNOTATIONS = ("annot", "_labels", "_annot")  # what folders of masks have more than those of images
_IMAGES = ("images", "701_StillsRaw_full", "raw")
_LABELS = ("labels", "LabeledApproved_full", "annotations", "masks")
_FRAME = re.compile(r"^(?P<drive>\w+?)_f?(?P<frame>\d+)(?:_L)?$")

# Whole drives: of the 468 images of the standard train and val, one drive of 101 becomes val, so that train and val are
# as large as in the standard split.
_DRIVES = {"0001TP": "train", "0016E5": "train", "0006R0": "val", "Seq05VD": "test"}


def camvid(
    root: Path, *, split: Literal["standard", "sequence"] = "standard", labels: Labels | str | None = None
) -> ImageSet:
    """CamVid with its eleven classes: frames of four drives, at the size in which they lie there.

    Read are SegNet's layout (`train/` and `trainannot/`, and so on; `train.txt` and the others, where they are there,
    say which files count) and the original one (a folder of images and a folder of `*_L.png` in colours, of which 32
    classes become the eleven).

    `split: standard` is the usual one: 367 images for training, 101 for validation, 233 for the test. Its validation is
    6.7 seconds of one drive, between training frames of the same drive. `split: sequence` keeps whole drives apart:
    0001TP and 0016E5 train (367 images), 0006R0 validates (101), Seq05VD tests (171); the 62 test images of 0001TP are
    then not used, so that what is trained does not depend on whether the test images are there.

    Items have their drive as group. Raises DataError and StudyError.
    """
    code = camvid_coding(labels)
    root = existing(root)
    found = Found(root)
    given, homes = _homes(root, found)
    pairs, left_out = pairs_of(root, homes, found)
    if given:
        pairs, unlisted = _listed(root, pairs)
        left_out += unlisted
    items, odd = _items(pairs, given)
    notes = list(found.notes)
    if split == "sequence":
        items, dropped = _by_drive(items)
        notes += dropped
    if {"train"} == {item.split for item in items} or not any(item.split == "train" for item in items):
        splits = ", ".join(sorted({item.split for item in items})) or "none"
        message = f"holds images of {splits} only; needed are train and val or test."
        raise DataError([Problem("SPLIT_MISSING", message, root.name)])
    data = image_set("camvid", (), items, [*left_out, *odd], notes, found.ignored, False)
    return replace(mask_set(data, code), frames_per_second=FRAMES_PER_SECOND)


def camvid_coding(labels: Labels | str | None) -> Coding:
    """Grey masks hold 0 to 10 and 11 for void, coloured ones the 32 classes of the original."""
    space, numbers = chosen(CAMVID11, labels)
    index = {name: number for number, name in enumerate(CAMVID11.classes)}
    colours = {colour: VOID if name is None else index[name] for _, colour, name in _ORIGINAL}
    return coding(CAMVID11, colours=colours, void=[_INDEX_VOID, VOID], space=space, numbers=numbers)


def standard_split(drive: str, frame: int) -> str | None:
    """The split of a frame in SegNet's lists, by its number; None for a drive that is not CamVid's."""
    if drive == "Seq05VD" or (drive == "0001TP" and frame > 8520):
        return "test"
    if drive == "0016E5" and 7959 <= frame <= 8159 and frame % 2 == 1:
        return "val"
    return "train" if drive in _DRIVES else None


def _homes(root: Path, found: Found) -> tuple[bool, list[Home]]:
    """(whether the folders say the split, where images and masks lie)."""
    tops = found.subfolders(root)
    found.loose.clear()
    homes = [
        Home(split, split, split + more, suffix)
        for split in SPLITS
        for more in _ANNOTATIONS
        if split in tops and split + more in tops
        for suffix in [_suffix(tops[split + more])]
    ]
    if homes:
        return True, homes
    images, labels = _first(tops, _IMAGES), _first(tops, _LABELS)
    if images is None or labels is None:
        has = ", ".join(tops) or "no folders"
        message = f"has {has}; expected are train and trainannot (and val, test), or images and labels."
        raise DataError([Problem("CAMVID_LAYOUT", message, root.name, "Use `masks` for other layouts.")])
    return False, [Home("", images, labels, _suffix(tops[labels]))]


def _first(tops: dict[str, Path], names: Sequence[str]) -> str | None:
    return next((name for name in tops if name.lower() in [n.lower() for n in names]), None)


def _suffix(folder: Path) -> str:
    """`_L` where the masks are named as in the original."""
    try:
        return "_L" if any(path.stem.endswith("_L") for path in folder.iterdir()) else ""
    except OSError:
        return ""  # what cannot be listed is told where the masks are looked for


def _listed(root: Path, pairs: list[Pair]) -> tuple[list[Pair], list[Problem]]:
    """The pairs that the lists `train.txt` and so on name, and entries for images that are named but not there.

    A line is the path of an image and that of its mask, as they lay on its author's disk: the name of the image counts.
    """
    kept, problems = [], []
    for split in SPLITS:
        here = {PurePosixPath(pair.name).stem: pair for pair in pairs if pair.split == split}
        table = root / f"{split}.txt"
        if not here or not table.is_file():
            kept += list(here.values())
            continue
        lines = _listing(table, root)
        names = list(dict.fromkeys(PurePosixPath(parts[0].replace("\\", "/")).stem for parts in lines))
        if not any(name in here for name in names):
            raise DataError([Problem("CAMVID_LIST", f"names none of the images in {split}.", table.name)])
        kept += [here[name] for name in names if name in here]
        message = f"is named in {table.name} and has no image or no mask."
        problems += [Problem("FILE_MISSING", message, f"{split}/{name}") for name in names if name not in here]
    return kept, problems


def _listing(table: Path, root: Path) -> list[list[str]]:
    """The words of each line."""
    outside = link_problem(table, root, table.name)
    if outside:
        raise DataError([outside])
    try:
        return [line.split() for line in regular.lines(table) if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError([Problem("CAMVID_LIST", f"cannot be read as UTF-8: {error}.", table.name)]) from None


def _items(pairs: Sequence[Pair], given: bool) -> tuple[list[Item], list[Problem]]:
    """The items with their drive as group, and in the standard split if the folders say none."""
    items, problems = [], []
    for pair in pairs:
        match = _FRAME.match(PurePosixPath(pair.name).stem)
        drive = match["drive"] if match else None
        split = pair.split if given else standard_split(match["drive"], int(match["frame"])) if match else None
        if split is None:
            message = "its name is not that of a CamVid frame (a drive and a number), so it is in no split."
            problems.append(Problem("CAMVID_NAME", message, pair.name))
        else:
            items.append(Item(pair.name, split, 0, pair.image, drive, mask=pair.mask))
    return items, problems


def _by_drive(items: Sequence[Item]) -> tuple[list[Item], list[Problem]]:
    """Whole drives in one split; what the standard split tests on is never trained on."""
    kept, dropped = [], []
    for item in items:
        split = _DRIVES.get(item.group or "")
        if split is None or (item.split == "test" and split != "test"):
            dropped.append(item)
        else:
            kept.append(replace(item, split=split))
    if not dropped:
        return kept, []
    drives = ", ".join(sorted({item.group or "no drive" for item in dropped}))
    message = f"and {len(dropped) - 1} more ({drives}) are not used: a split by drive has no place for them."
    return kept, [Problem("CAMVID_NOT_USED", message, dropped[0].id)]
