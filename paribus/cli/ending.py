"""How a command ends: every error becomes lines and an exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paribus import stopping
from paribus.errors import MachineError, ParibusError, Problem, StudyError, is_lack_of_memory


def exit_code(command: Callable[[], Any]) -> int:
    try:
        command()
    except ParibusError as error:
        return _said(error)
    except stopping.Stopped as stopped:
        print("Stopped. The last committed state is kept: the same command goes on.", file=sys.stderr)
        return stopped.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        from paribus.durable import environment_error

        if error.errno == errno.ENAMETOOLONG:
            message = "a path that is too long for this system."
            return _said(StudyError([Problem("PATH_TOO_LONG", message, str(error.filename or ""), "shorten it.")]))
        return _said(environment_error(error, Path(str(error.filename or "."))))
    except Exception as error:
        if is_lack_of_memory(error):
            fix = "take a smaller batch or input."
            return _said(MachineError([Problem("ENV_MEMORY", "there is not enough memory.", fix=fix)]))
        message_of = getattr(error, "format_message", None)  # a usage error of the command line's library
        return _misused(error, message_of()) if callable(message_of) else _crashed(error)
    return 0


def _misused(error: Any, message: str) -> int:
    if message.startswith("Usage:"):  # nothing was asked: the help itself
        print(message, file=sys.stderr)
        return StudyError.exit_code
    context = getattr(error, "ctx", None)
    fix = f"{context.command_path} --help tells what there is." if context is not None else ""
    return _said(StudyError([Problem("USAGE", f"{message.rstrip('.')}.", fix=fix)]))


def _said(error: ParibusError) -> int:
    for line in error.lines():
        print(line, file=sys.stderr)
    return error.exit_code


def _crashed(error: Exception) -> int:
    import time

    from paribus import durable

    path = Path(f"crash-{time.strftime('%Y%m%d-%H%M%S')}.txt")
    try:
        durable.write(path, traceback.format_exc().encode(errors="backslashreplace"))
        where = f" The trace is in {path}."
    except MachineError:
        where = ""
    message = f"{type(error).__name__}: {error}. This is a defect of Paribus.{where}"
    return _said(ParibusError([Problem("DEFECT", message)]))
