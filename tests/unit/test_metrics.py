import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn import metrics as sklearn_metrics

from paribus import confusion, metrics
from paribus.errors import DataError, StudyError
from paribus.predictions import ClassScores


def made(targets, logits, classes=None):
    logits = np.asarray(logits, dtype=np.float32)
    names = classes or tuple("abcdefgh"[: logits.shape[1]])
    return ClassScores(tuple(map(str, range(len(targets)))), np.asarray(targets), logits, names)


@pytest.fixture(params=[2, 4])
def scores(request):
    generator = np.random.default_rng(request.param)
    targets = generator.integers(0, request.param, 300)
    logits = generator.standard_normal((300, request.param)) + 1.2 * np.eye(request.param)[targets]
    return made(targets, logits.round(1))  # rounded: ties


def test_against_scikit_learn(scores):
    y, guess, p = scores.targets, scores.predicted(), np.exp(scores.log_probabilities())
    binary = p.shape[1] == 2
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(y, guess),
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(y, guess),
        "macro_f1": sklearn_metrics.f1_score(y, guess, average="macro"),
        "neg_log_loss": -sklearn_metrics.log_loss(y, p),
        "neg_brier": -np.mean(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1)),
        "auroc": sklearn_metrics.roc_auc_score(y, p[:, 1] if binary else p, multi_class="ovr"),
    }
    for name, value in expected.items():
        assert metrics.named(name)(scores).mean() == pytest.approx(value, rel=1e-6), name
    assert set(expected) == set(metrics.names("classification"))


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
def test_deviations_are_influences(scores, name):
    """y_i - M is the derivative of the metric for the weight of image i."""
    y, guess = scores.targets, scores.predicted()
    of = {
        "balanced_accuracy": lambda w: sklearn_metrics.recall_score(y, guess, average="macro", sample_weight=w),
        "macro_f1": lambda w: sklearn_metrics.f1_score(y, guess, average="macro", sample_weight=w),
    }[name]
    slope = approx_fprime(np.ones(len(y)), of, 1e-6) * len(y)
    values = metrics.named(name)(scores)
    assert values - values.mean() == pytest.approx(slope, abs=1e-4)


def test_auroc_variance_is_delongs():
    generator = np.random.default_rng(0)
    targets = np.repeat([0, 1], [40, 60])
    score = generator.standard_normal(100) + targets
    y = metrics.auroc(made(targets, np.stack([np.zeros(100), score], axis=1)))
    score = score.astype(np.float32)
    wins = (score[targets == 1][:, None] > score[targets == 0][None]).astype(float)
    delong = wins.mean(axis=1).var() / 60 + wins.mean(axis=0).var() / 40
    assert y.var() / 100 == pytest.approx(delong, rel=1e-9)


def test_absent_classes_are_left_out():
    scores = made([0, 0, 1, 1], [[2, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2]])
    assert metrics.balanced_accuracy(scores).mean() == pytest.approx(0.75)
    assert metrics.macro_f1(scores).mean() == pytest.approx((1 + 2 / 3) / 2)
    assert np.isfinite(metrics.auroc(scores)).all()


def test_auroc_of_one_class_is_refused():
    with pytest.raises(DataError, match="at least two classes"):
        metrics.auroc(made([1, 1], [[0, 1], [1, 0]]))


def test_auroc_of_constant_scores_is_a_half():
    assert metrics.auroc(made([0, 1, 1], np.zeros((3, 2)))).mean() == pytest.approx(0.5)


def test_a_class_that_is_never_hit_has_zero_f1():
    assert metrics.macro_f1(made([0, 1], [[1, 0], [1, 0]])).mean() == pytest.approx((2 / 3 + 0) / 2)


def test_names_and_descriptions():
    assert "calibration_error" not in metrics.names() and "linearised" not in metrics.names()
    assert metrics.described("accuracy") == metrics.Metric("accuracy", "accuracy", "points", False)
    assert metrics.described("neg_log_loss") == metrics.Metric("neg_log_loss", "log loss", "raw", True)
    assert metrics.described("my_lab:kappa") == metrics.Metric("my_lab:kappa", "kappa", "raw", False)
    with pytest.raises(StudyError, match="Did you mean 'accuracy'"):
        metrics.named("acuracy")
    with pytest.raises(StudyError):
        metrics.named("calibration_error")
    assert metrics.named("my_lab:kappa", {"my_lab:kappa": metrics.accuracy}) is metrics.accuracy


def test_calibration_reference_falls_with_more_images():
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((4000, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([generator.choice(3, p=row) for row in p])
    many, few = made(targets, logits), made(targets[:100], logits[:100])
    assert metrics.calibration_reference(many) < 0.03 < metrics.calibration_reference(few)
    assert metrics.calibration_error(many) == pytest.approx(metrics.calibration_reference(many), abs=0.02)


def test_confusion_matrix(scores):
    expected = sklearn_metrics.confusion_matrix(scores.targets, scores.predicted(), labels=range(len(scores.classes)))
    assert metrics.confusion_matrix(scores).tolist() == expected.tolist()


def test_segmentation_arithmetic():
    generator = np.random.default_rng(0)
    counts = generator.integers(0, 9, (20, 3, 3))
    assert confusion.class_iou(counts, 1).mean() == pytest.approx(confusion.iou(counts)[1])
    predicted_only = counts.copy()
    predicted_only[:, 2, :] = 0
    assert confusion.mean_iou(predicted_only).mean() == pytest.approx(confusion.iou(predicted_only)[:2].mean())
    assert np.isnan(confusion.mean_image_iou(np.zeros((1, 3, 3)))).all()
    with pytest.raises(ValueError, match="expected"):
        confusion.iou(np.zeros((3, 3)))
    with pytest.raises(DataError, match="No class"):
        confusion.mean_iou(np.zeros((2, 3, 3)))
