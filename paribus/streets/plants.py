"""Trees and hedges."""

import math
import random

from paribus.streets.camera import SUPERSAMPLING, Point
from paribus.streets.canvas import TREE, Canvas
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import Thing
from paribus.streets.light import Daylight

_LEAVES: tuple[Colour, ...] = ((84, 108, 50), (96, 116, 58), (72, 96, 52), (112, 124, 60), (126, 112, 58))
_BARK: Colour = (84, 70, 58)
_ROUND = tuple((math.cos(k * math.pi / 5), math.sin(k * math.pi / 5)) for k in range(10))


def draw_tree(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A trunk and a crown of clumps: dark ones behind, light ones on the side of the sun."""
    rng = random.Random(thing.seed)
    leaf = varied(rng, pick(rng, _LEAVES), 0.18)
    x, z, high = thing.x, thing.z, thing.high
    scale = canvas.camera.scale(z)
    if scale == 0:
        return
    bare = rng.uniform(0.22, 0.34) * high
    if scale > 2 * SUPERSAMPLING:
        _shadow(canvas, thing, bare, day)
    canvas.bar(
        [(x, 0, z), (x, bare + 0.25 * high, z)],
        0.05 * high * rng.uniform(0.7, 1),
        _BARK,
        TREE,
        0.5 * day.on(0, -1) + 0.2,
    )
    clumps = 7 if scale < 3 * SUPERSAMPLING else 13
    places = [_clump(rng, k, clumps) for k in range(clumps)]
    radius = thing.wide / 2
    middle, tall = (bare + high) / 2, (high - bare) / 2
    sunny = day.sun[0] * 0.35
    if rng.random() < 0.2:
        for u, v, size in places:
            canvas.unsure(_blob(x + u * radius, middle + v * tall, z, size * radius * 1.12, rng))
    state = rng.random()
    for tone, shrink, up, aside, light in (
        (0.72, 1.0, -0.06, 0.0, 0.25),
        (1.0, 0.84, 0.08, sunny, 0.6),
        (1.2, 0.5, 0.22, 1.6 * sunny, 1.0),
    ):
        blobs = random.Random(int(state * 1e9))
        for k, (u, v, size) in enumerate(places):
            if tone > 1.1 and k % 2:
                continue
            clump = _blob(
                x + (u + aside * size) * radius, middle + (v + up * size) * tall, z, size * shrink * radius, blobs
            )
            canvas.fill(clump, varied(blobs, times(leaf, tone), 0.08), TREE, light, z)


def _clump(rng: random.Random, k: int, count: int) -> tuple[float, float, float]:
    """Where a clump lies in the unit disc, and how large it is."""
    if k == 0:
        return 0.0, 0.0, 0.66
    angle = 2 * math.pi * k / (count - 1) + rng.uniform(-0.4, 0.4)
    reach = rng.uniform(0.42, 0.68)
    return reach * math.cos(angle), reach * math.sin(angle), rng.uniform(0.3, 0.44)


def _blob(x: float, y: float, z: float, radius: float, rng: random.Random) -> list[Point]:
    return [(x + c * radius * (r := rng.uniform(0.78, 1.18)), y + s * radius * r, z) for c, s in _ROUND]


def _shadow(canvas: Canvas, thing: Thing, bare: float, day: Daylight) -> None:
    aside, along = day.cast((bare + thing.high) / 2)
    radius = thing.wide / 2
    if abs(along) + radius > thing.z - canvas.camera.z + 40:
        return
    canvas.shade([(thing.x + aside + c * radius, 0.0, thing.z + along + s * radius * 1.3) for c, s in _ROUND], 0.25)


def draw_hedge(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    rng = random.Random(thing.seed)
    leaf = varied(rng, mix(pick(rng, _LEAVES), (62, 84, 46), 0.5), 0.15)
    x, side, high = thing.x, thing.side, thing.high
    start, end = max(thing.z, canvas.camera.z - 2), thing.z + thing.long
    back = x + side * thing.wide
    near = max(start, canvas.camera.z) + 1
    canvas.fill(
        [(x, high, start), (x, high, end), (back, high, end), (back, high, start)], times(leaf, 1.15), TREE, 1.0, near
    )
    if thing.z > canvas.camera.z:
        canvas.fill(
            [(x, 0, start), (x, high, start), (back, high, start), (back, 0, start)], leaf, TREE, day.on(0, -1), start
        )
    z = start
    edge: list[Point] = [(x, 0, end), (x, 0, start)]
    while z < end:
        edge.append((x, high + rng.uniform(-0.08, 0.1), z))
        z += max(0.5, (z - canvas.camera.z) * 0.06)
    canvas.fill([*edge, (x, high, end)], leaf, TREE, day.on(-side, 0), near)
    for _ in range(int(min(thing.long * 2, 30))):
        z = start + (end - start) * rng.random() ** 2
        size = rng.uniform(0.1, 0.3)
        y = rng.uniform(0.1, max(high - size, 0.2))
        canvas.detail(
            [(x, y, z), (x, y + size, z + size * 0.6), (x, y + size * 0.2, z + 1.6 * size)], varied(rng, leaf, 0.3)
        )
