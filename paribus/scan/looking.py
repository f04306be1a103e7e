"""Every image of a set, and its mask, looked at once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from paribus import images, maskfile
from paribus.datasets import ImageSet, Item
from paribus.datasets.items import mask_name
from paribus.errors import Problem
from paribus.images import ImageProblem
from paribus.maskfile import MaskFacts
from paribus.scan.facts import FORMAT, Facts
from paribus.scan.reading import Files, check_match, thumbnail
from paribus.scan.sandbox import Sandbox
from paribus.scan.sources import Mark, Sources, mark_of

_SMALL = 64  # images that are not worth the start of a second process


def look(
    data: ImageSet, known: Mapping[str, Any] | None, workers: int, progress: Callable[[int, int], None] | None
) -> tuple[dict[str, Facts | Problem], dict[Path, Mark | None]]:
    """What was found in each item, by id, and how the file system described each file just before it was read.

    Files that are not as in `known` are decoded in a sandbox.
    """
    before = _rows(data, known)
    marks: dict[Path, Mark | None] = {}

    def one(item: Item) -> Facts | Problem:
        marks.update({path: mark_of(path) for path in (item.source, item.mask) if path is not None})
        try:
            found = _generated(data.load(item)) if item.source is None else _file(item, before.get(item.id), sandbox)
            return found if data.masks is None or found.mask is not None else _with_drawn_mask(item, found, data)
        except ImageProblem as error:
            return replace(error.problem, where=item.id)

    seen: dict[str, Facts | Problem] = {}
    threads = workers if len(data.items) > _SMALL else 1
    # The sandbox goes first: where an interrupt leads out of here, nobody waits for an image.
    with ThreadPoolExecutor(threads) as pool, Sandbox(data.coding) as sandbox:
        for done, (item, found) in enumerate(zip(data.items, pool.map(one, data.items), strict=True), start=1):
            seen[item.id] = found
            if progress:
                progress(done, len(data.items))
    return seen, marks


def sources(items: Sequence[Item], facts: Mapping[str, Facts], marks: Mapping[Path, Mark | None]) -> Sources:
    """The files of the items that are used."""
    files: dict[Path, tuple[str, str]] = {}
    for item in items:
        image, mask = facts[item.id], facts[item.id].mask
        if item.source is not None and image.sha256 is not None:
            files[item.source] = item.id, image.sha256
        if item.mask is not None and mask is not None and mask.sha256 is not None:
            files[item.mask] = mask_name(item), mask.sha256
    return Sources(files, {path: marks.get(path) for path in files})


def guarded(data: ImageSet, facts: Mapping[str, Facts]) -> ImageSet:
    """The set with loaders that decode only what was looked at: other content raises DataChanged.

    They decode in this process, bytes that came through the sandbox unharmed.
    """

    def load(item: Item) -> NDArray[np.uint8]:
        if item.source is None:
            return data.load(item)
        return images.decode(item.source, sha256=facts[item.id].sha256, name=item.id)

    def masks(item: Item) -> NDArray[np.uint8]:
        assert data.masks is not None
        found = facts[item.id].mask
        if item.mask is None or data.coding is None or found is None:
            return data.masks(item)
        return maskfile.decode(item.mask, data.coding, sha256=found.sha256, name=mask_name(item))

    return replace(data, load=load, masks=None if data.masks is None else masks)


def _rows(data: ImageSet, known: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """The rows of an earlier lock that can be believed: another decoder, or another coding, may see other things."""
    coding = data.coding.key() if data.coding else None
    if known is None or (known.get("format"), known.get("pillow")) != (FORMAT, PIL.__version__):
        return {}
    return {row["path"]: row for row in known["files"]} if known.get("masks", {}).get("coding") == coding else {}


def _file(item: Item, before: Mapping[str, Any] | None, sandbox: Sandbox) -> Facts:
    """What is in an item's files: as before if their content is. Raises ImageProblem."""
    assert item.source is not None
    if before is not None:
        found = Facts.from_plain(before)
        found = replace(found, mask=found.mask if item.mask else None)  # one that is drawn is drawn again
        if images.hash_bytes(images.read_bytes(item.source, item.id)) == found.sha256 and _same_mask(item, found):
            return found
    if item.mask is None:
        return sandbox.look(Files(item.id, item.source))
    return sandbox.look(Files(item.id, item.source, mask_name(item), item.mask))


def _same_mask(item: Item, before: Facts) -> bool:
    if item.mask is None:
        return True
    content = images.hash_bytes(images.read_bytes(item.mask, mask_name(item)))
    return before.mask is not None and content == before.mask.sha256


def _generated(pixels: NDArray[np.uint8]) -> Facts:
    height, width = pixels.shape[:2]
    return Facts(None, images.hash_pixels(pixels), width, height, 0, thumbnail(pixels))


def _with_drawn_mask(item: Item, found: Facts, data: ImageSet) -> Facts:
    """The facts with those of a mask that is no file. Raises ImageProblem."""
    assert data.masks is not None and data.space is not None
    mask: MaskFacts
    if data.own_masks is None or data.coding is None:
        mask = maskfile.generated(data.masks(item), maskfile.coding(data.space))
    else:
        mask = maskfile.generated(data.own_masks(item), data.coding)
    check_match(found, mask, item.id, mask_name(item))
    return replace(found, mask=mask)
