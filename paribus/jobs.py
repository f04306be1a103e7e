"""Trains what is to be trained. A job that fails costs no other.

Where jobs are trained is a function: `here`, one after another in this process, or `paribus.on_ray.Cluster`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from paribus import weights
from paribus.contrasts import Contrast
from paribus.devices import CPU
from paribus.errors import DataChanged, DataError, Diverged, Problem, is_lack_of_memory
from paribus.predictions import RunRecord
from paribus.prepared import LIMIT, PREPARED, prepared, too_large
from paribus.ranks import ALONE, Ranks
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


class Unwatched:
    """A watcher of work that another process tells of."""

    def scanning(self, done: int, total: int) -> None: ...
    def tuning(self, missing: int, finished: int) -> None: ...
    def tuned(self, arm: str, found: Tuned) -> None: ...
    def planned(self, missing: int, finished: int) -> None: ...
    def started(self, arm: str, run: Run) -> None: ...
    def epoch(self, arm: str, run: Run, epoch: int, seconds: float) -> None: ...
    def finished(self, arm: str, run: Run, record: RunRecord) -> None: ...
    def looked(self, look: int, rows: tuple[Contrast, ...]) -> None: ...

    def __init__(self) -> None:
        self.notes: list[Problem] = []

    def noted(self, problem: Problem) -> None:
        """Keep it."""
        self.notes.append(problem)


@dataclass(frozen=True)
class Job:
    """A run to be trained: on which data, scored on which splits (with their fingerprints), and what it is called."""

    run: Run
    data: Scan
    splits: dict[str, str]
    name: str


class Where(Protocol):
    """Trains all of these jobs; for each that is done, in any order, why it failed: nothing if it did not."""

    def __call__(self, worker: "Worker", jobs: list[Job]) -> Iterator[list[Problem]]: ...


def here(worker: "Worker", jobs: list[Job]) -> Iterator[list[Problem]]:
    """In this process, one after another."""
    for left, job in zip(range(len(jobs), 0, -1), jobs, strict=True):
        yield worker.train(job, left)


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
    where: Where = here
    ranks: Ranks = ALONE  # the processes that train each run together
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
        for problems in self.where(self, todo[:now]):
            self.failures += problems
            self.trained += 1

    def train(self, job: Job, left: int) -> list[Problem]:
        """Train a run, or score it on what it has not seen; why it failed, if it did.

        left: the runs for which there must be room, this one among them. Raises LockedError while another process has
        the run, MachineError and IntegrityError.
        """
        try:
            with self.store.writing(job.run.id):
                self._train(job, left)
        except (DataError, DataChanged) as error:
            failed = f"The run {job.name}, seed {job.run.seed} failed."
            return [replace(p, message=f"{p.message} {failed}") for p in error.problems]
        except (
            AssertionError,
            Diverged,
            ImportError,
            MemoryError,
            OSError,
            RuntimeError,
            SystemError,
            ValueError,
        ) as error:
            return [_failure(error, f"{job.name}, seed {job.run.seed}")]
        return []

    def _train(self, job: Job, left: int) -> None:
        from paribus.train import score_again, train

        run, name = job.run, job.name
        if self.store.complete(run, job.splits):
            return  # by the process that had its lock before
        _refuse_touched(job.data)
        pictures = self.pictures_of(job)
        self.watcher.started(name, run)
        if self.store.has(run):
            unseen = self.store.unseen(run, job.splits)
            score_again(run, pictures, self.state_of(run), self.store, unseen, self.device)
        else:
            train(
                run,
                pictures,
                self.state_of(run),
                self.store,
                job.splits,
                lambda epoch, seconds: self._epoch(job, epoch, seconds),
                self.watcher.noted,
                self.allow_inexact,
                left,
                self.ranks,
                self.device,
            )
        self.watcher.finished(name, run, self.store.load(run.id, job.splits))

    def _epoch(self, job: Job, epoch: int, seconds: float) -> None:
        self.watcher.epoch(job.name, job.run, epoch, seconds)
        _refuse_touched(job.data)

    def pictures_of(self, job: Job) -> Any:
        """The decoded images of a job's data set, one object for all runs that share them."""
        from paribus.views import Pictures

        each, shorter = job.data, job.run.recipe.input.args["prepare"]
        key = (id(each), shorter)
        if key not in self.pictures:
            found = prepared(each.images, each.fingerprints, shorter, self.store.root.parent / PREPARED, self.limit)
            if found is None:
                self.watcher.noted(too_large(each.images, shorter, self.limit))
            self.pictures[key] = Pictures(each.images, found, shorter)
        return self.pictures[key]

    def state_of(self, run: Run) -> dict[str, Any] | None:
        """The pretrained weights that a run begins with, if it does."""
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
    if is_lack_of_memory(error):
        fix = "choose a smaller batch_size, input.size or model in the study: none is ever made smaller for you."
        return Problem("OOM", f"there was too little memory ({said.splitlines()[0]}).", where, fix)
    if isinstance(error, (ImportError, OSError, SystemError)):
        raise error
    fix = "change what this arm sets to what its parts can do; the others are complete."
    return Problem("RUN_FAILED", f"{said.splitlines()[0].rstrip('.')}.", where, fix)
