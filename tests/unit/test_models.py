"""The networks: heads, shapes, and weights that land where they belong."""

import pytest
import torch
from tiny import recipe
from torch import nn

from paribus.heads import head_name, replace_head
from paribus.models import small_cnn, timm, torchvision
from paribus.train import network


def test_small_cnn():
    model = small_cnn(3, None, width=4, depth=2)
    assert model(torch.zeros(2, 3, 16, 16)).shape == (2, 3)
    assert [m.out_channels for m in model if isinstance(m, nn.Conv2d)] == [4, 8]
    assert head_name(model) == "10"


@pytest.mark.parametrize(
    ("use", "head"),
    [
        ("torchvision:efficientnet_b2", "classifier.1"),
        ("torchvision:alexnet", "classifier.6"),
        ("torchvision:mobilenet_v3_small", "classifier.3"),
        ("torchvision:resnet18", "fc"),
        ("timm:tf_efficientnet_lite0", "classifier"),
        ("timm:resnet10t", "fc"),
    ],
)
def test_the_classifier_is_replaced(use, head):
    with torch.device("meta"):  # shapes only: nothing is drawn
        model = (timm if use.startswith("timm") else torchvision)(5, None, name=use.partition(":")[2])
    assert head_name(model) == head
    assert model.get_submodule(head).out_features == 5


@pytest.mark.parametrize("classifier", ["replaced", "appended"])
def test_efficientnet_b2_with_either_head(classifier):
    with torch.device("meta"):
        model = torchvision(2, None, name="efficientnet_b2", classifier=classifier)
        assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 2)
    head = model.get_submodule(head_name(model))
    if classifier == "appended":
        assert (head.in_features, head.out_features) == (1000, 2)
        assert (model[0].classifier[1].in_features, model[0].classifier[1].out_features) == (1408, 1000)
    else:
        assert (head.in_features, head.out_features) == (1408, 2)


def test_a_head_appended_to_timms_network():
    model = timm(3, None, name="tf_efficientnet_lite0", classifier="appended")
    assert head_name(model) == "1"
    assert (model[1].in_features, model[1].out_features) == (1000, 3)


def test_a_convolution_as_head():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 9, 1))
    replace_head(model, 2)
    assert model[1].out_channels == 2 and model[0].out_channels == 4


def test_alexnet_from_weights_of_its_shapes():
    from torchvision.models import alexnet

    weights = alexnet().state_dict()
    model = torchvision(2, weights, name="alexnet", pretrained=True)
    own = model.state_dict()
    assert all(torch.equal(own[k], weights[k]) for k in own if not k.startswith("classifier.6"))
    kept = torchvision(2, weights, name="alexnet", pretrained=True, classifier="appended")
    assert all(torch.equal(v, weights[k]) for k, v in kept[0].state_dict().items())


def test_pretrained_without_weights_and_weights_that_do_not_fit():
    with pytest.raises(ValueError, match="none were given"):
        timm(2, None, name="tf_efficientnet_lite0", pretrained=True)
    with pytest.raises(ValueError, match=r"do not fit the network \(missing among others: conv_stem.weight"):
        timm(2, {"x": torch.zeros(1)}, name="tf_efficientnet_lite0", pretrained=True)


def test_the_pretrained_body_is_the_same_for_every_seed_and_the_head_is_not():
    from torchvision.models import alexnet

    weights = alexnet().state_dict()
    made = recipe(model={"use": "torchvision:alexnet", "pretrained": True})
    a, b = (network(made, 2, weights, seed).state_dict() for seed in (0, 1))
    assert {k for k in a if not torch.equal(a[k], b[k])} == {"classifier.6.weight", "classifier.6.bias"}
