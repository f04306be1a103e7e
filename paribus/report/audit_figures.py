"""Figures of the audits for table cells: how shares in crops are spread, and where networks look."""

from collections.abc import Sequence

from markupsafe import Markup

from paribus.audits.rows import AttributionRow, Estimate, Seen
from paribus.report.figures import Span, _gridlines_all, _line
from paribus.report.numbers import percent

SHARES = Span(0.0, 1.0)  # of the box in a crop
_ROOM = 0.05


def span_of_attribution(rows: Sequence[AttributionRow]) -> Span:
    """A span of shares that holds every interval, area and reference."""
    ends = [end for row in rows for each in (row.share, row.randomised) for end in (each.low, each.high)]
    known = [*ends, *(row.area for row in rows)] or [0.0, 1.0]
    return Span(max(0.0, min(known) - _ROOM), min(1.0, max(known) + _ROOM))


def crop_cell(seen: Seen) -> Markup:
    """How the share of the box inside the crop is spread over the crops: bars from 0 to 1, the median upright."""
    bins, most = len(seen.histogram), max(seen.histogram)
    bars = [
        Markup('<rect class="heap" x="{:.2f}%" y="{:.1f}%" width="{:.2f}%" height="{:.1f}%"/>').format(
            100 * number / bins, 100 - 92 * count / most, 100 / bins - 0.4, 92 * count / most
        )
        for number, count in enumerate(seen.histogram)
        if count
    ]
    median = _line(SHARES, seen.share.median, seen.share.median, "mean", ("0", "100%"))
    said = f"{percent(seen.whole)} of the crops hold the whole box; the median crop holds {percent(seen.share.median)}"
    return _cell("strip", said, [_gridlines_all(SHARES), *bars, median])


def attribution_cell(span: Span, row: AttributionRow) -> Markup:
    """The share inside the box: a dot with its interval; every run a small dot; hollow, that of random weights.

    The upright broken line is the share of the picture that the box covers, which is chance.
    """
    runs = [
        Markup('<circle class="run" cx="{}" cy="30%" r="3"><title>{}</title></circle>').format(
            span.at(value), percent(value)
        )
        for value in row.per_run
    ]
    parts = [_gridlines_all(span), _line(span, row.area, row.area, "chance", ("0", "100%"))]
    parts += [_interval(span, row.randomised, "74%", "outer", "dot hollow")]
    parts += [*runs, _interval(span, row.share, "30%", "inner", "dot")]
    said = (
        f"{percent(row.share.mean)} of the attribution is inside the box, {percent(row.randomised.mean)} with random "
        f"weights; the box is {percent(row.area)} of the picture"
    )
    return _cell("forest v-identical", said, parts)


def _interval(span: Span, found: Estimate, y: str, line: str, dot: str) -> Markup:
    circle = Markup('<circle class="{}" cx="{}" cy="{}" r="4.5"/>').format(dot, span.at(found.mean), y)
    return _line(span, found.low, found.high, line, (y, y)) + circle


def _cell(css: str, alternative: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="{}" role="img" aria-label="{}" width="100%" height="100%">{}</svg>').format(
        css, alternative, Markup("").join(parts)
    )
