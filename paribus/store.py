"""Run folders: whole or absent, hashed, read back without torch."""

import hashlib
import io
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paribus import durable, locks, regular, sealed, strictjson, tensorfile
from paribus.errors import IntegrityError, LockedError, MachineError, Problem
from paribus.predictions import Evidence, MaskEvidence, RunRecord
from paribus.runs import Run, id_of

DONE = "DONE.json"
LOCK = ".lock"  # of one run; it means nothing by itself
IMAGES = "images.json"  # of evidence, written last
TIMING = "timing.json"  # wall-clock values: outside the hashed results, which are the same in every repetition
WEIGHTS = ("best.safetensors", "last.safetensors")  # what `paribus clean --weights` may remove
_RUN_ID = re.compile(r"[0-9a-f]{20}")
_UNFINISHED = re.compile(r"[0-9a-f]{20}\.(partial|final)")
_HALF_REMOVED = re.compile(r"\.+[0-9a-f]{20}(\.(partial|final))?(\.removed)+")
_UNSEALED = {DONE: frozenset({"files"}), TIMING: frozenset({"seconds", "images_per_second"})}


@dataclass(frozen=True)
class Store:
    """The folder that holds one folder a run, named by the run's id; any number of studies share it."""

    root: Path

    def folder(self, run_id: str) -> Path:
        """Where a finished run is. Raises IntegrityError for what is no id of a run: it may come from a file."""
        if not _RUN_ID.fullmatch(run_id):
            message = f"{run_id[:80]!r} is no run: 20 digits from 0 to 9 and a to f."
            raise IntegrityError([Problem("RUN_DAMAGED", message, self.root.name)])
        return self.root / run_id

    def partial(self, run_id: str) -> Path:
        """Where an unfinished run keeps its last committed state."""
        return self.root / f"{run_id}.partial"

    def has(self, run: Run) -> bool:
        """Whether the run is finished."""
        return (self.folder(run.id) / DONE).exists()

    def finished(self) -> dict[str, Path]:
        """Id -> folder of every finished run. Folders of other names are nobody's business: they may be a user's."""
        return {path.name: path for path in self._folders(_RUN_ID) if (path / DONE).exists()}

    def unfinished(self) -> list[Path]:
        """The folders of runs that were begun and have not ended."""
        return self._folders(_UNFINISHED)

    def _folders(self, names: re.Pattern[str]) -> list[Path]:
        return [path for path in sorted(self.root.iterdir()) if names.fullmatch(path.name) and path.is_dir()]

    @contextmanager
    def writing(self, run_id: str) -> Iterator[None]:
        """Be the only one who trains a run, on whatever machine. Raises LockedError at once if another process is."""
        with locks.lock(self.root, f"{run_id}{LOCK}"):
            yield

    @contextmanager
    def publishing(self, run_id: str) -> Iterator[Path]:
        """An empty folder in which a finished run is put together (`durable.put`).

        In the end every file is hashed into DONE.json, the folder gets its name, and the unfinished state goes; where
        that fails the folder goes.
        """
        folder = self.root / f"{run_id}.final"
        durable.remove(folder)
        durable.make_folder(folder, lasting=False)
        try:
            yield folder
            put_sealed(folder / DONE, {"files": _hashes_of(folder, {})}, run_id)
            durable.publish(folder, self.folder(run_id))
        except BaseException:
            with suppress(MachineError):
                durable.remove(folder)
            raise
        durable.remove(self.partial(run_id), lasting=False)  # of a finished run it would be tidied away

    def unseen(self, run: Run, fingerprints: dict[str, str]) -> dict[str, str]:
        """The splits on which a finished run has no evidence: its data have got other images since."""
        there = self._hashed_evidence(run.id)
        return {s: mark for s, mark in fingerprints.items() if evidence_name(s, mark) not in there}

    def complete(self, run: Run, fingerprints: dict[str, str]) -> bool:
        """Whether the run is finished and was scored on these splits."""
        return self.has(run) and not self.unseen(run, fingerprints)

    def hash_again(self, run_id: str) -> None:
        """Take evidence that was added to a finished run into its DONE.json; what was hashed before stays as it was."""
        folder = self.folder(run_id)
        durable.sync_all(folder)
        sealed.write(folder / DONE, {"files": _hashes_of(folder, self._hashes(folder))}, owner_of(run_id, DONE))

    def about(self, run_id: str) -> dict[str, Any]:
        """What run.json says, checked. Raises IntegrityError."""
        folder = self.folder(run_id)
        return self._about(folder, self._hashes(folder))

    def _about(self, folder: Path, hashes: Mapping[str, str]) -> dict[str, Any]:
        content = _checked(folder, "run.json", hashes)
        with _as_damage(folder, "run.json"):
            about = strictjson.mapping(content)
            if id_of(about["identity"]) != folder.name:
                raise ValueError("says it is another run")
        return about

    def content(self, run_id: str, name: str) -> bytes:
        """A file of a finished run, checked against its hash. Raises IntegrityError."""
        folder = self.folder(run_id)
        return _checked(folder, name, self._hashes(folder))

    def weights(self, run_id: str, name: str, shapes: Mapping[str, tuple[int, ...]]) -> bytes:
        """The kept weights `best` or `last` of a finished run, of a network of these shapes; or IntegrityError."""
        content = self.content(run_id, f"{name}.safetensors")
        with _as_damage(self.folder(run_id), f"{name}.safetensors"):
            tensorfile.refuse_other_shapes(tensorfile.entries(content), shapes)
        return content

    def damage(self, run_id: str) -> list[Problem]:
        """Every file of a finished run that is not what was written; weights that were cleaned away are none."""
        folder = self.folder(run_id)
        found = []
        for name in self._hashes(folder):
            try:
                if name not in WEIGHTS or (folder / name).exists():
                    self.content(run_id, name)
            except IntegrityError as error:
                found += error.problems
        return found

    def mask(self, run_id: str, split: str, fingerprint: str, number: int) -> NDArray[np.uint8] | None:
        """(H, W) class indices that a finished run predicts for image `number` of a split; None if they were not kept.

        The images count in the order of the evidence. Raises IntegrityError.
        """
        name = f"masks/{evidence_name(split, fingerprint)}/{number:05d}.png"
        if not (self.folder(run_id) / name).exists():
            return None
        with Image.open(io.BytesIO(self.content(run_id, name))) as picture:
            return np.array(picture)

    def tidy(self) -> None:
        """Remove what a killed process left and no run needs: unfinished states of finished runs, half-removed folders.

        Only for whoever holds the store's lock. What a worker of a killed driver still writes elsewhere stays.
        """
        for folder in self.unfinished():
            with suppress(LockedError), self.writing(folder.stem):
                if folder.suffix == ".final" or (self.root / folder.stem / DONE).exists():
                    durable.remove(folder)
        for left in self.root.glob(f"*{LOCK}"):
            if _RUN_ID.fullmatch(left.stem):
                with suppress(LockedError), self.writing(left.stem):
                    pass  # the file goes with the lock
        for doomed in self._folders(_HALF_REMOVED):
            durable.remove(doomed)

    def load(self, run_id: str, splits: dict[str, str] | None = None) -> RunRecord:
        """A finished run, every file checked against its hash.

        splits: split -> fingerprint of the evidence wanted; None reads all. Raises IntegrityError (exit 7).
        """
        folder = self.folder(run_id)
        hashes = self._hashes(folder)
        about = self._about(folder, hashes)
        timing = _sealed(folder, TIMING)
        evidence: dict[str, Evidence | MaskEvidence] = {}
        for name in _evidence_of(hashes):
            split, _, fingerprint = name.partition("-")
            if splits is None or splits.get(split, "").startswith(fingerprint):
                evidence[split] = self._evidence(folder, name, split, hashes)
        with _as_damage(folder, "run.json"):
            facts = {k: about[k] for k in about if k not in ("curves", "status", "identity")} | timing
            facts["recipe"] = about["identity"]["recipe"]
            return RunRecord(
                id=run_id,
                seed=about["identity"]["seed"],
                status=about["status"],
                seconds=float(timing.get("seconds", 0.0)),
                evidence=evidence,
                curves=tuple(about["curves"]),
                facts=facts,
            )

    def _evidence(self, folder: Path, name: str, split: str, hashes: Mapping[str, str]) -> Evidence | MaskEvidence:
        scores, images = f"evidence/{name}/scores.safetensors", f"evidence/{name}/{IMAGES}"
        content, about = _checked(folder, scores, hashes), _checked(folder, images, hashes)
        with _as_damage(folder, images):
            ids, classes = _images_in(about)
        with _as_damage(folder, scores):
            return _evidence_in(tensorfile.arrays(content), split, ids, classes)

    def _hashed_evidence(self, run_id: str) -> list[str]:
        """The folders of evidence that count: a kill may have left others, which DONE.json does not know yet."""
        return _evidence_of(self._hashes(self.folder(run_id)))

    def _hashes(self, folder: Path) -> dict[str, str]:
        told = _sealed(folder, DONE)
        with _as_damage(folder, DONE):
            return {str(name): str(digest) for name, digest in told["files"].items()}


def _evidence_of(hashes: Mapping[str, str]) -> list[str]:
    names = (PurePosixPath(name).parts for name in hashes)
    return sorted(parts[1] for parts in names if parts[:1] == ("evidence",) and parts[2:] == (IMAGES,))


@lru_cache(maxsize=64)  # all runs of a study name the same images: their names are kept once
def _images_in(content: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    told = strictjson.mapping(content)
    return tuple(map(str, told["image_ids"])), tuple(map(str, told["classes"]))


def _leads_out(folder: Path, name: str) -> bool:
    """Whether a name below a folder is or goes through a link, or leaves it in plain words."""
    parts = PurePosixPath(name).parts
    steps = (os.path.join(folder, *parts[:length]) for length in range(1, len(parts) + 1))  # noqa: PTH118 - five times faster
    return name.startswith("/") or ".." in parts or any(map(os.path.islink, steps))


def _checked(folder: Path, name: str, hashes: Mapping[str, str]) -> bytes:
    """A file of a run that has the hash which was written. Raises IntegrityError."""
    expected = hashes.get(name)
    path = folder / name
    if _leads_out(folder, name):
        raise IntegrityError([_damaged(folder, name, "is a link, or leads out of the folder")])
    try:
        content = regular.content(path)
    except OSError as error:
        raise IntegrityError([_damaged(folder, name, f"cannot be read: {error.strerror}")]) from None
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise IntegrityError([_damaged(folder, name, f"has sha256 {found[:16]}, {str(expected)[:16]} was written")])
    return content


def _evidence_in(
    tensors: Mapping[str, NDArray[Any]], split: str, ids: tuple[str, ...], classes: tuple[str, ...]
) -> Evidence | MaskEvidence:
    """Raises KeyError and ValueError for tensors that are not what was said of `ids` and `classes`."""
    epochs = tuple(int(e) for e in tensors["epochs"])
    runs, each = (len(epochs), len(ids)), (len(classes),)
    if "confusion" in tensors:
        _refuse_other_shapes(tensors, {"confusion": (*runs, *each, *each), "boundary": (*runs, *each, *each)})
        return MaskEvidence(split, ids, classes, epochs, tensors["confusion"], tensors["boundary"])
    _refuse_other_shapes(tensors, {"logits": (*runs, *each), "targets": runs[1:]})
    targets, logits = tensors["targets"].astype(np.int64), tensors["logits"]
    if not np.isfinite(logits).all():
        raise ValueError("has logits that are not finite")
    if len(targets) and not 0 <= targets.min() <= targets.max() < len(classes):
        raise ValueError(f"has targets outside the {len(classes)} classes")
    return Evidence(split, ids, targets, classes, epochs, logits)


def _refuse_other_shapes(tensors: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise ValueError(f"has {name} of the shape {tensors[name].shape}; {shape} is expected")


def write_evidence(folder: Path, fingerprint: str, evidence: Evidence | MaskEvidence) -> None:
    """`evidence/<split>-<fingerprint>/`: scores.safetensors and images.json (ids, classes), not synced yet.

    The tensors are logits, targets and epochs, of masks confusion, boundary and epochs.
    """
    from safetensors.numpy import save

    target = folder / "evidence" / evidence_name(evidence.split, fingerprint)
    durable.make_folder(target, lasting=False)
    about = {"image_ids": list(evidence.image_ids), "classes": list(evidence.classes)}
    durable.put(target / "scores.safetensors", save(_tensors(evidence)))
    durable.put(target / IMAGES, durable.canonical(about))


def _tensors(evidence: Evidence | MaskEvidence) -> dict[str, NDArray[Any]]:
    epochs = np.asarray(evidence.epochs, dtype=np.int64)
    if isinstance(evidence, MaskEvidence):
        confusion, boundary = (np.ascontiguousarray(c, np.int32) for c in (evidence.confusion, evidence.boundary))
        return {"confusion": confusion, "boundary": boundary, "epochs": epochs}
    logits = np.ascontiguousarray(evidence.logits, dtype=np.float32)
    return {"logits": logits, "targets": np.asarray(evidence.targets, dtype=np.int64), "epochs": epochs}


def evidence_name(split: str, fingerprint: str) -> str:
    """The folder of a split's evidence."""
    return f"{split}-{fingerprint[:12]}"


def put_sealed(path: Path, value: Mapping[str, Any], run_id: str) -> None:
    """A sealed file of a run that is not published yet."""
    durable.put(path, durable.canonical(sealed.sealed(value, owner_of(run_id, path.name))))


def _hashes_of(folder: Path, known: Mapping[str, str]) -> dict[str, str]:
    """Name -> sha256 of what a run folder holds; the `known` ones are not read."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in (TIMING, DONE)]
    names = {p.relative_to(folder).as_posix(): p for p in files}
    return {name: _sha256(p) for name, p in names.items() if name not in known} | dict(known)


def owner_of(run_id: str, name: str) -> str:
    """Whose a sealed file of a run is: that of another run is not taken for it."""
    return f"{run_id}/{name}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sealed(folder: Path, name: str) -> dict[str, Any]:
    with _as_damage(folder, name):
        return sealed.read(folder / name, owner_of(folder.name, name), unsealed=_UNSEALED[name])


@contextmanager
def _as_damage(folder: Path, name: str) -> Iterator[None]:
    """What a reader stumbles over in a file is damage of that file."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise IntegrityError([_damaged(folder, name, what)]) from None


def _damaged(folder: Path, name: str, what: str) -> Problem:
    fix = f"rm -r {shlex.quote(str(folder))} and give the study's `paribus run` again: this run starts again."
    return Problem("RUN_DAMAGED", f"{what}.", f"{folder.name}/{name}", fix)
