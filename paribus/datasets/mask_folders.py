"""`masks`: a folder of images and a folder of masks."""

from collections.abc import Sequence
from pathlib import Path

from paribus.datasets.found import Found, existing, link_problem, split_folders
from paribus.datasets.items import SPLIT_NAMES, ImageSet, Item, image_set, mask_set
from paribus.datasets.legend import Labels, Palette, Values, declared
from paribus.datasets.pairs import Home, Pair, paired
from paribus.datasets.splitting import group_pattern, grouped, split_up
from paribus.errors import DataError, Problem, StudyError
from paribus.parts import Share


def masks(
    root: Path,
    *,
    classes: list[str],
    images: str = "images",
    masks: str = "masks",
    mask_suffix: str = "",
    palette: Palette | None = None,
    values: Values | None = None,
    void: list[int | list[int]] | None = None,
    labels: Labels | str | None = None,
    splits: dict[str, Share] | None = None,
    split_seed: int = 0,
    groups: str | None = None,
) -> ImageSet:
    """Images in the folder `images`, and of the same name in `masks` a picture that says what each pixel is.

    Split folders lie in these two or around them (`images/train/` or `train/images/`); without them the images are
    split as in `folder`. A mask's name may have `mask_suffix` more than its image's.

    Value k of a mask, or index k of its palette, is class k of `classes`; `values` names other values (class -> value,
    or several), and `palette` the colours (class -> [R, G, B], or several) of masks that are coloured. `void` lists the
    values and colours that count nowhere; without it that is 255, unless a class has it. `labels` merges classes.

    Raises DataError and StudyError.
    """
    code = declared(classes, palette, values, void, labels)
    pattern = group_pattern(groups)
    root = existing(root)
    found = Found(root)
    homes = homes_of(root, found, images, masks, mask_suffix)
    given_split = homes[0].split != ""
    if given_split and splits:
        message = f"has split folders ({', '.join(h.images for h in homes)}), and the study asks for a split."
        raise StudyError([Problem("SPLITS_TWICE", message, root.name, "Remove `splits`.")])
    pairs, left_out = pairs_of(root, homes, found)
    items = grouped([Item(p.name, p.split, 0, p.image, mask=p.mask) for p in pairs], pattern)
    if not given_split:
        items = split_up(items, splits, split_seed)
    data = image_set("masks", (), items, left_out, found.notes, found.ignored, not given_split)
    return mask_set(data, code)


def pairs_of(root: Path, homes: Sequence[Home], found: Found) -> tuple[list[Pair], list[Problem]]:
    """(all pairs, what was left out). Raises DataError if a folder holds no images or no image has a mask."""
    pairs: list[Pair] = []
    left_out: list[Problem] = []
    for home in homes:
        pictures = found.files(root / home.images)
        if not pictures and not found.left_out:
            raise DataError([Problem("DATA_EMPTY", "holds no images.", home.images)])
        drawings = found.files(root / home.masks) if (root / home.masks).is_dir() else []
        here, odd = paired(home, pictures, drawings)
        pairs += here
        left_out += odd
    return pairs, [*found.left_out, *left_out]


# ------------------------------------------------------------------------------------------------ what lies where


def homes_of(root: Path, found: Found, images: str, masks: str, suffix: str) -> list[Home]:
    """Where images and masks lie, split by split; one home with the split "" if there are no split folders.

    Raises DataError.
    """
    outside = [link_problem(root / name, root, name) for name in (images, masks) if (root / name).exists()]
    if any(outside):
        raise DataError([problem for problem in outside if problem])
    tops = found.subfolders(root)
    if (root / images).is_dir():
        split = _splits(found.subfolders(root / images), found)
        homes = [Home(s, f"{images}/{name}", _twin(root, masks, name, s), suffix) for s, name in split.items()]
        homes = homes or [Home("", images, masks, suffix)]
    else:
        split = _splits({name: path for name, path in tops.items() if (path / images).is_dir()}, found)
        homes = [Home(s, f"{name}/{images}", f"{name}/{masks}", suffix) for s, name in split.items()]
    if not homes:
        message = f"has no folder {images!r}, nor split folders with one; it has {', '.join(tops) or 'no folders'}."
        raise DataError([Problem("DATA_NOT_FOUND", message, root.name, "Set `images` and `masks`.")])
    found.loose.clear()  # images beside the folders of images
    return homes


def _splits(folders: dict[str, Path], found: Found) -> dict[str, str]:
    """Split -> folder name; empty if the names mean no splits. Raises DataError."""
    split, problems = split_folders(folders, found)
    if problems:
        raise DataError(problems)
    return {name: path.name for name, path in split.items()}


def _twin(root: Path, masks: str, name: str, split: str) -> str:
    """The folder of masks of a split, which may write its name another way (`val` and `valid`)."""
    names = [name, *(other for other, meant in SPLIT_NAMES.items() if meant == split)]
    return f"{masks}/{next((other for other in names if (root / masks / other).is_dir()), name)}"
