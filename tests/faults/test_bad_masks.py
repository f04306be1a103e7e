"""Data sets with masks that have one fault each, through the command line: exit codes, messages, what is left behind.

The corpus is made by a generator that lies beside the development data; without it these tests are skipped.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paribus.cli import _exit_code, app

STUDY = """
title: "Disks and boxes"
metric: mean_iou
seeds: 1
split: val
baseline:
  data: {use: masks, root: shapes, classes: [background, disc, box]}
  model: {use: fcn, backbone: resnet10t, skips: [], width: 4}
  input: {size: 16, normalize: imagenet}
  epochs: 1
  batch_size: 4
"""
ACCEPTED = ("accept", "accept_warn", "accept_normalised", "reject_file", "ignore")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    data = os.environ.get("PARIBUS_DATA")
    generator = Path(data).parent / "bad_inputs.py" if data else None
    if generator is None or not generator.is_file():
        pytest.skip("PARIBUS_DATA is not set, or no bad_inputs.py lies beside it")
    target = tmp_path_factory.mktemp("corpus") / "bad"
    subprocess.run([sys.executable, str(generator), str(target), "--no-big"], check=True, capture_output=True)
    return target


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def run(study: Path, root: Path, name: str = "study") -> int:
    """The exit code of the study under another name: its runs are shared, its data are not."""
    study, out = study.with_name(f"{name}.yaml"), study.parent / "out"
    study.write_text(STUDY)
    arguments = ["run", study, "--out", out, "--data", f"shapes={root}", "--threads", 1, "--pictures", "none"]
    return _exit_code(lambda: app([str(a) for a in arguments], standalone_mode=False))


def files(root: Path) -> dict[str, tuple[str, int]]:
    """Hash and time of every file."""
    return {
        str(path.relative_to(root)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def cases(corpus: Path, *outcomes: str) -> list[dict]:
    manifest = json.loads((corpus / "manifest.json").read_text())
    return [case for case in manifest["cases"] if case["task"] == "seg" and case["outcome"] in outcomes]


def in_use(study: Path, case: dict) -> int:
    """How many images a study trained on or scored."""
    return len(json.loads((study.parent / "out" / case["id"] / "data.lock.json").read_text())["files"])


def wrong(case: dict, said: str) -> list[str]:
    """What of a case's code and names is not in a message, and what must not be in one."""
    missing = [text for text in [case.get("code", ""), *case["must_name"]] if text not in said]
    return missing + ["Traceback"] * ("Traceback" in said)


def test_what_is_refused_ends_with_3_before_any_training(corpus, study, capsys):
    found = {}
    refused = cases(corpus, "refuse_dataset")
    for case in refused:
        before = files(corpus / case["root"])
        code = run(study, corpus / case["root"], case["id"])
        said = capsys.readouterr().err
        if code != 3 or wrong(case, said) or files(corpus / case["root"]) != before:
            found[case["id"]] = (code, wrong(case, said), said)
        assert not list(study.parent.glob("out/runs/*"))
    assert len(refused) >= 7 and found == {}


def test_what_is_used_or_left_out_by_name_is_trained_on(corpus, study, capsys):
    found = {}
    used = cases(corpus, *ACCEPTED)
    for case in used:
        before = files(corpus / case["root"])
        code = run(study, corpus / case["root"], case["id"])
        said = capsys.readouterr().err
        usable = in_use(study, case) if code == 0 else 0
        if usable != case["usable"] or wrong(case, said) or files(corpus / case["root"]) != before:
            found[case["id"]] = (code, usable, wrong(case, said), said)
    assert len(used) > 30 and found == {}


def test_a_folder_of_all_faults_is_refused_with_names(corpus, study, capsys):
    assert run(study, corpus / "mixed/seg") == 3
    said = capsys.readouterr().err
    assert "DATA_TOO_MANY_REJECTED" in said and "Traceback" not in said
    assert said.count("SEG_") > 5 and "and 12 more" in said
    assert not list(study.parent.glob("out/runs/*"))


def test_without_faults_nothing_is_said(corpus, study, capsys):
    assert run(study, corpus / "clean/seg") == 0
    said = capsys.readouterr().err
    assert not any(word in said for word in ("left out", "warning", "error"))
