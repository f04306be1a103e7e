"""Questions over predictions that were made elsewhere, and their results."""

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np

from paribus import environment, metrics
from paribus.compare.cells import SPLITS, UNNAMED_SPLIT, some
from paribus.compare.joining import Predicted
from paribus.contrasts import contrasts
from paribus.errors import Problem, StudyError, unknown
from paribus.findings import Finding
from paribus.predictions import RunRecord
from paribus.questions import CONTROL, Design, Question
from paribus.results import ArmResult, Results

BASELINE = "baseline"
NEED_SCORES = ("auroc", "neg_brier", "neg_log_loss")
SHARES = ("accuracy", "auroc", "balanced_accuracy", "macro_f1")  # metrics that lie between 0 and 1
RULES = ("last", "val", "crossfit")
Rule = Literal["last", "val", "crossfit"]


def results(
    predicted: Predicted,
    *,
    title: str,
    metric: str = "accuracy",
    margin: float | None = None,
    baseline: str | None = None,
    primary: str | None = None,
    questions: Sequence[Question] | None = None,
    split: str | None = None,
    epoch: Rule = "last",
    command: str | None = None,
) -> Results:
    """Every question answered, as for a study that was run here.

    questions: None asks of every arm whether it is better than the baseline: the arm of that name, or the first.
    primary: the question that is not adjusted for the others; a single one is primary. An arm named `a-a` repeats the
    baseline and is a control. split: where scores are taken; test if it is there. Groups of images are those of the
    file. The design is a fixed one: all runs there are. Raises StudyError with everything that cannot be asked, and
    DataError where the epochs that count were not all given.
    """
    base = baseline or next((a for a in predicted.arms if a == BASELINE), next(iter(predicted.arms)))
    scored = split or next(s for s in (UNNAMED_SPLIT, *reversed(SPLITS)) if s in predicted.splits)
    asked = _every_arm(predicted, base, metric, margin) if questions is None else list(questions)
    problems = _problems(predicted, base, scored, epoch, margin, [metric, *(q.metric for q in asked)])
    if base in predicted.arms:  # else every question of it would be wrong once more
        problems += _wrong_questions(predicted, asked, primary)
    if problems:
        raise StudyError(problems)
    asked = _with_primary(asked, primary)
    design = Design((max(map(len, predicted.arms.values())),), scored, epoch, predicted.groups)
    answered = contrasts(asked, predicted.arms, design)
    main = next((q.name for q in asked if q.primary), None)
    return Results(
        title=title,
        metric=metric,
        margin=margin,
        design=design,
        primary=main,
        arms=tuple(_arm(name, runs, base) for name, runs in predicted.arms.items()),
        questions=tuple(asked),
        contrasts=answered,
        findings=findings(predicted, scored, epoch),
        data=_data(predicted),
        study=_study(predicted, asked, title, metric, margin, base, main, scored, epoch),
        environment=environment.light(),
        seconds=0.0,
        command=command or _command(predicted, base, metric, margin, main),
    )


# ------------------------------------------------------------------------------------------------ what is asked


def _every_arm(predicted: Predicted, base: str, metric: str, margin: float | None) -> list[Question]:
    return [_better(arm, base, metric, margin) for arm in predicted.arms if arm != base]


def _better(arm: str, base: str, metric: str, margin: float | None) -> Question:
    weights = {base: -1.0, arm: 1.0}
    if arm == CONTROL:
        return Question("a/a", "A/A: the same recipe twice, under other seeds", weights, metric, margin, control=True)
    return Question(arm, f"Is {arm} better than {base}?", weights, metric, margin)


def _with_primary(asked: list[Question], primary: str | None) -> list[Question]:
    """The questions with the primary one marked: the one named, the one marked already, or the only one."""
    proper = [q.name for q in asked if not q.control]
    marked = next((q.name for q in asked if q.primary), proper[0] if len(proper) == 1 else None)
    main = primary or marked
    return [Question(**(_fields(q) | {"primary": q.name == main})) for q in asked]


def _fields(question: Question) -> dict[str, Any]:
    fields = asdict(question)
    return fields | {"factors": tuple(fields["factors"])}


def _problems(
    predicted: Predicted, base: str, split: str, epoch: str, margin: float | None, used: Sequence[str]
) -> list[Problem]:
    problems = []
    if base not in predicted.arms:
        problems.append(Problem("ARM_UNKNOWN", unknown("arm", base, list(predicted.arms)), "--baseline"))
    if split not in predicted.splits:
        problems.append(Problem("SPLIT_UNKNOWN", unknown("split", split, predicted.splits), "split"))
    if epoch not in RULES:
        problems.append(Problem("EPOCH_RULE", unknown("rule for the epoch", epoch, RULES), "epoch"))
    elif epoch == "val" and (split == "val" or "val" not in predicted.splits):
        message = "`val` chooses the epoch on val and scores on another split; both must be in the file."
        problems.append(Problem("EPOCH_RULE", message, "epoch", "crossfit needs no second split."))
    if margin is not None and not (math.isfinite(margin) and margin > 0):
        problems.append(Problem("MARGIN", f"must be a number above 0, not {margin}.", "--margin", "for instance 0.02."))
    elif margin is not None and margin >= 1 and used[0] in SHARES:
        message = f"{margin:g} is in the metric's unit, where 1 is everything."
        problems.append(
            Problem("MARGIN", message, "--margin", f"two points are 0.02; {margin:g} points {margin / 100:g}.")
        )
    return problems + [p for metric in dict.fromkeys(used) for p in _metric_problems(predicted, metric)]


def _metric_problems(predicted: Predicted, metric: str) -> list[Problem]:
    if metric not in metrics.names("classification"):
        return [Problem("METRIC_UNKNOWN", unknown("metric", metric, metrics.names("classification")), "--metric")]
    bare = [arm for arm, runs in predicted.arms.items() if any(_kind(r) in ("labels only", "neither") for r in runs)]
    if metric not in NEED_SCORES or not bare:
        return []
    message = f"{metric} needs probabilities or logits, and only the answers of {some(bare)} are known."
    others = ", ".join(n for n in metrics.names("classification") if n not in NEED_SCORES)
    fix = f"give one column a class, with probabilities that sum to 1 or logits; or ask for {others}."
    return [Problem("METRIC_NEEDS_SCORES", message, "--metric", fix)]


def _wrong_questions(predicted: Predicted, asked: Sequence[Question], primary: str | None) -> list[Problem]:
    problems = []
    names = Counter(q.name for q in asked)
    if not asked:
        problems.append(Problem("QUESTION", "there is no question.", fix="ask at least one, or None for every arm."))
    problems += [Problem("QUESTION", f"{n} questions are named {name!r}.") for name, n in names.items() if n > 1]
    for question in asked:
        for arm in question.weights:
            if arm not in predicted.arms:
                message = f"question {question.name!r}: {unknown('arm', arm, list(predicted.arms))}"
                problems.append(Problem("ARM_UNKNOWN", message))
    proper = [q.name for q in asked if not q.control]
    if primary is not None and primary not in proper:
        problems.append(Problem("QUESTION", unknown("question", primary, proper), "--primary"))
    if primary is None and sum(q.primary for q in asked) > 1:
        problems.append(Problem("QUESTION", "several questions are primary; at most one can be."))
    return problems


# ------------------------------------------------------------------------------------------------ what is told


def _arm(name: str, runs: tuple[RunRecord, ...], base: str) -> ArmResult:
    label = "the arm that the others are compared with" if name == base else ""
    return ArmResult(name, label, runs, base=None if name == base else base, control=name == CONTROL)


def _data(predicted: Predicted) -> dict[str, Any]:
    return {
        "name": ", ".join(source["name"] for source in predicted.sources),
        "classes": list(predicted.classes),
        "splits": {split: _counts(predicted, split) for split in predicted.splits if split != "train"},
    }


def _counts(predicted: Predicted, split: str) -> dict[str, int]:
    """Class -> how many images of it the split has."""
    targets = predicted.evidence(predicted.runs[0], split).targets
    counts = np.bincount(targets, minlength=len(predicted.classes)).tolist()
    return dict(zip(predicted.classes, counts, strict=True))


def _study(
    predicted: Predicted,
    asked: Sequence[Question],
    title: str,
    metric: str,
    margin: float | None,
    base: str,
    primary: str | None,
    split: str,
    epoch: str,
) -> dict[str, Any]:
    """What was asked and of which files, JSON-ready; `asked_again` reads it back."""
    return {
        "made_by": "paribus compare",
        "title": title,
        "metric": metric,
        "margin": margin,
        "baseline": base,
        "primary": primary,
        "split": split,
        "epoch": epoch,
        "questions": [_fields(q) | {"factors": list(q.factors)} for q in asked],
        "files": [dict(source) for source in predicted.sources],
        "scores": dict(Counter(_kind(run) for run in predicted.runs)),
        "ignored_columns": list(predicted.ignored),
    }


def asked_again(predicted: Predicted, study: dict[str, Any], command: str | None = None) -> Results:
    """The results for what an earlier call of `results` was asked. Raises KeyError for what it lacks."""
    told = [Question(**(q | {"factors": tuple(q["factors"])})) for q in study["questions"]]
    kept = {name: study[name] for name in ("title", "metric", "margin", "baseline", "primary", "split", "epoch")}
    return results(predicted, **kept, questions=told, command=command)


def _command(predicted: Predicted, base: str, metric: str, margin: float | None, primary: str | None) -> str:
    words = ["paribus", "compare", *(source["name"] for source in predicted.sources)]
    words += ["--baseline", base, "--metric", metric]
    words += ["--margin", f"{margin:g}"] if margin is not None else []
    words += ["--primary", primary] if primary is not None and len(predicted.arms) > 2 else []
    return shlex.join(words)


# ------------------------------------------------------------------------------------------------ findings


def findings(predicted: Predicted, split: str, epoch: str) -> tuple[Finding, ...]:
    """What was looked at before anything was compared."""
    return (
        _same_images(predicted, split),
        _balance(predicted),
        _single_runs(predicted),
        _copies(predicted, split),
        _class_counts(predicted, split),
        _scores_read(predicted),
        _zero_probabilities(predicted),
        _ignored(predicted),
        _epochs(predicted, split, epoch),
        _made_elsewhere(),
    )


def _same_images(predicted: Predicted, split: str) -> Finding:
    images = len(predicted.runs[0].evidence[split].image_ids)
    sentence = (
        f"All {len(predicted.runs)} runs were scored on the same {images} images of {split}, with the same targets."
    )
    return Finding("COMPARE_SAME_IMAGES", "Same images for all runs", "passed", sentence)


def _balance(predicted: Predicted) -> Finding:
    counts = {arm: len(runs) for arm, runs in predicted.arms.items()}
    title = "Runs of each arm"
    if len(set(counts.values())) == 1:
        sentence = f"Every arm has {_plural(next(iter(counts.values())), 'run')}."
        return Finding("COMPARE_BALANCE", title, "passed", sentence)
    told = ", ".join(f"{arm} {n}" for arm, n in counts.items())
    return Finding("COMPARE_BALANCE", title, "tip", f"The arms have different numbers of runs: {told}. All are used.")


def _single_runs(predicted: Predicted) -> Finding:
    single = [arm for arm, runs in predicted.arms.items() if len(runs) == 1]
    title = "More than one run"
    if not single:
        return Finding(
            "COMPARE_ONE_RUN", title, "passed", "Every arm has several runs, so that chance of training is seen."
        )
    sentence = f"One run only: {some(single)}. What another seed would have given is not known; train at least 3."
    return Finding("COMPARE_ONE_RUN", title, "issue", sentence)


def _copies(predicted: Predicted, split: str) -> Finding:
    """Runs of one arm that say exactly the same: a copy, or training that no seed reaches."""
    title = "Seeds made a difference"
    copied = []
    for arm, runs in predicted.arms.items():
        different = {predicted.evidence(run, split).logits.tobytes() for run in runs}
        copied += [f"{arm} ({len(runs)} runs, {len(different)} different)"] if len(different) < len(runs) else []
    if not copied:
        return Finding("COMPARE_COPIES", title, "passed", "No two runs of an arm gave the same predictions throughout.")
    sentence = (
        f"Runs with exactly the same predictions: {', '.join(copied)}. Either a file was copied, or the training has "
        "no chance in it; then one run is all there is, and the spread of runs is no evidence."
    )
    return Finding("COMPARE_COPIES", title, "issue", sentence)


def _class_counts(predicted: Predicted, split: str) -> Finding:
    counts = _counts(predicted, split)
    title = "Classes"
    none = [c for c, n in counts.items() if n == 0]
    if none:
        sentence = f"{len(counts)} classes; no image of {split} is of {some(none)}. Is every column of scores a class?"
        return Finding("COMPARE_CLASSES", title, "tip", sentence)
    low, high = min(counts.values()), max(counts.values())
    each = f"{low}" if low == high else f"{low} to {high}"
    return Finding("COMPARE_CLASSES", title, "passed", f"{len(counts)} classes with {each} images of {split} each.")


def _scores_read(predicted: Predicted) -> Finding:
    title = "How scores were read"
    kinds = Counter(_kind(run) for run in predicted.runs)
    told = {
        "probabilities": "as probabilities (all in [0, 1], each image's sum 1)",
        "logits": "as logits (some below 0 or above 1)",
        "labels only": "as answers without scores: nothing is said about confidence",
        "neither": "only by the highest: they lie in [0, 1], but an image's sum is not 1",
    }
    sentence = "; ".join(f"{_plural(n, 'run')} {told[kind]}" for kind, n in kinds.items()) + "."
    weak = set(kinds) & {"labels only", "neither"}
    return Finding("COMPARE_SCORES", title, "tip" if weak or len(kinds) > 1 else "passed", sentence)


def _zero_probabilities(predicted: Predicted) -> Finding:
    title = "No probability of zero"
    if not any(_kind(run) == "probabilities" for run in predicted.runs):
        return Finding("COMPARE_ZEROS", title, "not_applicable", "No probabilities were given.")
    zeros = {arm: sum((run.facts or {})["zeros"] for run in runs) for arm, runs in predicted.arms.items()}
    told = ", ".join(f"{arm} {n} times" for arm, n in zeros.items() if n)
    if not told:
        return Finding("COMPARE_ZEROS", title, "passed", "Every target was given a probability above 0.")
    sentence = f"Probability 0 for what was true: {told}. The log loss, which would be infinite, stops at 36 there."
    return Finding("COMPARE_ZEROS", title, "tip", sentence)


def _ignored(predicted: Predicted) -> Finding:
    title = "Columns that were not used"
    if not predicted.ignored:
        return Finding("COMPARE_COLUMNS", title, "passed", "Every column was used.")
    return Finding("COMPARE_COLUMNS", title, "tip", f"Not used: {some(predicted.ignored, 10)}.")


def _epochs(predicted: Predicted, split: str, epoch: str) -> Finding:
    title = "Which epoch counts"
    several = max(len(run.evidence[split].epochs) for run in predicted.runs) > 1
    if not several:
        sentence = "One set of predictions a run. If its epoch was chosen on these images, the levels are optimistic."
        return Finding("COMPARE_EPOCH", title, "skipped", sentence)
    rule = {"last": "the last one counts", "val": "the best on val counts", "crossfit": "it is chosen by cross-fitting"}
    return Finding("COMPARE_EPOCH", title, "passed", f"Several epochs a run; {rule[epoch]}.")


def _made_elsewhere() -> Finding:
    sentence = (
        "The models were trained elsewhere: whether two arms differ in one thing only, and whether training and scored "
        "images are apart, cannot be seen from predictions."
    )
    return Finding("COMPARE_RECIPES", "One change at a time", "skipped", sentence)


def _kind(run: RunRecord) -> str:
    return str((run.facts or {})["scores"])


def _plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
