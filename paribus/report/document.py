"""The content of `report.json`: every number that the page and the tables show, from the results alone."""

import math
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from paribus import metrics
from paribus.contrasts import Contrast
from paribus.findings import Finding
from paribus.metrics import MetricFunction
from paribus.one_run import OneRun, one_run
from paribus.predictions import ClassScores, Evidence, MaskCounts, MaskEvidence, RunRecord, Scores
from paribus.questions import Question
from paribus.report import evidence, leaks, masks, mistakes, tuned
from paribus.report.numbers import scale_of
from paribus.report.thresholds import thresholds
from paribus.results import ArmResult, Results

Document = dict[str, Any]


def document(results: Results) -> Document:
    """Everything the report says, JSON-ready: scores in the metric's own unit, no NaN or infinity (null instead)."""
    rule = _rule(results)
    counted = {arm.name: [evidence.counted(run, results.design, rule) for run in arm.runs] for arm in results.arms}
    known = {arm: [run.scores for run in runs if run] for arm, runs in counted.items()}
    arms = [_arm(results, arm, counted[arm.name]) for arm in results.arms]
    compared = {arm.name: known[arm.name] for arm in results.arms if not arm.control}
    picked = one_run(results.contrasts, {arm.name: arm.runs for arm in results.arms})
    content = {
        "paribus": _version(),
        "title": results.title,
        "command": results.command,
        "metric": _metric(results.metric),
        "study": _study(results, known),
        "arms": arms,
        "questions": [_question(results, question, picked) for question in results.questions],
        "findings": [_finding(finding) for finding in results.findings],
        "disagreements": _disagreements(results, known),
        "mistakes": mistakes.mistakes(compared),
        "confused": mistakes.confused(compared),
        "pictures": masks.shown(results, known),
        "leaks": leaks.leaks(results, known),
        "best": _best(results, arms),
        "environment": results.environment,
        "seconds": results.seconds,
        "missing": results.missing,
    }
    clean: Document = finite(content)
    return clean


def pictures_of_masks(results: Results) -> dict[str, Any] | None:
    """Which images of a segmentation the report shows (`masks.shown`); None for a classification."""
    rule = _rule(results)
    counted = {arm.name: [evidence.counted(run, results.design, rule) for run in arm.runs] for arm in results.arms}
    return masks.shown(results, {arm: [run.scores for run in runs if run] for arm, runs in counted.items()})


def finite(value: Any) -> Any:
    """`value` with what strict JSON knows: numpy becomes plain, tuples lists, keys text, NaN and infinities None."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [finite(item) for item in value]
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, np.generic):
        return finite(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _version() -> str:
    """The version of Paribus; `unknown` where it runs from a folder without being installed."""
    try:
        return version("paribus")
    except PackageNotFoundError:
        return "unknown"


def _metric(name: str) -> dict[str, Any]:
    scale = scale_of(name)
    return {"name": name, "label": scale.label, "lower_is_better": scale.lower_is_better}


def _study(results: Results, known: dict[str, list[Scores]]) -> dict[str, Any]:
    design = results.design
    first = next((runs[0] for runs in known.values() if runs), None)
    return {
        "title": results.title,
        "task": "segmentation" if first and isinstance(first, MaskCounts) else "classification",
        "metric": results.metric,
        "margin": results.margin,
        "primary": results.primary,
        "looks": design.looks,
        "split": design.split,
        "epoch": design.epoch,
        "groups": len(set(design.groups.values())) if design.groups else None,
        "images": len(first.image_ids) if first else None,
        "data": results.data,
        "declared": results.study,
    }


def _rule(results: Results) -> MetricFunction:
    """The metric by which epochs are chosen and runs are scored; a plain one for a metric of the user's own module."""
    if results.metric in metrics.names():
        return metrics.named(results.metric)
    kept = (evidence for arm in results.arms for run in arm.runs for evidence in run.evidence.values())
    return metrics.mean_iou if isinstance(next(kept, None), MaskEvidence) else metrics.accuracy


def _arm(results: Results, arm: ArmResult, counted: list[evidence.Counted | None]) -> dict[str, Any]:
    values = run_values(results, arm, counted)
    known = [v for v in values if v is not None and math.isfinite(v)]
    scores = [run.scores for run in counted if run]
    return {
        "name": arm.name,
        "label": arm.label,
        "control": arm.control,
        "base": arm.base,
        "changed": arm.changed,
        "metric": results.metric,
        "mean": float(np.mean(known)) if known else None,
        "ci95": _interval(results, scores),
        "sd_runs": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        "min": min(known, default=None),
        "max": max(known, default=None),
        "runs": [_run(run, value, kept) for run, value, kept in zip(arm.runs, values, counted, strict=True)],
        "seconds": _mean([run.seconds for run in arm.runs]),
        "images_per_second": _mean_fact(arm, "images_per_second"),
        "parameters": {
            "trained": _first_fact(arm, "parameters_trained"),
            "total": _first_fact(arm, "parameters_total"),
        },
        "train_accuracy": _mean([_train_accuracy(run, kept) for run, kept in zip(arm.runs, counted, strict=True)]),
        "confusion": evidence.confusion(scores) if scores else None,
        "calibration": evidence.calibration(scores) if scores else None,
        "thresholds": thresholds(scores, _said_of_val(results, arm, counted)),
        **masks.of_arm(results, arm, scores),
        "certificate": _certificate(arm),
        "recipe": arm.recipe,
        "tuning": tuned.of_arm(arm),
    }


def _said_of_val(results: Results, arm: ArmResult, counted: list[evidence.Counted | None]) -> list[Scores | None]:
    """Of each run that counts, its answers to the images of val at the epoch that is scored, where they are others."""
    found: list[Scores | None] = []
    for run, kept in zip(arm.runs, counted, strict=True):
        val = run.evidence.get("val") if results.design.split != "val" else None
        if kept is not None:
            found.append(val.at(kept.epoch) if val is not None and kept.epoch in val.epochs else None)
    return found


def run_values(results: Results, arm: ArmResult, counted: list[evidence.Counted | None]) -> list[float | None]:
    """One value of the study's metric a run: recomputed, or, for a metric of the user's own module, the contrasts'."""
    if results.metric in metrics.names():
        metric = metrics.named(results.metric)
        return [float(metric(run.scores).mean()) if run else None for run in counted]
    for contrast in results.contrasts:
        used = contrast.per_arm.get(arm.name, [])
        if contrast.question.metric == results.metric and len(used) == len(arm.runs):
            return list(used)
    return [None] * len(arm.runs)


def _interval(results: Results, scores: list[Scores]) -> tuple[float, float] | None:
    if not scores or results.metric not in metrics.names():
        return None
    metric, groups = metrics.named(results.metric), results.design.groups
    labels = [groups[image] for image in scores[0].image_ids] if groups else None
    return evidence.interval_of_level([metric(s) for s in scores], labels)


def _certificate(arm: ArmResult) -> Any:
    """The certificate to show: a broken one if any run has one, else the first."""
    found = [c for run in arm.runs if isinstance(c := (run.facts or {}).get("certificate"), dict)]
    return next((c for c in found if c.get("held") is False), found[0] if found else None)


def _run(run: RunRecord, value: float | None, counted: evidence.Counted | None) -> dict[str, Any]:
    return {
        "id": run.id,
        "seed": run.seed,
        "value": value,
        "seconds": run.seconds,
        "status": run.status,
        "exact": (run.facts or {}).get("exact", True) is True,
        "epoch": counted.epoch if counted else None,
        "best_val": _best_val(run),
        "train_accuracy": _train_accuracy(run, counted),
        "train_mean_iou": masks.train_mean_iou(run),
        "curves": list(run.curves),
    }


def _best_val(run: RunRecord) -> dict[str, float] | None:
    """The highest validation accuracy (mean IoU, of masks) of any epoch and its epoch, as training scripts print it.

    Optimistic.
    """
    if any(isinstance(kept, MaskEvidence) for kept in run.evidence.values()):
        return masks.best_val(run)
    rows = [row for row in run.curves if math.isfinite(row.get("val_accuracy", math.nan))]
    if not rows:
        return None
    best = max(rows, key=lambda row: row["val_accuracy"])
    return {"epoch": best.get("epoch", math.nan), "value": best["val_accuracy"]}


def _train_accuracy(run: RunRecord, counted: evidence.Counted | None) -> float | None:
    """Accuracy on the clean (unaugmented) training images, from facts or the curves at the counted epoch.

    Else from the answers kept of them, of the last epoch.
    """
    fact = (run.facts or {}).get("train_accuracy")
    if isinstance(fact, int | float):
        return float(fact)
    rows = [row for row in run.curves if counted and row.get("epoch") == counted.epoch]
    return next((row["train_accuracy"] for row in rows if "train_accuracy" in row), _train_accuracy_kept(run))


def _train_accuracy_kept(run: RunRecord) -> float | None:
    kept = run.evidence.get("train")
    if not isinstance(kept, Evidence) or not kept.epochs:
        return None
    last = kept.at(kept.epochs[-1])
    return evidence.accuracy(last) if np.isfinite(last.logits).all() else None


def _question(results: Results, question: Question, picked: tuple[OneRun, ...]) -> dict[str, Any]:
    asked = {
        "name": question.name,
        "ask": question.ask or question.name,
        "kind": question.kind,
        "compare": question.weights,
        "metric": question.metric,
        "score_in": None if question.score_in is None else question.score_in["name"],
        "margin": question.margin,
        "primary": question.primary,
        "control": question.control,
        "bundle": question.bundle,
        "blocks": results.design.in_blocks,
        "changed": question.changed,
        "consequences": question.consequences,
        "tuned": question.tuned,
        "train_fractions": question.train_fractions,
    }
    answer = next((c for c in results.contrasts if c.question.name == question.name), None)
    asked |= masks.of_question(results, question, answer)
    asked["one_run"] = {row.reading: asdict(row) for row in picked if row.question == question.name}
    return asked | (_answer(answer) if answer else {"verdict": None})


def _answer(contrast: Contrast) -> dict[str, Any]:
    return {
        "verdict": contrast.verdict,
        "sentence": contrast.sentence,
        "difference": contrast.difference,
        "se": contrast.se,
        "df": contrast.df,
        "p": contrast.p,
        "p_adjusted": contrast.p_adjusted,
        "p_equivalence": contrast.p_equivalence,
        "p_equivalence_adjusted": contrast.p_equivalence_adjusted,
        "ci95": contrast.ci95,
        "ci90": contrast.ci90,
        "interval": {"level": contrast.level, "low": contrast.low, "high": contrast.high},
        "estimand": contrast.estimand,
        "shares": contrast.shares,
        "mde80": contrast.mde80,
        "plan": contrast.plan,
        "parts": contrast.parts,
        "alpha": contrast.alpha,
        "settled": contrast.settled,
        "per_arm": contrast.per_arm,
        "seeds": contrast.seeds,
        "images": contrast.images,
        "groups": contrast.groups,
        "look": contrast.look,
        "one_run_wrong": contrast.one_run_wrong,
        "tipping_point": contrast.tipping_point,
        "notes": contrast.notes,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code, "title": finding.title, "outcome": finding.outcome, "sentence": finding.sentence}


def _disagreements(results: Results, known: dict[str, list[Scores]]) -> list[dict[str, Any]]:
    arms = [arm.name for arm in results.arms if not arm.control and known[arm.name]]
    if not arms:
        return []
    classified = {arm: [s for s in known[arm] if isinstance(s, ClassScores)] for arm in arms}
    if not all(classified.values()):
        return []  # masks are compared by their pictures
    answers = {arm: np.stack([s.predicted() for s in runs]) for arm, runs in classified.items()}
    return evidence.disagreements(answers, classified[arms[0]][0])


def _best(results: Results, arms: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The arm to use: the highest mean on val, or, without validation scores, the highest mean where it is scored.

    Arms with other classes than the first are left out: their levels do not compare.
    """
    rows = [row for row in arms if not row["control"] and row["mean"] is not None]
    rows = [row for row in rows if (row["space"] or {}).get("classes") == (arms[0]["space"] or {}).get("classes")]
    if not rows:
        return None
    epochs = {row["name"]: [run["epoch"] for run in row["runs"]] for row in arms}
    on_val = {arm.name: _on_val(results, arm, epochs[arm.name]) for arm in results.arms}
    use_val = results.design.split != "val" and all(on_val[row["name"]] is not None for row in rows)
    rank = on_val if use_val else {row["name"]: row["mean"] for row in rows}
    best = max(rows, key=lambda row: rank[row["name"]] or 0.0)
    kept = ("name", "label", "mean", "ci95", "sd_runs", "min", "max")
    return {key: best[key] for key in kept} | {
        "runs": len(best["runs"]),
        "chosen_on": "val" if use_val else results.design.split,
        "on_val": on_val[best["name"]] if use_val else None,
    }


def _on_val(results: Results, arm: ArmResult, epochs: list[int | None]) -> float | None:
    metric, values = _rule(results), []
    for run, epoch in zip(arm.runs, epochs, strict=True):
        val = run.evidence.get("val")
        if val is None or epoch is None or epoch not in val.epochs:
            return None
        values.append(float(metric(val.at(epoch)).mean()))
    return float(np.mean(values)) if values else None


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None and math.isfinite(v)]
    return float(np.mean(known)) if known else None


def _first_fact(arm: ArmResult, name: str) -> Any:
    return next(((run.facts or {})[name] for run in arm.runs if name in (run.facts or {})), None)


def _mean_fact(arm: ArmResult, name: str) -> float | None:
    found = [(run.facts or {}).get(name) for run in arm.runs]
    return _mean([float(v) if isinstance(v, int | float) else None for v in found])
