"""The built-in schedules: `(steps, steps_per_epoch, *, choices) -> (step -> factor)`.

The factor multiplies every learning rate; `step` counts from 0. A schedule is a pure function of the step, so that
nothing of it has to be stored to resume a run.
"""

import math
from collections.abc import Callable
from typing import Annotated

from paribus.parts import NotNegative, Positive, Range, Share

Schedule = Callable[[int], float]


def constant(steps: int, steps_per_epoch: int) -> Schedule:
    """The learning rate as given, throughout."""
    return lambda step: 1.0


def step(
    steps: int, steps_per_epoch: int, *, every: Annotated[int, Range(1)] = 7, gamma: NotNegative = 0.1
) -> Schedule:
    """Times `gamma` after every `every` epochs, as torch's StepLR (7 and 0.1 are its tutorial's)."""
    return lambda number: float(gamma ** (number // steps_per_epoch // every))


def cosine(steps: int, steps_per_epoch: int, *, final: Share = 0.0) -> Schedule:
    """Half a cosine from 1 to `final` over the whole training (Loshchilov and Hutter 2017, arXiv 1608.03983)."""
    return lambda number: _cosine(1.0, final, number / max(1, steps - 1))


def polynomial(steps: int, steps_per_epoch: int, *, power: Positive = 0.9) -> Schedule:
    """(1 - share of the training that is over) ** power, as torch's PolynomialLR.

    The `poly` policy of segmentation, whose power is 0.9 (Liu et al. 2015, arXiv 1506.04579).
    """
    return lambda number: float((1 - min(1.0, number / steps)) ** power)


def one_cycle(
    steps: int, steps_per_epoch: int, *, warm_up: Share = 0.3, initial: Share = 0.04, final: Share = 4e-6
) -> Schedule:
    """Up from `initial` to 1 during the share `warm_up` of all steps, then down to `final`, both along a cosine.

    Smith and Topin 2018 (arXiv 1708.07120); the same values as torch's OneCycleLR with its defaults (div_factor 25,
    final_div_factor 1e4) and cycle_momentum=False.
    """
    peak = warm_up * steps - 1

    def factor(number: int) -> float:
        if number <= peak:
            return _cosine(initial, 1.0, number / peak) if peak > 0 else 1.0
        return _cosine(1.0, final, (number - peak) / max(1.0, steps - 1 - peak))

    return factor


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * min(1.0, share)))
