"""The table of arms: every run, its cost and the dot plot."""

from paribus.report import figures
from paribus.report.numbers import Scale, count, scale_of
from paribus.report.sections import many
from paribus.report.sections.strips import strip_row
from paribus.report.sections.words import Row, of_masks


def arms(document: Row) -> Row:
    """The table of arms, with every run, its cost and the dot plot."""
    scale = scale_of(document["metric"]["name"])
    rows = document["arms"]
    costs = any(a["seconds"] for a in rows)
    fit = "train_mean_iou" if of_masks(document) else "train_accuracy"
    groups = [_group(scale, classes, together, fit) for classes, together in _by_classes(rows).items()]
    shown = {row["arm"]: row for group in groups for row in group["rows"]}
    return {
        "head": scale.label + (", %" if scale.value_unit else ""),
        "groups": groups,
        "rows": [shown[a["name"]] for a in rows],
        "fit": "Mean IoU" if of_masks(document) else "Accuracy",
        "best": "mean IoU" if of_masks(document) else "accuracy",
        "best_short": "mean IoU" if of_masks(document) else "acc",
        "costs": costs,
        "boxes": not many.drawn(document),
        "listed": many.listed(document),
        "parameters": any(a["parameters"]["total"] for a in rows),
        "speed": any(a["images_per_second"] for a in rows),
        "training": any(a[fit] is not None for a in rows),
        "best_val": any(r["best_val"] for a in rows for r in a["runs"]),
    }


def _by_classes(arms: list[Row]) -> dict[tuple[str, ...], list[Row]]:
    """Classes of pixels -> the arms that are scored in them: levels in other classes do not compare.

    Arms without a run, of which the classes are not known, stand with the first.
    """
    known = [tuple(arm["space"]["classes"]) if arm["space"] else None for arm in arms]
    first = next((classes for classes in known if classes), ())
    found: dict[tuple[str, ...], list[Row]] = {}
    for arm, classes in zip(arms, known, strict=True):
        found.setdefault(classes or first, []).append(arm)
    return found


def _group(scale: Scale, classes: tuple[str, ...], arms: list[Row], fit: str) -> Row:
    values = [r["value"] * scale.factor for a in arms for r in a["runs"] if r["value"] is not None]
    span = figures.span_of_runs(values, scale.digits)
    rows = [_arm(scale, span, a, fit) for a in arms]
    return {"classes": len(classes), "axis": figures.axis_strip(span), "rows": rows}


def _arm(scale: Scale, span: figures.Span, arm: Row, fit: str) -> Row:
    runs = [r["value"] for r in arm["runs"]]
    marks = [(r["seed"], r["status"]) for r in arm["runs"]]
    row = strip_row(scale, span, arm["name"], runs, marks)
    diverged = sum(status == "diverged" for _, status in marks)
    return row | {
        "label": arm["label"],
        "control": arm["control"],
        "sd": scale.spread(arm["sd_runs"]),
        "diverged": diverged,
        "seconds": arm["seconds"],
        "speed": arm["images_per_second"],
        "parameters": arm["parameters"],
        "train_accuracy": scale_of("accuracy").value(arm[fit]),
        "runs": [_run(scale, r) for r in arm["runs"]],
        "changed": arm["changed"],
    }


def _run(scale: Scale, run: Row) -> Row:
    best = run["best_val"]
    shown = f"{scale_of('accuracy').value(best['value'])} at epoch {count(best['epoch'])}" if best else ""
    kept = ("id", "seed", "status", "exact", "seconds", "epoch")
    return {key: run[key] for key in kept} | {"value": scale.value(run["value"]), "best_val": shown}
