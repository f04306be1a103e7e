"""Lamps, signs, bollards, fences, and the bins and boxes that have no class."""

import math
import random

from paribus.labels import VOID
from paribus.streets.camera import SUPERSAMPLING, Point
from paribus.streets.canvas import FENCE, POLE, SIGN, Canvas
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import Thing
from paribus.streets.light import Daylight

_METALS: tuple[Colour, ...] = ((92, 96, 98), (142, 146, 148), (62, 70, 66), (176, 176, 172))
_RED: Colour = (196, 34, 36)
_BLUE: Colour = (30, 84, 160)
_OCTAGON = tuple((math.cos((k + 0.5) * math.pi / 4), math.sin((k + 0.5) * math.pi / 4)) for k in range(8))


def _upright(canvas: Canvas, x: float, z: float, high: float, width: float, colour: Colour, day: Daylight) -> None:
    canvas.bar([(x, 0, z), (x, high, z)], width, colour, POLE, day.on(0, -1) * 0.8 + 0.2)
    if canvas.camera.scale(z) > 8 * SUPERSAMPLING:
        aside, along = day.cast(high)
        canvas.shade(
            [(x - 0.06, 0, z), (x + 0.06, 0, z), (x + 0.06 + aside, 0, z + along), (x - 0.06 + aside, 0, z + along)],
            0.3,
        )


def draw_lamp(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    rng = random.Random(thing.seed + 5)
    metal = pick(rng, _METALS)
    x, z, side, high = thing.x, thing.z, thing.side, thing.high
    if canvas.camera.scale(z) == 0:
        return
    arm = rng.uniform(0.9, 1.9)
    _foot_shadow(canvas, x, z, high, day)
    canvas.bar([(x, high, z), (x - side * arm, high + 0.35, z)], 0.09, metal, POLE, 0.6)
    canvas.bar([(x, 0, z), (x, high, z)], 0.17, metal, POLE, 0.3 + 0.6 * day.on(0, -1))
    canvas.bar([(x, 0, z), (x, 1.1, z)], 0.25, times(metal, 0.9), POLE, 0.3 + 0.6 * day.on(0, -1))
    head: list[Point] = [
        (x - side * (arm - 0.1), high + 0.42, z),
        (x - side * (arm + 0.6), high + 0.40, z),
        (x - side * (arm + 0.6), high + 0.24, z),
        (x - side * (arm - 0.1), high + 0.22, z),
    ]
    canvas.fill(head, times(metal, 1.1), POLE, 0.7, z)


def _foot_shadow(canvas: Canvas, x: float, z: float, high: float, day: Daylight) -> None:
    aside, along = day.cast(high)
    if canvas.camera.scale(z) > 4 * SUPERSAMPLING:
        shape: list[Point] = [
            (x - 0.08, 0, z),
            (x + 0.08, 0, z),
            (x + 0.08 + aside, 0, z + along),
            (x - 0.08 + aside, 0, z + along),
        ]
        canvas.shade(shape, 0.35)


def draw_sign(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A traffic sign: a triangle, a disc or a rectangle on a pole, sometimes two."""
    rng = random.Random(thing.seed)
    x, z, high = thing.x, thing.z, thing.high
    if canvas.camera.scale(z) == 0:
        return
    _foot_shadow(canvas, x, z, high, day)
    canvas.bar([(x, 0, z), (x, high + 0.3, z)], 0.11, pick(rng, _METALS), POLE, 0.3 + 0.6 * day.on(0, -1))
    y = high
    for _ in range(2 if rng.random() < 0.35 else 1):
        _plate(canvas, x, y, z - 0.05, pick(rng, ("disc", "disc", "triangle", "blue", "board")), rng, day)
        y -= 0.85


def _plate(canvas: Canvas, x: float, y: float, z: float, kind: str, rng: random.Random, day: Daylight) -> None:
    size = rng.uniform(0.34, 0.48)
    light = 0.4 + 0.6 * day.on(0, -1)
    white: Colour = (236, 236, 232)
    points: tuple[tuple[float, float], ...]
    if kind == "triangle":
        points = ((-1.0, -0.7), (1.0, -0.7), (0.0, 1.05))
    elif kind == "board":
        points = ((-0.9, -0.6), (0.9, -0.6), (0.9, 0.6), (-0.9, 0.6))
    else:
        points = _OCTAGON
    rim = {"disc": _RED, "triangle": _RED, "blue": white, "board": pick(rng, (white, _BLUE, (34, 110, 70)))}[kind]
    face = {"disc": white, "triangle": white, "blue": _BLUE, "board": mix(rim, (240, 240, 236), 0.25)}[kind]
    canvas.fill([(x + u * size, y + v * size, z) for u, v in points], rim, SIGN, light, z)
    canvas.detail([(x + u * size * 0.72, y + v * size * 0.72, z) for u, v in points], face)
    if kind == "disc" and rng.random() < 0.5:
        canvas.detail(
            [(x + u * size * 0.5, y + v * size * 0.16, z) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))], _RED
        )
    if kind == "board":
        for row in (-0.22, 0.2):
            line = ((-0.65, row), (0.6, row), (0.6, row + 0.16), (-0.65, row + 0.16))
            canvas.detail([(x + u * size, y + v * size, z) for u, v in line], (30, 34, 40) if sum(rim) > 600 else white)


def draw_board(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A large board on two poles, for directions or for sale."""
    rng = random.Random(thing.seed)
    x, z, side = thing.x + thing.side * 0.6, thing.z, thing.side
    if canvas.camera.scale(z) == 0:
        return
    wide, tall = rng.uniform(0.55, 1.1), rng.uniform(0.5, 1.1)
    low = thing.high - tall
    ground = pick(rng, (_BLUE, (30, 108, 70), (236, 234, 226), (206, 60, 48), (226, 176, 52)))
    ink: Colour = (238, 236, 228) if sum(ground) < 500 else (44, 40, 44)
    for pole in (x - wide * 0.7, x + wide * 0.7):
        canvas.bar([(pole, 0, z), (pole, thing.high, z)], 0.1, pick(rng, _METALS), POLE, 0.5)
    corners = ((-wide, low), (wide, low), (wide, thing.high + 0.2), (-wide, thing.high + 0.2))
    canvas.fill([(x + u, v, z - 0.05) for u, v in corners], ground, SIGN, 0.4 + 0.6 * day.on(0, -1), z)
    for row in range(3):
        y = low + (row + 0.6) * (tall + 0.2) / 3.4
        end = wide * rng.uniform(0.2, 0.8)
        line = ((-0.8 * wide, y), (end, y), (end, y + 0.1 * tall), (-0.8 * wide, y + 0.1 * tall))
        canvas.detail([(x + u, v, z - 0.05) for u, v in line], ink)
    del side


def draw_lights(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """Traffic lights."""
    rng = random.Random(thing.seed)
    x, z, high = thing.x, thing.z, thing.high + 0.6
    if canvas.camera.scale(z) == 0:
        return
    canvas.bar([(x, 0, z), (x, high - 0.2, z)], 0.13, (70, 72, 74), POLE, 0.4)
    box = ((-0.24, high - 1.0), (0.24, high - 1.0), (0.24, high + 0.15), (-0.24, high + 0.15))
    canvas.fill([(x + u, v, z - 0.1) for u, v in box], (34, 34, 36), SIGN, 0.6, z)
    on = pick(rng, (0, 0, 2))
    for k, (lamp, dark) in enumerate(
        (((255, 70, 50), (90, 26, 24)), ((250, 190, 60), (88, 66, 26)), ((80, 240, 150), (22, 80, 50)))
    ):
        y = high - 0.06 - 0.36 * k
        canvas.detail([(x + u * 0.14, y + v * 0.14, z - 0.1) for u, v in _OCTAGON], lamp if k == on else dark)


def draw_bollard(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    rng = random.Random(thing.seed)
    metal = pick(rng, ((44, 44, 46), (150, 146, 138), (70, 60, 52)))
    if canvas.camera.scale(thing.z) == 0:
        return
    _foot_shadow(canvas, thing.x, thing.z, thing.high, day)
    canvas.bar([(thing.x, 0, thing.z), (thing.x, thing.high, thing.z)], 0.17, metal, POLE, 0.4 + 0.5 * day.on(0, -1))


def draw_fence(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """Boards with posts."""
    rng = random.Random(thing.seed)
    wood = varied(rng, pick(rng, ((146, 116, 84), (120, 92, 66), (178, 174, 164), (96, 104, 92), (74, 78, 82))), 0.12)
    _panel(canvas, thing, wood, day, every=rng.uniform(0.28, 0.5))


def draw_railing(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A guard rail at the kerb: bars so close together that the whole of it is a fence."""
    rng = random.Random(thing.seed)
    _panel(
        canvas, thing, varied(rng, pick(rng, ((128, 132, 134), (98, 106, 104), (152, 150, 140))), 0.1), day, every=0.35
    )


def _panel(canvas: Canvas, thing: Thing, colour: Colour, day: Daylight, every: float) -> None:
    x, high = thing.x, thing.high
    start, end = thing.z, thing.z + thing.long
    camera = canvas.camera
    if end < camera.z + 1:
        return
    light = 0.2 + 0.7 * day.on(-thing.side, 0)
    pieces = max(1, int(thing.long / 5))
    for k in reversed(range(pieces)):
        a, b = (start + thing.long * (k + part) / pieces for part in (0, 1))
        canvas.fill(
            [(x, 0.05, a), (x, high, a), (x, high, b), (x, 0.05, b)], colour, FENCE, light, max(a, camera.z) + 1
        )
    dark, pale = times(colour, 0.66), mix(colour, (240, 236, 228), 0.22)
    z = start
    while z < min(end, camera.z + 26):
        if z > camera.z + 0.9:
            gap = 0.35 * every
            canvas.detail([(x, 0.12, z), (x, high - 0.1, z), (x, high - 0.1, z + gap), (x, 0.12, z + gap)], dark)
        z += every
    for low, top in ((high - 0.12, high), (0.25 * high, 0.25 * high + 0.09)):
        canvas.detail([(x, low, start), (x, top, start), (x, top, end), (x, low, end)], pale)


def draw_bin(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    rng = random.Random(thing.seed)
    colour = varied(rng, pick(rng, ((40, 64, 48), (52, 54, 58), (44, 60, 96))), 0.2)
    _box(canvas, thing, 0.3, colour, day)


def draw_cabinet(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    rng = random.Random(thing.seed)
    _box(canvas, thing, 0.5, varied(rng, pick(rng, ((112, 126, 112), (150, 150, 144))), 0.15), day)


def _box(canvas: Canvas, thing: Thing, half: float, colour: Colour, day: Daylight) -> None:
    x, z, high = thing.x, thing.z, thing.high
    if canvas.camera.scale(z) == 0:
        return
    inner = x - half if canvas.camera.x < x else x + half
    canvas.shade(
        [
            (x - half, 0, z),
            (x + half, 0, z),
            (x + half + day.cast(high)[0], 0, z + 0.6),
            (x - half + day.cast(high)[0], 0, z + 0.6),
        ],
        0.3,
    )
    canvas.fill(
        [(inner, 0, z), (inner, high, z), (inner, high, z + 0.6), (inner, 0, z + 0.6)],
        times(colour, 0.8),
        VOID,
        day.on(-thing.side, 0),
        z,
    )
    canvas.fill(
        [(x - half, 0, z), (x - half, high, z), (x + half, high, z), (x + half, 0, z)], colour, VOID, day.on(0, -1), z
    )
    canvas.detail(
        [(x - half, high - 0.15, z), (x - half, high, z), (x + half, high, z), (x + half, high - 0.15, z)],
        times(colour, 1.3),
    )
