"""`data.train_fraction`: each seed trains on images of its own, the same in all arms, and the report says so."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny import MARKS, contents, image_set, recipe, run, trained

from paribus import checkpoint, classifying, findings, sampling
from paribus.bound import runs_of
from paribus.datasets import Item
from paribus.errors import StudyError
from paribus.execute import data_lock
from paribus.execute import image_set as images_of
from paribus.parts import Part
from paribus.parts import names as names_of
from paribus.questions import Question
from paribus.recipe import HOMES, Recipe, RecipeProblem, _completed_data, complete
from paribus.report.sections.questions import _covers
from paribus.runs import Run
from paribus.store import Store
from paribus.study import Study
from paribus.train import prepare, train
from paribus.views import Pictures, TrainingViews
from paribus.wording import training_images

HALF = {"use": "faces", "train_fraction": 0.5}
STUDY = """
seeds: 3
baseline: {data: faces, model: small_cnn}
arms:
  half: {data.train_fraction: 0.5}
"""


def items(counts, groups=None):
    return [
        Item(f"{label}-{i:02d}", "train", label, None, group=groups(label, i) if groups else None)
        for label, count in enumerate(counts)
        for i in range(count)
    ]


def names(all_items, *what):
    return {all_items[i].id for i in sampling.drawn(all_items, *what)}


def test_the_share_of_each_class_and_at_least_one_image():
    found = [name[0] for name in names(items([20, 10, 1]), 0.3, 0)]
    assert [found.count(k) for k in "012"] == [6, 3, 1]


def test_each_seed_draws_its_own_and_a_larger_share_holds_the_smaller():
    all_items = items([20, 20])
    assert names(all_items, 0.5, 0) != names(all_items, 0.5, 1)
    assert names(all_items, 0.5, 0) < names(all_items, 0.8, 0)
    assert sampling.drawn(all_items, 1, 0).tolist() == list(range(40))


def test_the_order_of_the_items_and_other_classes_do_not_matter():
    all_items = items([12, 12])
    turned = all_items[::-1]
    assert names(all_items, 0.5, 3) == names(turned, 0.5, 3)
    alone = names(all_items[:12], 0.5, 3)
    assert alone == {name for name in names(all_items, 0.5, 3) if name[0] == "0"}


def test_every_image_is_drawn_about_as_often():
    all_items = items([10])
    often = np.zeros(10)
    for seed in range(400):
        often[sampling.drawn(all_items, 0.5, seed)] += 1
    assert np.abs(often - 200).max() < 45  # 4.5 standard deviations of 10


def test_groups_are_drawn_whole():
    all_items = items([12, 12], lambda label, i: f"person {label}{i // 3}")
    found = [all_items[i].group for i in sampling.drawn(all_items, 0.5, 0)]
    assert {found.count(group) for group in found} == {3} and len(set(found)) == 4


def test_a_recipe_on_all_images_has_the_id_it_always_had():
    assert recipe(data={"use": "faces", "train_fraction": 1}) == recipe()
    assert "train_fraction" not in recipe().plain()["data"]
    half = recipe(data=HALF)
    assert half.plain()["data"]["train_fraction"] == 0.5 and Recipe.from_plain(half.plain()) == half
    assert Run(half, 0, "f").id != Run(recipe(), 0, "f").id


@pytest.mark.parametrize("wrong", [0, -0.1, 1.5, "half", True, None, float("nan")])
def test_shares_that_are_none(wrong):
    with pytest.raises(RecipeProblem) as error:
        complete({"data": {"use": "faces", "train_fraction": wrong, "n": "many"}, "model": "small_cnn"})
    assert [where for where, _ in error.value.problems] == [("data", "n"), ("data", "train_fraction")]
    assert f"train_fraction must be a number above 0 and at most 1, not {wrong!r}" in error.value.problems[1][1]


def test_a_wrong_share_is_told_with_its_line(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(STUDY.replace("0.5", "50"))
    with pytest.raises(StudyError, match=r"s\.yaml:5.*train_fraction must be a number above 0 and at most 1, not 50"):
        Study.read(path)


def test_training_images_that_seeds_draw_cannot_be_scored(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(STUDY + "split: train\n")
    with pytest.raises(StudyError, match=r"s\.yaml:6.*seeds of half draw some.*split: val"):
        Study.read(path)


def test_a_share_is_one_factor_and_the_data_are_looked_at_once(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(STUDY)
    study = Study.read(path)
    (question,) = study.questions
    assert question.changed == {"data.train_fraction": [1.0, 0.5]} and not question.bundle
    assert question.train_fractions == {"half": 0.5}
    assert data_lock(study, "half") == data_lock(study, "baseline")
    small = replace(
        study.recipes["half"], data=complete({"data": HALF | {"n": 2, "n_val": 2}, "model": "small_cnn"}).data
    )
    assert len(images_of(small, None).items) == 4


@pytest.mark.parametrize("use", names_of(HOMES["data"]))
def test_any_data_set_has_it(use):
    needed = {"classes": ["a", "b"]} if use == "masks" else {}
    use = "torchvision:CIFAR10" if use == "torchvision" else use
    found = _completed_data(Part(use, needed | {"train_fraction": 0.5}), HOMES["data"], ())
    assert found.args == _completed_data(Part(use, needed), HOMES["data"], ()).args | {"train_fraction": 0.5}


def test_all_arms_of_a_seed_train_on_the_same_images():
    pictures = Pictures(image_set())
    seen = []
    for changes in ({}, {"optimizer": {"use": "adam"}}, {"views": 2}):
        views = TrainingViews(pictures, recipe(data=HALF, **changes), 7)
        orders = [views.order(epoch) for epoch in (1, 2)]
        assert not np.array_equal(*orders)
        seen += [set(order.tolist()) for order in orders]
        assert views.steps() == len(list(views.chosen(1))) == 2  # ten images, eight a batch
    assert all(each == seen[0] for each in seen) and len(seen[0]) == 10
    other = TrainingViews(pictures, recipe(data=HALF), 8)
    assert set(other.order(1).tolist()) != seen[0]


def test_an_image_is_augmented_alike_whatever_else_is_drawn():
    pictures = Pictures(image_set())
    half, whole = (TrainingViews(pictures, recipe(data=d), 7) for d in (HALF, "faces"))
    index = int(half.positions[3])
    assert half.drawn(2)(index)[0].equal(whole.drawn(2)(index)[0])


def test_weights_of_classes_count_what_is_drawn():
    pictures = Pictures(image_set(20))
    training = prepare(run(data=HALF, loss={"use": "cross_entropy", "class_weights": "balanced"}), pictures, None)
    chosen = [pictures.items("train")[i] for i in training.views.positions]
    assert classifying.counts(pictures, chosen) == [5, 5]
    assert training.steps_per_epoch == 2


def test_features_of_a_still_body_are_shared_by_all_draws():
    pictures = Pictures(image_set())
    asked = {"data": HALF, "trainable": "head", "views": 1}
    one, two = (prepare(run(seed, **asked), pictures, None) for seed in (0, 0))
    two.views = TrainingViews(pictures, two.run.recipe, 1)  # another draw, the same body
    batches = [[b.clone() for b, _ in training.batches(1)] for training in (one, two)]
    assert len({key for key in pictures._kept if key[0] == "features"}) == 1
    assert not batches[0][0].equal(batches[1][0])


def test_the_evidence_on_train_is_of_the_drawn_images(tmp_path):
    one = run(3, data=HALF)
    folder = trained(tmp_path, one)
    record = Store(tmp_path).load(one.id, MARKS)
    all_items = Pictures(image_set()).items("train")
    expected = [all_items[i].id for i in sampling.drawn(all_items, 0.5, 3)]
    assert list(record.evidence["train"].image_ids) == expected and len(expected) == 10
    assert len(record.evidence["val"].image_ids) == 9
    about = json.loads((folder / "run.json").read_text())
    assert (about["drawn"], about["train_images"]) == (10, 20)


class Killed(BaseException):
    """Stands for a process that is no more."""


def test_a_run_on_drawn_images_goes_on_bit_for_bit(tmp_path, monkeypatch):
    one = run(5, data=HALF, optimizer={"use": "adam", "lr": 0.01})
    whole = contents(trained(tmp_path / "whole", one))
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)

    def kill(epoch, seconds):
        if epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        train(
            one, Pictures(image_set()), None, Store(tmp_path / "again"), {k: MARKS[k] for k in ("train", "val")}, kill
        )
    assert not (tmp_path / "again" / one.id).exists()
    assert contents(trained(tmp_path / "again", one)) == whole


def test_the_id_of_a_run_holds_its_training_images():
    all_items = image_set()
    regrouped = replace(all_items, items=tuple(replace(i, group=i.id[:2]) for i in all_items.items))
    ids = []
    for images in (all_items, regrouped):
        scan = SimpleNamespace(images=images, fingerprints={"train": "f"})
        bound = SimpleNamespace(fingerprints=lambda arm: {"train": "f"}, scans={"a": scan}, weights={})
        ids.append([r.id for r in runs_of(bound, "a", recipe(data=HALF), (0, 1))])
        assert [r.train for r in runs_of(bound, "a", recipe(), (0, 1))] == ["f", "f"]
    assert len({*ids[0], *ids[1]}) == 4  # the data's groups are in no fingerprint, and decide what is drawn


def test_what_the_interval_covers():
    arms = ("a", "b")
    assert training_images("new_images", arms, {}) == "same training set"
    drawn = training_images("new_images", arms, {"a": 0.8, "b": 0.8})
    assert drawn == "and new training images drawn from this set (80 % a run)"
    unlike = training_images("new_images", arms, {"a": 0.5, "b": 0.8})
    assert unlike == "and new training images drawn from this set (50 % a run of a, 80 % a run of b)"
    one_side = training_images("these_images", arms, {"b": 0.5})
    assert one_side == "new training images drawn from this set for one side only (50 % a run of b; a: all of it)"
    assert training_images("these_networks", arms, {"b": 0.5}) == "same training images"
    q = {"estimand": "new_images", "compare": {"a": -1, "b": 1}, "blocks": False}
    assert _covers(q | {"train_fractions": {}}) == "New runs and new images of this kind; the same training set."
    stretches = _covers(q | {"blocks": True, "train_fractions": {}})
    assert stretches == "New runs and new stretches of the same recordings; the same training set."
    assert "drawn from this set (80 % a run)." in _covers(q | {"train_fractions": {"a": 0.8, "b": 0.8}})


def told(shares):
    arms = [
        {"name": a, "recipe": {"data": {"use": "faces"} | ({} if s == 1 else {"train_fraction": s})}}
        for a, s in shares.items()
    ]
    row = SimpleNamespace(question=Question("q", "?", {"a": -1.0, "b": 1.0}, "accuracy"))
    return findings._one_training_set(SimpleNamespace(study={"arms": arms}, rows=[row]))


def test_the_finding():
    assert told({"a": 1, "b": 1}).title == "One training set"
    both = told({"a": 0.8, "b": 0.8}).sentence
    assert (
        "a (80 %), b (80 %)" in both and "which images of this set are drawn" in both and "draw different" not in both
    )
    assert "The two sides of q draw different shares" in told({"a": 1, "b": 0.5}).sentence
