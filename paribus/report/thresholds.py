"""Two classes: what other thresholds than one half would do; precision, recall, F1, ROC and PR curves over the runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paribus import metrics
from paribus.predictions import ClassScores, Scores
from paribus.report.evidence import has_probabilities

Row = dict[str, Any]
Floats = NDArray[np.float64]
SHOWN = tuple(k / 10 for k in range(1, 10))  # thresholds of the table
TRIED = tuple(k / 100 for k in range(1, 100))  # of which the best on val is taken
STEPS = 50  # of the curves


@dataclass(frozen=True)
class _Curve:
    """At every distinct score, from the highest: shares of positives and of negatives taken, and how many are right."""

    recall: Floats
    false_alarms: Floats
    precision: Floats


def thresholds(runs: Sequence[Scores], on_val: Sequence[Scores | None]) -> Row | None:
    """Of an arm's runs, with the smallest and largest value of any run; None for more than two classes and for masks.

    The second class is the positive one, as for AUROC. An image is taken for positive if its probability is at least
    the threshold. rows: the thresholds 0.1 to 0.9. on_val: of each run what it said about val, at the epoch that is
    scored; `chosen` is the threshold of 0.01 to 0.99 with the highest F1 there, for each run its own, and None where
    one is missing. A share of nothing (precision where nothing is taken) is left out of means.
    """
    known = [s for s in runs if isinstance(s, ClassScores) and len(s.classes) == 2 and has_probabilities(s)]
    if not known or len(known) < len(runs) or len(np.unique(known[0].targets)) < 2:
        return None
    curves = [_curve(s) for s in known]
    return {
        "positive": 1,
        "positives": int((known[0].targets == 1).sum()),
        "images": len(known[0].targets),
        "auroc": _over_runs([float(metrics.auroc(s).mean()) for s in known]),
        "average_precision": _over_runs([_average_precision(c) for c in curves]),
        "rows": [_at(known, [t] * len(known)) | {"threshold": t} for t in SHOWN],
        "chosen": _chosen(known, on_val),
        "roc": _band("false_alarms", "recall", np.arange(STEPS + 1) / STEPS, [_roc(c) for c in curves]),
        "pr": _band("recall", "precision", np.arange(1, STEPS + 1) / STEPS, [_pr(c) for c in curves]),
    }


def _probability(scores: ClassScores) -> Floats:
    return np.exp(scores.log_probabilities()[:, 1])


def _curve(scores: ClassScores) -> _Curve:
    logs = scores.log_probabilities()
    score, positive = logs[:, 1] - logs[:, 0], scores.targets == 1
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # equal scores are taken together
    hits, taken = np.cumsum(positive[order])[last], last + 1
    return _Curve(hits / positive.sum(), (taken - hits) / (~positive).sum(), hits / taken)


def _average_precision(curve: _Curve) -> float:
    """The sum of precision times the gain of recall: no interpolation (Davis and Goadrich 2006)."""
    return float((np.diff(curve.recall, prepend=0.0) * curve.precision).sum())


def _roc(curve: _Curve) -> Floats:
    """Recall at each share of false alarms: the highest there, straight lines between."""
    x, recall = np.append(0.0, curve.false_alarms), np.append(0.0, curve.recall)
    highest = np.flatnonzero(np.append(x[1:] != x[:-1], True))
    return np.interp(np.arange(STEPS + 1) / STEPS, x[highest], recall[highest])


def _pr(curve: _Curve) -> Floats:
    """Precision at the highest threshold that reaches each recall."""
    wanted = np.arange(1, STEPS + 1) / STEPS
    return curve.precision[np.searchsorted(curve.recall, wanted - 1e-12)]


def _band(x: str, y: str, at: Floats, curves: list[Floats]) -> list[Row]:
    stacked = np.stack(curves)
    middle, low, high = stacked.mean(axis=0), stacked.min(axis=0), stacked.max(axis=0)
    return [
        {x: float(a), y: float(m), "low": float(lo), "high": float(hi)}
        for a, m, lo, hi in zip(at, middle, low, high, strict=True)
    ]


def _at(runs: list[ClassScores], each: list[float]) -> Row:
    """Precision, recall and F1 with a threshold a run."""
    found = [_measures(_probability(s) >= t, s.targets == 1) for s, t in zip(runs, each, strict=True)]
    return {name: _over_runs([row[name] for row in found]) for name in ("taken", "precision", "recall", "f1")}


def _measures(taken: NDArray[np.bool_], positive: NDArray[np.bool_]) -> dict[str, float | None]:
    hits, claimed, there = int((taken & positive).sum()), int(taken.sum()), int(positive.sum())
    return {
        "taken": claimed / len(taken),
        "precision": hits / claimed if claimed else None,
        "recall": hits / there if there else None,
        "f1": 2 * hits / (claimed + there) if claimed + there else None,
    }


def _chosen(runs: list[ClassScores], on_val: Sequence[Scores | None]) -> Row | None:
    val = [s for s in on_val if isinstance(s, ClassScores) and (s.targets == 1).any()]
    if len(val) < len(runs):
        return None
    best = [_best(s) for s in val]
    return _at(runs, best) | {"threshold": _over_runs(best)}


def _best(scores: ClassScores) -> float:
    """The threshold with the highest F1; of equals the one nearest to one half."""
    probability, positive = _probability(scores), scores.targets == 1
    value = {t: _measures(probability >= t, positive)["f1"] or 0.0 for t in TRIED}
    return max(TRIED, key=lambda t: (value[t], -abs(t - 0.5)))


def _over_runs(values: Sequence[float | None]) -> Row:
    known = [v for v in values if v is not None]
    return (
        {"mean": float(np.mean(known)), "low": min(known), "high": max(known)}
        if known
        else dict.fromkeys(("mean", "low", "high"))
    )
