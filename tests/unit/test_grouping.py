"""Groups of images as the statistics need them."""

from dataclasses import replace

import pytest
from tiny import image_set

from paribus.errors import DataError
from paribus.grouping import groups


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
