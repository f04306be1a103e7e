"""A whole study as the report reads it: a pure value, from a run store or from a table of predictions alike."""

from dataclasses import dataclass, field
from typing import Any

from paribus.contrasts import Contrast
from paribus.findings import Finding
from paribus.labels import Space
from paribus.predictions import RunRecord
from paribus.questions import Design, Question
from paribus.tuning.choice import Tuned


@dataclass(frozen=True)
class ArmResult:
    """One arm and its finished runs, in the order of the seeds.

    label: what sets the arm apart from the baseline, in words. recipe: the completed recipe, nested and JSON-ready,
    or None for models trained elsewhere. changed: path -> [baseline's value, this arm's value]. space: of an arm that
    labels pixels, its classes with their colours, where they are known. tuning: the values it tried, and their scores.
    """

    name: str
    label: str
    runs: tuple[RunRecord, ...]
    recipe: dict[str, Any] | None = None
    changed: dict[str, list[Any]] = field(default_factory=dict)
    base: str | None = None
    control: bool = False
    space: Space | None = None
    tuning: Tuned | None = None


@dataclass(frozen=True)
class Results:
    """Everything a report shows. `data` holds `name`, `classes`, and `splits: {split: {class: count}}`, of masks in
    pixels; `images: {split: count}`; of masks `void: {split: pixels}` and `images_with: {split: {class: images}}`.
    `study` is the lock file's content (title, questions, margin …); `missing` run counts by arm that are not there yet.
    """

    title: str
    metric: str
    margin: float | None
    design: Design
    primary: str | None
    arms: tuple[ArmResult, ...]
    questions: tuple[Question, ...]
    contrasts: tuple[Contrast, ...]
    findings: tuple[Finding, ...]
    data: dict[str, Any]
    study: dict[str, Any]
    environment: dict[str, Any]
    seconds: float
    command: str
    missing: dict[str, int] = field(default_factory=dict)
