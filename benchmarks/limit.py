"""What the machine allows: forward, backward and optimizer on tensors that lie in memory. No data, no bookkeeping."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import nn, optim

from benchmarks.networks import network, trained


def epochs(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One pass over `images` tensors a measurement: `images` and `seconds`.

    settings: images, batch, size, precision (float32 or bf16), and those of `network`; channels-last layout.
    """
    size, batch, count = settings["size"], settings["batch"], settings["images"]
    model = network(settings | {"classes": 2}).to(memory_format=torch.channels_last).train()
    optimizer = optim.SGD(trained(model), lr=0.001, momentum=0.9)
    images = torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
    targets = torch.arange(batch) % 2
    sizes = [min(batch, count - start) for start in range(0, count, batch)]
    _steps(model, optimizer, images, targets, sizes, settings["precision"])
    yield {}
    while True:
        began = time.perf_counter()
        _steps(model, optimizer, images, targets, sizes, settings["precision"])
        yield {"images": count, "seconds": time.perf_counter() - began}


def _steps(
    model: nn.Module, optimizer: Any, images: torch.Tensor, targets: torch.Tensor, sizes: list[int], precision: str
) -> None:
    for size in sizes:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16) if precision == "bf16" else nullcontext():
            loss = nn.functional.cross_entropy(model(images[:size]), targets[:size])
        loss.backward()
        optimizer.step()
