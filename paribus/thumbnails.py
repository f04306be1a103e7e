"""Small copies of the images a report shows, kept beside it so that it can be drawn again without the data."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paribus import durable

SIDE = 128  # pixels of the longer side
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Thumbnails:
    """Name -> picture, from `folder`, or a JPEG made with `load` (id -> (H, W, 3) uint8) and kept there; else None.

    The name is an image's id, or what `view` gives for one of several pictures of an image.
    """

    folder: Path
    load: Callable[[str], NDArray[np.uint8]] | None = None

    def __call__(self, name: str) -> bytes | None:
        found = next((path for path in self._places(name) if path.exists()), None)
        if found is not None:
            return found.read_bytes()
        if self.load is None:
            return None
        content = jpeg(self.load(name), SIDE)
        self.keep(name, content)
        return content

    def keep(self, name: str, content: bytes) -> None:
        """Have the picture, a PNG or JPEG, in place of any that has this name."""
        durable.make_folder(self.folder)
        jpg, png = self._places(name)
        durable.write(png if content.startswith(_PNG) else jpg, content)

    def _places(self, name: str) -> tuple[Path, Path]:
        stem = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:20]
        return self.folder / f"{stem}.jpg", self.folder / f"{stem}.png"


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
