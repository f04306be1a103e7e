"""The networks: heads, shapes, and weights that land where they belong."""

import pytest
import torch
from tiny import recipe
from torch import nn

from paribus import zoo
from paribus.errors import IntegrityError
from paribus.heads import head_name, replace_head
from paribus.models import small_cnn, smp, timm, torchvision
from paribus.parts import Part, completed
from paribus.recipe import RecipeProblem
from paribus.train import network

ENCODER = "mobilenetv3_small_050"


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


def test_a_convolution_keeps_its_shape():
    model = nn.Sequential(nn.Conv2d(3, 9, 3, stride=2, padding=1, bias=False))
    replace_head(model, 2)
    assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 2, 4, 4) and model[0].bias is None


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
    with pytest.raises(IntegrityError, match=r"do not fit the network \(missing among others: conv_stem.weight"):
        timm(2, {"x": torch.zeros(1)}, name="tf_efficientnet_lite0", pretrained=True)


def test_the_pretrained_body_is_the_same_for_every_seed_and_the_head_is_not():
    from torchvision.models import alexnet

    weights = alexnet().state_dict()
    made = recipe(model={"use": "torchvision:alexnet", "pretrained": True})
    a, b = (network(made, 2, weights, seed).state_dict() for seed in (0, 1))
    assert {k for k in a if not torch.equal(a[k], b[k])} == {"classifier.6.weight", "classifier.6.bias"}


# --- networks for masks


CONVOLUTIONAL = [
    "Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "DeepLabV3", "DeepLabV3Plus", "PAN", "UPerNet",
    "Segformer",
]  # fmt: skip


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_smp_gives_logits_of_the_images_size(name):
    model = smp(4, None, name=name, encoder=ENCODER).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 131, 145)).shape == (1, 4, 131, 145)
    head = model.get_submodule(head_name(model))
    assert isinstance(head, nn.Conv2d) and head.out_channels == 4
    assert head in list(model.network.segmentation_head.modules())
    assert model.backbone is model.network.encoder


def test_every_architecture_of_smp_is_known():
    assert {*CONVOLUTIONAL, "DPT"} <= set(zoo.known("smp"))


def test_dpt_with_a_transformer_of_any_size():
    model = smp(4, None, name="DPT", encoder="vit_tiny_patch16_224").eval()
    assert model.get_submodule(head_name(model)).out_channels == 4
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 50, 70)).shape == (1, 4, 50, 70)


def test_smps_padding_is_cut_off_and_nothing_else():
    model = smp(3, None, name="Unet", encoder=ENCODER).eval()
    small = torch.randn(1, 3, 40, 50, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = model.network(nn.functional.pad(small, (0, 14, 0, 24), mode="replicate"))
        assert torch.equal(model(small), whole[..., :40, :50])


@pytest.mark.parametrize("name", ["Unet", "DeepLabV3Plus", "PSPNet"])
def test_smps_encoder_has_the_pretrained_weights(name):
    """With its dilated and its shortened encoders: the same features where these are the classifier's own."""
    from timm import create_model

    plain = create_model(ENCODER).eval()
    model = smp(4, plain.state_dict(), name=name, encoder=ENCODER, pretrained=True).eval()
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = plain.forward_intermediates(images, intermediates_only=True)
        ours = model.backbone(images)[1:]  # the first is the image itself
    for mine, stage in list(zip(ours, theirs, strict=False))[:3]:
        torch.testing.assert_close(mine, stage)
    own = model.backbone.model.state_dict()
    assert all(torch.equal(v, plain.state_dict()[k]) for k, v in own.items())
    with pytest.raises(ValueError, match="none were given"):
        smp(4, None, name=name, encoder=ENCODER, pretrained=True)


def test_an_encoder_that_an_architecture_cannot_use():
    with pytest.raises(ValueError, match="smp:Unet cannot be built on vit_tiny_patch16_224"):
        smp(4, None, name="Unet", encoder="vit_tiny_patch16_224")


@pytest.mark.parametrize("written", ["fcn", {"use": "smp:Unet", "encoder": ENCODER}])
def test_the_head_is_drawn_from_its_own_stream_and_parts_have_their_rates(written, monkeypatch):
    monkeypatch.setattr("paribus.recipe._unlike_the_data", lambda values: [])
    made = recipe(model=written)
    a, b = network(made, 3, None, 0), network(made, 5, None, 0)
    head = head_name(a)
    left, right = a.state_dict(), b.state_dict()
    assert all(torch.equal(v, right[k]) for k, v in left.items() if not k.startswith(f"{head}."))
    backbone = {id(p) for p in a.backbone.parameters()}
    decoder = [n for n, p in a.named_parameters() if id(p) not in backbone]
    assert backbone and f"{head}.weight" in decoder and len(decoder) > 4
    assert len({v.data_ptr() for v in left.values() if v.numel()}) == len(left)  # no tensor stands there twice


@pytest.mark.parametrize(
    ("use", "args", "network_name"),
    [
        ("fcn", {}, "timm:tf_efficientnet_lite0"),
        ("fcn", {"backbone": "resnet18"}, "timm:resnet18"),
        ("fcn", {"backbone": "vgg16"}, "torchvision:vgg16"),
        ("smp:Unet", {}, "timm:tf_efficientnet_lite0"),
        ("smp:FPN", {"encoder": "convnext_atto"}, "timm:convnext_atto"),
        ("timm:resnet18", {}, "timm:resnet18"),
        ("torchvision:alexnet", {}, "torchvision:alexnet"),
        ("small_cnn", {}, "small_cnn"),
    ],
)
def test_which_weights_and_statistics_a_model_takes(use, args, network_name):
    part = completed(Part(use, args), "paribus.models")
    assert zoo.network_of(part) == network_name
    assert zoo.problems(part) == []
    made = recipe(model={"use": use, **args}, data="streets" if zoo.of_pixels(use) else "faces", augment=[])
    assert made.input.args["normalize"] == zoo.normalization(network_name)


def test_statistics_are_the_backbones():
    assert zoo.normalization("timm:tf_efficientnet_lite0") == {"mean": [0.5] * 3, "std": [0.5] * 3}
    made = recipe(model={"use": "fcn"}, data="streets", augment=[])
    assert made.input.args["normalize"]["mean"] == [0.5] * 3


@pytest.mark.parametrize(
    ("model", "where", "words"),
    [
        (
            {"use": "fcn", "backbone": "resnet81"},
            "backbone",
            "Unknown backbone of fcn 'resnet81'. Did you mean 'resnet",
        ),
        ({"use": "fcn", "backbone": "vgg17"}, "backbone", "Unknown backbone of fcn 'vgg17'. Did you mean 'vgg1"),
        ({"use": "fcn", "skips": [8, 12]}, "skips", "features of stride 2, 4, 8, 16 to add, not of 12"),
        ({"use": "fcn", "backbone": "convnext_atto", "skips": [2]}, "skips", "of stride 4, 8, 16 to add, not of 2"),
        ({"use": "fcn", "skips": [8, 8]}, "skips", "each stride at most once"),
        ({"use": "fcn", "backbone": "sequencer2d_s"}, "backbone", "deepest stride must be a power of two, and is 14"),
        ({"use": "fcn", "width": 0}, "width", "width must be a whole number of at least 1 or null, not 0"),
        ({"use": "fcn", "decoder": "heavy"}, "decoder", "must be one of light, deconv"),
        ({"use": "smp:Unet", "encoder": "resnet81"}, "encoder", "Unknown encoder of smp:Unet 'resnet81'"),
        ({"use": "smp:Unett"}, None, "Unknown smp model 'Unett'. Did you mean 'Unet'?"),
        ("smp", None, "smp needs a name: smp:Unet."),
    ],
)
def test_what_is_refused_before_anything_is_built(model, where, words):
    with pytest.raises(RecipeProblem) as caught:
        recipe(model=model, data="streets", augment=[])
    ((path, sentence),) = caught.value.problems
    assert path == (("model", where) if where else ("model",)) and words in sentence


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"model": "fcn"}, ("model",), "fcn classifies pixels, and the images of faces have no masks."),
        ({"data": "streets", "augment": []}, ("model",), "small_cnn classifies whole images, and those of streets"),
        ({"loss": {"use": "focal", "class_weights": "median_frequency"}}, ("loss", "class_weights"), "write balanced"),
        (
            {"loss": {"use": "focal", "class_weights": "root_median_frequency"}},
            ("loss", "class_weights"),
            "root_median",
        ),
    ],
)
def test_models_and_losses_that_do_not_fit_the_data(changes, where, words):
    with pytest.raises(RecipeProblem) as caught:
        recipe(**changes)
    ((path, sentence),) = caught.value.problems
    assert path == where and words in sentence
