"""Scores of images whose mean is an average of ratios of sums, such as mean IoU or balanced accuracy."""

import numpy as np
from numpy.typing import NDArray

from paribus.errors import DataError

Floats = NDArray[np.float64]


def linearised(
    numerators: Floats,
    denominators: Floats,
    classes: NDArray[np.bool_] | None = None,
) -> Floats:
    """(N,) scores whose mean is the average over classes of the ratio of sums; arguments (N, C).

    y_i = mean over c of R_c + (num_ic - R_c den_ic) / mean(den_c), with R_c = sum(num_c) / sum(den_c).
    classes: (C,) those that count; all with a denominator above 0 if not given. Raises DataError if none counts.
    """
    kept = denominators.sum(axis=0) > 0 if classes is None else classes
    if not kept.any():
        raise DataError("No class occurs in these images, so that an average over classes is 0 / 0.")
    num, den = numerators[:, kept], denominators[:, kept]
    ratio = num.sum(axis=0) / den.sum(axis=0)
    return np.asarray((ratio + (num - ratio * den) / den.mean(axis=0)).mean(axis=1), dtype=np.float64)
