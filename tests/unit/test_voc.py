"""PASCAL VOC's layout: which images count, what the masks become, and what is said of lists that are wrong."""

import numpy as np
import pytest
from PIL import Image

from paribus.datasets import voc
from paribus.datasets.legend import colour_of
from paribus.errors import DataError, StudyError
from paribus.labels import VOC21, VOID
from paribus.scan import scan

LISTS = {"train": ["2007_1", "2007_2"], "val": ["2008_1"], "test": ["2009_1"]}


def mask(name):
    """Background, two classes and the void border, different for every name."""
    made = np.zeros((12, 16), np.uint8)
    made[1:3, 1:3], made[3:5, 4:6], made[5] = 15, sum(map(ord, name)) % 21, VOID
    return made


def made(root, lists=LISTS, masks=("2007_1", "2007_2", "2008_1", "2009_1"), images=None):
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for name in images or (*masks, "2011_not_listed"):
        noise = np.random.default_rng([ord(c) for c in name]).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(root / f"JPEGImages/{name}.jpg")
    for name in masks:
        picture = Image.fromarray(mask(name)).convert("P")
        picture.putpalette([v for k in range(256) for v in colour_of(k - 1)])
        picture.save(root / f"SegmentationClass/{name}.png")
    for split, names in lists.items():
        (root / f"ImageSets/Segmentation/{split}.txt").write_text("".join(f"{name}\n" for name in names))
    return root


def splits(data):
    return {item.id: item.split for item in data.items}


def test_listed_images_with_their_masks(tmp_path):
    data = voc(made(tmp_path / "VOC2012"))
    assert splits(data) == {f"JPEGImages/{n}.jpg": split for split, names in LISTS.items() for n in names}
    assert data.classes == VOC21.classes and data.left_out == ()
    for item in data.items:
        assert (data.masks(item) == mask(item.id[11:17])).all()
    found = scan(data)
    assert found.left_out == () and found.pixels("val").void == 16


def test_the_colours_are_those_of_the_palette():
    assert VOC21.colours == tuple(colour_of(k - 1) for k in range(21))


@pytest.mark.parametrize("above", ["VOCdevkit/VOC2012", "VOC2007", "."])
def test_the_folder_of_the_year_is_found(tmp_path, above):
    made(tmp_path / "d" / above)
    data = voc(tmp_path / "d")
    assert len(data.items) == 4 and data.items[0].id.removeprefix(f"{above}/") == "JPEGImages/2007_1.jpg"


def test_a_test_list_without_masks_is_not_used_and_said(tmp_path):
    data = voc(
        made(tmp_path / "v", masks=("2007_1", "2007_2", "2008_1"), images=("2007_1", "2007_2", "2008_1", "2009_1"))
    )
    assert set(splits(data).values()) == {"train", "val"} and data.left_out == ()
    assert [note.code for note in data.notes] == ["VOC_NOT_USED"]


def test_names_without_a_file_and_names_listed_twice_are_told(tmp_path):
    lists = {"train": ["2007_1", "2007_2", "2008_1"], "val": ["2008_1", "2009_1", "gone"]}
    data = voc(made(tmp_path / "v", lists))
    assert splits(data)["JPEGImages/2008_1.jpg"] == "train" and splits(data)["JPEGImages/2009_1.jpg"] == "val"
    assert [(p.code, p.where) for p in data.left_out] == [("SPLIT_LEAK", "2008_1"), ("FILE_MISSING", "gone")]


def test_classes_of_ones_own_and_merged_ones(tmp_path):
    names = ["ground", *(f"thing-{k}" for k in range(1, 21))]
    data = voc(made(tmp_path / "v"), classes=names, labels={"merge": {"ground": names[:1], "thing": names[1:]}})
    assert data.classes == ("ground", "thing")
    assert set(np.unique(data.masks(data.items[0]))) <= {0, 1, VOID}
    with pytest.raises(StudyError, match="camvid11"):
        voc(tmp_path / "v", labels="camvid11")


def test_what_is_missing_is_named_with_the_way_out(tmp_path):
    (tmp_path / "v/JPEGImages").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no SegmentationClass nor ImageSets/Segmentation.*Use `masks`"):
        voc(tmp_path / "v")
    with pytest.raises(DataError, match=r"has train\.txt; needed are train\.txt and val\.txt"):
        voc(made(tmp_path / "w", {"train": ["2007_1"]}))
