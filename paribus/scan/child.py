"""The process in which files are decoded: what a decoder does to it costs one file, not the study.

It answers each JSON request, a line, with a line, and ends when nothing more can come. It never imports torch, cannot
write to a file, and the system bounds its memory and time. `paribus.scan.sandbox` starts it.
"""

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from paribus import maskfile
from paribus.errors import Problem
from paribus.images import ImageProblem
from paribus.maskfile import Coding
from paribus.scan.reading import Files, look


def main() -> None:
    """Answer requests until the input ends. Its first line has the limits, and what masks hold."""
    setup = json.loads(sys.stdin.buffer.readline())
    coding = Coding.from_plain(setup["coding"]) if setup["coding"] else None
    confine(setup["memory"])
    answers = os.fdopen(os.dup(1), "wb")
    _send(answers, {"ready": True})
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # what decoders print is for nobody
        os.dup2(silence, descriptor)
    for line in sys.stdin.buffer:
        # Processor time: neither a busy machine nor a suspended one shall make a file look bad.
        signal.setitimer(signal.ITIMER_PROF, setup["seconds"])
        answer = _answer(json.loads(line), coding)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _send(answers, answer)


def confine(memory: int) -> None:
    """Bound this process: address space in bytes (where the system can), no file written, no core dumped."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def _answer(request: dict[str, Any], coding: Coding | None) -> dict[str, Any]:
    name, mask = request["name"], Path(request["mask"]) if request["mask"] else None
    try:
        if mask and not request["source"]:
            return {"written": maskfile.written(mask, name).plain()}
        return {"facts": look(Files(name, Path(request["source"]), request["mask_name"], mask), coding).plain()}
    except ImageProblem as error:
        return {"problem": vars(error.problem)}
    except MemoryError:
        return {"problem": vars(Problem("IMG_MEMORY", "needs more memory than it may have to decode.", name))}


def _send(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
