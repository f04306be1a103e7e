"""Cross-entropy is torch's; balanced weights are scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from paribus.losses import cross_entropy

LOGITS = torch.tensor([[1.0, -1.0, 0.3], [0.2, 0.1, 2.0], [0.0, 3.0, -1.0]])
TARGETS = torch.tensor([0, 1, 1])


def test_plain_smoothed_and_weighted():
    F = torch.nn.functional.cross_entropy
    assert cross_entropy([1, 2, 3])(LOGITS, TARGETS) == F(LOGITS, TARGETS)
    assert cross_entropy([1, 2, 3], label_smoothing=0.1)(LOGITS, TARGETS) == F(LOGITS, TARGETS, label_smoothing=0.1)
    weights = [1.0, 2.0, 0.5]
    expected = F(LOGITS, TARGETS, weight=torch.tensor(weights))
    assert cross_entropy([1, 2, 3], class_weights=weights)(LOGITS, TARGETS) == expected
    assert cross_entropy([1, 2, 3])(LOGITS, TARGETS) != expected


def test_balanced_weights():
    labels = np.repeat([0, 1, 2], [5, 20, 75])
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=labels)
    found = cross_entropy([5, 20, 75], class_weights="balanced").weight
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_a_weight_for_each_class():
    with pytest.raises(ValueError, match="2 class weights for 3 classes"):
        cross_entropy([1, 1, 1], class_weights=[1.0, 2.0])
