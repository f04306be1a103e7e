"""The networks that other loops train: the same layers and the same pretrained weights as in Paribus's runs.

Needs torch, torchvision and timm only, so that the peers' environment can use it.
"""

from typing import Any

import torch
from torch import nn


def network(settings: dict[str, Any]) -> nn.Module:
    """A classifier: `model` (`timm:NAME` or `torchvision:NAME`), `weights` (a file or None), `classes`, `trainable`.

    `trainable` is `all` or `head`, as the transfer-learning tutorial has it: the body's parameters are frozen before
    the new layer is put in.
    """
    origin, _, name = settings["model"].partition(":")
    model = _timm(name) if origin == "timm" else _torchvision(name)
    if settings.get("weights"):
        _load(model, torch.load(settings["weights"], map_location="cpu", weights_only=True))
    if settings.get("trainable", "all") == "head":
        model.requires_grad_(False)
    return _new_head(model, settings["classes"])


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn."""
    return [p for p in model.parameters() if p.requires_grad]


def _timm(name: str) -> nn.Module:
    import timm

    model: nn.Module = timm.create_model(name, pretrained=False)
    return model


def _torchvision(name: str) -> nn.Module:
    from torchvision.models import get_model

    model: nn.Module = get_model(name, weights=None)
    return model


def _load(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """By name, or in order where a package names the same layers otherwise."""
    own = model.state_dict()
    values = [state[k] for k in own] if all(k in state for k in own) else list(state.values())
    model.load_state_dict(dict(zip(own, values, strict=True)))


def _new_head(model: nn.Module, classes: int) -> nn.Module:
    name, old = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    model.set_submodule(name, nn.Linear(old.in_features, classes))
    return model
