"""Training steps whose freed memory goes back to the system, as glibc has it, and kept, as `paribus run` has it.

    python -m benchmarks.freed_memory                # two minutes on 2 cores
    python -m benchmarks.freed_memory --short        # does it work?

EfficientNet-Lite0, all layers, batches of 32 images of 96 pixels that lie in memory; ten steps a measurement.
"""

import resource
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping

import torch

from benchmarks import contest
from benchmarks.contest import Entry, Measurement, Outcome
from benchmarks.steps import training_step
from benchmarks.tables import Table, middle, publish, ratio, times
from paribus import memory

NAME = "freed_memory"
BATCH, STEPS = 32, 10


def epochs(settings: Measurement) -> Iterator[Measurement]:
    """In a process of its own: ready, then steps and what they cost."""
    if settings["kept"]:
        assert memory.keep_freed(), "this C library has no such settings"
    torch.manual_seed(0)
    step = training_step(settings["side"], BATCH)
    for _ in range(3):
        step()
    yield {}
    while True:
        faults, began = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.perf_counter()
        for _ in range(settings["steps"]):
            step()
        seconds = time.perf_counter() - began
        yield {"seconds": seconds, "faults": resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults}


def table(outcomes: Mapping[str, Outcome], repeats: int) -> Table:
    """Rows: what becomes of freed memory, seconds, page faults, and how many times as long as kept it takes."""
    found = {name: [m["seconds"] for m in outcome.measured] for name, outcome in outcomes.items()}
    rows = []
    for name, seconds in found.items():
        faults = middle([m["faults"] / 1000 for m in outcomes[name].measured])
        rows.append((name, middle(seconds, 2), faults, times(ratio(seconds, found["kept"]))))
    notes = [outcome.failed for outcome in outcomes.values() if outcome.failed]
    notes.append(f"{STEPS} steps of {BATCH} images: median (lowest to highest) of {repeats}, in turn.")
    columns = ("freed memory", "seconds", "thousand page faults", "kept is")
    raw = {name: vars(outcome) for name, outcome in outcomes.items()}
    return Table(NAME, "Freed memory", columns, tuple(rows), tuple(notes), raw)


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    settings = {"side": 32, "steps": 1} if asked.short else {"side": 96, "steps": STEPS}
    who = [Entry(name, f"{NAME}:epochs", settings | {"kept": name == "kept"}) for name in ("given back", "kept")]
    return table(contest.contest(who, asked.repeats, asked.threads, asked.out / "logs" / NAME), asked.repeats)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    return contest.options("Steps with freed memory kept, or given back.").parse_args(given)


if __name__ == "__main__":
    publish(measure, arguments())
