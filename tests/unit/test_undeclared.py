"""`paribus data scan` of images and masks that no study has described: what it finds, and what it says to write."""

import numpy as np
import pytest
import yaml
from PIL import Image

from paribus.cli import app, exit_code
from paribus.errors import DataError
from paribus.parts import Part, build
from paribus.scan import scan, undeclared

COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def pairs(root, image="images/{}.jpg", mask="masks/{}.png", drawn=lambda k: k, seed=3):
    """Photographs of noise, and masks of the values 0, 1, 2 put through `drawn`."""
    rng = np.random.default_rng(seed)
    for i in range(6):
        save(root / image.format(i), rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
        save(root / mask.format(i), drawn(rng.integers(0, 3, (20, 24)).astype(np.uint8)))
    return root


def written(found):
    """The choices as the lines tell them to write."""
    start = next(k for k, line in enumerate(found.lines) if line.startswith("To write"))
    block = [line for line in found.lines[start + 1 :] if line.startswith("  ")]
    return yaml.safe_load("\n".join(block))["data"]


def used(root):
    """(what was found, the classes and pixels that the scan of the proposed choices sees)"""
    found = undeclared(root)
    told = written(found)
    assert told.pop("use") == "masks" and told.pop("root") == root.name and told == found.choices
    seen = scan(build(Part("masks", told), "paribus.datasets", root))
    return found, dict(zip(seen.images.classes, seen.pixels("train").pixels, strict=True)), seen


def test_indices_from_zero_need_no_values_and_255_is_void(tmp_path):
    def drawn(mask):
        mask[0] = 255
        return mask

    found, pixels, seen = used(pairs(tmp_path / "set", drawn=drawn))
    assert found.choices == {"classes": ["class_0", "class_1", "class_2"]}
    assert found.lines[0] == "images in images, masks in masks: 6 pairs"
    assert sum("value" in line and "5.00%       6" in line for line in found.lines) == 1  # one row of twenty is void
    assert "255 is taken as void" in found.lines[-1]
    assert min(pixels.values()) > 0 and seen.pixels("train").void == 24 * seen.pixels("train").images


@pytest.mark.parametrize(
    ("drawn", "values"),
    [
        (lambda m: (m > 1).astype(np.uint8) * 255, {"class_0": 0, "class_255": 255}),
        (lambda m: m * 7 + 1, {"class_1": 1, "class_8": 8, "class_15": 15}),
    ],
)
def test_other_values_are_declared(tmp_path, drawn, values):
    found, pixels, _ = used(pairs(tmp_path / "set", drawn=drawn))
    assert found.choices["values"] == values
    assert min(pixels.values()) > 0 and set(pixels) == set(values)


def test_colours_become_a_palette_and_a_mask_of_one_grey_is_coloured_too(tmp_path):
    root = pairs(tmp_path / "set", drawn=lambda m: COLOURS[m])
    save(root / "masks/0.png", np.zeros((20, 24, 3), np.uint8))
    found, pixels, seen = used(root)
    assert found.choices["palette"]["class_0"] == [0, 0, 0]  # the most pixels
    assert sorted(found.choices["palette"].values()) == sorted(COLOURS.tolist())
    assert len(seen.images.items) == 6 and min(pixels.values()) > 0


def test_any_names_are_found_inside_split_folders_and_with_more_behind(tmp_path):
    root = tmp_path / "set"
    for seed, split in enumerate(("train", "valid")):
        pairs(root / split, "photo/{}.png", "drawn/{}_seg.png", seed=seed)
    found, _, seen = used(root)
    assert found.choices | {"classes": []} == {
        "images": "photo",
        "masks": "drawn",
        "mask_suffix": "_seg",
        "classes": [],
    }
    assert {item.split for item in seen.images.items} == {"train", "val"} and len(seen.images.items) == 12


def test_class_folders_are_no_masks_whatever_their_names(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("mask", "no_mask"):
        for i in range(6):
            save(tmp_path / "set" / name / f"{i}.png", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
    assert undeclared(tmp_path / "set") is None


@pytest.mark.parametrize(
    ("mask", "drawn", "code"),
    [
        ("masks/{}.jpg", lambda m: m, "SEG_MASK_LOSSY"),
        ("masks/{}.png", lambda m: m * 0, "SEG_TOO_FEW_CLASSES"),
        ("masks/{}.png", lambda m: np.arange(480, dtype=np.uint16).reshape(20, 24), "SEG_VALUE_RANGE"),
    ],
)
def test_what_can_be_no_masks_is_told(tmp_path, mask, drawn, code):
    with pytest.raises(DataError) as told:
        undeclared(pairs(tmp_path / "set", mask=mask, drawn=drawn))
    assert told.value.problems[0].code == code


def test_the_command_tells_it_and_what_is_wrong(tmp_path, capsys):
    root = pairs(tmp_path / "set")
    save(root / "masks/0.png", np.zeros((9, 9), np.uint8))
    assert exit_code(lambda: app(["data", "scan", str(root)], standalone_mode=False)) == 0
    said = capsys.readouterr().out
    assert "6 pairs" in said and "classes: [class_0, class_1, class_2]" in said
    assert "5 images, 3 classes" in said and "SEG_SIZE_MISMATCH" in said
