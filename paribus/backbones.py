"""Features of a classifier's stages, by stride, and pretrained weights that land where they belong."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from paribus.errors import IntegrityError, Problem

if TYPE_CHECKING:
    import torch
    from torch import nn

    State = dict[str, Any]

VGG16 = "vgg16"  # torchvision's; every other name is timm's


def fitting(own: "State", weights: "State | None", name: str) -> "State":
    """The pretrained weights of the network `name` under its own names; `own` is its state dict.

    Raises ValueError if there are none, IntegrityError if they are another network's.
    """
    if weights is None:
        raise ValueError(f"{name}: pretrained weights were asked for and none were given.")
    if all(k in weights for k in own):
        if other := [k for k in own if weights[k].shape != own[k].shape]:
            shapes = f"{tuple(weights[other[0]].shape)}, {tuple(own[other[0]].shape)} is expected"
            raise _misfit(name, f"{other[0]} has the shape {shapes}")
        return {k: weights[k] for k in own}
    # The same network under other names (efficientnet-pytorch's for timm's lite models): same order, same shapes.
    if [v.shape for v in own.values()] != [v.shape for v in weights.values()]:
        missing = [k for k in own if k not in weights][:3]
        raise _misfit(name, f"missing among others: {', '.join(missing)}" if missing else "other shapes")
    return dict(zip(own, weights.values(), strict=True))


def _misfit(name: str, what: str) -> IntegrityError:
    fix = f"name the file of {name} itself (--weights MODEL=FILE), with its original classifier."
    return IntegrityError([Problem("CKPT_SHAPE", f"the weights do not fit the network ({what}).", name, fix)])


def stages(name: str, weights: "State | None", pretrained: bool) -> "tuple[nn.Module, dict[int, int]]":
    """A classifier without its classifier: images (B, 3, H, W) to {stride: features (B, C, H / stride, W / stride)};
    and {stride: C}.

    The strides ascend; of several stages of one stride the last is taken. Raises ValueError for weights that do not
    fit.
    """
    from torch import nn

    body, strides, channels, run = _vgg16() if name == VGG16 else _timm(name)
    if pretrained and name == VGG16:
        _load_vgg16(body, weights)
    elif pretrained:
        load_stages(body, name, weights)

    class Stages(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, images: "torch.Tensor") -> "dict[int, torch.Tensor]":
            return dict(zip(strides, run(self.body, images), strict=True))

    return Stages(), dict(zip(strides, channels, strict=True))


Made = tuple["nn.Module", list[int], list[int], Callable[[Any, Any], list[Any]]]  # module, strides, channels, its run


def _timm(name: str) -> Made:
    from timm import create_model

    body = create_model(name, pretrained=False, features_only=True)
    last = getattr(body, "output_fmt", "NCHW") == "NHWC"  # Swin, for one, keeps its channels behind

    def run(module: "nn.Module", images: "torch.Tensor") -> "list[torch.Tensor]":
        features = module(images)
        return [f.permute(0, 3, 1, 2) for f in features] if last else features

    return body, body.feature_info.reduction(), body.feature_info.channels(), run


def _vgg16() -> Made:
    """VGG16's features after each of its five poolings (Simonyan and Zisserman 2015, arXiv 1409.1556)."""
    from torch import nn
    from torchvision.models.vgg import cfgs, make_layers

    body = make_layers(cfgs["D"])
    for layer in body:
        if isinstance(layer, nn.Conv2d):  # as torchvision's VGG draws them
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def run(module: "nn.Sequential", images: "torch.Tensor") -> "list[torch.Tensor]":
        features = []
        for layer in module:
            images = layer(images)
            if isinstance(layer, nn.MaxPool2d):
                features.append(images)
        return features

    return body, [2, 4, 8, 16, 32], [64, 128, 256, 512, 512], run


def _load_vgg16(body: "nn.Module", weights: "State | None") -> None:
    state = fitting({f"features.{k}": v for k, v in body.state_dict().items()}, weights, VGG16)
    body.load_state_dict({k.removeprefix("features."): v for k, v in state.items()})


def load_stages(body: "nn.Module", name: str, weights: "State | None") -> None:
    """Load the weights of timm's classifier `name` into a module of its stages (`features_only`).

    timm calls a stage of such a module `stages_0` where the classifier says `stages.0`, and puts some below `model`.
    Raises ValueError if a parameter of the stages is not in the classifier.
    """
    import torch
    from timm import create_model

    with torch.random.fork_rng(devices=[]):  # with and without pretraining, what is drawn later is the same
        whole = create_model(name, pretrained=False).state_dict()
    state = {_plain(k): v for k, v in fitting(whole, weights, name).items()}
    own = body.state_dict()
    found = {k: state[_plain(k)] for k in own if _plain(k) in state and state[_plain(k)].shape == own[k].shape}
    if len(found) < len(own):
        absent = [k for k in own if k not in found][:3]
        raise ValueError(f"{name}: its weights do not fit its stages (missing among others: {', '.join(absent)}).")
    body.load_state_dict(found)


def _plain(key: str) -> str:
    return key.removeprefix("model.").replace(".", "_")
