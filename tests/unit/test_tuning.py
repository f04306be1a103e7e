"""`tune` of a study file: what is tried, what is refused, and which value an arm keeps."""
# ruff: noqa: E501  (the worked example stands here as it is written)

import copy
from dataclasses import replace
from textwrap import dedent

import numpy as np
import pytest
from tiny import BASELINE

from paribus.errors import StudyError
from paribus.metrics import accuracy
from paribus.predictions import Evidence, RunRecord
from paribus.recipe import differences
from paribus.runs import Run
from paribus.study import Study
from paribus.tuning.choice import Tried, Tuned, score, tried

# What earned the gain: 2 x 2 x 2
EARNED = """
title: "Augmentation, model, optimizer: which earned the gain?"
metric: accuracy
margin: 0.02
seeds: 5
epoch: val
tune: {optimizer.lr: {times: [0.3, 1, 3]}, seeds: [100], on: val}
baseline:
  data: {use: folder, root: smiles}
  model: {use: "timm:tf_efficientnet_lite0", pretrained: true}
  input: {size: 96, normalize: model}
  augment: [{use: random_resized_crop, scale: [0.08, 1]}, horizontal_flip]
  optimizer: {use: sgd, lr: 1e-2, momentum: 0.9}
factors:
  augmentation:
    plain: {}
    rich: {augment: [{use: color_jitter, brightness: 0.04, contrast: 0.04, saturation: 0.04, hue: 0.04}, {use: random_resized_crop, scale: [0.75, 1]}, horizontal_flip,
                     {use: auto_augment, policy: cifar10}, {use: cutout, side: 16}, horizontal_flip]}
  model: {lite0: {}, lite2: {model.use: "timm:tf_efficientnet_lite2"}}
  optimizer: {sgd: {}, adam: {optimizer: {use: adam, lr: 1e-3}}}
questions:
  augmentation: {effect: [augmentation]}
  model: {effect: [model]}
  optimizer: {effect: [optimizer]}
  model-by-optimizer: {effect: [model, optimizer]}
"""

RATES = {"optimizer.lr": {"times": [0.3, 1, 3]}, "seeds": [100], "on": "val"}


def study(**top):
    asked = {"title": "t", "seeds": 3, "baseline": copy.deepcopy(BASELINE), "arms": {"still": {"augment": []}}}
    return Study.from_dict({**asked, "tune": RATES, **top})


def problems(**top):
    with pytest.raises(StudyError) as caught:
        study(**top)
    return caught.value.problems


def told(**top):
    (problem,) = problems(**top)
    return problem.line()


def from_text(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return Study.read(path)


# --- what is tried


def test_the_example_of_three_factors(tmp_path):
    works = from_text(tmp_path, EARNED)
    assert len(works.recipes) == 8
    asked = {q.name: q for q in works.questions}
    assert sorted(asked["model"].weights.values()) == [-0.25] * 4 + [0.25] * 4
    assert sorted(asked["model-by-optimizer"].weights.values()) == [-0.5] * 4 + [0.5] * 4
    assert asked["model-by-optimizer"].weights["lite2.adam"] == 0.5
    assert asked["model-by-optimizer"].weights["lite2"] == -0.5
    assert asked["model"].changed == {"model": ["timm:tf_efficientnet_lite0", "timm:tf_efficientnet_lite2"]}
    rich = works.recipes["rich"]
    assert [p.use for p in rich.augment].count("horizontal_flip") == 2


def test_every_arm_tries_as_many_values_around_its_own(tmp_path):
    found = from_text(tmp_path, EARNED)
    tuning = found.tuning
    values = {arm: [c.values["optimizer.lr"] for c in each] for arm, each in tuning.candidates.items()}
    assert len(values) == 8 and tuning.seeds == (100,)
    assert values["lite2"] == [0.003, 0.01, 0.03] and values["rich.lite2.adam"] == [0.0003, 0.001, 0.003]
    for arm, candidates in tuning.candidates.items():
        assert tuning.own[arm].recipe == found.recipes[arm]
        for each in candidates:
            assert set(differences(found.recipes[arm], each.recipe)) <= {"optimizer.lr"}
            assert each.recipe.optimizer.args["lr"] == each.values["optimizer.lr"]
    assert len(tuning.recipes()) == 24


def test_what_is_tuned_is_no_change_that_a_question_asks_about(tmp_path):
    asked = {q.name: q for q in from_text(tmp_path, EARNED).questions}
    assert asked["optimizer"].changed["optimizer"] == ["sgd", "adam"]
    assert "optimizer.lr" not in asked["optimizer"].changed | asked["optimizer"].consequences
    # An arm may name the rate around which it is tuned, and still changes one thing.
    found = study(arms={"wide": {"model.width": 8, "optimizer.lr": 0.01}})
    assert found.questions[0].changed == {"model.width": [4, 8]} and not found.questions[0].bundle
    assert [c.values["optimizer.lr"] for c in found.tuning.candidates["wide"]] == [0.003, 0.01, 0.03]
    assert [p.code for p in problems(tune=None, arms={"wide": {"model.width": 8, "optimizer.lr": 0.01}})] == [
        "ARM_BUNDLE", "QUESTION_BUNDLE"
    ]  # fmt: skip


def test_a_product_is_the_number_that_one_would_write():
    slow, fast = (BASELINE | {"optimizer": {"use": "sgd", "lr": lr}} for lr in (0.1, 0.3))
    product = study(tune=RATES, baseline=slow).tuning.candidates["baseline"][2].recipe
    assert (
        0.1 * 3 != 0.3
        and Run(product, 0, "f").id == Run(study(tune=None, baseline=fast).recipes["baseline"], 0, "f").id
    )


def test_several_paths_make_a_grid_and_values_may_be_absolute():
    found = study(tune={"epochs": {"values": [2, 4]}, "optimizer.momentum": {"values": [0, 0.9]}, "seeds": [7, 8]})
    assert [c.values for c in found.tuning.candidates["still"]] == [
        {"epochs": 2, "optimizer.momentum": 0.0}, {"epochs": 2, "optimizer.momentum": 0.9},
        {"epochs": 4, "optimizer.momentum": 0.0}, {"epochs": 4, "optimizer.momentum": 0.9},
    ]  # fmt: skip
    assert {c.recipe.epochs for c in found.tuning.candidates["still"]} == {2, 4}


def test_the_control_tries_what_the_baseline_does():
    found = study(control="a/a")
    assert found.tuning.candidates["a-a"] == found.tuning.candidates["baseline"]
    assert len(found.tuning.recipes()) == 6  # of three arms


# --- what is refused


def test_every_mistake_is_told_at_once_with_its_line(tmp_path):
    text = """\
    seeds: 3
    tune:
      optimizer.lr: {times: [1]}
      optimzer.lr: {times: [1, 2]}
      optimizer.backbone_lr: {times: [1, 2]}
      data.n: {values: [10, 20]}
      epochs: [1, 2]
      augment.cutout.side: {values: [2, 4]}
      seeds: [2]
      on: test
    baseline: {data: faces, model: small_cnn, augment: [cutout]}
    arms: {still: {augment: []}}
    """
    with pytest.raises(StudyError) as caught:
        from_text(tmp_path, text)
    found = {int(p.where.partition(":")[2]): p.message for p in caught.value.problems}
    assert list(found) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert "at least two different numbers above 0" in found[3]
    assert "Did you mean 'optimizer'?" in found[4]
    assert "baseline (is null, no number), still (is null, no number)" in found[5]
    assert "the data are what all arms share" in found[6]
    assert "either `times`" in found[7]
    assert "still (has no such choice)" in found[8] and "baseline" not in found[8]
    assert "[2] are scored too" in found[9]
    assert "on the images that chose it" in found[10]


def test_seeds_that_are_scored_do_not_choose():
    assert "[1] are scored too" in told(tune=RATES | {"seeds": [100, 1]})
    assert "[9] are scored too" in told(tune=RATES | {"seeds": [9]}, seeds=None, looks=[3, 10])
    assert "[1001] are scored too" in told(tune=RATES | {"seeds": [1001]}, control="a/a")
    assert "seeds: [200]" in told(tune=RATES | {"seeds": [100]}, seeds=[100, 101])
    assert study(tune=RATES | {"seeds": [1001]}).tuning.seeds == (1001,)
    for wrong in (None, 3, [], [1.5], [100, 100], "100"):
        assert "list of different whole numbers" in told(tune=RATES | {"seeds": wrong})


@pytest.mark.parametrize("on", ["test", "train", "crossfit", None])
def test_values_are_chosen_on_val_and_nowhere_else(on):
    assert "TUNE_ON" in told(tune=RATES | {"on": on})


@pytest.mark.parametrize(
    ("tune", "words"),
    [
        ("optimizer.lr", "must be a mapping of paths"),
        ({"seeds": [100]}, "must be a mapping of paths"),
        ({"optimizer.lr": {"times": [0, 1]}, "seeds": [100]}, "above 0"),
        ({"optimizer.lr": {"times": [True, 2]}, "seeds": [100]}, "two different numbers"),
        ({"optimizer.lr": {"values": [1, 1.0]}, "seeds": [100]}, "two different numbers"),
        ({"optimizer.lr": {"times": [1, 2], "values": [1, 2]}, "seeds": [100]}, "either `times`"),
        ({"optimizer": {"values": [1, 2]}, "seeds": [100]}, "is 'sgd', no number"),
        ({"model.pretrained": {"values": [1, 2]}, "seeds": [100]}, "has no such choice"),
        ({"optimizer.weight_decay": {"times": [1, 2]}, "seeds": [100]}, "is 0, which no factor changes"),
        ({"optimizer.momentum": {"values": [0.9, 1.5]}, "seeds": [100]}, "momentum must be a number of at least 0"),
        ({"epochs": {"times": [0.5, 1]}, "seeds": [100]}, "must be a whole number from 1, not 1.5"),
        ({"optimizer.lr": {"values": [k / 8 for k in range(1, 102)]}, "seeds": [100]}, "101 candidates"),
    ],
)
def test_mistakes(tune, words):
    assert words in told(tune=tune)


def test_an_arm_of_nothing_but_a_tuned_path_is_refused():
    found = problems(arms={"hot": {"optimizer.lr": 0.3}}, questions={"hot": {"compare": ["baseline", "hot"]}})
    assert [p.code for p in found] == ["ARM_TUNED", "QUESTION_BUNDLE"]
    assert "changes nothing but optimizer.lr" in found[0].message
    assert "do not differ apart from what `tune` chooses" in found[1].message


def test_the_metric_that_chooses_must_fit_the_task():
    baseline = {"data": "streets", "model": {"use": "fcn", "pretrained": False}}
    arms, questions = (
        {"wide": {"optimizer.momentum": 0.5}},
        {"q": {"compare": ["baseline", "wide"], "metric": "mean_iou"}},
    )
    found = problems(baseline=baseline, arms=arms, questions=questions)
    assert ["accuracy is a metric of classification" in p.message for p in found] == [True]
    assert study(baseline=baseline, arms=arms, questions=questions, metric="mean_iou").tuning


# --- which value an arm keeps


def found(*scores, own=1.0, values=(0.3, 1.0, 3.0), diverged=()):
    runs = tuple(map(str, range(max(map(len, scores)))))
    made = tuple(
        Tried({"lr": value}, runs, tuple(each), int(value in diverged))
        for value, each in zip(values, scores, strict=True)
    )
    assert Tuned({"lr": own}, made).chosen == Tuned({"lr": own}, made[::-1]).chosen
    return Tuned({"lr": own}, made)


def kept(*scores, **more):
    chosen = found(*scores, **more).chosen
    return None if chosen is None else chosen.values["lr"]


def test_the_best_mean_is_kept():
    assert kept([0.7, 0.9], [0.79, 0.8], [0.6, 0.95]) == 0.3
    assert kept([0.7, 0.7], [0.7, 0.8], [0.6, 0.95]) == 3.0


def test_of_equals_the_nearest_is_kept():
    assert kept([0.8, 0.8], [0.9, 0.7], [0.8, 0.8]) == 1.0
    assert kept([0.8, 0.8], [0.5, 0.5], [0.8, 0.8]) == 3.0  # by ratio: 3 times is nearer than 0.3 times
    assert kept([0.8, 0.8], [0.5, 0.5], [0.8, 0.8], values=(0.1, 1.0, 10.0)) == 0.1
    assert kept([0.8, 0.8], [0.8, 0.8], own=0.0, values=(-2.0, 1.0)) == 1.0
    assert sum([0.1, 0.2, 0.3]) > sum([0.3, 0.2, 0.1])  # rounding must not decide
    assert kept([0.3, 0.2, 0.1], [0.1, 0.2, 0.3], values=(1.0, 3.0)) == 1.0


def test_nothing_is_kept_before_everything_was_tried():
    assert kept([0.9, 0.9], [0.8], [0.7, 0.7]) is None
    assert found([0.9, 0.9], [], [0.7, 0.7]).edges == {}


def test_a_value_that_diverged_is_kept_only_if_all_did():
    assert kept([0.7, 0.7], [0.8, 0.8], [0.9, 0.9], diverged=(3.0,)) == 1.0
    assert kept([0.7, 0.7], [0.8, 0.8], [0.9, 0.9], diverged=(0.3, 1.0, 3.0)) == 3.0


def test_the_edge_of_what_was_tried_is_told():
    assert found([0.9, 0.9], [0.8, 0.8], [0.7, 0.7]).edges == {"lr": "smallest"}
    assert found([0.7, 0.7], [0.8, 0.8], [0.9, 0.9]).edges == {"lr": "largest"}
    assert found([0.7, 0.7], [0.9, 0.9], [0.8, 0.8]).edges == {}
    assert found([0.7, 0.7], [0.8, 0.8], [0.9, 0.9], diverged=(3.0,)).edges == {}


def evidence(split, right, epochs=None):
    """Of ten images, `right` of which are right at each epoch; the last ones are wrong."""
    epochs = epochs or tuple(range(1, len(right) + 1))
    logits = np.zeros((len(right), 10, 2), np.float32)
    for epoch, count in enumerate(right):
        logits[epoch, :count, 0], logits[epoch, count:, 1] = 1, 1
    return Evidence(split, tuple(f"{split}-{i}" for i in range(10)), np.zeros(10, np.int64), ("x", "y"), epochs, logits)


def record(val, test, status="done"):
    return RunRecord("r", 100, status, 1.0, {"val": evidence("val", val), "test": evidence("test", test)})


def test_the_score_is_that_of_the_epoch_that_the_study_counts():
    run = record([5, 9, 7], [1, 1, 1])
    assert score(run, "last", accuracy) == 0.7
    assert score(run, "val", accuracy) == 0.9
    assert 0.5 <= score(run, "crossfit", accuracy) <= 0.9
    together = {f"val-{i}": "left" if i < 5 else "right" for i in range(10)}
    by_group = record([5, 6, 5], [1, 1, 1])
    assert (
        score(by_group, "crossfit", accuracy, together) == 0.5
    )  # the right half is scored at the left half's first epoch


@pytest.mark.parametrize("rule", ["last", "val", "crossfit"])
def test_test_images_choose_nothing(rule):
    """On test the second value is far better; it must not be seen."""
    metric, own = accuracy, {"lr": 1.0}
    low, high = record([8, 8], [1, 1]), record([7, 7], [10, 10])
    candidates = [({"lr": 1.0}, low), ({"lr": 3.0}, high)]
    by_val = Tuned(own, tuple(tried(values, ("r",), [run], rule, metric) for values, run in candidates))
    assert by_val.chosen.values == {"lr": 1.0}
    assert np.mean(accuracy(high.evidence["test"].at(2))) > np.mean(accuracy(low.evidence["test"].at(2)))
    shorter = replace(low, evidence={"val": evidence("val", [8]), "test": evidence("test", [1, 1])})
    assert score(shorter, rule, metric) == 0.8  # the last epoch of test is not looked for


def test_a_run_that_diverged_is_scored_at_its_last_finite_epoch():
    each = tried({"lr": 1.0}, ("r", "s"), [record([5, 6], [1, 1], "diverged"), record([7], [1])], "last", accuracy)
    assert each.scores == (0.6, 0.7) and each.diverged == 1 and each.complete and each.mean == pytest.approx(0.65)
