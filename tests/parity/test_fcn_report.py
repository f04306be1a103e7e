"""The network of `backbone: vgg16, decoder: deconv` against the description of it, written down in plain PyTorch."""

import itertools

import pytest
import torch
from torch import nn
from torchvision.models import vgg16

from paribus.models import fcn


class Vgg16Stages(nn.Module):
    """torchvision's VGG16 without its classifier; the features behind the third, fourth and fifth pooling."""

    def __init__(self):
        super().__init__()
        self.features = vgg16(weights=None).features

    def forward(self, x):
        x3 = self.features[:17](x)
        x4 = self.features[17:24](x3)
        x5 = self.features[24:](x4)
        return x3, x4, x5


def deconv(before, after):
    return nn.ConvTranspose2d(before, after, kernel_size=3, stride=2, padding=1, output_padding=1)


class Described(nn.Module):
    def __init__(self, classes, skips):
        super().__init__()
        self.skips = skips
        self.pretrained = Vgg16Stages()
        self.relu = nn.ReLU()
        self.deconv1, self.bn1 = deconv(512, 512), nn.BatchNorm2d(512)
        self.deconv2, self.bn2 = deconv(512, 256), nn.BatchNorm2d(256)
        self.deconv3, self.bn3 = deconv(256, 128), nn.BatchNorm2d(128)
        self.deconv4, self.bn4 = deconv(128, 64), nn.BatchNorm2d(64)
        self.deconv5, self.bn5 = deconv(64, 32), nn.BatchNorm2d(32)
        self.classifier = nn.Conv2d(32, classes, kernel_size=1)

    def forward(self, x):
        x3, x4, x5 = self.pretrained(x)
        if self.skips:
            score = self.bn1(self.relu(self.deconv1(x5)) + x4)
            score = self.bn2(self.relu(self.deconv2(score)) + x3)
        else:
            score = self.bn1(self.relu(self.deconv1(x5)))
            score = self.bn2(self.relu(self.deconv2(score)))
        score = self.bn3(self.relu(self.deconv3(score)))
        score = self.bn4(self.relu(self.deconv4(score)))
        score = self.bn5(self.relu(self.deconv5(score)))
        return self.classifier(score)


def our_name(theirs):
    """The name of a parameter of the transcription in the package's network."""
    if theirs.startswith("pretrained.features."):
        return theirs.replace("pretrained.features", "backbone.body")
    for kind, ours in (("deconv", "decoder.deconvs"), ("bn", "decoder.norms")):
        if theirs.startswith(kind):
            number, _, rest = theirs.removeprefix(kind).partition(".")
            return f"{ours}.{int(number) - 1}.{rest}"
    return theirs


def of_vgg16():
    """Convolutions of VGG16 with their biases: 13 of 3x3."""
    channels = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    return sum(9 * a * b + b for a, b in itertools.pairwise(channels))


@pytest.fixture(scope="module")
def described():
    torch.manual_seed(0)
    made = Described(11, skips=True)
    for module in made.modules():  # statistics and scales that differ by channel, so that no exchange goes unseen
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.weight.data, module.bias.data):
                values.normal_()
            module.running_var.uniform_(0.5, 2)
    return made


@pytest.mark.parametrize("skips", [(8, 16), ()])
def test_the_network_is_the_described_one(described, skips):
    described.skips = bool(skips)
    ours = fcn(11, None, backbone="vgg16", skips=skips, decoder="deconv")
    theirs = {our_name(k): v for k, v in described.state_dict().items()}
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.items()}
    channels = [512, 512, 256, 128, 64, 32]
    decoder = sum(9 * a * b + b + 2 * b for a, b in itertools.pairwise(channels))
    expected = of_vgg16() + decoder + 32 * 11 + 11
    assert expected == 18_644_043  # 14,714,688 of VGG16, 3,928,992 of the decoder, 363 of the classifier
    assert sum(p.numel() for p in ours.parameters()) == expected
    assert sum(p.numel() for p in described.parameters()) == expected
    ours.load_state_dict(theirs)
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for mode in (False, True):
            wanted = described.train(mode)(images)
            torch.testing.assert_close(ours.train(mode)(images), wanted, rtol=1e-4, atol=1e-5)
        assert wanted.std() > 0.1 and wanted.shape == (2, 11, 64, 96)


def test_the_skips_move_the_output(described):
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    said = []
    with torch.no_grad():
        for skips in ((8, 16), (16,), ()):
            ours = fcn(11, None, backbone="vgg16", skips=skips, decoder="deconv").eval()
            ours.load_state_dict({our_name(k): v for k, v in described.state_dict().items()})
            said.append(ours(images))
    assert (said[0] - said[1]).abs().max() > 1e-4 and (said[1] - said[2]).abs().max() > 1e-4
