"""What stands where in the street of a drive, in metres; see `camera` for the coordinates."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from paribus.streets.chance import Streams, pick

FAR = 170.0  # metres; what lies beyond is a backdrop
_START = -8.0


@dataclass(frozen=True)
class Thing:
    """One thing: `kind` is how it is drawn, `x` its middle or the edge that faces the road, `z` its near end.

    `side` is -1 on the left of the road and 1 on the right, `seed` fixes how it looks. `long` (along the drive), `wide`
    and `high` are its size in metres; `speed` and `drift` how far it moves along and across with every image.
    """

    kind: str
    x: float
    z: float
    side: int
    seed: int
    long: float = 0.0
    wide: float = 0.0
    high: float = 0.0
    speed: float = 0.0
    drift: float = 0.0

    def at(self, step: int) -> tuple[float, float]:
        """x and z at an image of the drive."""
        return self.x + self.drift * step, self.z + self.speed * step


@dataclass(frozen=True)
class Side:
    """One side of the road: the width of its pavement, of the grass before the pavement, and how far back it opens."""

    grass: float
    pavement: float
    setback: float


@dataclass(frozen=True)
class Street:
    """A road from -`half` to `half`, what stands beside it (`left` and `right`), and everything on it.

    `rear` stands behind `edge` (fences and hedges along the pavement), which stands behind `front`. `lane` is the middle
    of the lane driven in, `bend` the curvature as `camera` has it.
    """

    half: float
    lane: float
    lanes: int
    bend: float
    left: Side
    right: Side
    crossing: float
    rear: tuple[Thing, ...]
    edge: tuple[Thing, ...]
    front: tuple[Thing, ...]
    seed: int

    def side(self, side: int) -> Side:
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
    half = lanes / 2 * rng.uniform(3.0, 3.6) + (1.6 if parking else 0.3)
    left, right = _side(rng), _side(rng)
    bare = Street(
        half=half,
        lane=keep * (1.75 if lanes == 2 else pick(rng, (1.75, 5.0))),
        lanes=lanes,
        bend=rng.uniform(-0.0016, 0.0016) * rng.random() * 2,
        left=left,
        right=right,
        crossing=rng.uniform(6, 60) if rng.random() < 0.35 else -1.0,
        rear=(),
        edge=(),
        front=(),
        seed=_seed(rng),
    )
    rear: list[Thing] = []
    edge: list[Thing] = []
    front: list[Thing] = []
    for side in (-1, 1):
        _build(bare, side, streams[f"houses {side}"], rear, edge)
        front += _furniture(bare, side, streams[f"furniture {side}"])
        front += _people(bare, side, streams[f"people {side}"])
        if parking:
            front += _parked(bare, side, keep, streams[f"parked {side}"])
    front += _traffic(bare, keep, streams["traffic"])
    return Street(**{**bare.__dict__, "rear": tuple(rear), "edge": tuple(edge), "front": tuple(front)})


def _seed(rng: random.Random) -> int:
    return int(rng.random() * 2**40)


def _side(rng: random.Random) -> Side:
    grass = rng.uniform(0.8, 2.2) if rng.random() < 0.22 else 0.0
    return Side(grass, rng.uniform(1.5, 3.4), rng.uniform(3, 7))


# ---- Beyond the pavement ------------------------------------------------------------------------------------------


def _build(place: Street, side: int, rng: random.Random, rear: list[Thing], edge: list[Thing]) -> None:
    """Stretches of terraces, of houses with gardens, and of park, one after the other."""
    z = _START
    floors = rng.uniform(1.8, 4.2)
    style = pick(rng, ("terrace", "terrace", "terrace", "houses", "houses", "park"))
    while z < FAR:
        end = min(z + rng.uniform(25, 80), FAR)
        stretch = {"terrace": _terrace, "houses": _houses, "park": _park}[style]
        for thing in stretch(place, side, z, end, floors, rng):
            (edge if thing.kind in ("fence", "hedge", "wall") else rear).append(thing)
        z = end
        style = pick(rng, ("terrace", "terrace", "houses", "park"))


def _terrace(place: Street, side: int, start: float, end: float, floors: float, rng: random.Random) -> Iterator[Thing]:
    z = start
    while z < end - 3:
        long = min(rng.uniform(6, 15), end - z)
        high = 3.1 * max(round(floors + rng.uniform(-1.2, 1.2)), 1) + rng.uniform(0.6, 1.6)
        x = side * (place.back(side) + (rng.uniform(0.1, 0.8) if rng.random() < 0.25 else 0.0))
        yield Thing("house", x, z, side, _seed(rng), long, 11.0, high)
        z += long + (rng.uniform(2.5, 6) if rng.random() < 0.12 else 0.0)


def _houses(place: Street, side: int, start: float, end: float, floors: float, rng: random.Random) -> Iterator[Thing]:
    back = place.back(side)
    setback = place.side(side).setback
    yield from _boundary(place, side, start, end, rng)
    z = start + 1
    while z < end - 6:
        long = min(rng.uniform(7, 12), end - z)
        high = 3.0 * (2 if rng.random() < 0.75 else 1) + 0.4
        yield Thing("cottage", side * (back + setback), z, side, _seed(rng), long, 8.0, high)
        gap = rng.uniform(1.5, 6)
        if rng.random() < 0.55:
            yield _tree(side * (back + rng.uniform(1.2, setback)), z + long + gap / 2, side, rng, rng.uniform(3.5, 7.5))
        z += long + gap


def _park(place: Street, side: int, start: float, end: float, floors: float, rng: random.Random) -> Iterator[Thing]:
    back = place.back(side)
    yield from _boundary(place, side, start, end, rng)
    z = start
    while z < end:
        yield _tree(side * (back + rng.uniform(1.5, 9)), z, side, rng, rng.uniform(5, 11))
        z += rng.uniform(4, 11)


def _boundary(place: Street, side: int, start: float, end: float, rng: random.Random) -> Iterator[Thing]:
    """A fence, a hedge or a wall along the back of the pavement, with gates."""
    kind = pick(rng, ("fence", "fence", "hedge", "wall"))
    high = rng.uniform(0.9, 1.9) if kind != "wall" else rng.uniform(0.7, 1.3)
    look = _seed(rng)
    z = start
    while z < end:
        long = min(rng.uniform(8, 25), end - z)
        yield Thing(kind, side * (place.back(side) + 0.1), z, side, look, long, 0.8 if kind == "hedge" else 0.2, high)
        z += long + rng.uniform(1.0, 3.5)


def _tree(x: float, z: float, side: int, rng: random.Random, high: float) -> Thing:
    return Thing("tree", x, z, side, _seed(rng), 0.0, high * rng.uniform(0.5, 0.75), high)


# ---- On the pavement ----------------------------------------------------------------------------------------------


def _furniture(place: Street, side: int, rng: random.Random) -> Iterator[Thing]:
    kerb = place.half + place.side(side).grass
    pavement = place.side(side).pavement
    step = rng.uniform(20, 34)
    for z in _along(rng, step, 0.9):
        yield Thing("lamp", side * (kerb + 0.5), z, side, place.seed, high=5.5 + step / 10)
    for z in _along(rng, rng.uniform(9, 20), 0.75):
        kind = pick(rng, ("sign", "sign", "sign", "board", "lights"))
        yield Thing(kind, side * (kerb + rng.uniform(0.35, 0.7)), z, side, _seed(rng), high=rng.uniform(2.3, 3.2))
    if rng.random() < 0.3:
        for z in _along(rng, rng.uniform(9, 15), 0.8):
            yield _tree(side * (kerb + 0.8), z, side, rng, rng.uniform(4.5, 7.5))
    if rng.random() < 0.3:
        start, look = rng.uniform(0, 30), _seed(rng)
        for i in range(int(rng.uniform(4, 14))):
            yield Thing("bollard", side * (kerb + 0.35), start + 1.8 * i, side, look, high=0.95)
    elif rng.random() < 0.3:
        start = rng.uniform(-4, 30)
        yield Thing("railing", side * (kerb + 0.25), start, side, _seed(rng), rng.uniform(6, 18), 0.1, 1.1)
    for z in _along(rng, 24, 0.5):
        x = side * (kerb + rng.uniform(0.5, 0.9) * pavement)
        yield Thing(pick(rng, ("bin", "bin", "cabinet")), x, z, side, _seed(rng), high=rng.uniform(0.9, 1.3))


def _along(rng: random.Random, step: float, share: float) -> Iterator[float]:
    """Places about `step` metres apart, of which only a share is taken."""
    z = _START + rng.random() * step
    while z < 0.7 * FAR:
        if rng.random() < share:
            yield z
        z += step * rng.uniform(0.8, 1.2)


def _people(place: Street, side: int, rng: random.Random) -> Iterator[Thing]:
    kerb, pavement = place.half + place.side(side).grass, place.side(side).pavement
    busy = rng.random() ** 1.5 * 10
    for _ in range(int(busy)):
        x = side * (kerb + pavement * rng.uniform(0.3, 0.9))
        z = 4 + 60 * rng.random() ** 1.3
        walk = pick(rng, (-0.5, -0.4, 0.4, 0.5)) * rng.uniform(0.6, 1.4)
        yield Thing("person", x, z, side, _seed(rng), high=rng.uniform(1.5, 1.9), speed=walk)
    if rng.random() < 0.1:
        z = rng.uniform(10, 35)
        yield Thing("person", side * place.half, z, side, _seed(rng), high=rng.uniform(1.5, 1.9), drift=-side * 0.45)
    if rng.random() < 0.32:
        z = rng.uniform(7, 32)
        yield Thing("cyclist", side * (place.half - rng.uniform(1.9, 3.0)), z, side, _seed(rng), high=1.75, speed=1.5)


def _parked(place: Street, side: int, keep: int, rng: random.Random) -> Iterator[Thing]:
    """Cars along the kerb; they stand in the direction of their side's traffic."""
    z, full = _START + rng.uniform(0, 6), rng.uniform(0.05, 0.6)
    while z < 0.6 * FAR:
        if rng.random() < full:
            long, wide, high = _car_size(rng)
            away = 1.0 if side == keep else -1.0
            yield Thing(
                "car" if away > 0 else "oncoming", side * (place.half - 1.15), z, side, _seed(rng), long, wide, high
            )
        z += rng.uniform(5.2, 6.5)


def _car_size(rng: random.Random) -> tuple[float, float, float]:
    if rng.random() < 0.12:
        return rng.uniform(4.8, 6.0), rng.uniform(1.9, 2.1), rng.uniform(2.1, 2.7)
    return rng.uniform(3.6, 4.7), rng.uniform(1.65, 1.85), rng.uniform(1.4, 1.65)


def _traffic(place: Street, keep: int, rng: random.Random) -> Iterator[Thing]:
    z = rng.uniform(12, 60)
    lanes = (1.75,) if place.lanes == 2 else (1.75, 5.0)
    while z < 120:
        long, wide, high = _car_size(rng)
        speed = -rng.uniform(1.5, 3.5)
        yield Thing("oncoming", -keep * pick(rng, lanes), z, -keep, _seed(rng), long, wide, high, speed)
        z += rng.uniform(12, 60)
    if rng.random() < 0.55:
        long, wide, high = _car_size(rng)
        z = rng.uniform(9, 32)
        yield Thing(
            "car", place.lane + rng.uniform(-0.2, 0.2), z, keep, _seed(rng), long, wide, high, rng.uniform(1, 3)
        )
