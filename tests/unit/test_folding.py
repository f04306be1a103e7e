"""Batch norm as part of the convolution before it: the same function, and only where it is one."""

import pytest
import torch
from torch import nn

from paribus.folding import folded
from paribus.models import fcn, small_cnn, timm, torchvision


def moved(model):
    """Batch-norm statistics that are not those of a new network."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2, generator=generator)
            module.running_var.uniform_(0.7, 1.5, generator=generator)
    return model.eval()


def norms(model):
    return sum(isinstance(m, nn.BatchNorm2d) for m in model.modules())


NETWORKS = {
    "small": lambda: small_cnn(3, None),
    "lite0": lambda: timm(3, None, name="tf_efficientnet_lite0"),
    "mobilenet": lambda: torchvision(3, None, name="mobilenet_v2"),
    "resnet": lambda: torchvision(3, None, name="resnet18"),
    "fcn": lambda: fcn(3, None, backbone="resnet10t"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_outputs_without_a_batch_norm(name):
    model = moved(NETWORKS[name]())
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    lean = folded(model, images[:1])
    with torch.inference_mode():
        expected = model(images)
        torch.testing.assert_close(lean(images), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    assert norms(model) > 0  # the network itself is left as it was
    assert norms(lean) < norms(model) / 4


def test_the_network_itself_stays_as_it_was():
    model = moved(small_cnn(2, None))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    folded(model, torch.randn(2, 3, 16, 16))
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


class Shared(nn.Module):
    """One convolution whose output goes two ways, and one that is used twice."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.again, self.other = (
            nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3),
        )  # fmt: skip

    def forward(self, x):
        y = self.first(x)
        return self.norm(y) + y + self.other(self.again(self.again(x)))


def test_what_is_used_twice_is_not_folded():
    model = moved(Shared())
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    lean = folded(model, images)
    with torch.inference_mode():
        torch.testing.assert_close(lean(images), model(images))
    assert norms(lean) == 2


def test_without_batch_norm_it_is_the_network():
    model = torchvision(2, None, name="alexnet").eval()
    assert folded(model, torch.randn(1, 3, 64, 64)) is model


def test_a_fold_that_changes_the_output_is_not_used(monkeypatch):
    from paribus import folding

    model = moved(small_cnn(2, None))
    monkeypatch.setattr(
        folding, "_fold", lambda lean, convolution, norm: lean.get_submodule(convolution).weight.zero_()
    )
    assert folded(model, torch.randn(1, 3, 16, 16)) is model


class InPlace(nn.Module):
    """A convolution whose output is added to in place before the norm sees it, as in networks that norm first."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.first(x)
        y += x
        return self.norm(y)


def test_a_norm_of_what_was_changed_in_place_is_not_folded():
    model = InPlace().eval()
    model.norm.running_mean += 1e-4  # so little that the outputs alone would not tell
    assert folded(model, torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(2))) is model


@pytest.mark.parametrize("name", ["resnet", "lite0"])
def test_low_precision_changes_nothing_about_what_is_folded(name):
    model = moved(NETWORKS[name]())
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    plain = folded(model, images)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        low = folded(model, images)
    assert norms(low) == norms(plain) < norms(model)
    assert all(torch.equal(a, b) for a, b in zip(low.parameters(), plain.parameters(), strict=True))
