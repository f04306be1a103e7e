"""CamVid in both of its layouts: which frame is in which split, what the masks become, and what the scan says."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paribus.datasets import camvid
from paribus.datasets.camvid_layouts import _ORIGINAL, camvid_coding, standard_split
from paribus.errors import DataError, StudyError
from paribus.labels import CAMVID11, VOID
from paribus.scan import scan

SHAPE = (12, 16)
THREE = {
    "sky": ["sky"],
    "static": ["building", "road", "pavement", "tree", "fence"],
    "objects": ["pole", "sign", "car", "pedestrian", "bicyclist"],
}
# Some frames of every drive and split, named as they are there.
FRAMES = {
    "train": ["0001TP_006690", "0001TP_008520", "0006R0_f00930", "0016E5_07920", "0016E5_08190", "0016E5_08640"],
    "val": ["0016E5_07959", "0016E5_07961", "0016E5_08159"],
    "test": ["0001TP_008550", "Seq05VD_f00000", "Seq05VD_f05100"],
}
ALL = [name for names in FRAMES.values() for name in names]


def pixels(name):
    return np.random.default_rng([ord(c) for c in name]).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)


def target(name):
    """SegNet's numbers: 0 to 10, and 11 for void; every one occurs."""
    mask = np.random.default_rng([7, *(ord(c) for c in name)]).integers(0, 12, SHAPE).astype(np.uint8)
    mask[0, :12] = range(12)
    return mask


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def segnet(tmp_path):
    for split, names in FRAMES.items():
        for name in names:
            save(tmp_path / "c" / split / f"{name}.png", pixels(name))
            save(tmp_path / "c" / f"{split}annot" / f"{name}.png", target(name))
        lines = [f"/SegNet/CamVid/{split}/{n}.png /SegNet/CamVid/{split}annot/{n}.png\n" for n in names]
        (tmp_path / "c" / f"{split}.txt").write_text("".join(lines))
    return tmp_path / "c"


def by_split(data):
    return {s: sorted(Path(i.id).stem for i in data.items if i.split == s) for s in ("train", "val", "test")}


# ---------------------------------------------------------------------------------------------- the layouts


def test_segnets_layout_with_and_without_its_lists(segnet):
    listed = camvid(segnet)
    assert by_split(listed) == {split: sorted(names) for split, names in FRAMES.items()} and listed.left_out == ()
    assert {i.group for i in listed.items} == {"0001TP", "0006R0", "0016E5", "Seq05VD"}
    for table in segnet.glob("*.txt"):
        table.unlink()
    assert camvid(segnet).items == listed.items
    assert listed.classes == CAMVID11.classes and listed.space == CAMVID11
    item = listed.items[0]
    expected = target(Path(item.id).stem)
    assert (listed.masks(item) == np.where(expected == 11, VOID, expected)).all()


def test_the_lists_say_what_counts_and_what_is_missing_is_named(segnet):
    table = segnet / "train.txt"
    table.write_text("C:\\data\\train\\0006R0_f00930.png x\n\n/x/0016E5_07920.png y\n/x/0001TP_000001.png y\n")
    data = camvid(segnet)
    assert by_split(data)["train"] == ["0006R0_f00930", "0016E5_07920"]
    assert [(p.code, p.where) for p in data.left_out] == [("FILE_MISSING", "train/0001TP_000001")]
    table.write_text("1.png 1.png\n")
    with pytest.raises(DataError, match="CAMVID_LIST"):
        camvid(segnet)
    table.write_bytes(b"\xff\xfe\0")
    with pytest.raises(DataError, match="cannot be read as UTF-8"):
        camvid(segnet)
    table.unlink()
    table.symlink_to("/etc/hostname")
    with pytest.raises(DataError, match="PATH_OUTSIDE_ROOT"):
        camvid(segnet)


def original(root, names=ALL, images="701_StillsRaw_full", labels="LabeledApproved_full"):
    """Masks in the colours of the 32 classes, `target` repeated through them."""
    colours = np.array([colour for _, colour, _ in _ORIGINAL], np.uint8)
    for name in names:
        save(root / images / f"{name}.png", pixels(name))
        numbers = np.random.default_rng([9, *(ord(c) for c in name)]).permutation(np.arange(192) % 32)
        save(root / labels / f"{name}_L.png", colours[numbers.reshape(SHAPE)])
    return root


def test_the_original_layout_is_split_by_frame_numbers_and_its_32_classes_become_11(tmp_path):
    data = camvid(original(tmp_path / "a"))
    assert by_split(data) == {split: sorted(names) for split, names in FRAMES.items()}
    item = data.items[0]
    rgb = np.asarray(Image.open(item.mask)).reshape(-1, 3).tolist()
    names = {tuple(colour): merged for _, colour, merged in _ORIGINAL}
    expected = [VOID if (m := names[tuple(c)]) is None else CAMVID11.classes.index(m) for c in rgb]
    assert data.masks(item).ravel().tolist() == expected
    assert camvid(original(tmp_path / "b", images="images", labels="labels")).items[0].group == "0001TP"


def test_folders_of_splits_with_coloured_masks(tmp_path):
    for split in ("train", "val"):
        original(tmp_path, FRAMES[split], split, f"{split}_labels")
    data = camvid(tmp_path)
    assert by_split(data)["val"] == FRAMES["val"] and data.left_out == ()


def test_a_colour_that_is_none_of_the_32_is_named(tmp_path):
    original(tmp_path)
    odd = np.zeros((*SHAPE, 3), np.uint8)
    odd[3, 3] = (1, 2, 3)
    save(tmp_path / "LabeledApproved_full/0016E5_07959_L.png", odd)
    (problem,) = scan(camvid(tmp_path)).left_out
    assert problem.code == "SEG_MASK_COLOUR" and "(1,2,3)" in problem.message and "0016E5_07959" in problem.where


def test_other_folders_and_names_are_refused_or_left_out(tmp_path):
    save(tmp_path / "x/a.png", pixels("a"))
    with pytest.raises(DataError, match=r"CAMVID_LAYOUT.*has x; expected are"):
        camvid(tmp_path)
    original(tmp_path, [*ALL, "holiday_17"])
    assert [(p.code, p.where) for p in camvid(tmp_path).left_out] == [
        ("CAMVID_NAME", "701_StillsRaw_full/holiday_17.png")
    ]
    one = original(tmp_path / "one", FRAMES["train"])
    with pytest.raises(DataError, match="holds images of train only"):
        camvid(one)
    with pytest.raises(StudyError, match="no group has"):
        camvid(one, labels={"merge": {"sky": ["sky"], "road": ["road"]}})


def test_the_table_has_all_classes_once_and_every_one_of_the_eleven():
    assert len(_ORIGINAL) == len({c for _, c, _ in _ORIGINAL}) == len({n for n, _, _ in _ORIGINAL}) == 32
    assert {merged for *_, merged in _ORIGINAL} == {*CAMVID11.classes, None}
    coding = camvid_coding(None)
    assert all(coding.colours[colour] == k for k, colour in enumerate(CAMVID11.colours))  # each keeps its own colour
    assert [name for name, _, merged in _ORIGINAL if merged is None] == ["Void"]


def test_the_merging_as_it_is_written_elsewhere():
    """The groups of MathWorks' CamVid example, which are those of the SegNet paper's followers."""
    groups = {
        "sky": "Sky",
        "building": "Bridge Building Wall Tunnel Archway",
        "pole": "Column_Pole TrafficCone",
        "road": "Road LaneMkgsDriv LaneMkgsNonDriv",
        "pavement": "Sidewalk ParkingBlock RoadShoulder",
        "tree": "Tree VegetationMisc",
        "sign": "SignSymbol Misc_Text TrafficLight",
        "fence": "Fence",
        "car": "Car SUVPickupTruck Truck_Bus Train OtherMoving",
        "pedestrian": "Pedestrian Child CartLuggagePram Animal",
        "bicyclist": "Bicyclist MotorcycleScooter",
        None: "Void",
    }
    assert {name: merged for name, _, merged in _ORIGINAL} == {
        n: k for k, names in groups.items() for n in names.split()
    }


# ---------------------------------------------------------------------------------------------- the splits


def test_the_split_by_sequence_shares_no_drive_and_trains_on_no_test_image(segnet, tmp_path):
    for root in (segnet, original(tmp_path / "o")):
        data = camvid(root, split="sequence")
        drives = {s: {i.group for i in data.items if i.split == s} for s in ("train", "val", "test")}
        assert drives == {"train": {"0001TP", "0016E5"}, "val": {"0006R0"}, "test": {"Seq05VD"}}
        assert "0001TP_008550" not in by_split(data)["train"]
        assert [(p.code, Path(p.where).stem) for p in data.notes] == [("CAMVID_NOT_USED", "0001TP_008550")]
    before = by_split(camvid(segnet, split="sequence"))
    for name in ("test", "testannot"):
        (segnet / name).rename(tmp_path / name)
    assert by_split(camvid(segnet, split="sequence")) == {**before, "test": []}


def test_the_standard_split_by_number():
    numbers = [("0016E5", 7958), ("0016E5", 7960), ("0016E5", 8161), ("0006R0", 3930), ("0001TP", 8520)]
    assert [standard_split(*n) for n in numbers] == ["train"] * 5
    assert standard_split("0016E5", 8159) == "val" and standard_split("0001TP", 8550) == "test"
    assert standard_split("holiday", 1) is None


# ---------------------------------------------------------------------------------------------- what the scan says


def test_frames_between_training_frames_are_told_with_their_seconds(segnet):
    said = {p.code: p.message for p in scan(camvid(segnet)).warnings}
    assert set(said) == {"VIDEO_BETWEEN", "SPLIT_GROUP_LEAK"}
    message = said["VIDEO_BETWEEN"]
    assert "3 images of val are 6.7 s of one film (0016E5, frames 7959 to 8159)" in message
    assert "between its training frames 7920 and 8190, 1.3 s before and 1.0 s after" in message
    assert "speaks of these 6.7 seconds" in message
    assert not {p.code for p in scan(camvid(segnet, split="sequence")).warnings} & {"VIDEO_BETWEEN", "SPLIT_GROUP_LEAK"}


def test_three_classes(segnet):
    data = camvid(segnet, labels={"merge": THREE})
    assert data.classes == ("sky", "static", "objects")
    item = data.items[0]
    own = camvid(segnet).masks(item)
    home = {CAMVID11.classes.index(c): k for k, name in enumerate(THREE) for c in THREE[name]} | {VOID: VOID}
    assert data.masks(item).tolist() == np.vectorize(home.get)(own).tolist()


@pytest.mark.skipif("PARIBUS_DATA" not in os.environ, reason="PARIBUS_DATA is not set")
def test_the_real_frames_lie_where_the_numbers_say():
    root = Path(os.environ["PARIBUS_DATA"]) / "camvid"
    if not root.is_dir():
        pytest.skip("no camvid below PARIBUS_DATA")
    data = camvid(root)
    assert Counter((i.split, i.group) for i in data.items if i.split != "test") == {
        ("train", "0001TP"): 62,
        ("train", "0006R0"): 101,
        ("train", "0016E5"): 204,
        ("val", "0016E5"): 101,
    }
    for item in data.items:
        drive, _, frame = Path(item.id).stem.partition("_")
        assert standard_split(drive, int(frame.lstrip("f"))) == item.split
    assert set(np.unique(data.masks(data.items[0])).tolist()) <= {*range(11), VOID}
    assert Counter(i.split for i in camvid(root, split="sequence").items if i.split != "test") == {
        "train": 367,
        "val": 101,
    }
