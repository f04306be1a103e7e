"""The built-in optimizers: `(head, body, *, choices) -> torch.optim.Optimizer`.

`head` and `body` are lists of trained parameters. `backbone_lr` is the learning rate of the body; null means `lr`.
`clip_norm`: gradients whose common norm over all parameters is larger are scaled down to it before every step (Pascanu
et al. 2013, arXiv 1211.5063); null never does.

Steps are torch's fused ones, a single pass over memory (`python -m benchmarks.optimizers`).
"""

from typing import TYPE_CHECKING, Annotated, Any

from paribus.parts import NotNegative, Positive, Range

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    Parameters = list[nn.Parameter]

Decay = Annotated[float, Range(0, below=1)]


def sgd(
    head: "Parameters",
    body: "Parameters",
    *,
    lr: NotNegative = 1e-2,
    backbone_lr: NotNegative | None = None,
    momentum: Decay = 0.9,
    weight_decay: NotNegative = 0.0,
    nesterov: bool = False,
    clip_norm: Positive | None = None,
) -> "Optimizer":
    """Stochastic gradient descent with momentum, as torch.optim.SGD."""
    from torch.optim import SGD

    groups = _groups(head, body, lr, backbone_lr)
    return _clipping(
        SGD(groups, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov, fused=True), clip_norm
    )


def adam(
    head: "Parameters",
    body: "Parameters",
    *,
    lr: NotNegative = 1e-3,
    backbone_lr: NotNegative | None = None,
    betas: tuple[Decay, Decay] = (0.9, 0.999),
    weight_decay: NotNegative = 0.0,
    clip_norm: Positive | None = None,
) -> "Optimizer":
    """Adam (Kingma and Ba 2015, arXiv 1412.6980); weight decay is added to the gradient."""
    from torch.optim import Adam

    groups = _groups(head, body, lr, backbone_lr)
    return _clipping(Adam(groups, betas=(betas[0], betas[1]), weight_decay=weight_decay, fused=True), clip_norm)


def adamw(
    head: "Parameters",
    body: "Parameters",
    *,
    lr: NotNegative = 1e-3,
    backbone_lr: NotNegative | None = None,
    betas: tuple[Decay, Decay] = (0.9, 0.999),
    weight_decay: NotNegative = 1e-2,
    clip_norm: Positive | None = None,
) -> "Optimizer":
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""
    from torch.optim import AdamW

    groups = _groups(head, body, lr, backbone_lr)
    return _clipping(AdamW(groups, betas=(betas[0], betas[1]), weight_decay=weight_decay, fused=True), clip_norm)


def _groups(head: "Parameters", body: "Parameters", lr: float, backbone_lr: float | None) -> list[dict[str, Any]]:
    groups = [{"params": head, "lr": lr}, {"params": body, "lr": lr if backbone_lr is None else backbone_lr}]
    return [group for group in groups if group["params"]]


def _clipping(optimizer: "Optimizer", norm: float | None) -> "Optimizer":
    """The optimizer, which scales gradients down before each of its steps."""
    from torch.nn.utils import clip_grad_norm_

    def clip(stepping: "Optimizer", *_: Any) -> None:
        assert norm is not None
        clip_grad_norm_([p for group in stepping.param_groups for p in group["params"]], norm)

    if norm is not None:
        optimizer.register_step_pre_hook(clip)
    return optimizer
