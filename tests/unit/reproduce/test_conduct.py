"""From the command to the document: what is bound first, what an interruption leaves, and what is refused."""

import os
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_evidence import results

from paribus import running
from paribus.errors import DataError, Problem, RunsFailed
from paribus.reproduce import auditing, conduct
from paribus.reproduce.conduct import Wanted
from paribus.reproduce.studies import Asked, merged


class Told:
    """A watcher that says nothing."""

    def __getattr__(self, name):
        return lambda *given: None


@pytest.fixture
def calls(monkeypatch):
    """What was done, in order; nothing is trained and no image is drawn."""
    done = []

    def opened(study, out, watcher, data, weights, threads):  # as `running.open_study`
        name = next(n for n in ("training", "recipe", "labels", "looks") if n in study.path.stem)
        done.append(("open", name))
        item = type("Item", (), {"box": (0, 0, 1, 1) if "drawn" in study.path.stem else None})
        scan = type("Scan", (), {"images": type("Images", (), {"items": [item]})})
        return Bound(study, {"baseline": scan}), type("Place", (), {"folder": out / study.path.stem})

    def run(bound, place, watcher, *, max_runs, pictures, command):
        name = next(n for n in ("training", "recipe", "labels", "looks") if n in bound.study.path.stem)
        done.append(("run", name))
        done.extend([("most", max_runs)] * (max_runs is not None))
        failed = RunsFailed([Problem("RUN_FAILED", "it broke.", name)]) if name in done else None
        return running.Outcome(results("training" if name == "looks" else name), place.folder, failed)

    monkeypatch.setattr(running, "open_study", opened)
    monkeypatch.setattr(running, "run", run)
    monkeypatch.setattr(running, "holding", lambda place: nullcontext())
    monkeypatch.setattr(conduct.boxes_of, "with_boxes", lambda study, scans, data: scans)
    monkeypatch.setattr(conduct, "checked", lambda asked: frozenset({"train", "val", "test"}))
    monkeypatch.setattr(auditing, "audits", lambda bound, place, name, **how: done.append(("audit", name)))
    return done


class Bound:
    def __init__(self, study, scans):
        self.study, self.scans = study, scans


@pytest.fixture(autouse=True)
def bound_can_be_replaced(monkeypatch):
    monkeypatch.setattr(conduct, "replace", lambda one, **new: one if isinstance(one, Bound) else replace(one, **new))


def test_every_study_is_bound_before_any_is_trained(calls, tmp_path):
    path = conduct.conduct(Asked(quick=True), Wanted(tmp_path), lambda study: Told())
    assert [what for what, _ in calls] == ["open"] * 3 + ["run", "audit", "run", "run"]
    assert path == tmp_path / "reproduction.html" and "1-5" in path.read_text()


def test_some_runs_can_be_trained_now_and_networks_that_are_missing_are_not_looked_into(calls, tmp_path, monkeypatch):
    told = conduct.evidence_of.told

    def some_missing(*given):
        found = told(*given)
        return replace(found, report=found.report | {"missing": {"fine-tuned": 2}})

    monkeypatch.setattr(conduct.evidence_of, "told", some_missing)
    path = conduct.conduct(Asked(quick=True), Wanted(tmp_path, max_runs=0), lambda study: Told())
    assert [what for what, _ in calls if what == "audit"] == [] and path.exists()
    assert [most for what, most in calls if what == "most"] == [0, 0, 0]


def test_faces_without_boxes_are_audited_on_drawn_ones(calls, tmp_path):
    conduct.conduct(Asked(Path("faces"), None), Wanted(tmp_path, "md"), lambda study: Told())
    assert [name for what, name in calls if what == "run"] == ["training", "looks", "recipe", "labels"]
    assert [name for what, name in calls if what == "audit"] == ["reproduce-looks-drawn"]
    assert (tmp_path / "reproduction.md").read_text().count("![") == len(
        list((tmp_path / "reproduction-figures").iterdir())
    )


def test_an_interruption_leaves_the_document_of_what_is_there(calls, tmp_path, monkeypatch):
    ran = running.run

    def interrupted(bound, *given, **named):
        if "recipe" in bound.study.path.stem:
            raise KeyboardInterrupt
        return ran(bound, *given, **named)

    monkeypatch.setattr(running, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        conduct.conduct(Asked(quick=True), Wanted(tmp_path), lambda study: Told())
    said = (tmp_path / "reproduction.html").read_text()
    assert "not run yet: 1-8, 1-9, 2-1, 2-2 and 2-3" in said


def test_failed_runs_are_told_after_the_document_is_written(calls, tmp_path):
    calls.append("recipe")
    with pytest.raises(RunsFailed, match="it broke"):
        conduct.conduct(Asked(quick=True), Wanted(tmp_path), lambda study: Told())
    assert calls[-1] == ("run", "labels") and (tmp_path / "reproduction.html").exists()


def test_wrong_folders_are_refused_before_anything_is_written(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(DataError, match="no such folder"):
        conduct.conduct(Asked(tmp_path / "nowhere"), Wanted(out), lambda study: Told())
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--faces", "nowhere", "--camvid", "nothing"], 3, "nowhere.*nothing"),
        (["--format", "pdf"], 2, "--format must be html or md"),
        (["--seeds", "0"], 2, "seeds"),
    ],
)
def test_the_command_refuses_in_the_usual_form(arguments, code, said, tmp_path):
    command = [sys.executable, "-m", "paribus.cli", "reproduce", *arguments]
    home = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(home)}
    found = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, check=False, env=environment, timeout=120
    )
    assert found.returncode == code and re.search(said, found.stderr, re.S) and "Traceback" not in found.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_whole_document_from_real_runs(tmp_path, monkeypatch):
    """Every arm of every study, trained for an epoch on a handful of drawn images, and audited."""
    from paribus.reproduce import studies

    real = studies.composed
    faces = {"baseline": {"data": {"n": 16, "n_val": 8, "n_test": 10}, "epochs": 1, "batch_size": 8}}
    streets = {"baseline": {"data": {"n": 8, "n_val": 6}, "epochs": 1, "batch_size": 4}}
    sizes = {"training": faces, "recipe": faces, "labels": streets}
    monkeypatch.setattr(studies, "composed", lambda asked, name, splits: merged(real(asked, name, splits), sizes[name]))
    path = conduct.conduct(Asked(quick=True, seeds=1), Wanted(tmp_path), lambda study: Told())
    said = path.read_text()
    assert "not run yet" not in said and "Where the networks look" in said and said.count("<img ") > 4
    again = conduct.conduct(Asked(quick=True, seeds=1), Wanted(tmp_path), lambda study: Told())
    assert again.read_text() == said
