"""`paribus new`: what is seen in a folder, what fits the time, and the study that is written."""

import csv
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from paribus import planning, weights
from paribus.cli import main
from paribus.drafting import budget, design, measuring, seen_at, whole
from paribus.drafting.design import epochs, sizes
from paribus.drafting.material import Material
from paribus.drafting.whole import root_of
from paribus.errors import DataError, MachineError
from paribus.planning import ArmCost
from paribus.scan import scan
from paribus.study import Study


def noise(path, shape=(20, 24), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)).save(path)


def classes(root, counts, shape=(20, 24)):
    """A folder a class, `counts` images each."""
    seed = 0
    for name, count in counts.items():
        for k in range(count):
            noise(root / name / f"{k}.png", shape, seed := seed + 1)
    return root


def masked(root, values=(0, 1), count=6, folders=("images", "masks")):
    for k in range(count):
        noise(root / folders[0] / f"{k}.png", (40, 60), k)
        mask = np.random.default_rng(k).choice(np.array(values, np.uint8), (40, 60))
        (root / folders[1]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / folders[1] / f"{k}.png")
    return root


def data(**changes):
    usual = {"classes": ("a", "b"), "masks": False, "film": False, "split": "val", "train": 300, "scored": 100}
    usual |= {"units": 100, "imbalance": 1.0, "height": 240, "width": 320, "shorter": 240}
    return Material(**usual | changes)


@pytest.fixture
def paribus(tmp_path, monkeypatch, capsys):
    """Runs a command in an empty folder: (exit code, output, errors). A step on 64 x 64 pixels takes 10 ms."""
    monkeypatch.chdir(tmp_path)
    found = weights.Weights(tmp_path / "w.safetensors", "0" * 64, "file")
    monkeypatch.setattr(weights, "find", lambda use: found)

    def costs(bench, written, precisions):
        bound = bench.bound(written)
        recipes = bound.study.recipes
        rows = []
        for arm, recipe in recipes.items():
            size = recipe.input.args["size"]
            pixels = size * size if isinstance(size, int) else size[0] * size[1]
            seconds = 0.01 * pixels / 64**2 * recipe.epochs
            rows.append(ArmCost(arm, 2, seconds, by_precision={p: seconds * (1 + (p == "bf16")) for p in precisions}))
        return rows

    monkeypatch.setattr(measuring.Bench, "costs", costs)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["paribus", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def real(tmp_path, monkeypatch):
    """As `paribus`, but steps are timed; the network is a very small one without weights."""
    monkeypatch.chdir(tmp_path)
    for module in (design, whole):
        monkeypatch.setattr(module, "NETWORK", "test_resnet")
    monkeypatch.setattr(whole, "_weights", lambda: ({}, "No pretrained weights."))
    monkeypatch.setattr(planning, "WARM_UP", 1)
    monkeypatch.setattr(planning, "STEPS", 1)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["paribus", *map(str, words), "--threads", "1"])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code

    return run


def test_what_is_drafted_from_real_steps_can_be_run(real, tmp_path):
    classes(tmp_path / "d", {"a": 6, "b": 6})
    assert real("new", "d") == 0
    text = (tmp_path / "study.yaml").read_text()
    short = re.sub(r"epochs: \d+", "epochs: 1", re.sub(r"^seeds: \d+", "seeds: 2", text, flags=re.MULTILINE))
    (tmp_path / "study.yaml").write_text(short)
    assert real("run", "study.yaml", "--pictures", "none") == 0
    told = json.loads((tmp_path / "paribus-out/study/report.json").read_text())
    assert [(arm["name"], len(arm["runs"])) for arm in told["arms"]] == [
        ("baseline", 2),
        ("wild-crop", 2),
        ("low-rate", 2),
    ]


def test_no_timed_step_waits_for_a_picture(tmp_path):
    found = scan(seen_at(classes(tmp_path / "d", {"a": 6, "b": 6})).images)
    loaded = []
    counted = replace(found.images, load=lambda item: loaded.append(item.id) or found.images.load(item))
    bench = measuring.Bench.of(replace(found, images=counted), {})
    assert len(set(loaded)) == 1 and bench.decode > 0
    loaded.clear()
    written = {
        "split": "val",
        "seeds": 2,
        "baseline": {
            "data": {"use": "folder", "root": "d"},
            "model": {"use": "small_cnn", "width": 2, "depth": 1},
            "input": {"size": 16},
        },
        "arms": {"wide": {"model.width": 4}},
    }
    rows = bench.costs(written, ("float32",))
    assert [row.arm for row in rows] == ["baseline", "wide"] and all(row.seconds_a_run > 0 for row in rows)
    assert loaded == [] and rows[0].missing == 2


# ---------------------------------------------------------------------------------------------------- what lies there


def test_kinds_of_data(tmp_path):
    assert seen_at(classes(tmp_path / "c", {"a": 2, "b": 2})).data == {"use": "folder"}
    found = seen_at(masked(tmp_path / "m", (0, 255)))
    assert found.data["use"] == "masks" and found.data["values"] == {"class_0": 0, "class_255": 255}
    with pytest.raises(DataError, match="no two of its folders hold images and masks"):
        seen_at(tmp_path / "c", "segmentation")
    assert seen_at(tmp_path / "m", "classification").images.classes == ("images", "masks")


def test_a_table_whose_columns_have_other_names(tmp_path):
    classes(tmp_path / "c", {"a": 4, "b": 4})
    rows = [{"Path": f"{name}/{k}.png", "target": name, "patient": k // 2} for name in "ab" for k in range(4)]
    with (tmp_path / "c/labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = seen_at(tmp_path / "c/labels.csv")
    assert found.data == {
        "use": "csv",
        "manifest": "labels.csv",
        "image": "Path",
        "label": "target",
        "group": "patient",
    }
    assert found.root == tmp_path / "c" and len(found.images.items) == 8


@pytest.mark.parametrize(
    "files, expected",
    [
        (["annotations/instances_val.json"], r"annotations/instances_val\.json has polygons.*annToMask"),
        (["val/_annotations.coco.json"], r"_annotations\.coco\.json has polygons"),
        (["JPEGImages/a.jpg", "Annotations/a.xml"], "has boxes"),
        (["a/readme.txt"], "has one class only"),
        (["x.jpg", "y.jpg"], "holds 2 images but no class folders"),
        ([], "holds no images"),
    ],
)
def test_what_cannot_be_used_says_what_to_do(tmp_path, files, expected):
    (tmp_path / "d").mkdir()
    for name in files:
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_text("")
    with pytest.raises(DataError, match=expected):
        seen_at(tmp_path / "d")


def test_panoptic_masks_are_refused_and_explained(tmp_path):
    masked(tmp_path / "d", tuple(range(256)))
    (tmp_path / "d/panoptic_train.json").write_text("{}")
    with pytest.raises(DataError, match=r"panoptic2semantic_segmentation\.py"):
        seen_at(tmp_path / "d")


# -------------------------------------------------------------------------------------------------- what fits the time


def test_more_time_gives_more_seeds_then_nothing_but_what_was_wanted():
    rows = [ArmCost("baseline", 2, 10.0), ArmCost("a", 2, 10.0), ArmCost("b", 2, 10.0)]
    fitted = [budget.fit(rows, 8, 8, 2, seconds) for seconds in (1000, 150, 90, 70, 25, 10, 9)]
    assert [(f.arms, f.seeds, f.epochs) for f in fitted if f] == [
        (2, 10, 8),
        (2, 5, 8),
        (2, 3, 8),
        (2, 3, 6),
        (2, 3, 2),
        (1, 2, 2),
    ]
    assert fitted[-1] is None
    assert all(f.seconds <= s for f, s in zip(fitted, (1000, 150, 90, 70, 25, 10), strict=False) if f)
    assert budget.minutes_for_the_least(rows, 8, 2) == pytest.approx(10 / 0.8 / 60)


def test_inputs_fit_the_pictures():
    assert sizes(data(shorter=3000)) == [224, 160, 128, 96, 64]
    assert sizes(data(shorter=100)) == [128, 96, 64] and sizes(data(shorter=28)) == [64]
    assert sizes(data(shorter=200)) == [224, 160, 128, 96, 64]
    assert sizes(data(masks=True, height=1024, width=2048, shorter=1024))[:2] == [(256, 512), (192, 384)]
    assert sizes(data(masks=True, height=90, width=60, shorter=60)) == [(96, 64)]


def test_few_images_are_seen_more_often():
    usual = [epochs(data(train=n), True)[0] for n in (10, 300, 2000, 50_000)]
    assert usual == sorted(usual, reverse=True) and usual[0] == 20 and usual[-1] == 3
    assert epochs(data(train=300), False)[0] > epochs(data(train=300), True)[0]


# --------------------------------------------------------------------------------------------------- what is written


def test_a_flat_folder_of_classes(paribus, tmp_path):
    classes(tmp_path / "flowers", {"rose é": 10, "no": 10, "1e3": 10})
    code, said, _ = paribus("new", "flowers")
    assert code == 0, said
    text = (tmp_path / "study.yaml").read_text()
    read = Study.read(tmp_path / "study.yaml")
    assert set(read.recipes) == {"baseline", "frozen", "wild-crop"} and read.metric == "accuracy"
    assert len(read.seeds) == 10 and read.primary == "tuning" and read.roots["baseline"] == "flowers"
    assert read.recipes["baseline"].model.args["pretrained"] is True
    assert "70 % of the images train" in text and "points would be found in" in text
    assert said.splitlines()[-2:] == ["  paribus look study.yaml", "  paribus run study.yaml"]


def test_a_table_beside_its_study(paribus, tmp_path):
    classes(tmp_path, {"a": 6, "b": 6})
    rows = "".join(f"{name}/{k}.png,{name}\n" for name in "ab" for k in range(6))
    (tmp_path / "labels.csv").write_text(f"file,class\n{rows}")
    assert paribus("new", "labels.csv")[0] == 0
    read = Study.read(tmp_path / "study.yaml")
    assert read.roots["baseline"] == "." and read.recipes["baseline"].data.args["manifest"] == "labels.csv"


def test_a_study_file_is_never_overwritten_nor_laid_among_the_images(paribus, tmp_path):
    classes(tmp_path / "d", {"a": 6, "b": 6})
    (tmp_path / "study.yaml").write_text("mine")
    code, _, errors = paribus("new", "d")
    assert code == 2 and "never overwritten" in errors and (tmp_path / "study.yaml").read_text() == "mine"
    code, _, errors = paribus("new", "d", "--out", "d/study.yaml")
    assert code == 2 and "in the folder of the images" in errors
    assert paribus("new", "d", "--out", "other.txt")[0] == 2
    assert paribus("new", "d", "--out", "other.yaml")[0] == 0


def test_too_few_minutes_say_what_it_would_take(paribus, tmp_path):
    classes(tmp_path / "d", {"a": 30, "b": 30})
    code, _, errors = paribus("new", "d", "--minutes", "0.001")
    assert code == 2 and "two seeds of a baseline and one arm take about 1 min" in errors and "--minutes 1." in errors
    assert not (tmp_path / "study.yaml").exists()


def test_classes_of_unequal_size_count_alike(paribus, tmp_path):
    classes(tmp_path / "d", {"common": 40, "rare": 6})
    code, said, _ = paribus("new", "d")
    read = Study.read(tmp_path / "study.yaml")
    assert code == 0 and read.metric == "balanced_accuracy"
    assert read.recipes["weighted"].loss.args["class_weights"] == "balanced"
    assert "14 images, which count as 7" in said  # 4 / (1/12 + 1/2)


def test_large_pictures_are_reduced_once(paribus, tmp_path):
    for k in range(6):  # coarse, so that they are small files
        coarse = Image.fromarray(np.random.default_rng(k).integers(0, 256, (13, 14, 3), dtype=np.uint8))
        (tmp_path / "d" / "ab"[k % 2]).mkdir(parents=True, exist_ok=True)
        coarse.resize((1400, 1300), Image.Resampling.NEAREST).save(tmp_path / "d" / "ab"[k % 2] / f"{k}.png")
    assert paribus("new", "d")[0] == 0
    assert Study.read(tmp_path / "study.yaml").recipes["baseline"].input.args["prepare"] == 792


def test_masks(paribus, tmp_path):
    masked(tmp_path / "d", (0, 1, 255))
    code, said, _ = paribus("new", "d")
    read = Study.read(tmp_path / "study.yaml")
    assert code == 0 and read.metric == "mean_iou" and set(read.recipes) == {"baseline", "no-skips", "weighted"}
    assert read.recipes["baseline"].input.args["size"] == [64, 96]
    assert "not told of masks in advance" in said and "255 is taken as void" in (tmp_path / "study.yaml").read_text()


def test_without_weights_all_start_from_scratch_and_it_is_said(paribus, tmp_path, monkeypatch):
    def absent(use):
        raise MachineError([weights.Problem("WEIGHTS_ABSENT", "there are none: offline.")])

    monkeypatch.setattr(weights, "find", absent)
    classes(tmp_path / "d", {"a": 6, "b": 6})
    code, said, _ = paribus("new", "d")
    read = Study.read(tmp_path / "study.yaml")
    assert code == 0 and "from scratch" in said and set(read.recipes) == {"baseline", "wild-crop", "low-rate"}
    assert not any(recipe.model.args["pretrained"] for recipe in read.recipes.values())


def test_images_in_two_splits_are_left_out_of_train(paribus, tmp_path):
    for split in ("train", "val"):
        classes(tmp_path / "d" / split, {"a": 4, "b": 4}, (20, 24) if split == "train" else (21, 24))
    noise(tmp_path / "d/train/a/twin.png", seed=99)
    noise(tmp_path / "d/val/a/twin.png", seed=99)
    code, said, _ = paribus("new", "d")
    assert code == 0 and "left out of train" in said
    assert Study.read(tmp_path / "study.yaml").on_leak == "drop_train"


def test_bad_input_is_one_clear_message(paribus, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.csv").write_bytes(b"image;label\n\xff;a\n")
    classes(tmp_path / "alone", {"a": 3})
    for word, code, expected in [
        ("nowhere", 3, "there is no such folder"),
        ("empty", 3, "holds no images"),
        ("alone", 3, "has one class only"),
        ("bad.csv", 3, "is not a UTF-8 CSV file"),
        ("gone.csv", 3, "there is no such file"),
    ]:
        found = paribus("new", word)
        assert (found[0], expected in found[2]) == (code, True), found
    assert paribus("new", "alone", "--task", "boxes")[0] == 2
    assert not (tmp_path / "study.yaml").exists()


def test_where_the_data_lie(tmp_path):
    assert root_of(tmp_path / "a/b", tmp_path / "s.yaml") == ("a/b", None)
    assert root_of(tmp_path, tmp_path / "s.yaml") == (".", None)
    assert root_of(tmp_path / "a", tmp_path / "b/s.yaml") == (f"{tmp_path.as_posix()}/a", None)
    assert root_of(tmp_path / "a\udcff", tmp_path / "s.yaml") == ("images", "images")


def test_every_question_compares_arms_of_one_change():
    for masks in (False, True):
        for pretrained in (False, True):
            for imbalance in (1.0, 9.0):
                material = data(masks=masks, imbalance=imbalance, train=3000)
                asked = design.questions(material, pretrained)
                part = {"use": "masks", "root": "d", "classes": ["a", "b"]} if masks else {"use": "folder", "root": "d"}
                chosen = design.Design((64, 64) if masks else 64, 3, 2, asked)
                study = Study.from_dict(design.written(material, part, "t", chosen, pretrained))
                assert [q.name for q in study.questions] == [q.name for q in asked] and 2 <= len(asked) <= 3
                assert json.dumps(study.recipes["baseline"].plain())
