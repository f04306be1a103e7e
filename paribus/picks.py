"""All ways to pick one run an arm, and the differences that they would have shown."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST = 100_000  # above so many ways a sample of this size is counted, the same one every time

Floats = NDArray[np.float64]


def ways(values: Sequence[Floats]) -> int:
    """How many ways there are to pick one value of each array."""
    return math.prod(len(each) for each in values)


def differences(values: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """(P,) the weighted sums of one value an arm: of every way to pick, or of MOST ways drawn with a fixed seed.

    values: one array an arm, one value a run. weights: one number an arm.
    """
    weighted = [w * np.asarray(each, dtype=np.float64) for w, each in zip(weights, values, strict=True)]
    if ways(weighted) > MOST:
        generator = np.random.default_rng(0)
        drawn = [each[generator.integers(len(each), size=MOST)] for each in weighted]
        return np.asarray(np.sum(drawn, axis=0), dtype=np.float64)
    sums = np.zeros(1)
    for each in weighted:
        sums = np.add.outer(sums, each).ravel()
    return sums
