"""Run folders: whole or absent, and every file is what was written."""

import json

import numpy as np
import pytest
from masks import counted, evidence, pairs
from tiny import run, trained

from paribus.errors import IntegrityError
from paribus.predictions import MaskEvidence
from paribus.store import DONE, Store, write_evidence

OTHER = "0e" * 10  # the id of another run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    trained(folder, run(epochs=2))
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    import shutil

    shutil.copytree(finished, tmp_path / "runs")
    return Store(tmp_path / "runs")


def test_a_run_is_read_back(finished):
    one = run(epochs=2)
    store = Store(finished)
    assert store.has(one)
    assert not store.has(run(seed=7))
    record = store.load(one.id, {"val": "a" * 64})
    assert set(record.evidence) == {"val"}
    assert record.seed == 0 and record.status == "done" and record.seconds > 0
    assert record.facts["recipe"] == one.recipe.plain()
    assert {"certificate", "environment", "parameters_total", "images_per_second"} <= set(record.facts)
    assert record.evidence["val"].targets.dtype == np.int64
    assert store.load(one.id, {"val": "c" * 64}).evidence == {}  # evidence of other images does not count


@pytest.mark.parametrize("pattern", ["run.json", "evidence/val*/scores.safetensors", "evidence/val*/images.json"])
def test_one_changed_byte_is_noticed(copy, pattern):
    one = run(epochs=2)
    path = next(copy.folder(one.id).glob(pattern))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(IntegrityError, match="rm -r ") as caught:
        copy.load(one.id)
    assert caught.value.exit_code == 7


@pytest.mark.parametrize("name", ["run.json", "DONE.json", "timing.json"])
def test_a_missing_file_is_noticed(copy, name):
    one = run(epochs=2)
    (copy.folder(one.id) / name).unlink()
    assert copy.has(one) == (name != DONE)
    with pytest.raises(IntegrityError):
        copy.load(one.id)


def test_a_folder_under_another_name_is_not_that_run(copy):
    one, other = run(epochs=2), run(seed=9)
    copy.folder(one.id).rename(copy.folder(other.id))
    with pytest.raises(IntegrityError, match="not what was written here"):
        copy.load(other.id)


def test_every_file_but_the_clock_is_hashed(finished):
    folder = finished / run(epochs=2).id
    listed = set(json.loads((folder / DONE).read_text())["files"])
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there - listed == {DONE, "timing.json"}


def test_tidy_removes_what_no_run_needs_and_nothing_else(copy):
    one = run(epochs=2)
    for name in (
        f"{one.id}.partial",
        f"{OTHER}.partial",
        f"{OTHER}.final",
        f".{OTHER}.removed",
        f"..{OTHER}.removed.removed",
    ):
        (copy.root / name).mkdir()
    (copy.root / "LOCK").write_text("")
    copy.tidy()
    assert {p.name for p in copy.root.iterdir()} == {one.id, f"{OTHER}.partial", "LOCK"}


def test_evidence_about_masks_is_read_back(copy):
    one = run(epochs=2)
    counts = [counted(pairs(seed=s, images=5)) for s in (1, 2)]
    kept = evidence("test", *counts, kept=(3, 30))
    write_evidence(copy.folder(one.id), "d" * 64, kept)
    copy.hash_again(one.id)
    names = sorted(p.name for p in (copy.folder(one.id) / "evidence" / f"test-{'d' * 12}").iterdir())
    assert names == ["images.json", "scores.safetensors"]
    found = copy.load(one.id).evidence["test"]
    assert isinstance(found, MaskEvidence)
    assert (found.split, found.image_ids, found.classes, found.epochs) == (
        "test",
        kept.image_ids,
        kept.classes,
        (3, 30),
    )
    assert found.confusion.dtype == found.boundary.dtype == np.int32
    assert (found.at(30).confusion == counts[1].confusion).all() and (found.at(3).boundary == counts[0].boundary).all()
    with pytest.raises(KeyError, match="epoch 4 of test was not kept"):
        found.at(4)


def test_evidence_that_a_kill_left_unhashed_is_asked_for_again(copy):
    one = run(epochs=2)
    marks = {"test": "d" * 64}
    write_evidence(copy.folder(one.id), marks["test"], evidence("test", counted(pairs(images=5))))
    assert copy.unseen(one, marks) == marks  # killed before hash_again
    assert set(copy.load(one.id).evidence) == {"train", "val"}
    copy.hash_again(one.id)
    assert copy.unseen(one, marks) == {} and "test" in copy.load(one.id).evidence


def test_new_evidence_does_not_bless_what_was_damaged(copy):
    one = run(epochs=2)
    path = next(copy.folder(one.id).glob("evidence/val*/scores.safetensors"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    write_evidence(copy.folder(one.id), "d" * 64, evidence("test", counted(pairs(images=5))))
    copy.hash_again(one.id)
    with pytest.raises(IntegrityError, match="rm -r "):
        copy.load(one.id)
