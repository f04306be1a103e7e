"""What the built-in data sets make of folders and tables: ids, classes, splits, and everything that is refused."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from paribus.datasets import SPLITS, Item, csv, drawn, faces, folder, splitting
from paribus.errors import DataError, StudyError


def put(root, *names):
    """A different image under each name."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = sum(ord(c) * 31**i for i, c in enumerate(name)) % 2**32
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(path)


def flat(root, n=10, classes=("ants", "bees")):
    put(root, *(f"{c}/{c}{i:02d}.png" for c in classes for i in range(n)))
    return root


def problems(call, *args, **options):
    with pytest.raises((DataError, StudyError)) as caught:
        call(*args, **options)
    return {p.code: p.line() for p in caught.value.problems}


def splits_of(data):
    return {item.id: item.split for item in data.items}


# ---------------------------------------------------------------------------------------------- folders


def test_split_folders(tmp_path):
    put(
        tmp_path,
        "train/b/1.png",
        "train/a/1.png",
        "valid/a/2.png",
        "valid/b/sub/2.JPG",
        "Testing/a/3.png",
        "Testing/b/3.png",
    )
    data = folder(tmp_path)
    assert data.classes == ("a", "b") and not data.own_split
    assert [(i.id, i.split, i.label) for i in data.items] == [
        ("Testing/a/3.png", "test", 0),
        ("Testing/b/3.png", "test", 1),
        ("train/a/1.png", "train", 0),
        ("train/b/1.png", "train", 1),
        ("valid/a/2.png", "val", 0),
        ("valid/b/sub/2.JPG", "val", 1),
    ]
    assert data.load(data.items[0]).shape == (9, 9, 3)


def test_class_order_is_order_of_names_not_of_numbers(tmp_path):
    assert folder(flat(tmp_path, classes=("10", "2", "1"))).classes == ("1", "10", "2")


def test_a_class_may_be_called_train(tmp_path):
    assert folder(flat(tmp_path, classes=("train", "bus", "car"))).classes == ("bus", "car", "train")


def test_folders_are_split_class_by_class(tmp_path):
    data = folder(flat(tmp_path, n=10))
    assert Counter((i.label, i.split) for i in data.items) == {
        (c, s): k for c in (0, 1) for s, k in (("train", 7), ("val", 3))
    }
    assert data.own_split
    assert splits_of(folder(tmp_path)) == splits_of(data)
    assert splits_of(folder(tmp_path, split_seed=1)) != splits_of(data)
    three = folder(tmp_path, splits={"test": 0.2, "train": 0.6, "val": 0.2})
    assert Counter(i.split for i in three.items) == {"train": 12, "val": 4, "test": 4}


def test_a_new_class_or_another_root_moves_no_image(tmp_path):
    before = splits_of(folder(flat(tmp_path / "here", n=10)))
    flat(tmp_path / "there", n=10, classes=("ants", "bees", "crickets"))
    after = splits_of(folder(tmp_path / "there"))
    assert before.items() <= after.items()
    put(tmp_path / "here", "ants/new.png")
    moved = {k for k, v in splits_of(folder(tmp_path / "here")).items() if before.get(k, v) != v}
    assert len(moved) <= 1


def test_exact_copies_stay_on_one_side(tmp_path):
    flat(tmp_path, n=30)
    for i in range(30):
        (tmp_path / "ants" / f"copy{i:02d}.png").write_bytes((tmp_path / "ants" / f"ants{i:02d}.png").read_bytes())
    for seed in range(3):
        where = splits_of(folder(tmp_path, split_seed=seed))
        assert all(where[f"ants/ants{i:02d}.png"] == where[f"ants/copy{i:02d}.png"] for i in range(30))


def test_groups_stay_together(tmp_path):
    put(tmp_path, *(f"{c}/p{p:02d}_{k}.png" for c in "ab" for p in range(12) for k in range(3)))
    data = folder(tmp_path, groups=r"(p\d+)_")
    places = defaultdict(set)
    for item in data.items:
        places[item.group].add(item.split)
    assert len(places) == 12 and all(len(splits) == 1 for splits in places.values())
    assert {s for splits in places.values() for s in splits} == {"train", "val"}


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["p", "q", "r", "s", None])), min_size=1, max_size=40),
    seed=st.integers(0, 5),
    order=st.randoms(),
)
def test_any_draw_keeps_groups_and_forgets_the_order(rows, seed, order):
    items = [Item(f"{label}/{k}.png", "", label, None, group) for k, (label, group) in enumerate(rows)]
    shares = {"train": 0.6, "val": 0.2, "test": 0.2}
    there = {i.id: i for i in splitting.split_up(items, shares, seed)}
    assert len(there) == len(items) and {i.split for i in there.values()} <= set(SPLITS)
    places = defaultdict(set)
    for item in there.values():
        if item.group:
            places[item.group].add(item.split)
    assert all(len(splits) == 1 for splits in places.values())
    shuffled = list(items)
    order.shuffle(shuffled)
    assert {i.id: i for i in splitting.split_up(shuffled, shares, seed)} == there


@given(n=st.integers(0, 40), a=st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98]))
def test_counts_are_near_the_shares_and_leave_no_split_empty(n, a):
    counts = splitting._counts(n, {"train": a, "val": 1 - a})
    assert sum(counts.values()) == n and min(counts.values()) >= (1 if n >= 2 else 0)
    assert abs(counts["train"] - n * a) <= 1


def test_junk_is_ignored_and_counted(tmp_path):
    flat(tmp_path)
    put(tmp_path, ".ipynb_checkpoints/x.png", "ants/.ipynb_checkpoints/x.png", "@eaDir/x.png", "__MACOSX/ants/x.png")
    (tmp_path / "ants" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "ants" / "readme.txt").write_text("hello")
    data = folder(tmp_path)
    assert data.classes == ("ants", "bees") and len(data.items) == 20 and data.ignored == 6


def test_links(tmp_path):
    flat(tmp_path / "set")
    ants = tmp_path / "set" / "ants"
    (ants / "loop").symlink_to("..")
    (ants / "gone.png").symlink_to("nowhere.png")
    (ants / "out.png").symlink_to(tmp_path / "other.png")
    put(tmp_path, "other.png")
    (tmp_path / "set" / "again").symlink_to(".")
    data = folder(tmp_path / "set")
    assert len(data.items) == 20 and data.classes == ("ants", "bees")
    assert {p.where: p.code for p in data.left_out} == {
        "ants/gone.png": "FILE_MISSING",
        "ants/out.png": "PATH_OUTSIDE_ROOT",
    }
    assert {p.where: p.code for p in data.notes} == {"ants/loop": "PATH_LOOP", "again": "PATH_LOOP"}


def test_names(tmp_path):
    flat(tmp_path)
    put(
        tmp_path, "ants/Photo.png", "ants/photo.png", "ants/cafe\u0301.png", "ants/caf\u00e9.png", "ants/two\nlines.png"
    )
    source = (tmp_path / "ants" / "ants00.png").read_bytes()
    Path(str(tmp_path / "ants") + "/caf\udce9_latin1.png").write_bytes(source)
    data = folder(tmp_path)
    assert "ants/two\nlines.png" in splits_of(data)
    assert sorted(p.code for p in data.notes) == ["NAME_COLLISION_CASE", "NAME_COLLISION_UNICODE"]
    (odd,) = data.left_out
    assert odd.line().startswith("error[NAME_NOT_UTF8]: ants/caf\\xe9_latin1.png: ")
    assert odd.record()["path_hex"] == b"ants/caf\xe9_latin1.png".hex()


def test_loose_images_are_named(tmp_path):
    flat(tmp_path)
    put(tmp_path, "loose.png")
    assert [(p.code, p.where) for p in folder(tmp_path).left_out] == [("CLS_NO_CLASS_FOLDERS", "loose.png")]


def test_refused_roots(tmp_path):
    assert "DATA_NOT_FOUND" in problems(folder, tmp_path / "nowhere")
    assert "DATA_EMPTY" in problems(folder, tmp_path)
    put(tmp_path, "x.png")
    assert "DATA_NOT_A_FOLDER" in problems(folder, tmp_path / "x.png")
    assert "1 images" in problems(folder, tmp_path)["CLS_NO_CLASS_FOLDERS"]


def test_refused_classes(tmp_path):
    flat(tmp_path / "one", classes=("ants",))
    assert "'ants'" in problems(folder, tmp_path / "one")["CLS_TOO_FEW_CLASSES"]
    flat(tmp_path / "deep" / "dataset")
    assert "Did you mean the folder deep/dataset" in problems(folder, tmp_path / "deep")["CLS_TOO_FEW_CLASSES"]
    flat(tmp_path / "case", classes=("Ants", "ants", "bees"))
    assert "'Ants' and 'ants'" in problems(folder, tmp_path / "case")["CLASS_NAME_COLLISION"]


def test_refused_splits(tmp_path):
    put(tmp_path / "a", "train/x/1.png", "train/y/1.png", "val/x/2.png", "val/z/2.png")
    message = problems(folder, tmp_path / "a")["SPLIT_CLASS_MISMATCH"]
    assert "train: x, y; val: x, z" in message and "y, z not in all" in message
    put(
        tmp_path / "b", "train/x/1.png", "train/y/1.png", "val/x/2.png", "val/y/2.png", "valid/x/3.png", "valid/y/3.png"
    )
    assert "val and valid" in problems(folder, tmp_path / "b")["SPLIT_TWICE"]
    put(tmp_path / "c", "train/x/1.png", "train/y/1.png")
    assert "SPLIT_MISSING" in problems(folder, tmp_path / "c")
    put(tmp_path / "d", "train/x/1.png", "train/y/1.png", "val/x/2.png", "val/y/2.png")
    assert "SPLITS_TWICE" in problems(folder, tmp_path / "d", splits={"train": 0.5, "val": 0.5})


def test_all_that_is_wrong_with_the_shares_is_told_at_once(tmp_path):
    with pytest.raises(StudyError) as caught:
        folder(flat(tmp_path), splits={"train": 0.9, "vall": -0.2})
    text = str(caught.value)
    assert "Did you mean 'val'" in text and "above 0" in text and "sum to 0.7" in text


def test_refused_group_patterns(tmp_path):
    flat(tmp_path)
    assert "expected a regular expression with one group" in problems(folder, tmp_path, groups="(")["GROUPS_PATTERN"]
    assert "has 0 groups" in problems(folder, tmp_path, groups="ants")["GROUPS_PATTERN"]
    assert "10 of 20" in problems(folder, tmp_path, groups="(ants)")["GROUPS_PATTERN"]


# ---------------------------------------------------------------------------------------------- tables


def table(root, text, name="manifest.csv", encoding="utf-8"):
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding=encoding)
    return root


def test_a_manifest(tmp_path):
    put(tmp_path, "i/1.png", "i/2.png", "i/3.png", "i/4.png")
    rows = "who,image,label,split\nanna,i/1.png,no,Train\nbob,i/2.png,yes,train\n\n"
    rows += "anna,i/3.png,no,valid\nbob,i/4.png,yes,val\n"
    data = csv(table(tmp_path, rows, encoding="utf-8-sig"), group="who")
    assert data.classes == ("no", "yes") and not data.own_split
    assert [(i.id, i.split, i.label, i.group) for i in data.items] == [
        ("i/1.png", "train", 0, "anna"),
        ("i/2.png", "train", 1, "bob"),
        ("i/3.png", "val", 0, "anna"),
        ("i/4.png", "val", 1, "bob"),
    ]
    assert data.load(data.items[0]).shape == (9, 9, 3)


def test_a_manifest_without_splits_is_split_by_group(tmp_path):
    names = [f"{k}.png" for k in range(40)]
    put(tmp_path / "sub", *names)
    rows = "".join(f"{n},{'ab'[k % 2]},g{k // 4}\n" for k, n in enumerate(names))
    root = table(tmp_path, "", "x.csv")
    table(root / "sub", "file,class,scene\n" + rows)
    data = csv(root, manifest="sub/manifest.csv", image="file", label="class", group="scene")
    assert len({(i.group, i.split) for i in data.items}) == 10 and {i.split for i in data.items} == {"train", "val"}
    assert data.items[0].source.parent == tmp_path / "sub"


def test_all_that_is_wrong_with_a_table_is_told_at_once_with_its_lines(tmp_path):
    rows = [
        "image,label,split",
        "1.png,a,train",
        ",b,train",
        "https://example.org/2.png,b,val",
        "3.png,,val",
        "/data/4.png,a,val",
        "1.png,a,train",
        "5.png,b,vall",
    ]
    found = problems(csv, table(tmp_path, "\n".join(rows)))
    expected = {
        "CSV_EMPTY_VALUE": "line 5",
        "CSV_URL": "never fetched",
        "PATH_ABSOLUTE": "line 6",
        "CSV_IMAGE_TWICE": "line 7",
        "CSV_UNKNOWN_SPLIT": "Did you mean 'val'",
    }
    assert expected.keys() == found.keys()
    assert all(re.search(word, found[code]) for code, word in expected.items())


def test_refused_tables(tmp_path):
    assert "labels.csv" in problems(csv, table(tmp_path / "a", "", "labels.csv"))["DATA_NOT_FOUND"]
    assert (
        "Did you mean 'label'"
        not in problems(csv, table(tmp_path / "b", "image,lable\n1.png,x\n"))["CSV_COLUMN_MISSING"]
    )
    assert "CSV_SEPARATOR" in problems(csv, table(tmp_path / "c", "image;label\n1.png;x\n"))
    assert "line 3" in problems(csv, table(tmp_path / "d", "image,label\n1.png,x\n2.png\n"))["CSV_ROW_LENGTH"]
    assert "CSV_UNREADABLE" in problems(csv, table(tmp_path / "e", "image,label\ncafé.png,x\n", encoding="latin-1"))
    assert "DATA_EMPTY" in problems(csv, table(tmp_path / "f", "image,label\n"))
    one_split = "image,label,split\n1.png,a,train\n2.png,b,train\n"
    assert "SPLIT_MISSING" in problems(csv, table(tmp_path / "g", one_split))
    both = "image,label,split\n1.png,a,train\n2.png,b,val\n"
    assert "SPLITS_TWICE" in problems(csv, table(tmp_path / "h", both), splits={"train": 0.5, "val": 0.5})
    assert "SPLIT_CLASS_MISMATCH" in problems(csv, tmp_path / "h")


def test_a_table_cannot_lead_out_of_its_folder(tmp_path):
    put(tmp_path, "secret.png", "set/1.png", "set/2.png", "set/3.png")
    data = csv(table(tmp_path / "set", "image,label\n1.png,a\n2.png,b\n3.png,a\n../secret.png,b\nno.png,b\n"))
    assert {p.where: p.code for p in data.left_out} == {"../secret.png": "PATH_OUTSIDE_ROOT", "no.png": "FILE_MISSING"}


# ---------------------------------------------------------------------------------------------- faces


def test_faces_are_drawn_and_repeat(monkeypatch):
    data = faces(n=6, n_val=4, n_test=2, size=48)
    assert Counter(i.split for i in data.items) == {"train": 6, "val": 4, "test": 2}
    assert data.classes == ("neutral", "smiling") and len({i.id for i in data.items}) == 12
    assert all(i.source is None and i.box is not None for i in data.items)
    pixels = [data.load(i) for i in data.items]
    assert pixels[0].shape == (48, 48, 3) and pixels[0].dtype == np.uint8
    monkeypatch.setattr(drawn, "_KEPT_DRAWINGS", 0)  # too large to keep: drawn again
    again = faces(n=6, n_val=4, n_test=2, size=48)
    assert again.items == data.items
    assert all((again.load(i) == p).all() for i, p in zip(again.items, pixels, strict=True))
    other = faces(n=6, n_val=4, n_test=2, size=48, seed=1)
    assert any((other.load(i) != p).any() for i, p in zip(other.items, pixels, strict=True))


def test_all_that_is_wrong_with_the_choices_of_faces_is_told_at_once():
    with pytest.raises(StudyError) as caught:
        faces(n=1, n_val=-1, size=5000, difficulty=2, confound=-0.1)
    assert len(caught.value.problems) == 5
    with pytest.raises(StudyError) as caught:
        faces(confound={"validation": 0.8, "val": 8})
    assert len(caught.value.problems) == 2
