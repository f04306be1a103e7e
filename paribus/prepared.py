"""Decoded images in one memory map: made once per data set and preparation, shared by all runs and all studies.

A map is named by what it holds (the fingerprints of the data and the preparation), so that nothing needs to be asked
when it is there, and is whole or absent: two processes that make it at the same time both end with the same bytes.
"""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from paribus import durable, regular, sealed
from paribus.datasets import ImageSet, Item
from paribus.errors import IntegrityError, MachineError, Problem

FORMAT = 2
LARGEST_INDEX = 1 << 30  # bytes
PREPARED = "prepared"  # the folder beside `runs` that holds the maps
LIMIT = 20  # GiB; larger sets are decoded again whenever an image is needed
_PIXELS, _INDEX = "pixels.bin", "index.json"
_MAP = re.compile(r"[0-9a-f]{20}")
_LEFTOVER = re.compile(r"\.[0-9a-f]{20}\.\S+")  # of a process, or half removed
_TOGETHER = 64  # images decoded at a time

Pixels = NDArray[np.uint8]
Place = tuple[int, int, int]  # offset in bytes, height, width


@dataclass(frozen=True)
class Prepared:
    """The pixels of a data set, and where each image and mask is in them."""

    pixels: Pixels
    images: Mapping[str, Place] = field(default_factory=dict)
    masks: Mapping[str, Place] = field(default_factory=dict)

    def image(self, item: Item) -> Pixels:
        """(H, W, 3) RGB, a view of the map."""
        offset, height, width = self.images[item.id]
        return self.pixels[offset : offset + height * width * 3].reshape(height, width, 3)

    def mask(self, item: Item) -> Pixels:
        """(H, W) class indices and void, a view of the map."""
        offset, height, width = self.masks[item.id]
        return self.pixels[offset : offset + height * width].reshape(height, width)


def prepared(
    images: ImageSet, fingerprints: Mapping[str, str], shorter: int | None, home: Path, limit: float = LIMIT
) -> Prepared | None:
    """The map of a data set below `home`, made if it is not there; None if it would take more than `limit` GiB.

    fingerprints: split -> fingerprint. shorter: length in pixels to which the shorter side of larger images is
    reduced. Raises MachineError if the disk is full, IntegrityError if a map is not what was written.
    """
    folder = home / _key(fingerprints, shorter, images.masks is not None)
    if not (folder / _INDEX).exists():
        size = _estimate(images, shorter)
        if size > limit * 2**30:
            return None
        durable.need(home, size, "the decoded images")
        _make(images, shorter, folder, size)
    return _opened(folder)


def found(fingerprints: Mapping[str, str], shorter: int | None, masks: bool, home: Path) -> Prepared | None:
    """The map that `prepared` made of these data below `home`; None if it is not there. Raises IntegrityError."""
    folder = home / _key(fingerprints, shorter, masks)
    return _opened(folder) if (folder / _INDEX).exists() else None


def too_large(images: ImageSet, shorter: int | None, limit: float) -> Problem:
    """What is said where a data set has no map."""
    size = _estimate(images, shorter) / 2**30
    fix = "give --prepared GIB for a larger one, or let `input.prepare` reduce the images once."
    message = f"decoded they would take about {size:.0f} GiB, more than {limit:g}; each use decodes an image again."
    return Problem("PREPARED_TOO_LARGE", message, images.name, fix)


def reduced(image: Pixels, shorter: int | None) -> Pixels:
    """The image with its shorter side reduced to `shorter` pixels (bilinear, antialiased); never enlarged."""
    size = reduced_size(image.shape[0], image.shape[1], shorter)
    if size == image.shape[:2]:
        return image
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))


def reduced_size(height: int, width: int, shorter: int | None) -> tuple[int, int]:
    """The (height, width) that `reduced` gives an image."""
    least = min(height, width)
    if shorter is None or least <= shorter:
        return height, width
    return round(height * shorter / least), round(width * shorter / least)


def _key(fingerprints: Mapping[str, str], shorter: int | None, masks: bool) -> str:
    choices = [FORMAT, sorted(fingerprints.items()), shorter, masks]
    choices += [] if shorter is None else [PIL.__version__]  # another one may reduce to other pixels
    text = json.dumps(choices)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _estimate(images: ImageSet, shorter: int | None, sample: int = 16) -> float:
    """Bytes of the map, from a few images spread over the set."""
    step = max(1, len(images.items) // sample)
    some = images.items[::step]
    size = sum(reduced(images.load(item), shorter).nbytes for item in some)
    size += sum(images.masks(item).nbytes for item in some) if images.masks is not None else 0
    return size / len(some) * len(images.items)


def tidy(home: Path) -> None:
    """Remove what a killed process left half made. Only for whoever holds the lock of the runs beside it."""
    for leftover in home.glob(".*.*"):
        if _LEFTOVER.fullmatch(leftover.name):
            durable.remove(leftover)


def maps(home: Path) -> list[Path]:
    """The folders of all maps, whole or not; others that somebody has put there are theirs."""
    found = sorted(home.iterdir()) if home.is_dir() else []
    return [path for path in found if _MAP.fullmatch(path.name) or _LEFTOVER.fullmatch(path.name)]


def _make(images: ImageSet, shorter: int | None, folder: Path, size: float) -> None:
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    durable.remove(aside)
    durable.make_folder(aside)
    places: dict[str, dict[str, Place]] = {"images": {}, "masks": {}}
    digest, offset = hashlib.sha256(), 0
    try:
        with durable.stream(aside / _PIXELS, size) as append:
            for kind, item, pixels in _decoded(images, shorter):
                places[kind][item.id] = (offset, pixels.shape[0], pixels.shape[1])
                content = np.ascontiguousarray(pixels).data
                digest.update(content)
                offset += append(content)
        sealed.write(aside / _INDEX, {"pixels": digest.hexdigest(), **places}, folder.name)
        durable.publish(aside, folder)
    except MachineError:
        if not (folder / _INDEX).exists():  # another process may have been faster; its bytes are the same
            raise
    finally:
        durable.remove(aside)


def _decoded(images: ImageSet, shorter: int | None) -> Iterator[tuple[str, Item, Pixels]]:
    """Every image and mask; decoding leaves Python's lock, so that two threads are twice as fast."""
    waiting = iter(images.items)
    with ThreadPoolExecutor(2) as pool:
        while some := list(islice(waiting, _TOGETHER)):
            for item, pixels in zip(some, pool.map(images.load, some), strict=True):
                yield "images", item, reduced(pixels, shorter)
            if images.masks is not None:
                for item, mask in zip(some, pool.map(images.masks, some), strict=True):
                    yield "masks", item, mask  # at its own size: this is what is scored


def _opened(folder: Path) -> Prepared:
    path = folder / _PIXELS
    try:
        index = sealed.read(folder / _INDEX, folder.name, largest=LARGEST_INDEX)
        regular.size_of(path)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except ValueError as error:
        raise _damaged(folder, _INDEX, str(error)) from None
    except OSError as error:
        raise _damaged(folder, _PIXELS, f"cannot be read: {error.strerror}") from None
    if found != index["pixels"]:
        raise _damaged(folder, _PIXELS, f"has sha256 {found[:16]}, {index['pixels'][:16]} was written")
    # Copy on write: torch asks for writable memory, and nothing that is written reaches the file.
    pixels: Pixels = np.memmap(path, dtype=np.uint8, mode="c") if path.stat().st_size else np.zeros(0, np.uint8)
    places = {k: {name: (p[0], p[1], p[2]) for name, p in index[k].items()} for k in ("images", "masks")}
    return Prepared(pixels, places["images"], places["masks"])


def _damaged(folder: Path, name: str, what: str) -> IntegrityError:
    fix = f"rm -r {shlex.quote(str(folder))} and give the same command again: the map is made again."
    return IntegrityError([Problem("PREPARED_DAMAGED", f"{what}.", f"{folder.name}/{name}", fix)])
