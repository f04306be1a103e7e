"""What was planted in the studies of the scoreboard, and which verdicts are right about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import yaml

Truth = Literal["helps", "hurts", "nothing", "tiny"]
Outcome = Literal["right", "open", "wrong"]

RIGHT: dict[Truth, tuple[str, ...]] = {
    "helps": ("helps",),
    "hurts": ("hurts",),
    "nothing": ("no_practical_difference", "identical"),
    "tiny": ("helps", "no_practical_difference", "identical", "cannot_tell"),  # it helps, less than can be seen
}
OPEN = ("cannot_tell", "cannot_tell_one_run")


@dataclass(frozen=True)
class Planted:
    """One effect: what was planted, in words, and what is true of it by construction."""

    what: str
    truth: Truth


def read(path: Path) -> dict[str, dict[str, Planted]]:
    """Study -> question -> what was planted there. Raises ValueError for a truth that is none."""
    written: Mapping[str, Mapping[str, Mapping[str, str]]] = yaml.safe_load(path.read_text("utf-8"))
    return {study: {name: _planted(name, row) for name, row in rows.items()} for study, rows in written.items()}


def outcome(truth: Truth, verdict: str, control: bool = False) -> Outcome:
    """Whether a verdict is right. An A/A control is right unless it came out as a difference."""
    if control:
        return "wrong" if verdict in ("helps", "hurts") else "right"
    if verdict in RIGHT[truth]:
        return "right"
    return "open" if verdict in OPEN else "wrong"


def _planted(question: str, row: Mapping[str, str]) -> Planted:
    truth = next((t for t in get_args(Truth) if t == row["truth"]), None)
    if truth is None:
        raise ValueError(f"{question}: truth is {row['truth']!r}; write one of {', '.join(get_args(Truth))}.")
    return Planted(row["planted"], truth)
