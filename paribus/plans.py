"""Power, the smallest detectable effect, and how many more runs or images would settle a question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as distributions
from scipy.optimize import brentq
from scipy.special import stdtrit

from paribus.stats import variance_parts, with_borrowed_variance

POWER = 0.8
FUTILE = 0.10
IMAGE_STEP = 50
MOST_SEEDS = 1000
MOST_IMAGES = 1_000_000

# SD over runs of a network's true accuracy, as measured on small image classifiers trained from different seeds.
RUN_SD = {"quiet": 0.002, "typical": 0.007, "noisy": 0.020}
# Share of images on which two runs of one recipe, and two runs of two recipes, disagree at an accuracy of 0.88.
DISAGREE_WITHIN, DISAGREE_BETWEEN, DISAGREE_AT = 0.105, 0.122, 0.88


@dataclass(frozen=True)
class Components:
    """Variances of a contrast, summed over its arms with squared weights.

    runs: of a run's true mean. images: of an image's true difference. overlap: of run x image.
    arms: how many arms have a weight. images_per_group: 1 where images are independent.
    """

    runs: float
    images: float
    overlap: float
    arms: int = 2
    images_per_group: float = 1.0


@dataclass(frozen=True)
class Plan:
    """What would show a true effect of `target` with 80 % power.

    seeds: runs an arm with the present images; images: images with the present runs; None where no number will do.
    seeds_cautious: the same with a run variance that the true one exceeds in one case in five.
    floor_images: the smallest effect the present images can show with any number of runs;
    floor_seeds: the smallest the present runs can show with any number of images.
    """

    target: float
    seeds: int | None
    seeds_cautious: int | None
    images: int | None
    floor_images: float
    floor_seeds: float


@dataclass(frozen=True)
class DesignRow:
    """What a design can detect if the seeds are `regime`; in score units (0.01 is one point)."""

    regime: str
    run_sd: float
    mde: float
    floor_images: float
    floor_seeds: float
    verdict_possible: bool


def components(
    scores: Sequence[ArrayLike],
    weights: Sequence[float] | None = None,
    groups: ArrayLike | None = None,
    images_fixed: bool = False,
) -> Components:
    """Variance components from data; each is at least 0. Arguments as for `paribus.stats.contrast`.

    images_fixed: the question is about exactly these images, so that only the runs vary.
    Raises ValueError where run variances are unknown (one run in some arm and fewer than three in the others).
    """
    parts = variance_parts(scores, weights, groups)
    arms = with_borrowed_variance(parts.arms)
    if any(np.isnan(arm.run_variance) for arm in arms):
        raise ValueError("An arm has one run: how much runs vary is unknown. Give at least two runs in every arm.")
    if images_fixed:
        return Components(sum(a.weight**2 * a.run_variance for a in arms), 0.0, 0.0, len(arms))
    return Components(
        runs=sum(a.weight**2 * max(a.run_variance - a.overlap, 0.0) for a in arms),
        images=max(parts.images - sum(a.weight**2 * a.overlap / a.runs for a in arms), 0.0) * parts.count,
        overlap=sum(a.weight**2 * a.overlap for a in arms) * parts.count,
        arms=len(arms),
        images_per_group=parts.count / parts.groups,
    )


def expected_components(run_sd: float, accuracy: float = 0.88, weights: Sequence[float] = (-1, 1)) -> Components:
    """Components of an accuracy contrast before any training.

    Let p_i be the chance over runs that image i is classified correctly. Two runs of one recipe disagree on a share
    2 E[p(1-p)] of the images, so that the run x image variance is half of it; two recipes of equal accuracy disagree
    on E[p(1-q) + q(1-p)], which exceeds it by Var(p - q), the image variance of two arms. Both shares (10.5 % and
    12.2 % at an accuracy of 0.88) are scaled with accuracy x (1 - accuracy). run_sd: SD of a run's true accuracy.
    """
    if not 0 < accuracy < 1:
        raise ValueError(f"accuracy is {accuracy}; expected a number between 0 and 1, such as 0.88.")
    squared = sum(w**2 for w in weights)
    scale = accuracy * (1 - accuracy) / (DISAGREE_AT * (1 - DISAGREE_AT))
    overlap = squared * scale * DISAGREE_WITHIN / 2
    images = squared * scale * (DISAGREE_BETWEEN - DISAGREE_WITHIN) / 2
    return Components(squared * run_sd**2, images, overlap, sum(w != 0 for w in weights))


def design_power(
    seeds: int, images: int, accuracy: float = 0.88, weights: Sequence[float] = (-1, 1), alpha: float = 0.05
) -> tuple[DesignRow, ...]:
    """What `seeds` runs an arm on `images` images can detect, for quiet, typical and noisy seeds.

    One seed an arm cannot carry a verdict: its row is what a known run SD would allow (`verdict_possible` is False).
    """
    if seeds < 1 or images < 2:
        raise ValueError(f"A design needs at least 1 seed and 2 images; got {seeds} and {images}.")
    return tuple(_design_row(name, sd, seeds, images, accuracy, weights, alpha) for name, sd in RUN_SD.items())


def power(delta: float, parts: Components, seeds: float, images: float, alpha: float = 0.05) -> float:
    """The chance that a true difference of `delta` is found, with `seeds` runs an arm and `images` images."""
    variance, df = _variance(parts, seeds, images)
    if variance == 0:
        return 1.0 if delta else alpha
    return _power(abs(delta) / np.sqrt(variance), df, alpha)


def mde(parts: Components, seeds: float, images: float, alpha: float = 0.05, wanted: float = POWER) -> float:
    """The smallest true difference that is found with the wanted power."""
    variance, df = _variance(parts, seeds, images)
    if variance == 0:
        return 0.0
    high = 4.0
    while _power(high, df, alpha) < wanted:
        high *= 2
    return float(brentq(lambda nc: _power(nc, df, alpha) - wanted, 0.0, high, xtol=1e-9)) * float(np.sqrt(variance))


def seeds_needed(
    parts: Components, delta: float, images: float, alpha: float = 0.05, wanted: float = POWER
) -> int | None:
    """The fewest runs an arm (at least 2) that find `delta` on `images` images; None where no number will do."""
    if floor_of_images(parts, images, alpha, wanted) >= abs(delta):
        return None
    return _fewest(lambda s: power(delta, parts, s, images, alpha) >= wanted, 2, MOST_SEEDS)


def images_needed(
    parts: Components, delta: float, seeds: float, alpha: float = 0.05, wanted: float = POWER
) -> int | None:
    """The fewest images, in steps of 50, that find `delta` with `seeds` runs an arm; None where no number will do."""
    if floor_of_seeds(parts, seeds, alpha, wanted) >= abs(delta):
        return None
    least = max(1, int(np.ceil(2 * parts.images_per_group / IMAGE_STEP)))
    enough = _fewest(
        lambda k: power(delta, parts, seeds, k * IMAGE_STEP, alpha) >= wanted, least, MOST_IMAGES // IMAGE_STEP
    )
    return None if enough is None else enough * IMAGE_STEP


def floor_of_images(parts: Components, images: float, alpha: float = 0.05, wanted: float = POWER) -> float:
    """The smallest difference that any number of runs can find on `images` images."""
    return _normal_sum(alpha, wanted) * float(np.sqrt(parts.images / images))


def floor_of_seeds(parts: Components, seeds: float, alpha: float = 0.05, wanted: float = POWER) -> float:
    """The smallest difference that `seeds` runs an arm can find on any number of images (a normal approximation)."""
    return _normal_sum(alpha, wanted) * float(np.sqrt(parts.runs / seeds))


def cautious(parts: Components, df_runs: float) -> Components:
    """The components with a run variance that, with chance 0.8, is not too small; df_runs: sum of (runs - 1)."""
    return replace(parts, runs=parts.runs * df_runs / float(distributions.chi2.ppf(0.2, df_runs)))


def plan(parts: Components, target: float, seeds: float, images: int, df_runs: float, alpha: float = 0.05) -> Plan:
    """What it would take to find a true difference of `target`."""
    return Plan(
        target=abs(target),
        seeds=seeds_needed(parts, target, images, alpha),
        seeds_cautious=seeds_needed(cautious(parts, df_runs), target, images, alpha),
        images=images_needed(parts, target, seeds, alpha),
        floor_images=floor_of_images(parts, images, alpha),
        floor_seeds=floor_of_seeds(parts, seeds, alpha),
    )


def futile(parts: Components, margin: float, last_seeds: int, images: int, alpha: float) -> bool:
    """Whether even the last look would find a true difference of `margin` in fewer than one study in ten."""
    return power(margin, parts, last_seeds, images, alpha) < FUTILE


def _design_row(
    name: str, sd: float, seeds: int, images: int, accuracy: float, weights: Sequence[float], alpha: float
) -> DesignRow:
    parts = expected_components(sd, accuracy, weights)
    floors = floor_of_images(parts, images, alpha), floor_of_seeds(parts, seeds, alpha)
    return DesignRow(name, sd, mde(parts, seeds, images, alpha), *floors, verdict_possible=seeds > 1)


def _variance(parts: Components, seeds: float, images: float) -> tuple[float, float]:
    """Variance and degrees of freedom of the contrast with another number of runs and images."""
    overlap = parts.overlap / (seeds * images)
    a, b = parts.runs / seeds + overlap, parts.images / images + overlap
    variance = a + b - overlap
    df_images = max(images / parts.images_per_group - 1, 1.0)
    if seeds <= 1:  # the run variance is taken as known: one run cannot estimate it
        return variance, df_images
    df_runs = parts.arms * (seeds - 1)
    spread = a**2 / df_runs + b**2 / df_images + overlap**2 / (df_runs * df_images)
    return variance, variance**2 / spread if spread > 0 else df_images


def _power(noncentrality: float, df: float, alpha: float) -> float:
    t = stdtrit(df, 1 - alpha / 2)
    above, below = distributions.nct.sf(t, df, noncentrality), distributions.nct.cdf(-t, df, noncentrality)
    return float(np.nan_to_num(above, nan=1.0) + np.nan_to_num(below))


def _normal_sum(alpha: float, wanted: float) -> float:
    return float(distributions.norm.ppf(1 - alpha / 2) + distributions.norm.ppf(wanted))


def _fewest(enough: Callable[[int], bool], least: int, most: int) -> int | None:
    """The smallest number from `least` to `most` that is enough (more is never worse), or None."""
    low, high = least - 1, least
    while not enough(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
