"""The autopsy: each defect moves the number where it must, and the words follow the numbers."""

import json
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest

from paribus import autopsy, running
from paribus.autopsy.defects import NEVER_TRAINING_MODE, OTHER_WEIGHTS, RANDOM_FRAMES, Defect, _kept, _seen_otherwise
from paribus.cli import app, exit_code
from paribus.datasets import drives
from paribus.errors import DataError, StudyError
from paribus.execute import records
from paribus.progress import Screen
from paribus.scan import scan
from paribus.store import Store
from paribus.study import Study

DATA = {"use": "drives", "n": 16, "n_test": 8, "frames": 4, "size": [32, 48]}
TINY = {
    "title": "tiny",
    "metric": "mean_iou",
    "seeds": 1,
    "split": "test",
    "baseline": {
        "data": DATA,
        "model": {"use": "fcn", "backbone": "mobilenetv3_small_050", "skips": [], "width": 8},
        "input": {"size": [32, 48], "normalize": "imagenet"},
        "optimizer": {"use": "adamw", "lr": 1e-2},
        "epochs": 4,
        "batch_size": 4,
    },
    "arms": {
        NEVER_TRAINING_MODE: {"batch_norm": "frozen"},
        OTHER_WEIGHTS: {"input.normalize": {"mean": [0.4, 0.5, 0.5], "std": [1, 1, 1]}},
        RANDOM_FRAMES: {"data.split": "random"},
    },
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(bound, place) of the tiny study, which the command has run in the place of its own."""
    out, study = tmp_path_factory.mktemp("out"), replace(Study.from_dict(TINY), path=Path("autopsy.yaml"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("paribus.cli.studies.read_study", lambda path, plugins: study)
        command = ["autopsy", "--out", str(out), "--threads", "1"]
        assert exit_code(lambda: app(command, standalone_mode=False)) == 0
    return running.open_study(study, out, Screen("tiny"), threads=1)


@pytest.fixture(scope="module")
def found(finished):
    return {defect.name: defect for defect in autopsy.defects(*finished)}


def test_every_defect_has_a_number_a_seed(found):
    assert len(found) == 8
    for defect in found.values():
        assert len(defect.reported) == len(defect.right) == 1
        assert all(0 <= value <= 1 for value in (*defect.reported, *defect.right))


def test_void_lowers_the_number_and_as_a_class_by_one_zero_in_the_mean(finished, found):
    images = scan(drives(**{k: v for k, v in DATA.items() if k != "use"})).pixels("test")
    classes = sum(count > 0 for count in images.pixels)
    wrong, extra = found["void counted as wrong"], found["void counted as a class"]
    assert images.void > 0
    assert all(d < 0 for d in (*wrong.differences, *extra.differences))
    assert extra.reported == pytest.approx([value * classes / (classes + 1) for value in wrong.reported])


def test_the_mean_over_images_is_another_quantity(found):
    assert all(d != 0 for d in found["mean IoU averaged over images"].differences)


def test_kept_weights_say_what_was_kept_and_otherwise_on_other_input(finished, found):
    bound, place = finished
    run, images = bound.runs["baseline"][0], bound.scans["baseline"].images
    own = _seen_otherwise(run, run.recipe.input.args["normalize"], images, place.store)
    assert np.array_equal(own, _kept(records(bound, place.store)["baseline"][0], "test"))
    assert all(d != 0 for d in found["input for other weights, when scored"].differences)


def test_frames_at_random_have_neighbours_in_training_and_new_streets_do_not(finished, found):
    bound, _ = finished
    by_drive, at_random = bound.scans["baseline"], bound.scans[RANDOM_FRAMES]
    assert "SPLIT_GROUP_LEAK" in {problem.code for problem in at_random.warnings}
    assert "SPLIT_GROUP_LEAK" not in {problem.code for problem in by_drive.warnings}
    assert by_drive.fingerprints["test"] == at_random.fingerprints["test"]
    assert by_drive.fingerprints["val"] != at_random.fingerprints["val"]
    assert {i.id for i in by_drive.images.items} == {i.id for i in at_random.images.items}
    for each in (by_drive, at_random):
        counts = [sum(i.split == split for i in each.images.items) for split in ("train", "val", "test")]
        assert counts == [12, 4, 8]
    split, truth = found["frames split at random"], found["none: whole drives held out"]
    assert split.right != truth.right and split.reported != truth.reported


def test_drives_are_whole():
    for wrong in ({"n": 18}, {"n": 12}, {"n_test": 6}):
        with pytest.raises(StudyError, match="whole drives of 4 frames"):
            drives(**{"n": 16, "n_test": 8, "frames": 4, "size": (32, 48)} | wrong)


@pytest.mark.parametrize(
    ("about", "reported", "right", "said"),
    [
        (
            "number",
            (0.50, 0.53),
            (0.48, 0.50),
            "The reported number is higher than the right one in each of 2 seeds, by 2.0 to 3.0 points.",
        ),
        ("number", (0.4,), (0.5,), "The reported number is lower than the right one with one seed, by 10.0 points."),
        ("network", (0.3, 0.35), (0.5, 0.5), "The network is worse in each of 2 seeds, by 15.0 to 20.0 points."),
        ("network", (0.6, 0.6), (0.5, 0.5), "The network is better in each of 2 seeds, by 10.0 points."),
        ("network", (0.5, 0.4), (0.48, 0.5), "Not of one direction: -10.0 to +2.0 points."),
        ("number", (0.5, 0.5), (0.5, 0.5001), "Not of one direction: -0.0 to +0.0 points."),
    ],
)
def test_words_follow_the_numbers(about, reported, right, said):
    assert autopsy.sentence(Defect("x", "", "", about, reported, right)) == said


def test_the_command_leaves_the_table_and_the_numbers(finished, found):
    folder = finished[1].folder
    rows = [line for line in (folder / "autopsy.md").read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(found) and all(row.count("|") == 6 for row in rows)
    told = json.loads((folder / "autopsy.json").read_text())["defects"]
    assert [row["reported"] for row in told] == [list(defect.reported) for defect in found.values()]
    assert (folder / "report.html").exists()


def test_missing_runs_are_named(finished, tmp_path):
    bound, place = finished
    with pytest.raises(DataError, match=r"baseline \(0 of 1\)"):
        autopsy.defects(bound, replace(place, store=Store(tmp_path)))


def test_the_study_of_the_command_has_these_arms():
    with as_file(files("paribus") / "studies" / "autopsy.yaml") as path:
        assert {"baseline", NEVER_TRAINING_MODE, OTHER_WEIGHTS, RANDOM_FRAMES} == set(Study.read(path).recipes)
