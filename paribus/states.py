"""What an unfinished run has committed: STATE.json, the only commit point, and the files that it names.

The two newest states are kept. Where a power loss has torn a file of the newest one (on disks that say "stored" too
early), the run goes on from the one before it.
"""

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from paribus import regular, sealed
from paribus.errors import IntegrityError, Problem

STATE = "STATE.json"
FORMAT = 2
_SECTOR = 512  # bytes; a disk stores at least so many at once


@dataclass(frozen=True)
class Mark:
    """How a file is known again."""

    sha256: str
    size: int  # bytes

    @classmethod
    def of(cls, content: bytes) -> "Mark":
        return cls(hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True)
class State:
    """A moment between two training steps to which a run can go back.

    epoch: epochs that are trained and scored. batch: steps of the next one that are done; total and seen: the sum of
    their losses, each times its images, and the number of these images. files: all that this moment needs.
    """

    epoch: int
    batch: int
    total: float
    seen: int
    seconds: float
    curves: tuple[dict[str, float], ...]
    files: dict[str, Mark]

    @property
    def weights(self) -> str:
        """The file of the model and the optimizer."""
        return f"state-{self.epoch}-{self.batch}.safetensors"


@dataclass(frozen=True)
class Committed:
    """What STATE.json says: the states, newest first, and what holds of all of them."""

    environment: dict[str, Any]
    frozen: dict[str, str]
    inexact: tuple[dict[str, Any], ...]
    states: tuple[State, ...]


def kept(states: Sequence[State]) -> tuple[State, ...]:
    """The two newest, and the newest between two epochs: a run that diverges goes back to it."""
    between = [state for state in states[2:] if state.batch == 0]
    return (*states[:2], *(between[:1] if all(state.batch for state in states[:2]) else ()))


def write(partial: Path, committed: Committed) -> None:
    """Commit: from this moment on these states count. Raises MachineError."""
    sealed.write(partial / STATE, {"format": FORMAT} | asdict(committed), _owner(partial))


def read(partial: Path) -> Committed:
    """What has been committed. Raises IntegrityError."""
    with as_damage(partial, STATE, "CKPT_HASH"):
        if partial.is_symlink():
            raise ValueError(f"{partial.name} is a link")
        told = sealed.read(partial / STATE, _owner(partial))
    with as_damage(partial, STATE, "CKPT_FORMAT"):
        if told.get("format") != FORMAT:
            raise ValueError(f"has the format {told.get('format')}, {FORMAT} is read here")
        states = tuple(_state(each) for each in told["states"])
        if not states:
            raise ValueError("names no state")
        return Committed(dict(told["environment"]), dict(told["frozen"]), tuple(told["inexact"]), states)


def _state(told: dict[str, Any]) -> State:
    files = {str(name): Mark(str(mark["sha256"]), int(mark["size"])) for name, mark in told["files"].items()}
    return State(
        epoch=int(told["epoch"]),
        batch=int(told["batch"]),
        total=float(told["total"]),
        seen=int(told["seen"]),
        seconds=float(told["seconds"]),
        curves=tuple(dict(row) for row in told["curves"]),
        files=files,
    )


def newest(partial: Path, states: Sequence[State]) -> tuple[State, list[Problem]]:
    """The newest state whose files are whole, and which files of newer ones a power loss has torn.

    Raises IntegrityError for a file that is not what was committed and was not torn, and if no state is whole.
    """
    torn: list[Problem] = []
    for state in states:
        found = [problem for name in state.files if (problem := _torn(partial, state, name))]
        if not found:
            return state, torn
        torn += found
    raise IntegrityError(torn)


def _torn(partial: Path, state: State, name: str) -> Problem | None:
    """What a power loss does to a file: it is missing, too short, or ends in zeros. Raises IntegrityError for more."""
    try:
        content(partial, state, name)
    except IntegrityError as error:
        path = partial / name
        raw = regular.content(path) if path.is_file() else b""
        if (path.is_file() or not path.exists()) and _is_torn(raw, state.files[name].size):
            return error.problems[0]
        raise
    return None


def _is_torn(raw: bytes, size: int) -> bool:
    """Whether what should be a safetensors file of this size may be what a power loss left of one."""
    is_another_file = any(raw[:9]) and raw[8:9] != b"{"
    return not is_another_file and (len(raw) < size or not any(raw[-_SECTOR:]))


def content(partial: Path, state: State, name: str) -> bytes:
    """A file of a state, checked against its hash. Raises IntegrityError (exit 7)."""
    with as_damage(partial, name, "CKPT_HASH"):
        path, written = partial / name, state.files[name].sha256
        if path.resolve() != partial.resolve() / name:
            raise ValueError("is a link, or leads out of the folder")
        try:
            found = regular.content(path)
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}; sha256 {written[:16]} was committed") from None
        mark = hashlib.sha256(found).hexdigest()
        if mark != written:
            raise ValueError(f"is not what was committed: it has sha256 {mark[:16]}, {written[:16]} was written")
    return found


@contextmanager
def as_damage(partial: Path, name: str, code: str) -> Iterator[None]:
    """What a reader stumbles over in a file is damage of that file."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise IntegrityError([Problem(code, f"{what}.", f"{partial.name}/{name}", f"{anew(partial)}.")]) from None


def anew(partial: Path) -> str:
    """The command that starts a run again."""
    return f"rm -r {shlex.quote(str(partial))} and give the same command again: the run starts again"


def _owner(partial: Path) -> str:
    """Whose the sealed state of a partial run is."""
    return f"{partial.stem}/{STATE}"
