"""Simulated studies of known truth, for calibration: right or wrong answers of classifiers, run by run.

An image is answered correctly where mu + image + arm x image + run + run x image > 0, all effects Gaussian with total
variance 1, so that the population accuracy of an arm is exactly Phi(mu) (the latent-variable model of multi-reader
studies, Roe and Metz 1997).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import owens_t
from scipy.stats import norm

from paribus.plans import DISAGREE_BETWEEN, DISAGREE_WITHIN
from paribus.predictions import Evidence, RunRecord

CLASSES = ("wrong", "right")


@dataclass(frozen=True)
class Regime:
    """What is simulated. run_sd: SD over runs of the true accuracy; within, between: shares of images on which two
    runs of one arm, and two runs of two arms of equal accuracy, disagree."""

    run_sd: float
    accuracy: float = 0.88
    within: float = DISAGREE_WITHIN
    between: float = DISAGREE_BETWEEN


def correct(
    regime: Regime, effects: Sequence[float], runs: int, images: int, generator: np.random.Generator
) -> list[NDArray[np.bool_]]:
    """One array (runs, images) an arm; `effects` are added to the regime's accuracy, one an arm."""
    impossible = [effect for effect in effects if not 0 < regime.accuracy + effect < 1]
    if impossible:
        raise ValueError(f"Effects {impossible} on an accuracy of {regime.accuracy} leave the range from 0 to 1.")
    shared, own = _correlation(regime.accuracy, regime.between), _correlation(regime.accuracy, regime.within)
    run_variance = (regime.run_sd / norm.pdf(norm.ppf(regime.accuracy))) ** 2
    noise = 1 - own - run_variance
    if noise <= 0:
        raise ValueError(f"run_sd is {regime.run_sd}: too large for an accuracy of {regime.accuracy}.")
    image = np.sqrt(shared) * generator.standard_normal(images)
    arms = []
    for effect in effects:
        arm_image = np.sqrt(own - shared) * generator.standard_normal(images)
        run = np.sqrt(run_variance) * generator.standard_normal((runs, 1))
        rest = np.sqrt(noise) * generator.standard_normal((runs, images))
        arms.append(norm.ppf(regime.accuracy + effect) + image + arm_image + run + rest > 0)
    return arms


def records(arms: Mapping[str, NDArray[np.bool_]], split: str = "test") -> dict[str, tuple[RunRecord, ...]]:
    """Run records of networks that were right or wrong as told: one array (runs, images) an arm, same images."""
    images = next(iter(arms.values())).shape[1]
    ids = tuple(f"image-{i}" for i in range(images))
    targets = np.ones(images, dtype=np.int64)
    made = {}
    for name, outcomes in arms.items():
        logits = np.stack([~outcomes, outcomes], axis=2).astype(np.float32) * 2
        made[name] = tuple(
            RunRecord(
                f"{name}-{seed}", seed, "done", 0.0, {split: Evidence(split, ids, targets, CLASSES, (1,), rows[None])}
            )
            for seed, rows in enumerate(logits)
        )
    return made


def _correlation(accuracy: float, disagreement: float) -> float:
    """The latent correlation of two networks of equal accuracy that disagree on this share of images (Owen 1956)."""
    mu = norm.ppf(accuracy)

    def surplus(rho: float) -> float:
        return float(4 * owens_t(mu, np.sqrt((1 - rho) / (1 + rho))) - disagreement)

    return float(brentq(surplus, 0.0, 1.0))
