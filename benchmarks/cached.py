"""A frozen network whose features are computed once, in plain PyTorch: a quarter hour's work."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from benchmarks.networks import network


def studies(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All seeds a measurement: `seconds`. Writes the logits on the test split as `benchmarks.ours.write_kept` does.

    settings: data (a folder), views, seeds, epochs, batch, size, mean and std of the pixels, keep (a folder), and those
    of `network`.
    """
    yield {}
    number = 0
    while True:
        began = time.perf_counter()
        logits, test = heads(settings, Path(settings["data"]))
        seconds = time.perf_counter() - began
        _keep(settings, str(number), logits, test)
        number += 1
        yield {"seconds": seconds}


def heads(s: dict[str, Any], data: Path) -> tuple[list[torch.Tensor], ImageFolder]:
    """The fifteen lines: the logits of each seed's head on the test split, and that split."""
    end = [transforms.ToTensor(), transforms.Normalize(s["mean"], s["std"])]
    view = transforms.Compose([transforms.RandomResizedCrop(s["size"]), transforms.RandomHorizontalFlip(), *end])
    whole = transforms.Compose([transforms.Resize(s["size"]), transforms.CenterCrop(s["size"]), *end])
    train, test = ImageFolder(data / "train", view), ImageFolder(data / "test", whole)
    body = network({**s, "classes": 2}).eval()
    body.set_submodule("classifier", nn.Identity())
    width, said = 1280, []
    with torch.inference_mode():
        seen = [torch.cat([body(x) for x, _ in DataLoader(train, 64, num_workers=2)]) for _ in range(s["views"])]
        unseen = torch.cat([body(x) for x, _ in DataLoader(test, 64, num_workers=2)])
    views, targets = [v.clone() for v in seen], torch.tensor(train.targets)
    for seed in range(s["seeds"]):
        torch.manual_seed(seed)
        head, steps = nn.Linear(width, 2), -(-len(targets) // s["batch"]) * s["epochs"]
        optimizer = torch.optim.AdamW(head.parameters(), lr=5e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, steps, cycle_momentum=False)
        for epoch in range(s["epochs"]):
            for chosen in torch.randperm(len(targets)).split(s["batch"]):
                optimizer.zero_grad()
                nn.functional.cross_entropy(head(views[epoch % s["views"]][chosen]), targets[chosen]).backward()
                optimizer.step()
                schedule.step()
        said.append(head(unseen.clone()).detach())
    return said, test


def _keep(settings: dict[str, Any], name: str, logits: list[torch.Tensor], test: ImageFolder) -> None:
    import numpy as np

    root = Path(settings["data"])
    ids = [Path(path).relative_to(root).as_posix() for path, _ in test.samples]
    file = Path(settings["keep"]) / f"{name}.npz"
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, ids=np.array(ids), targets=np.array(test.targets), logits=np.stack([v.numpy() for v in logits]))
