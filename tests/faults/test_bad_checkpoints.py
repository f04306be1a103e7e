"""Files of runs that are not what was written, through the command line: exit 7, the file, the hashes, the way out."""

import re
from pathlib import Path

import bad_checkpoints
import pytest
import small_study
import torch
from bad_checkpoints import FINISHED, PICKLE, STOPPED, Place
from safetensors.torch import save_file

from paribus.weights import sha256_of

LITE0 = "timm:tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    study = small_study.placed(tmp_path_factory.mktemp("finished"))
    assert small_study.run(study).code == 0
    return Place(study, study.parent / "out"), small_study.contents(study.parent)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    study = small_study.placed(tmp_path_factory.mktemp("stopped"))
    small_study.stopped(study, before_epoch=3)
    return Place(study, study.parent / "out"), small_study.contents(study.parent)


def said(case, place):
    if case.command == "run":
        return small_study.run(place.study)
    return small_study.command(case.command, place.out)


def judged(case, place, before, monkeypatch):
    monkeypatch.chdir(place.study.parent)
    try:
        case.change(place)
        found = said(case, place)
        assert not list(place.study.parent.rglob("PWNED"))
    finally:
        small_study.restore(place.study.parent, before)
    text = found.err + found.out
    assert found.code == case.code and "Traceback" not in text, found
    for words in case.told:
        assert re.search(words, text), (words, text)
    errors = found.err.splitlines()
    assert all(re.match(r"error\[[A-Z_]+\]: |note|warning", line) for line in errors if "error" in line), errors


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_run(name, finished, monkeypatch):
    judged(FINISHED[name], *finished, monkeypatch)


@pytest.mark.parametrize("name", STOPPED)
def test_a_stopped_run(name, stopped, monkeypatch):
    judged(STOPPED[name], *stopped, monkeypatch)


def test_what_was_not_changed_is_used(finished, stopped):
    for place, before in (finished, stopped):
        assert small_study.run(place.study).code == 0
        small_study.restore(place.study.parent, before)


def test_a_damaged_picture_is_named_and_made_again(finished):
    place, before = finished
    picture = next((place.out / "study" / "pictures").iterdir())
    bad_checkpoints.flip(picture)
    found = small_study.command("report", place.out)
    assert found.code == 7 and "PICTURE_DAMAGED" in found.err and picture.name in found.err
    picture.unlink()
    assert small_study.run(place.study).code == 0 and picture.exists()
    small_study.restore(place.study.parent, before)


# ------------------------------------------------------------------------------------------------ weights of the user's

WEIGHTS = {
    "HTML": (b"<!doctype html><html>Not found</html>", (), ("CKPT_FORMAT", "a page of HTML")),
    "a pickle": (PICKLE, (), ("CKPT_UNSAFE_FORMAT", "--sha256")),
    "a pickle with its hash": (PICKLE, ("own",), ("CKPT_FORMAT", "cannot be read as tensors")),
    "another hash": (None, ("0" * 64,), ("CKPT_HASH", "0000000000000000 is expected")),
    "cut": (b"cut", (), ("CKPT_FORMAT", "is cut")),
    "of another network": (None, (), ("CKPT_SHAPE", "do not fit the network")),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_the_user_names(name, tmp_path, monkeypatch):
    content, hashes, told = WEIGHTS[name]
    study = small_study.placed(tmp_path)
    study.write_text(
        small_study.STUDY.replace("{use: small_cnn, width: 4, depth: 2}", f'{{use: "{LITE0}", pretrained: true}}')
    )
    path = Path(tmp_path / "net.safetensors")
    save_file({"w": torch.ones(40)}, path)
    path.write_bytes(path.read_bytes()[:-9] if content == b"cut" else content or path.read_bytes())
    monkeypatch.chdir(tmp_path)
    more = [x for h in hashes for x in ("--sha256", f"{LITE0}={sha256_of(path) if h == 'own' else h}")]
    found = small_study.run(study, "--weights", f"{LITE0}={path}", *more)
    assert found.code == 7 and not list(tmp_path.rglob("PWNED")), found
    assert all(words in found.err for words in told) and found.err.count("error[") == 1, found.err
    assert not list(tmp_path.glob("out/runs/*/DONE.json"))


def test_there_are_enough_cases():
    assert len(FINISHED) + len(STOPPED) + len(WEIGHTS) >= 60
