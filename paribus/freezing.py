"""Trainable means trainable, frozen means frozen: which parameters learn, which batch norms move, and the proof."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paribus import devices
from paribus.errors import StudyError, unknown

if TYPE_CHECKING:
    from torch import Tensor, nn


def set_trainable(model: "nn.Module", trainable: str | dict[str, str], head: str) -> None:
    """Choose which parameters learn.

    trainable: `all`, `head` (the classifier named `head`), or {"from": stage}: the parameters from the named module to
    the end. Raises StudyError if the model has no module of that name.
    """
    learns = trainable == "all"
    stage = trainable["from"] if isinstance(trainable, dict) else head
    found = learns
    for name, parameter in model.named_parameters():
        inside = name == stage or name.startswith(f"{stage}.")
        found = found or inside
        learns = learns or (inside and isinstance(trainable, dict))
        parameter.requires_grad_(learns or inside)
    if not found:
        stages = sorted({n.rpartition(".")[0] for n, _ in model.named_parameters()})
        raise StudyError(unknown("stage of the model", stage, stages))


def set_modes(model: "nn.Module", batch_norm: str) -> None:
    """Training mode for what learns, evaluation mode for what is frozen, whatever `.train()` did before.

    batch_norm: `follow` (batch norm trains where its layer trains), `frozen` (never), or `train` (always, as in
    PyTorch's transfer-learning tutorial, where the statistics of a frozen network move).
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    _follow(model)
    if batch_norm == "train":
        model.train()
    for module in model.modules():
        if isinstance(module, _BatchNorm) and batch_norm != "follow":
            module.train(batch_norm == "train")


def _follow(module: "nn.Module") -> None:
    parameters = list(module.parameters())
    if parameters and not any(p.requires_grad for p in parameters):
        module.eval()
        return
    module.training = True
    for child in module.children():
        _follow(child)


@dataclass(frozen=True)
class Frozen:
    """sha256 of the frozen parameters, and of the buffers (batch-norm statistics) that stand beside them."""

    parameters: str
    buffers: str


def frozen_hashes(model: "nn.Module", batch_norm: str) -> Frozen:
    """The state of everything that should not move, at this moment: with batch_norm `frozen`, all its statistics."""
    frozen = {n: p for n, p in model.named_parameters() if not p.requires_grad}
    owners = {n.rpartition(".")[0] for n in frozen}
    if batch_norm == "frozen":
        owners |= {n.rpartition(".")[0] for n, _ in model.named_buffers()}
    buffers = {n: b for n, b in model.named_buffers() if n.rpartition(".")[0] in owners}
    return Frozen(_hash(frozen), _hash(buffers))


def certificate(before: Frozen, after: Frozen, model: "nn.Module", batch_norm: str) -> dict[str, Any]:
    """What was frozen, what moved, and whether that is what the recipe asked for."""
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    buffers_moved = before.buffers != after.buffers
    held = before.parameters == after.parameters and (batch_norm == "train" or not buffers_moved)
    return {
        "parameters_before": before.parameters,
        "parameters_after": after.parameters,
        "buffers_before": before.buffers,
        "buffers_after": after.buffers,
        "parameters_frozen": frozen,
        "expected": "buffers may move" if batch_norm == "train" else "nothing frozen moves",
        "held": held,
        "sentence": _sentence(frozen, total, held, buffers_moved, batch_norm),
    }


def _sentence(frozen: int, total: int, held: bool, buffers_moved: bool, batch_norm: str) -> str:
    if not held:
        return "Something frozen moved. This run does not do what its recipe says."
    if not frozen and batch_norm == "frozen":
        return f"All {total} parameters learn; the batch-norm statistics were frozen and stood still."
    if not frozen:
        return f"All {total} parameters learn; nothing was to be frozen."
    moved = "its batch-norm statistics moved, as asked" if buffers_moved else "its batch-norm statistics stood still"
    if batch_norm == "train" and not buffers_moved:
        moved = "its batch-norm statistics were allowed to move and did not"
    return f"{frozen} of {total} parameters were frozen and are bit for bit what they were; {moved}."


def _hash(tensors: "dict[str, Tensor] | dict[str, nn.Parameter]") -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(devices.back(tensor.detach()).contiguous().numpy().tobytes())
    return digest.hexdigest()
