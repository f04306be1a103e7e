"""C4 and C5: the system refuses a write, or the disk is full; said in one line, nothing lost, and it goes on later."""

import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import oracle
import trial_studies
from attempts import Attempt, Ended, conducted
from oracle import Reference, Verdict
from outcome import Outcome, Plan

CODES = {
    "ENOSPC": "ENV_DISK_FULL", "EIO": "ENV_IO", "EINTR": "ENV_IO", "EMFILE": "ENV_OPEN_FILES", "EDQUOT": "ENV_DISK_FULL"
}  # fmt: skip
AT_EACH_STEP = 3  # errors
# What strace has fail from outside: the call, the error, which of the calls. EINTR is tried again by Python.
FROM_OUTSIDE = [(call, error, when) for call in ("fsync", "rename", "mkdir") for error in ("ENOSPC", "EIO", "EDQUOT")
                for when in (1, 3, 7)]  # fmt: skip
SIZES, SHORT_SIZES = 20, 2  # of a full disk


def c4(plan: Plan) -> Outcome:
    """ENOSPC, EIO, EINTR, EMFILE, EDQUOT at every durable step, and in system calls (strace)."""
    draw = random.Random(plan.seed)
    expected = oracle.reference("classes", plan.jobs)
    count, errors = len(expected.steps), list(CODES)
    if plan.short:
        chosen = [(draw.randint(1, count), error) for error in errors[:3]]
    else:
        chosen = [(s, errors[(s + n) % len(errors)]) for s in plan.steps(count) for n in range(AT_EACH_STEP)]
    trials = [(plan.scratch / f"{step}-{error}", expected, step, error) for step, error in chosen]
    verdicts = list(conducted(plan.jobs, refused_at, *zip(*trials, strict=True)))
    names = [f"{error} at step {step} ({expected.steps[step - 1]})" for _, _, step, error in trials]
    if shutil.which("strace") is None:
        return oracle.outcome("C4", names, verdicts, "no strace here: nothing was made to fail from outside")
    calls = FROM_OUTSIDE[1:2] if plan.short else FROM_OUTSIDE
    outside = [(plan.scratch / "-".join(map(str, call)), expected, *call) for call in calls]
    verdicts += conducted(plan.jobs, refused_from_outside, *zip(*outside, strict=True))
    return oracle.outcome("C4", names + [f"{error} in {call} {when}" for call, error, when in calls], verdicts)


def refused_at(folder: Path, expected: Reference, step: int, error: str) -> Verdict:
    """A step fails, then none."""
    trial_studies.placed(folder, expected.kind)
    try:
        ended = oracle.attempt(folder, oracle.committed_often, PARIBUS_FAIL_AT=f"{step}:{error}").wait()
        if wrong := _badly_said(ended, CODES[error], folder):
            return wrong
        return oracle.goes_on(folder, expected, oracle.committed_often)
    finally:
        shutil.rmtree(folder)


def refused_from_outside(folder: Path, expected: Reference, call: str, error: str, when: int) -> Verdict:
    """A system call fails, then none."""
    trial_studies.placed(folder, expected.kind)
    try:
        attempt = oracle.attempt(folder, oracle.together(oracle.committed_often, _wait_for_strace))
        with _strace(attempt, folder, f"{call}:error={error}:when={when}"):
            ended = attempt.wait()
        if wrong := _badly_said(ended, CODES[error], folder):
            return wrong
        return oracle.goes_on(folder, expected, oracle.committed_often)
    finally:
        shutil.rmtree(folder)


def _wait_for_strace() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@contextmanager
def _strace(attempt: Attempt, folder: Path, inject: str) -> Iterator[None]:
    os.waitpid(attempt.pid, os.WUNTRACED)
    log = folder.parent / f"{folder.name}.strace"
    command = ["strace", "-f", "-p", str(attempt.pid), "-o", log, "-e", "inject=" + inject]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        os.kill(attempt.pid, signal.SIGCONT)
        if "attached" not in said:
            raise RuntimeError(f"strace: {said}")
        yield


def _badly_said(ended: Ended, code: str, folder: Path) -> Verdict | None:
    """What is wrong with the end of an attempt that the system refused something."""
    lines = ended.err.splitlines()
    if ended.code != 6 or not any(re.match(rf"error\[{code}\]: .*Fix: ", line) for line in lines):
        return Verdict("different", f"exit {ended.code}, {code} is expected: {ended.err[-600:]}")
    if "Traceback" in ended.err or list(folder.glob("crash-*")):
        return Verdict("different", f"a trace: {ended.err[-600:]}")
    if left := [path.name for path in (folder / "out").rglob(".*.tmp")]:
        return Verdict("leftovers", f"temporary files: {left}")
    return None


# ------------------------------------------------------------------------------------------------- a disk that is full


def c5(plan: Plan) -> Outcome:
    """A real full disk: file systems in memory of many sizes; half the time room is not asked for beforehand."""
    if os.geteuid() != 0:
        return Outcome("C5", skipped="only root may mount a file system")
    expected = oracle.reference("classes", plan.jobs)
    if not conducted_alone(plan):
        return Outcome("C5", skipped="no file system can be mounted here")
    most = 1.5 * _room(expected)
    sizes = [0.35, 0.8] if plan.short else [(n + 1) / SIZES for n in range(SIZES)]
    trials = [(plan.scratch / str(number), expected, int(most * share), number % 2 == 0)
              for number, share in enumerate(sizes)]  # fmt: skip
    verdicts = list(conducted(plan.jobs, filled, *zip(*trials, strict=True)))
    return oracle.outcome(
        "C5", [f"{size / 1e3:.0f} kB, {'un' * blind}checked" for _, _, size, blind in trials], verdicts
    )


def conducted_alone(plan: Plan) -> bool:
    """Whether a file system can be mounted."""
    return next(conducted(1, _can_mount, [plan.scratch / "mount"]))


def _can_mount(folder: Path) -> bool:
    folder.mkdir()
    try:
        with _mounted(folder, 1 << 20):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def _mounted(folder: Path, size: int) -> Iterator[None]:
    """A file system in memory that only this process and its children see."""
    new_namespace = 0x00020000
    if ctypes.CDLL(None, use_errno=True).unshare(new_namespace) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True, capture_output=True)


def _room(expected: Reference) -> int:
    """Bytes that a finished study takes on a file system of pages."""
    return 4096 * 3 * (len(expected.tree) + 20)


def filled(folder: Path, expected: Reference, size: int, blind: bool) -> Verdict:
    """A study whose disk is too small goes on when it has grown. blind: nothing asks for room beforehand."""
    trial_studies.placed(folder, expected.kind)
    (folder / "out").mkdir()
    try:
        with _mounted(folder / "out", size):
            ended = oracle.attempt(folder, _ask_for_no_room if blind else oracle.nothing).wait()
            if ended.code == 0:
                return oracle.compared(folder, expected)
            if wrong := _badly_said(ended, "ENV_DISK_FULL", folder):
                return wrong
            larger = ["mount", "-o", f"remount,size={size + (64 << 20)}", folder / "out"]
            subprocess.run(larger, check=True, capture_output=True)
            return oracle.goes_on(folder, expected)
    finally:
        shutil.rmtree(folder)


def _ask_for_no_room() -> None:
    """As if something else had filled the disk meanwhile."""
    from paribus import durable

    durable.need = lambda path, size, what: None
