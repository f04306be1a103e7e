"""Colours and curves."""

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pixels = NDArray[np.float32]
Colour = tuple[float, float, float]
WHITE: Colour = (255, 255, 255)


def pick(rng: np.random.Generator, choices: Sequence[Colour]) -> Colour:
    """One of the colours."""
    return choices[int(rng.integers(len(choices)))]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with a share of `b`."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def times(colour: Colour, factor: float) -> Colour:
    """The colour, brighter or darker."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def skin_shadow(skin: Colour, factor: float) -> Colour:
    """Darker skin is also redder: light that went through it."""
    return (skin[0] * factor, skin[1] * factor**1.35, skin[2] * factor**1.45)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """RGB in 0..255 of a hue in [0, 1)."""
    red, green, blue = (abs((hue + shift) % 1 * 6 - 3) - 1 for shift in (0.0, 2 / 3, 1 / 3))
    levels = [255 * value * (1 - saturation * (1 - min(max(level, 0.0), 1.0))) for level in (red, green, blue)]
    return (levels[0], levels[1], levels[2])


def xy(x: Floats | Sequence[float], y: Floats | Sequence[float]) -> Floats:
    """Points (n, 2) from their coordinates."""
    points = np.empty((len(x), 2))
    points[:, 0], points[:, 1] = x, y
    return points


@functools.cache
def steps(n: int) -> Floats:
    """n numbers from -1 to 1."""
    return np.linspace(-1, 1, n)


CIRCLE = xy(np.cos(np.linspace(0, 2 * np.pi, 28, False)), np.sin(np.linspace(0, 2 * np.pi, 28, False)))


def ellipse(x: float, y: float, rx: float, ry: float) -> Floats:
    """An ellipse around a point, as a polygon."""
    return CIRCLE * (rx, ry) + (x, y)


@functools.cache
def _catmull_rom(knots: int, n: int) -> Floats:
    """The matrix (n, knots) that turns knots into n points of the Catmull-Rom curve through them."""
    k = np.eye(knots)
    k = np.concatenate([2 * k[:1] - k[1:2], k, 2 * k[-1:] - k[-2:-1]])
    t = np.linspace(0, knots - 1 - 1e-9, n)
    i = t.astype(int)
    t = (t - i)[:, None]
    a, b, c, d = k[i], k[i + 1], k[i + 2], k[i + 3]
    return np.asarray(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))


def smooth(knots: Sequence[tuple[float, float]], n: int = 24) -> Floats:
    """A smooth curve of n points through the knots."""
    return np.asarray(_catmull_rom(len(knots), n) @ np.array(knots))


def mirrored(knots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Knots that end on the middle line, followed by their mirror image."""
    return [*knots, *[(-x, y) for x, y in knots[-2::-1]]]


def ribbon(line: Floats, width: float, taper: float = 1.0) -> Floats:
    """The outline of a stroke along a line that thins towards its ends (`taper` 0: it does not)."""
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    half = width / 2 * (1 - taper * steps(len(line)) ** 2) / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    aside = xy(along[:, 1] * half, -along[:, 0] * half)
    return np.concatenate([line + aside, (line - aside)[::-1]])
