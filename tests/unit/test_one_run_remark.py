"""The remark on what one run an arm would have shown claims no sign that is not there."""

import pytest

from paribus.report.sections import first_screen


def question(name, wrong, difference, control=False):
    return {"name": name, "one_run_wrong": wrong, "difference": difference, "control": control}


def remark(*questions):
    return first_screen._one_run({"questions": list(questions)})


def test_a_difference_of_exactly_zero_has_no_sign():
    whole = remark(question("a", 0.0, 0.02), question("b", 0.0, -0.01))
    assert (
        "never have shown the other sign than all runs together" in whole["text"] and "exactly 0" not in whole["text"]
    )
    assert "a difference of exactly 0 has none" in remark(question("a", 0.0, 0.02), question("b", None, 0.0))["text"]
    assert "exactly 0" not in remark(question("a", 0.0, 0.02), question("a/a", None, 0.0, control=True))["text"]
    assert remark(question("b", None, 0.0)) is None


@pytest.mark.parametrize("wrong", [0.0, 0.3])
def test_no_sign_is_called_right(wrong):
    assert "right" not in remark(question("a", wrong, 0.02))["text"]


def test_the_worst_question_is_named():
    told = remark(question("a", 0.1, 0.02), question("b", 0.3, 0.01), question("a/a", 0.5, 0.0, control=True))
    assert told["name_after"] == "b" and "30" in told["text"]
