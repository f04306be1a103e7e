"""A run is committed while it trains, and goes on from what was committed."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paribus import durable, environment, freezing, states, tensorfile
from paribus.errors import IntegrityError, Problem
from paribus.states import STATE, Committed, Mark, State, anew, as_damage

if TYPE_CHECKING:
    from paribus.train import Training

Arrays = dict[str, NDArray[np.generic]]
Note = Callable[[Problem], None]

INTERVAL = 60.0  # seconds of training that a kill may cost, and the step that was under way
CHOOSING = ("val_mean_iou", "val_accuracy")  # columns of the learning curve, the first that is there


def best_epoch(curves: list[dict[str, float]]) -> int:
    """The epoch with the highest mean IoU or accuracy on val, the earliest of equals; the last without a val split."""
    column = next((name for name in CHOOSING if curves and name in curves[0]), None)
    if column is None:
        return int(curves[-1]["epoch"]) if curves else 0
    return int(max(curves, key=lambda row: (row[column], -row["epoch"]))["epoch"])


@dataclass
class Keeper:
    """Commits a run, between steps and after epochs, but not so often that writing takes more than a sixth of the time.

    What is not committed yet is trained again after a kill; that changes no number. The last epoch is always committed.
    """

    partial: Path
    environment: dict[str, Any]
    states: tuple[State, ...] = ()  # that were committed and are whole, newest first
    pending: dict[str, bytes] = field(default_factory=dict)
    done_at: float = field(default_factory=lambda: time.monotonic())  # end of the last commit
    took: float = 0.0

    @property
    def seconds(self) -> float:
        """What the run has used up to its newest committed state."""
        return self.states[0].seconds if self.states else 0.0

    def step(self, training: "Training", seconds: float) -> None:
        """Commit between two steps, if it is time."""
        if self._since() >= INTERVAL and training.is_finite():
            self._commit(training, seconds)

    def epoch(self, training: "Training", scores: dict[str, Arrays], seconds: float) -> None:
        """Remember an epoch and what it said about each split, and commit if it is time."""
        from safetensors.numpy import save as save_arrays

        epoch = training.epoch
        self.pending[f"epoch-{epoch}.safetensors"] = save_arrays(
            {f"{split}.{name}": array for split, each in scores.items() for name, array in each.items()}
        )
        if best_epoch(training.curves) == epoch:
            self.pending = {n: c for n, c in self.pending.items() if not n.startswith("best-")}
            self.pending[f"best-{epoch}.safetensors"] = model_bytes(training)
        if epoch in (0, training.run.recipe.epochs) or self._since() >= min(5 * self.took, INTERVAL):
            self._commit(training, seconds)

    def flush(self, training: "Training", seconds: float) -> None:
        """Commit what is not committed yet, unless a step was left half done."""
        at = (self.states[0].epoch, self.states[0].batch) if self.states else (0, 0)
        moved = self.pending or at != (training.epoch, training.batch)
        if training.whole and moved and training.is_finite():
            self._commit(training, seconds)

    def _since(self) -> float:
        return time.monotonic() - self.done_at

    def _commit(self, training: "Training", seconds: float) -> None:
        began = time.monotonic()
        state = self._state(training, seconds)
        new = self.pending | {state.weights: _packed(training)}
        state.files.update({name: Mark.of(content) for name, content in new.items()})
        known = {name: mark for each in self.states for name, mark in each.files.items()}
        unknown = [name for name in new if known.get(name) != state.files[name]]
        for name in unknown:
            durable.put(self.partial / name, new[name])
        durable.sync(*(self.partial / name for name in unknown), self.partial)
        self.states, self.pending = states.kept((state, *self.states)), {}
        frozen, inexact = vars(training.frozen), tuple(training.inexact)
        states.write(self.partial, Committed(self.environment, frozen, inexact, self.states))
        counts = {name for each in self.states for name in each.files}
        for stale in sorted(self.partial.glob("*.safetensors")):
            if stale.name not in counts:
                durable.unlink(stale)
        self.done_at = time.monotonic()
        self.took = self.done_at - began

    def _state(self, training: "Training", seconds: float) -> State:
        """The state as it is now, with the files of former ones that still count."""
        former = self.states[0].files if self.states else {}
        best = any(name.startswith("best-") for name in self.pending)
        files = {n: m for n, m in former.items() if n.startswith("epoch-") or (n.startswith("best-") and not best)}
        curves = tuple(training.curves)
        return State(training.epoch, training.batch, training.total, training.seen, seconds, curves, files)

    def epochs(self) -> dict[int, dict[str, Arrays]]:
        """Epoch -> split -> what was said about its images, for every committed epoch. Raises IntegrityError."""
        state, found = self.states[0], {}
        for name in state.files:
            if name.startswith("epoch-"):
                content = states.content(self.partial, state, name)
                with as_damage(self.partial, name, "CKPT_FORMAT"):
                    epoch = int(name.removeprefix("epoch-").removesuffix(".safetensors"))
                    found[epoch] = _by_split(tensorfile.arrays(content))
        return dict(sorted(found.items()))

    def best(self) -> bytes:
        """The weights of the best epoch on val, as safetensors. Raises IntegrityError."""
        state = self.states[0]
        return states.content(self.partial, state, next((n for n in state.files if n.startswith("best-")), "best"))


def _by_split(arrays: Arrays) -> dict[str, Arrays]:
    found: dict[str, Arrays] = {}
    for key, array in arrays.items():
        split, _, name = key.partition(".")
        found.setdefault(split, {})[name] = array
    return found


def _packed(training: "Training") -> bytes:
    """Model and optimizer as one safetensors file."""
    from safetensors.torch import save

    tensors = {f"model.{k}": v.contiguous() for k, v in training.model.state_dict().items()}
    for index, state in training.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value.contiguous() for key, value in state.items() if value is not None}
    return save(tensors)


def model_bytes(training: "Training") -> bytes:
    from safetensors.torch import save

    return save({k: v.contiguous() for k, v in training.model.state_dict().items()})


def shapes_of(training: "Training") -> dict[str, tuple[int, ...]]:
    """Tensor of the model -> its shape."""
    return {name: tuple(tensor.shape) for name, tensor in training.model.state_dict().items()}


def going_on(
    training: "Training",
    partial: Path,
    watched: Collection[str],
    note: Note,
    *,
    allow_inexact: bool = False,
    between_epochs: bool = False,
) -> Keeper:
    """The keeper of a run, and the fresh training brought to the newest committed state, if there is one.

    watched: the splits to be scored; a state whose epochs were scored on others does not count (tuning runs see val
    alone). between_epochs: to the newest at which no epoch is half done. note: told of states that a power loss has
    torn.
    Raises IntegrityError for a state that is not what was written, and for one of another environment, which
    `allow_inexact` takes and remembers in `training.inexact`.
    """
    if not (partial / STATE).exists():
        return _anew(partial, training)
    committed, keeper = states.read(partial), _keeper(partial, training)
    moved = moved_from(committed.environment, keeper.environment)
    if moved and not allow_inexact:
        raise IntegrityError([_other_environment(moved, partial)])
    fitting = [state for state in committed.states if all(_scored(row) == set(watched) for row in state.curves)]
    usable = [state for state in fitting if not (between_epochs and state.batch)]
    if not usable:
        return _anew(partial, training)
    state, torn = states.newest(partial, usable)
    for problem in torn:
        note(problem)
    _restore(training, partial, committed, state)
    training.inexact += [{"epoch": training.epoch, "changed": moved}] if moved else []
    keeper.states = tuple(usable[usable.index(state) :])
    if keeper.states != committed.states:  # before a file of theirs is written again
        states.write(partial, replace(committed, states=keeper.states))
    return keeper


def _scored(row: dict[str, float]) -> set[str]:
    """The splits on which an epoch was scored, by the columns of its learning curve."""
    return {column.removesuffix("_accuracy") for column in row if column.endswith("_accuracy")}


def _anew(partial: Path, training: "Training") -> Keeper:
    durable.remove(partial)
    durable.make_folder(partial)
    return _keeper(partial, training)


def _keeper(partial: Path, training: "Training") -> Keeper:
    return Keeper(partial, environment=environment.full(training.device, training.ranks.size))


def position(training: "Training") -> tuple[dict[str, Any], bytes]:
    """Where a training is, for the other processes of its run: what `take` takes."""
    where = {"epoch": training.epoch, "batch": training.batch, "total": training.total, "seen": training.seen}
    return where, _packed(training)


def take(training: "Training", where: dict[str, Any], content: bytes) -> None:
    """Bring a fresh training to where that of another process is."""
    tensors = tensorfile.tensors(content)
    _load_model(training, tensors)
    _load_optimizer(training, tensors)
    training.epoch, training.batch = where["epoch"], where["batch"]
    training.total, training.seen = where["total"], where["seen"]


def _restore(training: "Training", partial: Path, committed: Committed, state: State) -> None:
    name = state.weights
    content = states.content(partial, state, name)
    with as_damage(partial, name, "CKPT_SHAPE"):
        tensorfile.refuse_other_shapes(tensorfile.entries(content), shapes_of(training), "model.")
    with as_damage(partial, name, "CKPT_FORMAT"):
        tensors = tensorfile.tensors(content)
        _load_model(training, tensors)
        _load_optimizer(training, tensors)
    with as_damage(partial, STATE, "CKPT_FORMAT"):
        training.epoch, training.batch = state.epoch, state.batch
        training.total, training.seen = state.total, state.seen
        training.curves = list(state.curves)
        training.frozen = freezing.Frozen(**committed.frozen)
        training.inexact = list(committed.inexact)


def _load_model(training: "Training", tensors: dict[str, Any]) -> None:
    own = training.model.state_dict()
    parameters = {name: tensors[f"model.{name}"] for name, _ in training.model.named_parameters()}
    if (bad := tensorfile.not_finite(parameters)) is not None:
        raise ValueError(f"has {bad!r} with values that are not finite")
    training.model.load_state_dict({k: tensors[f"model.{k}"] for k in own})


def _load_optimizer(training: "Training", tensors: dict[str, Any]) -> None:
    import torch

    moments: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            moments.setdefault(int(index), {})[key] = tensor
    learned = [p for group in training.optimizer.param_groups for p in group["params"]]
    for number, moment in ((n, m) for n, each in moments.items() for m in each.values()):
        if not 0 <= number < len(learned) or (moment.ndim and moment.shape != learned[number].shape):
            raise ValueError(f"has a moment of the optimizer that fits no parameter: {number} of {len(learned)}")
    for number, each in moments.items():  # in the layout of the parameters, as they were
        each.update({k: torch.empty_like(learned[number]).copy_(m) for k, m in each.items() if m.ndim})
    saved = training.optimizer.state_dict()
    training.optimizer.load_state_dict({"state": moments, "param_groups": saved["param_groups"]})


def moved_from(then: dict[str, Any], now: dict[str, Any]) -> dict[str, list[Any]]:
    """Field -> [then, now], for everything in which two environments differ; `versions.torch` for what is nested."""
    old, new = environment.fields(then), environment.fields(now)
    return {key: [old.get(key), new.get(key)] for key in sorted({**old, **new}) if old.get(key) != new.get(key)}


def _other_environment(moved: dict[str, list[Any]], partial: Path) -> Problem:
    what = "; ".join(f"{key}: {old} -> {new}" for key, (old, new) in moved.items())
    fix = (
        f"go on where it was started; or {anew(partial)}; or give --allow-inexact: it goes on, and the report says "
        "for ever that the run is not exact."
    )
    return Problem("RESUME_IDENTITY", f"was started in another environment ({what}).", partial.name, fix)
