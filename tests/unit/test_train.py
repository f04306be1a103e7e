"""One run from recipe to evidence: what is written, what a diverged run is, what the loop keeps."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tiny import MARKS, contents, image_set, recipe, run, trained

from paribus import checkpoint
from paribus.classifying import score
from paribus.store import Store
from paribus.train import fit, network, prepare, score_again, train
from paribus.views import Pictures, normalized


def about(folder):
    return json.loads((folder / "run.json").read_text())


def test_what_a_run_folder_holds(tmp_path):
    one = run()
    folder = trained(tmp_path, one, image_set(test=5))
    assert sorted(contents(folder)) == [
        "DONE.json", "best.safetensors",
        f"evidence/test-{'b' * 12}/images.json", f"evidence/test-{'b' * 12}/scores.safetensors",
        f"evidence/train-{'f' * 12}/images.json", f"evidence/train-{'f' * 12}/scores.safetensors",
        f"evidence/val-{'a' * 12}/images.json", f"evidence/val-{'a' * 12}/scores.safetensors",
        "last.safetensors", "run.json",
    ]  # fmt: skip
    found = about(folder)
    assert found["identity"] == one.identity
    assert found["status"] == "done"
    assert [row["epoch"] for row in found["curves"]] == [1, 2, 3]
    assert {"train_loss", "lr", "val_accuracy", "val_loss", "test_accuracy", "test_loss"} <= set(found["curves"][0])
    assert found["parameters_total"] == found["parameters_trained"] == 4 * 27 + 8 + 8 * 36 + 16 + 8 * 2 + 2
    record = Store(tmp_path).load(one.id)
    assert record.evidence["val"].logits.shape == (3, 9, 2)
    assert record.evidence["val"].epochs == (1, 2, 3)
    assert record.evidence["train"].epochs == (3,)  # the clean training images, once
    assert sorted(p.name for p in tmp_path.iterdir()) == [one.id]  # nothing is left over


def test_evidence_is_what_the_kept_weights_say(tmp_path):
    one = run()
    folder = trained(tmp_path, one)
    pictures = Pictures(image_set())
    training = prepare(one, pictures, None)
    best = about(folder)["best_epoch"]
    evidence = Store(tmp_path).load(one.id).evidence["val"]
    for name, epoch in (("last", 3), ("best", best)):
        state = {k: torch.from_numpy(v) for k, v in load_file(folder / f"{name}.safetensors").items()}
        training.model.load_state_dict(state)
        assert score(training, pictures, "val")["logits"].tobytes() == evidence.at(epoch).logits.tobytes()
    accuracies = [(evidence.at(e).predicted() == evidence.targets).mean() for e in (1, 2, 3)]
    assert best == 1 + int(np.argmax(accuracies))
    assert [row["val_accuracy"] for row in about(folder)["curves"]] == pytest.approx(accuracies)


def test_a_finished_run_is_a_pure_function(tmp_path):
    assert contents(trained(tmp_path / "a", run())) == contents(trained(tmp_path / "b", run()))


def test_the_network_learns(tmp_path):
    found = about(trained(tmp_path, run(epochs=8, optimizer={"use": "adam", "lr": 0.02}), image_set(40, 40)))
    assert found["curves"][-1]["val_accuracy"] > 0.9
    assert found["curves"][-1]["train_loss"] < found["curves"][0]["train_loss"]


def test_a_diverged_run_is_a_result_scored_at_its_initialisation(tmp_path):
    one = run(optimizer={"use": "sgd", "lr": 1e30})
    found = about(trained(tmp_path, one))
    assert found["status"] == "diverged"
    record = Store(tmp_path).load(one.id)
    assert record.status == "diverged"
    assert record.evidence["val"].epochs == (0,)
    assert record.evidence["train"].epochs == (0,)
    assert np.isfinite(record.evidence["val"].logits).all()
    pictures = Pictures(image_set())
    untouched = prepare(one, pictures, None)
    assert score(untouched, pictures, "val")["logits"].tobytes() == record.evidence["val"].logits[0].tobytes()
    assert contents(tmp_path / one.id) == contents(trained(tmp_path / "again", one))


def explodes_after(monkeypatch, epochs):
    """The weights of the last epoch are made infinite, as a learning rate that is too high does in its time."""
    from paribus import train as home

    real = home.train_step

    def step(training, images, targets, number):
        value = real(training, images, targets, number)
        if training.epoch == epochs:
            next(iter(training.model.parameters())).data.fill_(float("inf"))
        return value

    monkeypatch.setattr(home, "train_step", step)


def test_a_run_that_diverges_late_is_scored_at_its_last_finite_epoch(tmp_path, monkeypatch):
    whole = Store(tmp_path / "whole")
    one = run(epochs=5)
    trained(whole.root, one)
    explodes_after(monkeypatch, 3)
    trained(tmp_path / "late", one)
    late, full = Store(tmp_path / "late").load(one.id), whole.load(one.id)
    assert late.status == "diverged"
    assert late.evidence["val"].epochs == (1, 2, 3)
    assert late.evidence["val"].logits.tobytes() == full.evidence["val"].logits[:3].tobytes()


def test_where_a_diverged_run_is_scored_does_not_depend_on_when_epochs_were_committed(tmp_path, monkeypatch):
    one = run(epochs=5)
    explodes_after(monkeypatch, 3)
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)  # after every step
    often = contents(trained(tmp_path / "often", one))
    monkeypatch.setattr(checkpoint, "INTERVAL", 1e9)
    slow = property(lambda keeper: 1e9, lambda keeper, seconds: None)  # writing seems slow: no epoch is committed
    monkeypatch.setattr(checkpoint.Keeper, "took", slow)
    assert contents(trained(tmp_path / "seldom", one)) == often


@pytest.mark.parametrize("train_images", [17, 16, 1])
def test_a_last_batch_of_one_image_is_left_out_and_the_steps_are_counted_so(train_images):
    training = prepare(run(), Pictures(image_set(train=train_images)), None)
    sizes = [len(t) for _, t in training.views.batches(1)]
    assert sizes == {17: [8, 8], 16: [8, 8], 1: [1]}[train_images]
    assert training.steps_per_epoch == len(sizes)


def test_batches_of_one_image_are_not_left_out_where_they_are_asked_for():
    training = prepare(run(batch_size=1), Pictures(image_set(train=5)), None)
    assert [len(t) for _, t in training.views.batches(1)] == [1] * 5
    assert training.steps_per_epoch == 5


def test_the_learning_rate_follows_the_schedule_step_by_step(monkeypatch):
    from paribus import train as home

    seen = []
    real = home.train_step
    monkeypatch.setattr(
        home, "train_step", lambda t, i, y, n: (seen.append(t.optimizer.param_groups[0]["lr"]), real(t, i, y, n))[1]
    )
    training = prepare(run(schedule={"use": "step", "every": 1, "gamma": 0.1}), Pictures(image_set()), None)
    losses = list(fit(training))
    assert seen == pytest.approx([0.05] * 3 + [0.005] * 3 + [0.0005] * 3)
    assert len(losses) == 3
    assert training.optimizer.param_groups[0]["lr"] == 0.05  # what is stored is the recipe's rate


def test_the_head_has_a_rate_of_its_own():
    changes = {"optimizer": {"use": "sgd", "lr": 0.1, "backbone_lr": 0.01}}
    training = prepare(run(**changes), Pictures(image_set()), None)
    rates = {len(g["params"]): g["lr"] for g in training.optimizer.param_groups}
    assert rates == {2: 0.1, 6: 0.01}
    assert training.head == "10"


def test_only_the_head_is_given_to_the_optimizer_where_only_it_learns():
    training = prepare(run(trainable="head"), Pictures(image_set()), None)
    assert [len(g["params"]) for g in training.optimizer.param_groups] == [2]


def test_features_of_a_frozen_body_are_computed_once_and_change_no_byte(tmp_path):
    changes = {"trainable": "head", "epochs": 2}
    first = contents(trained(tmp_path / "a", run(**changes)))
    pictures, calls = Pictures(image_set()), []
    real = pictures.evaluation
    pictures.evaluation = lambda split, recipe: (calls.append(split), real(split, recipe))[1]
    train(run(**changes), pictures, None, Store(tmp_path / "b"), {k: MARKS[k] for k in ("train", "val")})
    assert sorted(calls) == ["train", "val"]  # not once an epoch
    assert contents(tmp_path / "b" / run(**changes).id) == first
    pictures._kept.clear()
    afresh = prepare(run(**changes), pictures, None)
    list(fit(afresh))
    assert (
        score(afresh, pictures, "val")["logits"].tobytes()
        == Store(tmp_path / "b").load(run(**changes).id).evidence["val"].logits[-1].tobytes()
    )


def test_frozen_bodies_of_different_seeds_share_nothing(tmp_path):
    pictures = Pictures(image_set())
    outputs = [
        score(prepare(run(seed=s, trainable="head"), pictures, None), pictures, "val")["logits"] for s in (0, 1, 0)
    ]
    assert outputs[0].tobytes() == outputs[2].tobytes()
    assert outputs[0].tobytes() != outputs[1].tobytes()


@pytest.mark.parametrize("trainable", ["all", "head"])
def test_a_network_that_goes_on_after_its_classifier_is_scored_as_a_whole(trainable):
    pictures = Pictures(image_set())
    changes = {"model": "torchvision:squeezenet1_1", "input": {"size": 32, "crop_fraction": 1}}
    training = prepare(run(trainable=trainable, **changes), pictures, None)
    logits = score(training, pictures, "val")["logits"]
    with torch.inference_mode():
        expected = [
            training.model(normalized(b, training.run.recipe)) for b in pictures.evaluation("val", training.run.recipe)
        ]
    assert logits.shape == (9, 2)
    assert np.array_equal(logits, torch.cat(expected).numpy())


def test_new_images_are_scored_by_the_kept_weights_and_nothing_is_trained(tmp_path):
    one = run()
    trained(tmp_path, one)
    store, grown = Store(tmp_path), image_set(test=6)
    assert store.unseen(one, MARKS) == {"test": MARKS["test"]}
    score_again(one, Pictures(grown), None, store, {"test": MARKS["test"]})
    assert store.unseen(one, MARKS) == {}
    record = store.load(one.id)
    last, val = max(record.evidence["val"].epochs), record.evidence["val"]
    assert record.evidence["test"].epochs[-1] == last
    score_again(one, Pictures(grown), None, store, {"val": "c" * 64})
    again = store.load(one.id, {"val": "c" * 64}).evidence["val"]
    assert np.array_equal(again.at(last).logits, val.at(last).logits)


def test_bf16_runs_and_is_not_float32(tmp_path):
    low = Store(tmp_path).load(trained(tmp_path, run(epochs=1, precision="bf16")).name)
    high = Store(tmp_path).load(trained(tmp_path, run(epochs=1)).name)
    assert low.evidence["val"].logits.dtype == np.float32
    assert not np.array_equal(low.evidence["val"].logits, high.evidence["val"].logits)
    np.testing.assert_allclose(low.evidence["val"].logits, high.evidence["val"].logits, atol=0.2)


def test_networks_are_channels_last():
    model = network(recipe(), 2, None, 0)
    assert next(model.parameters()).is_contiguous(memory_format=torch.channels_last)
