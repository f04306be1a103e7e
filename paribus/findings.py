"""Validity checks: what was looked at, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from paribus import environment
from paribus.contrasts import Contrast
from paribus.per_class import FEWEST_IMAGES
from paribus.predictions import MaskEvidence, RunRecord
from paribus.questions import BLOCK, CONTROL, Question
from paribus.stats import FEWEST_GROUPS
from paribus.tuning import checks
from paribus.tuning.choice import Tuned

NEAR = "SPLIT_NEAR_DUPLICATE"  # the scan's warning of images of two splits that look alike
VIDEO = "VIDEO_BETWEEN"  # the scan's warning of a split that lies between training frames of the same video
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
    """What the checks look at: the study's lock, its finished runs by arm, the answers, and what tuning found."""

    study: dict[str, Any]
    runs: dict[str, Sequence[RunRecord]]
    rows: Sequence[Contrast]
    tuned: dict[str, Tuned]  # by arm; empty where nothing was tuned


def of_study(study: dict[str, Any], arms: Sequence[Any], rows: Sequence[Contrast]) -> tuple[Finding, ...]:
    """Every check of a study that was run here, in a fixed order. `arms` have `name`, `runs` and `tuning`."""
    tuned = {arm.name: arm.tuning for arm in arms if arm.tuning is not None}
    looked = Looked(study, {arm.name: arm.runs for arm in arms}, rows, tuned)
    return tuple(check(looked) for check in CHECKS)


def _one_training_set(looked: Looked) -> Finding:
    """What the intervals hold of the training set's own luck."""
    shares = {arm["name"]: (arm["recipe"].get("data") or {}).get("train_fraction", 1.0) for arm in looked.study["arms"]}
    if set(shares.values()) == {1.0}:
        title = "One training set"
        sentence = (
            "All runs share one training set: what another set of training images would do is outside every interval."
        )
        return Finding("ONE_TRAINING_SET", title, "tip", sentence)
    code, title = "ONE_TRAINING_SET", "Training images drawn by each seed"
    named = ", ".join(f"{arm} ({100 * share:.4g} %)" for arm, share in shares.items() if share < 1)
    sentence = (
        f"Each seed draws its own training images, the same in all arms that draw as many: {named}. Intervals cover "
        "which images of this set are drawn. The draws overlap, so that a new training set would change more."
    )
    apart = [q.name for q in _questions(looked) if len({shares[arm] for arm in q.weights}) > 1]
    if not apart:
        return Finding(code, title, "tip", sentence)
    sentence += (
        f" The two sides of {', '.join(apart)} draw different shares: their run-to-run variation holds different "
        "amounts of the training set's luck, and fewer images mean fewer steps in as many epochs."
    )
    return Finding(code, title, "tip", sentence)


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
    if row.verdict == "cannot_tell_one_run":
        sentence = "The same recipe under one other seed: one run an arm does not show how far seeds differ."
        return Finding(code, title, "skipped", sentence)
    if row.p <= row.alpha and row.difference != 0:
        sentence = (
            "The same recipe under other seeds came out as different"
            f" (p {'< 0.001' if row.p < 0.001 else f'= {row.p:.3f}'}). By chance this happens to one study in twenty; "
            "if it happens again, something else than the seed differs."
        )
        return Finding(code, title, "issue", sentence)
    return Finding(code, title, "passed", "The same recipe under other seeds could not be told apart, as it should be.")


def _frozen(looked: Looked) -> Finding:
    code, title = "FROZEN", "Frozen parts"
    frozen = [c for run in _all_runs(looked) if (c := _certificate_of_something_frozen(run))]
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


def _certificate_of_something_frozen(run: RunRecord) -> dict[str, Any] | None:
    """The certificate of a run that freezes parameters, or nothing but its batch-norm statistics."""
    facts = run.facts or {}
    certificate = facts.get("certificate")
    statistics_frozen = (facts.get("recipe") or {}).get("batch_norm") == "frozen"
    return certificate if certificate and (certificate["parameters_frozen"] or statistics_frozen) else None


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
    every = _environments(looked)
    names = sorted({name for one in every for name in one})
    values = {name: {str(one.get(name, "not known")) for one in every} for name in names}
    moved = {name: found for name, found in values.items() if len(found) > 1}
    if not moved:
        return Finding(code, title, "passed", "All runs come from one environment: versions, threads and processor.")
    named = "; ".join(f"{name}: {', '.join(sorted(found))}" for name, found in moved.items())
    sentence = f"The runs come from several environments ({named}); differences between arms may come from there."
    return Finding(code, title, "issue", sentence)


def _bitwise(looked: Looked) -> Finding:
    """Whether a repetition gives the same bits: on the processor it does; other devices add up in any order."""
    code, title = "DEVICE", "Device"
    used = {str(one["device"]) for one in _environments(looked)}
    others = sorted(used - {"cpu"})
    if not others:
        return Finding(
            code, title, "passed", "All runs computed on the processor, where a repetition gives equal bits."
        )
    sentence = (
        f"Computed on {' and '.join(others)}: not bitwise on this device, for some of its operations add up in any "
        "order. A repeated or resumed run may differ in the last digits, and by more after many steps. Paribus was not "
        "tested on it."
    )
    return Finding(code, title, "tip", sentence)


def _exact(looked: Looked) -> Finding:
    """Runs that went on in another environment than they began in, which `--allow-inexact` lets them."""
    code, title = "EXACT", "Interrupted runs"
    moved = {
        f"{arm}, seed {run.seed}": (run.facts or {}).get("inexact") or []
        for arm, runs in looked.runs.items()
        for run in runs
        if (run.facts or {}).get("exact", True) is not True
    }
    if not moved:
        return Finding(code, title, "passed", "Every run ended in the environment in which it began.")
    named = "; ".join(f"{name}{_moved(told)}" for name, told in moved.items())
    sentence = f"Not exact, for they went on in another environment: {named}. Their numbers cannot be had again."
    return Finding(code, title, "issue", sentence)


def _moved(told: list[dict[str, Any]]) -> str:
    parts = [
        f"after epoch {each['epoch']}: " + ", ".join(f"{k} {old} -> {new}" for k, (old, new) in each["changed"].items())
        for each in told
    ]
    return f" ({'; '.join(parts)})" if parts else ""


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
    kinds = [kind for kind in looked.study["data"]["warnings"] if kind["code"] not in (VIDEO, NEAR)]
    if not kinds:
        return Finding(code, title, "passed", "The scan found nothing odd, such as duplicates inside a split.")
    counts = ", ".join(f"{kind['count']} x {kind['code']}" for kind in kinds)
    return Finding(code, title, "tip", f"The scan noted {counts}. For example: {kinds[0]['example']}")


def _twins(looked: Looked) -> Finding:
    """Scored images that have a copy, or nearly one, in another split."""
    code, title = "TWINS", "Images that splits share"
    told = looked.study["data"].get("alike")
    if told is None:
        return Finding(code, title, "not_applicable", "The scan of that time did not keep which images look alike.")
    split = looked.study["split"]
    scored, others = len(told["images"].get(split, ())), told["count"]
    if not scored:
        elsewhere = f" {others} pairs lie in other splits." if others else ""
        return Finding(code, title, "passed", f"No {split} image looks nearly like one of another split.{elsewhere}")
    sentence = (
        f"{scored} {split} image{'s look' if scored > 1 else ' looks'} like one of another split, or nearly: the "
        "report shows the closest pairs, and each arm's score without these images."
    )
    return Finding(code, title, "issue", sentence)


def _video_split(looked: Looked) -> Finding:
    """Frames that are scored and lie between training frames of their own video, and what verdicts over them mean."""
    code, title = "VIDEO_SPLIT", "Split of a video"
    seen = next((kind for kind in looked.study["data"]["warnings"] if kind["code"] == VIDEO), None)
    if seen is None:
        return Finding(code, title, "passed", "The scan found no split that lies between training frames of its video.")
    told = seen["example"].removeprefix(f"warning[{VIDEO}]: ").partition(" Fix: ")[0]
    if seen["count"] == 1 and not told.startswith(f"{looked.study['split']}: "):
        return Finding(code, title, "tip", f"{told} Nothing is scored there; what is chosen on it suits this film.")
    sentence = (
        f"{told} Scored frames resemble frames that were trained on: levels are higher than on other films, and a "
        f"verdict over them is about this one. {_counted_as(looked.study['data']['groups'])} A split by film asks "
        "what holds on another."
    )
    return Finding(code, title, "issue", sentence)


def _counted_as(groups: dict[str, str] | None) -> str:
    """What the intervals take as the independent units of a video."""
    if not groups:
        return "Its frames are counted as independent images, which they are not: declare `groups: {block: 10}`."
    names = set(groups.values())
    if len(names) < FEWEST_GROUPS:
        return f"Its frames form {len(names)} groups, so that verdicts speak of exactly these frames."
    if all(name.startswith(BLOCK) for name in names):
        return f"Intervals count {len(names)} blocks of contiguous frames: they speak of new stretches of it."
    return f"Intervals count {len(names)} groups of frames."


def _rare_classes(looked: Looked) -> Finding:
    code, title = "RARE_CLASSES", "Rare classes"
    kept = (run.evidence.get(looked.study["split"]) for run in _all_runs(looked))
    evidence = next((e for e in kept if isinstance(e, MaskEvidence) and e.epochs), None)
    if evidence is None:
        return Finding(code, title, "not_applicable", "The classes are of whole images, and counted with the data.")
    holds = (evidence.confusion[0].sum(axis=2) > 0).sum(axis=0).tolist()
    images = dict(zip(evidence.classes, holds, strict=True))
    absent = [name for name, count in images.items() if not count]
    rare = [f"{name} ({count})" for name, count in images.items() if 0 < count < FEWEST_IMAGES]
    if not absent and not rare:
        return Finding(code, title, "passed", f"Every class is in at least {FEWEST_IMAGES} of the scored images.")
    parts = []
    if rare:
        parts.append(
            f"In fewer than {FEWEST_IMAGES} of the scored images: {', '.join(rare)}. These classes count in means as "
            "the others do, and their own IoU has no interval."
        )
    if absent:
        parts.append(f"In none: {', '.join(absent)}; means over classes leave them out.")
    return Finding(code, title, "tip", " ".join(parts))


def _equal_tuning(looked: Looked) -> Finding:
    code = "EQUAL_TUNING"
    if len([arm for arm in looked.study["arms"] if arm["name"] != CONTROL]) < 2:
        return Finding(code, "Equal tuning", "not_applicable", "There is one arm.")
    return Finding(code, *checks.effort(looked.study.get("tune"), looked.tuned, _questions(looked)))


def _tuning_edge(looked: Looked) -> Finding:
    return Finding("TUNING_EDGE", *checks.edges(looked.tuned))


def _tuned_where_scored(looked: Looked) -> Finding:
    return Finding("TUNED_WHERE_SCORED", *checks.where_scored(looked.study["split"], looked.tuned))


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
    brought = {
        row.question.name: [*row.question.consequences, *(f"{path} (tuned)" for path in row.question.tuned)]
        for row in looked.rows
        if row.question.consequences or row.question.tuned
    }
    if not brought:
        return Finding(code, title, "passed", "No change brought another one with it.")
    named = "; ".join(f"{name}: {', '.join(paths)}" for name, paths in brought.items())
    return Finding(code, title, "tip", f"A change can bring others with it. Here: {named}.")


def _precision(looked: Looked) -> Finding:
    code, title = "PRECISION", "Precision"
    by_arm = {arm["name"]: arm["recipe"]["precision"] for arm in looked.study["arms"]}
    if len(set(by_arm.values())) == 1:
        return Finding(code, title, "passed", f"All arms compute in {next(iter(by_arm.values()))}.")
    apart = [q for q in _questions(looked) if _sides(q, by_arm)[0] != _sides(q, by_arm)[1]]
    if not apart:
        sentence = "Arms compute in different precisions; the two sides of every question compute in the same."
        return Finding(code, title, "tip", sentence)
    unasked = [q.name for q in apart if "precision" not in q.changed]
    if not unasked:
        sentence = f"Precision is what {', '.join(q.name for q in apart)} asks about; elsewhere both sides share it."
        return Finding(code, title, "passed", sentence)
    sentence = (
        f"The two sides of {', '.join(unasked)} compute in different precisions; a difference between them may come "
        "from there."
    )
    return Finding(code, title, "issue", sentence)


def _views(looked: Looked) -> Finding:
    code, title = "VIEWS", "Augmented views drawn in advance"
    by_arm = {arm["name"]: arm["recipe"].get("views") for arm in looked.study["arms"]}
    fixed = {name: views for name, views in by_arm.items() if views is not None}
    if not fixed:
        return Finding(code, title, "passed", "Every epoch of every run draws its augmentations afresh.")
    apart = [q.name for q in _questions(looked) if _sides(q, by_arm)[0] != _sides(q, by_arm)[1]]
    named = ", ".join(f"{name} ({views})" for name, views in fixed.items())
    sentence = (
        f"Views drawn in advance: {named} an image, the same for all seeds. What another draw of augmentations would "
        "do is outside the intervals."
    )
    if not apart:
        return Finding(code, title, "tip", sentence)
    sentence += f" The two sides of {', '.join(apart)} have different views: this may be what differs."
    return Finding(code, title, "issue", sentence)


def _questions(looked: Looked) -> list[Question]:
    return [row.question for row in looked.rows]


def _sides(question: Question, of_arm: dict[str, Any]) -> tuple[set[Any], set[Any]]:
    """What the arms with negative and with positive weight have."""
    low = {of_arm[arm] for arm, weight in question.weights.items() if weight < 0}
    return low, {of_arm[arm] for arm, weight in question.weights.items() if weight > 0}


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
    if count < FEWEST_GROUPS:
        sentence = (
            f"The images form {count} groups, fewer than {FEWEST_GROUPS}: verdicts speak of exactly these images."
        )
        return Finding(code, title, "issue", sentence)
    return Finding(code, title, "passed", f"Intervals count {count} groups of images, not single images.")


def _fixed_margin(looked: Looked) -> Finding:
    code, title = "MARGIN", "Margin"
    if looked.study["margin"] is None:
        sentence = "No margin was declared, so that no question can end as `no practical difference`."
        return Finding(code, title, "tip", sentence)
    return Finding(code, title, "passed", "The margin was declared in the study file, before the runs.")


def _environments(looked: Looked) -> list[dict[str, Any]]:
    """The fields of every run's environment."""
    return [environment.fields((run.facts or {}).get("environment", {})) for run in _all_runs(looked)]


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
    _tuning_edge,
    _tuned_where_scored,
    _precision,
    _views,
    _fixed_margin,
    _few_groups,
    _rare_classes,
    _video_split,
    _one_environment,
    _bitwise,
    _exact,
    _images_left_out,
    _twins,
    _data_warnings,
)
