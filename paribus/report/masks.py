"""What the report describes of runs that label pixels: classes, label spaces, and the images worth a picture."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paribus import metrics, per_class
from paribus.contrasts import Contrast
from paribus.decomposition import label_space_decomposition
from paribus.epochs import chosen
from paribus.labels import Colour, Space
from paribus.predictions import MaskCounts, MaskEvidence, RunRecord, Scores
from paribus.questions import Design, Question
from paribus.report.evidence import interval_of_level
from paribus.results import ArmResult, Results
from paribus.scoring import ON_BOUNDARIES, in_space, scored_in

Row = dict[str, Any]
NEAREST, FURTHEST = 2, 2  # typical images, and those at either end
TILES = 24  # predictions on a page, so that it stays below 3 MB; fewer images where arms are many
GREY = (128, 128, 128)


def of_arm(results: Results, arm: ArmResult, scores: Sequence[Scores]) -> Row:
    """`space`, `scores` (every built-in metric) and `classes` (IoU of each); all None for a classification."""
    counts = masks(scores)
    if not counts:
        return {"space": None, "scores": None, "classes": None, "train_mean_iou": None}
    groups = _groups(results.design, counts[0].image_ids)
    return {
        "space": space_of(arm, counts[0].classes),
        "scores": {name: _level(name, counts, groups) for name in metrics.names("segmentation")},
        "classes": [_class(row) for row in per_class.levels(counts, groups)],
        "train_mean_iou": _mean([train_mean_iou(run) for run in arm.runs]),
    }


def masks(scores: Sequence[Scores]) -> list[MaskCounts]:
    """Those of masks."""
    return [each for each in scores if isinstance(each, MaskCounts)]


def space_of(arm: ArmResult, classes: tuple[str, ...]) -> Row:
    """The classes and colours of an arm; grey where no colours are known."""
    if arm.space is not None and arm.space.classes == classes:
        return arm.space.plain()
    return Space(classes, (GREY,) * len(classes)).plain()


def train_mean_iou(run: RunRecord) -> float | None:
    """The mean IoU on the clean (unaugmented) training images at the last epoch kept of them."""
    kept = run.evidence.get("train")
    if not isinstance(kept, MaskEvidence) or not kept.epochs:
        return None
    return float(metrics.mean_iou(kept.at(kept.epochs[-1])).mean())


def best_val(run: RunRecord) -> Row | None:
    """The highest validation mean IoU of any epoch and its epoch, as training scripts print it: optimistic."""
    rows = [row for row in run.curves if np.isfinite(row.get("val_mean_iou", np.nan))]
    if not rows:
        return None
    best = max(rows, key=lambda row: row["val_mean_iou"])
    return {"epoch": best.get("epoch"), "value": best["val_mean_iou"]}


def of_question(results: Results, question: Question, contrast: Contrast | None) -> Row:
    """`classes`, the exploratory differences of each class, and `label_spaces`, the naive difference taken apart."""
    nothing: Row = {"classes": None, "label_spaces": None}
    runs = {arm.name: arm.runs for arm in results.arms if question.weights.get(arm.name)}
    if contrast is None or question.control or not _of_masks(results, runs):
        return nothing
    used = {name: runs[name][: contrast.seeds[name]] for name, weight in question.weights.items() if weight}
    counts = {name: [seen(run, question, results.design) for run in each] for name, each in used.items()}
    first = next(iter(counts.values()))[0]
    on_boundary = question.metric in ON_BOUNDARIES
    if on_boundary:
        counts = {name: [replace(c, confusion=c.boundary) for c in each] for name, each in counts.items()}
    weights = [question.weights[name] for name in counts]
    rows = per_class.differences(list(counts.values()), weights, _groups(results.design, first.image_ids))
    classes = {
        "measure": "boundary_iou" if on_boundary else "iou",
        "space": _space_of_question(results, question, first.classes),
        "rows": [_class(row) for row in rows],
    }
    return {"classes": classes, "label_spaces": _spaces(results, question, contrast)}


def seen(run: RunRecord, question: Question, design: Design) -> MaskCounts:
    """What a question counts of a run: the epoch it chose, in the space it is scored in."""
    metric = metrics.named(question.metric) if question.metric in metrics.names() else metrics.mean_iou
    found, _ = chosen(run, design.split, design.epoch, scored_in(metric, question.score_in), design.groups)
    assert isinstance(found, MaskCounts)
    return found if question.score_in is None else in_space(found, question.score_in)


def shown(results: Results, known: dict[str, list[Scores]]) -> Row | None:
    """Which images to show: where the sides of the first question are furthest apart in right pixels, and typical ones.

    images: rows of `image`, `number` (its place in the evidence), `why` (gains, loses, typical), `gap` (of the shares
    of right pixels, the question's right side less its left) and `right` (arm -> mean share over runs). runs: arm ->
    the run whose masks are shown, the first seed. question, sides, score_in: of the question; sides is None unless it
    compares two arms. None for a classification.
    """
    arms = {arm.name: arm for arm in results.arms if not arm.control}
    counts = {name: masks(known[name]) for name in arms}
    counts = {name: each for name, each in counts.items() if each}
    if not counts:
        return None
    right = {name: _right(each) for name, each in counts.items()}
    question = _first_question(results, counts)
    gap = _gap(results, question) if question else np.zeros(len(next(iter(right.values()))))
    weights = {name: weight for name, weight in question.weights.items() if weight} if question else {}
    first = next(iter(counts.values()))[0]
    most = max(2, TILES // len(counts))
    picked = _picked(gap, np.mean(list(right.values()), axis=0))[:most]
    return {
        "question": question.name if question else None,
        "sides": sorted(weights, key=lambda name: weights[name]) if len(weights) == 2 else None,
        "score_in": question.score_in if question else None,
        "runs": {name: {"id": arms[name].runs[0].id, "seed": arms[name].runs[0].seed} for name in counts},
        "images": [
            {
                "image": first.image_ids[k],
                "number": k,
                "why": why,
                "gap": float(gap[k]),
                "right": {name: float(share[k]) for name, share in right.items()},
            }
            for k, why in picked
        ],
    }


def _picked(gap: NDArray[np.float64], right: NDArray[np.float64]) -> list[tuple[int, str]]:
    """Places of images and why: those at either end of the gap, then those nearest to the median share of right pixels.

    Images without a labelled pixel (nan) are never picked; ties keep the data's order.
    """
    known = [k for k in range(len(gap)) if np.isfinite(gap[k]) and np.isfinite(right[k])]
    gains = [k for k in sorted(known, key=lambda k: -gap[k]) if gap[k] > 0][:FURTHEST]
    loses = [k for k in sorted(known, key=lambda k: gap[k]) if gap[k] < 0][:FURTHEST]
    rest = [k for k in known if k not in {*gains, *loses}]
    middle = float(np.median(right[known])) if known else 0.0
    typical = sorted(rest, key=lambda k: abs(right[k] - middle))[:NEAREST]
    ends = [(k, "gains") for k in gains[:1]] + [(k, "loses") for k in loses[:1]] + [(k, "typical") for k in typical[:1]]
    more = [(k, "gains") for k in gains[1:]] + [(k, "loses") for k in loses[1:]] + [(k, "typical") for k in typical[1:]]
    return ends + more


def _right(counts: Sequence[MaskCounts]) -> NDArray[np.float64]:
    """(N,) the share of each image's labelled pixels that are right, mean over runs; nan without a labelled pixel."""
    each = []
    for run in counts:
        total = run.confusion.sum(axis=(1, 2))
        hits = np.trace(run.confusion, axis1=1, axis2=2).astype(np.float64)
        each.append(np.divide(hits, total, out=np.full(len(hits), np.nan), where=total > 0))
    return np.asarray(np.mean(each, axis=0), dtype=np.float64)


def _first_question(results: Results, counts: dict[str, list[MaskCounts]]) -> Question | None:
    """The primary question, or the first that was answered about these arms."""
    answered = [c.question for c in results.contrasts if not c.question.control]
    usable = [q for q in answered if all(arm in counts for arm, weight in q.weights.items() if weight)]
    return min(usable, key=lambda q: not q.primary, default=None)


def _gap(results: Results, question: Question) -> NDArray[np.float64]:
    runs = {arm.name: arm.runs for arm in results.arms}
    used = {name: weight for name, weight in question.weights.items() if weight}
    sides = [w * _right([seen(run, question, results.design) for run in runs[name]]) for name, w in used.items()]
    return np.asarray(np.sum(sides, axis=0), dtype=np.float64)


def _of_masks(results: Results, runs: dict[str, tuple[RunRecord, ...]]) -> bool:
    split = results.design.split
    return bool(runs) and all(isinstance(each[0].evidence.get(split), MaskEvidence) for each in runs.values() if each)


def _space_of_question(results: Results, question: Question, classes: tuple[str, ...]) -> Row:
    """The classes in which a question is scored, with the colours of an arm that has them, or of what was merged."""
    spaces = [arm.space for arm in results.arms if arm.space is not None]
    same = next((space for space in spaces if space.classes == classes), None)
    if same is not None:
        return same.plain()
    colours = {name: colour for space in reversed(spaces) for name, colour in _coloured(space)}
    merge = (question.score_in or {}).get("merge") or {}
    origin = {name: next((old for old in merge.get(name, []) if old in colours), name) for name in classes}
    return Space(classes, tuple(colours.get(origin[name], GREY) for name in classes)).plain()


def _coloured(space: Space) -> list[tuple[str, Colour]]:
    return list(zip(space.classes, space.colours, strict=True))


def _spaces(results: Results, question: Question, contrast: Contrast) -> Row | None:
    if question.score_in is None or question.metric not in metrics.names():
        return None
    arms = {arm.name: arm.runs for arm in results.arms}
    found = label_space_decomposition(question, arms, results.design, max(contrast.seeds.values()))
    return None if found is None else asdict(found)


def _class(row: per_class.ClassIou) -> Row:
    return asdict(row)


def _level(name: str, counts: Sequence[MaskCounts], groups: list[str] | None) -> Row:
    scores = [metrics.named(name)(each) for each in counts]
    values = [float(y.mean()) for y in scores]
    return {
        "mean": float(np.mean(values)),
        "sd_runs": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "ci95": interval_of_level(scores, groups),
    }


def _groups(design: Design, image_ids: Sequence[str]) -> list[str] | None:
    return [design.groups[image] for image in image_ids] if design.groups else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
