"""What the pages on segmentation say can be written, can be written; what they list is all there is."""

import re
from pathlib import Path

import pytest
import yaml

from paribus import losses, metrics, parts, yamlfile
from paribus.recipe import complete
from paribus.study import Study

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "segmentation.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]


@pytest.mark.parametrize("block", [b for b in BLOCKS if set(b) == {"data"}], ids=lambda b: b["data"]["use"])
def test_data_can_be_written_so(block):
    assert complete({**block, "model": "fcn", "optimizer": "sgd"}).data.use == block["data"]["use"]


def test_label_spaces_can_be_written_so():
    block = next(b for b in BLOCKS if "labels" in b)
    baseline = {"data": {"use": "camvid", "root": "camvid"}, "model": "fcn", "optimizer": "sgd"}
    study = Study.from_dict({"title": "x", "metric": "mean_iou", "seeds": 2, "baseline": baseline, **block})
    assert study.questions[0].score_in["classes"] == ["sky", "static", "objects"]


def test_tuning_can_be_written_so():
    (block,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "tuning.md").read_text(), re.DOTALL)
    baseline = {"data": "faces", "model": "small_cnn", "optimizer": {"use": "sgd", "lr": 0.01}}
    arms = {"adam": {"optimizer": {"use": "adam", "lr": 1e-3}}}
    written = {"title": "x", "baseline": baseline, "arms": arms, **yamlfile.parse(block.encode(), "").value}
    study = Study.from_dict(written)
    assert [c.values["optimizer.lr"] for c in study.tuning.candidates["adam"]] == [0.0003, 0.001, 0.003]


def test_every_metric_augmentation_and_rule_of_weights_is_named():
    named = [*metrics.names("segmentation"), *parts.names("paribus.pixel_transforms"), *losses.OF_PIXELS]
    assert [name for name in named if f"`{name}`" not in TEXT and f" {name}`" not in TEXT] == []


@pytest.mark.parametrize("page", [*DOCS.glob("*.md"), DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_pictures_and_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def _lines_of_data():
    lines = (DOCS / "data.md").read_text().splitlines()
    return [yaml.safe_load(line)["data"] for line in lines if line.strip().startswith("data: ") and "|" not in line]


@pytest.mark.parametrize("data", _lines_of_data(), ids=str)
def test_data_from_elsewhere_can_be_written_so(data):
    model = "small_cnn" if data != "pet_trimaps" else {"use": "fcn"}
    assert complete({"data": data, "model": model}).data.use == (data if isinstance(data, str) else data["use"])


def test_a_share_of_the_training_images_can_be_asked_about_so():
    asked = "half: {data.train_fraction: 0.5}"
    assert asked in (DOCS / "data.md").read_text()
    baseline = {"data": {"use": "folder", "root": "smiles", "train_fraction": 0.8}, "model": "small_cnn"}
    study = Study.from_dict({"title": "x", "seeds": 2, "baseline": baseline, "arms": yaml.safe_load(f"{{{asked}}}")})
    assert study.questions[0].changed == {"data.train_fraction": [0.8, 0.5]}
