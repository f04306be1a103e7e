"""One mask file: read once, checked, and put into classes. What a value or a colour means is declared, never guessed.

A grey mask holds one value a pixel, and so does a palette mask: its indices. But where colours are declared, a palette
mask is read by its colours, as one in RGB is: then the order of its palette means nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paribus import images
from paribus.errors import Problem
from paribus.images import ImageProblem, Notes
from paribus.labels import VOID, Colour, Space, mapped

MAX_CLASSES = 254  # indices below, and VOID, fit into one byte
MOST = 1 << 16  # values or colours of one picture that are counted
_UNKNOWN = 254
_LISTED = 8  # values or colours that a message names


@dataclass(frozen=True)
class Coding:
    """What the masks of one data set hold.

    own: the classes that the files tell apart. values: pixel value -> class index or VOID. colours: RGB -> class index
    or VOID; empty if colours mean nothing. declared: the study wrote the values itself, so that 0 and 255 are not
    doubtful. space and numbers: the classes that are learned, and (own classes,) the index of each own class in them.
    """

    own: Space
    values: Mapping[int, int]
    colours: Mapping[Colour, int]
    declared: bool
    space: Space
    numbers: tuple[int, ...]

    def key(self) -> str:
        """Equal for codings that give equal masks."""
        plain = (self.own.classes, sorted(self.values.items()), sorted(self.colours.items()), self.declared)
        return images.hash_bytes(repr((*plain, self.space.classes, self.numbers)).encode())

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "own": self.own.plain(),
            "values": list(self.values.items()),
            "colours": list(self.colours.items()),
            "declared": self.declared,
            "space": self.space.plain(),
            "numbers": list(self.numbers),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Coding":
        """The coding that `plain` wrote."""
        colours = {(r, g, b): index for (r, g, b), index in plain["colours"]}
        own, space = Space.from_plain(plain["own"]), Space.from_plain(plain["space"])
        return cls(own, dict(plain["values"]), colours, plain["declared"], space, tuple(plain["numbers"]))


@dataclass(frozen=True)
class MaskFacts:
    """What was found in one mask. sha256 is None, and file_bytes is 0, for a generated one.

    own_hash, pixel_hash: of the mask in its own classes and in those that are learned. pixels: (C,) of each learned
    class; void: of none. palette: index -> RGB of the indices that occur, if indices were read and have colours.
    """

    sha256: str | None
    own_hash: str
    pixel_hash: str
    file_bytes: int
    width: int
    height: int
    pixels: tuple[int, ...]
    void: int
    palette: tuple[tuple[int, Colour], ...] = ()
    warnings: tuple[Problem, ...] = ()

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        row: dict[str, Any] = {
            "sha256": self.sha256,
            "own": self.own_hash,
            "pixels": self.pixel_hash,
            "bytes": self.file_bytes,
            "width": self.width,
            "height": self.height,
            "counts": list(self.pixels),
            "void": self.void,
        }
        if self.palette:
            row["palette"] = [[index, list(colour)] for index, colour in self.palette]
        if self.warnings:
            row["warnings"] = [vars(problem) for problem in self.warnings]
        return row

    @classmethod
    def from_plain(cls, row: Mapping[str, Any]) -> "MaskFacts":
        """The facts that `plain` wrote."""
        return cls(
            row["sha256"],
            row["own"],
            row["pixels"],
            row["bytes"],
            row["width"],
            row["height"],
            tuple(row["counts"]),
            row["void"],
            tuple((index, (r, g, b)) for index, (r, g, b) in row.get("palette", ())),
            tuple(Problem(**problem) for problem in row.get("warnings", ())),
        )


@dataclass(frozen=True)
class Written:
    """Pixels of each value, or of each colour, of one mask; palette: the colours of values that are indices.

    Of a picture with more than `MOST` colours (a photograph) the first ones.
    """

    values: dict[int, int]
    colours: dict[Colour, int]
    palette: dict[int, Colour]

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: list(found.items()) for name, found in vars(self).items()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Written":
        """What `plain` wrote."""
        colours = {(r, g, b): count for (r, g, b), count in plain["colours"]}
        palette = {index: (r, g, b) for index, (r, g, b) in plain["palette"]}
        return cls(dict(plain["values"]), colours, palette)


def coding(
    own: Space,
    *,
    values: Mapping[int, int] | None = None,
    colours: Mapping[Colour, int] | None = None,
    void: Sequence[int] = (),
    space: Space | None = None,
    numbers: Sequence[int] | None = None,
) -> Coding:
    """The coding of masks with the classes `own`: value k is class k unless `values` says otherwise."""
    indices = range(len(own.classes))
    known = dict(values) if values is not None else {k: k for k in indices}
    known = {**dict.fromkeys(void, VOID), **known}
    return Coding(own, known, colours or {}, values is not None, space or own, tuple(numbers or indices))


def inspect(path: Path, code: Coding, name: str | None = None) -> MaskFacts:
    """Read `path` once and say what it holds. `name` stands in messages.

    Raises ImageProblem with a code of `images.read`, or SEG_MASK_LOSSY, SEG_MASK_MULTIFRAME, SEG_MASK_CHANNELS,
    SEG_MASK_COLOUR, SEG_MASK_FLOAT, SEG_MASK_0_255, SEG_VALUE_RANGE, SEG_EXIF.
    """
    where = name or path.name
    data = images.read_bytes(path, where)
    mask, palette, notes = _own_mask(data, code, where)
    said = tuple(Problem(kind, message, where) for kind, message in dict(notes).items())
    return _facts(mask, code.numbers, len(code.space.classes), images.hash_bytes(data), len(data), palette, said)


def written(path: Path, name: str | None = None) -> Written:
    """What `path` holds as long as nobody has said what it means. Raises ImageProblem for what can be no mask."""
    where = name or path.name
    array, palette, _ = _as_written(images.read_bytes(path, where), where, by_colour=False)
    if array.ndim == 2:
        values, counts = np.unique(array, return_counts=True)
        return Written(dict(zip(values[:MOST].tolist(), counts[:MOST].tolist(), strict=True)), {}, palette)
    colours, counts = np.unique(_packed(array), return_counts=True)
    return Written({}, dict(zip(map(_unpacked, colours[:MOST].tolist()), counts[:MOST].tolist(), strict=True)), {})


def generated(own: NDArray[np.uint8], code: Coding) -> MaskFacts:
    """What a drawn mask holds: (H, W) indices of its own classes, and VOID."""
    return _facts(own, code.numbers, len(code.space.classes), None, 0, (), ())


def decode(path: Path, code: Coding, *, sha256: str | None = None, name: str | None = None) -> NDArray[np.uint8]:
    """(H, W) uint8: indices of the learned classes, and VOID.

    Raises ImageProblem as `inspect` does, and DataChanged if the file's hash is not `sha256`.
    """
    where = name or path.name
    data = images.read_bytes(path, where)
    images.check_bytes(data, sha256, where)
    return mapped(_own_mask(data, code, where)[0], code.numbers)


def _facts(
    own: NDArray[np.uint8],
    numbers: tuple[int, ...],
    classes: int,
    sha256: str | None,
    file_bytes: int,
    palette: tuple[tuple[int, Colour], ...],
    said: tuple[Problem, ...],
) -> MaskFacts:
    mask = mapped(own, numbers)
    counts = np.bincount(mask.ravel(), minlength=256)
    height, width = mask.shape
    hashes = images.hash_pixels(own), images.hash_pixels(mask)
    pixels = tuple(int(n) for n in counts[:classes])
    return MaskFacts(sha256, *hashes, file_bytes, width, height, pixels, int(counts[VOID]), palette, said)


# ------------------------------------------------------------------------------------------------ from file to classes


def _own_mask(data: bytes, code: Coding, name: str) -> tuple[NDArray[np.uint8], tuple[tuple[int, Colour], ...], Notes]:
    """((H, W) own class indices and VOID, the palette that was used, what had to be changed)."""
    white = 255 if 255 in code.values and 1 not in code.values else 1
    array, palette, notes = _as_written(data, name, bool(code.colours), white)
    if array.ndim == 2:
        used = tuple((k, colour) for k, colour in palette.items() if code.values.get(k, VOID) != VOID)
        return _by_value(array, code, name), used, notes
    if code.colours:
        return _by_colour(array, code, name), (), notes
    found = [_unpacked(v) for v in np.unique(_packed(array)).tolist()]
    raise _colour_problem(f"is coloured, and no colours are declared. It holds {_listed(found)}.", name)


def _as_written(
    data: bytes, name: str, by_colour: bool, white: int = 1
) -> tuple[NDArray[np.generic], dict[int, Colour], Notes]:
    """((H, W) values or (H, W, 3) colours, index -> colour of the palette that occurs, what had to be changed).

    by_colour: whether palettes and equal channels are read as colours. white: the value of white in one bit.
    """
    notes: Notes = []
    if data.startswith(b"\xff\xd8\xff") or (data[8:16] in (b"WEBPVP8 ", b"WEBPVP8X") and b"VP8 " in data[12:4096]):
        fix = "Save masks as PNG from where they were drawn; a converted JPEG stays smeared."
        raise _problem("SEG_MASK_LOSSY", "is a JPEG or lossy WebP: compression changes labels.", name, fix)
    with images.opened(data, name, notes) as (image, kind):
        if images.orientation_of(data, name) != 1:
            fix = "Save the mask without EXIF data, as it lies on the upright image."
            raise _problem("SEG_EXIF", "has an EXIF orientation: which way up is it?", name, fix)
        if any(said == "IMG_MULTIFRAME" for said, _ in notes):
            raise _problem("SEG_MASK_MULTIFRAME", "has more than one page or frame.", name, "Save one.")
        if kind == "PNG" and data[25] != 0 and data[24] > 8:
            message = "has 16 bits a channel and more than one channel."
            raise _problem("SEG_MASK_CHANNELS", message, name, "Save 8-bit RGB, or class indices in one channel.")
        if image.mode == "P" and not by_colour:
            indices = np.asarray(image)
            return indices, _palette(image, indices), notes
        if image.mode in ("P", "RGB", "RGBA", "RGBX", "LA", "PA"):
            return _channels(image, by_colour, name, notes), {}, notes
        return _values(image, data, kind, white, name, notes), {}, notes


def _values(image: Image.Image, data: bytes, kind: str, white: int, name: str, notes: Notes) -> NDArray[np.int64]:
    """(H, W) the values as they were written: no scaling, no shift."""
    array = np.asarray(image)
    if image.mode == "1":
        return array.astype(np.int64) * white
    if image.mode == "F":
        if not np.isfinite(array).all() or (array != np.rint(array)).any():
            odd = sorted({float(v) for v in array[array != np.rint(array)].ravel()[:1000]})
            message = f"has fractions ({_listed(odd)}): it was resized or interpolated."
            raise _problem("SEG_MASK_FLOAT", message, name, "Save whole class indices, resized with nearest.")
        notes.append(("SEG_MASK_FLOAT", "holds floats; all are whole numbers and are used as such."))
        array = np.clip(array, -(2.0**40), 2.0**40)  # what is beyond is no class either, and fits no integer
    elif image.mode not in ("L", "I") and not image.mode.startswith("I;16"):
        message = f"has pixels of mode {image.mode!r}; a mask has one channel, a palette or RGB."
        raise _problem("SEG_MASK_CHANNELS", message, name, "Save class indices as an 8-bit PNG.")
    depth = images.bit_depth(image, data, kind)
    if image.mode == "L" and depth in (2, 4):  # Pillow stretches these to 0..255
        return array.astype(np.int64) // (255 // (2**depth - 1))
    return array.astype(np.int64)


def _channels(image: Image.Image, by_colour: bool, name: str, notes: Notes) -> NDArray[np.uint8]:
    """(H, W, 3) colours, or (H, W) values if colours mean nothing and the three channels are equal."""
    if image.mode in ("RGBA", "LA", "PA") and np.asarray(image.getchannel("A")).min() < 255:
        message = "has an alpha channel with transparent pixels: is the class in the colour or in the alpha?"
        raise _problem("SEG_MASK_CHANNELS", message, name, "Save class indices in one channel, or RGB.")
    array = np.asarray(image.convert("RGB"))
    if by_colour or (array != array[:, :, :1]).any():
        return array
    notes.append(("SEG_MASK_CHANNELS", "has three equal channels; one is used."))
    return array[:, :, 0]


def _by_value(array: NDArray[np.generic], code: Coding, name: str) -> NDArray[np.uint8]:
    values = array.astype(np.int64)
    found = _looked_up(values, code.values)
    if not code.declared and (values == 255).any() and set(np.unique(values).tolist()) == {0, 255}:
        message = "holds 0 and 255 only: is 255 a class or void?"
        first, second, *others = code.own.classes
        way = (
            f"{{{first}: 0, {second}: 1, …}} leaves 255 to void" if others else f"such as {{{first}: 0, {second}: 255}}"
        )
        fix = f"Declare the value of every class in `values`: {way}."
        raise _problem("SEG_MASK_0_255", message, name, fix)
    if (found == _UNKNOWN).any():
        odd = np.unique(values[found == _UNKNOWN])
        classes = sorted(v for v, k in code.values.items() if k != VOID)
        void = sorted(v for v, k in code.values.items() if k == VOID)
        message = f"holds the value{'s' * (len(odd) > 1)} {_listed(odd.tolist())}; classes are {_ranges(classes)}"
        message += f", void is {_listed(void)}." if void else ", and no value is void."
        raise _problem("SEG_VALUE_RANGE", message, name, "Correct the mask, or declare `values` or `void`.")
    return found


def _by_colour(array: NDArray[np.generic], code: Coding, name: str) -> NDArray[np.uint8]:
    packed = _packed(array)
    found = _looked_up(packed, {(r << 16) + (g << 8) + b: k for (r, g, b), k in code.colours.items()})
    if (found == _UNKNOWN).any():
        odd = [_unpacked(v) for v in np.unique(packed[found == _UNKNOWN]).tolist()]
        raise _colour_problem(f"holds colours that are not declared: {_listed(odd)}.", name)
    return found


def _packed(colours: NDArray[np.generic]) -> NDArray[np.int64]:
    """(H, W) one number for each colour of (H, W, 3)."""
    wide = colours.astype(np.int64)
    return (wide[:, :, 0] << 16) + (wide[:, :, 1] << 8) + wide[:, :, 2]


def _unpacked(number: int) -> Colour:
    return number >> 16, number >> 8 & 255, number & 255


def _looked_up(array: NDArray[np.int64], known: Mapping[int, int]) -> NDArray[np.uint8]:
    """What each number stands for, _UNKNOWN where it is not among the known ones."""
    low, high = int(array.min()), int(array.max())
    if low >= 0 and high < 1 << 16:  # a table is faster than a search
        table = np.full(high + 1, _UNKNOWN, np.uint8)
        for number, meant in known.items():
            if 0 <= number <= high:
                table[number] = meant
        return table[array]
    numbers = np.array(sorted(known), np.int64)
    meaning = np.array([known[n] for n in numbers.tolist()], np.uint8)
    place = np.minimum(np.searchsorted(numbers, array), len(numbers) - 1)
    return np.where(numbers[place] == array, meaning[place], np.uint8(_UNKNOWN)).astype(np.uint8)


def _palette(image: Image.Image, indices: NDArray[np.uint8]) -> dict[int, Colour]:
    """Index -> colour of the indices that occur."""
    flat = image.getpalette("RGB") or []
    used = [k for k in np.unique(indices).tolist() if 3 * k + 2 < len(flat)]
    return {k: (flat[3 * k], flat[3 * k + 1], flat[3 * k + 2]) for k in used}


def _colour_problem(message: str, name: str) -> ImageProblem:
    fix = "Declare `palette: {class: [R, G, B]}`, and void colours as `void`. Hundreds of colours mean blended edges."
    return _problem("SEG_MASK_COLOUR", message, name, fix)


def _listed(found: Sequence[object]) -> str:
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return ", ".join(str(each).replace(", ", ",") for each in found[:_LISTED]) + more


def _ranges(numbers: Sequence[int]) -> str:
    """`0 to 10` for a run of numbers, a list otherwise."""
    whole = len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1
    return f"{numbers[0]} to {numbers[-1]}" if whole else _listed(numbers)


def _problem(code: str, message: str, where: str, fix: str = "") -> ImageProblem:
    return ImageProblem([Problem(code, message, where, fix)])
