"""Which epoch of a run counts, chosen without looking at the images it is scored on."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paribus.errors import DataError, Problem
from paribus.metrics import MetricFunction
from paribus.predictions import ClassScores, Evidence, MaskCounts, MaskEvidence, RunRecord, Scores

Rule = Literal["last", "val", "crossfit"]
FOLDS = 2
_OTHER_RULES = "`epoch: last` needs the last epoch only; `split: val` with `epoch: crossfit` what was kept of val."


def chosen(
    run: RunRecord, split: str, rule: Rule, metric: MetricFunction, groups: Mapping[str, str] | None = None
) -> tuple[Scores, int | None]:
    """The scores that count, and their epoch (None where two epochs were joined).

    last: the last epoch kept of any split. val: the epoch with the best mean metric on `val` (ties: the earliest)
    among those kept of the split: of masks the best on val by mean IoU and the last.
    crossfit: images are split into two folds by a hash of their id (whole groups together), the same for every run;
    each fold is scored by the epoch that is best on the other fold, so that no image is scored by an epoch it helped
    to choose. Of masks the counts of both folds are joined first, and a metric of the whole set is taken of them all.
    `crossfit` chooses among the epochs kept of the split. A diverged run is scored at its last (or best) finite epoch;
    0, the initialisation, counts only where no other epoch is there. Raises DataError if the evidence is not there.
    """
    evidence = _evidence(run, split)
    if rule == "last":
        last = max(kept.epochs[-1] for kept in run.evidence.values() if kept.epochs)
        return _at(run, evidence, last), last
    if rule == "val":
        if split == "val":
            raise DataError("`epoch: val` chooses on val and cannot score there. Score on another split or `crossfit`.")
        epoch = _best(_evidence(run, "val"), metric, evidence.epochs)
        return _at(run, evidence, epoch), epoch
    return _crossfit(run, evidence, metric, folds(evidence.image_ids, groups)), None


def best(run: RunRecord, split: str, metric: MetricFunction) -> tuple[Scores, int]:
    """The scores of the epoch that is best on the split itself (ties: the earliest), and that epoch: optimistic.

    Raises DataError if the evidence is not there.
    """
    evidence = _evidence(run, split)
    epoch = _best(evidence, metric, evidence.epochs)
    return _at(run, evidence, epoch), epoch


def folds(image_ids: Sequence[str], groups: Mapping[str, str] | None = None) -> NDArray[np.int64]:
    """(N,) 0 or 1: the half of the images, or of their groups, with the smaller SHA-256 of the name is fold 0."""
    units = [groups[i] if groups is not None else i for i in image_ids]
    ordered = sorted(set(units), key=lambda unit: hashlib.sha256(unit.encode()).digest())
    if len(ordered) < FOLDS:
        raise DataError(f"`epoch: crossfit` needs at least two images or groups of images; there are {len(ordered)}.")
    fold_of = {unit: FOLDS * rank // len(ordered) for rank, unit in enumerate(ordered)}
    return np.array([fold_of[unit] for unit in units])


def crossfit_epochs(value: Callable[[int, NDArray[np.intp]], float], epochs: int, fold: ArrayLike) -> tuple[int, ...]:
    """For each fold the position of the epoch that is best on the other images (ties: the earliest).

    value(e, images): the metric of epoch number e, counted from 0, on these image positions.
    """
    fold_of = np.asarray(fold)
    others = [np.flatnonzero(fold_of != f) for f in range(int(fold_of.max()) + 1)]
    return tuple(int(np.argmax([value(e, images) for e in range(epochs)])) for images in others)


def _crossfit(
    run: RunRecord, evidence: Evidence | MaskEvidence, metric: MetricFunction, fold: NDArray[np.int64]
) -> Scores:
    scores = [_at(run, evidence, epoch) for epoch in _candidates(evidence)]
    picked = crossfit_epochs(lambda e, images: _mean(metric, _subset(scores[e], images)), len(scores), fold)
    chosen_of = np.asarray(picked)[fold]
    return _joined(scores, chosen_of)


def _joined(scores: Sequence[Scores], chosen_of: NDArray[np.int64]) -> Scores:
    """Each image as the scores of its chosen position have it."""
    first, images = scores[0], np.arange(len(chosen_of))
    if isinstance(first, MaskCounts):
        confusion = np.stack([s.confusion for s in scores if isinstance(s, MaskCounts)])[chosen_of, images]
        boundary = np.stack([s.boundary for s in scores if isinstance(s, MaskCounts)])[chosen_of, images]
        return MaskCounts(first.image_ids, confusion, boundary, first.classes)
    logits = np.stack([s.logits for s in scores if isinstance(s, ClassScores)])[chosen_of, images]
    return ClassScores(first.image_ids, first.targets, logits, first.classes)


def _best(evidence: Evidence | MaskEvidence, metric: MetricFunction, kept: Sequence[int]) -> int:
    """The best epoch among those `kept` where it is to be scored."""
    candidates = _candidates(evidence)
    candidates = [epoch for epoch in candidates if epoch in kept] or candidates
    return candidates[int(np.argmax([_mean(metric, evidence.at(epoch)) for epoch in candidates]))]


def _mean(metric: MetricFunction, scores: Scores) -> float:
    return float(np.mean(metric(scores)))


def _candidates(evidence: Evidence | MaskEvidence) -> list[int]:
    """The trained epochs; the initialisation only where nothing else was kept."""
    return [epoch for epoch in evidence.epochs if epoch > 0] or list(evidence.epochs)


def _subset(scores: Scores, images: NDArray[np.intp]) -> Scores:
    ids = tuple(scores.image_ids[i] for i in images)
    if isinstance(scores, MaskCounts):
        return MaskCounts(ids, scores.confusion[images], scores.boundary[images], scores.classes)
    return ClassScores(ids, scores.targets[images], scores.logits[images], scores.classes)


def _evidence(run: RunRecord, split: str) -> Evidence | MaskEvidence:
    if split not in run.evidence:
        known = ", ".join(sorted(run.evidence)) or "nothing"
        raise DataError(f"Run {run.id} (seed {run.seed}) has no evidence on {split!r}; it has: {known}.")
    evidence = run.evidence[split]
    if not evidence.epochs:
        raise DataError(f"Run {run.id} (seed {run.seed}) kept no epoch of {split!r}.")
    return evidence


def _at(run: RunRecord, evidence: Evidence | MaskEvidence, epoch: int) -> Scores:
    where = f"Run {run.id} (seed {run.seed})"
    if epoch not in evidence.epochs:
        kept = ", ".join(map(str, evidence.epochs))
        message = f"{where}: epoch {epoch} of {evidence.split!r} counts but was not kept; kept: {kept}."
        raise DataError([Problem("EPOCH_NOT_KEPT", message, "", _OTHER_RULES)])
    scores = evidence.at(epoch)
    if isinstance(scores, ClassScores) and not np.isfinite(scores.logits).all():
        raise DataError(f"{where}: epoch {epoch} of {evidence.split!r} holds values that are not finite.")
    return scores
