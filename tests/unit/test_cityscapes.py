"""Cityscapes' layout: the 19 classes from either kind of mask, groups, and what is not used."""

import numpy as np
import pytest
from PIL import Image

from paribus.datasets import cityscapes
from paribus.errors import DataError
from paribus.labels import CITYSCAPES19, VOID
from paribus.scan import scan

FRAMES = {
    "train": ["aachen_000000_000019", "aachen_000001_000019", "hanover_000000_000164", "hanover_000000_000712"],
    "val": ["lindau_000000_000019"],
    "test": ["berlin_000000_000019"],
}
IDS = np.arange(34, dtype=np.uint8).reshape(2, 17).repeat(5, 0)  # every label five times
# cityscapesScripts, helpers/labels.py: id -> trainId of the classes that are scored
TRAIN_IDS = dict(zip([7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33], range(19), strict=True))
EXPECTED = np.array([TRAIN_IDS.get(k, VOID) for k in range(34)], np.uint8).reshape(2, 17).repeat(5, 0)


@pytest.fixture
def root(tmp_path):
    for split, names in FRAMES.items():
        for name in names:
            city = name.partition("_")[0]
            images, masks = (tmp_path / "c" / kind / split / city for kind in ("leftImg8bit", "gtFine"))
            for folder in (images, masks):
                folder.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng([ord(c) for c in name]).integers(0, 256, (10, 17, 3), dtype=np.uint8)
            Image.fromarray(noise).save(images / f"{name}_leftImg8bit.png")
            Image.fromarray(IDS).save(masks / f"{name}_gtFine_labelIds.png")
            Image.fromarray(IDS + 100).save(masks / f"{name}_gtFine_instanceIds.png")
            Image.fromarray(noise).save(masks / f"{name}_gtFine_color.png")
            (masks / f"{name}_gtFine_polygons.json").write_text("{}")
    return tmp_path / "c"


def test_train_and_val_with_the_19_classes(root):
    data = cityscapes(root)
    assert {item.id.split("/")[-1].removesuffix("_leftImg8bit.png"): item.split for item in data.items} == {
        name: split for split in ("train", "val") for name in FRAMES[split]
    }
    assert data.classes == CITYSCAPES19.classes and len(set(CITYSCAPES19.colours)) == 19
    assert all((data.masks(item) == EXPECTED).all() for item in data.items)
    assert data.left_out == () and scan(data).left_out == ()


def test_groups_are_sequences_or_cities(root):
    assert [i.group for i in cityscapes(root).items] == [
        "aachen_000000",
        "aachen_000001",
        "hanover_000000",
        "hanover_000000",
        "lindau_000000",
    ]
    assert {i.group for i in cityscapes(root, group="city").items} == {"aachen", "hanover", "lindau"}


def test_masks_of_train_ids_are_the_same(root):
    for path in [*(root / "gtFine").rglob("*_labelIds.png")]:
        Image.fromarray(EXPECTED).save(path.with_name(path.name.replace("labelIds", "labelTrainIds")))
        path.unlink()
    data = cityscapes(root, masks="labelTrainIds")
    assert all((data.masks(item) == EXPECTED).all() for item in data.items)
    with pytest.raises(DataError, match=r"none of the 4 images of leftImg8bit/train has a mask"):
        cityscapes(root)


def test_merged_classes(root):
    thing = [name for name in CITYSCAPES19.classes if name not in ("road", "sidewalk")]
    data = cityscapes(root, labels={"merge": {"ground": ["road", "sidewalk"], "other": thing}})
    assert data.classes == ("ground", "other")
    assert (data.masks(data.items[0])[EXPECTED == 1] == 0).all()


def test_a_frame_with_another_name_or_without_a_mask_is_left_out(root):
    odd = root / "leftImg8bit/train/aachen"
    (odd / "aachen_000000_000019_leftImg8bit.png").rename(odd / "photo_leftImg8bit.png")
    assert [p.code for p in cityscapes(root).left_out] == ["SEG_MASK_MISSING", "SEG_IMAGE_MISSING"]
    mask = root / "gtFine/train/aachen"
    (mask / "aachen_000000_000019_gtFine_labelIds.png").rename(mask / "photo_gtFine_labelIds.png")
    assert [p.code for p in cityscapes(root).left_out] == ["CITYSCAPES_NAME"]


def test_another_layout_is_named(tmp_path):
    (tmp_path / "c/leftImg8bit/train").mkdir(parents=True)
    with pytest.raises(DataError, match=r"has leftImg8bit; expected are leftImg8bit and gtFine"):
        cityscapes(tmp_path / "c")
    (tmp_path / "c/gtFine").mkdir()
    with pytest.raises(DataError, match=r"has no folder val"):
        cityscapes(tmp_path / "c")
