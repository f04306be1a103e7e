"""Known data: what is trained on is what was scanned, a file that changes is named, and nothing is written to a source.

A run is trained on decoded images whose files had the recorded hashes. A file that changes, goes or can no longer be
read while runs are trained fails the runs that use it, and no other.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from untouched import files_of

from paribus.cli import app, exit_code
from paribus.progress import Screen

STUDY = """
title: Two training sets
seeds: [0]
baseline:
  data: {use: csv, root: set, manifest: first.csv}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 16}
  epochs: 3
  batch_size: 8
arms:
  other: {data.manifest: second.csv}
"""
ROW = dict[str, str]


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8))


@pytest.fixture
def home(tmp_path):
    """A study of two sets of training images, first and second, that share their val images."""
    rows = {name: [] for name in ("first", "second", "val")}
    for k, (place, name) in enumerate((place, name) for place in rows for name in ("ant", "bee")):
        (tmp_path / "set" / place / name).mkdir(parents=True)
        for i in range(4 if place == "val" else 8):
            picture(100 * k + i).save(tmp_path / "set" / place / name / f"{i:02d}.png")
            rows[place].append(f"{place}/{name}/{i:02d}.png,{name},{'val' if place == 'val' else 'train'}")
    for name in ("first", "second"):
        text = "\n".join(["image,label,split", *rows[name], *rows["val"]])
        (tmp_path / "set" / f"{name}.csv").write_text(text)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def run(home: Path, *more: str) -> int:
    command = ["run", home / "study.yaml", "--out", home / "out", "--data", f"set={home / 'set'}", "--threads", 1]
    return exit_code(lambda: app([*map(str, command), *more], standalone_mode=False))


def records(home: Path) -> list[ROW]:
    return [json.loads(line) for line in (home / "out/study/findings.jsonl").read_text().splitlines()]


def finished(home: Path) -> int:
    return len(list(home.glob("out/runs/*/DONE.json")))


def at(monkeypatch, epoch: int, act) -> None:
    """Do something once, at the end of an epoch of the baseline."""
    told, done = Screen.epoch, []

    def watched(self, arm, run, number, seconds):
        told(self, arm, run, number, seconds)
        if (arm, number) == ("baseline", epoch) and not done:
            done.append(act())

    monkeypatch.setattr(Screen, "epoch", watched)


FAULTS = {
    "changed": (lambda path: picture(9999).save(path), "DATA_CHANGED"),
    "one bit": (
        lambda path: path.write_bytes(bytes([*path.read_bytes()[:-1], path.read_bytes()[-1] ^ 1])),
        "DATA_CHANGED",
    ),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:100]), "DATA_CHANGED"),
    "removed": (lambda path: path.unlink(), "FILE_MISSING"),
    "replaced by a folder": (lambda path: (path.unlink(), path.mkdir()), "FILE_NOT_REGULAR"),
    "replaced by a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "FILE_NOT_REGULAR"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_changes_during_epoch_2_fails_the_runs_on_it(home, monkeypatch, capsys, fault):
    act, code = FAULTS[fault]
    at(monkeypatch, 2, lambda: act(home / "set/first/ant/03.png"))
    assert run(home) == 4
    said = capsys.readouterr().err
    assert f"error[{code}]: first/ant/03.png: " in said and "baseline, seed 0 failed" in said
    assert "Traceback" not in said and finished(home) == 1 and (home / "out/study/report.html").exists()
    assert [(r["code"], r["severity"], r["path"]) for r in records(home)] == [(code, "error", "first/ant/03.png")]


def test_the_run_goes_on_where_the_file_is_put_back(home, monkeypatch, capsys):
    path = home / "set/first/bee/00.png"
    content = path.read_bytes()
    at(monkeypatch, 2, lambda: path.write_bytes(b"other"))
    assert run(home) == 4
    assert run(home) == 7  # changed between two commands
    said = capsys.readouterr().err
    assert "error[DATA_CHANGED]: first/bee/00.png: " in said and finished(home) == 1
    assert records(home)[0]["path"] == "first/bee/00.png" and "put the data back" in records(home)[0]["fix"]
    path.write_bytes(content)
    assert run(home) == 0 and finished(home) == 2
    assert "1 run to train, 1 are there already" in capsys.readouterr().err


def test_a_file_that_is_only_touched_or_written_again_changes_nothing(home, monkeypatch):
    path = home / "set/first/ant/03.png"

    def act():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        os.utime(path, (0, 0))

    at(monkeypatch, 2, act)
    assert run(home) == 0 and finished(home) == 2


def test_it_is_seen_without_a_map_of_decoded_images_too(home, monkeypatch, capsys):
    monkeypatch.setattr("paribus.views.KEEP", 0)  # every use decodes the file again
    at(monkeypatch, 1, lambda: picture(9999).save(home / "set/first/ant/03.png"))
    assert run(home, "--prepared", "0") == 4
    assert "error[DATA_CHANGED]: first/ant/03.png: " in capsys.readouterr().err and finished(home) == 1


def test_a_change_between_the_scan_and_the_first_run_is_seen(home, monkeypatch, capsys):
    planned = Screen.planned

    def act(self, missing, done):
        planned(self, missing, done)
        picture(9999).save(home / "set/first/ant/03.png")

    monkeypatch.setattr(Screen, "planned", act)
    assert run(home) == 4 and finished(home) == 1
    assert "error[DATA_CHANGED]: first/ant/03.png: " in capsys.readouterr().err
    # nothing was trained on the new content: the map was not made
    assert len(list(home.glob("out/prepared/*/index.json"))) == 1


def test_what_is_trained_on_is_what_was_scanned(home):
    """The map of decoded images, bit for bit: its pixels hash to what the scan recorded of the files."""
    from paribus.images import hash_pixels
    from paribus.prepared import _opened

    assert run(home) == 0
    lock = json.loads((home / "out/study/data.lock.json").read_bytes())
    expected = {row["path"]: row["pixels"] for row in lock["files"]}
    seen = []
    for folder in home.glob("out/prepared/*"):
        found = _opened(folder)
        hashes = {}
        for name, (offset, height, width) in found.images.items():
            hashes[name] = hash_pixels(found.pixels[offset : offset + height * width * 3].reshape(height, width, 3))
        seen.append(hashes)
    assert expected in seen and len(seen) == 2


def test_the_lock_knows_every_file(home):
    assert run(home) == 0
    (row, *_) = json.loads((home / "out/study/data.lock.json").read_bytes())["files"]
    content = (home / "set" / row["path"]).read_bytes()
    assert row["sha256"] == hashlib.sha256(content).hexdigest() and row["bytes"] == len(content)
    assert (row["width"], row["height"], row["label"], row["split"]) == (12, 10, "ant", "train")
    assert len(row["pixels"]) == 64


def test_no_source_is_ever_written_to(home):
    (home / "set/first/ant/empty.png").write_bytes(b"")  # something to complain about
    shutil.copy(home / "set/first/ant/01.png", home / "set/first/ant/twin.png")
    with (home / "set/first.csv").open("a") as table:
        table.write("\nfirst/ant/empty.png,ant,train\nfirst/ant/twin.png,ant,train")
    before = files_of(home / "set")
    assert run(home) == 0 and run(home) == 0
    assert files_of(home / "set") == before
    assert {r["code"]: r["severity"] for r in records(home)} == {
        "IMG_EMPTY_FILE": "left_out",
        "DATA_DUPLICATE": "warning",
    }
