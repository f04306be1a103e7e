"""Where `paribus run` trains: in this process, in several that share a run, or as tasks of Ray."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from paribus.cli.opening import bindings_of, hashes_of, pairs
from paribus.errors import Problem, StudyError

if TYPE_CHECKING:
    from paribus.execute import Where
    from paribus.study import Study


@contextmanager
def where_of(on: str | None, threads: int | None, gpus: float, processes: int) -> "Iterator[Where]":
    """Where runs are trained: in this process, or as --on and --processes say."""
    from paribus import on_ray, together
    from paribus.environment import physical_cores
    from paribus.jobs import here

    if on is not None and processes > 1:
        message = "--on trains many runs at a time, --processes one: not both."
        raise StudyError([Problem("USAGE", message, fix="leave one of them out.")])
    if on is not None:
        cores = threads or physical_cores()
        with on_ray.connected(on, cores, gpus, lambda p: print(p.line("note"), file=sys.stderr)) as where:
            yield where
    elif max(processes, together.called()[1]) > 1:
        with together.leading(processes, together.command_of(sys.argv[1:])) as where:
            yield where
    else:
        yield here


def device_of(device: str, processes: int) -> str:
    """Several processes of one run compute on the processor: their sums are those of gloo."""
    from paribus import together
    from paribus.devices import CPU

    if max(processes, together.called()[1]) == 1:
        return device
    if device not in ("auto", CPU):
        message = f"--processes shares a run on the processor only, not on {device}."
        raise StudyError([Problem("USAGE", message, fix="leave --processes or --device out.")])
    return CPU


def threads_of(threads: int | None, processes: int) -> int | None:
    """Several processes share the cores of the machine."""
    from paribus.environment import physical_cores

    return threads if threads or processes == 1 else max(1, physical_cores() // processes)


def follows(
    read: "Study",
    out: Path,
    data: list[str] | None,
    weights: list[str] | None,
    sha256: list[str] | None,
    threads: int | None,
    prepared: float | None,
) -> bool:
    """Whether this process is one of several that train a run together and not the first: then that is all it does."""
    from paribus import together
    from paribus.jobs import Unwatched
    from paribus.prepared import LIMIT
    from paribus.running import open_study

    rank, size = together.called()
    if rank == 0:
        return False
    files, hashes = pairs(weights, "--weights"), hashes_of(sha256)
    bound, place = open_study(read, out, Unwatched(), bindings_of(read, data), files, threads_of(threads, size), hashes)
    together.follow(bound, place, LIMIT if prepared is None else prepared)
    return True
