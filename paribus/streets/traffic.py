"""Cars, people on foot and people on bicycles."""

import math
import random
from collections.abc import Callable

from paribus.streets.camera import SUPERSAMPLING, Point
from paribus.streets.canvas import BICYCLIST, CAR, PEDESTRIAN, Canvas
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import Thing
from paribus.streets.light import Daylight

Place = Callable[[float, float, float], Point]
Outline = tuple[tuple[float, float], ...]

_PAINTS: tuple[Colour, ...] = (
    (206, 208, 210),
    (164, 168, 172),
    (72, 76, 82),
    (40, 42, 46),
    (158, 32, 34),
    (36, 62, 118),
    (226, 226, 222),
    (54, 92, 84),
    (120, 128, 140),
    (190, 168, 120),
)
_GLASS: Colour = (58, 68, 78)
_TYRE: Colour = (30, 30, 32)
_SKIN: tuple[Colour, ...] = ((236, 196, 168), (206, 156, 122), (146, 100, 72), (96, 66, 50))
_CLOTH: tuple[Colour, ...] = (
    (44, 48, 60),
    (36, 36, 40),
    (122, 44, 44),
    (56, 78, 116),
    (168, 156, 132),
    (84, 92, 70),
    (196, 190, 184),
    (190, 120, 50),
)
_WHEEL = tuple((math.cos(k * math.pi / 6), math.sin(k * math.pi / 6)) for k in range(12))

# Outlines from the side: share of the length from the front end, share of the height.
_BODY = ((0.0, 0.2), (0.0, 0.5), (0.03, 0.57), (0.27, 0.63), (0.97, 0.66), (1.0, 0.6), (1.0, 0.2))
_SALOON = ((0.26, 0.63), (0.41, 0.98), (0.55, 1.0), (0.78, 0.98), (0.97, 0.66))
_HATCH = ((0.26, 0.63), (0.40, 0.97), (0.55, 1.0), (0.90, 0.95), (0.985, 0.64))
_VAN = ((0.16, 0.5), (0.26, 0.95), (0.33, 1.0), (0.98, 1.0), (1.0, 0.5))


def draw_car(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A car that shows its tail."""
    _car(canvas, thing, day, away=True)


def draw_oncoming(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A car that shows its front."""
    _car(canvas, thing, day, away=False)


def _car(canvas: Canvas, thing: Thing, day: Daylight, away: bool) -> None:
    rng = random.Random(thing.seed)
    paint = varied(rng, pick(rng, _PAINTS), 0.1)
    van = thing.high > 2
    cabin = _VAN if van else pick(rng, (_SALOON, _HATCH, _HATCH))
    half = thing.wide / 2
    camera = canvas.camera
    long, high = thing.long, thing.high

    def place(u: float, v: float, across: float) -> Point:
        """A point at a share u of the length from the front, v of the height, `across` metres right of the middle."""
        return (thing.x + across, v * high, thing.z + (long * (1 - u) if away else long * u))

    if thing.z + long < camera.z + 1.5:
        return
    aside = max(min(day.cast(high * 0.6)[0], 1.5), -1.5)
    foot = [(-half * 0.95 + min(aside, 0), 0.0), (half * 0.95 + max(aside, 0), 0.0)]
    canvas.shade(
        [(thing.x + foot[0][0], 0, thing.z - 0.15), (thing.x + foot[1][0], 0, thing.z - 0.15)]
        + [(thing.x + foot[1][0], 0, thing.z + long), (thing.x + foot[0][0], 0, thing.z + long)],
        0.0,
    )
    z = max(thing.z, camera.z + 1)
    seen = -1 if thing.x > camera.x else 1  # the flank that faces the camera
    top = 0.8 if not van else 0.94  # a cabin is narrower above
    end_light, side_light = 0.15 + 0.85 * day.on(0, -1), 0.1 + 0.9 * day.on(seen, 0)

    if rng.random() < 0.35:
        canvas.unsure([place(u, v, seen * half) for u, v in (*_BODY[:2], *cabin, *_BODY[4:])])
    # The underside is dark; wheels of the far flank show below it.
    canvas.fill(
        [
            place(u, v, s * half * 0.92)
            for u, v, s in ((0.04, 0.02, seen), (0.04, 0.3, seen), (0.96, 0.3, seen), (0.96, 0.02, seen))
        ],
        (22, 22, 24),
        CAR,
        0.0,
        z,
    )
    near_end = 1.0 if away else 0.0
    inset = abs(near_end - 0.03)
    for wheel in (-1, 1):
        w = wheel * half
        canvas.fill(
            [place(inset, 0, w), place(inset, 0.24, w), place(inset, 0.24, w * 0.74), place(inset, 0, w * 0.74)],
            _TYRE,
            CAR,
            0.2,
            z,
        )
    # The shell, from the far end to the near one.
    order = _facets(_BODY if van else (*_BODY[:4], *_BODY[4:]), away)
    for (u0, v0), (u1, v1) in order:
        canvas.fill(
            [place(u0, v0, -half), place(u0, v0, half), place(u1, v1, half), place(u1, v1, -half)],
            times(paint, 1.0),
            CAR,
            1.0 if abs(v1 - v0) < 0.12 else end_light,
            z,
        )
    for k, ((u0, v0), (u1, v1)) in enumerate(_facets(cabin, away)):
        low, up = (half if v < 0.8 else half * top for v in (v0, v1))
        glass = abs(v1 - v0) > 0.15
        colour = mix(_GLASS, (170, 184, 196), 0.35 if not van or k else 0.1) if glass else paint
        if van and glass and away and u0 + u1 > 1.2:
            colour = times(paint, 0.94)
        canvas.fill(
            [place(u0, v0, -low), place(u0, v0, low), place(u1, v1, up), place(u1, v1, -up)],
            colour,
            CAR,
            1.0 if not glass else max(end_light, 0.4),
            z,
        )
    # The flank.
    canvas.fill([place(u, v, seen * half) for u, v in _BODY], times(paint, 0.96), CAR, side_light, z)
    canvas.fill([place(u, v, seen * half * (1 if v < 0.8 else top)) for u, v in cabin], paint, CAR, side_light, z)
    _panes(canvas, place, cabin, seen * half, top, van)
    _wheels(canvas, place, seen * half, thing)
    _end(canvas, place, half, near_end, away, paint, rng)


def _facets(
    outline: tuple[tuple[float, float], ...], away: bool
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The pieces of a shell between neighbouring points of its outline, the farthest first."""
    pieces = list(zip(outline[:-1], outline[1:], strict=True))
    return pieces if away else pieces[::-1]


def _panes(canvas: Canvas, place: Place, cabin: Outline, across: float, top: float, van: bool) -> None:
    middle_u = sum(u for u, _ in cabin) / len(cabin)
    middle_v = sum(v for _, v in cabin) / len(cabin) + 0.01
    panes = [(middle_u + 0.84 * (u - middle_u), middle_v + 0.72 * (v - middle_v)) for u, v in cabin]
    if van:
        panes = [(0.24, 0.6), (0.29, 0.9), (0.44, 0.9), (0.44, 0.6)]
    canvas.detail([place(u, v, across * (1 - (1 - top) * min(max((v - 0.63) / 0.37, 0), 1))) for u, v in panes], _GLASS)
    if not van:
        pillar = 0.58
        canvas.detail(
            [
                place(u, v, across * (1 if v < 0.8 else top))
                for u, v in ((pillar, 0.64), (pillar, 0.98), (pillar + 0.03, 0.98), (pillar + 0.03, 0.64))
            ],
            (36, 38, 42),
        )


def _wheels(canvas: Canvas, place: Place, across: float, thing: Thing) -> None:
    radius = 0.31
    for u in (0.19, 0.81):
        for share, colour in ((1.0, _TYRE), (0.58, (146, 148, 152)), (0.2, (70, 72, 76))):
            ring = [
                place(u + c * radius * share / thing.long, (radius + s * radius * share) / thing.high, across * 1.005)
                for c, s in _WHEEL
            ]
            if share == 1.0:
                canvas.fill(ring, colour, CAR, 0.4, max(thing.z, canvas.camera.z + 1))
            else:
                canvas.detail(ring, colour)


def _end(canvas: Canvas, place: Place, half: float, u: float, away: bool, paint: Colour, rng: random.Random) -> None:
    """Lamps, number plate and bumper."""

    def patch(left: float, right: float, low: float, high: float, colour: Colour) -> None:
        canvas.detail(
            [
                place(u, low, half * left),
                place(u, high, half * left),
                place(u, high, half * right),
                place(u, low, half * right),
            ],
            colour,
        )

    patch(-1, 1, 0.2, 0.31, mix(times(paint, 0.55), (50, 50, 54), 0.4))
    lamp: Colour = (196, 30, 30) if away else (238, 238, 226)
    low, high = (0.42, 0.57) if away else (0.38, 0.48)
    patch(-0.97, -0.66, low, high, lamp)
    patch(0.66, 0.97, low, high, lamp)
    if not away:
        patch(-0.5, 0.5, 0.34, 0.44, (44, 46, 50))
    patch(
        -0.3,
        0.3,
        0.23 if not away else 0.36,
        0.31 if not away else 0.44,
        (232, 214, 110) if away and rng.random() < 0.5 else (236, 236, 232),
    )


# ---- People -------------------------------------------------------------------------------------------------------


def draw_person(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """Somebody on foot, from the front or from behind."""
    rng = random.Random(thing.seed)
    if canvas.camera.scale(thing.z) == 0:
        return
    coat, trousers, skin = (
        varied(rng, pick(rng, _CLOTH), 0.15),
        varied(rng, pick(rng, _CLOTH[:4]), 0.2),
        pick(rng, _SKIN),
    )
    hair = pick(rng, ((40, 30, 26), (74, 52, 36), (150, 120, 76), (120, 118, 116)))
    h, light = thing.high, 0.25 + 0.7 * day.on(0, -1)
    stride = rng.uniform(-0.14, 0.14)
    _person_shadow(canvas, thing, day)

    def part(points: list[tuple[float, float]], colour: Colour) -> None:
        canvas.fill([(thing.x + u * h, v * h, thing.z) for u, v in points], colour, PEDESTRIAN, light, thing.z)

    if rng.random() < 0.3:
        canvas.unsure(
            [(thing.x + u * h, v * h, thing.z) for u, v in ((-0.13, 0), (-0.14, 0.8), (0, 1), (0.14, 0.8), (0.13, 0))]
        )
    for side in (-1, 1):
        foot = side * 0.05 + stride * side
        part([(side * 0.01, 0.5), (side * 0.1, 0.5), (foot + 0.045, 0.03), (foot - 0.045, 0.03)], trousers)
        part([(foot - 0.05, 0), (foot + 0.055, 0), (foot + 0.04, 0.045), (foot - 0.04, 0.045)], (34, 30, 30))
        hand = side * 0.15 - stride * 0.5 * side
        part(
            [(side * 0.08, 0.81), (side * 0.135, 0.79), (hand + 0.03 * side, 0.46), (hand - 0.025 * side, 0.46)],
            times(coat, 0.86),
        )
    low = 0.36 if rng.random() < 0.4 else 0.47
    part(
        [
            (-0.1, low),
            (0.1, low),
            (0.105, 0.66),
            (0.115, 0.8),
            (0.04, 0.845),
            (-0.04, 0.845),
            (-0.115, 0.8),
            (-0.105, 0.66),
        ],
        coat,
    )
    if rng.random() < 0.3:
        part([(0.1, 0.45), (0.18, 0.45), (0.18, 0.6), (0.1, 0.6)], varied(rng, pick(rng, _CLOTH), 0.2))
    part([(-0.025, 0.82), (0.025, 0.82), (0.025, 0.88), (-0.025, 0.88)], skin)
    part([(c * 0.052, 0.925 + s * 0.072) for c, s in _WHEEL], skin if rng.random() < 0.5 else hair)
    part([(c * 0.056, 0.95 + s * 0.05) for c, s in _WHEEL[:7]], hair)


def _person_shadow(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    aside, along = day.cast(thing.high)
    if canvas.camera.scale(thing.z) > 5 * SUPERSAMPLING:
        x, z = thing.x, thing.z
        canvas.shade(
            [
                (x - 0.2, 0, z - 0.05),
                (x + 0.2, 0, z - 0.05),
                (x + 0.2 + aside, 0, z + along),
                (x - 0.2 + aside, 0, z + along),
            ],
            0.25,
        )


def draw_cyclist(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """Somebody on a bicycle, from behind or from the front, a little from the side."""
    rng = random.Random(thing.seed)
    x, z = thing.x, thing.z
    if canvas.camera.scale(z) == 0:
        return
    coat, skin = varied(rng, pick(rng, (*_CLOTH, (214, 220, 60), (226, 98, 40))), 0.15), pick(rng, _SKIN)
    trousers, light = varied(rng, pick(rng, _CLOTH[:4]), 0.2), 0.25 + 0.7 * day.on(0, -1)
    _person_shadow(canvas, thing, day)

    def part(points: list[tuple[float, float]], colour: Colour, ahead: float = 0.0) -> None:
        canvas.fill([(x + u, v, z + ahead) for u, v in points], colour, BICYCLIST, light, z)

    for ahead in (1.05, 0.0):
        wheel = [(x + 0.03 + c * 0.07, 0.34 + s * 0.34, z + ahead + c * 0.3) for c, s in _WHEEL]
        canvas.fill(wheel, _TYRE, BICYCLIST, light, z)
    for side in (-1, 1):
        lift = 0.12 * side * (1 if thing.seed % 2 else -1)
        part(
            [(side * 0.03, 0.95), (side * 0.17, 0.95), (side * 0.17, 0.3 + lift), (side * 0.08, 0.3 + lift)],
            trousers,
            0.3,
        )
        part(
            [(side * 0.14, 1.4), (side * 0.24, 1.38), (side * 0.32, 1.05), (side * 0.24, 1.02)], times(coat, 0.85), 0.5
        )
    part([(-0.34, 1.0), (0.34, 1.0), (0.34, 1.05), (-0.34, 1.05)], (50, 50, 54), 0.7)
    part([(-0.16, 0.9), (0.16, 0.9), (0.23, 1.35), (0.13, 1.47), (-0.13, 1.47), (-0.23, 1.35)], coat, 0.3)
    part([(c * 0.1, 1.6 + s * 0.13) for c, s in _WHEEL], skin, 0.35)
    helmet = pick(rng, ((230, 230, 226), (40, 40, 44), (190, 40, 40), (58, 42, 34)))
    part([(c * 0.12, 1.64 + s * 0.12) for c, s in _WHEEL[:7]], helmet, 0.35)
