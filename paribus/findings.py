"""Validity checks: what was looked at, and what came of it."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "issue", "tip", "not_applicable", "skipped", "ignored"]


@dataclass(frozen=True)
class Finding:
    """One check. `code` is stable; `sentence` says what was found in this study."""

    code: str
    title: str
    outcome: Outcome
    sentence: str
