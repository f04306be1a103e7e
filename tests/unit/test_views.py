"""Images as the network sees them."""

import numpy as np
import pytest
import torch
from tiny import image_set, recipe
from torchvision.transforms import v2

from paribus.views import Pictures, TrainingViews, centre, eval_sizes, normalized

STATISTICS = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@pytest.mark.parametrize(
    "given", [{"size": 16}, {"size": 16, "eval_size": 24}, {"size": 16, "crop_fraction": 0.5}, {"size": 32}]
)
def test_evaluation_is_torchvisions_resize_crop_and_normalise(given):
    images, made = image_set(), recipe(input={**given, "normalize": STATISTICS})
    pictures = Pictures(images)
    side = given.get("eval_size") or given["size"]
    plain = v2.Compose(
        [
            v2.Resize(round(side / given.get("crop_fraction", 0.875)), antialias=True),
            v2.CenterCrop(side),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(**STATISTICS),
        ]
    )
    expected = torch.stack([plain(torch.from_numpy(images.load(i)).permute(2, 0, 1)) for i in pictures.items("val")])
    for _ in range(2):  # computed, and then from memory
        found = torch.cat([normalized(b, made) for b in pictures.evaluation("val", made)])
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_items_are_in_the_order_of_their_ids_whatever_the_set_says():
    from dataclasses import replace

    images = image_set()
    backwards = replace(images, items=images.items[::-1])
    assert [i.id for i in Pictures(backwards).items("val")] == [i.id for i in Pictures(images).items("val")]


def test_an_image_is_decoded_once_and_again_only_without_room():
    from dataclasses import replace

    images, loaded = image_set(), []
    counted = replace(images, load=lambda item: (loaded.append(item.id), images.load(item))[1])
    pictures = Pictures(counted)
    views = TrainingViews(pictures, recipe(), 0)
    first = [b[0] for b in views.batches(1)]
    list(views.batches(2))
    assert len(loaded) == len(set(loaded)) == 20
    loaded.clear()
    narrow = TrainingViews(Pictures(counted, keep=0), recipe(), 0)
    again = [b[0] for b in narrow.batches(1)]
    list(narrow.batches(2))
    assert len(loaded) == 40
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_no_crop_chosen_means_the_centre():
    views = TrainingViews(Pictures(image_set()), recipe(augment=[]), 0)
    images = torch.cat([i for i, _ in views.batches(1)])
    items = views.pictures.items("train")
    expected = torch.stack([centre(views.pictures.pixels(items[i]), (16, 16), 16) for i in views.order(1)])
    assert torch.equal(images, expected)


def test_an_epoch_is_a_permutation_and_targets_go_with_their_images():
    views = TrainingViews(Pictures(image_set()), recipe(), 0)
    assert sorted(views.order(1)) == list(range(20))
    items = views.pictures.items("train")
    targets = torch.cat([t for _, t in views.batches(1)]).tolist()
    assert targets == [items[i].label for i in views.order(1)]
    assert not np.array_equal(views.order(1), views.order(2))


def test_sizes():
    assert eval_sizes(recipe(input={"size": 224})) == ((224, 224), 256)
    assert eval_sizes(recipe(input={"size": 96, "crop_fraction": 1})) == ((96, 96), 96)
    assert eval_sizes(recipe(input={"size": 96, "eval_size": 128, "crop_fraction": 1})) == ((128, 128), 128)


def test_batches_are_channels_last():
    images, _ = next(TrainingViews(Pictures(image_set()), recipe(), 0).batches(1))
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert normalized(images, recipe()).is_contiguous(memory_format=torch.channels_last)


def test_views_in_advance_repeat_and_do_not_depend_on_the_seed():
    def images(epoch, seed, **changes):
        views = TrainingViews(Pictures(image_set()), recipe(**changes), seed)
        batches = torch.cat([i for i, _ in views.batches(epoch)])
        return batches[np.argsort(views.order(epoch))]

    drawn = {(e, s): images(e, s, views=2) for e in (1, 2, 3) for s in (0, 1)}
    assert torch.equal(drawn[1, 0], drawn[3, 0])  # view 0 again
    assert torch.equal(drawn[1, 0], drawn[1, 1])  # all seeds see the same
    assert not torch.equal(drawn[1, 0], drawn[2, 0])
    assert not torch.equal(images(1, 0), images(1, 1))  # fresh draws belong to the seed
    assert not torch.equal(images(1, 0), images(3, 0))


def test_a_view_is_what_training_sees():
    views = TrainingViews(Pictures(image_set()), recipe(views=3), 0)
    seen = torch.cat([i for i, _ in views.batches(5)])
    assert torch.equal(seen, torch.cat(list(views.view(1)))[views.order(5)])


def test_batches_made_ahead_are_the_same_in_the_same_order_and_errors_come_through():
    from paribus.views import ahead

    def numbers():
        yield from range(5)
        raise ValueError("no more")

    threads = torch.get_num_threads()
    found = []
    with pytest.raises(ValueError, match="no more"):
        for number in ahead(numbers()):
            found.append(number)
    assert found == [0, 1, 2, 3, 4]
    assert torch.get_num_threads() == threads
