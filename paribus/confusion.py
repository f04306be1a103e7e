"""Arithmetic on per-image confusion matrices of segmentations: (N, C, C) pixel counts, rows truth, columns prediction.

Pixels without a label are not counted. A class that occurs in no truth of the whole set is left out of means, also
where it was predicted (that counts as a miss of the true class).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paribus.errors import DataError
from paribus.ratios import linearised

Floats = NDArray[np.float64]


def iou(confusion: ArrayLike) -> Floats:
    """(C,) intersection over union of the whole set; nan for a class in neither truth nor prediction (0 / 0)."""
    right, truth, predicted = _sums(confusion)
    union = (truth + predicted - right).sum(axis=0)
    ratio = np.full(len(union), np.nan)
    np.divide(right.sum(axis=0), union, out=ratio, where=union > 0)
    return ratio


def mean_iou(confusion: ArrayLike) -> Floats:
    """(N,) linearised scores whose mean is the mean IoU of the whole set, over the classes that occur in the truth."""
    right, truth, predicted = _sums(confusion)
    return linearised(right, truth + predicted - right, _present(truth))


def class_iou(confusion: ArrayLike, index: int) -> Floats:
    """(N,) linearised scores whose mean is the IoU of one class. Raises DataError if the class occurs nowhere."""
    right, truth, predicted = (each[:, [index]] for each in _sums(confusion))
    return linearised(right, truth + predicted - right)


def pixel_accuracy(confusion: ArrayLike) -> Floats:
    """(N,) linearised scores whose mean is the share of labelled pixels that are right."""
    right, truth, _ = _sums(confusion)
    return linearised(right.sum(axis=1, keepdims=True), truth.sum(axis=1, keepdims=True))


def mean_class_accuracy(confusion: ArrayLike) -> Floats:
    """(N,) linearised scores whose mean is the average over classes of the share of their pixels that are right."""
    right, truth, _ = _sums(confusion)
    return linearised(right, truth, _present(truth))


def dice(confusion: ArrayLike) -> Floats:
    """(N,) linearised scores whose mean is the average over classes of 2 right / (true + predicted) pixels."""
    right, truth, predicted = _sums(confusion)
    return linearised(2 * right, truth + predicted, _present(truth))


def frequency_weighted_iou(confusion: ArrayLike) -> Floats:
    """(N,) linearised scores whose mean is the average of the classes' IoU, weighted by their pixels in the truth.

    F = sum_c T_c R_c / T with T_c true pixels and R_c the IoU; y_i adds to F the derivative of F for the weight of
    image i, times N: (sum_c t_ic R_c + T_c (right_ic - R_c union_ic) / U_c - F t_i) N / T.
    """
    right, truth, predicted = _sums(confusion)
    kept = _present(truth)
    if not kept.any():
        raise DataError("No class occurs in these images, so that an average over classes is 0 / 0.")
    right, truth, union = right[:, kept], truth[:, kept], (truth + predicted - right)[:, kept]
    ratio, frequent, total = right.sum(axis=0) / union.sum(axis=0), truth.sum(axis=0), truth.sum()
    value = float(frequent @ ratio / total)
    moved = truth @ ratio + (right - ratio * union) @ (frequent / union.sum(axis=0)) - value * truth.sum(axis=1)
    return np.asarray(value + moved * len(truth) / total, dtype=np.float64)


def mean_image_iou(confusion: ArrayLike) -> Floats:
    """(N,) each image's own mean IoU over the classes in its truth or prediction: another quantity than `mean_iou`.

    An image without a labelled pixel has none and is nan.
    """
    right, truth, predicted = _sums(confusion)
    union = truth + predicted - right
    ratio = np.divide(right, union, out=np.zeros_like(union), where=union > 0)
    classes = (union > 0).sum(axis=1)
    means = np.full(len(union), np.nan)
    np.divide(ratio.sum(axis=1), classes, out=means, where=classes > 0)
    return means


def collapsed(confusion: ArrayLike, mapping: Sequence[int]) -> Floats:
    """(N, K, K) after merging classes, M' C M: argmax first, then merge. mapping: (C,) the new index of each class."""
    counts = np.asarray(confusion, dtype=np.float64)
    merge = np.eye(max(mapping) + 1)[np.asarray(mapping)]
    return np.asarray(merge.T @ counts @ merge, dtype=np.float64)


def _sums(confusion: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """(N, C) pixels of each image by class: right ones, those of the truth, those of the prediction."""
    counts = np.asarray(confusion, dtype=np.float64)
    if counts.ndim != 3 or counts.shape[1] != counts.shape[2]:
        raise ValueError(f"Confusion matrices have shape {counts.shape}; expected (images, classes, classes).")
    return np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2), counts.sum(axis=1)


def _present(truth: Floats) -> NDArray[np.bool_]:
    """(C,) which classes occur in the truth."""
    return np.asarray(truth.sum(axis=0) > 0)
