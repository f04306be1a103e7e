"""Files of predictions, one or several, into one value."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paribus.compare import table, tensors
from paribus.compare.cells import Cell
from paribus.compare.joining import Predicted, contradictions, join, wrong_with
from paribus.errors import DataError, Problem

TENSORS = ".safetensors"


def read(paths: Sequence[Path], *, classes: Sequence[str] | None = None) -> Predicted:
    """The predictions in CSV and safetensors files (told apart by the ending), checked and in one order of images.

    A CSV has the columns image, target, arm, seed, and `prediction` (the name of a class) or one column a class;
    and if wanted epoch, split (train, val or test) and group. Scores of a run that all lie in [0, 1] and sum to 1
    (within 0.001) are probabilities; that lie in [0, 1] and do not are neither, and only their highest counts; others
    are logits. safetensors: see `paribus.compare.tensors.read`.
    classes: all classes, where only answers are known and some class has no image.
    Raises DataError with every problem found in any of the files.
    """
    if not paths:
        raise DataError([Problem("DATA_EMPTY", "no file of predictions was given.")])
    cells: list[Cell] = []
    ignored: list[str] = []
    problems: list[Problem] = []
    sources: list[dict[str, Any]] = []
    whole = True  # whether all could be read: only then can be told what is missing
    for path in map(Path, paths):
        try:
            sources.append(_source(path))
            found, left, wrong, placed = _read(path)
        except DataError as error:
            found, left, wrong, placed = [], [], error.problems, False
        cells += found
        ignored += left
        problems += wrong
        whole &= placed
    problems += wrong_with(cells, tuple(classes or ()), whole)
    problems = problems or contradictions(cells)
    if problems:
        raise DataError(problems)
    return join(cells, tuple(sources), tuple(dict.fromkeys(ignored)), tuple(classes or ()))


def _read(path: Path) -> tuple[list[Cell], list[str], list[Problem], bool]:
    if path.suffix == TENSORS:
        cells, wrong = tensors.read(path, path.name)
        return cells, [], wrong, True
    return table.read(path, path.name)


def _source(path: Path) -> dict[str, Any]:
    """How the file can be recognised. Raises DataError if it is not there or too large."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise DataError([Problem("DATA_NOT_FOUND", "is no file.", str(path), "name a CSV or safetensors file.")])
        if size > table.MOST_BYTES:
            message = f"has {size / 1e9:.1f} GB; at most {table.MOST_BYTES / 1e9:.1f} GB are read at once."
            raise DataError(
                [Problem("TABLE_TOO_LARGE", message, path.name, "write one safetensors file a run, or fewer epochs.")]
            )
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        message = f"cannot be read: {error.strerror}."
        raise DataError([Problem("DATA_NOT_FOUND", message, str(path), "check the path.")]) from None
    return {"name": path.name, "bytes": size, "sha256": digest}
