"""A question of a study, after the study file has been read: a contrast over arms, and what it asks."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["compare", "effect", "interaction", "weights"]
CONTROL = "a-a"  # the arm that repeats the baseline on seeds of its own
BLOCK = "block "  # how the names of groups begin that are stretches of contiguous images


@dataclass(frozen=True)
class Question:
    """Weights over arms that sum to zero: `compare: [from, to]` is {from: -1, to: +1}.

    ask: the sentence shown to the reader. metric: the name of a function in `paribus.metrics`.
    margin: in the metric's own unit (0.02 is two points of accuracy); None forbids the verdict of equivalence.
    changed: path -> [from, to], the differences of the completed recipes of the two sides, the asked unit only;
    consequences: the same for what the unit brings with it; tuned: for what `tune` chose for each side, once it has.
    bundle: several units differ, declared so.
    score_in: the label space in which all arms are scored, {"name", "classes": [...], "merge": {new: [old, ...]}}; an
    arm whose classes are those of the space passes through. None scores every arm in its own, which must be one.
    train_fractions: arm -> the share of the training images that each of its seeds draws, where that is below 1.
    """

    name: str
    ask: str
    weights: dict[str, float]
    metric: str
    margin: float | None = None
    kind: Kind = "compare"
    factors: tuple[str, ...] = ()
    primary: bool = False
    control: bool = False  # the A/A row: shown apart, in no family of tests
    bundle: bool = False
    changed: dict[str, list[Any]] = field(default_factory=dict)
    consequences: dict[str, list[Any]] = field(default_factory=dict)
    score_in: dict[str, Any] | None = None
    tuned: dict[str, list[Any]] = field(default_factory=dict)
    train_fractions: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """What was declared before the runs and governs the inference.

    looks: numbers of seeds at which a verdict may be taken; a single number is a fixed design.
    epoch: which epoch counts. split: where scores are taken. groups: image id -> group, or None.
    """

    looks: tuple[int, ...]
    split: str
    epoch: Literal["last", "val", "crossfit"] = "last"
    groups: dict[str, str] | None = None

    @property
    def in_blocks(self) -> bool:
        """Whether the groups are stretches of contiguous images, such as the frames of a video."""
        return bool(self.groups) and all(name.startswith(BLOCK) for name in (self.groups or {}).values())
