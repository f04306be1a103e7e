"""Disks and their masks: what a segmentation trains on in tests."""

import numpy as np
from tiny import MARKS

from paribus.datasets import ImageSet, Item
from paribus.labels import VOID, Space
from paribus.recipe import complete
from paribus.runs import Run

SPACE = Space(("dark", "bright", "rim"), ((0, 0, 0), (255, 255, 255), (255, 0, 0)))


def truth(item: Item) -> np.ndarray:
    """A bright disk with a rim on a dark ground, a void strip at the left."""
    rows, columns = np.mgrid[:21, :30]
    radius = 4 + int(item.id[:3]) % 5
    distance = np.hypot(rows - 10, columns - 15)
    mask = np.where(distance < radius, 1, np.where(distance < radius + 2, 2, 0)).astype(np.uint8)
    mask[:, 0] = VOID
    return mask


def load(item: Item) -> np.ndarray:
    rng = np.random.default_rng(int(item.id[:3]))
    grey = np.array([40, 200, 120, 80])[np.minimum(truth(item), 3)] + rng.integers(0, 40, (21, 30))
    return np.repeat(grey[:, :, None], 3, axis=2).astype(np.uint8)


def image_set(train: int = 12, val: int = 5, test: int = 0) -> ImageSet:
    splits = {"train": train, "val": val, "test": test}
    items = [Item(f"{i:03d}-{s}", s, 0, None) for s, n in splits.items() for i in range(n)]
    return ImageSet("disks", SPACE.classes, tuple(items), load, space=SPACE, masks=truth)


def run(seed: int = 0, **changes: object) -> Run:
    written = {
        "data": {"use": "streets"},  # stands for any data with masks: the pictures are those of `image_set`
        "model": {"use": "fcn", "backbone": "resnet10t", "skips": [8, 16]},
        "input": {"size": [32, 40]},
        "augment": [{"use": "scale_crop", "scale": [0.8, 1.2]}, "horizontal_flip"],
        "optimizer": {"use": "adamw", "lr": 5e-3},
        "epochs": 3,
        "batch_size": 4,
    }
    return Run(complete({**written, **changes}), seed, MARKS["train"])
