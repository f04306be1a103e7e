"""`streets`: a generated data set of street scenes in perspective, with a class for every pixel.

A drive goes along one street that stands still: houses, trees, parked cars and lamps come nearer from image to image,
traffic and people move. The images of one drive are therefore alike and form a group, as the frames of a film do. The
classes are the eleven of CamVid, about as rare as they are there; as there, a few things and some edges are void.

How a picture is made: the street is laid out in metres (`layout`), everything in it is drawn as flat polygons from far
to near on a canvas of three times the size (`ground`, `houses`, `plants`, `furniture`, `traffic`) together with its
class, how much sun it gets and how far away it is; light, haze, texture and the camera follow at the final size
(`light`). The mask holds the class in the middle of every pixel.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paribus.labels import CAMVID11, VOID
from paribus.streets.camera import Camera
from paribus.streets.chance import Streams
from paribus.streets.drawing import draw_street
from paribus.streets.layout import street
from paribus.streets.light import daylight, developed

CLASSES = CAMVID11.classes


@dataclass(frozen=True)
class Scene:
    """One drawn image.

    `image` is RGB of shape (H, W, 3), `mask` of shape (H, W) holds indices of `CLASSES` and `VOID`, `group` names the
    drive that the image belongs to.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    group: str


def draw(
    index: int, *, split: str, size: tuple[int, int], seed: int, difficulty: float = 0.5, sequence: int = 8
) -> Scene:
    """Image `index` of a split: a pure function of its arguments.

    `size` is height and width in pixels (32 or more each). `difficulty` in [0, 1] makes the picture hazy, noisy, soft
    and badly lit. Each `sequence` images in succession belong to one drive and form a group. Raises ValueError for an
    argument outside of its range.
    """
    _check(index, size, difficulty, sequence)
    drive, step = divmod(index, sequence)
    drive_streams = Streams(f"streets/{seed}/{split}/{drive}")
    streams = Streams(f"streets/{seed}/{split}/{drive}/{step}")
    place = street(drive_streams)
    day = daylight(drive_streams["light"], difficulty)
    camera = Camera.mounted(drive_streams["camera"], streams["camera"], size, place, step)
    canvas = draw_street(size, camera, place, day, step)
    image, mask = developed(canvas, day, drive_streams, streams, difficulty)
    return Scene(image, mask, f"{split}/{drive:04d}")


def contact_sheet(scenes: Sequence[Scene], columns: int) -> Image.Image:
    """Each image with its coloured mask to its right, row by row, two pixels apart on white; void is black.

    All must have one size. Raises ValueError without any scene or column.
    """
    if not scenes or columns < 1:
        raise ValueError(f"a contact sheet needs at least one scene and one column, not {len(scenes)} and {columns}")
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(CLASSES)] = CAMVID11.colours
    height, width = scenes[0].mask.shape
    wide, high = 2 * width + 4, height + 2
    sheet = Image.new("RGB", (columns * wide + 2, math.ceil(len(scenes) / columns) * high + 2), "white")
    for i, scene in enumerate(scenes):
        x, y = i % columns * wide + 2, i // columns * high + 2
        sheet.paste(Image.fromarray(scene.image), (x, y))
        sheet.paste(Image.fromarray(colours[scene.mask]), (x + width + 1, y))
    return sheet


def _check(index: int, size: tuple[int, int], difficulty: float, sequence: int) -> None:
    if index < 0:
        raise ValueError(f"index must be 0 or more, not {index}")
    if min(size) < 32:
        raise ValueError(f"size must be 32 pixels or more in height and width, not {size[0]} x {size[1]}")
    if not 0 <= difficulty <= 1:
        raise ValueError(f"difficulty must be between 0 and 1, not {difficulty}")
    if sequence < 1:
        raise ValueError(f"sequence must be 1 or more images, not {sequence}")


__all__ = ["CLASSES", "VOID", "Scene", "contact_sheet", "draw"]
