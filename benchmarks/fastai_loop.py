"""fastai's Learner as its users run it: its own loaders, workers and training loop. Runs in the peers' environment."""

import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from fastai.vision.all import (
    SGD,
    Callback,
    CrossEntropyLossFlat,
    Flip,
    ImageDataLoaders,
    Learner,
    Normalize,
    RandomResizedCrop,
)

from benchmarks.networks import network
from benchmarks.tutorial import MEAN, STD


class Stopwatch(Callback):  # type: ignore[misc]
    """The seconds of the training part of the last epoch, its loader's start included."""

    seconds = 0.0

    def before_train(self) -> None:
        """Before the first batch is asked for."""
        self.began = time.perf_counter()

    def after_train(self) -> None:
        """After the last step, before validation."""
        self.seconds = time.perf_counter() - self.began


def epochs(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One epoch of `Learner.fit` a measurement: `images` and `seconds`. settings as for the tutorial's loop."""
    loaders = ImageDataLoaders.from_folder(
        Path(settings["data"]),
        train="train",
        valid="val",
        item_tfms=RandomResizedCrop(settings["size"], min_scale=0.08),
        batch_tfms=[Flip(), Normalize.from_stats(MEAN, STD)],
        bs=settings["batch"],
        device=torch.device("cpu"),
    )
    loaders.train.drop_last = False  # every loop trains on the same images
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(
            loaders,
            network(settings | {"classes": len(loaders.vocab)}),
            loss_func=CrossEntropyLossFlat(),
            opt_func=partial(SGD, mom=0.9),
            lr=0.001,
            cbs=watch,
            path=folder,
        )
        torch.set_num_threads(settings["threads"])
        learner.fit(1)
        yield {"workers": loaders.train.fake_l.num_workers, "threads": torch.get_num_threads()}
        while True:
            learner.fit(1)
            yield {"images": len(loaders.train_ds), "seconds": watch.seconds}
