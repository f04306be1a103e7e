"""Predictions kept beside their report, so that every number of it can be computed again."""

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paribus import durable, regular, sealed, strictjson, tensorfile
from paribus.compare.answers import asked_again
from paribus.compare.joining import Predicted
from paribus.errors import IntegrityError, Problem
from paribus.predictions import Evidence, RunRecord
from paribus.results import Results

SCORES = "predictions.safetensors"
ABOUT = "predictions.json"
DONE = "predictions.done.json"
ASKED = "asked.json"
FORMAT = 1
LARGEST = 1 << 30  # bytes of what the scores are of


def write(predicted: Predicted, folder: Path, results: Results) -> None:
    """Keep `predicted` in `folder`: scores, what they are of, what was asked, and (last) the hashes of these files.

    Raises MachineError if the folder cannot be written.
    """
    from safetensors.numpy import save

    durable.make_folder(folder)
    durable.unlink(folder / DONE)
    tensors = {}
    for split in predicted.splits:
        tensors[f"targets/{split}"] = predicted.evidence(predicted.runs[0], split).targets
        for number, run in enumerate(predicted.runs):
            tensors[f"{number}/{split}/epochs"] = np.array(run.evidence[split].epochs, dtype=np.int64)
            tensors[f"{number}/{split}/logits"] = np.ascontiguousarray(predicted.evidence(run, split).logits)
    durable.write(folder / SCORES, save(tensors))
    durable.write_json(folder / ABOUT, _about(predicted))
    durable.write_json(folder / ASKED, {"study": results.study, "command": results.command})
    hashes = {name: _sha256((folder / name).read_bytes()) for name in (SCORES, ABOUT, ASKED)}
    sealed.write(folder / DONE, {"files": hashes}, DONE)


def load(folder: Path) -> Predicted:
    """What `write` kept. Raises IntegrityError if a file is not what was written."""
    scores, about = _checked(folder, SCORES), _checked(folder, ABOUT)
    try:
        return _predicted(tensorfile.arrays(scores), strictjson.mapping(about, LARGEST))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"cannot be read ({type(error).__name__}: {error})"
        raise IntegrityError([_damaged(folder, ABOUT, what)]) from None


def _predicted(tensors: Mapping[str, NDArray[Any]], about: dict[str, Any]) -> Predicted:
    if about.get("format") != FORMAT:
        raise ValueError(f"has format {about.get('format')!r}, {FORMAT} is read here")
    classes = tuple(about["classes"])
    ids = {split: tuple(names) for split, names in about["images"].items()}
    arms: dict[str, tuple[RunRecord, ...]] = {}
    for number, run in enumerate(about["runs"]):
        evidence = {
            split: Evidence(
                split,
                names,
                tensors[f"targets/{split}"],
                classes,
                tuple(int(e) for e in tensors[f"{number}/{split}/epochs"]),
                tensors[f"{number}/{split}/logits"],
            )
            for split, names in ids.items()
        }
        record = RunRecord(run["id"], run["seed"], "done", 0.0, evidence, facts=run["facts"])
        arms[run["arm"]] = (*arms.get(run["arm"], ()), record)
    return Predicted(arms, classes, about["groups"], tuple(about["sources"]), tuple(about["ignored"]))


def collect(folder: Path, *, command: str | None = None) -> Results:
    """The results of the comparison in `folder`, from the kept predictions and questions.

    Raises IntegrityError if a file is damaged or does not say what was asked.
    """
    predicted, asked = load(folder), _checked(folder, ASKED)
    try:
        told = strictjson.mapping(asked)
        return asked_again(predicted, told["study"], command or told["command"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"does not say what was asked ({type(error).__name__}: {error})"
        raise IntegrityError([_damaged(folder, ASKED, what)]) from None


def _about(predicted: Predicted) -> dict[str, Any]:
    first = predicted.runs[0].evidence
    runs = [(arm, run) for arm, runs in predicted.arms.items() for run in runs]
    return {
        "format": FORMAT,
        "classes": predicted.classes,
        "images": {split: first[split].image_ids for split in predicted.splits},
        "groups": predicted.groups,
        "runs": [{"arm": arm, "id": run.id, "seed": run.seed, "facts": run.facts} for arm, run in runs],
        "sources": predicted.sources,
        "ignored": predicted.ignored,
    }


def _checked(folder: Path, name: str) -> bytes:
    try:
        expected = sealed.read(folder / DONE, DONE)["files"][name]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError([_damaged(folder, DONE, str(error))]) from None
    try:
        content = regular.content(folder / name)
    except OSError as error:
        raise IntegrityError([_damaged(folder, name, f"cannot be read: {error.strerror}")]) from None
    found = _sha256(content)
    if found != expected:
        raise IntegrityError([_damaged(folder, name, f"has sha256 {found[:16]}, {str(expected)[:16]} was written")])
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _damaged(folder: Path, name: str, what: str) -> Problem:
    fix = f"rm -r {shlex.quote(str(folder))} and give the same `paribus compare` again."
    return Problem("PREDICTIONS_DAMAGED", f"{what}.", f"{folder.name}/{name}", fix)
