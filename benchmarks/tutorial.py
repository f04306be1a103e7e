"""The loop of PyTorch's transfer-learning tutorial, in its spirit: what most people begin with.

Images are read, decoded and augmented by four worker processes in every epoch, the layout is torch's default, the
precision float32; each phase goes through its loader with gradients switched on or off. No part of Paribus is used.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks.networks import network, trained

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
WORKERS = 4  # as the tutorial has it


def epochs(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One epoch a measurement: `images` trained on, `seconds` of training, and `val_seconds` if `phases` has `val`.

    settings: data (a folder with `train/<class>/` …), size, shorter, batch, phases, and those of `network`.
    """
    loaders = _loaders(settings)
    settings = settings | {"classes": len(loaders["train"].dataset.classes)}
    model = network(settings)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(trained(model), lr=0.001, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    _epoch(model, loaders, criterion, optimizer, scheduler)
    yield {"workers": WORKERS}
    while True:
        seconds = _epoch(model, loaders, criterion, optimizer, scheduler)
        yield {"images": len(loaders["train"].dataset), "seconds": seconds["train"], "val_seconds": seconds.get("val")}


def _loaders(settings: dict[str, Any]) -> dict[str, Any]:
    size, shorter = settings["size"], settings["shorter"]
    end = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    chosen = {
        "train": transforms.Compose([transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip(), *end]),
        "val": transforms.Compose([transforms.Resize(shorter), transforms.CenterCrop(size), *end]),
    }
    return {
        phase: DataLoader(
            datasets.ImageFolder(Path(settings["data"]) / phase, chosen[phase]),
            batch_size=settings["batch"],
            shuffle=True,
            num_workers=WORKERS,
        )
        for phase in settings["phases"]
    }


def _epoch(
    model: nn.Module, loaders: dict[str, Any], criterion: nn.Module, optimizer: Any, scheduler: Any
) -> dict[str, float]:
    """Seconds of each phase."""
    seconds = {}
    for phase, loader in loaders.items():
        began = time.perf_counter()
        model.train(phase == "train")
        running_loss, running_corrects = 0.0, torch.tensor(0)
        for inputs, labels in loader:
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                outputs = model(inputs)
                _, predictions = torch.max(outputs, 1)
                loss = criterion(outputs, labels)
                if phase == "train":
                    loss.backward()
                    optimizer.step()
            running_loss += loss.item() * inputs.size(0)
            running_corrects += torch.sum(predictions == labels.data)
        if phase == "train":
            scheduler.step()
        seconds[phase] = time.perf_counter() - began
    return seconds
