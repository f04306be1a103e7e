"""Nose, mouth, eyes and beard; a smile is drawn here."""

import numpy as np

from paribus.faces.canvas import FACE, Canvas
from paribus.faces.head import Head
from paribus.faces.person import Person
from paribus.faces.shapes import Colour, Floats, ellipse, mirrored, mix, ribbon, skin_shadow, smooth, steps, times, xy


def draw_nose(canvas: Canvas, head: Head, person: Person) -> None:
    """Bridge, tip and nostrils."""
    n = person.nose
    lean = 0.17 * head.turn * n  # the tip stands off the face
    tip = 0.36

    def at(points: list[tuple[float, float]], count: int = 14) -> Floats:
        curve = smooth(points, count)
        seen = head.surface(curve)
        return head.frame(seen + xy(lean * np.clip((curve[:, 1] + 0.1) / 0.45, 0, 1) ** 1.5, 0 * curve[:, 1]))

    side = 1 if head.yaw > 0 else -1
    bridge = [(0.05 * side, -0.12), (0.045 * side, 0.1), (0.07 * side * n, 0.28), (0.12 * side * n, tip)]
    back = [(0.13 * side * n, tip + 0.04), (0.10 * side, 0.15), (0.10 * side, -0.06)]
    canvas.fill(np.concatenate([at(bridge), at(back, 8)]), skin_shadow(person.skin, 0.92))
    under = [
        (-0.145 * n, tip - 0.03),
        (-0.11 * n, tip + 0.055),
        (0, tip + 0.085),
        (0.11 * n, tip + 0.055),
        (0.145 * n, tip - 0.03),
    ]
    canvas.fill(ribbon(at(under, 18), 0.045 * head.unit, 0.7), skin_shadow(person.skin, 0.74))
    for s in (-1, 1):
        hole = [(0.035 * s, tip + 0.05), (0.07 * s * n, tip + 0.03), (0.1 * s * n, tip + 0.05)]
        canvas.fill(ribbon(at(hole, 8), 0.045 * head.unit, 0.8), skin_shadow(person.skin, 0.5))


def _shown(curvature: float) -> float:
    """The curvature that is drawn: a neutral face shall not look grieved, nor a smile like a grimace."""
    return 0.5 * curvature if curvature < 0 else min(curvature, 0.7 + 0.3 * curvature)


def draw_mouth(canvas: Canvas, head: Head, person: Person, curvature: float, rng: np.random.Generator) -> None:
    """Lips, teeth and the folds beside them, as the curvature bends them."""
    smile = max(_shown(curvature), 0.0)
    half = (0.285 + 0.125 * min(smile, 1.2)) * person.mouth
    upper_lip, lower_lip = rng.uniform(0.035, 0.06), rng.uniform(0.055, 0.085)
    parted = max(0.0, float(rng.normal(-0.02, 0.03)))
    opened = parted + max(0.0, smile - float(rng.uniform(0.22, 0.5))) * 0.3
    slant = float(rng.normal(0, 0.012))
    t = steps(25)
    round_ = np.sqrt(1 - t**2)
    middle = 0.615 + 0.25 * _shown(curvature) * (0.4 - t**2) + slant * t
    lid, floor = middle - 0.3 * opened * round_, middle + 0.7 * opened * round_**1.3

    def at(x: Floats, y: Floats) -> Floats:
        return head.frame(head.surface(xy(x, y)))

    def band(top: Floats, bottom: Floats, colour: Colour, part: float = 1.0) -> None:
        across = t * half * part
        edge = at(np.concatenate([across, across[::-1]]), np.concatenate([top, bottom[::-1]]))
        canvas.fill(edge, colour)

    bow = round_**1.4 * (1 - 0.28 * np.exp(-((t / 0.16) ** 2)))
    thin = 1 - 0.3 * min(smile, 1.0)
    band(lid - upper_lip * bow * thin, lid, times(person.lips, 0.9))
    band(floor, floor + lower_lip * round_**1.2 * thin, person.lips)
    if opened > 0.012:
        band(lid, floor, (74, 28, 30))
        teeth = np.minimum(floor - 0.12 * opened * round_, lid + 0.13 * round_)
        band(lid, np.maximum(teeth, lid), (240, 234, 224), 0.9)
    line = at(t * half * 1.04, lid)
    canvas.fill(ribbon(line, 0.032 * head.unit, 0.55), mix(times(person.lips, 0.5), (40, 16, 18), 0.3))
    crease = skin_shadow(person.skin, 0.84)
    for side in (-1, 1):
        if smile > 0.3:
            fold = smooth(
                [(side * 0.2, 0.36), (side * (half + 0.07), 0.5), (side * (half + 0.1), 0.62 - 0.06 * smile)], 10
            )
            canvas.fill(ribbon(head.frame(head.surface(fold)), 0.03 * head.unit * min(smile, 1.0), 0.9), crease)


def draw_eyes(canvas: Canvas, head: Head, person: Person, curvature: float, rng: np.random.Generator) -> None:
    """Both eyes and brows; a smile lifts the lower lids."""
    gaze = (float(rng.normal(0, 0.022)) - 0.03 * head.turn, float(rng.normal(0, 0.008)))
    open_ = float(rng.uniform(0.8, 1.1))
    raised = float(rng.normal(0, 0.02))
    bend = float(rng.normal(-0.005, 0.02))
    for side in (-1, 1):
        _draw_eye(canvas, head, person, side, curvature, gaze, open_)
        _draw_brow(canvas, head, person, side, raised, bend)


def _draw_eye(
    canvas: Canvas, head: Head, person: Person, side: int, curvature: float, gaze: tuple[float, float], open_: float
) -> None:
    x, y, half = side * person.eye_gap, 0.03, person.eye_size
    squint = 0.6 * min(max(curvature, 0.0), 1.1)
    t = steps(17)
    outer = 0.014 * t * side  # the outer corner lies a little higher
    upper = y - outer - 0.6 * half * open_ * (1 - t**2) ** 0.75
    lower = y - outer + 0.40 * half * open_ * (1 - squint) * (1 - t**2) ** 0.8

    def at(px: Floats, py: Floats) -> Floats:
        return head.frame(head.surface(xy(px, py)))

    def disc(radius: float, colour: Colour) -> None:
        circle = ellipse(x + gaze[0], y + gaze[1] - 0.1 * half, radius, radius)
        px = np.clip(circle[:, 0], x - half * 0.95, x + half * 0.95)
        ends = (np.interp((px - x) / half, t, upper), np.interp((px - x) / half, t, lower))
        canvas.fill(at(px, np.clip(circle[:, 1], *ends)), colour)

    lid = skin_shadow(person.skin, 0.86)
    around = np.concatenate([t, t[::-1]]) * half
    canvas.fill(at(x + around * 1.05, np.concatenate([upper - 0.05, lower[::-1]])), lid)
    canvas.fill(at(x + around, np.concatenate([upper, lower[::-1]])), (238, 234, 230))
    disc(0.56 * half, person.iris)
    disc(0.28 * half, (18, 14, 14))
    glint = head.surface(np.array([[x + gaze[0] + 0.03, y - 0.05]]))[0]
    canvas.fill(head.frame(ellipse(glint[0], glint[1], 0.024, 0.024)), (250, 250, 250))
    lash = mix(times(person.hair, 0.35), (20, 14, 14), 0.6)
    canvas.fill(ribbon(at(x + t * half * 1.07, upper), 0.042 * head.unit, 0.6), lash)
    canvas.fill(ribbon(at(x + t * half, lower), 0.018 * head.unit, 0.6), skin_shadow(person.skin, 0.68))


def _draw_brow(canvas: Canvas, head: Head, person: Person, side: int, raised: float, bend: float) -> None:
    y = -0.2 - raised
    knots = [
        (side * 0.14, y + 0.03 - bend),
        (side * 0.3, y - 0.035),
        (side * 0.42, y - 0.02),
        (side * 0.53, y + 0.045 + bend),
    ]
    colour = mix(times(person.hair, 0.75), person.skin, 0.22)
    canvas.fill(ribbon(head.frame(head.surface(smooth(knots, 14))), person.brow * 1.5 * head.unit, 0.75), colour)


def draw_beard(canvas: Canvas, head: Head, person: Person) -> None:
    """The beard, if the person has one."""
    if not person.beard:
        return
    colour = mix(person.hair, person.skin, 0.76 if person.beard == "stubble" else 0.25)

    def on_face(knots: list[tuple[float, float]]) -> Floats:
        return head.frame(head.surface(smooth(knots, 40)))

    if person.beard in ("full", "stubble"):
        silhouette = head.outline(grow=0.0 if person.beard == "stubble" else 0.03, n=60)
        left, right = silhouette[:30], silhouette[30:]
        cheek = [(-1.25 * head.width, 0.05), (-0.68, 0.3), (-0.53, 0.45), (-0.33, 0.5), (-0.12, 0.465), (0.0, 0.48)]
        jaw = np.concatenate([left[left[:, 1] > 0.12][::-1], right[right[:, 1] > 0.12][::-1]])
        canvas.fill(np.concatenate([on_face(mirrored(cheek))[::-1], head.frame(jaw)]), colour, FACE)
    if person.beard in ("goatee", "moustache"):
        top = on_face(mirrored([(-0.37, 0.63), (-0.3, 0.54), (-0.12, 0.475), (0.0, 0.49)]))
        bottom = on_face(mirrored([(-0.37, 0.63), (-0.2, 0.585), (0.0, 0.575)]))
        canvas.fill(np.concatenate([top, bottom[::-1]]), colour)
    if person.beard == "goatee":
        chin = mirrored([(0.0, 0.99), (-0.16, 0.975), (-0.26, 0.88), (-0.17, 0.79), (0.0, 0.76)])
        canvas.fill(on_face(chin), colour)
