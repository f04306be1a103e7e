"""Depthwise convolutions on maps smaller than their kernel: the numbers of the plain one, by another way."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from paribus import depthwise


def depthwise_of(kernel, bias=True):
    around = tuple(k // 2 for k in kernel)
    return nn.Conv2d(6, 6, kernel, padding=around, groups=6, bias=bias).double()


def hastened(convolution):
    other = nn.Sequential(deepcopy(convolution))
    depthwise.hasten(other)
    return other[0]


def learned(convolution, images):
    images = images.clone().requires_grad_()
    output = convolution(images)
    (output * torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)).sum().backward()
    return [output, images.grad, convolution.weight.grad, convolution.bias.grad]


@pytest.mark.parametrize("kernel", [(3, 3), (5, 5), (7, 7), (3, 7)])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (2, 9), (5, 1)])
def test_outputs_and_gradients_are_those_of_the_plain_convolution(kernel, size):
    torch.manual_seed(0)
    plain, images = depthwise_of(kernel), torch.randn(3, 6, *size, dtype=torch.float64)
    for ours, theirs in zip(learned(hastened(plain), images), learned(plain, images), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@pytest.fixture
def met(monkeypatch):
    """The (map's, kernel's) sizes that reach torch's convolution."""
    seen, whole = [], torch.conv2d

    def watched(images, weight, *more, **named):
        seen.append((tuple(images.shape[-2:]), tuple(weight.shape[-2:])))
        return whole(images, weight, *more, **named)

    monkeypatch.setattr(nn.functional, "conv2d", watched)
    return seen


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_the_kernel_fits_into_the_map_that_it_meets(met, size, kernel):
    hastened(depthwise_of((kernel, kernel)))(torch.ones(1, 6, size, size, dtype=torch.float64))
    ((image, weight),) = met
    assert image >= weight


@pytest.mark.parametrize("how", ["evaluation", "frozen", "a large map"])
def test_where_no_weight_learns_or_the_map_is_large_the_convolution_is_the_plain_one(met, how):
    ours, size = hastened(depthwise_of((5, 5))), 5 if how == "a large map" else 2
    ours.weight.requires_grad_(how != "frozen")
    with torch.set_grad_enabled(how != "evaluation"):
        ours(torch.ones(1, 6, size, size, dtype=torch.float64))
    assert met == [((size, size), (5, 5))]


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv2d(6, 6, 5, padding=2),
        nn.Conv2d(6, 6, 5, padding=1, groups=6),
        nn.Conv2d(6, 6, 5, padding=2, groups=6, stride=2),
        nn.Conv2d(6, 6, 3, padding=1, groups=6, dilation=2),
        nn.Conv2d(6, 6, 3, padding="same", groups=6),
        nn.Conv2d(6, 6, 3, padding=1, groups=6, padding_mode="reflect"),
    ],
    ids=["dense", "shrinking", "stride", "dilation", "named padding", "reflecting"],
)
def test_other_convolutions_are_left_alone(other):
    assert "forward" not in vars(hastened(other))


def test_a_copy_learns_its_own_weights():
    ours = hastened(depthwise_of((5, 5)))
    copied = deepcopy(ours)
    copied(torch.ones(1, 6, 2, 2, dtype=torch.float64)).sum().backward()
    assert copied.weight.grad is not None and ours.weight.grad is None
