"""Decoded images in a memory map: the same pixels, made once, whole or absent."""

from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from tiny import MARKS, image_set, load, recipe

from paribus.errors import IntegrityError
from paribus.prepared import prepared, reduced, tidy, too_large
from paribus.views import Pictures, TrainingViews


def counted(images):
    loaded = []
    return replace(images, load=lambda item: (loaded.append(item.id), load(item))[1]), loaded


def test_the_map_holds_the_pixels_and_is_made_once(tmp_path):
    images, loaded = counted(image_set())
    first = prepared(images, MARKS, None, tmp_path)
    assert all(np.array_equal(first.image(item), load(item)) for item in images.items)
    loaded.clear()
    again = prepared(images, MARKS, None, tmp_path)
    assert not loaded
    assert np.array_equal(again.pixels, first.pixels)
    assert len(list(tmp_path.iterdir())) == 1


def test_training_sees_the_same_bytes_with_and_without_a_map(tmp_path):
    images = image_set()
    with_map = Pictures(images, prepared(images, MARKS, None, tmp_path))
    for a, b in zip(
        TrainingViews(with_map, recipe(), 0).batches(1), TrainingViews(Pictures(images), recipe(), 0).batches(1),
        strict=True,
    ):  # fmt: skip
        assert a[0].equal(b[0]) and a[1].equal(b[1])


def test_other_data_or_another_preparation_is_another_map(tmp_path):
    images = image_set()
    for marks, shorter in ((MARKS, None), (MARKS, 12), ({**MARKS, "train": "0" * 64}, None)):
        prepared(images, marks, shorter, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    small = prepared(images, MARKS, 12, tmp_path)
    assert small.image(images.items[0]).shape == (12, 14, 3)
    assert np.array_equal(small.image(images.items[0]), reduced(load(images.items[0]), 12))


def test_images_are_reduced_and_never_enlarged():
    image = load(image_set().items[0])  # 20 x 24
    assert reduced(image, 10).shape == (10, 12, 3)
    assert reduced(image, 40) is image
    assert reduced(image, None) is image


def test_a_set_that_is_too_large_has_no_map_and_says_so(tmp_path):
    images = image_set()
    assert prepared(images, MARKS, None, tmp_path, limit=1e-6) is None
    assert not list(tmp_path.iterdir())
    assert "--prepared" in too_large(images, None, 1e-6).line()


def test_a_damaged_map_is_refused_and_named(tmp_path):
    images = image_set()
    prepared(images, MARKS, None, tmp_path)
    (path,) = tmp_path.glob("*/pixels.bin")
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match="made again"):
        prepared(images, MARKS, None, tmp_path)


def test_writing_to_pixels_does_not_reach_the_file(tmp_path):
    images = image_set()
    prepared(images, MARKS, None, tmp_path).image(images.items[0])[:] = 0
    assert np.array_equal(prepared(images, MARKS, None, tmp_path).image(images.items[0]), load(images.items[0]))


def _make(folder):
    return prepared(image_set(), MARKS, None, folder).pixels.tobytes()


def test_two_processes_make_the_same_map(tmp_path):
    with get_context("spawn").Pool(2) as pool:
        one, two = pool.map(_make, [tmp_path] * 2)
    assert one == two
    assert len(list(tmp_path.iterdir())) == 1


def test_images_that_another_pillow_reduced_are_another_map(tmp_path, monkeypatch):
    images = image_set()
    prepared(images, MARKS, 12, tmp_path)
    monkeypatch.setattr("PIL.__version__", "0.0")
    prepared(images, MARKS, 12, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_killed_process_left_half_made_is_removed(tmp_path):
    whole = prepared(image_set(), MARKS, None, tmp_path)
    half = tmp_path / ".0123456789abcdef0123.4711"
    half.mkdir()
    (half / "pixels.bin").write_bytes(b"half")
    tidy(tmp_path)
    assert not half.exists()
    assert np.array_equal(prepared(image_set(), MARKS, None, tmp_path).pixels, whole.pixels)
    tidy(tmp_path / "not there")
