"""What a verdict of ours says about a claim of the original report: reproduced here or not, never more than that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paribus.reproduce.blocks import Verdict

Row = dict[str, Any]

SIGNS = {"helps": 1, "hurts": -1, "no_practical_difference": 0, "identical": 0}  # of a decided question
SHOWN: dict[Verdict, tuple[str, str, str]] = {  # the word, its icon, and the style of the verdict it looks like
    "reproduced": ("REPRODUCED HERE", "✔", "helps"),
    "not_reproduced": ("NOT REPRODUCED HERE", "✖", "hurts"),
    "partly": ("PARTLY REPRODUCED", "◐", "cannot_tell"),
    "open": ("CANNOT TELL", "?", "cannot_tell"),
    "one_run": ("ONE RUN", "1", "cannot_tell_one_run"),
    "not_run": ("NOT RUN", "…", "missing"),
    "level": ("A LEVEL", "–", "control"),
    "checked": ("CHECKED", "=", "control"),
}


@dataclass(frozen=True)
class Claim:
    """One statement of the original report that a question of ours puts to the test.

    sign: +1 where it says that the change helps (or that a difference of differences is positive), -1 where it says
    that it hurts. printed: its own difference in the metric's unit, None where it printed none.
    """

    question: str
    sign: int
    printed: float | None = None


def judged(claim: Claim, question: Row | None) -> Verdict:
    """What the answer to the claim's question (a row of `report.json`) says about the claim; None: it was not asked."""
    verdict = question["verdict"] if question else None
    if verdict is None:
        return "not_run"
    if verdict == "cannot_tell_one_run":
        return "one_run"
    if verdict == "cannot_tell" or (question and below_margin(claim, question)):
        return "open"
    return "reproduced" if SIGNS[verdict] == claim.sign else "not_reproduced"


def below_margin(claim: Claim, question: Row) -> bool:
    """Whether no practical difference was found, and the original's own difference is none that would matter."""
    small = question["verdict"] in ("no_practical_difference", "identical")
    return bool(small and claim.printed is not None and question["margin"] and abs(claim.printed) < question["margin"])


def together(parts: Sequence[Verdict]) -> Verdict:
    """The verdict on a claim of several parts, all of which would have to be reproduced."""
    for missing in ("not_run", "one_run"):
        if missing in parts:
            return missing
    if "reproduced" not in parts:
        return "not_reproduced" if "not_reproduced" in parts else "open"
    return "reproduced" if set(parts) == {"reproduced"} else "partly"
