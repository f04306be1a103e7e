"""Simulated studies of known truth, for calibration: answers of classifiers and masks, run by run.

Classification: an image is answered correctly where mu + image + arm x image + run + run x image > 0, all effects
Gaussian with total variance 1, so that the population accuracy of an arm is exactly Phi(mu) (the latent-variable model
of multi-reader studies, Roe and Metz 1997).

Masks: an image holds each class or not, in an area of its own; the share of the area that is hit has the log-odds
class + effect + image + arm x image + run + run x image, each by class, and misses go to the next class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, owens_t
from scipy.stats import norm

from paribus.plans import DISAGREE_BETWEEN, DISAGREE_WITHIN
from paribus.predictions import Evidence, MaskEvidence, RunRecord

CLASSES = ("wrong", "right")
OF_MASKS = ("sky", "road", "building", "car", "sign")
HOW_OFTEN = np.array([1.0, 1.0, 0.8, 0.5, 0.08])  # the share of images that hold the class
HIT = np.array([2.0, 1.5, 1.2, 0.8, 0.3])  # log-odds


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


def masks(
    effects: Mapping[str, float],
    runs: int,
    images: int,
    generator: np.random.Generator,
    run_sd: float = 0.15,
    split: str = "test",
) -> dict[str, tuple[RunRecord, ...]]:
    """Run records of networks that label pixels; arms with equal effects (in log-odds) are equal in expectation.

    run_sd: of the runs' log-odds of each class. The boundary counts are those of all pixels.
    """
    size = len(OF_MASKS)
    area = generator.lognormal(6.0, 1.0, (images, size)) * (generator.random((images, size)) < HOW_OFTEN)
    truth = area.astype(np.int64)
    image = 0.6 * generator.standard_normal((images, size))
    ids, next_class = tuple(f"image-{i}" for i in range(images)), np.roll(np.arange(size), -1)
    made = {}
    for name, effect in effects.items():
        arm_image = 0.3 * generator.standard_normal((images, size))
        records_of = []
        for seed in range(runs):
            rest = 0.3 * generator.standard_normal((images, size))
            run = run_sd * generator.standard_normal(size)
            hits = (truth * expit(HIT + effect + image + arm_image + run + rest)).astype(np.int32)
            confusion = np.zeros((1, images, size, size), np.int32)
            confusion[0, :, np.arange(size), np.arange(size)] = hits.T
            confusion[0, :, np.arange(size), next_class] = (truth - hits).T
            kept = MaskEvidence(split, ids, OF_MASKS, (1,), confusion, confusion)
            records_of.append(RunRecord(f"{name}-{seed}", seed, "done", 0.0, {split: kept}))
        made[name] = tuple(records_of)
    return made


def _correlation(accuracy: float, disagreement: float) -> float:
    """The latent correlation of two networks of equal accuracy that disagree on this share of images (Owen 1956)."""
    mu = norm.ppf(accuracy)

    def surplus(rho: float) -> float:
        return float(4 * owens_t(mu, np.sqrt((1 - rho) / (1 + rho))) - disagreement)

    return float(brentq(surplus, 0.0, 1.0))
