"""The built-in networks: `(num_classes, weights, *, choices) -> nn.Module`.

`weights` is a state dict of pretrained weights or None; it comes from the run (see `paribus.weights`). The last linear
or convolutional layer of the returned module is the new classifier, the *head*. Networks for masks return logits
(B, num_classes, H, W) of the images' own size, whatever that is; their attribute `backbone` is the part whose weights
can be pretrained, those of a whole classifier of images (see `paribus.zoo.network_of`).
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from paribus.parts import Range

if TYPE_CHECKING:
    from torch import nn

    State = dict[str, Any]


Dropped = Annotated[float, Range(0, below=1)]


def timm(
    num_classes: int,
    weights: "State | None",
    *,
    name: str,
    pretrained: bool = False,
    classifier: Literal["replaced", "appended"] = "replaced",
    drop_rate: Dropped = 0.0,
    drop_path_rate: Dropped = 0.0,
) -> "nn.Module":
    """Any classifier of timm by name.

    classifier: `replaced` puts a new layer in the place of the network's own 1000-way classifier; `appended` keeps
    that one and adds Linear(1000, num_classes) behind it. drop_rate: dropout before the classifier.
    """
    from timm import create_model
    from torch import nn

    body = create_model(name, pretrained=False, drop_rate=drop_rate, drop_path_rate=drop_path_rate)
    if pretrained:
        _load(body, weights, name)
    if classifier == "appended":
        return nn.Sequential(body, nn.Linear(body.num_classes, num_classes))
    body.reset_classifier(num_classes)
    return body


def torchvision(
    num_classes: int,
    weights: "State | None",
    *,
    name: str,
    pretrained: bool = False,
    classifier: Literal["replaced", "appended"] = "replaced",
) -> "nn.Module":
    """Any classifier of torchvision by name; `classifier` as for timm."""
    from torch import nn
    from torchvision.models import get_model

    from paribus.heads import replace_head

    # These two train an auxiliary classifier as well, which a plain loss does not know.
    two_heads = name in ("googlenet", "inception_v3") and not pretrained
    extra = {"aux_logits": False, "init_weights": True} if two_heads else {}
    body = get_model(name, weights=None, **extra)
    if pretrained:
        _load(body, weights, name)
    if classifier == "appended":
        return nn.Sequential(body, nn.Linear(1000, num_classes))
    replace_head(body, num_classes)
    return body


def small_cnn(
    num_classes: int,
    weights: "State | None",
    *,
    width: Annotated[int, Range(1, 1024)] = 16,
    depth: Annotated[int, Range(1, 8)] = 3,
) -> "nn.Module":
    """A plain stack of `depth` blocks (3x3 convolution, batch norm, ReLU, 2x2 maximum), for demos and tests.

    width: channels of the first block; each further block has twice as many. Never pretrained.
    """
    from torch import nn

    layers: list[nn.Module] = []
    channels = 3
    for block in range(depth):
        out = width << block
        layers += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))


def fcn(
    num_classes: int,
    weights: "State | None",
    *,
    backbone: str = "tf_efficientnet_lite0",
    skips: tuple[Annotated[int, Range(1)], ...] = (8, 16),
    decoder: Literal["light", "deconv"] = "light",
    pretrained: bool = False,
    width: Annotated[int, Range(1)] | None = None,
) -> "nn.Module":
    """A fully convolutional network (Long, Shelhamer and Darrell 2015, arXiv 1411.4038).

    backbone: `vgg16` (torchvision's) or any network of timm that gives features of its stages. skips: strides whose
    features are added: [8, 16] is FCN-8s, [16] FCN-16s, [] has none, [2, 4, 8, 16] goes to the shallowest.
    decoder: `light` doubles bilinearly with a 3x3 convolution each, down to stride 8 or that of the finest skip, then
    enlarges the logits; `deconv` doubles by transposed convolutions down to single pixels. width: channels of the light
    decoder (null: 128), or of the last step of `deconv`, each before it having twice as many (null: 32).
    Raises ValueError for a stride that the backbone does not have and for weights that do not fit.
    """
    from paribus import fcn as family
    from paribus.backbones import stages

    body, channels = stages(backbone, weights, pretrained)
    wide = family.WIDTH[decoder] if width is None else width
    return family.network(num_classes, body, channels, skips, decoder, wide)


def smp(
    num_classes: int,
    weights: "State | None",
    *,
    name: str,
    encoder: str = "tf_efficientnet_lite0",
    pretrained: bool = False,
) -> "nn.Module":
    """Any architecture of segmentation-models-pytorch by name, with its own choices, on an encoder of timm.

    encoder: timm's name of it. Raises ValueError if the two do not go together.
    """
    from math import lcm

    import segmentation_models_pytorch as library
    import torch
    from torch import nn

    from paribus.backbones import load_stages
    from paribus.fcn import padded
    from paribus.heads import replace_head

    sizes = {"dynamic_img_size": True} if name == "DPT" else {}  # its transformers take one size only otherwise
    try:  # of one class: what the library draws does not depend on the number of classes
        made = library.create_model(name, f"tu-{encoder}", encoder_weights=None, classes=1, **sizes)
    except (RuntimeError, TypeError, ValueError, KeyError, AssertionError) as error:
        raise ValueError(f"smp:{name} cannot be built on {encoder}: {error}") from None
    if pretrained:
        load_stages(made.encoder.model, encoder, weights)
    stride = lcm(made.encoder.output_stride, 32) if name == "DPT" else made.encoder.output_stride

    class Smp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = made

        @property
        def backbone(self) -> nn.Module:
            return self.network.encoder

        def get_classifier(self) -> nn.Module:
            return [m for m in self.network.segmentation_head.modules() if isinstance(m, nn.Conv2d)][-1]

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            height, width = images.shape[-2:]
            logits: torch.Tensor = self.network(padded(images, stride)).float()
            return logits[..., :height, :width]

    model = Smp()
    replace_head(model, num_classes)
    return model


def _load(body: "nn.Module", weights: "State | None", name: str) -> None:
    from paribus.backbones import fitting

    body.load_state_dict(fitting(body.state_dict(), weights, name))
