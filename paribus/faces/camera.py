"""What comes between the scene and the file."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from paribus.faces.canvas import as_image, as_planes
from paribus.faces.shapes import Pixels, hsv


def occluded(picture: Pixels, difficulty: float, rng: np.random.Generator) -> Pixels:
    """Now and then something near the camera, far out of focus, covers a corner or an edge."""
    present = rng.random() < 0.4 * difficulty
    angle, reach = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.5, 0.62 + 0.06 * difficulty))
    colour = np.array(hsv(float(rng.random()), 0.35, float(rng.uniform(0.15, 0.8))), np.float32)[:, None, None]
    if not present:
        return picture
    size = picture.shape[-1]
    line = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    x, y = line[None, :], line[:, None]
    along = x * math.cos(angle) + y * math.sin(angle) + 0.12 * (y * math.cos(angle) - x * math.sin(angle)) ** 2
    cover = np.clip((along - (1.05 - reach)) / 0.1 + 0.5, 0, 1) * 0.9
    return np.asarray(picture * (1 - cover) + colour * cover, np.float32)


def photographed(picture: Pixels, difficulty: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Exposure, white balance, contrast, a soft lens, sensor noise, and a JPEG file."""
    size = picture.shape[-1]
    exposure, warmth = float(rng.uniform(0.86, 1.12)), float(rng.normal(0, 0.025))
    contrast = float(rng.uniform(0.9, 1.12))
    blur = size / 96 * float(rng.uniform(0.0, 0.1 + 0.5 * difficulty))
    noise = float(rng.uniform(1.5, 2.0 + 6.0 * difficulty))
    quality = int(rng.integers(60, 96))
    balance = np.array([1 + warmth, 1, 1 - warmth], np.float32)[:, None, None] * np.float32(exposure)
    soft = as_image(np.asarray((picture * balance - 118) * contrast + 118, np.float32)).filter(
        ImageFilter.BoxBlur(blur)
    )
    grain = rng.standard_normal((3, size, size), np.float32) * np.float32(0.45 * noise)
    grain += rng.standard_normal((size, size), np.float32) * np.float32(0.85 * noise)
    sensed = as_image(as_planes(soft) + grain)
    file = io.BytesIO()
    sensed.save(file, "JPEG", quality=quality)
    return np.array(Image.open(file).convert("RGB"))
