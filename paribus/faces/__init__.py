"""`faces`: a generated data set of drawn faces, smiling or neutral, whose truth is known.

Every face has a latent mouth curvature: 0 is a straight mouth, 1 a broad smile. The two classes draw it from two normal
distributions that overlap, and everything that a smile does to a face (corners of the mouth, teeth, cheeks, lower lids)
follows the curvature and never the label. No classifier can therefore beat the best threshold on the curvature, which
is right in about 94 % of the images at `difficulty` 0.5.

How a picture is made: the figure is drawn flat and sharp on a canvas of three times the size and reduced; light, shadow
and background, which are soft, are computed at the final size; then comes a camera with blur, noise and JPEG.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paribus.faces.background import background_of
from paribus.faces.camera import occluded, photographed
from paribus.faces.canvas import Canvas
from paribus.faces.chance import Confound, Streams, curvature_of, hue_of, label_of
from paribus.faces.figure import draw_figure
from paribus.faces.head import box_of, head_from
from paribus.faces.light import light_from, lit_by
from paribus.faces.person import person_from

CLASSES = ("neutral", "smiling")


@dataclass(frozen=True)
class Face:
    """One drawn image.

    `image` is RGB of shape (size, size, 3); `label` an index of `CLASSES`; `box` left, top, right and bottom of the
    face (ear to ear, hair line to chin) in pixels, within the frame; `curvature` the latent mouth curvature.
    """

    image: NDArray[np.uint8]
    label: int
    box: tuple[float, float, float, float]
    curvature: float


def draw(index: int, *, split: str, size: int, difficulty: float, confound: Confound, seed: int) -> Face:
    """Image `index` of a split: a pure function of its arguments.

    `size` is the side in pixels (32 or more). `difficulty` in [0, 1] makes the classes overlap and the picture noisy.
    `confound` in [0, 1] is the share of images of the split "train" whose background is warm when the face smiles and
    cool when it does not; a mapping gives the share of each split. Elsewhere the hue is independent of the label. Two
    images in succession, 2k and 2k + 1, have different labels. Raises ValueError for an argument outside of its range.
    """
    _check(index, size, difficulty, confound)
    streams = Streams(seed, split, index)
    label = label_of(index, split, seed)
    curvature = curvature_of(label, difficulty, streams)
    person = person_from(streams["person"])
    head = head_from(streams["pose"], person)
    light = light_from(streams["light"])

    figure = Canvas(size)
    draw_figure(figure, head, person, curvature, streams)
    background = background_of(size, hue_of(label, split, confound, streams), streams["background"])
    picture = lit_by(figure, background, head, person, curvature, light)
    picture = occluded(picture, difficulty, streams["occluder"])
    image = photographed(picture, difficulty, streams["camera"])
    return Face(image, label, box_of(head, size), curvature)


def contact_sheet(faces: Sequence[Face], columns: int) -> Image.Image:
    """The faces side by side, row by row, two pixels apart on white. All must have one size.

    Raises ValueError without any face or column.
    """
    if not faces or columns < 1:
        raise ValueError(f"a contact sheet needs at least one face and one column, not {len(faces)} and {columns}")
    step = faces[0].image.shape[0] + 2
    rows = math.ceil(len(faces) / columns)
    sheet = Image.new("RGB", (columns * step + 2, rows * step + 2), "white")
    for i, face in enumerate(faces):
        sheet.paste(Image.fromarray(face.image), (i % columns * step + 2, i // columns * step + 2))
    return sheet


def _check(index: int, size: int, difficulty: float, confound: Confound) -> None:
    if index < 0:
        raise ValueError(f"index must be 0 or more, not {index}")
    if size < 32:
        raise ValueError(f"size must be 32 pixels or more, not {size}")
    if not 0 <= difficulty <= 1:
        raise ValueError(f"difficulty must be between 0 and 1, not {difficulty}")
    if not all(0 <= share <= 1 for share in (confound.values() if isinstance(confound, Mapping) else (confound,))):
        raise ValueError(f"confound must be between 0 and 1, not {confound}")
