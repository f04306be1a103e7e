"""What one run would have said: every pick counted, against verdicts of every kind."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from paribus import picks
from paribus.contrasts import contrasts
from paribus.one_run import one_run
from paribus.predictions import Evidence, MaskEvidence, RunRecord
from paribus.questions import Design, Question

IDS = tuple(f"image-{i}" for i in range(10))
TARGETS = np.ones(10, np.int64)


def right(split, *counts):
    """Evidence of one run that has so many of ten images right, an epoch after the other."""
    hits = np.array([[i < count for i in range(10)] for count in counts])
    logits = np.stack([~hits, hits], axis=2).astype(np.float32)
    return Evidence(split, IDS, TARGETS, ("no", "yes"), tuple(range(1, len(counts) + 1)), logits)


def runs(name, *each):
    """Runs of an arm; each is (counts on val by epoch, counts on test by epoch)."""
    return tuple(
        RunRecord(f"{name}{seed}", seed, "done", 0.0, {"val": right("val", *val), "test": right("test", *test)})
        for seed, (val, test) in enumerate(each)
    )


def ask(**changes):
    return Question(**{"name": "q", "ask": "", "weights": {"a": -1.0, "b": 1.0}, "metric": "accuracy"} | changes)


def answered(arms, question, epoch="last", **changes):
    """The row of a question, with a verdict as it is given here."""
    row = contrasts([question], arms, Design((9,), "test", epoch))[0]
    return replace(row, **changes)


ARMS = {
    "a": runs("a", ([5, 7, 4], [4, 4, 4]), ([6, 2, 3], [2, 2, 2])),  # best on val: .7, .6; last on test: .4, .2
    "b": runs("b", ([1, 1, 8], [5, 5, 5]), ([6, 1, 1], [1, 1, 3])),  # .8, .6; .5, .3
}


def test_each_run_is_read_at_its_best_epoch_on_val_or_as_the_study_scores_it():
    best, declared = one_run([answered(ARMS, ask())], ARMS)
    assert (best.reading, declared.reading) == ("best_on_val", "as_declared")
    assert (best.smallest, best.median, best.largest) == pytest.approx((-0.1, 0.05, 0.2))  # of .1 .2 -.1 0
    assert (declared.smallest, declared.median, declared.largest) == pytest.approx((-0.1, 0.1, 0.3))  # .1 .3 -.1 .1
    assert best.ways == best.picks == 4
    assert declared.estimate == pytest.approx(0.1) and declared.wrong_sign == best.wrong_sign == 0.25


def test_the_epoch_of_the_declared_reading_follows_the_study():
    row = answered(ARMS, ask(), epoch="val")  # a: epochs 2 and 1, b: 3 and 1 -> .4 .2 against .5 .1
    assert one_run([row], ARMS)[1].smallest == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("verdict", "margin", "wrong", "settled"),
    [  # differences .1 .2 -.1 0
        ("helps", None, 0.5, None),
        ("helps", 0.15, 0.5, None),
        ("hurts", None, 0.75, None),
        ("no_practical_difference", 0.05, 0.75, None),
        ("no_practical_difference", 0.1, 0.75, None),  # as large as the margin counts
        ("no_practical_difference", 0.15, 0.25, None),
        ("no_practical_difference", 0.25, 0.0, None),
        ("identical", None, 0.75, None),
        ("identical", 0.15, 0.25, None),
        ("cannot_tell", None, None, 0.75),
        ("cannot_tell", 0.15, None, 0.25),
        ("cannot_tell_one_run", 0.15, None, 0.25),
    ],
)
def test_what_is_wrong_depends_on_the_full_answer(verdict, margin, wrong, settled):
    row = one_run([answered(ARMS, ask(margin=margin), verdict=verdict)], ARMS)[0]
    assert row.wrong_conclusion == wrong and row.called_settled == settled
    assert (row.wrong_sign is None) == (verdict == "cannot_tell_one_run")


@pytest.mark.parametrize("verdict", ["cannot_tell", "no_practical_difference", "helps"])
def test_nothing_differs_in_the_control_whatever_it_came_out_as(verdict):
    row = one_run([answered(ARMS, ask(control=True, margin=0.15), verdict=verdict)], ARMS)[0]
    assert row.wrong_conclusion == 0.25 and row.called_settled is None


def test_a_difference_of_zero_has_no_other_sign():
    assert one_run([answered(ARMS, ask(), difference=0.0)], ARMS)[0].wrong_sign is None


def test_the_directions_are_told_apart():
    row = one_run([answered(ARMS, ask(margin=0.1), verdict="cannot_tell")], ARMS)[0]
    assert (row.above, row.below) == (0.5, 0.25)


def test_only_the_runs_of_the_answer_are_picked_from():
    row = replace(answered(ARMS, ask()), seeds={"a": 1, "b": 2}, per_arm={"a": [0.4], "b": [0.5, 0.3]})
    best, declared = one_run([row], ARMS)
    assert best.ways == declared.ways == 2 and best.smallest == pytest.approx(-0.1)


def test_without_val_only_the_declared_reading_is_there():
    arms = {k: tuple(replace(run, evidence={"test": run.evidence["test"]}) for run in each) for k, each in ARMS.items()}
    assert [row.reading for row in one_run([answered(arms, ask())], arms)] == ["as_declared"]


def test_a_metric_of_the_users_own_has_the_declared_reading():
    row = answered(ARMS, ask())
    own = replace(row, question=ask(metric="my_lab:cost"))
    assert [found.reading for found in one_run([own], ARMS)] == ["as_declared"]


def test_a_metric_that_says_nothing_about_val_is_no_reason_to_stop():
    row = answered(ARMS, ask())  # all targets are of one class: there is no AUROC
    assert [found.reading for found in one_run([replace(row, question=ask(metric="auroc"))], ARMS)] == ["as_declared"]


def test_any_weights_over_arms():
    arms = ARMS | {"c": runs("c", ([9], [9]), ([5], [5])), "d": runs("d", ([1], [1]), ([1], [1]))}
    weights = {"a": 1.0, "b": -1.0, "c": -1.0, "d": 1.0}
    row = one_run([answered(arms, ask(weights=weights, kind="weights"))], arms)[0]
    assert row.picks == 16
    assert row.smallest == pytest.approx(0.6 - 0.8 - 0.9 + 0.1) and row.largest == pytest.approx(0.7 - 0.6 - 0.5 + 0.1)


def test_very_many_ways_are_sampled_the_same_every_time():
    values = [np.random.default_rng(k).normal(size=10) for k in range(6)]
    weights = [1, -1, 0.5, -0.5, 0.25, -0.25]
    found = picks.differences(values, weights)
    assert picks.ways(values) == 10**6 and len(found) == picks.MOST
    assert np.array_equal(found, picks.differences(values, weights))
    mean = sum(w * v.mean() for w, v in zip(weights, values, strict=True))
    spread = sum(w**2 * v.var() for w, v in zip(weights, values, strict=True)) ** 0.5
    assert found.mean() == pytest.approx(mean, abs=5 * spread / picks.MOST**0.5)
    assert found.std() == pytest.approx(spread, rel=0.02)


def test_the_histogram_holds_every_pick_and_what_is_against_the_answer():
    for row in one_run([answered(ARMS, ask(), verdict="helps")], ARMS):
        assert sum(b.picks for b in row.bins) == row.picks
        assert sum(b.against for b in row.bins) == row.wrong_conclusion * row.picks > 0
        assert row.bins[0].low < row.smallest and row.largest < row.bins[-1].high
        assert all(left.high == pytest.approx(right.low) for left, right in itertools.pairwise(row.bins))


def test_bars_stand_around_the_values_that_accuracies_can_have():
    bins = one_run([answered(ARMS, ask(), verdict="helps")], ARMS)[0].bins  # .1 .2 -.1 0
    assert [(b.low + b.high) / 2 for b in bins] == pytest.approx([-0.1, 0.0, 0.1, 0.2])
    assert [(b.picks, b.against) for b in bins] == [(1, 1), (1, 1), (1, 0), (1, 0)]


def test_zero_is_an_edge_among_very_many_values():
    row = answered(ARMS, ask())
    values = {arm: np.random.default_rng(k).normal(0, 0.01, 40).tolist() for k, arm in enumerate("ab")}
    found = one_run([replace(row, per_arm=values, seeds={"a": 40, "b": 40})], {k: v * 20 for k, v in ARMS.items()})[1]
    assert min(abs(b.low) for b in found.bins) < 1e-12 and 24 <= len(found.bins) <= 26
    assert all(b.low - 1e-9 <= found.largest for b in found.bins) and found.bins[0].low <= found.smallest


@pytest.mark.parametrize("images", [200, 400, 30])
def test_bins_of_accuracies_hold_equally_many_possible_values(images):
    rng = np.random.default_rng(images)
    values = {arm: rng.integers(int(0.7 * images), int(0.9 * images), 12) / images for arm in "ab"}
    row = answered(ARMS, ask())
    row = replace(row, per_arm={k: v.tolist() for k, v in values.items()}, seeds={"a": 12, "b": 12})
    found = one_run([row], {k: each * 6 for k, each in ARMS.items()})[1]
    steps = (found.bins[0].high - found.bins[0].low) * images
    assert steps == pytest.approx(round(steps), abs=1e-6) and steps > 0.99 and len(found.bins) <= 26


def test_one_value_alone_has_a_histogram():
    row = replace(answered(ARMS, ask()), per_arm={"a": [0.4], "b": [0.5]}, seeds={"a": 1, "b": 1})
    assert [b.picks for b in one_run([row], ARMS)[1].bins] == [1]


def masks(name, *each):
    """Runs that label pixels: for each run the right pixels of ten of class 0 in two images, by epoch on val."""
    ids, made = ("x", "y"), []
    for seed, hits in enumerate(each):
        confusion = np.array([[[[h, 10 - h], [0, 10]], [[10, 0], [5, 5]]] for h in hits], np.int32)
        kept = MaskEvidence("val", ids, ("sky", "road"), tuple(range(1, len(hits) + 1)), confusion, confusion)
        made.append(RunRecord(f"{name}{seed}", seed, "done", 0.0, {"val": kept}))
    return tuple(made)


def test_masks_are_read_as_one_set_of_pixels():
    arms = {"a": masks("a", [9, 4], [2, 3]), "b": masks("b", [1, 10], [6, 5])}
    row = contrasts([ask(metric="mean_iou")], arms, Design((2,), "val"))[0]
    best, declared = one_run([row], arms)

    def iou(hits):
        return np.mean([(hits + 10) / (hits + 10 + (10 - hits) + 5), 15 / (15 + (10 - hits) + 5)])

    assert best.largest == pytest.approx(iou(10) - iou(3)) and best.smallest == pytest.approx(iou(6) - iou(9))
    assert declared.largest == pytest.approx(iou(10) - iou(3)) and declared.smallest == pytest.approx(iou(5) - iou(4))


def test_masks_are_read_in_the_space_of_the_question():
    arms = {"a": masks("a", [9, 4]), "b": masks("b", [1, 10])}
    one = {"name": "one", "classes": ["all"], "merge": {"all": ["sky", "road"]}}
    row = contrasts([ask(metric="mean_iou", score_in=one)], arms, Design((1,), "val"))[0]
    assert all(found.largest == 0 for found in one_run([row], arms))  # every pixel is right in a single class
