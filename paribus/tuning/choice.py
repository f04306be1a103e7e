"""Which of the values that an arm tried it keeps: decided by val alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, log
from typing import Literal

import numpy as np

from paribus.epochs import Rule, best, chosen
from paribus.metrics import MetricFunction
from paribus.predictions import RunRecord
from paribus.tuning import ON, Values


@dataclass(frozen=True)
class Tried:
    """A candidate and what came of it.

    runs: the ids of its runs, one a tuning seed. scores: what the finished ones of them scored on val. diverged: how
    many of those diverged. seconds: of their training.
    """

    values: Values
    runs: tuple[str, ...]
    scores: tuple[float, ...] = ()
    diverged: int = 0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether all of its runs are there."""
        return len(self.scores) == len(self.runs)

    @property
    def mean(self) -> float | None:
        """The mean of the scores; the same whatever the order of the runs."""
        return fsum(self.scores) / len(self.scores) if self.scores else None


@dataclass(frozen=True)
class Tuned:
    """What tuning found for an arm. own: the values of the arm's own recipe."""

    own: Values
    tried: tuple[Tried, ...]

    @property
    def chosen(self) -> Tried | None:
        """The candidate with the best mean score on val; None until all runs of all candidates are there.

        A candidate with a diverged run is chosen only if every candidate has one. Of equals the one nearest to the
        arm's own values (by ratio) is taken, and of equally near ones the smaller.
        """
        if not all(each.complete for each in self.tried):
            return None
        sound = [each for each in self.tried if not each.diverged] or self.tried
        return min(sound, key=lambda each: (-(each.mean or 0.0), self._distance(each.values), *each.values.values()))

    @property
    def edges(self) -> dict[str, Literal["smallest", "largest"]]:
        """The paths whose chosen value is the smallest or the largest of those tried: the best may lie beyond it."""
        found: dict[str, Literal["smallest", "largest"]] = {}
        for path, value in self.chosen.values.items() if self.chosen else ():
            tried = [each.values[path] for each in self.tried]
            if value in (min(tried), max(tried)):
                found[path] = "smallest" if value == min(tried) else "largest"
        return found

    def _distance(self, values: Values) -> float:
        apart = (
            abs(log(value / self.own[path])) if value > 0 and self.own[path] > 0 else abs(value - self.own[path])
            for path, value in values.items()
        )
        return round(fsum(apart), 9)  # 0.1 and 10 times the own value are equally far


def tried(
    values: Values,
    runs: Sequence[str],
    finished: Sequence[RunRecord],
    rule: Rule,
    metric: MetricFunction,
    groups: Mapping[str, str] | None = None,
) -> Tried:
    """A candidate with the scores of its finished runs. rule: which epoch the study counts; groups: of val's images."""
    return Tried(
        values=values,
        runs=tuple(runs),
        scores=tuple(score(run, rule, metric, groups) for run in finished),
        diverged=sum(run.status == "diverged" for run in finished),
        seconds=sum(run.seconds for run in finished),
    )


def score(run: RunRecord, rule: Rule, metric: MetricFunction, groups: Mapping[str, str] | None = None) -> float:
    """A run's score on val at the epoch that the rule counts: the last, the best on val, or cross-fitted on val.

    Evidence on any other split is not looked at.
    """
    on_val = replace(run, evidence={ON: run.evidence[ON]} if ON in run.evidence else {})
    scores, _ = best(on_val, ON, metric) if rule == "val" else chosen(on_val, ON, rule, metric, groups)
    return float(np.mean(metric(scores)))
