"""What of a data set decides which study fits it."""

from collections import Counter
from dataclasses import dataclass
from statistics import median

from paribus.grouping import groups
from paribus.scan import Scan

IMBALANCED = 3.0  # times as many images as the rarest class has: then each class should count alike
BLOCK = 10  # frames of a film that count as one


@dataclass(frozen=True)
class Material:
    """A data set as it bears on a study.

    split: where scores are taken. train, scored: images of these splits. units: what the statistics may count there:
    groups where there are some; with unequal classes as many images as equal ones would need for the same precision.
    imbalance: images of the largest class over those of the rarest, of train. height, width: medians in pixels.
    shorter: median of the shorter sides.
    """

    classes: tuple[str, ...]
    masks: bool
    film: bool
    split: str
    train: int
    scored: int
    units: int
    imbalance: float
    height: int
    width: int
    shorter: int

    @property
    def balanced(self) -> bool:
        """Whether plain accuracy is a fair measure."""
        return self.imbalance < IMBALANCED

    @property
    def metric(self) -> str:
        """What is scored."""
        return "mean_iou" if self.masks else "accuracy" if self.balanced else "balanced_accuracy"


def material(found: Scan) -> Material:
    """What a scan found, as it bears on a study."""
    images = found.images
    split = "test" if "test" in found.fingerprints else "val"
    each = Counter(item.split for item in images.items)
    masks, film = images.masks is not None, images.frames_per_second is not None
    labels = Counter(item.label for item in images.items if item.split == "train")
    imbalance = 1.0 if masks else max(labels.values()) / min(labels.values())
    own = groups({"block": BLOCK} if film else None, images, split)
    scored = [item.label for item in images.items if item.split == split]
    return Material(
        classes=images.classes,
        masks=masks,
        film=film,
        split=split,
        train=each["train"],
        scored=each[split],
        units=len(set(own.values())) if own else _as_many_equal(scored, imbalance),
        imbalance=imbalance,
        height=round(median(facts.height for facts in found.facts.values())),
        width=round(median(facts.width for facts in found.facts.values())),
        shorter=round(median(min(facts.height, facts.width) for facts in found.facts.values())),
    )


def _as_many_equal(labels: list[int], imbalance: float) -> int:
    """Images that tell plain accuracy as precisely as these tell the mean over classes: K^2 / sum(1 / n_k)."""
    if imbalance < IMBALANCED:
        return len(labels)
    counts = Counter(labels).values()
    return max(2, round(len(counts) ** 2 / sum(1 / n for n in counts)))
