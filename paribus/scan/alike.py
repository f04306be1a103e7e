"""Images of two splits that look nearly the same: found by difference hashes and by small thumbnails.

A difference hash keeps of an image which of two neighbouring patches is brighter (Krawetz, "Kind of like that", 2013):
copies that were made brighter or paler keep it. In flat patches it hangs on noise; there the plain difference of the
thumbnails sees copies that were compressed again or resized. A pair counts if either does.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from paribus.datasets import SPLITS, Item
from paribus.errors import Problem
from paribus.scan.facts import Alike, Facts

NAMED = 10  # pairs that a warning of their own names
# Root mean square difference of two thumbnails, in grey levels of 255, up to which they count as nearly the same. In
# photographs and faces the closest different pictures were 8 and more apart, a picture and its JPEG copy 1.4.
NEAR = 3.0
# Differences of two hashes, of 112, up to which a pair is looked at closer; and as NEAR, in grey and once brightness
# and contrast are equal. Of 5 million pairs of faces the closest had 5 and 10.0, of photographs 19 and 22.3; nearly all
# copies that were made brighter, darker, paler or of another gamma are within.
BITS = 8
NEAR_EQUALISED = 8.0
_SPREAD = 48.0  # grey levels: the standard deviation to which contrast is made equal
_FLAT = 8.0  # one below which a thumbnail has too little content for that
_STEP = 1.0  # grey levels: what is less between neighbouring patches is a flat place
_BUSY = 0.8  # share of neighbouring patches that differ: of photographs and faces 95 % have more, of drawn shapes none
_ROWS = 256  # images compared with all others at a time

Floats = NDArray[np.float32]


def near_copies(items: Sequence[Item], facts: Mapping[str, Facts]) -> list[Alike]:
    """The pairs of images of two splits that look nearly the same, the closest first. No threshold is sure."""
    pairs: list[Alike] = []
    for first, second in combinations(SPLITS, 2):
        left = [item for item in items if item.split == first]
        right = [item for item in items if item.split == second]
        if left and right:
            found = _pairs(_thumbnails(left, facts), _thumbnails(right, facts))
            pairs += [Alike(left[i].id, first, right[j].id, second, round(d, 2), e) for i, j, d, e in found]
    return sorted(pairs, key=lambda pair: (pair.distance, pair.first, pair.second))


def remarks(pairs: Sequence[Alike]) -> list[Problem]:
    """A warning for each of the closest pairs, and how many there are."""
    found = []
    for pair in pairs[:NAMED]:
        equal = " once brightness and contrast are equal" if pair.equalised else ""
        difference = f"thumbnails differ by {pair.distance:.1f} of 255{equal}"
        message = f"looks nearly like {pair.second} of {pair.second_split} ({difference}): a copy?"
        found.append(Problem("SPLIT_NEAR_DUPLICATE", message, pair.first))
    if len(pairs) > NAMED:
        message = f"{len(pairs)} pairs in all; the closest are named."
        found.append(Problem("SPLIT_NEAR_DUPLICATE", message))
    return found


def _thumbnails(items: Sequence[Item], facts: Mapping[str, Facts]) -> Floats:
    """(N, 192) grey levels around 0."""
    return np.stack([np.frombuffer(facts[i.id].thumbnail, np.uint8) for i in items]).astype(np.float32) - 128


def _pairs(a: Floats, b: Floats) -> list[tuple[int, int, float, bool]]:
    """(row of a, row of b, distance, whether it is one of equalised thumbnails) of pairs that look nearly the same."""
    found: list[tuple[int, int, float, bool]] = []
    grey_b, bits_b, full_b = _equalised(b), _hashes(b), _has_content(b)
    for start in range(0, len(a), _ROWS):
        part = a[start : start + _ROWS]
        plain, grey = _distances(part, b), _distances(_equalised(part), grey_b)
        bits = (bits_b.shape[1] - _hashes(part) @ bits_b.T) / 2
        alike = (bits <= BITS) & (grey <= NEAR_EQUALISED) & _has_content(part)[:, None] & full_b
        for i, j in np.argwhere((plain <= NEAR) | alike):
            equalised = bool(plain[i, j] > NEAR)
            found.append((start + int(i), int(j), float(grey[i, j] if equalised else plain[i, j]), equalised))
    return found


def _distances(a: Floats, b: Floats) -> Floats:
    """(len(a), len(b)) root mean square differences of rows."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares / a.shape[1], 0))


def _equalised(thumbnails: Floats) -> Floats:
    """(N, 64) grey, with mean 0 and one standard deviation."""
    grey = _grey(thumbnails).reshape(len(thumbnails), -1)
    centred = grey - grey.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(axis=1, keepdims=True), _FLAT) * _SPREAD, dtype=np.float32)


def _has_content(thumbnails: Floats) -> NDArray[np.bool_]:
    """(N,) whether there is contrast to be made equal, nearly everywhere: two plain shapes are no copies."""
    grey = _grey(thumbnails)
    busy = np.mean(np.abs(_steps(grey)) > _STEP, axis=1) >= _BUSY
    return np.asarray(busy & (grey.std(axis=(1, 2)) >= _FLAT))


def _hashes(thumbnails: Floats) -> Floats:
    """(N, 112) 1 where a patch is brighter than its left or upper neighbour, else -1."""
    return np.where(_steps(_grey(thumbnails)) > 0, np.float32(1), np.float32(-1))


def _steps(grey: Floats) -> Floats:
    """(N, 112) from each patch to its right and to its lower neighbour."""
    sideways, down = (np.diff(grey, axis=axis).reshape(len(grey), -1) for axis in (2, 1))
    return np.concatenate([sideways, down], axis=1)


def _grey(thumbnails: Floats) -> Floats:
    """(N, 8, 8) means of the three colours."""
    return np.asarray(thumbnails.reshape(-1, 8, 8, 3).mean(axis=3), dtype=np.float32)
