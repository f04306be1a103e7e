"""The head in the frame: where the points of a face are seen."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from paribus.faces.person import Person
from paribus.faces.shapes import Floats, xy

EAR = 0.08  # height of the middle of the ears; see `Head` for the unit
_HEIGHTS: Floats = -np.cos(np.linspace(0, np.pi, 65))  # -1 to 1, close together at the crown and at the chin


@dataclass(frozen=True)
class Head:
    """Where things are. The unit is half a head: the crown is at y = -1, the chin at y = 1, both at x = 0.

    `x`, `y` are the head's centre and `unit` its half height as shares of the frame's side; `tilt` and `yaw` are in
    radians, a positive yaw looks to the right of the frame; `nod` lowers the features.
    """

    x: float
    y: float
    unit: float
    tilt: float
    yaw: float
    nod: float
    width: float
    taper: float
    jaw: float

    @functools.cached_property
    def profile(self) -> Floats:
        """Half the head's width at the heights of `_HEIGHTS`."""
        low = np.maximum(_HEIGHTS, 0)
        round_ = np.sqrt(1 - np.abs(_HEIGHTS) ** np.where(_HEIGHTS > 0, self.jaw, 2.25))
        # A head is longer than wide: turned, it shows more.
        return np.asarray(self.width * (1 + 0.1 * abs(self.turn)) * round_ * (1 - self.taper * low**1.5))

    def half_width(self, y: Floats) -> Floats:
        """Half the width of the head at some heights."""
        return np.interp(y, _HEIGHTS, self.profile)

    @functools.cached_property
    def turn(self) -> float:
        """How far the head is turned to the right, from -1 to 1."""
        return math.sin(self.yaw)

    @property
    def near(self) -> int:
        """The side (-1 left, 1 right) that is turned to the viewer."""
        return -1 if self.yaw > 0 else 1

    def shift(self, y: Floats) -> Floats:
        """A turned head's chin goes with the look, the back of its skull the other way."""
        return np.asarray(self.turn * (0.06 + 0.17 * y))

    def outline(self, low: float = 1.0, grow: float = 0.0, n: int = 40) -> Floats:
        """The silhouette from `low` on the left over the crown to `low` on the right, grown outwards."""
        reach = math.acos(-min(low, 1.0))
        angle = np.linspace(-reach, reach, n)
        y = -np.cos(angle)
        x = self.shift(y) + np.sign(angle) * self.half_width(y)
        return xy(x, y) + grow * xy(np.sin(angle), -np.cos(angle))

    def surface(self, points: Floats, out: float = 0.0) -> Floats:
        """Points of the face (distances along its surface) as seen from the front; `out` lifts them off the skin."""
        y = points[:, 1] + self.nod * np.maximum(0, 1 - points[:, 1] ** 2)
        half = self.half_width(y)
        # Below the eyes the front of the face is flatter than the silhouette.
        flat = 0.35 * np.minimum(np.maximum(y, 0), 1)
        angle = np.minimum(np.maximum(points[:, 0] / self.width + self.yaw, -np.pi / 2), np.pi / 2)
        x = (flat * self.width + half * (1 - flat) + out) * np.sin(angle)
        limit = half * 0.985 + out
        return xy(self.shift(y) + np.minimum(np.maximum(x, -limit), limit), y)

    def frame(self, points: Floats, follow: float = 1.0) -> Floats:
        """Head coordinates to shares of the frame's side. A body follows the tilt by less than 1."""
        c, s = math.cos(self.tilt * follow), math.sin(self.tilt * follow)
        return np.asarray(points @ np.array([[c, s], [-s, c]]) * self.unit + (self.x, self.y))


def head_from(rng: np.random.Generator, person: Person) -> Head:
    """A pose for the person."""
    unit = float(rng.uniform(0.33, 0.425))
    room = 0.5 - unit
    return Head(
        x=0.5 + float(rng.uniform(-0.75, 0.75)) * room,
        y=0.53 + float(rng.uniform(-0.35, 0.6)) * room * 0.6,
        unit=unit,
        tilt=float(np.clip(rng.normal(0, 0.1), -0.3, 0.3)),
        yaw=float(rng.uniform(-0.48, 0.48)),
        nod=float(rng.uniform(-0.04, 0.05)),
        width=person.width,
        taper=person.taper,
        jaw=person.jaw,
    )


def box_of(head: Head, size: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the face in pixels, within the frame."""
    silhouette = head.outline()
    face = head.frame(silhouette[silhouette[:, 1] > -0.62])
    low, high = np.clip(face.min(axis=0), 0, 1) * size, np.clip(face.max(axis=0), 0, 1) * size
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
