"""What a study that is not written yet costs on this machine, from real steps on one of its pictures."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paribus import grouping, planning
from paribus.bound import Bound, runs_of
from paribus.prepared import Pixels, reduced
from paribus.questions import Design
from paribus.scan import Scan
from paribus.store import Store
from paribus.study import Study
from paribus.weights import Weights

TRIES = 3  # of what is quick: the first one wakes memory and threads


@dataclass(frozen=True)
class Bench:
    """Measures studies of one data set.

    found: the data. weights: model -> its pretrained weights. decode: seconds in which all its pictures are decoded
    once; no step waits for that later.
    """

    found: Scan
    weights: Mapping[str, Weights]
    decode: float
    _picture: Pixels
    _mask: Pixels | None

    @classmethod
    def of(cls, found: Scan, weights: Mapping[str, Weights]) -> "Bench":
        """Decodes the picture of median size, which stands for all; the quickest time of a few counts."""
        images = found.images
        by_size = sorted(images.items, key=lambda i: (found.facts[i.id].width * found.facts[i.id].height, i.id))
        typical = by_size[len(by_size) // 2]
        times = []
        for _ in range(TRIES):
            began = time.perf_counter()
            picture = images.load(typical)
            mask = images.masks(typical) if images.masks is not None else None
            times.append(time.perf_counter() - began)
        return cls(found, weights, min(times) * len(images.items), picture, mask)

    def bound(self, written: Mapping[str, Any]) -> Bound:
        """A written study on these data, which are not looked at again."""
        study = Study.from_dict(dict(written))
        groups = grouping.groups(study.groups, self.found.images, str(study.split))
        design = Design(study.looks, str(study.split), "last", groups)
        bound = Bound(study, design, dict.fromkeys(study.recipes, self.found), dict(self.weights))
        runs = {arm: runs_of(bound, arm, recipe, study.seeds_of(arm)) for arm, recipe in study.recipes.items()}
        return replace(bound, runs=runs)

    def costs(self, written: Mapping[str, Any], precisions: Sequence[str]) -> list[planning.ArmCost]:
        """Of each arm, as if none of its runs were there."""
        bound = self.bound(written)
        shorter = bound.study.recipes["baseline"].input.args["prepare"]
        picture = reduced(self._picture, shorter)
        images = replace(self.found.images, load=lambda item: picture)
        if (mask := self._mask) is not None:
            images = replace(images, masks=lambda item: mask)
        scan = replace(self.found, images=images)
        nowhere = Store(Path(os.devnull))
        return planning.costs(replace(bound, scans=dict.fromkeys(bound.scans, scan)), nowhere, precisions)


def bf16_may_be_faster(side: int = 384) -> bool:
    """Whether a matrix product in bf16 is faster here than in float32; a processor that imitates it is many times
    slower, so that no step of training need be timed.
    """
    import torch

    def seconds(kind: torch.dtype) -> float:
        square = torch.ones(side, side, dtype=kind)
        times = []
        for _ in range(TRIES):
            began = time.perf_counter()
            square @ square
            times.append(time.perf_counter() - began)
        return min(times)

    return seconds(torch.bfloat16) < seconds(torch.float32)
