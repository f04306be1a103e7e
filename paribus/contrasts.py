"""From a question and the evidence of its runs to a row of the report."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paribus import metrics as built_in
from paribus import picks, scoring, wording
from paribus.epochs import chosen
from paribus.errors import DataError, Problem, StudyError
from paribus.looks import Decision, Item, replay
from paribus.looks import Verdict as Verdict
from paribus.metrics import MetricFunction, named
from paribus.plans import components, mde, plan
from paribus.predictions import Evidence, MaskEvidence, RunRecord
from paribus.questions import Design, Question
from paribus.stats import Crossed, tipping_point

Floats = NDArray[np.float64]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Contrast:
    """One question answered. Values are in the metric's own unit (0.02 is two points of accuracy).

    low, high: the interval at `level`, the one the verdict used: 1 - alpha of the look for the primary question,
    1 - alpha / m for one of m others (Bonferroni's simultaneous level for the family that Holm tests), and with
    2 alpha in place of alpha where the verdict is equivalence. ci95 and ci90 are for the reader.
    shares: {"runs", "images"}, how much of the variance each accounts for; they sum to 1.
    per_arm: arm -> one value a run, in the order of the seeds, the runs of `look` only. one_run_wrong: the share of
    all ways to pick one run an arm whose difference has the other sign than the full study's; None where the question
    has one run an arm, and where the full difference is exactly 0 and has no sign.
    mde80: the smallest true effect found in 80 % of such studies at 1 - `alpha_used`. plan: what would settle it:
    target, target_is, seeds, seeds_cautious, images (totals, None: no number will do), floor_images, floor_seeds,
    sentence; only `sentence` with one run an arm; empty where the verdict is decisive.
    look: the number of seeds at which the question was decided or last looked at.
    p, p_adjusted, p_equivalence, p_equivalence_adjusted are compared with `alpha`, the level of the look.
    parts: the variances {"A", "B", "C"}. settled: no later look can change the verdict.
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
    alpha: float = 0.05
    alpha_used: float = 0.05
    parts: dict[str, float] = field(default_factory=dict)
    settled: bool = True

    @property
    def score_in(self) -> str | None:
        """The name of the label space in which the arms were scored; None for their own."""
        return None if self.question.score_in is None else str(self.question.score_in["name"])


def contrasts(
    questions: Sequence[Question],
    arms: Mapping[str, Sequence[RunRecord]],
    design: Design,
    metrics: Mapping[str, MetricFunction] | None = None,
) -> tuple[Contrast, ...]:
    """Every question answered, in the order given.

    arms: the finished runs of each arm in the order of the seeds. metrics: functions of user plugins by name.
    Raises StudyError for metrics that are unknown or of another task, weights that do not sum to zero, and questions
    that would subtract metrics of different label spaces; DataError where an arm of a question has no run, evidence is
    missing, or runs were scored on different images, targets, masks or classes.
    """
    _refuse_bad_questions(questions, arms)
    used = sorted({arm for q in questions for arm in _weights(q)})
    sample = _same_images({arm: arms[arm] for arm in used}, design.split)
    _refuse_misfits(questions, arms, design.split, metrics)
    _refuse_other_masks(questions, arms, design.split)
    groups, codes = _group_codes(sample, design.groups)
    scores = _scores(questions, arms, design, metrics)
    items = {q.name: _item(q, scores, codes) for q in questions}
    decisions = replay(list(items.values()), design.looks)
    rows = [_contrast(q, items[q.name], decisions[q.name], design, groups) for q in questions]
    return tuple(_with_average_note(row, rows) for row in rows)


def undecided(rows: Iterable[Contrast]) -> tuple[str, ...]:
    """Names of the questions that a later look could still change; the A/A control is never among them."""
    return tuple(row.question.name for row in rows if not row.settled)


def arms_still_needed(rows: Iterable[Contrast], looks: Sequence[int]) -> dict[str, int]:
    """Arm -> the number of seeds it needs for the next look of its undecided questions; empty when all is settled."""
    needed: dict[str, int] = {}
    for row in rows:
        if row.settled:
            continue
        reached = min(row.seeds.values()) >= row.look
        later = [s for s in looks if s > row.look or (s == row.look and not reached)]
        for arm in row.seeds if later else ():
            needed[arm] = max(needed.get(arm, 0), later[0])
    return needed


def _contrast(question: Question, item: Item, decision: Decision, design: Design, groups: int | None) -> Contrast:
    result, images = decision.result, item.scores[0].shape[1]
    low, high = result.interval(decision.level)
    runs = [y[:n].mean(axis=1) for y, n in zip(item.scores, decision.runs, strict=True)]
    one_run = decision.verdict == "cannot_tell_one_run"
    alpha_used = 0.05 if one_run else decision.alpha / decision.tests
    smallest, planned = (None, _one_run_plan()) if one_run else _planned(question, item, decision, alpha_used)
    squared = sum(w**2 for w in item.weights)
    tipping = tipping_point(result.difference, result.B, squared) if one_run and max(decision.runs) == 1 else None
    level, interval = _printed(decision, question.margin, (low, high))
    names = list(_weights(question))
    return Contrast(
        question=question,
        verdict=decision.verdict,
        sentence=wording.sentence(question, decision, interval, level, design, images, groups, smallest, tipping),
        difference=result.difference,
        se=result.se,
        df=result.df,
        p=decision.p,
        p_adjusted=decision.p_adjusted,
        p_equivalence=decision.p_equivalence,
        p_equivalence_adjusted=decision.p_equivalence_adjusted,
        ci95=result.interval(0.95),
        ci90=result.interval(0.90),
        level=decision.level,
        low=low,
        high=high,
        estimand=result.estimand,
        shares={"runs": result.share_runs, "images": 1 - result.share_runs},
        mde80=smallest,
        plan=planned,
        per_arm={name: values.tolist() for name, values in zip(names, runs, strict=True)},
        seeds=dict(zip(names, decision.runs, strict=True)),
        images=images,
        groups=groups,
        look=decision.look,
        one_run_wrong=_one_run_wrong(runs, item.weights, result.difference) if not one_run else None,
        tipping_point=tipping,
        notes=_same_note(item, decision) + _notes(question, decision, result, interval, groups),
        alpha=decision.alpha,
        alpha_used=alpha_used,
        parts={"A": result.A, "B": result.B, "C": result.C},
        settled=decision.settled,
    )


def _planned(question: Question, item: Item, decision: Decision, alpha: float) -> tuple[float | None, dict[str, Any]]:
    """The smallest detectable effect, and what would settle an open question."""
    fixed = decision.result.estimand == "these_images"
    scores = [y[:n] for y, n in zip(item.scores, decision.runs, strict=True)]
    parts = components(scores, item.weights, None if fixed else item.groups, images_fixed=fixed)
    images = item.scores[0].shape[1]
    seeds = len(decision.runs) / sum(1 / n for n in decision.runs)
    target = question.margin if question.margin is not None else abs(decision.result.difference)
    smallest = mde(parts, seeds, images, alpha)
    if decision.verdict != "cannot_tell" or target == 0:
        return smallest, {}
    found = plan(parts, target, seeds, images, sum(n - 1 for n in decision.runs), alpha)
    words = wording.plan_sentence(question, found, seeds, images, fixed)
    source = "margin" if question.margin is not None else "observed"
    row = asdict(found) | {"target_is": source, "sentence": words}
    return smallest, row | {"images": None, "floor_images": None} if fixed else row


def _one_run_plan() -> dict[str, Any]:
    return {"sentence": "Train at least 3 seeds an arm (5 or more are better): one run an arm cannot carry a verdict."}


def _printed(
    decision: Decision, margin: float | None, interval: tuple[float, float]
) -> tuple[float, tuple[float, float]]:
    """The interval for the sentence, and its level.

    The verdict's own, unless Holm's step-down reached a verdict that the wider simultaneous interval does not show:
    then the unadjusted one of the look.
    """
    if decision.verdict in ("helps", "hurts") and interval[0] <= 0 <= interval[1]:
        return 1 - decision.alpha, decision.result.interval(1 - decision.alpha)
    if decision.verdict == "no_practical_difference" and max(-interval[0], interval[1]) >= (margin or 0.0):
        return 1 - 2 * decision.alpha, decision.result.interval(1 - 2 * decision.alpha)
    return decision.level, interval


def _notes(
    question: Question, decision: Decision, result: Crossed, interval: tuple[float, float], groups: int | None
) -> tuple[str, ...]:
    notes = []
    if question.kind == "interaction":
        notes.append(wording.half_scale_note(question, result.difference, interval))
    if result.estimand == "these_images":
        units = f"{groups} groups of images" if groups is not None else "so few images"
        notes.append(f"Only {units}: the answer is for exactly these images, not for new ones.")
    if decision.verdict in ("helps", "hurts") and decision.tests > 1:
        low, high = result.interval(decision.level)
        if low <= 0 <= high:
            notes.append("Holm's step-down test decides; the simultaneous interval, which is wider, covers zero.")
    if result.equal_run_variance:
        notes.append("Some arm has one run: equal run variance in all arms is assumed.")
    if len(set(decision.runs)) > 1:
        notes.append("The arms have different numbers of runs.")
    return tuple(notes)


def _same_note(item: Item, decision: Decision) -> tuple[str, ...]:
    first, *others = (y[:n] for y, n in zip(item.scores, decision.runs, strict=True))
    if decision.verdict == "identical" or not all(np.array_equal(first, y) for y in others):
        return ()
    return ("All arms gave the same scores in every run: the change may not have reached the network.",)


def _with_average_note(row: Contrast, rows: Sequence[Contrast]) -> Contrast:
    """A main effect told that it is an average, unless every interaction of its factor is practically nothing."""
    if row.question.kind != "effect":
        return row
    factor = row.question.factors[0] if row.question.factors else ""
    involved = [r for r in rows if r.question.kind == "interaction" and factor in r.question.factors]
    open_ones = [r for r in involved if r.verdict not in ("no_practical_difference", "identical")]
    notes = tuple(wording.average_note(r.question, r.verdict, factor) for r in open_ones)
    return replace(row, notes=row.notes + notes)


def _one_run_wrong(runs: Sequence[Floats], weights: Sequence[float], difference: float) -> float | None:
    """The share of picks of one run an arm whose difference has the other sign."""
    if difference == 0:
        return None
    return float(np.mean(picks.differences(runs, weights) * np.sign(difference) < -1e-12))


def _item(question: Question, scores: Mapping[Key, Floats], codes: NDArray[np.int64] | None) -> Item:
    weights = _weights(question)
    role: Literal["primary", "other", "control"] = "primary" if question.primary else "other"
    return Item(
        question.name,
        tuple(weights.values()),
        tuple(scores[_key(question, arm)] for arm in weights),
        question.margin,
        "control" if question.control else role,
        codes,
    )


def _scores(
    questions: Sequence[Question],
    arms: Mapping[str, Sequence[RunRecord]],
    design: Design,
    metrics: Mapping[str, MetricFunction] | None,
) -> dict[Key, Floats]:
    """(metric, label space, arm) -> (runs, images), each computed once."""
    found: dict[Key, Floats] = {}
    for question in questions:
        metric = scoring.scored_in(named(question.metric, metrics), question.score_in)
        for arm in _weights(question):
            key = _key(question, arm)
            if key not in found:
                found[key] = np.stack([_run_scores(run, design, metric) for run in arms[arm]])
    return found


def _key(question: Question, arm: str) -> Key:
    return question.metric, json.dumps(question.score_in, sort_keys=True), arm


def _run_scores(run: RunRecord, design: Design, metric: MetricFunction) -> Floats:
    scores, _ = chosen(run, design.split, design.epoch, metric, design.groups)
    return metric(scores)


def _weights(question: Question) -> dict[str, float]:
    return {arm: w for arm, w in question.weights.items() if w != 0}


def _refuse_bad_questions(questions: Sequence[Question], arms: Mapping[str, Sequence[RunRecord]]) -> None:
    uneven = [q.name for q in questions if not _weights(q) or abs(sum(q.weights.values())) > 1e-9]
    if uneven:
        raise StudyError([Problem("QUESTION", f"The weights of question {n!r} must sum to zero.") for n in uneven])
    absent = [(q.name, arm) for q in questions for arm in _weights(q) if not arms.get(arm)]
    if absent:
        raise DataError([Problem("RUNS", f"Question {q!r} needs arm {a!r}, which has no run.") for q, a in absent])


def _refuse_misfits(
    questions: Sequence[Question],
    arms: Mapping[str, Sequence[RunRecord]],
    split: str,
    metrics: Mapping[str, MetricFunction] | None,
) -> None:
    """Metrics of another task, and differences between label spaces."""
    found: list[Problem | None] = []
    for question in questions:
        kept = {arm: arms[arm][0].evidence[split] for arm in _weights(question)}
        masks = all(isinstance(evidence, MaskEvidence) for evidence in kept.values())
        found.append(built_in.misfit(question.metric, "segmentation" if masks else "classification", metrics))
        if masks:
            found += scoring.misfits(question, {arm: evidence.classes for arm, evidence in kept.items()})
        elif question.score_in is not None:
            message = f"question {question.name!r}: score_in belongs to label spaces, which classification has not."
            found.append(Problem("SCORE_IN", message))
    problems = [problem for problem in found if problem]
    if problems:
        raise StudyError(problems)


def _same_images(arms: Mapping[str, Sequence[RunRecord]], split: str) -> tuple[str, ...]:
    """The image ids of all runs. Raises DataError that lists every run scored on something else."""
    first, wrong = None, []
    for arm, runs in arms.items():
        for run in runs:
            if split not in run.evidence:
                wrong.append(f"Arm {arm!r}, seed {run.seed}: no evidence on {split!r}.")
                continue
            evidence = run.evidence[split]
            first = first or evidence
            wrong += [f"Arm {arm!r}, seed {run.seed}: {what} than the first run." for what in _unlike(evidence, first)]
    if wrong:
        raise DataError([Problem("IMAGES_DIFFER", w, fix="Score all runs on the same images.") for w in wrong])
    return first.image_ids if first else ()


def _unlike(evidence: Evidence | MaskEvidence, first: Evidence | MaskEvidence) -> list[str]:
    """In what the evidence of a run is not that of the first; masks are compared by `_refuse_other_masks`."""
    found = [] if evidence.image_ids == first.image_ids else ["other images"]
    if isinstance(evidence, Evidence) and isinstance(first, Evidence):
        found += [] if np.array_equal(evidence.targets, first.targets) else ["other targets"]
        found += [] if evidence.classes == first.classes else ["other classes"]
    elif type(evidence) is not type(first):
        found.append("another task")
    return found


def _refuse_other_masks(questions: Sequence[Question], arms: Mapping[str, Sequence[RunRecord]], split: str) -> None:
    """The true pixels of each class and image must be the same for all runs of a question, in its label space."""
    wrong: dict[str, None] = {}
    for question in questions:
        runs = [(arm, run) for arm in _weights(question) for run in arms[arm]]
        truths = [_true_pixels(run.evidence[split], question) for _, run in runs]
        for (arm, run), truth in zip(runs, truths, strict=True):
            if not np.array_equal(truth, truths[0]):
                wrong[f"Arm {arm!r}, seed {run.seed}: other true masks than the first run of {question.name!r}."] = None
    if wrong:
        raise DataError([Problem("IMAGES_DIFFER", w, fix="Score all runs on the same masks.") for w in wrong])


def _true_pixels(evidence: Evidence | MaskEvidence, question: Question) -> NDArray[np.int64]:
    """(images, classes) pixels of the truth; nothing for a classification."""
    if not isinstance(evidence, MaskEvidence) or not evidence.epochs:
        return np.zeros((0, 0), np.int64)
    counts = evidence.at(evidence.epochs[0])
    seen = scoring.in_space(counts, question.score_in) if question.score_in else counts
    return np.asarray(seen.confusion.sum(axis=2))


def _group_codes(ids: tuple[str, ...], groups: Mapping[str, str] | None) -> tuple[int | None, NDArray[np.int64] | None]:
    """How many groups there are, and (images,) the group of each image as a number."""
    if groups is None or not ids:
        return None, None
    lost = [i for i in ids if i not in groups]
    if lost:
        raise DataError(f"{len(lost)} images have no group, for instance {lost[0]!r}. Give every image one.")
    names, codes = np.unique([groups[i] for i in ids], return_inverse=True)
    return len(names), codes.reshape(-1).astype(np.int64)
