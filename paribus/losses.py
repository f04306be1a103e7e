"""The built-in losses: `(class_counts, *, choices) -> ((logits, targets) -> scalar)`.

For classes of images: `class_counts` are the numbers of training images by class; logits (B, C), targets (B,). For
classes of pixels: `class_counts` is a PixelCounts; logits (B, C, H, W), targets (B, H, W). Pixels of void count
nowhere, and a batch of nothing but void has loss 0 and gradient 0. Everything is computed in float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from paribus.devices import alongside
from paribus.labels import VOID
from paribus.parts import NotNegative, Share

if TYPE_CHECKING:
    import torch

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

NO_VOID = -100  # torch's own index of what is ignored; no image has it


@dataclass(frozen=True)
class PixelCounts:
    """What the training masks hold, by class; void counts nowhere."""

    pixels: list[int]  # of the class
    pixels_of_images_with: list[int]  # of all images that hold the class


Counts = Sequence[int] | PixelCounts
Weighting = Literal["balanced", "median_frequency", "root_median_frequency"] | list[NotNegative] | None
OF_PIXELS = ("median_frequency", "root_median_frequency")  # rules that need masks


def cross_entropy(class_counts: Counts, *, label_smoothing: Share = 0.0, class_weights: Weighting = None) -> "Loss":
    """Cross-entropy, as torch.nn.CrossEntropyLoss.

    class_weights: one weight a class in the order of the class names; `balanced`: n / (classes * n_class) with n images
    or pixels; `median_frequency` (pixels only; Eigen and Fergus 2015, arXiv 1411.4734): the median of all f over f,
    where f is the share of a class in the pixels of the images that hold it; `root_median_frequency`: the square roots
    of these, which find rare classes at a smaller cost in right pixels. A class that no training image holds gets
    weight 0 by any rule. Raises ValueError if the number of weights is not that of the classes.
    """
    from torch.nn.functional import cross_entropy as torchs

    weight, void = _weights(class_counts, class_weights), _void(class_counts)

    def loss(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
        if not _counted(targets, weight, void):
            return logits.sum() * 0.0
        own = None if weight is None else alongside(weight, logits)
        return torchs(logits.float(), targets, own, ignore_index=void, label_smoothing=label_smoothing)

    return loss


def focal(class_counts: Counts, *, gamma: NotNegative = 2.0, class_weights: Weighting = None) -> "Loss":
    """Cross-entropy times (1 - p) ** gamma, p the probability of the true class (Lin et al. 2017, arXiv 1708.02002).

    class_weights: as for cross_entropy, which this is at gamma 0.
    """
    import torch
    from torch.nn.functional import cross_entropy as torchs

    weight, void = _weights(class_counts, class_weights), _void(class_counts)

    def loss(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
        if not _counted(targets, weight, void):
            return logits.sum() * 0.0
        kept = targets != void
        minus_log_p = torchs(logits.float(), targets, ignore_index=void, reduction="none")[kept]
        # 1 - p; where p rounds to 1 the power's slope would be infinite for gamma below 1
        far = torch.expm1(-minus_log_p).neg().clamp(min=torch.finfo(torch.float32).tiny)
        each = far**gamma * minus_log_p
        if weight is None:
            return each.mean()
        of_each = alongside(weight, targets)[targets[kept]]
        return (of_each * each).sum() / of_each.sum()

    return loss


def dice(class_counts: Counts) -> "Loss":
    """One minus the soft Dice coefficient, averaged over the classes that the targets of the batch hold.

    2 * sum(p * t) / (sum(p) + sum(t)) over all pixels of the batch, p the probability and t whether the class is the
    true one (Milletari et al. 2016, arXiv 1606.04797, with plain sums below the line as in Drozdzal et al. 2016,
    arXiv 1608.04117).
    """
    void = _void(class_counts)

    def loss(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
        import torch

        if not _counted(targets, None, void):
            return logits.sum() * 0.0
        kept = targets != void
        p, true = logits.float().softmax(1).movedim(1, -1)[kept], targets[kept]
        holding = torch.bincount(true, minlength=logits.shape[1])
        overlap = p.new_zeros(len(holding)).index_add(0, true, p.gather(1, true[:, None])[:, 0])
        there = holding > 0  # before the division: of a class nowhere true and nowhere said it is 0 / 0
        return 1 - (2 * overlap[there] / (p.sum(0)[there] + holding[there])).mean()

    return loss


def _void(counts: Counts) -> int:
    return VOID if isinstance(counts, PixelCounts) else NO_VOID


def _counted(targets: "torch.Tensor", weight: "torch.Tensor | None", void: int) -> bool:
    """Whether anything of a batch has a weight above 0: a mean over nothing is not a number."""
    if weight is None or bool((weight > 0).all()):
        return bool((targets != void).any())
    return bool((alongside(weight, targets)[targets[targets != void]] > 0).any())


def _weights(counts: Counts, how: Weighting) -> "torch.Tensor | None":
    import torch

    if how is None:
        return None
    by_class = counts.pixels if isinstance(counts, PixelCounts) else counts
    if how == "balanced":
        total = sum(by_class)
        return torch.tensor([total / (len(by_class) * n) if n else 0.0 for n in by_class], dtype=torch.float32)
    if isinstance(how, str):
        weights = torch.tensor(_median_frequency(counts, how), dtype=torch.float32)
        return weights.sqrt() if how == "root_median_frequency" else weights
    if len(how) != len(by_class):
        raise ValueError(f"{len(how)} class weights for {len(by_class)} classes")
    return torch.tensor(how, dtype=torch.float32)


def _median_frequency(counts: Counts, rule: str) -> list[float]:
    if not isinstance(counts, PixelCounts):
        raise ValueError(f"class_weights: {rule} is of pixels; for classes of images write balanced")
    shares = [n / around if n else 0.0 for n, around in zip(counts.pixels, counts.pixels_of_images_with, strict=True)]
    middle = median([share for share in shares if share] or [0.0])
    return [middle / share if share else 0.0 for share in shares]
