"""Flat polygons, and beside them which class, how much sun and how much haze every pixel has."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from paribus.labels import CAMVID11, VOID
from paribus.streets.camera import SUPERSAMPLING, Camera, Column, Point
from paribus.streets.chance import Colour

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(len(CAMVID11.classes))

Pixels = NDArray[np.float32]
Shape = Sequence[tuple[float, float]]  # metres to the right of a column and up from the ground


class Ground:
    """The level ground of a street at `SUPERSAMPLING` times its size: colours, classes, and what the sun reaches."""

    def __init__(self, size: tuple[int, int], camera: Camera, visibility: float) -> None:
        self.size = size
        self.camera = camera
        self.visibility = visibility  # metres
        self.height, self.width = (side * SUPERSAMPLING for side in size)
        self.colours = Image.new("RGB", (self.width, self.height))
        self.labels = Image.new("L", (self.width, self.height), SKY)
        self.sun = Image.new("L", (self.width, self.height), 255)
        self._colour_pen = ImageDraw.Draw(self.colours)
        self._label_pen = ImageDraw.Draw(self.labels)
        self._sun_pen = ImageDraw.Draw(self.sun)

    def fill(self, points: Sequence[Point], colour: Colour, label: int) -> None:
        """A piece of ground."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self._colour_pen.polygon(flat, fill=_ints(colour))
            self._label_pen.polygon(flat, fill=label)

    def paint(self, points: Sequence[Point], colour: Colour) -> None:
        """Colour on ground that is drawn already; it stays what it is."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self._colour_pen.polygon(flat, fill=_ints(colour))

    def shade(self, points: Sequence[Point], light: float) -> None:
        """A shadow that lets through a share of the sun."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self._sun_pen.polygon(flat, fill=round(255 * light))

    def haze(self) -> Image.Image:
        """How much of the ground the air hides; above the horizon, all."""
        below = np.arange(self.height) + 0.5 - self.camera.horizon
        distance = self.camera.focal * self.camera.y / np.maximum(below, 1e-3)
        haze = np.where(below > 0, 1 - np.exp(-distance / self.visibility), 1.0)
        return Image.fromarray(np.repeat(np.rint(255 * haze).astype(np.uint8)[:, None], self.width, axis=1))


class Canvas:
    """What stands on the ground, drawn over it from far to near.

    Beside the colours, which are those of full sunlight, it keeps for every pixel the class, the share of the sun that
    reaches it (`light`, 0 to 1), and how much the air hides of it; the sky is all haze.
    """

    def __init__(self, ground: Ground) -> None:
        self.size = ground.size
        self.height, self.width = ground.height, ground.width
        self.camera = ground.camera
        self._visibility = ground.visibility
        self._colours = ground.colours
        self._labels = ground.labels
        self._air = Image.merge("RGB", (ground.sun, ground.haze(), ground.sun))  # light, haze, and nothing
        self._colour_pen = ImageDraw.Draw(self._colours)
        self._label_pen = ImageDraw.Draw(self._labels)
        self._air_pen = ImageDraw.Draw(self._air)

    def sees(self, column: Column, reach: float) -> bool:
        """Whether something within `reach` metres of the column lies in the picture."""
        margin = reach * column.scale
        return -margin < column.x < self.width + margin

    def fill(self, points: Sequence[Point], colour: Colour, label: int, light: float, z: float) -> None:
        """A polygon of a thing that is as hazy as what lies at z."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self.fill_flat(flat, colour, label, light, z)

    def fill_flat(self, flat: Sequence[float], colour: Colour, label: int, light: float, z: float) -> None:
        """The same for a polygon in canvas pixels."""
        haze = 1 - math.exp(-max(z - self.camera.z, 0.0) / self._visibility)
        self._colour_pen.polygon(flat, fill=_ints(colour))
        self._label_pen.polygon(flat, fill=label)
        self._air_pen.polygon(flat, fill=(int(255 * light), int(255 * haze), 0))

    def detail(self, points: Sequence[Point], colour: Colour) -> None:
        """Colour on what is drawn already; its class, light and haze stay."""
        flat = self.camera.pixels(points)
        if len(flat) >= 6:
            self._colour_pen.polygon(flat, fill=_ints(colour))

    def wall(
        self, a: Column, b: Column, low: float, high: float, colour: Colour, label: int, light: float, z: float
    ) -> None:
        """What lies between two columns and two heights."""
        self.fill_flat(self._between(a, b, low, high), colour, label, light, z)

    def pane(self, a: Column, b: Column, low: float, high: float, colour: Colour) -> None:
        """The same as a detail."""
        self._colour_pen.polygon(self._between(a, b, low, high), fill=_ints(colour))

    def _between(self, a: Column, b: Column, low: float, high: float) -> list[float]:
        horizon, eye = self.camera.horizon, self.camera.y
        up_a, up_b = horizon - (high - eye) * a.scale, horizon - (high - eye) * b.scale
        down_a, down_b = horizon - (low - eye) * a.scale, horizon - (low - eye) * b.scale
        return [a.x, down_a, a.x, up_a, b.x, up_b, b.x, down_b]

    def stand(self, foot: Column, shape: Shape, colour: Colour, label: int, light: float, z: float) -> None:
        """A flat shape that stands upright and faces the camera."""
        self.fill_flat(self._standing(foot, shape), colour, label, light, z)

    def stand_detail(self, foot: Column, shape: Shape, colour: Colour) -> None:
        """The same as a detail."""
        self._colour_pen.polygon(self._standing(foot, shape), fill=_ints(colour))

    def _standing(self, foot: Column, shape: Shape) -> list[float]:
        x, scale = foot
        ground = self.camera.horizon + self.camera.y * scale
        return [value for u, v in shape for value in (x + u * scale, ground - v * scale)]

    def bar(self, foot: Column, ends: Shape, width: float, colour: Colour, label: int, light: float, z: float) -> None:
        """A pole, arm or trunk of `width` metres from one end to the other, never thinner than a pixel of the image."""
        ax, ay, bx, by = self._standing(foot, ends)
        half = max(width * foot.scale, float(SUPERSAMPLING)) / 2
        length = math.hypot(bx - ax, by - ay) or 1.0
        nx, ny = (by - ay) / length * half, (ax - bx) / length * half
        shape = [ax + nx, ay + ny, bx + nx, by + ny, bx - nx, by - ny, ax - nx, ay - ny]
        self.fill_flat(shape, colour, label, light, z)

    def unsure(self, points: Sequence[Point]) -> None:
        """A void strip around a polygon that is about to be filled."""
        self._unsure(self.camera.pixels(points))

    def stand_unsure(self, foot: Column, shape: Shape) -> None:
        """A void strip around a shape that is about to stand there."""
        self._unsure(self._standing(foot, shape))

    def _unsure(self, flat: list[float]) -> None:
        if len(flat) >= 6:
            self._label_pen.line([*flat, flat[0], flat[1]], fill=VOID, width=2 * SUPERSAMPLING)

    def reduced(self) -> tuple[Pixels, Pixels, Pixels, NDArray[np.uint8]]:
        """Colours (H, W, 3) in 0..255, sun and haze (H, W) in 0..1, and the classes (H, W), at the final size."""
        colours = np.asarray(self._colours.reduce(SUPERSAMPLING), np.float32)
        air = np.asarray(self._air.reduce(SUPERSAMPLING), np.float32) / np.float32(255)
        middle = slice(SUPERSAMPLING // 2, None, SUPERSAMPLING)
        labels = np.ascontiguousarray(np.asarray(self._labels)[middle, middle])
        return colours, air[..., 0], air[..., 1], labels


def _ints(colour: Colour) -> tuple[int, int, int]:
    return (int(min(colour[0], 255)), int(min(colour[1], 255)), int(min(colour[2], 255)))
