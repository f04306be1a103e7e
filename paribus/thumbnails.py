"""Small copies of the images a report shows, kept beside it so that it can be drawn again without the data."""

import hashlib
import io
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paribus import durable, regular
from paribus.errors import DataChanged, DataError, IntegrityError, Problem

SIDE = 128  # pixels of the longer side
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Thumbnails:
    """Name -> picture, from `folder`, or a JPEG made with `load` (id -> (H, W, 3) uint8) and kept there; else None.

    The name is an image's id, or what `view` gives for one of several pictures of an image. A file is named by hashes
    of the picture's name and of its bytes. `load` gives None for what it does not know. Raises IntegrityError for a
    picture that is not what was kept.
    """

    folder: Path
    load: Callable[[str], NDArray[np.uint8] | None] | None = None

    def __call__(self, name: str) -> bytes | None:
        found = next(iter(self._kept(name)), None)
        if found is not None:
            return _checked(found)
        if self.load is None:
            return None
        try:
            pixels = self.load(name)
        except (DataError, DataChanged):  # the file is no longer what was scanned: no picture, but a report
            return None
        if pixels is None:
            return None
        content = jpeg(pixels, SIDE)
        self.keep(name, content)
        return content

    def keep(self, name: str, content: bytes) -> None:
        """Have the picture, a PNG or JPEG, in place of any that has this name."""
        durable.make_folder(self.folder)
        path = self.folder / f"{_digest(name)}-{_hash(content)}.{'png' if content.startswith(_PNG) else 'jpg'}"
        former = [other for other in self._kept(name) if other != path]
        durable.write(path, content)
        for other in former:
            durable.unlink(other)

    def _kept(self, name: str) -> list[Path]:
        return sorted(self.folder.glob(f"{_digest(name)}-*.*"))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:20]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _checked(path: Path) -> bytes:
    try:
        content, written = regular.content(path), path.stem.partition("-")[2]
    except OSError as error:
        raise _damaged(path, f"cannot be read: {error.strerror}.") from None
    if _hash(content) != written:
        raise _damaged(path, f"has sha256 {_hash(content)}, {written} was written.")
    return content


def _damaged(path: Path, message: str) -> IntegrityError:
    fix = f"rm {shlex.quote(str(path))} and give the study's `paribus run` again: the picture is made again."
    return IntegrityError([Problem("PICTURE_DAMAGED", message, f"{path.parent.name}/{path.name}", fix)])


def view(image: str, kind: str, *runs: str) -> str:
    """The name of one of several pictures of an image: its kind, and the runs whose predictions it shows."""
    return "\x1f".join((image, kind, *runs))


def jpeg(pixels: NDArray[np.uint8], side: int, *, sharp: bool = False) -> bytes:
    """The pixels as a JPEG of at most `side` pixels, nothing of the original file's metadata in it.

    sharp: edges between colours count more than the image, as in a map drawn over one.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    out = io.BytesIO()
    if sharp:
        image.save(out, "JPEG", quality=70, subsampling=0)
    else:
        image.save(out, "JPEG", quality=85)
    return out.getvalue()
