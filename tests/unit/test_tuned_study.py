"""A study with `tune`, run: tuning first, on val alone, then what was kept; killed anywhere, it goes on."""

import copy
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from tiny import BASELINE, contents

import paribus
from paribus import running, sealed, train, trials
from paribus.cli import app, exit_code
from paribus.collect import collect, read_lock
from paribus.errors import DataError, IntegrityError, RunsFailed, StudyError
from paribus.execute import Place, bind, execute
from paribus.predictions import RunRecord
from paribus.report import document, page
from paribus.store import Store
from paribus.study import Study
from paribus.upkeep import clean, survey

TUNE = {"optimizer.lr": {"times": [0.1, 1, 10]}, "seeds": [100], "on": "val"}


class Killed(BaseException):
    """Stands for a process that is no more: nothing in the package catches it."""


class Watcher:
    """Keeps what it is told."""

    def __init__(self):
        self.trained, self.kept, self.plans = [], {}, []

    def scanning(self, done, total): ...
    def noted(self, problem): ...
    def epoch(self, arm, run, epoch, seconds): ...
    def finished(self, arm, run, record): ...
    def looked(self, look, rows): ...

    def tuning(self, missing, finished):
        self.plans.append(("tuning", missing, finished))

    def tuned(self, arm, found):
        self.kept[arm] = found.chosen and found.chosen.values

    def planned(self, missing, finished):
        self.plans.append(("scored", missing, finished))

    def started(self, arm, run):
        self.trained.append((arm, run.seed))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    home = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 8), ("test", 6)):
        for label, name in enumerate(("dark", "bright")):
            (home / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 200, (16, 16, 3)) + 50 * label
                Image.fromarray(pixels.astype(np.uint8)).save(home / split / name / f"{i}.png")
    return home


def study(**top):
    baseline = copy.deepcopy(BASELINE) | {"data": {"use": "folder", "root": "pictures"}, "epochs": 1, "augment": []}
    asked = {"title": "t", "seeds": 2, "control": "a/a", "tune": TUNE, "baseline": baseline}
    return Study.from_dict({**asked, "arms": {"wide": {"model.width": 8}}, **top})


def go(out, pictures, found=None, **options):
    found, watcher = found or study(), Watcher()
    place = Place.of(found, out)
    with running.holding(place):
        bound = bind(found, place, {"pictures": pictures})
        return running.run(bound, place, watcher, pictures=False, **options), watcher


@pytest.fixture(scope="module")
def done(tmp_path_factory, pictures):
    out = tmp_path_factory.mktemp("out")
    return *go(out, pictures), out


def lock_of(out):
    return json.loads((out / "study/study.lock.json").read_text())


def report_of(out):
    return json.loads((out / "study/report.json").read_text())


def same(report):
    """A report without what the clock says."""
    for arm in report["arms"]:
        arm["tuning"].pop("seconds")
        for key in ("seconds", "images_per_second"):
            arm.pop(key)
        for run in arm["runs"]:
            run.pop("seconds")
    return {key: value for key, value in report.items() if key not in ("seconds", "sha256")}


# --- from the first run to the report


def test_tuning_comes_first_and_every_arm_has_the_same_budget(done):
    _, watcher, out = done
    assert watcher.plans[0] == ("tuning", 6, 0)  # the control shares the baseline's
    names = [name for name, seed in watcher.trained if seed == 100]
    assert names == [
        f"{arm} (optimizer.lr {lr})" for lr in ("0.005", "0.05", "0.5") for arm in ("baseline", "wide")
    ]  # fmt: skip
    assert [seed for _, seed in watcher.trained[:6]] == [100] * 6
    assert watcher.trained[6:] == [
        ("baseline", 0), ("wide", 0), ("a-a", 1000), ("baseline", 1), ("wide", 1), ("a-a", 1001)
    ]  # fmt: skip
    assert len(list((out / "runs").glob("*/DONE.json"))) == 12


def test_the_best_on_val_is_scored(done):
    _, watcher, out = done
    arms = {arm["name"]: arm for arm in lock_of(out)["arms"]}
    for name, arm in arms.items():
        tried = {}
        for each in arm["tuning"]["candidates"]:
            record = Store(out / "runs").load(each["runs"][0])
            assert set(record.evidence) == {"val"}  # the test images were never shown to it
            assert record.facts["recipe"]["optimizer"]["lr"] == each["values"]["optimizer.lr"]
            tried[each["values"]["optimizer.lr"]] = record.curves[-1]["val_accuracy"]
        best = [lr for lr, accuracy in tried.items() if accuracy == max(tried.values())]
        own = 0.05
        assert arm["tuning"]["chosen"]["optimizer.lr"] == (own if own in best else min(best))
        assert arm["recipe"]["optimizer"]["lr"] == arm["tuning"]["chosen"]["optimizer.lr"]
        assert arm["tuning"]["recipe"]["optimizer"]["lr"] == own == arm["tuning"]["own"]["optimizer.lr"]
        assert arm["seeds"] == ([1000, 1001] if name == "a-a" else [0, 1])
        scored = Store(out / "runs").load(arm["runs"][0])
        assert scored.facts["recipe"] == arm["recipe"] and set(scored.evidence) == {"train", "val", "test"}
        assert watcher.kept[name] == arm["tuning"]["chosen"]
    assert arms["a-a"]["tuning"] == arms["baseline"]["tuning"]


def test_the_same_command_trains_nothing_more(done, pictures):
    *_, out = done
    before, report = contents(out / "runs"), same(report_of(out))
    _, again = go(out, pictures)
    assert again.trained == [] and again.plans == [("tuning", 0, 6), ("scored", 0, 6)]
    assert contents(out / "runs") == before and same(report_of(out)) == report


def test_another_study_shares_the_tuning_runs(done, pictures, tmp_path):
    *_, out = done
    other = study(title="other", arms={"deep": {"model.depth": 1}})
    watcher = Watcher()
    place = Place(tmp_path / "study", Store(out / "runs"))
    with running.holding(place):
        running.run(bind(other, place, {"pictures": pictures}), place, watcher, pictures=False)
    assert watcher.plans[0] == ("tuning", 3, 3)
    assert {name.partition(" ")[0] for name, _ in watcher.trained} == {"deep"}


# --- what may be lost


def killed_after(monkeypatch, count):
    """The process dies when it begins to train the next run."""
    real, left = train.train, [count]

    def train_or_die(*arguments):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return real(*arguments)

    monkeypatch.setattr(train, "train", train_or_die)


@pytest.mark.parametrize("runs", [4, 6, 7])  # in tuning, between tuning and what is scored, and later
def test_a_killed_study_goes_on(done, pictures, tmp_path, monkeypatch, runs):
    *_, whole = done
    with monkeypatch.context() as patch, pytest.raises(Killed):
        killed_after(patch, runs)
        go(tmp_path, pictures)
    lock = lock_of(tmp_path)
    assert all(bool(arm["runs"]) == (runs >= 6) == bool(arm["tuning"]["chosen"]) for arm in lock["arms"])
    kept = contents(tmp_path / "runs")
    assert not any(
        line.startswith("would remove ") for line in clean(tmp_path, weights=False, remove=False) if "prep" not in line
    )
    _, watcher = go(tmp_path, pictures)
    assert len(watcher.trained) == 12 - runs
    assert contents(tmp_path / "runs").items() >= kept.items()
    assert same(report_of(tmp_path)) == same(report_of(whole))


def test_a_study_that_stops_in_tuning_says_so(pictures, tmp_path):
    found, watcher = go(tmp_path, pictures, max_runs=4)
    assert len(watcher.trained) == 4 and watcher.kept == {"baseline": None, "wide": None, "a-a": None}
    told = {f.code: f for f in found.results.findings}
    assert told["EQUAL_TUNING"].outcome == "issue"
    assert "baseline (2 of 3), wide (2 of 3)" in told["EQUAL_TUNING"].sentence
    assert found.results.missing == {"baseline": 2, "wide": 2, "a-a": 2}
    assert "4 of 6 runs finished; then 3 arms to score" in "\n".join(survey(tmp_path))
    made = report_of(tmp_path)
    assert [arm["tuning"]["chosen"] for arm in made["arms"]] == [None] * 3
    assert "1 run to come" in page(made)
    found, watcher = go(tmp_path, pictures, max_runs=3)
    assert [seed for _, seed in watcher.trained] == [100, 100, 0]  # what is chosen is scored at once


def test_a_run_that_fails_costs_its_arm_alone(pictures, tmp_path, monkeypatch):
    real = train.train

    def fail(run, *rest):
        if run.recipe.optimizer.args["lr"] == 0.5 and run.recipe.model.args["width"] == 8:
            raise RuntimeError("out of luck")
        return real(run, *rest)

    monkeypatch.setattr(train, "train", fail)
    found, watcher = go(tmp_path, pictures)
    assert isinstance(found.failed, RunsFailed)
    assert [p.where for p in found.failed.problems] == ["wide (optimizer.lr 0.5), seed 100"]
    assert watcher.kept["wide"] is None and watcher.kept["baseline"] is not None
    assert {name for name, seed in watcher.trained if seed != 100} == {"baseline", "a-a"}
    monkeypatch.setattr(train, "train", real)
    found, watcher = go(tmp_path, pictures)
    assert found.failed is None and watcher.trained[0] == ("wide (optimizer.lr 0.5)", 100)
    assert len(watcher.trained) == 3


def test_a_tuning_run_that_was_killed_may_be_scored_later(pictures, tmp_path, monkeypatch):
    """Its committed epochs were scored on val alone: they are trained again, with every split."""
    longer = study().recipes["baseline"].plain() | {"epochs": 3}
    baseline = {**longer, "data": {"use": "folder", "root": "pictures"}}
    real = train.train_step

    def die(training, images, targets, number):
        if training.epoch == 2:
            raise Killed
        return real(training, images, targets, number)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(train, "train_step", die)
        go(tmp_path, pictures, study(baseline=baseline, control=None))
    (partial,) = (tmp_path / "runs").glob("*.partial")
    lr = study().tuning.candidates["baseline"][0].values["optimizer.lr"]
    scored = study(baseline=baseline, control=None, tune=None, seeds=[100], arms={"slow": {"optimizer.lr": lr}})
    go(tmp_path, pictures, scored)
    assert set(Store(tmp_path / "runs").load(partial.stem).evidence) == {"train", "val", "test"}


def test_other_evidence_than_what_chose_is_refused(pictures, tmp_path):
    go(tmp_path, pictures)
    path = tmp_path / "study/study.lock.json"
    lock = read_lock(path.parent)
    kept = lock["arms"][1]["tuning"]["chosen"]["optimizer.lr"]
    lock["arms"][1]["tuning"]["chosen"]["optimizer.lr"] = 0.5 if kept != 0.5 else 0.05
    sealed.write(path, lock, path.name)
    with pytest.raises(IntegrityError, match="the tuning runs choose") as caught:
        collect(tmp_path / "study")
    assert caught.value.problems[0].code == "TUNE_CHOICE"


def test_without_val_there_is_nothing_to_choose_by(pictures, tmp_path):
    for split in ("train", "test"):
        shutil.copytree(pictures / split, tmp_path / "set" / split)
    with pytest.raises(DataError, match="`tune` chooses on val"):
        bind(study(), Place.of(study(), tmp_path), {"pictures": tmp_path / "set"})


# --- test evidence is never read


def test_tuning_reads_val_alone(done, pictures, monkeypatch):
    *_, out = done
    asked = []
    real = Store.load

    def load(self, run_id, splits=None) -> RunRecord:
        asked.append((run_id, splits))
        return real(self, run_id, splits)

    monkeypatch.setattr(Store, "load", load)
    found = study()
    bind(found, Place.of(found, out), {"pictures": pictures})
    tuning = {i for arm in lock_of(out)["arms"] for each in arm["tuning"]["candidates"] for i in each["runs"]}
    assert {run for run, _ in asked} == tuning
    assert all(set(splits) == {"val"} for _, splits in asked)


# --- what is told


def test_the_report_shows_what_was_tried(done):
    found, _, out = done
    made = document(found.results)
    arms = {arm["name"]: arm["tuning"] for arm in made["arms"]}
    assert [each["values"]["optimizer.lr"] for each in arms["wide"]["tried"]] == [0.005, 0.05, 0.5]
    best = max(each["mean"] for each in arms["wide"]["tried"])
    assert next(e["mean"] for e in arms["wide"]["tried"] if e["values"] == arms["wide"]["chosen"]) == best
    text = page(made)
    section = text[text.index('id="tuning"') :].partition("</section>")[0]
    assert section.count('class="chart"') == 2 and "a-a" not in section
    assert section.count('class="dot"') == 2 and section.count("(kept)") == 2  # in the drawing and in its alternative
    assert '<a href="#tuning">' in text
    rows = (out / "study/tables/tuning.csv").read_text().splitlines()
    assert rows[0] == "arm,optimizer.lr,val_mean,runs,diverged,own,chosen" and len(rows) == 10
    assert sum(row.endswith("True") for row in rows) == 3
    assert "optimizer.lr among 0.1, 1 and 10 times its own value" in (out / "study/tables/methods.md").read_text()
    codes = {f.code: f.outcome for f in found.results.findings}
    assert codes["EQUAL_TUNING"] == "passed" and codes["TUNED_WHERE_SCORED"] == "passed"


def test_what_was_tuned_is_a_consequence_and_no_second_change(pictures, tmp_path, monkeypatch):
    """Whatever the runs said: the wide arm keeps the largest value, the baseline its own."""
    real = trials.found

    def planted(bound, store, arm):
        tuned = real(bound, store, arm)
        wanted = 2 if arm == "wide" else 1
        tried = tuple(
            type(each)(each.values, each.runs, (float(number == wanted),) * len(each.scores))
            for number, each in enumerate(tuned.tried)
        )
        return type(tuned)(tuned.own, tried)

    monkeypatch.setattr(trials, "found", planted)
    found, place = study(), Place.of(study(), tmp_path)
    execute(bind(found, place, {"pictures": pictures}), place, Watcher())
    bound = bind(found, place, {"pictures": pictures})
    question = bound.study.questions[0]
    assert question.changed == {"model.width": [4, 8]} and question.consequences == {}
    assert question.tuned == {"optimizer.lr": [0.05, 0.5]}
    assert not question.bundle and bound.study.questions[1].tuned == {}
    assert bound.study.recipes["wide"].optimizer.args["lr"] == 0.5 == bound.runs["wide"][0].recipe.optimizer.args["lr"]


WRITTEN = """
title: "Rates"
seeds: 2
epoch: val
tune: {optimizer.lr: {times: [0.1, 1]}, seeds: [100], on: val}
baseline:
  data: {use: faces, n: 16, n_val: 12, n_test: 8, size: 32}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 16, crop_fraction: 1}
  optimizer: {use: adam, lr: 1e-2}
  epochs: 2
  batch_size: 8
arms:
  wide: {model.width: 8}
  sgd: {optimizer: {use: sgd, lr: 1e-1}}
"""


def test_from_the_command_line(tmp_path, capsys):
    path, out = tmp_path / "study.yaml", tmp_path / "out"
    path.write_text(WRITTEN)

    def said(*arguments):
        assert exit_code(lambda: app([str(a) for a in arguments], standalone_mode=False)) == 0
        told = capsys.readouterr()
        return told.out + told.err

    checked = said("check", path)
    assert "tune: optimizer.lr of every arm, chosen on val by 6 runs" in checked
    assert "at most 12 runs, 24 epochs" in checked and "optimizer.lr:" not in checked
    planned = said("plan", path, "--out", out, "--threads", 1)
    assert planned.count("tuning first: 2 runs") == 3 and "for 12 runs" in planned
    ran = said("run", path, "--out", out, "--threads", 1, "--pictures", "none")
    assert "tuning: 6 runs to train before those that are scored" in ran
    assert "wide (optimizer.lr 0.001) seed 100" in ran and "sgd keeps optimizer.lr " in ran
    assert "nothing to train: all 6 runs are there" in said("run", path, "--out", out, "--threads", 1)
    assert "study: 12 of 12 runs finished" in said("status", out)
    assert "in all about 0 s for 0 runs" in said("plan", path, "--out", out, "--threads", 1)
    said("clean", out, "--yes")
    assert len(list((out / "runs").glob("*/DONE.json"))) == 12
    said("report", out)
    said("verify", out)


def test_in_python_a_tuned_study_is_read_back(pictures, tmp_path):
    baseline = BASELINE | {"data": {"use": "faces", "n": 16, "n_val": 12, "n_test": 8, "size": 32}, "epochs": 1}
    asked = {"title": "t", "seeds": 2, "tune": TUNE, "baseline": baseline, "arms": {"wide": {"model.width": 8}}}
    found = paribus.Study.from_dict(asked)
    found.run(tmp_path, threads=1, pictures=False)
    assert found.results(tmp_path).arm.tolist() == ["baseline"] * 2 + ["wide"] * 2
    assert found.answers(tmp_path).question.tolist() == ["wide"]
    for other in ({"tune": TUNE | {"seeds": [101]}}, {"tune": None}):
        with pytest.raises(StudyError, match="another version"):
            paribus.Study.from_dict(asked | other).results(tmp_path)
