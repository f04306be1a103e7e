"""The operations of AutoAugment by their names, with torchvision's kernels and strengths."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

LEVELS = 10


def strengths(height: int, width: int) -> dict[str, tuple[NDArray[np.float64], bool]]:
    """Operation -> (its strength at each of ten levels, whether the sign is drawn), for an image of this size.

    Translations are in pixels, as torchvision scales them from the 331-pixel images of the paper.
    """
    up = np.linspace
    return {
        "ShearX": (up(0.0, 0.3, LEVELS), True),
        "ShearY": (up(0.0, 0.3, LEVELS), True),
        "TranslateX": (up(0.0, 150.0 / 331.0 * width, LEVELS), True),
        "TranslateY": (up(0.0, 150.0 / 331.0 * height, LEVELS), True),
        "Rotate": (up(0.0, 30.0, LEVELS), True),
        "Brightness": (up(0.0, 0.9, LEVELS), True),
        "Color": (up(0.0, 0.9, LEVELS), True),
        "Contrast": (up(0.0, 0.9, LEVELS), True),
        "Sharpness": (up(0.0, 0.9, LEVELS), True),
        "Posterize": (8.0 - np.round(np.arange(LEVELS) / ((LEVELS - 1) / 4)), False),
        "Solarize": (up(255.0, 0.0, LEVELS), False),
        "AutoContrast": (np.zeros(LEVELS), False),
        "Equalize": (np.zeros(LEVELS), False),
        "Invert": (np.zeros(LEVELS), False),
    }


def apply(image: "torch.Tensor", name: str, strength: float, fill: int) -> "torch.Tensor":
    """One operation on a uint8 image (3, H, W). Raises KeyError for an unknown name."""
    from torchvision.transforms.v2 import functional as F

    def shear(x: float, y: float, centre: list[float] | None) -> "torch.Tensor":
        return F.affine(image, 0.0, [0.0, 0.0], 1.0, [x, y], fill=fill, center=centre)

    def translate(x: int, y: int) -> "torch.Tensor":
        return F.affine(image, 0.0, [float(x), float(y)], 1.0, [0.0, 0.0], fill=fill)

    operations = {
        "ShearX": lambda: shear(math.degrees(math.atan(strength)), 0.0, [0.0, 0.0]),
        "ShearY": lambda: shear(0.0, math.degrees(math.atan(strength)), [0.0, 0.0]),
        "TranslateX": lambda: translate(int(strength), 0),
        "TranslateY": lambda: translate(0, int(strength)),
        "Rotate": lambda: F.rotate(image, strength, fill=fill),
        "Brightness": lambda: F.adjust_brightness(image, 1.0 + strength),
        "Color": lambda: F.adjust_saturation(image, 1.0 + strength),
        "Contrast": lambda: F.adjust_contrast(image, 1.0 + strength),
        "Sharpness": lambda: F.adjust_sharpness(image, 1.0 + strength),
        "Posterize": lambda: F.posterize(image, int(strength)),
        "Solarize": lambda: F.solarize(image, strength),
        "AutoContrast": lambda: F.autocontrast(image),
        "Equalize": lambda: F.equalize(image),
        "Invert": lambda: F.invert(image),
    }
    return operations[name]()
