"""Per-image evidence of one run. Statistics read this and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["done", "diverged"]


@dataclass(frozen=True)
class ClassScores:
    """What a classifier said about N images with C classes, at one epoch.

    image_ids: N names, the same in the same order for every run of a study.
    targets: (N,) int64, indices into `classes`.
    logits: (N, C) float32. Log-probabilities serve as well: only their softmax and argmax are used.
    classes: C names.
    """

    image_ids: tuple[str, ...]
    targets: NDArray[np.int64]
    logits: NDArray[np.float32]
    classes: tuple[str, ...]

    def log_probabilities(self) -> NDArray[np.float64]:
        """(N, C), the logarithm of the softmax."""
        wide = self.logits.astype(np.float64)
        shifted = wide - wide.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def predicted(self) -> NDArray[np.int64]:
        """(N,) the class with the highest logit; ties go to the lower index."""
        return self.logits.argmax(axis=1)


@dataclass(frozen=True)
class Evidence:
    """The outcomes of one run on one split at E epochs (not all epochs need be there).

    epochs: (E,) int, counted from 1, ascending; 0 is the initialisation.
    logits: (E, N, C) float32.
    """

    split: str
    image_ids: tuple[str, ...]
    targets: NDArray[np.int64]
    classes: tuple[str, ...]
    epochs: tuple[int, ...]
    logits: NDArray[np.float32]

    def at(self, epoch: int) -> ClassScores:
        """The scores after `epoch`. Raises KeyError if that epoch was not kept."""
        if epoch not in self.epochs:
            raise KeyError(f"epoch {epoch} of {self.split} was not kept; kept: {self.epochs}")
        return ClassScores(self.image_ids, self.targets, self.logits[self.epochs.index(epoch)], self.classes)


@dataclass(frozen=True)
class MaskCounts:
    """How a segmentation of N images with C classes agrees with the truth, at one epoch.

    image_ids: N names, the same in the same order for every run of a study.
    confusion: (N, C, C) int64 pixel counts, rows the truth, columns the prediction; void pixels are left out.
    boundary: (N, C, C) int64, the same for the pixels near a class boundary of the truth only (`paribus.counting`).
    classes: C names.
    """

    image_ids: tuple[str, ...]
    confusion: NDArray[np.int64]
    boundary: NDArray[np.int64]
    classes: tuple[str, ...]

    def merged(self, classes: tuple[str, ...], mapping: Sequence[int]) -> "MaskCounts":
        """The counts in a coarser label space: argmax first, then merge.

        classes: the K new names. mapping: C numbers, the index in `classes` of each old class. The boundary counts
        keep their pixels: those near a boundary between classes of the finer space. Raises ValueError if `mapping`
        does not fit.
        """
        if len(mapping) != len(self.classes) or not all(0 <= new < len(classes) for new in mapping):
            raise ValueError(f"mapping is {tuple(mapping)}; expected {len(self.classes)} indices into {classes}.")
        return MaskCounts(
            self.image_ids,
            _merged(self.confusion, mapping, len(classes)),
            _merged(self.boundary, mapping, len(classes)),
            classes,
        )


@dataclass(frozen=True)
class MaskEvidence:
    """The pixel counts of one run on one split at E epochs (not all epochs need be there).

    epochs: (E,) int, counted from 1, ascending; 0 is the initialisation.
    confusion, boundary: (E, N, C, C) int32, as in `MaskCounts`.
    """

    split: str
    image_ids: tuple[str, ...]
    classes: tuple[str, ...]
    epochs: tuple[int, ...]
    confusion: NDArray[np.int32]
    boundary: NDArray[np.int32]

    def at(self, epoch: int) -> MaskCounts:
        """The counts after `epoch`. Raises KeyError if that epoch was not kept."""
        if epoch not in self.epochs:
            raise KeyError(f"epoch {epoch} of {self.split} was not kept; kept: {self.epochs}")
        place = self.epochs.index(epoch)
        confusion, boundary = self.confusion[place].astype(np.int64), self.boundary[place].astype(np.int64)
        return MaskCounts(self.image_ids, confusion, boundary, self.classes)


Scores = ClassScores | MaskCounts


def part(scores: Scores, kept: NDArray[np.bool_]) -> Scores:
    """What was said about the images marked in `kept`, (N,)."""
    ids = tuple(image for image, keep in zip(scores.image_ids, kept, strict=True) if keep)
    if isinstance(scores, MaskCounts):
        return MaskCounts(ids, scores.confusion[kept], scores.boundary[kept], scores.classes)
    return ClassScores(ids, scores.targets[kept], scores.logits[kept], scores.classes)


@dataclass(frozen=True)
class RunRecord:
    """One finished run: what it was, what it cost and what it said on every split.

    seconds: training time, evaluation included. curves: one row an epoch, as `epoch`, `train_loss`, `lr` and
    `<split>_accuracy`, `<split>_loss` for the splits scored at that epoch. facts: JSON-ready extras
    (`parameters_total`, `parameters_trained`, `certificate`, `images_per_second`, `environment` …).
    """

    id: str
    seed: int
    status: Status
    seconds: float
    evidence: Mapping[str, Evidence | MaskEvidence]
    curves: tuple[dict[str, float], ...] = ()
    facts: dict[str, Any] | None = None


def _merged(counts: NDArray[np.int64], mapping: Sequence[int], size: int) -> NDArray[np.int64]:
    """(N, K, K) from (N, C, C): M' C M with the one-hot (C, K) matrix of the mapping."""
    merge = np.eye(size, dtype=np.int64)[np.asarray(mapping)]
    return np.asarray(merge.T @ counts @ merge, dtype=np.int64)
