"""`paribus look`: the sheets show what training and evaluation really see."""

import sys

import numpy as np
import pytest
import tiny
from PIL import Image

from paribus import looking
from paribus.cli import main
from paribus.datasets import ImageSet, Item, streets
from paribus.recipe import complete
from paribus.scan import scan
from paribus.views import Pictures, TrainingViews

STUDY = """
title: two crops
seeds: [4, 5]
control: a/a
baseline:
  data: {use: faces, n: 12, n_val: 4, size: 32}
  model: {use: small_cnn, width: 2, depth: 1}
  input: {size: 32}
  augment: [random_resized_crop, horizontal_flip]
arms:
  hot: {optimizer: {use: sgd, lr: 0.3}}
  tight: {augment.random_resized_crop.scale: [0.9, 1]}
"""
MASKED = {
    "data": {"use": "streets", "n": 6, "n_val": 2, "size": [32, 48]},
    "model": {"use": "fcn", "backbone": "resnet10t", "skips": []},
    "input": {"size": [32, 48], "normalize": "imagenet"},
    "augment": ["scale_crop"],
}


def shown(monkeypatch, *arguments):
    """The panels of a sheet, (caption, pixels), and its legends."""
    kept = []
    monkeypatch.setattr(looking, "sheet", lambda panels, legends, title: kept.append((panels, legends)))
    looking.sheet_of(*arguments)
    ((panels, legends),) = kept
    return [(caption, np.asarray(picture)) for caption, picture in panels], legends


def enlarged(pixels):
    factor = -(-200 // pixels.shape[1])
    return pixels.repeat(factor, 0).repeat(factor, 1)


def test_a_row_is_evaluation_and_the_views_that_training_sees(monkeypatch):
    found, recipe = scan(tiny.image_set()), tiny.recipe()
    image = looking.some(found, 3)[2]
    panels, legends = shown(monkeypatch, "a", recipe, found, [image], 3)
    assert [caption for caption, _ in panels] == [
        "bright" if image[2] in "13579" else "dark",
        *(f"epoch {e}" for e in (1, 2, 3)),
    ]
    assert legends == []
    pictures = Pictures(found.images)
    views = TrainingViews(pictures, recipe, 3)
    place = [item.id for item in pictures.items("train")].index(image)
    for epoch in (1, 2, 3):  # what the loop trains on, image by image, in its own order
        trained = np.concatenate([batch.permute(0, 2, 3, 1).numpy() for batch, _ in views.batches(epoch)])
        seen = trained[views.order(epoch).tolist().index(place)]
        assert (panels[epoch][1] == enlarged(seen)).all()
    evaluated = np.concatenate([batch.permute(0, 2, 3, 1).numpy() for batch in pictures.evaluation("train", recipe)])
    assert (panels[0][1] == enlarged(evaluated[place])).all()


def test_another_seed_has_other_views(monkeypatch):
    found, recipe = scan(tiny.image_set()), tiny.recipe()
    one, two = (shown(monkeypatch, "a", recipe, found, ["000-train"], seed)[0] for seed in (0, 1))
    assert (one[0][1] == two[0][1]).all() and (one[1][1] != two[1][1]).any()


def test_masks_stand_below_their_images_in_the_colours_of_their_classes(monkeypatch):
    recipe = complete(MASKED)
    found = scan(streets(n=6, n_val=2, size=(32, 48)))
    images = looking.some(found, 0)
    panels, (legend,) = shown(monkeypatch, "a", recipe, found, images, 0)
    assert len(panels) == 4 * 6 and legend[-1][0] == "void" and ("road", (128, 64, 128)) in legend
    views = TrainingViews(Pictures(found.images), recipe, 0)
    place = [item.id for item in views.pictures.items("train")].index(images[0])
    pixels, mask = views.drawn(1)(place)
    picture = panels[1][1]
    half = len(picture) // 2
    assert (picture[:half] == enlarged(pixels.permute(1, 2, 0).numpy())).all()
    colours = np.array([*found.images.space.colours, *[(0, 0, 0)] * 245], np.uint8)
    assert (picture[half:] == enlarged(colours[mask.numpy()])).all()


def test_every_class_is_shown_where_there_is_room():
    items = [Item(f"{k:02d}", s, int(k == 19), None) for s in ("train", "val") for k in range(20)]
    items = [Item(f"{i.id}{i.split}", i.split, i.label, None) for i in items]
    found = scan(ImageSet("tiny", ("usual", "rare"), tuple(items), tiny.load))
    chosen = looking.some(found, 0)
    assert len(chosen) == 6 and chosen[-1] == "19train"


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """What a command says, (exit code, output, errors); run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(STUDY)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["paribus", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, *capsys.readouterr()

    return run


def test_look_at_a_study(told, tmp_path):
    code, said, _ = told("look", "s.yaml")
    assert code == 0 and "look.html" in said
    home = tmp_path / "paribus-out/s"
    assert sorted(p.name for p in (home / "look").iterdir()) == ["baseline--hot.png", "tight.png"]
    page = (home / "look.html").read_text()
    assert "random_resized_crop (scale [0.9, 1]" in page and "seed 4" in page
    assert "augment.random_resized_crop.scale" in page and "[0.08, 1] → [0.9, 1]" in page
    assert told("look", "s.yaml", "--arm", "tight")[0] == 0
    assert [p.name for p in (home / "look").iterdir()] == ["tight.png"]
    code, _, errors = told("look", "s.yaml", "--arm", "tigth")
    assert code == 2 and "Did you mean 'tight'" in errors


def test_look_at_a_folder_of_images(told, tmp_path):
    for k in range(8):
        place = tmp_path / "photos" / ("left", "right")[k % 2]
        place.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(k).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(place / f"{k}.png")
    assert told("look", "photos")[0] == 0
    assert (tmp_path / "paribus-out/look-photos/look.html").exists()
    code, _, errors = told("look", "nowhere")
    assert code == 3 and "there is no such folder" in errors
