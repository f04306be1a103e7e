"""The audits as a reader sees them: rows of text and figures for the templates, and a page of their own."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from paribus.audits import findings
from paribus.audits.rows import METHODS, AttributionAudit, AttributionRow, CropAudit, CropRow, Estimate, Spread
from paribus.findings import Finding
from paribus.report.audit_figures import SHARES, attribution_cell, crop_cell, span_of_attribution
from paribus.report.figures import axis_strip
from paribus.report.numbers import Scale, count, percent, plural
from paribus.report.page import assets, content_security_policy, environment, picture_data
from paribus.report.sections.validity import OUTCOMES

Row = dict[str, Any]
_SHARE = Scale("share", 100.0, 1, "%", "points")


def crops_view(audit: CropAudit) -> Row:
    """What the macro `crops` of `audits.html` shows."""
    blind = sorted({name for row in audit.rows for name in row.not_followed})
    notes = [f"What {', '.join(blind)} moves inside of a crop is not followed."] if blind else []
    return {
        "not_applicable": audit.not_applicable,
        "seed": audit.seed,
        "axis": axis_strip(SHARES),
        "rows": [_crop_row(row) for row in audit.rows],
        "notes": notes,
        "findings": _findings(findings.of_crops(audit)),
    }


def _crop_row(row: CropRow) -> Row:
    seen, later = row.training, row.evaluation
    return {
        "arm": row.arm,
        "counts": f"{plural(row.images, 'image')}, {count(seen.share.count)} crops",
        "plot": crop_cell(seen),
        "share": percent(seen.share.median),
        "whole": percent(seen.whole),
        "shares": _quartiles(seen.share, percent),
        "whole_at_evaluation": percent(later.whole),
        "sizes": _quartiles(seen.size, _two),
        "size_at_evaluation": _two(later.size.median),
        "enlarged": _quartiles(row.enlarged, _two),
    }


def attribution_view(audit: AttributionAudit) -> Row:
    """What the macro `attribution` of `audits.html` shows."""
    return {
        "not_applicable": audit.not_applicable,
        "counts": f"{plural(len(audit.images), 'image')} of {audit.split} (drawn with seed {audit.seed})",
        "methods": [
            _method(name, [row for row in audit.rows if row.method == method])
            for method, name in METHODS.items()
            if any(row.method == method for row in audit.rows)
        ],
        "notes": list(audit.notes),
        "findings": _findings(findings.of_attribution(audit)),
    }


def _method(name: str, rows: Sequence[AttributionRow]) -> Row:
    span = span_of_attribution(rows)
    return {
        "name": name[:1].upper() + name[1:],
        "axis": axis_strip(span),
        "rows": [
            {
                "arm": row.arm,
                "counts": plural(row.runs, "run") + (f", {row.grid[0]} x {row.grid[1]} cells" if row.grid else ""),
                "plot": attribution_cell(span, row),
                "cells": [_level(row.share), _beyond(row.over_area), _beyond(row.over_randomised)],
            }
            for row in rows
        ],
    }


def audit_page(
    title: str,
    heading: str,
    sheets: Sequence[tuple[str, bytes]],
    *,
    crops: CropAudit | None = None,
    attribution: AttributionAudit | None = None,
) -> str:
    """A page of its own for one or both audits, with (caption, PNG) sheets of pictures; it loads nothing."""
    css, js = assets()
    shown = dict(sheets)
    return (
        environment("report")
        .get_template("audit_page.html")
        .render(
            title=title,
            heading=heading,
            crops=crops_view(crops) if crops else None,
            attribution=attribution_view(attribution) if attribution else None,
            pictures=[(caption, picture_data(shown.get, caption)) for caption in shown],
            css=Markup(css),
            csp=Markup(content_security_policy(css, js)),
        )
    )


def _findings(found: Sequence[Finding]) -> list[Row]:
    return [vars(f) | dict(zip(("word", "icon"), OUTCOMES[f.outcome], strict=True)) for f in found]


def _quartiles(spread: Spread, write: Any) -> str:
    return f"{write(spread.q25)} – {write(spread.median)} – {write(spread.q75)}"


def _two(value: float) -> str:
    return f"{value:.2f}"


def _level(found: Estimate) -> tuple[str, str]:
    return _SHARE.value(found.mean), _SHARE.range(found.low, found.high)


def _beyond(found: Estimate) -> tuple[str, str]:
    return _SHARE.change(found.mean), _SHARE.interval(found.low, found.high)
