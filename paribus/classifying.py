"""What a run of a classifier says about a split, and how that becomes a learning curve and evidence."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paribus import devices, features
from paribus.datasets import Item
from paribus.errors import Diverged
from paribus.predictions import Evidence
from paribus.views import EVAL_BATCH, Pictures, normalized

if TYPE_CHECKING:
    from paribus.train import Training

Arrays = dict[str, NDArray[np.generic]]


def each_epoch(split: str) -> bool:
    """Whether a split is scored after every epoch: val and test are."""
    return split != "train"


def counts(pictures: Pictures, items: Sequence[Item]) -> list[int]:
    """The training images of each class, for losses with weights; items: those that the run trains on."""
    labels = [item.label for item in items]
    return [int(n) for n in np.bincount(labels, minlength=len(pictures.images.classes))]


def score(training: "Training", pictures: Pictures, split: str) -> Arrays:
    """`logits` (N, C) float32 on the images of a split, in the order of `pictures.items`. Raises Diverged.

    Where the body is frozen its output is computed once and shared by all epochs and runs; only the head is applied
    each time, on batches of the same images, so that both ways give the same bytes. Processes share the batches.
    """
    import torch

    recipe, ranks = training.run.recipe, training.ranks
    own = pictures.own_items(split, ranks)
    training.model.eval()
    with torch.inference_mode(), training.precision():
        if training.body_is_fixed:
            reached = features.of_split(training, pictures, split)
            head = training.model.get_submodule(training.head)
            batches = (devices.moved(batch, training.device) for batch in reached[own].split(EVAL_BATCH))
            logits = [head(batch).flatten(1).float() for batch in batches]
        else:
            network = training.in_evaluation()
            batches = (devices.moved(batch, training.device) for batch in pictures.evaluation(split, recipe, ranks))
            logits = [network(normalized(batch, recipe)).float() for batch in batches]
    size = len(pictures.images.classes)
    mine = torch.cat([torch.zeros(0, size), *map(devices.back, logits)])
    together = ranks.whole(mine, len(pictures.items(split)), own)
    if not together.isfinite().all():
        raise Diverged(f"an output is not finite after epoch {training.reached}")
    return {"logits": together.numpy()}


def row(pictures: Pictures, split: str, scores: Arrays) -> dict[str, float]:
    """One split's part of a row of the learning curve: `<split>_accuracy`, `<split>_loss` (mean log loss)."""
    targets = np.array([i.label for i in pictures.items(split)])
    wide = scores["logits"].astype(np.float64)
    spread = np.log(np.exp(wide - wide.max(axis=1, keepdims=True)).sum(axis=1)) + wide.max(axis=1)
    return {
        f"{split}_accuracy": float((wide.argmax(axis=1) == targets).mean()),
        f"{split}_loss": float((spread - wide[np.arange(len(targets)), targets]).mean()),
    }


def evidence(
    pictures: Pictures, split: str, items: Sequence[Item], epochs: list[int], scores: list[Arrays]
) -> Evidence:
    """What is stored of images of a split: the logits of each epoch."""
    return Evidence(
        split=split,
        image_ids=tuple(item.id for item in items),
        targets=np.array([item.label for item in items], dtype=np.int64),
        classes=pictures.images.classes,
        epochs=tuple(epochs),
        logits=np.stack([each["logits"] for each in scores]).astype(np.float32),
    )
