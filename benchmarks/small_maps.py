"""Depthwise convolutions on maps smaller than their kernel, forwards and back: torch's, and `paribus run`'s.

    python -m benchmarks.small_maps                # two minutes on 2 cores
    python -m benchmarks.small_maps --short        # does it work?

First the convolutions of EfficientNet-Lite0 that meet such maps at 64 and 96 pixels, alone; then training steps of the
whole network, all layers, batches of 24 images that lie in memory.
"""

from argparse import Namespace
from collections.abc import Iterator

import torch

from benchmarks import contest, steps
from benchmarks.contest import Entry, Measurement
from benchmarks.tables import Table, publish
from paribus import depthwise, memory

NAME = "small_maps"
BATCH = 24
LAYERS = ((1152, 2, 5), (1152, 2, 3), (1152, 3, 5), (672, 4, 5), (480, 4, 5))  # channels, sides of map and kernel
SIDES = (64, 96)
TIMES = 10


def epochs(settings: Measurement) -> Iterator[Measurement]:
    """In a process of its own: ready, then the milliseconds of everything that is timed."""
    memory.keep_freed()
    torch.manual_seed(0)
    prepared = depthwise.hasten if settings["hastened"] else steps.unchanged
    layers, sides, times = (LAYERS[:1], (), 1) if settings["short"] else (LAYERS, SIDES, TIMES)
    timed = {f"{c} channels, {s} x {s}, kernel {k} x {k}": _layer(c, s, k, prepared) for c, s, k in layers}
    timed |= {f"whole network, {side} px": steps.training_step(side, BATCH, prepared) for side in sides}
    yield {}
    while True:
        yield {label: steps.milliseconds(step, times) for label, step in timed.items()}


def _layer(channels: int, size: int, kernel: int, prepared: steps.Prepared) -> steps.Step:
    layer = torch.nn.Sequential(torch.nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels))
    prepared(layer)
    maps = torch.randn(BATCH, channels, size, size).to(memory_format=torch.channels_last).requires_grad_()
    return lambda: layer(maps).sum().backward()


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    ways = {"torch's": False, "hastened": True}
    who = [Entry(n, f"{NAME}:epochs", {"short": asked.short, "hastened": fast}) for n, fast in ways.items()]
    found = contest.contest(who, asked.repeats, asked.threads, asked.out / "logs" / NAME)
    note = f"Milliseconds of a step of {BATCH}, forwards and back: median (lowest to highest) of {asked.repeats}."
    return steps.both(NAME, "Depthwise convolutions on small maps", found, note)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    return contest.options("Depthwise convolutions on small maps: torch's, and as training has them.").parse_args(given)


if __name__ == "__main__":
    publish(measure, arguments())
