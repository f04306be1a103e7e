"""Cross-entropy is torch's, balanced weights are scikit-learn's, and void counts nowhere."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from paribus.labels import VOID
from paribus.losses import OF_PIXELS, PixelCounts, cross_entropy, dice, focal

LOGITS = torch.tensor([[1.0, -1.0, 0.3], [0.2, 0.1, 2.0], [0.0, 3.0, -1.0]])
TARGETS = torch.tensor([0, 1, 1])
PIXELS = PixelCounts([600, 300, 100], [1000, 600, 400])
F = torch.nn.functional


def masks(seed=0, void=0.3, shape=(2, 5, 6), classes=3):
    """Logits (B, C, H, W) and targets (B, H, W), a share of them void."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape[0], classes, *shape[1:], generator=rng)
    targets = torch.randint(0, classes, shape, generator=rng)
    targets[torch.rand(shape, generator=rng) < void] = VOID
    return logits, targets


LOSSES = {
    "plain": cross_entropy(PIXELS),
    "smoothed": cross_entropy(PIXELS, label_smoothing=0.1),
    "median": cross_entropy(PIXELS, class_weights="median_frequency"),
    "root": cross_entropy(PIXELS, class_weights="root_median_frequency"),
    "balanced": cross_entropy(PIXELS, class_weights="balanced"),
    "focal": focal(PIXELS),
    "focal, gently": focal(PIXELS, gamma=0.5, class_weights="median_frequency"),
    "dice": dice(PIXELS),
}


def test_plain_smoothed_and_weighted():
    assert cross_entropy([1, 2, 3])(LOGITS, TARGETS) == F.cross_entropy(LOGITS, TARGETS)
    smoothed = cross_entropy([1, 2, 3], label_smoothing=0.1)(LOGITS, TARGETS)
    assert smoothed == F.cross_entropy(LOGITS, TARGETS, label_smoothing=0.1)
    weights = [1.0, 2.0, 0.5]
    expected = F.cross_entropy(LOGITS, TARGETS, weight=torch.tensor(weights))
    assert cross_entropy([1, 2, 3], class_weights=weights)(LOGITS, TARGETS) == expected
    assert cross_entropy([1, 2, 3])(LOGITS, TARGETS) != expected


def test_balanced_weights():
    labels = np.repeat([0, 1, 2], [5, 20, 75])
    expected = torch.tensor(compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=labels)).float()
    found = cross_entropy([5, 20, 75], class_weights="balanced")(LOGITS, TARGETS)
    torch.testing.assert_close(found, F.cross_entropy(LOGITS, TARGETS, weight=expected))
    logits, targets = masks()
    wanted = F.cross_entropy(logits, targets, weight=1000 / (3 * torch.tensor([600.0, 300, 100])), ignore_index=VOID)
    torch.testing.assert_close(LOSSES["balanced"](logits, targets), wanted)


def test_weights_by_median_frequency():
    """Shares of 0.6, 0.5 and 0.25 in the images that hold the class: their median is 0.5."""
    logits, targets = masks()
    wanted = F.cross_entropy(logits, targets, weight=torch.tensor([0.5 / 0.6, 1.0, 2.0]), ignore_index=VOID)
    torch.testing.assert_close(LOSSES["median"](logits, targets), wanted)


def test_the_roots_of_these_weights_are_closer_to_one():
    logits, targets = masks()
    roots = torch.tensor([0.5 / 0.6, 1.0, 2.0]).sqrt()
    wanted = F.cross_entropy(logits, targets, weight=roots, ignore_index=VOID)
    torch.testing.assert_close(LOSSES["root"](logits, targets), wanted)


@pytest.mark.parametrize("rule", ["median_frequency", "root_median_frequency", "balanced"])
def test_a_class_that_no_training_image_holds(rule):
    loss = cross_entropy(PixelCounts([600, 0, 100], [1000, 0, 400]), class_weights=rule)
    logits, targets = masks()
    targets[targets == 1] = VOID
    assert loss(logits, targets).isfinite()
    assert loss(logits, torch.full_like(targets, 1)) == 0  # all of it has weight 0


@pytest.mark.parametrize("rule", OF_PIXELS)
def test_median_frequency_is_of_pixels(rule):
    with pytest.raises(ValueError, match=f" {rule} is of pixels"):
        cross_entropy([5, 20, 75], class_weights=rule)


@pytest.mark.parametrize("make", [cross_entropy, focal])
def test_a_weight_for_each_class(make):
    with pytest.raises(ValueError, match="2 class weights for 3 classes"):
        make([1, 1, 1], class_weights=[1.0, 2.0])


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_of_nothing_but_void_is_nothing(name):
    logits, targets = masks()
    logits.requires_grad_()
    loss = LOSSES[name](logits, torch.full_like(targets, VOID))
    loss.backward()
    assert loss == 0
    assert logits.grad.abs().max() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_void_pixels_count_nowhere(name):
    logits, targets = masks()
    other = torch.where(targets[:, None] == VOID, 5 - 2 * logits, logits).requires_grad_()
    torch.testing.assert_close(LOSSES[name](other, targets), LOSSES[name](logits, targets))
    LOSSES[name](other, targets).backward()
    void = (targets == VOID)[:, None].expand_as(other)
    assert other.grad[void].abs().max() == 0 and other.grad[~void].abs().min() > 0


def test_an_images_class_may_have_the_number_of_void():
    logits, targets = torch.randn(4, 300, generator=torch.Generator().manual_seed(0)), torch.tensor([VOID, 1, 2, 3])
    assert cross_entropy([1] * 300)(logits, targets) == F.cross_entropy(logits, targets)


@pytest.mark.parametrize("void", [0.0, 0.3])
def test_focal_loss(void):
    logits, targets = masks(void=void)
    p = logits.double().softmax(1).movedim(1, -1)[targets != VOID]
    true = targets[targets != VOID]
    p = p[torch.arange(len(true)), true]
    expected = (-((1 - p) ** 2) * p.log()).mean().float()
    torch.testing.assert_close(LOSSES["focal"](logits, targets), expected)
    plain = F.cross_entropy(logits, targets, ignore_index=VOID)
    torch.testing.assert_close(focal(PIXELS, gamma=0.0)(logits, targets), plain)
    weighted = focal(PIXELS, gamma=0.0, class_weights="median_frequency")
    torch.testing.assert_close(weighted(logits, targets), LOSSES["median"](logits, targets))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_of_certain_pixels_has_a_finite_slope(gamma):
    logits = torch.tensor([[[[200.0]], [[-200.0]]], [[[-200.0]], [[200.0]]]]).requires_grad_()
    loss = focal(PixelCounts([1, 1], [1, 1]), gamma=gamma)(logits, torch.zeros(2, 1, 1, dtype=torch.int64))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


def test_soft_dice_by_hand():
    """Two classes, four pixels, one of them void, equal odds everywhere: 2 * (n/2) / (3/2 + n) for n = 2 and 1."""
    targets = torch.tensor([[[0, 0], [1, VOID]]])
    found = dice(PixelCounts([2, 1], [3, 3]))(torch.zeros(1, 2, 2, 2), targets)
    assert found.item() == pytest.approx(1 - (2 / 3.5 + 1 / 2.5) / 2)


def test_soft_dice_of_the_truth_and_of_its_opposite():
    _, targets = masks(void=0.2)
    true = F.one_hot(targets.clamp(max=2), 3).movedim(-1, 1).float()
    assert LOSSES["dice"](100 * true, targets) == pytest.approx(0, abs=1e-6)
    assert LOSSES["dice"](-100 * true, targets) == pytest.approx(1, abs=1e-6)


def test_soft_dice_is_over_the_classes_that_are_there():
    logits, targets = masks(void=0.2)
    targets[targets == 2] = 0
    p = logits.softmax(1).movedim(1, -1)[targets != VOID]
    true = targets[targets != VOID]
    scores = [2 * p[true == c, c].sum() / (p[:, c].sum() + (true == c).sum()) for c in (0, 1)]
    torch.testing.assert_close(LOSSES["dice"](logits, targets), 1 - torch.stack(scores).mean())


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), void=st.sampled_from([0.0, 0.5, 0.97, 1.0]), size=st.floats(0.1, 300))
def test_never_negative_and_always_finite(name, seed, void, size):
    logits, targets = masks(seed, void)
    logits = (size * logits).requires_grad_()
    loss = LOSSES[name](logits, targets)
    loss.backward()
    assert loss >= -1e-6 and loss.isfinite() and logits.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_logits_are_widened(name):
    logits, targets = masks()
    half = logits.bfloat16()
    assert LOSSES[name](half, targets).dtype == torch.float32
    assert LOSSES[name](half, targets) == LOSSES[name](half.float(), targets)
