"""What is behind the figure: a wall with a gradient and texture, and things in front of it."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from paribus.faces.canvas import as_planes
from paribus.faces.shapes import Colour, Pixels, hsv


def background_of(size: int, hue: float, rng: np.random.Generator) -> Pixels:
    """A wall with a gradient and texture, things in front of it, all a little out of focus; (3, size, size), 0..255."""
    saturation, value = float(rng.uniform(0.25, 0.62)), float(rng.uniform(0.45, 0.92))
    wall = Image.new("RGB", (size, size), _ints(hsv(hue, saturation, value)))
    pen = ImageDraw.Draw(wall)
    clutter = (_shelves, _bokeh, _stripes, _window, _leaves, _pictures, _nothing)[int(rng.integers(7))]
    clutter(pen, size, hue, saturation, value, rng)
    blur = ImageFilter.BoxBlur(size * float(rng.uniform(0.005, 0.02)))
    wall = wall.filter(blur).filter(blur)
    along = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    x, y = along[None, :], along[:, None]
    angle, strength = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.1, 0.55))
    gradient = 1 + strength * (x * math.cos(angle) + y * math.sin(angle))
    texture = 1 + _value_noise(size, rng) * float(rng.uniform(0.04, 0.2))
    return np.asarray(as_planes(wall) * (gradient * texture), np.float32)


def _value_noise(size: int, rng: np.random.Generator) -> Pixels:
    """Smooth noise in about -1..1 of two scales."""
    total = np.zeros((size, size), np.float32)
    for cells, strength in ((int(rng.integers(3, 7)), 0.65), (int(rng.integers(12, 28)), 0.35)):
        grid = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
        total += strength * np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))
    return total


def _ints(colour: Colour) -> tuple[int, int, int]:
    return (int(min(colour[0], 255)), int(min(colour[1], 255)), int(min(colour[2], 255)))


def _near(hue: float, saturation: float, value: float, rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour of the same family: the hue of the whole background must stay what it is."""
    return _ints(
        hsv(
            (hue + float(rng.normal(0, 0.035))) % 1,
            min(max(saturation + float(rng.normal(0, 0.15)), 0.08), 0.85),
            min(max(value * float(rng.uniform(0.45, 1.35)), 0.12), 1.0),
        )
    )


def _shelves(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    step = float(rng.uniform(0.22, 0.36))
    for shelf in np.arange(float(rng.uniform(0.05, 0.2)), 1.3, step):
        x = float(rng.uniform(-0.05, 0.05))
        while x < 1:
            wide, high = float(rng.uniform(0.025, 0.075)), step * float(rng.uniform(0.5, 0.85))
            if rng.random() < 0.85:
                book = (x * size, (shelf - high) * size, (x + wide) * size, shelf * size)
                pen.rectangle(book, fill=_near(hue, saturation, value, rng))
            x += wide + 0.008
        board = (0, shelf * size, size, (shelf + 0.025) * size)
        pen.rectangle(board, fill=_ints(hsv(hue, saturation * 0.8, value * 0.45)))


def _bokeh(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    for _ in range(int(rng.integers(10, 26))):
        x, y, r = rng.random() * size, rng.random() * size, rng.uniform(0.02, 0.1) * size
        pen.ellipse((x - r, y - r, x + r, y + r), fill=_near(hue, saturation, value * 1.1, rng))


def _stripes(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    step, slant = float(rng.uniform(0.06, 0.16)) * size, float(rng.choice([0, 0, 0.4, -0.4])) * size
    colour = _ints(hsv(hue, saturation * 0.7, min(1, value * float(rng.choice([0.75, 1.15])))))
    for x in np.arange(-size, 2 * size, 2 * step).tolist():
        pen.polygon([x, 0, x + step, 0, x + step + slant, size, x + slant, size], fill=colour)


def _window(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    left, top = float(rng.uniform(-0.1, 0.5)), float(rng.uniform(-0.1, 0.15))
    wide, high = float(rng.uniform(0.45, 0.7)), float(rng.uniform(0.5, 0.75))
    frame = _ints(hsv(hue, saturation * 0.35, min(1, value * 1.1)))
    pen.rectangle((left * size, top * size, (left + wide) * size, (top + high) * size), fill=frame)
    for column in range(2):
        for row in range(2):
            x, y = left + 0.02 + column * wide / 2, top + 0.02 + row * high / 2
            pane = (x * size, y * size, (x + wide / 2 - 0.04) * size, (y + high / 2 - 0.04) * size)
            pen.rectangle(pane, fill=_near(hue, saturation * 0.6, min(1.0, value * 1.25), rng))


def _leaves(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    for _ in range(int(rng.integers(30, 60))):
        x, y = rng.random() * size, rng.random() * size
        angle, long, wide = rng.uniform(0, np.pi), rng.uniform(0.04, 0.13) * size, rng.uniform(0.015, 0.04) * size
        c, s = math.cos(angle), math.sin(angle)
        leaf = [
            (x + c * long, y + s * long),
            (x - s * wide, y + c * wide),
            (x - c * long, y - s * long),
            (x + s * wide, y - c * wide),
        ]
        pen.polygon(leaf, fill=_near(hue, saturation, value, rng))


def _pictures(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    for _ in range(int(rng.integers(2, 6))):
        x, y = rng.uniform(-0.1, 0.9) * size, rng.uniform(-0.1, 0.6) * size
        wide, high = rng.uniform(0.15, 0.4) * size, rng.uniform(0.15, 0.4) * size
        edge = 0.02 * size
        pen.rectangle((x, y, x + wide, y + high), fill=_near(hue, saturation * 0.6, value * 0.5, rng))
        pen.rectangle((x + edge, y + edge, x + wide - edge, y + high - edge), fill=_near(hue, saturation, value, rng))


def _nothing(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    """A plain wall."""
