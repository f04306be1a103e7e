"""Every exit code through the real command line, in a process of its own, and the form of every message."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paribus import sealed

ROOT = Path(__file__).parents[2]
MESSAGE = re.compile(r"error\[[A-Z0-9_]+\]: [ -~]+[.:]( Fix: [ -~]+)?")  # one line of ASCII: all names here are
STUDY = """\
seeds: 1
baseline: {data: {use: faces, n: 8, n_val: 4, n_test: 4, size: 32}, model: small_cnn, input: {size: 32}, epochs: 1}
arms: {broken: {loss: "mine:broken"}}
"""
MODULE = """
def broken(counts, *, scale: float = 1.0):
    '''A loss that fails in its first step.'''
    def loss(logits, targets):
        raise ValueError("no loss today")
    return loss
"""
SLEEPING = "import time; print('ready', flush=True); time.sleep(120)"
DEFECT = "import paribus.listing\nparibus.listing.lines = lambda kind: 1 / 0 if kind == 'models' else []\n"


def start(folder, *arguments):
    command = [sys.executable, "-m", "paribus.cli", *map(str, arguments)]
    places = os.pathsep.join([str(folder), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(folder, *arguments):
    """(exit code, lines on stderr); fails on a traceback."""
    child = start(folder, *arguments)
    _, said = child.communicate(timeout=300)
    assert "Traceback" not in said
    return child.returncode, said.splitlines()


def predictions(folder):
    rows = [f"i{i},{'ab'[i % 2]},{arm},{s},a" for arm in ("one", "two") for s in (0, 1) for i in range(9)]
    (folder / "p.csv").write_text("\n".join(["image,target,arm,seed,prediction", *rows]) + "\n")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "slow.py").write_text(SLEEPING)
    predictions(tmp_path)
    return tmp_path


def test_0_done(folder):
    assert ended(folder, "check", "study.yaml", "--plugin", "mine") == (0, [])


def test_1_a_defect_is_one_line_and_a_trace_in_a_file(folder):
    (folder / "sitecustomize.py").write_text(DEFECT)
    code, lines = ended(folder, "list", "models")
    assert code == 1 and len(lines) == 1 and MESSAGE.fullmatch(lines[0]), lines
    assert lines[0].startswith("error[DEFECT]: ZeroDivisionError: division by zero.")
    (trace,) = folder.glob("crash-*.txt")
    assert trace.name in lines[0] and "Traceback" in trace.read_text() and "1 / 0" in trace.read_text()


def test_6_too_little_memory_whoever_says_it(folder):
    lack = DEFECT.replace("1 / 0", """(_ for _ in ()).throw(RuntimeError("can't start new thread"))""")
    (folder / "sitecustomize.py").write_text(lack)
    code, lines = ended(folder, "list", "models")
    assert code == 6 and len(lines) == 1 and lines[0].startswith("error[ENV_MEMORY]: "), lines
    assert not list(folder.glob("crash-*.txt"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "none.yaml"), "error[STUDY_NOT_FOUND]: none.yaml: "),
        (("check", "a\x1b[31m\nb.yaml"), r"error[STUDY_NOT_FOUND]: a\x1b[31m\nb.yaml: "),
        (("check", "study.yaml"), "error[STUDY]: study.yaml:3: "),
        (("run", "study.yaml", "--frobnicate"), "error[USAGE]: No such option: --frobnicate"),
        (("frobnicate",), "error[USAGE]: No such command"),
    ],
)
def test_2_usage_and_study_file(folder, arguments, words):
    code, lines = ended(folder, *arguments)
    assert code == 2 and len(lines) == 1 and lines[0].startswith(words) and MESSAGE.fullmatch(lines[0]), lines


def test_3_data(folder):
    code, lines = ended(folder, "data", "scan", "none")
    assert code == 3 and len(lines) == 1 and "DATA_NOT_FOUND" in lines[0] and MESSAGE.fullmatch(lines[0]), lines


def test_4_some_runs_failed_and_the_others_are_complete(folder):
    code, lines = ended(folder, "run", "study.yaml", "--plugin", "mine", "--threads", 1, "--pictures", "none")
    errors = [line for line in lines if line.startswith("error")]
    assert code == 4 and len(errors) == 1 and MESSAGE.fullmatch(errors[0]), lines
    assert errors[0].startswith("error[RUN_FAILED]: broken, seed 0: ") and "no loss today" in errors[0]
    report = json.loads((folder / "paribus-out" / "study" / "report.json").read_text())
    assert {arm["name"]: len(arm["runs"]) for arm in report["arms"]} == {"baseline": 1, "broken": 0}


def test_5_locked(folder):
    (folder / "out" / "runs").mkdir(parents=True)
    with (folder / "out" / "runs" / "LOCK").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("4711")
        held.flush()
        code, lines = ended(folder, "clean", "out")
    assert code == 5 and len(lines) == 1 and "error[LOCKED]: " in lines[0] and "4711" in lines[0], lines
    assert MESSAGE.fullmatch(lines[0])


def test_6_environment(folder):
    (folder / "file").write_text("not a folder")
    code, lines = ended(folder, "compare", "p.csv", "--out", "file/out")
    assert code == 6 and len(lines) == 1 and "error[ENV_" in lines[0] and MESSAGE.fullmatch(lines[0]), lines
    assert sorted(p.name for p in folder.iterdir()) == ["file", "mine.py", "p.csv", "slow.py", "study.yaml"]


def test_7_integrity(folder):
    (folder / "out" / "study").mkdir(parents=True)
    sealed.write(folder / "out" / "study" / "study.lock.json", {"format": 1}, "another.json")
    code, lines = ended(folder, "report", "out")
    assert code == 7 and len(lines) == 1 and MESSAGE.fullmatch(lines[0]), lines
    assert lines[0].startswith("error[LOCK_DAMAGED]: out/study/study.lock.json: is not what was written here: ")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_130_and_143_signals(folder, number, code):
    (folder / "study.yaml").write_text(STUDY.replace("mine:broken", "slow:loss"))
    child = start(folder, "check", "study.yaml", "--plugin", "slow")
    assert child.stdout.readline() == "ready\n"
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == code and "Traceback" not in said and said.count("\n") == 1
