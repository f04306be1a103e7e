"""A folder of images and masks of which no study says yet what the masks mean: what lies there, and what to write."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from paribus.datasets.found import Found, existing
from paribus.datasets.items import SPLIT_NAMES
from paribus.datasets.mask_folders import homes_of, pairs_of
from paribus.datasets.pairs import Pair
from paribus.errors import DataError, Problem
from paribus.images import ImageProblem
from paribus.labels import VOID, Colour
from paribus.maskfile import MAX_CLASSES, Written
from paribus.scan.sandbox import Sandbox

_FEW = 64  # values or colours in one file; a photograph has more
_SAMPLE = 6  # files of a folder that are opened to see whether it holds masks
_SHOWN = 40  # values or colours that are listed
_IMAGES = ("images", "image", "imgs", "img", "photos", "jpegimages", "inputs", "frames")
_MASKS = ("masks", "mask", "labels", "annotations", "gt", "groundtruth", "segmentations", "segmentationclass")


@dataclass(frozen=True)
class Undeclared:
    """What lies there (seen), what to write (advice), what numbers cannot tell (doubts), and the choices of the data
    part `masks`, its classes named by number.
    """

    seen: tuple[str, ...]
    advice: tuple[str, ...]
    doubts: tuple[str, ...]
    choices: dict[str, Any]

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, in plain lines."""
        return self.seen + self.advice + self.doubts


@dataclass(frozen=True)
class _Folders:
    """Names of the folders of images and of masks, and what the names of masks have more."""

    images: str
    masks: str
    suffix: str


@dataclass(frozen=True)
class _Seen:
    """Pixels of each value (int) or Colour over all masks; in how many masks it is; the palette's colours of values."""

    pixels: Counter[Any]
    masks: Counter[Any]
    palette: dict[int, Colour]


def undeclared(root: Path) -> Undeclared | None:
    """What a folder of images and masks holds; None if no two of its folders look like images and their masks.

    Raises DataError where no mask can be read, and where the values cannot be classes (one only, or too many).
    """
    with Sandbox() as sandbox:
        folders = _folders(existing(root), sandbox)
        if folders is None:
            return None
        found = Found(root)
        pairs, _ = pairs_of(root, homes_of(root, found, folders.images, folders.masks, folders.suffix), found)
        seen = _seen(pairs, sandbox)
    lines = [
        f"images in {folders.images}, masks in {folders.masks}: {len(pairs)} pairs"
        + (f", masks named like their image with {folders.suffix!r} behind" if folders.suffix else ""),
        "what the masks hold (share of all pixels, number of masks):",
        *_listed(seen),
    ]
    choices = _where(folders) | _meaning(seen, root)
    return Undeclared(tuple(lines), tuple(_to_write(root, choices)), tuple(_doubts(seen, choices)), choices)


# ------------------------------------------------------------------------------------------- which folders are which


def _folders(root: Path, sandbox: Sandbox) -> _Folders | None:
    """The two folders below the root, or below its split folders, of which one holds masks of the other's images."""
    tops = Found(root).subfolders(root)
    for home in (root, *(path for name, path in tops.items() if name.lower() in SPLIT_NAMES)):
        files = {name: _stems(path) for name, path in Found(home).subfolders(home).items()}
        drawn = {name for name, found in files.items() if found and _look_drawn(_sample(found), sandbox)}
        fits = []
        for images, masks in permutations(files, 2):
            if (masks in drawn and images not in drawn) or _named_so(images, masks):
                suffix, matched = _suffix(files[images], files[masks])
                fits += [(matched, _Folders(images, masks, suffix))] * bool(matched)
        if fits:
            return max(fits, key=lambda fit: fit[0])[1]
    return None


def _stems(folder: Path) -> dict[str, Path]:
    """Files by their path below the folder, without the ending."""
    return {PurePosixPath(name).with_suffix("").as_posix(): path for name, path in Found(folder).files(folder)}


def _sample(files: dict[str, Path]) -> list[Path]:
    return list(files.values())[:: max(1, len(files) // _SAMPLE)]


def _look_drawn(paths: Sequence[Path], sandbox: Sandbox) -> bool:
    """Whether each of the pictures has few values or colours."""
    try:
        found = (sandbox.written(path, path.name) for path in paths)
        return all(max(len(each.values), len(each.colours)) <= _FEW for each in found)
    except ImageProblem:
        return False


def _named_so(images: str, masks: str) -> bool:
    return images.lower() in _IMAGES and masks.lower() in _MASKS


def _suffix(images: dict[str, Path], masks: dict[str, Path]) -> tuple[str, int]:
    """(what masks' names have more, how many images have a mask then); 0 if fewer than half of them would."""
    more = {mask[len(image) :] for mask in list(masks)[:_SAMPLE] for image in _prefixes(mask, images)}
    counts = {suffix: sum(image + suffix in masks for image in images) for suffix in sorted(more)}
    best = max(counts, key=lambda suffix: counts[suffix], default="")
    matched = counts.get(best, 0)
    return best, matched if 2 * matched >= len(images) else 0


def _prefixes(mask: str, images: dict[str, Path]) -> Iterator[str]:
    return (mask[:end] for end in range(1, len(mask) + 1) if mask[:end] in images)


# ------------------------------------------------------------------------------------------------ what the masks hold


def _seen(pairs: Sequence[Pair], sandbox: Sandbox) -> _Seen:
    """Raises DataError if no mask can be read. Masks that cannot are for the scan to name."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda pair: _written(pair, sandbox), pairs))
    read = [each for each in found if isinstance(each, Written)]
    if not read:
        problems = [each for each in found if isinstance(each, Problem)]
        message = f"none of the {len(found)} masks can be read; the first are named."
        raise DataError([*problems[:_SAMPLE], Problem("DATA_EMPTY", message, pairs[0].mask.parent.name)])
    palette = {value: colour for each in read for value, colour in each.palette.items()}
    counts: list[dict[Any, int]] = [each.values for each in read]
    if any(each.colours for each in read):  # then a file that is grey all over is coloured too
        counts = [each.colours or {_colour(v, each): n for v, n in each.values.items()} for each in read]
    pixels: Counter[Any] = Counter()
    for each in counts:
        pixels.update(each)
    return _Seen(pixels, Counter(value for each in counts for value in each), palette)


def _written(pair: Pair, sandbox: Sandbox) -> Written | Problem:
    try:
        return sandbox.written(pair.mask, f"{pair.mask.parent.name}/{pair.mask.name}")
    except ImageProblem as error:
        return error.problem


def _colour(value: int, found: Written) -> Colour:
    return found.palette.get(value, (value, value, value))


def _listed(seen: _Seen) -> list[str]:
    total = sum(seen.pixels.values())
    shown = sorted(seen.pixels)[:_SHOWN]
    rows = [(_name(value, seen), f"{seen.pixels[value] / total:.2%}", str(seen.masks[value])) for value in shown]
    width = max(len(name) for name, _, _ in rows)
    lines = [f"  {name.ljust(width)}{share.rjust(9)}{masks.rjust(8)}" for name, share, masks in rows]
    return lines + [f"  and {len(seen.pixels) - _SHOWN} more"] * (len(seen.pixels) > _SHOWN)


def _name(value: int | Colour, seen: _Seen) -> str:
    if isinstance(value, tuple):
        return f"colour {list(value)}"
    return f"value {value}" + (f", colour {list(seen.palette[value])}" if value in seen.palette else "")


# ------------------------------------------------------------------------------------------------------ what to write


def _where(folders: _Folders) -> dict[str, Any]:
    defaults = {"images": "images", "masks": "masks", "mask_suffix": ""}
    found = {"images": folders.images, "masks": folders.masks, "mask_suffix": folders.suffix}
    return {name: value for name, value in found.items() if value != defaults[name]}


def _meaning(seen: _Seen, root: Path) -> dict[str, Any]:
    """`classes`, and `values` or `palette` where they must be declared. 255 beside other classes is void."""
    values = [v for v in sorted(seen.pixels) if v != VOID or len(seen.pixels) <= 2]
    if len(values) < 2:
        message = f"all masks hold nothing but {_name(values[0], seen)}; two classes or more are needed."
        raise DataError([Problem("SEG_TOO_FEW_CLASSES", message, root.name)])
    if len(values) > MAX_CLASSES:
        what = (
            "colours: blended edges of a resized mask" if isinstance(values[0], tuple) else "values: instance numbers"
        )
        message = f"the masks hold {len(values)} {what}? At most {MAX_CLASSES} classes are possible."
        raise DataError([Problem("SEG_VALUE_RANGE", message, root.name, "Save masks of class indices.")])
    if isinstance(values[0], tuple):
        by_size = sorted(values, key=lambda colour: -seen.pixels[colour])
        colours = {f"class_{k}": list(colour) for k, colour in enumerate(by_size)}
        return {"classes": list(colours), "palette": colours}
    names = {f"class_{value}": value for value in values}
    plain = values == list(range(len(values)))
    return {"classes": list(names)} | ({} if plain else {"values": names})


def _to_write(root: Path, choices: dict[str, Any]) -> list[str]:
    name = root.resolve().name
    text = yaml.safe_dump({"data": {"use": "masks", "root": name, **choices}}, default_flow_style=None, sort_keys=False)
    head = f"To write into the study file, with the real names of the classes (and --data {name}=FOLDER to run it):"
    return [head, *(f"  {line}" for line in text.splitlines())]


def _doubts(seen: _Seen, choices: dict[str, Any]) -> list[str]:
    """What the numbers cannot tell."""
    if "palette" in choices:
        return ["If a colour means `not labelled`, move it to `void`, a list of colours; so with values."]
    if VOID in seen.pixels and VOID not in choices.get("values", {}).values():
        return ["255 is taken as void; if it is a class, declare `values`."]
    return ["If a value means `not labelled`, declare `values` for the others and list it in `void`."]
