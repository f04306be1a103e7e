"""Houses in rows and with gardens, walls, and what closes the view."""

import random

from paribus.streets.camera import Point
from paribus.streets.canvas import BUILDING, SIGN, TREE, Canvas
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import FAR, Street, Thing
from paribus.streets.light import Daylight

_WALLS: tuple[Colour, ...] = (
    (168, 110, 86),
    (150, 92, 74),
    (196, 178, 146),
    (214, 204, 184),
    (182, 176, 166),
    (226, 222, 212),
    (160, 150, 136),
    (190, 160, 122),
    (138, 132, 130),
)
_ROOFS: tuple[Colour, ...] = ((122, 74, 58), (92, 84, 84), (108, 98, 94), (136, 86, 62))
_SHOPS: tuple[Colour, ...] = (
    (166, 40, 40),
    (32, 74, 132),
    (30, 104, 72),
    (206, 160, 40),
    (60, 56, 62),
    (120, 46, 100),
    (228, 226, 220),
    (220, 106, 40),
)
_GLASS: Colour = (74, 86, 100)


def draw_backdrop(canvas: Canvas, place: Street, day: Daylight) -> None:
    """Far roofs and trees along the horizon."""
    rng = random.Random(place.seed + 1)
    camera = canvas.camera
    depth = FAR + 40
    x = -1.3 * depth
    while x < 1.3 * depth:
        wide = rng.uniform(8, 26)
        house = rng.random() < 0.45
        high = rng.uniform(5, 13) if house else rng.uniform(4, 10)
        colour = pick(rng, _WALLS) if house else varied(rng, (78, 92, 58), 0.2)
        z = camera.z + depth
        left, right = x + camera.x - camera.bend * depth**2, x + wide + camera.x - camera.bend * depth**2
        outline: list[Point] = [(left, 0, z), (left, high * (0.9 if house else 0.7), z)]
        if not house:
            outline += [(left + wide * 0.3, high, z), (left + wide * 0.7, high * 0.95, z)]
        outline += [(right, high * (0.9 if house else 0.7), z), (right, 0, z)]
        canvas.fill(outline, colour, BUILDING if house else TREE, 0.7, z)
        x += wide * 0.9


def draw_house(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A house of a terrace: front with rows of windows, often a shop, and the end that faces the camera."""
    rng = random.Random(thing.seed)
    wall = varied(rng, pick(rng, _WALLS), 0.12)
    x, side, high = thing.x, thing.side, thing.high
    start, end = thing.z, thing.z + thing.long
    far = x + side * thing.wide
    ahead = start - canvas.camera.z
    if rng.random() < 0.35:
        _chimney(canvas, x + side * 3, start + 0.3 * thing.long, high, wall, day)
    if ahead > 0:
        canvas.fill(_quad_end(x, far, 0, high, start), times(wall, 0.92), BUILDING, day.on(0, -1), start)
    front = _quad_front(x, 0, high, start, end)
    if rng.random() < 0.25:
        canvas.unsure(front)
    _long_front(canvas, x, high, start, end, wall, day.on(-side, 0))
    _cornice(canvas, thing, wall, rng)
    if ahead > 95:
        return
    shop = rng.random() < 0.5 and ahead < 80
    _windows(canvas, x, 3.4 if shop else 0.0, high - 0.6, start, end, wall, rng)
    if shop:
        _shop(canvas, thing, rng, day)
    elif ahead < 70:
        _door(canvas, x, start + rng.uniform(0.3, 0.7) * thing.long, rng)


def _long_front(canvas: Canvas, x: float, high: float, start: float, end: float, wall: Colour, light: float) -> None:
    """The wall in pieces, so that its far end is hazier."""
    pieces = max(1, min(3, int((end - start) / 5)))
    for k in reversed(range(pieces)):
        a, b = (start + (end - start) * (k + part) / pieces for part in (0, 1))
        canvas.fill(_quad_front(x, 0, high, a, b), wall, BUILDING, light, max(a, canvas.camera.z) + 1)


def _quad_front(x: float, low: float, high: float, start: float, end: float) -> list[Point]:
    return [(x, low, start), (x, high, start), (x, high, end), (x, low, end)]


def _quad_end(left: float, right: float, low: float, high: float, z: float) -> list[Point]:
    return [(left, low, z), (left, high, z), (right, high, z), (right, low, z)]


def _cornice(canvas: Canvas, thing: Thing, wall: Colour, rng: random.Random) -> None:
    light = mix(wall, (235, 230, 220), 0.5) if rng.random() < 0.5 else times(wall, 0.7)
    canvas.detail(_quad_front(thing.x, thing.high - 0.35, thing.high, thing.z, thing.z + thing.long), light)
    if rng.random() < 0.4:
        canvas.detail(_quad_front(thing.x, 0, 0.5, thing.z, thing.z + thing.long), times(wall, 0.75))


def _windows(
    canvas: Canvas, x: float, low: float, high: float, start: float, end: float, wall: Colour, rng: random.Random
) -> None:
    """Rows of windows; far ones without frames."""
    wide, tall = rng.uniform(0.8, 1.3), rng.uniform(1.2, 1.8)
    step = wide + rng.uniform(0.7, 1.6)
    count = max(int((end - start - 0.6) / step), 1)
    margin = (end - start - count * step + (step - wide)) / 2
    glass = varied(rng, _GLASS, 0.25)
    frame = pick(rng, ((228, 226, 220), (228, 226, 220), (90, 66, 52), mix(wall, (255, 255, 255), 0.4)))
    sill = low + (3.1 - tall) * 0.55
    camera = canvas.camera
    while sill + tall < high + 0.2:
        for k in range(count):
            a = start + margin + k * step
            if a - camera.z > 0.3:
                _window(canvas, x, a, wide, sill, tall, glass, frame, rng.random())
        sill += 3.1


def _window(
    canvas: Canvas, x: float, z: float, wide: float, sill: float, tall: float, glass: Colour, frame: Colour, luck: float
) -> None:
    near = z - canvas.camera.z < 45
    if near:
        canvas.detail(_quad_front(x, sill - 0.12, sill + tall + 0.06, z - 0.08, z + wide + 0.08), frame)
    tone = mix(glass, (196, 208, 220), 0.55) if luck < 0.2 else mix(glass, (214, 204, 178), 0.5 if luck > 0.88 else 0)
    canvas.detail(_quad_front(x, sill, sill + tall, z, z + wide), tone)
    if near and z - canvas.camera.z < 22:
        middle = z + wide / 2
        canvas.detail(_quad_front(x, sill, sill + tall, middle - 0.04, middle + 0.04), frame)
        canvas.detail(_quad_front(x, sill + tall * 0.55, sill + tall * 0.6, z, z + wide), frame)


def _door(canvas: Canvas, x: float, z: float, rng: random.Random) -> None:
    colour = varied(rng, pick(rng, _SHOPS), 0.2)
    canvas.detail(_quad_front(x, 0, 2.5, z - 0.1, z + 1.2), (206, 202, 194))
    canvas.detail(_quad_front(x, 0, 2.3, z, z + 1.1), times(colour, 0.8))


def _shop(canvas: Canvas, thing: Thing, rng: random.Random, day: Daylight) -> None:
    """A shop window, and above it a fascia whose name is a sign."""
    x, start, end = thing.x, thing.z + 0.25, thing.z + thing.long - 0.25
    paint = varied(rng, pick(rng, _SHOPS), 0.15)
    canvas.detail(_quad_front(x, 0, 3.4, start, end), times(paint, 0.75))
    panes = max(round((end - start) / 2.2), 1)
    step = (end - start) / panes
    for k in range(panes):
        a = start + k * step + 0.12
        door = k == panes // 2
        canvas.detail(_quad_front(x, 0.1 if door else 0.6, 2.5, a, a + step - 0.24), mix(_GLASS, (30, 34, 42), 0.4))
        if rng.random() < 0.7:
            glow = varied(rng, (206, 186, 150), 0.3)
            canvas.detail(_quad_front(x, 0.8, 1.3 + rng.random(), a + 0.3, a + step * rng.uniform(0.4, 0.7)), glow)
    a, b = start + rng.uniform(0.02, 0.25) * (end - start), end - rng.uniform(0.02, 0.25) * (end - start)
    light = day.on(-thing.side, 0)
    if rng.random() < 0.8:
        canvas.fill(_quad_front(x, 2.65, 3.3, a, b), paint, SIGN, light, max(start, canvas.camera.z))
        ink = (240, 236, 220) if sum(paint) < 450 else (40, 36, 40)
        letters = max(int((b - a) / 0.55), 1)
        for k in range(letters):
            if rng.random() < 0.85:
                left = a + (k + 0.6) * (b - a) / (letters + 1)
                canvas.detail(_quad_front(x, 2.8, 3.0 + 0.18 * rng.random(), left, left + 0.3), ink)
    if rng.random() < 0.4:  # a sign that hangs out over the pavement
        z, out = start + 0.2, x - thing.side * 0.95
        canvas.fill(_quad_end(x - thing.side * 0.1, out, 2.9, 3.7, z), paint, SIGN, day.on(0, -1), z)
        canvas.detail(
            _quad_end(x - thing.side * 0.25, out + thing.side * 0.15, 3.15, 3.45, z), mix(paint, (250, 248, 240), 0.8)
        )


def _chimney(canvas: Canvas, x: float, z: float, high: float, wall: Colour, day: Daylight) -> None:
    canvas.fill(_quad_end(x - 0.5, x + 0.5, high - 1, high + 1.4, z), times(wall, 0.85), BUILDING, day.on(0, -1), z)


def draw_cottage(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A house with a pitched roof, its ridge along the road."""
    rng = random.Random(thing.seed)
    wall = varied(rng, pick(rng, _WALLS), 0.12)
    roof = varied(rng, pick(rng, _ROOFS), 0.15)
    x, side, high = thing.x, thing.side, thing.high
    start, end, middle, far = thing.z, thing.z + thing.long, x + side * thing.wide / 2, x + side * thing.wide
    ridge = high + rng.uniform(1.6, 3.0)
    eaves = x - side * 0.3
    if rng.random() < 0.6:
        _chimney(canvas, middle, start + rng.uniform(0.2, 0.8) * thing.long, ridge, wall, day)
    if start > canvas.camera.z:
        gable: list[Point] = [
            (x, 0, start),
            (x, high, start),
            (middle, ridge, start),
            (far, high, start),
            (far, 0, start),
        ]
        canvas.fill(gable, times(wall, 0.95), BUILDING, day.on(0, -1), start)
        if start - canvas.camera.z < 60:
            at = middle + side * rng.uniform(-1.5, 1)
            canvas.detail(_quad_end(at - 0.5, at + 0.5, high - 1.9, high - 0.6, start), _GLASS)
    canvas.fill(_quad_front(x, 0, high, start, end), wall, BUILDING, day.on(-side, 0), max(start, canvas.camera.z) + 1)
    slope: list[Point] = [
        (eaves, high - 0.1, start - 0.2),
        (middle, ridge, start - 0.2),
        (middle, ridge, end + 0.2),
        (eaves, high - 0.1, end + 0.2),
    ]
    canvas.fill(slope, roof, BUILDING, min(day.on(-side, 0) + 0.3, 1.0), max(start, canvas.camera.z) + 1)
    if start - canvas.camera.z < 80:
        _windows(canvas, x, 0.0, high, start, end, wall, rng)
        _door(canvas, x, start + rng.uniform(0.3, 0.6) * thing.long, rng)


def draw_wall(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    rng = random.Random(thing.seed)
    stone = varied(rng, pick(rng, _WALLS), 0.15)
    start, end = thing.z, thing.z + thing.long
    top: list[Point] = [
        (thing.x, thing.high, start),
        (thing.x, thing.high, end),
        (thing.x + thing.side * 0.3, thing.high, end),
        (thing.x + thing.side * 0.3, thing.high, start),
    ]
    near = max(start, canvas.camera.z) + 1
    canvas.fill(top, mix(stone, (220, 216, 208), 0.3), BUILDING, 1.0, near)
    if start > canvas.camera.z:
        canvas.fill(
            _quad_end(thing.x, thing.x + thing.side * 0.3, 0, thing.high, start),
            times(stone, 0.9),
            BUILDING,
            day.on(0, -1),
            start,
        )
    _long_front(canvas, thing.x, thing.high, start, end, stone, day.on(-thing.side, 0))
