"""The figures of the document: rows of a page, and the same rows as one picture that stands alone."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from markupsafe import Markup

from paribus.report import figures
from paribus.report.figures import Dot, Frame, Point, Span
from paribus.report.histogram import Bar, histogram
from paribus.report.numbers import MINUS
from paribus.reproduce.blocks import Curves, Dots, Effects, Picks

Row = dict[str, Any]

WIDTH, LABEL, NUMBER, LINE = 760, 250, 150, 34  # pixels of a picture that stands alone, and of its columns and rows
ACROSS = 3  # charts in a row
LETTER = 7  # pixels of a letter, about
PICKS = "dark: against the full answer; below: the full answer with its 95 % interval; upright: zero"
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1d2126}.axis text,.soft{fill:#5c646e;font-size:11.5px}"
    ".grid{stroke:#e2e2dc}.zero{stroke:#8d949c}.band{fill:#eceae2}.mean{stroke:#1d2126;stroke-width:2}"
    ".run{fill:#1f4f8f;fill-opacity:.7;stroke:#fff}.printed{font-size:17px}"
    ".inner{stroke:currentColor;stroke-width:3}.outer{stroke:currentColor}"
    ".dot{fill:currentColor;stroke:#fff;stroke-width:1.5}.dot.hollow{fill:#fff;stroke:currentColor;stroke-width:2}"
    ".chart text{font-size:10px;fill:#5c646e}.thin{fill:none;stroke:#1f4f8f;stroke-opacity:.4}.chart .dot{fill:#1f4f8f}"
    ".chart .dot.hollow{fill:#fff;stroke:#1f4f8f}.run.lost{fill:#fff;stroke:#a8391b}"
    ".pick{fill:#b9c7d8;stroke:#fff}.pick.against{fill:#a8391b}.cut{fill:currentColor}.v-helps{color:#0a6c62}.v-hurts{color:#a8391b}"
    ".v-no_practical_difference,.v-identical{color:#3f5a86}.v-cannot_tell,.v-cannot_tell_one_run{color:#7a5d00}"
)


def dots(block: Dots) -> Row:
    """`axis`, `rows` of `label`, `plot` and `mean`, and whether a number of the original is shown."""
    known = [v for row in block.rows for v in (*row.values, *([row.printed] if row.printed is not None else []))]
    span = figures.span_around(known, least=0.05)
    rows = []
    for row in block.rows:
        mean = fmean(row.values)
        spoken = f"{', '.join(f'{v:.1f}' for v in row.values)}; mean {mean:.1f}"
        marks = [Dot(value, f"{value:.1f} %") for value in row.values]
        plot = figures.strip_cell(span, marks, mean, spoken, row.printed)
        rows.append({"label": row.label, "plot": plot, "mean": f"{mean:.1f}"})
    printed = any(row.printed is not None for row in block.rows)
    return {"axis": figures.axis_strip(span), "rows": rows, "printed": printed}


def effects(block: Effects) -> Row:
    """`axis`, `rows` of `label`, `plot`, `effect` and `interval`, the margin, and whether the original's is shown."""
    margin = next((row.margin for row in block.rows if row.margin), None)
    span = figures.span_of_intervals([(row.low, row.high) for row in block.rows], margin)
    known = [row.printed for row in block.rows if row.printed is not None]
    span = figures.span_around([span.low, span.high, *known], pad=0.0 if not known else 0.03)
    rows = []
    for row in block.rows:
        effect, interval = _signed(row.difference), f"[{_signed(row.low)}, {_signed(row.high)}]"
        between = (row.low, row.high)
        spoken = f"{effect} points, 95 % interval {interval}"
        plot = figures.forest_cell(
            span, row.difference, between, between, row.margin, row.verdict, spoken, printed=row.printed
        )
        rows.append({"label": row.label, "plot": plot, "effect": effect, "interval": interval})
    shown = None if margin is None else f"{margin:g}"
    return {"axis": figures.axis_strip(span, signed=True), "rows": rows, "margin": shown, "printed": bool(known)}


def picks(block: Picks) -> Row:
    """`axis` and `plot`."""
    ends = [0.0, block.low, block.high, *(bar[0] for bar in block.bars), *(bar[1] for bar in block.bars)]
    margin = block.margin or 0.0
    span = figures.span_around([*ends, margin, -margin], pad=0.03, least=1e-6)
    bars = [Bar(*bar) for bar in block.bars]
    between = (block.low, block.high)
    plot = histogram(span, bars, block.estimate, between, block.margin, block.sentence, block.verdict)
    return {"axis": figures.axis_strip(span, signed=True), "plot": plot}


def curves(block: Curves) -> list[Row]:
    """One row an arm with points: `label` and `plot`."""
    points = [point for row in block.rows for point in row.points]
    places = [math.log10(value) for value, _, _ in points]
    room = 0.12 * (max(places) - min(places)) or 1.0
    frame = Frame(
        Span(min(places) - room, max(places) + room), figures.span_around([y for _, y, _ in points], least=0.1)
    )
    return [{"label": row.label, "plot": _curve(frame, row.points)} for row in block.rows if row.points]


def _curve(frame: Frame, points: Sequence[tuple[float, float, bool]]) -> Markup:
    drawn = [Point(math.log10(value), score, f"{value:g}", kept) for value, score, kept in points]
    spoken = ", ".join(f"{value:g}: {score:.1f}{' (kept)' if kept else ''}" for value, score, kept in points)
    return figures.curve(frame, drawn, spoken)


def swatch(colour: str) -> Markup:
    """A small square of a colour (`#rrggbb`)."""
    return figures.swatch(colour)


def alone(block: Dots | Effects | Picks | Curves) -> str:
    """The figure as an SVG file: dark on white, so that it can be read on any page."""
    if isinstance(block, Curves):
        return _charts(block.title, curves(block))
    if isinstance(block, Picks):
        drawn = picks(block)
        return _picture(block.title, "", drawn["axis"], [("", drawn["plot"], "")], PICKS, 128)
    if isinstance(block, Dots):
        drawn = dots(block)
        cells = [(row["label"], row["plot"], row["mean"]) for row in drawn["rows"]]
        head = "mean"
    else:
        drawn = effects(block)
        cells = [(row["label"], row["plot"], f"{row['effect']} {row['interval']}") for row in drawn["rows"]]
        head = "95 % interval"
    legend = "◇ the original, on other images" if drawn["printed"] else ""
    return _picture(block.title, head, drawn["axis"], cells, legend)


def _picture(
    title: str, head: str, axis: Markup, cells: Sequence[tuple[str, Markup, str]], legend: str, line: int = LINE
) -> str:
    """line: the height of a row; a cell without label and number has the whole width."""
    bare = not any(label or number for label, _, number in cells)
    plot, left = (WIDTH - 40, 20) if bare else (WIDTH - LABEL - NUMBER - 40, LABEL + 20)
    parts = [
        Markup('<text class="soft" x="10" y="18">{}</text>').format(title),
        _placed(axis, left, 26, plot, 20),
        Markup('<text class="soft" x="{}" y="40" text-anchor="end">{}</text>').format(WIDTH - 10, head),
    ]
    top = 50
    for label, cell, number in cells:
        lines = _broken(label, LABEL // LETTER)
        middle = top + line / 2 + 4 - 7 * (len(lines) - 1)
        parts += [
            Markup('<text x="10" y="{:.0f}">{}</text>').format(middle + 15 * k, line) for k, line in enumerate(lines)
        ]
        parts.append(_placed(cell, left, top, plot, line))
        parts.append(
            Markup('<text x="{}" y="{:.0f}" text-anchor="end">{}</text>').format(WIDTH - 10, top + line / 2 + 4, number)
        )
        top += line
    if legend:
        parts.append(Markup('<text class="soft" x="10" y="{}">{}</text>').format(top + 18, legend))
        top += 24
    return _svg(top + 10, parts)


def _charts(title: str, charts: Sequence[Row]) -> str:
    """Small charts, ACROSS in a row, each under its label."""
    wide, high = (WIDTH - 20) // ACROSS, 126
    parts = [Markup('<text class="soft" x="10" y="18">{}</text>').format(title)]
    for k, row in enumerate(charts):
        left, top = 10 + k % ACROSS * wide, 30 + k // ACROSS * high
        label = Markup('<text class="soft" x="{}" y="{}">{}</text>').format(left + 4, top + 12, row["label"])
        parts += [label, _placed(row["plot"], left, top + 16, wide - 8, high - 22)]
    rows = -(-len(charts) // ACROSS)
    return _svg(30 + rows * high, parts)


def _svg(height: float, parts: Sequence[Markup]) -> str:
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img">'
            "<style>{style}</style>"
            '<rect width="{w}" height="{h}" fill="#fff"/>{parts}</svg>\n'
        ).format(w=WIDTH, h=height, style=Markup(STYLE), parts=Markup("").join(parts))
    )


def _placed(cell: Markup, x: int, y: int, width: int, height: int) -> Markup:
    """A cell of a page, which fills what it is put into, at a place of its own."""
    return Markup('<svg x="{}" y="{}" width="{}" height="{}">{}</svg>').format(x, y, width, height, cell)


def _broken(text: str, room: int) -> list[str]:
    """At most two lines of about `room` letters."""
    if len(text) <= room:
        return [text]
    cut = text.rfind(" ", 0, room)
    cut = cut if cut > 0 else room
    rest = text[cut:].strip()
    return [text[:cut], rest if len(rest) <= room else rest[: room - 1] + "…"]


def _signed(value: float) -> str:
    rounded = round(value, 1)
    return f"{'+' if rounded > 0 else MINUS if rounded < 0 else ''}{abs(rounded):.1f}"
