"""The whole figure, from back to front, with its body and ears."""

import numpy as np

from paribus.faces.canvas import BODY, FACE, Canvas
from paribus.faces.chance import Streams
from paribus.faces.features import draw_beard, draw_eyes, draw_mouth, draw_nose
from paribus.faces.hair import draw_drape, draw_glasses, draw_hair, draw_hair_behind, draw_hat
from paribus.faces.head import EAR, Head
from paribus.faces.person import Person
from paribus.faces.shapes import WHITE, Floats, ellipse, mirrored, mix, ribbon, skin_shadow, smooth, times, xy


def draw_figure(canvas: Canvas, head: Head, person: Person, curvature: float, streams: Streams) -> None:
    """The person, from what lies behind the head to what lies before it."""
    hair, face = streams["hair"], streams["expression"]
    covered = person.hat == "scarf"
    ears_hidden = covered or person.style in ("bob", "long", "waves")
    if covered:
        draw_drape(canvas, head, person)
    else:
        draw_hair_behind(canvas, head, person, hair)
    _draw_body(canvas, head, person)
    if not ears_hidden:
        if abs(head.yaw) < 0.3:
            _draw_ear(canvas, head, person, -head.near)
        if abs(head.yaw) < 0.15:
            _draw_ear(canvas, head, person, head.near)
    canvas.fill(head.frame(head.outline()), person.skin, FACE)
    draw_beard(canvas, head, person)
    draw_nose(canvas, head, person)
    draw_mouth(canvas, head, person, curvature, face)
    draw_eyes(canvas, head, person, curvature, face)
    if not covered:
        draw_hair(canvas, head, person, hair)
    if not ears_hidden and abs(head.yaw) >= 0.15:
        _draw_ear(canvas, head, person, head.near)
    draw_glasses(canvas, head, person)
    draw_hat(canvas, head, person)


def _draw_body(canvas: Canvas, head: Head, person: Person) -> None:
    def body(points: Floats) -> Floats:
        return head.frame(points + np.array([0.1 * head.turn, 0]), follow=0.35)

    neck = 0.55 * person.width
    canvas.fill(
        body(xy([-neck, neck, neck * 1.1, -neck * 1.1], [0.3, 0.3, 1.6, 1.6])),
        skin_shadow(person.skin, 0.9),
        BODY,
    )
    half = smooth([(neck * 0.98, 1.12), (neck * 1.35, 1.3), (1.15, 1.5), (1.55, 1.8), (1.75, 3.4)], 20)
    collar = {"v": 1.85, "collar": 1.62, "round": 1.5, "stripes": 1.45, "high": 1.05}[person.cloth_style]
    edge = smooth(mirrored([(-neck * 0.95, 1.12), (-neck * 0.8, 0.35 + 0.65 * collar), (0.0, collar)]))
    if person.cloth_style == "v":
        edge = xy([-neck * 0.95, 0, neck * 0.95], [1.12, collar, 1.12])
    canvas.fill(body(np.concatenate([half[::-1] * (-1, 1), edge, half])), person.cloth, BODY)
    if person.cloth_style == "stripes":
        for y in np.arange(1.7, 3.2, 0.3):
            reach = min(1.15 + 1.2 * (y - 1.5), 1.5)
            line = xy(np.array([-1, -0.4, 0, 0.4, 1]) * reach, [y + 0.1, y - 0.02, y, y - 0.02, y + 0.1])
            canvas.fill(body(ribbon(line, 0.12, 0)), mix(person.cloth, WHITE, 0.55))
    if person.cloth_style == "collar":
        for side in (-1, 1):
            flap = xy(np.array([0.9, 0.02, 0.42, 1.25]) * neck * side, [1.08, 1.66, 1.86, 1.34])
            canvas.fill(body(flap), mix(person.cloth, WHITE, 0.35), BODY)
    elif person.cloth_style == "high":
        roll = xy(np.array([-1.06, 1.06, 1.12, -1.12]) * neck, [1.08, 1.08, 1.42, 1.42])
        canvas.fill(body(roll), times(person.cloth, 0.9), BODY)
    else:
        canvas.fill(body(ribbon(edge, 0.06, 0)), times(person.cloth, 0.82), BODY)


def _draw_ear(canvas: Canvas, head: Head, person: Person, side: int) -> None:
    middle = head.surface(np.array([[side * 1.5 * head.width, EAR]]))[0]
    if side != head.near:
        middle[0] -= side * 0.3 * abs(head.turn)  # it turns away, behind the cheek
    wide = 0.09 + 0.06 * abs(head.turn)
    canvas.fill(
        head.frame(ellipse(middle[0] + 0.03 * side, middle[1], wide, 0.19)), skin_shadow(person.skin, 0.93), FACE
    )
    inner = ellipse(middle[0] + 0.04 * side, middle[1] - 0.01, wide * 0.55, 0.12)
    canvas.fill(head.frame(inner), skin_shadow(person.skin, 0.76), FACE)
