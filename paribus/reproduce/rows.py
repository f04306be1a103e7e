"""Blocks made from the rows of a study's report: every run of some arms, their levels, differences, and the trace."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from paribus.report.numbers import scale_of
from paribus.report.sections import one_run
from paribus.reproduce.blocks import DotRow, Dots, EffectRow, Effects, Picks, Table, Trace
from paribus.reproduce.evidence import Told
from paribus.reproduce.words import score

Row = dict[str, Any]
NOTHING = "–"


def dots(told: Told, labels: Mapping[str, str], printed: Mapping[str, float], title: str = "") -> Dots | None:
    """Every run of these arms (name -> label), with the original's numbers (name -> accuracy)."""
    rows = [_dot_row(arm, labels[arm["name"]], printed.get(arm["name"])) for arm in told.arms(list(labels))]
    rows = [row for row in rows if row.values]
    return (
        Dots(tuple(rows), title or f"{scale_of(told.report['metric']['name']).label} of every run, %") if rows else None
    )


def _dot_row(arm: Row, label: str, printed: float | None) -> DotRow:
    values = tuple(100 * run["value"] for run in arm["runs"] if run["value"] is not None)
    return DotRow(label, values, None if printed is None else 100 * printed)


def effects(told: Told, labels: Mapping[str, str], printed: Mapping[str, float], title: str) -> Effects | None:
    """The answered ones of these questions (name -> label), with the original's differences."""
    asked = [(q, labels[q["name"]]) for q in _questions(told, list(labels)) if _drawable(q)]
    rows = [_effect_row(q, label, printed.get(q["name"])) for q, label in asked]
    return Effects(tuple(rows), title) if rows else None


def _effect_row(q: Row, label: str, printed: float | None) -> EffectRow:
    low, high = q["ci95"]
    margin = None if q["margin"] is None else 100 * q["margin"]
    own = None if printed is None else 100 * printed
    return EffectRow(label, 100 * q["difference"], 100 * low, 100 * high, q["verdict"], margin, own)


def _questions(told: Told, names: Sequence[str]) -> list[Row]:
    return [q for name in names if (q := told.question(name))]


def _drawable(q: Row) -> bool:
    return q["verdict"] is not None and None not in (q["difference"], *q["ci95"])


def levels(told: Told, labels: Mapping[str, str], metrics: Sequence[str], title: str = "") -> Table | None:
    """Mean and interval of these arms in each metric."""
    arms = told.arms(list(labels))
    if not arms:
        return None
    head = ("Arm", *(f"{scale_of(name).label}, %" for name in metrics), "Seeds")
    rows = [(labels[arm["name"]], *(_level(arm, name) for name in metrics), str(len(arm["runs"]))) for arm in arms]
    return Table(head, tuple(rows), title)


def _level(arm: Row, metric: str) -> str:
    told, scale = score(arm, metric), scale_of(metric)
    interval = f" {scale.range(*told['ci95'])}" if told["ci95"] else ""
    return f"{scale.number(told['mean'])}{interval}"


def picks(told: Told | None, question: str) -> Picks | None:
    """What one run an arm would have said to a question, as the original read it: each at its best epoch on val.

    None where there is one way to pick one.
    """
    q = told.question(question) if told else None
    row = one_run.shown_reading(q) if q and q["verdict"] is not None else None
    if q is None or row is None or row["ways"] < 2:
        return None
    bars = tuple((100 * b["low"], 100 * b["high"], b["picks"], b["against"]) for b in row["bins"])
    margin = None if row["margin"] is None else 100 * row["margin"]
    between = 100 * row["low"], 100 * row["high"]
    return Picks(one_run.sentence(q, row), bars, 100 * row["estimate"], *between, q["verdict"], margin)


def seconds(arm: Row) -> float | None:
    """The time of a run, the median over seeds: another program may have slowed a run down; None where not known."""
    known = [run["seconds"] for run in arm["runs"] if run["seconds"]]
    return median(known) if known else None


def trace(told: Told | None, question: str | None, *arms: str) -> tuple[Trace, ...]:
    """From an answer to those arms of a study of ours that have runs; nothing where none has."""
    run = tuple(arm["name"] for arm in told.arms(arms)) if told else ()
    return (Trace(told.name, question, run),) if told and run else ()
