"""The light of a drive, and what air, surfaces and a camera make of a drawn street."""

import io
import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from paribus.streets.canvas import BUILDING, FENCE, PAVEMENT, ROAD, TREE, Canvas, Pixels
from paribus.streets.chance import Colour, Streams, mix, varied

_GRAIN = {BUILDING: 0.09, ROAD: 0.06, PAVEMENT: 0.07, TREE: 0.26, FENCE: 0.1}  # how uneven surfaces are


@dataclass(frozen=True)
class Daylight:
    """`sun` points to the sun (right, up, along; a unit vector). `direct` and `ambient` are factors of RGB colour.

    `visibility` in metres is the distance at which the air hides two thirds of what is there.
    """

    sun: tuple[float, float, float]
    direct: Colour
    ambient: Colour
    zenith: Colour
    horizon: Colour
    clouds: float
    visibility: float

    def on(self, x: float, z: float) -> float:
        """The light on a wall that faces (x, z), up to 1; one in the shade gets some from other walls."""
        return min(max(1.25 * (self.sun[0] * x + self.sun[2] * z), 0.2), 1.0)

    def cast(self, high: float) -> tuple[float, float]:
        """Where the shadow of a point so high falls, relative to its foot: right and along."""
        reach = high / max(self.sun[1], 0.25)
        return -self.sun[0] * reach, -self.sun[2] * reach


def daylight(rng: random.Random, difficulty: float) -> Daylight:
    """Noon, a grey day, or a low warm sun."""
    kind = rng.random()
    azimuth = rng.uniform(-math.pi, math.pi)
    if kind < 0.45:  # a clear day
        height, direct, ambient = rng.uniform(0.6, 1.0), (0.66, 0.63, 0.56), (0.46, 0.50, 0.58)
        zenith, horizon, clouds = (92, 140, 208), (206, 222, 238), rng.uniform(0.0, 0.75)
    elif kind < 0.75:  # overcast
        height, direct, ambient = rng.uniform(0.7, 1.1), (0.14, 0.13, 0.12), (0.74, 0.76, 0.79)
        zenith, horizon, clouds = (172, 178, 188), (226, 229, 232), rng.uniform(0.4, 1.0)
    else:  # morning or evening
        height, direct, ambient = rng.uniform(0.25, 0.5), (0.74, 0.56, 0.36), (0.38, 0.40, 0.50)
        zenith, horizon, clouds = (104, 130, 182), (248, 214, 172), rng.uniform(0.1, 0.8)
    dark = 1 - difficulty * 0.5 * rng.random() ** 2
    flat = math.cos(height)
    visibility = rng.uniform(130, 420) * (1.25 - 0.75 * difficulty * rng.random())
    return Daylight(
        sun=(flat * math.sin(azimuth), math.sin(height), flat * math.cos(azimuth)),
        direct=_scaled(direct, dark),
        ambient=_scaled(ambient, 0.5 + 0.5 * dark),
        zenith=varied(rng, zenith, 0.08),
        horizon=varied(rng, mix(horizon, (214, 216, 218), 0.5 * difficulty * rng.random()), 0.04),
        clouds=clouds,
        visibility=visibility,
    )


def _scaled(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def developed(
    canvas: Canvas, day: Daylight, fixed: Streams, moving: Streams, difficulty: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The photograph (H, W, 3) and its mask (H, W)."""
    colours, sun, haze, mask = canvas.reduced()
    height, width = mask.shape
    chance = fixed.numbers("surfaces")
    coarse = _noise(chance, (height, width), (max(height // 10, 3), max(width // 16, 3)))
    fine = moving.numbers("surfaces").standard_normal((height, width), np.float32)
    grain = np.zeros(256, np.float32)
    grain[list(_GRAIN)] = list(_GRAIN.values())
    near = 1 - 0.75 * haze
    uneven = 1 + grain[mask] * near * (0.55 * coarse + 0.5 * np.clip(fine, -2, 2))
    lit = np.empty_like(colours)
    sky = _sky(canvas, day, fixed.numbers("clouds"))
    open_sky = 1 - np.float32(0.5) * (1 - sun) ** 4  # where no sun comes at all, little light comes from the sky
    for k in range(3):
        shade = (np.float32(day.ambient[k]) * open_sky + np.float32(day.direct[k]) * sun) * uneven
        lit[..., k] = colours[..., k] * shade * (1 - haze) + sky[..., k] * haze
    return _photographed(lit, difficulty, moving), mask


def _sky(canvas: Canvas, day: Daylight, chance: np.random.Generator) -> Pixels:
    """(H, W, 3): the sky, and below the horizon the colour of far air."""
    height, width = canvas.size
    horizon = canvas.camera.horizon / canvas.height * height
    up = np.clip((horizon - np.arange(height, dtype=np.float32)) / max(horizon, 1.0), 0, 1)[:, None]
    blend = up**0.8
    clouds = _noise(chance, (height, width), (7, 4)) + 0.6 * _noise(chance, (height, width), (16, 9))
    cover = np.clip(1.4 * (clouds * 0.8 + 1.6 * day.clouds - 0.9), 0, 1) * (0.25 + 0.75 * np.minimum(up * 4, 1))
    cover *= np.float32(0.9) * (up > 0)
    underside = 1 - 0.14 * np.clip(clouds, 0, 1)
    planes = []
    for low, high in zip(day.horizon, day.zenith, strict=True):
        clear = low + (high - low) * blend
        cloud = (0.55 * low + 0.45 * 250) * underside
        planes.append(clear * (1 - cover) + cloud * cover)
    return np.asarray(np.stack(planes, axis=-1), np.float32)


def _noise(chance: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> Pixels:
    """Smooth noise in about -1..1 from a grid of `cells` rows and columns."""
    grid = Image.fromarray(chance.uniform(-1, 1, cells).astype(np.float32))
    return np.asarray(grid.resize((size[1], size[0]), Image.Resampling.BICUBIC), np.float32)


def _photographed(picture: Pixels, difficulty: float, streams: Streams) -> NDArray[np.uint8]:
    """Exposure, white balance, a soft lens, sensor noise, and a JPEG file."""
    rng = streams["sensor"]
    height, width, _ = picture.shape
    exposure, warmth = rng.uniform(0.9, 1.08), rng.uniform(-0.03, 0.03)
    contrast = rng.uniform(1.0, 1.15)
    blur = height / 96 * rng.uniform(0.0, 0.05 + 0.45 * difficulty)
    noise = rng.uniform(1.0, 1.5 + 5.0 * difficulty)
    quality = int(rng.uniform(70, 95))
    balance = np.array([1 + warmth, 1, 1 - warmth], np.float32) * np.float32(exposure)
    sharp = Image.fromarray(np.clip((picture * balance - 118) * contrast + 118, 0, 255).astype(np.uint8))
    soft = np.asarray(sharp.filter(ImageFilter.BoxBlur(blur)), np.float32)
    chance = streams.numbers("noise")
    grain = chance.standard_normal((height, width, 1), np.float32) * np.float32(0.8 * noise)
    grain = grain + chance.standard_normal((height, width, 3), np.float32) * np.float32(0.5 * noise)
    sensed = Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8))
    file = io.BytesIO()
    sensed.save(file, "JPEG", quality=quality)
    return np.array(Image.open(file).convert("RGB"))
