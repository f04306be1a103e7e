"""Run folders: whole or absent, hashed, read back without torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paribus import durable
from paribus.errors import IntegrityError, Problem
from paribus.predictions import Evidence, MaskEvidence, RunRecord
from paribus.runs import Run, id_of

DONE = "DONE.json"
IMAGES = "images.json"  # of evidence, written last
TIMING = "timing.json"  # wall-clock values: outside the hashed results, which are the same in every repetition


@dataclass(frozen=True)
class Store:
    """The folder that holds one folder a run, named by the run's id; any number of studies share it."""

    root: Path

    def folder(self, run_id: str) -> Path:
        """Where a finished run is."""
        return self.root / run_id

    def partial(self, run_id: str) -> Path:
        """Where an unfinished run keeps its last committed state."""
        return self.root / f"{run_id}.partial"

    def has(self, run: Run) -> bool:
        """Whether the run is finished."""
        return (self.folder(run.id) / DONE).exists()

    def unpublished(self, run_id: str) -> Path:
        """An empty folder in which a finished run is put together."""
        folder = self.root / f"{run_id}.final"
        durable.remove(folder)
        durable.make_folder(folder)
        return folder

    def publish(self, run_id: str) -> None:
        """Hash every file into DONE.json, give the folder its name, and drop the unfinished state."""
        folder = self.root / f"{run_id}.final"
        _write_hashes(folder, {})
        durable.publish(folder, self.folder(run_id))
        durable.remove(self.partial(run_id))

    def unseen(self, run: Run, fingerprints: dict[str, str]) -> dict[str, str]:
        """The splits on which a finished run has no evidence: its data have got other images since."""
        there = self._hashed_evidence(run.id)
        return {s: mark for s, mark in fingerprints.items() if evidence_name(s, mark) not in there}

    def hash_again(self, run_id: str) -> None:
        """Take evidence that was added to a finished run into its DONE.json; what was hashed before stays as it was."""
        folder = self.folder(run_id)
        _write_hashes(folder, self._hashes(folder))

    def about(self, run_id: str) -> dict[str, Any]:
        """What run.json says, checked. Raises IntegrityError."""
        return dict(json.loads(self.content(run_id, "run.json")))

    def content(self, run_id: str, name: str) -> bytes:
        """A file of a finished run, checked against its hash. Raises IntegrityError."""
        return self._checked(self.folder(run_id), name)

    def tidy(self) -> None:
        """Remove what a killed process left and no run needs: unfinished states of finished runs, half-removed folders.

        Only for whoever holds the store's lock.
        """
        for folder in [*self.root.glob("*.partial"), *self.root.glob("*.final")]:
            if folder.suffix == ".final" or (self.folder(folder.stem) / DONE).exists():
                durable.remove(folder)
        for doomed in self.root.glob(".*.removed"):
            durable.remove(doomed)

    def load(self, run_id: str, splits: dict[str, str] | None = None) -> RunRecord:
        """A finished run, every file checked against its hash.

        splits: split -> fingerprint of the evidence wanted; None reads all. Raises IntegrityError (exit 7).
        """
        folder = self.folder(run_id)
        about = self.about(run_id)
        if id_of(about["identity"]) != run_id:
            raise IntegrityError([_damaged(folder, "run.json", "says it is another run")])
        timing = _read_json(folder / TIMING)
        evidence: dict[str, Evidence | MaskEvidence] = {}
        for name in self._hashed_evidence(run_id):
            split, _, fingerprint = name.partition("-")
            if splits is None or splits.get(split, "").startswith(fingerprint):
                evidence[split] = self._evidence(folder, name, split)
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

    def _evidence(self, folder: Path, name: str, split: str) -> Evidence | MaskEvidence:
        from safetensors.numpy import load

        tensors = load(self._checked(folder, f"evidence/{name}/scores.safetensors"))
        about = json.loads(self._checked(folder, f"evidence/{name}/{IMAGES}"))
        ids, classes = tuple(about["image_ids"]), tuple(about["classes"])
        epochs = tuple(int(e) for e in tensors["epochs"])
        if "confusion" in tensors:
            return MaskEvidence(split, ids, classes, epochs, tensors["confusion"], tensors["boundary"])
        return Evidence(split, ids, tensors["targets"].astype(np.int64), classes, epochs, tensors["logits"])

    def _hashed_evidence(self, run_id: str) -> list[str]:
        """The folders of evidence that count: a kill may have left others, which DONE.json does not know yet."""
        names = (PurePosixPath(name).parts for name in self._hashes(self.folder(run_id)))
        return sorted(parts[1] for parts in names if parts[0] == "evidence" and parts[-1] == IMAGES)

    def _hashes(self, folder: Path) -> dict[str, str]:
        return dict(_read_json(folder / DONE).get("files", {}))

    def _checked(self, folder: Path, name: str) -> bytes:
        expected = self._hashes(folder).get(name)
        try:
            content = (folder / name).read_bytes()
        except OSError:
            raise IntegrityError([_damaged(folder, name, "cannot be read")]) from None
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise IntegrityError([_damaged(folder, name, f"has sha256 {found[:16]}, {str(expected)[:16]} was written")])
        return content


def write_evidence(folder: Path, fingerprint: str, evidence: Evidence | MaskEvidence) -> None:
    """`evidence/<split>-<fingerprint>/`: scores.safetensors and images.json (ids, classes).

    The tensors are logits, targets and epochs, of masks confusion, boundary and epochs.
    """
    from safetensors.numpy import save

    target = folder / "evidence" / evidence_name(evidence.split, fingerprint)
    durable.make_folder(target)
    durable.write(target / "scores.safetensors", save(_tensors(evidence)))
    durable.write_json(target / IMAGES, {"image_ids": list(evidence.image_ids), "classes": list(evidence.classes)})


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


def _write_hashes(folder: Path, known: Mapping[str, str]) -> None:
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in (TIMING, DONE)]
    names = {p.relative_to(folder).as_posix(): p for p in files}
    hashes = {name: _sha256(p) for name, p in names.items() if name not in known}
    durable.write_json(folder / DONE, {"files": {**hashes, **known}})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise IntegrityError([_damaged(path.parent, path.name, "cannot be read")]) from None
    return dict(value)


def _damaged(folder: Path, name: str, what: str) -> Problem:
    fix = f"remove the folder {folder.name} and give the same command again: the run starts again."
    return Problem("RUN_DAMAGED", f"{what}.", f"{folder.name}/{name}", fix)
