"""Tables of ratios: from measurements to markdown and JSON."""

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from paribus import environment

MISSING = "–"


@dataclass(frozen=True)
class Table:
    """What a benchmark found. rows: cells as text, one list a row. raw: every measurement, JSON-ready."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    raw: dict[str, Any]

    def markdown(self) -> str:
        """The title, the table and its notes."""
        lines = [f"## {self.title}", "", _row(self.columns), _row(["---"] * len(self.columns))]
        lines += [_row(row) for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)]).rstrip() + "\n"

    def marked(self, short: bool) -> "Table":
        """The table, and in its title that tiny sizes measure nothing, if they were."""
        return replace(self, title=f"{self.title} (tiny sizes: measures nothing)") if short else self

    def write(self, folder: Path) -> None:
        """`<name>.md` and `<name>.json` in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.md").write_text(self.markdown(), encoding="utf-8")
        stored = {"title": self.title, "environment": environment.full(), "raw": self.raw}
        (folder / f"{self.name}.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def publish(measure: Callable[[Namespace], Table], asked: Namespace) -> None:
    """Measure what the command line asked for, write the table and print it."""
    found = measure(asked).marked(asked.short)
    found.write(asked.out)
    print(found.markdown())


def ratio(above: Sequence[float], below: Sequence[float]) -> float | None:
    """The median of the ratios repetition by repetition: what slows the machine down for a while divides out.

    None where one of the two was not measured.
    """
    pairs = list(zip(above, below, strict=False))
    return median(a / b for a, b in pairs) if pairs else None


def times(value: float | None) -> str:
    """A ratio as text, such as `2.31 x`."""
    return MISSING if value is None else f"{value:.2f} x"


def middle(values: Sequence[float], digits: int = 1) -> str:
    """`median (lowest to highest)`, or a dash for nothing."""
    if not values:
        return MISSING
    low, mid, high = (f"{f(values):.{digits}f}" for f in (min, median, max))
    return f"{mid} ({low} to {high})"


@dataclass(frozen=True)
class Line:
    """seconds = fixed + slope x amount. deviation: the largest distance from the line, as a share of what it says."""

    fixed: float
    slope: float
    deviation: float


def line(amounts: Sequence[float], seconds: Sequence[float]) -> Line:
    """The least-squares line; it needs two different amounts."""
    slope, fixed = np.polyfit(amounts, seconds, 1)
    fitted = fixed + slope * np.asarray(amounts)
    return Line(float(fixed), float(slope), float(np.max(np.abs(np.asarray(seconds) - fitted) / np.abs(fitted))))


def verdict(name: str, value: float | None, aim: float, unit: Callable[[float | None], str] = times) -> str:
    """One sentence: an aim, and what was measured."""
    if value is None:
        return f"{name}: not measured (aim: at least {unit(aim)})."
    reached = "reached" if value >= aim else "not reached"
    return f"{name}: {unit(value)} (aim: at least {unit(aim)}, {reached})."


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
