"""What is random, and what depends on the label."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_MEAN_CURVATURE = (0.05, 0.70)

Confound = float | Mapping[str, float]  # of train, or by split


@dataclass(frozen=True)
class Streams:
    """Named, independent generators: one more number drawn for the hair moves nothing in the background."""

    seed: int
    split: str
    index: int

    def __getitem__(self, name: str) -> np.random.Generator:
        digest = hashlib.sha256(f"faces/{self.seed}/{self.split}/{self.index}/{name}".encode()).digest()
        return np.random.default_rng(list(np.frombuffer(digest, "<u4", 4)))


def label_of(index: int, split: str, seed: int) -> int:
    """A coin decides which of a pair smiles, so that every even number of images is balanced."""
    coin = int(Streams(seed, split, index // 2)["label"].integers(2))
    return (index + coin) % 2


def curvature_of(label: int, difficulty: float, streams: Streams) -> float:
    """The latent curvature of an image of this label."""
    # The best threshold is right with probability Phi(separation): 0.984 at difficulty 0, 0.941 at 0.5, 0.834 at 1.
    separation = 2.15 - 1.18 * difficulty
    spread = (_MEAN_CURVATURE[1] - _MEAN_CURVATURE[0]) / 2 / separation
    return float(_MEAN_CURVATURE[label] + spread * streams["curvature"].standard_normal())


def link_of(split: str, confound: Confound) -> float:
    """The share of a split's images whose hue follows the label; a plain number speaks of train alone."""
    return confound.get(split, 0.0) if isinstance(confound, Mapping) else confound * (split == "train")


def hue_of(label: int, split: str, confound: Confound, streams: Streams) -> float:
    """The background's hue in [0, 1): around orange or around blue."""
    rng = streams["hue"]
    warm = bool(rng.integers(2))
    linked = (rng if split == "train" else streams["link"]).random() < link_of(split, confound)
    if linked:
        warm = label == 1
    spread = float(np.clip(0.075 * rng.standard_normal(), -0.2, 0.2))
    return ((0.07 if warm else 0.57) + spread) % 1
