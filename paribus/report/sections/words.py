"""Words that several sections share."""

import re
from typing import Any

from paribus.report.numbers import plural

Row = dict[str, Any]

WORDS = {
    "helps": ("HELPS", "▲"),
    "hurts": ("HURTS", "▼"),
    "no_practical_difference": ("SAME", "≈"),
    "cannot_tell": ("OPEN", "?"),
    "cannot_tell_one_run": ("ONE RUN", "1"),
    "identical": ("IDENTICAL", "="),
    None: ("NOT RUN", "…"),
}


def word_of(q: Row) -> tuple[str, str]:
    """The verdict's word and icon.

    A difference of differences does not help or hurt, it has a sign; the A/A control measures the noise.
    """
    if q["control"]:
        return ("ALARM", "!") if q["verdict"] in ("helps", "hurts") else ("NOISE FLOOR", "◆")
    if q["kind"] in ("interaction", "weights"):
        return {"helps": ("POSITIVE", "▲"), "hurts": ("NEGATIVE", "▼")}.get(q["verdict"], WORDS[q["verdict"]])
    return WORDS[q["verdict"]]


def named(q: Row) -> Row:
    """What every mention of a question needs: its anchor, name and wording, and its role."""
    anchor = "q-" + re.sub(r"[^A-Za-z0-9._-]", "-", q["name"])
    return {"anchor": anchor, "name": q["name"], "ask": q["ask"], "primary": q["primary"], "control": q["control"]}


def of_masks(document: Row) -> bool:
    """Whether the networks label pixels."""
    return bool(document["study"]["task"] == "segmentation")


def hexadecimal(colour: tuple[int, int, int]) -> str:
    """`#80c0ff`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def colours_of(space: Row) -> dict[str, str]:
    """The classes of a label space with their colours."""
    pairs = zip(space["classes"], space["colours"], strict=True)
    return {name: hexadecimal((int(r), int(g), int(b))) for name, (r, g, b) in pairs}


def counted(numbers: list[int], word: str) -> str:
    """`1 seed`, `5 seeds`, `3 to 5 seeds`."""
    low, high = min(numbers), max(numbers)
    return plural(low, word) if low == high else f"{low} to {high} {word}s"
