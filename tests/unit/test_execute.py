"""What is missing is trained, once; a failure costs one run; running again looks and goes on."""

import copy
import errno
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from tiny import BASELINE, contents

from paribus import collect, durable, running, train
from paribus.errors import DataError, IntegrityError, MachineError, RunsFailed
from paribus.execute import Place, bind, execute, missing, records
from paribus.study import Study


class Watcher:
    def __init__(self):
        self.trained, self.looks, self.plan, self.notes = [], [], [], []

    def scanning(self, done, total): ...
    def epoch(self, arm, run, epoch, seconds): ...
    def finished(self, arm, run, record): ...

    def noted(self, problem):
        self.notes.append(problem)

    def planned(self, missing, finished):
        self.plan.append((missing, finished))

    def started(self, arm, run):
        self.trained.append((arm, run.seed))

    def looked(self, look, rows):
        self.looks.append((look, len(rows)))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    home = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    for split, n in (("train", 8), ("val", 6)):
        for label, name in enumerate(("dark", "bright")):
            (home / split / name).mkdir(parents=True)
            for i in range(n):
                pixels = rng.integers(0, 200, (16, 16, 3)) + 50 * label
                Image.fromarray(pixels.astype(np.uint8)).save(home / split / name / f"{i}.png")
    return home


def study(**top):
    baseline = copy.deepcopy(BASELINE) | {"data": {"use": "folder", "root": "pictures"}, "epochs": 1}
    return Study.from_dict(
        {"title": "t", "seeds": 2, "baseline": baseline, "arms": {"hot": {"optimizer.lr": 0.2}}, **top}
    )


def go(found, out, pictures, **options):
    place, watcher = Place.of(found, out), Watcher()
    bound = bind(found, place, {"pictures": pictures})
    execute(bound, place, watcher, **options)
    return bound, place, watcher


def test_a_study_is_run_once_and_runs_are_shared(tmp_path, pictures):
    bound, place, watcher = go(study(), tmp_path, pictures)
    assert watcher.trained == [("baseline", 0), ("hot", 0), ("baseline", 1), ("hot", 1)]  # all arms grow together
    assert watcher.plan == [(4, 0)]
    assert watcher.looks == [(2, 1)]
    found = records(bound, place.store)
    assert {arm: [r.seed for r in rows] for arm, rows in found.items()} == {"baseline": [0, 1], "hot": [0, 1]}
    again = go(study(), tmp_path, pictures)[2]
    assert again.trained == [] and again.plan == [(0, 4)]
    other = go(study(title="other", arms={"long": {"epochs": 2}}), tmp_path, pictures)[2]
    assert other.trained == [("long", 0), ("long", 1)]


def test_the_control_has_seeds_of_its_own(tmp_path, pictures):
    bound = bind(study(control="a/a"), Place.of(study(), tmp_path), {"pictures": pictures})
    assert [r.seed for r in bound.runs["a-a"]] == [1000, 1001]
    assert bound.runs["a-a"][0].recipe == bound.runs["baseline"][0].recipe


def test_max_runs_stops_and_the_next_command_goes_on(tmp_path, pictures):
    whole = tmp_path / "whole"
    bound, place, _ = go(study(), whole, pictures)
    assert go(study(), tmp_path / "parts", pictures, max_runs=3)[2].trained == [
        ("baseline", 0),
        ("hot", 0),
        ("baseline", 1),
    ]
    watcher = go(study(), tmp_path / "parts", pictures)[2]
    assert watcher.trained == [("hot", 1)]
    for run in (r for runs in bound.runs.values() for r in runs):
        assert contents(place.store.folder(run.id)) == contents(tmp_path / "parts" / "runs" / run.id)


def test_a_failed_run_is_named_and_the_others_are_complete(tmp_path, pictures, monkeypatch):
    real = train.train_step

    def step(training, images, targets, number):
        if training.run.recipe.optimizer.args["lr"] == 0.2 and training.run.seed == 0:
            raise AssertionError("out of something")  # as networks of timm do
        return real(training, images, targets, number)

    monkeypatch.setattr(train, "train_step", step)
    with pytest.raises(RunsFailed, match="hot, seed 0: AssertionError: out of something") as caught:
        go(study(), tmp_path, pictures)
    assert caught.value.exit_code == 4
    assert len(caught.value.problems) == 1
    monkeypatch.setattr(train, "train_step", real)
    assert go(study(), tmp_path, pictures)[2].trained == [("hot", 0)]


LACKS = {
    "python": MemoryError(),
    "system": OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    "threads": RuntimeError("can't start new thread"),
    "libraries": ImportError("some.so: failed to map segment from shared object"),
    "careless": SystemError("error return without exception set"),
}


@pytest.mark.parametrize("how", ["torch", *LACKS])
def test_a_run_without_enough_memory_fails_by_name_and_the_study_goes_on(tmp_path, pictures, monkeypatch, how):
    import torch

    real, sizes = train.train_step, []

    def step(training, images, targets, number):
        if training.run.seed == 0:
            if how == "torch":
                torch.empty(2**50)
            raise LACKS[how]
        sizes.append(len(targets))
        return real(training, images, targets, number)

    monkeypatch.setattr(train, "train_step", step)
    with pytest.raises(RunsFailed, match=r"error\[OOM\]: baseline, seed 0: .* smaller batch_size") as caught:
        go(study(), tmp_path, pictures)
    assert [problem.code for problem in caught.value.problems] == ["OOM", "OOM"]  # of both arms
    assert sizes == [8, 8] * 2  # the others were trained, with the batches that the study asked for


@pytest.mark.parametrize("failing", [OSError(errno.EIO, "broken disk"), ImportError("no"), SystemError("no")])
def test_an_error_that_would_meet_every_run_is_no_failure_of_one(tmp_path, pictures, monkeypatch, failing):
    monkeypatch.setattr(train, "train_step", lambda *given: (_ for _ in ()).throw(failing))
    with pytest.raises(type(failing), match=r"broken disk|no"):
        go(study(), tmp_path, pictures)


def test_too_little_room_is_told_before_anything_is_trained(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(train, "train_step", lambda *given: pytest.fail("it trains"))
    monkeypatch.setattr(durable, "free", lambda path: 100_000)
    wide = copy.deepcopy(BASELINE) | {"data": {"use": "folder", "root": "pictures"}}
    wide = study(baseline=wide | {"model": {"use": "small_cnn", "width": 24, "depth": 3}})
    words = r"too little room for 4 runs like this one: up to \S+ [kM]B, 100 kB free.*make room"
    with pytest.raises(MachineError, match=words) as caught:
        go(wide, tmp_path, pictures)
    assert caught.value.exit_code == 6 and caught.value.problems[0].code == "ENV_DISK_FULL"
    with pytest.raises(MachineError, match="too little room for 1 runs"):
        go(wide, tmp_path, pictures, max_runs=1)


def test_leftovers_of_a_killed_process_are_removed(tmp_path, pictures):
    bound, place, _ = go(study(), tmp_path, pictures)
    done = bound.runs["baseline"][0].id
    for name in (f"{done}.partial", f"{'0a' * 10}.final", f".{'0b' * 10}.partial.removed"):
        (place.store.root / name).mkdir()
    with running.holding(place):
        pass
    assert {p.name for p in place.store.root.iterdir() if p.is_dir()} == {
        r.id for runs in bound.runs.values() for r in runs
    }


def test_missing_counts_equal_runs_once(tmp_path, pictures):
    equal = study(arms={"a": {"optimizer.lr": 0.2}, "b": {"optimizer": {"use": "sgd", "lr": 0.2}}})
    place = Place.of(equal, tmp_path)
    bound = bind(equal, place, {"pictures": pictures})
    assert [arm for arm, _ in missing(bound, place.store, dict.fromkeys(bound.runs, 1))] == ["baseline", "a"]


def test_what_is_not_there_is_said_before_anything_is_made(tmp_path, pictures):
    out = tmp_path / "out"
    with pytest.raises(DataError, match="--data pictures=FOLDER"):
        bind(study(), Place.of(study(), out), {})
    with pytest.raises(DataError, match="there is no test split"):
        bind(study(split="test"), Place.of(study(), out), {"pictures": pictures})
    pretrained = study(arms={"alex": {"model": {"use": "torchvision:alexnet", "pretrained": True}}})
    with pytest.raises(MachineError, match="no such file"):
        bind(pretrained, Place.of(study(), out), {"pictures": pictures}, {"torchvision:alexnet": tmp_path / "none"})
    assert not out.exists()


def test_arms_scored_on_different_images_are_refused_before_training(tmp_path, pictures):
    own = study(baseline={**BASELINE, "data": {"use": "faces", "n": 4, "n_val": 4, "size": 32}}, arms={})
    fewer = study(
        baseline={**BASELINE, "data": {"use": "faces", "n": 4, "n_val": 4, "size": 32}},
        arms={"fewer": {"data.n_val": 2}, "more": {"data.n": 6}},
    )
    bind(own, Place.of(own, tmp_path), {})
    with pytest.raises(DataError, match="fewer: its val images are not the baseline's \\(2 and 4\\)") as caught:
        bind(fewer, Place.of(fewer, tmp_path), {})
    assert [problem.where for problem in caught.value.problems] == ["fewer"]  # more training images are a question


def test_one_group_is_too_few_for_crossfit_and_told_before_training(tmp_path, pictures):
    asked = study(epoch="crossfit", groups={"pattern": "^(.)"})
    with pytest.raises(
        DataError, match=r"EPOCH_CROSSFIT.*in val; there is 1 group of images.*Fix: write `epoch: last`"
    ):
        bind(asked, Place.of(asked, tmp_path), {"pictures": pictures})
    fine = study(epoch="crossfit", groups={"pattern": "(dark|bright)"})
    assert bind(fine, Place.of(fine, tmp_path), {"pictures": pictures}).design.epoch == "crossfit"


def test_a_damaged_run_is_refused(tmp_path, pictures):
    bound, place, _ = go(study(), tmp_path, pictures)
    path = place.store.folder(bound.runs["hot"][0].id) / "run.json"
    path.write_bytes(path.read_bytes().replace(b'"done"', b'"good"'))
    with pytest.raises(IntegrityError, match="rm -r "):
        records(bound, place.store)


def test_a_run_without_one_finite_output_fails_by_name(tmp_path, pictures):
    blown_up = {"normalize": {"mean": [0.5] * 3, "std": [1e-40] * 3}, "size": 16}  # every input is infinite
    with pytest.raises(RunsFailed, match="blown, seed 0: Diverged: an output is not finite") as caught:
        go(study(seeds=1, arms={"blown": {"input": blown_up}}), tmp_path, pictures)
    assert caught.value.exit_code == 4


def test_another_arm_on_other_data_moves_no_lock(tmp_path):
    faces = {**BASELINE, "data": {"use": "faces", "n": 4, "n_val": 4, "size": 32}, "epochs": 1}

    def locks(arms):
        found = study(seeds=1, baseline=faces, arms=arms)
        bound, place, _ = go(found, tmp_path, tmp_path)
        running.run(bound, place, Watcher(), max_runs=0, pictures=False)
        return {path.name for path in place.folder.glob("data*.lock.json")}

    more = {"more": {"data.n": 6}}
    before = locks(more)
    assert len(before) == 2 and "data.lock.json" in before
    assert before < locks({"most": {"data.n": 8}, **more})  # the new arm comes first, and is not held against `more`


def test_an_arm_is_labelled_by_what_it_changes_and_parts_by_their_names(tmp_path, pictures):
    crop, cutout = {"use": "random_resized_crop", "scale": [0.5, 1]}, {"use": "cutout", "side": 4}
    arms = {
        "rich": {"augment": [crop, "horizontal_flip", cutout]},
        "close": {"augment.random_resized_crop.scale": [0.2, 1]},
    }
    bound = bind(study(arms=arms), Place.of(study(), tmp_path), {"pictures": pictures})
    labels = {arm["name"]: arm["label"] for arm in collect.lock(bound)["arms"]}
    assert labels == {
        "baseline": "the baseline",
        "rich": "augment = random_resized_crop + horizontal_flip + cutout",
        "close": "augment.random_resized_crop.scale = [0.2, 1]",
    }


def test_data_outside_the_studys_folder_are_told_unless_the_command_line_named_them(tmp_path, pictures):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "linked").symlink_to(pictures)
    shutil.copytree(pictures, tmp_path / "here" / "own")
    baseline = copy.deepcopy(BASELINE) | {"epochs": 1}
    for root, given, told in (
        (str(pictures), {}, True),
        ("linked", {}, True),
        ("own", {}, False),
        ("pictures", {"pictures": pictures}, False),
    ):
        path = tmp_path / "here" / "study.yaml"
        content = {
            "seeds": 2,
            "baseline": baseline | {"data": {"use": "folder", "root": root}},
            "arms": {"b": {"epochs": 2}},
        }
        path.write_text(json.dumps(content))
        found, watcher = Study.read(path), Watcher()
        bind(found, Place.of(found, tmp_path / root.replace("/", "-")), given, None, watcher)
        assert [p.where for p in watcher.notes if p.code == "DATA_OUTSIDE"] == [str(pictures.resolve())] * told


def test_a_study_folder_has_a_plain_name(tmp_path):
    path = tmp_path / "runs.yaml"
    path.write_text(json.dumps({"seeds": 2, "baseline": BASELINE, "arms": {"b": {"epochs": 4}}}))
    assert Place.of(Study.read(path), tmp_path / "out").folder.name.startswith("runs-")
