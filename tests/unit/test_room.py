"""What a run may take on the disk is told in advance, and is not less than what it takes."""

import pytest
from tiny import image_set, run

from paribus import checkpoint, durable, room
from paribus.errors import MachineError
from paribus.store import Store
from paribus.train import prepare, train
from paribus.views import Pictures

MARKS = {"train": "f" * 64, "val": "a" * 64}


def size(folder):
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.suffix == ".safetensors")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_run_takes_no_more_than_was_told(tmp_path, monkeypatch, optimizer):
    model = {"use": "small_cnn", "width": 24, "depth": 3}  # so large that the text around the numbers is small
    one, pictures = run(optimizer=optimizer, epochs=3, model=model), Pictures(image_set())
    told, most, real = [], [], checkpoint.Keeper._commit
    monkeypatch.setattr(durable, "need", lambda at, size, what: told.append(size))
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)
    monkeypatch.setattr(
        checkpoint.Keeper, "_commit", lambda keeper, *given: (real(keeper, *given), most.append(size(tmp_path)))
    )
    train(one, pictures, None, Store(tmp_path), MARKS)
    most.append(most[-1] + size(tmp_path / one.id))  # both are there when the finished run gets its name
    assert 0.3 * told[0] < max(most) < 1.1 * told[0]


def test_many_runs_need_more_than_one(tmp_path, monkeypatch):
    training, pictures = prepare(run(), Pictures(image_set()), None), Pictures(image_set())
    monkeypatch.setattr(durable, "free", lambda path: 200_000)
    room.refuse_too_little(training, pictures, MARKS, 1, tmp_path)
    with pytest.raises(MachineError, match="ENV_DISK_FULL"):
        room.refuse_too_little(training, pictures, MARKS, 1000, tmp_path)
