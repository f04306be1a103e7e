"""Named, independent streams of chance, and colours."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Colour = tuple[float, float, float]  # RGB, 0 to 255
T = TypeVar("T")


@dataclass(frozen=True)
class Streams:
    """One more number drawn for the trees moves nothing in the cars.

    Layout and drawing need thousands of single numbers, which `random.Random` gives ten times as fast as numpy. Only
    `random` and `uniform` are used of it: Python promises that they stay what they are.
    """

    name: str

    def __getitem__(self, part: str) -> random.Random:
        return random.Random(int.from_bytes(self._digest(part)[:8], "little"))

    def numbers(self, part: str) -> np.random.Generator:
        """The same for whole arrays."""
        return np.random.default_rng(list(np.frombuffer(self._digest(part), "<u4", 4)))

    def _digest(self, part: str) -> bytes:
        return hashlib.sha256(f"{self.name}/{part}".encode()).digest()


def pick(rng: random.Random, choices: Sequence[T]) -> T:
    """One of the choices."""
    return choices[int(rng.random() * len(choices))]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with a share of `b`."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def times(colour: Colour, factor: float) -> Colour:
    """The colour, brighter or darker."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def varied(rng: random.Random, colour: Colour, spread: float) -> Colour:
    """A colour a little brighter or darker, and a little off."""
    bright = 1 + spread * rng.uniform(-1, 1)
    return (
        colour[0] * bright * (1 + 0.3 * spread * rng.uniform(-1, 1)),
        colour[1] * bright,
        colour[2] * bright * (1 + 0.3 * spread * rng.uniform(-1, 1)),
    )
