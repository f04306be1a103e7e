"""Where a network computes. What goes to a device and what comes back goes through this module, and nothing else does.

CUDA and MPS are chosen when they are there. Their paths are not tested on such a device: the tests hold them on a
pretended one, which refuses to mix its tensors with the processor's as a real one does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from paribus.errors import MachineError, Problem, StudyError, unknown

if TYPE_CHECKING:
    import torch
    from torch import nn

CPU = "cpu"
NAMES = ("auto", CPU, "cuda", "mps")
T = TypeVar("T", "torch.Tensor", "nn.Module")


def checked(asked: str) -> str:
    """The name of a device, or `auto`. Raises StudyError for another; torch is not asked."""
    if asked not in NAMES:
        raise StudyError([Problem("DEVICE", unknown("device", asked, NAMES), "--device")])
    return asked


def chosen(asked: str) -> str:
    """The device that a name stands for; `auto` takes CUDA, else MPS, else the processor.

    Raises StudyError for an unknown name, MachineError (exit 6) for a device that is not there.
    """
    checked(asked)
    there = [name for name, is_there in (("cuda", _cuda()), ("mps", _mps()), (CPU, True)) if is_there]
    if asked == "auto":
        return there[0]
    if asked not in there:
        message = f"--device {asked}: torch finds no such device here; there is {' and '.join(there)}."
        raise MachineError([Problem("DEVICE_ABSENT", message, fix="give --device auto, or install torch for it.")])
    return asked


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _mps() -> bool:
    import torch

    return torch.backends.mps.is_available()


def moved(what: T, device: str) -> T:
    """A tensor or a network on a device; itself if it is there already."""
    found: T = what.to(device)
    return found


def back(tensor: "torch.Tensor") -> "torch.Tensor":
    """A tensor in the processor's memory, for numpy and for the disk; itself if it is there already."""
    return tensor.cpu()


def alongside(tensor: "torch.Tensor", other: "torch.Tensor") -> "torch.Tensor":
    """A tensor on the device of another."""
    return moved(tensor, str(other.device))


def of(network: "nn.Module") -> str:
    """The device of a network's weights."""
    return next((str(parameter.device) for parameter in network.parameters()), CPU)


def kind(device: str) -> str:
    """`cuda` of `cuda:0`: what autocast asks for."""
    return device.partition(":")[0]


@contextmanager
def seeded(seed: int, device: str = CPU) -> Iterator[None]:
    """Global draws begin at `seed`, and global random state is left as it was.

    MPS lets no state be put aside by this way; there it stays seeded, and every step seeds it anew.
    """
    import torch

    others = [torch.cuda.current_device()] if kind(device) == "cuda" else []
    with torch.random.fork_rng(devices=others):
        torch.manual_seed(seed)
        yield


def wait(device: str) -> None:
    """Until the device has done what it was given: for whoever reads a clock."""
    import torch

    if kind(device) == "cuda":
        torch.cuda.synchronize()
    elif kind(device) == "mps":
        torch.mps.synchronize()


def described(device: str) -> dict[str, Any]:
    """What the environment of a run says of its device; more than its kind where that is no processor."""
    import torch

    if kind(device) != "cuda":
        return {"device": device}
    return {"device": device, "device_name": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
