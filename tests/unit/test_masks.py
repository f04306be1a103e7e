"""Folders of masks: which mask belongs to which image, what its values and colours mean, and what the scan says."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from paribus import maskfile
from paribus.datasets import ImageSet, Item, masks, streets
from paribus.datasets.legend import colour_of, declared
from paribus.errors import DataError, IntegrityError, StudyError
from paribus.labels import VOID, Space
from paribus.parts import Part, PartProblem, build, completed
from paribus.scan import changed, describe, scan
from paribus.scan.sandbox import Sandbox

CLASSES = ["ground", "disc", "box"]
SHAPE = (12, 16)
MERGE = {"merge": {"ground": ["ground"], "thing": ["box", "disc"]}}
COLOURS = {"ground": [10, 20, 30], "disc": [200, 0, 0], "box": [[0, 200, 0], [0, 100, 0]]}


def target(seed):
    """Class indices with some of every class, and void in one corner."""
    mask = np.random.default_rng(seed).integers(0, 3, SHAPE).astype(np.uint8)
    mask[0, :3] = VOID
    return mask


def picture(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(900 + seed).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)).save(path)


def draw(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(path, **options)


def palette_image(array, colours):
    image = Image.new("P", array.shape[::-1])
    image.putdata(array.ravel().tolist())
    image.putpalette([value for colour in colours for value in colour])
    return image


@pytest.fixture
def root(tmp_path):
    """Ten pairs without split folders; s000 to s009."""
    for i in range(10):
        picture(tmp_path / "set/images" / f"s{i:03d}.png", i)
        draw(tmp_path / "set/masks" / f"s{i:03d}.png", target(i))
    return tmp_path / "set"


def problems(call, *args, **options):
    with pytest.raises((DataError, StudyError)) as caught:
        call(*args, **options)
    return {p.code: p.line() for p in caught.value.problems}


def told(root, **options):
    """code -> the line, of all findings of a scan."""
    found = scan(masks(root, classes=CLASSES, **options))
    return {p.code: p.line("warning") for p in found.findings}


# ---------------------------------------------------------------------------------------------- which belongs to which


def layout(root, names):
    for k, (image, mask) in enumerate(names):
        picture(root / image, k)
        draw(root / mask, target(k))
    return root


def test_split_folders_inside_and_around(tmp_path):
    inside = layout(
        tmp_path / "inside",
        [("images/train/a.jpg", "masks/training/a.png"), ("images/valid/b.png", "masks/valid/b.png")],
    )
    around = layout(
        tmp_path / "around",
        [("train/img/sub/a.png", "train/lab/sub/a_m.png"), ("val/img/b.png", "val/lab/b_m.png")],
    )
    for data, first in (
        (masks(inside, classes=CLASSES), "images/train/a.jpg"),
        (masks(around, classes=CLASSES, images="img", masks="lab", mask_suffix="_m"), "train/img/sub/a.png"),
    ):
        assert [i.split for i in data.items] == ["train", "val"] and not data.own_split and data.left_out == ()
        assert data.items[0].id == first and data.masks(data.items[0]).tolist() == target(0).tolist()
    assert "SPLITS_TWICE" in problems(masks, inside, classes=CLASSES, splits={"train": 0.5, "val": 0.5})


def test_pairs_without_split_folders_are_split_and_grouped(root):
    data = masks(root, classes=CLASSES, groups=r"s00(\d)", splits={"train": 0.5, "val": 0.5})
    assert data.own_split and data.classes == tuple(CLASSES) and data.space.classes == tuple(CLASSES)
    assert sorted(i.split for i in data.items) == ["train"] * 5 + ["val"] * 5
    assert {i.group for i in data.items} == set("0123456789")


def test_pairs_that_do_not_fit_are_named(root):
    picture(root / "images/alone.png", 50)
    draw(root / "masks/orphan.png", target(50))
    picture(root / "images/Case.png", 51)
    draw(root / "masks/case.png", target(51))
    found = {p.where: p for p in masks(root, classes=CLASSES).left_out}
    assert {where: p.code for where, p in found.items()} == {
        "images/alone.png": "SEG_MASK_MISSING",
        "images/Case.png": "SEG_MASK_MISSING",
        "masks/orphan.png": "SEG_IMAGE_MISSING",
        "masks/case.png": "SEG_IMAGE_MISSING",
    }
    assert "masks/case.png" in found["images/Case.png"].message


def test_two_images_for_one_mask_are_left_out(root):
    picture(root / "images/s000.jpg", 60)
    left = masks(root, classes=CLASSES).left_out
    assert [(p.code, p.where) for p in left] == [
        ("SEG_PAIR_AMBIGUOUS", "images/s000.jpg"),
        ("SEG_PAIR_AMBIGUOUS", "images/s000.png"),
    ]


def test_a_set_without_pairs_is_refused_with_a_way_out(root, tmp_path):
    shutil.move(root / "masks", tmp_path / "away")
    assert "masks holds no masks" in problems(masks, root, classes=CLASSES)["SEG_MASK_MISSING"]
    (root / "masks").mkdir()
    for path in (tmp_path / "away").iterdir():
        shutil.move(path, root / "masks" / f"{path.stem}_label.png")
    assert "mask_suffix: '_label'" in problems(masks, root, classes=CLASSES)["SEG_MASK_MISSING"]
    assert len(masks(root, classes=CLASSES, mask_suffix="_label").items) == 10
    assert "it has images, masks" in problems(masks, root, classes=CLASSES, images="photos")["DATA_NOT_FOUND"]
    assert "PATH_OUTSIDE_ROOT" in problems(masks, root, classes=CLASSES, masks="../away")


# ---------------------------------------------------------------------------------------------- what masks hold


def read(path, **options):
    chosen = {"palette": None, "values": None, "void": None, "labels": None, **options}
    return maskfile.decode(path, declared(CLASSES, **chosen))


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        read(path, **options)
    (problem,) = caught.value.problems
    return problem.code, problem.line()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_palette_masks_are_their_indices_whatever_the_bits(tmp_path, bits):
    mask = np.where(target(1) == VOID, 0, target(1)).astype(np.uint8)
    image = palette_image(mask, [(0, 0, 0), (200, 0, 0), (0, 200, 0), *[(9, 9, 9)] * (2**bits - 3)])
    image.save(tmp_path / "m.png", bits=bits)
    assert (tmp_path / "m.png").read_bytes()[24:26] == bytes([bits, 3])
    assert (read(tmp_path / "m.png") == mask).all()
    assert maskfile.inspect(tmp_path / "m.png", declared(CLASSES, None, None, None, None)).palette[1] == (
        1,
        (200, 0, 0),
    )


def test_one_bit_palettes_and_black_and_white(tmp_path):
    mask = (target(1) == 1).astype(np.uint8)
    palette_image(mask, [(0, 0, 0), (200, 0, 0)]).save(tmp_path / "p.png", bits=1)
    Image.fromarray(mask * 255).convert("1").save(tmp_path / "bw.png")
    assert (tmp_path / "bw.png").read_bytes()[24] == (tmp_path / "p.png").read_bytes()[24] == 1
    assert (read(tmp_path / "p.png") == mask).all() and (read(tmp_path / "bw.png") == mask).all()
    white = {"ground": 0, "disc": 255, "box": 7}
    assert (read(tmp_path / "bw.png", values=white) == mask).all()


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_masks_of_few_bits_are_not_stretched(tmp_path, bits):
    mask = np.where(target(1) == VOID, 0, target(1)).astype(np.uint8)
    (tmp_path / "m.png").write_bytes(grey_png(mask, bits))
    assert np.asarray(Image.open(tmp_path / "m.png")).max() > 30  # what Pillow makes of it
    assert (read(tmp_path / "m.png") == mask).all()


def grey_png(array, bits):
    """A grey PNG of few bits a pixel, which Pillow does not write."""
    import struct
    import zlib

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = array.shape
    spread = (array[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    rows = np.packbits(spread.reshape(height, -1).astype(np.uint8), axis=1)
    packed = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_colours_by_a_declared_palette_in_rgb_and_in_palette_files(tmp_path):
    mask = target(3)
    table = np.zeros((256, 3), np.uint8)
    table[[0, 1, 2, VOID]] = [(10, 20, 30), (200, 0, 0), (0, 200, 0), (255, 255, 255)]
    coloured = table[mask]
    coloured[5, 5] = (0, 100, 0)  # the second colour of a class
    mask[5, 5] = 2
    draw(tmp_path / "rgb.png", coloured)
    draw(tmp_path / "adaptive.png", Image.fromarray(coloured).quantize(8, dither=Image.Dither.NONE))
    void = [[255, 255, 255]]
    for name in ("rgb.png", "adaptive.png"):
        assert (read(tmp_path / name, palette=COLOURS, void=void) == mask).all()
    code, line = refused(tmp_path / "rgb.png", palette=COLOURS)
    assert code == "SEG_MASK_COLOUR" and "(255,255,255)" in line and "(200,0,0)" not in line
    code, line = refused(tmp_path / "rgb.png")
    assert code == "SEG_MASK_COLOUR" and "(200,0,0)" in line and "Declare `palette" in line


def test_values_may_be_declared_several_for_a_class_and_several_void(tmp_path):
    mask = target(4)
    raw = np.array([0, 255, 90, *[0] * 252, 40], np.uint8)[mask]
    raw[3, 3], raw[4, 4] = 91, 41
    mask[3, 3], mask[4, 4] = 2, VOID
    draw(tmp_path / "m.png", raw)
    values = {"ground": 0, "disc": 255, "box": [90, 91]}
    assert (read(tmp_path / "m.png", values=values, void=[40, 41]) == mask).all()
    code, line = refused(tmp_path / "m.png", values=values, void=[40])
    assert code == "SEG_VALUE_RANGE" and "holds the value 41;" in line and "void is 40" in line


def test_zero_and_255_need_declared_values(tmp_path):
    draw(tmp_path / "m.png", (target(5) == 1).astype(np.uint8) * 255)
    code, line = refused(tmp_path / "m.png")
    assert code == "SEG_MASK_0_255" and "{ground: 0, disc: 1, …} leaves 255 to void" in line
    assert refused(tmp_path / "m.png", void=[255])[0] == "SEG_MASK_0_255"
    white = {"ground": 0, "disc": 255, "box": 7}
    assert read(tmp_path / "m.png", values=white).tolist() == (target(5) == 1).astype(int).tolist()
    plain = {"ground": 0, "disc": 1, "box": 2}  # 255 stays void, and nothing is doubtful
    assert set(read(tmp_path / "m.png", values=plain).ravel().tolist()) == {0, VOID}


def test_what_is_no_mask_is_refused_by_name(tmp_path):
    mask = np.where(target(6) == VOID, 0, target(6)).astype(np.uint8)
    draw(tmp_path / "lossy.jpg", mask * 100)
    draw(tmp_path / "lossy.webp", Image.fromarray(mask * 100).convert("RGB"))
    draw(tmp_path / "good.webp", Image.fromarray(mask).convert("RGB"), lossless=True)
    draw(tmp_path / "half.tif", np.where(mask == 1, 0.5, mask).astype(np.float32))
    draw(tmp_path / "nan.tif", np.where(mask == 1, np.nan, mask).astype(np.float32))
    draw(tmp_path / "huge.tif", np.where(mask == 1, 1e30, mask).astype(np.float32))
    draw(tmp_path / "deep.png", mask.astype(np.uint16) * 300)
    draw(tmp_path / "pages.tif", Image.fromarray(mask), save_all=True, append_images=[Image.fromarray(mask)])
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    codes = {path.name: refused(path)[0] for path in tmp_path.iterdir() if path.name != "good.webp"}
    assert codes == {
        "lossy.jpg": "SEG_MASK_LOSSY",
        "lossy.webp": "SEG_MASK_LOSSY",
        "half.tif": "SEG_MASK_FLOAT",
        "nan.tif": "SEG_MASK_FLOAT",
        "huge.tif": "SEG_VALUE_RANGE",
        "deep.png": "SEG_VALUE_RANGE",
        "pages.tif": "SEG_MASK_MULTIFRAME",
        "cut.png": "IMG_UNREADABLE",
    }
    assert "300, 600" in refused(tmp_path / "deep.png")[1]
    assert (read(tmp_path / "good.webp") == mask).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-2, 300), min_size=3, max_size=3, unique=True),
    st.lists(st.integers(-2, 70000), max_size=3, unique=True),
    st.integers(0, 10**6),
)
def test_every_pixel_gets_the_class_of_its_value_or_the_file_is_refused(tmp_path_factory, values, odd, seed):
    path = tmp_path_factory.mktemp("m") / "m.tif"
    everything = np.array([*values, *odd])
    raw = np.random.default_rng(seed).choice(everything, SHAPE).astype(np.int32)
    Image.fromarray(raw).save(path)
    given_values = dict(zip(CLASSES, values, strict=True))
    if set(np.unique(raw)) <= set(values):
        expected = np.select([raw == v for v in values], [0, 1, 2])
        assert (read(path, values=given_values, void=[]) == expected).all()
    else:
        assert refused(path, values=given_values, void=[])[0] == "SEG_VALUE_RANGE"


def test_all_that_is_wrong_with_the_declarations_is_told_at_once(tmp_path):
    with pytest.raises(StudyError) as caught:
        declared(["a", "b", "b"], {"a": [0, 0], "c": [1, 2, 3]}, {"a": 4, "b": [5, 4]}, [5, [1, 2, 3]], None)
    text = str(caught.value)
    for words in ("'b' twice", "[0, 0] is no colour", "Unknown class 'c'", "palette says nothing about b", "4 means a"):
        assert words in text
    assert "5 means b and void" in text and "(1, 2, 3) means c and void" in text
    with pytest.raises(StudyError, match=r"0 means ground and void"):
        declared(CLASSES, None, None, [0], None)
    with pytest.raises(StudyError, match=r"no `palette` is declared"):
        declared(CLASSES, None, None, [[0, 0, 0]], None)
    with pytest.raises(StudyError, match=r"expected are 2 to 254"):
        declared(["a"], None, None, None, None)


def test_a_study_can_write_all_of_it(root):
    written = {
        "classes": CLASSES,
        "palette": COLOURS,
        "values": {"ground": 0, "disc": [1, 7], "box": 2},
        "void": [255, [9, 9, 9]],
        "labels": MERGE,
    }
    part = completed(Part("masks", written), "paribus.datasets")
    kept = Part("masks", json.loads(json.dumps(part.args, sort_keys=True)))
    assert kept == part == completed(kept, "paribus.datasets")
    assert build(part, "paribus.datasets", root).classes == ("ground", "thing")
    with pytest.raises(PartProblem, match="masks needs 'classes'"):
        completed(Part("masks"), "paribus.datasets")
    with pytest.raises(PartProblem, match="must be one of standard, sequence"):
        completed(Part("camvid", {"split": "half"}), "paribus.datasets")
    assert completed(Part("streets"), "paribus.datasets").args["size"] == [96, 128]


def test_classes_without_declared_colours_are_shown_in_different_ones():
    assert [colour_of(k) for k in range(3)] == [(128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert len({colour_of(k) for k in range(254)}) == 254


# ---------------------------------------------------------------------------------------------- the scan


def test_a_clean_set_is_used_without_a_word_and_counted(root):
    found = scan(masks(root, classes=CLASSES))
    assert found.findings == () and len(found.images.items) == 10 and set(found.fingerprints) == {"train", "val"}
    truth = {i.split: [] for i in found.images.items}
    for item in found.images.items:
        truth[item.split].append(target(int(item.id[-7:-4])))
    for split, arrays in truth.items():
        counted = found.pixels(split)
        all_of_them = np.stack(arrays)
        assert counted.images == len(arrays)
        assert counted.pixels == tuple(int((all_of_them == c).sum()) for c in range(3))
        assert counted.void == (all_of_them == VOID).sum() == 3 * len(arrays)
        assert counted.images_with == (len(arrays),) * 3
    lock = json.loads(json.dumps(found.lock()))
    assert lock["masks"]["pixels"]["train"] == found.pixels("train").plain()
    assert lock["masks"]["space"]["classes"] == CLASSES


def test_rare_classes_are_counted_by_image_and_absent_ones_named(root):
    for i in range(10):
        mask = target(i)
        mask[mask == 2] = 0
        if i == 3:
            mask[4, 4] = 2
        draw(root / f"masks/s{i:03d}.png", mask)
    data = masks(root, classes=CLASSES, splits={"train": 0.6, "val": 0.4})
    found = scan(data)
    home = next(i.split for i in found.images.items if i.id.endswith("s003.png"))
    other = {"train": "val", "val": "train"}[home]
    counted = found.pixels(home)
    assert counted.images_with[2] == counted.pixels[2] == 1
    assert counted.pixels_of_images_with[2] == SHAPE[0] * SHAPE[1] - 3
    (said,) = found.warnings
    assert said.code == "SEG_CLASS_ABSENT" and f"'box' occurs in no image of {other}" in said.message
    lines = describe(found)
    assert any(line.startswith("  box") and "in 1" in line for line in lines)


def test_masks_of_other_sizes_are_never_resized(root):
    draw(root / "masks/s000.png", target(0)[:-1])
    draw(root / "masks/s001.png", target(0).T.copy())
    found = scan(masks(root, classes=CLASSES))
    assert [p.code for p in found.left_out] == ["SEG_SIZE_MISMATCH"] * 2
    assert "16x12" in found.left_out[0].message and "16x11" in found.left_out[0].message


@pytest.mark.parametrize(
    ("orientation", "shape", "code"),
    [
        (6, SHAPE, "SEG_EXIF"),
        (6, SHAPE[::-1], "IMG_EXIF_ROTATED"),
        (3, SHAPE, "SEG_EXIF"),
        (6, (7, 7), "SEG_SIZE_MISMATCH"),
    ],
)
def test_a_turned_image_needs_a_mask_that_is_surely_turned_too(root, orientation, shape, code):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.random.default_rng(5).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    (root / "images/s000.png").unlink()
    draw(root / "images/s000.jpg", pixels, exif=exif)
    draw(root / "masks/s000.png", np.resize(target(0), (8, 8) if shape == (7, 7) else shape))
    found = scan(masks(root, classes=CLASSES))
    assert [(p.code, p.where) for p in found.findings] == [(code, "images/s000.jpg")]


def test_palettes_that_disagree_are_refused_unless_it_is_declared_what_counts(root):
    colours = [(10, 20, 30), (200, 0, 0), (0, 200, 0)]
    for i in range(10):
        mask = np.where(target(i) == VOID, 0, target(i)).astype(np.uint8)
        swapped = i % 2 == 1
        index = np.choose(mask, [0, 2, 1]).astype(np.uint8) if swapped else mask
        draw(root / f"masks/s{i:03d}.png", palette_image(index, colours[:1] + colours[:0:-1] if swapped else colours))
    said = problems(lambda: scan(masks(root, classes=CLASSES)))["SEG_PALETTE_INCONSISTENT"]
    assert "index 1 has the colour (200,0,0) in 5" in said and "(0,200,0) in 5" in said
    assert "SEG_PALETTE_INCONSISTENT" in told(root, values={"ground": 0, "disc": 1, "box": 2})
    data = masks(root, classes=CLASSES, palette=COLOURS)
    assert scan(data).findings == ()
    for item in data.items:
        expected = target(int(item.id[-7:-4]))
        assert (data.masks(item) == np.where(expected == VOID, 0, expected)).all()


def test_one_colour_at_two_indices_of_different_files_is_seen_too(root):
    for i in range(10):
        mask = np.zeros(SHAPE, np.uint8)
        mask[3:, 3:] = 1 + i % 2
        red = [(0, 0, 0), (200, 0, 0), (200, 0, 0)]
        draw(root / f"masks/s{i:03d}.png", palette_image(mask, red))
    said = problems(lambda: scan(masks(root, classes=CLASSES)))["SEG_PALETTE_INCONSISTENT"]
    assert "the colour (200,0,0) is index" in said


def test_void_everywhere(root):
    draw(root / "masks/s000.png", np.full(SHAPE, VOID, np.uint8))
    assert list(told(root)) == ["SEG_ALL_VOID"]
    for i in range(10):
        draw(root / f"masks/s{i:03d}.png", np.full(SHAPE, VOID, np.uint8))
    assert "SEG_NO_LABELS" in problems(lambda: scan(masks(root, classes=CLASSES)))
    for i in range(10):
        draw(root / f"masks/s{i:03d}.png", np.zeros(SHAPE, np.uint8))
    assert "disc, box" in problems(lambda: scan(masks(root, classes=CLASSES)))["SEG_TOO_FEW_CLASSES"]


def test_a_leak_and_one_image_with_two_masks(root):
    shutil.copy(root / "images/s000.png", root / "images/twin.png")
    draw(root / "masks/twin.png", target(77))
    found = scan(masks(root, classes=CLASSES))
    assert {(p.code, p.where) for p in found.left_out} == {
        ("DATA_LABEL_CONFLICT", "images/s000.png"),
        ("DATA_LABEL_CONFLICT", "images/twin.png"),
    }
    for split in ("train", "val"):
        for kind in ("images", "masks"):
            (root / split / kind).mkdir(parents=True)
            for i in range(5):
                shutil.copy(root / kind / f"s{i + 5 * (split == 'val'):03d}.png", root / split / kind)
            shutil.copy(root / kind / "s001.png", root / split / kind / "leak.png")
    shutil.rmtree(root / "images")
    assert "leak.png" in problems(lambda: scan(masks(root, classes=CLASSES)))["SPLIT_LEAK"]


# ---------------------------------------------------------------------------------------------- fingerprints, again


def test_fingerprints_know_masks_classes_and_merging(root):
    before = scan(masks(root, classes=CLASSES))
    merged = scan(masks(root, classes=CLASSES, labels=MERGE))
    renamed = scan(masks(root, classes=["ground", "disc", "crate"]))
    assert not set(before.fingerprints.values()) & {*merged.fingerprints.values(), *renamed.fingerprints.values()}
    assert merged.origins == before.origins == before.fingerprints and renamed.origins != before.origins
    assert merged.images.classes == ("ground", "thing") and merged.pixels("train").pixels == (
        before.pixels("train").pixels[0],
        sum(before.pixels("train").pixels[1:]),
    )
    item = before.images.items[0]
    changed_mask = target(int(item.id[-7:-4]))
    changed_mask[7, 7] = (changed_mask[7, 7] + 1) % 3
    draw(item.mask, changed_mask)
    after = scan(masks(root, classes=CLASSES)).fingerprints
    assert [split for split in after if after[split] != before.fingerprints[split]] == [item.split]


def test_a_merge_of_two_classes_is_no_agreement_between_two_masks(root):
    shutil.copy(root / "images/s000.png", root / "images/twin.png")
    draw(
        root / "masks/twin.png", np.choose(np.where(target(0) == VOID, 3, target(0)), [0, 2, 1, VOID]).astype(np.uint8)
    )
    found = scan(masks(root, classes=CLASSES, labels=MERGE))
    assert [p.code for p in found.left_out] == ["DATA_LABEL_CONFLICT"] * 2


def test_the_second_scan_decodes_no_mask_and_says_the_same(root, monkeypatch):
    draw(root / "masks/s000.png", np.repeat(target(0)[:, :, None], 3, axis=2))  # a warning, to be told again
    data = masks(root, classes=CLASSES)
    first = scan(data)
    lock = json.loads(json.dumps(first.lock()))
    decoded = []
    look = Sandbox.look
    monkeypatch.setattr(Sandbox, "look", lambda self, files: decoded.append(files.mask_name) or look(self, files))
    again = scan(data, known=lock)
    assert decoded == [] and again.facts == first.facts and again.findings == first.findings != ()
    assert again.lock() == first.lock() and changed(lock, again) == []
    draw(root / "masks/s004.png", target(99))
    now = scan(data, known=lock)
    assert decoded == ["masks/s004.png"]
    assert [(p.code, p.where) for p in changed(lock, now)] == [("DATA_CHANGED", "images/s004.png")]
    decoded.clear()
    scan(masks(root, classes=CLASSES, labels=MERGE), known=lock)  # other classes: the counts of the lock do not hold
    assert len(decoded) == 10


def test_training_reads_only_masks_that_were_scanned(root):
    found = scan(masks(root, classes=CLASSES))
    item = found.images.items[0]
    assert found.images.masks(item).shape == SHAPE
    draw(item.mask, target(5000))
    with pytest.raises(IntegrityError, match=r"DATA_CHANGED.*masks/s"):
        found.images.masks(item)
    item.mask.unlink()
    with pytest.raises(DataError, match="FILE_MISSING"):
        found.images.masks(item)


# ---------------------------------------------------------------------------------------------- generated masks


def test_streets_are_scanned_merged_and_repeat():
    options = {"n": 6, "n_val": 3, "size": (48, 64)}
    found, again = scan(streets(**options)), scan(streets(**options))
    assert found.fingerprints == again.fingerprints and len(found.images.items) == 9
    assert changed(json.loads(json.dumps(found.lock())), again) == []
    item = found.images.items[0]
    assert found.images.load(item).shape == (48, 64, 3) and found.images.masks(item).shape == (48, 64)
    assert set(np.unique(found.images.masks(item)).tolist()) <= {*range(11), VOID} and item.group
    merge = {"merge": {"sky": ["sky"], "rest": [c for c in found.images.classes if c != "sky"]}}
    two = scan(streets(**options, labels=merge))
    assert two.images.classes == ("sky", "rest") and two.fingerprints != found.fingerprints
    assert two.origins == found.origins and two.pixels("train").pixels[0] == found.pixels("train").pixels[0]
    assert scan(streets(**options, seed=1)).fingerprints != found.fingerprints


def test_all_that_is_wrong_with_the_choices_of_streets_is_told_at_once():
    with pytest.raises(StudyError) as caught:
        streets(n=1, n_val=-1, size=(5, 64), difficulty=2)
    assert len(caught.value.problems) == 4


def test_a_set_of_one_own_function_needs_no_coding():
    space = Space(("a", "b"), ((0, 0, 0), (255, 0, 0)))
    items = tuple(Item(f"{s}{i}", s, 0, None) for s in ("train", "val") for i in range(2))

    def load(item: Item) -> np.ndarray:
        return np.random.default_rng([ord(c) for c in item.id]).integers(0, 256, (9, 9, 3)).astype(np.uint8)

    data = ImageSet("own", space.classes, items, load, space=space, masks=lambda item: load(item)[:, :, 0] % 2)
    found = scan(data)
    assert found.pixels("train").images == 2 and found.origins == found.fingerprints
    assert scan(replace(data, masks=lambda item: load(item)[:, :, 1] % 2)).fingerprints != found.fingerprints


def test_no_source_is_touched(root):
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in Path(root).rglob("*")}
    scan(masks(root, classes=CLASSES))
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in Path(root).rglob("*")} == before
