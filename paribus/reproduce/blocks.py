"""What an answer is made of, as data: one HTML page and one Markdown page are written from the same blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["reproduced", "not_reproduced", "partly", "open", "one_run", "not_run", "level", "checked"]


@dataclass(frozen=True)
class Text:
    """A paragraph, or a small heading. kind: `warning` must not be overlooked, `soft` explains a figure."""

    text: str
    kind: Literal["plain", "warning", "soft", "heading"] = "plain"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head. words: how many columns from the left hold words; the others are numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    words: int = 1


@dataclass(frozen=True)
class DotRow:
    """The runs of an arm: values in percent, and the number that the original printed, if it has this arm."""

    label: str
    values: tuple[float, ...]
    printed: float | None = None


@dataclass(frozen=True)
class Dots:
    """Every run of some arms on one axis, in percent."""

    rows: tuple[DotRow, ...]
    title: str


@dataclass(frozen=True)
class EffectRow:
    """A difference in points with its 95 % interval; verdict: of `paribus.contrasts`; printed: the original's own."""

    label: str
    difference: float
    low: float
    high: float
    verdict: str
    margin: float | None = None
    printed: float | None = None


@dataclass(frozen=True)
class Effects:
    """Differences on one axis, in points."""

    rows: tuple[EffectRow, ...]
    title: str


@dataclass(frozen=True)
class Picks:
    """What one run an arm would have said: the differences of all picks, in points, against the full answer.

    bars: (low, high, picks, those against the full answer).
    """

    sentence: str
    bars: tuple[tuple[float, float, int, int], ...]
    estimate: float
    low: float
    high: float
    verdict: str
    margin: float | None = None
    title: str = "What one run an arm would have said: differences of all picks, points"


@dataclass(frozen=True)
class CurveRow:
    """One arm of a tuning. points: (value tried, score in percent, whether it was kept), values ascending."""

    label: str
    points: tuple[tuple[float, float, bool], ...]


@dataclass(frozen=True)
class Curves:
    """A small chart an arm, all on the same axes, the lower one logarithmic."""

    rows: tuple[CurveRow, ...]
    title: str


@dataclass(frozen=True)
class Picture:
    """One picture by the name under which the pictures of a study are kept."""

    study: str
    name: str
    caption: str


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side; shown only where they may be. sheets: each holds many small ones and needs room."""

    pictures: tuple[Picture, ...]
    title: str
    legend: tuple[tuple[str, str], ...] = ()  # (text, #rrggbb)
    sheets: bool = False


Block = Text | Table | Dots | Effects | Picks | Curves | Pictures


@dataclass(frozen=True)
class Trace:
    """From an answer to its runs: a study, the question in its own report, if there is one, and the arms."""

    study: str
    question: str | None
    arms: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """One of the original's questions, answered.

    claim: what the original report said; printed: its number, short; here: ours, short. sentence: the answer in one
    sentence.
    """

    number: str
    title: str
    claim: str
    printed: str
    here: str
    verdict: Verdict
    sentence: str
    blocks: tuple[Block, ...] = ()
    traces: tuple[Trace, ...] = ()

    @property
    def anchor(self) -> str:
        """The name to link to: `q1-5`."""
        return f"q{self.number}"


@dataclass(frozen=True)
class Source:
    """One study behind the answers. arms: (arm, what sets it apart, its runs as (seed, id)); link: to its report."""

    name: str
    title: str
    link: str
    facts: tuple[str, ...]
    arms: tuple[tuple[str, str, tuple[tuple[int, str], ...]], ...]
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reproduction:
    """The whole document. remarks: what a reader must know before any answer, such as the data and the stand-ins."""

    title: str
    summary: str
    remarks: tuple[Text, ...]
    answers: tuple[Answer, ...]
    sources: tuple[Source, ...]
    command: str
    version: str
    facts: tuple[str, ...] = ()
    environment: dict[str, Any] = field(default_factory=dict)


def blocks(*given: Block | Sequence[Block | None] | None) -> tuple[Block, ...]:
    """Those that are there, in order; what has nothing to show is None."""
    found: list[Block] = []
    for one in given:
        found += [each for each in one if each] if isinstance(one, Sequence) else [one] if one else []
    return tuple(found)
