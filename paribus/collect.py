"""A study folder read back: results from the locks and the run folders alone, without the images and without torch."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from paribus import findings, sealed
from paribus.contrasts import contrasts
from paribus.errors import DataError, IntegrityError, Problem, StudyError
from paribus.execute import DATA_LOCK, LARGEST_LOCK, STUDY_LOCK, Bound, metric_functions
from paribus.labels import Space
from paribus.metrics import MetricFunction
from paribus.parts import PartProblem, resolve
from paribus.predictions import RunRecord
from paribus.questions import CONTROL, Design, Question
from paribus.results import ArmResult, Results
from paribus.scan import Scan
from paribus.store import Store
from paribus.study import Study
from paribus.tuning import ON, choice, shown
from paribus.tuning.choice import Tuned

LOCK_FORMAT = 1
PAIRS = 12  # images of two splits that look alike and are shown
METRICS = "paribus.metrics"


def lock(bound: Bound, command: str | None = None) -> dict[str, Any]:
    """`study.lock.json`: the completed study, which runs answer it, and the command that repeats it."""
    study, first = bound.study, bound.scans["baseline"]
    data = {
        "name": first.images.name,
        "root": study.roots["baseline"],
        "classes": list(first.images.classes),
        "images": {split: sum(i.split == split for i in first.images.items) for split in first.fingerprints},
        "splits": _counts(first.images) if first.images.space is None else _pixels(first),
        "fingerprints": first.fingerprints,
        "left_out": len(first.left_out),
        "warnings": _kinds(first.warnings),
        "alike": _alike(first),
        "groups": bound.design.groups,
        "own_split": first.images.own_split,
    }
    data |= {} if first.images.space is None else _masks(first)
    return {
        "format": LOCK_FORMAT,
        "title": study.title,
        "command": command
        or (f"paribus run {study.path.name}" if study.path else "paribus.Study.from_dict({...}).run()"),
        "metric": study.metric,
        "margin": study.margin,
        "seeds": list(study.seeds),
        "looks": list(study.looks),
        "split": bound.design.split,
        "epoch": study.epoch,
        "primary": study.primary,
        "plugins": list(study.plugins),
        "tune": _tune(bound),
        "data": data,
        "weights": {use: {"sha256": w.sha256, "origin": w.origin} for use, w in bound.weights.items()},
        "arms": [_arm(bound, name) for name in study.recipes],
        "questions": [_question(q) for q in study.questions],
        "metrics": sorted(metric_functions(study)),
    }


def _counts(images: Any) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for item in images.items:
        by_class = counts.setdefault(item.split, dict.fromkeys(images.classes, 0))
        by_class[images.classes[item.label]] += 1
    return {split: counts[split] for split in ("train", "val", "test") if split in counts}


def _pixels(found: Scan) -> dict[str, dict[str, int]]:
    """The labelled pixels of each split by class."""
    classes = found.images.classes
    return {split: dict(zip(classes, found.pixels(split).pixels, strict=True)) for split in found.fingerprints}


def _masks(found: Scan) -> dict[str, Any]:
    """Void pixels, and how many images hold each class."""
    splits, classes = {split: found.pixels(split) for split in found.fingerprints}, found.images.classes
    return {
        "void": {split: pixels.void for split, pixels in splits.items()},
        "images_with": {s: dict(zip(classes, pixels.images_with, strict=True)) for s, pixels in splits.items()},
    }


def _alike(found: Scan) -> dict[str, Any]:
    """Images that splits share, or nearly: how many pairs, the closest ones, and the images of each split."""
    sides = [(p.first_split, p.first) for p in found.alike] + [(p.second_split, p.second) for p in found.alike]
    return {
        "count": len(found.alike),
        "dropped": sum(pair.dropped for pair in found.alike),
        "pairs": [vars(pair) for pair in found.alike[:PAIRS]],
        "images": {split: sorted({image for s, image in sides if s == split}) for split in found.fingerprints},
    }


def _kinds(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    """One row a kind of warning, with the first as its example."""
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.code, []).append(problem)
    return [{"code": code, "count": len(alike), "example": alike[0].line("warning")} for code, alike in kinds.items()]


def _tune(bound: Bound) -> dict[str, Any] | None:
    """The budget that every arm had for tuning; None where nothing was tuned."""
    tuning = bound.study.tuning
    if tuning is None:
        return None
    return {"grid": tuning.grid, "seeds": list(tuning.seeds), "on": ON, "groups": bound.val_groups}


def _tuning(bound: Bound, name: str) -> dict[str, Any] | None:
    """An arm as written, the runs of what it tries, and what was chosen, once all of them are there."""
    tuning = bound.study.tuning
    if tuning is None:
        return None
    own, choices = tuning.own[name], dict(bound.study.recipes[name].choices())
    pairs = zip(tuning.candidates[name], bound.trials[name], strict=True)
    return {
        "recipe": own.recipe.plain(),
        "own": own.values,
        "candidates": [{"values": each.values, "runs": [run.id for run in runs]} for each, runs in pairs],
        "chosen": {path: choices[path] for path in tuning.grid} if bound.runs[name] else None,
    }


def _arm(bound: Bound, name: str) -> dict[str, Any]:
    from paribus.recipe import differences

    study = bound.study
    arm = next(a for a in study.arms if a.name == name)
    return {
        "name": name,
        "base": arm.base if name != "baseline" else None,
        "bundle": arm.bundle,
        "label": _label({u: v for u, v in study.chain(name).items() if u not in _paths(study)}, name),
        "recipe": study.recipes[name].plain(),
        "tuning": _tuning(bound, name),
        "changed": differences(study.recipes["baseline"], study.recipes[name]),
        "splits": bound.fingerprints(name),
        "space": None if (space := bound.scans[name].images.space) is None else space.plain(),
        "runs": [run.id for run in bound.runs[name]],
        "seeds": [run.seed for run in bound.runs[name]],
    }


def _paths(study: Study) -> Collection[str]:
    """What tuning chooses: no change of an arm's."""
    return study.tuning.grid if study.tuning is not None else ()


def _label(chain: dict[str, Any], name: str) -> str:
    if name == "baseline":
        return "the baseline"
    if name == CONTROL:
        return "the baseline again, under other seeds"
    return ", ".join(f"{path} = {_short(value)}" for path, value in chain.items())


def _short(value: Any) -> str:
    """A value of a recipe in a few words; parts by their names."""
    if isinstance(value, dict) and "use" in value:
        return str(value["use"])
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return " + ".join(map(_short, value))
    text = json.dumps(value) if not isinstance(value, str) else value
    return text if len(text) <= 60 else text[:57] + "..."


def _question(question: Question) -> dict[str, Any]:
    return vars(question) | {"factors": list(question.factors)}


def read_lock(folder: Path) -> dict[str, Any]:
    """The lock of a study folder. Raises DataError if there is none, IntegrityError if it cannot be read."""
    path = folder / STUDY_LOCK
    if not path.exists():
        fix = "name the folder in which `paribus run` put the report."
        raise DataError([Problem("NO_STUDY_HERE", f"there is no {STUDY_LOCK} in it.", str(folder), fix)])
    try:
        value = sealed.read(path, STUDY_LOCK, largest=LARGEST_LOCK)
        if value.get("format") != LOCK_FORMAT:
            raise ValueError(f"has the format {value.get('format')}, {LOCK_FORMAT} is read here")
    except ValueError as error:
        fix = "give the study's `paribus run` again: it is written again, and nothing is trained."
        raise IntegrityError([Problem("LOCK_DAMAGED", f"{error}.", str(path), fix)]) from None
    return value


def collect(folder: Path, *, command: str | None = None, plugins: tuple[str, ...] = ()) -> Results:
    """The results of the study in `folder`, from its lock and the finished runs in `../runs`.

    plugins: the user's own modules in which metrics may be; those that the lock names are not trusted, for whoever
    wrote the folder wrote it. Raises IntegrityError if a file is not what was written, StudyError for such a metric.
    """
    told = read_lock(folder)
    with as_lock_damage(folder):
        try:
            return _collected(folder, told, command, plugins)
        except PartProblem as error:
            raise StudyError([Problem("STUDY", sentence, folder.name) for _, sentence in error.problems]) from None


@contextmanager
def as_lock_damage(folder: Path) -> Iterator[None]:
    """What a reader stumbles over in the lock of a study is damage of that file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        message = f"does not say what a study's lock says ({type(error).__name__}: {error})."
        raise IntegrityError([Problem("LOCK_DAMAGED", message, str(folder / STUDY_LOCK))]) from None


def _collected(folder: Path, told: dict[str, Any], command: str | None, plugins: tuple[str, ...]) -> Results:
    store = Store(folder.parent / "runs")
    loaded: dict[str, RunRecord] = {}
    functions = {name: resolve(name, METRICS, plugins) for name in told["metrics"]}
    arms = tuple(
        replace(_arm_result(arm, store, loaded), tuning=_tuned(told, arm, store, functions)) for arm in told["arms"]
    )
    design = Design(tuple(told["looks"]), told["split"], told["epoch"], told["data"]["groups"])
    asked = tuple(Question(**(q | {"factors": tuple(q["factors"])})) for q in told["questions"])
    by_name = {arm.name: arm.runs for arm in arms}
    answerable = [q for q in asked if all(by_name[arm] for arm in q.weights)]
    rows = contrasts(answerable, by_name, design, functions) if answerable else ()
    planned = {arm["name"]: told["looks"][-1] for arm in told["arms"]}
    return Results(
        title=told["title"],
        metric=told["metric"],
        margin=told["margin"],
        design=design,
        primary=next((q.name for q in asked if q.primary), None),
        arms=arms,
        questions=asked,
        contrasts=rows,
        findings=findings.of_study(told, arms, rows),
        data=told["data"] | {"lock": DATA_LOCK},
        study={k: v for k, v in told.items() if k != "arms"},
        environment=_environment(loaded),
        seconds=sum(run.seconds for run in loaded.values()) + _tuning_seconds(arms),
        command=command or told["command"],
        missing={arm.name: planned[arm.name] - len(arm.runs) for arm in arms if len(arm.runs) < planned[arm.name]},
    )


def _arm_result(arm: dict[str, Any], store: Store, loaded: dict[str, RunRecord]) -> ArmResult:
    runs = []
    for run_id in arm["runs"]:
        if not (store.folder(run_id) / "DONE.json").exists():
            break
        if run_id not in loaded:
            loaded[run_id] = store.load(run_id, arm["splits"])
        runs.append(loaded[run_id])
    return ArmResult(
        name=arm["name"],
        label=arm["label"],
        runs=tuple(runs),
        recipe=arm["recipe"],
        changed=arm["changed"],
        base=arm["base"],
        control=arm["name"] == CONTROL,
        space=Space.from_plain(arm["space"]) if arm.get("space") else None,  # locks of before masks have none
    )


def _tuned(
    told: dict[str, Any], arm: dict[str, Any], store: Store, functions: Mapping[str, MetricFunction]
) -> Tuned | None:
    """What tuning found, from what its runs said about val; None where nothing was tuned.

    Raises IntegrityError if the evidence would choose another value than the one that was scored.
    """
    tune, tuning = told.get("tune"), arm.get("tuning")  # locks of before have neither
    if tune is None or tuning is None:
        return None
    tried = []
    for each in tuning["candidates"]:
        there = [i for i in each["runs"] if (store.folder(i) / "DONE.json").exists()]
        finished = [store.load(i, {ON: arm["splits"][ON]}) for i in there]
        finished = [run for run in finished if ON in run.evidence]  # val may have got other images since
        metric, rule = functions[told["metric"]], told["epoch"]
        tried.append(choice.tried(each["values"], each["runs"], finished, rule, metric, tune["groups"]))
    found = Tuned(tuning["own"], tuple(tried))
    if tuning["chosen"] and found.chosen and found.chosen.values != tuning["chosen"]:
        message = f"scored with {shown(tuning['chosen'])}; the tuning runs choose {shown(found.chosen.values)}."
        raise IntegrityError([Problem("TUNE_CHOICE", message, arm["name"], "run the study again.")])
    return found


def _tuning_seconds(arms: Sequence[ArmResult]) -> float:
    """Of all tuning runs; arms may share them."""
    return sum({each.runs: each.seconds for arm in arms if arm.tuning for each in arm.tuning.tried}.values())


def _environment(loaded: dict[str, RunRecord]) -> dict[str, Any]:
    for run in loaded.values():
        return dict((run.facts or {}).get("environment", {}))
    return {}
