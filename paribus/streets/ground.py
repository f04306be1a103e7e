"""Road, marks, kerbs, pavements and grass."""

import math
import random

from paribus.streets.canvas import PAVEMENT, ROAD, TREE, Ground
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import Street

_CUTS = (0.0, 2.0, 4.0, 8.0, 14.0, 24.0, 40.0, 65.0, 100.0, 150.0, 260.0)  # metres ahead where a bent line has corners
_WHITE: Colour = (222, 222, 214)
_YELLOW: Colour = (206, 174, 74)
_DISC = tuple((math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)) for k in range(8))


def draw_ground(ground: Ground, place: Street) -> None:
    """The ground from one side of the picture to the other, with everything painted on it."""
    rng = random.Random(place.seed)
    asphalt = varied(rng, mix((98, 98, 102), (128, 126, 122), rng.random()), 0.1)
    slabs = varied(rng, pick(rng, ((158, 154, 148), (170, 160, 146), (142, 142, 146), (164, 146, 134))), 0.1)
    lawn = varied(rng, (98, 122, 62), 0.15)
    _band(ground, -80, 80, varied(rng, lawn, 0.1), TREE)
    for side in (-1, 1):
        kerb = place.half + place.side(side).grass
        _band(ground, side * kerb, side * place.back(side), slabs, PAVEMENT)
        if kerb > place.half:
            _band(ground, side * place.half, side * kerb, lawn, TREE)
        _joints(ground, side * kerb, side * place.back(side), times(slabs, 0.88))
        _band(ground, side * place.half, side * (place.half + 0.22), mix(slabs, (205, 203, 198), 0.6), PAVEMENT)
    _band(ground, -place.half, place.half, asphalt, ROAD)
    _wear(ground, place, asphalt, rng)
    _marks(ground, place, rng)


def _band(ground: Ground, left: float, right: float, colour: Colour, label: int | None = None) -> None:
    """A strip along the road; without a label it is paint."""
    start = ground.camera.z
    near = [(left, 0.0, start + cut) for cut in _CUTS]
    far = [(right, 0.0, start + cut) for cut in reversed(_CUTS)]
    if label is None:
        ground.paint([*near, *far], colour)
    else:
        ground.fill([*near, *far], colour, label)


def _strip(ground: Ground, left: float, right: float, start: float, end: float, colour: Colour) -> None:
    ground.paint([(left, 0.0, start), (left, 0.0, end), (right, 0.0, end), (right, 0.0, start)], colour)


def _joints(ground: Ground, left: float, right: float, colour: Colour) -> None:
    """The gaps between the slabs."""
    first = int(ground.camera.z / 1.2)
    for k in range(first, first + 14):
        _strip(ground, left, right, 1.2 * k, 1.2 * k + 0.05, colour)


def _wear(ground: Ground, place: Street, asphalt: Colour, rng: random.Random) -> None:
    """Wheel tracks, gutters, patches of newer asphalt and manholes."""
    for side in (-1, 1):
        for wheel in (-0.8, 0.8):
            middle = side * 1.75 + wheel
            _band(ground, middle - 0.25, middle + 0.25, times(asphalt, 0.95))
        _band(ground, side * (place.half - 0.3), side * place.half, times(asphalt, 0.86))
    for _ in range(int(rng.random() * 7)):
        x, z = rng.uniform(-place.half, place.half - 2), rng.uniform(1, 60)
        wide, long = rng.uniform(0.6, 2.5), rng.uniform(1, 9)
        _strip(ground, x, min(x + wide, place.half), z, z + long, times(asphalt, rng.uniform(0.84, 1.1)))
    for _ in range(int(rng.random() * 5)):
        x, z = rng.uniform(-place.half + 0.5, place.half - 1), rng.uniform(3, 40)
        ground.paint([(x + 0.33 * u, 0.0, z + 0.33 * v) for u, v in _DISC], times(asphalt, 0.68))


def _marks(ground: Ground, place: Street, rng: random.Random) -> None:
    paint = mix(_WHITE, (150, 150, 148), rng.uniform(0.0, 0.45))
    if rng.random() < 0.25:
        _band(ground, -0.07, 0.07, paint)
    else:
        _dashes(ground, 0.0, rng.uniform(2, 4), paint)
    if place.lanes == 4:
        for side in (-1, 1):
            _dashes(ground, side * 3.4, 2.0, paint)
    edge = rng.random()
    for side in (-1, 1):
        x = side * (place.half - 0.45)
        if edge < 0.3:
            _band(ground, x - 0.06, x + 0.06, paint)
        elif edge < 0.6:
            for shift in (-0.1, 0.1):
                _band(ground, x + shift - 0.05, x + shift + 0.05, mix(_YELLOW, (128, 124, 116), 0.3))
    if place.crossing > 0:
        _zebra(ground, place, paint)
    elif rng.random() < 0.35:
        _arrow(ground, place.lane, rng.uniform(5, 26), paint)


def _zebra(ground: Ground, place: Street, paint: Colour) -> None:
    """A zebra crossing, and before it a line to stop at."""
    x = -place.half + 0.5
    while x < place.half - 0.6:
        _strip(ground, x, x + 0.55, place.crossing, place.crossing + 3.2, paint)
        x += 1.1
    stop = place.crossing - 1.4
    left, right = (0.2, place.half - 0.5) if place.lane > 0 else (0.5 - place.half, -0.2)
    _strip(ground, left, right, stop, stop + 0.35, paint)


def _dashes(ground: Ground, x: float, long: float, paint: Colour) -> None:
    step = 2.2 * long
    first = int(ground.camera.z / step)
    for k in range(first, first + int(110 / step)):
        _strip(ground, x - 0.07, x + 0.07, k * step, k * step + long, paint)


def _arrow(ground: Ground, x: float, z: float, paint: Colour) -> None:
    _strip(ground, x - 0.09, x + 0.09, z, z + 2.4, paint)
    ground.paint([(x - 0.35, 0.0, z + 2.3), (x + 0.35, 0.0, z + 2.3), (x, 0.0, z + 4.2)], paint)
