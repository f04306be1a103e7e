"""What a scan found: the facts of each image, the set as it is used, and the lock that remembers both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import PIL

from paribus.datasets import ImageSet, Item
from paribus.errors import Problem
from paribus.maskfile import MaskFacts
from paribus.scan.pixels import SplitPixels, pixels_of
from paribus.scan.sources import Sources

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

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        row: dict[str, Any] = {
            "bytes": self.file_bytes,
            "sha256": self.sha256,
            "pixels": self.pixel_hash,
            "width": self.width,
            "height": self.height,
            "thumbnail": self.thumbnail.hex(),
        }
        if self.mask is not None:
            row["mask"] = self.mask.plain()
        if self.warnings:
            row["warnings"] = [vars(problem) for problem in self.warnings]
        return row

    @classmethod
    def from_plain(cls, row: Mapping[str, Any]) -> "Facts":
        """The facts that `plain` wrote, a row of a lock for instance."""
        return cls(
            row["sha256"],
            row["pixels"],
            row["width"],
            row["height"],
            row["bytes"],
            bytes.fromhex(row["thumbnail"]),
            tuple(Problem(**problem) for problem in row.get("warnings", ())),
            MaskFacts.from_plain(row["mask"]) if "mask" in row else None,
        )


@dataclass(frozen=True)
class Alike:
    """Two images of two splits that look nearly the same, or are.

    distance: root mean square difference of their thumbnails, in grey levels of 255; equalised: once brightness and
    contrast of both are equal. dropped: the first is a copy of the second and was left out of train.
    """

    first: str
    first_split: str
    second: str
    second_split: str
    distance: float = 0.0
    equalised: bool = False
    dropped: bool = False


@dataclass(frozen=True)
class Scan:
    """A data set that was looked at.

    images: the usable items; their `load` and `masks` refuse a file whose content is no longer the one that was looked
    at. facts: one entry for each usable item, by id. fingerprints: for each split, a hash over ids, labels or masks,
    pixels and classes; paths have no part in it. origins: the same over masks before their classes are merged, so that
    sets which differ in `labels` alone agree; empty without masks. left_out: what is not used, and why. warnings: what
    is used, and looks odd. sources: the files themselves, to be watched. alike: images that splits share, or nearly so.
    """

    images: ImageSet
    facts: dict[str, Facts]
    fingerprints: dict[str, str]
    left_out: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    origins: dict[str, str] = field(default_factory=dict)
    sources: Sources = field(default_factory=Sources)
    alike: tuple[Alike, ...] = ()

    @property
    def findings(self) -> tuple[Problem, ...]:
        return self.left_out + self.warnings

    def records(self) -> list[dict[str, str]]:
        """JSON-ready: each finding as `Problem.record` says it."""
        left_out = [problem.record("left_out") for problem in self.left_out]
        return left_out + [problem.record("warning") for problem in self.warnings]

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
            "left_out": [problem.record("left_out") for problem in self.left_out],
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
    label = classes[item.label] if facts.mask is None else None
    return {"path": item.id, "label": label, "split": item.split, "group": item.group} | facts.plain()
