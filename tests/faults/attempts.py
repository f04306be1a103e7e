"""Attempts at a study: forked processes, each in a session of its own, of one that has imported all and computed
nothing (threads do not survive a fork). A kill is a real SIGKILL.

Trials that fork run in the processes of `forks`; what they need is imported there, once.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

IMPORTED = (
    "paribus.cli", "paribus.inputs", "paribus.models", "paribus.optimizers", "paribus.pixel_transforms",
    "paribus.planning", "paribus.progress", "paribus.running", "paribus.schedules", "paribus.train",
    "paribus.transforms", "rich.console", "safetensors.torch", "timm", "torch._dynamo", "torchvision.transforms.v2",
)  # fmt: skip
LONGEST = 300.0  # seconds until an attempt is said to hang; a busy machine may be slow
SETTLED = 10.0  # seconds in which every process of a session must have ended with its first
DEFECT = 70  # exit code of a child in which the harness itself is wrong
Change = Callable[[], None]  # what is different in a child; picklable where it goes through `forks`


@cache
def forks(jobs: int) -> ProcessPoolExecutor:
    """Processes that may fork: they compute nothing themselves."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch"])
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=ready)


def conducted(jobs: int, trial: Callable[..., Any], *given: Sequence[Any]) -> Iterator[Any]:
    """What the trial gives for each of the given arguments, `jobs` at a time."""
    return forks(jobs).map(trial, *given)


def ready() -> None:
    """Import what a study needs, also what it imports late; its templates are compiled once."""
    for name in IMPORTED:
        import_module(name)
    import_module("torch").set_num_threads(1)
    page = import_module("paribus.report.page")
    page.environment = cache(page.environment)
    page.environment("report").get_template("page.html")
    if len(threads := list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError(f"{len(threads)} threads, which do not survive a fork")


@dataclass(frozen=True)
class Ended:
    """How an attempt ended. code: negative for a signal, None if it had to be killed because it hung."""

    code: int | None
    err: str
    seconds: float


class Attempt:
    """`paribus run study.yaml --out out` in a folder, as a process. `change` is called in it first."""

    def __init__(self, folder: Path, change: Change = lambda: None, environment: Mapping[str, str] | None = None):
        self._said = folder.parent / f"{folder.name}.said"
        self._began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            _be_the_attempt(folder, self._said, change, environment or {})
        self._end = os.pidfd_open(self.pid)

    def ended_within(self, seconds: float) -> bool:
        return bool(select.select([self._end], [], [], max(0.0, seconds))[0])

    def kill(self, group: bool = True) -> None:
        """SIGKILL, to the whole group or to the first process alone, whose children must notice."""
        (os.killpg if group else os.kill)(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = LONGEST) -> Ended:
        """How it ended; it is killed if that takes too long."""
        hangs = not self.ended_within(seconds)
        if hangs:
            self.kill()
        _, status = os.waitpid(self.pid, 0)
        os.close(self._end)
        took = time.monotonic() - self._began
        code = None if hangs else os.waitstatus_to_exitcode(status)
        said = self._said.read_text(errors="replace") if self._said.exists() else ""  # killed before its first word
        return Ended(code, said, took)

    def outlived_by(self) -> list[int]:
        """Processes of its session that live on for long after its end."""
        until = time.monotonic() + SETTLED
        while (living := session(self.pid)) and time.monotonic() < until:
            time.sleep(0.02)
        for pid in living:
            os.kill(pid, signal.SIGKILL)
        return living


def session(first: int) -> list[int]:
    """The living processes of the session that `first` began."""
    found = []
    for home in Path("/proc").iterdir():
        if home.name.isdigit():
            try:
                state, _, _, its_session = (home / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:  # it has ended meanwhile
                continue
            if int(its_session) == first and state not in "ZX":
                found.append(int(home.name))
    return found


def _be_the_attempt(folder: Path, said: Path, change: Change, environment: Mapping[str, str]) -> None:
    """Never returns."""
    code = DEFECT
    try:
        os.setsid()
        os.chdir(folder)
        into = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        for stream in (1, 2):
            os.dup2(into, stream)
        sys.stdout, sys.stderr = (os.fdopen(stream, "w", buffering=1, closefd=False) for stream in (1, 2))
        os.environ.update(environment)
        change()
        sys.argv = ["paribus", "run", "study.yaml", "--out", "out", "--threads", "1"]
        import_module("paribus.cli").main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException as error:
        print(f"the harness: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(code)
