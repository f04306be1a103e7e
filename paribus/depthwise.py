"""Depthwise convolutions in training on maps smaller than their kernel: the same numbers, sooner.

Without AVX-512, torch's library for processors (oneDNN) has a fast gradient of a depthwise convolution's weights only
where the kernel fits into the map (`python -m benchmarks.small_maps`). On smaller maps most of the kernel meets nothing
but padding: what of it meets the map, on a map with one line of zeros around it, always fits.
"""

from types import MethodType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def hasten(model: "nn.Module") -> None:
    """Have the depthwise convolutions of a network on a processor learn faster from maps smaller than their kernel.

    Evaluation, larger maps and all other convolutions stay as they are; so do the names of weights. Results differ from
    those of the plain convolution by rounding.
    """
    for module in model.modules():
        if _is_plain(module):
            module.forward = MethodType(_forward, module)


def _is_plain(module: "nn.Module") -> bool:
    """Whether a module is a depthwise convolution whose output has the size of its input."""
    from torch import nn

    if type(module) is not nn.Conv2d or module.padding_mode != "zeros" or isinstance(module.padding, str):
        return False
    same = all(2 * around + 1 == kernel for around, kernel in zip(module.padding, module.kernel_size, strict=True))
    dense = module.stride == module.dilation == (1, 1)
    return module.groups == module.in_channels > 1 and same and dense


def _forward(convolution: "nn.Conv2d", input: "torch.Tensor") -> "torch.Tensor":
    """(B, C, H, W) to (B, C, H, W)."""
    from torch import is_grad_enabled, nn
    from torch.nn import functional

    (height, width), (tall, wide) = input.shape[-2:], convolution.kernel_size
    learns = is_grad_enabled() and convolution.weight.requires_grad
    if not learns or (height >= tall and width >= wide):
        return nn.Conv2d.forward(convolution, input)
    rows, above = _fitted(height, tall)
    columns, beside = _fitted(width, wide)
    weight = convolution.weight[:, :, rows, columns]
    padded = functional.pad(input, (beside, beside, above, above))
    left = (weight.shape[2] // 2 - above, weight.shape[3] // 2 - beside)
    return functional.conv2d(padded, weight, convolution.bias, padding=left, groups=convolution.groups)


def _fitted(size: int, kernel: int) -> tuple[slice, int]:
    """(what of a kernel's length can meet a map of `size` pixels, the zeros on either side with which that fits)."""
    reach = min(size - 1, kernel // 2)  # from one end of the map to the other
    length = 2 * reach + 1
    return slice(kernel // 2 - reach, kernel // 2 + reach + 1), max(0, -((size - length) // 2))
