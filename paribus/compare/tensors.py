"""Predictions from a safetensors file: one run on one split, at one or several epochs."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paribus import strictjson, tensorfile
from paribus.compare.cells import ONLY_EPOCH, SPLITS, UNNAMED_SPLIT, Cell, Names, is_arm_name, some
from paribus.errors import DataError, Problem

LARGEST = 1 << 30  # bytes of what the scores are of
FIELDS = ("image_ids", "classes", "arm", "seed")
FIX = (
    "save tensors `logits` (N, C) or (E, N, C) and `targets` (N,), and as metadata, or in a JSON file of the same "
    "name, `image_ids` and `classes` (JSON lists), `arm` and `seed`."
)


def read(path: Path, name: str) -> tuple[list[Cell], list[Problem]]:
    """One cell an epoch, and everything that is wrong with their values. Raises DataError if nothing can be read.

    Tensors: `logits` (N, C) or (E, N, C), `targets` (N,) indices into `classes`, and `epochs` (E,), counted from 1 if
    absent. Metadata of the header, or a JSON file beside it with the same name: `image_ids`, `classes`, `arm`,
    `seed`, and if wanted `split` and `groups`.
    """
    tensors, about = _opened(path, name)
    lacking = [f"tensor {t!r}" for t in ("logits", "targets") if t not in tensors]
    lacking += [f"metadata {f!r}" for f in FIELDS if f not in about]
    if lacking:
        raise DataError([Problem("TENSORS_MISSING", f"has no {what}.", name, FIX) for what in lacking])
    wrong = _wrong_fields(about) or _wrong_shapes(tensors, about)
    if wrong:
        raise DataError([Problem("TENSORS_VALUE", sentence, name, FIX) for sentence in wrong])
    return _cells(tensors, about, name), _wrong_values(tensors, about, name)


def _opened(path: Path, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        tensorfile.entries_of(path)
        with safe_open(path, framework="numpy") as file:
            written = dict(file.metadata() or {})
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no iterator)
    except (SafetensorError, TypeError, ValueError, OSError) as error:
        fix = "save it again with float32 (or float16) logits."
        raise DataError(
            [Problem("TENSORS_UNREADABLE", f"cannot be read as safetensors: {error}.", name, fix)]
        ) from None
    beside = path.with_suffix(".json")
    return tensors, _json(beside, name) | {key: _meaning(key, text) for key, text in written.items()}


def _json(path: Path, name: str) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has {path.stat().st_size} bytes, more than {LARGEST}")
        return strictjson.mapping(path.read_bytes(), LARGEST)
    except (ValueError, OSError) as error:
        message = f"the file {path.name} beside it cannot be read as a JSON object: {error}."
        raise DataError([Problem("TENSORS_VALUE", message, name)]) from None


def _meaning(field: str, text: str) -> Any:
    """Metadata are texts: lists and numbers are written in them as JSON, names as they are."""
    if field not in ("image_ids", "classes", "groups", "seed"):
        return text
    try:
        return strictjson.parse(text.encode(), LARGEST)
    except ValueError:
        return text


def _wrong_fields(about: dict[str, Any]) -> list[str]:
    wrong = []
    for field in ("image_ids", "classes", "groups"):
        if not _is_texts(about.get(field, [])):
            wrong.append(f"`{field}` must be a list of texts.")
    if not is_arm_name(str(about["arm"])):
        wrong.append(f"{about['arm']!r} is no name of an arm: 1 to 64 printable characters without blanks at the ends.")
    if type(about["seed"]) is not int or about["seed"] < 0:
        wrong.append(f"`seed` must be a whole number from 0, not {about['seed']!r}.")
    if about.get("split", UNNAMED_SPLIT) not in SPLITS:
        wrong.append(f"`split` must be one of {', '.join(SPLITS)}, not {about['split']!r}.")
    if not wrong and len(set(about["classes"])) < len(about["classes"]):
        wrong.append("`classes` holds a name twice.")
    return wrong


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _wrong_shapes(tensors: dict[str, NDArray[Any]], about: dict[str, Any]) -> list[str]:
    logits, targets = tensors["logits"], tensors["targets"]
    images, classes = len(about["image_ids"]), len(about["classes"])
    wrong = []
    if logits.ndim not in (2, 3) or logits.shape[-2:] != (images, classes):
        wrong.append(f"`logits` has shape {logits.shape}; {images} images and {classes} classes are named.")
    if targets.shape != (images,) or not np.issubdtype(targets.dtype, np.integer):
        wrong.append(f"`targets` must be {images} whole numbers; it is {targets.dtype} of shape {targets.shape}.")
    elif images and not (targets.min() >= 0 and targets.max() < classes):
        wrong.append(f"`targets` must lie from 0 to {classes - 1}; they go from {targets.min()} to {targets.max()}.")
    epochs = _epochs(tensors)
    if not wrong and (
        len(epochs) != len(_by_epoch(logits)) or len(set(epochs)) < len(epochs) or min(epochs, default=0) < 0
    ):
        wrong.append(f"`epochs` must be {len(_by_epoch(logits))} different whole numbers from 0, not {epochs}.")
    if "groups" in about and len(about["groups"]) != images:
        wrong.append(f"`groups` has {len(about['groups'])} entries for {images} images.")
    if not images:
        wrong.append("there are no images in it.")
    return wrong


def _wrong_values(tensors: dict[str, NDArray[Any]], about: dict[str, Any], name: str) -> list[Problem]:
    problems = []
    bad = np.flatnonzero(~np.isfinite(_by_epoch(tensors["logits"])).all(axis=(0, 2)))
    if len(bad):
        message = f"scores that are not finite for {some([about['image_ids'][k] for k in bad])}."
        problems.append(Problem("SCORE_NOT_FINITE", message, name, "save finite numbers."))
    ids = sorted(about["image_ids"])
    twice = [a for a, b in pairwise(ids) if a == b]
    if twice:
        problems.append(Problem("IMAGE_TWICE", f"the same image twice: {some(twice)}.", name))
    return problems


def _cells(tensors: dict[str, NDArray[Any]], about: dict[str, Any], name: str) -> list[Cell]:
    ids, classes = _objects(about["image_ids"]), tuple(about["classes"])
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__))
    targets = _objects(about["classes"])[tensors["targets"]][order]
    groups = _objects(about["groups"])[order] if "groups" in about else None
    run = (str(about["arm"]), about["seed"], about.get("split", UNNAMED_SPLIT))
    return [
        Cell(*run, epoch, ids[order], targets, groups, None, scores[order].astype(np.float64), classes, name)
        for epoch, scores in zip(_epochs(tensors), _by_epoch(tensors["logits"]), strict=True)
    ]


def _by_epoch(logits: NDArray[Any]) -> NDArray[Any]:
    return logits if logits.ndim == 3 else logits[None]


def _epochs(tensors: dict[str, NDArray[Any]]) -> list[int]:
    if "epochs" in tensors:
        return [int(e) for e in tensors["epochs"].reshape(-1)]
    return list(range(ONLY_EPOCH, ONLY_EPOCH + len(_by_epoch(tensors["logits"]))))


def _objects(texts: list[str]) -> Names:
    return np.array([*texts, None], dtype=object)[:-1]
