"""A lock is held by one process and dies with it."""

import fcntl
import os
import subprocess
import sys

import pytest

from paribus.errors import LockedError, MachineError
from paribus.locks import lock

HOLDER = """
import sys
from pathlib import Path
from paribus.locks import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_by_one_and_dies_with_its_holder(tmp_path):
    folder = tmp_path / "runs"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(LockedError, match=rf"in use by process {other.pid} on \S+ since \d{{4}}-") as caught,
            lock(folder),
        ):
            pass
        assert caught.value.exit_code == 5
        other.kill()
        other.wait()
    assert (folder / "LOCK").exists()  # stale, and it means nothing
    with lock(folder):
        assert (folder / "LOCK").read_text().startswith(f"{os.getpid()} on ")
    assert list(folder.iterdir()) == []


def test_whoever_waited_for_a_lock_that_was_removed_takes_the_one_that_is_there(tmp_path, monkeypatch):
    real, late = fcntl.flock, []

    def removed_meanwhile(file, how):
        real(file, how)
        if not late:
            late.append((tmp_path / "LOCK").unlink())

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with lock(tmp_path):
        assert (tmp_path / "LOCK").exists()
        with pytest.raises(LockedError), lock(tmp_path):
            pass


def test_a_file_system_without_locks_is_refused_with_a_hint(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", lambda file, how: (_ for _ in ()).throw(OSError(95, "Operation not supported")))
    with pytest.raises(MachineError, match=r"ENV_NO_LOCKS.*local disk"), lock(tmp_path):
        pass
