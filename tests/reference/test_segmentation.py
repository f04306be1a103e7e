"""Metrics of masks against torchmetrics, scikit-learn and mmseg's arithmetic, on the same random masks.

Where every class occurs in the truth all agree. Where one does not, each library has a convention of its own, which is
shown here and is not ours.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as sklearn_metrics

from paribus import metrics
from paribus.labels import VOID
from paribus.predictions import MaskCounts

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from masks import counted, pairs

with warnings.catch_warnings():  # the library's own imports, not ours
    warnings.simplefilter("ignore")
    import torch
    from torchmetrics.functional.classification import (
        multiclass_accuracy,
        multiclass_f1_score,
        multiclass_jaccard_index,
    )

MASKS = [pairs(seed=s) for s in range(3)]


def ours(name, masks, classes="abcd"):
    return metrics.named(name)(counted(masks, tuple(classes))).mean()


def flat(masks):
    """Labelled (truth, prediction) pixels of all masks."""
    truth = np.concatenate([t.ravel() for _, t in masks])
    prediction = np.concatenate([p.ravel() for p, _ in masks])
    return truth[truth != VOID], prediction[truth != VOID]


# mmseg's IoUMetric, stated anew: areas by histogram of each image, sums over the set, then ratios.


def intersect_and_union(prediction, truth, classes):
    """Areas of intersection, union, prediction and truth of one image; ignored pixels are dropped first."""
    kept = truth != VOID
    prediction, truth = prediction[kept], truth[kept]
    edges = {"bins": classes, "range": (0, classes - 1)}  # torch.histc's arguments: unit-wide bins for whole numbers
    intersect = np.histogram(prediction[prediction == truth], **edges)[0]
    predicted = np.histogram(prediction, **edges)[0]
    labelled = np.histogram(truth, **edges)[0]
    return intersect, predicted + labelled - intersect, predicted, labelled


def mmseg(masks, classes):
    """aAcc, mIoU, mAcc and mDice; means are nanmean over classes, so that only 0 / 0 is left out."""
    areas = [intersect_and_union(p, t, classes) for p, t in masks]
    intersect, union, predicted, labelled = (np.sum(each, axis=0) for each in zip(*areas, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "pixel_accuracy": intersect.sum() / labelled.sum(),
            "mean_iou": np.nanmean(intersect / union),
            "mean_class_accuracy": np.nanmean(intersect / labelled),
            "dice": np.nanmean(2 * intersect / (predicted + labelled)),
        }


@pytest.mark.parametrize("masks", MASKS)
def test_mmseg(masks):
    for name, value in mmseg(masks, 4).items():
        assert ours(name, masks) == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("masks", MASKS)
def test_scikit_learn(masks):
    truth, prediction = flat(masks)
    expected = {
        "pixel_accuracy": sklearn_metrics.accuracy_score(truth, prediction),
        "mean_iou": sklearn_metrics.jaccard_score(truth, prediction, average="macro"),
        "frequency_weighted_iou": sklearn_metrics.jaccard_score(truth, prediction, average="weighted"),
        "mean_class_accuracy": sklearn_metrics.balanced_accuracy_score(truth, prediction),
        "dice": sklearn_metrics.f1_score(truth, prediction, average="macro"),
    }
    for name, value in expected.items():
        assert ours(name, masks) == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("masks", MASKS)
def test_torchmetrics(masks):
    truth = torch.from_numpy(np.stack([t for _, t in masks]).astype(np.int64))
    prediction = torch.from_numpy(np.stack([p for p, _ in masks]).astype(np.int64))
    same = {"num_classes": 4, "ignore_index": VOID}
    expected = {
        "pixel_accuracy": multiclass_accuracy(prediction, truth, average="micro", **same),
        "mean_iou": multiclass_jaccard_index(prediction, truth, average="macro", **same),
        "frequency_weighted_iou": multiclass_jaccard_index(prediction, truth, average="weighted", **same),
        "mean_class_accuracy": multiclass_accuracy(prediction, truth, average="macro", **same),
        "dice": multiclass_f1_score(prediction, truth, average="macro", **same),
    }
    for name, value in expected.items():
        assert ours(name, masks) == pytest.approx(float(value), abs=1e-6), name


def test_mean_image_iou_is_scikit_learns_of_each_image():
    masks = MASKS[0]
    own = [sklearn_metrics.jaccard_score(*flat([one]), average="macro") for one in masks]
    assert ours("mean_image_iou", masks) == pytest.approx(np.mean(own), abs=1e-6)
    assert abs(np.mean(own) - ours("mean_iou", masks)) > 1e-4  # another quantity


# A class that occurs in no truth: ours leaves it out, predicted or not.


def without_class(masks, predicted):
    """The same masks with class 3 in no truth; it stays in some predictions, or becomes class 0 there."""
    made = []
    for p, t in masks:
        made.append(
            (p if predicted else np.where(p == 3, 0, p).astype(np.uint8), np.where(t == 3, 0, t).astype(np.uint8))
        )
    return made


def iou_of_three(masks):
    truth, prediction = flat(masks)
    return sklearn_metrics.jaccard_score(truth, prediction, labels=[0, 1, 2], average=None)


@pytest.mark.parametrize("predicted", [True, False])
def test_ours_is_the_mean_over_the_classes_of_the_truth(predicted):
    masks = without_class(MASKS[0], predicted)
    assert ours("mean_iou", masks) == pytest.approx(iou_of_three(masks).mean(), abs=1e-12)


def test_mmseg_leaves_out_a_class_only_if_it_is_not_predicted_either():
    unseen, seen = without_class(MASKS[0], False), without_class(MASKS[0], True)
    assert mmseg(unseen, 4)["mean_iou"] == pytest.approx(ours("mean_iou", unseen), abs=1e-12)
    assert mmseg(seen, 4)["mean_iou"] == pytest.approx(iou_of_three(seen).sum() / 4, abs=1e-12)  # counts as 0
    assert mmseg(seen, 4)["mean_iou"] < ours("mean_iou", seen) - 0.1


def test_scikit_learn_with_fixed_labels_counts_it_as_zero():
    for predicted in (True, False):
        masks = without_class(MASKS[0], predicted)
        truth, prediction = flat(masks)
        value = sklearn_metrics.jaccard_score(truth, prediction, labels=range(4), average="macro", zero_division=0)
        assert value == pytest.approx(iou_of_three(masks).sum() / 4, abs=1e-12)
        assert value < ours("mean_iou", masks) - 0.1


def test_torchmetrics_leaves_out_a_class_only_if_it_is_not_predicted_either():
    for predicted, expected in ((False, lambda x: x.mean()), (True, lambda x: x.sum() / 4)):
        masks = without_class(MASKS[0], predicted)
        truth = torch.from_numpy(np.stack([t for _, t in masks]).astype(np.int64))
        prediction = torch.from_numpy(np.stack([p for p, _ in masks]).astype(np.int64))
        value = multiclass_jaccard_index(prediction, truth, num_classes=4, ignore_index=VOID, average="macro")
        assert float(value) == pytest.approx(expected(iou_of_three(masks)), abs=1e-6)


def test_void_as_a_class_of_its_own_gives_another_number():
    """What course code does that scores the void index as class number C."""
    masks = MASKS[0]
    scored = [(p, np.where(t == VOID, 4, t).astype(np.uint8)) for p, t in masks]
    assert ours("mean_iou", scored, "abcdv") < ours("mean_iou", masks) - 0.05


# The naive reading of a report that lists the IoU of each class at its best epoch.

LISTED = (0.8899, 0.7452, 0, 0.9159, 0.7039, 0.738, 0, 0.0034, 0.2936, 0.0353, 0)


def test_the_mean_without_undetected_classes_is_another_number():
    """Leaving out classes because they went badly turns .393 into .433 or .714."""
    iou = np.array(LISTED)
    assert iou.mean() == pytest.approx(0.3932, abs=5e-5)
    assert iou.sum() / 10 == pytest.approx(0.4325, abs=5e-5)  # without one class that was never detected
    at_or_near_zero = iou < 0.05
    assert at_or_near_zero.sum() == 5 and iou[~at_or_near_zero].mean() == pytest.approx(0.714, abs=5e-4)


def test_a_class_never_detected_stays_in_the_mean():
    """The same list as pixels: what the truth holds is in the mean, however badly it went."""
    size = 11
    confusion = np.zeros((1, size + 1, size + 1), np.int64)  # one class more takes all misses, and is in no truth
    for c, value in enumerate(LISTED):
        hits = round(10_000 * value)
        confusion[0, c, c], confusion[0, c, size] = hits, 10_000 - hits
    found = MaskCounts(("a",), confusion, confusion, tuple("abcdefghijkl"))
    assert metrics.mean_iou(found).mean() == pytest.approx(0.3932, abs=5e-5)
    confusion[0, [c for c in range(size) if LISTED[c] < 0.05]] = 0  # .714 needs those classes out of the truth
    assert metrics.mean_iou(found).mean() == pytest.approx(0.714, abs=5e-4)
