"""Validity checks: what was looked at, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from paribus.contrasts import Contrast
from paribus.predictions import RunRecord

Outcome = Literal["passed", "issue", "tip", "not_applicable", "skipped", "ignored"]


@dataclass(frozen=True)
class Finding:
    """One check. `code` is stable; `sentence` says what was found in this study."""

    code: str
    title: str
    outcome: Outcome
    sentence: str


@dataclass(frozen=True)
class Looked:
    """What the checks look at: the study's lock, its finished runs by arm, and the answers."""

    study: dict[str, Any]
    runs: dict[str, Sequence[RunRecord]]
    rows: Sequence[Contrast]


def of_study(study: dict[str, Any], arms: Sequence[Any], rows: Sequence[Contrast]) -> tuple[Finding, ...]:
    """Every check of a study that was run here, in a fixed order. `arms` have `name` and `runs`."""
    looked = Looked(study, {arm.name: arm.runs for arm in arms}, rows)
    return tuple(check(looked) for check in CHECKS)


def _one_training_set(looked: Looked) -> Finding:
    title = "One training set"
    sentence = (
        "All runs share one training set: what another set of training images would do is outside every interval."
    )
    return Finding("ONE_TRAINING_SET", title, "tip", sentence)


def _scored_where_chosen(looked: Looked) -> Finding:
    title = "Choice of the epoch"
    rule, split = looked.study["epoch"], looked.study["split"]
    said = {
        "last": f"The last epoch counts, declared beforehand; nothing was chosen on the {split} images.",
        "val": f"Epochs were chosen on val and scored on {split}: no image is scored by an epoch it helped to choose.",
        "crossfit": f"Epochs were cross-fitted on two halves of {split}: no image helped to choose its epoch.",
    }
    return Finding("EPOCH_CHOICE", title, "passed", said[rule])


def _control(looked: Looked) -> Finding:
    code, title = "AA_CONTROL", "A/A control"
    row = next((r for r in looked.rows if r.question.control), None)
    if row is None:
        sentence = "The study has no A/A control; `control: a/a` would show its noise floor for the price of one arm."
        return Finding(code, title, "skipped", sentence)
    if row.verdict in ("helps", "hurts"):
        sentence = (
            "The same recipe under other seeds came out as different. By chance this happens to one study in twenty."
        )
        return Finding(code, title, "issue", sentence)
    return Finding(code, title, "passed", "The same recipe under other seeds could not be told apart, as it should be.")


def _frozen(looked: Looked) -> Finding:
    code, title = "FROZEN", "Frozen parts"
    certificates = [c for run in _all_runs(looked) if (c := (run.facts or {}).get("certificate"))]
    frozen = [c for c in certificates if c["parameters_frozen"]]
    if not frozen:
        return Finding(code, title, "not_applicable", "No arm freezes anything.")
    broken = [c for c in frozen if not c["held"]]
    if broken:
        return Finding(
            code, title, "issue", f"In {len(broken)} runs something frozen moved: they are not what they claim."
        )
    return Finding(
        code, title, "passed", f"What was frozen stood still in all {len(frozen)} runs, by hash before and after."
    )


def _diverged(looked: Looked) -> Finding:
    code, title = "DIVERGED", "Diverged runs"
    lost = {arm: sum(run.status == "diverged" for run in runs) for arm, runs in looked.runs.items()}
    lost = {arm: n for arm, n in lost.items() if n}
    if not lost:
        return Finding(code, title, "passed", "Every run stayed finite to its last epoch.")
    named = ", ".join(f"{arm} ({n})" for arm, n in lost.items())
    sentence = f"Diverged: {named}. They are scored at their last finite epoch and counted, not dropped."
    return Finding(code, title, "issue", sentence)


def _one_environment(looked: Looked) -> Finding:
    code, title = "ENVIRONMENTS", "Environments"
    seen = {repr(sorted((run.facts or {}).get("environment", {}).items(), key=str)) for run in _all_runs(looked)}
    if len(seen) <= 1:
        return Finding(code, title, "passed", "All runs come from one environment: versions, threads and processor.")
    sentence = f"The runs come from {len(seen)} environments; differences between arms may come from there."
    return Finding(code, title, "issue", sentence)


def _images_left_out(looked: Looked) -> Finding:
    code, title = "IMAGES_LEFT_OUT", "Images left out"
    left_out = looked.study["data"]["left_out"]
    if not left_out:
        return Finding(code, title, "passed", "Every image of the data set could be used.")
    return Finding(
        code, title, "issue", f"{left_out} files could not be used; data.lock.json names each with the reason."
    )


def _data_warnings(looked: Looked) -> Finding:
    code, title = "DATA_WARNINGS", "Oddities of the data"
    kinds = looked.study["data"]["warnings"]
    if not kinds:
        return Finding(
            code, title, "passed", "The scan found nothing odd: no duplicates inside a split, no near copies."
        )
    counts = ", ".join(f"{kind['count']} x {kind['code']}" for kind in kinds)
    return Finding(code, title, "tip", f"The scan noted {counts}. For example: {kinds[0]['example']}")


def _equal_tuning(looked: Looked) -> Finding:
    code, title = "EQUAL_TUNING", "No arm tuned on its own"
    arms = [arm["name"] for arm in looked.study["arms"] if arm["name"] not in ("baseline", "a-a")]
    if not arms:
        return Finding(code, title, "not_applicable", "There is one arm.")
    sentence = "Arms share the baseline's learning rates unless they change them; none was tuned on its own here."
    return Finding(code, title, "tip", sentence)


def _bundles(looked: Looked) -> Finding:
    code, title = "BUNDLES", "One factor a question"
    bundled = [row.question.name for row in looked.rows if row.question.bundle]
    if not bundled:
        return Finding(
            code, title, "passed", "The two sides of every comparison differ in one thing (completed recipes)."
        )
    sentence = f"{', '.join(bundled)}: several things change at once, so that no single change can be credited."
    return Finding(code, title, "issue", sentence)


def _consequences(looked: Looked) -> Finding:
    code, title = "CONSEQUENCES", "A change brings others with it"
    brought = {row.question.name: list(row.question.consequences) for row in looked.rows if row.question.consequences}
    if not brought:
        return Finding(code, title, "passed", "No change brought another one with it.")
    named = "; ".join(f"{name}: {', '.join(paths)}" for name, paths in brought.items())
    return Finding(code, title, "tip", f"A change can bring others with it. Here: {named}.")


def _precision(looked: Looked) -> Finding:
    code, title = "PRECISION", "Precision"
    by_arm = {arm["name"]: arm["recipe"]["precision"] for arm in looked.study["arms"]}
    if len(set(by_arm.values())) == 1:
        return Finding(code, title, "passed", f"All arms compute in {next(iter(by_arm.values()))}.")
    return Finding(
        code, title, "tip", "Arms compute in different precisions; a difference between them may come from there."
    )


def _one_run(looked: Looked) -> Finding:
    code, title = "ONE_RUN", "Runs an arm"
    single = [arm for arm, runs in looked.runs.items() if len(runs) == 1]
    if not single:
        return Finding(code, title, "passed", "Every arm has several runs.")
    sentence = f"One run: {', '.join(single)}. Whether the arm or the seed made a difference cannot be told."
    return Finding(code, title, "issue", sentence)


def _few_groups(looked: Looked) -> Finding:
    code, title = "FEW_GROUPS", "Groups of images"
    groups = looked.study["data"]["groups"]
    if not groups:
        return Finding(code, title, "not_applicable", "Images are taken as independent; no groups were declared.")
    count = len(set(groups.values()))
    if count < 8:
        sentence = f"The images form {count} groups, fewer than 8: verdicts speak of exactly these images."
        return Finding(code, title, "issue", sentence)
    return Finding(code, title, "passed", f"Intervals count {count} groups of images, not single images.")


def _fixed_margin(looked: Looked) -> Finding:
    code, title = "MARGIN", "Margin"
    if looked.study["margin"] is None:
        sentence = "No margin was declared, so that no question can end as `no practical difference`."
        return Finding(code, title, "tip", sentence)
    return Finding(code, title, "passed", "The margin was declared in the study file, before the runs.")


def _all_runs(looked: Looked) -> list[RunRecord]:
    return list({run.id: run for runs in looked.runs.values() for run in runs}.values())


CHECKS: tuple[Callable[[Looked], Finding], ...] = (
    _one_training_set,
    _one_run,
    _scored_where_chosen,
    _bundles,
    _consequences,
    _control,
    _frozen,
    _diverged,
    _equal_tuning,
    _precision,
    _fixed_margin,
    _few_groups,
    _one_environment,
    _images_left_out,
    _data_warnings,
)
