"""What the answers are written from: the reports of the studies, and what is computed from their runs beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

import numpy as np

from paribus import metrics
from paribus.audits.rows import AttributionAudit, CropAudit
from paribus.epochs import chosen
from paribus.errors import DataError
from paribus.predictions import ClassScores, RunRecord
from paribus.predictions import Evidence as Outcomes
from paribus.ranking import Ranking, ranking
from paribus.report import document
from paribus.results import Results

Row = dict[str, Any]


@dataclass(frozen=True)
class Flattery:
    """What choosing the best of the epochs on the images that score it adds. Means over runs, in accuracy.

    best: the best epoch's accuracy on val, as the original printed it. honest: on the same images, each half of them
    scored by the epoch that is best on the other half.
    """

    best: float
    honest: float
    runs: int


@dataclass(frozen=True)
class Told:
    """One study: its report, and what the answers need beyond it. name: of the study's folder.

    disagreement: the share of images on which one of two networks is right and the other wrong, mean over all pairs of
    runs of the two arms that were asked for.
    """

    name: str
    report: Row
    ranking: Ranking | None = None
    flattery: Flattery | None = None
    disagreement: float | None = None

    def arm(self, name: str) -> Row | None:
        """An arm of the report that has a run."""
        return next((arm for arm in self.report["arms"] if arm["name"] == name and arm["runs"]), None)

    def arms(self, names: Sequence[str]) -> list[Row]:
        """Those of the arms that have a run, in the order of `names`."""
        return [arm for name in names if (arm := self.arm(name))]

    def question(self, name: str) -> Row | None:
        """A question of the report."""
        return next((q for q in self.report["questions"] if q["name"] == name), None)


@dataclass(frozen=True)
class Audits:
    """What the crops show of the face and where networks look, in the study `name`.

    elsewhere: why these are not the images of part 1; empty where they are. without: why there is no attribution.
    """

    name: str
    crops: CropAudit | None = None
    attribution: AttributionAudit | None = None
    elsewhere: str = ""
    without: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything the document is written from. studies: those that were run, by what they are for (`studies.NAMES`)."""

    studies: Mapping[str, Told] = field(default_factory=dict)
    audits: Audits | None = None

    @property
    def training(self) -> Told | None:
        """Of 1-1 to 1-7."""
        return self.studies.get("training")

    @property
    def recipe(self) -> Told | None:
        """Of 1-8 and 1-9."""
        return self.studies.get("recipe")

    @property
    def labels(self) -> Told | None:
        """Of part 2."""
        return self.studies.get("labels")

    @property
    def looks(self) -> Told | None:
        """Of the audits of 1-7, where these are not of `training`."""
        return self.studies.get("looks")

    def having(self, name: str, told: Told) -> "Evidence":
        """With one study more."""
        return replace(self, studies={**self.studies, name: told})


def told(name: str, results: Results, ranked: Sequence[str] = (), pair: Sequence[str] = ()) -> Told:
    """A finished study. ranked: the arms to put in an order, those that have runs. pair: two arms to disagree."""
    return Told(name, document(results), _ranking(results, ranked), _flattery(results), _disagreement(results, pair))


def _ranking(results: Results, ranked: Sequence[str]) -> Ranking | None:
    picked = _picked(results, ranked)
    if len(picked) < 2:
        return None
    metric, groups = metrics.named(results.metric), results.design.groups
    scores = {name: np.stack([metric(each) for each in runs]) for name, runs in picked.items()}
    ids = next(iter(picked.values()))[0].image_ids
    return ranking(scores, [groups[image] for image in ids] if groups else None)


def _disagreement(results: Results, pair: Sequence[str]) -> float | None:
    picked = list(_picked(results, pair).values())
    if len(picked) != 2 or results.metric != "accuracy":
        return None
    first, second = (np.stack([metrics.accuracy(each) for each in runs]) for runs in picked)
    return float(np.mean(first[:, None] != second[None]))


def _picked(results: Results, names: Sequence[str]) -> dict[str, list[Any]]:
    """The scores that count of every run of those arms; nothing where they cannot be had for all."""
    metric, design = results.metric, results.design
    arms = [arm for arm in results.arms if arm.name in names and arm.runs]
    if metric not in metrics.names():
        return {}
    rule = metrics.named(metric)
    try:
        return {
            arm.name: [chosen(run, design.split, design.epoch, rule, design.groups)[0] for run in arm.runs]
            for arm in arms
        }
    except DataError:
        return {}


def _flattery(results: Results) -> Flattery | None:
    """Over all runs of a classification with several epochs of validation answers; None where there are none."""
    pairs = [pair for arm in results.arms for run in arm.runs if (pair := _best_and_honest(run))]
    if not pairs:
        return None
    return Flattery(fmean(best for best, _ in pairs), fmean(honest for _, honest in pairs), len(pairs))


def _best_and_honest(run: RunRecord) -> tuple[float, float] | None:
    kept = run.evidence.get("val")
    if not isinstance(kept, Outcomes) or len([e for e in kept.epochs if e > 0]) < 2:
        return None
    best = max(float(metrics.accuracy(kept.at(epoch)).mean()) for epoch in kept.epochs if epoch > 0)
    try:
        honest, _ = chosen(run, "val", "crossfit", metrics.accuracy)
    except DataError:
        return None
    return best, float(metrics.accuracy(honest).mean()) if isinstance(honest, ClassScores) else best
