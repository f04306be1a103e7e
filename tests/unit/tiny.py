"""The smallest study material that trains: pictures in memory, a network of a few hundred weights."""

from pathlib import Path

import numpy as np

from paribus.datasets import ImageSet, Item
from paribus.recipe import Recipe, complete
from paribus.runs import Run
from paribus.store import Store
from paribus.views import Pictures

MARKS = {"train": "f" * 64, "val": "a" * 64, "test": "b" * 64}

BASELINE = {
    "data": "faces",
    "model": {"use": "small_cnn", "width": 4, "depth": 2},
    "input": {"size": 16, "crop_fraction": 1},
    "augment": [{"use": "random_resized_crop", "scale": [0.5, 1]}, "horizontal_flip"],
    "optimizer": {"use": "sgd", "lr": 0.05},
    "epochs": 3,
    "batch_size": 8,
}


def load(item: Item) -> np.ndarray:
    """Noise drawn from the id; class 1 is brighter."""
    rng = np.random.default_rng(int.from_bytes(item.id.encode()[:8], "big"))
    pixels = rng.integers(0, 200, (20, 24, 3)) + 50 * item.label
    return pixels.astype(np.uint8)


def image_set(train: int = 20, val: int = 9, test: int = 0) -> ImageSet:
    counts = {"train": train, "val": val, "test": test}
    items = [Item(f"{i:03d}-{s}", s, i % 2, None) for s, n in counts.items() for i in range(n)]
    return ImageSet("tiny", ("dark", "bright"), tuple(items), load)


def recipe(**changes: object) -> Recipe:
    return complete({**BASELINE, **changes})


def run(seed: int = 0, train: str = MARKS["train"], **changes: object) -> Run:
    return Run(recipe(**changes), seed, train)


def trained(folder: Path, one: Run, images: ImageSet | None = None, weights: dict | None = None) -> Path:
    """The published folder of a run, trained here."""
    from paribus.train import train

    images = images or image_set()
    marks = {s: m for s, m in MARKS.items() if any(i.split == s for i in images.items)}
    train(one, Pictures(images), weights, Store(folder), marks)
    return folder / one.id


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the wall-clock times."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "timing.json")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}
