"""False alarms and coverage of mean IoU on simulated masks: the crossed interval holds, and images alone do not."""

import numpy as np
import pytest

from paribus.metrics import mean_iou
from paribus.simulate import masks
from paribus.stats import contrast

REPLICATES = 200
NOMINAL = 0.05
CHANCE = 3 * (NOMINAL * (1 - NOMINAL) / REPLICATES) ** 0.5


def scores(effects, seed, **more):
    arms = masks(effects, 3, 100, np.random.default_rng(seed), **more)
    return [np.stack([mean_iou(run.evidence["test"].at(1)) for run in runs]) for runs in arms.values()]


@pytest.mark.parametrize("run_sd", [0.05, 0.3])
def test_equal_arms_are_told_apart_once_in_twenty(run_sd):
    drawn = [scores({"a": 0.0, "b": 0.0}, seed, run_sd=run_sd) for seed in range(REPLICATES)]
    alarms = np.mean([contrast(y).p <= NOMINAL for y in drawn])
    assert alarms <= NOMINAL + CHANCE
    images_only = np.mean([contrast([each.mean(axis=0)[None] for each in y]).p <= NOMINAL for y in drawn])
    assert run_sd < 0.1 or images_only > 3 * NOMINAL  # the test can fail


def test_the_interval_covers_a_true_difference():
    large = [np.mean(y[1]) - np.mean(y[0]) for y in (scores({"a": 0, "b": 0.2}, s) for s in range(1000, 1400))]
    drawn = [contrast(scores({"a": 0.0, "b": 0.2}, seed)) for seed in range(REPLICATES)]
    covered = np.mean([found.low <= np.mean(large) <= found.high for found in drawn])
    assert covered >= 1 - NOMINAL - CHANCE and np.mean(large) > 0.01
