"""A network for evaluation in which batch norm is part of the convolution before it: fewer passes over memory.

In evaluation mode batch norm is a fixed scale and shift a channel, so that norm(conv(x)) is a convolution with other
weights; the two differ by rounding only. Which norm follows which convolution is seen in a forward pass and not
guessed from names.
"""

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from paribus.devices import kind

if TYPE_CHECKING:
    import torch
    from torch import nn

TOLERANCE = 1e-3  # of the output, relative to its largest value: more means that something else was folded


def folded(model: "nn.Module", probe: "torch.Tensor") -> "nn.Module":
    """A copy of a network in evaluation mode with its batch norms folded; the network itself where none can be.

    probe: a small batch of inputs (B, 3, H, W), of which the outputs of both are compared.
    """
    import torch
    from torch import nn

    if not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        return model
    # Whatever the caller does next: bf16 rounds too much to compare, and inference tensors count no changes in place.
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(kind(str(probe.device)), enabled=False):
        lean = deepcopy(model)
        pairs, expected = _pairs(model, probe)
        for convolution, norm in pairs:
            _fold(lean, convolution, norm)
        largest = expected.abs().max().clamp(min=1.0)
        close = bool((expected - lean(probe)).abs().max() <= TOLERANCE * largest)
    return lean if pairs and close else model


def _pairs(model: "nn.Module", probe: "torch.Tensor") -> "tuple[list[tuple[str, str]], torch.Tensor]":
    """(convolution, batch norm) by name, where the norm's input is what the convolution put out; and the output.

    Modules that are called more than once are left alone.
    """
    from torch import nn

    made: dict[tuple[int, int], str] = {}  # tensor, and how often it was changed in place -> its convolution
    held: list[Any] = []  # keeps every tensor alive, so that no two share an identity
    found: dict[str, str] = {}
    calls: dict[str, int] = {}

    def convolved(name: str) -> Any:
        def hook(module: "nn.Module", inputs: Any, output: "torch.Tensor") -> None:
            calls[name] = calls.get(name, 0) + 1
            made[id(output), output._version] = name
            held.append(output)

        return hook

    def normed(name: str) -> Any:
        def hook(module: "nn.Module", inputs: Any) -> None:
            calls[name] = calls.get(name, 0) + 1
            seen = id(inputs[0]), inputs[0]._version
            if seen in made:
                found[name] = made[seen]

        return hook

    hooks = []
    for name, module in model.named_modules():
        if type(module) is nn.Conv2d:
            hooks.append(module.register_forward_hook(convolved(name)))
        elif isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            hooks.append(module.register_forward_pre_hook(normed(name)))
    try:
        output: torch.Tensor = model(probe)
    finally:
        for hook in hooks:
            hook.remove()
    convolutions = list(found.values())
    return [(c, n) for n, c in found.items() if calls[n] == calls[c] == 1 == convolutions.count(c)], output


def _fold(model: "nn.Module", convolution: str, norm: str) -> None:
    """Give the convolution the norm's scale and shift, and leave of the norm what comes after it in timm's modules."""
    from torch import nn
    from torch.nn.utils import fuse_conv_bn_weights

    conv, bn = model.get_submodule(convolution), model.get_submodule(norm)
    assert isinstance(conv, nn.Conv2d) and isinstance(bn, nn.BatchNorm2d)
    assert bn.running_mean is not None and bn.running_var is not None
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    rest = [part for part in (getattr(bn, "drop", None), getattr(bn, "act", None)) if part is not None]
    parent, _, leaf = norm.rpartition(".")
    setattr(model.get_submodule(parent), leaf, nn.Sequential(*rest) if rest else nn.Identity())
