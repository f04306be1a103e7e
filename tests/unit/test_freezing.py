"""Frozen means frozen, and the certificate says so only if it is so."""

import json

import pytest
import torch
from safetensors.torch import load_file
from tiny import image_set, recipe, run, trained
from torch import nn

from paribus import freezing, train
from paribus.errors import StudyError
from paribus.train import network, prepare
from paribus.views import Pictures

# small_cnn of two blocks: 0 conv, 1 norm, 4 conv, 5 norm, 10 the head
LEARNS = {
    "all": {"0.weight", "1.weight", "1.bias", "4.weight", "5.weight", "5.bias", "10.weight", "10.bias"},
    "head": {"10.weight", "10.bias"},
    "from": {"4.weight", "5.weight", "5.bias", "10.weight", "10.bias"},
}
CHOICES = {"all": "all", "head": "head", "from": {"from": "4"}}
STATISTICS_MOVE = {  # batch_norm -> trainable -> the batch norms whose statistics move
    "follow": {"all": {"1", "5"}, "head": set(), "from": {"5"}},
    "frozen": {"all": set(), "head": set(), "from": set()},
    "train": {"all": {"1", "5"}, "head": {"1", "5"}, "from": {"1", "5"}},
}


@pytest.mark.parametrize("batch_norm", STATISTICS_MOVE)
@pytest.mark.parametrize("trainable", CHOICES)
def test_what_learns_moves_and_what_is_frozen_stands_still(tmp_path, trainable, batch_norm):
    one = run(trainable=CHOICES[trainable], batch_norm=batch_norm, epochs=1)
    before = network(one.recipe, 2, None, 0).state_dict()
    folder = trained(tmp_path, one)
    after = load_file(folder / "last.safetensors")
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert {k for k in moved if "running" not in k and "tracked" not in k} == LEARNS[trainable]
    assert {k.split(".")[0] for k in moved if "running" in k} == STATISTICS_MOVE[batch_norm][trainable]
    about = json.loads((folder / "run.json").read_text())
    certificate = about["certificate"]
    assert certificate["held"] is True
    assert about["parameters_trained"] == sum(before[k].numel() for k in LEARNS[trainable])
    assert certificate["parameters_frozen"] == about["parameters_total"] - about["parameters_trained"]
    if trainable == "all":
        said = "statistics were frozen and stood still" if batch_norm == "frozen" else "nothing was to be frozen"
        assert said in certificate["sentence"]
    elif batch_norm == "train":
        assert "moved, as asked" in certificate["sentence"]
    else:
        assert "stood still" in certificate["sentence"]


@pytest.mark.parametrize("planted", ["0.weight", "1.running_mean"])
def test_a_planted_movement_breaks_the_certificate(tmp_path, monkeypatch, planted):
    real = train.train_step

    def step(training, images, targets, number):
        training.model.state_dict()[planted].add_(1e-6)
        return real(training, images, targets, number)

    monkeypatch.setattr(train, "train_step", step)
    folder = trained(tmp_path, run(trainable="head", epochs=1))
    certificate = json.loads((folder / "run.json").read_text())["certificate"]
    assert certificate["held"] is False
    assert "does not do what its recipe says" in certificate["sentence"]


def test_the_modes_hold_whatever_was_called_before():
    model = nn.Sequential(
        nn.Sequential(nn.Linear(2, 2), nn.Dropout()), nn.BatchNorm1d(2), nn.Dropout(), nn.Linear(2, 2)
    )
    freezing.set_trainable(model, "head", "3")
    for called in (model.train, model.eval):
        called()
        freezing.set_modes(model, "follow")
        assert [m.training for m in (model[0], model[0][1], model[1], model[2], model[3])] == [
            False,
            False,
            False,
            True,
            True,
        ]
        freezing.set_modes(model, "train")
        assert all(m.training for m in model.modules())
        freezing.set_modes(model, "frozen")
        assert not model[1].training and model[3].training


def test_stages():
    model = network(recipe(), 2, None, 0)
    freezing.set_trainable(model, {"from": "5"}, "10")
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {"5.weight", "5.bias", "10.weight", "10.bias"}
    with pytest.raises(StudyError, match=r"Unknown stage of the model '55'.*Did you mean '5'"):
        freezing.set_trainable(model, {"from": "55"}, "10")
    with pytest.raises(StudyError):  # a name's beginning is not the name
        freezing.set_trainable(
            network(recipe(model={"use": "small_cnn", "depth": 3}), 2, None, 0), {"from": "1."}, "13"
        )


def test_a_batch_norm_alone_can_be_frozen_by_its_recipe():
    training = prepare(run(batch_norm="frozen"), Pictures(image_set()), None)
    before = {n: b.clone() for n, b in training.model.named_buffers()}
    next(train.fit(training))
    assert all(torch.equal(b, before[n]) for n, b in training.model.named_buffers())
