"""Decoding in confined processes: a file that crashes, hangs or eats memory costs itself and nothing else."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paribus import images
from paribus.errors import MachineError
from paribus.images import ImageProblem
from paribus.labels import Space
from paribus.maskfile import Coding, coding
from paribus.scan.reading import Files, look
from paribus.scan.sandbox import Limits, Sandbox

# What the decoder in the process does instead, by the name of the image. Read when its Python starts.
HOSTILE = """
import os, signal, sys
from paribus import images
decode = images.decode_bytes
def hostile(data, name):
    if name == "hang":
        while True: pass
    if name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "eat":
        bytearray(8 << 30)
    if name == "once":
        try:
            os.mkdir({marker!r})
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    if name == "write":
        os.write(os.open({written!r}, os.O_WRONLY), b"x")
    if name == "talk":
        os.write(1, b"noise"); os.write(2, b"noise"); print("noise", flush=True)
    return decode(data, name)
images.decode_bytes = hostile
"""


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def hostile(tmp_path, monkeypatch, picture):
    (tmp_path / "site").mkdir()
    code = HOSTILE.format(marker=str(tmp_path / "marker"), written=str(picture))
    (tmp_path / "site" / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def problem(sandbox: Sandbox, path: Path, name: str):
    with pytest.raises(ImageProblem) as caught:
        sandbox.look(Files(name, path))
    return caught.value.problem


def running(sandbox: Sandbox) -> list[int]:
    return [child._process.pid for child in sandbox._all if child._process.poll() is None]


def test_it_finds_what_is_found_here(picture, tmp_path):
    Image.fromarray(np.eye(10, 12, dtype=np.uint8)).save(tmp_path / "mask.png")
    code = coding(Space(("no", "yes"), ((0, 0, 0), (9, 9, 9))), colours={(0, 0, 0): 0, (1, 1, 1): 1}, void=[255])
    assert Coding.from_plain(json.loads(json.dumps(code.plain()))) == code
    files = Files("a", picture, "mask.png", tmp_path / "mask.png")
    with Sandbox(code) as sandbox:
        assert sandbox.look(files) == look(files, code) and look(files, code).mask.pixels == (110, 10)
    with Sandbox() as sandbox:
        assert sandbox.look(files) == look(files, None)
        (tmp_path / "mask.png").write_bytes(b"<html>")
        assert problem(sandbox, tmp_path / "mask.png", "b.png").code == "IMG_NOT_AN_IMAGE"
        assert len(running(sandbox)) == 1
    assert running(sandbox) == []


def test_what_crashes_hangs_or_eats_is_named_and_the_next_file_is_read(picture, hostile):
    with Sandbox(limits=Limits(memory=2 << 30, seconds=0.4)) as sandbox:
        crash = problem(sandbox, picture, "crash")
        assert crash.code == "IMG_DECODER_CRASH" and crash.where == "crash" and "Segmentation fault" in crash.message
        hang = problem(sandbox, picture, "hang")
        assert hang.code == "IMG_DECODER_TIMEOUT" and "0.4 s" in hang.message
        if sys.platform == "linux":
            assert problem(sandbox, picture, "eat").code == "IMG_MEMORY"
        assert sandbox.look(Files("good", picture)) == look(Files("good", picture), None)
        assert len(running(sandbox)) == 1
    assert running(sandbox) == []


def test_a_process_that_was_killed_for_another_reason_costs_no_file(picture, hostile):
    with Sandbox() as sandbox:
        assert sandbox.look(Files("once", picture)).width == 12
        os.kill(running(sandbox)[0], signal.SIGKILL)  # while it waits
        assert sandbox.look(Files("good", picture)).width == 12


def test_it_can_write_to_no_file_and_what_it_prints_is_no_answer(picture, hostile):
    before = picture.read_bytes()
    with Sandbox() as sandbox:
        assert sandbox.look(Files("talk", picture)).width == 12
        problem(sandbox, picture, "write")
    assert picture.read_bytes() == before


def test_nothing_is_imported_from_the_working_folder(picture, tmp_path, monkeypatch):
    (tmp_path / "PIL.py").write_text("raise SystemExit('PWNED')")
    (tmp_path / "json.py").write_text("raise SystemExit('PWNED')")
    monkeypatch.chdir(tmp_path)
    for path in ("", f"{os.pathsep}nowhere{os.pathsep}"):  # an empty entry means the working folder
        monkeypatch.setenv("PYTHONPATH", path)
        with Sandbox() as sandbox:
            assert sandbox.look(Files("a", picture)).width == 12


def test_where_no_process_can_be_started_the_machine_is_told_of(picture, hostile, tmp_path, monkeypatch):
    (tmp_path / "site" / "sitecustomize.py").write_text("import sys; sys.stderr.write('no numpy\\n'); sys.exit(3)")
    with Sandbox() as sandbox, pytest.raises(MachineError, match=r"ENV_SCAN.*could not be started"):
        sandbox.look(Files("a", picture))


def test_an_interrupt_is_the_parents_to_answer(picture):
    with Sandbox() as sandbox:
        sandbox.look(Files("a", picture))
        os.kill(running(sandbox)[0], signal.SIGINT)
        time.sleep(0.05)
        assert len(running(sandbox)) == 1 and sandbox.look(Files("a", picture)).width == 12


@pytest.mark.slow
def test_the_largest_images_that_are_allowed_fit_into_its_memory(tmp_path):
    side = int(images.MAX_PIXELS**0.5)
    Image.new("RGBA", (side, side)).save(tmp_path / "large.png", compress_level=1)  # no mode takes more
    with Sandbox() as sandbox:
        assert sandbox.look(Files("large", tmp_path / "large.png")).width == side
