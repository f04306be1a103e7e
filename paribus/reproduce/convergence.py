"""How many epochs runs need to reach a target: what "converges faster" can mean. A description, no test."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class Reached:
    """Of some runs the first epoch at which a validation score was at least the target; None where it never was."""

    epochs: tuple[int | None, ...]

    @property
    def count(self) -> int:
        """How many runs reached it."""
        return len(self._known)

    @property
    def mean(self) -> float | None:
        """The mean over the runs that reached it; None where none did."""
        return fmean(self._known) if self._known else None

    @property
    def _known(self) -> list[int]:
        return [epoch for epoch in self.epochs if epoch is not None]

    def sooner(self, other: "Reached") -> float:
        """The share of pairs of runs in which this side needs fewer epochs; equal ones and two that never do, half."""
        pairs = [(_late(a), _late(b)) for a in self.epochs for b in other.epochs]
        return fmean([1.0 if a < b else 0.5 if a == b else 0.0 for a, b in pairs])


def reached(runs: Sequence[Mapping[str, Any]], column: str, target: float) -> Reached:
    """runs: with `curves`, one row an epoch (`epoch`, and the score in `column`)."""
    return Reached(tuple(_first(run["curves"], column, target) for run in runs))


def final(runs: Sequence[Mapping[str, Any]], column: str) -> float | None:
    """The mean over runs of the score after the last epoch; None where it was not kept."""
    last = [run["curves"][-1].get(column) for run in runs if run["curves"]]
    known = [value for value in last if value is not None and math.isfinite(value)]
    return fmean(known) if known and len(known) == len(runs) else None


def _first(curves: Sequence[Mapping[str, Any]], column: str, target: float) -> int | None:
    return next((int(row["epoch"]) for row in curves if (row.get(column) or -math.inf) >= target), None)


def _late(epoch: int | None) -> float:
    return math.inf if epoch is None else epoch
