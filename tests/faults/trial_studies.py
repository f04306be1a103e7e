"""The studies under test: as small as a study can be, of every kind that keeps its own things on the disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

_CLASSES = """\
title: Dots
margin: 0.05
seeds: 1
split: val
baseline:
  data: {use: folder, root: data}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 16, crop_fraction: 1}
  augment: [{use: random_resized_crop, scale: [0.5, 1]}, horizontal_flip]
  optimizer: {use: adam, lr: 3e-2}
  epochs: 2
  batch_size: 4
arms:
  slow: {optimizer.lr: 1e-3}
"""
_VIEWS = _CLASSES.replace("  epochs: 2", "  trainable: head\n  views: 4\n  epochs: 2")
_MASKS = """\
title: Discs
metric: mean_iou
margin: 0.05
seeds: 1
split: val
baseline:
  data: {use: masks, root: data, classes: [ground, disc]}
  model: {use: fcn, backbone: test_efficientnet, skips: [], decoder: deconv, pretrained: false}
  input: {size: [32, 32]}
  augment: [{use: scale_crop, scale: [0.8, 1.2]}, horizontal_flip]
  optimizer: {use: adamw, lr: 5e-3}
  epochs: 1
  batch_size: 3
arms:
  slow: {optimizer.lr: 1e-4}
"""


def placed(folder: Path, kind: str) -> Path:
    """A folder with `study.yaml` of this kind and its data; its runs are to go into `out` beside."""
    folder.mkdir(parents=True)
    text, write = KINDS[kind]
    (folder / "study.yaml").write_text(text)
    write(folder / "data")
    return folder


def _pictures(data: Path) -> None:
    """Noise of two classes, the second brighter."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 3)):
        for label, name in enumerate(("dark", "bright")):
            (data / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 150, (20, 20, 3)) + 20 * label
                _save(pixels, data / split / name / f"{number}.png")


def _discs(data: Path) -> None:
    """Bright discs on dark noise, and masks of them."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :32]
    for split, count in (("train", 6), ("val", 3)):
        for kind in ("images", "masks"):
            (data / kind / split).mkdir(parents=True)
        for number in range(count):
            inside = np.hypot(rows - generator.integers(10, 22), columns - 16) < 8
            pixels = generator.integers(0, 90, (32, 32, 3)) + 120 * inside[:, :, None]
            _save(pixels, data / "images" / split / f"{number}.png")
            _save(inside, data / "masks" / split / f"{number}.png")


def _save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels.astype(np.uint8)).save(path)


KINDS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "classes": (_CLASSES, _pictures),
    "views": (_VIEWS, _pictures),
    "masks": (_MASKS, _discs),
}
