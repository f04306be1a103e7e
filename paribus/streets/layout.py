"""What stands where in the street of a drive, in metres; see `camera` for the coordinates."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from paribus.streets.chance import Streams, pick

FAR = 170.0  # metres; what lies beyond is a backdrop
_START = -8.0


class Row(IntEnum):
    """Where across the street a thing stands; see `Street`."""

    REAR = 0
    EDGE = 1
    PAVEMENT = 2
    RAIL = 3
    ROAD = 4


@dataclass(frozen=True)
class Thing:
    """One thing: `kind` is how it is drawn, `x` its middle or the edge that faces the road, `z` its near end.

    `side` is -1 on the left of the road and 1 on the right, `seed` fixes how it looks. `long` (along the drive), `wide`
    and `high` are its size in metres; `speed` and `drift` how far it moves along and across with every image.
    """

    kind: str
    row: Row
    x: float
    z: float
    side: int
    seed: int
    long: float = 0.0
    wide: float = 0.0
    high: float = 0.0
    speed: float = 0.0
    drift: float = 0.0


@dataclass(frozen=True)
class Side:
    """One side of the road: the width of its pavement, of the grass before the pavement, and how far back it opens."""

    grass: float
    pavement: float
    setback: float


@dataclass(frozen=True)
class Street:
    """A road from -`half` to `half` with its sides, and everything beside it and on it.

    `rows` are houses and trees; what stands along the back of the pavement; what stands or walks on the pavement; rails
    at the kerb; what is on the road. Seen from the road, a row hides those before it. `lane` is the middle of the lane
    driven in, `bend` the curvature as `camera` has it, `crossing` where a zebra crossing is, or negative.
    """

    half: float
    lane: float
    lanes: int
    bend: float
    left: Side
    right: Side
    crossing: float
    rows: tuple[tuple[Thing, ...], ...]
    seed: int

    def side(self, side: int) -> Side:
        """The left (-1) or the right side (1)."""
        return self.left if side < 0 else self.right

    def back(self, side: int) -> float:
        """How far from the middle the pavement ends."""
        return self.half + self.side(side).grass + self.side(side).pavement


def street(streams: Streams) -> Street:
    """The street of a drive."""
    rng = streams["street"]
    keep = 1 if rng.random() < 0.5 else -1  # the side that traffic keeps to
    parking = rng.random() < 0.75
    lanes = 4 if rng.random() < 0.2 else 2
    half = lanes / 2 * rng.uniform(2.9, 3.4) + (1.6 if parking else 0.3)
    left, right = _side(rng), _side(rng)
    bare = Street(
        half=half,
        lane=keep * (1.75 if lanes == 2 else pick(rng, (1.75, 5.0))),
        lanes=lanes,
        bend=rng.uniform(-0.0016, 0.0016) * rng.random() * 2,
        left=left,
        right=right,
        crossing=rng.uniform(6, 60) if rng.random() < 0.35 else -1.0,
        rows=(),
        seed=_seed(rng),
    )
    things: list[Thing] = []
    for side in (-1, 1):
        things += _built(bare, side, streams[f"houses {side}"])
        things += _furniture(bare, side, streams[f"furniture {side}"])
        things += _people(bare, side, streams[f"people {side}"])
        if parking:
            things += _parked(bare, side, keep, streams[f"parked {side}"])
    things += _traffic(bare, keep, streams["traffic"])
    return replace(bare, rows=tuple(tuple(t for t in things if t.row == row) for row in range(len(Row))))


def _seed(rng: random.Random) -> int:
    return int(rng.random() * 2**40)


def _side(rng: random.Random) -> Side:
    grass = rng.uniform(0.8, 2.2) if rng.random() < 0.22 else 0.0
    return Side(grass, rng.uniform(2.0, 5.0), rng.uniform(2.5, 6))


# ---- Beyond the pavement ------------------------------------------------------------------------------------------


def _built(place: Street, side: int, rng: random.Random) -> Iterator[Thing]:
    """Stretches of terraces, of houses with gardens, and of park, one after the other."""
    z = _START
    floors = rng.uniform(2.2, 4.6)
    style = pick(rng, ("terrace", "terrace", "terrace", "terrace", "houses", "park"))
    while z < FAR:
        end = min(z + rng.uniform(25, 80), FAR)
        stretch = {"terrace": _terrace, "houses": _houses, "park": _park}[style]
        yield from stretch(place, side, z, end, floors, rng)
        z = end
        style = pick(rng, ("terrace", "terrace", "houses", "park"))


def _terrace(place: Street, side: int, start: float, end: float, floors: float, rng: random.Random) -> Iterator[Thing]:
    z = start
    while z < end - 3:
        long = min(rng.uniform(6, 15), end - z)
        high = 3.1 * max(round(floors + rng.uniform(-1.2, 1.2)), 1) + rng.uniform(0.6, 1.6)
        x = side * (place.back(side) + (rng.uniform(0.1, 0.8) if rng.random() < 0.25 else 0.0))
        yield Thing("house", Row.REAR, x, z, side, _seed(rng), long, 11.0, high)
        z += long + (rng.uniform(2.5, 6) if rng.random() < 0.12 else 0.0)


def _houses(place: Street, side: int, start: float, end: float, floors: float, rng: random.Random) -> Iterator[Thing]:
    back = place.back(side)
    setback = place.side(side).setback
    yield from _boundary(place, side, start, end, rng)
    z = start + 1
    while z < end - 6:
        long = min(rng.uniform(7, 12), end - z)
        high = 3.0 * (2 if rng.random() < 0.75 else 1) + 0.4
        yield Thing("cottage", Row.REAR, side * (back + setback), z, side, _seed(rng), long, 8.0, high)
        gap = rng.uniform(1.5, 6)
        if rng.random() < 0.55:
            yield _tree(side * (back + rng.uniform(1.2, setback)), z + long + gap / 2, side, rng, rng.uniform(4, 9))
        z += long + gap


def _park(place: Street, side: int, start: float, end: float, floors: float, rng: random.Random) -> Iterator[Thing]:
    back = place.back(side)
    yield from _boundary(place, side, start, end, rng)
    z = start
    while z < end:
        yield _tree(side * (back + rng.uniform(1.5, 9)), z, side, rng, rng.uniform(6, 12))
        z += rng.uniform(4, 11)


def _boundary(place: Street, side: int, start: float, end: float, rng: random.Random) -> Iterator[Thing]:
    """A fence, a hedge or a wall along the back of the pavement, with gates."""
    kind = pick(rng, ("fence", "fence", "hedge", "wall"))
    high = rng.uniform(0.9, 1.9) if kind != "wall" else rng.uniform(0.7, 1.3)
    look = _seed(rng)
    z = start
    while z < end:
        long = min(rng.uniform(8, 25), end - z)
        yield Thing(
            kind, Row.EDGE, side * (place.back(side) + 0.1), z, side, look, long, 0.8 if kind == "hedge" else 0.2, high
        )
        z += long + rng.uniform(1.0, 3.5)


def _tree(x: float, z: float, side: int, rng: random.Random, high: float, row: Row = Row.REAR) -> Thing:
    return Thing("tree", row, x, z, side, _seed(rng), 0.0, high * rng.uniform(0.5, 0.75), high)


# ---- On the pavement ----------------------------------------------------------------------------------------------


def _furniture(place: Street, side: int, rng: random.Random) -> Iterator[Thing]:
    kerb = place.half + place.side(side).grass
    pavement = place.side(side).pavement
    step = rng.uniform(20, 34)
    for z in _along(rng, step, 0.8):
        yield Thing("lamp", Row.PAVEMENT, side * (kerb + 0.5), z, side, place.seed, high=5.5 + step / 10)
    for z in _along(rng, rng.uniform(9, 20), 0.75):
        kind = pick(rng, ("sign", "sign", "sign", "board", "lights"))
        yield Thing(
            kind, Row.PAVEMENT, side * (kerb + rng.uniform(0.35, 0.7)), z, side, _seed(rng), high=rng.uniform(2.3, 3.2)
        )
    if rng.random() < 0.3:
        for z in _along(rng, rng.uniform(9, 15), 0.8):
            yield _tree(side * (kerb + 0.8), z, side, rng, rng.uniform(4.5, 8), Row.PAVEMENT)
    if rng.random() < 0.3:
        start, look = rng.uniform(0, 30), _seed(rng)
        for i in range(int(rng.uniform(4, 14))):
            yield Thing("bollard", Row.PAVEMENT, side * (kerb + 0.35), start + 1.8 * i, side, look, high=0.95)
    elif rng.random() < 0.3:
        start = rng.uniform(-4, 30)
        yield Thing("railing", Row.RAIL, side * (kerb + 0.25), start, side, _seed(rng), rng.uniform(6, 18), 0.1, 1.1)
    for z in _along(rng, 24, 0.5):
        x = side * (kerb + rng.uniform(0.5, 0.9) * pavement)
        yield Thing(
            pick(rng, ("bin", "bin", "cabinet")), Row.PAVEMENT, x, z, side, _seed(rng), high=rng.uniform(0.9, 1.3)
        )


def _along(rng: random.Random, step: float, share: float) -> Iterator[float]:
    """Places about `step` metres apart, of which only a share is taken."""
    z = _START + rng.random() * step
    while z < 0.6 * FAR:
        if rng.random() < share:
            yield z
        z += step * rng.uniform(0.8, 1.2)


def _people(place: Street, side: int, rng: random.Random) -> Iterator[Thing]:
    kerb, pavement = place.half + place.side(side).grass, place.side(side).pavement
    busy = rng.random() ** 1.5 * 13
    for _ in range(int(busy)):
        x = side * (kerb + pavement * rng.uniform(0.3, 0.9))
        z = 4 + 60 * rng.random() ** 1.3
        walk = pick(rng, (-0.5, -0.4, 0.4, 0.5)) * rng.uniform(0.6, 1.4)
        yield Thing("person", Row.PAVEMENT, x, z, side, _seed(rng), high=rng.uniform(1.5, 1.9), speed=walk)
    if rng.random() < 0.1:
        z = rng.uniform(10, 35)
        yield Thing(
            "person", Row.ROAD, side * place.half, z, side, _seed(rng), high=rng.uniform(1.5, 1.9), drift=-side * 0.45
        )
    if rng.random() < 0.42:
        z = rng.uniform(7, 32)
        yield Thing(
            "cyclist", Row.ROAD, side * (place.half - rng.uniform(2.3, 3.2)), z, side, _seed(rng), high=1.75, speed=1.5
        )


def _parked(place: Street, side: int, keep: int, rng: random.Random) -> Iterator[Thing]:
    """Cars along the kerb; they stand in the direction of their side's traffic."""
    z, full = _START + rng.uniform(0, 6), rng.uniform(0.05, 0.55)
    while z < 0.45 * FAR:
        if rng.random() < full:
            kind, x = "car" if side == keep else "oncoming", side * (place.half - 1.15)
            yield Thing(kind, Row.ROAD, x, z, side, _seed(rng), *_car_size(rng))
        z += rng.uniform(5.2, 6.5)


def _car_size(rng: random.Random) -> tuple[float, float, float]:
    if rng.random() < 0.12:
        return rng.uniform(4.8, 6.0), rng.uniform(1.9, 2.1), rng.uniform(2.1, 2.7)
    return rng.uniform(3.6, 4.7), rng.uniform(1.65, 1.85), rng.uniform(1.4, 1.65)


def _traffic(place: Street, keep: int, rng: random.Random) -> Iterator[Thing]:
    z = rng.uniform(12, 60)
    lanes = (1.75,) if place.lanes == 2 else (1.75, 5.0)
    while z < 120:
        speed = -rng.uniform(1.5, 3.5)
        yield Thing("oncoming", Row.ROAD, -keep * pick(rng, lanes), z, -keep, _seed(rng), *_car_size(rng), speed)
        z += rng.uniform(12, 60)
    if rng.random() < 0.5:
        x, z, speed = place.lane + rng.uniform(-0.2, 0.2), rng.uniform(13, 36), rng.uniform(1.4, 3)
        yield Thing("car", Row.ROAD, x, z, keep, _seed(rng), *_car_size(rng), speed)
