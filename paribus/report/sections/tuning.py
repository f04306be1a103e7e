"""What each arm tried before it was scored: the score on val against the value, and what was kept."""

import math
from collections.abc import Sequence

from paribus.report import figures
from paribus.report.numbers import Scale, duration, plural, scale_of
from paribus.report.sections.words import Row

ROOM = 0.12  # of a chart's width, left and right of the outermost values


def tuning(document: Row) -> Row | None:
    """One small chart an arm and path, all on the same axes, and the rows they are drawn from; None if not tuned."""
    tune = document["study"]["declared"].get("tune")
    arms = [arm for arm in document["arms"] if arm["tuning"] is not None and not arm["control"]]
    if not tune or not arms:
        return None
    scale, paths = scale_of(document["metric"]["name"]), list(tune["grid"])
    seeds = ", ".join(map(str, tune["seeds"]))
    return {
        "paths": paths,
        "head": scale.label + (", %" if scale.value_unit else ""),
        "seeds": f"{'seed' if len(tune['seeds']) == 1 else 'seeds'} {seeds}",
        "arms": [_arm(scale, paths, arm["name"], arm["tuning"]) for arm in arms],
        "charts": [c for path in paths for c in _charts(scale, path, arms)],
        "rows": [row for arm in arms for row in _rows(scale, paths, arm["name"], arm["tuning"])],
    }


def _arm(scale: Scale, paths: list[str], name: str, found: Row) -> Row:
    kept = found["chosen"]
    best = next((each for each in found["tried"] if each["values"] == kept), None)
    return {
        "arm": name,
        "values": [
            (f"{found['own'][path]:g}", f"{kept[path]:g}" if kept else "", found["edges"].get(path)) for path in paths
        ],
        "score": scale.number(best["mean"]) if best else "",
        "seconds": duration(found["seconds"]),
    }


def _rows(scale: Scale, paths: list[str], name: str, found: Row) -> list[Row]:
    return [
        {
            "arm": name,
            "values": [f"{each['values'][path]:g}" for path in paths],
            "scores": " ".join(scale.number(score) for score in each["scores"]),
            "mean": scale.number(each["mean"]),
            "told": _told(each, found),
        }
        for each in found["tried"]
    ]


def _told(each: Row, found: Row) -> str:
    missing = len(each["runs"]) - len(each["scores"])
    told = [
        "kept" if each["values"] == found["chosen"] else "",
        "diverged" if each["diverged"] else "",
        f"{plural(missing, 'run')} to come" if missing else "",
    ]
    return ", ".join(t for t in told if t)


def _charts(scale: Scale, path: str, arms: Sequence[Row]) -> list[Row]:
    """The charts of one path; an arm without a score has none."""
    curves = {arm["name"]: _curve(path, arm["tuning"]) for arm in arms}
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return []
    places = [point.x for point in points]
    room = ROOM * (max(places) - min(places)) or 1.0
    width = figures.Span(min(places) - room, max(places) + room)
    frame = figures.Frame(width, figures.span_around([point.y for point in points], least=1e-3), scale.factor)
    return [
        {"arm": name, "path": path, "svg": figures.curve(frame, curve, _alternative(scale, path, curve))}
        for name, curve in curves.items()
        if curve
    ]


def _curve(path: str, found: Row) -> list[figures.Point]:
    """For each value of the path the best score that any candidate with it had, in the order of the values."""
    scored = [each for each in found["tried"] if each["mean"] is not None]
    best = {each["values"][path]: each for each in sorted(scored, key=lambda each: each["mean"])}
    positive = all(each["values"][path] > 0 for each in found["tried"])
    return [
        figures.Point(
            x=math.log10(value) if positive else value,
            y=each["mean"],
            label=f"{value:g}",
            chosen=found["chosen"] is not None and value == found["chosen"][path],
            lost=bool(each["diverged"]),
        )
        for value, each in sorted(best.items())
    ]


def _alternative(scale: Scale, path: str, curve: Sequence[figures.Point]) -> str:
    told = [f"{point.label}: {scale.value(point.y)}{' (kept)' if point.chosen else ''}" for point in curve]
    return f"{scale.label} on val by {path}: {', '.join(told)}"
