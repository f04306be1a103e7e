"""YAML is data: 1.2 rules, and nothing that surprises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus import yamlfile
from paribus.errors import StudyError


def value(text):
    return yamlfile.parse(text.encode(), "s.yaml").value


def refused(text):
    with pytest.raises(StudyError) as caught:
        yamlfile.parse(text if isinstance(text, bytes) else text.encode(), "s.yaml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-2", -2),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("1_000", "1_000"),
        ("010", 10),
        ("'1'", "1"),
    ],
)
def test_scalars_follow_the_rules_of_1_2(text, expected):
    found = value(f"a: {text}")["a"]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("a: 1\nb: &x [1]\nc: *x\n", "YAML_ALIAS", "s.yaml:3"),
        ("a: 1\nb: !!python/object:os.system {}\n", "YAML_TAG", "s.yaml:2"),
        ("a: 1\nb: !!int abc\n", "YAML_TAG", "s.yaml:2"),
        ("a: 1\nb: !!str 5\n", "YAML_TAG", "s.yaml:2"),
        ("a: 1\nb: !mine 5\n", "YAML_TAG", "s.yaml:2"),
        ("a: 1\nb: 2\na: 3\n", "YAML_DUPLICATE_KEY", "s.yaml:3"),
        ("a:\n  ? [1]\n  : 2\n", "YAML_KEY", "s.yaml:2"),
        ("a:\n  <<: {b: 1}\n", "YAML_KEY", "s.yaml:2"),
        ("a: 1e999\n", "YAML_NUMBER", "s.yaml:1"),
        ("a: " + "9" * 5000 + "\n", "YAML_NUMBER", "s.yaml:1"),
        ("a: 1\nb: [1, 2\n", "STUDY_NOT_YAML", "s.yaml:3"),
        ("[" * 30 + "]" * 30, "YAML_TOO_DEEP", "s.yaml:1"),
        (b"a: \xff\xfe", "STUDY_NOT_UTF8", "s.yaml:1"),
        ("a: 1\n---\nb: 2\n", "STUDY_NOT_YAML", "s.yaml:2"),
        ("a: 1\nb: \x00", "STUDY_NOT_YAML", "s.yaml:2"),
    ],
)
def test_what_is_refused_and_where(text, code, where):
    problem = refused(text)[0]
    assert (problem.code, problem.where) == (code, where)


def test_all_problems_of_form_at_once():
    assert [p.code for p in refused("a: !x 1\nb: *y\nc: !z 1\n")] == ["YAML_TAG", "YAML_ALIAS", "YAML_TAG"]
    assert [p.code for p in refused("a: 1\na: 2\nb: 1\nb: 2\n")] == ["YAML_DUPLICATE_KEY"] * 2


def test_a_bomb_of_aliases_and_a_deep_nest_cost_nothing():
    bomb = "a: &a [1]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghij", "bcdefghijk", strict=True))
    assert refused(bomb)[0].code == "YAML_ALIAS"
    assert refused("[" * 200_000)[0].code == "YAML_TOO_DEEP"


def test_missing_too_large_and_unreadable_files(tmp_path):
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (yamlfile.LARGEST + 1))
    for path, code in (
        (tmp_path / "none.yaml", "STUDY_NOT_FOUND"),
        (large, "STUDY_TOO_LARGE"),
        (tmp_path, "STUDY_UNREADABLE"),
    ):
        with pytest.raises(StudyError) as caught:
            yamlfile.read(path)
        assert caught.value.problems[0].code == code
        assert caught.value.exit_code == 2


def test_lines_of_nested_values_and_a_byte_order_mark():
    document = yamlfile.parse(b"\xef\xbb\xbftitle: x\nbaseline:\n  model: {use: a,\n    width: 3}\n", "s.yaml")
    assert document.value["title"] == "x"
    assert document.line("baseline", "model", "width") == 4
    assert document.line("baseline", "model", "depth") == 3  # the nearest thing above that was written


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text("ab:-[]{}&*!?|>'\"%@#,~<= \n\t019.eE+", max_size=60).map(str.encode)))
def test_any_bytes_are_a_document_or_a_study_error(raw):
    try:
        yamlfile.parse(raw, "s.yaml")
    except StudyError as error:
        assert error.problems
