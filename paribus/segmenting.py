"""What a run of a segmentation says about a split: pixel counts by truth and prediction, image by image."""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paribus import counting, devices
from paribus.confusion import mean_iou, pixel_accuracy
from paribus.datasets import Item
from paribus.errors import Diverged
from paribus.labels import VOID
from paribus.predictions import MaskEvidence
from paribus.ranks import ALONE, Ranks
from paribus.views import Pictures, normalized

if TYPE_CHECKING:
    from paribus.losses import PixelCounts
    from paribus.train import Training

Arrays = dict[str, NDArray[np.generic]]


def each_epoch(split: str) -> bool:
    """Whether a split is scored after every epoch: val is; test at the two kept epochs."""
    return split == "val"


def counts(pictures: Pictures, items: Sequence[Item]) -> "PixelCounts":
    """The training pixels of each class, and all pixels of the images that hold it, for losses with weights.

    items: the images that the run trains on.
    """
    from paribus.losses import PixelCounts

    size = len(pictures.images.classes)
    own, whole = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for item in items:
        found = np.bincount(pictures.mask(item).numpy().ravel(), minlength=VOID + 1)[:size]
        own += found
        whole += np.where(found > 0, found.sum(), 0)
    return PixelCounts(own.tolist(), whole.tolist())


def score(training: "Training", pictures: Pictures, split: str) -> Arrays:
    """`confusion` and `boundary`, (N, C, C) int32 in the order of `pictures.items`, at the size of each mask.

    Processes share the batches. Raises Diverged.
    """
    import torch

    size, items, ranks = len(pictures.images.classes), pictures.items(split), training.ranks
    own, diverged = pictures.own_items(split, ranks), None
    both = np.zeros((own.stop - own.start, 2, size, size), np.int32)
    try:
        for item, said, counted in zip(items[own], predicted(training, pictures, split, ranks), both, strict=True):
            truth = pictures.mask(item).numpy()
            edge = pictures.once(("edge", item.id), lambda truth=truth: counting.near_boundary(truth))
            counted[0] = counting.counts(said, truth, size)
            counted[1] = counting.counts(said, truth, size, edge)
    except Diverged as error:
        diverged = error
    if ranks.counted(diverged is not None):  # all processes agree on it
        raise diverged or Diverged(f"an output is not finite after epoch {training.reached}")
    whole = ranks.whole(torch.from_numpy(both), len(items), own).numpy()
    return {"confusion": whole[:, 0].copy(), "boundary": whole[:, 1].copy()}


def predicted(
    training: "Training", pictures: Pictures, split: str, ranks: Ranks = ALONE
) -> Iterator[NDArray[np.uint8]]:
    """(H, W) class indices for each image of a split; logits are resized to the mask's own size before the argmax.

    ranks: the processes that share the batches; only the images of this one are predicted. Raises Diverged.
    """
    import torch
    from torch.nn.functional import interpolate

    recipe = training.run.recipe
    network = training.in_evaluation()
    waiting = iter(pictures.items(split)[pictures.own_items(split, ranks)])
    for batch in pictures.evaluation(split, recipe, ranks):
        for few in batch.split(8):
            with torch.inference_mode(), training.precision():
                # Enlarged in torch's default layout, and the argmax taken by numpy: each three times as fast here.
                images = normalized(devices.moved(few, training.device), recipe)
                logits = devices.back(network(images).float()).contiguous()
                if not logits.isfinite().all():
                    raise Diverged(f"an output is not finite after epoch {training.reached}")
                for one in logits:
                    size = list(pictures.mask(next(waiting)).shape)
                    large = interpolate(one[None], size=size, mode="bilinear", align_corners=False)
                    yield large[0].numpy().argmax(axis=0).astype(np.uint8)


def row(pictures: Pictures, split: str, scores: Arrays) -> dict[str, float]:
    """One split's part of a row of the learning curve: `<split>_mean_iou`, `<split>_accuracy` (of pixels)."""
    return {
        f"{split}_mean_iou": float(mean_iou(scores["confusion"]).mean()),
        f"{split}_accuracy": float(pixel_accuracy(scores["confusion"]).mean()),
    }


def evidence(
    pictures: Pictures, split: str, items: Sequence[Item], epochs: list[int], scores: list[Arrays]
) -> MaskEvidence:
    """What is stored of images of a split: the counts of each epoch."""
    return MaskEvidence(
        split=split,
        image_ids=tuple(item.id for item in items),
        classes=pictures.images.classes,
        epochs=tuple(epochs),
        confusion=np.stack([each["confusion"] for each in scores]).astype(np.int32),
        boundary=np.stack([each["boundary"] for each in scores]).astype(np.int32),
    )


def drawn(mask: NDArray[np.uint8], colours: tuple[tuple[int, int, int], ...]) -> bytes:
    """A mask of class indices as a PNG with the colours of its space: lossless, and readable as a picture."""
    image = Image.frombytes("P", (mask.shape[1], mask.shape[0]), mask.tobytes())
    image.putpalette([value for colour in colours for value in colour])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
