"""A study with its data and its weights: where its files are, and which runs it asks for."""

from dataclasses import dataclass, field
from pathlib import Path

from paribus.naming import folder_name
from paribus.questions import Design
from paribus.recipe import Recipe
from paribus.runs import Run, sources_of
from paribus.sampling import fingerprint
from paribus.scan import Scan
from paribus.store import Store
from paribus.study import Study
from paribus.tuning import ON
from paribus.weights import Weights
from paribus.zoo import network_of


@dataclass(frozen=True)
class Place:
    """Where a study's files are: its own folder, and the run folders that studies share."""

    folder: Path
    store: Store

    @classmethod
    def of(cls, study: Study, out: Path) -> "Place":
        """`out/<name of the study file>/` for the report and the locks, `out/runs/` for the runs."""
        name = folder_name(study.path.stem) if study.path is not None else "study"
        return cls(out / name, Store(out / "runs"))


@dataclass(frozen=True)
class Bound:
    """A study with its data looked at and its weights found: every run is determined.

    In a study with `tune` the tuning runs are, and with them all else: an arm whose value is not chosen yet has no run
    to be scored. Where it is chosen, the study's recipes and questions have it.
    """

    study: Study
    design: Design
    scans: dict[str, Scan]  # by arm; arms with the same data share one
    weights: dict[str, Weights]  # by model name, for pretrained models
    runs: dict[str, tuple[Run, ...]] = field(default_factory=dict)
    trials: dict[str, tuple[tuple[Run, ...], ...]] = field(default_factory=dict)  # arm -> candidate -> tuning runs
    val_groups: dict[str, str] | None = None  # of the images that choose, where epochs are cross-fitted on them

    def fingerprints(self, arm: str) -> dict[str, str]:
        """Split -> fingerprint of an arm's data."""
        return self.scans[arm].fingerprints

    def on_val(self, arm: str) -> dict[str, str]:
        """The same for the one split on which tuning runs are scored: no other can be read by mistake."""
        return {ON: self.fingerprints(arm)[ON]}


def runs_of(bound: Bound, arm: str, recipe: Recipe, seeds: tuple[int, ...]) -> tuple[Run, ...]:
    """The runs of a recipe on an arm's data, one a seed."""
    pretrained = bound.weights[network_of(recipe.model)].sha256 if recipe.model.args.get("pretrained") else None
    train, sources = bound.fingerprints(arm)["train"], sources_of(recipe)
    items = bound.scans[arm].images.ordered("train") if recipe.train_fraction < 1 else []
    marks = {seed: fingerprint(train, items, recipe.train_fraction, seed) for seed in seeds}
    return tuple(Run(recipe, seed, marks[seed], pretrained, sources) for seed in seeds)
