"""What tuning found, as the document and the tables have it."""

from typing import Any

from paribus.report.numbers import listed
from paribus.results import ArmResult

TRIED = ("values", "mean", "scores", "diverged", "runs")


def of_arm(arm: ArmResult) -> dict[str, Any] | None:
    """What an arm tried and kept; None where nothing was tuned. chosen: null until all of its runs are there."""
    found = arm.tuning
    if found is None:
        return None
    return {
        "own": found.own,
        "tried": [{key: getattr(each, key) for key in TRIED} for each in found.tried],
        "chosen": found.chosen.values if found.chosen else None,
        "edges": found.edges,
        "seconds": sum(each.seconds for each in found.tried),
    }


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """One row an arm and value tried, with its mean score on val."""
    return [
        {"arm": arm["name"]}
        | each["values"]
        | {"val_mean": each["mean"], "runs": len(each["scores"]), "diverged": each["diverged"]}
        | {"own": each["values"] == tuning["own"], "chosen": each["values"] == tuning["chosen"]}
        for arm in document["arms"]
        if (tuning := arm["tuning"]) is not None
        for each in tuning["tried"]
    ]


def sentence(document: dict[str, Any]) -> str:
    """How values were chosen beforehand; empty where nothing was tuned."""
    tune = document["study"]["declared"].get("tune")
    if not tune:
        return ""
    grids = [
        f"{path} among {listed([f'{v:g}' for v in form['values']])}"
        if "values" in form
        else f"{path} among {listed([f'{factor:g}' for factor in form['times']])} times its own value"
        for path, form in tune["grid"].items()
    ]
    seeds = listed([str(seed) for seed in tune["seeds"]])
    word = "seed" if len(tune["seeds"]) == 1 else "seeds"
    return (
        f"For every arm alike, {listed(grids)} was chosen beforehand by the mean score on the validation split "
        f"of runs with {word} {seeds}, which answer no question."
    )
