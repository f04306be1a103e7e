"""Runs as tasks of Ray: on this machine's cores, or on the machines of a cluster that share a folder.

A task is no more than what `paribus.jobs.here` does with a job, in a process of Ray: it takes the run's lock, goes on
from what is committed, and publishes the run. So it does not matter how often it is begun: a worker, a node or the
driver that is lost costs what was not committed yet, and a run that is finished is never trained again.

Ray hands over arguments by pickle, and whoever reaches its ports can run code: a cluster is trusted as this account is.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paribus import memory, states, stopping
from paribus.errors import IntegrityError, LockedError, MachineError, Problem, StudyError
from paribus.jobs import Job, Unwatched, Worker
from paribus.runs import Run, sources_of
from paribus.scan import Scan
from paribus.store import Store
from paribus.weights import Weights

SCHEME = "ray"
STRIKES = 3  # times that a run may be lost without having got any further
WAIT_FOR_LOCK = 60.0  # seconds; so long a worker may outlive its driver
_LOOK = 1.0  # seconds after which signals are answered, and the nodes looked at
_QUIET = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}


@dataclass(frozen=True)
class Told:
    """What every task of a command is told. home: the folder that relative paths start from; path: of Python."""

    weights: dict[str, Weights]
    store: Path
    limit: float
    allow_inexact: bool
    device: str
    threads: int
    home: str
    path: tuple[str, ...]
    session: str


@contextmanager
def connected(on: str, threads: int, gpus: float, note: Callable[[Problem], None]) -> "Iterator[Cluster]":
    """Ray for as long as the block takes: `ray` starts it on this machine alone, `ray://HOST:PORT` joins a cluster.

    This machine must be one of the cluster's. threads: cores of a run, and its threads; gpus: its share of a GPU. Ray
    is started without its dashboard and listens on 127.0.0.1 only. Raises StudyError and MachineError.
    """
    scheme, _, address = on.partition("://")
    if scheme != SCHEME or (not address and on != SCHEME):
        fix = "--on ray for this machine, or --on ray://HOST:PORT for a cluster."
        raise StudyError([Problem("USAGE", f"--on {on}: expected ray or ray://HOST:PORT.", fix=fix)])
    ray = _imported(local=not address)
    if address:
        message = f"joins the cluster at {address}: code and data of this study go to all of its machines."
        fix = "do this only where you trust every machine of it, and everybody who can reach them."
        note(Problem("RAY_TRUSTED", message, fix=fix))
    with _own_signals():
        try:
            options = {"address": address} if address else {"address": "local", "_node_ip_address": "127.0.0.1"}
            ray.init(**options, **_QUIET)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            first = str(error).strip().partition("\n")[0]
            fix = "ray start --address HOST:PORT on this machine first; HOST:PORT is what `ray start --head` printed."
            raise MachineError([Problem("RAY_UNREACHABLE", f"{first}", address or "this machine", fix)]) from None
    try:
        yield Cluster(threads, gpus)
    finally:
        with _own_signals():
            ray.shutdown()


@dataclass(frozen=True)
class Cluster:
    """Where runs are trained: a `paribus.jobs.Where`. threads, gpus: what each of them takes of its node."""

    threads: int
    gpus: float = 0.0

    def __call__(self, worker: Worker, jobs: list[Job]) -> Iterator[list[Problem]]:
        """Tasks for all jobs; one that is lost is begun again, as long as it gets further.

        Raises MachineError and IntegrityError of a task, and MachineError where no node is large enough. Left early,
        it asks the tasks to commit what they have done.
        """
        import ray

        if jobs:
            self._refuse_too_small()
        tasks = _Tasks(self, worker, jobs)
        try:
            for left, job in zip(range(len(jobs), 0, -1), jobs, strict=True):
                worker.watcher.started(job.name, job.run)
                tasks.begin(job, left)
            while tasks.waiting:
                yield tasks.next_done()
        except BaseException:
            for ref in tasks.waiting:
                ray.cancel(ref)
            if tasks.waiting:
                ray.wait(list(tasks.waiting), num_returns=len(tasks.waiting), timeout=8)
            raise

    def fits(self) -> bool:
        """Whether there is a node that could take a run, if it had nothing else to do."""
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return any(n.get("CPU", 0) >= self.threads and n.get("GPU", 0) >= self.gpus for n in nodes)

    def _refuse_too_small(self) -> None:
        if not self.fits():
            message = f"no machine of it has {self.threads} cores and {self.gpus:g} GPUs, which a run is to have."
            fix = "give fewer with --threads and --gpus-per-run."
            raise MachineError([Problem("RAY_TOO_SMALL", message, "the Ray cluster", fix)])


class _Tasks:
    """The tasks that are under way."""

    def __init__(self, cluster: Cluster, worker: Worker, jobs: list[Job]):
        import ray

        self.cluster, self.worker = cluster, worker
        self.waiting: dict[Any, tuple[Job, int]] = {}
        self.reached: dict[str, tuple[int, int]] = {}
        self.strikes: dict[str, int] = {}
        self.noted = False
        told = Told(
            weights={use: replace(w, path=w.path.resolve()) for use, w in worker.weights.items()},
            store=worker.store.root.resolve(),
            limit=worker.limit,
            allow_inexact=worker.allow_inexact,
            device=worker.device,
            threads=cluster.threads,
            home=str(Path.cwd()),
            path=tuple(sys.path),
            session=f"{ray.get_runtime_context().get_job_id()}",
        )
        self.told = ray.put(told)
        self.data: dict[int, Any] = {}
        for job in jobs:
            worker.pictures_of(job)  # so that the decoded images are there before anybody needs them
            if id(job.data) not in self.data:
                self.data[id(job.data)] = ray.put(job.data)
        # What is lost is begun again by us, who know whether it got further.
        self.remote = ray.remote(_train).options(num_cpus=cluster.threads, num_gpus=cluster.gpus, max_retries=0)

    def begin(self, job: Job, left: int) -> None:
        """Hand a job over."""
        data = [self.data[id(job.data)]]  # in a list, so that it is only fetched where it is not there yet
        self.waiting[self.remote.remote(self.told, data, job.run, job.splits, job.name, left)] = job, left

    def next_done(self) -> list[Problem]:
        """Wait for the next task that ends; why it failed, if it did."""
        import ray

        while True:
            with stopping.later():  # Ray's own code must not be left by an exception of a signal
                done, _ = ray.wait(list(self.waiting), timeout=_LOOK)
            if not done:
                self._note_if_alone()
                continue
            job, left = self.waiting.pop(done[0])
            try:
                problems, notes = ray.get(done[0])
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError as error:
                if (problem := self._lost(job, error)) is None:
                    self.begin(job, left)
                    continue
                return [problem]
            for each in notes:
                self.worker.watcher.noted(each)
            if not problems:
                record = self.worker.store.load(job.run.id, job.splits)
                self.worker.watcher.finished(job.name, job.run, record)
            return list(problems)

    def _lost(self, job: Job, error: Exception) -> Problem | None:
        """What is said of a run that was lost too often without getting further; None if it is to be begun again."""
        run_id, where = job.run.id, f"{job.name}, seed {job.run.seed}"
        reached = _reached(self.worker.store.partial(run_id))
        further = reached > self.reached.get(run_id, (0, 0))
        self.reached[run_id] = reached
        self.strikes[run_id] = 1 if further else self.strikes.get(run_id, 0) + 1
        what = f"its worker was lost ({type(error).__name__}) after {reached[0]} committed epochs"
        if self.strikes[run_id] > STRIKES:
            fix = "look at the memory of the machines; the same command goes on."
            return Problem("WORKER_DIED", f"{what}, {STRIKES} times without getting further.", where, fix)
        self.worker.watcher.noted(Problem("WORKER_DIED", f"{what}; it goes on elsewhere.", where))
        return None

    def _note_if_alone(self) -> None:
        if not self.noted and not self.cluster.fits():
            self.noted = True
            message = "has lost every machine that is large enough for a run; waiting for one."
            self.worker.watcher.noted(Problem("RAY_TOO_SMALL", message, "the Ray cluster"))


def _reached(partial: Path) -> tuple[int, int]:
    """(epochs, batches) that a partial run has committed."""
    with suppress(IntegrityError):
        if (partial / states.STATE).exists():
            newest = states.read(partial).states[0]
            return newest.epoch, newest.batch
    return 0, 0


def _train(
    told: Told, data: list[Any], run: Run, splits: dict[str, str], name: str, left: int
) -> tuple[list[Problem], list[Problem]]:
    """In a process of Ray: (why the run failed, what else is to be said)."""
    import torch

    worker = _worker(told)
    torch.set_num_threads(told.threads)  # Ray sets the number of another library's only
    memory.keep_freed()
    job = Job(run, _scan(told, data[0]), splits, name)
    assert isinstance(worker.watcher, Unwatched)
    worker.watcher.notes = []
    if sources_of(run.recipe) != run.sources:
        where, fix = f"{name}, seed {run.seed}", "install the same modules on every machine, or share their folder."
        return [Problem("SOURCES_DIFFER", "a module of yours is another one on the machine.", where, fix)], []
    return _when_free(worker, job, left), worker.watcher.notes


def _when_free(worker: Worker, job: Job, left: int) -> list[Problem]:
    """Train the run as soon as nobody else does: a worker of a driver that was killed lives on for a moment."""
    until = time.monotonic() + WAIT_FOR_LOCK
    while True:
        try:
            return worker.train(job, left)
        except LockedError as error:
            if time.monotonic() > until:
                return error.problems
            time.sleep(0.2)


_workers: dict[str, Worker] = {}  # in a process of Ray: what its tasks share
_scans: dict[Any, Scan] = {}


def _worker(told: Told) -> Worker:
    if told.session not in _workers:
        _workers.clear()
        _scans.clear()
        with suppress(OSError):  # where it is not there, only absolute paths are
            os.chdir(told.home)
        sys.path += [entry for entry in told.path if entry not in sys.path]
        store = Store(told.store)
        _workers[told.session] = Worker(
            told.weights, store, Unwatched(), None, told.limit, told.allow_inexact, device=told.device
        )
    return _workers[told.session]


def _scan(told: Told, ref: Any) -> Scan:
    """The scan behind a reference: one object for all tasks of this process, for pictures are kept by it."""
    import ray

    if ref not in _scans:
        _scans[ref] = ray.get(ref)
    return _scans[ref]


def _imported(local: bool) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if local:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # Ray's own switch for "listen on 127.0.0.1 only"
    try:
        import ray
    except ImportError:
        fix = "pip install 'paribus[ray]'; without --on all runs are trained in this process."
        raise MachineError([Problem("RAY_MISSING", "Ray is not installed.", "--on", fix)]) from None
    return ray


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray puts a handler of its own in the place of ours."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
