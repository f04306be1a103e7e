"""Trained networks asked about images: whose answers they are, what is written, and what becomes of bad files."""

import csv
import io
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_cli import cli, draw
from torch.nn.functional import interpolate

from paribus import durable
from paribus.predicting import choose, paths, temperature, voting
from paribus.predicting.going import predict
from paribus.predictions import ClassScores
from paribus.store import Store

STUDY = """
title: "Dots"
seeds: 3
split: val
baseline:
  data: {use: folder, root: dots}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 16, crop_fraction: 0.875, prepare: 18}
  optimizer: {use: adam, lr: 3e-2}
  epochs: 1
  batch_size: 8
arms:
  slow: {optimizer.lr: 1e-3}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished study, its data and its runs; nobody writes here."""
    home = tmp_path_factory.mktemp("dots")
    draw(home / "dots", counts={"train": 8, "val": 6})
    (home / "study.yaml").write_text(STUDY)
    assert cli("run", home / "study.yaml", "--out", home / "out", "--threads", 1, "--pictures", "none") == 0
    return home


@pytest.fixture
def finished(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(made, tmp_path / "made")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def run_folder(finished: Path, arm: int = 0, seed: int = 0) -> Path:
    lock = json.loads((finished / "out/study/study.lock.json").read_text())
    return finished / "out/runs" / lock["arms"][arm]["runs"][seed]


def probabilities(logits: np.ndarray) -> np.ndarray:
    wide = np.exp(logits.astype(float))
    return wide / wide.sum(axis=1, keepdims=True)


def test_a_run_says_of_its_validation_images_what_it_said_when_it_was_trained(finished, capsys):
    run = run_folder(finished)
    assert cli("predict", run, finished / "dots/val") == 0
    told = {Path(row["image"]).relative_to(finished / "dots").as_posix(): row for row in rows(Path("predictions"))}
    val = Store(run.parent).load(run.name).evidence["val"]
    scaled = choose(run).members[0].temperature
    expected = probabilities(val.logits[-1] / scaled)
    assert sorted(told) == sorted(val.image_ids) and len(told) == 12
    for name, each in zip(val.image_ids, expected, strict=True):
        assert [float(told[name][f"p({c})"]) for c in val.classes] == pytest.approx(each, abs=1e-5)
        assert told[name]["class"] == val.classes[each.argmax()]
        assert float(told[name]["probability"]) == pytest.approx(each.max(), abs=1e-5)
        assert (told[name]["runs"], told[name]["agree"], told[name]["disagree"]) == ("1", "1", "false")
    said = capsys.readouterr().out
    assert f"Asking baseline of Dots (run {run.name})." in said and "12 images: " in said and "... and 2 more" in said


def test_the_runs_of_an_arm_vote(finished, capsys):
    assert (
        cli("predict", finished / "study.yaml", finished / "dots/val", "--arm", "slow", "--runs", finished / "out") == 0
    )
    chosen = choose(finished / "out/study", arm="slow")
    kept = [chosen.store.load(member.run.id).evidence["val"] for member in chosen.members]
    each = [probabilities(val.logits[-1] / m.temperature) for val, m in zip(kept, chosen.members, strict=True)]
    mean, own = np.mean(each, axis=0), np.array([one.argmax(axis=1) for one in each])
    told = {Path(row["image"]).relative_to(finished / "dots").as_posix(): row for row in rows(Path("predictions"))}
    for number, name in enumerate(kept[0].image_ids):
        row, answer = told[name], mean[number].argmax()
        assert float(row["p(bright)"]) == pytest.approx(mean[number][list(kept[0].classes).index("bright")], abs=1e-5)
        assert row["class"] == kept[0].classes[answer]
        assert int(row["agree"]) == (own[:, number] == answer).sum()
        assert row["disagree"] == str(len(set(own[:, number])) > 1).lower()
    whole = json.loads(Path("predictions/predictions.json").read_text())
    assert [run["seed"] for run in whole["runs"]] == [0, 1, 2] and whole["arm"] == "slow"
    assert whole["left_out"] == [] and len(whole["images"]) == 12
    assert whole["images"][0]["p"].keys() == {"bright", "dark"}
    disagreed = sum(row["disagree"] == "true" for row in told.values())
    assert f"The 3 runs disagree on {disagreed} image" in capsys.readouterr().out


def test_without_a_name_the_arm_of_the_report_is_asked_and_said(finished, capsys):
    report = json.loads((finished / "out/study/report.json").read_text())
    assert cli("predict", finished / "out", finished / "dots/val/dark/0.png") == 0
    assert f"No arm named: {report['best']['name']}, the best of the report on val" in capsys.readouterr().out
    (finished / "out/study/report.json").unlink()
    assert cli("predict", finished / "out", finished / "dots/val/dark/0.png") == 2
    assert "name one with --arm: baseline, slow." in capsys.readouterr().err


def test_bad_files_among_good_ones_are_named_and_the_rest_is_predicted(finished, capsys):
    photos = finished / "photos"
    photos.mkdir()
    good = np.random.default_rng(0).integers(0, 255, (30, 22, 3), dtype=np.uint8)
    for number in range(35):  # more than one batch
        Image.fromarray(good).save(photos / f"{number:02d}.png")
    (photos / "17.png").write_text("no image")
    (photos / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0cut")
    (photos / "notes.txt").write_text("no image")
    before = sorted(photos.iterdir())
    assert cli("predict", run_folder(finished), photos, photos / "gone.png") == 4
    said = capsys.readouterr()
    assert "error[IMG_NOT_AN_IMAGE]: " in said.err and "17.png" in said.err and "cut.jpg" in said.err
    assert "error[FILE_MISSING]: " in said.err and "which is no image's: 1 file." in said.out
    told = rows(Path("predictions"))
    assert len(told) == 34 and len({row["probability"] for row in told}) == 1
    left_out = json.loads(Path("predictions/predictions.json").read_text())["left_out"]
    assert [Path(row["path"]).name for row in left_out] == ["17.png", "cut.jpg", "gone.png"]
    assert sorted(photos.iterdir()) == before


def test_nothing_usable_is_refused_and_nothing_written(finished, capsys):
    (finished / "empty").mkdir()
    assert cli("predict", run_folder(finished), finished / "empty", finished / "*.webp") == 3
    assert "NO_IMAGES" in (said := capsys.readouterr().err) and "no file matches this pattern" in said
    assert not Path("predictions").exists() and not list(Path().glob(".predictions*"))


def test_images_are_turned_upright_as_in_the_scan(finished):
    pixels = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save("turned.png", exif=exif)
    Image.fromarray(np.rot90(pixels, -1)).save("upright.png")
    Image.fromarray(pixels).save("stored.png")
    assert cli("predict", run_folder(finished), "turned.png", "upright.png", "stored.png") == 0
    turned, upright, stored = (row["probability"] for row in rows(Path("predictions")))
    assert turned == upright != stored


def test_folder_names_are_never_labels(finished):
    """A class folder that the network never saw: each of its images gets one of the classes, nothing guesses."""
    zebra = finished / "new/zebra"
    zebra.mkdir(parents=True)
    shutil.copy(finished / "dots/val/dark/1.png", zebra / "1.png")
    assert cli("predict", run_folder(finished), finished / "new", finished / "dots/val/dark/1.png") == 0
    inside, beside = rows(Path("predictions"))
    assert list(inside) == list(beside) and {**inside, "image": ""} == {**beside, "image": ""}
    assert inside["class"] in ("dark", "bright")


def test_paths_come_from_the_standard_input(finished, monkeypatch):
    names = [finished / f"dots/val/dark/{number}.png" for number in (3, 1)]
    text = "\n".join(map(str, names)).encode() + b"\r\n\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert cli("predict", run_folder(finished), "-") == 0
    assert [row["image"] for row in rows(Path("predictions"))] == [str(name) for name in names]


@pytest.mark.parametrize("name", ["best.safetensors", "run.json", "DONE.json"])
def test_a_run_folder_that_was_changed_is_not_used(finished, name, capsys):
    path = run_folder(finished) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert cli("predict", run_folder(finished), finished / "dots/val/dark/0.png") == 7
    assert "RUN_DAMAGED" in capsys.readouterr().err and not Path("predictions").exists()


def test_what_others_wrote_is_not_overwritten(finished, capsys):
    image = finished / "dots/val/dark/0.png"
    assert cli("predict", run_folder(finished), image) == cli("predict", run_folder(finished), image) == 0
    Path("predictions/mine.txt").write_text("mine")
    assert cli("predict", run_folder(finished), image) == 2
    assert "holds 'mine.txt', which no prediction wrote" in capsys.readouterr().err
    assert Path("predictions/mine.txt").read_text() == "mine"
    assert cli("predict", run_folder(finished), finished / "dots", "--out", finished / "dots/said") == 2
    assert "is inside" in capsys.readouterr().err


def test_what_means_nothing_is_told(finished, capsys):
    image, run = finished / "dots/val/dark/0.png", run_folder(finished)
    wrong = [
        (("predict", run, image, "--arm", "slow"), 2, "is one run already"),
        (("predict", finished / "out", image, "--arm", "slwo"), 2, "Did you mean 'slow'?"),
        (("predict", finished / "out", image, "--arm", "slow", "--seed", 7), 2, "has no seed 7; it has 0, 1, 2."),
        (("predict", finished / "dots", image), 3, "is no study, no run and no study file"),
        (("predict", finished / "study.yaml", image), 3, "--runs DIR"),
    ]
    for words, code, text in wrong:
        assert cli(*words) == code
        assert text in capsys.readouterr().err


def test_a_network_of_a_module_that_was_not_named_is_not_built(finished, monkeypatch, capsys):
    """A run folder may come from anybody: it cannot choose code."""
    run = run_folder(finished)
    about = json.loads((run / "run.json").read_text())
    about["identity"]["recipe"]["model"] = {"use": "evil:net"}
    monkeypatch.setattr(Store, "about", lambda self, run_id: about)
    (finished / "evil.py").write_text("raise SystemExit('ran')")
    monkeypatch.syspath_prepend(finished)
    assert cli("predict", run, finished / "dots/val/dark/0.png") == 2
    assert "name it on the command line: --plugin evil" in capsys.readouterr().err


def test_a_diverged_run_has_no_vote(finished, monkeypatch):
    load = Store.load
    first = run_folder(finished).name

    def diverged(self, run_id, splits=None):
        record = load(self, run_id, splits)
        return replace(record, status="diverged") if run_id == first else record

    monkeypatch.setattr(Store, "load", diverged)
    chosen = choose(finished / "out/study", arm="baseline")
    assert [member.run.seed for member in chosen.members] == [1, 2]
    assert "Seed 0 diverged and is left out." in chosen.remarks


def test_weights_that_were_cleaned_away_are_named(finished, capsys):
    (run_folder(finished) / "last.safetensors").unlink()  # the study counts the last epoch
    assert cli("predict", run_folder(finished), finished / "dots/val/dark/0.png") == 3
    assert "WEIGHTS_REMOVED" in capsys.readouterr().err


def test_predictions_are_whole_or_absent(finished, monkeypatch):
    chosen, image = choose(run_folder(finished)), str(finished / "dots/val/dark/0.png")
    monkeypatch.setattr(durable, "publish", lambda *folders: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        predict(chosen, [image], Path("predictions"), io.BytesIO())
    assert [path.name for path in Path().iterdir()] == ["made"]


def test_an_export_without_decoded_images_needs_the_data_and_the_same_ones(finished, capsys):
    pytest.importorskip("onnx", reason="the extra `export` is not installed")
    shutil.rmtree(finished / "out/prepared")
    words = ("export", run_folder(finished), "--to", "onnx")
    assert cli(*words) == 3
    assert "(dots). Fix: name their folder: --data FOLDER." in capsys.readouterr().err
    assert cli(*words, "--data", draw(finished / "others", seed=9, counts={"train": 8, "val": 6})) == 7
    assert "the val images are not those that the run was scored on" in capsys.readouterr().err
    assert not Path("exported").exists()
    assert cli(*words, "--data", finished / "dots") == 0
    assert "tried on the 12 images of val" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------------- the parts


def scores(logits: np.ndarray, targets: np.ndarray) -> ClassScores:
    ids = tuple(str(number) for number in range(len(targets)))
    return ClassScores(ids, targets, logits.astype(np.float32), tuple("abc"))


@pytest.mark.parametrize("true", [0.5, 2.0, 4.0])
def test_the_temperature_that_spoilt_the_logits_is_found(true):
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (20000, 3))
    targets = np.array([rng.choice(3, p=p) for p in probabilities(honest)])
    assert temperature.fitted(scores(honest * true, targets)) == pytest.approx(true, rel=0.05)


def test_without_a_mistake_there_is_no_temperature():
    logits = np.eye(3)[[0, 1, 2, 0]] * 3
    assert temperature.fitted(scores(logits, np.array([0, 1, 2, 0]))) == 1.0
    assert temperature.fitted(scores(logits, np.array([0, 1, 2, 1]))) != 1.0


def test_a_vote_is_the_mean_of_probabilities_not_of_answers():
    logits = [np.log([[0.9, 0.1]]), np.log([[0.4, 0.6]]), np.log([[0.4, 0.6]])]
    found = voting.vote([each.astype(np.float32) for each in logits], [1, 1, 1])
    assert found.probabilities == pytest.approx(np.array([[1.7 / 3, 1.3 / 3]]), abs=1e-6)
    assert (found.answers[0], found.agree[0], found.disagree[0]) == (0, 1, True)
    cooler = voting.vote([each.astype(np.float32) for each in logits], [50, 1, 1])
    assert cooler.answers[0] == 1


@pytest.mark.parametrize("size", [(37, 53), (7, 9), (4, 100)])
def test_enlarging_by_strips_is_enlarging(size, monkeypatch):
    logits = torch.randn(3, 8, 10, generator=torch.Generator().manual_seed(0))
    expected = interpolate(logits[None], size=list(size), mode="bilinear", align_corners=False)[0]
    found = torch.cat(
        [voting.enlarged(logits, size, range(top, min(top + 5, size[0]))) for top in range(0, size[0], 5)], 1
    )
    assert torch.allclose(found, expected, atol=1e-5)
    other = logits.flip(0)
    monkeypatch.setattr(voting, "STRIP", 300)
    voted = voting.vote_on_pixels([logits, other], size)
    both = expected.softmax(0) + expected.flip(0).softmax(0)
    sure = (both.sort(dim=0).values[-1] - both.sort(dim=0).values[-2]) > 1e-4  # rounding decides the others
    assert (torch.from_numpy(voted.mask).long() == both.argmax(0))[sure].all()
    assert voted.confidence == pytest.approx(float(both.amax(0).mean()) / 2, abs=1e-5)
    apart = expected.argmax(0) != expected.flip(0).argmax(0)
    assert voted.disagree == pytest.approx(float(apart.double().mean()), abs=1e-9)


def test_folders_are_listed_in_order_without_links_and_hidden_files(tmp_path):
    for name in ("b/2.jpg", "b/1.PNG", "a.jpg", ".hidden/3.jpg", "b/.4.jpg", "b/readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    passed = paths.Passed()
    found = [p.relative_to(tmp_path).as_posix() for p in paths.listed([str(tmp_path)], io.BytesIO(), passed)]
    assert found == ["a.jpg", "b/1.PNG", "b/2.jpg"] and passed.others == 1
    odd = tmp_path / "[1].jpg"
    odd.touch()
    assert list(paths.listed([str(odd)], io.BytesIO(), passed)) == [odd]  # a name, though it looks like a pattern
    assert list(paths.listed([f"{tmp_path}/b/*.jpg"], io.BytesIO(), passed)) == [tmp_path / "b/2.jpg"]
