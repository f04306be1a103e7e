"""Training a segmentation without Paribus's loop: as PyTorch's own tools have it, and as fast as the machine allows.

Both train the network that Paribus trains (`ours.segmenter`), with the same loss and the same optimizer.
"""

import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from benchmarks import ours
from benchmarks.street_scenes import INDEX_VOID

WORKERS = min(4, os.cpu_count() or 1)
CLASSES = 11


class Pairs(Dataset):  # type: ignore[type-arg]
    """The images of a folder with their masks; both are decoded and moved together whenever they are asked for."""

    def __init__(self, images: Path, masks: Path, size: tuple[int, int]):
        self.files = [(file, masks / file.name) for file in sorted(images.glob("*.png"))]
        statistics = ours.pixel_statistics()
        grey = [round(255 * value) for value in statistics["mean"]]
        self.augment = v2.Compose(
            [
                v2.ScaleJitter(size, scale_range=ours.SCALE, antialias=True),
                v2.RandomCrop(size, pad_if_needed=True, fill={tv_tensors.Image: grey, tv_tensors.Mask: INDEX_VOID}),
                v2.RandomHorizontalFlip(),
                v2.ToDtype({tv_tensors.Image: torch.float32, tv_tensors.Mask: torch.int64, "others": None}, scale=True),
                v2.Normalize(**statistics),
            ]
        )

    def __len__(self) -> int:
        """The number of images."""
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(3, height, width) float32, (height, width) int64."""
        image, mask = (Image.open(file) for file in self.files[index])
        pair = self.augment(tv_tensors.Image(image.convert("RGB")), tv_tensors.Mask(mask))
        return pair[0], pair[1].squeeze(0)


def plain(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One epoch a measurement: `images` and `seconds`. torch's default layout, float32, worker processes.

    settings: data (a folder with `train` and `trainannot`), size, batch.
    """
    pairs = Pairs(Path(settings["data"]) / "train", Path(settings["data"]) / "trainannot", tuple(settings["size"]))
    loader = DataLoader(pairs, settings["batch"], shuffle=True, num_workers=WORKERS)
    model = ours.segmenter(CLASSES).train()
    optimizer = _optimizer(model)
    _epoch(model, optimizer, loader, "float32")
    yield {"workers": WORKERS}
    while True:
        began = time.perf_counter()
        _epoch(model, optimizer, loader, "float32")
        yield {"images": len(pairs), "seconds": time.perf_counter() - began}


def limit(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One pass over tensors that lie in memory a measurement: `images` and `seconds`. Channels-last layout.

    settings: images, size, batch, precision (float32 or bf16).
    """
    count, batch = settings["images"], settings["batch"]
    model = ours.segmenter(CLASSES).to(memory_format=torch.channels_last).train()
    optimizer = _optimizer(model)
    images = torch.randn(batch, 3, *settings["size"]).contiguous(memory_format=torch.channels_last)
    targets = torch.randint(CLASSES, (batch, *settings["size"]))
    sizes = [min(batch, count - start) for start in range(0, count, batch)]
    batches = [(images[:size], targets[:size]) for size in sizes]
    _epoch(model, optimizer, batches, settings["precision"])
    yield {}
    while True:
        began = time.perf_counter()
        _epoch(model, optimizer, batches, settings["precision"])
        yield {"images": count, "seconds": time.perf_counter() - began}


def _optimizer(model: Any) -> Any:
    old = {id(p) for p in model.backbone.parameters()}
    new = [p for p in model.parameters() if id(p) not in old]
    body = {"params": list(model.backbone.parameters()), "lr": ours.BACKBONE_RATE}
    groups: list[dict[str, Any]] = [{"params": new}, body]
    return optim.AdamW(groups, lr=ours.RATE)


def _epoch(model: nn.Module, optimizer: Any, batches: Any, precision: str) -> None:
    for images, targets in batches:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16) if precision == "bf16" else nullcontext():
            loss = nn.functional.cross_entropy(model(images).float(), targets, ignore_index=INDEX_VOID)
        loss.backward()
        optimizer.step()
