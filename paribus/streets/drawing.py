"""A street on a canvas, from far to near."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain

from paribus.labels import VOID
from paribus.streets.camera import Camera
from paribus.streets.canvas import Canvas, Ground
from paribus.streets.furniture import (
    draw_bin,
    draw_board,
    draw_bollard,
    draw_cabinet,
    draw_fence,
    draw_lamp,
    draw_lights,
    draw_railing,
    draw_sign,
)
from paribus.streets.ground import draw_ground
from paribus.streets.houses import draw_backdrop, draw_cottage, draw_house, draw_wall
from paribus.streets.layout import Street, Thing
from paribus.streets.light import Daylight
from paribus.streets.plants import draw_hedge, draw_tree
from paribus.streets.shadows import draw_shadow
from paribus.streets.traffic import draw_car, draw_cyclist, draw_oncoming, draw_person

DRAWN_BY: Mapping[str, Callable[[Canvas, Thing, Daylight], None]] = {
    "house": draw_house,
    "cottage": draw_cottage,
    "wall": draw_wall,
    "tree": draw_tree,
    "hedge": draw_hedge,
    "fence": draw_fence,
    "railing": draw_railing,
    "lamp": draw_lamp,
    "sign": draw_sign,
    "board": draw_board,
    "lights": draw_lights,
    "bollard": draw_bollard,
    "bin": draw_bin,
    "cabinet": draw_cabinet,
    "car": draw_car,
    "oncoming": draw_oncoming,
    "person": draw_person,
    "cyclist": draw_cyclist,
}


def draw_street(size: tuple[int, int], camera: Camera, place: Street, day: Daylight, step: int) -> Canvas:
    """The street as it is at an image of its drive."""
    rows = [[_moved(thing, step) for thing in row] for row in place.rows]
    ground = Ground(size, camera, day.visibility)
    draw_ground(ground, place)
    for thing in chain(*rows):
        draw_shadow(ground, thing, day)
    canvas = Canvas(ground)
    draw_backdrop(canvas, place, day)
    for row in rows:
        for thing in sorted(row, key=lambda thing: -thing.z):
            if thing.z + thing.long > camera.z:
                DRAWN_BY[thing.kind](canvas, thing, day)
    _bonnet(canvas, random.Random(place.seed + 2))
    return canvas


def _moved(thing: Thing, step: int) -> Thing:
    if thing.speed == 0 and thing.drift == 0:
        return thing
    return replace(thing, x=thing.x + thing.drift * step, z=thing.z + thing.speed * step)


def _bonnet(canvas: Canvas, rng: random.Random) -> None:
    """In some drives the car's own bonnet covers the lower edge; it has no class."""
    if rng.random() > 0.3:
        return
    wide, high = canvas.width, canvas.height
    rise = rng.uniform(0.03, 0.07) * high
    left, right = rng.uniform(-0.1, 0.05) * wide, rng.uniform(0.95, 1.1) * wide
    slope = 0.12 * wide
    top = [left + slope, high - 0.6 * rise, (left + right) / 2, high - rise, right - slope, high - 0.6 * rise]
    canvas.fill_flat([left, high, *top, right, high], (44, 46, 52), VOID, 0.6, canvas.camera.z)
