"""What reaches the head of a frozen body: once per image and view, and the same training as without."""

import numpy as np
import pytest
import torch
from tiny import image_set, recipe, run

from paribus import features
from paribus.train import fit, network, prepare
from paribus.views import Pictures

FROZEN = {"trainable": "head", "views": 2, "epochs": 4}


def trained_head(pictures, seed=0, plain=False, **changes):
    training = prepare(run(seed, **{**FROZEN, **changes}), pictures, None)
    if plain:
        training.body_is_fixed = False
    losses = list(fit(training))
    return losses, training.model.get_submodule(training.head).weight.detach().clone()


def test_training_from_features_is_training():
    losses, weight = trained_head(Pictures(image_set()))
    plain_losses, plain_weight = trained_head(Pictures(image_set()), plain=True)
    assert losses == pytest.approx(plain_losses, rel=1e-5)
    torch.testing.assert_close(weight, plain_weight, rtol=1e-4, atol=1e-6)
    assert losses[-1] < losses[0]


def test_each_view_passes_the_body_once_for_all_seeds_and_epochs(monkeypatch):
    pictures, passes = Pictures(image_set()), []
    real = features._reached
    monkeypatch.setattr(features, "_reached", lambda *args: (passes.append(1), real(*args))[1])
    same_body = {"model": {"use": "small_cnn", "width": 4, "depth": 2}}
    first = prepare(run(0, **FROZEN, **same_body), pictures, None)
    state = {k: v.clone() for k, v in first.model.state_dict().items()}
    for seed in (0, 1, 2):
        training = prepare(run(seed, **FROZEN, **same_body), pictures, None)
        training.model.load_state_dict(state)  # as a pretrained body: the same for every seed
        training.frozen = first.frozen
        list(fit(training))
    assert len(passes) == 2


def test_another_augmentation_or_size_has_other_features():
    pictures = Pictures(image_set())
    reached = [
        features.of_view(prepare(run(**FROZEN, **more), pictures, None), 0)
        for more in ({}, {"augment": ["horizontal_flip"]}, {"input": {"size": 20, "crop_fraction": 1}})
    ]
    assert not any(a.equal(b) for a, b in zip(reached, [*reached[1:], reached[0]], strict=True))


def test_a_resumed_process_computes_the_same_bytes():
    one, two = (features.of_view(prepare(run(**FROZEN), Pictures(image_set()), None), 1) for _ in range(2))
    assert one.numpy().tobytes() == two.numpy().tobytes()


def test_without_room_nothing_is_kept_and_nothing_changes():
    losses, weight = trained_head(Pictures(image_set()))
    again, same = trained_head(Pictures(image_set(), keep=0))
    assert losses == again and torch.equal(weight, same)


def test_where_features_are_no_function_of_the_pixels_they_are_not_used():
    def usable(**changes):
        made = recipe(**changes)
        model = network(made, 2, None, 0)
        from paribus import freezing
        from paribus.heads import head_name

        freezing.set_trainable(model, made.trainable, head_name(model))
        return features.usable(made, model, head_name(model))

    assert usable(trainable="head")
    assert not usable(trainable="all")
    assert not usable(trainable="head", batch_norm="train")
    small = {"input": {"size": 32, "crop_fraction": 1}}
    assert not usable(trainable="head", model="torchvision:squeezenet1_1", **small)  # averages after its head
    dropping = {"use": "timm:tf_efficientnet_lite0", "drop_rate": 0.5}
    assert not usable(trainable="head", model=dropping, **small)
    assert usable(trainable="head", model={**dropping, "drop_rate": 0.0}, **small)


def test_the_order_of_images_belongs_to_the_seed():
    pictures = Pictures(image_set())
    training = prepare(run(**FROZEN), pictures, None)
    targets = torch.cat([t for _, t in features.batches(training, 1)])
    assert np.array_equal(targets.numpy(), training.views.targets().numpy()[training.views.order(1)])


def test_pixels_that_fill_their_room_leave_the_features_theirs():
    pictures = Pictures(image_set(), keep=20 * 20 * 24 * 3)
    training = prepare(run(**FROZEN), pictures, None)
    for item in pictures.items("train"):
        pictures.pixels(item)
    assert features.of_view(training, 0) is features.of_view(training, 0)
