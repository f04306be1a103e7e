"""Temperature scaling (Guo, Pleiss, Sun and Weinberger 2017, arXiv 1706.04599): one number that makes probabilities of
a trained classifier as sure as they are right. It changes no answer.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from paribus.predictions import ClassScores

LOWEST, HIGHEST = 0.1, 10.0
UNSCALED = 1.0


def fitted(scores: ClassScores) -> float:
    """The temperature T of softmax(logits / T) with the smallest log loss on labelled images.

    1 where every image is answered right (or there is none): then the loss falls without end as T does, and the images
    do not tell how sure the network may be. Between 0.1 and 10.
    """
    if np.array_equal(scores.predicted(), scores.targets):
        return UNSCALED
    logits, rows = scores.logits.astype(np.float64), np.arange(len(scores.targets))

    def loss(logarithm: float) -> float:
        return -float(log_softmax(logits / np.exp(logarithm))[rows, scores.targets].mean())

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the probabilities of (N, C) logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
