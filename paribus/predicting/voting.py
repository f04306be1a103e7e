"""The runs of an arm vote (deep ensembles, Lakshminarayanan, Pritzel and Blundell 2017, arXiv 1612.01474): the mean of
their probabilities is the answer, and where they do not agree it is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paribus.predicting.temperature import log_softmax

if TYPE_CHECKING:
    import torch

STRIP = 1 << 20  # pixels of an image that are voted on at a time


@dataclass(frozen=True)
class Vote:
    """probabilities: (N, C) means over the runs. answers: (N,) their argmax. agree: (N,) runs whose own argmax that is.
    disagree: (N,) whether the runs' own answers are not all the same.
    """

    probabilities: NDArray[np.float64]
    answers: NDArray[np.int64]
    agree: NDArray[np.int64]
    disagree: NDArray[np.bool_]


def vote(logits: Sequence[NDArray[np.float32]], temperatures: Sequence[float]) -> Vote:
    """The vote of runs on N images; logits: (N, C) of each run, divided by its temperature first."""
    each = [
        np.exp(log_softmax(one.astype(np.float64) / temperature))
        for one, temperature in zip(logits, temperatures, strict=True)
    ]
    mean = np.mean(each, axis=0)
    own = np.stack([one.argmax(axis=1) for one in logits])
    answers = mean.argmax(axis=1)
    return Vote(mean, answers, (own == answers).sum(axis=0), (own != own[0]).any(axis=0))


@dataclass(frozen=True)
class PixelVote:
    """mask: (H, W) uint8 class indices. confidence: the mean over pixels of the probability of the answer. disagree:
    the share of pixels on which the runs' own answers are not all the same.
    """

    mask: NDArray[np.uint8]
    confidence: float
    disagree: float


def vote_on_pixels(logits: "Sequence[torch.Tensor]", size: tuple[int, int]) -> PixelVote:
    """The vote of runs on the pixels of one image of `size` (height, width); logits: float32 (C, h, w) of each run.

    Logits are enlarged to the image's own size before anything else, as in the evaluation of a run. Strip by strip:
    all logits of a large photograph would need gigabytes.
    """
    import torch

    mask = np.empty(size, np.uint8)
    sure, apart = 0.0, 0
    for rows in _strips(size):
        own, mean = [], None
        for one in logits:
            large = enlarged(one, size, rows)
            own.append(large.argmax(dim=0))
            probabilities = large.softmax(dim=0)
            mean = probabilities if mean is None else mean + probabilities
        assert mean is not None
        # Of one run the answer is the argmax of its logits: probabilities may be rounded to a tie.
        top = mean.max(dim=0)
        mask[rows.start : rows.stop] = (own[0] if len(logits) == 1 else top.indices).numpy()
        sure += float(top.values.double().sum()) / len(logits)
        apart += int(torch.stack([each != own[0] for each in own]).any(dim=0).sum())
    return PixelVote(mask, sure / mask.size, apart / mask.size)


def _strips(size: tuple[int, int]) -> Iterator[range]:
    height = max(1, STRIP // size[1])
    return (range(top, min(top + height, size[0])) for top in range(0, size[0], height))


def enlarged(logits: "torch.Tensor", size: tuple[int, int], rows: range) -> "torch.Tensor":
    """(C, len(rows), W): some rows of `interpolate(logits, size, mode="bilinear", align_corners=False)`."""
    import torch

    down, right = (_between(old, new) for old, new in zip(logits.shape[-2:], size, strict=True))
    upper, lower, share = (each[rows.start : rows.stop] for each in down)
    tall = torch.lerp(logits[:, upper], logits[:, lower], share[None, :, None])
    return torch.lerp(tall[:, :, right[0]], tall[:, :, right[1]], right[2])


def _between(old: int, new: int) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """For each of `new` places the two of `old` that it lies between, and how far it is from the first."""
    import torch

    at = ((torch.arange(new, dtype=torch.float64) + 0.5) * (old / new) - 0.5).clamp(min=0)
    first = at.floor().long()
    return first, (first + 1).clamp(max=old - 1), (at - first).float()
