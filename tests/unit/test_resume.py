"""A killed run goes on and ends bit for bit as one that was never interrupted. Interrupted for real."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import contents, image_set, run, trained

from paribus import checkpoint, durable, train
from paribus.errors import IntegrityError
from paribus.store import Store

ROOT = Path(__file__).parents[2]
OPTIMIZERS = {
    "momentum": {"optimizer": {"use": "sgd", "lr": 0.05, "momentum": 0.9}, "schedule": "one_cycle", "epochs": 4},
    "adam": {"optimizer": {"use": "adam", "lr": 0.01}, "schedule": {"use": "step", "every": 1}, "epochs": 4},
}
KILLED = """
import json, os, signal, sys
from pathlib import Path
from paribus.store import Store
from paribus.train import train
from paribus.views import Pictures
from tiny import MARKS, image_set, run

folder, after, changes = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])

def kill(epoch, seconds):
    if epoch == after:
        os.kill(os.getpid(), signal.SIGKILL)

train(run(**changes), Pictures(image_set()), None, Store(folder), {k: MARKS[k] for k in ("train", "val")}, kill)
"""


class Killed(BaseException):
    """Stands for a process that is no more: nothing in the package catches it."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_killed_process_goes_on_bit_for_bit(tmp_path, name):
    changes = OPTIMIZERS[name]
    whole = contents(trained(tmp_path / "whole", run(**changes)))
    killed = tmp_path / "killed"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"}
    code = subprocess.run(
        [sys.executable, "-c", KILLED, killed, "2", json.dumps(changes)], env=environment, check=False
    )
    assert code.returncode == -signal.SIGKILL
    state = json.loads((killed / f"{run(**changes).id}.partial" / checkpoint.STATE).read_text())
    if state["environment"] != checkpoint.environment.full():
        pytest.skip("the other process runs with other threads")
    assert not (killed / run(**changes).id).exists()
    assert state["epoch"] in (1, 2)
    assert contents(trained(killed, run(**changes))) == whole
    assert sorted(p.name for p in killed.iterdir()) == [run(**changes).id]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stopped_between_any_two_epochs(tmp_path, name, monkeypatch):
    one = run(**OPTIMIZERS[name])
    whole = contents(trained(tmp_path / "whole", one))
    for after in (1, 2, 3):
        folder = tmp_path / str(after)
        with monkeypatch.context() as patch, pytest.raises(Killed):
            stop_before_epoch(patch, after + 1)
            trained(folder, one)
        epochs = trained_epochs(monkeypatch)
        assert contents(trained(folder, one)) == whole
        assert min(epochs) <= after + 1 and max(epochs) == 4
        assert len(set(epochs)) < 4 or min(epochs) == 1


def stop_before_epoch(patch, epoch):
    real = train.train_step

    def step(training, images, targets, number):
        if training.epoch + 1 == epoch:
            raise Killed
        return real(training, images, targets, number)

    patch.setattr(train, "train_step", step)


def trained_epochs(monkeypatch):
    """Which epochs are trained from now on."""
    seen, real = [], train.train_step
    monkeypatch.setattr(train, "train_step", lambda t, i, y, n: (seen.append(t.epoch + 1), real(t, i, y, n))[1])
    return seen


def test_epochs_that_were_committed_are_not_trained_again(tmp_path, monkeypatch):
    one = run(epochs=4)
    always_commit(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_before_epoch(patch, 4)
        trained(tmp_path, one)
    epochs = trained_epochs(monkeypatch)
    trained(tmp_path, one)
    assert set(epochs) == {4}


def always_commit(monkeypatch):
    monkeypatch.setattr(checkpoint.Keeper, "took", property(lambda keeper: 0.0, lambda keeper, seconds: None))


def test_killed_at_every_step_of_every_write(tmp_path, monkeypatch):
    """As SQLite is crashed: at the N-th call of the system, for N = 1, 2, … until the run gets through."""
    always_commit(monkeypatch)
    here = checkpoint.environment.full()
    monkeypatch.setattr(checkpoint.environment, "full", lambda: here)  # looked up once: it takes as long as an epoch
    one, images = run(epochs=2), image_set(train=8, val=3)
    whole = contents(trained(tmp_path / "whole", one, images))
    for n in range(1, 400):
        folder = tmp_path / str(n)
        with monkeypatch.context() as patch:
            kill_at(patch, n)
            try:
                trained(folder, one, images)
            except Killed:
                pass
            else:
                break
        store = Store(folder)
        if not store.has(one):
            trained(folder, one, images)
        store.tidy()
        assert contents(folder / one.id) == whole, f"killed at call {n}"
        assert [p.name for p in folder.iterdir()] == [one.id], f"killed at call {n}"
        store.load(one.id)
        shutil.rmtree(folder)
    assert n > 50  # it was killed, many times


def kill_at(patch, n):
    """The n-th of fsync, replace, rename, rmtree and unlink does not happen: the process is dead."""
    left = [n]

    def counted(real):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return real(*args, **kwargs)

        return call

    patch.setattr(durable.os, "fsync", counted(os.fsync))
    for name in ("replace", "rename", "unlink"):
        patch.setattr(Path, name, counted(getattr(Path, name)))
    patch.setattr(durable.shutil, "rmtree", counted(shutil.rmtree))


def test_a_run_that_goes_on_elsewhere_is_refused(tmp_path, monkeypatch):
    one = run(epochs=4)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_before_epoch(patch, 3)
        trained(tmp_path, one)
    here = checkpoint.environment.full()
    monkeypatch.setattr(checkpoint.environment, "full", lambda: here | {"threads": 64})
    with pytest.raises(IntegrityError, match=r"threads: .* -> 64") as caught:
        trained(tmp_path, one)
    assert caught.value.exit_code == 7
    assert caught.value.problems[0].code == "RESUME_IDENTITY"


def test_a_damaged_state_is_refused_and_not_trained_on(tmp_path, monkeypatch):
    one = run(epochs=4)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_before_epoch(patch, 3)
        trained(tmp_path, one)
    state = next((tmp_path / f"{one.id}.partial").glob("state-*.safetensors"))
    raw = bytearray(state.read_bytes())
    raw[-1] ^= 1
    state.write_bytes(raw)
    with pytest.raises(IntegrityError, match="not what was committed"):
        trained(tmp_path, one)


def test_a_diverged_run_that_was_killed_ends_the_same(tmp_path, monkeypatch):
    one = run(optimizer={"use": "sgd", "lr": 1e30})
    whole = contents(trained(tmp_path / "whole", one))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(train, "_write_results", lambda *a: (_ for _ in ()).throw(Killed()))
        trained(tmp_path / "killed", one)
    assert contents(trained(tmp_path / "killed", one)) == whole
