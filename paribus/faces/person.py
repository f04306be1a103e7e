"""What stays the same when a person moves or smiles."""

from dataclasses import dataclass

import numpy as np

from paribus.faces.shapes import Colour, hsv, mix, pick, skin_shadow

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


@dataclass(frozen=True)
class Person:
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


def person_from(rng: np.random.Generator) -> Person:
    """Somebody."""
    tone = float(rng.random()) * (len(_SKIN) - 1)
    skin = mix(_SKIN[int(tone)], _SKIN[int(tone) + 1], tone % 1)
    skin = (skin[0] * rng.uniform(0.97, 1.02), skin[1] * rng.uniform(0.97, 1.02), skin[2] * rng.uniform(0.95, 1.04))
    hair = pick(rng, _DARK_HAIR if rng.random() < 0.3 + tone / 10 else _FAIR_HAIR)
    if rng.random() < 0.12:
        hair = pick(rng, _GREY_HAIR)
    style = str(rng.choice(_STYLES, p=_STYLE_SHARES))
    hat = str(rng.choice(["", "beanie", "band", "scarf"], p=[0.83, 0.06, 0.04, 0.07]))
    if hat == "beanie" and style in ("curly", "bun"):
        style = "crop"
    beard = str(rng.choice(["full", "goatee", "moustache", "stubble"])) if rng.random() < 0.5 else ""
    lips = mix(skin_shadow(skin, 0.84), _LIP, float(rng.uniform(0.15, 0.45)))
    if style in _LONG_STYLES or hat == "scarf":
        beard = beard if rng.random() < 0.1 and hat != "scarf" else ""
        lips = mix(lips, hsv(0.97, 0.7, 0.72), float(rng.uniform(0, 0.6)))
    return Person(
        skin=skin,
        hair=hair,
        style=style,
        hat=hat,
        beard=beard,
        glasses=str(rng.choice(["", "round", "square"], p=[0.76, 0.12, 0.12])),
        iris=pick(rng, _IRIS[: 2 if tone > 4.5 else 5]),
        lips=lips,
        cloth=hsv(float(rng.random()), float(rng.uniform(0.05, 0.65)), float(rng.uniform(0.2, 0.9))),
        hat_cloth=hsv(float(rng.random()), float(rng.uniform(0.2, 0.6)), float(rng.uniform(0.3, 0.8))),
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
