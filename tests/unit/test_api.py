"""The study as Python sees it: run, results, answers."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import BASELINE

import paribus
from paribus.errors import DataError, RunsFailed, StudyError
from paribus.stats import contrast

FACES = {"use": "faces", "n": 16, "n_val": 12, "size": 32}


def study(**top):
    baseline = BASELINE | {"data": FACES, "epochs": 2}
    asked = {"title": "t", "seeds": 2, "margin": 0.1, "baseline": baseline, "arms": {"hot": {"optimizer.lr": 0.2}}}
    return paribus.Study.from_dict(asked | top)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    found = study()
    return found, out, found.run(out, threads=1, pictures=False)


def test_run_gives_the_page(done):
    _, out, page = done
    assert page == out / "study" / "report.html" and page.exists()


def test_results_hold_one_row_a_run_and_the_report_s_numbers(done):
    found, out, _ = done
    frame = found.results(out)
    assert list(frame.columns) == ["arm", "seed", "run", "value", "epoch", "seconds", "status"]
    assert list(zip(frame.arm, frame.seed, strict=True)) == [("baseline", 0), ("baseline", 1), ("hot", 0), ("hot", 1)]
    report = json.loads((out / "study" / "report.json").read_text())
    told = [run["value"] for arm in report["arms"] for run in arm["runs"]]
    assert frame.value.tolist() == told
    assert frame.epoch.tolist() == [2] * 4 and set(frame.status) == {"done"} and (frame.seconds > 0).all()
    assert all((out / "runs" / run).is_dir() for run in frame.run)


def test_answers_are_the_engine_s(done):
    found, out, _ = done
    frame = found.answers(out)
    assert frame.question.tolist() == ["hot"] and frame.margin.tolist() == [0.1]
    means = found.results(out).groupby("arm").value.mean()
    assert frame.difference[0] == pytest.approx(means["hot"] - means["baseline"])
    assert frame.low[0] <= frame.difference[0] <= frame.high[0]
    assert frame.sentence[0] and frame.verdict[0]


def test_what_is_not_there_or_of_another_version_is_refused(done, tmp_path):
    found, out, _ = done
    with pytest.raises(DataError, match="there is no study"):
        found.results(tmp_path)
    for other in ({"margin": 0.2}, {"arms": {"hot": {"optimizer.lr": 0.3}}}, {"seeds": 3}):
        with pytest.raises(StudyError, match="another version of this study"):
            study(**other).results(out)
    with pytest.raises(StudyError, match="another version"):
        study(margin=0.2).answers(out)


def test_a_study_that_is_not_finished_gives_what_is_there(tmp_path):
    found = study()
    found.run(tmp_path, threads=1, pictures=False, max_runs=1)
    assert found.results(tmp_path).arm.tolist() == ["baseline"]
    assert found.answers(tmp_path).empty


def test_data_are_bound_by_name(tmp_path):
    for split, count in (("train", 4), ("val", 3)):
        for label, name in enumerate(("dark", "bright")):
            folder = tmp_path / "here" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = np.random.default_rng([label, i, count]).integers(0, 150, (16, 16, 3)) + 100 * label
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
    found = study(baseline=BASELINE | {"data": {"use": "folder", "root": "set"}, "epochs": 1}, seeds=1)
    with pytest.raises(DataError, match="set"):
        found.run(tmp_path, threads=1)
    found.run(tmp_path, data={"set": str(tmp_path / "here")}, threads=1)
    assert len(found.results(tmp_path)) == 2


def test_failed_runs_raise_after_the_report_is_there(tmp_path, monkeypatch):
    def fails(*given, **more):
        raise ValueError("no such luck")

    monkeypatch.setattr("paribus.train.train", fails)
    with pytest.raises(RunsFailed, match="no such luck"):
        study().run(tmp_path, threads=1, pictures=False)


def test_read_gives_the_same_study_from_a_file(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(
        "seeds: 2\nbaseline: {data: faces, model: small_cnn}\narms: {hot: {optimizer.lr: 0.3}}\n", encoding="utf-8"
    )
    found = paribus.Study.read(path)
    assert type(found) is paribus.Study and found.path == path
    assert dataclasses.replace(found, title="x").title == "x"


def test_the_package_costs_nothing_until_it_is_used():
    code = "import sys, paribus; print('numpy' in sys.modules); paribus.Study; print('torch' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.split() == ["False", "False"]


def test_contrast_is_the_engine():
    assert paribus.contrast is contrast
    rng = np.random.default_rng(0)
    assert paribus.contrast([rng.random((3, 9)), rng.random((3, 9))]).low < 1
