"""Folders that came from elsewhere: what lies in them is read with limits, and nothing of anybody else's is touched."""

import os
import subprocess
from pathlib import Path

import pytest
import small_study
from PIL import Image

from paribus import boxes, datasets, regular
from paribus.compare import reading
from paribus.errors import DataError, IntegrityError
from paribus.locks import lock
from paribus.scan import scan

SPARSE = 6 << 30  # bytes


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 12), tuple(len(path.name) * k % 255 for k in (7, 11, 13))).save(path)


def sparse(path):
    with path.open("wb") as file:
        file.truncate(SPARSE)


def endless_line(path):
    path.write_text("a" * (regular.LONGEST_LINE + 5))


def link_to_zeros(path):
    path.symlink_to("/dev/zero")


TEXTS = {
    "a pipe": (os.mkfifo, "no regular file|there is no such file|is no file"),
    "6 GiB of nothing": (sparse, "has 6442450944 bytes, more than|6.4 GB"),
    "an endless line": (endless_line, "a line of more than 1048576 characters"),
    "a link to a device": (link_to_zeros, "leads out of the data folder|no regular file|is no file"),
    "a folder": (Path.mkdir, "no regular file|there is no such file|is no file"),
    "UTF-16": (lambda path: path.write_text("image,label\na.png,x\n", encoding="utf-16"), "UTF-8"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_table_beside_the_data_is_read_with_limits(tmp_path, kind):
    make, words = TEXTS[kind]
    make(tmp_path / "manifest.csv")
    with pytest.raises(DataError, match=words):
        datasets.csv(tmp_path)


@pytest.mark.parametrize("kind", TEXTS)
def test_boxes_that_lie_beside_the_data_are_read_with_limits(tmp_path, kind):
    make, words = TEXTS[kind]
    make(tmp_path / "boxes.csv")
    with pytest.raises(DataError, match=words):
        boxes.found_in(scan(datasets.faces(n=4, n_val=2, size=32)), tmp_path)


@pytest.mark.parametrize("kind", TEXTS)
def test_predictions_are_read_with_limits(tmp_path, kind):
    make, words = TEXTS[kind]
    make(tmp_path / "p.csv")
    with pytest.raises(DataError, match=words):
        reading.read([tmp_path / "p.csv"])


@pytest.mark.parametrize("kind", [name for name in TEXTS if name not in ("a pipe", "a folder")])
def test_lists_of_camvid_are_read_with_limits(tmp_path, kind):
    for split in ("train", "val"):
        for folder in (split, f"{split}annot"):
            picture(tmp_path / folder / "0001TP_1.png")
    make, words = TEXTS[kind]
    make(tmp_path / "train.txt")
    if kind == "a link to a device":  # no regular file: as if it were not there
        assert len(datasets.camvid(tmp_path).items) == 2
        return
    with pytest.raises(DataError, match=words):
        datasets.camvid(tmp_path)


def test_folders_as_deep_as_the_system_allows(tmp_path):
    for split in ("train", "val"):
        for name in ("dark", "bright"):
            picture(tmp_path / split / name / "0.png")
    inner = os.open(tmp_path / "train/dark", os.O_RDONLY)
    for _ in range(1100):  # deeper than Python may call itself
        os.mkdir("d", dir_fd=inner)
        outer, inner = inner, os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)
    picture(tmp_path / "train/dark/d/d/1.png")
    try:
        found = [item.id for item in datasets.folder(tmp_path).items]
    finally:
        subprocess.run(["rm", "-r", tmp_path / "train/dark/d"], check=True)  # Python itself could not
    assert len(found) == 5 and "train/dark/d/d/1.png" in found


def test_a_lock_that_is_a_link_leaves_alone_where_it_leads(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/LOCK").symlink_to(precious)
    with pytest.raises(IntegrityError, match=r"FOLDER_LINK.*runs/LOCK: is a link.*Fix: rm "), lock(tmp_path / "runs"):
        pass
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("linked", ["study", "runs", "runs/0123.partial", "study/pictures"])
def test_nothing_is_written_where_links_lead(tmp_path, linked):
    study = small_study.placed(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = study.parent / "out" / linked
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere)
    said = small_study.run(study)
    assert said.code == 7 and f"{place.name}: is a link" in said.err
    assert list(elsewhere.iterdir()) == []


FOREIGN = ("runs/exp.v2/weights.pt", "runs/Jan01_host.local/events", "runs/x.final/y", "runs/.a.removed/y")
DATA = ("prepared/train/cat/1.jpg", "prepared/.cache.bak/1.jpg")


def test_folders_of_others_are_no_leftovers(tmp_path):
    study = small_study.placed(tmp_path / "home")
    out = study.parent / "out"
    for name in FOREIGN + DATA:
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text("mine")
    leftovers = [out / "runs" / f"{'0a' * 10}.partial", out / "prepared" / ("0b" * 10)]
    for folder in leftovers:
        folder.mkdir()
    assert small_study.run(study, "--max-runs", 1).code == 0
    assert small_study.command("status", out).code == 0
    said = small_study.command("clean", out, "--yes")
    assert said.code == 0 and "removed runs/0a0a" in said.out and "removed prepared/0b0b" in said.out
    assert all((out / name).read_text() == "mine" for name in FOREIGN + DATA)
    assert not any(folder.exists() for folder in leftovers)


@pytest.mark.parametrize("command", ["scan", "crops", "report", "check", "compare"])
def test_a_path_longer_than_any_is_no_defect_and_no_page_of_text(command):
    words = ("data", "scan") if command == "scan" else (command,)
    said = small_study.command(*words, "/".join(["a" * 200] * 30))
    assert said.code in (2, 3), said
    (line,) = said.err.splitlines()
    assert line.startswith("error[") and "too long" in line and len(line) < 2000


def test_data_of_a_name_that_the_study_does_not_know(tmp_path):
    study = small_study.placed(tmp_path / "home")
    said = small_study.run(study, "--data", "dost=x")
    assert said.code == 2 and "--data: Unknown data 'dost'. Did you mean 'dots'?" in said.err
    said = small_study.run(study, "--data", "dots=x", "--data", "dots=y")
    assert said.code == 2 and "--data dots is given twice: x and y" in said.err
