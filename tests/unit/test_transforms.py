"""Augmentations: torchvision's distributions, drawn from one generator each."""

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from paribus import transforms


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def picture(height=20, width=24, seed=0):
    return torch.randint(0, 256, (3, height, width), generator=generator(seed), dtype=torch.uint8)


ALL = {
    "random_resized_crop": transforms.random_resized_crop(16),
    "resize": transforms.resize(16),
    "horizontal_flip": transforms.horizontal_flip(16),
    "color_jitter": transforms.color_jitter(16, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
    "auto_augment": transforms.auto_augment(16),
    "cutout": transforms.cutout(16, side=6),
}


@pytest.mark.parametrize("name", ALL)
def test_drawn_from_the_generator_alone_and_the_image_is_left_as_it_was(name):
    image = picture()
    before = image.clone()
    outputs = []
    for _ in range(2):
        torch.manual_seed(len(outputs))
        state = torch.get_rng_state()
        outputs.append([ALL[name](image, generator(s)) for s in range(12)])
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(image, before)
    assert all(o.dtype == torch.uint8 for o in outputs[0])
    assert all(torch.equal(a, b) for a, b in zip(*outputs, strict=True))
    different = {o.numpy().tobytes() for o in outputs[0]}
    assert len(different) == (1 if name == "resize" else 2 if name == "horizontal_flip" else len(different))
    assert name == "resize" or len(different) > 1


@pytest.mark.parametrize(
    ("shape", "scale", "ratio"),
    [
        ((100, 140), (0.08, 1.0), (3 / 4, 4 / 3)),
        ((64, 64), (0.75, 1.0), (3 / 4, 4 / 3)),
        ((30, 300), (0.5, 1.0), (3 / 4, 4 / 3)),
    ],
)
def test_crops_are_distributed_as_torchvisions(shape, scale, ratio):
    n, rng = 3000, generator(1)
    ours = np.array([transforms._crop_box(*shape, scale, ratio, rng) for _ in range(n)])
    torch.manual_seed(2)
    params = v2.RandomResizedCrop(16, scale=scale, ratio=ratio)
    image = torch.zeros(3, *shape)
    drawn = [params.make_params([image]) for _ in range(n)]
    theirs = np.array([[d[k] for k in ("top", "left", "height", "width")] for d in drawn])
    for column in range(4):
        assert ks_2samp(ours[:, column], theirs[:, column]).pvalue > 1e-3
        assert ours[:, column].mean() == pytest.approx(theirs[:, column].mean(), abs=0.05 * max(shape))
    share = ours[:, 2] * ours[:, 3] / (shape[0] * shape[1])
    assert share.max() <= 1.0
    assert np.all(ours[:, 0] + ours[:, 2] <= shape[0]) and np.all(ours[:, 1] + ours[:, 3] <= shape[1])
    if shape == (100, 140):
        assert share.min() > 0.07


def test_a_crop_is_torchvisions_resized_crop():
    image = picture(40, 50)
    top, left, height, width = transforms._crop_box(40, 50, (0.2, 0.6), (0.75, 4 / 3), generator(5))
    found = transforms.random_resized_crop(16, scale=(0.2, 0.6))(image, generator(5))
    assert torch.equal(found, F.resized_crop(image, top, left, height, width, [16, 16], antialias=True))


def test_flips():
    image = picture()
    assert torch.equal(transforms.horizontal_flip(16, p=1)(image, generator()), image.flip(-1))
    assert torch.equal(transforms.horizontal_flip(16, p=0)(image, generator()), image)
    flip = transforms.horizontal_flip(16)
    flipped = sum(torch.equal(flip(image, generator(s)), image.flip(-1)) for s in range(400))
    assert 160 < flipped < 240


def test_jitter_stays_in_its_range_and_nothing_is_the_same_picture():
    image = torch.full((3, 4, 4), 100, dtype=torch.uint8)
    assert torch.equal(transforms.color_jitter(16)(picture(), generator()), picture())
    values = [
        float(transforms.color_jitter(16, brightness=0.3)(image, generator(s)).float().mean()) for s in range(300)
    ]
    assert 69 <= min(values) < 75 and 125 < max(values) <= 130
    grey = [transforms.color_jitter(16, contrast=0.5, saturation=0.5, hue=0.2)(image, generator(s)) for s in range(20)]
    assert all((g.int() - 100).abs().max() <= 2 for g in grey)  # one flat grey has no contrast, saturation or hue
    whole = transforms.color_jitter(16, brightness=2.0)(image, generator(3))
    assert whole.min() >= 0


def test_jitter_uses_torchvisions_kernels_in_a_drawn_order():
    image = picture()
    rng = generator(4)
    factors = [float(torch.rand((), generator=rng, dtype=torch.float64)) * 0.8 + 0.6 for _ in range(3)]
    turn = float(torch.rand((), generator=rng, dtype=torch.float64)) * 0.2 - 0.1
    order = torch.randperm(4, generator=rng).tolist()
    kernels = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation]
    expected = image
    for which in order:
        expected = F.adjust_hue(expected, turn) if which == 3 else kernels[which](expected, factors[which])
    jitter = transforms.color_jitter(16, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
    found = jitter(image, generator(4))
    assert (found.int() - expected.int()).abs().max() <= 1
    orders = {tuple(torch.randperm(4, generator=generator(s)).tolist()) for s in range(300)}
    assert len(orders) == 24


def painted(cut, seed, height=20, width=24):
    """(rows, columns) that were painted over."""
    mask = (cut(torch.full((3, height, width), 200, dtype=torch.uint8), generator(seed)) != 200)[0]
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    assert int(mask.sum()) == len(rows) * len(columns)  # one rectangle
    return rows.tolist(), columns.tolist()


def test_cutout_with_its_centre_anywhere():
    cut = transforms.cutout(16, side=6)
    found = [painted(cut, s) for s in range(600)]
    heights = [len(r) for r, _ in found]
    assert set(heights) == {3, 4, 5, 6}  # cut by the border, as in the paper
    assert {r[0] + 3 for r, _ in found if len(r) == 6} == set(range(3, 18))
    assert {c[-1] for _, c in found} == set(range(2, 24))


def test_cutout_of_the_repository_that_is_cited():
    cut = transforms.cutout(16, side=6, position="corner_inside")
    found = [painted(cut, s) for s in range(600)]
    assert {r[0] for r, _ in found} == set(range(14))
    assert {c[0] for _, c in found} == set(range(18))
    assert {len(r) for r, _ in found} == {3, 4, 5, 6}
    assert {len(r) for r, _ in found if r[0] > 0} == {6}  # never cut by the lower border


def test_what_cutout_paints():
    image = picture()
    found = transforms.cutout(16, side=40, fill=7.0)(image, generator())
    assert torch.all(found == 7)
    mean = transforms.cutout(16, side=60, fill="image_mean")(image, generator())
    assert torch.all(mean == int(image.float().mean()))
    assert (transforms.cutout(16, side=60)(image, generator()) == 0).all()
