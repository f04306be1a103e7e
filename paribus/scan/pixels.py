"""How often each class occurs: what weights for rare classes, and remarks about them, need."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paribus.maskfile import MaskFacts


@dataclass(frozen=True)
class SplitPixels:
    """The masks of one split in numbers.

    images: how many. pixels: (C,) of each class; void: of none. images_with: (C,) images that hold the class.
    pixels_of_images_with: (C,) labelled pixels, of any class, of those images.
    """

    images: int
    pixels: tuple[int, ...]
    void: int
    images_with: tuple[int, ...]
    pixels_of_images_with: tuple[int, ...]

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "images": self.images,
            "pixels": list(self.pixels),
            "void": self.void,
            "images_with": list(self.images_with),
            "pixels_of_images_with": list(self.pixels_of_images_with),
        }


def pixels_of(masks: Sequence[MaskFacts], classes: int) -> SplitPixels:
    """The numbers of these masks of `classes` classes."""
    holding = [[mask for mask in masks if mask.pixels[c]] for c in range(classes)]
    return SplitPixels(
        len(masks),
        tuple(sum(mask.pixels[c] for mask in masks) for c in range(classes)),
        sum(mask.void for mask in masks),
        tuple(len(those) for those in holding),
        tuple(sum(sum(mask.pixels) for mask in those) for those in holding),
    )
