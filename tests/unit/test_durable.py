"""A file is whole or absent; a lock is held by one."""

import errno
import os
import subprocess
import sys

import pytest

from paribus import durable
from paribus.errors import LockedError, MachineError


def test_write_replaces_whole_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a.json"
    durable.write(path, b"one")
    durable.write_json(path, {"b": 1, "a": "é"})
    assert path.read_text("utf-8") == '{\n "a": "é",\n "b": 1\n}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_no_nan_is_ever_written(tmp_path):
    with pytest.raises(ValueError):
        durable.write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "ENV_DISK_FULL"), (errno.EACCES, "ENV_PERMISSION")])
def test_a_failed_write_leaves_the_old_file_and_says_what_to_do(tmp_path, monkeypatch, number, code):
    path = tmp_path / "a"
    durable.write(path, b"old")
    monkeypatch.setattr(durable.os, "fsync", lambda fd: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
    with pytest.raises(MachineError) as caught:
        durable.write(path, b"new")
    assert caught.value.problems[0].code == code
    assert caught.value.exit_code == 6
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError):
        durable.make_folder(tmp_path / "file" / "below")


def test_publish_and_remove(tmp_path):
    partial, final = tmp_path / "a.final", tmp_path / "a"
    partial.mkdir()
    (partial / "x").write_text("1")
    durable.publish(partial, final)
    assert (final / "x").exists() and not partial.exists()
    durable.remove(final)
    durable.remove(final)  # twice is once
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_held_by_one_and_dies_with_its_holder(tmp_path):
    path = tmp_path / "LOCK"
    code = (
        f"import sys; from paribus import durable\nfrom pathlib import Path\nwith durable.lock(Path({str(path)!r})):\n"
    )
    code += "    print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=f"in use by process {other.pid}") as caught, durable.lock(path):
            pass
        assert caught.value.exit_code == 5
        other.kill()
        other.wait()
    with durable.lock(path):
        assert path.read_text() == str(os.getpid())
