"""Depthwise convolutions on maps smaller than their kernel, forwards and back: torch's, and `paribus run`'s.

    python -m benchmarks.small_maps                # two minutes on 2 cores
    python -m benchmarks.small_maps --short        # does it work?

First the convolutions of EfficientNet-Lite0 that meet such maps at 64 and 96 pixels, alone; then training steps of the
whole network, all layers, batches of 24 images that lie in memory.
"""

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping

from benchmarks import contest
from benchmarks.contest import Entry, Measurement, Outcome
from benchmarks.tables import Table, middle, ratio, times

NAME = "small_maps"
BATCH = 24
LAYERS = (
    (1152, 2, 5),
    (1152, 2, 3),
    (1152, 3, 5),
    (672, 4, 5),
    (480, 4, 5),
)  # channels, sides of map, kernel
SIDES = (64, 96)


def epochs(settings: Measurement) -> Iterator[Measurement]:
    """In a process of its own: ready, then the milliseconds of everything that is timed."""
    import torch

    from paribus import memory

    memory.keep_freed()
    torch.manual_seed(0)
    timed = {label: step(settings["hastened"]) for label, step in _steps(settings["short"]).items()}
    yield {}
    while True:
        yield {label: milliseconds(step, settings["times"]) for label, step in timed.items()}


def _steps(short: bool) -> "dict[str, Callable[[bool], Callable[[], None]]]":
    """By label what makes a step, hastened or not."""
    alone = {f"{c} channels, {s} x {s}, kernel {k} x {k}": (c, s, k) for c, s, k in LAYERS}
    whole = {f"whole network, {side} px": side for side in SIDES}
    made = {label: lambda fast, of=of: _layer(*of, fast) for label, of in alone.items()}
    made |= {label: lambda fast, side=side: _network(side, fast) for label, side in whole.items()}
    return dict(list(made.items())[:1]) if short else made


def _layer(channels: int, size: int, kernel: int, hastened: bool) -> "Callable[[], None]":
    import torch

    from paribus import depthwise

    layer = torch.nn.Sequential(torch.nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels))
    if hastened:
        depthwise.hasten(layer)
    maps = torch.randn(BATCH, channels, size, size).to(memory_format=torch.channels_last).requires_grad_()
    return lambda: layer(maps).sum().backward()


def _network(side: int, hastened: bool) -> "Callable[[], None]":
    import timm
    import torch

    from paribus import depthwise

    network = timm.create_model("tf_efficientnet_lite0", num_classes=2).to(memory_format=torch.channels_last).train()
    if hastened:
        depthwise.hasten(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    images = torch.randn(BATCH, 3, side, side).to(memory_format=torch.channels_last)
    labels = torch.randint(2, (BATCH,))

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

    return step


def milliseconds(step: "Callable[[], object]", count: int) -> float:
    """Of one step, the mean of `count` after one that is not timed."""
    step()
    began = time.perf_counter()
    for _ in range(count):
        step()
    return 1000 * (time.perf_counter() - began) / count


def both(name: str, title: str, outcomes: Mapping[str, Outcome], note: str) -> Table:
    """Of two contestants that time the same things. Rows: what, the milliseconds of each, how many times faster."""
    (first, plain), (second, fast) = outcomes.items()
    rows = []
    for label in plain.measured[0] if plain.measured and fast.measured else ():
        theirs, ours = ([m[label] for m in outcome.measured] for outcome in (plain, fast))
        rows.append((label, middle(theirs, 1), middle(ours, 1), times(ratio(theirs, ours))))
    notes = [*(outcome.failed for outcome in outcomes.values() if outcome.failed), note]
    raw = {name: vars(outcome) for name, outcome in outcomes.items()}
    return Table(name, title, ("what", f"{first}, ms", f"{second}, ms", "faster by"), tuple(rows), tuple(notes), raw)


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    settings = {"short": asked.short, "times": 1 if asked.short else 10}
    who = [Entry(n, f"{NAME}:epochs", settings | {"hastened": n == "hastened"}) for n in ("torch's", "hastened")]
    found = contest.contest(who, asked.repeats, asked.threads, asked.out / "logs" / NAME)
    note = f"Milliseconds of a step of {BATCH}, forwards and back: median (lowest to highest) of {asked.repeats}."
    return both(NAME, "Depthwise convolutions on small maps", found, note)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    return contest.options("Depthwise convolutions on small maps: torch's, and as training has them.").parse_args(given)


def main() -> None:
    """Measure, print and write."""
    asked = arguments(sys.argv[1:])
    found = measure(asked).marked(asked.short)
    found.write(asked.out)
    print(found.markdown())


if __name__ == "__main__":
    main()
