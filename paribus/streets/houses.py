"""Houses in rows and with gardens, walls, and what closes the view."""

import random
from dataclasses import dataclass

from paribus.streets.camera import SUPERSAMPLING, Column
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
_STOREY = 3.1  # metres


@dataclass(frozen=True)
class _Front:
    """The wall of a house that faces the road: an upright plane along it."""

    canvas: Canvas
    x: float
    start: float
    end: float
    light: float

    def column(self, z: float) -> Column:
        return self.canvas.camera.column(self.x, z)

    @property
    def near(self) -> float:
        """The z whose haze stands for all of it."""
        return max(self.start, self.canvas.camera.z) + 1

    def seen(self) -> bool:
        a, b = self.column(self.start), self.column(self.end)
        return max(a.x, b.x) > 0 and min(a.x, b.x) < self.canvas.width

    def pixels(self, metres: float) -> float:
        """Metres at the near end in pixels of the image."""
        return metres * self.column(self.start).scale / SUPERSAMPLING

    def fill(self, low: float, high: float, colour: Colour) -> None:
        """The whole of it, in pieces, so that its far end is hazier."""
        pieces = max(1, min(3, int((self.end - self.start) / 5)))
        cuts = [self.start + (self.end - self.start) * k / pieces for k in range(pieces + 1)]
        for k in reversed(range(pieces)):
            a, b = self.column(cuts[k]), self.column(cuts[k + 1])
            near = max(cuts[k], self.canvas.camera.z) + 1
            self.canvas.wall(a, b, low, high, colour, BUILDING, self.light, near)

    def pane(self, start: float, end: float, low: float, high: float, colour: Colour) -> None:
        self.canvas.pane(self.column(start), self.column(end), low, high, colour)


def draw_backdrop(canvas: Canvas, place: Street, day: Daylight) -> None:
    """Far roofs and trees along the horizon."""
    rng = random.Random(place.seed + 1)
    z = canvas.camera.z + FAR + 40
    x = -1.3 * (FAR + 40)
    while x < 1.3 * (FAR + 40):
        wide = rng.uniform(8, 26)
        left, right = x + canvas.camera.x, x + wide + canvas.camera.x
        if rng.random() < 0.45:
            a, b = canvas.camera.column(left, z), canvas.camera.column(right, z)
            canvas.wall(a, b, 0, rng.uniform(5, 13), pick(rng, _WALLS), BUILDING, 0.7, z)
        else:
            foot, high = canvas.camera.column(left, z), rng.uniform(5, 11)
            crowns = [(0.0, 0.7), (0.15, 0.92), (0.4, 1.0), (0.6, 0.9), (0.85, 0.97), (1.0, 0.7), (1.0, 0.0)]
            shape = [(0.0, 0.0), *[(u * wide, v * high) for u, v in crowns]]
            canvas.stand(foot, shape, varied(rng, (78, 92, 58), 0.2), TREE, 0.6, z)
        x += wide * 0.9


def draw_house(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A house of a terrace: front with rows of windows, often a shop, and the end that faces the camera."""
    front = _Front(canvas, thing.x, thing.z, thing.z + thing.long, day.on(-thing.side, 0))
    if not front.seen():
        return
    rng = random.Random(thing.seed)
    wall = varied(rng, pick(rng, _WALLS), 0.12)
    if rng.random() < 0.35:
        _chimney(canvas, thing.x + thing.side * 3, thing.z + 0.3 * thing.long, thing.high, wall, day)
    if canvas.camera.ahead(thing.z):
        far = canvas.camera.column(thing.x + thing.side * thing.wide, thing.z)
        canvas.wall(front.column(thing.z), far, 0, thing.high, times(wall, 0.92), BUILDING, day.on(0, -1), thing.z)
    front.fill(0, thing.high, wall)
    trim = mix(wall, (235, 230, 220), 0.5) if rng.random() < 0.5 else times(wall, 0.7)
    front.pane(front.start, front.end, thing.high - 0.35, thing.high, trim)
    front.pane(front.start, front.end, 0, rng.uniform(0.0, 0.6), times(wall, 0.75))
    shop = rng.random() < 0.5
    _windows(front, 3.4 if shop else 0.0, thing.high - 0.6, wall, rng)
    if front.pixels(2.5) < 3:
        return
    if shop:
        _shop(front, thing, rng, day)
    else:
        _door(front, rng)


def _windows(front: _Front, low: float, high: float, wall: Colour, rng: random.Random) -> None:
    """Rows of windows; those that are small in the image have no frames, and still smaller ones are left out."""
    wide, tall = rng.uniform(0.8, 1.3), rng.uniform(1.2, 1.8)
    step = wide + rng.uniform(0.7, 1.6)
    long = front.end - front.start
    count = max(int((long - 0.6) / step), 1)
    margin = (long - count * step + (step - wide)) / 2
    glass = varied(rng, _GLASS, 0.25)
    frame = pick(rng, ((228, 226, 220), (228, 226, 220), (90, 66, 52), mix(wall, (255, 255, 255), 0.4)))
    first = low + (_STOREY - tall) * 0.55
    storeys = max(int((high + 0.2 - first - tall) / _STOREY) + 1, 0)
    look = [rng.random() for _ in range(count * storeys)]
    for k in range(count):
        z = front.start + margin + k * step
        a, b = front.column(z), front.column(z + wide)
        if not front.canvas.camera.ahead(z + 0.5) or tall * a.scale < 1.6 * SUPERSAMPLING:
            continue
        framed = tall * a.scale > 5 * SUPERSAMPLING
        barred = tall * a.scale > 14 * SUPERSAMPLING
        for storey in range(storeys):
            sill = first + storey * _STOREY
            if framed:
                outer = front.column(z - 0.09), front.column(z + wide + 0.09)
                front.canvas.pane(*outer, sill - 0.12, sill + tall + 0.08, frame)
            front.canvas.pane(a, b, sill, sill + tall, _pane_colour(glass, look[k * storeys + storey]))
            if barred:
                front.pane(z + wide / 2 - 0.03, z + wide / 2 + 0.03, sill, sill + tall, frame)
                front.canvas.pane(a, b, sill + 0.56 * tall, sill + 0.6 * tall, frame)


def _pane_colour(glass: Colour, luck: float) -> Colour:
    """Most panes are dark; some mirror the sky, behind some hangs a curtain."""
    if luck < 0.2:
        return mix(glass, (196, 208, 220), 0.55)
    return mix(glass, (214, 204, 178), 0.5) if luck > 0.88 else glass


def _door(front: _Front, rng: random.Random) -> None:
    z = front.start + rng.uniform(0.25, 0.7) * (front.end - front.start)
    colour = varied(rng, pick(rng, _SHOPS), 0.2)
    front.pane(z - 0.12, z + 1.22, 0, 2.5, (206, 202, 194))
    front.pane(z, z + 1.1, 0, 2.3, times(colour, 0.8))


def _shop(front: _Front, thing: Thing, rng: random.Random, day: Daylight) -> None:
    """A shop window, above it a fascia whose name is a sign, and sometimes a sign that hangs out over the pavement."""
    start, end = front.start + 0.25, front.end - 0.25
    paint = varied(rng, pick(rng, _SHOPS), 0.15)
    front.pane(start, end, 0, 3.4, times(paint, 0.75))
    panes = max(round((end - start) / 2.2), 1)
    step = (end - start) / panes
    for k in range(panes):
        z = start + k * step + 0.12
        front.pane(z, z + step - 0.24, 0.1 if k == panes // 2 else 0.6, 2.5, mix(_GLASS, (30, 34, 42), 0.4))
        if rng.random() < 0.7:
            goods = varied(rng, (206, 186, 150), 0.3)
            front.pane(z + 0.3, z + step * rng.uniform(0.4, 0.7), 0.8, 1.3 + rng.random(), goods)
    if rng.random() < 0.75:
        _fascia(front, start, end, paint, rng)
    if rng.random() < 0.4 and front.canvas.camera.ahead(start):
        z, camera = start + 0.2, front.canvas.camera
        inner, outer = (camera.column(front.x - thing.side * reach, z) for reach in (0.1, 0.95))
        front.canvas.wall(inner, outer, 2.9, 3.7, paint, SIGN, day.on(0, -1), z)
        inner, outer = (camera.column(front.x - thing.side * reach, z) for reach in (0.25, 0.8))
        front.canvas.pane(inner, outer, 3.15, 3.45, mix(paint, (250, 248, 240), 0.8))


def _fascia(front: _Front, start: float, end: float, paint: Colour, rng: random.Random) -> None:
    long = end - start
    a, b = start + rng.uniform(0.02, 0.25) * long, end - rng.uniform(0.02, 0.25) * long
    front.canvas.wall(front.column(a), front.column(b), 2.65, 3.3, paint, SIGN, front.light, front.near)
    ink: Colour = (240, 236, 220) if sum(paint) < 450 else (40, 36, 40)
    letters = max(int((b - a) / 0.55), 1) if front.pixels(0.3) > 1.5 else 0
    for k in range(letters):
        if rng.random() < 0.85:
            left = a + (k + 0.6) * (b - a) / (letters + 1)
            front.pane(left, left + 0.3, 2.8, 3.0 + 0.18 * rng.random(), ink)


def _chimney(canvas: Canvas, x: float, z: float, high: float, wall: Colour, day: Daylight) -> None:
    if canvas.camera.ahead(z):
        a, b = canvas.camera.column(x - 0.5, z), canvas.camera.column(x + 0.5, z)
        canvas.wall(a, b, high - 1, high + 1.4, times(wall, 0.85), BUILDING, day.on(0, -1), z)


def draw_cottage(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A house with a pitched roof, its ridge along the road."""
    x, side, high = thing.x, thing.side, thing.high
    front = _Front(canvas, x, thing.z, thing.z + thing.long, day.on(-side, 0))
    if not front.seen():
        return
    rng = random.Random(thing.seed)
    wall = varied(rng, pick(rng, _WALLS), 0.12)
    roof = varied(rng, pick(rng, _ROOFS), 0.15)
    start, end, middle, far = thing.z, thing.z + thing.long, x + side * thing.wide / 2, x + side * thing.wide
    ridge = high + rng.uniform(1.6, 3.0)
    eaves = x - side * 0.3
    if rng.random() < 0.6:
        _chimney(canvas, middle, start + rng.uniform(0.2, 0.8) * thing.long, ridge, wall, day)
    if canvas.camera.ahead(start):
        gable = [(x, 0.0, start), (x, high, start), (middle, ridge, start), (far, high, start), (far, 0.0, start)]
        canvas.fill(gable, times(wall, 0.95), BUILDING, day.on(0, -1), start)
        at = middle + side * rng.uniform(-1.5, 1)
        if front.pixels(1.3) > 2:
            a, b = canvas.camera.column(at - 0.5, start), canvas.camera.column(at + 0.5, start)
            canvas.pane(a, b, high - 1.9, high - 0.6, _GLASS)
    front.fill(0, high, wall)
    low, top = high - 0.1, ridge
    slope = [(eaves, low, start - 0.2), (middle, top, start - 0.2), (middle, top, end + 0.2), (eaves, low, end + 0.2)]
    canvas.fill(slope, roof, BUILDING, min(front.light + 0.3, 1.0), front.near)
    _windows(front, 0.0, high, wall, rng)
    if front.pixels(2.3) > 3:
        _door(front, rng)


def draw_wall(canvas: Canvas, thing: Thing, day: Daylight) -> None:
    """A low wall along the pavement."""
    x, back, high, start, end = thing.x, thing.x + thing.side * 0.3, thing.high, thing.z, thing.z + thing.long
    front = _Front(canvas, x, start, end, day.on(-thing.side, 0))
    if not front.seen():
        return
    rng = random.Random(thing.seed)
    stone = varied(rng, pick(rng, _WALLS), 0.15)
    top = [(x, high, start), (x, high, end), (back, high, end), (back, high, start)]
    canvas.fill(top, mix(stone, (220, 216, 208), 0.3), BUILDING, 1.0, front.near)
    if canvas.camera.ahead(start):
        far = canvas.camera.column(back, start)
        canvas.wall(front.column(start), far, 0, high, times(stone, 0.9), BUILDING, day.on(0, -1), start)
    front.fill(0, high, stone)
    front.pane(start, end, high - 0.12, high, mix(stone, (220, 216, 208), 0.35))
