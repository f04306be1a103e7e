"""The table of defects: lines for the terminal, Markdown for a page, JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paribus import durable
from paribus.autopsy.defects import Defect

HEAD = ("Defect", "Reported", "Right", "Difference, points", "What was done, and what it did")
WORDS = {
    "number": ("The reported number", "higher than the right one", "lower than the right one"),
    "network": ("The network", "better", "worse"),
    "chance": ("The number of the drives held out", "higher", "lower"),
}
NOTE = (
    "Mean IoU in percent: mean over seeds (lowest to highest). Descriptions of these runs, no verdicts; rows share "
    "neither images nor metrics and do not compare."
)


def lines(found: Sequence[Defect]) -> list[str]:
    """Plain lines, two a defect."""
    width = max(len(defect.name) for defect in found)
    rows = []
    for defect in found:
        reported, right, difference = _cells(defect)
        rows += [f"{defect.name.ljust(width)}  reported {reported}  right {right}  difference {difference}"]
        rows += [f"  {sentence(defect)}"]
    return [*rows, NOTE]


def markdown(found: Sequence[Defect]) -> str:
    """The table as Markdown, with the note under it."""
    rows = [HEAD, ("---", "---:", "---:", "---:", "---")]
    rows += [(d.name, *_cells(d), f"{d.done} {d.because} {sentence(d)}") for d in found]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + f"\n\n{NOTE}\n"


def plain(found: Sequence[Defect]) -> list[dict[str, Any]]:
    """JSON-ready."""
    return [vars(defect) | {"differences": defect.differences, "sentence": sentence(defect)} for defect in found]


def write(found: Sequence[Defect], folder: Path) -> list[str]:
    """Write `autopsy.json` and `autopsy.md` into the study's folder; the lines to print."""
    durable.write_json(folder / "autopsy.json", {"note": NOTE, "defects": plain(found)})
    durable.write(folder / "autopsy.md", markdown(found).encode())
    return [*lines(found), f"Table: {folder / 'autopsy.md'}"]


def sentence(defect: Defect) -> str:
    """What the defect did in these runs, in words that the numbers support."""
    low, high = min(defect.differences) * 100, max(defect.differences) * 100
    seeds = len(defect.differences)
    every = f"in each of {seeds} seeds" if seeds > 1 else "with one seed"
    subject, above, below = WORDS[defect.about]
    if round(low, 1) > 0:
        return f"{subject} is {above} {every}, by {_range(low, high)} points."
    if round(high, 1) < 0:
        return f"{subject} is {below} {every}, by {_range(-high, -low)} points."
    return f"Not of one direction: {low:+.1f} to {high:+.1f} points."


def _range(low: float, high: float) -> str:
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"


def _cells(defect: Defect) -> tuple[str, str, str]:
    difference = _mean(defect.differences)
    return _level(defect.reported), _level(defect.right), f"{difference * 100:+.1f}"


def _level(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0] * 100:.1f}"
    return f"{_mean(values) * 100:.1f} ({min(values) * 100:.1f} to {max(values) * 100:.1f})"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
