"""Cars, people on foot and people on bicycles."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from paribus.streets.camera import SUPERSAMPLING, Point
from paribus.streets.canvas import BICYCLIST, CAR, PEDESTRIAN, Canvas
from paribus.streets.chance import Colour, mix, pick, times, varied
from paribus.streets.layout import Thing
from paribus.streets.light import Daylight

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
_HAIR: tuple[Colour, ...] = ((40, 30, 26), (74, 52, 36), (150, 120, 76), (120, 118, 116))
_RING = tuple((math.cos(k * math.pi / 6), math.sin(k * math.pi / 6)) for k in range(12))

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


@dataclass(frozen=True)
class _Body:
    """A car as points: shares of its length from the front end and of its height, metres right of its middle."""

    canvas: Canvas
    thing: Thing
    away: bool

    def at(self, along: float, up: float, across: float) -> Point:
        share = 1 - along if self.away else along
        return (self.thing.x + across, up * self.thing.high, self.thing.z + self.thing.long * share)

    @property
    def near(self) -> float:
        return max(self.thing.z, self.canvas.camera.z + 1)

    def fill(self, points: Sequence[Point], colour: Colour, light: float) -> None:
        self.canvas.fill(points, colour, CAR, light, self.near)

    def patch(self, along: float, left: float, right: float, low: float, high: float, colour: Colour) -> None:
        """A rectangle on an end."""
        corners = ((left, low), (left, high), (right, high), (right, low))
        self.canvas.detail([self.at(along, v, u) for u, v in corners], colour)


def _car(canvas: Canvas, thing: Thing, day: Daylight, away: bool) -> None:
    near, far = canvas.camera.column(thing.x, thing.z), canvas.camera.column(thing.x, thing.z + thing.long)
    if thing.z + thing.long < canvas.camera.z + 1.5 or not (canvas.sees(near, 3) or canvas.sees(far, 3)):
        return
    rng = random.Random(thing.seed)
    paint = varied(rng, pick(rng, _PAINTS), 0.1)
    van = thing.high > 2
    cabin = _VAN if van else pick(rng, (_SALOON, _HATCH, _HATCH))
    body = _Body(canvas, thing, away)
    half = thing.wide / 2
    flank = half if thing.x < canvas.camera.x else -half  # the side that faces the camera
    if rng.random() < 0.5:
        canvas.unsure([body.at(u, v, flank) for u, v in (*_BODY[:2], *cabin, *_BODY[4:])])
        canvas.unsure([body.at(float(away), v, u) for u, v in ((-half, 0.2), (-half, 0.6), (half, 0.6), (half, 0.2))])
    end_light, side_light = 0.2 + 0.8 * day.on(0, -1), 0.2 + 0.8 * day.on(math.copysign(1, flank), 0)
    size = thing.high * near.scale / SUPERSAMPLING  # in pixels of the image
    if size < 4:
        _tiny(body, half, paint, end_light)
        return
    small = size < 8
    _underside(body, half, flank)
    _shell(body, cabin, half, paint, end_light, small)
    narrow = 0.94 if van else 0.8  # a cabin is narrower above
    body.fill([body.at(u, v, flank) for u, v in _BODY], times(paint, 0.96), side_light)
    body.fill([body.at(u, v, flank * (1 if v < 0.8 else narrow)) for u, v in cabin], paint, side_light)
    _panes(body, cabin, flank, narrow)
    _wheels(body, flank, small)
    _end(body, half, paint, rng, small)


def _tiny(body: _Body, half: float, paint: Colour, light: float) -> None:
    """A car so far away that nothing but its end is seen."""
    along = float(body.away)
    for low, high, wide, colour in (
        (0.02, 0.25, 0.9, _TYRE),
        (0.2, 0.64, 1.0, paint),
        (0.64, 0.95, 0.85, mix(_GLASS, paint, 0.3)),
        (0.92, 1.0, 0.8, paint),
    ):
        corners = ((-half, low), (-half, high), (half, high), (half, low))
        body.fill([body.at(along, v, u * wide) for u, v in corners], colour, light)


def _underside(body: _Body, half: float, flank: float) -> None:
    """It is dark under a car; there stand the wheels of its near end."""
    sill = ((0.04, 0.04), (0.04, 0.3), (0.96, 0.3), (0.96, 0.04))
    body.fill([body.at(u, v, 0.92 * flank) for u, v in sill], (24, 24, 26), 0.1)
    along = 0.97 if body.away else 0.03
    for w in (-half, half):
        tread = ((w, 0.0), (w, 0.24), (0.74 * w, 0.24), (0.74 * w, 0.0))
        body.fill([body.at(along, v, u) for u, v in tread], _TYRE, 0.2)


def _shell(body: _Body, cabin: Outline, half: float, paint: Colour, end_light: float, small: bool) -> None:
    """Bonnet, roof, windscreens and ends: strips from one flank to the other, the farthest first."""
    van = cabin is _VAN
    narrow = 0.94 if van else 0.8
    for (u0, v0), (u1, v1) in _strips(_BODY, body.away):
        light = 1.0 if abs(v1 - v0) < 0.12 else end_light
        body.fill(
            [body.at(u0, v0, -half), body.at(u0, v0, half), body.at(u1, v1, half), body.at(u1, v1, -half)], paint, light
        )
    for (u0, v0), (u1, v1) in _strips(cabin, body.away):
        low, high = (half if v < 0.8 else half * narrow for v in (v0, v1))
        steep = abs(v1 - v0) > 0.15
        closed = van and body.away
        light = max(end_light, 0.4) if steep else 1.0
        strip = [body.at(u0, v0, -low), body.at(u0, v0, low), body.at(u1, v1, high), body.at(u1, v1, -high)]
        body.fill(strip, times(paint, 0.94) if steep else paint, light)
        if steep and not closed and not small:
            screen = [
                body.at(u0 + (u1 - u0) * s, v0 + (v1 - v0) * s, side * (low + (high - low) * s) * 0.88)
                for s, side in ((0.08, -1), (0.08, 1), (0.86, 1), (0.86, -1))
            ]
            body.canvas.detail(screen, mix(_GLASS, (170, 184, 196), 0.3))
        elif steep and not closed:
            body.canvas.detail(strip, mix(_GLASS, (170, 184, 196), 0.3))


def _strips(outline: Outline, away: bool) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The pieces between neighbouring points of an outline, the farthest first."""
    pieces = list(pairwise(outline))
    return pieces if away else pieces[::-1]


def _panes(body: _Body, cabin: Outline, flank: float, narrow: float) -> None:
    """The windows of a flank."""
    middle_u = sum(u for u, _ in cabin) / len(cabin)
    middle_v = sum(v for _, v in cabin) / len(cabin) + 0.01
    panes = [(middle_u + 0.84 * (u - middle_u), middle_v + 0.72 * (v - middle_v)) for u, v in cabin]
    if cabin is _VAN:
        panes = [(0.24, 0.6), (0.29, 0.9), (0.44, 0.9), (0.44, 0.6)]
    leaning = [(u, v, flank * (1 - (1 - narrow) * min(max((v - 0.63) / 0.37, 0), 1))) for u, v in panes]
    body.canvas.detail([body.at(*point) for point in leaning], _GLASS)
    if cabin is not _VAN:
        pillar = ((0.58, 0.64, 1.0), (0.58, 0.98, narrow), (0.61, 0.98, narrow), (0.61, 0.64, 1.0))
        body.canvas.detail([body.at(u, v, flank * share) for u, v, share in pillar], (36, 38, 42))


def _wheels(body: _Body, flank: float, small: bool) -> None:
    radius, thing = 0.31, body.thing
    for along in (0.19, 0.81):
        for share, colour in ((1.0, _TYRE), (0.58, (146, 148, 152)), (0.2, (70, 72, 76)))[: 1 if small else 3]:
            ring = [
                body.at(
                    along + c * radius * share / thing.long, (radius + s * radius * share) / thing.high, 1.005 * flank
                )
                for c, s in _RING
            ]
            if share == 1.0:
                body.fill(ring, colour, 0.4)
            else:
                body.canvas.detail(ring, colour)


def _end(body: _Body, half: float, paint: Colour, rng: random.Random, small: bool) -> None:
    """Bumper, lamps and number plate."""
    away, along = body.away, 1.0 if body.away else 0.0
    body.patch(along, -half, half, 0.2, 0.31, mix(times(paint, 0.55), (50, 50, 54), 0.4))
    lamp: Colour = (196, 30, 30) if away else (238, 238, 226)
    low, high = (0.42, 0.57) if away else (0.38, 0.48)
    body.patch(along, -0.97 * half, -0.66 * half, low, high, lamp)
    body.patch(along, 0.66 * half, 0.97 * half, low, high, lamp)
    if small:
        return
    if not away:
        body.patch(along, -0.5 * half, 0.5 * half, 0.34, 0.44, (44, 46, 50))
    plate: Colour = (232, 214, 110) if away and rng.random() < 0.5 else (236, 236, 232)
    low, high = (0.36, 0.44) if away else (0.23, 0.31)
    body.patch(along, -0.3 * half, 0.3 * half, low, high, plate)


# ---- People -------------------------------------------------------------------------------------------------------


def draw_person(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """Somebody on foot, from the front or from behind."""
    foot = canvas.camera.column(thing.x, thing.z)
    if not canvas.camera.ahead(thing.z) or not canvas.sees(foot, 0.5):
        return
    rng = random.Random(thing.seed)
    coat, trousers = varied(rng, pick(rng, _CLOTH), 0.15), varied(rng, pick(rng, _CLOTH[:4]), 0.2)
    skin, hair = pick(rng, _SKIN), pick(rng, _HAIR)
    high, light = thing.high, 0.25 + 0.7 * day.on(0, -1)
    stride = rng.uniform(-0.14, 0.14)
    coat_end = 0.36 if rng.random() < 0.4 else 0.47

    def part(points: Sequence[tuple[float, float]], colour: Colour) -> None:
        shape = [(u * high, v * high) for u, v in points]
        canvas.stand(foot, shape, colour, PEDESTRIAN, light, thing.z)

    if rng.random() < 0.4:
        outline = ((-0.13, 0.0), (-0.14, 0.8), (-0.05, 0.99), (0.05, 0.99), (0.14, 0.8), (0.13, 0.0))
        canvas.stand_unsure(foot, [(u * high, v * high) for u, v in outline])
    for side in (-1, 1):
        sole = side * 0.05 + stride * side
        part([(side * 0.01, 0.5), (side * 0.1, 0.5), (sole + 0.045, 0.03), (sole - 0.045, 0.03)], trousers)
        part([(sole - 0.05, 0), (sole + 0.055, 0), (sole + 0.04, 0.045), (sole - 0.04, 0.045)], (34, 30, 30))
        hand = side * 0.15 - stride * 0.5 * side
        arm = [(side * 0.08, 0.81), (side * 0.135, 0.79), (hand + 0.03 * side, 0.46), (hand - 0.025 * side, 0.46)]
        part(arm, times(coat, 0.86))
    left = [(-0.04, 0.845), (-0.115, 0.8), (-0.105, 0.66), (-0.1, coat_end)]
    part([*left, *[(-u, v) for u, v in left[::-1]]], coat)
    if rng.random() < 0.3:
        part([(0.1, 0.45), (0.18, 0.45), (0.18, 0.6), (0.1, 0.6)], varied(rng, pick(rng, _CLOTH), 0.2))
    part([(-0.025, 0.82), (0.025, 0.82), (0.025, 0.88), (-0.025, 0.88)], skin)
    part([(c * 0.052, 0.925 + s * 0.072) for c, s in _RING], skin if rng.random() < 0.5 else hair)
    part([(c * 0.056, 0.95 + s * 0.05) for c, s in _RING[:7]], hair)


def draw_cyclist(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """Somebody on a bicycle, from behind or from the front."""
    x, z = thing.x, thing.z
    foot = canvas.camera.column(x, z)
    if not canvas.camera.ahead(z) or not canvas.sees(foot, 1):
        return
    rng = random.Random(thing.seed)
    coat = varied(rng, pick(rng, (*_CLOTH, (214, 220, 60), (226, 98, 40))), 0.15)
    trousers, skin = varied(rng, pick(rng, _CLOTH[:4]), 0.2), pick(rng, _SKIN)
    light = 0.25 + 0.7 * day.on(0, -1)
    turn = 0.05 if rng.random() < 0.5 else -0.05

    def part(points: Sequence[tuple[float, float]], colour: Colour) -> None:
        canvas.stand(foot, points, colour, BICYCLIST, light, z)

    for ahead in (1.05, 0.0):
        wheel = [(x + turn * ahead + c * turn, 0.34 + s * 0.34, z + ahead + c * 0.34) for c, s in _RING]
        canvas.fill(wheel, _TYRE, BICYCLIST, light, z)
    frame = [
        (x - 0.03, 0.36, z),
        (x + 0.03, 0.36, z),
        (x, 0.9, z + 0.2),
        (x + turn, 0.95, z + 0.9),
        (x + turn, 0.3, z + 1),
    ]
    canvas.fill(frame, times(coat, 0.5), BICYCLIST, light, z)
    lift = pick(rng, (-0.13, 0.13))
    for side in (-1, 1):
        knee = 0.3 + lift * side
        part([(side * 0.03, 0.95), (side * 0.17, 0.95), (side * 0.17, knee), (side * 0.07, knee - 0.1)], trousers)
        part([(side * 0.14, 1.4), (side * 0.24, 1.38), (side * 0.33, 1.05), (side * 0.25, 1.02)], times(coat, 0.85))
    part([(-0.34, 1.0), (0.34, 1.0), (0.34, 1.05), (-0.34, 1.05)], (50, 50, 54))
    part([(-0.17, 0.88), (0.17, 0.88), (0.23, 1.35), (0.13, 1.47), (-0.13, 1.47), (-0.23, 1.35)], coat)
    part([(c * 0.1, 1.6 + s * 0.13) for c, s in _RING], skin)
    helmet = pick(rng, ((230, 230, 226), (40, 40, 44), (190, 40, 40), (58, 42, 34)))
    part([(c * 0.12, 1.64 + s * 0.12) for c, s in _RING[:7]], helmet)
