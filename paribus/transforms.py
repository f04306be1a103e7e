"""The built-in augmentations: `(size, *, choices) -> ((image, generator) -> image)`.

An image is a uint8 tensor (3, H, W); `size` is the side in pixels of the network's training input. Every draw is taken
from the generator, which belongs to one image in one epoch, so that images and parts share no random state.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from paribus.parts import Ascending, NotNegative, Positive, Range, Share

if TYPE_CHECKING:
    import torch

    Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


Area = Annotated[float, Range(above=0, high=1)]  # a share of the image's
Grey = Annotated[int, Range(0, 255)]


def random_resized_crop(
    size: int,
    *,
    scale: Annotated[tuple[Area, Area], Ascending()] = (0.08, 1.0),
    ratio: Annotated[tuple[Positive, Positive], Ascending()] = (3 / 4, 4 / 3),
) -> "Augment":
    """A random area (`scale`, a share of the image's) of random aspect `ratio`, resized to the input size.

    The same distribution as torchvision's RandomResizedCrop: ten tries, then the largest centre crop of fitting ratio.
    """
    from torchvision.transforms.v2 import functional as F

    def augment(image: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
        top, left, height, width = _crop_box(image.shape[-2], image.shape[-1], scale, ratio, generator)
        return F.resized_crop(image, top, left, height, width, [size, size], antialias=True)

    return augment


def _crop_box(
    height: int, width: int, scale: tuple[float, float], ratio: tuple[float, float], generator: "torch.Generator"
) -> tuple[int, int, int, int]:
    """(top, left, height, width) in pixels of one random resized crop."""
    for _ in range(10):
        area = height * width * _uniform(generator, *scale)
        aspect = math.exp(_uniform(generator, math.log(ratio[0]), math.log(ratio[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return _integer(generator, height - h + 1), _integer(generator, width - w + 1), h, w
    w, h = width, height
    if width / height < ratio[0]:
        h = max(1, round(width / ratio[0]))
    elif width / height > ratio[1]:
        w = max(1, round(height * ratio[1]))
    return (height - h) // 2, (width - w) // 2, h, w


def resize(size: int) -> "Augment":
    """The whole image resized to the input size, whatever its aspect; no draw."""
    from torchvision.transforms.v2 import functional as F

    return lambda image, generator: F.resize(image, [size, size], antialias=True)


def horizontal_flip(size: int, *, p: Share = 0.5) -> "Augment":
    """Mirrored left to right with probability `p`."""
    return lambda image, generator: image.flip(-1) if _uniform(generator) < p else image


def color_jitter(
    size: int,
    *,
    brightness: NotNegative = 0.0,
    contrast: NotNegative = 0.0,
    saturation: NotNegative = 0.0,
    hue: Annotated[float, Range(0, 0.5)] = 0.0,
) -> "Augment":
    """Brightness, contrast and saturation times a factor from [1 - x, 1 + x], hue moved by up to `hue` turns.

    In random order, as torchvision's ColorJitter.
    """
    import torch
    from torchvision.transforms.v2 import functional as F

    adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation)
    amounts = (brightness, contrast, saturation)

    def augment(image: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
        factors = [_uniform(generator, max(0.0, 1 - a), 1 + a) for a in amounts]
        turn = _uniform(generator, -hue, hue)
        for which in torch.randperm(4, generator=generator).tolist():
            if which == 3:
                image = F.adjust_hue(image, turn) if hue else image
            elif amounts[which]:
                image = adjust[which](image, factors[which])
        return image

    return augment


def auto_augment(
    size: int, *, policy: Literal["cifar10", "imagenet", "svhn"] = "imagenet", fill: Grey = 0
) -> "Augment":
    """One of a policy's sub-policies: two operations with learned probabilities and strengths.

    Cubuk et al. 2019 (arXiv 1805.09501); the policies, strengths and signs are torchvision's. fill: the value of
    pixels that come in from outside.
    """
    import torch
    from torchvision.transforms import AutoAugment, AutoAugmentPolicy

    from paribus.autoaugment import apply, strengths

    policies = AutoAugment(AutoAugmentPolicy(policy)).policies

    def augment(image: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
        chosen = policies[_integer(generator, len(policies))]
        table = strengths(image.shape[-2], image.shape[-1])
        for name, probability, level in chosen:
            happens, negative = _uniform(generator) <= probability, _uniform(generator) < 0.5
            if happens:
                values, signed = table[name]
                strength = float(values[level]) if level is not None else 0.0
                image = apply(image, name, -strength if signed and negative else strength, fill)
        return image

    def checked(image: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
        with torch.no_grad():
            return augment(image, generator)

    return checked


def cutout(
    size: int,
    *,
    side: Annotated[int, Range(1)] = 16,
    fill: Annotated[float, Range(0, 255)] | Literal["image_mean"] = 0.0,
    position: Literal["centre_anywhere", "corner_inside"] = "centre_anywhere",
) -> "Augment":
    """One square of `side` pixels painted over (DeVries and Taylor 2017, arXiv 1708.04552).

    fill: a grey value in [0, 255] or the image's mean. position: `centre_anywhere` draws the centre over the whole
    image, so that the square may be cut by the border, as in the paper; `corner_inside` draws the upper left corner
    from [-side/2, height - side), as the Cutout of github.com/4uiiurz1/pytorch-auto-augment does (whose other choices
    are side 16 and fill image_mean; its slip of reusing the top edge for the left one is not repeated).
    """

    def augment(image: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
        height, width = image.shape[-2:]
        if position == "centre_anywhere":
            top, left = _integer(generator, height) - side // 2, _integer(generator, width) - side // 2
        else:
            top = _integer(generator, max(1, height - side + side // 2)) - side // 2
            left = _integer(generator, max(1, width - side + side // 2)) - side // 2
        value = float(image.float().mean()) if fill == "image_mean" else float(fill)
        painted = image.clone()
        painted[:, max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = int(value)
        return painted

    return augment


def _uniform(generator: "torch.Generator", low: float = 0.0, high: float = 1.0) -> float:
    import torch

    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))


def _integer(generator: "torch.Generator", below: int) -> int:
    import torch

    return int(torch.randint(below, (), generator=generator))
