"""Masks as pictures: exact colours, maps that say what they claim, sheets with a legend."""

import io

import numpy as np
import pytest
from PIL import Image

from paribus import overlays
from paribus.counting import near_boundary
from paribus.labels import CAMVID11, VOID
from paribus.overlays import LEFT, NEAR, NEITHER, RIGHT, WRONG
from paribus.sheets import sheet
from paribus.thumbnails import Thumbnails, jpeg, view

TRUTH = np.zeros((20, 30), np.uint8)
TRUTH[:, 15:] = 3
TRUTH[:3] = VOID
SAID = TRUTH.copy()
SAID[TRUTH == VOID] = 5
SAID[10:14, 2:6] = 8
IMAGE = np.full((20, 30, 3), 120, np.uint8)


def like(pixels, colour):
    """(H, W) which pixels are nearly of a colour: a map keeps a little of the image below."""
    return np.abs(pixels.astype(int) - np.array(colour)).max(axis=2) < 40


def test_classes_have_exactly_their_colours_and_void_is_black():
    drawn = overlays.coloured(TRUTH, CAMVID11)
    assert np.array_equal(np.array(drawn), TRUTH)  # the indices stay
    seen = np.array(drawn.convert("RGB"))
    assert (seen[10, 0] == CAMVID11.colours[0]).all() and (seen[10, 20] == CAMVID11.colours[3]).all()
    assert (seen[0] == 0).all()


def test_errors_are_the_wrong_pixels_and_void_is_none():
    seen = like(overlays.errors(IMAGE, TRUTH, SAID), WRONG)
    expected = np.zeros_like(seen)
    expected[10:14, 2:6] = True
    assert np.array_equal(seen, expected)


def test_boundary_errors_are_those_near_a_boundary():
    said = SAID.copy()
    said[5, 14] = 8
    drawn = overlays.boundary_errors(IMAGE, TRUTH, said)
    wrong, right = like(drawn, WRONG), like(drawn, NEAR)
    assert wrong[5, 14] and wrong.sum() == 1  # the wrong patch far from the boundary is not shown
    assert np.array_equal(wrong | right, near_boundary(TRUTH))


def test_the_two_colours_say_who_alone_is_right():
    first, second = TRUTH.copy(), TRUTH.copy()
    first[5, 5] = second[8, 8] = 7
    first[9, 9] = second[9, 9] = 7
    first[0, 0] = 7  # void
    drawn = overlays.apart(IMAGE, TRUTH, first, second)
    for colour, place in ((RIGHT, (5, 5)), (LEFT, (8, 8)), (NEITHER, (9, 9))):
        assert list(zip(*np.nonzero(like(drawn, colour)), strict=True)) == [place]


def test_a_sheet_holds_every_panel_and_legend():
    panels = [(f"panel {k}", Image.new("RGB", (60, 40), (k * 20, 0, 200))) for k in range(5)]
    drawn = np.array(sheet(panels, [list(zip(CAMVID11.classes, CAMVID11.colours, strict=True))], "a title " * 40))
    for k in range(5):
        assert (drawn == (k * 20, 0, 200)).all(axis=2).sum() >= 60 * 40
    for colour in CAMVID11.colours:
        assert (drawn == colour).all(axis=2).sum() > 80


@pytest.mark.parametrize("name", ["\udce9", "a\nb", "", "\u202e" * 200])
def test_any_name_can_be_a_title(name):
    assert sheet([(name, Image.new("RGB", (40, 30)))], [[(name, (1, 2, 3))]], name).size[0] > 40


def test_pictures_are_kept_by_name_and_kind_and_replaced(tmp_path):
    kept = Thumbnails(tmp_path / "pictures")
    png = b"\x89PNG\r\n\x1a\n" + b"1"
    kept.keep(view("a", "truth", "run-1"), png)
    assert kept(view("a", "truth", "run-1")) == png
    assert kept(view("a", "truth", "run-2")) is None and kept("a") is None
    kept.keep(view("a", "truth", "run-1"), png + b"2")
    assert kept(view("a", "truth", "run-1")) == png + b"2" and len(list((tmp_path / "pictures").iterdir())) == 1


def test_a_jpeg_is_at_most_so_wide():
    made = Image.open(io.BytesIO(jpeg(np.zeros((300, 600, 3), np.uint8), 320)))
    assert made.size == (320, 160) and made.format == "JPEG"
