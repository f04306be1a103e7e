"""The generated faces: pure, balanced, honest about their ceiling, and confounded only where asked."""

import itertools
import random
from statistics import NormalDist

import numpy as np
import pytest

from paribus.faces import CLASSES, Face, contact_sheet, draw
from paribus.faces.camera import photographed
from paribus.faces.canvas import FACE, Canvas
from paribus.faces.chance import Streams, curvature_of, hue_of, label_of
from paribus.faces.features import draw_mouth
from paribus.faces.head import Head, head_from
from paribus.faces.person import person_from


def make(index, split="train", size=64, difficulty=0.5, confound=0.0, seed=7):
    return draw(index, split=split, size=size, difficulty=difficulty, confound=confound, seed=seed)


def warmth(face: Face) -> float:
    """Red minus blue in the upper corners, where there is background only, as -1 or 1."""
    k = face.image.shape[0] // 6
    corners = np.concatenate([face.image[:k, :k].reshape(-1, 3), face.image[:k, -k:].reshape(-1, 3)]).astype(float)
    return float(np.sign(np.mean(corners[:, 0] - corners[:, 2])))


def agreement(split, confound, n: int = 240) -> float:
    """The correlation of the background's warmth with the label."""
    made = [make(i, split=split, size=32, confound=confound) for i in range(n)]
    return float(np.corrcoef([f.label for f in made], [warmth(f) for f in made])[0, 1])


def best_threshold_accuracy(difficulty: float, n: int = 4000) -> float:
    """How often the best cut on the latent curvature is right, without drawing."""
    labels = np.array([label_of(i, "val", 3) for i in range(n)])
    latent = np.array([curvature_of(int(y), difficulty, Streams(3, "val", i)) for i, y in enumerate(labels)])
    cuts = np.linspace(0, 0.8, 81)
    return max(float(np.mean((latent > cut) == labels)) for cut in cuts)


def test_same_arguments_give_the_same_bytes_whatever_was_drawn_before():
    first = make(5)
    make(4)
    make(6, split="val")
    again = make(5)
    assert first.image.tobytes() == again.image.tobytes()
    assert (first.label, first.box, first.curvature) == (again.label, again.box, again.curvature)


@pytest.mark.parametrize("other", [{"index": 6}, {"split": "val"}, {"seed": 8}, {"difficulty": 0.6}])
def test_every_argument_matters(other):
    assert not np.array_equal(make(5).image, make(**{"index": 5, **other}).image)


def test_size_changes_the_resolution_and_not_the_scene():
    small, large = make(3, size=64), make(3, size=128)
    assert small.curvature == large.curvature and small.label == large.label
    assert np.allclose(np.array(small.box) * 2, large.box)
    reduced = large.image.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.corrcoef(reduced.ravel(), small.image.ravel())[0, 1] > 0.97


def test_no_global_random_state_is_read_or_written():
    random.seed(1)
    np.random.seed(1)
    before, numpy_before = random.getstate(), np.random.get_state()[1].copy()
    first = make(9)
    assert random.getstate() == before
    assert np.array_equal(np.random.get_state()[1], numpy_before)
    random.seed(2)
    np.random.seed(2)
    assert np.array_equal(first.image, make(9).image)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_even_number_of_images_is_balanced_and_the_order_is_not_regular(split):
    labels = [label_of(i, split, 11) for i in range(400)]
    assert all(sum(labels[:n]) == n // 2 for n in range(2, 401, 2))
    assert 60 < sum(labels[::2]) < 140
    assert labels == [label_of(i, split, 11) for i in range(400)]
    assert labels != [label_of(i, split, 12) for i in range(400)]


def test_the_label_is_the_one_that_the_curvature_was_drawn_for():
    made = [make(i, size=32, difficulty=0.0) for i in range(60)]
    guessed = [int(f.curvature > 0.375) for f in made]
    assert np.mean([g == f.label for g, f in zip(guessed, made, strict=True)]) > 0.93
    assert CLASSES == ("neutral", "smiling")


def test_the_ceiling_falls_with_difficulty():
    easy, default, hard = (best_threshold_accuracy(d) for d in (0.0, 0.5, 1.0))
    assert 0.90 <= default <= 0.97
    assert easy > default + 0.02 and default > hard + 0.05
    assert default == pytest.approx(NormalDist().cdf(2.15 - 1.18 * 0.5), abs=0.015)


def mouth_bend(curvature: float) -> float:
    """How much higher the corners of the drawn mouth lie than its middle, in pixels; one person, from the front."""
    person = person_from(np.random.default_rng(1))
    head = Head(0.5, 0.5, 0.35, 0.0, 0.0, 0.0, person.width, person.taper, person.jaw)
    canvas = Canvas(96)
    canvas.fill(head.frame(head.outline()), person.skin, FACE)
    draw_mouth(canvas, head, person, curvature, np.random.default_rng(2))
    colours = canvas.reduced()[0][:, 62:78]  # the rows around the mouth
    drawn = np.abs(colours - np.array(person.skin)[:, None, None].astype(int)).sum(axis=0) > 30
    rows = np.arange(drawn.shape[0])[:, None]
    height = (rows * drawn).sum(axis=0) / np.maximum(drawn.sum(axis=0), 1)
    return float(height[46:50].mean() - height[[41, 42, 53, 54]].mean())


def test_the_corners_of_the_mouth_rise_with_the_curvature():
    bends = [mouth_bend(c) for c in (-0.3, 0.0, 0.4, 0.8)]
    assert all(a < b - 0.2 for a, b in itertools.pairwise(bends))


def test_the_background_follows_the_label_in_the_share_asked_for_of_the_training_images_only():
    assert agreement("train", 0.8) > 0.65
    assert abs(agreement("train", 0.0)) < 0.2
    assert abs(agreement("val", 0.8)) < 0.2
    assert agreement("train", 1.0) > 0.9


def test_a_mapping_links_the_splits_that_it_names():
    linked = {"train": 0.8, "val": 0.9}
    assert agreement("train", linked) == agreement("train", 0.8)
    assert agreement("val", linked) > 0.75
    assert agreement("test", linked) == agreement("test", 0.0)
    assert abs(agreement("test", linked)) < 0.2


def test_a_link_leaves_half_of_what_is_not_linked_as_it_was():
    plain, linked = ([make(i, "val", 32, confound=c) for i in range(60)] for c in (0.0, {"val": 1.0}))
    same = [np.array_equal(a.image, b.image) for a, b in zip(plain, linked, strict=True)]
    assert 0.3 < np.mean(same) < 0.7  # by chance the hue was that of the label


def test_the_hue_has_the_same_spread_with_and_without_confound():
    def warm_share(confound: float) -> float:
        hues = [hue_of(i % 2, "train", confound, Streams(1, "train", i)) for i in range(600)]
        return float(np.mean([min(abs(h - 0.07), 1 - abs(h - 0.07)) < 0.25 for h in hues]))

    assert warm_share(0.0) == pytest.approx(0.5, abs=0.07)
    assert warm_share(1.0) == pytest.approx(0.5, abs=0.07)


def test_confound_changes_nothing_but_the_background():
    moved = 0
    for i in range(24):
        plain, confounded = make(i, size=96), make(i, size=96, confound=1.0)
        assert (plain.label, plain.curvature, plain.box) == (confounded.label, confounded.curvature, confounded.box)
        left, top, right, bottom = plain.box
        x, y, rx, ry = (left + right) / 2, (top + bottom) / 2, (right - left) / 8, (bottom - top) / 8
        middle = np.s_[int(y - ry) : int(y + ry), int(x - rx) : int(x + rx)]
        # JPEG mixes neighbouring blocks a little.
        change = np.abs(plain.image[middle].astype(int) - confounded.image[middle])
        assert change.mean() < 2.0
        moved += warmth(plain) != warmth(confounded)
    assert moved >= 5
    same = [np.array_equal(make(i, "val").image, make(i, "val", confound=1.0).image) for i in range(6)]
    assert all(same)


def test_the_box_lies_in_the_frame_and_holds_the_mouth():
    for i in range(80):
        size = 64
        face = make(i, size=size)
        left, top, right, bottom = face.box
        assert 0 <= left < right <= size and 0 <= top < bottom <= size
        assert 0.2 * size < right - left < 0.8 * size and 0.3 * size < bottom - top < 0.9 * size
        streams = Streams(7, "train", i)
        head = head_from(streams["pose"], person_from(streams["person"]))
        mouth = head.frame(head.surface(np.array([[-0.4, 0.6], [0.0, 0.6], [0.4, 0.6], [0.0, 0.72]]))) * size
        assert (mouth[:, 0] >= left).all() and (mouth[:, 0] <= right).all()
        assert (mouth[:, 1] >= top).all() and (mouth[:, 1] <= bottom).all()


@pytest.mark.parametrize("size", [32, 64, 97, 224])
def test_images_are_bytes_with_contrast(size):
    for i in range(4):
        image = make(i, size=size).image
        assert image.dtype == np.uint8 and image.shape == (size, size, 3)
        assert 15 < image.mean() < 240 and image.std() > 15


def test_difficulty_adds_noise():
    def noise(difficulty: float) -> float:
        grey = np.full((3, 64, 64), 120, np.float32)
        shots = [photographed(grey, difficulty, np.random.default_rng(i)) for i in range(20)]
        return float(np.mean([shot.std() for shot in shots]))

    assert noise(1.0) > 1.5 * noise(0.0) > 0


def test_a_contact_sheet_holds_every_face():
    made = [make(i) for i in range(5)]
    sheet = contact_sheet(made, columns=3)
    assert sheet.size == (3 * 66 + 2, 2 * 66 + 2)
    assert np.array_equal(np.asarray(sheet)[68:132, 68:132], made[4].image)
    with pytest.raises(ValueError, match="at least one face"):
        contact_sheet([], columns=3)
    with pytest.raises(ValueError, match="one column"):
        contact_sheet(made, columns=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"index": -1},
        {"size": 16},
        {"difficulty": 1.5},
        {"difficulty": float("nan")},
        {"confound": -0.1},
        {"confound": {"val": 2}},
    ],
)
def test_arguments_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**{"index": 0, **wrong})
