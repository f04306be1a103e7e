"""Who of several processes is which, and what the command line refuses."""

import sys
from types import SimpleNamespace

import pytest
from tiny import MARKS, run

from paribus import together
from paribus.cli.places import threads_of, where_of
from paribus.errors import IntegrityError, StudyError


def test_who_is_who_is_told_by_torchrun_or_the_first_process():
    assert together.called({}) == (0, 1)
    assert together.called({"RANK": "3"}) == (0, 1)  # without others it means nothing
    assert together.called({"RANK": "1", "WORLD_SIZE": "2"}) == (1, 2)


def test_many_runs_and_many_processes_are_not_asked_for_at_once():
    with pytest.raises(StudyError, match="--on trains many runs at a time"), where_of("ray", 1, 0.0, 2):
        pass


def test_processes_share_the_cores():
    from paribus.environment import physical_cores

    assert threads_of(3, 2) == 3 and threads_of(None, 1) is None
    assert threads_of(None, 2) == max(1, physical_cores() // 2)


def test_a_process_that_sees_other_data_refuses():
    one = run()
    scan = SimpleNamespace(fingerprints=MARKS)
    study = SimpleNamespace(recipes={"baseline": one.recipe})
    bound = SimpleNamespace(study=study, scans={"baseline": scan})
    assert together._data(bound, one, {"val": MARKS["val"]}) is scan
    with pytest.raises(IntegrityError, match="sees other data"):
        together._data(bound, one, {"val": "0" * 64})


DIES = "import os, sys; sys.exit(7)"


def test_a_process_that_never_comes_is_lost(monkeypatch):
    from paribus import ranks

    monkeypatch.setattr(ranks, "PATIENCE", 1.0)
    with pytest.raises(ranks.RankLost, match="RANK_LOST"), together.leading(2, [sys.executable, "-c", DIES]):
        pass
