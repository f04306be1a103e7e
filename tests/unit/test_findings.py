"""Findings of a study: each outcome is reached by what it speaks of, and by nothing else."""

from types import SimpleNamespace

import numpy as np
import pytest
from masks import CLASSES, counted, evidence, pairs

from paribus import findings
from paribus.predictions import RunRecord
from paribus.questions import Question
from paribus.tuning.choice import Tried, Tuned

RECIPE = {"precision": "float32", "views": None, "batch_norm": "follow"}
VIDEO = {
    "code": "VIDEO_BETWEEN",
    "count": 1,
    "example": "warning[VIDEO_BETWEEN]: val: 101 frames (6.7 s) lie between training frames of their film. Fix: Split.",
}


def lock(arms, *, warnings=(), groups=None):
    return {
        "arms": [{"name": name, "recipe": RECIPE | recipe} for name, recipe in arms.items()],
        "data": {"warnings": list(warnings), "groups": groups, "left_out": 0},
        "split": "val",
        "epoch": "last",
        "margin": 0.01,
    }


def ask(name, *arms, **more):
    return Question(
        **{"name": name, "ask": "?", "weights": dict(zip(arms, (-1.0, 1.0), strict=True)), "metric": "mean_iou"} | more
    )


def found(code, arms, questions=(), runs=None, tuned=None, study=None, **more):
    rows = [SimpleNamespace(question=q, verdict="cannot_tell") for q in questions]
    results = [SimpleNamespace(name=n, runs=(runs or {}).get(n, ()), tuning=(tuned or {}).get(n)) for n in arms]
    told = findings.of_study(lock(arms, **more) | (study or {}), results, rows)
    assert len({f.code for f in told}) == len(told)
    return next(f for f in told if f.code == code)


# --- equal effort


def tuned(*means, values=(0.1, 1.0, 10.0)):
    """An arm that tried as many values as there are means; None is one that is not finished."""
    tried = tuple(
        Tried({"optimizer.lr": value}, ("r",), () if mean is None else (mean,))
        for value, mean in zip(values, means, strict=False)
    )
    return Tuned({"optimizer.lr": 1.0}, tried)


TUNE = {"tune": {"grid": {"optimizer.lr": {"times": [0.1, 1, 10]}}, "seeds": [100], "on": "val"}, "split": "test"}


def effort(**by_arm):
    return found("EQUAL_TUNING", {arm: {} for arm in by_arm}, tuned=by_arm, study=TUNE)


def test_one_budget_for_all_arms_is_as_it_should_be():
    told = effort(a=tuned(0.7, 0.9, 0.8), b=tuned(0.7, 0.9, 0.8))
    assert told.outcome == "passed" and "3 values of optimizer.lr with 1 seed each" in told.sentence


def test_unequal_budgets_are_named():
    told = effort(a=tuned(0.7, 0.9, 0.8), b=tuned(0.7, 0.9))
    assert told.outcome == "issue" and "a (3), b (2)" in told.sentence
    told = effort(a=tuned(0.7, 0.9, 0.8), b=tuned(0.7, None, 0.8))
    assert told.outcome == "issue" and "b (2 of 3)" in told.sentence and "a (" not in told.sentence


def test_rates_set_by_hand_are_named_unless_they_are_what_is_asked():
    arms = {"a": {}, "b": {}}
    assert found("EQUAL_TUNING", {"a": {}, "a-a": {}}).outcome == "not_applicable"
    assert found("EQUAL_TUNING", arms, [ask("wide", "a", "b", changed={"model.width": [4, 8]})]).outcome == "tip"
    rate = {"optimizer.lr": [0.01, 0.1]}
    assert found("EQUAL_TUNING", arms, [ask("rate", "a", "b", changed=rate)]).outcome == "tip"
    told = found("EQUAL_TUNING", arms, [ask("both", "a", "b", changed=rate | {"optimizer": ["sgd", "adam"]})])
    assert told.outcome == "issue" and "both (optimizer.lr 0.01 and 0.1)" in told.sentence
    brought = ask("net", "a", "b", changed={"model": ["x", "y"]}, consequences={"optimizer.backbone_lr": [None, 1e-3]})
    told = found("EQUAL_TUNING", arms, [brought])
    assert told.outcome == "issue" and "optimizer.backbone_lr none and 0.001" in told.sentence


def test_a_best_value_at_the_edge_is_named():
    inside, largest = tuned(0.7, 0.9, 0.8), tuned(0.7, 0.8, 0.9)
    assert found("TUNING_EDGE", {"a": {}, "b": {}}).outcome == "not_applicable"
    assert found("TUNING_EDGE", {"a": {}, "b": {}}, tuned={"a": inside, "b": inside}, study=TUNE).outcome == "passed"
    told = found("TUNING_EDGE", {"a": {}, "b": {}}, tuned={"a": inside, "b": largest, "a-a": largest}, study=TUNE)
    assert told.outcome == "tip" and "b (optimizer.lr 10, the largest)" in told.sentence and "a (" not in told.sentence


def test_values_chosen_on_the_scored_images_are_told():
    arms = {"a": {}, "b": {}}
    code, both = "TUNED_WHERE_SCORED", {"a": tuned(0.7, 0.9, 0.8), "b": tuned(0.7, 0.9, 0.8)}
    assert found(code, arms).outcome == "not_applicable"
    assert found(code, arms, tuned=both, study=TUNE).outcome == "passed"
    told = found(code, arms, tuned=both, study=TUNE | {"split": "val"})
    assert told.outcome == "issue" and "optimistic" in told.sentence


def test_what_was_tuned_is_told_as_a_consequence():
    question = ask("wide", "a", "b", changed={"model.width": [4, 8]}, tuned={"optimizer.lr": [0.01, 0.1]})
    assert "wide: optimizer.lr (tuned)" in found("CONSEQUENCES", {"a": {}, "b": {}}, [question]).sentence


# --- precision and views


def test_precision_names_the_questions_whose_sides_differ():
    arms = {"a": {}, "b": {}, "c": {"precision": "bf16"}}
    assert found("PRECISION", {"a": {}, "b": {}}).outcome == "passed"
    assert found("PRECISION", arms, [ask("same", "a", "b")]).outcome == "tip"
    issue = found("PRECISION", arms, [ask("same", "a", "b"), ask("apart", "a", "c")])
    assert issue.outcome == "issue" and "two sides of apart compute" in issue.sentence and "same" not in issue.sentence
    asked = found("PRECISION", arms, [ask("apart", "a", "c", changed={"precision": ["float32", "bf16"]})])
    assert asked.outcome == "passed" and "apart" in asked.sentence


def test_views_drawn_in_advance_are_told_and_must_match():
    assert found("VIEWS", {"a": {}, "b": {}}).outcome == "passed"
    arms = {"a": {"views": 4}, "b": {"views": 4}, "c": {}}
    tip = found("VIEWS", arms, [ask("same", "a", "b")])
    assert tip.outcome == "tip" and "outside the intervals" in tip.sentence and "a (4), b (4)" in tip.sentence
    issue = found("VIEWS", arms, [ask("same", "a", "b"), ask("apart", "b", "c")])
    assert issue.outcome == "issue" and "two sides of apart have different views" in issue.sentence


def test_recipes_from_before_views_pass():
    assert found("VIEWS", {"a": {"views": None}}).outcome == "passed"


# --- the A/A control


def of_control(**answer):
    told = {"verdict": "cannot_tell", "p": 0.4, "alpha": 0.05, "difference": 0.01} | answer
    row = SimpleNamespace(question=ask("a-a", "baseline", "a-a", control=True), **told)
    return next(f for f in findings.of_study(lock({"baseline": {}}), [], [row]) if f.code == "AA_CONTROL")


def test_a_control_that_cannot_be_told_apart_passes():
    assert of_control().outcome == "passed"
    assert of_control(verdict="no_practical_difference", p=0.2).outcome == "passed"
    assert of_control(verdict="identical", p=float("nan"), difference=0.0).outcome == "passed"


@pytest.mark.parametrize("verdict", ["helps", "hurts", "no_practical_difference"])
def test_a_significant_control_is_an_issue_also_where_the_difference_is_small(verdict):
    told = of_control(verdict=verdict, p=0.0312)
    assert told.outcome == "issue" and "p = 0.031" in told.sentence and "one study in twenty" in told.sentence
    assert "p < 0.001" in of_control(verdict=verdict, p=1e-5).sentence


def test_one_run_an_arm_shows_no_noise_floor():
    told = of_control(verdict="cannot_tell_one_run", p=0.001)
    assert told.outcome == "skipped" and "one run an arm" in told.sentence


def test_no_control_is_told_what_it_would_show():
    assert found("AA_CONTROL", {"a": {}}).outcome == "skipped"


# --- frozen parts


def run(frozen, held, batch_norm, seed=0):
    certificate = {"parameters_frozen": frozen, "held": held}
    return RunRecord(
        f"r{seed}", seed, "done", 1.0, {}, facts={"certificate": certificate, "recipe": {"batch_norm": batch_norm}}
    )


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (run(0, True, "follow"), "not_applicable"),
        (run(10, True, "follow"), "passed"),
        (run(10, False, "follow"), "issue"),
        (run(0, True, "frozen"), "passed"),  # nothing but the statistics of batch norm
        (run(0, False, "frozen"), "issue"),
    ],
)
def test_frozen(record, outcome):
    assert found("FROZEN", {"a": {}}, runs={"a": (record,)}).outcome == outcome


# --- video


def test_a_video_split_says_what_verdicts_over_it_mean():
    assert found("VIDEO_SPLIT", {"a": {}}).outcome == "passed"
    told = found("VIDEO_SPLIT", {"a": {}}, warnings=[VIDEO])
    assert told.outcome == "issue" and told.sentence.startswith("val: 101 frames (6.7 s) lie between")
    assert "declare `groups: {block: 10}`" in told.sentence and "a verdict over them is about this one" in told.sentence
    assert "Fix:" not in told.sentence
    blocks = {f"f{n:03d}": f"block {n // 10}" for n in range(101)}
    told = found("VIDEO_SPLIT", {"a": {}}, warnings=[VIDEO], groups=blocks)
    assert "11 blocks of contiguous frames: they speak of new stretches" in told.sentence
    few = found("VIDEO_SPLIT", {"a": {}}, warnings=[VIDEO], groups={k: v for k, v in blocks.items() if k < "f050"})
    assert "5 groups, so that verdicts speak of exactly these frames" in few.sentence


def test_a_video_split_on_which_nothing_is_scored_is_a_tip():
    elsewhere = VIDEO | {"example": VIDEO["example"].replace("val:", "test:")}
    assert found("VIDEO_SPLIT", {"a": {}}, warnings=[elsewhere]).outcome == "tip"
    assert found("VIDEO_SPLIT", {"a": {}}, warnings=[elsewhere | {"count": 2}]).outcome == "issue"


def test_a_video_split_is_not_told_twice():
    other = {"code": "SPLIT_NEAR", "count": 2, "example": "warning[SPLIT_NEAR]: two."}
    assert found("DATA_WARNINGS", {"a": {}}, warnings=[VIDEO]).outcome == "passed"
    assert "VIDEO" not in found("DATA_WARNINGS", {"a": {}}, warnings=[VIDEO, other]).sentence


# --- rare classes


def test_rare_and_absent_classes_are_named():
    counts = counted(pairs(images=10))
    whole = RunRecord("r", 0, "done", 1.0, {"val": evidence("val", counts)})
    assert found("RARE_CLASSES", {"a": {}}, runs={"a": (whole,)}).outcome == "passed"
    for name in ("sky", "car"):
        index = CLASSES.index(name)
        counts.confusion[3 if name == "sky" else 0 :, index] = 0
    told = found(
        "RARE_CLASSES", {"a": {}}, runs={"a": (RunRecord("r", 0, "done", 1.0, {"val": evidence("val", counts)}),)}
    )
    assert told.outcome == "tip" and "sky (3)" in told.sentence and "In none: car;" in told.sentence
    assert "road" not in told.sentence
    assert found("RARE_CLASSES", {"a": {}}).outcome == "not_applicable"
    assert np.all(counts.confusion[:, CLASSES.index("car")] == 0)
