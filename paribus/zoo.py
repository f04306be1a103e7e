"""What timm, torchvision and segmentation-models-pytorch know of their networks without training one."""

from typing import TYPE_CHECKING

from paribus.backbones import VGG16
from paribus.errors import unknown
from paribus.fcn import check

if TYPE_CHECKING:
    from paribus.parts import Part

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])  # torchvision's pixel mean and standard deviation, RGB


def known(prefix: str) -> list[str]:
    """The networks that `timm:`, `torchvision:` or `smp:` can name."""
    if prefix == "timm":
        from timm import list_models

        return list(list_models())
    if prefix == "smp":
        from segmentation_models_pytorch import MODEL_ARCHITECTURES_MAPPING

        return [architecture.__name__ for architecture in MODEL_ARCHITECTURES_MAPPING.values()]
    import torchvision.models as home
    from torchvision.models import list_models as list_torchvision

    return [str(n) for n in list_torchvision(module=home)]


def network_of(model: "Part") -> str:
    """The classifier whose weights and pixel statistics a model part takes: itself, or what its backbone is cut from.

    `timm:tf_efficientnet_lite0` for {use: fcn, backbone: tf_efficientnet_lite0}, `torchvision:vgg16` for its `vgg16`.
    """
    if model.use == "fcn":
        name = model.args["backbone"]
        return f"torchvision:{name}" if name == VGG16 else f"timm:{name}"
    return f"timm:{model.args['encoder']}" if model.use.startswith("smp:") else model.use


def problems(model: "Part") -> list[tuple[str, str]]:
    """What is wrong with the arguments of a completed model part, as (argument, sentence)."""
    if model.use != "fcn" and not model.use.startswith("smp:"):
        return []
    argument = "backbone" if model.use == "fcn" else "encoder"
    prefix, _, name = network_of(model).partition(":")
    if prefix == "timm" and name not in known("timm"):
        return [(argument, unknown(f"{argument} of {model.use}", name, [*known("timm"), VGG16]))]
    return _problems_of_fcn(model) if model.use == "fcn" else []


def _problems_of_fcn(model: "Part") -> list[tuple[str, str]]:
    try:
        check(model.args["skips"], strides(model.args["backbone"]))
    except ValueError as error:
        return [(str(error).partition(":")[0], f"fcn: {error}.")]
    except RuntimeError:
        return [("backbone", f"fcn: {model.args['backbone']} gives no features of its stages.")]
    return []


def of_pixels(use: str) -> bool | None:
    """Whether a model classifies pixels (True) or whole images (False); None for one that is not built in."""
    prefix = use.partition(":")[0]
    if prefix in ("fcn", "smp"):
        return True
    return False if prefix in ("timm", "torchvision", "small_cnn") else None


def strides(backbone: str) -> list[int]:
    """The strides of a backbone's stages, deepest last. Raises RuntimeError if it gives no features of stages."""
    if backbone == VGG16:
        return [2, 4, 8, 16, 32]
    import torch
    from timm import create_model

    with torch.device("meta"):  # shapes only: nothing is drawn
        return list(create_model(backbone, features_only=True).feature_info.reduction())


def normalization(use: str) -> dict[str, list[float]]:
    """The pixel mean and standard deviation (of values in [0, 1], RGB) that a model expects."""
    prefix, _, name = use.rpartition(":")
    if prefix == "timm":
        from timm.models import get_pretrained_cfg

        config = get_pretrained_cfg(name)
        if config is not None:
            return {"mean": [float(v) for v in config.mean], "std": [float(v) for v in config.std]}
    return {"mean": list(IMAGENET[0]), "std": list(IMAGENET[1])}
