"""What one run would have said, as the page tells it: a sentence for every verdict, a picture drawn from its rows."""

import csv
import io
import re
from dataclasses import replace

import pytest
from made_up_study import contrast, example

from paribus.questions import Question
from paribus.report import document, page
from paribus.report.sections import first_screen
from paribus.report.sections.one_run import conclusion, one_run, sentence
from paribus.report.tables import files

ROW = {
    "question": "q", "reading": "best_on_val", "control": False, "estimate": 0.02, "low": 0.01, "high": 0.03,
    "margin": 0.015, "ways": 25, "picks": 25, "smallest": -0.04, "median": 0.02, "largest": 0.07, "above": 0.24,
    "below": 0.08, "wrong_sign": 0.12, "wrong_conclusion": None, "called_settled": None,
    "bins": [
        {"low": -0.04, "high": 0.0, "picks": 3, "against": 3},
        {"low": 0.0, "high": 0.08, "picks": 22, "against": 0},
    ],
}  # fmt: skip
SAID = {  # verdict: (with picks against it, without)
    "helps": ("In 32 % of picks the sign is the other one, or there is none.", "Every pick has its sign."),
    "hurts": ("In 32 % of picks the sign is the other one, or there is none.", "Every pick has its sign."),
    "no_practical_difference": (
        "32 % of picks show a difference of 1.5 points or more, which the full study rules out.",
        "No pick shows a difference of 1.5 points or more, as it found.",
    ),
    "identical": (
        "32 % of picks show a difference of 1.5 points or more, and the full study found both sides identical.",
        "No pick shows a difference of 1.5 points or more, as it found.",
    ),
    "cannot_tell": (
        "32 % of picks show a difference of 1.5 points or more and would have been called settled (24 % in favour, 8 % "
        "against); the full study cannot tell. 12 % of picks have the other sign.",
        "No pick shows a difference of 1.5 points or more; the full study cannot tell. 12 % of picks have the other "
        "sign.",
    ),
}


def question(verdict, kind="compare", **row):
    share = "called_settled" if verdict == "cannot_tell" else "wrong_conclusion"
    row = ROW | {"verdict": verdict, share: 0.32} | row
    asked = {
        "name": "q", "ask": "Does it?", "metric": "accuracy", "kind": kind, "verdict": verdict, "margin": row["margin"],
        "control": row["control"], "primary": False, "one_run": {"best_on_val": row},
    }  # fmt: skip
    return asked, row


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("verdict", SAID)
def test_every_verdict_has_its_conclusion(verdict):
    assert plain(conclusion(*question(verdict))) == SAID[verdict][0]
    none = {"called_settled" if verdict == "cannot_tell" else "wrong_conclusion": 0.0}
    assert plain(conclusion(*question(verdict, **none))) == SAID[verdict][1]


@pytest.mark.parametrize("verdict", ["helps", "no_practical_difference", "cannot_tell"])
def test_the_control_speaks_of_nothing_whatever_it_came_out_as(verdict):
    said = plain(conclusion(*question(verdict, control=True, wrong_conclusion=0.32, called_settled=None)))
    assert said == "32 % of picks show a difference of 1.5 points or more, where nothing differs, by construction."
    said = plain(conclusion(*question(verdict, control=True, wrong_conclusion=0.0, called_settled=None)))
    assert said.endswith("1.5 points or more, as it should be.")


def test_without_a_margin_any_difference_counts():
    assert "show a difference and would have been called" in conclusion(*question("cannot_tell", margin=None))
    assert (
        conclusion(*question("identical", margin=None, wrong_conclusion=0.0))
        == "No pick shows a difference, as it found."
    )


def test_a_contrast_of_differences_does_not_favour_anything():
    said = plain(conclusion(*question("cannot_tell", kind="interaction")))
    assert "24 % positive, 8 % negative" in said and "favour" not in said


def test_one_run_an_arm_says_what_may_not_be_concluded():
    asked, row = question("cannot_tell_one_run", ways=1, picks=1, wrong_sign=None, called_settled=1.0)
    said = sentence(asked, row)
    assert said.startswith("There is one way to pick one run an arm") and "+2.0 points" in said
    assert "must not be concluded" in said and "%" not in said


def test_the_sentence_tells_how_picks_were_made_and_where_they_lie():
    said = plain(sentence(*question("helps")))
    assert said.startswith(
        "25 ways to pick one run an arm (each run at its best epoch on val, chosen and scored there)"
    )
    assert "[−4.0, +7.0] points; the full study says +2.0." in said and "drawn" not in said
    declared = sentence(*question("helps", reading="as_declared", ways=10**6, picks=10**5))
    assert "scored as this study scores it" in declared and "100 000 of them drawn by a fixed seed" in plain(declared)


def test_a_loss_is_turned_and_its_ends_are_in_order():
    asked, row = question("helps")
    said = sentence(asked | {"metric": "neg_log_loss"}, row)
    assert "[−0.070, +0.040]; the full study says −0.020." in said
    shown = one_run({"questions": [asked | {"metric": "neg_log_loss"}]})["questions"][0]
    assert "inf" not in shown["plot"] and "nan" not in shown["plot"]


def rectangles(plot):
    """(left, width, height) of the bars, against the answer or not."""
    found = re.findall(r'<rect class="(pick[^"]*)" x="([\d.]+)%" y="[\d.]+" width="([\d.]+)%" height="([\d.]+)"', plot)
    return [(css, float(x), float(w), float(h)) for css, x, w, h in found]


def test_the_picture_is_drawn_from_the_rows():
    shown = one_run({"questions": [question("helps")[0]]})["questions"][0]
    against, agreed = rectangles(shown["plot"])
    assert against[0] == "pick against" and agreed[0] == "pick"
    assert agreed[1] == pytest.approx(against[1] + against[2], abs=0.02)  # zero is where one ends and the other begins
    assert agreed[3] / against[3] == pytest.approx(22 / 3, rel=0.02)
    zero = float(re.search(r'<line class="zero" x1="([\d.]+)%', shown["plot"])[1])
    assert zero == pytest.approx(agreed[1], abs=0.02)
    band = re.search(r'<rect class="band" x="([\d.]+)%" y="0.0" width="([\d.]+)%"', shown["plot"])
    assert float(band[1]) + float(band[2]) / 2 == pytest.approx(zero, abs=0.02)
    dot = float(re.search(r'<circle class="dot" cx="([\d.]+)%', shown["plot"])[1])
    low, high = re.search(r'<line class="inner" x1="([\d.]+)%" x2="([\d.]+)%', shown["plot"]).groups()
    assert dot == pytest.approx((float(low) + float(high)) / 2, abs=0.02) and dot > zero


def test_a_bin_may_be_wrong_in_part():
    asked, _ = question("no_practical_difference", bins=[{"low": 0.0, "high": 0.02, "picks": 10, "against": 4}])
    against, agreed = rectangles(one_run({"questions": [asked]})["questions"][0]["plot"])
    assert against[1:3] == agreed[1:3] and agreed[3] / against[3] == pytest.approx(1.5, rel=0.02)


def test_the_report_holds_both_readings_and_the_tables_their_rows(results):
    content = document(results)
    for q in content["questions"]:
        assert list(q["one_run"]) == ["best_on_val", "as_declared"]
        for row in q["one_run"].values():
            assert row["ways"] == 25 and sum(b["picks"] for b in row["bins"]) == 25
    made = files(content)
    rows = list(csv.DictReader(io.StringIO(made["one_run.csv"])))
    assert len(rows) == 2 * len(content["questions"]) and "bins" not in rows[0]
    bins = list(csv.DictReader(io.StringIO(made["one_run_picks.csv"])))
    assert sum(int(b["picks"]) for b in bins) == 25 * len(rows)
    text = page(content)
    assert text.count('<svg class="picks') == len(content["questions"]) and 'id="one-run"' in text


def test_predictions_alone_are_read_as_they_were_scored(compared):
    content = document(compared)
    assert all(list(q["one_run"]) == ["as_declared"] for q in content["questions"])
    assert "scored as this study scores it" in page(content)


def test_a_study_of_one_run_an_arm_has_the_section():
    small = example(runs=1, images=40)
    arms = {arm.name: arm for arm in small.arms}
    rows = tuple(contrast(c.question, "cannot_tell_one_run", 0.01, 0.02, arms, 40) for c in small.contrasts)
    text = page(document(replace(small, contrasts=rows)))
    section = text.split('<section id="one-run">')[1].split("</section>")[0]
    assert section.count("must not be concluded") >= len(rows) - 1


def test_a_study_without_answers_has_no_section(results):
    content = document(replace(results, contrasts=()))
    assert all(q["one_run"] == {} for q in content["questions"])
    assert 'id="one-run"' not in page(content)


# --- the line of the first screen


def remark(*questions):
    return first_screen._one_run({"questions": [q for q, _ in questions]})


def named(name, pair):
    return pair[0] | {"name": name}, pair[1]


def test_the_question_that_misleads_most_is_named():
    told = remark(
        named("a", question("helps", wrong_conclusion=0.1)),
        named("b", question("hurts", wrong_conclusion=0.3)),
        named("c", question("cannot_tell", called_settled=0.9)),
        named("a-a", question("cannot_tell", control=True, wrong_conclusion=0.95, called_settled=None)),
    )
    assert told["name_after"] == "b" and "30" in told["text"] and "another conclusion" in told["text"]


def test_an_open_question_called_settled_is_told_if_nothing_is_wrong():
    told = remark(
        named("a", question("helps", wrong_conclusion=0.0)), named("c", question("cannot_tell", called_settled=0.9))
    )
    assert told["name_after"] == "c" and "leave open" in told["text"]


def test_nothing_misleads_only_where_nothing_was_counted():
    told = remark(named("a", question("helps", wrong_conclusion=0.0)))
    assert "same as all runs together" in told["text"] and told.get("name_after") is None
    assert remark(named("a", question("cannot_tell_one_run", called_settled=1.0))) is None
    assert remark() is None


def test_no_conclusion_is_called_right():
    for verdict in SAID:
        for told in (remark(question(verdict)), remark(question(verdict, wrong_conclusion=0.0, called_settled=0.0))):
            assert "right" not in told["text"]


def test_the_legend_explains_the_control_where_there_is_one(results):
    first = page(document(results)).split("<nav")[0]
    assert "◆ One recipe under other seeds: the noise floor" in first and 'class="diamond"' in first
    others = tuple(c for c in results.contrasts if not c.question.control)
    without = replace(results, contrasts=others, questions=tuple(c.question for c in others))
    assert "◆" not in page(document(without)).split("<nav")[0]


def test_a_control_that_comes_out_as_different_is_an_alarm(results):
    asked = Question("a-a", "One recipe twice", {"baseline": -1.0, "a-a": 1.0}, "accuracy", 0.02, control=True)
    arms = {arm.name: arm for arm in results.arms}
    row = contrast(asked, "helps", 0.03, 0.01, arms, 200)
    first = page(document(replace(results, questions=(asked,), contrasts=(row,)))).split("<nav")[0]
    assert ">ALARM<" in first and 'class="forest v-control"' in first and "HELPS" not in first
