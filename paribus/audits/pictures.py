"""Contact sheets of the audits: what each arm's network really sees, and where it looks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from paribus import overlays
from paribus.audits import attribution, maps
from paribus.audits.crops import at_evaluation, decoded, in_training
from paribus.audits.shares import shares
from paribus.datasets import Item
from paribus.recipe import Recipe
from paribus.runs import Run
from paribus.scan import Scan
from paribus.seeding import derive
from paribus.sheets import ACROSS, Panel, sheet
from paribus.store import Store
from paribus.trained import trained
from paribus.views import Pictures, TrainingViews
from paribus.windows import Box, Window

if TYPE_CHECKING:
    import torch
    from torch import nn

DRAWS = 4  # crops of each image
ROWS = 6  # images of an attribution sheet
WIDE = 200  # pixels of a panel, or a little more


def of_crops(arm: str, recipe: Recipe, found: Scan, seed: int = 0) -> Image.Image:
    """Four training images: above as evaluation would show them, below the crops of the first epochs, boxes drawn."""
    pictures = Pictures(found.images, None, recipe.input.args["prepare"])
    views, items = TrainingViews(pictures, recipe, seed), pictures.items("train")
    draws = min(DRAWS, recipe.views or DRAWS)
    chosen = _spread(len(items), ACROSS, seed)
    panels = [_evaluated(items[i], recipe, found, pictures) for i in chosen]
    panels += [_cropped(items[i], i, epoch, views, found) for epoch in range(1, draws + 1) for i in chosen]
    return sheet(panels, [], f"{arm}: at evaluation, and the crops of {draws} epochs")


def _evaluated(item: Item, recipe: Recipe, found: Scan, pictures: Pictures) -> Panel:
    picture = _picture(pictures.seen(item, recipe))
    if item.box is None:
        return "at evaluation", picture
    size, box = decoded(item, recipe, found)
    return _boxed("at evaluation", picture, at_evaluation(recipe, size), box)


def _cropped(item: Item, index: int, epoch: int, views: TrainingViews, found: Scan) -> Panel:
    picture = _picture(views.drawn(epoch)(index)[0])
    if item.box is None:
        return f"epoch {epoch}", picture
    size, box = decoded(item, views.recipe, found)
    return _boxed(f"epoch {epoch}", picture, in_training(views)(epoch, index, size), box)


def _boxed(caption: str, picture: Image.Image, window: Window, box: Box) -> Panel:
    """The picture with its box, and how much of that is in sight."""
    drawn = outlined(picture, window.placed(box), picture.width / window.size[1])
    return f"{caption}: {window.share(box):.0%} of the box", drawn


def of_attribution(arm: str, run: Run, seen: attribution.Sight, store: Store, weights: str, steps: int) -> Image.Image:
    """Some of the images an arm was audited on: the picture, both maps of a run, and Grad-CAM with random weights.

    Captions tell the share of the attribution inside the box.
    """
    model = trained(run, seen.classes, store, weights)
    other = attribution.randomised(run.recipe, seen.classes, run.seed)
    columns = (
        ("Grad-CAM", _cam(model, seen)),
        ("integrated gradients", maps.integrated_gradients(model, seen.inputs, steps)),
        ("random weights", _cam(other, seen)),
    )
    panels: list[Panel] = []
    for i, box in enumerate(seen.boxes):
        pixels = seen.pixels[i].permute(1, 2, 0).numpy()
        panels.append(("seen", _marked(pixels, box)))
        panels += [_mapped(name, pixels, found[i] if found is not None else None, box) for name, found in columns]
    return sheet(panels, [], f"{arm}, seed {run.seed}: what spoke for the answer, and its share inside the box")


def _cam(model: "nn.Module", seen: attribution.Sight) -> maps.Maps | None:
    stage = maps.last_stage(model, seen.inputs)
    return maps.grad_cam(model, stage[0], seen.inputs) if stage else None


def _mapped(name: str, pixels: overlays.Pixels, found: maps.Maps | None, box: Box) -> Panel:
    """A map over the picture, and its share inside the box; the picture alone where the map holds nothing."""
    if found is None or not found.any():
        return f"{name}: none", _marked(pixels, box)
    return f"{name}: {shares(found[None], [box])[0]:.0%}", _marked(overlays.heat(pixels, found), box)


def _marked(pixels: overlays.Pixels, box: Box) -> Image.Image:
    picture = grown(Image.fromarray(pixels))
    return outlined(picture, box, picture.width / pixels.shape[1])


def outlined(picture: Image.Image, box: Box, factor: float) -> Image.Image:
    """The picture with a box (in pixels that are `factor` pixels of the picture wide) in white on black."""
    left, top, right, bottom = (round(factor * value) for value in box)
    shown = picture.convert("RGB")
    pen = ImageDraw.Draw(shown)
    for inset, colour in ((0, (0, 0, 0)), (1, (255, 255, 255)), (2, (0, 0, 0))):
        if right - left > 2 * inset and bottom - top > 2 * inset:
            pen.rectangle((left + inset, top + inset, right - 1 - inset, bottom - 1 - inset), outline=colour)
    return shown


def _picture(pixels: "torch.Tensor") -> Image.Image:
    return grown(Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()))


def grown(picture: Image.Image) -> Image.Image:
    """Small pictures enlarged by a whole factor, so that captions have room; pixels stay squares."""
    factor = max(1, -(-WIDE // picture.width))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _spread(count: int, most: int, seed: int) -> Sequence[int]:
    """At most so many of `count` positions, drawn with a seed, in order."""
    drawn = np.random.default_rng(derive(seed, "audit", "sheet")).permutation(count)[:most]
    return sorted(int(i) for i in drawn)
