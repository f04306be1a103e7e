"""Patterns of a study: within limits, and none can go on for ever."""

import pytest

from paribus import patterns


def test_the_group_of_each_name():
    names = ["train/p01_2.png", "x", "p7_\udce9.png"]
    assert patterns.first_groups(r"(p\d+)_", names) == ["p01", None, "p7"]


def test_a_search_that_would_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(patterns, "SECONDS", 1)
    with pytest.raises(ValueError, match="in 1 names takes more than 1 seconds"):
        patterns.first_groups("(a+)+$", ["a" * 60 + "b"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (5, "a text of at most 200"),
        ("(a)" + "b" * 200, "a text of at most 200"),
        ("[", "unterminated"),
        ("a", "it has 0 groups"),
        ("(a)(b)", "it has 2 groups"),
        ("(a{99999999999999999999})", "too large"),
        ("(" * 150, "missing"),
    ],
)
def test_patterns_that_are_refused(text, words):
    with pytest.raises(ValueError, match=words):
        patterns.checked(text)


def test_a_pattern_that_warns_is_taken_without_a_word():
    assert patterns.checked("([[a]b])") == "([[a]b])"
