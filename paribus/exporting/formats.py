"""The forms a trained network can be written in, each with what loads it again: by its own library alone."""

import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paribus import durable
from paribus.errors import MachineError, Problem, StudyError
from paribus.fcn import padded
from paribus.predicting import Chosen
from paribus.recipe import Recipe
from paribus.views import eval_sizes, normalized

if TYPE_CHECKING:
    import torch
    from torch import nn

Ask = Callable[["torch.Tensor"], "torch.Tensor"]  # uint8 (B, 3, H, W), as evaluation sees images, to float32 logits

ONNX = "model.onnx"
OPSET = 18
NEEDED = {"onnx": ("onnx", "onnxruntime"), "timm": (), "smp": ()}


def refuse_missing(to: str) -> None:
    """Raises MachineError if a library is missing that writes a form or reads it back."""
    missing = [name for name in NEEDED[to] if find_spec(name) is None]
    if missing:
        message = (
            f"--to {to} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed."
        )
        raise MachineError([Problem("EXPORT_EXTRA", message, fix="pip install 'paribus[export]'.")])


def refuse_unfit(to: str, recipe: Recipe) -> None:
    """Raises StudyError for a network that the library `to` does not have."""
    model = recipe.model
    prefix = model.use.partition(":")[0]
    if to == "timm" and prefix != "timm":
        reason = f"its network is {model.use}, which is not timm's"
    elif to == "timm" and model.args.get("classifier") == "appended":
        reason = "its network has a second classifier behind timm's own"
    elif to == "smp" and prefix != "smp":
        reason = f"its network is {model.use}, which is not one of segmentation-models-pytorch"
    else:
        return
    raise StudyError([Problem("EXPORT_UNFIT", f"--to {to} cannot be: {reason}.", fix="take --to onnx.")])


def multiple_of(to: str, model: Any, recipe: Recipe) -> int:
    """What the sides of an image must be multiples of before the written network sees it; 1 if they may be any."""
    if to != "smp":
        return 1
    own = int(model.network.encoder.output_stride)
    return lcm(own, 32) if recipe.model.use == "smp:DPT" else own


def write(to: str, model: "nn.Module", chosen: Chosen, folder: Path) -> Ask:
    """Write a network (in evaluation mode) into `folder` in the form `to`; gives what asks the written one."""
    return {"onnx": _onnx, "timm": _timm, "smp": _smp}[to](model, chosen, folder)


def _onnx(model: "nn.Module", chosen: Chosen, folder: Path) -> Ask:
    """`model.onnx`: images uint8 (batch, height, width, 3) RGB to logits and probabilities (batch, classes[, h, w]).

    Normalisation and temperature are inside; class names are in the file's metadata.
    """
    import json

    import onnx
    import onnxruntime
    import torch

    member, statistics = chosen.members[0], chosen.recipe.input.args["normalize"]
    height, width = eval_sizes(chosen.recipe)[0]

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = model
            self.mean, self.std = (torch.tensor(statistics[k]).view(1, 3, 1, 1) * 255 for k in ("mean", "std"))

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            inputs = (images.permute(0, 3, 1, 2).float() - self.mean) / self.std
            logits = self.network(inputs).float()
            return logits, torch.softmax(logits / member.temperature, dim=1)

    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    axes = {name: {0: "batch"} for name in ("images", "logits", "probabilities")}
    with warnings.catch_warnings():
        # The exporter that traces is the older one. The newer takes minutes to load here and writes the same network.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Whole().eval(),
            (example,),
            folder / ONNX,
            input_names=["images"],
            output_names=["logits", "probabilities"],
            opset_version=OPSET,
            dynamic_axes=axes,
            dynamo=False,
        )
    made = onnx.load_model(folder / ONNX)
    told = {"classes": list(chosen.classes), "temperature": member.temperature, "run": member.run.id}
    for name, value in told.items():
        made.metadata_props.add(key=name, value=value if isinstance(value, str) else json.dumps(value))
    onnx.checker.check_model(made)
    durable.put(folder / ONNX, made.SerializeToString())
    session = onnxruntime.InferenceSession(folder / ONNX, providers=["CPUExecutionProvider"])

    def ask(batch: torch.Tensor) -> torch.Tensor:
        images = np.ascontiguousarray(batch.permute(0, 2, 3, 1).numpy())
        return torch.from_numpy(session.run(["logits"], {"images": images})[0])

    return ask


def _timm(model: Any, chosen: Chosen, folder: Path) -> Ask:
    """`config.json` and `model.safetensors` as timm's own folders on the hub are; see timm.models.save_for_hf."""
    import timm
    from timm.models import save_for_hf

    statistics = chosen.recipe.input.args["normalize"]
    size, shorter = eval_sizes(chosen.recipe)
    preprocessing = {
        "input_size": [3, *size],
        "interpolation": "bilinear",
        "mean": statistics["mean"],
        "std": statistics["std"],
        "crop_pct": min(size) / (shorter + 0.5),  # timm rounds down: so it comes to `shorter` exactly
        "crop_mode": "center",
    }
    plain = timm.create_model(
        chosen.recipe.model.use.partition(":")[2], pretrained=False, num_classes=len(chosen.classes)
    )
    plain.load_state_dict(model.state_dict())
    own = {"tag": "", "license": None, "num_classes": len(chosen.classes)}  # not those of the weights it began with
    told = {"label_names": list(chosen.classes), "pretrained_cfg": {**preprocessing, **own}}
    save_for_hf(plain, str(folder), model_config=told, safe_serialization=True)
    loaded = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()

    def ask(batch: "torch.Tensor") -> "torch.Tensor":
        found: torch.Tensor = loaded(normalized(batch, chosen.recipe))
        return found.float()

    return ask


def _smp(model: Any, chosen: Chosen, folder: Path) -> Ask:
    """`config.json` and `model.safetensors` as `save_pretrained` of segmentation-models-pytorch writes them."""
    import segmentation_models_pytorch as library

    args = chosen.recipe.model.args
    name = chosen.recipe.model.use.partition(":")[2]
    sizes = {"dynamic_img_size": True} if name == "DPT" else {}
    encoder = f"tu-{args['encoder']}"
    plain = library.create_model(name, encoder, encoder_weights=None, classes=len(chosen.classes), **sizes)
    plain.load_state_dict(model.network.state_dict())
    with redirect_stdout(StringIO()):  # the library prints what it does
        plain.save_pretrained(folder)
        loaded = library.from_pretrained(str(folder)).eval()
    stride = multiple_of("smp", model, chosen.recipe)

    def ask(batch: "torch.Tensor") -> "torch.Tensor":
        height, width = batch.shape[-2:]
        found: torch.Tensor = loaded(padded(normalized(batch, chosen.recipe), stride))
        return found.float()[..., :height, :width]

    return ask
