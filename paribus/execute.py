"""What is missing, in which order, where. Keeps no state of its own: it resumes by looking."""

import hashlib
import inspect
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from paribus import grouping, sealed, trials, weights
from paribus.bound import Bound as Bound
from paribus.bound import Place as Place
from paribus.bound import runs_of
from paribus.contrasts import arms_still_needed, contrasts
from paribus.datasets import ImageSet
from paribus.devices import CPU
from paribus.errors import DataError, IntegrityError, Problem, RunsFailed, StudyError
from paribus.jobs import Job, Worker, here
from paribus.jobs import Watcher as Watcher
from paribus.jobs import Where as Where
from paribus.parts import build, resolve
from paribus.predictions import RunRecord
from paribus.prepared import LIMIT
from paribus.questions import Design
from paribus.recipe import HOMES, Recipe
from paribus.runs import Run
from paribus.scan import Scan, changed, scan
from paribus.store import Store
from paribus.study import METRICS, Study
from paribus.tuning import ON
from paribus.zoo import network_of

STUDY_LOCK = "study.lock.json"
DATA_LOCK = "data.lock.json"
LARGEST_LOCK = 1 << 30  # bytes: about two million images


def bind(
    study: Study,
    place: Place,
    data: Mapping[str, Path] | None = None,
    weight_files: Mapping[str, Path] | None = None,
    watcher: Watcher | None = None,
    hashes: Mapping[str, str] | None = None,
) -> Bound:
    """Find and scan the data and the weights. `data` binds names to folders (rule R8), `weight_files` models to files,
    `hashes` models to the sha256 that their weights must have.

    Raises DataError, MachineError, and IntegrityError if the data are not those the study began with.
    """
    found = {use: weights.find(use, weight_files, hashes) for use in _pretrained(study)}
    scans = scans_of(study, place, data, watcher)
    first = scans["baseline"]
    split = study.split or ("test" if "test" in first.fingerprints else "val")
    _check_splits(study, scans, split)
    groups = grouping.groups(study.groups, first.images, split)
    _refuse_one_fold(study, first, split, groups)
    design = Design(study.looks, split, study.epoch, groups)  # type: ignore[arg-type]
    bound = Bound(study, design, scans, found)
    if study.tuning is not None:
        return trials.chosen(trials.begun(bound), place.store)
    return replace(
        bound, runs={arm: runs_of(bound, arm, recipe, study.seeds_of(arm)) for arm, recipe in study.recipes.items()}
    )


def _pretrained(study: Study) -> list[str]:
    return sorted({network_of(r.model) for r in study.recipes.values() if r.model.args.get("pretrained")})


def scans_of(
    study: Study, place: Place, data: Mapping[str, Path] | None = None, watcher: Watcher | None = None
) -> dict[str, Scan]:
    """The data of every arm, looked at; arms with the same data share one scan. Raises as `bind` does."""
    scans: dict[str, Scan] = {}
    by_data: dict[str, Scan] = {}
    for arm, recipe in study.recipes.items():
        key = data_lock(study, arm)
        if key not in by_data:
            images = image_set(recipe, data_root(study, study.roots[arm], data or {}, watcher))
            lock = place.folder / key
            known = _known(lock) if lock.exists() else None
            on_leak = "drop_train" if study.on_leak == "drop_train" else "refuse"
            progress = watcher.scanning if watcher else None
            by_data[key] = scan(images, on_leak=on_leak, known=known, progress=progress)  # type: ignore[arg-type]
            _refuse_changed(known, by_data[key], lock)
        scans[arm] = by_data[key]
    return scans


def _known(lock: Path) -> dict[str, Any]:
    """The data as they were. Raises IntegrityError for a lock that is not what was written."""
    try:
        return sealed.read(lock, lock.name, largest=LARGEST_LOCK)
    except ValueError as error:
        fix = f"rm {shlex.quote(str(lock))} and give the same command again: it begins with the data as they are."
        raise IntegrityError([Problem("LOCK_DAMAGED", f"{error}.", str(lock), fix)]) from None


def data_lock(study: Study, arm: str) -> str:
    """The file that remembers an arm's data, by what they are: an arm that is added or moved changes no other's."""
    baseline, own = (
        json.dumps([study.recipes[name].images.use, study.recipes[name].images.args, study.roots[name]], sort_keys=True)
        for name in ("baseline", arm)
    )
    return DATA_LOCK if own == baseline else f"data-{hashlib.sha256(own.encode()).hexdigest()[:8]}.lock.json"


def _refuse_changed(known: dict[str, Any] | None, found: Scan, lock: Path) -> None:
    problems = changed(known, found) if known else []
    if problems:
        fix = f"put the data back, or remove {lock} to begin with the data as they are."
        raise IntegrityError([replace(p, fix=fix) for p in problems])


def image_set(recipe: Recipe, root: Path | None) -> ImageSet:
    """The data set of a recipe, before it is scanned. `root` is given to data parts that read files."""
    part = recipe.images
    function = resolve(part.use, HOMES["data"], (part.use.rpartition(":")[0],))
    if reads_files(function):
        if root is None and fetches(function):
            return build(part, HOMES["data"])
        if root is None:
            raise StudyError([Problem("DATA_NO_ROOT", f"data `{part.use}` needs `root`: a folder or a name.")])
        return build(part, HOMES["data"], root)
    return build(part, HOMES["data"])


def reads_files(function: Any) -> bool:
    """Whether a data part takes a folder."""
    return any(p.kind is not p.KEYWORD_ONLY for p in inspect.signature(function).parameters.values())


def fetches(function: Any) -> bool:
    """Whether a data part finds its files itself where no folder is named."""
    given = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    return all(p.default is not p.empty for p in given)


def data_root(study: Study, root: str | None, data: Mapping[str, Path], watcher: Watcher | None = None) -> Path | None:
    """Where `root` is: bound by name, else a path relative to the study file.

    The watcher is told where a study reads from a folder outside its own that the command line did not name.
    """
    if root is None:
        return None
    if root in data:
        return data[root]
    base = study.path.parent if study.path is not None else Path()
    path = base / root
    if not path.exists():
        fix = f"name the folder on the command line (--data {root}=FOLDER), or write a path relative to the study file."
        raise DataError([Problem("DATA_NOT_FOUND", f"the data {root!r} are not there.", str(path), fix)])
    if watcher is not None and not path.resolve().is_relative_to(base.resolve()):
        message = f"the study itself says to read the data {root!r} from a folder outside its own."
        watcher.noted(Problem("DATA_OUTSIDE", message, str(path.resolve())))
    return path


def _check_splits(study: Study, scans: dict[str, Scan], split: str) -> None:
    problems = []
    for arm, each in scans.items():
        have = ", ".join(each.fingerprints)
        for needed, why in (("train", "every arm trains"), (split, "scores are taken there")):
            if needed not in each.fingerprints:
                problems.append(
                    Problem("SPLIT_MISSING", f"there is no {needed} split ({why}); there are: {have}.", arm)
                )
        if study.epoch == "val" and "val" not in each.fingerprints:
            problems.append(Problem("SPLIT_MISSING", f"`epoch: val` needs a val split; there are: {have}.", arm))
        if study.tuning is not None and ON not in each.fingerprints:
            problems.append(Problem("SPLIT_MISSING", f"`tune` chooses on val, which is not there: {have}.", arm))
    if study.epoch == "val" and split == "val":
        message = "`epoch: val` chooses on val and needs another split to score on; there is no test split."
        problems.append(Problem("EPOCH_VAL", message, fix="write `epoch: crossfit` or `epoch: last`."))
    problems += _other_images(scans, split)
    if problems:
        raise DataError(list(dict.fromkeys(problems)))


def _refuse_one_fold(study: Study, found: Scan, split: str, groups: Mapping[str, str] | None) -> None:
    """`epoch: crossfit` chooses on one half and scores on the other: told before anything is trained, not after."""
    units = {item.id if groups is None else groups[item.id] for item in found.images.items if item.split == split}
    if study.epoch == "crossfit" and len(units) < 2:
        what = "image" if groups is None else "group of images"
        message = f"`epoch: crossfit` needs two images or groups of images in {split}; there is 1 {what}."
        raise DataError([Problem("EPOCH_CROSSFIT", message, fix="write `epoch: last`, or bring more images.")])


def _other_images(scans: dict[str, Scan], split: str) -> list[Problem]:
    """The arms whose scored images are not the baseline's: known before training, and no question could use them."""
    scored = {arm: [item.id for item in each.images.items if item.split == split] for arm, each in scans.items()}
    return [
        Problem(
            "IMAGES_DIFFER",
            f"its {split} images are not the baseline's ({len(ids)} and {len(scored['baseline'])}).",
            arm,
            "change only what leaves the scored images alone.",
        )
        for arm, ids in scored.items()
        if ids != scored["baseline"]
    ]


def missing(bound: Bound, store: Store, needed: Mapping[str, int]) -> Iterator[tuple[str, Run]]:
    """The runs to be trained for `needed` (arm -> number of seeds), seed by seed, so that all arms grow together."""
    seen: set[str] = set()
    for index in range(max(needed.values(), default=0)):
        for arm, count in needed.items():
            run = bound.runs[arm][index] if index < min(count, len(bound.runs[arm])) else None
            if run is not None and run.id not in seen and not store.complete(run, bound.fingerprints(arm)):
                seen.add(run.id)
                yield arm, run


def execute(
    bound: Bound,
    place: Place,
    watcher: Watcher,
    max_runs: int | None = None,
    limit: float = LIMIT,
    allow_inexact: bool = False,
    chosen: Callable[[Bound], None] = lambda bound: None,
    where: Where = here,
    device: str = CPU,
) -> None:
    """Train every run that is missing, look by look; stops asking for seeds where a question is decided.

    In a study with `tune` the tuning runs come first; `chosen` is told what is to be scored then, before any of it is
    trained. limit: GiB of decoded images that may be kept on disk. allow_inexact: runs that were begun in another
    environment go on, and are marked for ever. where: the runs are trained. device: on which networks compute. Only for
    whoever holds the runs' lock. Raises RunsFailed (exit 4) after all others are complete if some could not be trained.
    """
    worker = Worker(bound.weights, place.store, watcher, max_runs, limit, allow_inexact, where, device=device)
    if bound.study.tuning is not None:
        bound = _tune(bound, place, worker)
        chosen(bound)
    needed = dict.fromkeys(bound.study.recipes, bound.study.looks[0]) if not worker.stopped else {}
    while needed:
        todo = [
            Job(run, bound.scans[arm], bound.fingerprints(arm), arm) for arm, run in missing(bound, place.store, needed)
        ]
        there = sum(len(runs[: needed.get(arm, 0)]) for arm, runs in bound.runs.items())
        watcher.planned(len(todo), there - len(todo))
        worker.train_all(todo)
        if worker.failures or worker.stopped:
            break
        rows = contrasts(
            bound.study.questions, records(bound, place.store), bound.design, metric_functions(bound.study)
        )
        watcher.looked(max(needed.values()), rows)
        needed = arms_still_needed(rows, bound.study.looks)
        if not any(True for _ in missing(bound, place.store, needed)):
            break
    if worker.failures:
        raise RunsFailed(worker.failures)


def _tune(bound: Bound, place: Place, worker: Worker) -> Bound:
    """Train the tuning runs that are missing; the study with the values that they chose."""
    todo, there = trials.jobs(bound, place.store)
    worker.watcher.tuning(len(todo), there)
    worker.train_all(todo)
    for arm in bound.trials:
        worker.watcher.tuned(arm, trials.found(bound, place.store, arm))
    return trials.chosen(bound, place.store)


def records(bound: Bound, store: Store) -> dict[str, list[RunRecord]]:
    """The finished runs of every arm, in the order of the seeds, up to the first that is missing."""
    found: dict[str, list[RunRecord]] = {}
    loaded: dict[str, RunRecord] = {}
    for arm, runs in bound.runs.items():
        found[arm] = []
        for run in runs:
            if not store.has(run):
                break
            if run.id not in loaded:
                loaded[run.id] = store.load(run.id, bound.fingerprints(arm))
            found[arm].append(loaded[run.id])
    return found


def metric_functions(study: Study) -> dict[str, Any]:
    """Name -> function, for every metric a question uses."""
    used = {study.metric, *(q.metric for q in study.questions)}
    return {name: resolve(name, METRICS, study.plugins) for name in sorted(used)}
