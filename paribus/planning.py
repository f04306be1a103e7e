"""Before any training: how many runs, how long on this machine, and what effect the design can detect."""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from paribus import devices
from paribus.execute import Bound
from paribus.plans import DesignRow, design_power
from paribus.recipe import Recipe, has_masks, sides
from paribus.runs import Run
from paribus.store import Store
from paribus.tuning import ON
from paribus.views import eval_sizes
from paribus.zoo import network_of

if TYPE_CHECKING:
    from paribus.train import Training
    from paribus.views import Pictures

WARM_UP = 2  # steps before the clock starts: the first ones allocate
STEPS = 5
PRECISIONS = ("float32", "bf16")
EVAL_STEP = 16  # images
LARGER = 1.5  # reducing images to two thirds or less is worth a word


@dataclass(frozen=True)
class ArmCost:
    """One arm: runs still to train, and the seconds one takes here, by timing real steps.

    shared: seconds that the arm needs once for all its runs, the features of a body that stands still. by_precision:
    seconds of a run in each precision, so that the faster one can be chosen before the study begins. trials: tuning
    runs still to train that no arm before it trains; they are scored on val alone. bytes_a_run: what a finished run
    takes on disk.
    """

    arm: str
    missing: int
    seconds_a_run: float
    shared: float = 0.0
    by_precision: dict[str, float] = field(default_factory=dict)
    trials: int = 0
    seconds_a_trial: float = 0.0
    bytes_a_run: int = 0

    @property
    def seconds(self) -> float:
        """Of everything that the arm still needs."""
        return self.missing * self.seconds_a_run + self.shared + self.trials * self.seconds_a_trial

    @property
    def bytes(self) -> int:
        """On disk, of everything that the arm still needs."""
        return (self.missing + self.trials) * self.bytes_a_run

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


def costs(
    bound: Bound, store: Store, precisions: Sequence[str] = PRECISIONS, device: str = devices.CPU
) -> list[ArmCost]:
    """The cost of every arm on a device, in the order of the study; arms with the same recipe are timed once.

    precisions: those that are timed; an arm's own must be among them.
    """
    from paribus.views import Pictures

    pictures: dict[tuple[int, int | None], Pictures] = {}
    known: dict[str, dict[str, _Speed]] = {}
    counted: set[str] = set()
    found = []
    for arm, runs in bound.runs.items():
        missing = sum(not store.has(run) for run in runs) if runs else len(bound.study.seeds_of(arm))
        trials = {run.id for each in bound.trials.get(arm, ()) for run in each if not store.has(run)} - counted
        counted |= trials
        if not missing and not trials:
            found.append(ArmCost(arm, 0, 0.0))
            continue
        run, each = _any_run(bound, arm), bound.scans[arm]
        key = replace(run, seed=0).id
        if key not in known:
            shorter = run.recipe.input.args["prepare"]
            shared = pictures.setdefault((id(each), shorter), Pictures(each.images, shorter=shorter))
            known[key] = {
                precision: _speed(bound, replace(run, recipe=replace(run.recipe, precision=precision)), shared, device)
                for precision in precisions
            }
        images = Counter(item.split for item in each.images.items)
        found.append(_cost(arm, run.recipe, known[key], images, missing, len(trials)))
    return found


def _any_run(bound: Bound, arm: str) -> Run:
    """A run of the arm to be timed; what tuning chooses is not known yet, and changes the time little."""
    return bound.runs[arm][0] if bound.runs[arm] else replace(bound.trials[arm][0][0], recipe=bound.study.recipes[arm])


@dataclass(frozen=True)
class _Speed:
    """Measured here. epoch: seconds of an epoch of training; image: of evaluating one. splits: scored every epoch.

    room: bytes of a finished run.
    """

    epoch: float
    image: float
    body_is_fixed: bool
    splits: tuple[str, ...]
    room: int

    def a_run(self, recipe: Recipe, images: Mapping[str, int]) -> float:
        """Seconds of a run that is scored on these images."""
        if not self.body_is_fixed:
            return (self.epoch + self._scored(images)) * recipe.epochs
        return self.epoch * recipe.epochs if recipe.views is None else 1.0  # the head alone is a matter of a second

    def once(self, recipe: Recipe, images: Mapping[str, int]) -> float:
        """Seconds that all runs of an arm share: what a body that stands still says of each image."""
        if not self.body_is_fixed:
            return 0.0
        passes = 0 if recipe.views is None else min(recipe.views, recipe.epochs)
        return self.image * passes * images["train"] + self._scored(images)

    def _scored(self, images: Mapping[str, int]) -> float:
        return self.image * sum(images[split] for split in self.splits if split in images)


def _cost(
    arm: str, recipe: Recipe, speeds: Mapping[str, _Speed], images: Mapping[str, int], missing: int, trials: int
) -> ArmCost:
    own = speeds[recipe.precision]
    return ArmCost(
        arm=arm,
        missing=missing,
        seconds_a_run=own.a_run(recipe, images),
        shared=own.once(recipe, images),
        by_precision={precision: speed.a_run(recipe, images) for precision, speed in speeds.items()},
        trials=trials,
        seconds_a_trial=own.a_run(recipe, {ON: images[ON]}) if trials else 0.0,
        bytes_a_run=own.room,
    )


def _speed(bound: Bound, run: Run, pictures: "Pictures", device: str) -> _Speed:
    """From a few real steps and one evaluation batch."""
    from paribus import room, weights
    from paribus.train import prepare

    state = weights.load(bound.weights[network_of(run.recipe.model)]) if run.weights else None
    training = prepare(run, pictures, state, device=device)
    image = _evaluation_seconds(training, pictures)
    from_features = training.body_is_fixed and run.recipe.views is not None
    epoch = 0.0 if from_features else _training_seconds(training)
    splits = tuple(split for split in ("train", "val", "test") if training.task.each_epoch(split))
    scored = {item.split for item in pictures.images.items}
    return _Speed(epoch, image, training.body_is_fixed, splits, room.of_a_run(training, pictures, sorted(scored)))


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
        devices.wait(training.device)
        timed.append(time.perf_counter() - began)
        began = time.perf_counter()
    return _middle(timed[WARM_UP:] or timed) * training.steps_per_epoch


def _evaluation_seconds(training: "Training", pictures: "Pictures") -> float:
    """Seconds an image of evaluation, from the second of two passes of a batch."""
    import torch

    from paribus.views import normalized

    recipe = training.run.recipe
    batch = devices.moved(next(pictures.evaluation("train", recipe))[:EVAL_STEP], training.device)
    training.model.eval()
    with torch.inference_mode(), training.precision():
        training.model(normalized(batch, recipe))
        devices.wait(training.device)
        began = time.perf_counter()
        training.model(normalized(batch, recipe))
        devices.wait(training.device)
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
