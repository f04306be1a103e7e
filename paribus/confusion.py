"""Arithmetic on per-image confusion matrices of segmentations: (N, C, C) pixel counts, rows truth, columns prediction.

Pixels without a label are not counted. A class that occurs in no truth of the whole set is left out of means.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paribus.metrics import linearised

Floats = NDArray[np.float64]


def iou(confusion: ArrayLike) -> Floats:
    """(C,) intersection over union of the whole set; nan for a class in neither truth nor prediction (0 / 0)."""
    intersection, union, _ = _overlap(confusion)
    total = union.sum(axis=0)
    ratio = np.full(len(total), np.nan)
    np.divide(intersection.sum(axis=0), total, out=ratio, where=total > 0)
    return ratio


def mean_iou(confusion: ArrayLike) -> Floats:
    """(N,) linearised scores whose mean is the mean IoU of the whole set, over the classes that occur in the truth."""
    intersection, union, present = _overlap(confusion)
    return linearised(intersection, union, present)


def class_iou(confusion: ArrayLike, index: int) -> Floats:
    """(N,) linearised scores whose mean is the IoU of one class. Raises DataError if the class occurs nowhere."""
    intersection, union, _ = _overlap(confusion)
    return linearised(intersection[:, [index]], union[:, [index]])


def pixel_accuracy(confusion: ArrayLike) -> Floats:
    """(N,) linearised scores whose mean is the share of labelled pixels that are right."""
    counts = np.asarray(confusion, dtype=np.float64)
    right = np.trace(counts, axis1=1, axis2=2)
    return linearised(right[:, None], counts.sum(axis=(1, 2))[:, None])


def mean_image_iou(confusion: ArrayLike) -> Floats:
    """(N,) each image's own mean IoU over the classes in its truth or prediction: another quantity than `mean_iou`.

    An image without a labelled pixel has none and is nan.
    """
    intersection, union, _ = _overlap(confusion)
    ratio = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    classes = (union > 0).sum(axis=1)
    means = np.full(len(union), np.nan)
    np.divide(ratio.sum(axis=1), classes, out=means, where=classes > 0)
    return means


def collapsed(confusion: ArrayLike, mapping: Sequence[int]) -> Floats:
    """(N, K, K) after merging classes, M' C M: argmax first, then merge. mapping: (C,) the new index of each class."""
    counts = np.asarray(confusion, dtype=np.float64)
    merge = np.eye(max(mapping) + 1)[np.asarray(mapping)]
    return np.asarray(merge.T @ counts @ merge, dtype=np.float64)


def _overlap(confusion: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """(N, C) intersections, (N, C) unions and (C,) which classes occur in the truth."""
    counts = np.asarray(confusion, dtype=np.float64)
    if counts.ndim != 3 or counts.shape[1] != counts.shape[2]:
        raise ValueError(f"Confusion matrices have shape {counts.shape}; expected (images, classes, classes).")
    intersection = np.diagonal(counts, axis1=1, axis2=2)
    truth = counts.sum(axis=2)
    return intersection, truth + counts.sum(axis=1) - intersection, truth.sum(axis=0) > 0
