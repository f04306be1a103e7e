"""What the report describes beyond the contrasts, from the evidence alone: confusions, calibration, disagreements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paribus import metrics
from paribus.epochs import chosen
from paribus.errors import DataError
from paribus.metrics import MetricFunction
from paribus.predictions import ClassScores, MaskCounts, RunRecord, Scores
from paribus.questions import Design
from paribus.report.reliability import reliability
from paribus.stats import FEWEST_GROUPS, contrast, these_images

MATRIX_CLASSES = 12
BINS = 15
DRAWS = 40  # averaged over the runs as well, so that few are enough


@dataclass(frozen=True)
class Counted:
    """What describes one run: its scores, and the epoch they are of (None where two epochs were joined)."""

    scores: Scores
    epoch: int | None


def counted(run: RunRecord, design: Design, metric: MetricFunction) -> Counted | None:
    """The scores of the epoch that the design counts; None for a run without usable evidence, shown as a gap."""
    try:
        return Counted(*chosen(run, design.split, design.epoch, metric, design.groups))
    except DataError:
        return None


def accuracy(scores: ClassScores) -> float:
    """The share of images answered right."""
    return float(metrics.accuracy(scores).mean())


def interval_of_level(runs: list[NDArray[np.float64]], groups: list[str] | None) -> tuple[float, float] | None:
    """The 95 % interval of an arm's own level; None where it cannot be had.

    Over new runs and new images, like a contrast; with fewer than 8 groups of images, for exactly these images.
    """
    few = groups is not None and len(set(groups)) < FEWEST_GROUPS
    try:
        found = these_images([np.stack(runs)], [1.0]) if few else contrast([np.stack(runs)], [1.0], groups)
    except ValueError:
        return None
    return found.low, found.high


def has_probabilities(scores: ClassScores) -> bool:
    """False where only answers are known: then the logits hold one value for the answer and one for all else."""
    sample = scores.logits[:64]
    return bool(sample.size) and len(np.unique(sample[~np.isnan(sample)])) > 2


def confusion(scores: Sequence[Scores]) -> dict[str, Any]:
    """Counts (truth x answer) of images or pixels, averaged over runs, with each row's shares.

    The largest confusions alone if classes abound.
    """
    classes = len(scores[0].classes)
    mean = np.mean([_matrix(run) for run in scores], axis=0)
    truth = mean.sum(axis=1, keepdims=True)
    rate = np.divide(mean, truth, out=np.full_like(mean, np.nan), where=truth > 0)
    recall = [float(r) for r in rate.diagonal()]
    if classes <= MATRIX_CLASSES:
        return {"counts": mean.tolist(), "rate": rate.tolist(), "recall": recall}
    wrong = mean - np.diag(mean.diagonal())
    largest = np.argsort(-wrong, axis=None, kind="stable")[:10]
    pairs = [(int(k // classes), int(k % classes)) for k in largest if wrong.flat[k] > 0]
    return {"largest": [[t, p, float(mean[t, p]), float(rate[t, p])] for t, p in pairs], "recall": recall}


def _matrix(scores: Scores) -> NDArray[np.int64]:
    if isinstance(scores, MaskCounts):
        return np.asarray(scores.confusion.sum(axis=0))
    return metrics.confusion_matrix(scores)


def calibration(scores: Sequence[Scores]) -> dict[str, Any] | None:
    """Mean over runs of log loss, Brier score and ECE, with the ECE of a perfectly calibrated model on as many images.

    `reliability` holds the bins that the ECE is made of. None where only answers are known, and for masks.
    """
    known = [s for s in scores if isinstance(s, ClassScores) and has_probabilities(s)]
    if not known:
        return None
    return {
        "log_loss": -float(np.mean([metrics.neg_log_loss(s).mean() for s in known])),
        "brier": -float(np.mean([metrics.neg_brier(s).mean() for s in known])),
        "ece": float(np.mean([metrics.calibration_error(s, BINS) for s in known])),
        "ece_reference": float(np.mean([metrics.calibration_reference(s, BINS, draws=DRAWS) for s in known])),
        "bins": BINS,
        "reliability": reliability(known, BINS),
    }


def disagreements(answers: dict[str, NDArray[np.int64]], scores: ClassScores, most: int = 12) -> list[dict[str, Any]]:
    """The images on which the arms differ most: the largest variance over arms of the share of runs that are right.

    answers: arm -> (runs, images) class indices. Images no two arms differ on are left out; ties keep the data's order.
    """
    if len(answers) < 2:
        return []
    share = np.stack([(given == scores.targets).mean(axis=0) for given in answers.values()])
    spread = share.var(axis=0)
    order = np.argsort(-spread, kind="stable")[:most]
    return [
        {
            "image": scores.image_ids[i],
            "target": int(scores.targets[i]),
            "spread": float(spread[i]),
            "answers": {arm: [int(a) for a in given[:, i]] for arm, given in answers.items()},
        }
        for i in map(int, order)
        if spread[i] > 0
    ]
