"""What can be done to the files that are read again: each case changes some, and says what must be told of it."""

import hashlib
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import small_study
from safetensors.numpy import load, save

from paribus import sealed, store

HASHES = r"sha256 [0-9a-f]{16}, [0-9a-f]{16} was written"


@dataclass(frozen=True)
class Place:
    """The folders of a study: `out` with a finished study, or with one whose first run was stopped."""

    study: Path
    out: Path

    @property
    def runs(self) -> list[Path]:
        """The finished runs, by name."""
        return sorted(path for path in (self.out / "runs").iterdir() if path.is_dir() and not path.suffix)

    @property
    def run(self) -> Path:
        return self.runs[0]

    @property
    def scores(self) -> Path:
        return next(self.run.glob("evidence/val-*/scores.safetensors"))

    @property
    def partial(self) -> Path:
        return next((self.out / "runs").glob("*.partial"))

    @property
    def state(self) -> Path:
        """The newest state of the stopped run."""
        newest = small_study.told_by(self.partial)["states"][0]
        return self.partial / f"state-{newest['epoch']}-{newest['batch']}.safetensors"


@dataclass(frozen=True)
class Case:
    """change: what is done. told: regular expressions that the message must hold; exit 7, unless `code` says other."""

    change: Callable[[Place], None]
    told: tuple[str, ...]
    command: str = "report"
    code: int = 7


class Trap:
    """A pickle of it runs a command."""

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, ("touch PWNED",))


PICKLE = pickle.dumps(Trap(), protocol=4)


# ------------------------------------------------------------------------------------------------ ways to change


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def hashed_again(run: Path, name: str, content: bytes) -> None:
    """A file of a finished run replaced by somebody who knows how its hash is kept."""
    (run / name).write_bytes(content)
    store.put_sealed(run / store.DONE, {"files": store._hashes_of(run, {})}, run.name)


def told(run: Path, **changes: object) -> None:
    about = json.loads((run / "run.json").read_bytes())
    hashed_again(run, "run.json", json.dumps(about | changes).encode())


def scored(place: Place, **changes: np.ndarray) -> None:
    tensors = load(place.scores.read_bytes())
    hashed_again(place.run, place.scores.relative_to(place.run).as_posix(), save(tensors | changes))


def swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def moved_out(path: Path, outside: Path) -> None:
    """A link in the place of a file or folder, to where that is now."""
    path.rename(outside)
    path.symlink_to(outside)


def piped(path: Path) -> None:
    """Whoever opens it waits for ever."""
    path.unlink()
    os.mkfifo(path)


def linked_to_zeros(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def committed_again(place: Place, name: str, content: bytes) -> None:
    """A file of a stopped run replaced by somebody who knows how its hash is kept."""
    (place.partial / name).write_bytes(content)
    told = small_study.told_by(place.partial)
    for state in told["states"]:
        if name in state["files"]:
            state["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    small_study.tell(place.partial, told)


def weights(place: Place, change: Callable[[str, np.ndarray], np.ndarray]) -> None:
    tensors = load(place.state.read_bytes())
    committed_again(place, place.state.name, save({name: change(name, tensor) for name, tensor in tensors.items()}))


def restated(place: Place, **changes: object) -> None:
    small_study.tell(place.partial, small_study.told_by(place.partial) | changes)


def states(place: Place) -> list[dict]:
    return small_study.told_by(place.partial)["states"]


def relocked(place: Place, change: Callable[[dict], None]) -> None:
    path = place.out / "study" / "study.lock.json"
    lock = sealed.read(path, path.name)
    change(lock)
    sealed.write(path, lock, path.name)


def header(text: bytes, data: bytes = b"") -> bytes:
    return len(text).to_bytes(8, "little") + text + data


_A, _B = (b'"a":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}' % (n, 4 * n) for n in (0, 1))
TWICE = header(b"{" + _A + b"," + _B + b"}", bytes(4))
DEEP = b'{"a":' * 100_000
AGAIN = r"rm -r \S+ and give the study's `paribus run` again"
GO_ON = r"rm -r \S+\.partial and give the same command again: the run starts again"

# ------------------------------------------------------------------------------------------------ the cases

FINISHED = {
    "run.json flipped": Case(lambda p: flip(p.run / "run.json"), ("RUN_DAMAGED", "run.json", HASHES, AGAIN)),
    "run.json of another seed, hashed": Case(
        lambda p: told(p.run, identity=json.loads((p.run / "run.json").read_bytes())["identity"] | {"seed": 9}),
        ("RUN_DAMAGED", "run.json", "another run"),
    ),
    "run.json that names code, hashed": Case(
        lambda p: told(p.run, identity={"recipe": {"model": {"use": "os:system", "command": "touch PWNED"}}}),
        ("RUN_DAMAGED", "run.json", "another run"),
    ),
    "run.json that names code beside, hashed": Case(
        lambda p: told(p.run, _target_="os.system", callbacks=[{"class_path": "os.system", "args": ["touch PWNED"]}]),
        ("Report: ",),
        code=0,
    ),
    "run.json without identity, hashed": Case(
        lambda p: hashed_again(p.run, "run.json", b'{"status": "done"}'), ("RUN_DAMAGED", "run.json", "lacks 'ident")
    ),
    "run.json without curves, hashed": Case(lambda p: told(p.run, curves=7), ("RUN_DAMAGED", "run.json")),
    "run.json deep, hashed": Case(
        lambda p: hashed_again(p.run, "run.json", DEEP), ("RUN_DAMAGED", "run.json", "nested too deep")
    ),
    "run.json huge, hashed": Case(
        lambda p: hashed_again(p.run, "run.json", b" " * (65 << 20)), ("RUN_DAMAGED", "run.json", "more than 67108864")
    ),
    "run.json with a key twice, hashed": Case(
        lambda p: hashed_again(p.run, "run.json", b'{"a": 1, "a": 2}'), ("RUN_DAMAGED", "run.json", "stands twice")
    ),
    "run.json with NaN, hashed": Case(
        lambda p: hashed_again(p.run, "run.json", b'{"a": NaN}'), ("RUN_DAMAGED", "run.json", "no number of JSON")
    ),
    "DONE.json flipped": Case(lambda p: flip(p.run / "DONE.json"), ("RUN_DAMAGED", "DONE.json", AGAIN)),
    "DONE.json empty": Case(lambda p: (p.run / "DONE.json").write_bytes(b""), ("RUN_DAMAGED", "DONE.json")),
    "DONE.json a list": Case(lambda p: (p.run / "DONE.json").write_bytes(b"[1]"), ("RUN_DAMAGED", "DONE.json")),
    "DONE.json deep": Case(lambda p: (p.run / "DONE.json").write_bytes(DEEP), ("RUN_DAMAGED", "DONE.json", "too deep")),
    "DONE.json without its seal": Case(
        lambda p: (p.run / "DONE.json").write_text(json.dumps({"files": {}, "more": 1})), ("RUN_DAMAGED", "DONE.json")
    ),
    "timing.json missing": Case(lambda p: (p.run / "timing.json").unlink(), ("RUN_DAMAGED", "timing.json", "No such")),
    "timing.json of another run": Case(
        lambda p: swap(p.runs[0] / "timing.json", p.runs[1] / "timing.json"), ("RUN_DAMAGED", "timing.json", HASHES)
    ),
    "scores flipped": Case(lambda p: flip(p.scores), ("RUN_DAMAGED", "scores.safetensors", HASHES)),
    "scores cut": Case(
        lambda p: p.scores.write_bytes(p.scores.read_bytes()[:-9]), ("RUN_DAMAGED", "scores.safetensors", HASHES)
    ),
    "scores missing": Case(lambda p: p.scores.unlink(), ("RUN_DAMAGED", "scores.safetensors", "cannot be read")),
    "scores a pickle": Case(lambda p: p.scores.write_bytes(PICKLE), ("RUN_DAMAGED", "scores.safetensors", HASHES)),
    "scores a pickle, hashed": Case(
        lambda p: hashed_again(p.run, p.scores.relative_to(p.run).as_posix(), PICKLE),
        ("RUN_DAMAGED", "scores.safetensors", "no safetensors file"),
    ),
    "scores with a name twice, hashed": Case(
        lambda p: hashed_again(p.run, p.scores.relative_to(p.run).as_posix(), TWICE),
        ("RUN_DAMAGED", "scores.safetensors", "stands twice"),
    ),
    "scores with a header of 11 MB, hashed": Case(
        lambda p: hashed_again(p.run, p.scores.relative_to(p.run).as_posix(), header(b"{" + b" " * (11 << 20))),
        ("RUN_DAMAGED", "scores.safetensors", "a header of 11534337 bytes"),
    ),
    "scores of other images, hashed": Case(
        lambda p: scored(p, logits=np.zeros((3, 5, 2), np.float32)),
        ("RUN_DAMAGED", "scores.safetensors", r"shape \(3, 5, 2\)"),
    ),
    "scores that are not finite, hashed": Case(
        lambda p: scored(p, logits=np.full_like(load(p.scores.read_bytes())["logits"], np.nan)),
        ("RUN_DAMAGED", "scores.safetensors", "not finite"),
    ),
    "scores of a class that is not there, hashed": Case(
        lambda p: scored(p, targets=load(p.scores.read_bytes())["targets"] + 5),
        ("RUN_DAMAGED", "scores.safetensors", "outside the 2 classes"),
    ),
    "scores of another run": Case(
        lambda p: swap(p.scores, p.runs[1] / p.scores.relative_to(p.run)), ("RUN_DAMAGED", "scores.safetensors", HASHES)
    ),
    "images.json without names, hashed": Case(
        lambda p: hashed_again(p.run, p.scores.with_name("images.json").relative_to(p.run).as_posix(), b"{}"),
        ("RUN_DAMAGED", "images.json", "lacks 'image_ids'"),
    ),
    "run folders swapped": Case(lambda p: swap(*p.runs[:2]), ("RUN_DAMAGED", "DONE.json", HASHES)),
    "scores a link to outside": Case(
        lambda p: moved_out(p.scores, p.out.parent / "outside"), ("RUN_DAMAGED", "scores.safetensors", "is a link")
    ),
    "evidence a link to outside": Case(
        lambda p: moved_out(p.run / "evidence", p.out.parent / "outside"), ("RUN_DAMAGED", "is a link")
    ),
    "DONE.json a link to outside": Case(
        lambda p: moved_out(p.run / "DONE.json", p.out.parent / "outside"), ("RUN_DAMAGED", "DONE.json", "is a link")
    ),
    "a link to a device": Case(
        lambda p: linked_to_zeros(p.scores), ("RUN_DAMAGED", "scores.safetensors", "is a link")
    ),
    "weights flipped": Case(
        lambda p: flip(p.run / "last.safetensors"), ("RUN_DAMAGED", "last.safetensors", HASHES), "verify"
    ),
    "pictures a link to outside": Case(
        lambda p: moved_out(p.out / "study" / "pictures", p.out.parent / "outside"),
        ("FOLDER_LINK", "pictures", r"rm \S+"),
    ),
    "tables a link to outside": Case(
        lambda p: moved_out(p.out / "study" / "tables", p.out.parent / "outside"),
        ("FOLDER_LINK", "tables", r"rm \S+"),
        "run",
    ),
    "DONE.json a pipe": Case(lambda p: piped(p.run / "DONE.json"), ("RUN_DAMAGED", "DONE.json", "no regular file")),
    "scores a pipe": Case(lambda p: piped(p.scores), ("RUN_DAMAGED", "scores.safetensors", "no regular file")),
    "study.lock.json a pipe": Case(
        lambda p: piped(p.out / "study" / "study.lock.json"), ("LOCK_DAMAGED", "study.lock.json", "no regular file")
    ),
    "report.json a pipe": Case(
        lambda p: piped(p.out / "study" / "report.json"), ("REPORT_UNREADABLE", "report.json", "no regular"), "verify"
    ),
    "study.lock.json flipped": Case(
        lambda p: flip(p.out / "study" / "study.lock.json"), ("LOCK_DAMAGED", "study.lock.json", "paribus run")
    ),
    "study.lock.json of runs elsewhere, sealed": Case(
        lambda p: relocked(p, lambda lock: lock["arms"][0].update(runs=["../../../etc"])), ("RUN_DAMAGED", "is no run")
    ),
    "study.lock.json that names code, sealed": Case(
        lambda p: relocked(p, lambda lock: lock.update(plugins=["os"], metrics=["os:system"])),
        ("os:system", "--plugin os"),
        code=2,
    ),
    "study.lock.json without arms, sealed": Case(
        lambda p: relocked(p, lambda lock: lock.pop("arms")), ("LOCK_DAMAGED", "study.lock.json", "arms")
    ),
    "data.lock.json flipped": Case(
        lambda p: flip(p.out / "study" / "data.lock.json"), ("LOCK_DAMAGED", "data.lock.json", r"rm \S+"), "run"
    ),
    "report.json flipped": Case(
        lambda p: (p.out / "study" / "report.json").write_text(
            (p.out / "study" / "report.json").read_text().replace('"paribus":', '"paribvs":', 1)
        ),
        ("REPORT_CHANGED", "report.json", HASHES),
        "verify",
    ),
}  # fmt: skip

STOPPED = {
    "STATE.json flipped": Case(lambda p: flip(p.partial / "STATE.json"), ("CKPT_HASH", "STATE.json", GO_ON), "run"),
    "STATE.json cut": Case(
        lambda p: (p.partial / "STATE.json").write_bytes((p.partial / "STATE.json").read_bytes()[:100]),
        ("CKPT_HASH", "STATE.json", GO_ON), "run",
    ),
    "STATE.json deep": Case(
        lambda p: (p.partial / "STATE.json").write_bytes(DEEP), ("CKPT_HASH", "STATE.json", "too deep"), "run"
    ),
    "STATE.json of another run": Case(
        lambda p: sealed.write(p.partial / "STATE.json", small_study.told_by(p.partial), f"{'0' * 20}/STATE.json"),
        ("CKPT_HASH", "STATE.json", HASHES), "run",
    ),
    "STATE.json a pipe": Case(
        lambda p: piped(p.partial / "STATE.json"), ("CKPT_HASH", "STATE.json", "no regular file"), "run"
    ),
    "a state a pipe": Case(lambda p: piped(p.state), ("CKPT_HASH", "state-", "no regular file"), "run"),
    "a map a pipe": Case(
        lambda p: piped(next((p.out / "prepared").glob("*/pixels.bin"))), ("PREPARED_DAMAGED", "no regular"), "run"
    ),
    "STATE.json a link": Case(
        lambda p: moved_out(p.partial / "STATE.json", p.out.parent / "outside"),
        ("CKPT_HASH", "STATE.json", "is a link"), "run",
    ),
    "STATE.json without states, sealed": Case(
        lambda p: restated(p, states=[]), ("CKPT_FORMAT", "STATE.json", "names no state", GO_ON), "run"
    ),
    "STATE.json of files elsewhere, sealed": Case(
        lambda p: restated(p, states=[each | {"files": {"../../x": {"sha256": "0", "size": 1}}} for each in states(p)]),
        ("CKPT_", "x", "leads out of the folder", GO_ON), "run",
    ),
    "STATE.json without curves, sealed": Case(
        lambda p: restated(p, states=[each | {"curves": 7} for each in states(p)]),
        ("CKPT_FORMAT", "STATE.json", GO_ON),
        "run",
    ),
    "the stopped run a link": Case(
        lambda p: moved_out(p.partial, p.out.parent / "outside"), ("FOLDER_LINK", r"\.partial", "is a link"), "run"
    ),
    "state flipped": Case(lambda p: flip(p.state), ("CKPT_HASH", r"state-\d", HASHES, GO_ON), "run"),
    "state cut, as by a power loss": Case(
        lambda p: p.state.write_bytes(p.state.read_bytes()[:-7]), ("CKPT_HASH", r"state-\d", HASHES), "run", 0
    ),
    "state missing, as by a power loss": Case(
        lambda p: p.state.unlink(), ("CKPT_HASH", r"state-\d", "cannot be read"), "run", 0
    ),
    "all states cut": Case(
        lambda p: [path.write_bytes(path.read_bytes()[:-7]) for path in p.partial.glob("state-*")],
        ("CKPT_HASH", r"state-\d", HASHES, GO_ON), "run",
    ),
    "state a link": Case(
        lambda p: moved_out(p.state, p.out.parent / "outside"), ("CKPT_HASH", r"state-\d", "is a link"), "run"
    ),
    "state a pickle": Case(
        lambda p: p.state.write_bytes(PICKLE + b"." * (p.state.stat().st_size - len(PICKLE))),
        ("CKPT_HASH", r"state-\d", HASHES, GO_ON),
        "run",
    ),
    "state a small pickle": Case(
        lambda p: p.state.write_bytes(PICKLE), ("CKPT_HASH", r"state-\d", HASHES, GO_ON), "run"
    ),
    "state a page": Case(
        lambda p: p.state.write_bytes(b"<!doctype html>"), ("CKPT_HASH", r"state-\d", HASHES, GO_ON), "run"
    ),
    "state a pickle, committed": Case(
        lambda p: committed_again(p, p.state.name, PICKLE), ("CKPT_", r"state-\d", "no safetensors file"), "run"
    ),
    "state with a name twice, committed": Case(
        lambda p: committed_again(p, p.state.name, TWICE), ("CKPT_", r"state-\d", "stands twice"), "run"
    ),
    "state of other shapes, committed": Case(
        lambda p: weights(p, lambda name, tensor: np.concatenate([tensor, tensor]) if tensor.ndim else tensor),
        ("CKPT_SHAPE", r"state-\d", "the model's is"), "run",
    ),
    "state that is not finite, committed": Case(
        lambda p: weights(p, lambda name, t: np.full_like(t, np.nan) if name == "model.0.weight" else t),
        ("CKPT_FORMAT", r"state-\d", "not finite"), "run",
    ),
    "state with moments of other shapes, committed": Case(
        lambda p: weights(p, lambda name, t: t.reshape(-1) if name.startswith("optimizer.") and t.ndim > 1 else t),
        ("CKPT_FORMAT", r"state-\d", "moment of the optimizer"), "run",
    ),
    "epoch flipped": Case(
        lambda p: flip(next(p.partial.glob("epoch-*.safetensors"))), ("CKPT_HASH", r"epoch-\d", HASHES, GO_ON), "run"
    ),
    "decoded images flipped": Case(
        lambda p: flip(next(p.out.glob("prepared/*/pixels.bin"))), ("PREPARED_DAMAGED", "pixels.bin", HASHES), "run"
    ),
    "places of decoded images flipped": Case(
        lambda p: flip(next(p.out.glob("prepared/*/index.json"))), ("PREPARED_DAMAGED", "index.json"), "run"
    ),
}  # fmt: skip
