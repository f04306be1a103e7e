"""IoU of each class, with how much the images say about it. Descriptions: no verdict is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from paribus import confusion
from paribus.looks import Item, read
from paribus.predictions import MaskCounts
from paribus.stats import Estimand

FEWEST_IMAGES = 8  # with fewer images of a class, an interval would not hold what it promises


@dataclass(frozen=True)
class ClassIou:
    """One class. value: its IoU (0 to 1), or a difference of IoUs; None for a class that no truth holds.

    low, high: the 95 % interval, None where the class is too rare for one. images: how many hold the class in the
    truth. n_eff: (sum U)^2 / sum U^2 over images with U the mean union of the runs: how many equally large images the
    class is worth. groups: of the images that hold the class, None where images stand alone. p, p_adjusted: of no
    difference, and adjusted over the classes (Benjamini and Hochberg 1995); None for levels. Exploratory: confirm
    what they show in a new study. estimand: what the interval covers, as in `paribus.stats`.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    images: int
    n_eff: float
    groups: int | None
    p: float | None = None
    p_adjusted: float | None = None
    estimand: Estimand | None = None


def levels(runs: Sequence[MaskCounts], groups: Sequence[str] | None = None) -> tuple[ClassIou, ...]:
    """The IoU of each class in the mean of an arm's runs. groups: (N,) as for `differences`."""
    rows = _rows([runs], [1.0], groups)
    return tuple(replace(row, p=None) for row in rows)


def differences(
    arms: Sequence[Sequence[MaskCounts]], weights: Sequence[float] = (-1.0, 1.0), groups: Sequence[str] | None = None
) -> tuple[ClassIou, ...]:
    """The contrast of each class's IoU over arms, all in one label space and on the same images.

    arms: the runs of each. weights: one an arm. groups: (N,) labels of images that belong together, or None; with
    fewer than 8 groups the intervals are for exactly these images.
    """
    rows = _rows(arms, weights, groups)
    tested = [row.p for row in rows if row.p is not None]
    adjusted = iter(false_discovery_control(tested) if tested else ())
    return tuple(row if row.p is None else replace(row, p_adjusted=float(next(adjusted))) for row in rows)


def _rows(
    arms: Sequence[Sequence[MaskCounts]], weights: Sequence[float], groups: Sequence[str] | None
) -> list[ClassIou]:
    counts = [np.stack([run.confusion for run in runs]) for runs in arms]  # (runs, N, C, C) an arm
    codes = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    return [_row(name, k, counts, weights, codes) for k, name in enumerate(arms[0][0].classes)]


def _row(
    name: str,
    index: int,
    counts: Sequence[NDArray[np.int64]],
    weights: Sequence[float],
    codes: NDArray[np.int64] | None,
) -> ClassIou:
    holds = counts[0][0][:, index, :].sum(axis=1) > 0
    images = int(holds.sum())
    held = None if codes is None else len(np.unique(codes[holds]))
    if not images:
        return ClassIou(name, None, None, None, 0, 0.0, held)
    union = np.concatenate([_union(each, index) for each in counts]).mean(axis=0)
    n_eff = float(union.sum() ** 2 / (union**2).sum())
    scores = tuple(np.stack([confusion.class_iou(run, index) for run in each]) for each in counts)
    value = float(sum(w * y.mean() for w, y in zip(weights, scores, strict=True)))
    bare = ClassIou(name, value, None, None, images, n_eff, held)
    if min(images, n_eff) < FEWEST_IMAGES:
        return bare
    found = read(Item(name, tuple(weights), scores, groups=codes), max(len(y) for y in scores))
    if found.estimand != "these_images" and held is not None and held < FEWEST_IMAGES:
        return bare
    return ClassIou(name, value, found.low, found.high, images, n_eff, held, found.p, None, found.estimand)


def _union(counts: NDArray[np.int64], index: int) -> NDArray[np.int64]:
    """(runs, N) pixels of the class in the truth, the prediction or both."""
    both = counts[:, :, index, index]
    return np.asarray(counts[:, :, index, :].sum(axis=2) + counts[:, :, :, index].sum(axis=2) - both)
