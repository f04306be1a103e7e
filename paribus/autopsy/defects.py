"""The defects, each with the number that it reports and the right one, seed by seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paribus import confusion, counting
from paribus.datasets import ImageSet
from paribus.errors import DataError, Problem
from paribus.execute import Bound, Place, records
from paribus.labels import VOID
from paribus.parts import Part
from paribus.predictions import MaskEvidence, RunRecord
from paribus.runs import Run
from paribus.store import Store

# The arms of the study.
NEVER_TRAINING_MODE = "never-training-mode"
OTHER_WEIGHTS = "other-weights-input"
RANDOM_FRAMES = "random-frames"

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Defect:
    """One defect. reported, right: mean IoU (0 to 1), one a seed, in the same order.

    about: `number`, where one network has both values; `network`, where the defect made another one; `chance`, where
    there is no defect. done: what the script does. because: why that is wrong.
    """

    name: str
    done: str
    because: str
    about: Literal["number", "network", "chance"]
    reported: tuple[float, ...]
    right: tuple[float, ...]

    @property
    def differences(self) -> tuple[float, ...]:
        """Reported less right, seed by seed."""
        return tuple(a - b for a, b in zip(self.reported, self.right, strict=True))


def defects(bound: Bound, place: Place) -> tuple[Defect, ...]:
    """Every defect, from the finished runs of the study. Raises DataError if some are missing, IntegrityError."""
    runs = records(bound, place.store)
    _complete(bound, runs)
    base, right = runs["baseline"], _mean_ious(runs["baseline"], "test")
    images, marks = bound.scans["baseline"].images, bound.fingerprints("baseline")
    with_void = [_with_void(run, images, marks["test"], place.store) for run in base]
    other = bound.study.recipes[OTHER_WEIGHTS].input.args["normalize"]
    return (
        Defect(
            "batch norm never in training mode",
            "Batch norms stay in evaluation mode while the network learns: `eval()` without `train()`.",
            "The decoder's batch norms normalise by 0 and 1, which they were made with, and not by what comes in.",
            "network",
            _mean_ious(runs[NEVER_TRAINING_MODE], "test"),
            right,
        ),
        Defect(
            "input for other weights",
            f"Images are normalised by {_said(other)}, in training and evaluation.",
            "The pretrained weights have learned from another input, and have to unlearn it.",
            "network",
            _mean_ious(runs[OTHER_WEIGHTS], "test"),
            right,
        ),
        Defect(
            "input for other weights, when scored",
            f"Images are normalised by {_said(other)} in evaluation only.",
            "The network sees images unlike those it was trained on.",
            "number",
            tuple(_mean_iou(_seen_otherwise(run, other, images, place.store)) for run in bound.runs["baseline"]),
            right,
        ),
        Defect(
            "mean IoU averaged over images",
            "Mean IoU is taken image by image, over the classes in its truth or prediction, and averaged.",
            "It is another quantity: a class counts only in images where it is, and as much there as in a large share.",
            "number",
            tuple(float(np.nanmean(confusion.mean_image_iou(_kept(run, "test")))) for run in base),
            right,
        ),
        Defect(
            "void counted as wrong",
            "What is predicted on pixels without a label counts in the unions of the classes.",
            "No answer is right there: unions grow, and no intersection does.",
            "number",
            tuple(_of_labelled(counts) for counts in with_void),
            right,
        ),
        Defect(
            "void counted as a class",
            "The same, and void is one more class of the mean.",
            "The network has no such class, so that one IoU of the mean is always 0.",
            "number",
            tuple(_mean_iou(counts) for counts in with_void),
            right,
        ),
        Defect(
            "frames split at random",
            "Frames of all drives are shuffled, and a quarter is held out: the reported number is theirs.",
            "Each has neighbours of its own drive among the training frames; the right number is of new streets.",
            "number",
            _mean_ious(runs[RANDOM_FRAMES], "val"),
            _mean_ious(runs[RANDOM_FRAMES], "test"),
        ),
        Defect(
            "none: whole drives held out",
            "For comparison: a quarter of the drives is held out.",
            "Held-out drives are as new as the streets of the right number; what is left is chance.",
            "chance",
            _mean_ious(base, "val"),
            right,
        ),
    )


def _complete(bound: Bound, runs: dict[str, list[RunRecord]]) -> None:
    seeds = len(bound.study.seeds)
    missing = [f"{arm} ({len(runs[arm])} of {seeds})" for arm in runs if len(runs[arm]) < seeds]
    if missing:
        message = f"runs are missing: {', '.join(missing)}."
        raise DataError([Problem("RUNS_MISSING", message, bound.study.title, "give the same command again.")])


def _kept(run: RunRecord, split: str) -> Counts:
    """(N, C, C) of the last epoch."""
    evidence = run.evidence[split]
    assert isinstance(evidence, MaskEvidence)
    return evidence.at(evidence.epochs[-1]).confusion


def _mean_iou(counts: NDArray[Any]) -> float:
    return float(confusion.mean_iou(counts).mean())


def _mean_ious(runs: Sequence[RunRecord], split: str) -> tuple[float, ...]:
    return tuple(_mean_iou(_kept(run, split)) for run in runs)


def _with_void(run: RunRecord, images: ImageSet, fingerprint: str, store: Store) -> Counts:
    """(N, C + 1, C + 1) of the kept masks on test; the last row of the truth is void."""
    assert images.masks is not None
    size, found = len(images.classes), []
    for number, item in enumerate(sorted((i for i in images.items if i.split == "test"), key=lambda i: i.id)):
        truth = images.masks(item)
        said = store.mask(run.id, "test", fingerprint, number)
        assert said is not None
        found.append(counting.counts(said, np.where(truth == VOID, np.uint8(size), truth), size + 1))
    return np.stack(found)


def _of_labelled(counts: Counts) -> float:
    """The mean IoU of the classes alone, with unions that hold void pixels."""
    labelled = counts[:, :-1].sum(axis=(0, 2)) > 0
    return float(confusion.iou(counts)[:-1][labelled].mean())


def _seen_otherwise(run: Run, normalize: dict[str, list[float]], images: ImageSet, store: Store) -> NDArray[Any]:
    """(N, C, C) on test of a run's last weights, with images normalised in another way."""
    from paribus.train import scores_of
    from paribus.views import Pictures

    seen = Part(run.recipe.input.use, run.recipe.input.args | {"normalize": normalize})
    return scores_of(run, replace(run.recipe, input=seen), Pictures(images), store, "test")["confusion"]


def _said(normalize: dict[str, list[float]]) -> str:
    return f"mean {normalize['mean']} and deviation {normalize['std']}"
