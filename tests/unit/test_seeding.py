"""A seed is tested by its effect: the same under a disturbed global state, another under another seed."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import MARKS, contents, image_set, recipe, run, trained

from paribus.runs import Run
from paribus.seeding import derive, generator
from paribus.train import network
from paribus.views import Pictures, TrainingViews

ROTATING = "lab"


def views(seed=0, **changes):
    return TrainingViews(Pictures(image_set()), recipe(**changes), seed)


def batch_bytes(found):
    return [(images.numpy().tobytes(), targets.tolist()) for images, targets in found]


def disturbed():
    torch.manual_seed(99)
    np.random.seed(99)
    random.seed(99)
    torch.rand(7)


def test_purposes_are_independent_streams():
    seeds = {derive(s, *p) for s in range(20) for p in (("init",), ("order", 1), ("order", 2), ("augment", "a", 1, 2))}
    assert len(seeds) == 80
    assert all(0 <= s < 1 << 63 for s in seeds)
    assert derive(0, "order", 1) == 452969769437431254  # a changed value is another run for everybody
    a, b = (torch.rand(1000, generator=generator(0, "x", i)) for i in (1, 2))
    assert abs(float(torch.corrcoef(torch.stack([a, b]))[0, 1])) < 0.1


def test_the_same_seed_gives_the_same_run_whatever_the_global_state(tmp_path):
    first = contents(trained(tmp_path / "a", run(epochs=1)))
    disturbed()
    assert contents(trained(tmp_path / "b", run(epochs=1))) == first
    other = contents(trained(tmp_path / "c", run(seed=1, epochs=1)))
    assert other["last.safetensors"] != first["last.safetensors"]


def test_a_run_leaves_the_global_state_alone(tmp_path):
    disturbed()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    trained(tmp_path, run(epochs=1))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


def test_arms_with_one_seed_see_one_order_and_one_set_of_draws():
    base = views()
    for arm in (views(optimizer={"use": "adam"}), views(model={"use": "small_cnn", "width": 8}), views(epochs=7)):
        assert batch_bytes(arm.batches(2)) == batch_bytes(base.batches(2))
    assert [t for _, t in batch_bytes(base.batches(1))] != [t for _, t in batch_bytes(base.batches(2))]
    assert batch_bytes(views(seed=1).batches(2)) != batch_bytes(base.batches(2))


def test_each_image_has_draws_of_its_own_and_the_batch_size_shifts_none():
    small, large = views(batch_size=4), views(batch_size=20)
    assert torch.equal(torch.cat([i for i, _ in small.batches(1)]), torch.cat([i for i, _ in large.batches(1)]))
    same = image_set()
    same = replace(same, load=lambda item: np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))
    found = torch.cat([i for i, _ in TrainingViews(Pictures(same), recipe(), 0).batches(1)])
    assert len(torch.unique(found.flatten(1), dim=0)) > 15


def draws(monkeypatch, augment):
    """(part's path, first draw) of every part for one image, in the recipe's order."""
    import paribus.views

    seen = []

    def spy(seed, *purpose):
        found = generator(seed, *purpose)
        seen.append((purpose[1], float(torch.rand((), generator=generator(seed, *purpose)))))
        return found

    monkeypatch.setattr(paribus.views, "generator", spy)
    views(augment=augment).drawn(1)(5)
    return seen


def test_adding_a_transform_shifts_no_others_draws(monkeypatch):
    plain = draws(monkeypatch, ["random_resized_crop", "horizontal_flip"])
    more = draws(monkeypatch, ["cutout", "random_resized_crop", {"use": "color_jitter", "hue": 0.1}, "horizontal_flip"])
    assert dict(plain).items() <= dict(more).items()
    assert len(more) == 4


def test_a_part_listed_twice_draws_twice(monkeypatch):
    found = draws(monkeypatch, ["horizontal_flip", "horizontal_flip"])
    assert [name for name, _ in found] == ["augment.horizontal_flip", "augment.horizontal_flip#2"]
    assert found[0][1] != found[1][1]


def test_another_head_shifts_no_draw_of_the_body():
    two, five = (network(recipe(), classes, None, 3).state_dict() for classes in (2, 5))
    assert all(torch.equal(two[k], five[k]) for k in two if not k.startswith("10."))
    assert two["10.weight"].shape != five["10.weight"].shape
    again, other = network(recipe(), 2, None, 3).state_dict(), network(recipe(), 2, None, 4).state_dict()
    assert all(torch.equal(two[k], again[k]) for k in two)
    assert not torch.equal(two["0.weight"], other["0.weight"])
    assert not torch.equal(two["10.weight"], other["10.weight"])


def test_the_head_is_drawn_from_the_stream_of_its_name():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(3, "init", "10"))
        expected = torch.nn.Linear(8, 2)
    found = network(recipe(), 2, None, 3).get_submodule("10")
    assert torch.equal(found.weight, expected.weight) and torch.equal(found.bias, expected.bias)


@pytest.mark.parametrize("use", ["timm:tf_efficientnet_lite0", "torchvision:mobilenet_v3_small"])
def test_another_head_shifts_no_draw_of_a_libraries_body(use):
    from paribus.heads import head_name

    two, five = (network(recipe(model=use), classes, None, 3) for classes in (2, 5))
    head = head_name(two)
    a, b = two.state_dict(), five.state_dict()
    assert all(torch.equal(a[k], b[k]) for k in a if not k.startswith(f"{head}."))


def test_dropout_has_a_stream_of_its_own(tmp_path):
    """With dropout, a run is as repeatable as without, and its order and draws are the same."""
    lab = {"use": "timm:tf_efficientnet_lite0", "drop_rate": 0.5}
    body = network(recipe(model=lab), 2, None, 0)
    plain = network(recipe(model="timm:tf_efficientnet_lite0"), 2, None, 0)
    assert all(torch.equal(a, b) for a, b in zip(body.state_dict().values(), plain.state_dict().values(), strict=True))
    assert batch_bytes(views(model=lab).batches(1)) == batch_bytes(views().batches(1))


def test_the_training_split_and_not_the_seed_is_the_data():
    assert Run(recipe(), 0, MARKS["train"]).train == Run(recipe(), 1, MARKS["train"]).train
