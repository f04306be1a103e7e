"""Exported networks, loaded by their own libraries alone: they say what the run said, or there is no export."""

import io
import json
import re
import shutil
import warnings
from contextlib import chdir, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from test_cli import cli

from paribus.exporting import formats, going
from paribus.predicting import choose
from paribus.store import Store

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
pytest.importorskip("onnx", reason="the extra `export` is not installed")

FACES = """
title: "Faces | <b>"
seeds: 2
split: test
epoch: val
baseline:
  data: {use: faces, n: 20, n_val: 10, n_test: 10, size: 36}
  model: {use: "timm:test_resnet"}
  input: {size: 24, crop_fraction: 0.875, prepare: 32}
  optimizer: {use: adam, lr: 1e-3}
  epochs: 1
  batch_size: 10
arms:
  small: {bundle: true, model: {use: small_cnn, width: 4, depth: 2}}
"""
STREETS = """
title: "Streets"
metric: mean_iou
seeds: 1
split: val
baseline:
  data: {use: streets, n: 4, n_val: 3, n_test: 0}
  model: {use: "smp:Unet", encoder: test_resnet}
  input: {size: [40, 56]}
  optimizer: {use: adam, lr: 1e-3}
  epochs: 1
  batch_size: 2
arms:
  fcn: {bundle: true, model: {use: fcn, backbone: test_resnet, skips: []}}
"""


def ran(home: Path, text: str) -> Path:
    (home / "study.yaml").write_text(text)
    assert cli("run", home / "study.yaml", "--out", home / "out", "--threads", 1, "--pictures", "none") == 0
    return home / "out"


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return ran(tmp_path_factory.mktemp("faces"), FACES)


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    return ran(tmp_path_factory.mktemp("streets"), STREETS)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def val_of(out: Path, arm: str, seed: int):
    """(decoded val images by id, what the run said of them)"""
    chosen = choose(out / "study", arm=arm, seed=seed)
    evidence = chosen.store.load(chosen.members[0].run.id).evidence["val"]
    pictures = going.validation(chosen, chosen.store.load(chosen.members[0].run.id), None, ())[0]
    return chosen, pictures, evidence


def saved(pictures, name: str) -> Image.Image:
    item = next(item for item in pictures.items("val") if item.id == name)
    picture = Image.fromarray(pictures.images.load(item))
    picture.save("photo.png")
    return picture


def example(folder: Path, photo: Path) -> str:
    """What the example of the card prints, run where it stands; Paribus has no part in it."""
    card = (folder / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert "paribus" not in code
    shutil.copy(photo, folder / "photo.jpg")
    printed = io.StringIO()
    with chdir(folder), redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an example of fifteen lines closes no file
        exec(code, {})
    return printed.getvalue()


def test_onnx_says_what_the_run_said_and_its_card_says_how(faces, capsys):
    assert cli("export", faces, "--arm", "small", "--seed", 1, "--to", "onnx", "--out", "net") == 0
    said = capsys.readouterr().out
    assert "tried on the 10 images of val: outputs within" in said and "the same answers on 10 of them" in said
    chosen, pictures, evidence = val_of(faces, "small", 1)
    session = onnxruntime.InferenceSession("net/model.onnx")
    assert [i.shape for i in session.get_inputs()] == [["batch", 24, 24, 3]]
    images = torch.cat(list(pictures.evaluation("val", chosen.recipe))).permute(0, 2, 3, 1).contiguous().numpy()
    for batch in (images[:1], images):  # the number of images is free
        logits, probabilities = session.run(None, {"images": batch})
        expected = evidence.at(chosen.members[0].epoch).logits[: len(batch)]
        assert logits == pytest.approx(expected, abs=1e-4)
        scaled = torch.tensor(expected / chosen.members[0].temperature).softmax(1).numpy()
        assert probabilities == pytest.approx(scaled, abs=1e-4)
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == list(chosen.classes) and told["run"] == chosen.members[0].run.id


def test_the_example_of_the_onnx_card_answers_as_predict_does(faces, capsys):
    assert cli("export", faces, "--arm", "small", "--seed", 0, "--to", "onnx", "--out", "net") == 0
    _, pictures, evidence = val_of(faces, "small", 0)
    saved(pictures, evidence.image_ids[3]).resize((50, 44)).save("photo.png")
    assert cli("predict", faces, "--arm", "small", "--seed", 0, "photo.png") == 0
    row = json.loads(Path("predictions/predictions.json").read_text())["images"][0]
    printed = dict(line.split(": ") for line in example(Path("net"), Path("photo.png")).splitlines())
    assert {name: float(p) for name, p in printed.items()} == pytest.approx(row["p"], abs=0.01)


def test_the_card_is_filled_from_the_report(faces):
    assert cli("export", faces, "--arm", "small", "--seed", 0, "--to", "onnx", "--out", "net") == 0
    card = Path("net/README.md").read_text()
    report = json.loads((faces / "study/report.json").read_text())
    arm = next(row for row in report["arms"] if row["name"] == "small")
    low, high = (f"{100 * end:.1f}" for end in arm["ci95"])
    assert f"{100 * arm['mean']:.1f}\N{NO-BREAK SPACE}%, 95 % interval [{low}, {high}]".replace("-", "−") in card
    assert "| seeds | 0, 1 |" in card and "on 10 images of test" in card
    assert "# Faces \\| \\<b\\>: small" in card and card.startswith("---\nlibrary_name: onnxruntime\n")
    for part in (
        "## Data",
        "| all images | 20 | 10 | 10 |",
        "| images of smiling | 10 | 5 | 5 |",
        "`optimizer.lr`",
        "## Limits",
        "Every image gets one of",
    ):
        assert part in card


def test_timm_loads_its_folder_by_itself(faces):
    assert cli("export", faces, "--arm", "baseline", "--to", "timm", "--out", "net") == 0
    assert sorted(p.name for p in Path("net").iterdir()) == [
        "README.md", "config.json", "model.safetensors", "preprocessing.json",
    ]  # fmt: skip
    config = json.loads(Path("net/config.json").read_text())["pretrained_cfg"]
    assert not config.get("license") and not config.get("tag")  # those of other weights
    run = re.search(r"run `(\w+)` \(seed (\d)", Path("net/README.md").read_text())
    chosen, pictures, evidence = val_of(faces, "baseline", int(run.group(2)))
    model = timm.create_model("local-dir:net", pretrained=True).eval()
    assert model.pretrained_cfg["label_names"] == list(chosen.classes)
    config = timm.data.resolve_data_config(model.pretrained_cfg)
    transform = timm.data.create_transform(**config, is_training=False)
    expected = evidence.at(chosen.members[0].epoch).logits
    items, seen = pictures.items("val"), next(iter(pictures.evaluation("val", chosen.recipe)))
    mean, std = (torch.tensor(config[k]).view(3, 1, 1) for k in ("mean", "std"))
    for number in range(3):
        kept = transform(Image.fromarray(pictures.prepared.image(items[number])))
        back = (kept * std + mean) * 255
        assert (back - seen[number].float()).abs().max() < 1.5  # Pillow and torch round a grey level apart
        with torch.inference_mode():
            same = model(((seen[number].float() / 255 - mean) / std)[None])[0].numpy()
        assert same == pytest.approx(expected[number], abs=1e-4 * max(1, np.abs(expected).max()))
    saved(pictures, items[0].id)
    printed = dict(line.split(": ") for line in example(Path("net"), Path("photo.png")).splitlines())
    assert set(printed) == set(chosen.classes)


def test_smp_loads_its_folder_by_itself_and_its_example_gives_the_mask_of_predict(streets):
    library = pytest.importorskip("segmentation_models_pytorch")
    assert cli("export", streets, "--arm", "baseline", "--to", "smp", "--out", "net") == 0
    model = library.from_pretrained("net").eval()
    assert isinstance(model, library.Unet)
    chosen, pictures, _ = val_of(streets, "baseline", 0)
    name = pictures.items("val")[1].id
    saved(pictures, name)
    assert cli("predict", streets, "--arm", "baseline", "photo.png") == 0
    (mask,) = Path("predictions/masks").iterdir()
    with Image.open(mask) as first:
        said = np.asarray(first)
        assert first.getpalette()[:3] == list(chosen.space.colours[0])
    assert np.array_equal(said, kept_mask(streets, chosen, 1))
    with Image.open(next(Path("predictions/overlays").iterdir())) as overlay:
        assert overlay.size == said.shape[::-1]
    row = json.loads(Path("predictions/predictions.json").read_text())["images"][0]
    assert row["disagree"] == 0 and sum(row["share"].values()) == pytest.approx(1, abs=1e-4)
    assert row["share"][chosen.classes[said[0, 0]]] == pytest.approx((said == said[0, 0]).mean(), abs=1e-5)
    # 40 x 56 are not multiples of the encoder's 32: the check of the export pads, and so must who uses it
    told = json.loads(Path("net/preprocessing.json").read_text())
    assert told["resize_to"] == [40, 56] and told["multiple_of"] == 32
    example(Path("net"), Path("photo.png"))
    with Image.open("net/mask.png") as second:
        assert (np.asarray(second) == said).mean() > 0.98


def kept_mask(out: Path, chosen, number: int) -> np.ndarray:
    """What the run's own evaluation kept of a val image."""
    return chosen.store.mask(chosen.members[0].run.id, "val", chosen.splits["val"], number)


def test_a_network_for_pixels_goes_to_onnx(streets):
    assert cli("export", streets, "--arm", "fcn", "--to", "onnx", "--out", "net") == 0
    chosen, pictures, _ = val_of(streets, "fcn", 0)
    saved(pictures, pictures.items("val")[0].id)
    example(Path("net"), Path("photo.png"))
    with Image.open("net/mask.png") as mask:
        assert (np.asarray(mask) == kept_mask(streets, chosen, 0)).mean() > 0.98


def test_a_run_folder_alone_is_enough_and_older_ones_get_colours_of_their_own(streets, tmp_path, monkeypatch):
    run = choose(streets / "study", arm="fcn").members[0].run.id
    alone = tmp_path / "alone/runs" / run
    shutil.copytree(streets / "runs" / run, alone)
    chosen = choose(alone)
    assert (chosen.study, chosen.arm, chosen.report) == (None, None, None)
    assert chosen.space == choose(streets / "study", arm="fcn").space  # from run.json
    assert cli("export", alone, "--to", "onnx") == 0
    card = Path("exported/README.md").read_text()
    assert "one run has no interval" in card and "This run: mean iou 0." in card
    about = Store.about
    monkeypatch.setattr(Store, "about", lambda *a: {k: v for k, v in about(*a).items() if k != "space"})
    older = choose(alone).space
    assert older.classes == chosen.classes and len(set(older.colours)) == len(older.classes)


@pytest.mark.parametrize(
    ("arm", "to", "text"),
    [
        ("small", "timm", "its network is small_cnn, which is not timm's. Fix: take --to onnx."),
        ("baseline", "smp", "which is not one of segmentation-models-pytorch. Fix: take --to onnx."),
        ("small", "onxn", "Did you mean 'onnx'?"),
    ],
)
def test_what_a_library_does_not_have_is_refused(faces, capsys, arm, to, text):
    assert cli("export", faces, "--arm", arm, "--to", to) == 2
    assert text in capsys.readouterr().err and not Path("exported").exists()


def test_without_the_library_the_extra_is_named(faces, monkeypatch, capsys):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    assert cli("export", faces, "--arm", "small", "--to", "onnx") == 6
    assert (
        "onnx and onnxruntime, which are not installed. Fix: pip install 'paribus[export]'" in capsys.readouterr().err
    )


def test_an_export_that_says_something_else_is_none(faces, monkeypatch, capsys):
    whole = formats.write

    def spoilt(to, model, chosen, folder):
        ask = whole(to, model, chosen, folder)
        return lambda batch: ask(batch) + 2e-3

    monkeypatch.setattr(formats, "write", spoilt)
    assert cli("export", faces, "--arm", "small", "--to", "onnx") == 7
    assert "EXPORT_DIFFERS" in capsys.readouterr().err and list(Path().iterdir()) == []


def test_a_changed_run_is_not_exported(faces, tmp_path, capsys):
    out = shutil.copytree(faces, tmp_path / "copy")
    folder = choose(out / "study", arm="small", seed=0).store.folder(
        choose(faces / "study", arm="small", seed=0).members[0].run.id
    )
    content = (folder / "best.safetensors").read_bytes()
    (folder / "best.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert cli("export", folder, "--to", "onnx") == 7
    assert "RUN_DAMAGED" in capsys.readouterr().err


def test_images_that_are_not_kept_are_looked_at_again(faces, tmp_path, capsys):
    out = shutil.copytree(faces, tmp_path / "copy")
    shutil.rmtree(out / "prepared")
    assert cli("export", out, "--arm", "small", "--seed", 0, "--to", "onnx") == 0  # drawn images are drawn again
    assert "tried on the 10 images of val" in capsys.readouterr().out


def test_a_folder_that_is_taken_is_left_alone(faces, capsys):
    Path("exported").mkdir()
    Path("exported/mine").touch()
    assert cli("export", faces, "--arm", "small", "--to", "onnx") == 2
    assert "is there already" in capsys.readouterr().err and [p.name for p in Path("exported").iterdir()] == ["mine"]
