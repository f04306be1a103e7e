"""Heads on kept features: those of several seeds one after the other, or all in one batched product.

    python -m benchmarks.heads                       # half a minute on 2 cores
    python -m benchmarks.heads --short               # does it work?

Each seed has its own order and its own weights either way: 25 epochs of AdamW on 800 images with 1280 features, batches
of 32.
"""

import time
from argparse import Namespace
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks import contest
from benchmarks.tables import Table, middle, publish, ratio, times

NAME = "heads"
SEEDS, CLASSES, BATCH, RATE = 5, 2, 32, 5e-3


def apart(features: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """A head a seed, each trained on its own."""
    for seed in range(SEEDS):
        draw = torch.Generator().manual_seed(seed)
        head = nn.Linear(features.shape[1], CLASSES)
        optimizer = torch.optim.AdamW(head.parameters(), lr=RATE)
        for _ in range(epochs):
            for chosen in torch.randperm(len(features), generator=draw).split(BATCH):
                loss = cross_entropy(head(features[chosen]), labels[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()


def together(features: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """All heads in one batched product, each seed with its own order."""
    draws = [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]
    weights = nn.Parameter(torch.randn(SEEDS, features.shape[1], CLASSES) / features.shape[1] ** 0.5)
    biases = nn.Parameter(torch.zeros(SEEDS, 1, CLASSES))
    optimizer = torch.optim.AdamW([weights, biases], lr=RATE)
    for _ in range(epochs):
        orders = torch.stack([torch.randperm(len(features), generator=draw) for draw in draws])
        for chosen in orders.split(BATCH, dim=1):
            logits = torch.baddbmm(biases, features[chosen], weights)
            loss = cross_entropy(logits.flatten(0, 1), labels[chosen].flatten()) * SEEDS
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    torch.set_num_threads(asked.threads)
    count, epochs = (64, 1) if asked.short else (800, 25)
    features, labels = torch.randn(count, 1280), torch.randint(CLASSES, (count,))
    ways: dict[str, Callable[[torch.Tensor, torch.Tensor, int], None]] = {"apart": apart, "together": together}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repetition in range(asked.repeats + 1):
        for name, train in ways.items():
            began = time.perf_counter()
            train(features, labels, epochs)
            if repetition > 0:  # the first warms up
                seconds[name].append(time.perf_counter() - began)
    rows = tuple((name, middle(found, 2), times(ratio(found, seconds["together"]))) for name, found in seconds.items())
    note = f"{SEEDS} heads, {epochs} epochs, {count} images: median (lowest to highest) of {asked.repeats}, in turn."
    return Table(NAME, "Heads on kept features", ("heads", "seconds", "together is"), rows, (note,), dict(seconds))


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    return contest.options("Heads of several seeds, apart or together.").parse_args(given)


if __name__ == "__main__":
    publish(measure, arguments())
