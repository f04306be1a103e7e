"""Promises that no other test of faults shows: a moved folder goes on, leaks are shown with their effect, no forks."""

import ast
import json
import shutil
from pathlib import Path

import numpy as np
import small_study
from PIL import Image

import paribus
from paribus.store import Store


def results(study):
    """Every file of the finished runs but those that tell of the clock."""
    runs = small_study.contents(study.parent / "out" / "runs")
    return {name: content for name, content in runs.items() if not name.endswith(("timing.json", "DONE.json"))}


def test_a_folder_that_was_moved_between_kill_and_start_goes_on_bit_for_bit(tmp_path):
    whole, study = small_study.placed(tmp_path / "whole"), small_study.placed(tmp_path / "first")
    assert small_study.run(whole).code == 0
    small_study.stopped(study, before_epoch=3)
    (tmp_path / "other place").mkdir()
    moved = shutil.move(tmp_path / "first", tmp_path / "other place" / "second")
    said = small_study.run(moved / study.name)
    assert said.code == 0, said
    assert results(moved / study.name) == results(whole) != {}
    texts = [content for content in small_study.contents(moved / "out").values() if b"\0" not in content[:200]]
    assert texts and not any(str(tmp_path).encode() in text for text in texts)  # no path of where it once was


def test_what_leaks_do_to_the_scores_is_shown_with_the_pictures(tmp_path):
    study = small_study.placed(tmp_path)
    study.write_text(study.read_text() + "on_leak: drop_train\n")
    shutil.copy(tmp_path / "dots/val/dark/0.png", tmp_path / "dots/train/dark/copy.png")
    near = np.asarray(Image.open(tmp_path / "dots/val/bright/1.png")) + np.uint8(1)
    Image.fromarray(near).save(tmp_path / "dots/train/bright/near.png")
    assert small_study.run(study).code == 0

    (report,) = (tmp_path / "out").glob("*/report.json")
    leaks = json.loads(report.read_bytes())["leaks"]
    assert (leaks["split"], leaks["images"], leaks["suspected"], leaks["dropped"]) == ("val", 12, 2, 1)
    assert {(pair["first"], pair["second"]) for pair in leaks["pairs"]} == {
        ("train/dark/copy.png", "val/dark/0.png"),
        ("train/bright/near.png", "val/bright/1.png"),
    }
    store = Store(tmp_path / "out" / "runs")
    arms = {arm["name"]: arm["runs"] for arm in json.loads((report.parent / "study.lock.json").read_bytes())["arms"]}
    for row in leaks["arms"]:
        records = [store.load(run).evidence["val"] for run in arms[row["name"]]]
        right = np.array([each.logits[-1].argmax(1) == each.targets for each in records])
        kept = [name not in ("val/dark/0.png", "val/bright/1.png") for name in records[0].image_ids]
        assert np.isclose(row["all"], right.mean()) and np.isclose(row["without"], right[:, kept].mean())
        assert np.isclose(row["change"], row["without"] - row["all"])
    page = (report.parent / "report.html").read_text()
    section = page[page.index('<section id="leaks">') :].partition("</section>")[0]
    assert section.count("data:image/jpeg") == 3  # of the copy that was left out there is no second picture
    assert "2 of the 12 val images have a twin in another split" in section


def test_no_process_is_ever_forked():
    """A fork after torch has computed in parallel hangs: new processes are started from nothing."""
    asked = []
    for path in sorted(Path(paribus.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            names += [f"{node.module}"] if isinstance(node, ast.ImportFrom) else []
            names += [node.attr] if isinstance(node, ast.Attribute) else []
            asked += [(path.name, n) for n in names if n in ("fork", "forkpty", "ProcessPoolExecutor")]
            asked += [(path.name, n) for n in names if n.split(".")[0] == "multiprocessing"]
            asked += [
                (path.name, k.arg) for k in getattr(node, "keywords", []) if k.arg in ("num_workers", "preexec_fn")
            ]
    assert asked == []
