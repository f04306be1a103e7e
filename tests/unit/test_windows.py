"""The windows are those that training cuts out: held against images whose pixels say where they are."""

import inspect

import numpy as np
import pytest
from tiny import recipe

from paribus import pixel_transforms, transforms, windows
from paribus.audits.crops import at_evaluation, in_training
from paribus.datasets import ImageSet, Item
from paribus.parts import choices, names
from paribus.views import Pictures, TrainingViews
from paribus.windows import Window, whole

HEIGHT, WIDTH = 70, 100
WILD = {"use": "random_resized_crop", "scale": [0.08, 1]}
CHAINS = {
    "wild": [WILD],
    "flipped after": [WILD, "horizontal_flip", "color_jitter"],
    "flipped before": [{"use": "horizontal_flip", "p": 1}, WILD],
    "twice": [{"use": "random_resized_crop", "scale": [0.3, 0.9]}, "horizontal_flip", WILD],
    "resized": ["resize", "horizontal_flip"],
    "centre": ["horizontal_flip"],
}
MASKED = {
    "scaled": ["scale_crop", "horizontal_flip"],
    "flipped before": [{"use": "horizontal_flip", "p": 1}, "scale_crop"],
    "smaller": [{"use": "scale_crop", "scale": [0.3, 0.6]}],
}
STREETS = {"data": "streets", "model": {"use": "fcn", "skips": []}, "input": {"size": [40, 60]}}


def mapped(items: int = 6) -> Pictures:
    """Images whose red is twice the column and whose green is twice the row."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = np.stack([2 * columns, 2 * rows, 0 * rows], axis=2).astype(np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    made = tuple(Item(f"{i:03d}", "train", i % 2, None) for i in range(items))
    return Pictures(ImageSet("map", ("a", "b"), made, lambda item: pixels, masks=lambda item: mask))


def misplaced(image, window: Window) -> float:
    """The largest distance in pixels between where the image says it is from and where the window puts it."""
    found = (image.double().numpy() / 2 + 0.5)[:2]
    rows, columns = image.shape[-2:]
    across = window.left + (np.arange(columns) + 0.5) * window.width / columns
    down = window.top + (np.arange(rows) + 0.5) * window.height / rows
    across = across[::-1] if window.mirrored else across
    inside = np.outer((down > 3) & (down < HEIGHT - 3), (across > 3) & (across < WIDTH - 3))
    apart = np.maximum(abs(found[0] - across[None, :]), abs(found[1] - down[:, None]))
    assert inside.mean() > 0.02
    return float(apart[inside].max())


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("views", [None, 2])
def test_a_window_is_what_training_sees(name, views):
    made = TrainingViews(
        mapped(), recipe(augment=CHAINS[name], views=views, input={"size": 32, "crop_fraction": 0.8}), 3
    )
    window_of = in_training(made)
    seen = [window_of(epoch, index, (HEIGHT, WIDTH)) for epoch in (1, 2) for index in range(6)]
    shown = [made.drawn(epoch)(index)[0] for epoch in (1, 2) for index in range(6)]
    assert {window.size for window in seen} == {(32, 32)}
    assert max(misplaced(image, window) for image, window in zip(shown, seen, strict=True)) < 1
    assert len({window.left for window in seen}) > 3 or name in ("resized", "centre")


@pytest.mark.parametrize("name", MASKED)
def test_a_window_is_what_training_sees_of_images_with_masks(name):
    made = TrainingViews(mapped(), recipe(**STREETS, augment=MASKED[name]), 3)
    window_of, draw = in_training(made), made.drawn(1)
    seen = [window_of(1, index, (HEIGHT, WIDTH)) for index in range(6)]
    assert max(misplaced(draw(index)[0], window) for index, window in enumerate(seen)) < 1.2
    assert len({window.left for window in seen}) > 3


@pytest.mark.parametrize("changes", [{}, {"eval_size": 48}, {"crop_fraction": 1}], ids=str)
def test_a_window_is_what_evaluation_sees(changes):
    made = recipe(input={"size": 32, "crop_fraction": 0.7} | changes)
    pictures = mapped(2)
    window = at_evaluation(made, (HEIGHT, WIDTH))
    assert misplaced(pictures.seen(pictures.items("train")[0], made), window) < 1
    assert window.size == tuple(pictures.seen(pictures.items("train")[0], made).shape[-2:])


def test_followed_are_augmentations_with_their_own_choices():
    for name in set(names("paribus.windows")) - {"whole", "centre"}:
        namesakes = [getattr(home, name) for home in (transforms, pixel_transforms) if hasattr(home, name)]
        assert namesakes
        for other in namesakes:
            own, theirs = (choices(f) for f in (getattr(windows, name), other))
            assert {n: p.default for n, p in own.items()} == {n: p.default for n, p in theirs.items()}
            assert next(iter(inspect.signature(other).parameters)) == "size"


def test_shares_sizes_and_places_of_a_box():
    half = whole((40, 80)).part(0, 0, 40, 40, (20, 20))
    assert half.share((10, 10, 30, 20)) == 1
    assert half.share((30, 0, 50, 40)) == pytest.approx(0.5)
    assert half.share((60, 0, 80, 40)) == 0
    assert half.relative((0, 0, 20, 20)) == pytest.approx(0.5)
    assert half.magnified() == pytest.approx(0.5)
    assert half.placed((10, 10, 30, 20)) == (5, 5, 15, 10)
    mirrored = Window(0, 0, 40, 40, (20, 20), mirrored=True)
    assert mirrored.placed((0, 10, 10, 20)) == (15, 5, 20, 10)


def test_a_part_of_a_mirrored_window_is_taken_from_the_other_side():
    mirrored = Window(0, 0, 80, 40, (40, 80), mirrored=True)
    assert mirrored.part(0, 0, 20, 40, (10, 10)).left == 60
