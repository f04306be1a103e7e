"""One writer of a study's folder and of the runs; nothing is left where nothing was done."""

import errno
import os
from pathlib import Path

import pytest

from paribus import durable, running
from paribus.errors import LockedError, MachineError
from paribus.execute import Place
from paribus.store import Store


def place(out: Path, name: str = "study") -> Place:
    return Place(out / name, Store(out / "runs"))


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder below, with its inode and the time of its last change."""
    return {p.relative_to(folder).as_posix(): (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.rglob("*")}


def test_one_process_holds_a_study_and_the_runs(tmp_path):
    with running.holding(place(tmp_path)):
        before = everything(tmp_path)
        for other in ("study", "another"):  # it shares the runs
            with pytest.raises(LockedError, match="in use by process"), running.holding(place(tmp_path, other)):
                pass
        assert everything(tmp_path) == before
        with running.holding(place(tmp_path / "elsewhere")):
            pass


def test_folders_in_which_nothing_was_left_are_gone(tmp_path):
    with running.holding(place(tmp_path / "out")):
        assert (tmp_path / "out/study/LOCK").exists() and (tmp_path / "out/runs/LOCK").exists()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    with running.holding(place(tmp_path / "out")):
        durable.write(tmp_path / "out/study/report.json", b"{}")
    assert everything(tmp_path).keys() == {"out", "out/study", "out/study/report.json"}


@pytest.mark.parametrize("number", [errno.EIO, errno.EXDEV, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_cannot_keep_a_run_is_refused_before_training(tmp_path, monkeypatch, number):
    monkeypatch.setattr(durable.os, "fsync", lambda fd: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
    (tmp_path / "runs").mkdir()
    (tmp_path / "study").mkdir()
    with pytest.raises(MachineError, match=os.strerror(number)) as caught, running.holding(place(tmp_path)):
        pytest.fail("it went on")
    assert caught.value.exit_code == 6
    assert everything(tmp_path).keys() == {"runs", "study"}
