"""Recipes are completed, compared and changed by path."""

import json

import pytest
from tiny import BASELINE, recipe

from paribus.recipe import FIELDS, Recipe, RecipeProblem, augment_paths, changed, complete, differences


def refused(**changes):
    with pytest.raises(RecipeProblem) as caught:
        recipe(**changes)
    return {".".join(map(str, where)): sentence for where, sentence in caught.value.problems}


def test_a_completed_recipe_goes_through_json_and_back():
    found = recipe(trainable={"from": "4"})
    assert Recipe.from_plain(json.loads(json.dumps(found.plain()))) == found
    assert tuple(found.plain()) == FIELDS
    assert found.plain()["optimizer"]["momentum"] == 0.9  # a default, written out


def test_all_misfits_of_a_recipe_at_once():
    found = refused(epochs=0, batch_norm="no", optimizer={"use": "sgd", "lr": -1, "momentun": 1}, loss=3, speling=1)
    assert set(found) == {"epochs", "batch_norm", "optimizer.lr", "optimizer.momentun", "loss", "speling"}
    assert set(refused(optimizer={"lr": 1})) == {"optimizer"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", {"size": 4}),
        ("input", {"eval_size": 0}),
        ("input", {"eval_size": -9}),
        ("input", {"crop_fraction": 0}),
        ("input", {"crop_fraction": 1.5}),
        ("input", {"normalize": {"mean": [0, 0, 0]}}),
        ("input", {"normalize": {"mean": [0, 0], "std": [1, 1]}}),
        ("input", {"normalize": {"mean": [0, 0, 0], "std": [1, 0, 1]}}),
        ("optimizer", {"use": "sgd", "lr": -1}),
        ("optimizer", {"use": "adam", "backbone_lr": -1}),
        ("optimizer", {"use": "sgd", "nesterov": True, "momentum": 0}),
        ("model", {"use": "small_cnn", "depth": 5}),  # of 16 pixels nothing is left
        ("views", 0),
        ("views", 1.5),
        ("input", {"size": [64, 96]}),
        ("input", {"prepare": 4}),
        ("trainable", {"from": 3}),
        ("trainable", "body"),
        ("epochs", True),
        ("batch_size", 2.0),
        ("precision", "float16"),
        ("augment", "horizontal_flip"),
        ("model", "timm"),
        ("model", "timm:no_such_net"),
        ("model", "torchvision:alexnt"),
        ("model", "my_lab:wide"),
    ],
)
def test_choices_that_make_no_sense(field, value):
    assert any(where.startswith(field) for where in refused(**{field: value}))


def test_near_names_of_networks():
    assert "Did you mean 'alexnet'?" in refused(model="torchvision:alexnt")["model"]


def test_changed_replaces_one_unit_and_leaves_the_original():
    before = json.dumps(BASELINE)
    assert changed(BASELINE, "epochs", 9)["epochs"] == 9
    assert changed(BASELINE, "optimizer.lr", 1)["optimizer"] == {"use": "sgd", "lr": 1}
    assert changed(BASELINE, "schedule.every", 2)["schedule"] == {"use": "constant", "every": 2}
    assert changed(BASELINE, "model.use", "x")["model"] == {"use": "x", "width": 4, "depth": 2}
    flipped = changed(BASELINE, "augment.horizontal_flip.p", 1)["augment"]
    assert flipped == [{"use": "random_resized_crop", "scale": [0.5, 1]}, {"use": "horizontal_flip", "p": 1}]
    twice = BASELINE | {"augment": ["horizontal_flip", "horizontal_flip"]}
    second = changed(twice, "augment.horizontal_flip#2.p", 1)["augment"]
    assert second == [{"use": "horizontal_flip"}, {"use": "horizontal_flip", "p": 1}]
    assert json.dumps(BASELINE) == before


@pytest.mark.parametrize(
    "path", ["epoch", "epochs.x", "augment.cutout.side", "augment.horizontal_flip", "augment.", ""]
)
def test_paths_to_nothing(path):
    with pytest.raises(RecipeProblem):
        changed(BASELINE, path, 1)


def test_differences_name_paths_and_both_values():
    a, b = recipe(), recipe(optimizer={"use": "adam"}, augment=["horizontal_flip"])
    found = differences(a, b)
    assert found["optimizer"] == ["sgd", "adam"]
    assert found["optimizer.lr"] == [0.05, 0.001]
    assert found["optimizer.momentum"] == [0.9, None]
    assert found["augment"] == [["random_resized_crop", "horizontal_flip"], ["horizontal_flip"]]
    assert "epochs" not in found
    assert differences(a, complete(BASELINE)) == {}


def test_parts_listed_twice_have_paths_of_their_own():
    assert augment_paths(["a", "b", "a"]) == ["augment.a", "augment.b", "augment.a#2"]
