"""C10: several processes start the same study at the same time, and the one that trains is killed."""

import os
import random
import shutil
import time
from pathlib import Path

import oracle
import trial_studies
from attempts import LONGEST, Attempt, conducted
from oracle import Reference, Verdict
from outcome import Outcome, Plan

TRIALS, SHORT = 50, 2
LOCKED, SIGKILL = 5, -9


def c10(plan: Plan) -> Outcome:
    """Two to four processes start the same study at once; the one that trains is killed, and at once started again."""
    draw = random.Random(plan.seed)
    expected = oracle.reference("classes", plan.jobs)
    trials = [
        (plan.scratch / str(number), expected, 2 + number % 3, draw.random(), draw.random() < 0.5)
        for number in range(SHORT if plan.short else TRIALS)
    ]
    verdicts = list(conducted(plan.jobs, contended, *zip(*trials, strict=True)))
    return oracle.outcome(
        "C10", [f"{many} processes, killed at {share:.2f}" for _, _, many, share, _ in trials], verdicts
    )


def contended(
    folder: Path, expected: Reference, many: int, share: float, group: bool, planted: oracle.Change = oracle.nothing
) -> Verdict:
    """share: of the time that a study takes, until the winner is killed."""
    trial_studies.placed(folder, expected.kind)
    try:
        attempts = _at_once(folder, many, planted)
        winners = _last_one_left(attempts)
        if wrong := _not_one(folder, attempts, winners):
            return wrong
        (winner,) = winners or attempts[:1]
        kills = 0
        if winners:
            if not winner.ended_within(share * expected.seconds):
                winner.kill(group)
            ended = winner.wait()
            kills += ended.code == SIGKILL
            if ended.code not in (SIGKILL, 0):
                return Verdict("cannot_resume", f"the winner: exit {ended.code}: {ended.err[-600:]}", kills)
        found = oracle.goes_on(folder, expected, kills=kills)
        living = winner.outlived_by()
        return found if found.trouble or not living else Verdict("leftovers", f"live on: {living}", kills)
    finally:
        shutil.rmtree(folder)


def _at_once(folder: Path, many: int, planted: oracle.Change) -> list[Attempt]:
    """So many attempts, which wait for each other; each writes its steps into a file of its own."""
    ready, go = os.pipe()

    def wait_for_all() -> None:
        os.close(go)
        os.read(ready, 1)
        _steps_written_down(folder.parent / f"{folder.name}-{os.getpid()}.steps")
        planted()

    attempts = [oracle.attempt(folder, wait_for_all) for _ in range(many)]
    os.close(ready)
    os.close(go)
    return attempts


def _steps_written_down(path: Path) -> None:
    from paribus import durable

    real = durable.step

    def step(kind: str, where: Path) -> None:
        with path.open("a") as file:
            file.write(f"{kind} {where}\n")
        real(kind, where)

    path.touch()
    durable.step = step


def _last_one_left(attempts: list[Attempt]) -> list[Attempt]:
    """The attempt that goes on when all others have ended; none if all have."""
    until = time.monotonic() + LONGEST
    while len(running := [each for each in attempts if not each.ended_within(0)]) > 1 and time.monotonic() < until:
        time.sleep(0.01)
    return running


def _not_one(folder: Path, attempts: list[Attempt], winners: list[Attempt]) -> Verdict | None:
    """What is wrong if not exactly one of the attempts does all the work, and the others say why they do none."""
    if len(winners) > 1:
        for each in winners:
            each.kill()
            each.wait()
        return Verdict("different", f"{len(winners)} at the same time")
    wrote = []
    for each in attempts:
        log = folder.parent / f"{folder.name}-{each.pid}.steps"
        steps = [line.split()[0] for line in log.read_text().splitlines()]
        wrote += [each.pid] if set(steps) - {"mkdir", "fsync"} else []  # the folder is made to be locked
        if each in winners:
            continue
        ended = each.wait()
        if ended.code != LOCKED and not (ended.code == 0 and not winners):
            return Verdict("different", f"exit {ended.code}: {ended.err[-600:]}")
        if ended.code == LOCKED and "error[LOCKED]" not in ended.err:
            return Verdict("different", f"says nothing of a lock: {ended.err[-600:]}")
    return None if len(wrote) <= 1 else Verdict("different", f"{len(wrote)} have written")
