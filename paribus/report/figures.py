"""Inline SVG, drawn from the rows of the tables. Colours come from classes, so figures follow light and dark.

Plots inside table cells use percent coordinates and no view box: they stretch with the cell, circles stay round.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from paribus.report.numbers import MINUS, axis

BAR_TICKS = 3  # small bars have room for no more
DECIDED = {"helps", "hurts", "no_practical_difference", "identical"}


@dataclass(frozen=True)
class Span:
    """The part of a number line that a figure shows."""

    low: float
    high: float

    def at(self, value: float) -> str:
        """The place of `value` as a percentage, kept inside the plot."""
        return f"{100 * min(max((value - self.low) / (self.high - self.low), 0.0), 1.0):.2f}%"

    def holds(self, value: float) -> bool:
        """Whether `value` lies inside."""
        return self.low <= value <= self.high

    def ticks(self, most: int = 6) -> list[float]:
        """Round positions inside."""
        return axis(self.low, self.high, most)


def span_around(values: Sequence[float], pad: float = 0.06, least: float = 1e-9) -> Span:
    """A span that holds every finite value, with a little room at both ends."""
    known = [v for v in values if math.isfinite(v)] or [0.0]
    low, high = min(known), max(known)
    room = max((high - low) * pad, least)
    return Span(low - room, high + room)


def span_of_runs(values: Sequence[float], digits: int) -> Span:
    """A span of levels that are shown with `digits` decimals; one run alone has room for round positions too."""
    return span_around(values, least=5 * 10.0**-digits)


def span_of_intervals(intervals: Sequence[tuple[float, float]], margin: float | None) -> Span:
    """Zero, the margin and the intervals; one that is far wider than the rest is cut (and drawn with an arrow)."""
    widths = sorted(high - low for low, high in intervals)
    middle = widths[(len(widths) - 1) // 2] if widths else 1.0
    centres = [(low + high) / 2 for low, high in intervals]
    reach = 2.5 * middle
    kept = [max(low, centre - reach) for (low, _), centre in zip(intervals, centres, strict=True)]
    kept += [min(high, centre + reach) for (_, high), centre in zip(intervals, centres, strict=True)]
    return span_around([*kept, 0.0, *((-margin, margin) if margin else ())], least=1e-6)


def tick_label(value: float, signed: bool = False) -> str:
    """`+5`, `0.25`: as short as it can be."""
    text = f"{abs(value):.4f}".rstrip("0").rstrip(".")
    sign = MINUS if value < 0 and text != "0" else "+" if signed and text != "0" else ""
    return sign + text


def axis_strip(span: Span, signed: bool = False, most: int = 6) -> Markup:
    """At most `most` tick labels, for the head of a plot column."""
    labels = Markup("").join(
        Markup('<text x="{}" y="14" text-anchor="{}">{}</text>').format(
            span.at(t), _anchor(span, t), tick_label(t, signed)
        )
        for t in span.ticks(most)
    )
    return Markup('<svg class="axis" aria-hidden="true" width="100%" height="20">{}</svg>').format(labels)


def _anchor(span: Span, tick: float) -> str:
    place = (tick - span.low) / (span.high - span.low)
    return "start" if place < 0.03 else "end" if place > 0.97 else "middle"


def forest_cell(
    span: Span,
    difference: float,
    inner: tuple[float, float],
    outer: tuple[float, float],
    margin: float | None,
    verdict: str,
    alternative: str,
    control: bool = False,
    printed: float | None = None,
) -> Markup:
    """One row of the forest plot: the margin's band, the zero line, the interval and the estimate.

    inner: the 95 % interval, thick. outer: the one widened for looks and other questions, thin. A filled mark is a
    decided question, a hollow one an open one, a diamond the A/A control. printed: a number of someone else's.
    """
    parts = [_band(span, margin), _gridlines(span), _line(span, 0.0, 0.0, "zero", ("0", "100%"))]
    if outer[0] < inner[0] or outer[1] > inner[1]:
        parts.append(_whisker(span, *outer, "outer"))
    parts.append(_whisker(span, *inner, "inner"))
    parts += [
        _arrow(span, end, value) for end, value in (("low", min(inner[0], outer[0])), ("high", max(inner[1], outer[1])))
    ]
    parts += [_printed(span, printed), _mark(span, difference, verdict, control)]
    css = "control" if control else verdict
    return Markup('<svg class="forest v-{}" role="img" aria-label="{}" width="100%" height="100%">{}</svg>').format(
        css, alternative, Markup("").join(parts)
    )


def _band(span: Span, margin: float | None) -> Markup:
    if not margin:
        return Markup("")
    low, high = float(span.at(-margin)[:-1]), float(span.at(margin)[:-1])
    return Markup('<rect class="band" x="{:.2f}%" y="0" width="{:.2f}%" height="100%"/>').format(low, high - low)


def _gridlines(span: Span) -> Markup:
    return Markup("").join(_line(span, t, t, "grid", ("0", "100%")) for t in span.ticks() if t != 0)


def _line(span: Span, low: float, high: float, css: str, y: tuple[str, str] = ("50%", "50%")) -> Markup:
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
        css, span.at(low), span.at(high), y[0], y[1]
    )


def _whisker(span: Span, low: float, high: float, css: str) -> Markup:
    return _line(span, low, high, css) if high >= span.low and low <= span.high else Markup("")


def _arrow(span: Span, end: str, value: float) -> Markup:
    if span.holds(value):
        return Markup("")
    x, anchor, glyph = ("0%", "start", "◂") if end == "low" else ("100%", "end", "▸")
    return Markup('<text class="cut" x="{}" y="50%" dy="0.36em" text-anchor="{}">{}</text>').format(x, anchor, glyph)


def _mark(span: Span, value: float, verdict: str, control: bool) -> Markup:
    if not math.isfinite(value) or not span.holds(value):
        return Markup("")
    if control:
        return Markup('<text class="diamond" x="{}" y="50%" dy="0.35em" text-anchor="middle">◆</text>').format(
            span.at(value)
        )
    css = "dot" if verdict in DECIDED else "dot hollow"
    return Markup('<circle class="{}" cx="{}" cy="50%" r="5.5"/>').format(css, span.at(value))


@dataclass(frozen=True)
class Dot:
    """One run on a number line; a hollow dot is a run that diverged."""

    value: float
    title: str
    hollow: bool = False


def _printed(span: Span, value: float | None) -> Markup:
    if value is None or not span.holds(value):
        return Markup("")
    return Markup('<text class="printed" x="{}" y="50%" dy="0.36em" text-anchor="middle">◇</text>').format(
        span.at(value)
    )


def strip_cell(
    span: Span, dots: Sequence[Dot], mean: float | None, alternative: str, printed: float | None = None
) -> Markup:
    """Every run as a dot, the mean as an upright line; dots that would hide each other are stacked.

    printed: a number of someone else's, an empty diamond.
    """
    parts = [_gridlines_all(span), _printed(span, printed)]
    if mean is not None and math.isfinite(mean):
        parts.append(_line(span, mean, mean, "mean", ("18%", "82%")))
    ordered = sorted((d for d in dots if math.isfinite(d.value)), key=lambda d: d.value)
    levels = _levels(span, [d.value for d in ordered])
    parts += [_dot(span, dot, level) for dot, level in zip(ordered, levels, strict=True)]
    return _strip(parts, alternative)


def box_cell(span: Span, five: Sequence[float], mean: float, alternative: str) -> Markup:
    """Where many runs lie: a line from the lowest to the highest, a box of the middle half, the mean upright.

    five: lowest, quartiles, highest.
    """
    low, first, _, third, high = five
    left, right = (float(span.at(end)[:-1]) for end in sorted((first, third)))
    parts = [
        _gridlines_all(span),
        _line(span, low, high, "range"),
        Markup('<rect class="half" x="{:.2f}%" y="28%" width="{:.2f}%" height="44%"/>').format(left, right - left),
        _line(span, mean, mean, "mean", ("18%", "82%")),
    ]
    return _strip(parts, alternative)


def _strip(parts: Sequence[Markup], alternative: str) -> Markup:
    return Markup('<svg class="strip" role="img" aria-label="{}" width="100%" height="100%">{}</svg>').format(
        alternative, Markup("").join(parts)
    )


def _dot(span: Span, dot: Dot, level: int) -> Markup:
    return Markup(
        '<circle class="{}" cx="{}" cy="50%" r="4" transform="translate(0 {})"><title>{}</title></circle>'
    ).format("run lost" if dot.hollow else "run", span.at(dot.value), 7 * level, dot.title)


def _levels(span: Span, ascending: Sequence[float]) -> list[int]:
    """For each value 0, the middle, then -1, +1, … where neighbours nearly touch."""
    near = (span.high - span.low) * 0.018
    steps = (0, -1, 1, -2, 2)
    levels: list[int] = []
    place, start = 0, -math.inf
    for value in ascending:
        place = place + 1 if value - start < near else 0
        start = value if place == 0 else start
        levels.append(steps[place % len(steps)])
    return levels


def _gridlines_all(span: Span, most: int = 6) -> Markup:
    return Markup("").join(_line(span, t, t, "grid", ("0", "100%")) for t in span.ticks(most))


def share_bar(runs: float, alternative: str) -> Markup:
    """Where the uncertainty comes from: the runs' share from the left, the images' share the rest."""
    width = 100 * min(max(runs, 0.0), 1.0)
    return Markup(
        '<svg class="shares" role="img" aria-label="{0}" width="100%" height="10">'
        '<rect class="from-images" x="0" y="0" width="100%" height="10" rx="2"/>'
        '<rect class="from-runs" x="0" y="0" width="{1:.1f}%" height="10" rx="2"/></svg>'
    ).format(alternative, width)


def swatch(colour: str) -> Markup:
    """A small square of a class's colour (`#rrggbb`), for legends and beside names."""
    return Markup(
        '<svg class="swatch" aria-hidden="true" width="12" height="12">'
        '<rect x="0.5" y="0.5" width="11" height="11" rx="2" fill="{}"/></svg>'
    ).format(colour)


def class_bar(
    span: Span, value: float | None, interval: tuple[float, float] | None, colour: str, alternative: str
) -> Markup:
    """A bar from zero in the colour of its class, with a whisker; nothing but the grid for a class without a value."""
    parts = [_gridlines_all(span, BAR_TICKS)]
    if value is not None:
        parts.append(
            Markup('<rect class="bar" x="0" y="24%" width="{}" height="52%" fill="{}"/>').format(span.at(value), colour)
        )
    if interval:
        parts += [_line(span, *interval, "halo"), _line(span, *interval, "whisker")]
    return Markup('<svg class="bars" role="img" aria-label="{}" width="100%" height="100%">{}</svg>').format(
        alternative, Markup("").join(parts)
    )


def class_difference(span: Span, value: float | None, interval: tuple[float, float] | None, alternative: str) -> Markup:
    """The difference of one class: hollow, for it decides nothing; without a whisker where there is no interval."""
    parts = [_gridlines(span), _line(span, 0.0, 0.0, "zero", ("0", "100%"))]
    if interval:
        parts.append(_whisker(span, *interval, "inner"))
        parts += [_arrow(span, end, value) for end, value in zip(("low", "high"), interval, strict=True)]
    if value is not None and span.holds(value):
        parts.append(Markup('<circle class="dot hollow" cx="{}" cy="50%" r="4.5"/>').format(span.at(value)))
    return Markup(
        '<svg class="forest v-exploratory" role="img" aria-label="{}" width="100%" height="100%">{}</svg>'
    ).format(alternative, Markup("").join(parts))


@dataclass(frozen=True)
class Frame:
    """The axes that a group of small charts shares: spans in data units, and whether y is in percent."""

    x: Span
    y: Span
    factor: float = 1.0


WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 260, 132, 40, 18, 8, 6


Line = Sequence[tuple[float, float]]


def chart(frame: Frame, lines: Sequence[Line], mean: Line, alternative: str) -> Markup:
    """A small line chart: one thin line a run, their mean on top. Gaps where a value is missing."""
    return _chart(frame, [_path(frame, line, "thin") for line in lines], mean, alternative)


def band_chart(frame: Frame, bands: Sequence[tuple[Line, Line]], mean: Line, alternative: str) -> Markup:
    """The same for many runs: an area between the two lines of each band, the mean on top."""
    return _chart(frame, [_area(frame, lower, upper) for lower, upper in bands], mean, alternative)


def _chart(frame: Frame, parts: Sequence[Markup], mean: Line, alternative: str) -> Markup:
    parts = [_chart_axes(frame), *parts, _path(frame, mean, "thick")]
    return Markup('<svg class="chart" role="img" viewBox="0 0 {} {}"><title>{}</title>{}</svg>').format(
        WIDTH, HEIGHT, alternative, Markup("").join(parts)
    )


@dataclass(frozen=True)
class Point:
    """A value that was tried: its place on both axes, its name on the lower one, and what became of it."""

    x: float
    y: float
    label: str
    chosen: bool = False
    lost: bool = False


def curve(frame: Frame, points: Sequence[Point], alternative: str) -> Markup:
    """A line through the points, from left to right; the chosen one is filled, one that diverged has a red rim."""
    parts = [_chart_axes(frame, [(p.x, p.label) for p in points]), _path(frame, [(p.x, p.y) for p in points], "thin")]
    parts += [
        Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(
            "run lost" if p.lost else "dot" if p.chosen else "dot hollow",
            _x(frame, p.x),
            _y(frame, p.y),
            5 if p.chosen else 4,
        )
        for p in points
    ]
    return Markup('<svg class="chart" role="img" viewBox="0 0 {} {}"><title>{}</title>{}</svg>').format(
        WIDTH, HEIGHT, alternative, Markup("").join(parts)
    )


def _x(frame: Frame, value: float) -> float:
    return LEFT + (value - frame.x.low) / (frame.x.high - frame.x.low) * (WIDTH - LEFT - RIGHT)


def _y(frame: Frame, value: float) -> float:
    return HEIGHT - BOTTOM - (value - frame.y.low) / (frame.y.high - frame.y.low) * (HEIGHT - BOTTOM - TOP)


def _chart_axes(frame: Frame, labels: Sequence[tuple[float, str]] | None = None) -> Markup:
    """Grid lines with their values, and labels below: the whole numbers where none are given."""
    rows = [
        Markup(
            '<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
            '<text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>'
        ).format(LEFT, WIDTH - RIGHT, _y(frame, t), LEFT - 5, _y(frame, t) + 3.5, tick_label(t * frame.factor))
        for t in frame.y.ticks(5)
    ]
    below = [(t, tick_label(t)) for t in frame.x.ticks(6) if t == int(t)] if labels is None else labels
    columns = [
        Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(_x(frame, t), HEIGHT - 4, label)
        for t, label in below
    ]
    return Markup("").join(rows + columns)


def _corner(frame: Frame, x: float, y: float) -> str:
    """A point of a path, kept inside the chart."""
    return f"{_x(frame, x):.1f} {_y(frame, min(max(y, frame.y.low), frame.y.high)):.1f}"


def _area(frame: Frame, lower: Line, upper: Line) -> Markup:
    corners = "L".join(_corner(frame, x, y) for x, y in [*lower, *reversed(upper)])
    return Markup('<path class="spread" d="M{}Z"/>').format(corners)


def _path(frame: Frame, points: Line, css: str) -> Markup:
    commands, pen_down = [], False
    for x, y in points:
        if not math.isfinite(y):
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{_corner(frame, x, y)}")
        pen_down = True
    return Markup('<path class="{}" d="{}"/>').format(css, "".join(commands)) if commands else Markup("")
