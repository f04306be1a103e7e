"""From a predicted mask and the true one to pixel counts. Void pixels of the truth are never counted."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from paribus.labels import VOID

Mask = NDArray[np.uint8]
WITHIN = 3  # pixels; how far from another class of the truth a pixel is still near a boundary


def counts(prediction: Mask, truth: Mask, classes: int, where: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """(classes, classes) pixel counts; rows are the truth, columns the prediction.

    prediction, truth: (H, W) class indices; VOID in the truth is left out, whatever was predicted there.
    where: (H, W), the pixels that count; all if not given. Raises ValueError for masks of different shapes and for
    counted pixels whose values are not below `classes`.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"The prediction has shape {prediction.shape}, the truth {truth.shape}; they must be equal.")
    counted = truth != VOID
    if where is not None:
        counted &= where
    rows, columns = truth[counted], prediction[counted]
    for name, values in (("truth", rows), ("prediction", columns)):
        if values.size and int(values.max()) >= classes:
            raise ValueError(f"The {name} holds the value {values.max()}; there are {classes} classes from 0.")
    pairs = rows.astype(np.int64) * classes + columns
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def near_boundary(truth: Mask, within: int = WITHIN) -> NDArray[np.bool_]:
    """(H, W) which labelled pixels have another class of the truth at most `within` rows and columns away.

    The distance is Chebyshev's: a square of 2 x `within` + 1 pixels around the pixel holds another class. Void is no
    class: a border between a class and void is no boundary, and a boundary whose line itself is void counts for the
    pixels that reach across it. Depends on the truth only, so that it is the same for every prediction.
    """
    labelled = truth != VOID
    size = 2 * within + 1
    highest = maximum_filter(np.where(labelled, truth, 0), size=size, mode="nearest")
    lowest = minimum_filter(truth, size=size, mode="nearest")  # VOID is above every class
    near: NDArray[np.bool_] = labelled & (highest != lowest)
    return near


def boundary_counts(prediction: Mask, truth: Mask, classes: int, within: int = WITHIN) -> NDArray[np.int64]:
    """(classes, classes) as `counts`, of the pixels that `near_boundary` names; errors as there."""
    return counts(prediction, truth, classes, near_boundary(truth, within))
