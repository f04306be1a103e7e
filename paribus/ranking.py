"""How sure an order of arms is: the share of each order under resampling of runs and images. A description, no test."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Order = tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """Arms by their mean, and how often resampling gives each order.

    order: best first, as measured. orders: order -> share of the draws, the most frequent first. above: (a, b) ->
    share of the draws in which a is above b; equal means count half. runs_vary: False where every arm has one run, so
    that only the images were resampled and nothing is said about other seeds.
    """

    order: Order
    orders: dict[Order, float]
    above: dict[tuple[str, str], float]
    draws: int
    runs_vary: bool

    def share(self, order: Sequence[str]) -> float:
        """In how many of the draws the arms of `order` stand in this order, whatever stands between them."""
        wanted = set(order)
        return sum(share for each, share in self.orders.items() if _of(each, wanted) == tuple(order))


def ranking(
    scores: Mapping[str, ArrayLike], groups: Sequence[str] | None = None, draws: int = 4000, seed: int = 0
) -> Ranking:
    """The ranking of arms by the pigeonhole bootstrap (Owen 2007): runs within each arm and images are both resampled.

    scores: arm -> (runs, images), higher is better, all on the same images. groups: (images,) labels of images that
    belong together and are drawn together, or None. The images of a draw are the same for all arms. Equal means keep
    the order of `scores`. Raises ValueError where the shapes do not fit.
    """
    arrays = {arm: np.asarray(y, dtype=np.float64) for arm, y in scores.items()}
    _refuse(arrays, groups)
    generator = np.random.default_rng(seed)
    weights = _image_weights(next(iter(arrays.values())).shape[1], groups, draws, generator)
    means = np.stack([_resampled(y, weights, generator) for y in arrays.values()])
    names = tuple(arrays)
    order = np.argsort([-y.mean() for y in arrays.values()], kind="stable")
    drawn = Counter(tuple(names[k] for k in column) for column in np.argsort(-means, axis=0, kind="stable").T)
    above = {
        (a, b): float(np.mean((means[i] > means[j]) + 0.5 * (means[i] == means[j])))
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i != j
    }
    orders = {each: number / draws for each, number in drawn.most_common()}
    runs_vary = any(len(y) > 1 for y in arrays.values())
    return Ranking(tuple(names[k] for k in order), orders, above, draws, runs_vary)


def _image_weights(images: int, groups: Sequence[str] | None, draws: int, generator: np.random.Generator) -> Floats:
    """(draws, images) how often each image was drawn, as shares that sum to 1."""
    codes = np.arange(images) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    units = int(codes.max()) + 1
    counts = generator.multinomial(units, np.full(units, 1 / units), size=draws)[:, codes].astype(np.float64)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _resampled(y: Floats, weights: Floats, generator: np.random.Generator) -> Floats:
    """(draws,) the mean of as many runs as there are, drawn with replacement, on the images of each draw."""
    runs = len(y)
    drawn = generator.multinomial(runs, np.full(runs, 1 / runs), size=len(weights)) / runs
    return np.asarray(((weights @ y.T) * drawn).sum(axis=1))


def _of(order: Order, wanted: set[str]) -> Order:
    return tuple(arm for arm in order if arm in wanted)


def _refuse(arrays: Mapping[str, Floats], groups: Sequence[str] | None) -> None:
    shapes = {arm: y.shape for arm, y in arrays.items()}
    wrong = [f"{arm} has shape {s}; expected (runs, images)." for arm, s in shapes.items() if len(s) != 2 or 0 in s]
    if len(arrays) < 2:
        wrong.append(f"There are {len(arrays)} arms; an order needs two.")
    if not wrong and len({s[1] for s in shapes.values()}) > 1:
        wrong.append("The arms were scored on different numbers of images.")
    if not wrong and groups is not None and len(groups) != next(iter(shapes.values()))[1]:
        wrong.append(f"There are {len(groups)} group labels; expected one an image.")
    if wrong:
        raise ValueError(" ".join(wrong))
