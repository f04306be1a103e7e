"""Questions about masks: verdicts from pixel counts, and label spaces that are shared or refused."""

from dataclasses import replace

import numpy as np
import pytest
from masks import counted, evidence, pairs, record

from paribus import metrics
from paribus.contrasts import contrasts
from paribus.decomposition import label_space_decomposition
from paribus.epochs import chosen, folds
from paribus.errors import DataError, StudyError
from paribus.predictions import MaskCounts, RunRecord
from paribus.questions import Design, Question
from paribus.scoring import in_space, misfits, scored_in
from paribus.simulate import OF_MASKS, Regime, correct, masks, records

COARSE = {
    "name": "coarse",
    "classes": ["still", "moving"],
    "merge": {"still": ["sky", "road", "building", "sign"], "moving": ["car"]},
}
DESIGN = Design((4,), "test")


def ask(name="b", **more):
    asked = {"name": name, "ask": "?", "weights": {"a": -1.0, name: 1.0}, "metric": "mean_iou", "primary": True}
    return Question(**asked | more)


@pytest.fixture(scope="module")
def fine():
    return masks({"a": 0.0, "b": 0.5}, 4, 100, np.random.default_rng(0), run_sd=0.05)


def coarse(run: RunRecord) -> RunRecord:
    """The run as one that was trained on the coarse classes: the same answers, merged."""
    found = in_space(run.evidence["test"].at(1), COARSE)
    kept = evidence("test", found)
    return replace(run, evidence={"test": kept})


@pytest.fixture(scope="module")
def mixed(fine):
    return {"a": fine["a"], "b": tuple(map(coarse, fine["b"]))}


def test_a_question_about_masks_is_answered_like_any_other(fine):
    row = contrasts([ask(margin=0.01)], fine, DESIGN)[0]
    expected = {a: [metrics.mean_iou(r.evidence["test"].at(1)).mean() for r in runs] for a, runs in fine.items()}
    assert row.per_arm == {a: pytest.approx(v) for a, v in expected.items()}
    assert row.verdict == "helps" and row.difference == pytest.approx(np.mean(expected["b"]) - np.mean(expected["a"]))
    assert "points of mean IoU [" in row.sentence and "4 runs an arm, 100 images" in row.sentence
    assert row.score_in is None


@pytest.mark.parametrize("name", metrics.names("segmentation"))
def test_every_metric_of_masks_answers(fine, name):
    assert contrasts([ask(metric=name)], fine, DESIGN)[0].verdict == "helps"


def test_a_metric_of_another_task_is_refused_and_the_suitable_ones_named(fine):
    with pytest.raises(StudyError, match=r"accuracy is a metric of classification.*Fix: write one of .*mean_iou"):
        contrasts([ask(metric="accuracy")], fine, DESIGN)
    with pytest.raises(StudyError, match="neg_brier is a metric"):
        contrasts([ask(metric="neg_brier"), ask("a", weights={"a": -1.0, "b": 1.0})], fine, DESIGN)


def test_different_label_spaces_are_refused_with_the_way_out(mixed):
    with pytest.raises(StudyError, match="different quantities") as caught:
        contrasts([ask()], mixed, DESIGN)
    assert [p.code for p in caught.value.problems] == ["SPACES_DIFFER"]
    assert "a: 5 classes, b: 2 classes" in str(caught.value) and "write `score_in:`" in str(caught.value)


def test_both_arms_are_scored_in_the_shared_space(fine, mixed):
    row = contrasts([ask(score_in=COARSE)], mixed, DESIGN)[0]
    assert row.score_in == "coarse" and "points of mean IoU in coarse [" in row.sentence
    mapping = [COARSE["classes"].index("moving" if c == "car" else "still") for c in OF_MASKS]
    expected = [
        metrics.mean_iou(r.evidence["test"].at(1).merged(("still", "moving"), mapping)).mean() for r in fine["a"]
    ]
    assert row.per_arm["a"] == pytest.approx(expected)
    assert row == replace(contrasts([ask(score_in=COARSE)], fine, DESIGN)[0])  # merged now or merged before
    both = contrasts(
        [ask(score_in=COARSE), ask("own", weights={"a": -1.0, "c": 1.0})], mixed | {"c": fine["b"]}, DESIGN
    )
    assert both[0].per_arm["a"] != both[1].per_arm["a"]  # one arm, two spaces


def test_the_order_in_which_a_space_lists_its_classes_moves_nothing(mixed):
    turned = COARSE | {"classes": ["moving", "still"]}
    one, other = (contrasts([ask(score_in=s)], mixed, DESIGN)[0] for s in (COARSE, turned))
    assert one.per_arm == {arm: pytest.approx(v) for arm, v in other.per_arm.items()}


def test_classes_without_a_place_are_named(mixed):
    half = COARSE | {"merge": {"still": ["sky", "road"], "moving": ["car"]}}
    with pytest.raises(StudyError, match="no place for building, sign of arm 'a'"):
        contrasts([ask(score_in=half)], mixed, DESIGN)
    with pytest.raises(ValueError, match="no place for building, sign"):
        in_space(mixed["a"][0].evidence["test"].at(1), half)


def test_boundaries_of_other_classes_are_other_pixels(fine, mixed):
    with pytest.raises(StudyError, match="the boundaries between them are different pixels"):
        contrasts([ask(metric="boundary_iou", score_in=COARSE)], mixed, DESIGN)
    assert contrasts([ask(metric="boundary_iou", score_in=COARSE)], fine, DESIGN)[0].verdict == "helps"


def test_misfits_can_be_told_before_anything_is_trained():
    spaces = {"a": OF_MASKS, "b": ("still", "moving")}
    assert [p.code for p in misfits(ask(), spaces)] == ["SPACES_DIFFER"]
    assert misfits(ask(score_in=COARSE), spaces) == []
    assert misfits(ask(), {"a": OF_MASKS, "b": OF_MASKS, "c": ("still",)}) == []  # c is not asked about
    codes = [p.code for p in misfits(ask(score_in=COARSE | {"merge": {}}, metric="boundary_iou"), spaces)]
    assert codes == ["SCORE_IN", "BOUNDARIES_DIFFER"]


def test_other_masks_and_other_tasks_are_refused(fine):
    kept = fine["b"][1].evidence["test"]
    moved = kept.confusion.copy()
    moved[0, 5, 0, 0] += 1  # one pixel more in the truth of one image
    changed = replace(fine["b"][1], evidence={"test": replace(kept, confusion=moved)})
    with pytest.raises(DataError, match="Arm 'b', seed 1: other true masks") as caught:
        contrasts([ask()], fine | {"b": (fine["b"][0], changed)}, DESIGN)
    assert len(caught.value.problems) == 1
    classified = records({"b": correct(Regime(0.01), (0.0,), 4, 100, np.random.default_rng(0))[0]})
    with pytest.raises(DataError, match="another task"):
        contrasts([ask()], fine | classified, DESIGN)


def test_label_spaces_are_not_for_classification():
    outcomes = correct(Regime(0.01), (0.0, 0.0), 4, 50, np.random.default_rng(0))
    with pytest.raises(StudyError, match="label spaces, which classification has not"):
        contrasts([ask(metric="accuracy", score_in=COARSE)], records(dict(zip("ab", outcomes, strict=True))), DESIGN)


def test_few_groups_speak_of_these_images_and_blocks_of_new_stretches(fine):
    ids = fine["a"][0].evidence["test"].image_ids
    few = replace(DESIGN, groups={name: f"seq{n // 20}" for n, name in enumerate(ids)})
    row = contrasts([ask()], fine, few)[0]
    assert row.estimand == "these_images" and row.groups == 5 and "exactly these images" in row.sentence
    blocks = replace(DESIGN, groups={name: f"block {n // 10}" for n, name in enumerate(ids)})
    row = contrasts([ask()], fine, blocks)[0]
    assert row.estimand == "new_images" and "new stretches of the same recordings" in row.sentence
    assert "100 images in 10 blocks" in row.sentence and few.in_blocks is False


# --- how much of a naive difference came from where


def test_a_naive_difference_is_taken_apart(fine, mixed):
    found = label_space_decomposition(ask(score_in=COARSE), mixed, DESIGN)
    row = contrasts([ask(score_in=COARSE)], mixed, DESIGN)[0]
    own = {
        arm: np.mean([metrics.mean_iou(r.evidence["test"].at(1)).mean() for r in runs]) for arm, runs in mixed.items()
    }
    assert found.naive == pytest.approx(own["b"] - own["a"]) and found.training == pytest.approx(row.difference)
    assert found.easier_score == pytest.approx(found.shared["a"] - found.own["a"]) and found.easier_score > 0.1
    assert found.naive == pytest.approx(found.easier_score + found.training)
    assert found.shared["b"] == pytest.approx(found.own["b"]) and found.classes == {"a": 5, "b": 2}
    assert label_space_decomposition(ask(), fine, DESIGN) is None
    assert label_space_decomposition(ask(score_in=COARSE), fine, DESIGN) is None
    assert label_space_decomposition(ask(score_in=COARSE), {"a": mixed["a"], "b": ()}, DESIGN) is None
    first = label_space_decomposition(ask(score_in=COARSE), mixed, DESIGN, seeds=1)
    assert first.shared["b"] == pytest.approx(row.per_arm["b"][0])


# --- which epoch counts


def same_truth(*shares):
    """Counts of the same true masks at epochs with this share of wrong pixels."""
    truth = [t for _, t in pairs(seed=4)]
    generator = np.random.default_rng(1)
    made = []
    for share in shares:
        noise = [
            np.where(generator.random(t.shape) < share, generator.integers(0, 4, t.shape), np.minimum(t, 3))
            for t in truth
        ]
        made.append(counted([(p.astype(np.uint8), t) for p, t in zip(noise, truth, strict=True)]))
    return made


def test_the_metric_of_the_question_chooses_the_epoch_on_val():
    val, test = same_truth(0.5, 0.2, 0.3), same_truth(0.4, 0.5, 0.6)
    whole = record(evidence("val", *val), evidence("test", *test))
    scores, epoch = chosen(whole, "test", "val", metrics.mean_iou)
    assert epoch == 2 and (scores.confusion == test[1].confusion).all()
    assert chosen(whole, "test", "last", metrics.mean_iou)[1] == 3
    few = record(evidence("val", *val), evidence("test", test[0], test[2], kept=(1, 3)))
    assert chosen(few, "test", "val", metrics.mean_iou)[1] == 3  # the better on val of those that are kept
    assert chosen(few, "test", "last", metrics.mean_iou)[1] == 3


def test_an_epoch_may_be_best_in_one_space_and_not_in_another():
    generator = np.random.default_rng(0)
    truth = [t for _, t in pairs(seed=4)]
    sure = [np.where(t == 255, 0, t // 2 * 2 + generator.integers(0, 2, t.shape)).astype(np.uint8) for t in truth]
    half = [np.where(generator.random(t.shape) < 0.3, (t + 2) % 4, t % 255 % 4).astype(np.uint8) for t in truth]
    space = {"name": "two", "classes": ["x", "y"], "merge": {"x": ["sky", "road"], "y": ["tree", "car"]}}
    both = [counted(list(zip(p, truth, strict=True))) for p in (half, sure)]  # `sure` mixes up only what is merged
    whole = record(evidence("val", *both), evidence("test", *both))
    assert chosen(whole, "test", "val", metrics.mean_iou)[1] == 1
    assert chosen(whole, "test", "val", scored_in(metrics.mean_iou, space))[1] == 2
    row = contrasts(
        [ask(score_in=space, weights={"a": -1.0, "b": 1.0})],
        {"a": (whole,) * 2, "b": (whole,) * 2},
        Design((2,), "test", "val"),
    )[0]
    assert row.per_arm["a"][0] == pytest.approx(1.0)
    merged = replace(
        whole, evidence={split: evidence(split, *(in_space(c, space) for c in both)) for split in ("val", "test")}
    )
    found = label_space_decomposition(ask(score_in=space), {"a": (whole,), "b": (merged,)}, Design((1,), "test", "val"))
    assert found.own["a"] == pytest.approx(
        metrics.mean_iou(both[1]).mean()
    )  # the epoch that counts in the shared space


def test_crossfitting_joins_the_counts_before_the_metric():
    first, second = same_truth(0.3, 0.3)
    fold = folds(first.image_ids)
    best_on_zero = replace(first, confusion=np.where((fold == 0)[:, None, None], _perfect(first), first.confusion))
    best_on_one = replace(second, confusion=np.where((fold == 1)[:, None, None], _perfect(second), second.confusion))
    scores, epoch = chosen(record(evidence("test", best_on_zero, best_on_one)), "test", "crossfit", metrics.mean_iou)
    # fold 0 is scored by the epoch that is best on fold 1, which knows nothing of fold 0
    expected = np.where((fold == 0)[:, None, None], best_on_one.confusion, best_on_zero.confusion)
    assert epoch is None and (scores.confusion == expected).all()
    assert metrics.mean_iou(scores).mean() < 0.8
    joined = metrics.mean_iou(scores)
    apart = [metrics.mean_iou(replace(scores, confusion=expected[fold == f])).mean() for f in (0, 1)]
    assert abs(joined.mean() - np.mean(apart)) > 1e-6  # the metric of all pixels, not the mean over folds


def _perfect(counts):
    truth = counts.confusion.sum(axis=2)
    return truth[:, :, None] * np.eye(truth.shape[1], dtype=np.int64)


def test_by_val_an_epoch_is_chosen_that_is_kept_where_it_is_scored():
    """A run keeps test at its best epoch by mean IoU on val and at the last one; another metric may like a third."""
    of = [[[88, 10], [0, 2]], [[98, 0], [2, 0]], [[90, 8], [1, 1]]]  # the second never finds the rare class
    first, second, last = (MaskCounts(("i",), c, c, ("a", "b")) for c in np.array(of)[:, None])
    val, test = evidence("val", first, second, last), evidence("test", first, last, kept=(1, 3))
    run = RunRecord("r", 0, "done", 1.0, {"val": val, "test": test})
    by = {m: [m(val.at(e)).mean() for e in val.epochs] for m in (metrics.mean_iou, metrics.pixel_accuracy)}
    assert [int(np.argmax(values)) + 1 for values in by.values()] == [1, 2]
    assert chosen(run, "test", "val", metrics.mean_iou)[1] == 1
    assert chosen(run, "test", "val", metrics.pixel_accuracy)[1] == 3
