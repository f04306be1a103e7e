"""Trees and hedges."""

import math
import random

from paribus.streets.camera import SUPERSAMPLING, Column
from paribus.streets.canvas import TREE, Canvas, Shape
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import Thing
from paribus.streets.light import Daylight

_LEAVES: tuple[Colour, ...] = ((78, 100, 46), (92, 112, 56), (68, 92, 50), (106, 118, 58), (124, 108, 56))
_BARK: Colour = (84, 70, 58)
_DECAGON = tuple((math.cos(k * math.pi / 5), math.sin(k * math.pi / 5)) for k in range(10))
_TUFT = _DECAGON[::2]


def draw_tree(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A trunk and a crown of clumps: dark ones behind, lighter ones towards the sun, then single leaves."""
    foot = canvas.camera.column(thing.x, thing.z)
    if not canvas.camera.ahead(thing.z) or not canvas.sees(foot, thing.wide):
        return
    rng = random.Random(thing.seed)
    leaf = varied(rng, pick(rng, _LEAVES), 0.18)
    high, z, radius = thing.high, thing.z, thing.wide / 2
    bare = rng.uniform(0.22, 0.34) * high
    middle, tall = (bare + high) / 2, (high - bare) / 2
    pixels = high * foot.scale / SUPERSAMPLING
    width = 0.035 * high * rng.uniform(0.7, 1.2)
    canvas.bar(foot, ((0, 0), (0, bare + 0.3 * high)), width, _BARK, TREE, 0.2 + 0.5 * day.on(0, -1), z)
    count = 4 if pixels < 9 else 6 if pixels < 26 else 10 if pixels < 70 else 14
    clumps = [_clump(rng, k, count) for k in range(count)]

    def blob(u: float, v: float, size: float) -> Shape:
        return _blob(u * radius, middle + v * tall, size * radius, rng)

    if rng.random() < 0.25:
        for u, v, size in clumps:
            canvas.stand_unsure(foot, blob(u, v, size * 1.05))
    for u, v, size in clumps:
        canvas.stand(foot, blob(u, v, size), varied(rng, times(leaf, 0.7), 0.08), TREE, 0.3, z)
    sun_aside, sun_up = 0.4 * day.sun[0], 0.1 + 0.25 * day.sun[1]
    for u, v, size in clumps if pixels > 20 else clumps[::2]:
        shape = blob(u + sun_aside * size, v + sun_up * size, size * 0.72)
        canvas.stand(foot, shape, varied(rng, leaf, 0.1), TREE, 0.45 + 0.4 * max(v, 0), z)
    for _ in range(int(min(pixels**0.9, 200)) if pixels > 10 else 0):
        _leaves(canvas, foot, clumps[int(rng.random() * count)], radius, middle, tall, leaf, rng)


def _clump(rng: random.Random, k: int, count: int) -> tuple[float, float, float]:
    """Where a clump lies in the unit disc, and how large it is."""
    if k == 0:
        return 0.0, 0.0, 0.68
    angle = 2 * math.pi * k / (count - 1) + rng.uniform(-0.4, 0.4)
    reach = rng.uniform(0.42, 0.7)
    return reach * math.cos(angle), reach * math.sin(angle), rng.uniform(0.28, 0.44)


def _blob(x: float, y: float, radius: float, rng: random.Random) -> Shape:
    return [(x + c * (r := radius * (0.76 + 0.44 * rng.random())), y + s * r) for c, s in _DECAGON]


def _leaves(
    canvas: Canvas,
    foot: Column,
    clump: tuple[float, float, float],
    radius: float,
    middle: float,
    tall: float,
    leaf: Colour,
    rng: random.Random,
) -> None:
    """A tuft within a clump, light above and dark below."""
    u, v, size = clump
    angle, reach = rng.random() * 6.283, size * 0.75 * math.sqrt(rng.random())
    across, up = reach * math.cos(angle), reach * math.sin(angle)
    bright = 0.62 + 0.42 * (up / size + 1) * (0.7 + 0.6 * rng.random())
    x, y = (u + across) * radius, middle + v * tall + up * radius
    tuft = radius * (0.05 + 0.09 * rng.random())
    shape = [(x + c * tuft * (0.6 + 0.8 * rng.random()), y + s * tuft * 0.8) for c, s in _TUFT]
    canvas.stand_detail(foot, shape, times(leaf, bright))


def draw_hedge(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A clipped hedge along the pavement."""
    rng = random.Random(thing.seed)
    leaf = varied(rng, mix(pick(rng, _LEAVES), (62, 84, 46), 0.5), 0.15)
    camera = canvas.camera
    x, side, high = thing.x, thing.side, thing.high
    start, end = max(thing.z, camera.z + 0.8), thing.z + thing.long
    back = x + side * thing.wide
    if end < start + 0.2:
        return
    top = [(x, high, start), (x, high, end), (back, high, end), (back, high, start)]
    canvas.fill(top, times(leaf, 1.15), TREE, 1.0, start + 1)
    if thing.z > camera.z + 0.8:
        a, b = camera.column(x, start), camera.column(back, start)
        canvas.wall(a, b, 0, high, leaf, TREE, day.on(0, -1), start)
    edge = [(x, 0.0, end), (x, 0.0, start)]
    z = start
    while z < end:
        edge.append((x, high + rng.uniform(-0.08, 0.1), z))
        z += max(0.4, (z - camera.z) * 0.06)
    canvas.fill([*edge, (x, high, end)], leaf, TREE, 0.15 + 0.85 * day.on(-side, 0), start + 1)
    for _ in range(int(min(thing.long, 12) * (1 if canvas.height < 400 else 4))):
        z = start + (end - start) * rng.random() ** 2
        size = rng.uniform(0.06, 0.2)
        y = rng.uniform(0.05, max(high - size, 0.2))
        tuft = [(x, y, z), (x, y + size, z + size * 0.6), (x, y + size * 0.2, z + 1.6 * size)]
        canvas.detail(tuft, times(leaf, 0.65 + 0.7 * y / high * rng.random()))
