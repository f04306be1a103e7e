"""Contestants in processes of their own, measured in turn: one computes, the others wait."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paribus.environment import physical_cores

REPEATS = 5
HERE = Path(__file__).parent.parent
LAST_LINES = 3  # of a contestant's log, shown when it fails

Measurement = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """Who takes part.

    loop: `module` or `module:function` below `benchmarks`, a generator of measurements. every: it is measured in each
    repetition (1), or only in one of so many, for what takes long and repeats itself inside.
    """

    name: str
    loop: str
    settings: dict[str, Any] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    every: int = 1


@dataclass
class Outcome:
    """What was measured of one contestant. ready: what it said after its warm-up. failed: why it stopped, or empty."""

    measured: list[Measurement] = field(default_factory=list)
    ready: Measurement = field(default_factory=dict)
    failed: str = ""


class ContestantFailed(Exception):
    """A contestant's process ended before it answered."""


class Contestant:
    """A worker process. `ready` is its first answer; each `measure()` is one more."""

    def __init__(self, entry: Entry, threads: int, log: Path):
        self.entry, self.log = entry, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [str(entry.python), "-m", "benchmarks.worker"],
                cwd=HERE,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        settings = {"threads": threads, **entry.settings, "loop": entry.loop}
        self.ready = self._asked(json.dumps(settings))

    def measure(self) -> Measurement:
        """Let it compute, and wait. Raises ContestantFailed with the end of its log."""
        return self._asked("go")

    def close(self) -> None:
        """End the process; what it has not said is lost."""
        self.process.kill()
        self.process.communicate()

    def _asked(self, line: str) -> Measurement:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.close()
            said = " / ".join(self.log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:])
            raise ContestantFailed(f"{self.entry.name} stopped: {said}")
        found: Measurement = json.loads(answer)
        return found


def contest(entries: Sequence[Entry], repeats: int, threads: int, logs: Path) -> dict[str, Outcome]:
    """`repeats` measurements of each, in turn, each repetition beginning with another one.

    A contestant that fails is left out from there on, and its outcome says why: the others go on.
    """
    outcomes = {entry.name: Outcome() for entry in entries}
    every = {entry.name: entry.every for entry in entries}
    running: dict[str, Contestant] = {}
    try:
        for entry in entries:
            with _noting(outcomes[entry.name]):
                say(f"{entry.name}: getting ready")
                running[entry.name] = Contestant(entry, threads, logs / f"{_file_name(entry.name)}.log")
                outcomes[entry.name].ready = running[entry.name].ready
        for repeat in range(repeats):
            say(f"repetition {repeat + 1} of {repeats}")
            for name in turned([e.name for e in entries], repeat):
                outcome = outcomes[name]
                if not outcome.failed and repeat % every[name] == 0:
                    with _noting(outcome):
                        outcome.measured.append(running[name].measure())
    finally:
        for contestant in running.values():
            contestant.close()
    return outcomes


def turned(names: Sequence[str], repeat: int) -> list[str]:
    """The names in their order, beginning with number `repeat`: nobody always runs after the same rest."""
    start = repeat % len(names)
    return [*names[start:], *names[:start]]


def say(text: str) -> None:
    """A line on standard error: what is going on."""
    print(text, file=sys.stderr, flush=True)


def options(about: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--repeats", type=int, default=REPEATS, help="measurements of each contestant")
    parser.add_argument("--short", action="store_true", help="tiny sizes: shows that it works, measures nothing")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"), metavar="FOLDER")
    parser.add_argument("--threads", type=int, default=physical_cores(), help="torch's threads, the same for all")
    return parser


@contextmanager
def _noting(outcome: Outcome) -> Iterator[None]:
    try:
        yield
    except ContestantFailed as error:
        outcome.failed = str(error)
        say(outcome.failed)


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)
