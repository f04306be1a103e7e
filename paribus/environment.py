"""What a run ran on: recorded with it, compared before a partial run goes on."""

import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from paribus import devices

PACKAGES = (
    "paribus", "torch", "torchvision", "timm", "segmentation-models-pytorch", "numpy", "pillow", "safetensors", "scipy",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Installed versions of what can move a number."""
    return dict(_versions())


@cache  # they are looked up in files, for every run
def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def light() -> dict[str, Any]:
    """Versions and machine, without importing torch."""
    return {
        "versions": versions(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": physical_cores(),
    }


def full(device: str = "cpu", processes: int = 1) -> dict[str, Any]:
    """The environment of a run: versions, machine, threads, processes, processor capability, device."""
    import torch

    return {
        **light(),
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "processes": processes,
        **devices.described(device),
    }


def fields(environment: dict[str, Any]) -> dict[str, Any]:
    """Every field of a recorded environment; `versions.torch` for what is nested.

    Runs of before there was a choice of processes and device had one process and the processor.
    """
    found: dict[str, Any] = {"device": "cpu", "processes": 1}
    for name, value in environment.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            found[name] = value
    return found


def emulates_bf16(device: str = "cpu") -> bool:
    """Whether bf16 is float32, rounded after every step: so on processors without AVX512, and several times slower."""
    import torch

    return device == "cpu" and torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2")


def physical_cores() -> int:
    """Cores this process may use, hyper-threads counted once where the system tells."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    cores = set()
    for cpu in allowed:
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") as file:  # noqa: PTH123
                cores.add(file.read().strip())
        except OSError:
            cores.add(str(cpu))
    return max(1, len(cores))
