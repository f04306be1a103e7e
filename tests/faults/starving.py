"""C11: too little memory, too few files that may be open. (There are no loader workers, and no shared memory.)"""

import re
import resource
import shutil
from pathlib import Path

import oracle
import trial_studies
from attempts import conducted
from oracle import Reference, Verdict
from outcome import Outcome, Plan

MEMORY = (1, 2, 4, 6, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024)  # MiB more
FILES = (6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 40, 48, 64, 128)
ENOUGH_FILES = 128
ENDS = (0, 4, 6)  # exit codes: it was enough; runs failed; said


def c11(plan: Plan) -> Outcome:
    """RLIMIT_AS at many sizes, and few open files down to none to spare: named, or enough; then it goes on."""
    expected = oracle.reference("classes", plan.jobs)
    memory, files = ((8, 256), (14, ENOUGH_FILES)) if plan.short else (MEMORY, FILES)
    limits = [("memory", each) for each in memory] + [("files", each) for each in files]
    trials = [(plan.scratch / f"{what}-{most}", expected, what, most) for what, most in limits]
    verdicts = list(conducted(plan.jobs, starved, *zip(*trials, strict=True)))
    return oracle.outcome("C11", [f"{what}: {most}" for what, most in limits], verdicts)


def starved(folder: Path, expected: Reference, what: str, most: int) -> Verdict:
    """A study under a limit, then without."""
    trial_studies.placed(folder, expected.kind)
    limit = {"memory": _memory, "files": _files}[what]
    try:
        ended = oracle.attempt(folder, lambda: limit(most)).wait()
        named = re.search(r"^error\[[A-Z_]+\]: .*Fix: ", ended.err, re.MULTILINE)
        if ended.code not in ENDS or (ended.code != 0 and not named) or "Traceback" in ended.err:
            return Verdict("different", f"exit {ended.code}: {ended.err[-900:]}")
        if what == "files" and most >= ENOUGH_FILES and ended.code != 0:
            return Verdict("different", f"{most} files are enough, and it ended with {ended.code}: {ended.err[-600:]}")
        if left := [path.name for path in (folder / "out").rglob(".*.tmp")]:
            return Verdict("leftovers", f"temporary files: {left}")
        return oracle.goes_on(folder, expected) if ended.code else oracle.compared(folder, expected)
    finally:
        shutil.rmtree(folder)


def _memory(mebibytes: int) -> None:
    """Address space: what the process has now, and so much more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    used = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (mebibytes << 20),) * 2)


def _files(most: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
