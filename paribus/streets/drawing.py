"""A street on a canvas, from far to near."""

import random
from collections.abc import Callable, Mapping

from paribus.labels import VOID
from paribus.streets.canvas import Canvas
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


def draw_street(canvas: Canvas, place: Street, day: Daylight, step: int) -> None:
    """Everything in the street, as it is at an image of the drive."""
    draw_backdrop(canvas, place, day)
    draw_ground(canvas, place, day)
    for row in (place.rear, place.edge, place.front):
        moved = [_moved(thing, step) for thing in row]
        for thing in sorted(moved, key=lambda thing: -thing.z):
            if thing.z + thing.long > canvas.camera.z:
                DRAWN_BY[thing.kind](canvas, thing, day)
    _bonnet(canvas, random.Random(place.seed + 2))


def _moved(thing: Thing, step: int) -> Thing:
    if thing.speed == 0 and thing.drift == 0:
        return thing
    x, z = thing.at(step)
    return Thing(**{**thing.__dict__, "x": x, "z": z})


def _bonnet(canvas: Canvas, rng: random.Random) -> None:
    """In some drives the car's own bonnet covers the lower edge; it has no class."""
    if rng.random() > 0.3:
        return
    w, h = canvas.width, canvas.height
    rise = rng.uniform(0.03, 0.07) * h
    left, right = rng.uniform(-0.1, 0.05) * w, rng.uniform(0.95, 1.1) * w
    shape = [
        left,
        h + 0.0,
        left + 0.12 * w,
        h - 0.6 * rise,
        (left + right) / 2,
        h - rise,
        right - 0.12 * w,
        h - 0.6 * rise,
        right,
        h + 0.0,
    ]
    canvas.fill_flat(shape, (44, 46, 52), VOID, 0.6, canvas.camera.z)
