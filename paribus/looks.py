"""Verdicts, replayed look by look from the stored runs: pure numbers in, decisions out.

At look k every question that is still open is read from the first S_k seeds of its arms, at the level that was
declared for this look. Equivalence is tested first, then difference. The primary question is unadjusted; all others
form two Holm families, one of differences and one of equivalences. A question stops at its first decisive verdict and
later seeds do not reopen it; one that stopped without rejection keeps its place in the family (with p = 1), a rejected
one frees its level for the others, so that the error over all looks and questions stays at 5 %.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paribus.plans import components, futile
from paribus.stats import (
    BORROW_FROM,
    FEWEST_GROUPS,
    Crossed,
    contrast,
    equivalence_p,
    holm,
    look_alphas,
    mcnemar,
    these_images,
)

Floats = NDArray[np.float64]
Verdict = Literal["helps", "hurts", "no_practical_difference", "cannot_tell", "cannot_tell_one_run", "identical"]
DECISIVE = ("helps", "hurts", "no_practical_difference")
CONTROL_ALPHA = 0.05


@dataclass(frozen=True)
class Item:
    """A question as numbers. scores: one array (runs, images) an arm, all runs there are; groups: codes or None."""

    name: str
    weights: tuple[float, ...]
    scores: tuple[Floats, ...]
    margin: float | None = None
    role: Literal["primary", "other", "control"] = "other"
    groups: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Decision:
    """How a question stands. look: seeds an arm at which it was read; runs: runs used, one number an arm.

    alpha: the level of the look. tests: the size of the family whose level was shared (1 for the primary).
    settled: no further look can change it. reached: the runs of the look were all there.
    """

    verdict: Verdict
    result: Crossed
    look: int
    runs: tuple[int, ...]
    alpha: float
    p: float
    p_adjusted: float
    p_equivalence: float | None = None
    p_equivalence_adjusted: float | None = None
    tests: int = 1
    tests_equivalence: int = 1
    settled: bool = False
    reached: bool = True
    futile: bool = False

    @property
    def detected(self) -> bool:
        """Whether a difference from zero was found at the level of the look, after Holm's adjustment."""
        return self.reached and min(self.runs) > 1 and self.p_adjusted <= self.alpha and self.result.difference != 0

    @property
    def level(self) -> float:
        """The level of the interval that belongs to the verdict; simultaneous (Bonferroni) over the family."""
        if self.verdict == "cannot_tell_one_run":
            return 0.95
        if self.verdict == "no_practical_difference":
            return 1 - 2 * self.alpha / self.tests_equivalence
        return 1 - self.alpha / self.tests


def replay(items: Sequence[Item], looks: Sequence[int]) -> dict[str, Decision]:
    """The decision on every item, by name. looks: ascending numbers of seeds; one number is a fixed design.

    A fixed design uses what runs there are, up to its number. A later look is read once every arm of the question
    has that many runs; a question short of the first look stays open.
    """
    decisions = {item.name: _control(item, looks) for item in items if item.role == "control"}
    asked = [item for item in items if item.role != "control"]
    for number, alpha in enumerate(look_alphas(len(looks))):
        waiting = [i for i in asked if i.name not in decisions or not decisions[i.name].settled]
        ready = [i for i in waiting if _reached(i, looks, number)]
        decisions |= _decide(ready, asked, decisions, looks, number, alpha)
    unread = [item for item in asked if item.name not in decisions]
    others = sum(item.role == "other" for item in asked)
    return decisions | {item.name: _too_early(item, looks, others) for item in unread}


def read(item: Item, seeds: int) -> Crossed:
    """The contrast from the first `seeds` runs of every arm, for new images where there are groups enough."""
    scores = [y[:seeds] for y in item.scores]
    if _group_count(item) < 2:
        return these_images(scores, item.weights) if _runs_known(scores) else contrast(scores, item.weights)
    crossed = contrast(scores, item.weights, item.groups)
    if _group_count(item) < FEWEST_GROUPS and crossed.estimand == "new_images":
        return these_images(scores, item.weights)
    return crossed


def _decide(
    ready: Sequence[Item],
    asked: Sequence[Item],
    before: dict[str, Decision],
    looks: Sequence[int],
    number: int,
    alpha: float,
) -> dict[str, Decision]:
    """One look at the questions that are ready for it."""
    others = [i for i in asked if i.role == "other"]
    with_margin = [i for i in others if i.margin is not None]
    now = {i.name: _reading(i, looks[number], alpha, len(others), len(with_margin)) for i in ready}
    p = _adjusted({n: d.p for n, d in now.items()}, _unrejected(others, before, _difference_found))
    q = _adjusted(
        {n: d.p_equivalence for n, d in now.items() if d.p_equivalence is not None},
        _unrejected(with_margin, before, _equivalence_found),
    )
    judged = {}
    for item in ready:
        reading = now[item.name]
        adjusted = replace(
            reading,
            p_adjusted=p.get(item.name, reading.p),
            p_equivalence_adjusted=q.get(item.name, reading.p_equivalence),
        )
        judged[item.name] = _settled(item, replace(adjusted, verdict=_verdict(adjusted)), looks, number)
    return judged


def _reading(item: Item, seeds: int, alpha: float, family: int, equivalence_family: int) -> Decision:
    """An item read at a look, not yet adjusted or judged."""
    runs = tuple(min(len(y), seeds) for y in item.scores)
    result = read(item, seeds)
    testable = min(runs) > 1 and not result.identical
    equivalence = equivalence_p(result.difference, result.se, result.df, item.margin or 0.0) if testable else 1.0
    shared = item.role == "other"
    p = _one_run_p(item, result) if max(runs) == 1 else result.p
    return Decision(
        verdict="cannot_tell",
        result=result,
        look=seeds,
        runs=runs,
        alpha=alpha,
        p=p,
        p_adjusted=p,
        p_equivalence=None if item.margin is None else equivalence,
        tests=max(family, 1) if shared else 1,
        tests_equivalence=max(equivalence_family, 1) if shared else 1,
    )


def _verdict(reading: Decision) -> Verdict:
    if min(reading.runs) == 1:
        return "cannot_tell_one_run"
    if reading.result.identical:
        return "identical"
    if reading.p_equivalence_adjusted is not None and reading.p_equivalence_adjusted <= reading.alpha:
        return "no_practical_difference"
    if reading.detected:
        return "helps" if reading.result.difference > 0 else "hurts"
    return "cannot_tell"


def _settled(item: Item, decision: Decision, looks: Sequence[int], number: int) -> Decision:
    if decision.verdict in DECISIVE or number == len(looks) - 1:
        return replace(decision, settled=True)
    if decision.verdict == "cannot_tell" and item.margin is not None and _is_futile(item, decision, looks):
        return replace(decision, settled=True, futile=True)
    return decision


def _is_futile(item: Item, decision: Decision, looks: Sequence[int]) -> bool:
    fixed = decision.result.estimand == "these_images"
    groups = None if fixed else item.groups
    parts = components([y[: decision.look] for y in item.scores], item.weights, groups, images_fixed=fixed)
    alpha = look_alphas(len(looks))[-1] / decision.tests
    return futile(parts, item.margin or 0.0, looks[-1], item.scores[0].shape[1], alpha)


def _adjusted(p: dict[str, float], family: Sequence[str]) -> dict[str, float]:
    """Holm over the family; members that are not read at this look stand in with p = 1."""
    if not family:
        return {}
    return dict(zip(family, map(float, holm([p.get(name, 1.0) for name in family])), strict=True))


def _unrejected(family: Sequence[Item], before: dict[str, Decision], rejected: Callable[[Decision], bool]) -> list[str]:
    """Names of the family that were not rejected at an earlier look."""
    return [i.name for i in family if i.name not in before or not rejected(before[i.name])]


def _difference_found(decision: Decision) -> bool:
    return decision.settled and decision.detected


def _equivalence_found(decision: Decision) -> bool:
    return decision.settled and decision.verdict == "no_practical_difference"


def _control(item: Item, looks: Sequence[int]) -> Decision:
    """The A/A row: one reading, at the last look that its runs reach; it never asks for more."""
    reached = [s for k, s in enumerate(looks) if _reached(item, looks, k)] or [looks[0]]
    reading = _reading(item, reached[-1], CONTROL_ALPHA, 1, 1)
    adjusted = replace(reading, p_equivalence_adjusted=reading.p_equivalence, settled=True)
    return replace(adjusted, verdict=_verdict(adjusted))


def _too_early(item: Item, looks: Sequence[int], family: int) -> Decision:
    """A question whose runs do not reach the first look: shown, never decided."""
    reading = _reading(item, looks[0], look_alphas(len(looks))[0], family, family)
    verdict: Verdict = "cannot_tell_one_run" if min(reading.runs) == 1 else "cannot_tell"
    return replace(reading, verdict=verdict, reached=False, p_equivalence_adjusted=reading.p_equivalence)


def _reached(item: Item, looks: Sequence[int], number: int) -> bool:
    return len(looks) == 1 or min(len(y) for y in item.scores) >= looks[number]


def _one_run_p(item: Item, result: Crossed) -> float:
    """McNemar's exact p for two single networks with independent images scored right or wrong; else that of t."""
    binary = all(np.isin(y[:1], (0.0, 1.0)).all() for y in item.scores)
    if sorted(item.weights) != [-1.0, 1.0] or item.groups is not None or not binary:
        return result.p
    e = sum((w * y[0] for w, y in zip(item.weights, item.scores, strict=True)), np.zeros(item.scores[0].shape[1]))
    return mcnemar(int((e > 0).sum()), int((e < 0).sum()))


def _group_count(item: Item) -> int:
    return item.scores[0].shape[1] if item.groups is None else len(np.unique(item.groups))


def _runs_known(scores: Sequence[Floats]) -> bool:
    """Whether the spread of runs can be estimated in every arm, borrowed from the others if need be."""
    counts = [len(y) for y in scores]
    return min(counts) > 1 or max(counts) >= BORROW_FROM
