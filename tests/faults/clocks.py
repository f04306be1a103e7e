"""C12: the clock is wrong or jumps, and files say that they changed at other times."""

import itertools
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import oracle
import trial_studies
from attempts import conducted
from oracle import Reference, Verdict
from outcome import Outcome, Plan

DAY = 86400.0
SHORT = 2


def c12(plan: Plan) -> Outcome:
    """Clocks 30 days behind, 10 years ahead, jumping; times of files equal, reversed, to come: a kill between two."""
    draw = random.Random(plan.seed)
    expected = oracle.reference("classes", plan.jobs)
    pairs = list(itertools.product(CLOCKS, TIMES))
    pairs = draw.sample(pairs, SHORT) if plan.short else pairs
    steps = [draw.randint(len(expected.steps) // 4, len(expected.steps)) for _ in pairs]
    trials = [
        (plan.scratch / str(n), expected, *pair, step) for n, (pair, step) in enumerate(zip(pairs, steps, strict=True))
    ]
    verdicts = list(conducted(plan.jobs, mistimed, *zip(*trials, strict=True)))
    return oracle.outcome(
        "C12", [f"{clock}, times {times}, step {step}" for _, _, clock, times, step in trials], verdicts
    )


def mistimed(folder: Path, expected: Reference, clock: str, times: str, step: int) -> Verdict:
    """Killed before a step under one clock; then all files get other times, and another clock holds."""
    trial_studies.placed(folder, expected.kind)
    before, after = CLOCKS[clock]
    try:
        change = oracle.together(oracle.committed_often, lambda: _clock(before))
        ended = oracle.attempt(folder, change, PARIBUS_CRASH_AT=str(step)).wait()
        if ended.code != -9:
            return Verdict("cannot_resume", f"was not killed: {ended}")
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        for number, path in enumerate(sorted(paths, key=lambda each: each.stat().st_mtime_ns)):
            os.utime(path, (TIMES[times](number, len(paths)),) * 2)
        return oracle.goes_on(folder, expected, lambda: _clock(after), kills=1)
    finally:
        shutil.rmtree(folder)


Shift = Callable[[int], float]  # how often the clock was asked -> seconds that it is wrong


def _clock(shift: Shift) -> None:
    """What Python tells of the time of day, from now on."""
    asked, real, real_local, real_format = itertools.count(), time.time, time.localtime, time.strftime
    now = lambda: real() + shift(next(asked))  # noqa: E731
    time.time, time.time_ns = now, lambda: int(now() * 1e9)
    time.localtime = lambda seconds=None: real_local(now() if seconds is None else seconds)
    time.strftime = lambda form, moment=None: real_format(form, time.localtime() if moment is None else moment)


def _always(seconds: float) -> Shift:
    return lambda asked: seconds


def _jumping(seconds: float) -> Shift:
    """Every second time it is asked the clock is somewhere else."""
    return lambda asked: seconds * (asked % 2)


CLOCKS: dict[str, tuple[Shift, Shift]] = {
    "right, then 30 days behind": (_always(0), _always(-30 * DAY)),
    "10 years ahead, then right": (_always(3652 * DAY), _always(0)),
    "30 days behind, then 10 years ahead": (_always(-30 * DAY), _always(3652 * DAY)),
    "jumping back and forth": (_jumping(-DAY), _jumping(DAY)),
}
TIMES: dict[str, Callable[[int, int], float]] = {
    "equal": lambda number, count: 1e9,
    "reversed": lambda number, count: 1.7e9 - 60 * number,
    "to come": lambda number, count: 4e9 + number,
}
