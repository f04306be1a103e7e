"""The crossed (runs x images) inference: one engine for every metric.

A metric is turned into per-image scores whose mean over images is the metric of a run. Runs and images are then both
samples, as readers and cases are in the multi-reader multi-case design of diagnostic imaging (Dorfman, Berbaum and
Metz 1992; Obuchowski and Rockette 1995). The variance of a contrast is A + B - C: A from the runs, B from the images,
C the part that is contained in both. Degrees of freedom: Satterthwaite (1946).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats as distributions

Floats = NDArray[np.float64]
Estimand = Literal["new_images", "these_images", "these_networks"]

FEWEST_GROUPS = 8  # fewer groups of images than this cannot speak for new images
BORROW_FROM = 3  # an arm with one run may borrow a run variance from arms with at least this many


@dataclass(frozen=True)
class Crossed:
    """A contrast of arms with its uncertainty, in the unit of the scores.

    difference: sum of weight x mean score. se, df: of the t interval. low, high: the interval at `level`.
    p: two-sided, of no difference. A, B, C: variance from runs, from images, and the part counted in both; the
    variance used is max(A + B - C, A, B). estimand: `new_images` (new runs and new images), `these_images` (new runs,
    exactly these images) or `these_networks` (exactly these runs, new images).
    equal_run_variance: an arm had one run and was assumed to vary as the others do.
    """

    difference: float
    se: float
    df: float
    low: float
    high: float
    p: float
    A: float
    B: float
    C: float
    level: float = 0.95
    estimand: Estimand = "new_images"
    equal_run_variance: bool = False

    @property
    def identical(self) -> bool:
        """No difference anywhere and no variance: the arms gave the same scores, and there is nothing to test."""
        return self.se == 0 and self.difference == 0

    @property
    def share_runs(self) -> float:
        """The part of the uncertainty that comes from the few runs, A / (A + B); 0 where there is none at all."""
        return self.A / (self.A + self.B) if self.A + self.B > 0 else 0.0

    @property
    def share_images(self) -> float:
        """The part of the uncertainty that comes from the few images, B / (A + B); 0 where there is none at all."""
        return self.B / (self.A + self.B) if self.A + self.B > 0 else 0.0

    def interval(self, level: float) -> tuple[float, float]:
        """The two-sided t interval at another level, for instance 0.90 for two one-sided tests."""
        half = float(distributions.t.ppf(0.5 + level / 2, self.df)) * self.se if self.se > 0 else 0.0
        return self.difference - half, self.difference + half


@dataclass(frozen=True)
class ArmParts:
    """What one arm adds to the variance of a contrast.

    run_variance: of the run means. overlap: the run x image variance of one run's mean; nan where there is one run.
    """

    weight: float
    runs: int
    mean: float
    run_variance: float
    overlap: float


@dataclass(frozen=True)
class Parts:
    """The variance parts of a contrast, before they are put together.

    images: variance from the images (B). groups: how many independent units the images are. floor: variances below
    it are rounding, not spread.
    """

    arms: tuple[ArmParts, ...]
    images: float
    groups: int
    count: int
    floor: float


def contrast(
    scores: Sequence[ArrayLike],
    weights: Sequence[float] | None = None,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Crossed:
    """The contrast of arms for new runs and new images, with the same training set.

    scores: one array (runs, images) an arm; the numbers of runs may differ, the images may not.
    weights: one an arm; (-1, +1) for two arms. A single arm with weight 1 gives the interval of its level.
    groups: (images,) labels of images that belong together (frames of a video, slices of a patient), or None.

    With one run in every arm only the images vary: the answer is about `these_networks`. Where some arms have one
    run and others at least three, equal run variances are assumed (`equal_run_variance`).
    Raises ValueError that lists everything wrong with the input.
    """
    arrays, weighted, labels = _checked(scores, weights, groups, level)
    parts = _parts(arrays, weighted, labels)
    df_images = parts.groups - 1
    difference = sum(arm.weight * arm.mean for arm in parts.arms)
    a, c, assumed = _terms(parts)
    runs, overlap = sum(v for v, _ in a), sum(v for v, _ in c)
    variance = max(runs + parts.images - overlap, runs, parts.images)
    if variance <= parts.floor:
        return _flat(difference, df_images, level, "new_images" if a else "these_networks", parts.floor)
    df = df_images if runs <= parts.floor else _df(a, parts.images, df_images, c, variance)
    estimand: Estimand = "new_images" if a else "these_networks"
    return _result(difference, variance, df, level, (runs, parts.images, overlap), estimand, assumed)


def these_images(scores: Sequence[ArrayLike], weights: Sequence[float] | None = None, level: float = 0.95) -> Crossed:
    """The contrast for new runs on exactly these images: Welch's t (1947) over the run means.

    Needs two runs in some arm. Raises ValueError as `contrast` does.
    """
    arrays, weighted, _ = _checked(scores, weights, None, level)
    parts = _parts(arrays, weighted, None)
    difference = sum(arm.weight * arm.mean for arm in parts.arms)
    a, _, assumed = _terms(parts)
    if not a:
        raise ValueError("One run in every arm: the spread of runs is unknown. Give at least two runs an arm.")
    runs = sum(v for v, _ in a)
    if runs <= parts.floor:
        return _flat(difference, sum(df for _, df in a), level, "these_images", parts.floor)
    df = runs**2 / sum(v**2 / df for v, df in a)
    return _result(difference, runs, df, level, (runs, 0.0, 0.0), "these_images", assumed)


def variance_parts(
    scores: Sequence[ArrayLike], weights: Sequence[float] | None = None, groups: ArrayLike | None = None
) -> Parts:
    """The parts from which `contrast` and the planner are made; arguments and errors as for `contrast`."""
    arrays, weighted, labels = _checked(scores, weights, groups, 0.95)
    return _parts(arrays, weighted, labels)


def with_borrowed_variance(arms: Sequence[ArmParts]) -> tuple[ArmParts, ...]:
    """Arms with one run given the pooled variances of the arms with at least three; nothing changes otherwise."""
    lenders = [arm for arm in arms if arm.runs >= BORROW_FROM]
    if not lenders or all(arm.runs > 1 for arm in arms):
        return tuple(arms)
    df = sum(arm.runs - 1 for arm in lenders)
    run_variance = sum(arm.run_variance * (arm.runs - 1) for arm in lenders) / df
    overlap = sum(arm.overlap * (arm.runs - 1) for arm in lenders) / df
    return tuple(ArmParts(arm.weight, arm.runs, arm.mean, run_variance, overlap) for arm in arms)


def equivalence_p(difference: float, se: float, df: float, margin: float) -> float:
    """The larger p of two one-sided t tests against -margin and +margin (TOST, Schuirmann 1987)."""
    if se == 0:
        return 0.0 if abs(difference) < margin else 1.0
    below = distributions.t.sf((difference + margin) / se, df)
    above = distributions.t.cdf((difference - margin) / se, df)
    return float(max(below, above))


def holm(p: ArrayLike) -> Floats:
    """(m,) p-values adjusted by Holm's step-down method (1979), in the order given."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p of McNemar's test (1947): images only the new, and only the old network got right."""
    if gained + lost == 0:
        return 1.0
    return min(1.0, 2 * float(distributions.binom.cdf(min(gained, lost), gained + lost, 0.5)))


def tipping_point(difference: float, images_variance: float, squared_weights: float = 2.0) -> float:
    """How far runs may vary (SD of a run's metric) before a difference of single runs drowns in the noise.

    0 means that it is inside the noise of the images already. squared_weights: the sum of squared weights.
    """
    return float(np.sqrt(max(0.0, (difference / 1.96) ** 2 - images_variance) / squared_weights))


def look_alphas(looks: int, total: float = 0.05) -> tuple[float, ...]:
    """The level spent at each of a number of pre-declared looks; they sum to `total`.

    Proportional to 2, 3, 5, 8, 13 … (each the sum of the two before): three looks have 0.010, 0.015 and 0.025, one
    look has all of it. The sum bounds the error over all looks under any dependence (Bonferroni's inequality).
    """
    if looks < 1:
        raise ValueError(f"looks is {looks}; at least one look is needed.")
    shares = [2, 3]
    while len(shares) < looks:
        shares.append(shares[-1] + shares[-2])
    shares = shares[:looks]
    return tuple(total * share / sum(shares) for share in shares)


def _terms(parts: Parts) -> tuple[list[tuple[float, float]], list[tuple[float, float]], bool]:
    """(variance, df) of each arm's runs and overlap; nothing where the run variance cannot be known."""
    df_images = parts.groups - 1
    if all(arm.runs > 1 for arm in parts.arms):
        a = [(arm.weight**2 * arm.run_variance / arm.runs, float(arm.runs - 1)) for arm in parts.arms]
        c = [(arm.weight**2 * arm.overlap / arm.runs, float((arm.runs - 1) * df_images)) for arm in parts.arms]
        return a, c, False
    lent = with_borrowed_variance(parts.arms)
    if any(np.isnan(arm.run_variance) for arm in lent):
        return [], [], False
    df = float(sum(arm.runs - 1 for arm in parts.arms if arm.runs >= BORROW_FROM))
    run_variance = sum(arm.weight**2 * arm.run_variance / arm.runs for arm in lent)
    overlap = sum(arm.weight**2 * arm.overlap / arm.runs for arm in lent)
    return [(run_variance, df)], [(overlap, df * df_images)], True


def _df(a: list[tuple[float, float]], b: float, df_b: float, c: list[tuple[float, float]], variance: float) -> float:
    """Satterthwaite's degrees of freedom, never below those of the runs or of the images, whichever are fewer."""
    squares_a = sum(v**2 / df for v, df in a)
    crossed = variance**2 / (squares_a + b**2 / df_b + sum(v**2 / df for v, df in c))
    runs_alone = sum(v for v, _ in a) ** 2 / squares_a
    return max(crossed, min(runs_alone, df_b))


def _result(
    difference: float,
    variance: float,
    df: float,
    level: float,
    parts: tuple[float, float, float],
    estimand: Estimand,
    assumed: bool,
) -> Crossed:
    se = float(np.sqrt(variance))
    half = float(distributions.t.ppf(0.5 + level / 2, df)) * se
    p = float(2 * distributions.t.sf(abs(difference) / se, df))
    low, high = difference - half, difference + half
    return Crossed(difference, se, df, low, high, p, *parts, level, estimand, assumed)


def _flat(difference: float, df: float, level: float, estimand: Estimand, floor: float) -> Crossed:
    """No spread anywhere: the same scores (p = 1), or every image and run moved by the same amount (p = 0)."""
    moved = difference**2 > floor
    d = difference if moved else 0.0
    return Crossed(d, 0.0, df, d, d, 0.0 if moved else 1.0, 0.0, 0.0, 0.0, level, estimand)


def _parts(arrays: list[Floats], weights: list[float], labels: NDArray[np.intp] | None) -> Parts:
    count = arrays[0].shape[1]
    groups = count if labels is None else int(labels.max()) + 1
    averages = [y.mean(axis=0) for y in arrays]
    e = sum((w * mean for w, mean in zip(weights, averages, strict=True)), np.zeros(count))
    unit = groups / (groups - 1) / count**2
    images = unit * float((_group_sums(e - e.mean(), labels, groups) ** 2).sum())
    arms = tuple(_arm(y, w, mean, labels, groups, unit) for y, w, mean in zip(arrays, weights, averages, strict=True))
    scale = max(float(np.abs(y).max()) for y in arrays) * max(abs(w) for w in weights)
    return Parts(arms, images, groups, count, (1e-12 * scale) ** 2)


def _arm(
    y: Floats, weight: float, average: Floats, labels: NDArray[np.intp] | None, groups: int, unit: float
) -> ArmParts:
    runs, grand = len(y), float(average.mean())
    if runs == 1:
        return ArmParts(weight, 1, grand, np.nan, np.nan)
    means = y.mean(axis=1)
    rest = y - means[:, None] - average + grand
    overlap = unit * float((_group_sums(rest, labels, groups) ** 2).sum()) / (runs - 1)
    return ArmParts(weight, runs, grand, float(means.var(ddof=1)), overlap)


def _group_sums(values: Floats, labels: NDArray[np.intp] | None, groups: int) -> Floats:
    """Sums over the images of each group along the last axis; the values themselves where nothing is grouped."""
    if labels is None:
        return values
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(groups))
    return np.add.reduceat(values[..., order], starts, axis=-1)


def _checked(
    scores: Sequence[ArrayLike], weights: Sequence[float] | None, groups: ArrayLike | None, level: float
) -> tuple[list[Floats], list[float], NDArray[np.intp] | None]:
    arrays = [np.asarray(y, dtype=np.float64) for y in scores]
    chosen = list(weights) if weights is not None else [-1.0, 1.0]
    labels = None if groups is None else np.asarray(groups)
    wrong = _wrong_scores(arrays) + _wrong_weights(chosen, len(arrays), weights is None)
    if not 0 < level < 1:
        wrong.append(f"level is {level}; expected a number between 0 and 1, such as 0.95.")
    if not wrong and labels is not None:
        wrong += _wrong_groups(labels, arrays[0].shape[1])
    if wrong:
        raise ValueError(" ".join(wrong))
    kept = [(y, float(w)) for y, w in zip(arrays, chosen, strict=True) if w != 0]
    codes = None if labels is None else np.unique(labels, return_inverse=True)[1].reshape(-1)
    return [y for y, _ in kept], [w for _, w in kept], codes


def _wrong_scores(arrays: list[Floats]) -> list[str]:
    if not arrays:
        return ["No scores were given; expected one array (runs, images) an arm."]
    shapes = [y.shape for y in arrays]
    wrong = [f"Arm {i} has shape {s}; expected (runs, images)." for i, s in enumerate(shapes) if len(s) != 2]
    if wrong:
        return wrong
    wrong = [f"Arm {i} has no runs." for i, s in enumerate(shapes) if s[0] == 0]
    if len({s[1] for s in shapes}) > 1:
        wrong.append(f"The arms have {[s[1] for s in shapes]} images; they must be scored on the same images.")
    elif shapes[0][1] < 2:
        wrong.append(f"There are {shapes[0][1]} images; at least two are needed.")
    wrong += [f"Arm {i} holds scores that are not finite." for i, y in enumerate(arrays) if not np.isfinite(y).all()]
    return wrong


def _wrong_weights(weights: list[float], arms: int, defaulted: bool) -> list[str]:
    if len(weights) != arms:
        hint = " Give one weight an arm, for instance (-1, 1)." if defaulted else ""
        return [f"There are {arms} arms and {len(weights)} weights.{hint}"]
    if not all(np.isfinite(w) for w in weights) or all(w == 0 for w in weights):
        return [f"The weights are {weights}; expected finite numbers, not all zero."]
    return []


def _wrong_groups(labels: NDArray[Any], images: int) -> list[str]:
    if labels.shape != (images,):
        return [f"groups has shape {labels.shape}; expected ({images},), one label an image."]
    if len(np.unique(labels)) < 2:
        return ["All images are in one group; at least two groups are needed."]
    return []
