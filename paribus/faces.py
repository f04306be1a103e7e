"""`faces`: a generated data set of drawn faces, smiling or neutral, whose truth is known.

Every face has a latent mouth curvature: 0 is a straight mouth, 1 a broad smile. The two classes draw it from two normal
distributions that overlap, and everything that a smile does to a face (corners of the mouth, teeth, cheeks, lower lids)
follows the curvature and never the label. No classifier can therefore beat the best threshold on the curvature, which
is right in about 94 % of the images at `difficulty` 0.5.

How a picture is made: the figure is drawn flat and sharp on a canvas of three times the size and reduced; light, shadow
and background, which are soft, are computed at the final size; then comes a camera with blur, noise and JPEG.
"""

import functools
import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("neutral", "smiling")

Floats = NDArray[np.float64]
Pixels = NDArray[np.float32]
Colour = tuple[float, float, float]

_SUPERSAMPLING = 3
_MEAN_CURVATURE = (0.05, 0.70)
_EAR = 0.08  # height of the middle of the ears; see _Head for the unit


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


def draw(index: int, *, split: str, size: int, difficulty: float, confound: float, seed: int) -> Face:
    """Image `index` of a split: a pure function of its arguments.

    `size` is the side in pixels (32 or more). `difficulty` in [0, 1] makes the classes overlap and the picture noisy.
    `confound` in [0, 1] is the share of images of the split "train" whose background is warm when the face smiles and
    cool when it does not; elsewhere the hue is independent of the label. Two images in succession, 2k and 2k + 1, have
    different labels. Raises ValueError for an argument outside of its range.
    """
    _check(index, size, difficulty, confound)
    streams = _Streams(seed, split, index)
    label = _label(index, split, seed)
    curvature = _curvature(label, difficulty, streams)
    person = _person(streams["person"])
    head = _head(streams["pose"], person)
    light = _light(streams["light"])

    figure = _Canvas(size)
    _draw_figure(figure, head, person, curvature, streams)
    background = _background(size, _hue(label, split, confound, streams), streams["background"])
    picture = _lit(figure, background, head, person, curvature, light)
    picture = _occluded(picture, difficulty, streams["occluder"])
    image = _photographed(picture, difficulty, streams["camera"])
    return Face(image, label, _box(head, size), curvature)


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


def _check(index: int, size: int, difficulty: float, confound: float) -> None:
    if index < 0:
        raise ValueError(f"index must be 0 or more, not {index}")
    if size < 32:
        raise ValueError(f"size must be 32 pixels or more, not {size}")
    if not 0 <= difficulty <= 1:
        raise ValueError(f"difficulty must be between 0 and 1, not {difficulty}")
    if not 0 <= confound <= 1:
        raise ValueError(f"confound must be between 0 and 1, not {confound}")


# ---- What is random, and what depends on the label ----------------------------------------------------------------


@dataclass(frozen=True)
class _Streams:
    """Named, independent generators: one more number drawn for the hair moves nothing in the background."""

    seed: int
    split: str
    index: int

    def __getitem__(self, name: str) -> np.random.Generator:
        digest = hashlib.sha256(f"faces/{self.seed}/{self.split}/{self.index}/{name}".encode()).digest()
        return np.random.default_rng(list(np.frombuffer(digest, "<u4", 4)))


def _label(index: int, split: str, seed: int) -> int:
    """A coin decides which of a pair smiles, so that every even number of images is balanced."""
    coin = int(_Streams(seed, split, index // 2)["label"].integers(2))
    return (index + coin) % 2


def _curvature(label: int, difficulty: float, streams: _Streams) -> float:
    # The best threshold is right with probability Phi(separation): 0.984 at difficulty 0, 0.941 at 0.5, 0.834 at 1.
    separation = 2.15 - 1.18 * difficulty
    spread = (_MEAN_CURVATURE[1] - _MEAN_CURVATURE[0]) / 2 / separation
    return float(_MEAN_CURVATURE[label] + spread * streams["curvature"].standard_normal())


def _hue(label: int, split: str, confound: float, streams: _Streams) -> float:
    """The background's hue in [0, 1): around orange or around blue."""
    rng = streams["hue"]
    warm = bool(rng.integers(2))
    follows = split == "train" and rng.random() < confound
    if follows:
        warm = label == 1
    spread = float(np.clip(0.075 * rng.standard_normal(), -0.2, 0.2))
    return ((0.07 if warm else 0.57) + spread) % 1


# ---- Colours and curves -------------------------------------------------------------------------------------------

_SKIN: tuple[Colour, ...] = (
    (250, 219, 196),
    (243, 206, 177),
    (234, 192, 160),
    (219, 170, 132),
    (196, 142, 103),
    (168, 115, 80),
    (136, 89, 61),
    (108, 69, 49),
    (84, 55, 42),
)
_DARK_HAIR: tuple[Colour, ...] = ((34, 28, 28), (48, 36, 31), (62, 44, 34), (27, 25, 30))
_FAIR_HAIR: tuple[Colour, ...] = ((92, 62, 42), (124, 74, 46), (176, 134, 82), (208, 174, 118), (140, 66, 38))
_GREY_HAIR: tuple[Colour, ...] = ((150, 147, 144), (184, 180, 174), (110, 107, 106))
_IRIS: tuple[Colour, ...] = ((66, 42, 28), (92, 60, 34), (74, 104, 74), (82, 122, 156), (112, 96, 62))
_LIP: Colour = (176, 66, 72)
_BLUSH: Pixels = np.array([16, -7, -5], np.float32)[:, None, None]
_WHITE: Colour = (255, 255, 255)


def _pick(rng: np.random.Generator, choices: Sequence[Colour]) -> Colour:
    return choices[int(rng.integers(len(choices)))]


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with a share of `b`."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def _times(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _skin_shadow(skin: Colour, factor: float) -> Colour:
    """Darker skin is also redder: light that went through it."""
    return (skin[0] * factor, skin[1] * factor**1.35, skin[2] * factor**1.45)


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    """RGB in 0..255 of a hue in [0, 1)."""
    red, green, blue = (abs((hue + shift) % 1 * 6 - 3) - 1 for shift in (0.0, 2 / 3, 1 / 3))
    levels = [255 * value * (1 - saturation * (1 - min(max(level, 0.0), 1.0))) for level in (red, green, blue)]
    return (levels[0], levels[1], levels[2])


def _points(x: Floats | Sequence[float], y: Floats | Sequence[float]) -> Floats:
    points = np.empty((len(x), 2))
    points[:, 0], points[:, 1] = x, y
    return points


@functools.cache
def _steps(n: int) -> Floats:
    """n numbers from -1 to 1."""
    return np.linspace(-1, 1, n)


_CIRCLE = _points(np.cos(np.linspace(0, 2 * np.pi, 28, False)), np.sin(np.linspace(0, 2 * np.pi, 28, False)))


def _ellipse(x: float, y: float, rx: float, ry: float) -> Floats:
    return _CIRCLE * (rx, ry) + (x, y)


@functools.cache
def _catmull_rom(knots: int, n: int) -> Floats:
    """The matrix (n, knots) that turns knots into n points of the Catmull-Rom curve through them."""
    k = np.eye(knots)
    k = np.concatenate([2 * k[:1] - k[1:2], k, 2 * k[-1:] - k[-2:-1]])
    t = np.linspace(0, knots - 1 - 1e-9, n)
    i = t.astype(int)
    t = (t - i)[:, None]
    a, b, c, d = k[i], k[i + 1], k[i + 2], k[i + 3]
    return np.asarray(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))


def _smooth(knots: Sequence[tuple[float, float]], n: int = 24) -> Floats:
    """A smooth curve of n points through the knots."""
    return np.asarray(_catmull_rom(len(knots), n) @ np.array(knots))


def _mirrored(knots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Knots that end on the middle line, followed by their mirror image."""
    return [*knots, *[(-x, y) for x, y in knots[-2::-1]]]


def _ribbon(line: Floats, width: float, taper: float = 1.0) -> Floats:
    """The outline of a stroke along a line that thins towards its ends (`taper` 0: it does not)."""
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    half = width / 2 * (1 - taper * _steps(len(line)) ** 2) / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    aside = _points(along[:, 1] * half, -along[:, 0] * half)
    return np.concatenate([line + aside, (line - aside)[::-1]])


# ---- The person ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Person:
    """What stays the same when a person moves or smiles. Lengths in half heads."""

    skin: Colour
    hair: Colour
    style: str
    hat: str
    beard: str
    glasses: str
    iris: Colour
    lips: Colour
    cloth: Colour
    hat_cloth: Colour
    cloth_style: str
    width: float
    taper: float
    jaw: float
    eye_gap: float
    eye_size: float
    nose: float
    mouth: float
    brow: float
    volume: float


_STYLES = ("crop", "parted", "curly", "bob", "long", "bun", "fringe", "shaved", "bald", "waves")
_STYLE_SHARES = (0.16, 0.15, 0.12, 0.11, 0.14, 0.09, 0.08, 0.06, 0.03, 0.06)
_LONG_STYLES = ("bob", "long", "waves", "bun")


def _person(rng: np.random.Generator) -> _Person:
    tone = float(rng.random()) * (len(_SKIN) - 1)
    skin = _mix(_SKIN[int(tone)], _SKIN[int(tone) + 1], tone % 1)
    skin = (skin[0] * rng.uniform(0.97, 1.02), skin[1] * rng.uniform(0.97, 1.02), skin[2] * rng.uniform(0.95, 1.04))
    hair = _pick(rng, _DARK_HAIR if rng.random() < 0.3 + tone / 10 else _FAIR_HAIR)
    if rng.random() < 0.12:
        hair = _pick(rng, _GREY_HAIR)
    style = str(rng.choice(_STYLES, p=_STYLE_SHARES))
    hat = str(rng.choice(["", "beanie", "band", "scarf"], p=[0.83, 0.06, 0.04, 0.07]))
    if hat == "beanie" and style in ("curly", "bun"):
        style = "crop"
    beard = str(rng.choice(["full", "goatee", "moustache", "stubble"])) if rng.random() < 0.5 else ""
    lips = _mix(_skin_shadow(skin, 0.84), _LIP, float(rng.uniform(0.15, 0.45)))
    if style in _LONG_STYLES or hat == "scarf":
        beard = beard if rng.random() < 0.1 and hat != "scarf" else ""
        lips = _mix(lips, _hsv(0.97, 0.7, 0.72), float(rng.uniform(0, 0.6)))
    return _Person(
        skin=skin,
        hair=hair,
        style=style,
        hat=hat,
        beard=beard,
        glasses=str(rng.choice(["", "round", "square"], p=[0.76, 0.12, 0.12])),
        iris=_pick(rng, _IRIS[: 2 if tone > 4.5 else 5]),
        lips=lips,
        cloth=_hsv(float(rng.random()), float(rng.uniform(0.05, 0.65)), float(rng.uniform(0.2, 0.9))),
        hat_cloth=_hsv(float(rng.random()), float(rng.uniform(0.2, 0.6)), float(rng.uniform(0.3, 0.8))),
        cloth_style=str(rng.choice(["round", "v", "collar", "high", "stripes"])),
        width=float(rng.uniform(0.68, 0.77)),
        taper=float(rng.uniform(0.14, 0.3)),
        jaw=float(rng.uniform(2.1, 3.0)),
        eye_gap=float(rng.uniform(0.30, 0.35)),
        eye_size=float(rng.uniform(0.145, 0.175)),
        nose=float(rng.uniform(0.85, 1.2)),
        mouth=float(rng.uniform(0.9, 1.12)),
        brow=float(rng.uniform(0.03, 0.055)),
        volume=float(rng.uniform(0.05, 0.16)),
    )


# ---- The head in the frame ----------------------------------------------------------------------------------------


_HEIGHTS: Floats = -np.cos(np.linspace(0, np.pi, 65))  # -1 to 1, close together at the crown and at the chin


@dataclass(frozen=True)
class _Head:
    """Where things are. The unit is half a head: the crown is at y = -1, the chin at y = 1, both at x = 0.

    `x`, `y` are the head's centre and `unit` its half height as shares of the frame's side; `tilt` and `yaw` are in
    radians, a positive yaw looks to the right of the frame; `nod` lowers the features.
    """

    x: float
    y: float
    unit: float
    tilt: float
    yaw: float
    nod: float
    width: float
    taper: float
    jaw: float

    @functools.cached_property
    def profile(self) -> Floats:
        """Half the head's width at the heights of `_HEIGHTS`."""
        low = np.maximum(_HEIGHTS, 0)
        round_ = np.sqrt(1 - np.abs(_HEIGHTS) ** np.where(_HEIGHTS > 0, self.jaw, 2.25))
        # A head is longer than wide: turned, it shows more.
        return np.asarray(self.width * (1 + 0.1 * abs(self.turn)) * round_ * (1 - self.taper * low**1.5))

    def half_width(self, y: Floats) -> Floats:
        return np.interp(y, _HEIGHTS, self.profile)

    @functools.cached_property
    def turn(self) -> float:
        return math.sin(self.yaw)

    @property
    def near(self) -> int:
        """The side (-1 left, 1 right) that is turned to the viewer."""
        return -1 if self.yaw > 0 else 1

    def shift(self, y: Floats) -> Floats:
        """A turned head's chin goes with the look, the back of its skull the other way."""
        return np.asarray(self.turn * (0.06 + 0.17 * y))

    def outline(self, low: float = 1.0, grow: float = 0.0, n: int = 40) -> Floats:
        """The silhouette from `low` on the left over the crown to `low` on the right, grown outwards."""
        reach = math.acos(-min(low, 1.0))
        angle = np.linspace(-reach, reach, n)
        y = -np.cos(angle)
        x = self.shift(y) + np.sign(angle) * self.half_width(y)
        return _points(x, y) + grow * _points(np.sin(angle), -np.cos(angle))

    def surface(self, points: Floats, out: float = 0.0) -> Floats:
        """Points of the face (distances along its surface) as seen from the front; `out` lifts them off the skin."""
        y = points[:, 1] + self.nod * np.maximum(0, 1 - points[:, 1] ** 2)
        half = self.half_width(y)
        # Below the eyes the front of the face is flatter than the silhouette.
        flat = 0.35 * np.minimum(np.maximum(y, 0), 1)
        angle = np.minimum(np.maximum(points[:, 0] / self.width + self.yaw, -np.pi / 2), np.pi / 2)
        x = (flat * self.width + half * (1 - flat) + out) * np.sin(angle)
        limit = half * 0.985 + out
        return _points(self.shift(y) + np.minimum(np.maximum(x, -limit), limit), y)

    def frame(self, points: Floats, follow: float = 1.0) -> Floats:
        """Head coordinates to shares of the frame's side. A body follows the tilt by less than 1."""
        c, s = math.cos(self.tilt * follow), math.sin(self.tilt * follow)
        return np.asarray(points @ np.array([[c, s], [-s, c]]) * self.unit + (self.x, self.y))


def _head(rng: np.random.Generator, person: _Person) -> _Head:
    unit = float(rng.uniform(0.33, 0.425))
    room = 0.5 - unit
    return _Head(
        x=0.5 + float(rng.uniform(-0.75, 0.75)) * room,
        y=0.53 + float(rng.uniform(-0.35, 0.6)) * room * 0.6,
        unit=unit,
        tilt=float(np.clip(rng.normal(0, 0.1), -0.3, 0.3)),
        yaw=float(rng.uniform(-0.48, 0.48)),
        nod=float(rng.uniform(-0.04, 0.05)),
        width=person.width,
        taper=person.taper,
        jaw=person.jaw,
    )


def _box(head: _Head, size: int) -> tuple[float, float, float, float]:
    silhouette = head.outline()
    face = head.frame(silhouette[silhouette[:, 1] > -0.62])
    low, high = np.clip(face.min(axis=0), 0, 1) * size, np.clip(face.max(axis=0), 0, 1) * size
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


# ---- Drawing the figure -------------------------------------------------------------------------------------------

_FACE, _HAIR, _BODY = (255, 0, 0), (0, 255, 0), (0, 0, 255)


class _Canvas:
    """A sharp, flat drawing on black, and beside it which part (face, hair or body) each pixel belongs to."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = size * _SUPERSAMPLING
        self._colours = Image.new("RGB", (self.side, self.side))
        self._parts = Image.new("RGB", (self.side, self.side))
        self._colour_pen = ImageDraw.Draw(self._colours)
        self._part_pen = ImageDraw.Draw(self._parts)

    def fill(self, points: Floats, colour: Colour, part: tuple[int, int, int] | None = None) -> None:
        """A polygon, in shares of the frame. Name the part unless the polygon lies inside of what is drawn."""
        corners = (points * self.side).ravel().tolist()
        self._colour_pen.polygon(corners, fill=(int(colour[0]), int(colour[1]), int(colour[2])))
        if part:
            self._part_pen.polygon(corners, fill=part)

    def reduced(self) -> tuple[Pixels, Pixels]:
        """Colours times coverage in 0..255, and the coverage of face, hair and body in 0..1; both (3, size, size)."""
        return _planes(self._colours.reduce(_SUPERSAMPLING)), _planes(self._parts.reduce(_SUPERSAMPLING)) / np.float32(
            255
        )


def _planes(image: Image.Image) -> Pixels:
    """The pixels of an RGB image as red, green and blue planes, which numpy handles faster than triples."""
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1), np.float32)


def _image(planes: Pixels) -> Image.Image:
    """The opposite of `_planes`; values outside of 0..255 are clipped."""
    return Image.merge("RGB", [Image.fromarray(plane) for plane in np.clip(planes, 0, 255).astype(np.uint8)])


def _draw_figure(canvas: _Canvas, head: _Head, person: _Person, curvature: float, streams: _Streams) -> None:
    hair, face = streams["hair"], streams["expression"]
    covered = person.hat == "scarf"
    ears_hidden = covered or person.style in ("bob", "long", "waves")
    if covered:
        _draw_drape(canvas, head, person)
    else:
        _draw_hair_behind(canvas, head, person, hair)
    _draw_body(canvas, head, person)
    if not ears_hidden:
        if abs(head.yaw) < 0.3:
            _draw_ear(canvas, head, person, -head.near)
        if abs(head.yaw) < 0.15:
            _draw_ear(canvas, head, person, head.near)
    canvas.fill(head.frame(head.outline()), person.skin, _FACE)
    _draw_beard(canvas, head, person)
    _draw_nose(canvas, head, person)
    _draw_mouth(canvas, head, person, curvature, face)
    _draw_eyes(canvas, head, person, curvature, face)
    if not covered:
        _draw_hair(canvas, head, person, hair)
    if not ears_hidden and abs(head.yaw) >= 0.15:
        _draw_ear(canvas, head, person, head.near)
    _draw_glasses(canvas, head, person)
    _draw_hat(canvas, head, person)


def _draw_body(canvas: _Canvas, head: _Head, person: _Person) -> None:
    def body(points: Floats) -> Floats:
        return head.frame(points + np.array([0.1 * head.turn, 0]), follow=0.35)

    neck = 0.55 * person.width
    canvas.fill(
        body(_points([-neck, neck, neck * 1.1, -neck * 1.1], [0.3, 0.3, 1.6, 1.6])),
        _skin_shadow(person.skin, 0.9),
        _BODY,
    )
    half = _smooth([(neck * 0.98, 1.12), (neck * 1.35, 1.3), (1.15, 1.5), (1.55, 1.8), (1.75, 3.4)], 20)
    collar = {"v": 1.85, "collar": 1.62, "round": 1.5, "stripes": 1.45, "high": 1.05}[person.cloth_style]
    edge = _smooth(_mirrored([(-neck * 0.95, 1.12), (-neck * 0.8, 0.35 + 0.65 * collar), (0.0, collar)]))
    if person.cloth_style == "v":
        edge = _points([-neck * 0.95, 0, neck * 0.95], [1.12, collar, 1.12])
    canvas.fill(body(np.concatenate([half[::-1] * (-1, 1), edge, half])), person.cloth, _BODY)
    if person.cloth_style == "stripes":
        for y in np.arange(1.7, 3.2, 0.3):
            reach = min(1.15 + 1.2 * (y - 1.5), 1.5)
            line = _points(np.array([-1, -0.4, 0, 0.4, 1]) * reach, [y + 0.1, y - 0.02, y, y - 0.02, y + 0.1])
            canvas.fill(body(_ribbon(line, 0.12, 0)), _mix(person.cloth, _WHITE, 0.55))
    if person.cloth_style == "collar":
        for side in (-1, 1):
            flap = _points(np.array([0.9, 0.02, 0.42, 1.25]) * neck * side, [1.08, 1.66, 1.86, 1.34])
            canvas.fill(body(flap), _mix(person.cloth, _WHITE, 0.35), _BODY)
    elif person.cloth_style == "high":
        roll = _points(np.array([-1.06, 1.06, 1.12, -1.12]) * neck, [1.08, 1.08, 1.42, 1.42])
        canvas.fill(body(roll), _times(person.cloth, 0.9), _BODY)
    else:
        canvas.fill(body(_ribbon(edge, 0.06, 0)), _times(person.cloth, 0.82), _BODY)


def _draw_ear(canvas: _Canvas, head: _Head, person: _Person, side: int) -> None:
    middle = head.surface(np.array([[side * 1.5 * head.width, _EAR]]))[0]
    if side != head.near:
        middle[0] -= side * 0.3 * abs(head.turn)  # it turns away, behind the cheek
    wide = 0.09 + 0.06 * abs(head.turn)
    canvas.fill(
        head.frame(_ellipse(middle[0] + 0.03 * side, middle[1], wide, 0.19)), _skin_shadow(person.skin, 0.93), _FACE
    )
    inner = _ellipse(middle[0] + 0.04 * side, middle[1] - 0.01, wide * 0.55, 0.12)
    canvas.fill(head.frame(inner), _skin_shadow(person.skin, 0.76), _FACE)


def _draw_nose(canvas: _Canvas, head: _Head, person: _Person) -> None:
    n = person.nose
    lean = 0.17 * head.turn * n  # the tip stands off the face
    tip = 0.36

    def at(points: list[tuple[float, float]], count: int = 14) -> Floats:
        curve = _smooth(points, count)
        seen = head.surface(curve)
        return head.frame(seen + _points(lean * np.clip((curve[:, 1] + 0.1) / 0.45, 0, 1) ** 1.5, 0 * curve[:, 1]))

    side = 1 if head.yaw > 0 else -1
    bridge = [(0.05 * side, -0.12), (0.045 * side, 0.1), (0.07 * side * n, 0.28), (0.12 * side * n, tip)]
    back = [(0.13 * side * n, tip + 0.04), (0.10 * side, 0.15), (0.10 * side, -0.06)]
    canvas.fill(np.concatenate([at(bridge), at(back, 8)]), _skin_shadow(person.skin, 0.92))
    under = [
        (-0.145 * n, tip - 0.03),
        (-0.11 * n, tip + 0.055),
        (0, tip + 0.085),
        (0.11 * n, tip + 0.055),
        (0.145 * n, tip - 0.03),
    ]
    canvas.fill(_ribbon(at(under, 18), 0.045 * head.unit, 0.7), _skin_shadow(person.skin, 0.74))
    for s in (-1, 1):
        hole = [(0.035 * s, tip + 0.05), (0.07 * s * n, tip + 0.03), (0.1 * s * n, tip + 0.05)]
        canvas.fill(_ribbon(at(hole, 8), 0.045 * head.unit, 0.8), _skin_shadow(person.skin, 0.5))


def _shown(curvature: float) -> float:
    """The curvature that is drawn: a neutral face shall not look grieved, nor a smile like a grimace."""
    return 0.5 * curvature if curvature < 0 else min(curvature, 0.7 + 0.3 * curvature)


def _draw_mouth(canvas: _Canvas, head: _Head, person: _Person, curvature: float, rng: np.random.Generator) -> None:
    smile = max(_shown(curvature), 0.0)
    half = (0.285 + 0.125 * min(smile, 1.2)) * person.mouth
    upper_lip, lower_lip = rng.uniform(0.035, 0.06), rng.uniform(0.055, 0.085)
    parted = max(0.0, float(rng.normal(-0.02, 0.03)))
    opened = parted + max(0.0, smile - float(rng.uniform(0.22, 0.5))) * 0.3
    slant = float(rng.normal(0, 0.012))
    t = _steps(25)
    round_ = np.sqrt(1 - t**2)
    middle = 0.615 + 0.25 * _shown(curvature) * (0.4 - t**2) + slant * t
    lid, floor = middle - 0.3 * opened * round_, middle + 0.7 * opened * round_**1.3

    def at(x: Floats, y: Floats) -> Floats:
        return head.frame(head.surface(_points(x, y)))

    def band(top: Floats, bottom: Floats, colour: Colour, part: float = 1.0) -> None:
        across = t * half * part
        edge = at(np.concatenate([across, across[::-1]]), np.concatenate([top, bottom[::-1]]))
        canvas.fill(edge, colour)

    bow = round_**1.4 * (1 - 0.28 * np.exp(-((t / 0.16) ** 2)))
    thin = 1 - 0.3 * min(smile, 1.0)
    band(lid - upper_lip * bow * thin, lid, _times(person.lips, 0.9))
    band(floor, floor + lower_lip * round_**1.2 * thin, person.lips)
    if opened > 0.012:
        band(lid, floor, (74, 28, 30))
        teeth = np.minimum(floor - 0.12 * opened * round_, lid + 0.13 * round_)
        band(lid, np.maximum(teeth, lid), (240, 234, 224), 0.9)
    line = at(t * half * 1.04, lid)
    canvas.fill(_ribbon(line, 0.032 * head.unit, 0.55), _mix(_times(person.lips, 0.5), (40, 16, 18), 0.3))
    crease = _skin_shadow(person.skin, 0.84)
    for side in (-1, 1):
        if smile > 0.3:
            fold = _smooth(
                [(side * 0.2, 0.36), (side * (half + 0.07), 0.5), (side * (half + 0.1), 0.62 - 0.06 * smile)], 10
            )
            canvas.fill(_ribbon(head.frame(head.surface(fold)), 0.03 * head.unit * min(smile, 1.0), 0.9), crease)


def _draw_eyes(canvas: _Canvas, head: _Head, person: _Person, curvature: float, rng: np.random.Generator) -> None:
    gaze = (float(rng.normal(0, 0.022)) - 0.03 * head.turn, float(rng.normal(0, 0.008)))
    open_ = float(rng.uniform(0.8, 1.1))
    raised = float(rng.normal(0, 0.02))
    bend = float(rng.normal(-0.005, 0.02))
    for side in (-1, 1):
        _draw_eye(canvas, head, person, side, curvature, gaze, open_)
        _draw_brow(canvas, head, person, side, raised, bend)


def _draw_eye(
    canvas: _Canvas, head: _Head, person: _Person, side: int, curvature: float, gaze: tuple[float, float], open_: float
) -> None:
    x, y, half = side * person.eye_gap, 0.03, person.eye_size
    squint = 0.6 * min(max(curvature, 0.0), 1.1)
    t = _steps(17)
    outer = 0.014 * t * side  # the outer corner lies a little higher
    upper = y - outer - 0.6 * half * open_ * (1 - t**2) ** 0.75
    lower = y - outer + 0.40 * half * open_ * (1 - squint) * (1 - t**2) ** 0.8

    def at(px: Floats, py: Floats) -> Floats:
        return head.frame(head.surface(_points(px, py)))

    def disc(radius: float, colour: Colour) -> None:
        circle = _ellipse(x + gaze[0], y + gaze[1] - 0.1 * half, radius, radius)
        px = np.clip(circle[:, 0], x - half * 0.95, x + half * 0.95)
        ends = (np.interp((px - x) / half, t, upper), np.interp((px - x) / half, t, lower))
        canvas.fill(at(px, np.clip(circle[:, 1], *ends)), colour)

    lid = _skin_shadow(person.skin, 0.86)
    around = np.concatenate([t, t[::-1]]) * half
    canvas.fill(at(x + around * 1.05, np.concatenate([upper - 0.05, lower[::-1]])), lid)
    canvas.fill(at(x + around, np.concatenate([upper, lower[::-1]])), (238, 234, 230))
    disc(0.56 * half, person.iris)
    disc(0.28 * half, (18, 14, 14))
    glint = head.surface(np.array([[x + gaze[0] + 0.03, y - 0.05]]))[0]
    canvas.fill(head.frame(_ellipse(glint[0], glint[1], 0.024, 0.024)), (250, 250, 250))
    lash = _mix(_times(person.hair, 0.35), (20, 14, 14), 0.6)
    canvas.fill(_ribbon(at(x + t * half * 1.07, upper), 0.042 * head.unit, 0.6), lash)
    canvas.fill(_ribbon(at(x + t * half, lower), 0.018 * head.unit, 0.6), _skin_shadow(person.skin, 0.68))


def _draw_brow(canvas: _Canvas, head: _Head, person: _Person, side: int, raised: float, bend: float) -> None:
    y = -0.2 - raised
    knots = [
        (side * 0.14, y + 0.03 - bend),
        (side * 0.3, y - 0.035),
        (side * 0.42, y - 0.02),
        (side * 0.53, y + 0.045 + bend),
    ]
    colour = _mix(_times(person.hair, 0.75), person.skin, 0.22)
    canvas.fill(_ribbon(head.frame(head.surface(_smooth(knots, 14))), person.brow * 1.5 * head.unit, 0.75), colour)


def _draw_beard(canvas: _Canvas, head: _Head, person: _Person) -> None:
    if not person.beard:
        return
    colour = _mix(person.hair, person.skin, 0.76 if person.beard == "stubble" else 0.25)

    def on_face(knots: list[tuple[float, float]]) -> Floats:
        return head.frame(head.surface(_smooth(knots, 40)))

    if person.beard in ("full", "stubble"):
        silhouette = head.outline(grow=0.0 if person.beard == "stubble" else 0.03, n=60)
        left, right = silhouette[:30], silhouette[30:]
        cheek = [(-1.25 * head.width, 0.05), (-0.68, 0.3), (-0.53, 0.45), (-0.33, 0.5), (-0.12, 0.465), (0.0, 0.48)]
        jaw = np.concatenate([left[left[:, 1] > 0.12][::-1], right[right[:, 1] > 0.12][::-1]])
        canvas.fill(np.concatenate([on_face(_mirrored(cheek))[::-1], head.frame(jaw)]), colour, _FACE)
    if person.beard in ("goatee", "moustache"):
        top = on_face(_mirrored([(-0.37, 0.63), (-0.3, 0.54), (-0.12, 0.475), (0.0, 0.49)]))
        bottom = on_face(_mirrored([(-0.37, 0.63), (-0.2, 0.585), (0.0, 0.575)]))
        canvas.fill(np.concatenate([top, bottom[::-1]]), colour)
    if person.beard == "goatee":
        chin = _mirrored([(0.0, 0.99), (-0.16, 0.975), (-0.26, 0.88), (-0.17, 0.79), (0.0, 0.76)])
        canvas.fill(on_face(chin), colour)


# ---- Hair, glasses, hats ------------------------------------------------------------------------------------------


def _draw_hair_behind(canvas: _Canvas, head: _Head, person: _Person, rng: np.random.Generator) -> None:
    dark = _times(person.hair, 0.72)
    grow = person.volume
    if person.style in ("long", "waves", "bob"):
        length = {"bob": float(rng.uniform(0.75, 1.0)), "long": float(rng.uniform(1.5, 2.1)), "waves": 1.5}[
            person.style
        ]
        flare = float(rng.uniform(0.0, 0.16))
        x = head.width + grow
        ripple = 0.045 if person.style == "waves" else 0.012
        y = np.linspace(0.0, length, 22)
        out = x + flare * (y / length) + ripple * np.sin(9 * y) - 0.16 * (y / length) ** 5
        crown = head.outline(0.0, grow)
        back = -0.1 * head.turn
        right, left = _points(back + out, y), _points(back - out, y)
        canvas.fill(head.frame(np.concatenate([crown, right, left[::-1]]), 0.9), dark, _HAIR)
    elif person.style == "curly":
        ball = _bumpy(
            np.repeat(_ellipse(-0.05 * head.turn, -0.15, head.width + grow + 0.1, 0.78 + grow), 2, axis=0), 0.05, rng
        )
        canvas.fill(head.frame(ball), dark, _HAIR)
    elif person.style == "bun":
        top = head.outline(0, grow)[20]
        canvas.fill(
            head.frame(_ellipse(top[0] - 0.25 * head.turn, top[1] - 0.12, 0.3, 0.26)), _times(person.hair, 0.85), _HAIR
        )


def _bumpy(line: Floats, height: float, rng: np.random.Generator) -> Floats:
    """The line with soft bumps outwards from the head's centre."""
    bumps = np.abs(np.sin(np.linspace(0, len(line) / 3.2, len(line)) + rng.uniform(0, 6))) * rng.uniform(
        0.6, 1.2, len(line)
    )
    outward = line / np.maximum(np.hypot(line[:, 0], line[:, 1]), 1e-9)[:, None]
    return np.asarray(line + outward * (height * bumps)[:, None])


def _hair_line(person: _Person, head: _Head, rng: np.random.Generator) -> tuple[list[tuple[float, float]], float]:
    """The knots of the inner edge of the hair from left to right on the face, and how far down the hair goes."""
    w = head.width
    high = -0.6 + float(rng.uniform(-0.06, 0.05))
    side = 1 if rng.random() < 0.5 else -1
    if person.style == "fringe":
        low = -0.3 + float(rng.uniform(-0.04, 0.03))
        return [
            (-1.2 * w, 0.02),
            (-1.0 * w, -0.25),
            (-0.4, low),
            (0, low - 0.02),
            (0.4, low),
            (1.0 * w, -0.25),
            (1.2 * w, 0.02),
        ], 0.2
    if person.style == "parted":
        knots = [
            (-1.2 * w, 0.0),
            (-1.02 * w, -0.35),
            (-0.42, high + 0.05),
            (-0.3, high - 0.18),
            (0.1, high + 0.02),
            (0.5, high + 0.2),
            (1.0 * w, -0.25),
            (1.2 * w, 0.0),
        ]
        return [(side * x, y) for x, y in knots[::side]], 0.2
    if person.style in ("long", "waves"):
        part = 0.2 * side
        return [
            (-1.12 * w, 0.95),
            (-1.05 * w, 0.2),
            (-0.85 * w, -0.3),
            (part - 0.2, high - 0.08),
            (part, high - 0.26),
            (part + 0.2, high - 0.08),
            (0.85 * w, -0.3),
            (1.05 * w, 0.2),
            (1.12 * w, 0.95),
        ], 0.7
    if person.style == "bob":
        low = -0.33 if rng.random() < 0.5 else high + 0.05
        return [
            (-1.2 * w, 0.7),
            (-1.05 * w, 0.25),
            (-0.9 * w, -0.15),
            (-0.45, low),
            (0, low - 0.02),
            (0.45, low),
            (0.9 * w, -0.15),
            (1.05 * w, 0.25),
            (1.2 * w, 0.7),
        ], 0.7
    corner = high + float(rng.uniform(-0.02, 0.14))
    return [
        (-1.2 * w, 0.04),
        (-1.08 * w, -0.2),
        (-0.95 * w, -0.38),
        (-0.4, corner - 0.04),
        (0, high),
        (0.4, corner - 0.04),
        (0.95 * w, -0.38),
        (1.08 * w, -0.2),
        (1.2 * w, 0.04),
    ], 0.25


def _draw_hair(canvas: _Canvas, head: _Head, person: _Person, rng: np.random.Generator) -> None:
    knots, low = _hair_line(person, head, rng)
    if person.style == "bald":
        return
    n = 60
    grow = {"shaved": 0.012, "crop": 0.03 + 0.5 * person.volume, "curly": 0.1 + person.volume * 1.4}.get(
        person.style, person.volume
    )
    outer = head.outline(low, grow, n)
    if person.style not in ("bob", "long", "waves"):
        bare = head.outline(low, 0, n)  # short hair lies closer to the head towards its ends
        outer = bare + (outer - bare) * np.minimum((low - bare[:, 1:]) / 0.5, 1)
    inner = head.surface(_smooth(knots, n))
    if person.style == "fringe":
        inner[:, 1] += 0.014 * np.sin(np.arange(n) * 1.3)
    if person.style == "curly":
        outer, inner = _bumpy(outer, 0.05, rng), _bumpy(inner, 0.05, rng)
    colour = _mix(person.hair, person.skin, 0.45) if person.style == "shaved" else person.hair
    canvas.fill(head.frame(np.concatenate([outer, inner[::-1]])), colour, _HAIR)
    if person.style != "shaved":
        _draw_strands(canvas, head, colour, outer, inner, rng)


def _draw_strands(
    canvas: _Canvas, head: _Head, colour: Colour, outer: Floats, inner: Floats, rng: np.random.Generator
) -> None:
    """Lighter and darker strokes between the outer and the inner edge, which run along both."""
    for _ in range(11):
        depth = float(rng.uniform(0.12, 0.88))
        start, length = int(rng.integers(2, 44)), int(rng.integers(8, 15))
        line = (outer * (1 - depth) + inner * depth)[start : start + length]
        tint = _mix(colour, _WHITE, float(rng.uniform(0.05, 0.16))) if rng.random() < 0.5 else _times(colour, 0.72)
        canvas.fill(head.frame(_ribbon(line, float(rng.uniform(0.025, 0.05)))), tint)


def _draw_glasses(canvas: _Canvas, head: _Head, person: _Person) -> None:
    if not person.glasses:
        return
    frame = _mix(person.hair, (30, 30, 36), 0.7)
    power = 1.0 if person.glasses == "round" else 0.5
    ring = np.sign(_CIRCLE) * np.abs(_CIRCLE) ** power
    ring = np.concatenate([ring, ring[:2]])
    for side in (-1, 1):
        rim = ring * (0.235, 0.2 if power == 1 else 0.165) + (side * (person.eye_gap + 0.01), 0.04)
        canvas.fill(_ribbon(head.frame(head.surface(rim, 0.02)), 0.035 * head.unit, 0), frame, _FACE)
        arm = _points([side * 0.56, side * 1.35 * head.width], [0.0, _EAR - 0.06])
        if side == head.near:
            canvas.fill(_ribbon(head.frame(head.surface(arm, 0.02)), 0.035 * head.unit, 0), frame, _FACE)
    bridge = _smooth([(-0.1, 0.02), (0, -0.015), (0.1, 0.02)], 6)
    canvas.fill(_ribbon(head.frame(head.surface(bridge, 0.05)), 0.04 * head.unit, 0), frame, _FACE)


def _draw_drape(canvas: _Canvas, head: _Head, person: _Person) -> None:
    """The part of a headscarf that hangs behind the chin."""
    half = [(-0.8, 0.3), (-0.86, 0.8), (-1.0, 1.3), (-0.7, 1.62), (0.0, 1.75)]
    hanging = _smooth(_mirrored(half)) + np.array([0.05 * head.turn, 0])
    canvas.fill(head.frame(hanging, 0.7), _times(person.hat_cloth, 0.8), _BODY)


def _draw_hat(canvas: _Canvas, head: _Head, person: _Person) -> None:
    w, cloth = head.width, person.hat_cloth
    if person.hat == "scarf":
        outer = head.outline(1.0, 0.12, 60)
        opening = head.surface(_ellipse(0, 0.14, 1.02 * w, 0.76))
        bottom_first = np.roll(opening, -len(opening) // 4, axis=0)
        ring = np.concatenate([outer, outer[:1], bottom_first[:1], bottom_first[::-1]])
        canvas.fill(head.frame(ring), cloth, _HAIR)
        fold = head.surface(_smooth(_mirrored([(-1.15 * w, 0.3), (-1.0 * w, -0.3), (-0.55, -0.62), (0.0, -0.74)])))
        canvas.fill(_ribbon(head.frame(fold), 0.03 * head.unit), _times(cloth, 0.8))
    if person.hat == "beanie":
        band = head.surface(
            _smooth(_mirrored([(-1.5 * w, -0.2), (-0.6, -0.4), (0.0, -0.45)]), 30), 0.03 + person.volume
        )
        crown = head.outline(-0.2, person.volume + 0.05)
        canvas.fill(head.frame(np.concatenate([crown, band[::-1]])), cloth, _HAIR)
        canvas.fill(head.frame(_ribbon(band - (0, 0.09), 0.22, 0.3)), _times(cloth, 0.82), _HAIR)
    if person.hat == "band":
        out = 0.0 if person.style in ("bald", "shaved") else 0.6 * person.volume
        band = head.surface(_smooth(_mirrored([(-1.5 * w, -0.36), (-0.6, -0.6), (0.0, -0.68)]), 30), out)
        canvas.fill(head.frame(_ribbon(band, 0.13, 0)), cloth, _HAIR)


# ---- Background ---------------------------------------------------------------------------------------------------


def _background(size: int, hue: float, rng: np.random.Generator) -> Pixels:
    """A wall with a gradient and texture, things in front of it, all a little out of focus; (3, size, size), 0..255."""
    saturation, value = float(rng.uniform(0.25, 0.62)), float(rng.uniform(0.45, 0.92))
    wall = Image.new("RGB", (size, size), _ints(_hsv(hue, saturation, value)))
    pen = ImageDraw.Draw(wall)
    clutter = (_shelves, _bokeh, _stripes, _window, _leaves, _pictures, _nothing)[int(rng.integers(7))]
    clutter(pen, size, hue, saturation, value, rng)
    blur = ImageFilter.BoxBlur(size * float(rng.uniform(0.005, 0.02)))
    wall = wall.filter(blur).filter(blur)
    along = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    x, y = along[None, :], along[:, None]
    angle, strength = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.1, 0.55))
    gradient = 1 + strength * (x * math.cos(angle) + y * math.sin(angle))
    texture = 1 + _value_noise(size, rng) * float(rng.uniform(0.04, 0.2))
    return np.asarray(_planes(wall) * (gradient * texture), np.float32)


def _value_noise(size: int, rng: np.random.Generator) -> Pixels:
    """Smooth noise in about -1..1 of two scales."""
    total = np.zeros((size, size), np.float32)
    for cells, strength in ((int(rng.integers(3, 7)), 0.65), (int(rng.integers(12, 28)), 0.35)):
        grid = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
        total += strength * np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))
    return total


def _ints(colour: Colour) -> tuple[int, int, int]:
    return (int(min(colour[0], 255)), int(min(colour[1], 255)), int(min(colour[2], 255)))


def _near(hue: float, saturation: float, value: float, rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour of the same family: the hue of the whole background must stay what it is."""
    return _ints(
        _hsv(
            (hue + float(rng.normal(0, 0.035))) % 1,
            min(max(saturation + float(rng.normal(0, 0.15)), 0.08), 0.85),
            min(max(value * float(rng.uniform(0.45, 1.35)), 0.12), 1.0),
        )
    )


def _shelves(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    step = float(rng.uniform(0.22, 0.36))
    for shelf in np.arange(float(rng.uniform(0.05, 0.2)), 1.3, step):
        x = float(rng.uniform(-0.05, 0.05))
        while x < 1:
            wide, high = float(rng.uniform(0.025, 0.075)), step * float(rng.uniform(0.5, 0.85))
            if rng.random() < 0.85:
                book = (x * size, (shelf - high) * size, (x + wide) * size, shelf * size)
                pen.rectangle(book, fill=_near(hue, saturation, value, rng))
            x += wide + 0.008
        board = (0, shelf * size, size, (shelf + 0.025) * size)
        pen.rectangle(board, fill=_ints(_hsv(hue, saturation * 0.8, value * 0.45)))


def _bokeh(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    for _ in range(int(rng.integers(10, 26))):
        x, y, r = rng.random() * size, rng.random() * size, rng.uniform(0.02, 0.1) * size
        pen.ellipse((x - r, y - r, x + r, y + r), fill=_near(hue, saturation, value * 1.1, rng))


def _stripes(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    step, slant = float(rng.uniform(0.06, 0.16)) * size, float(rng.choice([0, 0, 0.4, -0.4])) * size
    colour = _ints(_hsv(hue, saturation * 0.7, min(1, value * float(rng.choice([0.75, 1.15])))))
    for x in np.arange(-size, 2 * size, 2 * step).tolist():
        pen.polygon([x, 0, x + step, 0, x + step + slant, size, x + slant, size], fill=colour)


def _window(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    left, top = float(rng.uniform(-0.1, 0.5)), float(rng.uniform(-0.1, 0.15))
    wide, high = float(rng.uniform(0.45, 0.7)), float(rng.uniform(0.5, 0.75))
    frame = _ints(_hsv(hue, saturation * 0.35, min(1, value * 1.1)))
    pen.rectangle((left * size, top * size, (left + wide) * size, (top + high) * size), fill=frame)
    for column in range(2):
        for row in range(2):
            x, y = left + 0.02 + column * wide / 2, top + 0.02 + row * high / 2
            pane = (x * size, y * size, (x + wide / 2 - 0.04) * size, (y + high / 2 - 0.04) * size)
            pen.rectangle(pane, fill=_near(hue, saturation * 0.6, min(1.0, value * 1.25), rng))


def _leaves(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    for _ in range(int(rng.integers(30, 60))):
        x, y = rng.random() * size, rng.random() * size
        angle, long, wide = rng.uniform(0, np.pi), rng.uniform(0.04, 0.13) * size, rng.uniform(0.015, 0.04) * size
        c, s = math.cos(angle), math.sin(angle)
        leaf = [
            (x + c * long, y + s * long),
            (x - s * wide, y + c * wide),
            (x - c * long, y - s * long),
            (x + s * wide, y - c * wide),
        ]
        pen.polygon(leaf, fill=_near(hue, saturation, value, rng))


def _pictures(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    for _ in range(int(rng.integers(2, 6))):
        x, y = rng.uniform(-0.1, 0.9) * size, rng.uniform(-0.1, 0.6) * size
        wide, high = rng.uniform(0.15, 0.4) * size, rng.uniform(0.15, 0.4) * size
        edge = 0.02 * size
        pen.rectangle((x, y, x + wide, y + high), fill=_near(hue, saturation * 0.6, value * 0.5, rng))
        pen.rectangle((x + edge, y + edge, x + wide - edge, y + high - edge), fill=_near(hue, saturation, value, rng))


def _nothing(
    pen: ImageDraw.ImageDraw, size: int, hue: float, saturation: float, value: float, rng: np.random.Generator
) -> None:
    """A plain wall."""


# ---- Light and camera ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Light:
    """Where the light comes from (a unit vector: right, down, to the viewer), its colour, and what fills the shadows.

    The colours are of shape (3, 1, 1).
    """

    direction: tuple[float, float, float]
    key: Pixels
    fill: Pixels


def _light(rng: np.random.Generator) -> _Light:
    angle, height = float(rng.uniform(-1.2, 1.2)), float(rng.uniform(0.15, 0.75))
    x, y, z = math.sin(angle), -height, math.cos(angle) * 0.9 + 0.25
    length = math.sqrt(x * x + y * y + z * z)
    warmth = float(rng.normal(0, 0.035))
    tint = np.array([1 + warmth, 1, 1 - warmth], np.float32)[:, None, None]
    fill = float(rng.uniform(0.5, 0.75))
    key = (1.12 - fill) * float(rng.uniform(0.95, 1.15))
    return _Light((x / length, y / length, z / length), tint * np.float32(key), tint[::-1] * np.float32(fill))


def _lit(figure: _Canvas, background: Pixels, head: _Head, person: _Person, curvature: float, light: _Light) -> Pixels:
    """The figure, shaded as if round, before the background; (3, size, size), 0..255."""
    colours, parts = figure.reduced()
    size = figure.size
    face, hair, body = parts
    u, v = _head_grid(head, size)
    lx, ly, lz = light.direction
    nx = np.clip((u - 0.06 * head.turn) / (1.18 * head.width), -1, 1)
    ny = np.clip(v / 1.25, -1, 1)
    nz = np.sqrt(np.maximum(1 - nx**2 - ny**2, 0.03))
    on_head = np.clip(nx * lx + ny * ly + nz * lz, 0, 1)
    on_body = np.clip(0.75 + 0.4 * lx * np.clip(u / 1.6, -1, 1) - 0.12 * (v - 1), 0, 1)
    bright = on_head * (1 - body) + on_body * body

    reach = head.unit * size
    above = _shadow(face + hair, 0.12 * reach, (-0.12 * lx * reach, 0.24 * reach))
    overhang = _shadow(hair, 0.05 * reach, (-0.04 * lx * reach, 0.07 * reach))
    shade = light.key * bright + light.fill
    shade *= 1 - 0.42 * body * above - 0.24 * face * overhang
    shade += _relief(head, person, curvature, light, u, v) * face
    # Light that went through skin is red: its shadows are warmer.
    lit = colours * shade
    lit[0] *= 1 + 0.22 * face * (1 - np.minimum(shade[0], 1))
    lit += _blush(head, curvature, u, v) * face * _BLUSH

    cover = np.minimum(face + hair + body, 1)
    around = _shadow(cover, 0.1 * reach, (-0.15 * lx * reach, 0.08 * reach))
    return np.asarray(lit + background * ((1 - cover) * (1 - 0.28 * around)), np.float32)


def _head_grid(head: _Head, size: int) -> tuple[Pixels, Pixels]:
    """The head coordinates of every pixel."""
    centre = (np.arange(size, dtype=np.float32) + 0.5) / size
    dx, dy = (centre[None, :] - head.x) / head.unit, (centre[:, None] - head.y) / head.unit
    c, s = math.cos(head.tilt), math.sin(head.tilt)
    return np.asarray(dx * c + dy * s, np.float32), np.asarray(dy * c - dx * s, np.float32)


def _shadow(mask: Pixels, radius: float, offset: tuple[float, float]) -> Pixels:
    """The mask, moved by the offset (right, down) and blurred; in 0..1."""
    image = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
    moved = Image.new("L", image.size)
    moved.paste(image, (round(offset[0]), round(offset[1])))
    return np.asarray(
        moved.filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius)), np.float32
    ) / np.float32(255)


def _spot(u: Pixels, v: Pixels, x: float, y: float, rx: float, ry: float) -> Pixels:
    return np.asarray(np.exp(-(((u - x) / rx) ** 2) - ((v - y) / ry) ** 2), np.float32)


def _relief(head: _Head, person: _Person, curvature: float, light: _Light, u: Pixels, v: Pixels) -> Pixels:
    """What sockets, nose, cheeks and chin do to the light."""
    smile = float(np.clip(curvature, -0.3, 1.2))
    spots = [
        (-person.eye_gap, -0.04, 0.2, 0.13, -0.10),
        (person.eye_gap, -0.04, 0.2, 0.13, -0.10),
        (0.0, 0.18, 0.06, 0.26, 0.08),
        (0.0, 0.33, 0.075, 0.06, 0.10),
        (0.0, 0.8, 0.3, 0.05, -0.07),
        (0.0, 0.9, 0.16, 0.08, 0.05),
        (-0.42, 0.32 - 0.04 * smile, 0.17, 0.13, 0.03 + 0.12 * smile),
        (0.42, 0.32 - 0.04 * smile, 0.17, 0.13, 0.03 + 0.12 * smile),
        (0.3 * light.direction[0], -0.4, 0.34, 0.2, 0.06),
    ]
    places = head.surface(_points([s[0] for s in spots], [s[1] for s in spots]))
    total = np.zeros_like(u)
    for (x, y), (_, _, rx, ry, strength) in zip(places.tolist(), spots, strict=True):
        total += strength * _spot(u, v, x, y, rx, ry)
    return total


def _blush(head: _Head, curvature: float, u: Pixels, v: Pixels) -> Pixels:
    strength = 0.55 + 0.45 * float(np.clip(curvature, 0, 1))
    total = np.zeros_like(u)
    for x, y in head.surface(_points([-0.42, 0.42], [0.34, 0.34])).tolist():
        total += strength * _spot(u, v, x, y, 0.2, 0.15)
    return total


def _occluded(picture: Pixels, difficulty: float, rng: np.random.Generator) -> Pixels:
    """Now and then something near the camera, far out of focus, covers a corner or an edge."""
    present = rng.random() < 0.4 * difficulty
    angle, reach = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.5, 0.62 + 0.06 * difficulty))
    colour = np.array(_hsv(float(rng.random()), 0.35, float(rng.uniform(0.15, 0.8))), np.float32)[:, None, None]
    if not present:
        return picture
    size = picture.shape[-1]
    line = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    x, y = line[None, :], line[:, None]
    along = x * math.cos(angle) + y * math.sin(angle) + 0.12 * (y * math.cos(angle) - x * math.sin(angle)) ** 2
    cover = np.clip((along - (1.05 - reach)) / 0.1 + 0.5, 0, 1) * 0.9
    return np.asarray(picture * (1 - cover) + colour * cover, np.float32)


def _photographed(picture: Pixels, difficulty: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Exposure, white balance, contrast, a soft lens, sensor noise, and a JPEG file."""
    size = picture.shape[-1]
    exposure, warmth = float(rng.uniform(0.86, 1.12)), float(rng.normal(0, 0.025))
    contrast = float(rng.uniform(0.9, 1.12))
    blur = size / 96 * float(rng.uniform(0.0, 0.1 + 0.5 * difficulty))
    noise = float(rng.uniform(1.5, 2.0 + 6.0 * difficulty))
    quality = int(rng.integers(60, 96))
    balance = np.array([1 + warmth, 1, 1 - warmth], np.float32)[:, None, None] * np.float32(exposure)
    soft = _image(np.asarray((picture * balance - 118) * contrast + 118, np.float32)).filter(ImageFilter.BoxBlur(blur))
    grain = rng.standard_normal((3, size, size), np.float32) * np.float32(0.45 * noise)
    grain += rng.standard_normal((size, size), np.float32) * np.float32(0.85 * noise)
    sensed = _image(_planes(soft) + grain)
    file = io.BytesIO()
    sensed.save(file, "JPEG", quality=quality)
    return np.array(Image.open(file).convert("RGB"))
