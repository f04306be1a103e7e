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


def test_tests_that_a_page_names_are_there():
    named = {
        name for page in DOCS.glob("*.md") for name in re.findall(r"`((?:unit|faults)/\S+?\.py)`", page.read_text())
    }
    assert len(named) > 10
    assert [name for name in sorted(named) if not (DOCS.parent / "tests" / name).exists()] == []
