"""A file is whole or absent, wherever a write is cut off or fails."""

import ast
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from paribus import durable, faultpoints
from paribus.errors import MachineError


def test_write_replaces_whole_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a.json"
    durable.write(path, b"one")
    durable.write_json(path, {"b": 1, "a": "é"})
    assert path.read_text("utf-8") == '{\n "a": "é",\n "b": 1\n}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_half_characters_are_escaped_and_read_back(tmp_path):
    durable.write_json(tmp_path / "a.json", {"name": "caf\udce9"})
    assert json.loads((tmp_path / "a.json").read_bytes().decode("utf-8")) == {"name": "caf\udce9"}


def test_links_that_somebody_left_lead_nowhere(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("precious")
    (tmp_path / "state").symlink_to(tmp_path / "theirs" / "file")
    with pytest.raises(MachineError):
        durable.put(tmp_path / "state", b"new")
    durable.write(tmp_path / "state", b"new")  # the name is ours: the link goes, and not what it leads to
    (tmp_path / "folder").symlink_to(tmp_path / "theirs")
    durable.remove(tmp_path / "folder")
    assert (tmp_path / "theirs" / "file").read_text() == "precious"
    assert (tmp_path / "state").read_bytes() == b"new" and not (tmp_path / "folder").is_symlink()


def test_nobody_is_waited_for_at_the_other_end_of_a_pipe(tmp_path):
    os.mkfifo(tmp_path / ".a.tmp")
    with pytest.raises(MachineError, match="ENV_IO"):
        durable.write(tmp_path / "a", b"x")
    os.mkfifo(tmp_path / "b")
    with pytest.raises(MachineError, match="ENV_IO"):
        durable.sync(tmp_path / "b")


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


def test_a_folder_is_made_with_those_above_it(tmp_path):
    durable.make_folder(tmp_path / "a" / "b" / "c")
    durable.make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_stream_gets_its_name_when_all_is_there(tmp_path):
    with durable.stream(tmp_path / "a") as more:
        assert more(b"one") == 3
        assert [p.name for p in tmp_path.iterdir()] == [".a.tmp"]
        more(b"two")
    assert (tmp_path / "a").read_bytes() == b"onetwo"
    with pytest.raises(KeyError), durable.stream(tmp_path / "b") as more:
        more(b"one")
        raise KeyError
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_what_a_killed_process_left_is_swept(tmp_path):
    (tmp_path / "tables").mkdir()
    for name in (".a.tmp", "tables/.b.tmp", "a.tmp", "tables/.b"):
        (tmp_path / name).write_bytes(b"")
    durable.sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == [".b", "a.tmp", "tables"]


def test_a_full_disk_is_told_with_what_is_needed_and_free(tmp_path, monkeypatch):
    monkeypatch.setattr(durable.shutil, "disk_usage", lambda path: SimpleNamespace(free=400_000))
    monkeypatch.setenv("PARIBUS_FAIL_AT", f"{next_step() + 1}:ENOSPC")
    with pytest.raises(MachineError, match=r"needs 2\.4 MB, 400 kB free.*make room"):
        durable.write(tmp_path / "a", bytes(2_400_000))
    assert list(tmp_path.iterdir()) == []


def next_step() -> int:
    """The number of the step that comes next, less one: asking takes a step."""
    return next(faultpoints._numbers)


STEPS = ["create .a.tmp", "half .a.tmp", "fsync .a.tmp", "rename a", "fsync folder"]


def test_every_step_of_a_write_is_announced_and_can_fail_or_kill(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    seen, real = [], faultpoints.step
    with monkeypatch.context() as patch:
        patch.setattr(durable, "step", lambda kind, path: (seen.append(f"{kind} {path.name}"), real(kind, path)))
        durable.write(folder / "a", b"old!")
    assert seen == STEPS
    for number, step in enumerate(STEPS, 1):
        monkeypatch.setenv("PARIBUS_FAIL_AT", f"{next_step() + number}:EIO")
        with pytest.raises(MachineError, match="injected"):
            durable.write(folder / "a", b"new")
        assert (folder / "a").read_bytes() == (b"new" if step == "fsync folder" else b"old!")
        assert [p.name for p in folder.iterdir()] == ["a"]
        durable.write(folder / "a", b"old!")


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_a_process_killed_before_a_step_leaves_the_old_file_or_the_new(tmp_path, number):
    path = tmp_path / "a"
    path.write_bytes(b"old!")
    code = f"from pathlib import Path; from paribus import durable; durable.write(Path({str(path)!r}), b'new')"
    killed = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PARIBUS_CRASH_AT": str(number)},
        start_new_session=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == (b"new" if number == len(STEPS) else b"old!")
    left = [p.stat().st_size for p in tmp_path.glob(".a.tmp")]
    assert left == {1: [], 2: [1], 3: [3], 4: [3], 5: []}[number]


HOME = Path(durable.__file__).parent
WRITING = {
    "NamedTemporaryFile", "fsync", "hardlink_to", "imsave", "makedirs", "memmap", "mkdir", "mkdtemp", "mkstemp",
    "rename", "rmdir", "rmtree", "save_file", "savefig", "savez", "symlink_to", "to_csv", "touch", "truncate",
    "unlink", "write_bytes", "write_text",
}  # fmt: skip
ELSEWHERE = {
    "datasets/archives.py: mkdir",  # below a folder that nobody reads yet; `publish` syncs it and gives it its name
    "datasets/archives.py: open",
    "datasets/downloads.py: rmtree",  # of that folder, where it was not published
    "datasets/published.py: memmap",  # opened to read
    "datasets/published.py: mkdir",  # as in archives.py
    "datasets/published.py: write_bytes",
    "exporting/going.py: rmtree",  # of an export that was never published
    "locks.py: truncate",  # the holder's name, for the message only
    "locks.py: unlink",  # of the lock itself
    "prepared.py: memmap",  # opened to read
    "running.py: rmdir",  # of folders that stayed empty
    "weights.py: NamedTemporaryFile",  # two processes may download the same file; `settle` gives it its name
    "weights.py: unlink",
}


def changes_of_files(path: Path) -> list[str]:
    """The calls in a module that change a file or folder, and are not of `durable`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, of = node.func.attr, getattr(node.func.value, "id", "")
            given = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            opened = name == "open" and any(mode in ("wb", "ab", "xb", "w", "a", "x", "r+b", "a+") for mode in given)
            renamed = name == "replace" and len(node.args) == 1 and not node.keywords  # that of texts takes two
            if of != "durable" and (opened or renamed or name in WRITING):
                found.append(f"{path.relative_to(HOME)}: {name}")
    return found


def test_every_lasting_write_of_the_package_is_in_one_module():
    modules = [path for path in HOME.rglob("*.py") if path.name != "durable.py"]
    assert {found for path in modules for found in changes_of_files(path)} == ELSEWHERE
    assert len(changes_of_files(HOME / "durable.py")) > 5  # such calls are found where there are some
