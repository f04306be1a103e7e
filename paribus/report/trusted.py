"""The tables that the figures on mistakes, calibration and thresholds are drawn from, as rows for CSV."""

from typing import Any

Row = dict[str, Any]
MEASURES = ("taken", "precision", "recall", "f1")
ENDINGS = (("", "mean"), ("_low", "low"), ("_high", "high"))


def mistake_rows(document: Row) -> list[Row]:
    """One row an arm and image; classes by number, as in report.json."""
    return [{"arm": arm["arm"]} | each for arm in document["mistakes"] for each in arm["images"]]


def confused_rows(document: Row) -> list[Row]:
    """One row a pair of classes and arm; classes by number, `of_class` counts the images of the true one."""
    return [
        {"truth": row["truth"], "answer": row["answer"], "of_class": row["images"], "arm": arm} | cell
        for row in document["confused"]
        for arm, cell in row["arms"].items()
    ]


def reliability_rows(document: Row) -> list[Row]:
    """One row an arm and bin of confidence."""
    kept = ("low", "high", "images", "confidence", "right")
    return [
        {"arm": arm["name"]}
        | {key: row[key] for key in kept}
        | dict(zip(("calibrated_low", "calibrated_high"), row["calibrated"], strict=True))
        for arm in document["arms"]
        for row in (arm["calibration"] or {}).get("reliability", ())
    ]


def threshold_rows(document: Row) -> list[Row]:
    """One row an arm and threshold; the one chosen on val has its mean over runs."""
    return [
        {"arm": arm["name"], "chosen_on": on, "threshold": threshold}
        | {name + ending: row[name][key] for name in MEASURES for ending, key in ENDINGS}
        for arm in document["arms"]
        if arm["thresholds"]
        for on, threshold, row in _thresholds(arm["thresholds"])
    ]


def _thresholds(found: Row) -> list[tuple[str, float, Row]]:
    fixed = [("", row["threshold"], row) for row in found["rows"]]
    chosen = found["chosen"]
    return [*fixed, ("val", chosen["threshold"]["mean"], chosen)] if chosen else fixed


def curve_rows(document: Row) -> list[Row]:
    """One row a point of a curve: `x` false alarms and `y` recall of ROC, recall and precision of PR."""
    axes = {"roc": ("false_alarms", "recall"), "pr": ("recall", "precision")}
    return [
        {"arm": arm["name"], "curve": curve, "x": row[x], "y": row[y], "low": row["low"], "high": row["high"]}
        for arm in document["arms"]
        for curve, (x, y) in axes.items()
        for row in (arm["thresholds"] or {}).get(curve, ())
    ]
