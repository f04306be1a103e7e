"""Light, shadow and relief, computed at the final size because they are soft."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from paribus.faces.canvas import Canvas
from paribus.faces.head import Head
from paribus.faces.person import Person
from paribus.faces.shapes import Pixels, xy

_BLUSH: Pixels = np.array([16, -7, -5], np.float32)[:, None, None]


@dataclass(frozen=True)
class _Light:
    """Where the light comes from (a unit vector: right, down, to the viewer), its colour, and what fills the shadows.

    The colours are of shape (3, 1, 1).
    """

    direction: tuple[float, float, float]
    key: Pixels
    fill: Pixels


def light_from(rng: np.random.Generator) -> _Light:
    """A key light from one side, with what fills the shadows."""
    angle, height = float(rng.uniform(-1.2, 1.2)), float(rng.uniform(0.15, 0.75))
    x, y, z = math.sin(angle), -height, math.cos(angle) * 0.9 + 0.25
    length = math.sqrt(x * x + y * y + z * z)
    warmth = float(rng.normal(0, 0.035))
    tint = np.array([1 + warmth, 1, 1 - warmth], np.float32)[:, None, None]
    fill = float(rng.uniform(0.5, 0.75))
    key = (1.12 - fill) * float(rng.uniform(0.95, 1.15))
    return _Light((x / length, y / length, z / length), tint * np.float32(key), tint[::-1] * np.float32(fill))


def lit_by(figure: Canvas, background: Pixels, head: Head, person: Person, curvature: float, light: _Light) -> Pixels:
    """The figure, shaded as if round, before the background; (3, size, size), 0..255."""
    colours, parts = figure.reduced()
    size = figure.size
    face, hair, body = parts
    u, v = _head_grid(head, size)
    lx, ly, lz = light.direction
    nx = np.clip((u - 0.06 * head.turn) / (1.18 * head.width), -1, 1)
    ny = np.clip(v / 1.25, -1, 1)
    nz = np.sqrt(np.maximum(1 - nx**2 - ny**2, 0.03))
    on_head = np.clip(nx * lx + ny * ly + nz * lz, 0, 1)
    on_body = np.clip(0.75 + 0.4 * lx * np.clip(u / 1.6, -1, 1) - 0.12 * (v - 1), 0, 1)
    bright = on_head * (1 - body) + on_body * body

    reach = head.unit * size
    above = _shadow(face + hair, 0.12 * reach, (-0.12 * lx * reach, 0.24 * reach))
    overhang = _shadow(hair, 0.05 * reach, (-0.04 * lx * reach, 0.07 * reach))
    shade = light.key * bright + light.fill
    shade *= 1 - 0.42 * body * above - 0.24 * face * overhang
    shade += _relief(head, person, curvature, light, u, v) * face
    # Light that went through skin is red: its shadows are warmer.
    lit = colours * shade
    lit[0] *= 1 + 0.22 * face * (1 - np.minimum(shade[0], 1))
    lit += _blush(head, curvature, u, v) * face * _BLUSH

    cover = np.minimum(face + hair + body, 1)
    around = _shadow(cover, 0.1 * reach, (-0.15 * lx * reach, 0.08 * reach))
    return np.asarray(lit + background * ((1 - cover) * (1 - 0.28 * around)), np.float32)


def _head_grid(head: Head, size: int) -> tuple[Pixels, Pixels]:
    """The head coordinates of every pixel."""
    centre = (np.arange(size, dtype=np.float32) + 0.5) / size
    dx, dy = (centre[None, :] - head.x) / head.unit, (centre[:, None] - head.y) / head.unit
    c, s = math.cos(head.tilt), math.sin(head.tilt)
    return np.asarray(dx * c + dy * s, np.float32), np.asarray(dy * c - dx * s, np.float32)


def _shadow(mask: Pixels, radius: float, offset: tuple[float, float]) -> Pixels:
    """The mask, moved by the offset (right, down) and blurred; in 0..1."""
    image = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
    moved = Image.new("L", image.size)
    moved.paste(image, (round(offset[0]), round(offset[1])))
    return np.asarray(
        moved.filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius)), np.float32
    ) / np.float32(255)


def _spot(u: Pixels, v: Pixels, x: float, y: float, rx: float, ry: float) -> Pixels:
    return np.asarray(np.exp(-(((u - x) / rx) ** 2) - ((v - y) / ry) ** 2), np.float32)


def _relief(head: Head, person: Person, curvature: float, light: _Light, u: Pixels, v: Pixels) -> Pixels:
    """What sockets, nose, cheeks and chin do to the light."""
    smile = float(np.clip(curvature, -0.3, 1.2))
    spots = [
        (-person.eye_gap, -0.04, 0.2, 0.13, -0.10),
        (person.eye_gap, -0.04, 0.2, 0.13, -0.10),
        (0.0, 0.18, 0.06, 0.26, 0.08),
        (0.0, 0.33, 0.075, 0.06, 0.10),
        (0.0, 0.8, 0.3, 0.05, -0.07),
        (0.0, 0.9, 0.16, 0.08, 0.05),
        (-0.42, 0.32 - 0.04 * smile, 0.17, 0.13, 0.03 + 0.12 * smile),
        (0.42, 0.32 - 0.04 * smile, 0.17, 0.13, 0.03 + 0.12 * smile),
        (0.3 * light.direction[0], -0.4, 0.34, 0.2, 0.06),
    ]
    places = head.surface(xy([s[0] for s in spots], [s[1] for s in spots]))
    total = np.zeros_like(u)
    for (x, y), (_, _, rx, ry, strength) in zip(places.tolist(), spots, strict=True):
        total += strength * _spot(u, v, x, y, rx, ry)
    return total


def _blush(head: Head, curvature: float, u: Pixels, v: Pixels) -> Pixels:
    strength = 0.55 + 0.45 * float(np.clip(curvature, 0, 1))
    total = np.zeros_like(u)
    for x, y in head.surface(xy([-0.42, 0.42], [0.34, 0.34])).tolist():
        total += strength * _spot(u, v, x, y, 0.2, 0.15)
    return total
