"""A run becomes a folder: the network, what is done to an image before it, a card, and proof that it is the same."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paribus import durable, modelcard
from paribus.errors import IntegrityError, Problem, StudyError, unknown
from paribus.exporting import formats
from paribus.exporting.formats import Ask
from paribus.exporting.validation import validation
from paribus.predicting import Chosen
from paribus.predictions import Evidence
from paribus.recipe import has_masks
from paribus.trained import trained
from paribus.views import Pictures, eval_sizes, normalized

if TYPE_CHECKING:
    import torch
    from torch import nn

FORMATS = ("onnx", "timm", "smp")
TOLERANCE = 1e-4  # of the outputs, relative to the largest where that is above 1
PREPROCESSING = "preprocessing.json"
CARD = "README.md"


@dataclass(frozen=True)
class Exported:
    """What was written. checked: in words, on how many images the exported network was tried and what came of it."""

    folder: Path
    checked: str


@dataclass(frozen=True)
class _Check:
    images: int
    split: str
    largest: float  # difference of two outputs
    limit: float
    right: int | None  # answers that are those of the truth; None for masks
    answers: int  # that are those of the run


def export(chosen: Chosen, to: str, out: Path, data: Path | None = None, plugins: tuple[str, ...] = ()) -> Exported:
    """Write the one chosen run to the folder `out` in the form `to`, and try it there before the folder has its name.

    The written network is loaded again by its own library and asked about every validation image (see
    `exporting.validation`; data: where the images are, if they are not kept beside the runs); its outputs are those of
    the run's network in float32 to 1e-4, or nothing is left and IntegrityError raised. Raises StudyError for a network
    that the form cannot hold or an `out` that is taken, MachineError for a missing library.
    """
    _refuse(to, chosen, out)
    member = chosen.members[0]
    model = trained(member.run, len(chosen.classes), chosen.store, member.weights)
    record = chosen.store.load(member.run.id, dict(chosen.splits) or None)
    pictures, split, evidence = validation(chosen, record, data, plugins)
    aside = out.with_name(f".{out.name}.{os.getpid()}.partial")
    durable.remove(aside)
    durable.make_folder(aside)
    try:
        ask = formats.write(to, model, chosen, aside)
        found = _checked(model, ask, pictures, split, chosen, evidence)
        words, told = _words(found), preprocessing(chosen, formats.multiple_of(to, model, chosen.recipe))
        durable.put(aside / PREPROCESSING, durable.canonical(told))
        durable.put(aside / CARD, modelcard.card(chosen, record, to, words, told).encode(errors="backslashreplace"))
        durable.publish(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Exported(out, words)


def preprocessing(chosen: Chosen, multiple: int = 1) -> dict[str, Any]:
    """JSON-ready: what is done to an upright RGB image before the network, in order, and what its outputs are.

    multiple: see `formats.multiple_of`; the last row and column are repeated.
    """
    args, (size, shorter) = chosen.recipe.input.args, eval_sizes(chosen.recipe)
    whole = has_masks(chosen.recipe.data)
    told: dict[str, Any] = {
        "reduce_shorter_side_to": args["prepare"],
        "resize_to": list(size) if whole else None,
        "resize_shorter_side_to": None if whole else shorter,
        "center_crop_to": None if whole else list(size),
        "interpolation": "bilinear, antialiased",
        "multiple_of": multiple,
        "divide_by": 255,
        "mean": args["normalize"]["mean"],
        "std": args["normalize"]["std"],
        "classes": list(chosen.classes),
        "temperature": chosen.members[0].temperature,
    }
    return told | ({"colours": [list(c) for c in chosen.space.colours]} if chosen.space is not None else {})


def _refuse(to: str, chosen: Chosen, out: Path) -> None:
    if to not in FORMATS:
        raise StudyError([Problem("USAGE", unknown("form", to, FORMATS), "--to")])
    if len(chosen.members) != 1:
        raise StudyError([Problem("USAGE", "several runs cannot be one network.", fix="name one with --seed.")])
    formats.refuse_unfit(to, chosen.recipe)
    formats.refuse_missing(to)
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        fix = "remove it, or name another folder with --out."
        raise StudyError([Problem("OUT_TAKEN", "is there already.", str(out), fix)])


def _checked(model: "nn.Module", ask: Ask, pictures: Pictures, split: str, chosen: Chosen, evidence: Any) -> _Check:
    """Ask both networks about every image of the split. Raises IntegrityError where they differ."""
    import torch

    largest, scale, agree, right, images = 0.0, 1.0, 0, 0, 0
    classified = isinstance(evidence, Evidence)
    for few in (part for batch in pictures.evaluation(split, chosen.recipe) for part in batch.split(8)):
        with torch.inference_mode():
            own, other = model(normalized(few, chosen.recipe)).float(), ask(few)
        if own.shape != other.shape:
            raise _differs(f"gives outputs of the shape {tuple(other.shape)}, the run's {tuple(own.shape)}")
        largest = max(largest, float((own - other).abs().max()))
        scale = max(scale, float(own.abs().max()))
        agree += _same(own, other)
        if classified:
            targets = torch.from_numpy(evidence.targets[images : images + len(few)])
            right += int((other.argmax(dim=1) == targets).sum())
        images += len(few)
    if not largest <= TOLERANCE * scale:
        raise _differs(f"differs from the run's network by {largest:.2g}; at most {TOLERANCE * scale:.2g} is allowed")
    return _Check(images, split, largest, TOLERANCE * scale, right if classified else None, agree)


def _same(own: "torch.Tensor", other: "torch.Tensor") -> int:
    """Images on which all answers are the same."""
    same = own.argmax(dim=1) == other.argmax(dim=1)
    return int(same.flatten(1).all(dim=1).sum() if same.ndim > 1 else same.sum())


def _differs(what: str) -> IntegrityError:
    fix = "take another form, or report it: nothing was written."
    return IntegrityError([Problem("EXPORT_DIFFERS", f"the exported network {what}.", fix=fix)])


def _words(found: _Check) -> str:
    apart = f"within {found.largest:.1g} of" if found.largest else "equal to"
    answered = f"; {found.right} of {found.images} answered right" if found.right is not None else ""
    return (
        f"tried on the {found.images} images of {found.split}: outputs {apart} the run's own "
        f"(allowed: {found.limit:.1g}), the same answers on {found.answers} of them{answered}"
    )
