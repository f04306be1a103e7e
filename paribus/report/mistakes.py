"""Answers that were wrong and given with confidence, and the classes that are taken for one another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paribus import metrics
from paribus.predictions import ClassScores, Scores
from paribus.report.evidence import has_probabilities

Row = dict[str, Any]
IMAGES = 6  # an arm
PAIRS = 10


def mistakes(known: Mapping[str, Sequence[Scores]]) -> list[Row]:
    """For each arm how many images it gets wrong, and those of them that cost it most ("top losses").

    known: the scores of each arm's runs. An arm's answer to an image is the class with the highest mean probability
    over its runs; images are in the order of the mean log loss over runs. `same` counts the runs of all arms that give
    this answer. Arms without probabilities, and those that label pixels, are left out.
    """
    usable = {arm: _with_probabilities(runs) for arm, runs in known.items()}
    usable = {arm: runs for arm, runs in usable.items() if runs}
    given = [scores.predicted() for runs in usable.values() for scores in runs]
    return [_of_arm(arm, runs, given) for arm, runs in usable.items()]


def confused(known: Mapping[str, Sequence[Scores]]) -> list[Row]:
    """The pairs of classes that are confused most, on average over the arms, with every arm's share.

    None for two classes, whose matrix says it all, and for masks. Shares are of the images of the true class, and
    `low` and `high` the extremes over runs.
    """
    found = {arm: np.stack([metrics.confusion_matrix(s) for s in runs]) for arm, runs in _classified(known).items()}
    if not found or next(iter(found.values())).shape[-1] < 3:
        return []
    size = next(iter(found.values())).shape[-1]
    truth = next(iter(found.values()))[0].sum(axis=1)
    mean = np.mean([counts.mean(axis=0) for counts in found.values()], axis=0)
    wrong = mean - np.diag(mean.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    pairs = [divmod(int(k), size) for k in order if wrong.flat[k] > 0]
    return [
        {
            "truth": t,
            "answer": a,
            "images": int(truth[t]),
            "arms": {arm: _share(counts[:, t, a], int(truth[t])) for arm, counts in found.items()},
        }
        for t, a in pairs
    ]


def _share(counts: Any, truth: int) -> Row:
    return {
        "images": float(counts.mean()),
        "share": float(counts.mean() / truth),
        "low": float(counts.min() / truth),
        "high": float(counts.max() / truth),
    }


def _classified(known: Mapping[str, Sequence[Scores]]) -> dict[str, list[ClassScores]]:
    runs_of = {arm: [s for s in runs if isinstance(s, ClassScores)] for arm, runs in known.items()}
    return {arm: runs for arm, runs in runs_of.items() if runs}


def _with_probabilities(runs: Sequence[Scores]) -> list[ClassScores]:
    return [s for s in runs if isinstance(s, ClassScores) and has_probabilities(s)]


def _of_arm(arm: str, runs: list[ClassScores], given: list[Any]) -> Row:
    first = runs[0]
    mean = np.mean([np.exp(s.log_probabilities()) for s in runs], axis=0)
    loss = -np.mean([metrics.neg_log_loss(s) for s in runs], axis=0)
    answer = mean.argmax(axis=1)
    wrong = np.flatnonzero(answer != first.targets)
    shown = wrong[np.argsort(-loss[wrong], kind="stable")[:IMAGES]]
    return {
        "arm": arm,
        "wrong": len(wrong),
        "of": len(answer),
        "runs": len(runs),
        "images": [
            {
                "image": first.image_ids[i],
                "target": int(first.targets[i]),
                "answer": int(answer[i]),
                "probability": float(mean[i, answer[i]]),
                "of_truth": float(mean[i, first.targets[i]]),
                "loss": float(loss[i]),
                "same": sum(int(said[i] == answer[i]) for said in given),
                "said": len(given),
            }
            for i in map(int, shown)
        ],
    }
