"""Steps of an optimizer, fused, as Paribus has them, and tensor by tensor.

    python -m benchmarks.optimizers                # a minute on 2 cores
    python -m benchmarks.optimizers --short        # does it work?

AlexNet has 57 million parameters in 16 tensors, EfficientNet-Lite0 3.4 million in 149; gradients are made once.
"""

from argparse import Namespace
from collections.abc import Iterator

import torch

from benchmarks import contest, steps
from benchmarks.contest import Entry, Measurement
from benchmarks.networks import network
from benchmarks.tables import Table, publish

NAME = "optimizers"
NETWORKS = {"AlexNet": "torchvision:alexnet", "EfficientNet-Lite0": steps.LITE0}
TIMES = 5


def epochs(settings: Measurement) -> Iterator[Measurement]:
    """In a process of its own: ready, then the milliseconds of a step of everything that is timed."""
    torch.manual_seed(0)
    timed = {
        f"{optimizer}, {name}": _step(NETWORKS[name], optimizer, settings["fused"])
        for name in list(NETWORKS)[settings["short"] :]
        for optimizer in ("AdamW", "SGD")
    }
    yield {}
    while True:
        yield {label: steps.milliseconds(step, TIMES) for label, step in timed.items()}


def _step(name: str, optimizer: str, fused: bool) -> steps.Step:
    parameters = list(network({"model": name, "classes": 2}).parameters())
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    more = {"momentum": 0.9} if optimizer == "SGD" else {}
    step: steps.Step = getattr(torch.optim, optimizer)(parameters, lr=1e-3, fused=fused, **more).step
    return step


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    ways = {"by tensor": False, "fused": True}
    who = [Entry(n, f"{NAME}:epochs", {"short": asked.short, "fused": fused}) for n, fused in ways.items()]
    found = contest.contest(who, asked.repeats, asked.threads, asked.out / "logs" / NAME)
    note = f"Milliseconds of a step: median (lowest to highest) of {asked.repeats}."
    return steps.both(NAME, "Steps of optimizers", found, note)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    return contest.options("Steps of an optimizer: fused, and tensor by tensor.").parse_args(given)


if __name__ == "__main__":
    publish(measure, arguments())
