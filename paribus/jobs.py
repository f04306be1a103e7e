"""Trains what is to be trained, one job after another. A job that fails costs no other."""

import errno
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from paribus import weights
from paribus.contrasts import Contrast
from paribus.devices import CPU
from paribus.errors import DataChanged, DataError, Diverged, Problem
from paribus.predictions import RunRecord
from paribus.prepared import LIMIT, PREPARED, prepared, too_large
from paribus.runs import Run
from paribus.scan import Scan
from paribus.store import Store
from paribus.tuning.choice import Tuned
from paribus.weights import Weights
from paribus.zoo import network_of


class Watcher(Protocol):
    """Told what happens, as it happens."""

    def scanning(self, done: int, total: int) -> None: ...
    def tuning(self, missing: int, finished: int) -> None: ...
    def tuned(self, arm: str, found: Tuned) -> None: ...
    def planned(self, missing: int, finished: int) -> None: ...
    def started(self, arm: str, run: Run) -> None: ...
    def epoch(self, arm: str, run: Run, epoch: int, seconds: float) -> None: ...
    def finished(self, arm: str, run: Run, record: RunRecord) -> None: ...
    def noted(self, problem: Problem) -> None: ...
    def looked(self, look: int, rows: tuple[Contrast, ...]) -> None: ...


@dataclass(frozen=True)
class Job:
    """A run to be trained: on which data, scored on which splits (with their fingerprints), and what it is called."""

    run: Run
    data: Scan
    splits: dict[str, str]
    name: str


@dataclass
class Worker:
    """Trains jobs and keeps what they share.

    limit: GiB of decoded images that may be kept on disk. allow_inexact: runs that were begun in another environment go
    on, and are marked for ever. device: where networks compute.
    """

    weights: dict[str, Weights]  # by model name, for pretrained models
    store: Store
    watcher: Watcher
    max_runs: int | None = None
    limit: float = LIMIT
    allow_inexact: bool = False
    device: str = CPU
    failures: list[Problem] = field(default_factory=list)
    stopped: bool = False
    trained: int = 0
    pictures: dict[tuple[int, int | None], Any] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)

    def train_all(self, todo: list[Job]) -> None:
        """Train these runs, or as many of them as may be trained now."""
        now = len(todo) if self.max_runs is None else min(len(todo), self.max_runs - self.trained)
        self.stopped = now < len(todo)
        for left, job in zip(range(now, 0, -1), todo, strict=False):
            try:
                self._train(job, left)
            except (DataError, DataChanged) as error:
                failed = f"The run {job.name}, seed {job.run.seed} failed."
                self.failures += [replace(p, message=f"{p.message} {failed}") for p in error.problems]
            except (Diverged, MemoryError, OSError, RuntimeError, ValueError) as error:
                self.failures.append(_failure(error, f"{job.name}, seed {job.run.seed}"))
            self.trained += 1

    def _train(self, job: Job, left: int) -> None:
        from paribus.train import score_again, train

        run, name = job.run, job.name
        _refuse_touched(job.data)
        pictures = self._pictures(job.data, run.recipe.input.args["prepare"])
        self.watcher.started(name, run)
        if self.store.has(run):
            unseen = self.store.unseen(run, job.splits)
            score_again(run, pictures, self._state(run), self.store, unseen, self.device)
        else:
            train(
                run,
                pictures,
                self._state(run),
                self.store,
                job.splits,
                lambda epoch, seconds: self._epoch(job, epoch, seconds),
                self.watcher.noted,
                self.allow_inexact,
                left,
                self.device,
            )
        self.watcher.finished(name, run, self.store.load(run.id, job.splits))

    def _epoch(self, job: Job, epoch: int, seconds: float) -> None:
        self.watcher.epoch(job.name, job.run, epoch, seconds)
        _refuse_touched(job.data)

    def _pictures(self, each: Scan, shorter: int | None) -> Any:
        """The decoded images of a data set, one object for all runs that share them."""
        from paribus.views import Pictures

        key = (id(each), shorter)
        if key not in self.pictures:
            found = prepared(each.images, each.fingerprints, shorter, self.store.root.parent / PREPARED, self.limit)
            if found is None:
                self.watcher.noted(too_large(each.images, shorter, self.limit))
            self.pictures[key] = Pictures(each.images, found, shorter)
        return self.pictures[key]

    def _state(self, run: Run) -> dict[str, Any] | None:
        use = network_of(run.recipe.model)
        if run.weights is None:
            return None
        if use not in self.states:
            self.states[use] = weights.load(self.weights[use])
        return dict(self.states[use])


def _refuse_touched(found: Scan) -> None:
    """Raises DataChanged if a file is not what was scanned.

    Runs are trained on decoded images whose files had the recorded hashes, and would not notice. But what a run says
    is said of the data where they are: from here on nobody could do it again.
    """
    problems = found.sources.problems()
    if problems:
        raise DataChanged(problems)


def _failure(error: Exception, where: str) -> Problem:
    """Why a run could not be trained. Raises the error again if it is the machine's and would meet every run."""
    said = f"{type(error).__name__}: {error}"
    out_of_memory = isinstance(error, MemoryError) or "allocate memory" in said or "OutOfMemory" in said
    if out_of_memory or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        fix = "choose a smaller batch_size, input.size or model in the study: none is ever made smaller for you."
        return Problem("OOM", f"there was too little memory ({said.splitlines()[0]}).", where, fix)
    if isinstance(error, OSError):
        raise error
    return Problem("RUN_FAILED", f"{said.rstrip('.')}.", where)
