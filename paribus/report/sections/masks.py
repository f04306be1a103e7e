"""What labels of pixels add: IoU of each class, what changed class by class, and pictures of truth and answers."""

from typing import Any

from markupsafe import Markup

from paribus import overlays
from paribus.per_class import FEWEST_IMAGES
from paribus.report import figures
from paribus.report.numbers import Scale, count, p_value, percent, plural, scale_of
from paribus.report.sections.words import Row, colours_of, hexadecimal, named
from paribus.stats import FEWEST_GROUPS
from paribus.thumbnails import view

IOU = Scale("IoU", 100.0, 1, "%", "points")
MEASURES = {"iou": "IoU", "boundary_iou": "boundary IoU"}
STOPS = (("truth", "Truth"), ("prediction", "Prediction"), ("errors", "Errors"), ("edges", "At boundaries"))
LEVELS = ("mean_iou", "pixel_accuracy", "mean_class_accuracy", "frequency_weighted_iou", "dice", "boundary_iou")


def classes(document: Row) -> Row | None:
    """Levels of every metric and IoU of each class by arm, and the questions' differences; None without masks."""
    arms = [arm for arm in document["arms"] if arm["classes"]]
    if not arms:
        return None
    asked = [_differences(q) for q in document["questions"] if q.get("classes")]
    levels = [*LEVELS, *(name for name in arms[0]["scores"] if name not in LEVELS)]
    return {
        "arms": [_arm(arm) for arm in arms],
        "axis": figures.axis_strip(figures.Span(0, 100), most=figures.BAR_TICKS),
        "levels": [scale_of(name).label for name in levels],
        "scores": [_scores(arm, levels) for arm in arms],
        "several_spaces": len({tuple(arm["space"]["classes"]) for arm in arms}) > 1,
        "rare": any(row["low"] is None and row["value"] is not None for arm in arms for row in arm["classes"]),
        "fewest": FEWEST_IMAGES,
        "fixed": 0 < (document["study"]["groups"] or 0) < FEWEST_GROUPS,
        "questions": asked,
    }


def _scores(arm: Row, levels: list[str]) -> Row:
    cells = []
    for name in levels:
        found, scale = arm["scores"][name], scale_of(name)
        interval = scale.range(*found["ci95"]) if found["ci95"] else ""
        cells.append((scale.number(found["mean"]), interval))
    return {"arm": arm["name"], "classes": len(arm["space"]["classes"]), "cells": cells}


def _arm(arm: Row) -> Row:
    colours = colours_of(arm["space"])
    return {"arm": arm["name"], "rows": [_class(row, colours[row["name"]]) for row in arm["classes"]]}


def _class(row: Row, colour: str) -> Row:
    interval = None if row["low"] is None else IOU.bounds(row["low"], row["high"])
    value = None if row["value"] is None else row["value"] * IOU.factor
    shown = IOU.number(row["value"])
    spoken = f"{IOU.value(row['value'])}, {_interval_or_why(row, IOU.range)}"
    return {
        "name": row["name"],
        "swatch": figures.swatch(colour),
        "bar": figures.class_bar(figures.Span(0, 100), value, interval, colour, spoken),
        "value": shown,
        "interval": IOU.range(row["low"], row["high"]) if interval else "",
        "held": _held(row),
        "n_eff": f"{row['n_eff']:.1f}",
        "images": count(row["images"]),
        "rare": interval is None,
    }


def _interval_or_why(row: Row, write: Any) -> str:
    if row["value"] is None:
        return "in no image"
    if row["low"] is None:
        return f"{_held(row)}: no interval"
    return f"95 % interval {write(row['low'], row['high'])}"


def _held(row: Row) -> str:
    """`in 3 images, worth 2.1`: how many images hold the class, and how many equally large ones that is."""
    if not row["images"]:
        return "in no image"
    groups = f" of {plural(row['groups'], 'group')}" if row["groups"] is not None else ""
    return f"in {plural(row['images'], 'image')}{groups}, n_eff {row['n_eff']:.1f}"


def _differences(q: Row) -> Row:
    """A question's differences class by class, on one axis."""
    rows, colours = q["classes"]["rows"], colours_of(q["classes"]["space"])
    drawn = [IOU.bounds(row["low"], row["high"]) for row in rows if row["low"] is not None]
    lone = [row["value"] * IOU.factor for row in rows if row["value"] is not None and row["low"] is None]
    span = figures.span_of_intervals([*drawn, *((v, v) for v in lone)] if drawn else [(v, v) for v in lone], None)
    span = figures.span_around([span.low, span.high, *lone], pad=0.02, least=0.5)
    return named(q) | {
        "measure": MEASURES[q["classes"]["measure"]],
        "axis": figures.axis_strip(span, signed=True),
        "sides": _sides(q),
        "rows": [_difference(row, span, colours[row["name"]]) for row in rows],
        "space": (q["score_in"] or None),
    }


def _sides(q: Row) -> list[str] | None:
    """The two arms of a comparison, the one on the right first; None for other questions."""
    weights = {arm: weight for arm, weight in q["compare"].items() if weight}
    return sorted(weights, key=lambda arm: -weights[arm]) if len(weights) == 2 else None


def _difference(row: Row, span: figures.Span, colour: str) -> Row:
    interval = None if row["low"] is None else IOU.bounds(row["low"], row["high"])
    effect = IOU.change(row["value"])
    value = None if row["value"] is None else row["value"] * IOU.factor
    spoken = f"{effect} points, {_interval_or_why(row, IOU.interval)}"
    return {
        "name": row["name"],
        "swatch": figures.swatch(colour),
        "plot": figures.class_difference(span, value, interval, spoken),
        "effect": effect,
        "interval": IOU.interval(row["low"], row["high"]) if interval else "",
        "p": p_value(row["p_adjusted"]) if row["p_adjusted"] is not None else "",
        "held": _held(row),
    }


def label_spaces(q: Row) -> Row | None:
    """The naive difference of a question about label spaces, taken apart; None for any other."""
    found = q.get("label_spaces")
    if not found:
        return None
    scale = scale_of(q["metric"])
    easier = scale.change(found["easier_score"])
    return {
        "naive": f"{scale.change(found['naive'])} {scale.unit_of_change(found['naive'])}".strip(),
        "easier": easier,
        "training": scale.change(found["training"]),
        "space": q["score_in"],
        "label": scale.label,
        "rows": [
            (arm, found["classes"][arm], scale.value(found["own"][arm]), scale.value(found["shared"][arm]))
            for arm in found["own"]
        ],
    }


def legends(document: Row) -> list[list[tuple[str, Markup]]]:
    """The classes and colours of each label space of the arms, void last."""
    spaces = {tuple(arm["space"]["classes"]): arm["space"] for arm in document["arms"] if arm.get("space")}
    return [[(name, figures.swatch(colour)) for name, colour in colours_of(space).items()] for space in spaces.values()]


def pictures(document: Row) -> Row | None:
    """The images to show: what each picture is called, and what it shows; None without masks."""
    shown = document.get("pictures")
    if not shown or not shown["images"]:
        return None
    sides = shown["sides"]
    keys = [("wrong", overlays.WRONG), ("right, near a boundary", overlays.NEAR)]
    if sides:
        keys += [(f"only {sides[0]} is right", overlays.LEFT), (f"only {sides[1]} is right", overlays.RIGHT)]
        keys += [("neither is", overlays.NEITHER)]
    return {
        "question": shown["question"],
        "seeds": sorted({run["seed"] for run in shown["runs"].values()}),
        "legends": legends(document),
        "keys": [(text, figures.swatch(hexadecimal(colour))) for text, colour in keys],
        "void": figures.swatch(hexadecimal(overlays.UNLABELLED)),
        "stops": [label for _, label in STOPS],
        "scenes": [_scene(shown, row) for row in shown["images"]],
        "arms": list(shown["runs"]),
        "many": len(shown["runs"]) > 3,
    }


def _scene(shown: Row, row: Row) -> Row:
    sides, runs = shown["sides"], {arm: run["id"] for arm, run in shown["runs"].items()}
    both = view(row["image"], "apart", runs[sides[0]], runs[sides[1]]) if sides and set(sides) <= set(runs) else None
    return {
        "image": row["image"],
        "why": _why(shown, row),
        "input": view(row["image"], "input"),
        "truth": view(row["image"], "truth", next(iter(runs.values()))),
        "apart": both,
        "arms": [
            {
                "arm": arm,
                "right": IOU.value(row["right"][arm]),
                "layers": [(label, view(row["image"], kind, run)) for kind, label in STOPS],
            }
            for arm, run in runs.items()
        ],
    }


def _why(shown: Row, row: Row) -> str:
    sides = shown["sides"]
    points = IOU.change(row["gap"])
    if row["why"] == "typical":
        return "typical: near the median share of right pixels"
    if not sides:
        return f"{shown['question']}: {points} points of right pixels here"
    better, other = (sides[1], sides[0]) if row["why"] == "gains" else (sides[0], sides[1])
    return f"among the best for {better} against {other}: {points.lstrip('+−')} points more right pixels"


def data(document: Row) -> Row | None:
    """Shares of the labelled pixels by class and split, and void; None for images with one label each."""
    told = document["study"]["data"]
    if not told.get("images_with"):
        return None
    order = ("train", "val", "test")  # a lock keeps no order of its names
    splits = sorted(told["splits"], key=lambda s: order.index(s) if s in order else len(order))
    totals = {split: max(sum(told["splits"][split].values()), 1) for split in splits}
    rows = [
        (name, [(percent(told["splits"][s][name] / totals[s]), told["images_with"][s][name]) for s in splits])
        for name in told["classes"]
    ]
    void = [percent(told["void"][s] / (totals[s] + told["void"][s])) for s in splits]
    return {"splits": [(s, told["images"][s]) for s in splits], "rows": rows, "void": void}
