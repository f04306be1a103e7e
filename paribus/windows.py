"""What part of an image the geometric augmentations leave in sight: their namesakes here move a window, not pixels.

`(size, *, choices) -> ((window, generator) -> window)`: each function has the name and the choices of an augmentation
in `paribus.transforms` or `paribus.pixel_transforms`, and takes the same draws from a generator. `size` is (height,
width) in pixels of the network's training input.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Annotated

from paribus.parts import Ascending, Positive, Share
from paribus.pixel_transforms import _times, _window
from paribus.transforms import Area, _crop_box, _uniform

if TYPE_CHECKING:
    import torch

    Follow = Callable[["Window", torch.Generator], "Window"]

Size = tuple[int, int]  # height, width
Box = tuple[float, float, float, float]  # left, top, right, bottom

COLOUR_ONLY = ("color_jitter", "cutout")  # these move no pixel, though cutout hides some


@dataclass(frozen=True)
class Window:
    """The part of an image that is seen, and the size at which it is seen.

    left, top, width, height: in pixels of the image; beyond its border where more than the image is seen. size: height
    and width in pixels of what the network sees. mirrored: left and right are exchanged.
    """

    left: float
    top: float
    width: float
    height: float
    size: Size
    mirrored: bool = False

    def part(self, left: float, top: float, width: float, height: float, size: Size) -> "Window":
        """The window of a part of what is seen (in pixels of that), resized to `size`."""
        down, across = self.height / self.size[0], self.width / self.size[1]
        start = self.size[1] - left - width if self.mirrored else left
        return replace(
            self,
            left=self.left + start * across,
            top=self.top + top * down,
            width=width * across,
            height=height * down,
            size=size,
        )

    def share(self, box: Box) -> float:
        """The share of the box's area that is inside."""
        left, top, right, bottom = box
        wide = min(right, self.left + self.width) - max(left, self.left)
        high = min(bottom, self.top + self.height) - max(top, self.top)
        return max(wide, 0.0) * max(high, 0.0) / ((right - left) * (bottom - top))

    def relative(self, box: Box) -> float:
        """The side of the box as a share of the side of the window (square roots of areas)."""
        left, top, right, bottom = box
        return sqrt((right - left) * (bottom - top) / (self.width * self.height))

    def magnified(self) -> float:
        """How many pixels of what is seen one pixel of the image takes along a side (square root of areas)."""
        return sqrt(self.size[0] * self.size[1] / (self.width * self.height))

    def placed(self, box: Box) -> Box:
        """The box in pixels of what is seen; parts of it may lie outside."""
        down, across = self.size[0] / self.height, self.size[1] / self.width
        left, right = (box[0] - self.left) * across, (box[2] - self.left) * across
        if self.mirrored:
            left, right = self.size[1] - right, self.size[1] - left
        return left, (box[1] - self.top) * down, right, (box[3] - self.top) * down


def whole(size: Size) -> Window:
    """All of an image of `size`, as it is."""
    return Window(0.0, 0.0, float(size[1]), float(size[0]), size)


def centre(window: Window, size: Size, shorter: int) -> Window:
    """As `paribus.views.centre`: the shorter side resized to `shorter`, the centre of `size` cut out."""
    high, wide = window.size
    least = min(high, wide)
    if least != shorter:
        high, wide = (shorter if side == least else int(shorter * side / least) for side in (high, wide))
        window = replace(window, size=(high, wide))
    top, left = round((high - size[0]) / 2), round((wide - size[1]) / 2)
    return window.part(left, top, size[1], size[0], size)


def random_resized_crop(
    size: Size,
    *,
    scale: Annotated[tuple[Area, Area], Ascending()] = (0.08, 1.0),
    ratio: Annotated[tuple[Positive, Positive], Ascending()] = (3 / 4, 4 / 3),
) -> "Follow":
    """A random part, resized to the input size."""

    def follow(window: Window, generator: "torch.Generator") -> Window:
        top, left, height, width = _crop_box(*window.size, scale, ratio, generator)
        return window.part(left, top, width, height, size)

    return follow


def scale_crop(size: Size, *, scale: Annotated[tuple[Positive, Positive], Ascending()] = (0.75, 1.5)) -> "Follow":
    """A random part at the input size, or the whole at a random place of it."""

    def follow(window: Window, generator: "torch.Generator") -> Window:
        factor = _uniform(generator, *scale)
        if factor >= 1:
            height, width = _times(window.size, 1 / factor)
            _, rows, columns = _window(window.size, (height, width), generator)
            return window.part(columns.start, rows.start, width, height, size)
        small = _times(size, factor)
        _, rows, columns = _window(size, small, generator)
        down, across = window.size[0] / small[0], window.size[1] / small[1]
        return window.part(-columns.start * across, -rows.start * down, size[1] * across, size[0] * down, size)

    return follow


def resize(size: Size) -> "Follow":
    """The whole at the input size, whatever its aspect."""
    return lambda window, generator: replace(window, size=size)


def horizontal_flip(size: Size, *, p: Share = 0.5) -> "Follow":
    """Mirrored with probability `p`."""

    def follow(window: Window, generator: "torch.Generator") -> Window:
        return replace(window, mirrored=not window.mirrored) if _uniform(generator) < p else window

    return follow
