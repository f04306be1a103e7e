"""The built-in augmentations of images with masks: `(size, *, choices) -> ((image, mask, generator) -> both)`.

An image is a uint8 tensor (3, H, W), its mask a uint8 tensor (H, W) of classes and void; `size` is (height, width) in
pixels of the network's training input. What moves pixels moves both by the same numbers. Masks are resized by taking
the nearest pixel's class, so that their values are never mixed: none but void can appear that was not there. Every draw
is taken from the generator, which belongs to one image in one epoch.
"""

from collections.abc import Callable
from types import EllipsisType
from typing import TYPE_CHECKING, Annotated

from paribus.labels import VOID
from paribus.parts import Ascending, NotNegative, Positive, Range, Share
from paribus.transforms import _integer, _uniform
from paribus.transforms import color_jitter as jitter_of_images

if TYPE_CHECKING:
    import torch

    Pair = tuple[torch.Tensor, torch.Tensor]
    Augment = Callable[[torch.Tensor, torch.Tensor, torch.Generator], Pair]
    Window = tuple[EllipsisType, slice, slice]


def scale_crop(
    size: tuple[int, int], *, scale: Annotated[tuple[Positive, Positive], Ascending()] = (0.75, 1.5)
) -> "Augment":
    """Objects larger or smaller by a random factor, then a random window of the input size.

    scale: at 1 the whole image fits the window, as evaluation shows it (where `eval_size` is larger than `size`,
    evaluation shows it at eval_size / size); the factor is uniform. Above 1 the window shows a part of the image; below
    1 the whole image lies at a random place on its mean colour, and the mask is void there.
    """

    def augment(image: "torch.Tensor", mask: "torch.Tensor", generator: "torch.Generator") -> "Pair":
        factor = _uniform(generator, *scale)
        if factor >= 1:  # what will not be seen is not resized
            window = _window(tuple(mask.shape), _times(tuple(mask.shape), 1 / factor), generator)
            return _resized(image[window], mask[window], size)
        small = _times(size, factor)
        image, mask = _resized(image, mask, small)
        return _laid(image, mask, size, _window(size, small, generator))

    return augment


def _times(size: tuple[int, ...], factor: float) -> tuple[int, int]:
    """A smaller size, of two pixels at least: torch does not resize to a single one."""
    height, width = (min(side, max(2, round(side * factor))) for side in size)
    return height, width


def _window(outer: tuple[int, ...], inner: tuple[int, int], generator: "torch.Generator") -> "Window":
    """The index of a random window of size `inner` in an image or mask of size `outer`."""
    top, left = _integer(generator, outer[0] - inner[0] + 1), _integer(generator, outer[1] - inner[1] + 1)
    return ..., slice(top, top + inner[0]), slice(left, left + inner[1])


def _laid(image: "torch.Tensor", mask: "torch.Tensor", size: tuple[int, int], window: "Window") -> "Pair":
    """Both laid into a window of a larger size: the image's mean colour and void are around them."""
    import torch

    mean = image.float().mean((1, 2)).round().to(torch.uint8)
    wide, void = mean[:, None, None].repeat(1, *size), torch.full(size, VOID, dtype=torch.uint8)
    wide[window], void[window] = image, mask
    return wide, void


def resize(size: tuple[int, int]) -> "Augment":
    """The whole image resized to the input size, whatever its aspect; no draw."""
    return lambda image, mask, generator: _resized(image, mask, size)


def _resized(image: "torch.Tensor", mask: "torch.Tensor", size: tuple[int, int]) -> "Pair":
    """The image by antialiased bilinear interpolation, the mask by choosing nearest pixels."""
    from torch.nn.functional import interpolate
    from torchvision.transforms.v2 import functional as F

    chosen = interpolate(mask[None, None], size=list(size), mode="nearest-exact")[0, 0]
    return F.resize(image, list(size), antialias=True), chosen


def horizontal_flip(size: tuple[int, int], *, p: Share = 0.5) -> "Augment":
    """Mirrored left to right with probability `p`."""
    return lambda image, mask, generator: (image.flip(-1), mask.flip(-1)) if _uniform(generator) < p else (image, mask)


def color_jitter(
    size: tuple[int, int],
    *,
    brightness: NotNegative = 0.0,
    contrast: NotNegative = 0.0,
    saturation: NotNegative = 0.0,
    hue: Annotated[float, Range(0, 0.5)] = 0.0,
) -> "Augment":
    """The image's colours as by `paribus.transforms.color_jitter`; the mask is left as it is."""
    jitter = jitter_of_images(max(size), brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
    return lambda image, mask, generator: (jitter(image, generator), mask)
