"""The section on tuning says what was tried and kept, and nothing else."""

import csv
import io
import re
from dataclasses import replace

import pytest
from made_up_study import example
from test_page import HOSTILE, Tags

from paribus.report import document, page
from paribus.report.tables import files
from paribus.tuning.choice import Tried, Tuned

GRID = {"optimizer.lr": {"times": [0.3, 1, 3]}}
RATES = (0.003, 0.01, 0.03)


def tuned(*means, diverged=()):
    """Three rates with the scores of two seeds around each mean; None has one seed so far."""
    tried = tuple(
        Tried(
            {"optimizer.lr": lr},
            ("r", "s"),
            (0.8,) if mean is None else (mean - 0.01, mean + 0.01),
            int(lr in diverged),
        )
        for lr, mean in zip(RATES, means, strict=True)
    )
    return Tuned({"optimizer.lr": 0.01}, tried)


def study(by_arm, grid=GRID, **changes):
    """The made-up study in which some arms were tuned."""
    made = example(runs=2, images=60, epochs=2)
    arms = tuple(replace(arm, tuning=by_arm.get(arm.name)) for arm in made.arms)
    tune = {"grid": grid, "seeds": [100, 101], "on": "val", "groups": None}
    return replace(made, arms=arms, study=made.study | {"tune": tune}, **changes)


@pytest.fixture(scope="module")
def content():
    by_arm = {
        "baseline": tuned(0.81, 0.85, 0.84),
        "fine-tuned": tuned(0.86, 0.88, 0.9),
        "scratch": tuned(0.7, 0.72, 0.8, diverged=(0.03,)),
        "a-a": tuned(0.81, 0.85, 0.84),
    }
    return document(study(by_arm))


def section(content):
    found = re.search(r'<section id="tuning">.*?</section>', page(content), re.S)
    return found[0] if found else ""


def test_every_arm_has_its_curve_with_what_it_kept(content):
    text = section(content)
    alternatives = re.findall(r"<title>(.*?)</title>", text)
    assert alternatives == [
        "Accuracy on val by optimizer.lr: 0.003: 81.0\N{NO-BREAK SPACE}%, 0.01: 85.0\N{NO-BREAK SPACE}% (kept), "
        "0.03: 84.0\N{NO-BREAK SPACE}%",
        "Accuracy on val by optimizer.lr: 0.003: 86.0\N{NO-BREAK SPACE}%, 0.01: 88.0\N{NO-BREAK SPACE}%, "
        "0.03: 90.0\N{NO-BREAK SPACE}% (kept)",
        "Accuracy on val by optimizer.lr: 0.003: 70.0\N{NO-BREAK SPACE}%, 0.01: 72.0\N{NO-BREAK SPACE}% (kept), "
        "0.03: 80.0\N{NO-BREAK SPACE}%",
    ]
    assert text.count('class="dot"') == 3 and text.count('class="run lost"') == 1
    assert text.count("the largest tried") == 1 and "the smallest tried" not in text
    assert "seeds 100, 101" in text and "a-a" not in text


def test_the_axes_are_shared_and_rates_stand_by_ratio(content):
    charts = re.findall(r"<svg class=\"chart\".*?</svg>", section(content), re.S)
    places = [re.findall(r'<circle class="[^"]*" cx="([\d.]+)" cy="([\d.]+)"', chart) for chart in charts]
    across = [[float(x) for x, _ in chart] for chart in places]
    assert across[0] == across[1] == across[2]
    left, middle, right = across[0]
    assert (middle - left) / (right - middle) == pytest.approx(1.0957, abs=0.01)  # log(0.01/0.003) / log(0.03/0.01)
    heights = [[float(y) for _, y in chart] for chart in places]
    assert heights[1][2] == min(y for chart in heights for y in chart)  # 90 % stands highest, on all axes


def test_the_table_of_all_that_was_tried(content):
    rows = list(csv.DictReader(io.StringIO(files(content)["tuning.csv"])))
    assert len(rows) == 12
    assert rows[1] == {
        "arm": "baseline", "optimizer.lr": "0.01", "val_mean": "0.85", "runs": "2", "diverged": "0", "own": "True",
        "chosen": "True",
    }  # fmt: skip
    assert [row["optimizer.lr"] for row in rows if row["chosen"] == "True"] == ["0.01", "0.03", "0.01", "0.01"]


def test_what_is_not_finished_is_told():
    content = document(study({"baseline": tuned(0.81, None, 0.84)}))
    text = section(content)
    assert "1 run to come" in text and "(kept)" not in text and 'class="dot"' not in text
    assert content["arms"][0]["tuning"]["chosen"] is None
    nothing = Tuned({"optimizer.lr": 0.01}, tuple(Tried({"optimizer.lr": lr}, ("r",)) for lr in RATES))
    assert "<svg" not in section(document(study({"baseline": nothing})))


def test_of_several_paths_each_has_its_profile():
    def point(lr, decay, mean):
        return Tried({"optimizer.lr": lr, "optimizer.weight_decay": decay}, ("r",), (mean,))

    both = Tuned(
        {"optimizer.lr": 0.01, "optimizer.weight_decay": 0.0},
        (point(0.01, 0.0, 0.8), point(0.01, 0.1, 0.82), point(0.1, 0.0, 0.9), point(0.1, 0.1, 0.7)),
    )
    grid = GRID | {"optimizer.weight_decay": {"values": [0, 0.1]}}
    text = section(document(study({"baseline": both}, grid)))
    assert re.findall(r"<title>(.*?)</title>", text) == [
        "Accuracy on val by optimizer.lr: 0.01: 82.0\N{NO-BREAK SPACE}%, 0.1: 90.0\N{NO-BREAK SPACE}% (kept)",
        "Accuracy on val by optimizer.weight_decay: 0: 90.0\N{NO-BREAK SPACE}% (kept), 0.1: 82.0\N{NO-BREAK SPACE}%",
    ]
    methods = files(document(study({"baseline": both}, grid)))["methods.md"]
    assert "0.3, 1 and 3 times its own value and optimizer" in methods and "among 0 and 0.1" in methods


def test_a_loss_is_drawn_with_the_smallest_on_top():
    content = document(study({"baseline": tuned(-0.5, -0.3, -0.4)}, metric="neg_log_loss"))
    assert "0.003: 0.500, 0.01: 0.300 (kept), 0.03: 0.400" in section(content)


def test_a_study_that_was_not_tuned_has_no_section(results):
    assert section(document(results)) == "" and "#tuning" not in page(document(results))
    assert "tuning.csv" not in files(document(results))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name):
    made = study({"baseline": tuned(0.81, 0.85, 0.84)})
    renamed = tuple(replace(arm, name=name if arm.name == "baseline" else arm.name) for arm in made.arms)
    made = replace(made, arms=renamed, contrasts=(), questions=())
    text = section(document(made))
    assert {tag for tag, _ in Tags(text).tags} <= {
        "section", "h2", "h3", "p", "div", "figure", "figcaption", "bdi", "code", "svg", "title", "line", "text", 
        "path", "circle", "table", "thead", "tr", "th", "tbody", "td", "small", "details", "summary",
    }  # fmt: skip
    assert "<script" not in text and "{{" not in text.replace("{{ 7 * 7 }}", "")


def test_what_was_chosen_is_shown_with_the_question():
    made = example(runs=2, images=60, epochs=2)
    asked = tuple(
        replace(q, tuned={"optimizer.lr": [0.003, 0.01]} if q.name == "tuning" else {}) for q in made.questions
    )
    rows = tuple(replace(row, question=q) for row, q in zip(made.contrasts, asked, strict=True))
    text = page(document(replace(made, questions=asked, contrasts=rows)))
    assert text.count("<dt>Tuned on val</dt>") == 1
    assert "0.003" in text[text.index("<dt>Tuned on val</dt>") :][:600]
