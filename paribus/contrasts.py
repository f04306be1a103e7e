"""From a question and the evidence of its runs to a row of the report."""

from dataclasses import dataclass, field
from typing import Any, Literal

from paribus.questions import Question

Verdict = Literal["helps", "hurts", "no_practical_difference", "cannot_tell", "cannot_tell_one_run", "identical"]


@dataclass(frozen=True)
class Contrast:
    """One question answered. Values are in the metric's own unit (0.02 is two points of accuracy).

    low, high: the interval at `level`, the one the verdict used; ci95 and ci90 are for the reader.
    shares: {"runs", "images"}, how much of the variance each accounts for; they sum to 1.
    per_arm: arm -> one value a run, in the order of the seeds. one_run_wrong: the share of all ways to pick one run
    an arm whose difference has the other sign than the full study's; None where the question has one run an arm.
    mde80: the smallest true effect found in 80 % of such studies. plan: what would settle it (STATISTICS 1g).
    look: the number of seeds at which the question was decided or last looked at.
    """

    question: Question
    verdict: Verdict
    sentence: str
    difference: float
    se: float
    df: float
    p: float
    p_adjusted: float
    p_equivalence: float | None
    p_equivalence_adjusted: float | None
    ci95: tuple[float, float]
    ci90: tuple[float, float]
    level: float
    low: float
    high: float
    estimand: Literal["new_images", "these_images", "these_networks"]
    shares: dict[str, float]
    mde80: float | None
    plan: dict[str, Any] = field(default_factory=dict)
    per_arm: dict[str, list[float]] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
    images: int = 0
    groups: int | None = None
    look: int = 0
    one_run_wrong: float | None = None
    tipping_point: float | None = None
    notes: tuple[str, ...] = ()
