"""The table: what was planted, what the verdict said, what one run would have said."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from paribus.contrasts import Contrast
from paribus.looks import Verdict
from paribus.one_run import one_run
from paribus.predictions import RunRecord
from paribus.report.numbers import percent, scale_of
from paribus.report.paper import VERDICTS
from paribus.results import Results
from scoreboard.planted import Outcome, Planted, Truth, outcome

# One run is held against the truth here, as it is held against a full answer of this kind elsewhere.
AS_ANSWER: dict[Truth, Verdict] = {
    "helps": "helps",
    "hurts": "hurts",
    "nothing": "no_practical_difference",
    "tiny": "no_practical_difference",
}
TRUTHS = {"helps": "helps", "hurts": "hurts", "nothing": "no effect", "tiny": "helps, too little to be seen"}
HEAD = ("Planted", "Truth", "Full study [95 %]", "Verdict", "", "One run an arm", "wrong in")


@dataclass(frozen=True)
class Row:
    """One planted effect. Values are in the metric's own unit.

    one_run_low, one_run_high: the ends of what all ways to pick one run an arm say, each run at its best epoch on val.
    one_run_wrong: the share of them that is wrong about the truth (`paribus.one_run`): not its sign, or, where the
    truth is no effect or a tiny one, a difference as large as the margin.
    """

    study: str
    question: str
    planted: str
    truth: Truth
    metric: str
    margin: float | None
    verdict: Verdict
    outcome: Outcome
    difference: float
    low: float
    high: float
    runs: int
    images: int
    ways: int
    one_run_low: float
    one_run_high: float
    one_run_wrong: float


def rows_of(study: str, results: Results, planted: Mapping[str, Planted]) -> list[Row]:
    """A row for every answered question of a study. Raises KeyError for one of which nothing is listed."""
    arms = {arm.name: arm.runs for arm in results.arms}
    return [_row(study, answer, arms, planted[answer.question.name]) for answer in results.contrasts]


def _row(study: str, answer: Contrast, arms: Mapping[str, Sequence[RunRecord]], planted: Planted) -> Row:
    question = answer.question
    picked = one_run([replace(answer, verdict=AS_ANSWER[planted.truth])], arms)[0]
    return Row(
        study=study,
        question=question.name,
        planted=planted.what,
        truth=planted.truth,
        metric=question.metric,
        margin=question.margin,
        verdict=answer.verdict,
        outcome=outcome(planted.truth, answer.verdict, question.control),
        difference=answer.difference,
        low=answer.ci95[0],
        high=answer.ci95[1],
        runs=min(answer.seeds.values()),
        images=answer.images,
        ways=picked.ways,
        one_run_low=picked.smallest,
        one_run_high=picked.largest,
        one_run_wrong=picked.wrong_conclusion or 0.0,
    )


def markdown(rows: Sequence[Row]) -> str:
    """The table and a line that counts it."""
    lines = ["| " + " | ".join(HEAD) + " |", "|:---|:---|---:|:---|:---|---:|---:|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    return "\n".join([*lines, "", summary(rows), ""])


def summary(rows: Sequence[Row]) -> str:
    """How many verdicts are right, open and wrong, and how often one run an arm would have been wrong."""
    counts = Counter(row.outcome for row in rows)
    mean = sum(row.one_run_wrong for row in rows) / max(1, len(rows))
    ever = sum(row.one_run_wrong > 0 for row in rows)
    return (
        f"{len(rows)} planted effects: {counts['right']} verdicts are right, {counts['open']} left open what is true, "
        f"{counts['wrong']} are wrong. Picks of one run an arm are wrong in {percent(mean)} on average over the "
        f"effects, and for {ever} of them in some pick."
    )


def _cells(row: Row) -> list[str]:
    scale = scale_of(row.metric)
    mark = {"right": "✔", "open": "open", "wrong": "✖"}[row.outcome]
    return [
        f"{row.planted} ({row.study})",
        TRUTHS[row.truth],
        f"{scale.change(row.difference)} {scale.interval(row.low, row.high)}",
        VERDICTS[row.verdict],
        mark,
        f"{scale.change(row.one_run_low)} to {scale.change(row.one_run_high)}",
        percent(row.one_run_wrong),
    ]
