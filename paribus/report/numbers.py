"""How numbers are written for a reader: points with a sign, losses positive, durations in words."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from paribus.metrics import described

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Scale:
    """From a score (higher is better, in its own unit) to what the page shows.

    label: the metric in words. factor: 100 for shares, shown as percent and, for differences, points; it is negative
    for losses, which are negated inside and shown positive. digits: decimals shown.
    """

    label: str
    factor: float = 1.0
    digits: int = 3
    value_unit: str = ""
    change_unit: str = ""

    @property
    def lower_is_better(self) -> bool:
        """True for losses."""
        return self.factor < 0

    def value(self, score: float | None) -> str:
        """A level of the metric: `88.9 %`."""
        if score is None or not math.isfinite(score):
            return NOTHING
        return f"{self._plain(score * self.factor)}{self._suffix(self.value_unit)}"

    def number(self, score: float | None) -> str:
        """A level without its unit: `88.9`."""
        return NOTHING if score is None or not math.isfinite(score) else self._plain(score * self.factor)

    def spread(self, sd: float | None) -> str:
        """A standard deviation or a width, without sign or unit: `1.2`."""
        return NOTHING if sd is None or not math.isfinite(sd) else self._plain(abs(sd * self.factor))

    def change(self, difference: float | None) -> str:
        """A difference with its sign: `+6.0`."""
        if difference is None or not math.isfinite(difference):
            return NOTHING
        shown = round(difference * self.factor, self.digits)
        sign = "+" if shown > 0 else MINUS if shown < 0 else ""
        return f"{sign}{abs(shown):.{self.digits}f}"

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """An interval as drawn: scaled, the smaller end first."""
        first, second = low * self.factor, high * self.factor
        return (first, second) if first <= second else (second, first)

    def interval(self, low: float | None, high: float | None) -> str:
        """An interval of a difference: `[+3.1, +8.9]`."""
        return self._pair(low, high, self.change)

    def range(self, low: float | None, high: float | None) -> str:
        """An interval of a level: `[86.1, 91.7]`."""
        return self._pair(low, high, self.number)

    def unit_of_change(self, difference: float | None = None) -> str:
        """`points`, or `point` for a difference shown as exactly one; empty for losses."""
        one = difference is not None and round(abs(difference * self.factor), self.digits) == 1
        return "point" if one and self.change_unit == "points" else self.change_unit

    def amount(self, difference: float | None) -> str:
        """A size without sign, with its unit: `2.0 points`."""
        return f"{self.spread(difference)}{self._suffix(self.unit_of_change(difference))}"

    def _pair(self, low: float | None, high: float | None, write: Callable[[float | None], str]) -> str:
        if low is None or high is None:
            return NOTHING
        ends = (low, high) if self.factor > 0 else (high, low)
        return f"[{write(ends[0])}, {write(ends[1])}]"

    def _plain(self, shown: float) -> str:
        rounded = round(shown, self.digits)
        return f"{MINUS if rounded < 0 else ''}{abs(rounded):.{self.digits}f}"

    @staticmethod
    def _suffix(unit: str) -> str:
        return f"\N{NO-BREAK SPACE}{unit}" if unit else ""


def scale_of(metric: str) -> Scale:
    """How `metric` is shown: percent and points, or the bare score with three decimals; losses positive."""
    shown = described(metric)
    label = shown.label[:1].upper() + shown.label[1:]
    if shown.unit == "points":
        return Scale(label, 100.0, 1, "%", "points")
    return Scale(label, -1.0 if shown.flipped else 1.0)


def duration(seconds: float | None) -> str:
    """`48 s`, `4 min 12 s`, `2 h 5 min`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if 0 < seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 and whole < 600 else "")
    minutes = round(seconds / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def count(number: float | None) -> str:
    """`3 371 026`, with narrow no-break spaces."""
    if number is None or not math.isfinite(number):
        return NOTHING
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percent(part: float | None) -> str:
    """`9 %` from 0.09; one decimal below 1 %."""
    if part is None or not math.isfinite(part):
        return NOTHING
    shown = part * 100
    return f"{shown:.1f}\N{NO-BREAK SPACE}%" if 0 < shown < 0.95 else f"{shown:.0f}\N{NO-BREAK SPACE}%"


def p_value(p: float | None) -> str:
    """`0.031`, `< 0.001`."""
    if p is None or not math.isfinite(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def plural(number: int, word: str) -> str:
    """`1 run`, `5 runs`."""
    return f"{count(number)} {word if number == 1 else word + 's'}"


def axis(low: float, high: float, most: int = 6) -> list[float]:
    """Round tick positions inside [low, high], at most `most`."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power * m for m in (1, 2, 5, 10, 20)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [k * step for k in range(first, last + 1)]
