"""Before any training: how many runs, how long on this machine, and what effect the design can detect."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from paribus.execute import Bound
from paribus.plans import DesignRow, design_power
from paribus.runs import Run
from paribus.store import Store

if TYPE_CHECKING:
    from paribus.views import Pictures

WARM_UP = 2  # steps before the clock starts: the first ones allocate
STEPS = 5


@dataclass(frozen=True)
class ArmCost:
    """One arm: runs still to train, and the seconds one takes here, by timing real steps."""

    arm: str
    missing: int
    seconds_a_run: float


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

    pictures: dict[int, Pictures] = {}
    seconds: dict[str, float] = {}
    found = []
    for arm, runs in bound.runs.items():
        missing = sum(not store.has(run) for run in runs)
        key = replace(runs[0], seed=0).id
        if missing and key not in seconds:
            each = bound.scans[arm]
            shared = pictures.setdefault(id(each), Pictures(each.images))
            seconds[key] = _seconds_a_run(bound, arm, runs[0], shared)
        found.append(ArmCost(arm, missing, seconds.get(key, 0.0)))
    return found


def _seconds_a_run(bound: Bound, arm: str, run: Run, pictures: "Pictures") -> float:
    """Training steps and evaluation batches of one run, extrapolated from a few of each."""
    import torch

    from paribus import freezing, weights
    from paribus.train import precision, prepare, train_step
    from paribus.views import EVAL_BATCH, centre, eval_sizes, normalized, stacked

    state = weights.load(bound.weights[run.recipe.model.use]) if run.weights else None
    training = prepare(run, pictures, state)
    freezing.set_modes(training.model, run.recipe.batch_norm)
    batches = training.views.batches(1)
    timed: list[float] = []
    for step, (images, targets) in zip(range(WARM_UP + STEPS), batches, strict=False):
        began = time.perf_counter()
        train_step(training, images, targets, step)
        timed.append(time.perf_counter() - began)
    step_seconds = _middle(timed[WARM_UP:] or timed)
    began = time.perf_counter()
    next(training.views.batches(2))
    loading = time.perf_counter() - began
    training.model.eval()
    items = pictures.items("train")[:EVAL_BATCH]
    batch = stacked([centre(pictures.pixels(i), *eval_sizes(run.recipe)) for i in items])
    with torch.inference_mode(), precision(run.recipe):
        training.model(normalized(batch, run.recipe))
        began = time.perf_counter()
        training.model(normalized(batch, run.recipe))
    per_image = (time.perf_counter() - began) / len(items)
    scored = sum(len(pictures.items(split)) for split in bound.fingerprints(arm) if split != "train")
    still = run.recipe.trainable == "head" and run.recipe.batch_norm != "train"
    evaluation = scored * per_image * (1 if still else run.recipe.epochs)
    return (step_seconds + loading) * training.steps_per_epoch * run.recipe.epochs + evaluation


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
