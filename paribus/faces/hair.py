"""Hair, glasses and hats."""

import numpy as np

from paribus.faces.canvas import BODY, FACE, HAIR, Canvas
from paribus.faces.head import EAR, Head
from paribus.faces.person import Person
from paribus.faces.shapes import CIRCLE, WHITE, Colour, Floats, ellipse, mirrored, mix, ribbon, smooth, times, xy


def draw_hair_behind(canvas: Canvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    """The hair that hangs behind the head."""
    dark = times(person.hair, 0.72)
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
        right, left = xy(back + out, y), xy(back - out, y)
        canvas.fill(head.frame(np.concatenate([crown, right, left[::-1]]), 0.9), dark, HAIR)
    elif person.style == "curly":
        ball = _bumpy(
            np.repeat(ellipse(-0.05 * head.turn, -0.15, head.width + grow + 0.1, 0.78 + grow), 2, axis=0), 0.05, rng
        )
        canvas.fill(head.frame(ball), dark, HAIR)
    elif person.style == "bun":
        top = head.outline(0, grow)[20]
        canvas.fill(
            head.frame(ellipse(top[0] - 0.25 * head.turn, top[1] - 0.12, 0.3, 0.26)), times(person.hair, 0.85), HAIR
        )


def _bumpy(line: Floats, height: float, rng: np.random.Generator) -> Floats:
    """The line with soft bumps outwards from the head's centre."""
    bumps = np.abs(np.sin(np.linspace(0, len(line) / 3.2, len(line)) + rng.uniform(0, 6))) * rng.uniform(
        0.6, 1.2, len(line)
    )
    outward = line / np.maximum(np.hypot(line[:, 0], line[:, 1]), 1e-9)[:, None]
    return np.asarray(line + outward * (height * bumps)[:, None])


def _hair_line(person: Person, head: Head, rng: np.random.Generator) -> tuple[list[tuple[float, float]], float]:
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


def draw_hair(canvas: Canvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    """The hair on the head, down to the hair line."""
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
    inner = head.surface(smooth(knots, n))
    if person.style == "fringe":
        inner[:, 1] += 0.014 * np.sin(np.arange(n) * 1.3)
    if person.style == "curly":
        outer, inner = _bumpy(outer, 0.05, rng), _bumpy(inner, 0.05, rng)
    colour = mix(person.hair, person.skin, 0.45) if person.style == "shaved" else person.hair
    canvas.fill(head.frame(np.concatenate([outer, inner[::-1]])), colour, HAIR)
    if person.style != "shaved":
        _draw_strands(canvas, head, colour, outer, inner, rng)


def _draw_strands(
    canvas: Canvas, head: Head, colour: Colour, outer: Floats, inner: Floats, rng: np.random.Generator
) -> None:
    """Lighter and darker strokes between the outer and the inner edge, which run along both."""
    for _ in range(11):
        depth = float(rng.uniform(0.12, 0.88))
        start, length = int(rng.integers(2, 44)), int(rng.integers(8, 15))
        line = (outer * (1 - depth) + inner * depth)[start : start + length]
        tint = mix(colour, WHITE, float(rng.uniform(0.05, 0.16))) if rng.random() < 0.5 else times(colour, 0.72)
        canvas.fill(head.frame(ribbon(line, float(rng.uniform(0.025, 0.05)))), tint)


def draw_glasses(canvas: Canvas, head: Head, person: Person) -> None:
    """The glasses, if the person wears any."""
    if not person.glasses:
        return
    frame = mix(person.hair, (30, 30, 36), 0.7)
    power = 1.0 if person.glasses == "round" else 0.5
    ring = np.sign(CIRCLE) * np.abs(CIRCLE) ** power
    ring = np.concatenate([ring, ring[:2]])
    for side in (-1, 1):
        rim = ring * (0.235, 0.2 if power == 1 else 0.165) + (side * (person.eye_gap + 0.01), 0.04)
        canvas.fill(ribbon(head.frame(head.surface(rim, 0.02)), 0.035 * head.unit, 0), frame, FACE)
        arm = xy([side * 0.56, side * 1.35 * head.width], [0.0, EAR - 0.06])
        if side == head.near:
            canvas.fill(ribbon(head.frame(head.surface(arm, 0.02)), 0.035 * head.unit, 0), frame, FACE)
    bridge = smooth([(-0.1, 0.02), (0, -0.015), (0.1, 0.02)], 6)
    canvas.fill(ribbon(head.frame(head.surface(bridge, 0.05)), 0.04 * head.unit, 0), frame, FACE)


def draw_drape(canvas: Canvas, head: Head, person: Person) -> None:
    """The part of a headscarf that hangs behind the chin."""
    half = [(-0.8, 0.3), (-0.86, 0.8), (-1.0, 1.3), (-0.7, 1.62), (0.0, 1.75)]
    hanging = smooth(mirrored(half)) + np.array([0.05 * head.turn, 0])
    canvas.fill(head.frame(hanging, 0.7), times(person.hat_cloth, 0.8), BODY)


def draw_hat(canvas: Canvas, head: Head, person: Person) -> None:
    """A scarf, a beanie or a band."""
    w, cloth = head.width, person.hat_cloth
    if person.hat == "scarf":
        outer = head.outline(1.0, 0.12, 60)
        opening = head.surface(ellipse(0, 0.14, 1.02 * w, 0.76))
        bottom_first = np.roll(opening, -len(opening) // 4, axis=0)
        ring = np.concatenate([outer, outer[:1], bottom_first[:1], bottom_first[::-1]])
        canvas.fill(head.frame(ring), cloth, HAIR)
        fold = head.surface(smooth(mirrored([(-1.15 * w, 0.3), (-1.0 * w, -0.3), (-0.55, -0.62), (0.0, -0.74)])))
        canvas.fill(ribbon(head.frame(fold), 0.03 * head.unit), times(cloth, 0.8))
    if person.hat == "beanie":
        band = head.surface(smooth(mirrored([(-1.5 * w, -0.2), (-0.6, -0.4), (0.0, -0.45)]), 30), 0.03 + person.volume)
        crown = head.outline(-0.2, person.volume + 0.05)
        canvas.fill(head.frame(np.concatenate([crown, band[::-1]])), cloth, HAIR)
        canvas.fill(head.frame(ribbon(band - (0, 0.09), 0.22, 0.3)), times(cloth, 0.82), HAIR)
    if person.hat == "band":
        out = 0.0 if person.style in ("bald", "shaved") else 0.6 * person.volume
        band = head.surface(smooth(mirrored([(-1.5 * w, -0.36), (-0.6, -0.6), (0.0, -0.68)]), 30), out)
        canvas.fill(head.frame(ribbon(band, 0.13, 0)), cloth, HAIR)
