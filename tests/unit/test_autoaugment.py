"""AutoAugment: torchvision's policies, strengths and kernels."""

import pytest
import torch
from torchvision.transforms import AutoAugment, AutoAugmentPolicy, InterpolationMode
from torchvision.transforms.autoaugment import _apply_op

from paribus import transforms
from paribus.autoaugment import LEVELS, apply, strengths

NAMES = list(strengths(20, 24))


def picture():
    return torch.randint(0, 256, (3, 20, 24), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)


def test_strengths_are_torchvisions():
    theirs = AutoAugment()._augmentation_space(LEVELS, (20, 24))
    ours = strengths(20, 24)
    assert set(ours) == set(theirs)
    for name, (values, signed) in theirs.items():
        assert ours[name][1] == signed, name
        if values.numel() > 1:
            torch.testing.assert_close(
                torch.tensor(ours[name][0], dtype=torch.float32), values.float(), rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize("fill", [0, 128])
@pytest.mark.parametrize("name", NAMES)
def test_kernels_are_torchvisions(name, fill):
    image = picture()
    values, signed = strengths(20, 24)[name]
    for value in {float(values[2]), float(values[7])}:
        for strength in {value, -value if signed else value}:
            theirs = _apply_op(image, name, strength, InterpolationMode.NEAREST, [float(fill)] * 3)
            ours = apply(image, name, strength, fill)
            assert (ours.int() - theirs.int()).abs().max() <= 1, (name, strength)


def test_an_unknown_operation():
    with pytest.raises(KeyError):
        apply(picture(), "Melt", 1.0, 0)


@pytest.mark.parametrize("policy", ["cifar10", "imagenet", "svhn"])
def test_every_sub_policy_is_drawn_and_applied(policy, monkeypatch):
    policies = AutoAugment(AutoAugmentPolicy(policy)).policies
    used = set()
    import paribus.autoaugment as home

    real = home.apply
    monkeypatch.setattr(home, "apply", lambda image, name, *rest: (used.add(name), real(image, name, *rest))[1])
    augment = transforms.auto_augment(16, policy=policy)
    for seed in range(250):
        found = augment(picture(), torch.Generator().manual_seed(seed))
        assert found.shape == (3, 20, 24) and found.dtype == torch.uint8
    assert used == {name for pair in policies for name, _, _ in pair}
