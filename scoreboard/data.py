"""Drawn images with a flaw that was planted on purpose: `--plugin scoreboard.data`."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from paribus import datasets
from paribus.datasets import ImageSet, Item
from paribus.datasets.legend import Labels
from paribus.parts import Range, Share

Pixels = NDArray[np.uint8]
Masks = Callable[[Item], Pixels]


def faces(
    *,
    n: Annotated[int, Range(2)] = 400,
    n_val: Annotated[int, Range(2)] = 1000,
    size: Annotated[int, Range(32, 1024)] = 48,
    difficulty: Share = 0.0,
    confound: Share | dict[str, Share] = 0.0,
    seed: int = 0,
    flipped: Share = 0.0,
    grey: bool = False,
    marked: bool = False,
) -> ImageSet:
    """The built-in `faces`.

    flipped: the share of training images with the wrong label. grey: without colours. marked: with a white edge above
    every smile and a black one above the others, in all splits, so that the classes are easy to tell.
    """
    drawn = datasets.faces(n=n, n_val=n_val, size=size, difficulty=difficulty, confound=confound, seed=seed)
    labels = {item.id: item.label for item in drawn.items}

    def load(item: Item) -> Pixels:
        image = _grey(drawn.load(item)) if grey else drawn.load(item)
        return _marked(image, labels[item.id]) if marked else image

    items = tuple(replace(i, label=1 - i.label) if _is_hit(i, flipped) else i for i in drawn.items)
    return replace(drawn, items=items, load=load)


def streets(
    *,
    n: Annotated[int, Range(2)] = 96,
    n_val: Annotated[int, Range(2)] = 80,
    size: tuple[Annotated[int, Range(32)], Annotated[int, Range(32)]] = (72, 96),
    difficulty: Share = 0.3,
    seed: int = 0,
    shifted: Annotated[int, Range(0)] = 0,
    labels: Labels | str | None = None,
) -> ImageSet:
    """The built-in `streets`. shifted: by how many pixels the masks of training images lie too far to the right."""
    drawn = datasets.streets(n=n, n_val=n_val, size=size, difficulty=difficulty, seed=seed, labels=labels)

    if not shifted:
        return drawn
    return replace(drawn, masks=_shifted(drawn.masks, shifted), own_masks=_shifted(drawn.own_masks, shifted))


def _is_hit(item: Item, share: float) -> bool:
    """Whether a training image is one of the share that is mislabelled: the same images whatever else is chosen."""
    chance = int.from_bytes(sha256(f"flipped/{item.id}".encode()).digest()[:4], "big") / 2**32
    return item.split == "train" and chance < share


def _grey(image: Pixels) -> Pixels:
    """Three equal channels (ITU-R 601 luma)."""
    luma = np.round(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return np.repeat(luma[..., None], 3, axis=2)


def _marked(image: Pixels, label: int) -> Pixels:
    edge = np.full_like(image[: len(image) // 8], 255 * label)
    return np.concatenate([edge, image[len(edge) :]])


def _shifted(masks: Masks | None, right: int) -> Masks:
    """The masks, those of training images from `right` pixels further left; their first column is repeated."""

    def moved(item: Item) -> Pixels:
        assert masks is not None
        mask = masks(item)
        columns = np.maximum(np.arange(mask.shape[1]) - right, 0)
        return np.asarray(mask[:, columns]) if item.split == "train" else mask

    return moved
