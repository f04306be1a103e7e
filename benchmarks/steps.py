"""Steps that are timed alone, and the same steps done in two ways side by side."""

import time
from collections.abc import Callable, Mapping

import torch
from torch.nn.functional import cross_entropy

from benchmarks.contest import Outcome
from benchmarks.networks import network
from benchmarks.tables import Table, middle, ratio, times

LITE0 = "timm:tf_efficientnet_lite0"
Step = Callable[[], object]
Prepared = Callable[[torch.nn.Module], object]


def unchanged(model: torch.nn.Module) -> None:
    """Nothing is done to a network."""


def training_step(side: int, batch: int, prepared: Prepared = unchanged) -> Step:
    """A step of EfficientNet-Lite0, all layers, on one batch of square images that lie in memory.

    prepared: what is done to the network beforehand.
    """
    model = network({"model": LITE0, "classes": 2}).to(memory_format=torch.channels_last).train()
    prepared(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images = torch.randn(batch, 3, side, side).to(memory_format=torch.channels_last)
    labels = torch.randint(2, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def milliseconds(step: Step, count: int) -> float:
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
