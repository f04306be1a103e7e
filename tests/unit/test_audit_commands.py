"""`paribus crops` and `paribus attribution` on studies and on folders of images."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from paribus.cli import main

STUDY = """
title: two crops
seeds: 2
baseline:
  data: {use: faces, n: 12, n_val: 4, size: 32}
  model: {use: small_cnn, width: 2, depth: 1}
  input: {size: 32}
  augment: [random_resized_crop, horizontal_flip]
arms:
  hot: {optimizer: {use: sgd, lr: 0.3}}
  tight: {augment.random_resized_crop.scale: [0.9, 1]}
"""


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """What a command says, (exit code, output, errors); run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(STUDY)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["paribus", *words])
        try:
            code = main()
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return run


def folder(path, images=8):
    """Photographs of noise, wider than high, in two classes."""
    for i in range(images):
        place = path / ("left", "right")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{i}.png")
    return path


def test_crops_of_a_study(told, tmp_path):
    code, said, _ = told("crops", "s.yaml")
    assert code == 0
    assert [line.split(":")[0] for line in said.splitlines()[:3]] == ["baseline", "hot", "tight"]
    home = tmp_path / "paribus-out" / "s"
    assert sorted(p.name for p in (home / "crops").iterdir()) == ["baseline--hot.png", "tight.png"]  # alike: one sheet
    found = json.loads((home / "crops.json").read_text())
    assert [row["arm"] for row in found["rows"]] == ["baseline", "hot", "tight"]
    assert found["rows"][2]["training"]["whole"] > found["rows"][0]["training"]["whole"]
    assert "CROP_BOX" in (home / "crops.html").read_text()


def test_an_arm_can_be_chosen_and_an_unknown_one_is_named(told):
    code, said, _ = told("crops", "s.yaml", "--arm", "tight")
    assert code == 0 and "tight:" in said and "baseline:" not in said
    code, _, errors = told("crops", "s.yaml", "--arm", "tigth")
    assert code == 2 and "tight" in errors


def test_a_folder_without_boxes_has_its_sheets_and_the_reason(told, tmp_path):
    folder(tmp_path / "photos")
    code, said, _ = told("crops", "photos")
    assert code == 0 and "not applicable" in said and "boxes.csv" in said
    sheets = sorted(p.name for p in (tmp_path / "paribus-out" / "crops-photos" / "crops").iterdir())
    assert sheets == ["whole-object-crop.png", "wild-crop.png"]


def test_a_folder_with_boxes_is_audited(told, tmp_path):
    names = [f"{side}/{i}.png" for i in range(8) for side in (("left", "right")[i % 2],)]
    rows = "".join(f"{name},20,10,20,20\n" for name in names)
    (folder(tmp_path / "photos") / "boxes.csv").write_text("path,x,y,w,h\n" + rows)
    code, said, _ = told("crops", "photos")
    assert code == 0 and said.count("of the crops hold the whole box") == 2
    (tmp_path / "photos" / "boxes.csv").rename(tmp_path / "mine.csv")
    code, again, _ = told("crops", "photos", "--boxes", "mine.csv")
    assert code == 0 and again == said


def test_attribution_before_any_run_says_so(told):
    pytest.importorskip("captum", reason="the extra `audit` is not installed")
    code, said, _ = told("attribution", "s.yaml")
    assert code == 0 and "no run is finished yet" in said.lower()
