"""Plots of shares against shares: the reliability diagram, ROC and PR curves; inline SVG from table rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from paribus.report.figures import Span, tick_label

Row = dict[str, Any]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 260, 208, 40, 10, 8, 34
HIGHEST = 26  # pixels of the tallest bar of how many answers there are


@dataclass(frozen=True)
class _Axes:
    """Shares across and upward; both are printed in percent."""

    x: Span
    y: Span

    def across(self, share: float) -> float:
        place = (share - self.x.low) / (self.x.high - self.x.low)
        return LEFT + min(max(place, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def upward(self, share: float) -> float:
        place = (share - self.y.low) / (self.y.high - self.y.low)
        return HEIGHT - BOTTOM - min(max(place, 0.0), 1.0) * (HEIGHT - BOTTOM - TOP)

    def drawn(self, across: str, upward: str) -> Markup:
        """Grid lines and their percentages, and what the axes are."""
        floor, parts = HEIGHT - BOTTOM, []
        for tick in self.y.ticks(6):
            y = self.upward(tick)
            parts.append(
                Markup(
                    '<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
                    '<text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>'
                ).format(LEFT, WIDTH - RIGHT, y, LEFT - 5, y + 3.5, tick_label(100 * tick))
            )
        for tick in self.x.ticks(6):
            x = self.across(tick)
            parts.append(
                Markup(
                    '<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
                    '<text x="{0:.1f}" y="{3}" text-anchor="middle">{4}</text>'
                ).format(x, TOP, floor, floor + 13, tick_label(100 * tick))
            )
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, across
            )
        )
        turned = (TOP + floor) / 2
        parts.append(
            Markup('<text x="9" y="{0}" text-anchor="middle" transform="rotate(-90 9 {0})">{1}</text>').format(
                turned, upward
            )
        )
        return Markup("").join(parts)

    def line(self, points: Sequence[tuple[float, float]], css: str) -> Markup:
        path = "L".join(f"{self.across(x):.1f} {self.upward(y):.1f}" for x, y in points)
        return Markup('<path class="{}" d="M{}"/>').format(css, path) if points else Markup("")

    def area(self, lower: Sequence[tuple[float, float]], upper: Sequence[tuple[float, float]], css: str) -> Markup:
        around = [*lower, *reversed(upper)]
        path = "L".join(f"{self.across(x):.1f} {self.upward(y):.1f}" for x, y in around)
        return Markup('<path class="{}" d="M{}Z"/>').format(css, path)


def _figure(parts: Sequence[Markup], alternative: str) -> Markup:
    return Markup('<svg class="chart square" role="img" viewBox="0 0 {} {}"><title>{}</title>{}</svg>').format(
        WIDTH, HEIGHT, alternative, Markup("").join(parts)
    )


def reliability(rows: Sequence[Row], classes: int, lines: bool, alternative: str) -> Markup:
    """The share that is right against the confidence, a dot a bin; lines: a thin one for each run.

    Grey blocks: where a bin of a perfectly calibrated run lies 19 times in 20. Bars at the foot: how many answers a
    bin holds. The axis begins at the confidence of a guess, below which no answer can lie.
    """
    lowest = min([1 / classes, *(row["confidence"] for row in rows)])
    axes = _Axes(Span(min(0.8, int(10 * lowest + 1e-9) / 10), 1.0), Span(0.0, 1.0))
    parts = [axes.drawn("confidence, %", "right, %")]
    most = max(row["images"] for row in rows)
    for row in rows:
        left, right = axes.across(row["low"]), axes.across(row["high"])
        low, high = (axes.upward(end) for end in row["calibrated"])
        tall = HIGHEST * row["images"] / most
        parts += [_block("heap", left, HEIGHT - BOTTOM - tall, right - left, tall)]
        parts += [_block("band", left, high, right - left, max(low - high, 1.0))]
    parts.append(axes.line([(axes.x.low, axes.x.low), (1.0, 1.0)], "ideal"))
    for run in zip(*(row["runs"] for row in rows), strict=True) if lines else ():
        known = [(row["confidence"], v) for row, v in zip(rows, run, strict=True) if v is not None]
        parts.append(axes.line(known, "thin"))
    middle = [(row["confidence"], row["right"]) for row in rows]
    parts.append(axes.line(middle, "thick"))
    parts += [
        Markup('<circle class="run" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(axes.across(x), axes.upward(y))
        for x, y in middle
    ]
    return _figure(parts, alternative)


def _block(css: str, x: float, y: float, width: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        css, x + 0.5, y, max(width - 1, 0.5), height
    )


def roc(rows: Sequence[Row], several: bool, alternative: str) -> Markup:
    """Recall against the share of negatives that are taken: the mean, and from the lowest run to the highest."""
    axes = _Axes(Span(0.0, 1.0), Span(0.0, 1.0))
    ideal = axes.line([(0.0, 0.0), (1.0, 1.0)], "ideal")
    parts = [axes.drawn("false alarms, % of negatives", "recall, %"), ideal]
    return _figure([*parts, *_mean(axes, rows, "false_alarms", "recall", several)], alternative)


def pr(rows: Sequence[Row], prevalence: float, several: bool, alternative: str) -> Markup:
    """Precision against recall, likewise; the dashed line takes every image."""
    axes = _Axes(Span(0.0, 1.0), Span(0.0, 1.0))
    ideal = axes.line([(0.0, prevalence), (1.0, prevalence)], "ideal")
    parts = [axes.drawn("recall, %", "precision, %"), ideal]
    return _figure([*parts, *_mean(axes, rows, "recall", "precision", several)], alternative)


def _mean(axes: _Axes, rows: Sequence[Row], x: str, y: str, several: bool) -> list[Markup]:
    lower, upper = ([(row[x], row[end]) for row in rows] for end in ("low", "high"))
    band = [axes.area(lower, upper, "spread")] if several else []
    return [*band, axes.line([(row[x], row[y]) for row in rows], "thick")]
