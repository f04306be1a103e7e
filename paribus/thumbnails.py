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


@dataclass(frozen=True)
class Thumbnails:
    """Image id -> JPEG bytes, from `folder`, or made with `load` (id -> (H, W, 3) uint8) and kept there; else None."""

    folder: Path
    load: Callable[[str], NDArray[np.uint8]] | None = None

    def __call__(self, image_id: str) -> bytes | None:
        path = self.folder / f"{hashlib.sha256(image_id.encode('utf-8', 'surrogateescape')).hexdigest()[:20]}.jpg"
        if path.exists():
            return path.read_bytes()
        if self.load is None:
            return None
        content = encoded(self.load(image_id))
        durable.make_folder(self.folder)
        durable.write(path, content)
        return content


def encoded(pixels: NDArray[np.uint8]) -> bytes:
    """The pixels as a small JPEG, nothing of the original file's metadata in it."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()
