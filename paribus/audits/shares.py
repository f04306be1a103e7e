"""Shares of attribution inside boxes: from maps to a number an image, and from those to rows over images and runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from paribus.audits.rows import METHODS, AttributionDifference, AttributionRow, Estimate, Method, estimate
from paribus.stats import holm
from paribus.windows import Box, Size

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Looked:
    """Where the runs of an arm look, by one method.

    trained: (runs, images) the share of the attribution inside the box. randomised: (networks, images) the same of
    networks with weights drawn anew. areas: (images,) the share of the picture that the box covers. grid: see
    AttributionRow. groups: of the images, or None.
    """

    trained: Floats
    randomised: Floats
    areas: Floats
    grid: tuple[int, int] | None = None
    groups: tuple[str, ...] | None = None


def inside(box: Box, size: Size) -> Floats:
    """(height, width) how much of each pixel lies inside the box, from 0 to 1."""
    across, down = (_covered(box[i], box[i + 2], size[1 - i]) for i in (0, 1))
    return np.outer(down, across)


def _covered(low: float, high: float, count: int) -> Floats:
    starts = np.arange(count, dtype=np.float64)
    return np.clip(np.minimum(starts + 1, high) - np.maximum(starts, low), 0.0, 1.0)


def areas(boxes: Sequence[Box], size: Size) -> Floats:
    """(N,) the share of a picture of this size that each box covers."""
    return np.array([inside(box, size).mean() for box in boxes])


def shares(maps: Floats, boxes: Sequence[Box]) -> Floats:
    """(N,) the share of each map, (N, H, W) of 0 and more, that lies inside its box.

    A map of zeros says nothing about a place: it has the share that the box has of the picture.
    """
    masks = np.stack([inside(box, (maps.shape[1], maps.shape[2])) for box in boxes])
    total, held = maps.sum(axis=(1, 2)), (maps * masks).sum(axis=(1, 2))
    return np.where(total > 0, held / np.where(total > 0, total, 1.0), masks.mean(axis=(1, 2)))


def row(arm: str, method: Method, looked: Looked) -> AttributionRow:
    """What the shares of an arm say, with intervals over images and runs."""
    runs, images = looked.trained.shape
    return AttributionRow(
        arm=arm,
        method=method,
        runs=runs,
        images=images,
        share=_estimate([looked.trained], (1.0,), looked),
        per_run=tuple(float(mean) for mean in looked.trained.mean(axis=1)),
        area=float(looked.areas.mean()),
        over_area=_estimate([looked.trained - looked.areas], (1.0,), looked),
        randomised=_estimate([looked.randomised], (1.0,), looked),
        over_randomised=_estimate([looked.randomised, looked.trained], (-1.0, 1.0), looked),
        grid=looked.grid,
    )


def differences(looked: Mapping[str, Mapping[Method, Looked]]) -> tuple[AttributionDifference, ...]:
    """Every pair of arms, the later less the earlier one, by every method; p adjusted by Holm over all of them."""
    pairs = [
        (method, arm, other)
        for method in METHODS
        for other, arm in combinations([arm for arm, by_method in looked.items() if method in by_method], 2)
    ]
    found = [_difference(looked[other][method], looked[arm][method]) for method, arm, other in pairs]
    adjusted = holm([each.p for each in found])
    return tuple(
        AttributionDifference(arm, other, method, each, float(p))
        for (method, arm, other), each, p in zip(pairs, found, adjusted, strict=True)
    )


def _difference(first: Looked, second: Looked) -> Estimate:
    return _estimate([first.trained, second.trained], (-1.0, 1.0), first)


def _estimate(scores: Sequence[Floats], weights: Sequence[float], looked: Looked) -> Estimate:
    several = looked.groups is not None and len(set(looked.groups)) > 1
    return estimate(scores, weights, looked.groups if several else None)
