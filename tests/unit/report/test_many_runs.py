"""Runs and arms that are too many to be drawn one by one: the page shows where they lie, the tables hold every one."""

import re

import numpy as np
import pytest
from made_up_study import ARMS, example

from paribus.report import document, page
from paribus.report.sections import many, view
from paribus.report.tables import files

FEW_ARMS = {name: ARMS[name] for name in ("baseline", "fine-tuned", "alexnet-scratch")}


@pytest.fixture(scope="module")
def content():
    return document(example(runs=many.DRAWN + 1, images=60, epochs=3, arms=FEW_ARMS))


@pytest.fixture(scope="module")
def made(content):
    return page(content)


def test_up_to_the_limit_every_run_is_a_dot():
    content = document(example(runs=many.DRAWN, images=60, epochs=3, arms=FEW_ARMS))
    shown, arms = page(content), view(content)["arms"]
    assert all(row["plot"].count("<circle") == many.DRAWN for row in arms["rows"]) and not arms["boxes"]
    assert "One thin line a run" in shown and "Where runs are many" not in shown


def test_more_runs_are_a_box_between_their_quartiles(content):
    arms = view(content)["arms"]
    for row, arm in zip(arms["rows"], content["arms"], strict=True):
        values = [100 * run["value"] for run in arm["runs"]]
        assert "<circle" not in row["plot"] and row["plot"].count('class="half"') == 1
        expected = " ".join(f"{v:.1f}" for v in np.quantile(values, (0, 0.25, 0.5, 0.75, 1)))
        assert row["values"] == expected and expected in row["plot"]


def test_the_box_lies_where_the_middle_half_lies(content):
    arms = view(content)["arms"]
    arm, plot = content["arms"][0], arms["rows"][0]["plot"]
    low, high = np.quantile([run["value"] for run in arm["runs"]], (0, 1))
    first, third = np.quantile([run["value"] for run in arm["runs"]], (0.25, 0.75))
    whole = [float(x) for x in re.search(r'class="range" x1="([\d.]+)%" x2="([\d.]+)%"', plot).groups()]
    left, width = (float(x) for x in re.search(r'class="half" x="([\d.]+)%" y="28%" width="([\d.]+)%"', plot).groups())
    share = (whole[1] - whole[0]) / (high - low)
    assert left == pytest.approx(whole[0] + share * (first - low), abs=0.02)
    assert width == pytest.approx(share * (third - first), abs=0.02)


def test_learning_curves_become_bands(content, made):
    charts = [chart for row in view(content)["curves"]["rows"] for chart in row["charts"]]
    assert charts
    for chart in charts:
        assert chart["svg"].count('class="spread"') == 2 and 'class="thin"' not in chart["svg"]
    assert "from the lowest run to the highest" in made and "One thin line a run" not in made
    assert 'class="thin"' not in made  # nor in the diagrams of reliability


def test_images_say_how_many_runs_are_right(content, made):
    cards = view(content)["disagreements"]
    assert cards and all(row["marks"] == [] for card in cards for row in card["arms"])
    assert re.search(rf"\d+ of {many.DRAWN + 1} right</td>", re.sub("<small>.*?</small>", "", made))
    assert "One mark a run" not in made


def test_runs_are_listed_on_the_page_up_to_a_thousand_and_in_the_tables_always(content, made, monkeypatch):
    ids = [run["id"] for arm in content["arms"] for run in arm["runs"]]
    assert all(one in made for one in ids) and "Ids of the runs" in made
    monkeypatch.setattr(many, "LISTED", len(ids) - 1)
    shown = page(content)
    assert not any(one in shown for one in ids)
    assert "The ids of the runs stand in" in shown and "<summary>Every run" not in shown
    assert all(one in files(content)["runs.csv"] for one in ids)


def test_of_many_arms_those_furthest_apart_are_shown():
    rates = {f"arm-{k:02d}": (0.55 + 0.02 * k, 0.01, "") for k in range(many.SHOWN + 8)}
    content = document(example(runs=4, images=60, epochs=2, arms=rates))
    for card, row in zip(view(content)["disagreements"], content["disagreements"], strict=True):
        right = {arm: given.count(row["target"]) for arm, given in row["answers"].items()}
        shown = [each["arm"] for each in card["arms"]]
        assert len(shown) == len(set(shown)) == many.SHOWN and card["more"] == 8
        left_out, halves = [right[arm] for arm in right if arm not in shown], [right[arm] for arm in shown]
        assert halves == sorted(halves, reverse=True)
        assert halves[5] >= max(left_out) and min(left_out) >= halves[6]
    assert "Between them lie 8 arms more." in page(content)
