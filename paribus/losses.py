"""The built-in losses: `(class_counts, *, choices) -> ((logits, targets) -> scalar)`.

`class_counts` are the numbers of training images by class; logits (B, C), targets (B,).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def cross_entropy(
    class_counts: Sequence[int],
    *,
    label_smoothing: float = 0.0,
    class_weights: Literal["balanced"] | list[float] | None = None,
) -> "Loss":
    """Cross-entropy, as torch.nn.CrossEntropyLoss.

    class_weights: one weight a class in the order of the class names, or `balanced`: n / (classes * n_class).
    Raises ValueError if their number is not that of the classes.
    """
    import torch

    weight = None
    if class_weights == "balanced":
        total = sum(class_counts)
        weight = torch.tensor([total / (len(class_counts) * n) for n in class_counts], dtype=torch.float32)
    elif class_weights is not None:
        if len(class_weights) != len(class_counts):
            raise ValueError(f"{len(class_weights)} class weights for {len(class_counts)} classes")
        weight = torch.tensor(class_weights, dtype=torch.float32)
    return torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=label_smoothing)
