"""What a user can get wrong, said in their words: what was read, what was expected, what to write instead."""

import errno
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST_NAME = 1000  # characters of a path in a message
LONGEST = 2000  # characters of a message: what was read may be a megabyte


def printable(text: str) -> str:
    """`text` on one line, with control characters and undecodable bytes shown as escapes such as `\\x1b`."""
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def shortened(name: str) -> str:
    """A path as it is, or its two ends: most of what is longer than any name is no name."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2]} … {name[-LONGEST_NAME // 2 :]}"


def encodable(text: str) -> str:
    """`text` as it is, but for what UTF-8 cannot hold: the bytes of a file name in another encoding, as escapes."""
    return "".join(_escape(c) if "\ud800" <= c <= "\udfff" else c for c in text)


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of a file name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "backslashreplace").decode()


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
        where = f"{shortened(self.where)}: " if self.where else ""
        fix = f" Fix: {self.fix}" if self.fix else ""
        message = self.message if len(self.message) <= LONGEST else f"{self.message[:LONGEST]} …"
        return printable(f"{level}[{self.code}]: {where}{message}{fix}")

    def record(self, severity: str = "error") -> dict[str, str]:
        """What `line` says, JSON-ready. `path` is exact; for one that is not UTF-8 `path_hex` holds its bytes."""
        texts = {"path": self.where, "message": self.message, "fix": self.fix}
        row = {"code": self.code, "severity": severity} | {name: encodable(text) for name, text in texts.items()}
        if row["path"] != self.where:
            row["path_hex"] = self.where.encode("utf-8", "surrogateescape").hex()
        return row


def told(problems: Sequence[Problem], level: str = "error", most: int | None = None) -> list[str]:
    """The lines of problems, at most `most` of a code; then how many more there are."""
    counts: Counter[str] = Counter()
    lines = []
    for problem in problems:
        counts[problem.code] += 1
        if most is None or counts[problem.code] <= most:
            lines.append(problem.line(level))
    more = {code: count - most for code, count in counts.items() if most is not None and count > most}
    return lines + [f"{level}[{code}]: and {count} more like this." for code, count in more.items()]


class ParibusError(Exception):
    """The base of all errors that are the user's to mend. Holds every problem found, not only the first.

    shown: how many problems of one code are told; all if None.
    """

    exit_code = 1
    code = "DEFECT"
    shown: int | None = None

    def __init__(self, problems: Sequence[Problem | str] | str):
        found = [problems] if isinstance(problems, str) else problems
        self.problems: list[Problem] = [p if isinstance(p, Problem) else Problem(self.code, p) for p in found]
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """What the user is told."""
        return told(self.problems, most=self.shown)


class StudyError(ParibusError):
    """The study file or the command line cannot be used as written."""

    exit_code = 2
    code = "STUDY"


class DataError(ParibusError):
    """The data set cannot be used as it is."""

    exit_code = 3
    code = "DATA"
    shown = 10


class RunsFailed(ParibusError):
    """Some runs failed; the others are complete."""

    exit_code = 4
    code = "RUN_FAILED"


class RankLost(RunsFailed):
    """A process of a run that several train together is gone."""

    code = "RANK_LOST"


class ImagesLeftOut(ParibusError):
    """Some images could not be used; the others are done."""

    exit_code = 4
    code = "IMAGES_LEFT_OUT"
    shown = 10


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
    shown = 10


class DataChanged(IntegrityError):
    """A file of the data set is not the one that was scanned."""

    code = "DATA_CHANGED"


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    """`Unknown model 'alexnt'. Did you mean 'alexnet'?`, with all that is known where the list is short."""
    near = get_close_matches(name[:80], known, n=1)  # of very long texts nothing is near, and finding out takes minutes
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = f" Known: {', '.join(sorted(known))}." if len(known) <= 30 else ""
    return f"Unknown {kind} {name[:80]!r}.{hint}{listed}"


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out. Many libraries say it in their own words."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    said = f"{type(error).__name__}: {error}"
    return any(words in said for words in _LACK_OF_MEMORY)


_LACK_OF_MEMORY = (
    "OutOfMemory",
    "allocate memory",  # torch; the system's loader of libraries
    "can't start new thread",  # its stack finds no room
    "failed to map segment",  # of a library that is imported late
    "std::bad_alloc",
    "SystemError: error return without exception set",  # C code that did not look whether it got its memory
)


class Diverged(Exception):
    """A loss, a weight or an output is no longer finite: a result of a run, not a failure."""
