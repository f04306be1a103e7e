"""C1 and C2: the process is killed, and the same command goes on to the same end."""

import random
import shutil
from pathlib import Path

import oracle
import trial_studies
from attempts import conducted
from oracle import Reference, Verdict
from outcome import Outcome, Plan

SHORT_STEPS, SHORT_MOMENTS, MOMENTS = 4, 4, 100
SIGKILL = -9


def c1(plan: Plan) -> Outcome:
    """SIGKILL before every durable step; every second time again in the attempt that follows."""
    draw = random.Random(plan.seed)
    trials = []
    for kind in list(trial_studies.KINDS)[: 1 if plan.short else None]:
        expected = oracle.reference(kind, plan.jobs)
        count = len(expected.steps)
        steps = sorted(draw.sample(range(1, count + 1), SHORT_STEPS)) if plan.short else plan.steps(count)
        for number, step in enumerate(steps):
            then = draw.randint(1, count) if number % 2 else None
            trials.append((plan.scratch / f"{kind}-{step}", expected, step, then))
    verdicts = list(conducted(plan.jobs, killed_at, *zip(*trials, strict=True)))
    names = [f"{r.kind}, before step {s} ({r.steps[s - 1]}), then {again}" for _, r, s, again in trials]
    return oracle.outcome("C1", names, verdicts)


def killed_at(
    folder: Path, expected: Reference, step: int, then: int | None, planted: oracle.Change = oracle.nothing
) -> Verdict:
    """Kill the first attempt before a step and, if it comes to that, the second before another."""
    trial_studies.placed(folder, expected.kind)
    change, kills = oracle.together(planted, oracle.committed_often), 0
    try:
        for at in (step, *([] if then is None else [then])):
            dying = oracle.attempt(folder, change, PARIBUS_CRASH_AT=str(at))
            ended = dying.wait()
            kills += ended.code == SIGKILL
            if living := dying.outlived_by():
                return Verdict("leftovers", f"live on after the kill: {living}", kills)
            if kills == 0:
                return Verdict("cannot_resume", f"was not killed: {ended}")
            if ended.code not in (SIGKILL, 0):
                return Verdict("cannot_resume", f"exit {ended.code}: {ended.err[-600:]}", kills)
        return oracle.goes_on(folder, expected, change, kills)
    finally:
        shutil.rmtree(folder)


def c2(plan: Plan) -> Outcome:
    """SIGKILL at random moments, a fifth of them within 0.1 s of the start, up to three times in a row."""
    draw = random.Random(plan.seed)
    kinds = list(trial_studies.KINDS)[: 1 if plan.short else None]
    trials = []
    for number in range(SHORT_MOMENTS if plan.short else MOMENTS):
        expected = oracle.reference(kinds[number % len(kinds)], plan.jobs)
        moments = [_moment(draw, expected.seconds) for _ in range(draw.choice((1, 1, 2, 3)))]
        trials.append((plan.scratch / str(number), expected, moments, number % 2 == 0, draw.random() < 0.5))
    verdicts = list(conducted(plan.jobs, killed_after, *zip(*trials, strict=True)))
    names = [f"{t[1].kind}, killed after {[round(m, 3) for m in t[2]]} s" for t in trials]
    return oracle.outcome("C2", names, verdicts)


def _moment(draw: random.Random, whole: float) -> float:
    """Seconds from the start."""
    return draw.uniform(0, 0.1) if draw.random() < 0.2 else draw.uniform(0, whole)


def killed_after(folder: Path, expected: Reference, moments: list[float], often: bool, group: bool) -> Verdict:
    """Kill attempt after attempt, the whole group or the first process alone. often: every step is committed."""
    trial_studies.placed(folder, expected.kind)
    change, kills = oracle.committed_often if often else oracle.nothing, 0
    try:
        for moment in moments:
            dying = oracle.attempt(folder, change)
            if not dying.ended_within(moment):
                dying.kill(group)
            ended = dying.wait()
            kills += ended.code == SIGKILL
            if living := dying.outlived_by():
                return Verdict("leftovers", f"live on after the kill: {living}", kills)
            if ended.code not in (SIGKILL, 0):
                return Verdict("cannot_resume", f"exit {ended.code}: {ended.err[-600:]}", kills)
        return oracle.goes_on(folder, expected, change, kills)
    finally:
        shutil.rmtree(folder)
