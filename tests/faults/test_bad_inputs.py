"""Data sets that have one fault each, through the command line: exit codes, messages, what is used and left behind.

The corpus is made by a generator that lies beside the development data; without it these tests are skipped. Its
manifest says of each case what a good system does with it.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from untouched import files_of

from paribus.cli import app, exit_code
from paribus.datasets import folder, masks

HOME = Path(__file__).parents[2]
STUDY = {
    "cls": """
title: Shapes
metric: accuracy
seeds: 1
split: val
baseline:
  data: {use: folder, root: shapes}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 16}
  epochs: 1
  batch_size: 8
""",
    "seg": """
title: Disks and boxes
metric: mean_iou
seeds: 1
split: val
baseline:
  data: {use: masks, root: shapes, classes: [background, disc, box]}
  model: {use: fcn, backbone: resnet10t, skips: [], width: 4}
  input: {size: 16, normalize: imagenet}
  epochs: 1
  batch_size: 4
""",
}
SILENT = ("accept", "ignore")
# Opened carelessly these hang, fill the memory or start another program: they get a process of their own.
DANGEROUS = ("cls-fifo", "cls-socket", "cls-sparse-6gib", "cls-bomb-", "cls-png-text-bomb", "cls-eps-named-jpg")
# Damage that decodes can be seen by a hash that was recorded before, and by nothing else: the next test but one.
UNSEEN = ("cls-jpeg-bitrot",)
TRAINED_ON = (  # one for each way in which a case is used
    "cls-jpeg-cut-half",
    "cls-cmyk",
    "cls-name-newline",
    "cls-name-not-utf8",
    "cls-set-duplicate",
    "cls-set-html-class",
    "cls-symlink-dir-loop",
    "seg-mask-palette",
    "seg-mask-all-void",
    "seg-exif-turned-mask",
    "seg-name-html",
    "seg-size-half",
    "seg-set-absent-class",
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    data = os.environ.get("PARIBUS_DATA")
    generator = Path(data).parent / "bad_inputs.py" if data else None
    if generator is None or not generator.is_file():
        pytest.skip("PARIBUS_DATA is not set, or no bad_inputs.py lies beside it")
    target = tmp_path_factory.mktemp("corpus") / "bad"
    subprocess.run([sys.executable, str(generator), str(target)], check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def cases(corpus):
    found = json.loads((corpus / "manifest.json").read_text())["cases"]
    return found if os.geteuid() else [case for case in found if "not-root" not in case.get("needs", ())]


def study(out: Path, task: str, name: str = "study") -> Path:
    path = out / f"{name}.yaml"
    path.write_text(STUDY[task])
    return path


def scanned(out: Path, root: Path, task: str) -> list[str]:
    """The command that looks at a set; sets of masks need a study that says what the values mean."""
    return ["data", "scan", str(root)] if task == "cls" else ["data", "scan", *bound(out, root, task)]


def bound(out: Path, root: Path, task: str, name: str = "study") -> list[str]:
    return [str(study(out, task, name)), "--out", str(out / "out"), "--data", f"shapes={root}"]


def trained(out: Path, root: Path, task: str, name: str = "study") -> list[str]:
    return ["run", *bound(out, root, task, name), "--threads", "1", "--pictures", "none"]


def here(command: list[str]) -> int:
    return exit_code(lambda: app(command, standalone_mode=False))


def apart(command: list[str], before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """The command in a process that may have 2 GiB and compute for 30 s. before: another command that starts it."""

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (30, 30))

    arguments = [*before, sys.executable, "-m", "paribus.cli", *command]
    home = {**os.environ, "PYTHONPATH": str(HOME)}
    return subprocess.run(
        arguments, env=home, capture_output=True, text=True, timeout=120, check=False, preexec_fn=limited
    )


def faults(case: dict, code: int, out: str, err: str) -> list[str]:
    """How a command's end differs from what the manifest asks for."""
    said = out + err
    expected = 3 if case["outcome"] == "refuse_dataset" else 0
    found = [f"exit {code}"] * (code != expected) + ["Traceback"] * ("Traceback" in said)
    found += [f"lacks {text!r}" for text in [case.get("code", ""), *case["must_name"]] if text not in said]
    levels = ("left out[", "warning[", "error[")
    if case["outcome"] in SILENT:
        found += [line for line in said.splitlines() if line.startswith(levels)]
    if code == 0 and out.split(" ", 1)[0] != str(case["usable"]):
        found.append(f"{out.split(' ', 1)[0]} usable, not {case['usable']}")
    if any(not c.isprintable() and c != "\n" for c in said):
        found.append("a control character")
    return found


# ------------------------------------------------------------------------------------------ every case


@pytest.mark.parametrize(("task", "least"), [("cls", 90), ("seg", 40)])
def test_every_case_ends_as_the_manifest_says(corpus, cases, tmp_path, capsys, task, least):
    mine = [case for case in cases if case["task"] == task and not case["id"].startswith((*DANGEROUS, *UNSEEN))]
    wrong = {}
    for case in mine:
        root = corpus / case["root"]
        before = files_of(root)
        refused = case["outcome"] == "refuse_dataset"
        code = here((trained if refused else scanned)(tmp_path, root, task))
        out, err = capsys.readouterr()
        found = faults(case, code, out, err) + ["a source changed"] * (files_of(root) != before)
        found += ["a run folder"] * any(tmp_path.glob("out/runs/*"))
        if found:
            wrong[case["id"]] = (found, out + err)
    assert len(mine) > least and wrong == {}


def test_dangerous_files_are_named_in_little_time_and_memory(corpus, cases, tmp_path):
    mine = [case for case in cases if case["id"].startswith(DANGEROUS)]
    wrong = {}
    for case in mine:
        done = apart(scanned(tmp_path, corpus / case["root"], "cls"))
        if found := faults(case, done.returncode, done.stdout, done.stderr):
            wrong[case["id"]] = (found, done.stdout + done.stderr)
    assert len(mine) >= 8 and wrong == {}


def test_a_file_that_may_not_be_read_is_named(corpus, tmp_path):
    """The superuser may read everything, unless this is taken away."""
    less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if less and subprocess.run([*less, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may read every file")
    (case,) = (c for c in json.loads((corpus / "manifest.json").read_text())["cases"] if c["id"] == "cls-unreadable")
    done = apart(scanned(tmp_path, corpus / case["root"], "cls"), less)
    assert faults(case, done.returncode, done.stdout, done.stderr) == [], done.stdout + done.stderr


def test_damage_that_decodes_is_seen_by_the_hash_of_an_earlier_scan(corpus, cases, tmp_path, capsys):
    (case,) = (case for case in cases if case["id"] in UNSEEN)
    root = tmp_path / "set"
    shutil.copytree(corpus / case["root"], root)
    damaged = (root / "circle/rot.jpg").read_bytes()
    assert here(scanned(tmp_path, root, "cls")) == 0 and capsys.readouterr().out.startswith("19 images")
    whole = (corpus / "cases/cls-jpeg-ext/circle/photo.jpeg").read_bytes()
    (root / "circle/rot.jpg").write_bytes(whole)
    assert here(trained(tmp_path, root, "cls")) == 0
    (root / "circle/rot.jpg").write_bytes(damaged)
    assert here(trained(tmp_path, root, "cls")) == 7
    said = capsys.readouterr().err
    assert "error[DATA_CHANGED]: circle/rot.jpg" in said
    assert len([p for p in tmp_path.glob("out/runs/*") if p.is_dir()]) == 1  # what was trained is kept
    (root / "circle/rot.jpg").write_bytes(whole)
    assert here(trained(tmp_path, root, "cls")) == 0 and "nothing to train" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------ trained on


def test_what_is_used_is_trained_on(corpus, cases, tmp_path, capsys):
    mine = [case for case in cases if case["id"] in TRAINED_ON]
    wrong = {}
    for case in mine:
        root = corpus / case["root"]
        before = files_of(root)
        code = here(trained(tmp_path, root, case["task"], case["id"]))
        said = capsys.readouterr().err
        home = tmp_path / "out" / case["id"]
        found = [f"exit {code}"] * (code != 0) + ["a source changed"] * (files_of(root) != before)
        if code == 0:
            lock = json.loads((home / "data.lock.json").read_bytes())
            found += [f"{len(lock['files'])} in use"] * (len(lock["files"]) != case["usable"])
            found += _findings(home, case, said)
        if found:
            wrong[case["id"]] = (found, said)
    assert len(mine) == len(TRAINED_ON) and wrong == {}


def _findings(home: Path, case: dict, said: str) -> list[str]:
    """What is missing in the records, which say what the lines said and keep names byte for byte."""
    records = [json.loads(line) for line in (home / "findings.jsonl").read_text("utf-8").splitlines()]
    found = [f"no record of {code}" for code in {case.get("code")} - {None, *(record["code"] for record in records)}]
    if case["outcome"] in SILENT:
        found += [f"a record {record}" for record in records]
    if case["outcome"] == "reject_file":
        named = {record.get("path_hex", record["path"].encode().hex()) for record in records}
        ids = {os.fsencode(f["path"]).hex() if "path" in f else f["path_hex"] for f in case["files"]}
        found += ["no record names the file"] * (not named & ids)
    if case["outcome"] == "accept" and "html" not in case["id"]:
        lock = json.loads((home / "data.lock.json").read_bytes())
        found += [
            f"{f['path']!r} not in use" for f in case["files"] if f["path"] not in {r["path"] for r in lock["files"]}
        ]
    return found


@pytest.mark.parametrize("task", ["cls", "seg"])
def test_a_folder_of_all_faults_is_refused_with_names(corpus, tmp_path, capsys, task):
    assert here(trained(tmp_path, corpus / f"mixed/{task}", task)) == 3
    said = capsys.readouterr().err
    assert "DATA_TOO_MANY_REJECTED" in said and "Traceback" not in said
    records = [json.loads(line) for line in (tmp_path / "out/study/findings.jsonl").read_text().splitlines()]
    kinds = {record["code"] for record in records}
    assert len(kinds) > 10 and len(records) > 20 and all(code in said for code in kinds)
    assert {record["severity"] for record in records} == {"error"}
    assert not list(tmp_path.glob("out/runs/*")) and not list(tmp_path.glob("out/study/*.json"))


@pytest.mark.parametrize("task", ["cls", "seg"])
def test_without_faults_nothing_is_said(corpus, tmp_path, capsys, task):
    assert here(trained(tmp_path, corpus / f"clean/{task}", task)) == 0
    said = capsys.readouterr().err
    assert not any(word in said for word in ("left out", "warning", "error"))
    assert (tmp_path / "out/study/findings.jsonl").read_bytes() == b""


# ------------------------------------------------------------------------------------------ pixels


def test_the_pixels_are_those_of_the_manifest(corpus, cases):
    mine = [case for case in cases if "expect" in case]
    wrong = [case["id"] for case in mine if not as_expected(case, corpus / case["root"])]
    assert len(mine) > 40 and wrong == []


def as_expected(case: dict, root: Path) -> bool:
    expect = case["expect"]
    data = folder(root) if case["task"] == "cls" else masks(root, classes=["background", "disc", "box"])
    if "classes" in expect:
        return list(data.classes) == expect["classes"]
    named = [item for item in data.items if item.id in [f.get("path") for f in case["files"]]]
    right = [bool(named)]
    for pixels in map(data.masks or data.load, named):
        right += [list(pixels.shape[1::-1]) == expect["size"]]
        if "unique" in expect:
            right.append(np.unique(pixels).tolist() == expect["unique"])
        if "mean_rgb" in expect:
            right.append(bool(np.abs(pixels.mean((0, 1)) - expect["mean_rgb"]).max() <= expect["tol"]))
        if "min_distinct_levels" in expect:
            right.append(len(np.unique(pixels)) >= expect["min_distinct_levels"])
    return all(right)
