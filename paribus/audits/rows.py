"""What the two audits found, as plain rows: for a table, a figure and a finding alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paribus.stats import contrast

BINS = 20  # of the histogram of shares, from 0 to 1
WHOLE = 0.99  # of the box's area: a crop that holds as much holds the whole box

Method = Literal["grad_cam", "integrated_gradients"]
METHODS: dict[Method, str] = {"grad_cam": "Grad-CAM", "integrated_gradients": "integrated gradients"}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How `count` numbers are spread: the values below which 5, 25, 50, 75 and 95 % of them lie."""

    count: int
    low: float
    q25: float
    median: float
    q75: float
    high: float


@dataclass(frozen=True)
class Seen:
    """How much of the boxes is in sight, and how large they are.

    share: of a box's area inside the crop. whole: the share of crops that hold the whole box. histogram: crops by
    their share, `BINS` equal bins from 0 to 1. size: the side of a box as a share of the side of the crop (square
    roots of areas; above 1 where a crop lies inside of a box).
    """

    share: Spread
    whole: float
    histogram: tuple[int, ...]
    size: Spread


@dataclass(frozen=True)
class CropRow:
    """What one arm sees of the boxes.

    training: over all crops, which are `images` training images with a box times `draws`. evaluation: over the same
    images as evaluation would show them. enlarged: how many times larger an object looks to the network in training
    than at evaluation, by crop. not_followed: augmentations whose moves are not known here, such as rotations.
    """

    arm: str
    images: int
    draws: int
    training: Seen
    evaluation: Seen
    enlarged: Spread
    not_followed: tuple[str, ...] = ()


@dataclass(frozen=True)
class CropAudit:
    """The rows of all arms, or the sentence why there are none. seed: of the runs whose crops were drawn again."""

    rows: tuple[CropRow, ...]
    seed: int
    not_applicable: str | None = None


@dataclass(frozen=True)
class Estimate:
    """A mean over images and runs with its 95 % interval and the two-sided p of no difference from zero."""

    mean: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class AttributionRow:
    """Where one arm's networks look, by one method.

    share: of the positive attribution inside the box, over `runs` and `images`. per_run: its mean in each run, in the
    order of the seeds. area: the mean share of the picture that the box covers, the share of an attribution that is
    the same everywhere. randomised: the share of networks of the same kind with all weights drawn anew, on the same
    images. over_area: share - area. over_randomised: share - randomised. grid: rows and columns of the Grad-CAM map
    before it is enlarged.
    """

    arm: str
    method: Method
    runs: int
    images: int
    share: Estimate
    per_run: tuple[float, ...]
    area: float
    over_area: Estimate
    randomised: Estimate
    over_randomised: Estimate
    grid: tuple[int, int] | None = None


@dataclass(frozen=True)
class AttributionDifference:
    """share of `arm` - share of `other`, on the same images. p_adjusted: by Holm over all pairs and methods."""

    arm: str
    other: str
    method: Method
    difference: Estimate
    p_adjusted: float


@dataclass(frozen=True)
class AttributionAudit:
    """The rows of all arms and methods, or the sentence why there are none.

    split: of the images looked at, chosen by `seed` among all with a box. steps: of integrated gradients. weights:
    `last` or `best`, the epoch of each run. notes: what could not be had, in sentences.
    """

    rows: tuple[AttributionRow, ...]
    differences: tuple[AttributionDifference, ...]
    split: str
    images: tuple[str, ...]
    seed: int
    steps: int
    weights: str
    notes: tuple[str, ...] = ()
    not_applicable: str | None = None


def spread(values: ArrayLike) -> Spread:
    """The spread of (n,) finite numbers, n of 1 or more."""
    numbers = np.asarray(values, dtype=np.float64)
    low, q25, median, q75, high = (float(v) for v in np.quantile(numbers, (0.05, 0.25, 0.5, 0.75, 0.95)))
    return Spread(len(numbers), low, q25, median, q75, high)


def seen(shares: ArrayLike, sizes: ArrayLike) -> Seen:
    """From the share in sight and the relative size of the box in each crop, (n,) each."""
    inside = np.asarray(shares, dtype=np.float64)
    histogram, _ = np.histogram(inside, BINS, (0.0, 1.0))
    whole = float((inside >= WHOLE).mean())
    return Seen(spread(inside), whole, tuple(int(n) for n in histogram), spread(sizes))


def estimate(scores: Sequence[ArrayLike], weights: Sequence[float], groups: Sequence[str] | None = None) -> Estimate:
    """A contrast of arrays (runs, images) of scores as an estimate, see `paribus.stats.contrast`."""
    found = contrast(scores, weights, None if groups is None else list(groups))
    return Estimate(found.difference, found.low, found.high, found.p)
