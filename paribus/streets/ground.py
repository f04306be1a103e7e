"""Road, marks, kerbs, pavements, grass, and the shadows that fall on them."""

import random

from paribus.streets.camera import Point
from paribus.streets.canvas import PAVEMENT, ROAD, TREE, Canvas
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import FAR, Street
from paribus.streets.light import Daylight

_CUTS = (
    0.0,
    2.0,
    4.0,
    8.0,
    14.0,
    24.0,
    40.0,
    65.0,
    100.0,
    150.0,
    260.0,
)  # metres ahead; a bent road is straight between
_WHITE: Colour = (222, 222, 214)
_YELLOW: Colour = (206, 174, 74)


def draw_ground(canvas: Canvas, place: Street, day: Daylight) -> None:
    rng = random.Random(place.seed)
    asphalt = varied(rng, mix((98, 98, 102), (128, 126, 122), rng.random()), 0.1)
    slabs = varied(rng, pick(rng, ((158, 154, 148), (170, 160, 146), (142, 142, 146), (164, 146, 134))), 0.1)
    lawn = varied(rng, (98, 122, 62), 0.15)
    band(canvas, -80, 80, varied(rng, pick(rng, (lawn, lawn, slabs)), 0.1), TREE)
    for side in (-1, 1):
        kerb = place.half + place.side(side).grass
        band(canvas, side * kerb, side * place.back(side), slabs, PAVEMENT)
        if kerb > place.half:
            band(canvas, side * place.half, side * kerb, lawn, TREE)
        _joints(canvas, side * kerb, side * place.back(side), times(slabs, 0.88))
        band(canvas, side * place.half, side * (place.half + 0.22), mix(slabs, (205, 203, 198), 0.6), PAVEMENT)
    band(canvas, -place.half, place.half, asphalt, ROAD)
    _wear(canvas, place, asphalt, rng)
    _marks(canvas, place, rng)
    _house_shadows(canvas, place, day)


def band(canvas: Canvas, left: float, right: float, colour: Colour, label: int) -> None:
    """A strip along the road."""
    start = canvas.camera.z
    near = [(left, 0.0, start + cut) for cut in _CUTS]
    far = [(right, 0.0, start + cut) for cut in reversed(_CUTS)]
    canvas.ground([*near, *far], colour, label)


def _strip(canvas: Canvas, left: float, right: float, start: float, end: float, colour: Colour) -> None:
    canvas.detail([(left, 0.0, start), (left, 0.0, end), (right, 0.0, end), (right, 0.0, start)], colour)


def _line(canvas: Canvas, left: float, right: float, colour: Colour) -> None:
    start = canvas.camera.z
    for near, far in zip(_CUTS[:-2], _CUTS[1:-1], strict=True):
        _strip(canvas, left, right, start + near, start + far, colour)


def _joints(canvas: Canvas, left: float, right: float, colour: Colour) -> None:
    """The gaps between the slabs."""
    first = int(canvas.camera.z / 1.2)
    for k in range(first, first + 16):
        _strip(canvas, left, right, 1.2 * k, 1.2 * k + 0.05, colour)


def _wear(canvas: Canvas, place: Street, asphalt: Colour, rng: random.Random) -> None:
    """Wheel tracks, patches of newer asphalt, gutters and manholes."""
    for side in (-1, 1):
        for wheel in (-0.8, 0.8):
            middle = side * 1.75 + wheel
            _line(canvas, middle - 0.25, middle + 0.25, times(asphalt, 0.95))
        _line(canvas, side * (place.half - 0.3), side * place.half, times(asphalt, 0.86))
    for _ in range(int(rng.random() * 7)):
        x, z = rng.uniform(-place.half, place.half - 2), rng.uniform(1, 60)
        wide, long = rng.uniform(0.6, 2.5), rng.uniform(1, 9)
        _strip(canvas, x, min(x + wide, place.half), z, z + long, times(asphalt, rng.uniform(0.84, 1.1)))
    for _ in range(int(rng.random() * 5)):
        x, z = rng.uniform(-place.half + 0.5, place.half - 1), rng.uniform(3, 40)
        ring = (
            (0.0, 0.35),
            (0.25, 0.25),
            (0.35, 0.0),
            (0.25, -0.25),
            (0, -0.35),
            (-0.25, -0.25),
            (-0.35, 0),
            (-0.25, 0.25),
        )
        canvas.detail([(x + u, 0.0, z + v) for u, v in ring], times(asphalt, 0.65))


def _marks(canvas: Canvas, place: Street, rng: random.Random) -> None:
    paint = mix(_WHITE, (150, 150, 148), rng.uniform(0.0, 0.45))
    if rng.random() < 0.25:
        _line(canvas, -0.07, 0.07, paint)
    else:
        _dashes(canvas, 0.0, rng.uniform(2, 4), paint)
    if place.lanes == 4:
        for side in (-1, 1):
            _dashes(canvas, side * 3.4, 2.0, paint)
    edge = rng.random()
    for side in (-1, 1):
        x = side * (place.half - 0.45)
        if edge < 0.3:
            _line(canvas, x - 0.06, x + 0.06, paint)
        elif edge < 0.6:
            for shift in (0.0, 0.2):
                _line(canvas, x + shift - 0.05, x + shift + 0.05, mix(_YELLOW, (128, 124, 116), 0.3))
    if place.crossing > 0:
        x = -place.half + 0.5
        while x < place.half - 0.6:
            _strip(canvas, x, x + 0.55, place.crossing, place.crossing + 3.2, paint)
            x += 1.1
        stop = place.crossing - 1.4
        _strip(canvas, min(0.2, place.half * (place.lane > 0)), max(place.lane * 2, 0.2), stop, stop + 0.35, paint)
    elif rng.random() < 0.35:
        _arrow(canvas, place.lane, rng.uniform(5, 26), paint)


def _dashes(canvas: Canvas, x: float, long: float, paint: Colour) -> None:
    step = 2.2 * long
    first = int(canvas.camera.z / step)
    for k in range(first, first + int(110 / step)):
        _strip(canvas, x - 0.07, x + 0.07, k * step, k * step + long, paint)


def _arrow(canvas: Canvas, x: float, z: float, paint: Colour) -> None:
    _strip(canvas, x - 0.09, x + 0.09, z, z + 2.4, paint)
    canvas.detail([(x - 0.35, 0.0, z + 2.3), (x + 0.35, 0.0, z + 2.3), (x, 0.0, z + 4.2)], paint)


def _house_shadows(canvas: Canvas, place: Street, day: Daylight) -> None:
    """The shadows of rows of houses; those of single things are drawn with them."""
    for thing in place.rear:
        if thing.kind == "tree" or thing.z > FAR * 0.7:
            continue
        aside, along = day.cast(thing.high)
        if aside * thing.side > 0:
            continue  # it falls away from the road
        start, end, x = thing.z, thing.z + thing.long, thing.x
        foot: list[Point] = [(x, 0.0, start), (x, 0.0, end)]
        canvas.shade([*foot, (x + aside, 0.0, end + along), (x + aside, 0.0, start + along)], 0.12)
