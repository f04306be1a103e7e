"""Flat polygons, and beside them which class, how much sun and how much haze every pixel has."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from paribus.labels import CAMVID11, VOID
from paribus.streets.camera import SUPERSAMPLING, Camera, Point
from paribus.streets.chance import Colour

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(len(CAMVID11.classes))

Pixels = NDArray[np.float32]


class Canvas:
    """Three pictures of one street at `SUPERSAMPLING` times its size: colours, classes, and sun with haze.

    What is drawn is sunlit colour; `light` says how much of the sun reaches it (0 to 1). Haze is how much the air hides,
    0 to 1; the sky is all haze.
    """

    def __init__(self, size: tuple[int, int], camera: Camera, visibility: float) -> None:
        self.size = size
        self.camera = camera
        self.visibility = visibility
        self.height, self.width = (side * SUPERSAMPLING for side in size)
        self._colours = Image.new("RGB", (self.width, self.height))
        self._labels = Image.new("L", (self.width, self.height), SKY)
        self._sun = Image.new("L", (self.width, self.height), 255)
        self._haze = Image.fromarray(self._ground_haze())
        self._colour_pen = ImageDraw.Draw(self._colours)
        self._label_pen = ImageDraw.Draw(self._labels)
        self._sun_pen = ImageDraw.Draw(self._sun)
        self._haze_pen = ImageDraw.Draw(self._haze)

    def _ground_haze(self) -> NDArray[np.uint8]:
        below = np.arange(self.height) + 0.5 - self.camera.horizon
        distance = self.camera.focal * self.camera.y / np.maximum(below, 1e-3)
        haze = np.where(below > 0, 1 - np.exp(-distance / self.visibility), 1.0)
        return np.repeat(np.rint(255 * haze).astype(np.uint8)[:, None], self.width, axis=1)

    def haze_at(self, z: float) -> float:
        return 1 - math.exp(-max(z - self.camera.z, 0.0) / self.visibility)

    def ground(self, points: Sequence[Point], colour: Colour, label: int) -> None:
        """A piece of ground: in the sun, and as hazy as its distance makes it."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self._colour_pen.polygon(flat, fill=_ints(colour))
            self._label_pen.polygon(flat, fill=label)

    def shade(self, points: Sequence[Point], light: float) -> None:
        """A shadow on what is drawn so far."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self._sun_pen.polygon(flat, fill=round(255 * light))

    def fill(self, points: Sequence[Point], colour: Colour, label: int, light: float, z: float) -> None:
        """A thing's polygon; `z` is how far along the drive it stands."""
        self.fill_flat(self.camera.pixels(points), colour, label, light, z)

    def fill_flat(self, flat: list[float], colour: Colour, label: int, light: float, z: float) -> None:
        """The same for a polygon that is in canvas pixels already."""
        if len(flat) < 6:
            return
        self._colour_pen.polygon(flat, fill=_ints(colour))
        self._label_pen.polygon(flat, fill=label)
        self._sun_pen.polygon(flat, fill=round(255 * light))
        self._haze_pen.polygon(flat, fill=round(255 * self.haze_at(z)))

    def detail(self, points: Sequence[Point], colour: Colour) -> None:
        """Colour on what is drawn already; its class, light and haze stay."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self._colour_pen.polygon(flat, fill=_ints(colour))

    def detail_flat(self, flat: list[float], colour: Colour) -> None:
        self._colour_pen.polygon(flat, fill=_ints(colour))

    def unsure(self, points: Sequence[Point], width: float = 0.9) -> None:
        """A void strip around a polygon that is about to be filled; `width` in pixels of the image, to each side."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self._label_pen.line([*flat, flat[0], flat[1]], fill=VOID, width=max(round(2 * width * SUPERSAMPLING), 1))

    def bar(self, ends: Sequence[Point], width: float, colour: Colour, label: int, light: float) -> None:
        """A pole, arm or cable of `width` metres, never thinner than a pixel of the image."""
        flat = self.camera.pixels(ends)
        if len(flat) != 4:
            return
        ax, ay, bx, by = flat
        half = max(width * self.camera.scale(ends[0][2]), 1.25 * SUPERSAMPLING) / 2
        length = math.hypot(bx - ax, by - ay) or 1.0
        nx, ny = (by - ay) / length * half, (ax - bx) / length * half
        shape = [ax + nx, ay + ny, bx + nx, by + ny, bx - nx, by - ny, ax - nx, ay - ny]
        self.fill_flat(shape, colour, label, light, ends[0][2])

    def reduced(self) -> tuple[Pixels, Pixels, Pixels, NDArray[np.uint8]]:
        """Colours (H, W, 3) in 0..255, sun and haze (H, W) in 0..1, and the classes (H, W), at the final size."""
        colours = np.asarray(self._colours.reduce(SUPERSAMPLING), np.float32)
        sun = np.asarray(self._sun.reduce(SUPERSAMPLING), np.float32) / np.float32(255)
        haze = np.asarray(self._haze.reduce(SUPERSAMPLING), np.float32) / np.float32(255)
        middle = SUPERSAMPLING // 2
        labels = np.ascontiguousarray(np.asarray(self._labels)[middle::SUPERSAMPLING, middle::SUPERSAMPLING])
        return colours, sun, haze, labels


def _ints(colour: Colour) -> tuple[int, int, int]:
    return (int(min(colour[0], 255)), int(min(colour[1], 255)), int(min(colour[2], 255)))
