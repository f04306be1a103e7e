"""The built-in optimizers: `(head, body, *, choices) -> torch.optim.Optimizer`.

`head` and `body` are lists of trained parameters. `backbone_lr` is the learning rate of the body; null means `lr`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    Parameters = list[nn.Parameter]


def sgd(
    head: "Parameters",
    body: "Parameters",
    *,
    lr: float = 1e-2,
    backbone_lr: float | None = None,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> "Optimizer":
    """Stochastic gradient descent with momentum, as torch.optim.SGD."""
    from torch.optim import SGD

    groups = _groups(head, body, lr, backbone_lr)
    return SGD(groups, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)


def adam(
    head: "Parameters",
    body: "Parameters",
    *,
    lr: float = 1e-3,
    backbone_lr: float | None = None,
    betas: tuple[float, float] = (0.9, 0.999),
    weight_decay: float = 0.0,
) -> "Optimizer":
    """Adam (Kingma and Ba 2015, arXiv 1412.6980); weight decay is added to the gradient."""
    from torch.optim import Adam

    return Adam(_groups(head, body, lr, backbone_lr), betas=(betas[0], betas[1]), weight_decay=weight_decay)


def adamw(
    head: "Parameters",
    body: "Parameters",
    *,
    lr: float = 1e-3,
    backbone_lr: float | None = None,
    betas: tuple[float, float] = (0.9, 0.999),
    weight_decay: float = 1e-2,
) -> "Optimizer":
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""
    from torch.optim import AdamW

    return AdamW(_groups(head, body, lr, backbone_lr), betas=(betas[0], betas[1]), weight_decay=weight_decay)


def _groups(head: "Parameters", body: "Parameters", lr: float, backbone_lr: float | None) -> list[dict[str, Any]]:
    groups = [{"params": head, "lr": lr}, {"params": body, "lr": lr if backbone_lr is None else backbone_lr}]
    return [group for group in groups if group["params"]]
