"""What a study that nothing happened to leaves behind, and whether one that something happened to leaves the same."""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trial_studies
from attempts import Attempt, Change, Ended, forks
from outcome import Outcome

Tree = dict[str, str]  # name -> sha256
STEPS = "steps.txt"


@dataclass(frozen=True)
class Reference:
    """A study that nothing happened to. steps: its durable steps, `kind path`, in order."""

    kind: str
    tree: Tree
    steps: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """How a trial ended. trouble: the column of the table it counts in, or nothing if it ended as it must."""

    trouble: str = ""
    note: str = ""
    kills: int = 0


def nothing() -> None:
    """No change."""


def told_the_same_time() -> None:
    """How long training took is all that may differ between two runs: here it is said to be the same."""
    from paribus import train

    train._timing = lambda training, seconds: {"seconds": 1.0, "images_per_second": 1.0}


def committed_often() -> None:
    """Every step is committed: how often that is done else is a matter of the clock, and so would be the steps."""
    from paribus import checkpoint

    checkpoint.INTERVAL = 0.0


def steps_written_down() -> None:
    """Every durable step goes into a file, before it is taken."""
    from paribus import durable

    real, here = durable.step, Path.cwd()

    def step(kind: str, path: Path) -> None:
        with (here / STEPS).open("a") as file:
            file.write(f"{kind} {path}\n")
        real(kind, path)

    durable.step = step


def together(*changes: Change) -> Change:
    """All of these changes."""

    def change() -> None:
        for each in changes:
            each()

    return change


@cache
def reference(kind: str, jobs: int, planted: Change = nothing) -> Reference:
    """Two studies without faults. Raises RuntimeError if they differ: then nothing could be said of any other."""
    return forks(jobs).submit(_reference, kind, planted).result()


def _reference(kind: str, planted: Change) -> Reference:
    with tempfile.TemporaryDirectory(prefix="faults-reference-") as scratch:
        found = []
        for number in range(2):
            folder = trial_studies.placed(Path(scratch) / str(number), kind)
            ended = attempt(folder, together(planted, committed_often, steps_written_down)).wait()
            if ended.code != 0:
                raise RuntimeError(f"{kind} does not work undisturbed: {ended}")
            steps = tuple((folder / STEPS).read_text().splitlines())
            found.append(Reference(kind, tree(folder), steps, ended.seconds))
        if different(found[0].tree, found[1].tree) or len(found[0].steps) != len(found[1].steps):
            raise RuntimeError(f"{kind} is not deterministic: {different(found[0].tree, found[1].tree)}")
        return found[1]


def attempt(folder: Path, change: Change = nothing, **environment: str) -> Attempt:
    return Attempt(folder, together(told_the_same_time, change), environment)


def tree(folder: Path) -> Tree:
    """Everything that a study has left in its `out`, and what lies about beside."""
    files = [path for path in sorted((folder / "out").rglob("*")) if path.is_file()]
    files += folder.glob("crash-*.txt")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def different(one: Tree, other: Tree) -> list[str]:
    """The names of files that are not the same, or only in one."""
    return sorted(name for name in {**one, **other} if one.get(name) != other.get(name))


def goes_on(folder: Path, expected: Reference, change: Change = nothing, kills: int = 0) -> Verdict:
    """Give the same command again, without a fault: what it ends with."""
    going = attempt(folder, change)
    ended = going.wait()
    if ended.code != 0:
        return Verdict("cannot_resume", _said(ended), kills)
    if living := going.outlived_by():
        return Verdict("leftovers", f"live on: {living}", kills)
    return compared(folder, expected, kills)


def compared(folder: Path, expected: Reference, kills: int = 0) -> Verdict:
    """A finished study against the one that nothing happened to."""
    found = tree(folder)
    if left := [name for name in found if name not in expected.tree]:
        return Verdict("leftovers", f"are left: {left}", kills)
    if other := different(found, expected.tree):
        return Verdict("different", f"are different: {other}", kills)
    return Verdict(kills=kills)


def _said(ended: Ended) -> str:
    return f"exit {ended.code}: {ended.err[-600:]}" if ended.code is not None else "it hung"


def outcome(name: str, trials: Sequence[str], verdicts: Sequence[Verdict], *notes: str) -> Outcome:
    """The row of a campaign. trials: what each was, for the notes."""
    told = [f"{what}: {each.note}" for what, each in zip(trials, verdicts, strict=True) if each.trouble]
    return Outcome(
        name,
        len(verdicts),
        kills=sum(each.kills for each in verdicts),
        same=sum(not each.trouble for each in verdicts),
        notes=(*told, *notes),
        **{column: sum(each.trouble == column for each in verdicts) for column in COLUMNS},
    )


COLUMNS = ("different", "cannot_resume", "leftovers")
Trial = Callable[..., Verdict]
