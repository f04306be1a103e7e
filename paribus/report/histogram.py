"""The histogram of picks of one run an arm, with zero, the margin and the full study's answer; inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from paribus.report.figures import Span

_FLOOR, _ANSWER, _HEIGHT = 96, 112, 124  # pixels from the top: where bars stand, the full answer, the end
_HIGHEST = 90  # pixels


@dataclass(frozen=True)
class Bar:
    """A bin as drawn: `picks` of them in all, `against` the full answer."""

    low: float
    high: float
    picks: int
    against: int


def histogram(
    span: Span,
    bars: Sequence[Bar],
    estimate: float,
    interval: tuple[float, float],
    margin: float | None,
    alternative: str,
    css: str,
) -> Markup:
    """Bars, those against the full answer in their own colour; below them the full study's estimate and interval.

    css: the class of the full verdict, which colours its mark. The figure stretches with its cell.
    """
    highest = max((bar.picks for bar in bars), default=1)
    parts = [_band(span, margin)]
    parts += [_bar(span, bar, _HIGHEST / highest) for bar in bars if bar.picks]
    parts += [_upright(span, 0.0, "zero"), _level(span, interval), _dot(span, estimate)]
    return Markup('<svg class="picks v-{}" role="img" aria-label="{}" width="100%" height="{}">{}</svg>').format(
        css, alternative, _HEIGHT, Markup("").join(parts)
    )


def _band(span: Span, margin: float | None) -> Markup:
    return Markup("") if not margin else _block(span, -margin, margin, 0, _HEIGHT, "band")


def _bar(span: Span, bar: Bar, scale: float) -> Markup:
    """The picks against the answer stand below, the others on top of them."""
    wrong, rest = bar.against * scale, (bar.picks - bar.against) * scale
    parts = [_block(span, bar.low, bar.high, _FLOOR - wrong, wrong, "pick against")] if wrong else []
    parts += [_block(span, bar.low, bar.high, _FLOOR - wrong - rest, rest, "pick")] if rest else []
    return Markup("").join(parts)


def _block(span: Span, low: float, high: float, top: float, height: float, css: str) -> Markup:
    left, right = float(span.at(low)[:-1]), float(span.at(high)[:-1])
    return Markup('<rect class="{}" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}"/>').format(
        css, left, top, right - left, height
    )


def _upright(span: Span, value: float, css: str) -> Markup:
    return Markup('<line class="{}" x1="{}" x2="{}" y1="0" y2="{}"/>').format(
        css, span.at(value), span.at(value), _HEIGHT
    )


def _level(span: Span, interval: tuple[float, float]) -> Markup:
    return Markup('<line class="inner" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
        span.at(interval[0]), span.at(interval[1]), _ANSWER, _ANSWER
    )


def _dot(span: Span, value: float) -> Markup:
    return Markup('<circle class="dot" cx="{}" cy="{}" r="5.5"/>').format(span.at(value), _ANSWER)
