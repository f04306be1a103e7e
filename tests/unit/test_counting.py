"""Pixel counts of masks, and which pixels are near a boundary."""

import numpy as np
import pytest
from masks import pairs
from scipy.ndimage import distance_transform_cdt
from sklearn.metrics import confusion_matrix

from paribus.counting import WITHIN, boundary_counts, counts, near_boundary
from paribus.labels import VOID


def test_counts_are_those_of_scikit_learn_without_void():
    for prediction, truth in pairs():
        labelled = truth != VOID
        expected = confusion_matrix(truth[labelled], prediction[labelled], labels=range(4))
        assert (counts(prediction, truth, 4) == expected).all()
        assert counts(prediction, truth, 4).dtype == np.int64


def test_what_is_predicted_on_void_is_not_looked_at():
    truth = np.array([[0, VOID]], dtype=np.uint8)
    assert counts(np.array([[0, 77]], dtype=np.uint8), truth, 2).tolist() == [[1, 0], [0, 0]]
    assert counts(truth, np.full((1, 2), VOID, np.uint8), 2).sum() == 0


def test_masks_that_cannot_be_counted_are_refused():
    truth = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"shape \(3, 2\), the truth \(2, 3\)"):
        counts(truth.T, truth, 2)
    with pytest.raises(ValueError, match="truth holds the value 2; there are 2 classes"):
        counts(truth, truth + 2, 2)
    with pytest.raises(ValueError, match="prediction holds the value 255"):
        counts(truth + 255, truth, 2)


def test_a_boundary_is_within_three_pixels_of_another_class():
    truth = np.zeros((5, 20), np.uint8)
    truth[:, 10:] = 1
    assert np.flatnonzero(near_boundary(truth)[0]).tolist() == [7, 8, 9, 10, 11, 12]
    assert np.flatnonzero(near_boundary(truth, 1)[0]).tolist() == [9, 10]
    assert not near_boundary(np.zeros((9, 9), np.uint8)).any()


def test_void_is_no_class_and_makes_no_boundary():
    truth = np.zeros((5, 20), np.uint8)
    truth[:, 10:] = VOID
    assert not near_boundary(truth).any()
    truth[:, 12:] = 1  # a line of void two pixels wide between two classes
    assert np.flatnonzero(near_boundary(truth)[0]).tolist() == [9, 12]
    truth[:, 9:12] = VOID
    assert not (near_boundary(truth) & (truth == VOID)).any()


def test_boundaries_by_an_independent_distance():
    """For each class: the chessboard distance of its pixels to the nearest pixel of any other class."""
    for prediction, truth in pairs(seed=3, images=4):
        near = np.zeros(truth.shape, bool)
        for c in range(4):
            others = (truth != c) & (truth != VOID)
            near |= (truth == c) & (distance_transform_cdt(~others, "chessboard") <= WITHIN)
        assert (near_boundary(truth) == near).all() and near.any() and not near[truth != VOID].all()
        inside = counts(prediction, truth, 4, ~near)
        assert (boundary_counts(prediction, truth, 4) + inside == counts(prediction, truth, 4)).all()
