"""Each image of a set, and its mask, read and decoded once."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from paribus import images, maskfile
from paribus.datasets import ImageSet, Item
from paribus.datasets.items import mask_name
from paribus.errors import Problem
from paribus.images import ImageProblem
from paribus.maskfile import MaskFacts
from paribus.scan.facts import FORMAT, Facts

_THUMBNAIL = 8  # pixels a side


def look(
    data: ImageSet, known: Mapping[str, Any] | None, workers: int, progress: Callable[[int, int], None] | None
) -> dict[str, Facts | Problem]:
    """What was found in each item, by id. Pixels are let go at once."""
    # Another version of the decoder may give other pixels for the same file.
    current = known is not None and (known.get("format"), known.get("pillow")) == (FORMAT, PIL.__version__)
    before = {row["path"]: row for row in known["files"]} if known is not None and current else {}
    coding = data.coding.key() if data.coding else None
    same_coding = bool(before) and known is not None and known.get("masks", {}).get("coding") == coding

    def one(item: Item) -> Facts | Problem:
        row = before.get(item.id)
        try:
            found = _generated(data.load(item)) if item.source is None else _file(item.source, item.id, row)
            if data.masks is None:
                return found
            mask = _mask(item, data, row["mask"] if row and same_coding and "mask" in row else None)
            _matching(item, found, mask)
            return replace(found, mask=mask)
        except ImageProblem as error:
            return replace(error.problem, where=item.id)

    seen: dict[str, Facts | Problem] = {}
    with ThreadPoolExecutor(workers) as pool:
        for done, (item, found) in enumerate(zip(data.items, pool.map(one, data.items), strict=True), start=1):
            seen[item.id] = found
            if progress:
                progress(done, len(data.items))
    return seen


def guarded(data: ImageSet, facts: Mapping[str, Facts]) -> ImageSet:
    """The set with loaders that decode only what was looked at: other content raises IntegrityError (DATA_CHANGED)."""

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


def _generated(pixels: NDArray[np.uint8]) -> Facts:
    height, width = pixels.shape[:2]
    return Facts(None, images.hash_pixels(pixels), width, height, 0, _thumbnail(pixels))


def _file(path: Path, name: str, before: Mapping[str, Any] | None) -> Facts:
    if before is not None:
        content = images.hash_bytes(images.read_bytes(path, name))
        if content == before["sha256"]:
            said = tuple(Problem(**row) for row in before.get("warnings", ()))
            small = bytes.fromhex(before["thumbnail"])
            return Facts(content, before["pixels"], before["width"], before["height"], before["bytes"], small, said)
    found = images.read(path, name)
    small = _thumbnail(found.pixels)
    return Facts(found.sha256, found.pixel_hash, found.width, found.height, found.file_bytes, small, found.warnings)


def _thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    return Image.fromarray(pixels).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX).tobytes()


def _mask(item: Item, data: ImageSet, before: Mapping[str, Any] | None) -> MaskFacts:
    """What the mask of an item holds. Raises ImageProblem."""
    if item.mask is None or data.coding is None:
        return _generated_mask(item, data)
    name = mask_name(item)
    try:
        if before is not None and images.hash_bytes(images.read_bytes(item.mask, name)) == before["sha256"]:
            return _known_mask(before)
        found = maskfile.inspect(item.mask, data.coding, name)
    except ImageProblem as error:
        raise ImageProblem([_of_mask(error.problem, item)]) from None
    return replace(found, warnings=tuple(_of_mask(problem, item) for problem in found.warnings))


def _generated_mask(item: Item, data: ImageSet) -> MaskFacts:
    assert data.masks is not None and data.space is not None
    if data.own_masks is None or data.coding is None:
        return maskfile.generated(data.masks(item), maskfile.coding(data.space))
    return maskfile.generated(data.own_masks(item), data.coding)


def _known_mask(row: Mapping[str, Any]) -> MaskFacts:
    return MaskFacts(
        row["sha256"],
        row["own"],
        row["pixels"],
        row["bytes"],
        row["width"],
        row["height"],
        tuple(row["counts"]),
        row["void"],
        tuple((index, (r, g, b)) for index, (r, g, b) in row.get("palette", ())),
        tuple(Problem(**problem) for problem in row.get("warnings", ())),
    )


def _of_mask(problem: Problem, item: Item) -> Problem:
    return replace(problem, where=item.id, message=f"its mask {mask_name(item)}: {problem.message}")


def _matching(item: Item, image: Facts, mask: MaskFacts) -> None:
    """Refuse a mask that is not of its image's size, or may lie on the image before it was turned upright."""
    shown, drawn = (image.width, image.height), (mask.width, mask.height)
    name = mask_name(item)
    turned = any(problem.code == "IMG_EXIF_ROTATED" for problem in image.warnings)
    if turned and item.source is not None:
        sideways = images.orientation_of(images.read_bytes(item.source), item.id) >= 5
        stored = shown[::-1] if sideways else shown
        if drawn == stored:
            fits = "fits the image as it is stored" + (
                ", not as it is shown" if stored != shown else " and as it is shown"
            )
            message = f"its EXIF orientation turns it, and the mask {name} {fits}: which one was it drawn on?"
            fix = "Save the image upright without EXIF data, as the mask lies on it."
            raise ImageProblem([Problem("SEG_EXIF", message, item.id, fix)])
    if drawn != shown:
        sizes = f"is {shown[0]}x{shown[1]}, its mask {name} is {drawn[0]}x{drawn[1]} pixels"
        message = f"{sizes}. A mask is never resized to fit."
        raise ImageProblem([Problem("SEG_SIZE_MISMATCH", message, item.id, "Export the mask at the image's size.")])
