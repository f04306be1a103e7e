"""The built-in classifiers: `(num_classes, weights, *, choices) -> nn.Module`.

`weights` is a state dict of pretrained weights or None; it comes from the run (see `paribus.weights`). The last linear
or convolutional layer of the returned module is the new classifier, the *head*.
"""

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

    State = dict[str, Any]


def timm(
    num_classes: int,
    weights: "State | None",
    *,
    name: str,
    pretrained: bool = False,
    classifier: Literal["replaced", "appended"] = "replaced",
    drop_rate: float = 0.0,
    drop_path_rate: float = 0.0,
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


def small_cnn(num_classes: int, weights: "State | None", *, width: int = 16, depth: int = 3) -> "nn.Module":
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


def _load(body: "nn.Module", weights: "State | None", name: str) -> None:
    if weights is None:
        raise ValueError(f"{name}: pretrained weights were asked for and none were given.")
    own = body.state_dict()
    own_keys = [k for k in own if k in weights]
    if len(own_keys) == len(own):
        body.load_state_dict({k: weights[k] for k in own})
        return
    # The same network under other names (efficientnet-pytorch's for timm's lite models): same order, same shapes.
    if [v.shape for v in own.values()] != [v.shape for v in weights.values()]:
        missing = [k for k in own if k not in weights][:3]
        raise ValueError(f"{name}: the weights do not fit the network (missing among others: {', '.join(missing)}).")
    body.load_state_dict(dict(zip(own, weights.values(), strict=True)))
