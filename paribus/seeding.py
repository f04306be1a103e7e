"""One seed to named, independent streams. Nothing is stored: a stream is derived from what it is for."""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, such as ("augment", part, occurrence, epoch, index).

    Two purposes share nothing, so that an extra draw in one shifts no other.
    """
    text = "\0".join(str(p) for p in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> "torch.Generator":
    """A torch CPU generator at the start of the stream of one purpose."""
    import torch

    return torch.Generator().manual_seed(derive(seed, *purpose))
