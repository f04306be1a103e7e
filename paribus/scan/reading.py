"""One image, and its mask, read and decoded once."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paribus import images, maskfile
from paribus.errors import Problem
from paribus.images import ImageProblem
from paribus.maskfile import Coding, MaskFacts
from paribus.scan.facts import Facts

_THUMBNAIL = 8  # pixels a side


@dataclass(frozen=True)
class Files:
    """An image and, where it has one, its mask; `name` and `mask_name` stand in messages."""

    name: str
    source: Path
    mask_name: str = ""
    mask: Path | None = None


def look(files: Files, coding: Coding | None) -> Facts:
    """What is in the files. Raises ImageProblem, with the image's name in every case."""
    data = images.read_bytes(files.source, files.name)
    pixels, said = images.decode_bytes(data, files.name)
    height, width = pixels.shape[:2]
    hashes = images.hash_bytes(data), images.hash_pixels(pixels)
    found = Facts(*hashes, width, height, len(data), thumbnail(pixels), said)
    if coding is None or files.mask is None:
        return found
    mask = _mask(files, coding)
    turned = any(problem.code == "IMG_EXIF_ROTATED" for problem in said)
    check_match(found, mask, files.name, files.mask_name, images.orientation_of(data, files.name) if turned else 1)
    return replace(found, mask=mask)


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """8 x 8 RGB means of the (H, W, 3) pixels."""
    return Image.fromarray(pixels).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX).tobytes()


def check_match(image: Facts, mask: MaskFacts, name: str, mask_name: str, orientation: int = 1) -> None:
    """Refuse a mask that is not of its image's size, or may lie on the image before it was turned upright.

    orientation: the EXIF one that was applied to the image. Raises ImageProblem.
    """
    shown, drawn = (image.width, image.height), (mask.width, mask.height)
    if orientation != 1:
        stored = shown[::-1] if orientation >= 5 else shown
        if drawn == stored:
            also = ", not as it is shown" if stored != shown else " and as it is shown"
            message = (
                f"its EXIF orientation turns it, and the mask {mask_name} fits the image as it is stored{also}: which "
                "one was it drawn on?"
            )
            fix = "Save the image upright without EXIF data, as the mask lies on it."
            raise ImageProblem([Problem("SEG_EXIF", message, name, fix)])
    if drawn != shown:
        sizes = f"is {shown[0]}x{shown[1]}, its mask {mask_name} is {drawn[0]}x{drawn[1]} pixels"
        message = f"{sizes}. A mask is never resized to fit."
        raise ImageProblem([Problem("SEG_SIZE_MISMATCH", message, name, "Export the mask at the image's size.")])


def _mask(files: Files, coding: Coding) -> MaskFacts:
    """What the mask holds. Raises ImageProblem."""
    assert files.mask is not None

    def of_image(problem: Problem) -> Problem:
        return replace(problem, where=files.name, message=f"its mask {files.mask_name}: {problem.message}")

    try:
        found = maskfile.inspect(files.mask, coding, files.mask_name)
    except ImageProblem as error:
        raise ImageProblem([of_image(error.problem)]) from None
    return replace(found, warnings=tuple(map(of_image, found.warnings)))
