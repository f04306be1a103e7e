"""The model of a disk loses what was not synced, and nothing else."""

import os
import random
import subprocess
import sys
from pathlib import Path

import disk
import pytest

HERE = Path(__file__).parent


def states(log, mode, count=200):
    """Every different state that a power loss after this log may leave."""
    root = disk.after(log)
    return {repr(disk.left(root, mode, random.Random(seed))) for seed in range(count)}


SYNCED = [("create", "a.tmp"), ("data", "a.tmp", b"new"), ("fsync", "a.tmp"), ("rename", "a.tmp", "a"), ("fsync", ".")]
OLD = [("create", "a"), ("data", "a", b"old"), ("fsync", "a"), ("fsync", ".")]


@pytest.mark.parametrize("mode", disk.MODES)
def test_what_was_synced_with_its_folder_is_there_whatever_happens(mode):
    assert states(OLD + SYNCED, mode) == {"{'a': b'new'}"}


def test_a_file_that_was_synced_and_renamed_is_the_old_one_or_the_new_one():
    found = states(OLD + SYNCED[:-1], "reordered")
    assert found == {"{'a': b'old'}", "{'a': b'new'}", "{'a': b'old', 'a.tmp': b'new'}"}
    assert states(OLD + SYNCED[:-1], "lost") == {"{'a': b'old'}"}


def test_a_file_that_was_renamed_before_it_was_synced_may_be_torn():
    hasty = [entry for entry in SYNCED if entry != ("fsync", "a.tmp")]
    found = states(OLD + hasty, "torn")
    assert {"{'a': b''}", "{'a': b'n'}", "{'a': b'new'}", "{'a': b'n\\x00\\x00'}", "{'a': b'\\x00\\x00\\x00'}"} <= found
    assert "{'a': b'old'}" not in found  # its name was synced
    assert states(OLD + hasty, "lost") == {"{'a': b''}"}


def test_names_in_order_and_out_of_order():
    log = [entry for name in "ab" for entry in (("create", name), ("data", name, b"1"), ("fsync", name))]
    assert states(log, "in order") == {"{}", "{'a': b'1'}", "{'a': b'1', 'b': b'1'}"}
    assert "{'b': b'1'}" in states(log, "reordered")


def test_a_folder_whose_name_was_not_synced_is_gone_with_all_it_holds():
    log = [("mkdir", "f"), ("create", "f/a"), ("data", "f/a", b"1"), ("fsync", "f/a"), ("fsync", "f")]
    assert states(log, "lost") == {"{}"}
    assert states([*log, ("fsync", ".")], "lost") == {"{'f': {'a': b'1'}}"}
    removed = [*log, ("fsync", "."), ("remove", "f/a"), ("remove", "f")]
    assert states(removed, "lost") == {"{'f': {'a': b'1'}}"} and states(removed, "torn") == {"{}"}
    assert "{'f': {}}" in states(removed, "reordered")


def test_moves_between_folders_are_not_modelled():
    with pytest.raises(RuntimeError, match="another folder"):
        disk.after([("mkdir", "f"), ("create", "a"), ("rename", "a", "f/a")])


def test_states_become_files(tmp_path):
    disk.build({"f": {"a": b"1"}, "b": b""}, tmp_path / "made")
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")} == {"made", "made/f", "made/f/a", "made/b"}


RECORDED = """
import disk, sys
from pathlib import Path
from paribus import durable
here = Path(sys.argv[1])
recorder = disk.Recorder(here)
durable.make_folder(here / "f")
durable.write(here / "f" / "a", b"12")
durable.remove(here / "f")
for entry in recorder.log: print(*entry)
try: (here / "b").write_bytes(b"")
except RuntimeError as error: print(error)
"""


def test_a_process_is_recorded(tmp_path):
    environment = os.environ | {"PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parents[1]}"}
    command = [sys.executable, "-c", RECORDED, tmp_path]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [
        "mkdir f", "fsync .", "create f/.a.tmp", "data f/.a.tmp b'12'", "fsync f/.a.tmp",
        "rename f/.a.tmp f/a", "fsync f", "rename f .f.removed", "fsync .", "remove .f.removed/a", "remove .f.removed",
        "b is written in a way that is not recorded",
    ]  # fmt: skip
