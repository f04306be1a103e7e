"""The scan: what is used, what is named and left out, what is refused; and that it knows its data again."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from paribus import images
from paribus.datasets import ImageSet, Item, faces, folder
from paribus.errors import DataError, IntegrityError
from paribus.scan import changed, describe, scan
from paribus.scan.sandbox import Sandbox


def picture(seed):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8))


@pytest.fixture
def root(tmp_path):
    """Two classes; 12 images each in train, 4 each in val."""
    home = tmp_path / "set"
    for k, (split, name) in enumerate((s, c) for s in ("train", "val") for c in ("ant", "bee")):
        (home / split / name).mkdir(parents=True)
        for i in range(12 if split == "train" else 4):
            picture(100 * k + i).save(home / split / name / f"{i:02d}.png")
    return home


def refused(data, **options):
    with pytest.raises(DataError) as caught:
        scan(data, **options)
    return {p.code: p.line() for p in caught.value.problems}


def test_a_clean_set_is_used_whole_and_without_a_word(root):
    found = scan(folder(root))
    assert len(found.images.items) == 32 and found.findings == ()
    assert set(found.fingerprints) == {"train", "val"}
    facts = found.facts["train/ant/00.png"]
    assert (facts.width, facts.height) == (12, 10)
    assert facts.sha256 == images.hash_bytes((root / "train/ant/00.png").read_bytes())


def test_broken_files_are_named_left_out_and_not_replaced(root):
    (root / "train/ant/00.png").write_bytes(b"")
    (root / "train/bee/01.png").write_text("<html>404</html>")
    found = scan(folder(root))
    assert {p.where: p.code for p in found.left_out} == {
        "train/ant/00.png": "IMG_EMPTY_FILE",
        "train/bee/01.png": "IMG_NOT_AN_IMAGE",
    }
    assert {i.id for i in folder(root).items} - {i.id for i in found.images.items} == {p.where for p in found.left_out}


def test_too_many_broken_files_are_refused_with_their_names(root):
    for i in range(3):
        (root / f"train/ant/{i:02d}.png").write_bytes(b"")
    message = refused(folder(root))
    assert "3 of 32" in message["DATA_TOO_MANY_REJECTED"] and "train/ant/02.png" in message["IMG_EMPTY_FILE"]


def test_classes_need_images_in_every_split(root):
    shutil.rmtree(root / "val" / "bee")
    (root / "val" / "bee").mkdir()
    assert "12 in train, 0 in val" in refused(folder(root))["CLS_TOO_FEW_IMAGES"]
    for split in ("train", "val"):
        (root / split / "wasp").mkdir()
    assert "'wasp'" in refused(folder(root))["CLS_EMPTY_CLASS"]


def test_a_leak_is_refused_by_file_and_by_pixels(root):
    shutil.copy(root / "train/ant/03.png", root / "val/ant/renamed.png")
    picture(1).save(root / "val/ant/other.bmp")  # the pixels of train/ant/01.png
    message = refused(folder(root))["SPLIT_LEAK"]
    assert message.count("=") == 2
    assert all(name in message for name in ("train/ant/03.png", "renamed.png", "train/ant/01.png", "other.bmp"))


def test_a_leak_may_be_dropped_from_train(root):
    shutil.copy(root / "train/ant/03.png", root / "val/ant/renamed.png")
    found = scan(folder(root), on_leak="drop_train")
    assert [(p.code, p.where) for p in found.left_out] == [("SPLIT_LEAK", "train/ant/03.png")]
    assert "val/ant/renamed.png" in found.facts and "train/ant/03.png" not in found.facts
    for name in ("ant", "bee"):
        (root / "test" / name).mkdir(parents=True)
        picture(1000 + len(name) + ord(name[0])).save(root / "test" / name / "x.png")
    shutil.copy(root / "val/ant/00.png", root / "test/ant/y.png")
    message = refused(folder(root), on_leak="drop_train")["SPLIT_LEAK"]  # nothing of train could mend this
    assert "val/ant/00.png (val)" in message and "test/ant/y.png (test)" in message


def test_one_image_under_two_labels_is_left_out_everywhere(root):
    shutil.copy(root / "train/ant/03.png", root / "train/bee/twin.png")
    found = scan(folder(root))
    assert {p.where for p in found.left_out} == {"train/ant/03.png", "train/bee/twin.png"}
    assert {p.code for p in found.left_out} == {"DATA_LABEL_CONFLICT"} and len(found.images.items) == 31
    shutil.copy(root / "train/ant/03.png", root / "val/bee/twin.png")  # over splits: the labels are the matter
    assert len(scan(folder(root)).left_out) == 3


def test_copies_in_one_class_are_used_and_named(root):
    shutil.copy(root / "train/ant/03.png", root / "train/ant/again.png")
    found = scan(folder(root))
    assert len(found.images.items) == 33
    assert [(p.code, "again.png" in p.message) for p in found.warnings] == [("DATA_DUPLICATE", True)]


def test_a_split_drawn_here_keeps_equal_pixels_together(tmp_path):
    for label in ("ant", "bee"):
        (tmp_path / label).mkdir()
        for i in range(12):
            picture(1000 * (label == "bee") + i).save(tmp_path / label / f"{i}.png")
            picture(1000 * (label == "bee") + i).save(tmp_path / label / f"{i}.bmp")
    found = scan(folder(tmp_path))
    where = {i.id: i.split for i in found.images.items}
    assert all(where[f"ant/{i}.png"] == where[f"ant/{i}.bmp"] for i in range(12)) and len(set(where.values())) == 2


def test_a_compressed_copy_in_another_split_is_warned_about(root):
    smooth = np.add.outer(np.arange(80), 2 * np.arange(80)).astype(np.uint8)[:, :, None].repeat(3, axis=2)
    Image.fromarray(smooth).save(root / "train/ant/smooth.png")
    Image.fromarray(smooth).resize((64, 64)).save(root / "val/ant/copy.jpg", quality=70)
    found = scan(folder(root))
    assert [(p.code, p.where) for p in found.warnings] == [("SPLIT_NEAR_DUPLICATE", "train/ant/smooth.png")]
    assert "val/ant/copy.jpg" in found.warnings[0].message and len(found.images.items) == 34


def test_groups_in_two_splits_are_warned_about(root):
    data = folder(root, groups=r"/(\d)\d\.png")
    assert [p.code for p in scan(data).warnings] == ["SPLIT_GROUP_LEAK"]


def test_warnings_name_their_file(root):
    (root / "val/ant/named.jpg").write_bytes((root / "val/ant/00.png").read_bytes())
    (root / "val/ant/00.png").unlink()
    assert [(p.code, p.where) for p in scan(folder(root)).warnings] == [("IMG_EXT_MISMATCH", "val/ant/named.jpg")]


# ---------------------------------------------------------------------------------------------- fingerprints


def test_fingerprints_know_pixels_labels_and_names_but_no_place(root, tmp_path):
    before = scan(folder(root)).fingerprints
    shutil.copytree(root, tmp_path / "elsewhere")
    assert scan(folder(tmp_path / "elsewhere")).fingerprints == before
    picture(777).save(root / "val/ant/00.png")
    after = scan(folder(root)).fingerprints
    assert after["train"] == before["train"] and after["val"] != before["val"]
    (root / "train/bee/00.png").rename(root / "train/bee/zz.png")
    assert scan(folder(root)).fingerprints["train"] != before["train"]


def test_a_class_renamed_is_another_set(root):
    before = scan(folder(root)).fingerprints
    data = folder(root)
    assert scan(replace(data, classes=("ant", "wasp"))).fingerprints != before


# ---------------------------------------------------------------------------------------------- the second time


def test_the_second_scan_decodes_nothing_and_says_the_same(root, monkeypatch):
    (root / "train/ant/00.png").rename(root / "train/ant/00.jpg")  # a warning, which must be told again
    first = scan(folder(root))
    lock = json.loads(json.dumps(first.lock()))
    decoded = []
    look = Sandbox.look
    monkeypatch.setattr(Sandbox, "look", lambda self, files: decoded.append(files.name) or look(self, files))
    again = scan(folder(root), known=lock)
    assert decoded == [] and again.fingerprints == first.fingerprints and again.facts == first.facts
    assert again.findings == first.findings != () and again.lock() == first.lock() and changed(lock, again) == []
    picture(5555).save(root / "val/ant/01.png")
    scan(folder(root), known=lock)
    assert decoded == ["val/ant/01.png"]
    decoded.clear()
    scan(folder(root), known={**lock, "pillow": "0.0"})  # another decoder may see other pixels
    assert len(decoded) == 32


def test_what_changed_since_is_told(root):
    lock = json.loads(json.dumps(scan(folder(root)).lock()))
    picture(888).save(root / "train/ant/00.png")
    (root / "train/ant/01.png").unlink()
    (root / "train/ant/02.png").rename(root / "train/ant/new.png")
    (root / "train/ant/03.png").write_bytes(b"")
    found = {p.where: (p.code, p.message) for p in changed(lock, scan(folder(root), known=lock))}
    assert {where: code for where, (code, _) in found.items()} == {
        "train/ant/00.png": "DATA_CHANGED",
        "train/ant/01.png": "FILE_MISSING",
        "train/ant/02.png": "FILE_MISSING",
        "train/ant/03.png": "DATA_CHANGED",
        "train/ant/new.png": "DATA_CHANGED",
    }
    assert "sha256, pixels" in found["train/ant/00.png"][1]


def test_training_reads_only_what_was_scanned(root):
    found = scan(folder(root))
    item = found.images.items[0]
    assert found.images.load(item).shape == (10, 12, 3)
    picture(999).save(item.source)
    with pytest.raises(IntegrityError, match=f"DATA_CHANGED.*{item.id}"):
        found.images.load(item)
    item.source.unlink()
    with pytest.raises(DataError, match="FILE_MISSING"):
        found.images.load(item)


def test_no_source_is_touched(root):
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in root.rglob("*")}
    scan(folder(root))
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in root.rglob("*")} == before


# ---------------------------------------------------------------------------------------------- generated, described


def test_generated_sets_are_scanned_too():
    data = faces(n=6, n_val=4, size=48)
    found = scan(data)
    assert len(found.images.items) == 10 and found.facts["train/00000"].sha256 is None
    assert scan(faces(n=6, n_val=4, size=48)).fingerprints == found.fingerprints
    assert scan(faces(n=6, n_val=4, size=48, seed=1)).fingerprints != found.fingerprints
    assert changed(json.loads(json.dumps(found.lock())), scan(data)) == []
    assert found.images.load(found.images.items[0]).shape == (48, 48, 3)


def test_progress_counts_every_item(root):
    seen = []
    scan(folder(root), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 32) for k in range(1, 33)]


def test_the_description(root):
    (root / "train/ant/00.png").write_bytes(b"")
    (root / "train/ant/01.png").rename(root / "train/ant/01.jpg")
    (root / "train/ant/02.png").rename(root / "train/ant/02.jpg")
    (root / "notes.txt").write_text("x")
    lines = describe(scan(folder(root)))
    assert lines[0] == "31 images, 2 classes"
    assert lines[2:4] == ["  ant        11       4", "  bee        12       4"]
    assert any("ignored: 1" in line for line in lines)
    assert any(line.startswith("left out[IMG_EMPTY_FILE]: train/ant/00.png") for line in lines)
    assert next(line for line in lines if "IMG_EXT_MISMATCH" in line).endswith("(1 more like this)")
    assert len([line for line in lines if "IMG_EXT_MISMATCH" in line]) == 1


def test_an_empty_set_is_refused():
    items = (Item("a", "train", 0, Path("nowhere.png")),)
    data = ImageSet("folder", ("x", "y"), items, lambda item: np.zeros((9, 9, 3), np.uint8))
    assert "DATA_EMPTY" in refused(data)


# ---------------------------------------------------------------------------------------------- images of two splits


def scene(seed):
    """Something with the contrasts of a photograph."""
    small = Image.fromarray(np.random.default_rng(seed).integers(0, 200, (6, 6, 3), dtype=np.uint8))
    return small.resize((256, 192), Image.Resampling.BICUBIC)


COPIES = {
    "compressed": (lambda image: image, False),
    "smaller": (lambda image: image.resize((100, 75)), False),
    "brighter": (lambda image: ImageEnhance.Brightness(image).enhance(1.2), True),
    "darker": (lambda image: ImageEnhance.Brightness(image).enhance(0.7), True),
    "paler": (lambda image: ImageEnhance.Contrast(image).enhance(0.7), True),
    "gamma": (lambda image: image.point(lambda v: 255 * (v / 255) ** 0.8), True),
}


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_in_another_split_is_found_however_it_was_made(root, way):
    copy, equalised = COPIES[way]
    for i in range(12):
        scene(i).save(root / f"train/ant/scene-{i}.png")
    copy(scene(3)).save(root / "val/ant/copy.jpg", quality=85)
    found = scan(folder(root))
    assert [(p.first, p.second, p.equalised) for p in found.alike] == [
        ("train/ant/scene-3.png", "val/ant/copy.jpg", equalised)
    ]
    (told,) = found.warnings
    assert (told.code, told.where) == ("SPLIT_NEAR_DUPLICATE", "train/ant/scene-3.png")
    assert (
        "once brightness and contrast are equal" in told.message
    ) == equalised and "val/ant/copy.jpg" in told.message


def test_flat_images_are_alike_only_where_they_are(root):
    for name, grey in (("train/ant/black", 0), ("train/bee/white", 255), ("val/ant/grey", 100), ("val/bee/near", 254)):
        Image.new("RGB", (20, 20), (grey, grey, grey)).save(root / f"{name}.png")
    assert [(p.first, p.second) for p in scan(folder(root)).alike] == [("train/bee/white.png", "val/bee/near.png")]


def test_copies_left_out_of_train_are_remembered(root):
    shutil.copy(root / "train/ant/03.png", root / "val/ant/renamed.png")
    (pair,) = scan(folder(root), on_leak="drop_train").alike
    assert (pair.first, pair.second, pair.dropped) == ("train/ant/03.png", "val/ant/renamed.png", True)


def test_a_link_to_an_image_of_another_class_is_meant(root):
    (root / "train/bee/link.png").symlink_to("../ant/03.png")
    found = scan(folder(root))
    assert [(p.code, p.where) for p in found.warnings] == [("DATA_LABEL_CONFLICT", "train/bee/link.png")]
    assert len(found.images.items) == 33 and found.left_out == ()
    shutil.copy(root / "train/ant/03.png", root / "train/bee/copy.png")  # and now a copy as well
    assert len(scan(folder(root)).left_out) == 3
    (root / "train/bee/copy.png").unlink()
    (root / "train/bee/link.png").rename(root / "val/bee/link.png")
    (root / "val/bee/link.png").unlink()
    (root / "val/bee/link.png").symlink_to("../../train/ant/03.png")  # over splits nobody can mean it
    assert {p.code for p in scan(folder(root)).left_out} == {"DATA_LABEL_CONFLICT"}


# ---------------------------------------------------------------------------------------------- watched


def test_files_are_watched_by_what_the_file_system_says_and_judged_by_their_content(root, monkeypatch):
    sources = scan(folder(root)).sources
    path = root / "train/ant/03.png"
    read = []
    monkeypatch.setattr(images, "read_bytes", lambda p, name, own=images.read_bytes: read.append(p) or own(p, name))
    assert sources.problems() == [] and read == []
    os.utime(path)
    assert sources.problems() == [] and read == [path]
    assert sources.problems() == [] and read == [path]  # looked at once
    size, times = path.stat().st_size, path.stat()
    path.write_bytes(bytes(size))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # size and time are as before, but not the entry's own
    (root / "val/bee/01.png").unlink()
    found = {p.where: p.code for p in sources.problems()}
    assert found == {"train/ant/03.png": "DATA_CHANGED", "val/bee/01.png": "FILE_MISSING"}
    assert {p.where: p.code for p in sources.problems()} == found  # until it is put right
