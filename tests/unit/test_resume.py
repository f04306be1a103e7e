"""A killed run goes on and ends bit for bit as one that was never interrupted. Interrupted for real."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import MARKS, contents, image_set, run, trained

from paribus import checkpoint, classifying, durable, states, train
from paribus.errors import IntegrityError
from paribus.store import Store
from paribus.views import Pictures

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
    committed = states.read(killed / f"{run(**changes).id}.partial")
    if committed.environment != checkpoint.environment.full():
        pytest.skip("the other process runs with other threads")
    assert not (killed / run(**changes).id).exists()
    assert committed.states[0].epoch in (1, 2)
    assert contents(trained(killed, run(**changes))) == whole
    assert sorted(p.name for p in killed.iterdir()) == [run(**changes).id]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stopped_before_any_step(tmp_path, name, monkeypatch):
    one = run(**OPTIMIZERS[name])
    whole = contents(trained(tmp_path / "whole", one))
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)
    for number in range(0, 12, 1 if name == "momentum" else 5):  # three steps an epoch
        folder = tmp_path / str(number)
        with monkeypatch.context() as patch, pytest.raises(Killed):
            stop_before_step(patch, number)
            trained(folder, one)
        with monkeypatch.context() as patch:
            taken = steps_taken(patch)
            assert contents(trained(folder, one)) == whole
        assert taken == list(range(number, 12))  # none again, none left out
        assert [p.name for p in folder.iterdir()] == [one.id]


def test_views_that_are_drawn_once_go_on_within_an_epoch(tmp_path, monkeypatch):
    frozen = {"trainable": "head", "views": 2, "model": {"use": "small_cnn", "width": 4, "depth": 2}, "epochs": 4}
    one = run(**frozen)
    whole = contents(trained(tmp_path / "whole", one))
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_before_step(patch, 4)
        trained(tmp_path / "killed", one)
    taken = steps_taken(monkeypatch)
    assert contents(trained(tmp_path / "killed", one)) == whole
    assert taken == list(range(4, 12))


def stop_before_step(patch, number):
    real = train.train_step

    def step(training, images, targets, now):
        if now == number:
            raise Killed
        return real(training, images, targets, now)

    patch.setattr(train, "train_step", step)


def steps_taken(patch):
    """The numbers of the steps that are taken from now on."""
    seen, real = [], train.train_step
    patch.setattr(train, "train_step", lambda t, i, y, n: (seen.append(n), real(t, i, y, n))[1])
    return seen


def test_no_more_than_two_minutes_are_lost_in_a_long_epoch(tmp_path, monkeypatch):
    """A step takes 20 seconds here, and an epoch of 12 steps four minutes."""
    now, lost, done = [0.0], [], [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    real_step, real_write = train.train_step, checkpoint.states.write

    def step(*given):
        now[0] += 20
        lost.append(now[0] - done[0])
        return real_step(*given)

    def write(*given):
        now[0] += 13  # storing takes its time too
        real_write(*given)
        done[0] = now[0]

    monkeypatch.setattr(train, "train_step", step)
    monkeypatch.setattr(checkpoint.states, "write", write)
    trained(tmp_path, run(batch_size=2, epochs=2), image_set(train=24, val=3))
    assert len(lost) == 24 and max(lost) <= 80


def test_killed_before_any_step_of_any_write(tmp_path, monkeypatch):
    """In one process, as SQLite is crashed: every third step of the writes is never taken, nor any after it."""
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)
    here = checkpoint.environment.full()
    monkeypatch.setattr(checkpoint.environment, "full", lambda device="cpu", processes=1: here)
    one, images = run(epochs=2), image_set(train=8, val=3)
    whole = contents(trained(tmp_path / "whole", one, images))
    for n in range(1, 400, 3):
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
        assert contents(folder / one.id) == whole, f"killed before step {n}"
        assert [p.name for p in folder.iterdir()] == [one.id], f"killed before step {n}"
        shutil.rmtree(folder)
    assert n > 80  # it was killed, many times


def kill_at(patch, n):
    """The n-th step and what would come after it do not happen: the process is dead, and cleans nothing up."""
    left = [n]

    def step(kind, path):
        left[0] -= 1
        if left[0] <= 0:
            raise Killed

    patch.setattr(durable, "step", step)
    real = Path.unlink
    patch.setattr(Path, "unlink", lambda path, **how: real(path, **how) if left[0] > 0 else None)


def stopped(folder, patch, number, one):
    """A run that was killed before a step, every step before it committed."""
    with patch.context() as inner, pytest.raises(Killed):
        inner.setattr(checkpoint, "INTERVAL", 0.0)
        stop_before_step(inner, number)
        trained(folder, one)
    return folder / f"{one.id}.partial"


TORN = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "zeros": lambda path: path.write_bytes(path.read_bytes()[:-600] + bytes(600)),
}


@pytest.mark.parametrize("how", TORN)
def test_a_state_that_a_power_loss_has_torn_gives_way_to_the_one_before(tmp_path, monkeypatch, how):
    one, said = run(epochs=3), []
    whole = contents(trained(tmp_path / "whole", one))
    partial = stopped(tmp_path, monkeypatch, 5, one)
    newest, before = states.read(partial).states[:2]
    assert (newest.epoch, newest.batch) == (1, 2) and (before.epoch, before.batch) == (1, 1)
    TORN[how](partial / newest.weights)
    taken = steps_taken(monkeypatch)
    train.train(
        one, Pictures(image_set()), None, Store(tmp_path), {k: MARKS[k] for k in ("train", "val")}, note=said.append
    )
    assert [problem.code for problem in said] == ["CKPT_HASH"] and newest.weights in said[0].where
    assert taken[0] == 4
    assert contents(tmp_path / one.id) == whole


def test_where_no_state_is_whole_the_run_is_refused_with_each_file_named(tmp_path, monkeypatch):
    one = run(epochs=3)
    partial = stopped(tmp_path, monkeypatch, 5, one)
    for state in states.read(partial).states:
        TORN["cut"](partial / state.weights)
    with pytest.raises(IntegrityError, match="rm -r") as caught:
        trained(tmp_path, one)
    assert caught.value.exit_code == 7 and len(caught.value.problems) == 3


def test_two_states_are_kept_and_the_last_between_two_epochs(tmp_path, monkeypatch):
    partial = stopped(tmp_path, monkeypatch, 6, run(epochs=3))
    assert [(s.epoch, s.batch) for s in states.read(partial).states] == [(2, 0), (1, 3)]
    partial = stopped(tmp_path / "later", monkeypatch, 8, run(epochs=3))
    assert [(s.epoch, s.batch) for s in states.read(partial).states] == [(2, 2), (2, 1), (2, 0)]
    named = {name for state in states.read(partial).states for name in state.files}
    assert {p.name for p in partial.glob("*.safetensors")} == named


def test_weights_that_are_not_numbers_are_never_committed(tmp_path, monkeypatch):
    """The step before the one whose loss tells it: going on from there would end otherwise."""
    one = run(optimizer={"use": "sgd", "lr": 1e30})
    whole = contents(trained(tmp_path / "whole", one))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoint, "INTERVAL", 0.0)
        patch.setattr(train, "_to_last_finite", lambda *given: (_ for _ in ()).throw(Killed()))
        trained(tmp_path / "killed", one)
    assert contents(trained(tmp_path / "killed", one)) == whole


@pytest.mark.parametrize("where", ["step", "scoring"])
def test_asked_to_stop_it_finishes_the_step_and_commits(tmp_path, monkeypatch, where):
    one = run(epochs=3)
    whole = contents(trained(tmp_path / "whole", one))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        real, score = train.train_step, classifying.score

        def step(training, images, targets, number):
            if number == 5 and where == "step":
                signal.raise_signal(signal.SIGINT)
            return real(training, images, targets, number)

        def scored(training, pictures, split):
            if training.epoch == 1 and where == "scoring":
                signal.raise_signal(signal.SIGINT)
            return score(training, pictures, split)

        patch.setattr(train, "train_step", step)
        patch.setattr(classifying, "score", scored)
        trained(tmp_path / "asked", one)
    newest = states.read(tmp_path / "asked" / f"{one.id}.partial").states[0]
    assert (newest.epoch, newest.batch) == (1, 3)
    taken = steps_taken(monkeypatch)
    assert contents(trained(tmp_path / "asked", one)) == whole
    assert taken == [6, 7, 8]


def test_a_step_that_was_left_half_done_is_not_committed(tmp_path, monkeypatch):
    one = run(epochs=2)
    whole = contents(trained(tmp_path / "whole", one))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        taken = train.Training.said

        def half(training, inputs):
            for weight in training.model.parameters():
                weight.data += 1  # the step is under way when the second signal comes
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            return taken(training, inputs)

        patch.setattr(train.Training, "said", half)
        trained(tmp_path / "asked", one)
    assert contents(trained(tmp_path / "asked", one)) == whole


def test_a_run_that_goes_on_elsewhere_is_refused(tmp_path, monkeypatch):
    one = run(epochs=4)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_before_step(patch, 6)
        trained(tmp_path, one)
    here = checkpoint.environment.full()
    monkeypatch.setattr(checkpoint.environment, "full", lambda device="cpu", processes=1: here | {"threads": 64})
    with pytest.raises(IntegrityError, match=r"threads: .* -> 64") as caught:
        trained(tmp_path, one)
    assert caught.value.exit_code == 7
    assert caught.value.problems[0].code == "RESUME_IDENTITY"


def test_a_damaged_state_is_refused_and_not_trained_on(tmp_path, monkeypatch):
    one = run(epochs=4)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_before_step(patch, 6)
        trained(tmp_path, one)
    partial = tmp_path / f"{one.id}.partial"
    state = partial / states.read(partial).states[0].weights
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
