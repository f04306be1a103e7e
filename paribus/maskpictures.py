"""The pictures that a report of masks shows, made while the data are at hand and kept in the study's folder."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from paribus import durable, overlays
from paribus.datasets import ImageSet, Item
from paribus.errors import DataChanged, DataError, IntegrityError
from paribus.execute import Bound
from paribus.labels import Colour, Space, mapped
from paribus.overlays import Mask, Pixels
from paribus.sheets import sheet
from paribus.store import Store
from paribus.thumbnails import Thumbnails, jpeg, view

WIDE = 320  # pixels of the longer side on the page
SHEET_WIDE = 480  # and on a sheet


@dataclass(frozen=True)
class Seen:
    """One image as one arm has it: the truth and the prediction in its own label space."""

    run: str
    space: Space
    truth: Mask
    said: Mask


def draw(shown: Mapping[str, Any], folder: Path, bound: Bound, runs: Store) -> None:
    """Write every picture of `shown` (`report.masks.shown`) into `folder`, and a sheet with them side by side.

    Images whose predicted masks were not kept, or that are no longer what was scanned, are passed over. Raises
    IntegrityError for predicted masks that are not what was written.
    """
    durable.make_folder(folder)
    for former in folder.glob("[0-9][0-9]-*.png"):
        durable.unlink(former)
    kept = Thumbnails(folder)
    for number, row in enumerate(shown["images"], 1):
        try:
            seen = {arm: found for arm in shown["runs"] if (found := _seen(arm, shown, row, bound, runs))}
            image = _pixels(bound.scans["baseline"].images, row["image"])
        except (DataError, DataChanged):
            continue
        if not seen:
            continue
        pixels = _sized(image, next(iter(seen.values())).truth)
        kept.keep(view(row["image"], "input"), jpeg(pixels, WIDE))
        for each in seen.values():
            _keep_arm(kept, row["image"], pixels, each)
        _keep_apart(kept, shown, row["image"], pixels, seen)
        path = folder / f"{number:02d}-{_safe(row['image'])}.png"
        durable.write(path, _sheet(row["image"], pixels, seen))


def _seen(arm: str, shown: Mapping[str, Any], row: Mapping[str, Any], bound: Bound, runs: Store) -> Seen | None:
    images, run = bound.scans[arm].images, shown["runs"][arm]["id"]
    assert images.masks is not None and images.space is not None
    split = bound.design.split
    said = runs.mask(run, split, bound.fingerprints(arm)[split], row["number"])
    if said is None:
        return None
    truth = images.masks(_item(images, row["image"]))
    if said.shape != truth.shape:
        raise IntegrityError(
            f"The mask of {row['image']} by run {run} has the shape {said.shape}; the truth has {truth.shape}."
        )
    return Seen(run, images.space, truth, said)


def _item(images: ImageSet, image: str) -> Item:
    return next(item for item in images.items if item.id == image)


def _pixels(images: ImageSet, image: str) -> Pixels:
    return images.load(_item(images, image))


def _sized(pixels: Pixels, truth: Mask) -> Pixels:
    """The image at the size of its mask."""
    size = (truth.shape[1], truth.shape[0])
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def _keep_arm(kept: Thumbnails, image: str, pixels: Pixels, seen: Seen) -> None:
    kept.keep(view(image, "truth", seen.run), _png(overlays.coloured(seen.truth, seen.space)))
    kept.keep(view(image, "prediction", seen.run), _png(overlays.coloured(seen.said, seen.space)))
    kept.keep(view(image, "errors", seen.run), _map(overlays.errors(pixels, seen.truth, seen.said)))
    kept.keep(view(image, "edges", seen.run), _map(overlays.boundary_errors(pixels, seen.truth, seen.said)))


def _keep_apart(
    kept: Thumbnails, shown: Mapping[str, Any], image: str, pixels: Pixels, seen: Mapping[str, Seen]
) -> None:
    """Where one side of the question is right and the other wrong, in the label space of the question."""
    sides = [seen[arm] for arm in shown["sides"] or () if arm in seen]
    if len(sides) != 2:
        return
    first, second = sides
    tables = [_table(each.space, shown["score_in"]) for each in sides]
    truth, left = (mapped(mask, tables[0]) for mask in (first.truth, first.said))
    both = overlays.apart(pixels, truth, left, mapped(second.said, tables[1]))
    kept.keep(view(image, "apart", first.run, second.run), _map(both))


def _table(space: Space, score_in: Mapping[str, Any] | None) -> tuple[int, ...]:
    """(C,) the number of each class of an arm in the question's space."""
    if score_in is None:
        return tuple(range(len(space.classes)))
    names = list(score_in["classes"])
    if set(names) == set(space.classes):
        return tuple(names.index(each) for each in space.classes)
    home = {old: new for new, members in score_in["merge"].items() for old in members}
    return tuple(names.index(home[each]) for each in space.classes)


def _png(picture: Image.Image) -> bytes:
    """A palette picture at most `WIDE` wide; no colour is invented between two classes."""
    shown = _grown(picture)
    shown.thumbnail((WIDE, WIDE), Image.Resampling.NEAREST)
    out = io.BytesIO()
    shown.save(out, "PNG", optimize=True)
    return out.getvalue()


def _map(pixels: Pixels) -> bytes:
    return jpeg(np.asarray(_grown(Image.fromarray(pixels))), WIDE, sharp=True)


def _grown(picture: Image.Image, to: int = WIDE) -> Image.Image:
    """A small picture enlarged by a whole factor, so that its pixels stay squares, up to `to` pixels wide."""
    width, height = picture.size
    factor = max(1, to // max(width, height))
    return picture.resize((width * factor, height * factor), Image.Resampling.NEAREST)


def _sheet(image: str, pixels: Pixels, seen: Mapping[str, Seen]) -> bytes:
    """Input, truth and the prediction of each arm; the truth once for each label space."""
    panels = [("input", Image.fromarray(pixels))]
    legends: dict[tuple[str, ...], list[tuple[str, Colour]]] = {}
    for arm, each in seen.items():
        if each.space.classes not in legends:
            legends[each.space.classes] = list(zip(each.space.classes, each.space.colours, strict=True))
            more = "truth" if len(legends) == 1 else f"truth in {len(each.space.classes)} classes"
            panels.append((more, overlays.coloured(each.truth, each.space)))
        panels.append((arm, overlays.coloured(each.said, each.space)))
    keys = list(legends.values())
    keys[-1].append(("void", overlays.UNLABELLED))
    panels = [(caption, _wide_enough(picture)) for caption, picture in panels]
    out = io.BytesIO()
    sheet(panels, keys, image).save(out, "PNG", optimize=True)
    return out.getvalue()


def _wide_enough(picture: Image.Image) -> Image.Image:
    """Small pictures enlarged, so that captions have room; large ones made smaller."""
    grown = _grown(picture)
    width, height = grown.size
    if width <= SHEET_WIDE:
        return grown
    return grown.resize((SHEET_WIDE, round(height * SHEET_WIDE / width)), Image.Resampling.NEAREST)


def _safe(name: str) -> str:
    """A file name of letters, digits and dashes, without the ending of an image file."""
    bare = re.sub(r"\.[A-Za-z]{3,4}$", "", name)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", bare)[-60:].strip("-.") or "image"
