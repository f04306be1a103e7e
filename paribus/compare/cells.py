"""What a file of predictions holds, before files and runs are put side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Names = NDArray[np.object_]
SPLITS = ("train", "val", "test")
UNNAMED_SPLIT = "test"  # where a file does not say which split it was scored on
ONLY_EPOCH = 1  # where a file does not count epochs


@dataclass(frozen=True)
class Cell:
    """One run on one split at one epoch.

    image_ids, targets: (N,) text. groups: (N,) text or None. answers: (N,) class names, where the file names an
    answer. scores: (N, C) float64 in the order of `classes`, where the file has scores. where: the file, for messages.
    lines: (N,) lines of a table, or None.
    """

    arm: str
    seed: int
    split: str
    epoch: int
    image_ids: Names
    targets: Names
    groups: Names | None
    answers: Names | None
    scores: NDArray[np.float64] | None
    classes: tuple[str, ...]
    where: str
    lines: NDArray[np.int64] | None = None

    @property
    def key(self) -> tuple[str, int, str, int]:
        """What may occur only once."""
        return self.arm, self.seed, self.split, self.epoch

    def called(self) -> str:
        """`arm 'a', seed 0 (test, epoch 1)`."""
        return f"arm {self.arm!r}, seed {self.seed} ({self.split}, epoch {self.epoch})"


def some(items: Sequence[object], most: int = 3) -> str:
    """`'a', 'b', 'c' and 12 more`."""
    shown = ", ".join(repr(i) for i in items[:most])
    return shown + (f" and {len(items) - most} more" if len(items) > most else "")


def at_lines(numbers: Sequence[int]) -> str:
    """`line 4`, `lines 4, 7 and 12 more`."""
    shown = ", ".join(str(n) for n in numbers[:5])
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"


def is_arm_name(name: str) -> bool:
    """1 to 64 printable characters without blanks at the ends."""
    return 1 <= len(name) <= 64 and name.isprintable() and name == name.strip()
