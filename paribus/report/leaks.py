"""What images that splits share, or nearly share, do to the scores: each arm's with and without them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paribus import metrics
from paribus.errors import DataError
from paribus.predictions import Scores, part
from paribus.results import Results

Row = dict[str, Any]


def leaks(results: Results, known: Mapping[str, Sequence[Scores]]) -> Row | None:
    """The pairs to show, and the level of each arm on all scored images and without those that have a twin elsewhere.

    known: the scores of each arm's runs. None where no scored image has a twin, or no scan has looked for one.
    """
    told, split = results.data.get("alike"), results.design.split
    suspected = set(told["images"].get(split, ())) if told else set()
    scores = next((runs[0] for runs in known.values() if runs), None)
    if not told or not suspected or scores is None:
        return None
    kept = np.array([image not in suspected for image in scores.image_ids])
    return {
        "split": split,
        "images": len(kept),
        "suspected": int((~kept).sum()),
        "dropped": told["dropped"],
        "count": told["count"],
        "arms": [_arm(results, arm.name, known[arm.name], kept) for arm in results.arms if known[arm.name]],
        "pairs": [pair for pair in told["pairs"] if split in (pair["first_split"], pair["second_split"])],
    }


def _arm(results: Results, name: str, runs: Sequence[Scores], kept: Any) -> Row:
    whole = _level(results.metric, runs)
    without = _level(results.metric, [part(scores, kept) for scores in runs])
    change = None if whole is None or without is None else without - whole
    return {"name": name, "all": whole, "without": without, "change": change}


def _level(metric: str, runs: Sequence[Scores]) -> float | None:
    """The mean over runs; None for a metric of the user's own module, and where too few images are left for one."""
    if metric not in metrics.names() or not len(runs[0].image_ids):
        return None
    try:
        return float(np.mean([metrics.named(metric)(scores).mean() for scores in runs]))
    except DataError:
        return None
