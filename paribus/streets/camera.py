"""From metres in the street to pixels of the canvas.

World coordinates: x to the right of the middle of the road, y up from its surface, z along the drive, in metres.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from paribus.streets.layout import Street

Point = tuple[float, float, float]

SUPERSAMPLING = 3
_NEAR = 0.8  # metres; nothing nearer is seen


class Column(NamedTuple):
    """An upright line: where it crosses the canvas, and how many canvas pixels a metre of it takes."""

    x: float
    scale: float


@dataclass(frozen=True)
class Camera:
    """Where it stands (x, y, z) and looks: `middle` and `horizon` are canvas pixels, `focal` pixels for one radian.

    `bend` is the road's curvature: a thing at distance d lies bend * d ** 2 farther to the right.
    """

    x: float
    y: float
    z: float
    focal: float
    middle: float
    horizon: float
    sin: float
    cos: float
    bend: float

    @classmethod
    def mounted(
        cls, fixed: random.Random, moving: random.Random, size: tuple[int, int], place: Street, step: int
    ) -> "Camera":
        """The camera of a drive, a few metres farther with every step, and swaying a little."""
        height, width = (side * SUPERSAMPLING for side in size)
        focal = fixed.uniform(1.05, 1.45) * min(height, width / 1.1)
        horizon = fixed.uniform(0.42, 0.52) * height
        yaw = fixed.uniform(-0.06, 0.06) + moving.uniform(-0.012, 0.012)
        speed = fixed.uniform(0.8, 2.4)
        return cls(
            x=place.lane + fixed.uniform(-0.4, 0.4) + moving.uniform(-0.08, 0.08),
            y=fixed.uniform(1.25, 1.9),
            z=speed * step,
            focal=focal,
            middle=width / 2,
            horizon=horizon + moving.uniform(-0.006, 0.006) * height,
            sin=math.sin(yaw),
            cos=math.cos(yaw),
            bend=place.bend,
        )

    def pixels(self, points: Sequence[Point]) -> list[float]:
        """A polygon as x, y, x, y, …, cut where it comes too near; empty if nothing of it lies ahead."""
        seen = []
        behind = False
        for x, y, z in points:
            ahead = z - self.z
            aside = x + (self.bend * ahead * ahead if ahead > 0 else 0.0) - self.x
            depth = self.sin * aside + self.cos * ahead
            behind = behind or depth < _NEAR
            seen.append((self.cos * aside - self.sin * ahead, y - self.y, depth))
        if behind:
            seen = _cut(seen)
        flat = []
        for x, y, z in seen:
            scale = self.focal / z
            flat.append(self.middle + x * scale)
            flat.append(self.horizon - y * scale)
        return flat

    def column(self, x: float, z: float) -> Column:
        """The upright line over a place. What lies behind is moved ahead to where it is just seen."""
        ahead = max(z - self.z, _NEAR)
        aside = x + self.bend * ahead * ahead - self.x
        scale = self.focal / max(self.sin * aside + self.cos * ahead, _NEAR)
        return Column(self.middle + (self.cos * aside - self.sin * ahead) * scale, scale)

    def ahead(self, z: float) -> bool:
        """Whether a place lies before the camera."""
        return z - self.z > _NEAR


def _cut(points: list[Point]) -> list[Point]:
    """The part of a polygon in camera coordinates that lies beyond the near plane (Sutherland and Hodgman)."""
    kept: list[Point] = []
    for (ax, ay, az), (bx, by, bz) in zip([points[-1], *points[:-1]], points, strict=True):
        if (az < _NEAR) != (bz < _NEAR):
            t = (_NEAR - az) / (bz - az)
            kept.append((ax + t * (bx - ax), ay + t * (by - ay), _NEAR))
        if bz >= _NEAR:
            kept.append((bx, by, bz))
    return kept
