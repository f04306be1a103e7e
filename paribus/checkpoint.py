"""A run's committed states: what makes a killed run go on, and the folder it leaves in the end."""

import hashlib
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paribus import durable, environment, freezing, sealed, tensorfile
from paribus.errors import IntegrityError, Problem

if TYPE_CHECKING:
    from paribus.train import Training

Arrays = dict[str, NDArray[np.generic]]

STATE = "STATE.json"
CHOOSING = ("val_mean_iou", "val_accuracy")  # columns of the learning curve, the first that is there


def best_epoch(curves: list[dict[str, float]]) -> int:
    """The epoch with the highest mean IoU or accuracy on val, the earliest of equals; the last without a val split."""
    column = next((name for name in CHOOSING if curves and name in curves[0]), None)
    if column is None:
        return int(curves[-1]["epoch"]) if curves else 0
    return int(max(curves, key=lambda row: (row[column], -row["epoch"]))["epoch"])


def begin(partial: Path) -> float:
    durable.remove(partial)
    durable.make_folder(partial)
    return 0.0


@dataclass
class Keeper:
    """Commits epochs, but not so often that writing takes more than about a sixth of the time.

    An epoch that is not committed yet is trained again after a kill; that changes no number. The last epoch is always
    committed.
    """

    partial: Path
    pending: dict[str, bytes] = field(default_factory=dict)
    done_at: float = 0.0  # monotonic, end of the last commit
    took: float = 0.0

    def keep(self, training: "Training", scores: dict[str, Arrays], seconds: float) -> None:
        """Remember an epoch and what it said about each split, and commit if it is time."""
        from safetensors.numpy import save as save_arrays

        epoch = training.epoch
        self.pending[f"epoch-{epoch}.safetensors"] = save_arrays(
            {f"{split}.{name}": array for split, each in scores.items() for name, array in each.items()}
        )
        if best_epoch(training.curves) == epoch:
            self.pending = {n: c for n, c in self.pending.items() if not n.startswith("best-")}
            self.pending[f"best-{epoch}.safetensors"] = model_bytes(training)
        last = epoch in (0, training.run.recipe.epochs)
        if last or time.monotonic() - self.done_at > 5 * self.took:
            began = time.monotonic()
            self._commit(training, seconds)
            self.done_at = time.monotonic()
            self.took = self.done_at - began

    def flush(self, training: "Training", seconds: float) -> None:
        """Commit what is not committed yet."""
        if self.pending:
            self._commit(training, seconds)

    def _commit(self, training: "Training", seconds: float) -> None:
        """STATE.json is the only commit point; it names the files that count, with their hashes."""
        old = committed(self.partial)["files"] if (self.partial / STATE).exists() else {}
        new = self.pending | {f"state-{training.epoch}.safetensors": _packed(training)}
        for name, content in new.items():
            durable.write(self.partial / name, content)
        has_best = any(n.startswith("best-") for n in new)
        kept = {n: h for n, h in old.items() if n.startswith("epoch-") or (n.startswith("best-") and not has_best)}
        files = kept | {name: hashlib.sha256(content).hexdigest() for name, content in new.items()}
        state = {
            "epoch": training.epoch,
            "files": files,
            "curves": training.curves,
            "environment": environment.full(),
            "frozen": vars(training.frozen),
            "inexact": training.inexact,
            "seconds": seconds,
        }
        sealed.write(self.partial / STATE, state, owner_of(self.partial))
        self.pending = {}
        for stale in self.partial.glob("*.safetensors"):
            if stale.name not in files:
                durable.unlink(stale)


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


def owner_of(partial: Path) -> str:
    """Whose the sealed state of a partial run is."""
    return f"{partial.stem}/{STATE}"


def committed(partial: Path) -> dict[str, Any]:
    """What STATE.json says. Raises IntegrityError."""
    with _as_damage(partial, STATE, "CKPT_HASH"):
        if partial.is_symlink():
            raise ValueError(f"{partial.name} is a link")
        return sealed.read(partial / STATE, owner_of(partial))


def shapes_of(training: "Training") -> dict[str, tuple[int, ...]]:
    """Tensor of the model -> its shape."""
    return {name: tuple(tensor.shape) for name, tensor in training.model.state_dict().items()}


def resume(training: "Training", partial: Path, allow_inexact: bool = False) -> float:
    """Bring a fresh training to the last committed epoch; the seconds it has used so far.

    Raises IntegrityError for a state that is not what was written, and for one of another environment, which
    `allow_inexact` takes and remembers in `training.inexact`.
    """
    state = committed(partial)
    moved = moved_from(state["environment"], environment.full())
    if moved and not allow_inexact:
        raise IntegrityError([_other_environment(moved, partial)])
    name = f"state-{state['epoch']}.safetensors"
    content = _committed(partial, state, name)
    with _as_damage(partial, name, "CKPT_SHAPE"):
        tensorfile.refuse_other_shapes(tensorfile.entries(content), shapes_of(training), "model.")
    with _as_damage(partial, name, "CKPT_FORMAT"):
        tensors = tensorfile.tensors(content)
        _load_model(training, tensors)
        _load_optimizer(training, tensors)
    with _as_damage(partial, STATE, "CKPT_FORMAT"):
        training.epoch, training.curves = int(state["epoch"]), list(state["curves"])
        training.frozen = freezing.Frozen(**state["frozen"])
        training.inexact = [*state["inexact"], *([{"epoch": training.epoch, "changed": moved}] if moved else [])]
        return float(state["seconds"])


def _load_model(training: "Training", tensors: dict[str, Any]) -> None:
    own = training.model.state_dict()
    parameters = {name: tensors[f"model.{name}"] for name, _ in training.model.named_parameters()}
    if (bad := tensorfile.not_finite(parameters)) is not None:
        raise ValueError(f"has {bad!r} with values that are not finite")
    training.model.load_state_dict({k: tensors[f"model.{k}"] for k in own})


def _load_optimizer(training: "Training", tensors: dict[str, Any]) -> None:
    moments: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            moments.setdefault(int(index), {})[key] = tensor
    learned = [p for group in training.optimizer.param_groups for p in group["params"]]
    for number, moment in ((n, m) for n, each in moments.items() for m in each.values()):
        if not 0 <= number < len(learned) or (moment.ndim and moment.shape != learned[number].shape):
            raise ValueError(f"has a moment of the optimizer that fits no parameter: {number} of {len(learned)}")
    saved = training.optimizer.state_dict()
    training.optimizer.load_state_dict({"state": moments, "param_groups": saved["param_groups"]})


def moved_from(then: dict[str, Any], now: dict[str, Any]) -> dict[str, list[Any]]:
    """Field -> [then, now], for everything in which two environments differ; `versions.torch` for what is nested."""
    old, new = _flat(then), _flat(now)
    return {key: [old.get(key), new.get(key)] for key in sorted({**old, **new}) if old.get(key) != new.get(key)}


def _flat(value: dict[str, Any]) -> dict[str, Any]:
    nested = {f"{k}.{inner}": v for k, each in value.items() if isinstance(each, dict) for inner, v in each.items()}
    return {k: v for k, v in value.items() if not isinstance(v, dict)} | nested


def _other_environment(moved: dict[str, list[Any]], partial: Path) -> Problem:
    what = "; ".join(f"{key}: {old} -> {new}" for key, (old, new) in moved.items())
    fix = (
        f"go on where it was started; or {_anew(partial)}; or give --allow-inexact: it goes on, and the report says "
        "for ever that the run is not exact."
    )
    return Problem("RESUME_IDENTITY", f"was started in another environment ({what}).", partial.name, fix)


def _anew(partial: Path) -> str:
    """The command that starts a run again."""
    return f"rm -r {shlex.quote(str(partial))} and give the same command again: the run starts again"


def _committed(partial: Path, state: dict[str, Any], name: str) -> bytes:
    with _as_damage(partial, name, "CKPT_HASH"):
        path, written = partial / name, str(state["files"][name])
        if path.resolve() != partial.resolve() / name:
            raise ValueError("is a link, or leads out of the folder")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}; sha256 {written[:16]} was committed") from None
        found = hashlib.sha256(content).hexdigest()
        if found != written:
            raise ValueError(f"is not what was committed: it has sha256 {found[:16]}, {written[:16]} was written")
    return content


@contextmanager
def _as_damage(partial: Path, name: str, code: str) -> Iterator[None]:
    """What a reader stumbles over in a file is damage of that file."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise IntegrityError([Problem(code, f"{what}.", f"{partial.name}/{name}", f"{_anew(partial)}.")]) from None


def committed_epochs(partial: Path) -> dict[int, dict[str, Arrays]]:
    """Epoch -> split -> what was said about its images, for every committed epoch. Raises IntegrityError."""
    state = committed(partial)
    with _as_damage(partial, STATE, "CKPT_FORMAT"):
        epochs = sorted(int(n[len("epoch-") : -len(".safetensors")]) for n in state["files"] if n.startswith("epoch-"))
    found = {}
    for epoch in epochs:
        name = f"epoch-{epoch}.safetensors"
        content = _committed(partial, state, name)
        with _as_damage(partial, name, "CKPT_FORMAT"):
            found[epoch] = _by_split(tensorfile.arrays(content))
    return found


def _by_split(arrays: Arrays) -> dict[str, Arrays]:
    found: dict[str, Arrays] = {}
    for key, array in arrays.items():
        split, _, name = key.partition(".")
        found.setdefault(split, {})[name] = array
    return found


def best_weights(partial: Path) -> bytes:
    """The weights of the best epoch on val, as safetensors. Raises IntegrityError."""
    state = committed(partial)
    return _committed(partial, state, next((n for n in state["files"] if n.startswith("best-")), "best"))
