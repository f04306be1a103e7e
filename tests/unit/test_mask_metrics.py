"""Metrics of masks: influences, absent classes, images without labels, and which task a metric is of."""

import numpy as np
import pytest
from masks import CLASSES, counted, pairs
from scipy.optimize import approx_fprime

from paribus import metrics
from paribus.errors import DataError, StudyError
from paribus.labels import VOID
from paribus.predictions import ClassScores, MaskCounts

EMPTY = np.zeros((1, 4, 4), np.int64)


def by_definition(name, counts, weights):
    """The metric of the set in which image i occurs `weights[i]` times, written from its definition."""
    if name == "mean_image_iou":
        own = [by_definition("own", c, [1]) for c in counts[:, None]]
        return np.average(own, weights=weights)
    total = np.tensordot(weights, counts, 1).astype(float)
    truth, predicted, right = total.sum(1), total.sum(0), total.diagonal()
    use = (truth + predicted > 0) if name == "own" else truth > 0
    iou = right[use] / (truth + predicted - right)[use]
    if name == "own":
        return iou.mean()
    return {
        "pixel_accuracy": right.sum() / total.sum(),
        "mean_iou": iou.mean(),
        "boundary_iou": iou.mean(),
        "mean_class_accuracy": (right[use] / truth[use]).mean(),
        "dice": (2 * right[use] / (truth + predicted)[use]).mean(),
        "frequency_weighted_iou": (iou * truth[use]).sum() / total.sum(),
    }[name]


@pytest.mark.parametrize("name", metrics.names("segmentation"))
def test_the_mean_is_the_metric_and_deviations_are_influences(name):
    """y_i - M is the derivative of the metric for the weight of image i; also where a class occurs in no truth."""
    whole = counted(pairs(seed=5))
    absent = whole.confusion.copy()
    absent[:, 3] = 0  # the class is predicted and is in no truth
    for counts in (whole.confusion, absent):
        y = metrics.named(name)(MaskCounts(whole.image_ids, counts, counts // 3, CLASSES))
        used = counts // 3 if name == "boundary_iou" else counts
        ones = np.ones(len(counts))
        assert y.shape == (10,) and y.mean() == pytest.approx(by_definition(name, used, ones), rel=1e-12)
        slope = approx_fprime(ones, lambda w, used=used: by_definition(name, used, w), 1e-6) * len(ones)
        assert y - y.mean() == pytest.approx(slope, abs=1e-4)
        assert y.std() > 1e-3


def test_a_class_that_is_never_hit_counts_and_one_without_truth_does_not():
    confusion = np.array([[[6, 0, 2], [0, 0, 0], [2, 0, 0]]])  # the second is absent, the third never hit
    found = MaskCounts(("a",), confusion, confusion, CLASSES[:3])
    assert metrics.mean_iou(found).mean() == pytest.approx((6 / 10 + 0) / 2)
    assert metrics.mean_class_accuracy(found).mean() == pytest.approx((6 / 8 + 0) / 2)
    assert metrics.dice(found).mean() == pytest.approx((12 / 16 + 0) / 2)


def test_an_image_without_labels_moves_nothing_but_the_count_of_images():
    masks = pairs(images=5)
    blank = (masks[0][0], np.full_like(masks[0][1], VOID))
    with_blank, without = counted([*masks, blank]), counted(masks)
    for name in metrics.names("segmentation"):
        y = metrics.named(name)(with_blank)
        assert np.isfinite(y).all() and y.mean() == pytest.approx(metrics.named(name)(without).mean()), name
    assert metrics.mean_image_iou(with_blank)[-1] == pytest.approx(metrics.mean_image_iou(without).mean())


@pytest.mark.parametrize("name", metrics.names("segmentation"))
def test_nothing_to_score_is_said(name):
    with pytest.raises(DataError, match="0 / 0"):
        metrics.named(name)(MaskCounts(("a",), EMPTY, EMPTY, CLASSES))


def test_each_metric_knows_its_task():
    assert metrics.names("segmentation") == (
        "boundary_iou",
        "dice",
        "frequency_weighted_iou",
        "mean_class_accuracy",
        "mean_image_iou",
        "mean_iou",
        "pixel_accuracy",
    )
    assert set(metrics.names()) == {*metrics.names("segmentation"), *metrics.names("classification")}
    assert metrics.misfit("mean_iou", "segmentation") is None and metrics.misfit("accuracy", "classification") is None
    line = metrics.misfit("accuracy", "segmentation").line()
    assert "accuracy is a metric of classification, and this is segmentation" in line and "mean_iou" in line
    assert "neg_log_loss" in metrics.misfit("dice", "classification").fix
    with pytest.raises(StudyError, match="Did you mean 'mean_iou'"):
        metrics.misfit("meaniou", "segmentation")


def test_metrics_of_the_users_own_say_their_task_or_suit_both():
    def silent(scores):
        return scores

    def quoted(scores: "MaskCounts"):
        return scores

    def plain(scores: ClassScores):
        return scores

    more = {"lab:silent": silent, "lab:quoted": quoted, "lab:plain": plain}
    assert [metrics.task_of(f) for f in more.values()] == [None, "segmentation", "classification"]
    assert metrics.misfit("lab:silent", "segmentation", more) is None
    assert metrics.misfit("lab:plain", "segmentation", more) is not None


def test_labels():
    assert metrics.described("mean_iou") == metrics.Metric("mean_iou", "mean IoU", "points", False)
    assert metrics.described("mean_class_accuracy").label == "mean class accuracy"
    assert metrics.described("mean_image_iou").label == "mean IoU per image"


def test_merging_is_argmax_first():
    whole = counted(pairs(seed=2))
    merged = whole.merged(("up", "down"), (0, 1, 0, 1))
    coarse = [(np.where(p < VOID, p % 2, p), np.where(t < VOID, t % 2, t)) for p, t in pairs(seed=2)]
    assert (merged.confusion == counted(coarse, ("up", "down")).confusion).all()
    assert merged.confusion.dtype == np.int64 and merged.boundary.sum() == whole.boundary.sum()
    with pytest.raises(ValueError, match="expected 4 indices into"):
        whole.merged(("up", "down"), (0, 1))
