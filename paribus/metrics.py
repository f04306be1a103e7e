"""Metrics as per-image scores whose mean is the metric; higher is better everywhere.

Every public function from `ClassScores` (classification) or `MaskCounts` (segmentation) to an array is a metric: its
name is the metric's name in a study, nothing is registered. Losses are negated (`neg_`) and printed positive. A metric
that is not a mean of image scores is linearised: y_i = M + (influence of image i on M), so that mean(y) = M exactly
and the variance of y gives the sampling variance of M over images. Classes that are absent from the truth are left out
of averages over classes. Metrics of masks are of the whole set (pixels summed over all images), `mean_image_iou` aside.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paribus import confusion
from paribus.errors import DataError, Problem, StudyError, unknown
from paribus.predictions import ClassScores, MaskCounts
from paribus.ratios import linearised

Floats = NDArray[np.float64]
MetricFunction = Callable[[Any], Floats]  # of ClassScores or of MaskCounts
Task = Literal["classification", "segmentation"]

_PROPER_NAMES = {
    "auroc": "AUROC",
    "macro_f1": "macro F1",
    "neg_brier": "Brier score",
    "mean_iou": "mean IoU",
    "frequency_weighted_iou": "frequency-weighted IoU",
    "dice": "Dice",
    "boundary_iou": "boundary IoU",
    "mean_image_iou": "mean IoU per image",
}


@dataclass(frozen=True)
class Metric:
    """How a metric is shown. unit: `points` are hundredths of the score, `raw` is the score itself.

    flipped: the score is a negated loss, shown positive (and differences with the other sign).
    """

    name: str
    label: str
    unit: Literal["points", "raw"]
    flipped: bool


def accuracy(scores: ClassScores) -> Floats:
    """(N,) 1 where the highest logit is the target's, else 0. Ties go to the lower index."""
    return np.asarray(scores.predicted() == scores.targets, dtype=np.float64)


def neg_log_loss(scores: ClassScores) -> Floats:
    """(N,) the log-probability (natural) of the target: minus the log loss. A proper score."""
    logs = scores.log_probabilities()
    return np.asarray(logs[np.arange(len(logs)), scores.targets], dtype=np.float64)


def neg_brier(scores: ClassScores) -> Floats:
    """(N,) minus the squared distance of the probabilities from the target, summed over all classes (0 to 2)."""
    distance = np.exp(scores.log_probabilities()) - _one_hot(scores.targets, len(scores.classes))
    return np.asarray(-(distance**2).sum(axis=1), dtype=np.float64)


def balanced_accuracy(scores: ClassScores) -> Floats:
    """(N,) the mean of the classes' recalls, linearised. Classes without a target image are left out."""
    truth = _one_hot(scores.targets, len(scores.classes))
    return linearised(truth * accuracy(scores)[:, None], truth, truth.sum(axis=0) > 0)


def macro_f1(scores: ClassScores) -> Floats:
    """(N,) the mean of the classes' F1 = 2 TP / (2 TP + FP + FN), linearised.

    Classes without a target image are left out, also if they were predicted (that counts as a miss of the true
    class). With a target image the denominator is never 0; a class that is never hit has F1 = 0.
    """
    truth = _one_hot(scores.targets, len(scores.classes))
    guess = _one_hot(scores.predicted(), len(scores.classes))
    return linearised(2 * truth * guess, truth + guess, truth.sum(axis=0) > 0)


def auroc(scores: ClassScores) -> Floats:
    """(N,) the area under the ROC curve by placement values (DeLong, DeLong and Clarke-Pearson 1988); ties count half.

    A positive's placement is the share of negatives ranked below it, a negative's the share of positives above it;
    each class's deviations are weighted so that the mean over all images is the area. Two classes: the second is the
    positive one. More: the mean over classes of one against the rest, classes without a target image left out.
    Raises DataError if all targets are of one class.
    """
    present = np.unique(scores.targets)
    if len(present) < 2:
        raise DataError("AUROC needs images of at least two classes; all targets are of one class.")
    logs = scores.log_probabilities()
    if len(scores.classes) == 2:
        return _area(logs[:, 1] - logs[:, 0], scores.targets == 1)
    ranks = [_area(logs[:, k], scores.targets == k) for k in present]
    return np.asarray(np.mean(ranks, axis=0), dtype=np.float64)


def pixel_accuracy(counts: MaskCounts) -> Floats:
    """(N,) the share of the labelled pixels of the whole set that are right, linearised."""
    return confusion.pixel_accuracy(counts.confusion)


def mean_iou(counts: MaskCounts) -> Floats:
    """(N,) the mean over classes of intersection / union, both summed over the whole set, linearised.

    The classes are those in the truth. One that is never hit has IoU 0 and counts.
    """
    return confusion.mean_iou(counts.confusion)


def mean_class_accuracy(counts: MaskCounts) -> Floats:
    """(N,) the mean over the classes in the truth of the share of their pixels that are right, linearised."""
    return confusion.mean_class_accuracy(counts.confusion)


def frequency_weighted_iou(counts: MaskCounts) -> Floats:
    """(N,) the classes' IoU weighted by their pixels in the truth (Long, Shelhamer and Darrell 2015), linearised."""
    return confusion.frequency_weighted_iou(counts.confusion)


def dice(counts: MaskCounts) -> Floats:
    """(N,) the mean over the classes in the truth of 2 right / (true + predicted) pixels of the set, linearised."""
    return confusion.dice(counts.confusion)


def boundary_iou(counts: MaskCounts) -> Floats:
    """(N,) the mean IoU of the pixels near a class boundary of the truth only (`paribus.counting`), linearised.

    The trimap measure of Kohli, Ladicky and Torr (2009), in a band of 3 pixels; not the Boundary IoU of Cheng et al.
    (2021), which compares contours. Raises DataError if no pixel is near a boundary.
    """
    return confusion.mean_iou(counts.boundary)


def mean_image_iou(counts: MaskCounts) -> Floats:
    """(N,) the mean over images of each image's own mean IoU, over the classes in its truth or prediction.

    Another quantity than `mean_iou`: every image counts the same, and a wrong pixel costs most where a class is small.
    An image without a labelled pixel has no IoU: it is left out of the mean, and gets the mean as its score. Raises
    DataError if no image has a labelled pixel.
    """
    own = confusion.mean_image_iou(counts.confusion)
    known = ~np.isnan(own)
    return linearised(np.where(known, own, 0.0)[:, None], known[:, None].astype(np.float64))


def calibration_error(scores: ClassScores, bins: int = 15) -> float:
    """The expected calibration error of the top class (Guo et al. 2017), equal-width bins. A description, no metric.

    It is no mean of image scores and is biased upward: compare it with `calibration_reference`, decide on log loss.
    """
    probabilities = np.exp(scores.log_probabilities())
    return _gap(probabilities.max(axis=1), accuracy(scores), bins)


def calibration_reference(scores: ClassScores, bins: int = 15, draws: int = 200, seed: int = 0) -> float:
    """The mean calibration error that a perfectly calibrated model with these confidences would show on N images."""
    confidence = np.exp(scores.log_probabilities()).max(axis=1)
    generator = np.random.default_rng(seed)
    hits = generator.random((draws, len(confidence))) < confidence
    return float(np.mean([_gap(confidence, hit.astype(np.float64), bins) for hit in hits]))


def calibration_bin(confidence: Floats, bins: int) -> NDArray[np.int64]:
    """The bin of each confidence in [0, 1], of equal width and with its upper end inside."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def confusion_matrix(scores: ClassScores) -> NDArray[np.int64]:
    """(C, C) image counts; rows are the truth, columns the prediction."""
    size = len(scores.classes)
    return np.bincount(scores.targets * size + scores.predicted(), minlength=size**2).reshape(size, size)


def names(task: Task | None = None) -> tuple[str, ...]:
    """The names of the built-in metrics, all or those of a task, in alphabetical order.

    They are the functions of this module with a metric's signature.
    """
    found = {name: value for name, value in vars(sys.modules[__name__]).items() if _is_metric(name, value)}
    return tuple(sorted(name for name, value in found.items() if task in (None, task_of(value))))


def named(name: str, more: Mapping[str, MetricFunction] | None = None) -> MetricFunction:
    """The metric called `name`: a built-in one or one of `more` (user plugins). Raises StudyError if there is none."""
    if more and name in more:
        return more[name]
    found: Any = getattr(sys.modules[__name__], name, None)
    if not _is_metric(name, found):
        raise StudyError(unknown("metric", name, [*names(), *(more or {})]))
    function: MetricFunction = found
    return function


def task_of(metric: MetricFunction) -> Task | None:
    """What a metric scores, by the type of its argument; None where a function of the user's own does not say."""
    taken = next((p.annotation for p in inspect.signature(metric).parameters.values()), None)
    name = taken if isinstance(taken, str) else getattr(taken, "__name__", "")
    if name.endswith("ClassScores"):
        return "classification"
    return "segmentation" if name.endswith("MaskCounts") else None


def misfit(name: str, task: Task, more: Mapping[str, MetricFunction] | None = None) -> Problem | None:
    """What is wrong with asking for this metric in a study of `task`; None if it suits.

    Raises StudyError for an unknown name.
    """
    own = task_of(named(name, more))
    if own in (None, task):
        return None
    return Problem("METRIC_TASK", f"{name} is a metric of {own}, and this is {task}.", "", _one_of(names(task)))


def described(name: str) -> Metric:
    """How the metric is shown: `neg_` losses raw and positive, other built-in metrics in points, plugins raw."""
    bare = name.rpartition(":")[2]
    flipped = bare.startswith("neg_")
    label = _PROPER_NAMES.get(bare, bare.removeprefix("neg_").replace("_", " "))
    built_in = _is_metric(name, getattr(sys.modules[__name__], name, None))
    return Metric(name, label, "points" if built_in and not flipped else "raw", flipped)


def _is_metric(name: str, value: object) -> bool:
    if name.startswith("_") or not inspect.isfunction(value) or value.__module__ != __name__:
        return False
    signature = inspect.signature(value)
    takes = [p.annotation for p in signature.parameters.values()]
    return takes in ([ClassScores], [MaskCounts]) and signature.return_annotation == Floats


def _one_of(options: tuple[str, ...]) -> str:
    return f"write one of {', '.join(options)}."


def _one_hot(indices: NDArray[np.int64], size: int) -> Floats:
    return np.asarray(np.eye(size)[indices], dtype=np.float64)


def _area(score: Floats, positive: NDArray[np.bool_]) -> Floats:
    """(N,) scores whose mean is the area under the ROC curve of `score` for the positives."""
    from scipy.stats import rankdata  # half a second that reading a study need not wait

    high, low = score[positive], score[~positive]
    below = (rankdata(score)[positive] - rankdata(high)) / len(low)
    above = 1 - (rankdata(score)[~positive] - rankdata(low)) / len(high)
    area = below.mean()
    y = np.empty(len(score))
    y[positive] = area + (below - area) * len(score) / len(high)
    y[~positive] = area + (above - area) * len(score) / len(low)
    return y


def _gap(confidence: Floats, hit: Floats, bins: int) -> float:
    gaps = np.bincount(calibration_bin(confidence, bins), weights=hit - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))
