"""The tuning runs of a bound study: which there are, what they found, and the study that follows from it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paribus import asking, grouping
from paribus.bound import Bound, runs_of
from paribus.jobs import Job
from paribus.parts import resolve
from paribus.store import Store
from paribus.study import METRICS
from paribus.tuning import ON, Tuning, choice, shown
from paribus.tuning.choice import Tuned


def begun(bound: Bound) -> Bound:
    """The study with its tuning runs; none to be scored yet."""
    study, tuning = bound.study, _tuning(bound)
    trials = {
        arm: tuple(runs_of(bound, arm, each.recipe, tuning.seeds) for each in candidates)
        for arm, candidates in tuning.candidates.items()
    }
    images = bound.scans["baseline"].images
    groups = grouping.groups(study.groups, images, ON) if study.epoch == "crossfit" else None
    return replace(bound, trials=trials, val_groups=groups)


def chosen(bound: Bound, store: Store) -> Bound:
    """The study with the values that tuning chose, and the runs to be scored, for each arm whose tuning is complete."""
    study, tuning = bound.study, _tuning(bound)
    kept = {arm: each.chosen.values for arm in bound.trials if (each := found(bound, store, arm)).chosen}
    recipes = {
        arm: next((c.recipe for c in tuning.candidates[arm] if c.values == kept.get(arm)), recipe)
        for arm, recipe in study.recipes.items()
    }
    questions = tuple(replace(q, tuned=_apart(asking.pair(q, study.arms), kept)) for q in study.questions)
    runs = {arm: runs_of(bound, arm, recipes[arm], study.seeds_of(arm)) if arm in kept else () for arm in recipes}
    return replace(bound, study=replace(study, recipes=recipes, questions=questions), runs=runs)


def found(bound: Bound, store: Store, arm: str) -> Tuned:
    """The candidates of an arm with what their finished runs scored on val; reads no other evidence."""
    study, tuning, marks = bound.study, _tuning(bound), bound.on_val(arm)
    metric = resolve(study.metric, METRICS, study.plugins)
    tried = []
    for candidate, runs in zip(tuning.candidates[arm], bound.trials[arm], strict=True):
        finished = [store.load(run.id, marks) for run in runs if store.complete(run, marks)]
        ids = [run.id for run in runs]
        tried.append(choice.tried(candidate.values, ids, finished, bound.design.epoch, metric, bound.val_groups))
    return Tuned(tuning.own[arm].values, tuple(tried))


def jobs(bound: Bound, store: Store) -> tuple[list[Job], int]:
    """The tuning runs that are missing, candidate by candidate, so that all arms grow together; how many are there."""
    tuning = _tuning(bound)
    all_of_them: dict[str, Job] = {}
    for number in range(max(map(len, bound.trials.values()))):
        for arm, candidates in bound.trials.items():
            for run in candidates[number]:
                name = f"{arm} ({shown(tuning.candidates[arm][number].values)})"
                all_of_them.setdefault(run.id, Job(run, bound.scans[arm], bound.on_val(arm), name))
    todo = [job for job in all_of_them.values() if not store.complete(job.run, job.splits)]
    return todo, len(all_of_them) - len(todo)


def _tuning(bound: Bound) -> Tuning:
    assert bound.study.tuning is not None
    return bound.study.tuning


def _apart(arms: tuple[str, str] | None, kept: Mapping[str, Mapping[str, float]]) -> dict[str, list[Any]]:
    """Path -> the values that tuning chose for two arms, where they differ; nothing before both are chosen."""
    if arms is None or not all(arm in kept for arm in arms):
        return {}
    low, high = (kept[arm] for arm in arms)
    return {path: [low[path], high[path]] for path in low if low[path] != high[path]}
