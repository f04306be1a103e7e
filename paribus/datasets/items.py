"""What a data set is: its images, their labels or masks, and the splits they belong to."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from paribus import images, maskfile
from paribus.errors import Problem
from paribus.labels import Space
from paribus.maskfile import Coding

SPLITS = ("train", "val", "test")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Item:
    """One image of a data set.

    id: unique and stable, a posix path relative to the data set's root. split: train, val or test. label: an index of
    the set's classes. source: None if the image is generated. group: images of one group (a person, a scene) belong
    together. box: left, top, right, bottom in pixels, where it is known what the picture shows. mask: in a set of masks
    the file that says what each pixel is, if it is not generated; `label` means nothing there.
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
    own_split: whether the split was drawn here and not given.

    A set of masks has more: space: the classes with their colours. masks: what gives an item's mask, (H, W) uint8 class
    indices and VOID, at the mask's own size. coding: what the masks hold, and which classes are merged. own_masks: what
    gives generated masks before classes are merged. frames_per_second: of the film the images are from, if they are
    from one and their names end in frame numbers.
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
    coding: Coding | None = None
    own_masks: Callable[[Item], NDArray[np.uint8]] | None = None
    frames_per_second: float | None = None

    def ordered(self, split: str) -> list[Item]:
        """The items of a split in the order in which evidence and draws count them: by id."""
        return sorted((item for item in self.items if item.split == split), key=lambda item: item.id)


def image_set(
    name: str,
    classes: tuple[str, ...],
    items: list[Item],
    left_out: list[Problem],
    notes: list[Problem],
    ignored: int,
    own_split: bool,
) -> ImageSet:
    """A set of files. Names that would collide on another computer are noted."""
    twins = name_collisions((i.id for i in items), "NAME_COLLISION_UNICODE", "NAME_COLLISION_CASE", "file names")
    in_order = tuple(sorted(items, key=lambda item: item.id))
    return ImageSet(name, classes, in_order, load_file, tuple(left_out), (*notes, *twins), ignored, own_split)


def load_file(item: Item) -> NDArray[np.uint8]:
    if item.source is None:
        raise ValueError(f"{item.id} has no file")
    return images.decode(item.source, name=item.id)


def name_collisions(names: Iterable[str], unicode_code: str, case_code: str, what: str) -> list[Problem]:
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


def mask_set(data: ImageSet, coding: Coding) -> ImageSet:
    """The set, of images whose `mask` is a file, with what gives their masks."""

    def masks(item: Item) -> NDArray[np.uint8]:
        if item.mask is None:
            raise ValueError(f"{item.id} has no mask file")
        return maskfile.decode(item.mask, coding, name=mask_name(item))

    return replace(data, classes=coding.space.classes, space=coding.space, masks=masks, coding=coding)


def mask_name(item: Item) -> str:
    """What messages call the mask of an item: its folder and name."""
    return PurePosixPath(*item.mask.parts[-2:]).as_posix() if item.mask else f"the mask of {item.id}"
