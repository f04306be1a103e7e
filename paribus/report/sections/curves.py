"""Learning curves: one thin line a run, the mean on top; many runs as a band."""

import math

from paribus.report import figures
from paribus.report.numbers import count, plural
from paribus.report.sections import many
from paribus.report.sections.words import Row, of_masks


def curves(document: Row) -> Row | None:
    """Small charts with shared axes: training loss and validation accuracy (of masks mean IoU), an arm a row."""
    scored = [("val_accuracy", "Validation accuracy, %", 100.0)]
    if of_masks(document):
        pixels = ("val_accuracy", "Validation pixel accuracy, %", 100.0)
        scored = [("val_mean_iou", "Validation mean IoU, %", 100.0), pixels]
    panels = [("train_loss", "Training loss", 1.0), *scored]
    frames = [(key, label, _frame(document, key, factor)) for key, label, factor in panels]
    there = [(key, label, frame) for key, label, frame in frames if frame is not None]
    if not there:
        return None
    rows = []
    for arm in document["arms"]:
        charts = [_chart(arm, key, label, frame) for key, label, frame in there]
        rows.append({"arm": arm["name"], "charts": [c for c in charts if c]})
    return {"rows": [r for r in rows if r["charts"]], "bands": not many.drawn(document)}


def _points(run: Row, key: str) -> list[tuple[float, float]]:
    return [
        (row["epoch"], math.nan if row.get(key) is None else row[key])
        for row in run["curves"]
        if row.get("epoch") is not None and key in row
    ]


def _frame(document: Row, key: str, factor: float) -> figures.Frame | None:
    points = [p for arm in document["arms"] for run in arm["runs"] for p in _points(run, key) if math.isfinite(p[1])]
    if not points:
        return None
    heights = sorted(y for _, y in points)
    # One diverging run must not flatten all others: the axis ends where 98 % of the values do, with room.
    top = heights[min(len(heights) - 1, int(0.98 * len(heights)))]
    top = heights[-1] if heights[-1] < heights[0] + 1.5 * (top - heights[0]) else top
    epochs = [x for x, _ in points]
    width = figures.Span(min(epochs), max(max(epochs), min(epochs) + 1))
    return figures.Frame(width, figures.span_around([heights[0], top], least=1e-3), factor)


def _chart(arm: Row, key: str, label: str, frame: figures.Frame) -> Row | None:
    lines: list[figures.Line] = [points for run in arm["runs"] if (points := _points(run, key))]
    if not lines:
        return None
    mean = _mean_line(lines)
    ends = [f"{y * frame.factor:.3g}" for _, y in (mean[0], mean[-1])] if mean else [" ", " "]
    alternative = f"{label}: {plural(len(lines), 'run')}, mean from {ends[0]} to {ends[1]}"
    table = [(count(x), f"{y * frame.factor:.4g}") for x, y in mean]
    svg = (
        figures.chart(frame, lines, mean, alternative)
        if len(lines) <= many.DRAWN
        else figures.band_chart(frame, _bands(lines), mean, alternative)
    )
    return {"label": label, "svg": svg, "table": table}


def _bands(lines: list[figures.Line]) -> list[tuple[figures.Line, figures.Line]]:
    """From the lowest run to the highest at every epoch, and the middle half of the runs."""
    rows = [(x, many.five(ys)) for x, ys in _at_epochs(lines).items()]
    if not rows:
        return []  # no run has a finite value
    return [([(x, row[low]) for x, row in rows], [(x, row[high]) for x, row in rows]) for low, high in ((0, 4), (1, 3))]


def _mean_line(lines: list[figures.Line]) -> list[tuple[float, float]]:
    """The mean at every epoch that any run reached, over the runs with a value there."""
    return [(x, sum(ys) / len(ys)) for x, ys in _at_epochs(lines).items()]


def _at_epochs(lines: list[figures.Line]) -> dict[float, list[float]]:
    """Epoch -> the finite values there, epochs ascending."""
    at: dict[float, list[float]] = {}
    for line in lines:
        for x, y in line:
            if math.isfinite(y):
                at.setdefault(x, []).append(y)
    return dict(sorted(at.items()))
