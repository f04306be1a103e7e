"""Fully convolutional networks (Long, Shelhamer and Darrell 2015, arXiv 1411.4038): a classifier's stages, a decoder
that doubles the side step by step and adds the features of finer stages (*skips*), and a 1x1 classifier of pixels.

The decoder's own layers are the same with and without skips, and are drawn before those that the skips bring, so that
a skip changes nothing but what it adds.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch
    from torch import nn

COARSEST = 8  # the light decoder goes down to this stride, or to that of the finest skip
WIDTH = {"light": 128, "deconv": 32}


def network(
    num_classes: int,
    backbone: "nn.Module",
    channels: dict[int, int],
    skips: Sequence[int],
    decoder: Literal["light", "deconv"],
    width: int,
) -> "nn.Module":
    """Logits (B, num_classes, H, W) of images (B, 3, H, W) of any size.

    backbone, channels: see `paribus.backbones.stages`. skips: strides whose features are added. Raises ValueError for
    strides that do not fit.
    """
    from torch import nn
    from torch.nn.functional import interpolate

    check(skips, list(channels))
    decoding = (_light if decoder == "light" else _deconv)(channels, skips, width)
    deepest = max(channels)

    class Fcn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = backbone
            self.decoder = decoding
            self.classifier = nn.Conv2d(width, num_classes, 1)

        def forward(self, images: "torch.Tensor") -> "torch.Tensor":
            height, width = images.shape[-2:]
            images = padded(images, deepest)
            logits = self.classifier(self.decoder(self.backbone(images))).float()
            if logits.shape[-2:] != images.shape[-2:]:
                logits = interpolate(logits, size=images.shape[-2:], mode="bilinear")
            return logits[..., :height, :width]

    return Fcn()


def check(skips: Sequence[int], strides: Sequence[int]) -> None:
    """Raises ValueError if the decoder cannot begin at the deepest stride, if a skip is listed twice, or if it is not
    one of the other strides. The error begins with the argument's name.
    """
    *offered, deepest = sorted(set(strides))
    unknown = [s for s in skips if s not in offered]
    if deepest.bit_count() != 1:
        raise ValueError(f"backbone: its deepest stride must be a power of two, and is {deepest}")
    if unknown:
        raise ValueError(f"skips: the backbone has features of stride {_list(offered)} to add, not of {_list(unknown)}")
    if len(set(skips)) < len(skips):
        raise ValueError(f"skips: each stride at most once, not {_list(skips)}")


def padded(images: "torch.Tensor", multiple: int) -> "torch.Tensor":
    """Images whose last row and column are repeated until both sides are whole multiples."""
    from torch.nn.functional import pad

    down, right = -images.shape[-2] % multiple, -images.shape[-1] % multiple
    return pad(images, (0, right, 0, down), mode="replicate") if down or right else images


def _light(channels: dict[int, int], skips: Sequence[int], width: int) -> "nn.Module":
    """Bilinear doubling, plus the skip's features by a 1x1 convolution, then 3x3 convolution, batch norm, ReLU."""
    from torch import nn
    from torch.nn.functional import interpolate

    deepest, finest = max(channels), min([COARSEST, *skips])
    strides = [s for s in _halvings(deepest) if s >= finest]
    begin = nn.Conv2d(channels[deepest], width, 1)
    steps = [
        nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        for _ in strides
    ]
    added = {str(s): nn.Conv2d(channels[s], width, 1) for s in strides if s in skips}

    class Light(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.begin = begin
            self.steps = nn.ModuleDict(dict(zip(map(str, strides), steps, strict=True)))
            self.added = nn.ModuleDict(added)

        def forward(self, features: "dict[int, torch.Tensor]") -> "torch.Tensor":
            score = self.begin(features[deepest])
            for stride, step in self.steps.items():
                score = interpolate(score, scale_factor=2.0, mode="bilinear")
                if stride in self.added:
                    score = score + self.added[stride](features[int(stride)])
                score = step(score)
            return score

    return Light()


def _deconv(channels: dict[int, int], skips: Sequence[int], width: int) -> "nn.Module":
    """Transposed convolution, ReLU, plus the skip's features, batch norm, down to stride 1.

    The last step has `width` channels and each before it twice as many: 512-256-128-64-32 behind VGG16, whose features
    fit as they are. Those of other backbones pass a 1x1 convolution if their channels are others.
    """
    from torch import nn

    deepest = max(channels)
    strides = _halvings(deepest)
    out = [width << i for i in reversed(range(len(strides)))]
    deconvs = [
        nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1)
        for a, b in zip([channels[deepest], *out], out, strict=False)
    ]
    added: dict[str, nn.Module] = {
        str(s): nn.Identity() if channels[s] == c else nn.Conv2d(channels[s], c, 1)
        for s, c in zip(strides, out, strict=True)
        if s in skips
    }

    class Deconv(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.deconvs = nn.ModuleList(deconvs)
            self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in out)
            self.added = nn.ModuleDict(added)

        def forward(self, features: "dict[int, torch.Tensor]") -> "torch.Tensor":
            score = features[deepest]
            for stride, deconv, norm in zip(strides, self.deconvs, self.norms, strict=True):
                score = deconv(score).relu()
                if str(stride) in self.added:
                    score = score + self.added[str(stride)](features[stride])
                score = norm(score)
            return score

    return Deconv()


def _halvings(stride: int) -> list[int]:
    """16, 8, 4, 2, 1 for 32."""
    return [stride >> i for i in range(1, stride.bit_length())]


def _list(values: Sequence[int]) -> str:
    return ", ".join(map(str, values)) or "none"
