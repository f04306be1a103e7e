"""Steps of an optimizer, fused, as Paribus has them, and tensor by tensor.

    python -m benchmarks.optimizers                # a minute on 2 cores
    python -m benchmarks.optimizers --short        # does it work?

AlexNet has 57 million parameters in 16 tensors, EfficientNet-Lite0 3.4 million in 151; gradients are made once.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator

from benchmarks import contest
from benchmarks.contest import Entry, Measurement
from benchmarks.small_maps import both, milliseconds
from benchmarks.tables import Table

NAME = "optimizers"
NETWORKS = {"AlexNet": "torchvision:alexnet", "EfficientNet-Lite0": "timm:tf_efficientnet_lite0"}
TIMES = 5


def epochs(settings: Measurement) -> Iterator[Measurement]:
    """In a process of its own: ready, then the milliseconds of a step of everything that is timed."""
    import torch

    torch.manual_seed(0)
    timed = {
        f"{optimizer}, {network}": _step(NETWORKS[network], optimizer, settings["fused"])
        for network in list(NETWORKS)[settings["short"] :]
        for optimizer in ("AdamW", "SGD")
    }
    yield {}
    while True:
        yield {label: milliseconds(step, TIMES) for label, step in timed.items()}


def _step(network: str, optimizer: str, fused: bool) -> "Callable[[], object]":
    import torch

    from paribus import models

    home, _, name = network.partition(":")
    parameters = list(getattr(models, home)(2, None, name=name).parameters())
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    more = {"momentum": 0.9} if optimizer == "SGD" else {}
    return getattr(torch.optim, optimizer)(parameters, lr=1e-3, fused=fused, **more).step


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    who = {name: {"fused": name == "fused", "short": asked.short} for name in ("by tensor", "fused")}
    entries = [Entry(name, f"{NAME}:epochs", settings) for name, settings in who.items()]
    found = contest.contest(entries, asked.repeats, asked.threads, asked.out / "logs" / NAME)
    return both(
        NAME, "Steps of optimizers", found, f"Milliseconds of a step: median (lowest to highest) of {asked.repeats}."
    )


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    return contest.options("Steps of an optimizer: fused, and tensor by tensor.").parse_args(given)


def main() -> None:
    """Measure, print and write."""
    asked = arguments(sys.argv[1:])
    found = measure(asked).marked(asked.short)
    found.write(asked.out)
    print(found.markdown())


if __name__ == "__main__":
    main()
