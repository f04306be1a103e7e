"""A run's committed states: what makes a killed run go on, and the folder it leaves in the end."""

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paribus import durable, environment, freezing
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
        state_file = self.partial / STATE
        old = json.loads(state_file.read_bytes())["files"] if state_file.exists() else {}
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
            "seconds": seconds,
        }
        durable.write_json(state_file, state)
        self.pending = {}
        for stale in self.partial.glob("*.safetensors"):
            if stale.name not in files:
                stale.unlink()


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


def resume(training: "Training", partial: Path) -> float:
    """Bring a fresh training to the last committed epoch; the seconds it has used so far."""
    from safetensors.torch import load

    state = json.loads((partial / STATE).read_bytes())
    _same_environment(state["environment"], environment.full(), partial)
    content = _committed(partial, state, f"state-{state['epoch']}.safetensors")
    tensors = load(content)
    own = training.model.state_dict()
    training.model.load_state_dict({k: tensors[f"model.{k}"] for k in own})
    moments: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            moments.setdefault(int(index), {})[key] = tensor
    saved = training.optimizer.state_dict()
    training.optimizer.load_state_dict({"state": moments, "param_groups": saved["param_groups"]})
    training.epoch, training.curves = state["epoch"], state["curves"]
    training.frozen = freezing.Frozen(**state["frozen"])
    return float(state["seconds"])


def _same_environment(then: dict[str, Any], now: dict[str, Any], partial: Path) -> None:
    moved = {k: (then.get(k), now.get(k)) for k in {**then, **now} if then.get(k) != now.get(k)}
    if moved:
        what = "; ".join(f"{k}: {a} -> {b}" for k, (a, b) in sorted(moved.items()))
        fix = f"go on where it was started, or remove {partial.name} to start the run again."
        problem = Problem("RESUME_IDENTITY", f"was started in another environment ({what}).", partial.name, fix)
        raise IntegrityError([problem])


def _committed(partial: Path, state: dict[str, Any], name: str) -> bytes:
    try:
        content = (partial / name).read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != state["files"][name]:
        fix = f"remove {partial.name} to start the run again."
        raise IntegrityError([Problem("CKPT_HASH", "is not what was committed.", f"{partial.name}/{name}", fix)])
    return content


def committed_epochs(partial: Path) -> dict[int, dict[str, Arrays]]:
    """Epoch -> split -> what was said about its images, for every committed epoch."""
    from safetensors.numpy import load

    state = json.loads((partial / STATE).read_bytes())
    epochs = sorted(int(n.split("-")[1].split(".")[0]) for n in state["files"] if n.startswith("epoch-"))
    return {e: _by_split(load(_committed(partial, state, f"epoch-{e}.safetensors"))) for e in epochs}


def _by_split(arrays: Arrays) -> dict[str, Arrays]:
    found: dict[str, Arrays] = {}
    for key, array in arrays.items():
        split, _, name = key.partition(".")
        found.setdefault(split, {})[name] = array
    return found


def best_weights(partial: Path) -> bytes:
    """The weights of the best epoch on val, as safetensors."""
    state = json.loads((partial / STATE).read_bytes())
    return _committed(partial, state, next(n for n in state["files"] if n.startswith("best-")))
