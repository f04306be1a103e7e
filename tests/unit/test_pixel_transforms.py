"""Augmentations of images with masks: both move together, and no class appears that was not there."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as F

from paribus import parts, pixel_transforms, transforms
from paribus.labels import VOID

SIZE = (24, 32)
ALL = {
    "scale_crop": pixel_transforms.scale_crop(SIZE),
    "resize": pixel_transforms.resize(SIZE),
    "horizontal_flip": pixel_transforms.horizontal_flip(SIZE),
    "color_jitter": pixel_transforms.color_jitter(SIZE, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(height=40, width=50, classes=(0, 3, 10), seed=0):
    """Noise, and a mask of blocks of the classes."""
    rng = generator(seed)
    image = torch.randint(0, 256, (3, height, width), generator=rng, dtype=torch.uint8)
    coarse = torch.tensor(classes, dtype=torch.uint8)[torch.randint(len(classes), (5, 5), generator=rng)]
    rows, columns = torch.arange(height) * 5 // height, torch.arange(width) * 5 // width
    return image, coarse[rows][:, columns]


def encoded(mask):
    """An image that says its mask: the class times 20 in every channel."""
    return (20 * mask.int()).clamp(max=255).to(torch.uint8).repeat(3, 1, 1)


def test_no_part_is_left_out_of_these_tests():
    assert set(ALL) == set(parts.names("paribus.pixel_transforms"))


@pytest.mark.parametrize("name", ALL)
def test_drawn_from_the_generator_alone_and_the_pair_is_left_as_it_was(name):
    image, mask = pair()
    before = image.clone(), mask.clone()
    outputs = []
    for _ in range(2):
        torch.manual_seed(len(outputs))
        state = torch.get_rng_state()
        outputs.append([ALL[name](image, mask, generator(s)) for s in range(12)])
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(image, before[0]) and torch.equal(mask, before[1])
    for (a, m), (b, n) in zip(*outputs, strict=True):
        assert torch.equal(a, b) and torch.equal(m, n)
        assert a.dtype == m.dtype == torch.uint8 and a.shape[-2:] == m.shape
    different = {a.numpy().tobytes() for a, _ in outputs[0]}
    assert len(different) == {"resize": 1, "horizontal_flip": 2}.get(name, 12)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    classes=st.lists(st.integers(0, 255), min_size=1, max_size=6, unique=True),
    shape=st.tuples(st.integers(8, 70), st.integers(8, 70)),
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    ends=st.tuples(st.floats(0.05, 4), st.floats(0.05, 4)),
    order=st.permutations(sorted(ALL)),
    count=st.integers(1, 4),
)
def test_the_values_of_a_mask_never_grow_in_number(seed, classes, shape, size, ends, order, count):
    image, mask = pair(*shape, classes, seed)
    choices = {"scale_crop": {"scale": tuple(sorted(ends))}, "color_jitter": {"brightness": 0.5, "hue": 0.2}}
    rng = generator(seed)
    found = image, mask
    for name in order[:count]:
        found = getattr(pixel_transforms, name)(size, **choices.get(name, {}))(*found, rng)
    assert set(found[1].unique().tolist()) <= {*mask.unique().tolist(), VOID}
    assert found[1].dtype == torch.uint8 and found[0].shape == (3, *found[1].shape)
    if {"scale_crop", "resize"} & set(order[:count]):
        assert found[1].shape == size


@pytest.mark.parametrize("name", ["scale_crop", "resize", "horizontal_flip"])
@pytest.mark.parametrize("seed", range(25))
def test_image_and_mask_move_together(name, seed):
    """Inside every block of the mask the image says the class; only at borders may it be between two."""
    _, mask = pair(100, 130, (0, 4, 8, 12), seed)
    image, moved = getattr(pixel_transforms, name)((70, 90))(encoded(mask), mask, generator(seed))
    seen = moved != VOID
    inside = torch.nn.functional.max_pool2d(_differs(moved)[None, None].float(), 5, 1, 2)[0, 0] == 0
    assert inside.float().mean() > 0.4
    assert torch.equal(image[0][seen & inside], (20 * moved.int()).to(torch.uint8)[seen & inside])
    mixed = (image[0].int() - 20 * moved.int()).abs()[
        seen
    ] > 190  # a corner is right by a quarter; a border one pixel off is wrong by 240
    assert not mixed.any()


def _differs(mask):
    """Where a pixel's right or lower neighbour has another value, on both sides of the border."""
    edge = torch.zeros_like(mask, dtype=torch.bool)
    edge[:, 1:] |= mask[:, 1:] != mask[:, :-1]
    edge[:, :-1] |= mask[:, 1:] != mask[:, :-1]
    edge[1:] |= mask[1:] != mask[:-1]
    edge[:-1] |= mask[1:] != mask[:-1]
    return edge


def test_scale_one_is_what_evaluation_sees():
    image, mask = pair()
    found = pixel_transforms.scale_crop(SIZE, scale=(1, 1))(image, mask, generator())
    assert torch.equal(found[0], F.resize(image, list(SIZE), antialias=True))
    assert torch.equal(found[1], pixel_transforms.resize(SIZE)(image, mask, generator())[1])


def test_larger_is_a_window_of_that_share_anywhere():
    rows = torch.arange(60, dtype=torch.uint8)[:, None].expand(60, 80)
    columns = torch.arange(80, dtype=torch.uint8)[None].expand(60, 80)
    crop = pixel_transforms.scale_crop((30, 40), scale=(2, 2))
    image = torch.stack([rows, columns, rows])
    found = [crop(image, rows.contiguous(), generator(s)) for s in range(300)]
    for (moved, mask), s in zip(found, range(300), strict=True):
        top, left = int(moved[0, 0, 0]), int(moved[1, 0, 0])
        assert torch.equal(moved, image[:, top : top + 30, left : left + 40]), s
        assert torch.equal(mask, moved[0])
    assert {int(m[0, 0]) for _, m in found} == set(range(31))
    assert {int(i[1, 0, 0]) for i, _ in found} == set(range(41))


def test_smaller_is_the_whole_image_on_its_mean_colour_and_void():
    image, mask = pair(60, 80)
    shrink = pixel_transforms.scale_crop((30, 40), scale=(0.5, 0.5))
    small = F.resize(image, [15, 20], antialias=True)
    colour = small.float().mean((1, 2)).round().to(torch.uint8)
    places = set()
    for seed in range(300):
        moved, void = shrink(image, mask, generator(seed))
        rows, columns = (void != VOID).any(1).nonzero().flatten(), (void != VOID).any(0).nonzero().flatten()
        top, left = int(rows[0]), int(columns[0])
        places.add((top, left))
        assert (len(rows), len(columns)) == (15, 20)
        assert torch.equal(moved[:, top : top + 15, left : left + 20], small)
        outside = void == VOID
        assert torch.equal(moved[:, outside], colour[:, None].expand(3, int(outside.sum())))
    assert {p[0] for p in places} == set(range(16)) and {p[1] for p in places} == set(range(21))


def test_scales_are_uniform():
    mask = torch.zeros(100, 100, dtype=torch.uint8)
    image = torch.arange(100, dtype=torch.uint8).repeat(3, 100, 1)
    crop = pixel_transforms.scale_crop((100, 100), scale=(0.5, 2))
    scales = []
    for seed in range(400):
        moved, void = crop(image, mask, generator(seed))
        seen = (void != VOID).float().mean().sqrt().item()
        scales.append(seen if seen < 1 else 99 / max(1, int(moved[0, 0, -1]) - int(moved[0, 0, 0])))
    shares = torch.tensor(scales).sub(0.5).div(1.5).sort().values
    assert (shares - (torch.arange(400) + 0.5) / 400).abs().max() < 0.09


def test_flips():
    image, mask = pair()
    both = pixel_transforms.horizontal_flip(SIZE, p=1)(image, mask, generator())
    assert torch.equal(both[0], image.flip(-1)) and torch.equal(both[1], mask.flip(-1))
    neither = pixel_transforms.horizontal_flip(SIZE, p=0)(image, mask, generator())
    assert torch.equal(neither[0], image) and torch.equal(neither[1], mask)
    flipped = 0
    for seed in range(400):
        moved, turned = pixel_transforms.horizontal_flip(SIZE)(image, mask, generator(seed))
        assert torch.equal(moved, image) == torch.equal(turned, mask)
        flipped += not torch.equal(moved, image)
    assert 160 < flipped < 240


def test_colours_are_those_of_single_images():
    image, mask = pair()
    moved, same = ALL["color_jitter"](image, mask, generator(3))
    jitter = transforms.color_jitter(32, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
    assert torch.equal(moved, jitter(image, generator(3))) and torch.equal(same, mask)


def test_a_channels_last_view_is_cropped_to_the_same_pixels():
    image, mask = pair()
    view = image.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    for seed in range(10):
        a, b = (ALL["scale_crop"](each, mask, generator(seed))[0] for each in (image, view))
        assert (a.int() - b.int()).abs().max() <= 1
