"""A segmentation from recipe to evidence: what is kept, what it is taken from, and that a kill changes nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from disks import SPACE, image_set, load, run, truth
from PIL import Image
from tiny import MARKS, contents

from paribus import checkpoint, counting, segmenting
from paribus.datasets import ImageSet, Item
from paribus.labels import VOID
from paribus.runs import Run
from paribus.store import Store
from paribus.train import prepare, score_again, train
from paribus.views import Pictures, TrainingViews, nearest


def trained(folder: Path, one: Run, images: ImageSet) -> Path:
    marks = {s: m for s, m in MARKS.items() if any(i.split == s for i in images.items)}
    train(one, Pictures(images), None, Store(folder), marks)
    return folder / one.id


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs"), run(), image_set(test=4))


def test_counts_of_every_epoch_for_val_and_of_the_kept_ones_for_test(finished):
    record = Store(finished.parent).load(finished.name)
    best = checkpoint.best_epoch(list(record.curves))
    assert record.evidence["val"].epochs == (1, 2, 3)
    assert record.evidence["test"].epochs == tuple(sorted({best, 3}))
    assert record.evidence["train"].epochs == (3,)
    assert {"val_mean_iou", "val_accuracy", "train_loss"} <= set(record.curves[0])
    ious = [row["val_mean_iou"] for row in record.curves]
    assert best == 1 + int(np.argmax(ious))


def test_counts_are_those_of_the_kept_masks_against_the_truth(finished):
    record = Store(finished.parent).load(finished.name)
    evidence = record.evidence["val"]
    for number, name in enumerate(evidence.image_ids):
        with Image.open(finished / f"masks/val-{'a' * 12}/{number:05d}.png") as picture:
            assert picture.mode == "P" and picture.getpalette()[:9] == [v for c in SPACE.colours for v in c]
            said = np.asarray(picture)
        expected = truth(Item(name, "val", 0, None))
        assert said.shape == expected.shape  # at the mask's own size
        at_last = evidence.at(3)
        assert np.array_equal(at_last.confusion[number], counting.counts(said, expected, 3))
        assert np.array_equal(at_last.boundary[number], counting.boundary_counts(said, expected, 3))
        assert at_last.confusion[number].sum() == (expected != VOID).sum()


def test_the_network_learns_the_disks(tmp_path):
    folder = trained(tmp_path, run(epochs=12), image_set())
    curves = Store(tmp_path).load(folder.name).curves
    assert curves[-1]["val_mean_iou"] > 0.55 > curves[0]["val_mean_iou"]
    assert curves[-1]["train_loss"] < curves[0]["train_loss"]


def test_killed_and_resumed_is_bitwise_the_same(tmp_path, monkeypatch, finished):
    images = image_set(test=4)
    marks = {**MARKS}
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)

    def stop(epoch: int, seconds: float) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run(), Pictures(images), None, Store(tmp_path), marks, stop)
    train(run(), Pictures(images), None, Store(tmp_path), marks)
    assert contents(tmp_path / run().id) == contents(finished)


def test_new_images_are_scored_from_the_kept_weights(tmp_path):
    folder = trained(tmp_path, run(), image_set())
    score_again(run(), Pictures(image_set(test=4)), None, Store(tmp_path), {"test": MARKS["test"]})
    evidence = Store(tmp_path).load(folder.name).evidence
    assert evidence["test"].confusion.shape[1:] == (4, 3, 3)
    assert evidence["test"].epochs[-1] == 3
    masks = [folder / f"masks/test-{'b' * 12}/{number:05d}.png" for number in range(4)]
    assert all(mask.relative_to(folder).as_posix() in (folder / "DONE.json").read_text() for mask in masks)
    for number, mask in enumerate(masks):
        with Image.open(mask) as picture:
            expected = truth(Item(evidence["test"].image_ids[number], "test", 0, None))
            assert np.array_equal(
                evidence["test"].at(3).confusion[number], counting.counts(np.asarray(picture), expected, 3)
            )


def test_a_diverged_segmentation_is_scored_at_its_initialisation(tmp_path):
    folder = trained(tmp_path, run(optimizer={"use": "sgd", "lr": 1e30}), image_set())
    record = Store(tmp_path).load(folder.name)
    assert record.status == "diverged"
    assert record.evidence["val"].epochs == (0,)


def of_odd_sizes(item: Item) -> tuple[int, int]:
    """(height, width) of an image: each its own, none a multiple of what a network halves."""
    number = int(item.id[:3])
    return 21 + 2 * (number % 4), 27 + 4 * (number % 3)


@pytest.mark.parametrize(
    "model",
    [
        {"use": "fcn", "backbone": "resnet10t", "skips": [2, 4, 8, 16]},
        {"use": "fcn", "backbone": "resnet10t", "skips": [], "decoder": "deconv", "width": 4},
        {"use": "smp:Unet", "encoder": "resnet10t"},
    ],
)
def test_odd_sizes_go_in_and_every_mask_comes_back_at_its_own(tmp_path, model):
    def cut(item: Item) -> tuple[slice, slice]:
        height, width = of_odd_sizes(item)
        return slice(height), slice(width)

    def wide(item: Item, pixels: np.ndarray) -> np.ndarray:
        return np.concatenate([pixels, pixels, pixels], axis=1).repeat(2, axis=0)[cut(item)]

    items = image_set(6, 5).items
    masks = lambda item: wide(item, truth(item))  # noqa: E731
    images = ImageSet("odd", SPACE.classes, items, lambda item: wide(item, load(item)), space=SPACE, masks=masks)
    one = run(model=model, input={"size": [33, 45], "eval_size": [37, 51]}, epochs=1, precision="bf16")
    folder = trained(tmp_path, one, images)
    record = Store(tmp_path).load(folder.name)
    scored = [item for item in items if item.split == "val"]
    assert len({of_odd_sizes(item) for item in scored}) > 3
    for number, item in enumerate(sorted(scored, key=lambda item: item.id)):
        with Image.open(folder / f"masks/val-{'a' * 12}/{number:05d}.png") as picture:
            said = np.asarray(picture)
        assert said.shape == of_odd_sizes(item)
        counted = counting.counts(said, masks(item), len(SPACE.classes))
        assert np.array_equal(record.evidence["val"].at(1).confusion[number], counted)


def test_image_and_mask_move_together():
    views = TrainingViews(Pictures(image_set()), run().recipe, 0)
    for images, masks in views.batches(1):
        assert images.shape[2:] == masks.shape[1:] == (32, 40)
        bright = images.float().mean(dim=1)
        assert float(bright[masks == 1].mean()) > float(bright[masks == 2].mean()) > float(bright[masks == 0].mean())
        assert set(masks.unique().tolist()) <= {0, 1, 2, VOID}


def test_what_the_weights_of_classes_are_computed_from():
    found = segmenting.counts(pictures := Pictures(image_set()), pictures.items("train"))
    pixels = [sum(int((truth(i) == c).sum()) for i in image_set().items if i.split == "train") for c in range(3)]
    assert found.pixels == pixels
    assert found.pixels_of_images_with == [12 * 21 * 29] * 3


def test_the_backbone_has_its_own_rate_and_the_decoder_is_new():
    training = prepare(run(optimizer={"use": "adamw", "lr": 1e-2, "backbone_lr": 1e-3}), Pictures(image_set()), None)
    rates = {g["lr"]: sum(p.numel() for p in g["params"]) for g in training.optimizer.param_groups}
    backbone = sum(p.numel() for p in training.model.backbone.parameters())
    assert rates[1e-3] == backbone
    assert rates[1e-2] == sum(p.numel() for p in training.model.parameters()) - backbone


def test_masks_are_resized_without_mixing():
    mask = torch.from_numpy(truth(image_set().items[0]))
    assert set(nearest(mask, (50, 11)).unique().tolist()) <= set(mask.unique().tolist())
