"""Study files with one fault each, through the command line: exit 2, the code, the line, all at once, and quickly."""

import re
import time

import pytest
from bad_studies import ACCEPTED, CASES

from paribus.cli import app, exit_code

LINE = re.compile(r"error\[(?P<code>[A-Z0-9_]+)\]: (?P<file>[^:]+):(?P<line>\d+): (?P<message>.+)")
SECONDS = 2.0  # of the processor: the clock depends on what else runs here


def check(path, capsys):
    """(exit code, what it says on stderr); fails if it takes long or says what no user should read."""
    began = time.process_time()
    code = exit_code(lambda: app(["check", str(path)], standalone_mode=False))
    took = time.process_time() - began
    said = capsys.readouterr().err
    assert "Traceback" not in said and took < SECONDS
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", said)  # one line each, nothing that a terminal acts on
    return code, said


@pytest.fixture(scope="module", autouse=True)
def libraries_are_there():
    """The lists of networks, whose libraries take seconds to be imported, are no part of what is measured."""
    from paribus import zoo

    for prefix in ("timm", "torchvision", "smp"):
        zoo.known(prefix)


@pytest.mark.parametrize("name", CASES)
def test_a_bad_study_is_refused_with_code_line_and_words(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    path.write_bytes(CASES[name].content)
    code, said = check(path, capsys)
    assert code == 2, said
    lines = said.splitlines()
    told = [LINE.fullmatch(line) for line in lines]
    places = [(m["code"], int(m["line"])) for m in told if m]
    assert all(match and match["file"] == "study.yaml" for match in told), lines
    for wanted, number, words in CASES[name].told:
        there = [m["message"] for m in told if m and (m["code"], int(m["line"])) == (wanted, number)]
        assert any(words in message for message in there), (wanted, number, words, places, lines[:5])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["study.yaml"]  # no PWNED, no crash file, no output


def test_there_are_enough_cases_and_of_every_kind():
    assert len(CASES) >= 80
    assert {"YAML_TAG", "YAML_ALIAS", "YAML_DUPLICATE_KEY", "YAML_TOO_DEEP", "YAML_NUMBER", "YAML_KEY"} <= {
        code for case in CASES.values() for code, _, _ in case.told
    }


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_only_looks_odd_is_accepted(name, tmp_path, capsys):
    path = tmp_path / "study.yaml"
    path.write_bytes(ACCEPTED[name].encode())
    code, said = check(path, capsys)
    assert (code, said) == (0, "")


@pytest.mark.parametrize("name", ["missing", "folder", "endless"])
def test_paths_that_are_no_study(name, tmp_path, capsys):
    path = {"missing": tmp_path / "none.yaml", "folder": tmp_path, "endless": "/dev/zero"}[name]
    code, said = check(path, capsys)
    expected = {"missing": "STUDY_NOT_FOUND", "folder": "STUDY_UNREADABLE", "endless": "STUDY_TOO_LARGE"}[name]
    assert code == 2 and expected in said
