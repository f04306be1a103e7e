"""Files decoded in confined processes: one that crashes, hangs or eats memory is named, and the scan goes on.

The processes are new ones (no forks of this one, in which torch may have threads) and end with this one. They speak
JSON: what comes back may be what a hostile file made of its decoder.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

import paribus
from paribus.errors import MachineError, Problem
from paribus.images import ImageProblem
from paribus.maskfile import Coding, Written
from paribus.scan.facts import Facts
from paribus.scan.reading import Files

_ATTEMPTS = 2  # a process may also be killed for reasons that are not its file's


@dataclass(frozen=True)
class Limits:
    """What decoding one file may take. memory: bytes of address space; seconds: of processor time."""

    memory: int = 2 << 30
    seconds: float = 30.0


DEFAULT = Limits()


class Sandbox:
    """Looks at files in processes of its own. Threads may share it: each that asks gets a process to itself.

    It starts no process before it is asked. As a context manager it ends them.
    """

    def __init__(self, coding: Coding | None = None, limits: Limits = DEFAULT):
        self._limits = limits
        self._setup = {"coding": coding.plain() if coding else None} | vars(limits)
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        self._all: list[_Child] = []
        self._closed = False

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closed = True
        for child in self._all:
            child.end()

    def look(self, files: Files) -> Facts:
        """What is in the files.

        Raises ImageProblem as `paribus.scan.reading.look` does and with IMG_DECODER_CRASH, IMG_DECODER_TIMEOUT and
        IMG_MEMORY, and MachineError if no process can be started.
        """
        mask = str(files.mask) if files.mask else None
        request = {"name": files.name, "source": str(files.source), "mask_name": files.mask_name, "mask": mask}
        return Facts.from_plain(self._asked(request)["facts"])

    def written(self, path: Path, name: str) -> Written:
        """What the mask `path` holds, of which no coding says what it means. Raises as `look` does."""
        return Written.from_plain(self._asked({"name": name, "source": None, "mask": str(path)})["written"])

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        ended = 0
        for _ in range(_ATTEMPTS):
            if ended == -signal.SIGPROF or self._closed:
                break
            child = self._child()
            answer = child.ask(request)
            if answer is not None:
                self._idle.put(child)
                if "problem" in answer:
                    raise ImageProblem([Problem(**answer["problem"])])
                return answer
            ended = child.end()
        raise ImageProblem([self._death(ended, request["name"])])

    def _child(self) -> "_Child":
        try:
            return self._idle.get_nowait()
        except Empty:
            child = _Child(self._setup)
            self._all.append(child)
            return child

    def _death(self, ended: int, name: str) -> Problem:
        fix = "Convert it to PNG or JPEG with another program, or remove it."
        if ended == -signal.SIGPROF:
            message = f"was not decoded within {self._limits.seconds:g} s of processor time."
            return Problem("IMG_DECODER_TIMEOUT", message, name, fix)
        how = signal.strsignal(-ended) if ended < 0 else f"exit code {ended}"
        return Problem("IMG_DECODER_CRASH", f"crashed its decoder ({how}); nothing else was harmed.", name, fix)


class _Child:
    """One process, in the middle of nothing or of one request."""

    def __init__(self, setup: dict[str, Any]):
        home = str(Path(paribus.__file__).parents[1])
        paths = [home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "paribus.scan.child"],  # -P: nothing is imported from the working folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"},
        )
        if self.ask(setup) is None:
            said = self._said()
            message = f"the process that looks at images could not be started: {said or 'it said nothing'}."
            raise MachineError([Problem("ENV_SCAN", message)])

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer; None if the process came to its end over it."""
        into, out = self._process.stdin, self._process.stdout
        assert into is not None and out is not None
        try:
            into.write(json.dumps(request).encode() + b"\n")
            into.flush()
            answer = json.loads(out.readline())
        except (OSError, ValueError):
            return None
        return answer if isinstance(answer, dict) else None

    def end(self) -> int:
        """Make sure that it has ended. Gives its exit code, negative for a signal."""
        process = self._process
        process.kill()  # does nothing to one that has ended
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            with suppress(OSError):  # something was left to be written
                pipe.close()
        return process.wait()

    def _said(self) -> str:
        """The last line of its errors."""
        self._process.kill()
        assert self._process.stderr is not None
        lines = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        self.end()
        return lines[-1] if lines else ""
