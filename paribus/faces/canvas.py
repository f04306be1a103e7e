"""The figure is drawn flat and sharp on a canvas of three times the size and reduced."""

import numpy as np
from PIL import Image, ImageDraw

from paribus.faces.shapes import Colour, Floats, Pixels

_SUPERSAMPLING = 3
FACE, HAIR, BODY = (255, 0, 0), (0, 255, 0), (0, 0, 255)


class Canvas:
    """A sharp, flat drawing on black, and beside it which part (face, hair or body) each pixel belongs to."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = size * _SUPERSAMPLING
        self._colours = Image.new("RGB", (self.side, self.side))
        self._parts = Image.new("RGB", (self.side, self.side))
        self._colour_pen = ImageDraw.Draw(self._colours)
        self._part_pen = ImageDraw.Draw(self._parts)

    def fill(self, points: Floats, colour: Colour, part: tuple[int, int, int] | None = None) -> None:
        """A polygon, in shares of the frame. Name the part unless the polygon lies inside of what is drawn."""
        corners = (points * self.side).ravel().tolist()
        self._colour_pen.polygon(corners, fill=(int(colour[0]), int(colour[1]), int(colour[2])))
        if part:
            self._part_pen.polygon(corners, fill=part)

    def reduced(self) -> tuple[Pixels, Pixels]:
        """Colours times coverage in 0..255, and the coverage of face, hair and body in 0..1; both (3, size, size)."""
        return as_planes(self._colours.reduce(_SUPERSAMPLING)), as_planes(
            self._parts.reduce(_SUPERSAMPLING)
        ) / np.float32(255)


def as_planes(image: Image.Image) -> Pixels:
    """The pixels of an RGB image as red, green and blue planes, which numpy handles faster than triples."""
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1), np.float32)


def as_image(planes: Pixels) -> Image.Image:
    """The opposite of `as_planes`; values outside of 0..255 are clipped."""
    return Image.merge("RGB", [Image.fromarray(plane) for plane in np.clip(planes, 0, 255).astype(np.uint8)])
