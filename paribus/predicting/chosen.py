"""Which trained networks are meant by a run, an arm or a study, and all that is needed to use them."""

from collections.abc import Mapping, Sequence
from colorsys import hls_to_rgb
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from paribus import checkpoint, collect, sealed, strictjson
from paribus.errors import DataError, IntegrityError, Problem, StudyError, unknown
from paribus.execute import STUDY_LOCK
from paribus.labels import Space
from paribus.naming import folder_name
from paribus.parts import PartProblem, completed
from paribus.predicting import temperature
from paribus.predictions import Evidence
from paribus.recipe import HOMES, Recipe, has_masks
from paribus.report import REPORT
from paribus.runs import Run, sources_of
from paribus.store import DONE, Store

LARGEST_REPORT = 1 << 30  # bytes

Weights = Literal["best", "last"]


@dataclass(frozen=True)
class Member:
    """One finished run as it is used: which of its two weights, of which epoch, and the temperature of its logits.

    on_val: (the name of a score, its value at that epoch on val), or None without val.
    """

    run: Run
    weights: Weights
    epoch: int
    temperature: float
    on_val: tuple[str, float] | None

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.run.id,
            "seed": self.run.seed,
            "weights": self.weights,
            "epoch": self.epoch,
            "temperature": self.temperature,
        }


@dataclass(frozen=True)
class Chosen:
    """Runs of one recipe that answer together, and what they were trained to say.

    space: the classes with their colours, of networks that label every pixel. study, arm: where the runs were found,
    or None for a run folder that belongs to no study. report: the stored `report.json` of the study, if there is one.
    splits: split -> fingerprint of the data, as far as they are known. root: where the study said that its data are.
    remarks: what was decided and what is missing, in words.
    """

    store: Store
    members: tuple[Member, ...]
    classes: tuple[str, ...]
    space: Space | None = None
    study: Path | None = None
    title: str | None = None
    arm: str | None = None
    report: Mapping[str, Any] | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    root: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def recipe(self) -> Recipe:
        return self.members[0].run.recipe

    @property
    def name(self) -> str:
        """`fine-tuned of faces (3 runs)`."""
        runs = f"{len(self.members)} runs" if len(self.members) > 1 else f"run {self.members[0].run.id}"
        return f"{self.arm} of {self.title} ({runs})" if self.arm else runs

    def plain(self) -> dict[str, Any]:
        """JSON-ready: what stands beside predictions."""
        return {
            "study": self.title,
            "arm": self.arm,
            "runs": [member.plain() for member in self.members],
            "classes": list(self.classes),
        }


def choose(
    what: Path,
    *,
    arm: str | None = None,
    seed: int | None = None,
    runs: Path = Path("paribus-out"),
    plugins: tuple[str, ...] = (),
) -> Chosen:
    """The runs that `what` means.

    what: a run's folder; a study's folder, or the --out folder above it where it holds one study; or a study file,
    whose folder is in `runs`. Of a study: the runs of `arm`, or of the arm that its report recommends; with `seed` one
    of them. Every file of the runs is checked. The weights are those of the epoch that the study counts (`epoch:
    last`, else the best on val); of a run of no study the best on val.

    Raises DataError if there is nothing to use, StudyError for names that mean nothing and for parts of modules that
    `plugins` does not name, IntegrityError for a file that is not what was written.
    """
    if (what / DONE).exists() or (what / "run.json").exists():
        if arm is not None or seed is not None:
            fix = "leave out --arm and --seed, or name the study's folder."
            raise StudyError([Problem("USAGE", "is one run already.", str(what), fix)])
        return _of_run(what.absolute(), plugins)
    return _of_study(_study_folder(what, runs), arm, seed, plugins)


def one_of(chosen: Chosen) -> tuple[Chosen, tuple[str, ...]]:
    """The one run of several with the highest score on val (the first of equals, or without val), and why."""
    if len(chosen.members) == 1:
        return chosen, ()
    best = max(chosen.members, key=lambda member: member.on_val[1] if member.on_val else 0.0)
    level = f"highest {best.on_val[0]} on val, {best.on_val[1]:.3f}" if best.on_val else "the first"
    why = f"No seed named: {best.run.seed} of {len(chosen.members)} runs ({level})."
    return replace(chosen, members=(best,)), (why,)


def _study_folder(what: Path, runs: Path) -> Path:
    if what.suffix.lower() in (".yaml", ".yml"):
        folder = runs / folder_name(what.stem)
        if not (folder / STUDY_LOCK).exists():
            fix = "give its `paribus run` first, or name the folder it wrote to: --runs DIR."
            raise DataError([Problem("NO_STUDY_HERE", f"has no runs in {runs}.", str(what), fix)])
        return folder
    if (what / STUDY_LOCK).exists():
        return what
    inner = sorted(path.parent for path in what.glob(f"*/{STUDY_LOCK}"))
    if len(inner) > 1:
        names = ", ".join(str(each) for each in inner)
        raise StudyError([Problem("USAGE", f"holds {len(inner)} studies.", str(what), f"name one: {names}.")])
    if not inner:
        fix = "name the folder of a study or of a run, or a study file (with --runs, if it was run with --out)."
        raise DataError([Problem("NO_STUDY_HERE", "is no study, no run and no study file.", str(what), fix)])
    return inner[0]


def _of_study(folder: Path, arm: str | None, seed: int | None, plugins: tuple[str, ...]) -> Chosen:
    told, report = collect.read_lock(folder), _report(folder)
    store = Store(folder.absolute().parent / "runs")
    with collect.as_lock_damage(folder):
        arms = {each["name"]: each for each in told["arms"]}
        remarks = []
        if arm is None:
            arm, why = _recommended(folder, report, list(arms))
            remarks.append(why)
        if arm not in arms:
            raise StudyError([Problem("USAGE", unknown("arm", arm, list(arms)), folder.name)])
        row = arms[arm]
        pairs = dict(zip(row["seeds"], row["runs"], strict=True))
        if seed is not None and seed not in pairs:
            seeds = ", ".join(map(str, pairs)) or "none yet"
            raise StudyError([Problem("USAGE", f"has no seed {seed}; it has {seeds}.", arm)])
        wanted = [run_id for each, run_id in pairs.items() if seed in (None, each)]
        space = Space.from_plain(row["space"]) if row.get("space") else None
        rule, splits = str(told["epoch"]), {str(k): str(v) for k, v in row["splits"].items()}
        title, root = str(told["title"]), told["data"].get("root")
    there = [run_id for run_id in wanted if (store.folder(run_id) / DONE).exists()]
    if len(there) < len(wanted):
        remarks.append(f"{len(there)} of {len(wanted)} runs are finished.")
    found = _members(store, there, "last" if rule == "last" else "best", splits, plugins, remarks)
    if not found:
        raise DataError([Problem("NO_RUNS", "has no finished run to use.", arm, "give the study's `paribus run`.")])
    classes, own = _labels(store, found[0])
    return Chosen(
        store, found, classes, space or own, folder, title, arm, report, splits, root, _with_unscaled(remarks, found)
    )


def _of_run(folder: Path, plugins: tuple[str, ...]) -> Chosen:
    store, remarks = Store(folder.parent), list[str]()
    store.folder(folder.name)  # raises for what is no id of a run
    homes = [(study, row, told) for study, row, told in _homes(folder) if folder.name in row["runs"]]
    rules = {"last" if told["epoch"] == "last" else "best" for _, _, told in homes}
    weights: Weights = "last" if rules == {"last"} else "best"
    splits = {str(k): str(v) for k, v in homes[0][1]["splits"].items()} if homes else {}
    found = _members(store, [folder.name], weights, splits or None, plugins, remarks)
    if not found:
        raise DataError([Problem("NO_RUNS", "diverged: there is nothing to use.", folder.name)])
    classes, own = _labels(store, found[0])
    if not homes:
        return Chosen(store, found, classes, own, remarks=_with_unscaled(remarks, found))
    study, row, told = homes[0]
    space = Space.from_plain(row["space"]) if row.get("space") else own
    where = (study, str(told["title"]), str(row["name"]), _report(study), splits, told["data"].get("root"))
    return Chosen(store, found, classes, space, *where, remarks=_with_unscaled(remarks, found))


def _homes(run: Path) -> list[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """The arms of all studies beside a run: (study's folder, row of the arm, lock)."""
    found = []
    for path in sorted(run.parent.parent.glob(f"*/{STUDY_LOCK}")):
        told = collect.read_lock(path.parent)
        with collect.as_lock_damage(path.parent):
            found += [(path.parent, row, told) for row in told["arms"]]
    return found


def _members(
    store: Store,
    ids: Sequence[str],
    weights: Weights,
    splits: Mapping[str, str] | None,
    plugins: tuple[str, ...],
    remarks: list[str],
) -> tuple[Member, ...]:
    """The finished runs that did not diverge. Raises IntegrityError with every file that is not what was written."""
    damaged = [problem for run_id in ids for problem in store.damage(run_id)]
    if damaged:
        raise IntegrityError(damaged)
    found = []
    for run_id in ids:
        record = store.load(run_id, None if splits is None else dict(splits))
        about = store.about(run_id)
        if record.status != "done":
            remarks.append(f"Seed {record.seed} diverged and is left out.")
            continue
        run = _run(run_id, about, plugins)
        epoch = int(about["best_epoch"]) if weights == "best" else int(about["curves"][-1]["epoch"])
        val = record.evidence.get("val")
        scaled = temperature.UNSCALED
        if isinstance(val, Evidence) and epoch in val.epochs:
            scaled = temperature.fitted(val.at(epoch))
        found.append(Member(run, weights, epoch, scaled, _on_val(record.curves, epoch)))
    return tuple(found)


def _on_val(curves: Sequence[Mapping[str, float]], epoch: int) -> tuple[str, float] | None:
    column = next((name for name in checkpoint.CHOOSING if curves and name in curves[0]), None)
    value = next((row[column] for row in curves if column in row and row["epoch"] == epoch), None) if column else None
    return None if column is None or value is None else (column.removeprefix("val_").replace("_", " "), float(value))


def _run(run_id: str, about: Mapping[str, Any], plugins: tuple[str, ...]) -> Run:
    """The run that a run.json tells of. Raises StudyError for a network of a module that the user did not name."""
    try:
        told = about["identity"]
        recipe = Recipe.from_plain(told["recipe"])
        run = Run(recipe, told["seed"], told["train"], told["weights"], told["sources"])
        completed(recipe.model, HOMES["model"], plugins)
    except PartProblem as error:
        raise StudyError([Problem("STUDY", sentence, run_id) for _, sentence in error.problems]) from None
    except (KeyError, TypeError, AttributeError) as error:
        message = f"does not say what a run.json says ({type(error).__name__}: {error})."
        raise IntegrityError([Problem("RUN_DAMAGED", message, f"{run_id}/run.json")]) from None
    module = recipe.model.use.rpartition(":")[0]
    if module in plugins and sources_of(recipe).get(module) != run.sources.get(module):
        message = f"was trained with another {module}: its source is not the one of that time."
        raise IntegrityError([Problem("SOURCE_CHANGED", message, run_id, "put the module back as it was.")])
    return run


def _labels(store: Store, member: Member) -> tuple[tuple[str, ...], Space | None]:
    """The classes, and of masks their space. Runs of before keep no colours: then they are drawn apart by hue."""
    about = store.about(member.run.id)
    classes = tuple(map(str, about["classes"]))
    if not has_masks(member.run.recipe.data):
        return classes, None
    return classes, Space.from_plain(about["space"]) if about.get("space") else Space(classes, _hues(len(classes)))


def _hues(count: int) -> tuple[tuple[int, int, int], ...]:
    found = []
    for number in range(count):
        red, green, blue = hls_to_rgb(number * 0.618034 % 1, 0.35 + 0.3 * (number % 2), 0.7)
        found.append((round(red * 255), round(green * 255), round(blue * 255)))
    return tuple(found)


def _with_unscaled(remarks: Sequence[str], members: Sequence[Member]) -> tuple[str, ...]:
    """The remarks, with one where probabilities are those of the networks themselves."""
    if has_masks(members[0].run.recipe.data) or any(m.temperature != temperature.UNSCALED for m in members):
        return tuple(remarks)
    return (*remarks, "Probabilities are not scaled: val has no mistake from which a temperature could be fitted.")


def _report(folder: Path) -> dict[str, Any] | None:
    """The stored report of a study; None if there is none. Raises IntegrityError if it is not what was written."""
    path = folder / REPORT
    if not path.exists():
        return None
    try:
        value = strictjson.mapping(path.read_bytes(), LARGEST_REPORT)
        return sealed.opened(value, REPORT) if sealed.SEAL in value else value
    except (OSError, ValueError) as error:
        fix = "write it again with `paribus report`."
        raise IntegrityError([Problem("REPORT_CHANGED", f"{error}.", f"{folder.name}/{REPORT}", fix)]) from None


def _recommended(folder: Path, report: Mapping[str, Any] | None, arms: list[str]) -> tuple[str, str]:
    """The arm that the report recommends, and a sentence that says so."""
    best = (report or {}).get("best")
    if not isinstance(best, Mapping) or "name" not in best:
        fix = f"name one with --arm: {', '.join(arms)}."
        raise StudyError([Problem("USAGE", "has no report that recommends an arm.", folder.name, fix)])
    value = best.get("on_val") if best.get("chosen_on") == "val" else best.get("mean")
    level = f" ({value:.3g})" if isinstance(value, float) else ""
    return str(best["name"]), f"No arm named: {best['name']}, the best of the report on {best.get('chosen_on')}{level}."
