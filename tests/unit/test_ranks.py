"""One run over two processes: the numbers of one process, within rounding; a process that is lost is named."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import disks
import numpy as np
import pytest
import torch
from tiny import MARKS, image_set, recipe, run
from torch.nn import functional

from paribus import ranks as home
from paribus.checkpoint import moved_from
from paribus.environment import full
from paribus.errors import IntegrityError, RankLost
from paribus.ranks import ALONE, Ranks
from paribus.store import Store
from paribus.train import train
from paribus.views import Pictures

ROOT = Path(__file__).parents[2]
SECOND = """
import sys
from paribus import checkpoint, ranks
from paribus.recipe import Recipe
from paribus.runs import Run
from paribus.train import accompany, prepare
from paribus.views import Pictures
import disks
import tiny

SETS = {"faces": tiny.image_set(val=40), "streets": disks.image_set(val=40)}
us, dies = ranks.joined(1, 2, sys.argv[1]), sys.argv[2] == "dies"
while (heard := us.hear()) is not None:
    told, content = heard
    if dies:
        sys.exit()
    identity = told["run"]
    one = Run(Recipe.from_plain(identity["recipe"]), identity["seed"], identity["train"])
    pictures = Pictures(SETS[one.recipe.data.use])
    training = prepare(one, pictures, None, us)
    checkpoint.take(training, told["at"], content)
    accompany(training, pictures, told["splits"], told["until"])
"""
RUNS = {
    "batch norm, the last batch has four images": {"batch_size": 8, "epochs": 2},
    "batches of an odd number, of which one process has one image": {"batch_size": 3, "epochs": 1},
    "batches of one image, of which one process has none": {"batch_size": 1, "epochs": 1, "batch_norm": "frozen"},
    "adam, weights by class": {
        "optimizer": {"use": "adam", "lr": 0.01},
        "loss": {"use": "cross_entropy", "class_weights": [0.2, 0.8]},
        "epochs": 2,
    },
    "features of two views kept, a head": {"trainable": "head", "views": 2, "epochs": 3},
    "features of fresh views, a head": {"trainable": "head", "epochs": 2},
    "diverges": {"optimizer": {"use": "sgd", "lr": 1e20}, "epochs": 2},
}


@pytest.fixture(scope="module")
def us(tmp_path_factory):
    """This process as the first of two."""
    with second(tmp_path_factory.mktemp("meeting"), "lives") as (ranks, process):
        yield ranks
        ranks.tell(None)
        assert process.wait(60) == 0
        home.part_ways()


class second:
    def __init__(self, folder, fate):
        self.meeting, self.fate = (folder / "meeting").as_uri(), fate

    def __enter__(self):
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"
        path = f"{ROOT}{os.pathsep}{Path(__file__).parent}"
        command = [sys.executable, "-c", SECOND, self.meeting, self.fate]
        self.process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path})
        return home.joined(0, 2, self.meeting), self.process

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()


def marks(images):
    return {split: MARKS[split] for split in ("train", "val")}


def trained(folder, one, ranks):
    images = image_set(val=40)  # two batches to score: one a process
    train(one, Pictures(images), None, Store(folder), marks(images), ranks=ranks)
    return Store(folder).load(one.id)


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_give_the_numbers_of_one(tmp_path, us, name):
    one = run(**RUNS[name])
    alone, both = trained(tmp_path / "alone", one, ALONE), trained(tmp_path / "both", one, us)
    assert both.status == alone.status == ("diverged" if name == "diverges" else "done")
    for split in ("train", "val"):
        before, after = alone.evidence[split], both.evidence[split]
        assert (after.image_ids, after.epochs) == (before.image_ids, before.epochs)
        assert (after.targets == before.targets).all()
        np.testing.assert_allclose(after.logits, before.logits, rtol=1e-3, atol=1e-4)
    for before, after in zip(alone.curves, both.curves, strict=True):
        assert after == pytest.approx(before, rel=1e-3, abs=1e-4)
    assert (alone.facts["environment"]["processes"], both.facts["environment"]["processes"]) == (1, 2)


MASKS = {
    "all layers, the last batch has one image": {"epochs": 2, "batch_size": 11},
    "dice": {"epochs": 2, "loss": "dice"},
    "median frequency": {"epochs": 2, "loss": {"use": "cross_entropy", "class_weights": "median_frequency"}},
    "a network without skip connections, its body frozen": {
        "epochs": 2,
        "trainable": "head",
        "model": {"use": "fcn", "backbone": "resnet10t", "skips": []},
    },
}


@pytest.mark.parametrize("name", MASKS)
def test_two_processes_count_the_pixels_that_one_counts(tmp_path, us, name):
    # not by Adam: its first steps are the signs of gradients, and rounding moves those that are nearly zero
    one = disks.run(optimizer={"use": "sgd", "lr": 0.05, "momentum": 0.9}, **MASKS[name])
    kept = []
    for ranks in (ALONE, us):
        images, folder = disks.image_set(val=40, test=3), tmp_path / str(ranks.size)
        train(one, Pictures(images), None, Store(folder), MARKS, ranks=ranks)
        kept.append(Store(folder).load(one.id))
    alone, both = kept
    assert both.status == alone.status == "done"
    for split in ("train", "val", "test"):
        before, after = alone.evidence[split], both.evidence[split]
        assert (after.image_ids, after.epochs) == (before.image_ids, before.epochs)
        assert (after.confusion.sum((-1, -2)) == before.confusion.sum((-1, -2))).all()  # every pixel once
        # a pixel between two classes may fall to the other one when floats are added in another order
        assert np.abs(after.confusion - before.confusion).sum() <= 2e-3 * before.confusion.sum()
    for before, after in zip(alone.curves, both.curves, strict=True):
        assert after["train_loss"] == pytest.approx(before["train_loss"], rel=1e-3)


def test_a_run_goes_on_in_both_processes(tmp_path, us, monkeypatch):
    one = run(epochs=3, optimizer={"use": "sgd", "lr": 0.05, "momentum": 0.9})
    whole = trained(tmp_path / "whole", one, us)

    class Stop(BaseException): ...

    def stop(epoch, seconds):
        raise Stop

    store = Store(tmp_path / "parts")
    with pytest.raises(Stop):
        train(dataclasses.replace(one), Pictures(image_set(val=40)), None, store, marks(None), stop, ranks=ALONE)
    # its state was committed by one process: another number of them is another environment
    with pytest.raises(IntegrityError, match=r"RESUME_IDENTITY.*processes: 1 -> 2"):
        trained(tmp_path / "parts", one, us)
    assert whole.status == "done"


def test_the_number_of_processes_is_part_of_the_environment():
    assert moved_from(full(), full(processes=2)) == {"processes": [1, 2]}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_parts_make_up_the_whole(count):
    parts = [Ranks(rank, 3).part(count) for rank in range(3)]
    assert [i for part in parts for i in range(count)[part]] == list(range(count))


class OneOfTwo(Ranks):
    """The arithmetic of one of two processes that hold the same images, without any other process."""

    def _summed(self, tensor):
        return tensor.mul_(2)


def test_batch_norm_of_the_whole_batch_is_torchs():
    part = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    whole = torch.cat([part.detach()] * 2).requires_grad_()
    weight, bias = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 0.0, -1.0])
    running, torchs = [torch.zeros(3), torch.ones(3)], [torch.zeros(3), torch.ones(3)]
    with OneOfTwo(0, 2).on_whole_batches(10):
        found = functional.batch_norm(part, *running, weight, bias, training=True, momentum=0.1)
    expected = functional.batch_norm(whole, *torchs, weight, bias, training=True, momentum=0.1)
    torch.testing.assert_close(found, expected[:5])
    torch.testing.assert_close(running, torchs)
    factor = torch.linspace(0, 1, 48).view(1, 3, 4, 4)
    (found.square() * factor).sum().backward()
    (expected.square() * factor).sum().backward()
    torch.testing.assert_close(part.grad, whole.grad[:5])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("function", [functional.dropout, functional.dropout2d])
def test_dropout_keeps_what_one_process_would_keep(function, layout):
    whole = torch.ones(6, 3, 5, 5).contiguous(memory_format=layout)
    torch.manual_seed(7)
    expected = function(whole, p=0.5, training=True)
    for rank, rows in ((0, slice(0, 3)), (1, slice(3, 6))):
        torch.manual_seed(7)
        with Ranks(rank, 2).on_whole_batches(6):
            assert function(whole[rows], p=0.5, training=True).equal(expected[rows])


def test_stochastic_depth_drops_what_one_process_would_drop():
    from torchvision.ops import stochastic_depth

    torch.manual_seed(7)
    expected = stochastic_depth(torch.ones(8, 2, 3, 3), 0.5, "row")
    torch.manual_seed(7)
    with Ranks(1, 2).on_whole_batches(8):
        assert stochastic_depth(torch.ones(4, 2, 3, 3), 0.5, "row").equal(expected[4:])
    assert 0 < (expected != 0).float().mean() < 1


def test_draws_that_are_not_known_are_refused():
    with Ranks(0, 2).on_whole_batches(8), pytest.raises(Exception, match=r"PROCESSES.*rand_like"):
        torch.rand_like(torch.ones(4, 2))
    assert recipe().batch_size == 8


LOST = """
import sys
from pathlib import Path
from paribus import ranks
from paribus.errors import IntegrityError, RankLost
from paribus.store import Store
from paribus.train import train
from paribus.views import Pictures
from tiny import MARKS, image_set, run

us = ranks.joined(0, 2, sys.argv[1])
try:
    train(run(), Pictures(image_set(val=40)), None, Store(Path(sys.argv[2])), {"val": MARKS["val"]}, ranks=us)
except RankLost as error:
    print(error)
    sys.exit(error.exit_code)
"""


def test_a_lost_process_ends_the_other_by_name(tmp_path):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}", "GLOO_SOCKET_IFNAME": "lo"}
    meeting = (tmp_path / "meeting").as_uri()
    other = subprocess.Popen([sys.executable, "-c", SECOND, meeting, "dies"], env=environment)
    first = [sys.executable, "-c", LOST, meeting, str(tmp_path / "runs")]
    found = subprocess.run(first, env=environment, capture_output=True, text=True, check=False, timeout=60)
    other.wait(10)
    assert found.returncode == RankLost.exit_code == 4, found.stderr
    assert found.stdout.startswith("error[RANK_LOST]: another process of this run is gone")
