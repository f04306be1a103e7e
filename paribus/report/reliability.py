"""How often answers of a given confidence are right: the rows of the reliability diagram."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binom

from paribus import metrics
from paribus.predictions import ClassScores

LEVEL = 0.95


def reliability(runs: Sequence[ClassScores], bins: int) -> list[dict[str, Any]]:
    """One row a bin of confidence that holds an answer of any run: mean confidence, and the share that is right.

    The bins are those of the ECE (equal width, the upper end inside). images: answers in the bin, mean over runs.
    runs: the share of each run, None where it has no answer there. calibrated: where the share of one run would lie 19
    times in 20 if its confidence were true, binomial in as many images (the consistency bars of Bröcker and Smith 2007,
    with the mean confidence of the bin in place of resampled ones).
    """
    confidence = np.stack([np.exp(scores.log_probabilities()).max(axis=1) for scores in runs])
    right = np.stack([metrics.accuracy(scores) for scores in runs])
    place = metrics.calibration_bin(confidence, bins)
    return [_row(confidence, right, place == k, k, bins) for k in range(bins) if (place == k).any()]


def _row(confidence: Any, right: Any, inside: Any, k: int, bins: int) -> dict[str, Any]:
    images, said = inside.sum() / len(inside), float(confidence[inside].mean())
    number = max(1, round(images))
    tail = (1 - LEVEL) / 2
    return {
        "low": k / bins,
        "high": (k + 1) / bins,
        "images": float(images),
        "confidence": said,
        "right": float(right[inside].mean()),
        "runs": [float(r[i].mean()) if i.any() else None for r, i in zip(right, inside, strict=True)],
        "calibrated": [float(binom.ppf(p, number, said)) / number for p in (tail, 1 - tail)],
    }
