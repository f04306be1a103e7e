"""Groups of images as the statistics need them."""

from dataclasses import replace

import pytest
from tiny import image_set

from paribus.datasets import Item
from paribus.errors import DataError
from paribus.grouping import groups
from paribus.questions import Design


def test_blocks_patterns_columns_and_none():
    images = image_set(val=5)
    assert groups(None, images, "val") is None
    blocks = groups({"block": 2}, images, "val")
    assert list(blocks.values()) == ["block 0", "block 0", "block 1", "block 1", "block 2"]
    assert groups({"pattern": r"^(\d\d)"}, images, "val") == {f"{i:03d}-val": "00" for i in range(5)}
    own = replace(images, items=tuple(replace(i, group=f"g{i.label}") for i in images.items))
    assert (
        groups(None, own, "val")
        == groups({"column": "x"}, own, "val")
        == {f"{i:03d}-val": f"g{i % 2}" for i in range(5)}
    )


def test_images_without_a_group_are_named():
    with pytest.raises(DataError, match="no group in 9 names, among them '000-val'"):
        groups({"pattern": "(x)"}, image_set(), "val")
    with pytest.raises(DataError, match="the data have none"):
        groups({"column": "person"}, image_set(), "val")


def frames(*names):
    """Frames in the val split of a set, as (id, sequence)."""
    return replace(image_set(), items=tuple(Item(name, "val", 0, None, group=group) for name, group in names))


def test_blocks_are_contiguous_frames_by_their_numbers():
    film = frames(*((f"frame_{n}", None) for n in (11, 2, 9, 10, 1)))
    found = groups({"block": 2}, film, "val")
    assert found == {"frame_1": "block 0", "frame_2": "block 0"} | {
        "frame_9": "block 1", "frame_10": "block 1", "frame_11": "block 2"
    }  # fmt: skip


def test_no_block_reaches_from_one_sequence_into_another():
    film = frames(*((f"{s}_{n:05d}", s) for s in ("0016E5", "0006R0") for n in range(7959, 7984, 5)))
    found = groups({"block": 3}, film, "val")
    for name in set(found.values()):
        assert len({i.partition("_")[0] for i, block in found.items() if block == name}) == 1
    assert sorted(list(found.values()).count(b) for b in set(found.values())) == [2, 2, 3, 3]
    assert groups(None, film, "val") == {i.id: i.group for i in film.items}
    assert set(groups({"pattern": "^([^_]+)_"}, film, "val").values()) == {"0016E5", "0006R0"}


def test_blocks_say_that_they_are_blocks():
    film = frames(*((f"f{n}", None) for n in range(6)))
    assert Design((3,), "val", groups=groups({"block": 2}, film, "val")).in_blocks
    assert not Design((3,), "val", groups=groups({"pattern": "(f)"}, film, "val")).in_blocks
    assert not Design((3,), "val").in_blocks
