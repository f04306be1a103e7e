"""One image file: checked, read once, decoded to 8-bit RGB. Says what was wrong and what had to be changed."""

import hashlib
import re
import stat
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from paribus.errors import DataChanged, DataError, MachineError, Problem

MAX_FILE_BYTES = 256 << 20
MAX_PIXELS = 50_000_000
MAX_ASPECT = 100
MIN_SIDE = 8

# File name endings of each format we read, and the bytes its files begin with.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
}
# Listed so that such a file is named as not allowed instead of being passed over without a word.
OTHER_SUFFIXES = (".heic", ".heif", ".avif", ".jp2", ".psd", ".svg", ".eps", ".ppm", ".pgm", ".tga", ".ico")
SUFFIXES = frozenset(OTHER_SUFFIXES).union(*FORMATS.values())

# The plugins are called directly: Image.open depends on process-wide settings (its size limit and its list of
# formats), and reads as MPO what phones write as JPEG.
_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
}
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
_ORIENTATION = 0x0112
_TIFF_BITS = 258
_TIFF_PHOTOMETRIC = 262
_STRIP = 1 << 20  # pixels that are composited at a time

Notes = list[tuple[str, str]]  # (code, message)


class ImageProblem(DataError):
    """One file that cannot be used. `problem` says why."""

    @property
    def problem(self) -> Problem:
        return self.problems[0]


@dataclass(frozen=True)
class Decoded:
    """One image as a network will see it, and what the file was.

    pixels: (H, W, 3) uint8 RGB, turned upright. sha256: of the file's bytes. pixel_hash: of the pixels and their
    shape, so that two files with the same picture agree. file_bytes: size of the file. warnings: what had to be changed
    or looks odd.
    """

    pixels: NDArray[np.uint8]
    sha256: str
    pixel_hash: str
    width: int
    height: int
    file_bytes: int
    warnings: tuple[Problem, ...]


def read(path: Path, name: str | None = None) -> Decoded:
    """Read `path` once; hash and decode the same bytes. `name` stands in messages (default: the file's name).

    Raises ImageProblem with one of the codes FILE_MISSING, FILE_PERMISSION, FILE_NOT_REGULAR, FILE_TOO_LARGE,
    FILE_UNREADABLE, IMG_EMPTY_FILE, IMG_NOT_AN_IMAGE, IMG_FORMAT_NOT_ALLOWED, IMG_TRUNCATED, IMG_UNREADABLE, IMG_BOMB,
    IMG_ASPECT, IMG_TOO_SMALL, IMG_MODE_UNSUPPORTED.
    """
    data = read_bytes(path, name)
    pixels, said = decode_bytes(data, name or path.name)
    height, width = pixels.shape[:2]
    return Decoded(pixels, hash_bytes(data), hash_pixels(pixels), width, height, len(data), said)


def decode(path: Path, *, sha256: str | None = None, name: str | None = None) -> NDArray[np.uint8]:
    """The (H, W, 3) uint8 RGB pixels of `path`.

    Raises ImageProblem as `read` does, and DataChanged if the file's hash is not `sha256`.
    """
    data = read_bytes(path, name)
    check_bytes(data, sha256, name or path.name)
    return decode_bytes(data, name or path.name)[0]


def check_bytes(data: bytes, sha256: str | None, name: str) -> None:
    """Raises DataChanged if the hash of a file's content is not `sha256`; None allows any."""
    if sha256 is not None and hash_bytes(data) != sha256:
        message = "the file is not the one that was scanned: its content changed."
        raise DataChanged([Problem("DATA_CHANGED", message, name, "Put the file back.")])


def hash_bytes(data: bytes) -> str:
    """sha256 in hex."""
    return hashlib.sha256(data).hexdigest()


def hash_pixels(pixels: NDArray[np.uint8]) -> str:
    """sha256 in hex over the shape and the pixels."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def read_bytes(path: Path, name: str | None = None) -> bytes:
    """The content of a regular file of at most MAX_FILE_BYTES. Others are refused before they are opened."""
    where = name or path.name
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise _problem(
                "FILE_NOT_REGULAR", "is no regular file (a pipe, socket, device or folder). Not opened.", where
            )
        if info.st_size > MAX_FILE_BYTES:
            limit = f"{info.st_size} bytes; the limit is {MAX_FILE_BYTES}. Not opened."
            raise _problem("FILE_TOO_LARGE", limit, where)
        data = path.read_bytes()
    except PermissionError:
        raise _problem("FILE_PERMISSION", "may not be read by this user.", where, "Change its permissions.") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError) or path.is_symlink():
            raise _problem("FILE_MISSING", "does not exist, or is a link to nothing.", where) from None
        raise _problem("FILE_UNREADABLE", f"cannot be read: {error.strerror}.", where) from None
    if not data:
        raise _problem("IMG_EMPTY_FILE", "has no content (0 bytes).", where, "Copy the file again.")
    return data


def decode_bytes(data: bytes, name: str) -> tuple[NDArray[np.uint8], tuple[Problem, ...]]:
    """(H, W, 3) uint8 RGB pixels of an encoded image, and warnings. `name` stands in messages. Raises as `read`."""
    notes: Notes = []
    with opened(data, name, notes) as (image, kind):
        array = _rgb(image, data, kind, name, notes)
        with _quietly() as corrupt:
            orientation = _orientation(image, corrupt)
    pixels = _upright(array, orientation, notes)
    if pixels.min() == pixels.max() or (pixels == pixels[0, 0]).all():
        notes.append(("IMG_CONSTANT", "every pixel has the same colour."))
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in SUFFIXES and suffix not in FORMATS[kind]:
        notes.append(("IMG_EXT_MISMATCH", f"the content is {kind}, the name ends in {suffix}."))
    if _has_trailing_bytes(data, kind):
        notes.append(("IMG_TRAILING_BYTES", f"other data follow the end of the {kind} image; they are not used."))
    return np.ascontiguousarray(pixels), tuple(Problem(code, message, name) for code, message in dict(notes).items())


def orientation_of(data: bytes, name: str) -> int:
    """The EXIF orientation of an encoded image, 1 to 8; 1 if there is none that means anything."""
    with _quietly() as corrupt:
        image = _READERS[_format(data, name)](BytesIO(data))
        return _orientation(image, corrupt) or 1


@contextmanager
def opened(data: bytes, name: str, notes: Notes) -> Iterator[tuple[ImageFile.ImageFile, str]]:
    """An encoded image, decoded but neither converted nor turned, and its format. Adds (code, message) to `notes`.

    Raises ImageProblem as `read` does, also where the bytes turn out to be damaged while the image is used.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        message = "PIL.ImageFile.LOAD_TRUNCATED_IMAGES is set: damaged images would pass as whole ones. Unset it."
        raise MachineError(message)
    kind = _format(data, name)
    try:
        with _load(data, kind, name, notes) as image:
            yield image, kind
    except (ImageProblem, MemoryError):
        raise
    except Exception as error:  # a decoder given damaged bytes raises almost anything
        raise _damaged(error, data, kind, name) from None


# ---------------------------------------------------------------------------------------------------- what it is


def _format(data: bytes, name: str) -> str:
    """The format by content, never by name."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    for start, kind in _SIGNATURES:
        if data.startswith(start):
            return kind
        if start.startswith(data):
            raise _problem("IMG_UNREADABLE", f"has {len(data)} bytes: too few for an image.", name)
    other = _not_allowed(data)
    if other:
        allowed = ", ".join(FORMATS)
        raise _problem("IMG_FORMAT_NOT_ALLOWED", f"is {other}; read are {allowed}.", name, "Convert it to PNG or JPEG.")
    raise _problem("IMG_NOT_AN_IMAGE", f"is not an image but {_content(data)}.", name, "Fetch the file again.")


def kind_of(data: bytes) -> str | None:
    """The format of an image's bytes, by content; None for what is not read here."""
    try:
        return _format(data, "")
    except ImageProblem:
        return None


def _not_allowed(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "AVIF" if data[8:12].startswith(b"avi") else "HEIC (HEIF)"
    known = {b"%!PS": "EPS or PostScript", b"%PDF": "PDF", b"8BPS": "Photoshop (PSD)", b"\0\0\1\0": "an ICO icon"}
    known |= {b"\0\0\0\x0cjP": "JPEG 2000", b"\xc5\xd0\xd3\xc6": "EPS"}
    known |= {f"P{n}".encode() + end: "PNM (PPM, PGM)" for n in range(1, 7) for end in (b"\n", b" ")}
    return next((what for start, what in known.items() if data.startswith(start)), "")


def _content(data: bytes) -> str:
    head = data[:512].lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer (the image itself was not fetched: `git lfs pull`)"
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if not any(data):
        return "a file of zeros (an unfinished copy?)"
    return "something of an unknown kind"


# ---------------------------------------------------------------------------------------------------- loading

# Pillow reports damaged metadata through `warnings`, whose filters belong to the whole process. The lock keeps two
# threads from restoring each other's filters; it is held while headers are parsed, not while pixels are decoded.
_filters = threading.Lock()


@contextmanager
def _quietly() -> Iterator[list[warnings.WarningMessage]]:
    """Collect Pillow's warnings instead of printing them."""
    with _filters, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield said


def _load(data: bytes, kind: str, name: str, notes: Notes) -> ImageFile.ImageFile:
    """The image with its pixels decoded, not yet RGB."""
    with _quietly() as said:
        image = _READERS[kind](BytesIO(data))
        turned = image.tag_v2.get(_ORIENTATION, 1) if isinstance(image, TiffImageFile) else 1
        _within_limits(image, name)
        if getattr(image, "is_animated", False):
            image.seek(0)
            notes.append(("IMG_MULTIFRAME", "holds more than one frame or page; the first is used."))
        if isinstance(image, TiffImageFile):
            image.load()  # applies the orientation; may warn
    image.load()
    if any("exif" in str(w.message).lower() for w in said):
        notes.append(("IMG_EXIF_INVALID", "its EXIF block is damaged and was not used."))
    if turned in range(2, 9):
        notes.append(("IMG_EXIF_ROTATED", f"turned upright (orientation {turned})."))
    return image


def _within_limits(image: Image.Image, name: str) -> None:
    width, height = image.size
    size = f"{width} x {height} pixels"
    if width * height > MAX_PIXELS:
        limit = f"{size}; the limit is {MAX_PIXELS // 1_000_000} million. Not decoded."
        raise _problem("IMG_BOMB", limit, name, "Make a smaller copy.")
    if min(width, height) > 0 and max(width, height) > MAX_ASPECT * min(width, height):
        raise _problem("IMG_ASPECT", f"{size}: the sides differ by more than {MAX_ASPECT} to 1.", name)
    if min(width, height) < MIN_SIDE:
        raise _problem("IMG_TOO_SMALL", f"{size}; both sides must have at least {MIN_SIDE}.", name)


def _damaged(error: Exception, data: bytes, kind: str, name: str) -> ImageProblem:
    said = str(error)
    if isinstance(error, Image.DecompressionBombError):
        return _problem("IMG_BOMB", f"{said}. Not decoded.", name)
    if "Decompressed data too large" in said or "Too much memory used in text" in said:
        return _problem("IMG_BOMB", "a compressed comment in it grows over the limit of 1 MiB. Not decoded.", name)
    cut_png = kind == "PNG" and isinstance(error, OSError | EOFError | SyntaxError) and _png_end(data) is None
    if "truncated" in said.lower() or (cut_png and len(data) > 33):
        message = f"the {kind} data end after {len(data)} bytes, before the image is complete."
        return _problem("IMG_TRUNCATED", message, name, "Copy the file again.")
    reason = said.splitlines()[0] if said else type(error).__name__
    return _problem("IMG_UNREADABLE", f"the {kind} data are damaged ({reason}).", name, "Copy the file again.")


# ---------------------------------------------------------------------------------------------------- to RGB


def _rgb(image: ImageFile.ImageFile, data: bytes, kind: str, name: str, notes: Notes) -> NDArray[np.uint8]:
    """(H, W, 3). Deep images keep their high byte; transparent pixels are composited on white."""
    bits = bit_depth(image, data, kind)
    if bits > 8:
        notes.append(("IMG_DEPTH_CONVERTED", f"{bits} bits a channel; the highest 8 are used."))
    if image.mode.startswith("I;16") or (image.mode == "I" and kind == "PNG"):
        return _deep_grey(image, bits, notes)
    if image.mode not in ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"):
        message = f"its pixels are of mode {image.mode!r}, for which no range of values is agreed."
        raise _problem("IMG_MODE_UNSUPPORTED", message, name, "Save it as 8-bit RGB or grey.")
    if image.has_transparency_data:
        return _on_white(image, notes)
    if image.mode in ("CMYK", "YCbCr"):
        notes.append(("IMG_MODE_CONVERTED", f"converted from {image.mode} to RGB."))
    return np.asarray(image.convert("RGB"))


def bit_depth(image: Image.Image, data: bytes, kind: str) -> int:
    """Bits a channel. Pillow cuts 48-bit files down without a word, so the file itself is asked."""
    if kind == "PNG":
        return data[24]
    if isinstance(image, TiffImageFile):
        return int(max(image.tag_v2.get(_TIFF_BITS, (8,))))
    return 8


def _deep_grey(image: Image.Image, bits: int, notes: Notes) -> NDArray[np.uint8]:
    deep = np.asarray(image).astype(np.uint32)
    grey = (deep >> max(bits - 8, 0)).astype(np.uint8)
    if isinstance(image, TiffImageFile) and image.tag_v2.get(_TIFF_PHOTOMETRIC) == 0:
        grey = 255 - grey  # 0 is white in such files
    if "transparency" in image.info:
        hidden = deep == image.info["transparency"]
        if hidden.any():
            notes.append(("IMG_ALPHA", "has transparent pixels; they are shown on white."))
            grey = np.where(hidden, np.uint8(255), grey)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _on_white(image: Image.Image, notes: Notes) -> NDArray[np.uint8]:
    if image.mode == "La":
        image = image.convert("LA")
    rgba = image.convert("RGBA")
    width, height = rgba.size
    pixels, hidden = np.empty((height, width, 3), np.uint8), False
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):  # wide integers of a whole image would need gigabytes
        strip = np.asarray(rgba.crop((0, top, width, min(top + rows, height)))).astype(np.uint32)
        alpha = strip[:, :, 3:]
        hidden |= bool((alpha < 255).any())
        pixels[top : top + rows] = (strip[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    if hidden:
        notes.append(("IMG_ALPHA", "has transparent pixels; they are shown on white."))
    return pixels


def _orientation(image: Image.Image, corrupt: list[warnings.WarningMessage]) -> int | None:
    """EXIF orientation (1 if there is none), or None if the block cannot be read or the value means nothing."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except (SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OSError, struct.error):
        return None
    return None if corrupt or value not in range(1, 9) else int(value)


def _upright(pixels: NDArray[np.uint8], orientation: int | None, notes: Notes) -> NDArray[np.uint8]:
    if orientation is None:
        notes.append(("IMG_EXIF_INVALID", "its EXIF orientation cannot be read; the image is used as stored."))
        return pixels
    if orientation == 1:
        return pixels
    notes.append(("IMG_EXIF_ROTATED", f"turned upright (orientation {orientation})."))
    return {
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        6: np.rot90(pixels, -1),
        7: pixels[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(pixels, 1),
    }[orientation]


# ---------------------------------------------------------------------------------------------------- what follows


def _has_trailing_bytes(data: bytes, kind: str) -> bool:
    end = {"PNG": _png_end, "JPEG": _jpeg_end}.get(kind, lambda _: None)(data)
    if end is None or not data[end:].strip(b"\0\r\n\t "):
        return False
    return not (kind == "JPEG" and b"MPF\0" in data[:end])  # phones append further pictures and say so


def _png_end(data: bytes) -> int | None:
    """The position after the IEND chunk; None if the file ends before it."""
    position = 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        name = data[position + 4 : position + 8]
        position += 12 + length
        if name == b"IEND":
            return position if position <= len(data) else None
    return None


# Inside entropy-coded data 0xFF is followed by 0 (a stuffed byte) or by a restart marker.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg_end(data: bytes) -> int | None:
    """The position after the end-of-image marker; None if the segments cannot be followed."""
    position = 2
    while found := _JPEG_MARKER.search(data, position):
        if found.group() == b"\xff\xd9":
            return found.end()
        if found.end() + 2 > len(data):
            return None
        (length,) = struct.unpack_from(">H", data, found.end())
        position = found.end() + length
    return None


def _problem(code: str, message: str, where: str, fix: str = "") -> ImageProblem:
    return ImageProblem([Problem(code, message, where, fix)])
