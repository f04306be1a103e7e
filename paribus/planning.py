"""Before any training: how many runs, how long on this machine, and what effect the design can detect."""

import math
import time
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from paribus.execute import Bound
from paribus.plans import DesignRow, design_power
from paribus.recipe import Recipe, has_masks, sides
from paribus.runs import Run
from paribus.store import Store
from paribus.views import eval_sizes
from paribus.zoo import network_of

if TYPE_CHECKING:
    from paribus.train import Training
    from paribus.views import Pictures

WARM_UP = 2  # steps before the clock starts: the first ones allocate
STEPS = 5
EVAL_STEP = 16  # images
LARGER = 1.5  # reducing images to two thirds or less is worth a word


@dataclass(frozen=True)
class ArmCost:
    """One arm: runs still to train, and the seconds one takes here, by timing real steps.

    shared: seconds that the arm needs once for all its runs, the features of a body that stands still. by_precision:
    seconds of a run in each precision, so that the faster one can be chosen before the study begins.
    """

    arm: str
    missing: int
    seconds_a_run: float
    shared: float = 0.0
    by_precision: dict[str, float] = field(default_factory=dict)

    @property
    def faster(self) -> str | None:
        """The precision that would save at least a tenth of a run's time, if it is not the arm's own."""
        best = min(self.by_precision, key=self.by_precision.__getitem__, default=None)
        return best if best and self.by_precision[best] < 0.9 * self.seconds_a_run else None


@dataclass(frozen=True)
class QuestionPower:
    """One question: what its contrast can detect with all seeds, under quiet, typical and noisy seeds."""

    name: str
    seeds: int
    images: int
    rows: tuple[DesignRow, ...]


def costs(bound: Bound, store: Store) -> list[ArmCost]:
    """The cost of every arm, in the order of the study; arms with the same recipe are timed once."""
    from paribus.views import Pictures

    pictures: dict[tuple[int, int | None], Pictures] = {}
    known: dict[str, dict[str, tuple[float, float]]] = {}
    found = []
    for arm, runs in bound.runs.items():
        missing = sum(not store.has(run) for run in runs)
        recipe, each = runs[0].recipe, bound.scans[arm]
        key = replace(runs[0], seed=0).id
        if not missing:
            found.append(ArmCost(arm, 0, 0.0))
            continue
        if key not in known:
            shorter = recipe.input.args["prepare"]
            shared = pictures.setdefault((id(each), shorter), Pictures(each.images, shorter=shorter))
            known[key] = {
                precision: _seconds(bound, arm, replace(runs[0], recipe=replace(recipe, precision=precision)), shared)
                for precision in ("float32", "bf16")
            }
        a_run, once = known[key][recipe.precision]
        found.append(ArmCost(arm, missing, a_run, once, {p: run for p, (run, _) in known[key].items()}))
    return found


def _seconds(bound: Bound, arm: str, run: Run, pictures: "Pictures") -> tuple[float, float]:
    """(seconds of one run, seconds that all runs of the arm share), from a few real steps and one evaluation batch."""
    from paribus import weights
    from paribus.train import prepare

    recipe = run.recipe
    state = weights.load(bound.weights[network_of(recipe.model)]) if run.weights else None
    training = prepare(run, pictures, state)
    per_image = _evaluation_seconds(training, pictures)
    splits = [split for split in bound.fingerprints(arm) if training.task.each_epoch(split)]
    scored = per_image * sum(len(pictures.items(split)) for split in splits)
    if training.body_is_fixed:
        if recipe.views is None:
            return _training_seconds(training) * recipe.epochs, scored
        passes = min(recipe.views, recipe.epochs)
        return 1.0, per_image * passes * len(pictures.items("train")) + scored  # the head alone is a matter of a second
    return (_training_seconds(training) + scored) * recipe.epochs, 0.0


def _training_seconds(training: "Training") -> float:
    """Seconds of an epoch of training, from the middle one of a few steps; batches are made while a step runs."""
    from paribus import freezing
    from paribus.train import train_step

    freezing.set_modes(training.model, training.run.recipe.batch_norm)
    timed: list[float] = []
    batches = training.views.batches(1)
    began = time.perf_counter()
    for step, (images, targets) in zip(range(WARM_UP + STEPS), batches, strict=False):
        train_step(training, images, targets, step)
        timed.append(time.perf_counter() - began)
        began = time.perf_counter()
    return _middle(timed[WARM_UP:] or timed) * training.steps_per_epoch


def _evaluation_seconds(training: "Training", pictures: "Pictures") -> float:
    """Seconds an image of evaluation, from the second of two passes of a batch."""
    import torch

    from paribus.views import normalized

    recipe = training.run.recipe
    batch = next(pictures.evaluation("train", recipe))[:EVAL_STEP]
    training.model.eval()
    with torch.inference_mode(), training.precision():
        training.model(normalized(batch, recipe))
        began = time.perf_counter()
        training.model(normalized(batch, recipe))
    return (time.perf_counter() - began) / len(batch)


def reduction(bound: Bound) -> int | None:
    """The shorter side in pixels to which `input.prepare` could reduce all images once, for every arm alike.

    It is the least at which no arm's smallest crop would be enlarged beyond what the original pixels make necessary;
    None where images are not at least half as large again, or where arms say themselves what they want.
    """
    recipes = bound.study.recipes.values()
    if any(has_masks(r.data) or r.input.args["prepare"] is not None for r in recipes):
        return None
    needed = max(map(_needed, recipes))
    shorter = [min(f.width, f.height) for f in bound.scans["baseline"].facts.values()]
    return needed if shorter and median(shorter) >= LARGER * needed else None


def _needed(recipe: Recipe) -> int:
    """The shorter side at which the smallest crop of training and the view of evaluation are not enlarged."""
    size = sides(recipe.input.args["size"])[0]
    scales = [part.args["scale"][0] for part in recipe.augment if part.use == "random_resized_crop"]
    return max(math.ceil(size / math.sqrt(min(scales, default=1.0))), eval_sizes(recipe)[1])


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def detectable(bound: Bound, accuracy: float = 0.88) -> list[QuestionPower]:
    """What every question can detect. `accuracy` is the accuracy expected: the closer to 1, the less images vary."""
    images = sum(i.split == bound.design.split for i in bound.scans["baseline"].images.items)
    units = len(set(bound.design.groups.values())) if bound.design.groups else images
    seeds = bound.study.looks[-1]
    found = []
    for question in bound.study.questions:
        weights = list(question.weights.values())
        found.append(QuestionPower(question.name, seeds, units, design_power(seeds, units, accuracy, weights)))
    return found
