"""Where a lasting write can be cut off or fail: numbered steps, so that tests can break every one of them.

The environment names a step of the process, counted from 1: PARIBUS_CRASH_AT=7 kills the process group before step 7,
PARIBUS_FAIL_AT=7:ENOSPC has step 7 fail with that error of the system instead of being done. Otherwise nothing happens.
"""

import errno
import itertools
import os
import signal
from pathlib import Path

_numbers = itertools.count(1)  # of the process: a forked child goes on counting


def step(kind: str, path: Path) -> None:
    """Announce the step that is about to be taken: create, half, write, fsync, rename, mkdir, unlink or rmtree."""
    number = str(next(_numbers))
    if os.environ.get("PARIBUS_CRASH_AT") == number:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    at, _, name = os.environ.get("PARIBUS_FAIL_AT", "").partition(":")
    if at == number:
        code = getattr(errno, name)
        raise OSError(code, f"{os.strerror(code)} ({kind}, injected)", str(path))
