"""What each arm's model sees, before anything is trained: contact sheets of evaluation beside training.

The views of training are drawn by what trains (`paribus.views.TrainingViews`), from the same streams: what a sheet
shows of epoch 1 is what epoch 1 of that seed sees.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from paribus import durable, overlays
from paribus.auditing import alike, file_name, png
from paribus.audits.pictures import grown
from paribus.datasets import Item
from paribus.labels import Colour
from paribus.prepared import reduced_size
from paribus.questions import CONTROL
from paribus.recipe import Recipe, sides
from paribus.report.looks_page import Sight, looks_page
from paribus.scan import Scan
from paribus.seeding import derive
from paribus.sheets import ACROSS, Panel, sheet
from paribus.views import Pictures, TrainingViews, eval_sizes

if TYPE_CHECKING:
    import torch

IMAGES = 6
EPOCHS = ACROSS - 1  # of training, beside evaluation


def look(recipes: Mapping[str, Recipe], scans: Mapping[str, Scan], folder: Path, title: str, seed: int = 0) -> Path:
    """Write `look.html` and `look/*.png` into `folder`: a sheet for the arms that see the same. Gives the page.

    seed: of the run whose views are drawn. The same images are shown in every arm.
    """
    shown = {arm: recipe for arm, recipe in recipes.items() if arm != CONTROL or len(recipes) == 1}
    first = next(iter(shown))
    images = some(scans[first], seed)
    baseline = recipes.get("baseline", shown[first])
    sights = []
    for arms in alike(shown):
        recipe, found = shown[arms[0]], scans[arms[0]]
        picture = png(sheet_of(", ".join(arms), recipe, found, images, seed))
        sights.append(Sight(tuple(arms), facts(recipe, found), differences(baseline, recipe), picture))
    home = folder / "look"
    durable.make_folder(home)
    for former in home.glob("*.png"):
        durable.unlink(former)
    for sight in sights:
        durable.write(home / f"{file_name(', '.join(sight.arms))}.png", sight.sheet)
    page = folder / "look.html"
    written = looks_page(title, sights, seed, EPOCHS)
    durable.write(page, written.encode("utf-8", "backslashreplace"))
    return page


def some(found: Scan, seed: int, most: int = IMAGES) -> list[str]:
    """Ids of some training images, drawn with a seed: one of each class in turn, in the order of the classes."""
    items = sorted((item for item in found.images.items if item.split == "train"), key=lambda item: item.id)
    drawn = np.random.default_rng(derive(seed, "look", "images")).permutation(len(items))
    rounds: dict[int, int] = {}
    turns: list[tuple[int, int, int]] = []  # (how manieth of its class, when drawn, place)
    for place in drawn.tolist():
        label = 0 if found.images.masks is not None else items[place].label
        rounds[label] = rounds.get(label, 0) + 1
        turns.append((rounds[label], len(turns), place))
    chosen = sorted(turns)[:most]
    return [items[place].id for _, _, place in sorted(chosen, key=lambda turn: (items[turn[2]].label, turn[2]))]


def sheet_of(name: str, recipe: Recipe, found: Scan, images: Sequence[str], seed: int) -> Image.Image:
    """A row an image: as evaluation sees it, then as the first epochs of training do; masks stand below."""
    pictures = Pictures(found.images, None, recipe.input.args["prepare"])
    views = TrainingViews(pictures, recipe, seed)
    items = pictures.items("train")
    places = {item.id: place for place, item in enumerate(items)}
    epochs = [(epoch, views.drawn(epoch)) for epoch in range(1, EPOCHS + 1)]
    panels: list[Panel] = []
    for image in (image for image in images if image in places):
        place = places[image]
        panels.append(_evaluated(items[place], recipe, found, pictures))
        for epoch, draw in epochs:
            pixels, target = draw(place)
            mask = None if isinstance(target, int) else target
            panels.append((f"epoch {epoch}", _panel(pixels, mask, found)))
    seen = "its masks" if found.images.masks is not None else "its label"
    return sheet(
        panels, _legend(found), f"{name}: each image at evaluation, with {seen}, and in {EPOCHS} epochs of training"
    )


def _evaluated(item: Item, recipe: Recipe, found: Scan, pictures: Pictures) -> Panel:
    pixels = pictures.seen(item, recipe)
    if found.images.masks is None:
        return found.images.classes[item.label], _panel(pixels, None, found)
    return "at evaluation", _panel(pixels, pictures.mask(item), found)


def _panel(pixels: "torch.Tensor", mask: "torch.Tensor | None", found: Scan) -> Image.Image:
    """The picture, and its mask in colours below at the same size."""
    above = grown(Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()))
    space = found.images.space
    if mask is None or space is None:
        return above
    below = overlays.coloured(mask.numpy(), space).convert("RGB").resize(above.size, Image.Resampling.NEAREST)
    both = Image.new("RGB", (above.width, 2 * above.height))
    both.paste(above, (0, 0))
    both.paste(below, (0, above.height))
    return both


def _legend(found: Scan) -> list[list[tuple[str, Colour]]]:
    space = found.images.space
    if space is None:
        return []
    return [[*zip(space.classes, space.colours, strict=True), ("void", overlays.UNLABELLED)]]


# ----------------------------------------------------------------------------------------------------- what is said


def facts(recipe: Recipe, found: Scan) -> dict[str, str]:
    """In words what happens to an image on its way to the network."""
    height, width = sides(recipe.input.args["size"])
    evaluated = eval_sizes(recipe)[0]
    prepare = recipe.input.args["prepare"]
    sizes = [(each.height, each.width) for each in found.facts.values()]
    smaller = sum(reduced_size(*size, prepare) != size for size in sizes)
    said = {"input": f"{height} x {width} pixels in training, {evaluated[0]} x {evaluated[1]} at evaluation"}
    if prepare is not None:
        said["prepare"] = (
            f"{smaller} of {len(sizes)} images are reduced to {prepare} pixels on their shorter side first"
        )
    said["augment"] = "; ".join(_words(part.use, part.args) for part in recipe.augment) or "nothing"
    if recipe.views is not None:
        said["views"] = f"{recipe.views} of each image, the same for all seeds"
    return said


def differences(baseline: Recipe, recipe: Recipe) -> dict[str, str]:
    """What of it is not as in the baseline."""
    a, b = (dict(each.choices()) for each in (baseline, recipe))
    shown = ("data", "input", "augment", "views")
    paths = [path for path in {**a, **b} if path.partition(".")[0] in shown and a.get(path) != b.get(path)]
    return {path: f"{_value(a.get(path))} → {_value(b.get(path))}" for path in paths}


def _words(use: str, args: Mapping[str, object]) -> str:
    return use + (f" ({', '.join(f'{name} {_value(value)}' for name, value in args.items())})" if args else "")


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    return "none" if value is None else str(value)
