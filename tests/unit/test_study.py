"""The study file: what is accepted, what is refused, and in which words."""
# ruff: noqa: E501  (the worked examples stand here as they are written)

import copy
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import BASELINE

from paribus.errors import StudyError
from paribus.study import Study

SMILES = """
title: "Smiles: what is trained, and what the crop shows"
metric: accuracy
margin: 0.02
looks: [3, 5, 10]
split: test
epoch: val
control: a/a
baseline:
  data: {use: folder, root: smiles}
  model: {use: "timm:tf_efficientnet_lite0", pretrained: true}
  trainable: head
  input: {size: 96, normalize: model}
  augment: [{use: random_resized_crop, scale: [0.08, 1]}, horizontal_flip]
  optimizer: {use: adamw, lr: 5e-3, backbone_lr: 5e-4}
  schedule: one_cycle
  loss: cross_entropy
  epochs: 8
  batch_size: 32
factors:
  training: {feature-extractor: {}, fine-tuned: {trainable: all}, scratch: {bundle: true, trainable: all, model.pretrained: false}}
  crop: {wild: {}, whole-face: {augment.random_resized_crop.scale: [0.75, 1]}}
arms:
  alexnet-scratch: {base: scratch, model: {use: "torchvision:alexnet", pretrained: false}}
questions:
  tuning: {compare: [baseline, fine-tuned], ask: "Does fine-tuning all layers beat the frozen feature extractor?"}
  pretraining: {compare: [scratch, fine-tuned]}
  crop-frozen: {compare: [baseline, whole-face]}
  crop-tuned: {compare: [fine-tuned, fine-tuned.whole-face]}
  crop-by-training: {weights: {baseline: 1, whole-face: -1, fine-tuned: -1, fine-tuned.whole-face: 1}, ask: "Does the crop's effect depend on what is trained?"}
primary: tuning
"""

CAMVID = """
title: "CamVid: skip connections and label spaces"
metric: mean_iou
margin: 0.01
seeds: 3
split: val
epoch: last
groups: {block: 10}
labels:
  three: {from: camvid11, merge: {sky: [sky], static: [building, road, pavement, tree, fence], objects: [pole, sign, car, pedestrian, bicyclist]}}
baseline:
  data: {use: camvid, root: camvid, labels: camvid11}
  model: {use: fcn, backbone: tf_efficientnet_lite0, skips: [8, 16], pretrained: true}
  trainable: all
  input: {size: [240, 320], normalize: model}
  augment: [{use: scale_crop, scale: [0.75, 1.5]}, horizontal_flip]
  optimizer: {use: adamw, lr: 3e-3, backbone_lr: 3e-4}
  schedule: one_cycle
  loss: cross_entropy
  epochs: 30
  batch_size: 8
arms:
  no-skips: {model.skips: []}
  three: {base: no-skips, data.labels: three}
questions:
  skips: {compare: [no-skips, baseline], ask: "Do skip connections help?"}
  fewer-labels: {compare: [no-skips, three], score_in: three, ask: "Does training on three labels help, judged on three labels?"}
primary: skips
"""


def from_text(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return Study.read(path)


def problems(tmp_path, text):
    with pytest.raises(StudyError) as caught:
        from_text(tmp_path, text)
    assert caught.value.exit_code == 2
    return caught.value.problems


def study(**top):
    return Study.from_dict({"title": "t", "seeds": 3, "baseline": copy.deepcopy(BASELINE), **top})


def refused(**top):
    with pytest.raises(StudyError) as caught:
        study(**top)
    return str(caught.value)


ARMS = {"hot": {"optimizer.lr": 0.3}, "still": {"augment": []}}


# --- the worked examples


def test_the_smiles_example_reads_in_full(tmp_path):
    found = from_text(tmp_path, SMILES)
    assert [a.name for a in found.arms] == [
        "baseline", "whole-face", "fine-tuned", "fine-tuned.whole-face", "scratch", "scratch.whole-face",
        "alexnet-scratch", "a-a",
    ]  # fmt: skip
    assert found.seeds == tuple(range(10))
    assert found.looks == (3, 5, 10)
    assert found.seeds_of("a-a") == tuple(range(1000, 1010))
    asked = {q.name: q for q in found.questions}
    assert asked["tuning"].primary and not asked["crop-frozen"].primary
    assert asked["tuning"].changed == {"trainable": ["head", "all"]}
    assert asked["pretraining"].changed == {"model.pretrained": [False, True]}
    assert asked["crop-tuned"].changed == {"augment.random_resized_crop.scale": [[0.08, 1.0], [0.75, 1.0]]}
    assert asked["a/a"].control and asked["a/a"].weights == {"baseline": -1.0, "a-a": 1.0}
    assert found.recipes["scratch.whole-face"].model.args["pretrained"] is False
    assert found.recipes["scratch.whole-face"].trainable == "all"
    assert found.recipes["alexnet-scratch"].model.use == "torchvision:alexnet"
    assert found.recipes["baseline"].input.args["normalize"] == {"mean": [0.5] * 3, "std": [0.5] * 3}
    alexnet = found.recipes["alexnet-scratch"].input.args["normalize"]  # normalize: model, brought by the model
    assert alexnet["mean"] == [0.485, 0.456, 0.406]


def test_the_camvid_example(tmp_path):
    found = from_text(tmp_path, CAMVID)
    assert sorted(found.recipes) == ["baseline", "no-skips", "three"]
    assert found.recipes["no-skips"].model.args["skips"] == []
    assert found.recipes["baseline"].input.args["crop_fraction"] == 1.0  # an image with a mask is seen whole
    merged = {"objects": ["pole", "sign", "car", "pedestrian", "bicyclist"], "sky": ["sky"]}
    merged["static"] = ["building", "road", "pavement", "tree", "fence"]
    assert found.recipes["three"].data.args["labels"] == {"merge": merged}
    asked = {q.name: q for q in found.questions}
    assert asked["skips"].changed == {"model.skips": [[], [8, 16]]} and asked["skips"].score_in is None
    assert asked["fewer-labels"].score_in == {"name": "three", "classes": ["sky", "static", "objects"], "merge": merged}


def test_naming_the_space_that_the_data_have_changes_nothing(tmp_path):
    named, silent = (from_text(tmp_path, text) for text in (CAMVID, CAMVID.replace(", labels: camvid11", "")))
    assert named.recipes["baseline"] == silent.recipes["baseline"]
    arm = CAMVID.replace(", labels: camvid11", "").replace(
        "no-skips: {", "same: {data.labels: camvid11}\n  no-skips: {"
    )
    assert [p.code for p in problems(tmp_path, arm)] == ["ARM_CHANGES_NOTHING"]


def test_the_epoch_by_val_is_not_kept_of_the_training_images():
    assert "needs another split" in refused(epoch="val", split="val")
    assert "needs another split" in refused(epoch="val", split="train")


def test_metrics_of_different_label_spaces_are_not_subtracted(tmp_path):
    (problem,) = problems(tmp_path, CAMVID.replace(", score_in: three", ""))
    assert problem.code == "SPACES_DIFFER" and "score_in" in problem.fix and "study.yaml:" in problem.where


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("score_in: three", "score_in: thre", "'three'"),
        ("from: camvid11", "from: camvid", "'camvid11'"),
        ("sky: [sky]", "sky: [skyy]", "'sky'"),
        ("metric: mean_iou", "metric: accuracy", "accuracy is a metric of classification"),
        ("use: fcn, backbone: tf_efficientnet_lite0, skips: [8, 16]", 'use: "timm:resnet18"', "model"),
    ],
)
def test_mistakes_about_label_spaces(tmp_path, old, new, words):
    assert old in CAMVID
    assert any(words in p.line() for p in problems(tmp_path, CAMVID.replace(old, new)))


# --- what is refused


def test_five_mistakes_five_lines(tmp_path):
    text = """\
    title: five
    metrik: accuracy
    seeds: 3
    baseline:
      data: faces
      model: {use: small_cnn, widht: 4}
      optimizer: {use: sdg, lr: 1e-3}
      augment: [horizontal_flp]
      epochs: many
    """
    found = {int(p.where.partition(":")[2]): p.message for p in problems(tmp_path, text)}
    assert list(found) == [2, 6, 7, 8, 9]
    assert "Did you mean 'metric'?" in found[2]
    assert "Did you mean 'width'?" in found[6]
    assert "Did you mean 'sgd'?" in found[7]
    assert "Did you mean 'horizontal_flip'?" in found[8]
    assert "must be a whole number from 1, not 'many'" in found[9]


def test_values_out_of_range_are_all_told_with_their_lines(tmp_path):
    text = """\
    title: Four values that no training could use
    seeds: 2
    baseline:
      data: faces
      model: small_cnn
      augment:
        - {use: random_resized_crop, scale: [1, 0.08]}
        - {use: horizontal_flip, p: 50}
        - {use: cutout, side: -16}
    arms:
      jitter:
        augment: [{use: color_jitter, hue: 2}]
    """
    found = {int(p.where.partition(":")[2]): p.message for p in problems(tmp_path, text)}
    assert list(found) == [7, 8, 9, 12]
    assert "scale must be a list of 2, each a number above 0 and at most 1 (the smallest first)" in found[7]
    assert "not [1, 0.08]" in found[7]
    assert "p must be a number from 0 to 1, not 50" in found[8]
    assert "side must be a whole number of at least 1, not -16" in found[9]
    assert "hue must be a number from 0 to 0.5, not 2" in found[12]


def test_an_arm_that_changes_nothing_is_refused():
    assert "changes nothing of 'baseline'" in refused(arms={"same": {"optimizer.lr": 0.05}})
    assert "changes nothing" in refused(arms={"same": {"epochs": 3, "batch_size": 8}})
    assert "changes nothing" in refused(arms={"same": {"optimizer.momentum": 0.9}})  # a default, written out
    assert "changes nothing" in refused(arms={"empty": {}})
    assert "control: a/a" in refused(arms={"empty": {}})


@pytest.mark.parametrize(
    "change",
    [
        {"data.root": "there"},
        {"data": {"use": "folder", "root": "there"}},
        {"data.root": "there", "data.split_seed": 1},
        {"data.root": "there", "epochs": 9},  # one change with an effect, and other images all the same
    ],
)
def test_an_arm_on_another_folder_is_refused_because_other_images_cannot_be_compared(change):
    here = BASELINE | {"data": {"use": "folder", "root": "here"}}
    message = refused(baseline=here, arms={"away": change})
    assert "arm 'away' reads the data from 'there', and 'baseline' from 'here'" in message
    assert "scores on different images cannot be compared" in message and "Fix: let both read one `root`" in message
    assert "changes nothing" not in message and "do not differ" not in message
    bundled = refused(baseline=here, arms={"away": {**change, "bundle": True}})
    assert "cannot be compared" in bundled
    assert "from no folder, and" in refused(baseline=here, arms={"drawn": {"data": "faces"}})
    with_mistake = refused(baseline=here | {"epochs": 0}, arms={"away": change})
    assert "whole number from 1, not 0" in with_mistake and "cannot be compared" in with_mistake
    assert "'hot' reads" not in refused(baseline=here, arms={"away": change, "hot": {"base": "away", "epochs": 7}})


def test_an_arm_that_changes_two_things_is_refused_unless_it_says_so():
    two = {"optimizer.lr": 0.3, "epochs": 4}
    message = refused(arms={"two": two})
    assert "must change one thing; it changes optimizer.lr, epochs" in message
    assert "bundle: true" in message
    bundled = study(arms={"two": {**two, "bundle": True}})
    assert bundled.questions[0].bundle
    assert set(bundled.questions[0].changed) == {"optimizer.lr", "epochs"}
    assert "must be true or false" in refused(arms={"two": {**two, "bundle": "yes"}})


def test_arms_stand_on_arms_and_never_in_a_circle():
    found = study(arms={"b": {"base": "a", "epochs": 4}, "a": {"optimizer.lr": 0.3}})
    assert found.recipes["b"].optimizer.args["lr"] == 0.3
    assert found.chain("b") == {"optimizer.lr": 0.3, "epochs": 4}
    assert "stand on each other" in refused(arms={"a": {"base": "b", "epochs": 4}, "b": {"base": "a", "epochs": 5}})
    assert "stand on each other" in refused(arms={"a": {"base": "a", "epochs": 4}})
    assert "Did you mean 'hot'?" in refused(arms={**ARMS, "a": {"base": "hto", "epochs": 4}})


def test_names():
    assert "must be 1 to 64 of" in refused(arms={"a b": {"epochs": 4}})
    assert "must be 1 to 64 of" in refused(arms={"a" * 65: {"epochs": 4}})
    assert "two arms are named 'baseline'" in refused(arms={"baseline": {"epochs": 4}})
    assert "two arms are named 'hot'" in refused(arms=ARMS, factors={"f": {"cold": {}, "hot": {"epochs": 4}}})
    assert "two arms are named 'a-a'" in refused(arms={"a-a": {"epochs": 4}}, control="a/a")


def test_factors_make_every_combination():
    factors = {
        "rate": {"slow": {}, "fast": {"optimizer.lr": 0.3}},
        "length": {"short": {}, "mid": {"epochs": 4}, "long": {"epochs": 5}},
    }
    found = study(factors=factors)
    assert [a.name for a in found.arms] == ["baseline", "mid", "long", "fast", "fast.mid", "fast.long"]
    assert found.recipes["fast.long"].epochs == 5
    assert found.recipes["fast.long"].optimizer.args["lr"] == 0.3
    assert "first level of a factor is the baseline's" in refused(factors={"f": {"a": {"epochs": 4}, "b": {}}})
    assert "at least two levels" in refused(factors={"f": {"a": {}}})
    assert "changes nothing" in refused(factors={"f": {"a": {}, "b": {"epochs": 3}}})
    assert "must change one thing" in refused(factors={"f": {"a": {}, "b": {"epochs": 4, "batch_size": 4}}})
    many = {f"f{i}": {f"a{i}": {}, f"b{i}": {"epochs": i + 4}} for i in range(40)}
    assert "more than 512 arms" in refused(factors=many)


def test_a_bundled_level_makes_a_bundled_effect():
    level = {"bundle": True, "epochs": 4, "batch_size": 4}
    assert [q.bundle for q in study(factors={"f": {"a": {}, "b": level}}).questions] == [True]
    assert [q.bundle for q in study(factors={"f": {"a": {}, "b": {"epochs": 4}}}).questions] == [False]


def test_a_compare_of_two_units_is_refused_unless_it_says_so():
    asked = {"compare": ["hot", "still"]}
    assert "'hot' and 'still' differ in optimizer.lr, augment" in refused(arms=ARMS, questions={"q": asked})
    assert study(arms=ARMS, questions={"q": {**asked, "bundle": True}}).questions[0].bundle
    one = study(arms=ARMS, questions={"q": {"compare": ["baseline", "hot"], "bundle": True}}).questions[0]
    assert not one.bundle  # one unit is one unit, whatever is declared
    again = {**ARMS, "warm": {"optimizer": {"use": "sgd", "lr": 0.3}}}
    same = {"compare": ["hot", "warm"], "bundle": True}
    assert "do not differ" in refused(arms=again, questions={"q": same})


def test_what_a_unit_brings_with_it_is_a_consequence():
    arms = {"alex": {"model": {"use": "torchvision:alexnet"}}}
    baseline = {**BASELINE, "model": {"use": "timm:tf_efficientnet_lite0"}}
    asked = study(baseline=baseline, arms=arms).questions[0]
    assert asked.changed["model"] == ["timm:tf_efficientnet_lite0", "torchvision:alexnet"]
    assert list(asked.consequences) == ["input.normalize"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"weights": {"baseline": 1, "hot": 1}}, "sum to 0; these sum to 2"),
        ({"weights": {"baseline": 0}}, "at least two arms"),
        ({"weights": {"baseline": 1, "hto": -1}}, "Did you mean 'hot'?"),
        ({"weights": {"baseline": "1", "hot": -1}}, "to numbers"),
        ({"compare": ["baseline", "baseline"]}, "two different arms"),
        ({"compare": ["baseline"]}, "two different arms"),
        ({"compare": ["baseline", "hto"]}, "Did you mean 'hot'?"),
        ({"compare": [["baseline"], {"a": 1}]}, "Unknown arm"),
        ({"effect": [["a"]]}, "Unknown factor"),
        ({"effect": ["a"]}, "Unknown factor"),
        ({"compare": ["baseline", "hot"], "weights": {}}, "exactly one of"),
        ({}, "exactly one of"),
        ("hot", "must be a mapping"),
        ({"comapre": ["baseline", "hot"]}, "Did you mean 'compare'?"),
        ({"compare": ["baseline", "hot"], "margin": "small"}, "margin must be a number"),
        ({"compare": ["baseline", "hot"], "margin": 2}, "where 1 is everything"),
        ({"compare": ["baseline", "hot"], "bundle": "yes"}, "true or false"),
        ({"compare": ["baseline", "hot"], "metric": "acuracy"}, "Did you mean 'accuracy'?"),
        ({"compare": ["baseline", "hot"], "metric": "linearised"}, "Unknown metric"),
    ],
)
def test_questions_that_are_refused(question, words):
    assert words in refused(arms=ARMS, questions={"q": question})


def test_nothing_asked_means_every_arm_against_its_base():
    found = study(arms={**ARMS, "longer": {"base": "hot", "epochs": 5}}).questions
    assert {q.name: tuple(q.weights) for q in found} == {
        "hot": ("baseline", "hot"),
        "still": ("baseline", "still"),
        "longer": ("hot", "longer"),
    }
    factors = {"a": {"a0": {}, "a1": {"epochs": 4}}, "b": {"b0": {}, "b1": {"batch_size": 4}}}
    assert [q.name for q in study(factors=factors).questions] == ["a", "b", "a-by-b"]
    assert study(factors=factors).questions[2].weights == {"baseline": 1.0, "b1": -1.0, "a1": -1.0, "a1.b1": 1.0}


@pytest.mark.parametrize(
    ("top", "words"),
    [
        ({"looks": [3, 5]}, "exactly one of `seeds` and `looks`"),
        ({"margin": 10**400}, "margin must be a number above 0"),
        ({"margin": float("nan")}, "margin must be a number above 0"),
        (
            {"questions": {"q": {"weights": {"baseline": 10**400, "hot": 1}}}},
            "weights must be a mapping of at least two",
        ),
        ({"seeds": None}, "exactly one of `seeds` and `looks`"),
        ({"seeds": 0}, "a count from 1"),
        ({"seeds": [1, 1]}, "different whole numbers"),
        ({"seeds": None, "looks": [5, 3]}, "growing numbers"),
        ({"seeds": None, "looks": [1, 3]}, "growing numbers"),
        ({"margin": -1}, "above 0"),
        ({"margin": 2}, "0.02."),
        ({"split": "vla"}, "one of train, val, test"),
        ({"split": "val", "epoch": "val"}, "needs another split"),
        ({"groups": {"blok": 3}}, "pattern, column or block"),
        ({"groups": {"pattern": "["}}, "regular expression with one group"),
        ({"groups": {"block": 0}}, "number of images"),
        ({"primary": "nothing"}, "Unknown question"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'?"),
        ({"control": "b/b"}, "one of a/a"),
        ({"title": 3}, "must be a text"),
        ({"arms": None}, "must be a mapping"),
        ({"arms": ["a"]}, "must be a mapping"),
        ({"factors": []}, "must be a mapping"),
        ({"baseline": None}, "needs a `baseline`"),
    ],
)
def test_the_top_of_the_file(top, words):
    assert words in refused(**({"arms": ARMS} | top))


def test_control_and_baseline_share_no_seed():
    assert "the control's seeds" in refused(seeds=[0, 1000], arms=ARMS, control="a/a")
    assert study(seeds=[0, 1000], arms=ARMS).seeds == (0, 1000)


def test_a_mistake_in_the_baseline_is_told_once():
    message = refused(
        baseline={**BASELINE, "epochs": "x"}, arms=ARMS, questions={"q": {"compare": ["baseline", "hot"]}}
    )
    assert message.count("\n") == 0


# --- anything at all

WORDS = st.sampled_from(
    ["baseline", "hot", "a", "f", "a/a", "val", "accuracy", "x.y", "optimizer.lr", "augment.horizontal_flip.p", "augment", "model",
     "data", "faces", "small_cnn", "use", "epochs", "base", "bundle", "compare", "effect", "weights", "arms", "", "timm:x", "my:lab"]
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 9), st.floats(), st.integers(-(10**400), 10**400), WORDS)
VALUES = st.deferred(
    lambda: st.one_of(SCALARS, st.lists(VALUES, max_size=3), st.dictionaries(WORDS, VALUES, max_size=3))
)
KEYS = st.sampled_from(
    ["title", "metric", "margin", "seeds", "looks", "split", "epoch", "groups", "control", "baseline", "factors", "arms",
     "questions", "primary", "on_leak"]
)  # fmt: skip
INSIDE = st.sampled_from([*list(BASELINE), "trainable", "batch_norm", "views", "schedule", "loss", "precision"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.dictionaries(INSIDE, VALUES, max_size=2), st.booleans())
def test_any_values_give_a_study_or_a_study_error(top, inside, whole):
    good = {"title": "t", "seeds": 2, "baseline": BASELINE | inside, "arms": ARMS} if whole else {}
    try:
        assert isinstance(Study.from_dict(copy.deepcopy(good | top)), Study)
    except StudyError as error:
        assert all(p.message for p in error.problems)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_study_file_gives_a_study_or_a_study_error(tmp_path_factory, data):
    lines = yaml.safe_dump({"seeds": 2, "baseline": BASELINE, "arms": ARMS}, sort_keys=False).splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["cut", "drop", "indent", "twice", "value"]))
        line = lines[at]
        lines[at : at + 1] = {
            "cut": [line[: len(line) // 2]],
            "drop": [],
            "indent": [" " + line],
            "twice": [line, line],
            "value": [
                line.partition(":")[0]
                + ": "
                + data.draw(st.sampled_from(["", "[]", "{}", "x", "1e400", "[{}]", "[[]]"]))
            ],
        }[change] or [""]
    path = tmp_path_factory.getbasetemp() / "damaged.yaml"
    path.write_text("\n".join(lines))
    try:
        Study.read(path)
    except StudyError as error:
        assert all("damaged.yaml" in p.where for p in error.problems)
