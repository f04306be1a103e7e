"""The shadows that things cast on the ground."""

import math

from paribus.streets.camera import SUPERSAMPLING
from paribus.streets.canvas import Ground
from paribus.streets.layout import Thing
from paribus.streets.light import Daylight

_DISC = tuple((math.cos(k * math.pi / 5), math.sin(k * math.pi / 5)) for k in range(10))
_ROWS = ("house", "cottage", "wall", "hedge", "fence")
_CARS = ("car", "oncoming")
_WIDTH = {"lamp": 0.09, "sign": 0.07, "lights": 0.12, "board": 0.3, "bollard": 0.09, "person": 0.2, "cyclist": 0.2}


def draw_shadow(ground: Ground, thing: Thing, day: Daylight) -> None:
    """The shadow of one thing, unless it is too far away to be seen."""
    ahead = thing.z - ground.camera.z
    if ground.camera.focal < 1.5 * SUPERSAMPLING * ahead:
        return
    if thing.kind in _ROWS:
        _slab(ground, thing, day)
    elif thing.kind == "tree":
        _crown(ground, thing, day)
    elif thing.kind in _CARS:
        _car(ground, thing, day)
    elif ahead > 0 and thing.kind in _WIDTH:
        _post(ground, thing, day, _WIDTH[thing.kind])


def _slab(ground: Ground, thing: Thing, day: Daylight) -> None:
    """What stands along the road shades it only if the sun is behind."""
    aside, along = day.cast(thing.high)
    if aside * thing.side < 0:
        x, start, end = thing.x, thing.z, thing.z + thing.long
        ground.shade(
            [(x, 0, start), (x, 0, end), (x + aside, 0, end + along), (x + aside, 0, start + along)],
            0.14,
        )


def _crown(ground: Ground, thing: Thing, day: Daylight) -> None:
    aside, along = day.cast(0.62 * thing.high)
    radius = thing.wide / 2
    ground.shade([(thing.x + aside + c * radius, 0, thing.z + along + s * radius * 1.3) for c, s in _DISC], 0.26)


def _car(ground: Ground, thing: Thing, day: Daylight) -> None:
    """Sunlight is cut off beside a car; under it, it is dark on a grey day as well."""
    half = 0.95 * thing.wide / 2
    aside, _ = day.cast(0.7 * thing.high)
    aside = max(min(aside, 2.0), -2.0)
    left, right = thing.x - half, thing.x + half
    start, end = thing.z - 0.2, thing.z + thing.long
    for low, high, light in (
        (left + min(aside, 0), right + max(aside, 0), 0.2),
        (left, right, 0.0),
    ):
        ground.shade([(low, 0, start), (high, 0, start), (high, 0, end), (low, 0, end)], light)


def _post(ground: Ground, thing: Thing, day: Daylight, half: float) -> None:
    aside, along = day.cast(thing.high)
    x, z = thing.x, thing.z
    ground.shade(
        [(x - half, 0, z), (x + half, 0, z), (x + half + aside, 0, z + along), (x - half + aside, 0, z + along)], 0.25
    )
