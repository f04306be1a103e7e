"""The attribution audit: which share of what spoke for an answer lies inside the box of the object.

A network that answers by the object has a larger share there than the box has of the picture. Attribution methods can
outline a picture without having looked at the network, so every share is held against that of the same network with
all weights drawn anew (the model-parameter randomisation test of Adebayo et al. 2018, arXiv 1810.03292).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from paribus.audits import maps
from paribus.audits.crops import NO_BOXES, at_evaluation, decoded
from paribus.audits.rows import AttributionAudit, Method
from paribus.audits.shares import Floats, Looked, areas, differences, row, shares
from paribus.datasets import Item
from paribus.execute import Bound
from paribus.recipe import Recipe, has_masks
from paribus.runs import Run
from paribus.scan import Scan
from paribus.seeding import derive
from paribus.store import Store
from paribus.trained import trained, unloaded
from paribus.views import Pictures, normalized
from paribus.windows import Box

if TYPE_CHECKING:
    import torch
    from torch import nn

IMAGES, STEPS = 48, 16
RANDOMISED = 5  # networks with weights drawn anew, for each kind of network
OF_PIXELS = "not applicable: it asks classifiers of whole images, and these networks label every pixel."
NO_RUNS = "not applicable: no run is finished yet."

Progress = Callable[[int, int], None]  # networks asked, of all


def of_study(
    bound: Bound,
    store: Store,
    *,
    images: int = IMAGES,
    steps: int = STEPS,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> AttributionAudit:
    """The attribution audit of the finished runs of a study, on at most `images` scored images with a box.

    The images are drawn with `seed`, the same for all arms; `steps` are those of integrated gradients. Boxes are those
    of `bound.scans` (see `paribus.boxes`). Raises MachineError without captum, DataError if the
    weights of a run were removed, and IntegrityError if they are not what was written.
    """
    maps.require_captum()
    split = bound.design.split
    chosen = sample([i.id for i in bound.scans["baseline"].images.items if i.split == split and i.box], images, seed)
    runs = {arm: finished for arm, of_arm in bound.runs.items() if (finished := [r for r in of_arm if store.has(r)])}
    weights = "best" if bound.study.epoch == "val" else "last"
    empty = AttributionAudit((), (), split, tuple(chosen), seed, steps, weights)
    if any(has_masks(recipe.data) for recipe in bound.study.recipes.values()):
        return replace(empty, not_applicable=OF_PIXELS)
    if len(chosen) < 2 or not runs:
        return replace(empty, not_applicable=NO_RUNS if len(chosen) > 1 else NO_BOXES)
    labels = bound.design.groups
    groups = tuple(labels[image] for image in chosen) if labels else None
    asked = _Asked(store, weights, steps, sum(len(finished) + RANDOMISED for finished in runs.values()), progress)
    looked = {
        arm: _looked(asked, sight(bound.study.recipes[arm], bound.scans[arm], chosen), of_arm, groups)
        for arm, of_arm in runs.items()
    }
    rows = tuple(row(arm, method, found) for arm, by_method in looked.items() for method, found in by_method.items())
    without = ", ".join(arm for arm, by_method in looked.items() if "grad_cam" not in by_method)
    notes = (f"No Grad-CAM of {without}: its networks have no convolutional maps.",) if without else ()
    return replace(empty, rows=rows, differences=differences(looked), notes=notes)


def sample(ids: Sequence[str], most: int, seed: int) -> list[str]:
    """At most so many of the images, drawn with a seed, in alphabetical order."""
    drawn = np.random.default_rng(derive(seed, "audit", "images")).permutation(len(ids))[:most]
    return sorted(sorted(ids)[i] for i in drawn)


@dataclass(frozen=True)
class Sight:
    """Some images as evaluation shows them to the networks of a recipe.

    pixels: uint8 (N, 3, H, W). inputs: float32, normalised. boxes: in pixels of what is seen. classes: of the data set.
    """

    recipe: Recipe
    pixels: "torch.Tensor"
    inputs: "torch.Tensor"
    boxes: tuple[Box, ...]
    classes: int


def sight(recipe: Recipe, found: Scan, ids: Sequence[str]) -> Sight:
    """The images of these ids, which have boxes."""
    import torch

    pictures = Pictures(found.images, None, recipe.input.args["prepare"])
    by_id = {item.id: item for item in found.images.items}
    items = [by_id[i] for i in ids]
    pixels = torch.stack([pictures.seen(item, recipe) for item in items])
    boxes = tuple(_box(item, recipe, found) for item in items)
    return Sight(recipe, pixels, normalized(pixels, recipe), boxes, len(found.images.classes))


def _box(item: Item, recipe: Recipe, found: Scan) -> Box:
    size, box = decoded(item, recipe, found)
    return at_evaluation(recipe, size).placed(box)


def randomised(recipe: Recipe, classes: int, seed: int) -> "nn.Module":
    """The network of a recipe in evaluation mode, all its weights drawn anew and never trained."""
    return unloaded(recipe, classes, derive(seed, "audit", "randomised"))


@dataclass
class _Asked:
    """Asks every network once, however many arms it serves: arms share runs, and networks with new weights."""

    store: Store
    weights: str
    steps: int
    total: int
    progress: Progress
    done: int = 0
    kept: dict[str, Any] = field(default_factory=dict)

    def once(self, key: str, make: Callable[[], "nn.Module"], seen: Sight) -> dict[Method, tuple[Floats, Any]]:
        """Method -> (shares of each image, grid of the map)."""
        if key not in self.kept:
            self.kept[key] = _asked(make(), seen, self.steps)
        self.done += 1
        self.progress(self.done, self.total)
        found: dict[Method, tuple[Floats, Any]] = self.kept[key]
        return found


def _asked(model: "nn.Module", seen: Sight, steps: int) -> dict[Method, tuple[Floats, Any]]:
    stage = maps.last_stage(model, seen.inputs)
    found: dict[Method, tuple[Floats, Any]] = {}
    if stage is not None:
        layer, grid = stage
        found["grad_cam"] = shares(maps.grad_cam(model, layer, seen.inputs), seen.boxes), grid
    by_path = maps.integrated_gradients(model, seen.inputs, steps)
    return found | {"integrated_gradients": (shares(by_path, seen.boxes), None)}


def _looked(asked: _Asked, seen: Sight, runs: Sequence[Run], groups: tuple[str, ...] | None) -> dict[Method, Looked]:
    """Method -> where the runs of one arm look."""
    recipe, classes = seen.recipe, seen.classes
    alike = json.dumps([recipe.model.use, recipe.model.args, recipe.input.args, seen.boxes], sort_keys=True)
    own = [asked.once(run.id, partial(trained, run, classes, asked.store, asked.weights), seen) for run in runs]
    anew = [
        asked.once(f"{alike} {number}", partial(randomised, recipe, classes, number), seen)
        for number in range(RANDOMISED)
    ]
    covered = areas(seen.boxes, (seen.inputs.shape[-2], seen.inputs.shape[-1]))

    def of(method: Method, grid: tuple[int, int] | None) -> Looked:
        ours, theirs = (np.stack([each[method][0] for each in some]) for some in (own, anew))
        return Looked(ours, theirs, covered, grid, groups)

    return {method: of(method, grid) for method, (_, grid) in own[0].items()}
