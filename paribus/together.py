"""Several processes that train each run together: `paribus run --processes N`, or the same command under torchrun.

The first process does all that one alone would do. The others read the same study and the same data, write nothing,
and do their part of each step and of each score when the first one tells them to.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from paribus import checkpoint
from paribus.bound import Bound, Place
from paribus.errors import IntegrityError, Problem, RankLost
from paribus.jobs import Job, Unwatched, Worker, here
from paribus.ranks import Ranks, joined, part_ways
from paribus.recipe import Recipe
from paribus.runs import Run
from paribus.scan import Scan

RANK, SIZE, MEETING = "RANK", "WORLD_SIZE", "PARIBUS_MEETING"  # the first two as torchrun sets them
_TORCHRUN = "env://"


@dataclass(frozen=True)
class Together:
    """Where runs are trained: a `paribus.jobs.Where`. In this process, which is the first of several."""

    ranks: Ranks

    def __call__(self, worker: Worker, jobs: list[Job]) -> Iterator[list[Problem]]:
        """One after another."""
        worker.ranks = self.ranks
        return here(worker, jobs)


def called(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """(rank, size) as torchrun or the first process says; (0, 1) where nobody does."""
    size = int(environment.get(SIZE, 1))
    return (int(environment.get(RANK, 0)), size) if size > 1 else (0, 1)


@contextmanager
def leading(processes: int, command: Sequence[str]) -> Iterator[Together]:
    """This process as the first of so many. `command`: what the others are started with, if torchrun has not done it.

    They meet through a file, talk on the loopback interface, and end with the block. Raises RankLost.
    """
    if called()[1] > 1:
        with _first(*called(), _TORCHRUN) as ranks:
            yield Together(ranks)
        return
    with tempfile.TemporaryDirectory(prefix="paribus-") as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"
        told = os.environ | {SIZE: str(processes), MEETING: meeting}
        others = [
            subprocess.Popen(
                command, env=told | {RANK: str(rank)}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the first process, which tells the others
            )
            for rank in range(1, processes)
        ]  # fmt: skip
        try:
            with _first(0, processes, meeting) as ranks:
                try:
                    yield Together(ranks)
                except BaseException:  # of which they have nothing to say
                    _end(others)
                    raise
            for each in others:
                with suppress(subprocess.TimeoutExpired):
                    each.wait(10)
        finally:
            _end(others)


def _end(others: Sequence[subprocess.Popen[bytes]]) -> None:
    """At once: they write nothing."""
    for each in others:
        each.kill()
        each.wait()


@contextmanager
def _first(rank: int, size: int, meeting: str) -> Iterator[Ranks]:
    ranks = joined(rank, size, meeting)
    try:
        yield ranks
        with suppress(RankLost):
            ranks.tell(None)
    finally:
        part_ways()


def follow(bound: Bound, place: Place, limit: float) -> None:
    """Any process but the first: train with it until it has no more to do. Raises RankLost if it is gone."""
    rank, size = called()
    ranks = joined(rank, size, os.environ.get(MEETING, _TORCHRUN))
    worker = Worker(bound.weights, place.store, Unwatched(), limit=limit)
    try:
        while (heard := ranks.hear()) is not None:
            _accompany(bound, worker, ranks, *heard)
    finally:
        part_ways()


def _accompany(bound: Bound, worker: Worker, ranks: Ranks, told: Mapping[str, object], content: bytes) -> None:
    from paribus.train import accompany, prepare

    identity, splits, until, at = told["run"], told["splits"], told["until"], told["at"]
    assert isinstance(identity, dict) and isinstance(splits, dict) and isinstance(until, int) and isinstance(at, dict)
    recipe = Recipe.from_plain(identity["recipe"])
    run = Run(recipe, identity["seed"], identity["train"], identity["weights"], identity["sources"])
    job = Job(run, _data(bound, run, splits), splits, "")
    pictures = worker.pictures_of(job)
    training = prepare(run, pictures, worker.state_of(run), ranks)
    checkpoint.take(training, at, content)
    accompany(training, pictures, splits, until)


def _data(bound: Bound, run: Run, splits: dict[str, str]) -> Scan:
    """The data of a run, known by their fingerprints. Raises IntegrityError if they are others here."""
    marks = splits | {"train": run.train}
    for arm, scan in bound.scans.items():
        same_part = bound.study.recipes[arm].data == run.recipe.data
        if same_part and all(scan.fingerprints.get(split) == mark for split, mark in marks.items()):
            return scan
    message = "this process sees other data than the first one."
    raise IntegrityError([Problem("DATA_CHANGED", message, "--processes", "give the same command again.")])


def command_of(arguments: Sequence[str]) -> list[str]:
    """What starts another process with the arguments of this one."""
    return [sys.executable, "-m", "paribus.cli", *arguments]
