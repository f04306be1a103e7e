"""What an answer is worth: confident mistakes, confused classes, reliability, and other thresholds than one half."""

from typing import Any

from paribus.report import squares
from paribus.report.numbers import NOTHING, count, percent, plural
from paribus.report.sections import many
from paribus.report.sections.predictions import class_names
from paribus.report.sections.words import Row

HALF = 0.5
SURE = 0.9  # from here on a mistake of all runs points at the label; below it the networks may just know little


def mistakes(document: Row) -> Row | None:
    """The images that cost each arm most, of the arm to use first; None without probabilities or mistakes."""
    classes, best = class_names(document), (document["best"] or {}).get("name")
    rows = sorted((row for row in document["mistakes"] if row["images"]), key=lambda row: row["arm"] != best)
    if not rows:
        return None
    return {"arms": [_arm(row, classes) for row in rows], "several": any(row["runs"] > 1 for row in rows)}


def _arm(row: Row, classes: list[str]) -> Row:
    return {
        "arm": row["arm"],
        "wrong": f"{count(row['wrong'])} of {plural(row['of'], 'image')} wrong ({percent(row['wrong'] / row['of'])})",
        "cards": [_card(each, classes) for each in row["images"]],
    }


def _card(each: Row, classes: list[str]) -> Row:
    everyone = each["same"] == each["said"] > 1 and each["probability"] >= SURE
    return {
        "image": each["image"],
        "target": classes[each["target"]],
        "answer": classes[each["answer"]],
        "probability": percent(each["probability"]),
        "of_truth": percent(each["of_truth"]),
        "loss": "infinite" if each["loss"] is None else f"{each['loss']:.2f}",
        "same": f"{count(each['same'])} of {plural(each['said'], 'run')} of all arms say so",
        "everyone": everyone,
    }


def confused(document: Row) -> Row | None:
    """The pairs of classes that are confused most, arm by arm; None where there are two classes."""
    if not document["confused"]:
        return None
    classes, arms = class_names(document), list(document["confused"][0]["arms"])
    rows = [
        {
            "truth": classes[row["truth"]],
            "answer": classes[row["answer"]],
            "images": count(row["images"]),
            "cells": [_pair(row["arms"][arm]) for arm in arms],
        }
        for row in document["confused"]
    ]
    return {"arms": arms, "rows": rows}


def _pair(cell: Row) -> tuple[str, str]:
    spread = f"{100 * cell['low']:.0f}–{100 * cell['high']:.0f}" if cell["high"] > cell["low"] else ""
    return percent(cell["share"]), spread


def calibration(document: Row) -> Row | None:
    """Log loss, Brier score and ECE with its reference, and the reliability diagram, of arms with probabilities."""
    there = [(arm["name"], arm["calibration"]) for arm in document["arms"] if arm["calibration"]]
    if not there:
        return None
    size = len(class_names(document))
    rows = [_scores(arm, row) | _diagram(row, size) for arm, row in there]
    return {"bins": there[0][1]["bins"], "rows": rows, "several": any(row["several"] for row in rows)}


def _scores(arm: str, row: Row) -> Row:
    known = {key: NOTHING if row[key] is None else f"{row[key]:.3f}" for key in ("brier", "ece", "ece_reference")}
    loss = "infinite" if row["log_loss"] is None else f"{row['log_loss']:.3f}"
    return {"arm": arm, "log_loss": loss} | known


def _diagram(row: Row, classes: int) -> Row:
    bins = row["reliability"]
    lines = 1 < len(bins[0]["runs"]) <= many.DRAWN
    said = f"{plural(len(bins), 'bin')} of confidence; the surest answers, at {percent(bins[-1]['confidence'])}, are"
    alternative = f"{said} right in {percent(bins[-1]['right'])}"
    return {
        "svg": squares.reliability(bins, classes, lines, alternative),
        "several": lines,
        "table": [
            (
                f"{percent(each['confidence'])}",
                percent(each["right"]),
                f"{100 * each['calibrated'][0]:.0f}–{100 * each['calibrated'][1]:.0f}",
                count(each["images"]) if each["images"] >= 1 else f"{each['images']:.1f}",
            )
            for each in bins
        ],
    }


def thresholds(document: Row) -> Row | None:
    """Of two classes: AUROC, average precision, and precision, recall and F1 at thresholds; None for more classes."""
    there = [(arm["name"], arm["thresholds"]) for arm in document["arms"] if arm["thresholds"]]
    if not there:
        return None
    first, classes = there[0][1], class_names(document)
    rows = [_thresholds(arm, row, document) for arm, row in there]
    return {
        "positive": classes[first["positive"]],
        "negative": classes[1 - first["positive"]],
        "positives": f"{count(first['positives'])} of {plural(first['images'], 'image')}",
        "prevalence": percent(first["positives"] / first["images"]),
        "chosen": any(row["chosen"] for row in rows),
        "several": any(row["several"] for row in rows),
        "rows": rows,
    }


def _thresholds(arm: str, row: Row, document: Row) -> Row:
    several = sum(len(each["runs"]) for each in document["arms"] if each["name"] == arm) > 1
    half = next(each for each in row["rows"] if each["threshold"] == HALF)
    area, precision = _share(row["auroc"]), _share(row["average_precision"])
    return {
        "arm": arm,
        "several": several,
        "auroc": area,
        "average_precision": precision,
        "half": _measures(half),
        "chosen": [_level(row["chosen"]["threshold"]), *_measures(row["chosen"])] if row["chosen"] else [],
        "roc": squares.roc(row["roc"], several, f"ROC curve, area {area[0]} %"),
        "pr": squares.pr(
            row["pr"],
            row["positives"] / row["images"],
            several,
            f"Precision against recall, average precision {precision[0]} %",
        ),
        "table": [(f"{each['threshold']:g}", _share(each["taken"]), *_measures(each)) for each in row["rows"]],
    }


def _measures(row: Row) -> list[tuple[str, str]]:
    return [_share(row[name]) for name in ("precision", "recall", "f1")]


def _share(found: Row) -> tuple[str, str]:
    """A mean in percent, and from which run to which."""
    return _written(found, 100.0, 1)


def _level(found: Row) -> tuple[str, str]:
    return _written(found, 1.0, 2)


def _written(found: Row, factor: float, digits: int) -> tuple[str, str]:
    ends: list[Any] = [found[key] for key in ("mean", "low", "high")]
    if ends[0] is None:
        return NOTHING, ""
    mean, low, high = (f"{factor * value:.{digits}f}" for value in ends)
    return mean, f"{low}–{high}" if low != high else ""
