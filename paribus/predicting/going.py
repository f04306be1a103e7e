"""From images to answers: decoded, prepared as in evaluation, asked of every run, voted on, written."""

import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paribus import durable, folding, overlays, segmenting
from paribus.errors import Problem, StudyError
from paribus.labels import Space
from paribus.predicting import paths
from paribus.predicting.chosen import Chosen
from paribus.predicting.looked import Looked, looked
from paribus.predicting.tables import CSV, JSON, Tables, tables
from paribus.predicting.voting import PixelVote, Vote, vote, vote_on_pixels
from paribus.prepared import reduced
from paribus.recipe import Recipe
from paribus.report.numbers import plural
from paribus.trained import trained
from paribus.views import EVAL_BATCH, eval_sizes, evaluated, normalized, stacked, writable

if TYPE_CHECKING:
    import torch
    from torch import nn

MASKS_TOGETHER = 2  # photographs whose own pixels are kept until their overlays are drawn
MASKS, OVERLAYS = "masks", "overlays"
_WRITTEN = {CSV, JSON, MASKS, OVERLAYS}
_OVERLAID = 0.5  # of an overlay is the colour of the class
_NOT_FINITE = "the network's output is not finite for it."

Pixels = NDArray[np.uint8]
Show = Callable[[str], None]


@dataclass
class Predicted:
    """What came of it. answers: class -> images, of masks -> images that show it. disagreed: images on which the runs
    do not agree; of masks on more than a hundredth of the pixels. problems: the files that were left out.
    """

    folder: Path
    images: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    disagreed: int = 0
    problems: list[Problem] = field(default_factory=list)
    passed_over: int = 0


def predict(
    chosen: Chosen, given: Sequence[str], out: Path, stream: BinaryIO, show: Show = lambda line: None
) -> Predicted:
    """What the chosen runs say about the images that are `given` (see `paths.listed`), written to the folder `out`.

    `predictions.csv` and `predictions.json` have a row an image: of classifiers the class, its probability (the mean
    over the runs, each after its temperature), how many of the runs agree, and the probability of every class; of
    segmentations the mask's file (class indices in the colours of the classes), its overlay on the image, and the share
    of every class. Folder names are never taken for labels. `out` is whole or absent, and replaces what an earlier
    prediction wrote there. show: given a line an image. As many images as there are take as much memory as one batch.

    Raises DataError if there is no image that can be used, StudyError if `out` holds anything else or lies in a folder
    that is read. Images that cannot be used are told in the answer.
    """
    paths.refuse_inside(given, out)
    _refuse_foreign(out)
    passed, done = paths.Passed(), Predicted(out)
    files = paths.listed(given, stream, passed)
    aside = out.with_name(f".{out.name}.{os.getpid()}.partial")
    durable.remove(aside)
    durable.make_folder(aside)
    try:
        about = {"task": "classification" if chosen.space is None else "segmentation", **chosen.plain()}
        with tables(aside, about, "p" if chosen.space is None else "share") as written:
            writer = _classes(chosen, files) if chosen.space is None else _masks(chosen, chosen.space, files, aside)
            for path, found in writer:
                if isinstance(found, Problem):
                    done.problems.append(found)
                else:
                    _count(done, chosen, path, found, written, show)
            done.problems += passed.problems
            for problem in done.problems:
                written.left_out(problem)
        done.passed_over = passed.others
        if not done.images:
            passed.problems = done.problems
            raise paths.nothing(given, passed)
        durable.remove(out)
        durable.publish(aside, out)
    finally:
        durable.remove(aside)
    return done


def summary(done: Predicted, chosen: Chosen) -> Iterator[str]:
    """What came of it, in words."""
    told = ", ".join(f"{count} {name}" for name, count in sorted(done.answers.items(), key=lambda pair: -pair[1]))
    kind = "with " if chosen.space is not None else ""
    yield f"{plural(done.images, 'image')}: {kind}{told}."
    if len(chosen.members) > 1:
        part = "" if chosen.space is None else " (more than 1 % of the pixels)"
        yield f"The {len(chosen.members)} runs disagree on {plural(done.disagreed, 'image')}{part}."
    if done.passed_over:
        yield f"Passed over by its name, which is no image's: {plural(done.passed_over, 'file')}."
    yield f"Predictions: {done.folder / CSV} and {JSON}" + (f", {MASKS}/, {OVERLAYS}/" if chosen.space else "")


@dataclass(frozen=True)
class _Row:
    """One image's answer. row: its cells; shares: (C,) of each class; disagree: whether it counts as disagreement."""

    row: dict[str, Any]
    shares: Sequence[float]
    shown: tuple[str, ...]
    disagree: bool
    line: str


Found = Iterator[tuple[Path, _Row | Problem]]


def _count(done: Predicted, chosen: Chosen, path: Path, found: _Row, written: Tables, show: Show) -> None:
    done.images += 1
    done.answers.update(found.shown)
    done.disagreed += found.disagree
    written.row({"image": str(path), **found.row}, found.shares)
    show(f"{path}: {found.line}")


def _classes(chosen: Chosen, files: Iterator[Path]) -> Found:
    """Each file with its class, or why it has none."""
    networks = Networks(chosen)
    for some in looked(files, lambda pixels: seen(pixels, chosen.recipe), EVAL_BATCH):
        usable = [each.made for each in some if not isinstance(each.made, Problem)]
        logits = [each.numpy() for each in networks.logits(stacked(usable))] if usable else []
        place = 0
        for each in some:
            if isinstance(each.made, Problem):
                yield each.path, each.made
                continue
            one = [of_run[place : place + 1] for of_run in logits]
            place += 1
            if not all(np.isfinite(of_run).all() for of_run in one):
                yield each.path, Problem("PREDICTION_NOT_FINITE", _NOT_FINITE, str(each.path))
            else:
                yield each.path, _row(vote(one, [m.temperature for m in chosen.members]), chosen)


def _row(found: Vote, chosen: Chosen) -> _Row:
    answer, agree = int(found.answers[0]), int(found.agree[0])
    name, sure = chosen.classes[answer], float(found.probabilities[0, answer])
    runs, disagree = len(chosen.members), bool(found.disagree[0])
    row = {"class": name, "probability": round(sure, 6), "runs": runs, "agree": agree, "disagree": disagree}
    line = f"{name} {sure:.3f}" + (f", disagree ({agree} of {runs} runs)" if disagree else "")
    return _Row(row, found.probabilities[0].tolist(), (name,), disagree, line)


def _masks(chosen: Chosen, space: Space, files: Iterator[Path], folder: Path) -> Found:
    """Each file with its mask, written to `folder`, or why it has none."""
    networks, number = Networks(chosen), 0
    for name in (MASKS, OVERLAYS):
        durable.make_folder(folder / name)
    for some in looked(files, lambda pixels: (pixels, seen(pixels, chosen.recipe)), MASKS_TOGETHER):
        for each in some:
            found = _mask(each, networks)
            if isinstance(found, Problem):
                yield each.path, found
                continue
            number += 1
            pixels, voted = found
            bare = f"{number:06d}-{_plain(each.path.stem)}"
            names = {"mask": f"{MASKS}/{bare}.png", "overlay": f"{OVERLAYS}/{bare}.jpg"}
            durable.put(folder / names["mask"], segmenting.drawn(voted.mask, space.colours))
            durable.put(folder / names["overlay"], _overlay(pixels, voted.mask, space))
            yield each.path, _row_of_mask(voted, names, chosen)


def _mask(each: Looked[tuple[Pixels, "torch.Tensor"]], networks: "Networks") -> Problem | tuple[Pixels, PixelVote]:
    if isinstance(each.made, Problem):
        return each.made
    pixels, image = each.made
    logits = [of_run[0] for of_run in networks.logits(stacked([image]))]
    if not all(bool(of_run.isfinite().all()) for of_run in logits):
        return Problem("PREDICTION_NOT_FINITE", _NOT_FINITE, str(each.path))
    return pixels, vote_on_pixels(logits, (pixels.shape[0], pixels.shape[1]))


def _row_of_mask(voted: PixelVote, names: dict[str, str], chosen: Chosen) -> _Row:
    shares = np.bincount(voted.mask.ravel(), minlength=len(chosen.classes)) / voted.mask.size
    height, width = voted.mask.shape
    row = {**names, "width": width, "height": height, "runs": len(chosen.members)}
    row |= {"confidence": round(voted.confidence, 6), "disagree": round(voted.disagree, 6)}
    largest = sorted(range(len(shares)), key=lambda k: -shares[k])[:3]
    line = ", ".join(f"{chosen.classes[k]} {shares[k]:.0%}" for k in largest if shares[k] > 0)
    if voted.disagree > 0.01:
        line += f"; the runs disagree on {voted.disagree:.0%} of the pixels"
    shown = tuple(name for name, share in zip(chosen.classes, shares, strict=True) if share > 0)
    return _Row(row, shares.tolist(), shown, voted.disagree > 0.01, line)


class Networks:
    """The networks of the chosen runs, in evaluation mode."""

    def __init__(self, chosen: Chosen):
        import torch

        self.recipe = chosen.recipe
        height, width = eval_sizes(self.recipe)[0]
        probe = torch.linspace(-2, 2, 3 * height * width).reshape(1, 3, height, width)
        probe = probe.contiguous(memory_format=torch.channels_last)
        self._networks: list[nn.Module] = [
            folding.folded(trained(member.run, len(chosen.classes), chosen.store, member.weights), probe)
            for member in chosen.members
        ]

    def logits(self, batch: "torch.Tensor") -> "list[torch.Tensor]":
        """float32 logits of each run on a batch of uint8 images (B, 3, H, W), in the precision of the recipe."""
        import torch

        precise = self.recipe.precision != "bf16"
        context: Any = nullcontext() if precise else torch.autocast("cpu", dtype=torch.bfloat16)
        inputs = normalized(batch, self.recipe)
        with torch.inference_mode(), context:
            return [network(inputs).float().contiguous() for network in self._networks]


def seen(pixels: Pixels, recipe: Recipe) -> "torch.Tensor":
    """uint8 (3, height, width): decoded pixels (H, W, 3) as evaluation shows them to the network."""
    import torch

    small = writable(reduced(pixels, recipe.input.args["prepare"]))
    return evaluated(torch.from_numpy(small).permute(2, 0, 1), recipe)


def _overlay(pixels: Pixels, mask: Pixels, space: Space) -> bytes:
    coloured = overlays.coloured(mask, space).convert("RGB")
    out = io.BytesIO()
    Image.blend(Image.fromarray(pixels), coloured, _OVERLAID).save(out, "JPEG", quality=90)
    return out.getvalue()


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-60:].strip("-.") or "image"


def _refuse_foreign(out: Path) -> None:
    """Raises StudyError where `out` holds what no prediction wrote."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise StudyError([Problem("OUT_TAKEN", "is a file or a link.", str(out), "name another folder with --out.")])
    others = sorted({path.name for path in out.iterdir()} - _WRITTEN) if out.exists() else []
    if others:
        message = f"holds {others[0]!r}, which no prediction wrote."
        raise StudyError([Problem("OUT_TAKEN", message, str(out), "name another folder with --out.")])
