"""The audits as a reader sees them: figures at the right places, names as data, and what cannot be told said so."""

import re

import numpy as np
import pytest

from paribus.audits.crops import NO_BOXES
from paribus.audits.rows import AttributionAudit, CropAudit, CropRow, seen, spread
from paribus.audits.shares import Looked, row
from paribus.report.audit_figures import attribution_cell, crop_cell, span_of_attribution
from paribus.report.audits import attribution_view, audit_page, crops_view

HOSTILE = "<script>alert(1)</script>"
PNG = b"\x89PNG\r\n\x1a\n"


def crop_row(arm="arm", not_followed=()):
    half = seen([0.0, 0.5, 0.5, 1.0], [0.4, 0.5, 0.6, 0.7])
    return CropRow(arm, 2, 2, half, seen([1.0, 1.0], [0.5, 0.5]), spread([1.0, 1.5]), not_followed)


def attribution_row(arm="arm"):
    drawn = np.random.default_rng(0).normal(0.2, 0.02, (3, 30))
    return row(arm, "grad_cam", Looked(drawn, np.full((2, 30), 0.4), np.full(30, 0.35), (6, 6)))


def crops_page(*rows, reason=None):
    return audit_page("A study", "Pictures", [("arm", PNG)], crops=CropAudit(rows, 0, reason))


def attribution_page(*rows, reason=None):
    audit = AttributionAudit(rows, (), "test", ("a", "b"), 0, 8, "last", ("A note.",), reason)
    return audit_page("A study", "Pictures", [], attribution=audit)


def test_bars_stand_where_their_share_is_and_are_as_high_as_their_count():
    bars = re.findall(r'class="heap" x="([\d.]+)%" y="([\d.]+)%"', crop_cell(crop_row().training))
    assert [(float(x), float(y)) for x, y in bars] == [(0, 54), (50, 8), (95, 54)]
    assert 'class="mean" x1="50.00%"' in crop_cell(crop_row().training)


def test_dots_of_the_share_of_random_weights_and_of_the_area():
    found = attribution_row()
    span = span_of_attribution([found])
    drawn = attribution_cell(span, found)
    assert f'class="dot" cx="{span.at(found.share.mean)}"' in drawn
    assert f'class="dot hollow" cx="{span.at(0.4)}"' in drawn
    assert f'class="chance" x1="{span.at(0.35)}"' in drawn
    assert drawn.count('class="run"') == 3
    assert span.holds(found.share.low) and span.holds(found.share.high)


def test_the_numbers_of_the_crops_are_on_the_page():
    page = crops_page(crop_row())
    for text in ("2 images, 4 crops", "25\xa0%", "0.47 – 0.55 – 0.62", "1.12 – 1.25 – 1.38", "CROP_BOX"):
        assert text in page
    assert page.count("data:image/png;base64,") == 1


def test_the_numbers_of_the_attribution_are_on_the_page():
    page, found = attribution_page(attribution_row()), attribution_row()
    for text in (
        "Grad-CAM",
        "3 runs, 6 x 6 cells",
        "A note.",
        "LOOKS_AWAY",
        f"{found.share.mean:.1%}".replace("%", ""),
    ):
        assert text in page


def test_what_cannot_be_followed_is_told():
    assert "What auto_augment moves inside of a crop is not followed." in crops_page(
        crop_row(not_followed=("auto_augment",))
    )


@pytest.mark.parametrize("page", [crops_page, attribution_page])
def test_without_boxes_the_page_says_why(page):
    assert "boxes.csv" in page(reason=NO_BOXES)
    assert "not applicable" in page(reason=NO_BOXES)


def test_names_are_data():
    for page in (crops_page(crop_row(HOSTILE)), attribution_page(attribution_row(HOSTILE))):
        assert HOSTILE not in page and "&lt;script&gt;" in page
        assert "http:" not in page and "https:" not in page


def test_views_are_of_plain_rows():
    assert [r["arm"] for r in crops_view(CropAudit((crop_row("a"), crop_row("b")), 0))["rows"]] == ["a", "b"]
    told = attribution_view(AttributionAudit((attribution_row("a"),), (), "test", ("i",), 0, 8, "last"))
    assert [m["name"] for m in told["methods"]] == ["Grad-CAM"]
