"""Lamps, signs, bollards, fences, and the bins and boxes that have no class."""

import math
import random

from paribus.labels import VOID
from paribus.streets.camera import SUPERSAMPLING, Column
from paribus.streets.canvas import FENCE, POLE, SIGN, Canvas, Shape
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import Thing
from paribus.streets.light import Daylight

_METALS: tuple[Colour, ...] = ((92, 96, 98), (142, 146, 148), (62, 70, 66), (176, 176, 172))
_WHITE: Colour = (236, 236, 232)
_RED: Colour = (196, 34, 36)
_BLUE: Colour = (30, 84, 160)
_GREEN: Colour = (30, 108, 70)
_BOX: Shape = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
_OCTAGON: Shape = tuple((math.cos((k + 0.5) * math.pi / 4), math.sin((k + 0.5) * math.pi / 4)) for k in range(8))
_LAMPS: tuple[tuple[Colour, Colour], ...] = (
    ((255, 70, 50), (90, 26, 24)),
    ((250, 190, 60), (88, 66, 26)),
    ((80, 240, 150), (22, 80, 50)),
)


def _foot(canvas: Canvas, thing: Thing, reach: float) -> Column | None:
    """Where the thing stands, or None if it is not in the picture."""
    foot = canvas.camera.column(thing.x, thing.z)
    return foot if canvas.camera.ahead(thing.z) and canvas.sees(foot, reach) else None


def _at(shape: Shape, u: float, v: float, wide: float, high: float) -> Shape:
    """The shape around (u, v), so many metres wide and high to each side."""
    return [(u + a * wide, v + b * high) for a, b in shape]


def _metal_light(day: Daylight) -> float:
    return 0.3 + 0.6 * day.on(0, -1)


def draw_lamp(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A lamp post whose arm reaches over the road."""
    foot = _foot(canvas, thing, 3)
    if foot is None:
        return
    rng = random.Random(thing.seed + 5)
    metal, arm = pick(rng, _METALS), -thing.side * rng.uniform(0.9, 1.9)
    high, light = thing.high, _metal_light(day)
    head = arm - thing.side * 0.65
    canvas.bar(foot, ((0, high), (arm, high + 0.35)), 0.08, metal, POLE, 0.6, thing.z)
    canvas.bar(foot, ((0, 0), (0, high)), 0.14, metal, POLE, light, thing.z)
    canvas.bar(foot, ((0, 0), (0, 1.1)), 0.22, times(metal, 0.9), POLE, light, thing.z)
    lantern = ((arm, high + 0.43), (head, high + 0.4), (head, high + 0.26), (arm, high + 0.24))
    canvas.stand(foot, lantern, times(metal, 1.1), POLE, 0.7, thing.z)


def draw_sign(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A traffic sign: a triangle, a disc or a rectangle on a pole, sometimes two."""
    foot = _foot(canvas, thing, 0.6)
    if foot is None:
        return
    rng = random.Random(thing.seed)
    metal, high = pick(rng, _METALS), thing.high
    canvas.bar(foot, ((0, 0), (0, high + 0.3)), 0.09, metal, POLE, _metal_light(day), thing.z)
    for k in range(2 if rng.random() < 0.35 else 1):
        kind = pick(rng, ("disc", "disc", "triangle", "blue", "board"))
        _plate(canvas, foot, high - 0.9 * k, thing.z, kind, rng, day)


def _plate(canvas: Canvas, foot: Column, y: float, z: float, kind: str, rng: random.Random, day: Daylight) -> None:
    size = rng.uniform(0.34, 0.48)
    outlines: dict[str, Shape] = {
        "triangle": ((-1.0, -0.7), (1.0, -0.7), (0.0, 1.05)),
        "board": ((-0.9, -0.6), (0.9, -0.6), (0.9, 0.6), (-0.9, 0.6)),
    }
    outline = outlines.get(kind, _OCTAGON)
    board = pick(rng, (_WHITE, _BLUE, _GREEN))
    rim = {"disc": _RED, "triangle": _RED, "blue": _WHITE, "board": board}[kind]
    face = {"disc": _WHITE, "triangle": _WHITE, "blue": _BLUE, "board": mix(board, (240, 240, 236), 0.2)}[kind]
    canvas.stand(foot, _at(outline, 0, y, size, size), rim, SIGN, 0.4 + 0.6 * day.on(0, -1), z)
    canvas.stand_detail(foot, _at(outline, 0, y, 0.72 * size, 0.72 * size), face)
    if kind == "disc" and rng.random() < 0.5:
        canvas.stand_detail(foot, _at(_BOX, 0, y, 0.5 * size, 0.15 * size), _RED)
    if kind == "triangle":
        canvas.stand_detail(foot, _at(_BOX, 0, y - 0.1 * size, 0.1 * size, 0.3 * size), (40, 40, 42))
    if kind == "blue":
        canvas.stand_detail(foot, _at(_BOX, 0, y, 0.12 * size, 0.42 * size), _WHITE)
    if kind == "board":
        ink = (30, 34, 40) if sum(board) > 600 else _WHITE
        for row in (-0.2, 0.2):
            canvas.stand_detail(foot, _at(_BOX, 0, y + row * size, 0.6 * size, 0.08 * size), ink)


def draw_board(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A large board on two poles, for directions or for sale."""
    foot = _foot(canvas, thing, 1.5)
    if foot is None:
        return
    rng = random.Random(thing.seed)
    half, tall = rng.uniform(0.5, 1.0), rng.uniform(0.5, 1.1)
    middle = thing.side * 0.6
    low, high = thing.high - tall, thing.high + 0.2
    ground = pick(rng, (_BLUE, _GREEN, (236, 234, 226), (206, 60, 48), (226, 176, 52)))
    ink: Colour = (238, 236, 228) if sum(ground) < 500 else (44, 40, 44)
    metal = pick(rng, _METALS)
    for u in (middle - 0.7 * half, middle + 0.7 * half):
        canvas.bar(foot, ((u, 0), (u, low + 0.1)), 0.09, metal, POLE, 0.5, thing.z)
    plate = _at(_BOX, middle, (low + high) / 2, half, (high - low) / 2)
    canvas.stand(foot, plate, ground, SIGN, 0.4 + 0.6 * day.on(0, -1), thing.z)
    for row in range(3):
        y, end = low + (row + 0.6) * (high - low) / 3.4, half * rng.uniform(0.2, 0.8)
        line = ((-0.8 * half, y), (end, y), (end, y + 0.1 * tall), (-0.8 * half, y + 0.1 * tall))
        canvas.stand_detail(foot, [(middle + u, v) for u, v in line], ink)


def draw_lights(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """Traffic lights."""
    foot = _foot(canvas, thing, 0.5)
    if foot is None:
        return
    rng = random.Random(thing.seed)
    high = thing.high + 0.6
    canvas.bar(foot, ((0, 0), (0, high - 0.8)), 0.12, (70, 72, 74), POLE, _metal_light(day), thing.z)
    canvas.stand(foot, _at(_BOX, 0, high - 0.43, 0.23, 0.57), (34, 34, 36), SIGN, 0.6, thing.z)
    shining = pick(rng, (0, 0, 2))
    for k, (bright, dark) in enumerate(_LAMPS):
        y = high - 0.06 - 0.36 * k
        canvas.stand_detail(foot, _at(_OCTAGON, 0, y, 0.14, 0.14), bright if k == shining else dark)


def draw_bollard(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A short post at the kerb."""
    foot = _foot(canvas, thing, 0.2)
    if foot is None:
        return
    rng = random.Random(thing.seed)
    metal = pick(rng, ((44, 44, 46), (150, 146, 138), (70, 60, 52)))
    canvas.bar(foot, ((0, 0), (0, thing.high)), 0.16, metal, POLE, _metal_light(day), thing.z)
    if foot.scale > 10 * SUPERSAMPLING:
        canvas.stand_detail(foot, _at(_BOX, 0, thing.high - 0.2, 0.08, 0.04), (206, 200, 188))


def draw_fence(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """Boards with posts."""
    rng = random.Random(thing.seed)
    woods: tuple[Colour, ...] = ((146, 116, 84), (120, 92, 66), (178, 174, 164), (96, 104, 92), (74, 78, 82))
    _panel(canvas, thing, varied(rng, pick(rng, woods), 0.12), day, every=rng.uniform(0.28, 0.5))


def draw_railing(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A guard rail at the kerb: bars so close together that the whole of it is a fence."""
    rng = random.Random(thing.seed)
    metals: tuple[Colour, ...] = ((128, 132, 134), (98, 106, 104), (152, 150, 140))
    _panel(canvas, thing, varied(rng, pick(rng, metals), 0.1), day, every=0.3)


def _panel(canvas: Canvas, thing: Thing, colour: Colour, day: Daylight, every: float) -> None:
    x, high, camera = thing.x, thing.high, canvas.camera
    start, end = max(thing.z, camera.z + 0.8), thing.z + thing.long
    if end < start + 0.2:
        return
    first, last = camera.column(x, start), camera.column(x, end)
    if max(first.x, last.x) < 0 or min(first.x, last.x) > canvas.width:
        return
    light = 0.2 + 0.7 * day.on(-thing.side, 0)
    pieces = max(1, int((end - start) / 6))
    cuts = [start + (end - start) * k / pieces for k in range(pieces + 1)]
    for k in reversed(range(pieces)):
        a, b = camera.column(x, cuts[k]), camera.column(x, cuts[k + 1])
        canvas.wall(a, b, 0.05, high, colour, FENCE, light, cuts[k] + 1)
    dark, pale = times(colour, 0.66), mix(colour, (240, 236, 228), 0.22)
    z = thing.z
    while z < end:
        a = camera.column(x, z)
        if every * a.scale < SUPERSAMPLING * (z - camera.z) * 0.12:
            break  # the gaps have become too narrow to be seen
        if z > start:
            canvas.pane(a, camera.column(x, z + 0.35 * every), 0.12, high - 0.1, dark)
        z += every
    for low, top in ((high - 0.1, high), (0.25 * high, 0.25 * high + 0.08)):
        canvas.pane(first, last, low, top, pale)


def draw_bin(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A dustbin; it has no class."""
    rng = random.Random(thing.seed)
    _box(canvas, thing, 0.28, varied(rng, pick(rng, ((40, 64, 48), (52, 54, 58), (44, 60, 96))), 0.2), day)


def draw_cabinet(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A switch box; it has no class."""
    rng = random.Random(thing.seed)
    _box(canvas, thing, 0.5, varied(rng, pick(rng, ((112, 126, 112), (150, 150, 144))), 0.15), day)


def _box(canvas: Canvas, thing: Thing, half: float, colour: Colour, day: Daylight) -> None:
    foot = _foot(canvas, thing, 1)
    if foot is None:
        return
    x, z, high, camera = thing.x, thing.z, thing.high, canvas.camera
    inner = x - half if camera.x < x else x + half
    near, far = camera.column(inner, z), camera.column(inner, z + 0.6)
    canvas.wall(near, far, 0, high, times(colour, 0.8), VOID, day.on(-thing.side, 0), z)
    left, right = camera.column(x - half, z), camera.column(x + half, z)
    canvas.wall(left, right, 0, high, colour, VOID, day.on(0, -1), z)
    canvas.pane(left, right, high - 0.15, high, times(colour, 1.3))
