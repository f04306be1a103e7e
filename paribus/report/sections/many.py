"""What the page shows of runs that are too many to be drawn one by one: where they lie. The tables hold every one.

A browser has to open the page of ten thousand runs as well, and a reader sees no more in a hundred dots than in a box.
"""

from collections.abc import Sequence

import numpy as np

from paribus.report.sections.words import Row

DRAWN = 50  # runs of an arm that are drawn, a dot or a line each
LISTED = 1000  # runs of a study that are listed, a row each
SHOWN = 12  # arms whose answers to an image are shown

FIVE = "lowest, quartiles and highest"


def five(values: Sequence[float]) -> list[float]:
    """The lowest value, the three quartiles, and the highest, of finite values."""
    return [float(v) for v in np.quantile(values, (0, 0.25, 0.5, 0.75, 1))]


def drawn(document: Row) -> bool:
    """Whether each run of every arm is drawn."""
    return all(len(arm["runs"]) <= DRAWN for arm in document["arms"])


def listed(document: Row) -> bool:
    """Whether each run has a row on the page."""
    return sum(len(arm["runs"]) for arm in document["arms"]) <= LISTED
