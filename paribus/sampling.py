"""Which training images a seed draws, where a study asks for a share of them: `data.train_fraction`."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paribus.datasets import Item
from paribus.seeding import derive

STREAM = "training images"


def drawn(items: Sequence[Item], fraction: float, seed: int) -> NDArray[np.int64]:
    """The positions in `items` of the training images that a seed draws, in their order; all of them at fraction 1.

    Drawn without replacement, class by class; images of a group are drawn together, under the group's usual class.
    Of n units of a class (groups, or images that stand alone) those with the lowest hashes of (seed, name) are drawn:
    the whole number nearest to fraction * n, and at least one. So all arms of a seed train on the same images, a larger
    share holds the smaller ones of the same seed, and the draw depends on no order of files. Masks have no classes to
    go by: there all images are one.
    """
    if fraction == 1:
        return np.arange(len(items))
    units: dict[str, list[int]] = defaultdict(list)
    for position, item in enumerate(items):
        units[f"image {item.id}" if item.group is None else f"group {item.group}"].append(position)
    strata: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for name, positions in units.items():
        labels = [items[position].label for position in positions]
        strata[max(sorted(set(labels)), key=labels.count)].append((derive(seed, STREAM, name), name))
    chosen = [
        position
        for alike in strata.values()
        for _, name in sorted(alike)[: max(1, round(fraction * len(alike)))]
        for position in units[name]
    ]
    return np.array(sorted(chosen), dtype=np.int64)


def fingerprint(split: str, items: Sequence[Item], fraction: float, seed: int) -> str:
    """Of the images that a seed draws from a training split with the fingerprint `split`; that itself at fraction 1."""
    if fraction == 1:
        return split
    names = "\0".join(items[position].id for position in drawn(items, fraction, seed))
    return hashlib.sha256(f"{split}\0{names}".encode()).hexdigest()
