"""What a scan found: the facts of each image, the set as it is used, and the lock that remembers both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import PIL

from paribus.datasets import ImageSet, Item
from paribus.errors import Problem
from paribus.maskfile import MaskFacts
from paribus.scan.pixels import SplitPixels, pixels_of

FORMAT = 1


@dataclass(frozen=True)
class Facts:
    """What was found in one usable image. sha256 is None, and file_bytes is 0, for a generated one.

    thumbnail: 8 x 8 RGB values, in which copies that were compressed again or resized are nearly equal. mask: what was
    found in its mask, in a set of masks.
    """

    sha256: str | None
    pixel_hash: str
    width: int
    height: int
    file_bytes: int
    thumbnail: bytes
    warnings: tuple[Problem, ...] = ()
    mask: MaskFacts | None = None


@dataclass(frozen=True)
class Scan:
    """A data set that was looked at.

    images: the usable items; their `load` and `masks` refuse a file whose content is no longer the one that was looked
    at. facts: one entry for each usable item, by id. fingerprints: for each split, a hash over ids, labels or masks,
    pixels and classes; paths have no part in it. origins: the same over masks before their classes are merged, so that
    sets which differ in `labels` alone agree; empty without masks. left_out: what is not used, and why. warnings: what
    is used, and looks odd.
    """

    images: ImageSet
    facts: dict[str, Facts]
    fingerprints: dict[str, str]
    left_out: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    origins: dict[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Problem, ...]:
        return self.left_out + self.warnings

    def pixels(self, split: str) -> SplitPixels:
        """How many pixels and images of a split each class has; of a set of masks."""
        found = [self.facts[item.id].mask for item in self.images.items if item.split == split]
        return pixels_of([mask for mask in found if mask is not None], len(self.images.classes))

    def lock(self) -> dict[str, Any]:
        """JSON-ready: what each usable file was. `scan(known=...)` and `changed` read it."""
        classes = self.images.classes
        plain = {
            "format": FORMAT,
            "pillow": PIL.__version__,
            "data": self.images.name,
            "classes": list(classes),
            "fingerprints": self.fingerprints,
            "files": [_row(item, self.facts[item.id], classes) for item in self.images.items],
            "left_out": [_problem_row(problem) for problem in self.left_out],
        }
        if self.images.space is not None:
            plain["masks"] = {
                "space": self.images.space.plain(),
                "coding": self.images.coding.key() if self.images.coding else None,
                "origins": self.origins,
                "pixels": {split: self.pixels(split).plain() for split in self.fingerprints},
            }
        return plain


def _row(item: Item, facts: Facts, classes: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": item.id,
        "bytes": facts.file_bytes,
        "sha256": facts.sha256,
        "pixels": facts.pixel_hash,
        "width": facts.width,
        "height": facts.height,
        "thumbnail": facts.thumbnail.hex(),
        "label": classes[item.label] if facts.mask is None else None,
        "split": item.split,
        "group": item.group,
    }
    if facts.mask is not None:
        row["mask"] = _mask_row(facts.mask)
    if facts.warnings:
        row["warnings"] = [_problem_row(problem) for problem in facts.warnings]
    return row


def _mask_row(mask: MaskFacts) -> dict[str, Any]:
    row: dict[str, Any] = {
        "sha256": mask.sha256,
        "own": mask.own_hash,
        "pixels": mask.pixel_hash,
        "bytes": mask.file_bytes,
        "width": mask.width,
        "height": mask.height,
        "counts": list(mask.pixels),
        "void": mask.void,
    }
    if mask.palette:
        row["palette"] = [[index, list(colour)] for index, colour in mask.palette]
    if mask.warnings:
        row["warnings"] = [_problem_row(problem) for problem in mask.warnings]
    return row


def _problem_row(problem: Problem) -> dict[str, str]:
    return {"code": problem.code, "message": problem.message, "where": problem.where, "fix": problem.fix}
