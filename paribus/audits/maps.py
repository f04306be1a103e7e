"""Which pixels spoke for an answer: attribution maps of a classifier, by captum.

What is explained is the margin, the logit of the class that the network predicts less that of the next likely one.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paribus.errors import MachineError, Problem

if TYPE_CHECKING:
    import torch
    from torch import nn

TOGETHER = 32  # images, or steps of images, that go through the network at a time
Maps = NDArray[np.float64]


def require_captum() -> None:
    """Raises MachineError where captum is not installed."""
    from importlib.util import find_spec

    if find_spec("captum") is None:
        fix = "pip install 'paribus[audit]'."
        raise MachineError([Problem("EXTRA_MISSING", "the attribution audit needs captum.", fix=fix)])


def last_stage(model: "nn.Module", images: "torch.Tensor") -> tuple[str, tuple[int, int]] | None:
    """The module that gives the last maps of more than one cell, and their (rows, columns).

    images: any normalised batch. None for a network without such maps.
    """
    import torch

    found: list[tuple[str, tuple[int, int]]] = []

    def look(name: str) -> object:
        def hook(module: object, inputs: object, output: object) -> None:
            if isinstance(output, torch.Tensor) and output.ndim == 4 and min(output.shape[-2:]) > 1:
                found.append((name, (output.shape[-2], output.shape[-1])))

        return hook

    handles = [module.register_forward_hook(look(name)) for name, module in model.named_modules() if name]
    try:
        with torch.inference_mode():
            model(images[:1])
    finally:
        for handle in handles:
            handle.remove()
    return found[-1] if found else None


def grad_cam(model: "nn.Module", layer: str, images: "torch.Tensor") -> Maps:
    """(N, H, W) of 0 and more: Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391) of a layer, enlarged bilinearly.

    images: (N, 3, H, W), normalised; the model is in evaluation mode.
    """
    import torch
    from captum.attr import LayerGradCam
    from torch.nn.functional import interpolate

    explain = LayerGradCam(_margin(model), model.get_submodule(layer))
    found = []
    for batch in images.split(TOGETHER):
        coarse = explain.attribute(batch, additional_forward_args=(_answers(model, batch),), relu_attributions=True)
        found.append(interpolate(coarse, size=batch.shape[-2:], mode="bilinear", align_corners=False)[:, 0].detach())
    return np.asarray(torch.cat(found).double().numpy())


def integrated_gradients(model: "nn.Module", images: "torch.Tensor", steps: int) -> Maps:
    """(N, H, W) of 0 and more: integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365).

    The path begins at the mean colour of the normalisation. Channels are summed, and what spoke against is left out.
    """
    import torch
    from captum.attr import IntegratedGradients

    explain = IntegratedGradients(_margin(model))
    found = []
    for batch in images.split(TOGETHER):
        answers = _answers(model, batch)
        gave = explain.attribute(batch, n_steps=steps, internal_batch_size=TOGETHER, additional_forward_args=(answers,))
        found.append(gave.sum(dim=1).clamp(min=0).detach())
    return np.asarray(torch.cat(found).double().numpy())


def _answers(model: "nn.Module", images: "torch.Tensor") -> "torch.Tensor":
    """(N,) the predicted classes."""
    import torch

    with torch.no_grad():
        answers: torch.Tensor = model(images).argmax(dim=1)
    return answers


def _margin(model: "nn.Module") -> object:
    """(images, classes) -> (N,) the logit of that class less the highest of the others."""
    import torch

    def margin(images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        logits = model(images)
        own = logits.gather(1, classes[:, None])
        others = logits.scatter(1, classes[:, None], -torch.inf).amax(dim=1)
        difference: torch.Tensor = own[:, 0] - others
        return difference

    return margin
