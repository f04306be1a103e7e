"""Which mask belongs to which image: the one of the same name, in the same place below the folder of masks."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from paribus.errors import DataError, Problem

Named = tuple[str, Path]  # (posix path relative to the root, path)


@dataclass(frozen=True)
class Home:
    """Where the images of one split lie, and their masks.

    suffix, image_suffix: what the names of masks, and of images, have behind the name that both share.
    """

    split: str
    images: str
    masks: str
    suffix: str = ""
    image_suffix: str = ""


@dataclass(frozen=True)
class Pair:
    """One image, its mask, and the split of its folders."""

    name: str
    image: Path
    mask: Path
    split: str


def paired(home: Home, images: Iterable[Named], masks: Iterable[Named]) -> tuple[list[Pair], list[Problem]]:
    """(the pairs, an entry for every image and mask without a partner or with two).

    Raises DataError (SEG_MASK_MISSING) if not one image has a mask.
    """
    by_key, masks_by_key = _by_key(images, home.images, home.image_suffix), _by_key(masks, home.masks, home.suffix)
    left_out = []
    pairs = []
    for key, found in by_key.items():
        partners = masks_by_key.get(key, [])
        if len(found) > 1 or len(partners) > 1:
            names = ", ".join(name for name, _ in [*found, *partners])
            message = f"which image and which mask belong together? {names}."
            left_out += [Problem("SEG_PAIR_AMBIGUOUS", message, name, "Rename one.") for name, _ in found]
        elif partners:
            pairs.append(Pair(found[0][0], found[0][1], partners[0][1], home.split))
        else:
            left_out.append(_missing(found[0][0], key, home, masks_by_key))
    for key, partners in masks_by_key.items():
        if key not in by_key:
            message = f"is a mask without an image: no {key}.* in {home.images}."
            left_out += [Problem("SEG_IMAGE_MISSING", message, name) for name, _ in partners]
    if by_key and not pairs and not any(key in masks_by_key for key in by_key):
        raise DataError([_none(home, by_key, masks_by_key)])
    return pairs, left_out


def _by_key(files: Iterable[Named], home: str, suffix: str) -> dict[str, list[Named]]:
    """The files by their path below `home`, without the ending and the suffix."""
    found: dict[str, list[Named]] = defaultdict(list)
    for name, path in files:
        below = PurePosixPath(name).relative_to(home)
        stem = below.with_suffix("").as_posix()
        if stem.endswith(suffix):
            found[stem.removesuffix(suffix)].append((name, path))
    return found


def _missing(name: str, key: str, home: Home, masks: dict[str, list[Named]]) -> Problem:
    wanted = f"{home.masks}/{key}{home.suffix}.*"
    twins = [other for other in masks if other.casefold() == key.casefold()] or get_close_matches(key, masks, 1, 0.8)
    near = f" Near: {masks[twins[0]][0][0]}." if twins else ""
    message = f"has no mask: no {wanted}.{near}"
    return Problem("SEG_MASK_MISSING", message, name, "Add the mask or remove the image.")


def _none(home: Home, images: dict[str, list[Named]], masks: dict[str, list[Named]]) -> Problem:
    first = next(iter(images))
    seen = f"holds masks such as {next(iter(masks.values()))[0][0]}" if masks else "holds no masks"
    message = f"none of the {len(images)} images of {home.images} has a mask: {home.masks} {seen}."
    more = {other[len(first) :] for other in masks if other.startswith(first) and len(other) > len(first)}
    fix = f"Write mask_suffix: '{min(more)}'." if more and not home.suffix else f"A mask has its image's name: {first}."
    return Problem("SEG_MASK_MISSING", message, home.masks, fix)
