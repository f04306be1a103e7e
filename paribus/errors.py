"""What a user can get wrong, said in their words: what was read, what was expected, what to write instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST = 2000  # characters of a message: what was read may be a megabyte


def printable(text: str) -> str:
    """`text` on one line, with control characters and undecodable bytes shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    `code` is a stable name such as `IMG_TRUNCATED`; `where` a relative path or a line of the study file.
    """

    code: str
    message: str
    where: str = ""
    fix: str = ""

    def line(self, level: str = "error") -> str:
        """The one-line form: ``error[CODE]: where: message Fix: what to do.``"""
        where = f"{self.where}: " if self.where else ""
        fix = f" Fix: {self.fix}" if self.fix else ""
        message = self.message if len(self.message) <= LONGEST else f"{self.message[:LONGEST]} …"
        return printable(f"{level}[{self.code}]: {where}{message}{fix}")


class ParibusError(Exception):
    """The base of all errors that are the user's to mend. Holds every problem found, not only the first."""

    exit_code = 1
    code = "DEFECT"

    def __init__(self, problems: Sequence[Problem | str] | str):
        found = [problems] if isinstance(problems, str) else problems
        self.problems: list[Problem] = [p if isinstance(p, Problem) else Problem(self.code, p) for p in found]
        super().__init__("\n".join(p.line() for p in self.problems))


class StudyError(ParibusError):
    """The study file or the command line cannot be used as written."""

    exit_code = 2
    code = "STUDY"


class DataError(ParibusError):
    """The data set cannot be used as it is."""

    exit_code = 3
    code = "DATA"


class RunsFailed(ParibusError):
    """Some runs failed; the others are complete."""

    exit_code = 4
    code = "RUN_FAILED"


class LockedError(ParibusError):
    """Another process holds the folder."""

    exit_code = 5
    code = "LOCKED"


class MachineError(ParibusError):
    """Disk, memory, permission, or something that is not installed or not reachable."""

    exit_code = 6
    code = "ENVIRONMENT"


class IntegrityError(ParibusError):
    """A file that is read again is not what was written."""

    exit_code = 7
    code = "INTEGRITY"


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    """`Unknown model 'alexnt'. Did you mean 'alexnet'?`, with all that is known where the list is short."""
    near = get_close_matches(name[:80], known, n=1)  # of very long texts nothing is near, and finding out takes minutes
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = f" Known: {', '.join(sorted(known))}." if len(known) <= 30 else ""
    return f"Unknown {kind} {name[:80]!r}.{hint}{listed}"


class Diverged(Exception):
    """A loss, a weight or an output is no longer finite: a result of a run, not a failure."""
