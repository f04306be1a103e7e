"""What one run would have said: every way to pick one run an arm, held against the full study.

Two readings of a pick. `best_on_val` is what training scripts print and reports quote: each run at the epoch with the
best value of the question's metric on val, scored on the same images. `as_declared` scores each run as the study does
(its split, its rule for the epoch), so that nothing but the number of runs differs from the full answer.

The reader of a pick takes its difference at face value. A pick is wrong

- where the full study says helps or hurts: if its difference has not that sign (zero counts as wrong);
- where it says no practical difference: if its difference is as large as the margin, in either direction;
- where it found both sides identical, and in the A/A control, where nothing differs by construction: the same, and
  without a margin if it shows any difference at all.

A smaller difference than the margin is never held against the reader, who may have called it too small to matter.
Where the full study cannot tell, no pick is wrong; it counts as called settled if its difference is as large as the
margin, or, without a margin, if it is not zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paribus import picks
from paribus.contrasts import Contrast
from paribus.errors import DataError
from paribus.looks import Verdict
from paribus.metrics import MetricFunction, named, names
from paribus.predictions import Evidence, MaskEvidence, RunRecord
from paribus.scoring import scored_in

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Reading = Literal["best_on_val", "as_declared"]
OPEN = ("cannot_tell", "cannot_tell_one_run")
BINS = 24
_EXACT = 1e-9  # differences nearer to each other than this are the same: rounding


@dataclass(frozen=True)
class Bin:
    """`picks` differences in [low, high); `against`: those that are wrong, or called settled, as the module says."""

    low: float
    high: float
    picks: int
    against: int


@dataclass(frozen=True)
class OneRun:
    """One question under one reading. Values are in the metric's own unit, shares are of the picks counted.

    verdict, estimate, low, high (the 95 % interval), margin: the full study's. ways: to pick one run an arm; picks:
    how many were counted, fewer than `ways` where these were sampled (`paribus.picks`).
    smallest, median, largest: differences of the picks. above, below: shares as large as the margin in either
    direction (without one, or with one of 0: other than zero).
    wrong_sign: the share with the other sign than the full estimate; None where that is 0 or rests on one run an arm.
    wrong_conclusion, called_settled: as the module says; None where they do not apply.
    bins: the histogram, from left to right without gaps.
    """

    question: str
    reading: Reading
    verdict: Verdict
    control: bool
    estimate: float
    low: float
    high: float
    margin: float | None
    ways: int
    picks: int
    smallest: float
    median: float
    largest: float
    above: float
    below: float
    wrong_sign: float | None
    wrong_conclusion: float | None
    called_settled: float | None
    bins: tuple[Bin, ...]


def one_run(rows: Sequence[Contrast], arms: Mapping[str, Sequence[RunRecord]]) -> tuple[OneRun, ...]:
    """Every answer under both readings, `best_on_val` first.

    arms: the finished runs by arm, in the order of the seeds, as `contrasts` got them. The runs that an answer used
    are picked from, and no others. `best_on_val` is left out where val was not kept and for metrics of the user's own
    modules; either reading where the value of a run is not finite.
    """
    known: dict[tuple[str, str, str], float | None] = {}
    found = []
    for row in rows:
        readings: dict[Reading, list[Floats] | None] = {
            "best_on_val": _best_on_val(row, arms, known),
            "as_declared": [np.asarray(row.per_arm[arm], dtype=np.float64) for arm in row.seeds],
        }
        found += [_read(row, name, values) for name, values in readings.items() if values and _finite(values)]
    return tuple(found)


def _best_on_val(
    row: Contrast, arms: Mapping[str, Sequence[RunRecord]], known: dict[tuple[str, str, str], float | None]
) -> list[Floats] | None:
    """For each arm the best value on val of each of its runs; None if any run has none."""
    question = row.question
    if question.metric not in names():
        return None
    metric, values = scored_in(named(question.metric), question.score_in), []
    for arm, seeds in row.seeds.items():
        for run in arms[arm][:seeds]:
            key = (run.id, question.metric, repr(question.score_in))
            if key not in known:
                known[key] = _best(run.evidence.get("val"), metric)
        each = [known[run.id, question.metric, repr(question.score_in)] for run in arms[arm][:seeds]]
        if None in each:
            return None
        values.append(np.array(each, dtype=np.float64))
    return values


def _best(val: Evidence | MaskEvidence | None, metric: MetricFunction) -> float | None:
    """The highest mean of the metric over the trained epochs kept of val."""
    if val is None:
        return None
    try:
        means = [float(np.mean(metric(val.at(epoch)))) for epoch in val.epochs if epoch > 0]
    except DataError:  # the metric says nothing about these images, such as AUROC about a single class
        return None
    return max((m for m in means if np.isfinite(m)), default=None)


def _finite(values: Sequence[Floats]) -> bool:
    return all(bool(np.isfinite(each).all()) for each in values)


def _read(row: Contrast, reading: Reading, values: Sequence[Floats]) -> OneRun:
    question, estimate = row.question, row.difference
    found = picks.differences(values, [question.weights[arm] for arm in row.seeds])
    above, below = _as_large_as(question.margin, found), _as_large_as(question.margin, -found)
    against = _against(row, found, above | below)
    open_ = row.verdict in OPEN and not question.control
    signed = estimate != 0 and row.verdict != "cannot_tell_one_run"
    return OneRun(
        question=question.name,
        reading=reading,
        verdict=row.verdict,
        control=question.control,
        estimate=estimate,
        low=row.ci95[0],
        high=row.ci95[1],
        margin=question.margin,
        ways=picks.ways(values),
        picks=len(found),
        smallest=float(found.min()),
        median=float(np.median(found)),
        largest=float(found.max()),
        above=float(above.mean()),
        below=float(below.mean()),
        wrong_sign=float(np.mean(found * np.sign(estimate) < -_EXACT)) if signed else None,
        wrong_conclusion=None if open_ else float(against.mean()),
        called_settled=float(against.mean()) if open_ else None,
        bins=_histogram(found, against),
    )


def _as_large_as(margin: float | None, found: Floats) -> Mask:
    """(P,) whether a difference is the margin or above it, up to rounding; without a margin, above zero."""
    return np.asarray(found >= (margin or 2 * _EXACT) - _EXACT)


def _against(row: Contrast, found: Floats, large: Mask) -> Mask:
    """(P,) whether a pick is wrong, or calls an open question settled."""
    if row.verdict not in ("helps", "hurts") or row.question.control:
        return large
    sign = 1 if row.verdict == "helps" else -1
    return np.asarray(found * sign < _EXACT)


def _histogram(found: Floats, against: Mask) -> tuple[Bin, ...]:
    """About BINS bins of one width from the smallest to the largest difference, with zero at an edge.

    Differences of accuracies are multiples of a share of an image: there the width is such a multiple as well, or
    bins would hold unequal numbers of possible values and show a comb that is not in the data; and edges lie half a
    step off, so that a bar stands around its values.
    """
    distinct = np.unique(np.round(found / _EXACT)) * _EXACT
    extent = max(float(distinct[-1] - distinct[0]), _EXACT)
    width, shift = extent / BINS, 0.0
    if 1 < len(distinct) <= 20 * BINS:
        steps = round(extent / float(np.diff(distinct).min()))
        width, shift = max(-(-steps // BINS), 1) * extent / steps, extent / steps / 2 - float(distinct[0])
    place = np.floor((found + shift) / width + 1e-6).astype(np.int64)
    first = int(place.min())
    counts = np.bincount(place - first)
    wrong = np.bincount(place - first, weights=against)
    edges = (first + np.arange(len(counts) + 1)) * width - shift
    return tuple(
        Bin(float(low), float(high), int(n), int(w))
        for low, high, n, w in zip(edges, edges[1:], counts, wrong, strict=False)
    )
