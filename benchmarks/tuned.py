"""The tutorial's loop tuned by hand, by someone who knows how: a day's work that every project would have to repeat.

Images are decoded and resized once and stay in memory as bytes, augmentation works on uint8 tensors, the layout is
channels-last, the precision bfloat16, and the number of workers is the best of 0, 1 and 2 as measured here.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmarks.networks import network, trained
from benchmarks.tutorial import MEAN, STD

TRIED = (0, 1, 2)


class Resized(Dataset):  # type: ignore[type-arg]
    """The images of a folder in memory, the shorter side resized, as uint8 tensors; views are drawn when asked for."""

    def __init__(self, folder: Path, size: int, shorter: int):
        files = ImageFolder(folder)
        prepare = v2.Compose([v2.Resize(shorter), v2.PILToTensor()])
        self.images = [prepare(image) for image, _ in files]
        self.targets, self.classes = files.targets, files.classes
        self.view = v2.Compose([v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip()])

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """(3, size, size) uint8, and its class."""
        return self.view(self.images[index]), self.targets[index]


def epochs(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One epoch a measurement: `images` and `seconds`. settings as for the tutorial's loop."""
    images = Resized(Path(settings["data"]) / "train", settings["size"], settings["shorter"])
    model = network(settings | {"classes": len(images.classes)}).to(memory_format=torch.channels_last)
    optimizer = optim.SGD(trained(model), lr=0.001, momentum=0.9)
    loaders = {n: DataLoader(images, settings["batch"], shuffle=True, num_workers=n) for n in TRIED}
    _epoch(model, loaders[0], optimizer)
    took = {n: _epoch(model, loader, optimizer) for n, loader in loaders.items()}
    best = min(took, key=lambda n: took[n])
    yield {"workers": best, "seconds_by_workers": took}
    while True:
        yield {"images": len(images), "seconds": _epoch(model, loaders[best], optimizer)}


def _epoch(model: nn.Module, loader: Any, optimizer: Any) -> float:
    began = time.perf_counter()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) * 255 for v in (MEAN, STD))
    model.train()
    for images, targets in loader:
        optimizer.zero_grad(set_to_none=True)
        inputs = ((images.float() - mean) / std).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
    return time.perf_counter() - began
