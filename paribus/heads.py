"""The classifier of a network: finding it and putting another in its place."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def head_name(model: "nn.Module") -> str:
    """The qualified name of the classifier: timm's own answer, else the last linear or convolutional layer."""
    from torch import nn

    own = getattr(model, "get_classifier", None)
    wanted = own() if callable(own) else None
    layers = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)}
    if isinstance(wanted, nn.Linear | nn.Conv2d):
        return next(name for name, module in layers.items() if module is wanted)
    return list(layers)[-1]


def replace_head(model: "nn.Module", num_classes: int) -> None:
    """Put a new layer of the same kind with `num_classes` outputs in the place of the classifier."""
    from torch import nn

    name = head_name(model)
    old = model.get_submodule(name)
    new: nn.Module
    if isinstance(old, nn.Conv2d):
        new = nn.Conv2d(
            old.in_channels,
            num_classes,
            old.kernel_size,  # type: ignore[arg-type]
            old.stride,  # type: ignore[arg-type]
            old.padding,  # type: ignore[arg-type]
            bias=old.bias is not None,
        )
    else:
        assert isinstance(old, nn.Linear)
        new = nn.Linear(old.in_features, num_classes)
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, new)
