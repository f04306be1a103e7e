"""Studies written in Python: functions as parts, the same checks, and how they show themselves in a notebook."""

import dataclasses
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tiny import BASELINE

import paribus
from paribus.errors import StudyError
from paribus.models import small_cnn
from paribus.notebook import Answers
from paribus.written import plain

LAB = '''
"""A laboratory's own parts."""

from torch import nn


def thin(num_classes, weights, *, width: int = 2):
    """(N, 3, H, W) -> (N, num_classes)."""
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))


def hits(scores):
    """(N,) 1 where the answer is right."""
    return (scores.predicted() == scores.targets).astype(float)
'''


@pytest.fixture
def lab(tmp_path, monkeypatch):
    (tmp_path / "thin_lab.py").write_text(LAB)
    monkeypatch.syspath_prepend(tmp_path)
    import thin_lab

    yield thin_lab
    del sys.modules["thin_lab"]


def study(**top):
    return paribus.Study.from_dict({"title": "t", "seeds": 2, "baseline": BASELINE, **top})


def lines(**top):
    with pytest.raises(StudyError) as caught:
        study(**top)
    return [problem.line() for problem in caught.value.problems]


def test_a_function_is_recorded_by_its_name_and_its_module_is_trusted(lab):
    found = study(baseline=BASELINE | {"model": {"use": lab.thin, "width": 3}}, metric=lab.hits)
    assert (found.recipes["baseline"].model.use, found.metric) == ("thin_lab:thin", "thin_lab:hits")
    assert found.plugins == ("thin_lab",)
    by_name = BASELINE | {"model": {"use": "thin_lab:thin", "width": 3}}
    named = paribus.Study.from_dict(
        {"title": "t", "seeds": 2, "baseline": by_name, "metric": "thin_lab:hits"}, ("thin_lab",)
    )
    assert dataclasses.replace(named) == found


def test_a_function_of_one_s_own_runs(lab, tmp_path):
    data = {"use": "faces", "n": 8, "n_val": 6, "size": 32}
    found = study(
        baseline=BASELINE | {"data": data, "model": lab.thin, "epochs": 1}, arms={"wide": {"model.width": 4}}, seeds=1
    )
    page = found.run(tmp_path, threads=1, pictures=False).read_text()
    assert found.results(tmp_path).arm.tolist() == ["baseline", "wide"]
    assert "paribus.Study.from_dict({...}).run()" in page
    answers = found.answers(tmp_path)
    assert type(answers) is Answers and "one run an arm: cannot tell" in answers._repr_html_()
    assert type(answers.iloc[:0]).__name__ == "DataFrame"


def test_what_python_writes_otherwise_is_what_the_file_would_say():
    written = {
        "seeds": range(3),
        "baseline": {"data": {"root": Path("a/b")}, "epochs": np.int64(4), "lr": np.float32(0.5)},
    }
    value, modules = plain({**written, "arms": {"one": {"model": small_cnn, "x": (1, True, None)}}})
    assert value == {
        "seeds": [0, 1, 2],
        "baseline": {"data": {"root": "a/b"}, "epochs": 4, "lr": 0.5},
        "arms": {"one": {"model": "small_cnn", "x": [1, True, None]}},
    }
    assert type(value["baseline"]["epochs"]) is int and modules == ()


def test_what_a_file_could_not_say_is_refused_all_at_once(lab):
    def inner(num_classes):
        """A network."""

    script = type(inner)(inner.__code__, {"__name__": "__main__"}, "net")
    script.__qualname__ = "net"
    told = lines(
        baseline=BASELINE | {"model": inner, "loss": lambda: 0, "optimizer": partial(lab.thin, width=2)},
        arms={"a": {"model": Path}, "b": {"model": script}, "c": {"epochs": {1, 2}}, "d": {(1, 2): 3}},
    )
    assert [line.partition(" Fix: ")[0].removeprefix("error[STUDY]: ") for line in told] == [
        "baseline.model: test_what_a_file_could_not_say_is_refused_all_at_once.<locals>.inner cannot be found by its "
        "name in test_written.",
        "baseline.optimizer: is a partial function.",
        "baseline.loss: test_what_a_file_could_not_say_is_refused_all_at_once.<locals>.<lambda> cannot be found by its "
        "name in test_written.",
        "arms.a.model: Path is no function; a part is one.",
        "arms.b.model: net is written in the script or notebook itself.",
        "arms.c.epochs: is a set, which no study can hold.",
        "arms.d: has the key (1, 2), which is no text.",
    ]
    assert all(" Fix: " in line for line in told)


def test_a_dictionary_in_itself_is_refused():
    arms: dict = {}
    arms["a"] = arms
    (line,) = lines(arms=arms)
    assert "arms.a.a: is nested without end" in line


def test_the_checks_are_those_of_the_file_with_keys_for_lines(lab):
    told = lines(
        baseline=BASELINE | {"model": {"use": lab.thin, "widht": 3}, "epoch": 3},
        arms={"hot": {"optimizer.lr": "high"}},
        metrik="accuracy",
    )
    assert any(
        line.startswith("error[STUDY]: metrik: Unknown key of a study 'metrik'. Did you mean 'metric'?")
        for line in told
    )
    assert any("baseline.model.widht: " in line and "Did you mean 'width'?" in line for line in told)
    assert any("Did you mean 'epochs'?" in line for line in told)


def test_no_dictionary_is_no_study():
    with pytest.raises(StudyError, match="a study is a dictionary"):
        paribus.Study.from_dict(["title"])


def test_a_study_shows_its_arms_and_questions():
    shown = study(
        title="<script>alert(1)</script>",
        margin=0.02,
        arms={"hot": {"optimizer.lr": 0.2}},
        questions={"rate": {"compare": ["baseline", "hot"], "ask": "Is <b>more</b> better?"}},
        primary="rate",
    )._repr_html_()
    assert (
        "<script>" not in shown and "&lt;script&gt;alert(1)" in shown and "Is &lt;b&gt;more&lt;/b&gt; better?" in shown
    )
    assert "2 seeds an arm · Accuracy · margin 2.0 points" in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert "<code><bdi>optimizer.lr</bdi>: <bdi>0.2</bdi></code>" in shown
    assert "−1 <bdi>baseline</bdi>, +1 <bdi>hot</bdi>" in shown and "<bdi>rate</bdi> ★" in shown


def test_answers_show_verdicts_and_escape_names():
    row = {
        "question": "rate", "ask": "<img src=x>", "metric": "accuracy", "margin": 0.02, "difference": 0.057,
        "low": 0.03, "high": 0.084, "p": 0.0002, "p_adjusted": 0.004, "verdict": "helps",
        "sentence": "Helps: & by much.",
    }  # fmt: skip
    shown = Answers([row])._repr_html_()
    assert "<img" not in shown and "&lt;img src=x&gt;" in shown and "Helps: &amp; by much." in shown
    for said in ("<b>helps</b>", "+5.7 points", "[+3.0, +8.4]", "0.004"):
        assert f"<td>{said}</td>" in shown
    loss = Answers([row | {"metric": "neg_log_loss", "ask": "", "p_adjusted": np.nan}])._repr_html_()
    assert "<td>−0.057</td>" in loss and "&lt; 0.001" in loss and "<bdi>rate</bdi>" in loss
    assert "No question is answered" in Answers([])._repr_html_()
