"""Masks as pictures: in the colours of their classes, and maps of what is right and wrong over the faded image."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paribus.counting import near_boundary
from paribus.labels import VOID, Colour, Space

Mask = NDArray[np.uint8]
Pixels = NDArray[np.uint8]

WRONG: Colour = (213, 62, 28)
NEAR: Colour = (118, 171, 217)  # right, and near a boundary of the truth
LEFT: Colour = (226, 129, 18)  # only the first of two is right
RIGHT: Colour = (0, 128, 116)  # only the second is
NEITHER: Colour = (98, 88, 122)
HOT: Colour = (196, 30, 20)  # the strongest places of a map of heat, which rise to it over
WARM: Colour = (255, 196, 0)
UNLABELLED: Colour = (0, 0, 0)
_FADED = 0.42  # of the contrast of the image that stays under a map


def coloured(mask: Mask, space: Space) -> Image.Image:
    """(H, W) class indices and VOID as a palette picture in the colours of `space`; void is black."""
    image = Image.frombytes("P", (mask.shape[1], mask.shape[0]), np.ascontiguousarray(mask).tobytes())
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(space.colours)] = space.colours
    palette[VOID] = UNLABELLED
    image.putpalette(palette.ravel().tolist())
    return image


def errors(image: Pixels, truth: Mask, said: Mask) -> Pixels:
    """(H, W, 3): wrong pixels over the faded image, which is (H, W, 3) too. Void is dark."""
    return _painted(image, truth, [(said != truth, WRONG)])


def boundary_errors(image: Pixels, truth: Mask, said: Mask) -> Pixels:
    """(H, W, 3): the pixels near a boundary of the truth (`paribus.counting`), right or wrong. Void is dark."""
    near = near_boundary(truth)
    return _painted(image, truth, [(near & (said == truth), NEAR), (near & (said != truth), WRONG)])


def apart(image: Pixels, truth: Mask, first: Mask, second: Mask) -> Pixels:
    """(H, W, 3): where only the first or only the second prediction is right, and where neither is. Void is dark."""
    left, right = first == truth, second == truth
    return _painted(image, truth, [(left & ~right, LEFT), (right & ~left, RIGHT), (~left & ~right, NEITHER)])


def heat(image: Pixels, values: NDArray[np.float64]) -> Pixels:
    """(H, W, 3): a map of 0 and more, (H, W), over the faded image; its strongest hundredth is opaque."""
    top = float(np.quantile(values, 0.99)) or float(values.max()) or 1.0
    strength = np.clip(values / top, 0.0, 1.0)[:, :, None]
    colour = (1 - strength) * np.array(WARM) + strength * np.array(HOT)
    opaque = 0.85 * np.sqrt(strength)
    return np.asarray(((1 - opaque) * _faded(image) + opaque * colour).round(), dtype=np.uint8)


def _painted(image: Pixels, truth: Mask, layers: list[tuple[NDArray[np.bool_], Colour]]) -> Pixels:
    under = _faded(image)
    for where, colour in layers:
        under[where] = 0.12 * under[where] + 0.88 * np.array(colour)
    under[truth == VOID] = 0.25 * _grey(image)[truth == VOID, None]
    return np.asarray(under.round(), dtype=np.uint8)


def _faded(image: Pixels) -> NDArray[np.float64]:
    return np.repeat((255 - _FADED * (255 - _grey(image)))[:, :, None], 3, axis=2)


def _grey(image: Pixels) -> NDArray[np.float64]:
    return np.asarray(image @ np.array([0.299, 0.587, 0.114]))
