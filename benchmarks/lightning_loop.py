"""Lightning's Trainer as its users run it, on the tutorial's loader. Runs in the peers' environment."""

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks.networks import network, trained
from benchmarks.tutorial import MEAN, STD, WORKERS


class Classifier(lightning.LightningModule):  # type: ignore[misc]
    """A network with its loss and its optimizer."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], number: int) -> torch.Tensor:
        """The loss of a batch."""
        images, targets = batch
        return nn.functional.cross_entropy(self.model(images), targets)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """As in the tutorial."""
        return torch.optim.SGD(trained(self.model), lr=0.001, momentum=0.9)


class Gate(lightning.Callback):  # type: ignore[misc]
    """Holds every epoch until it is asked for, and answers with the seconds of its training."""

    def __init__(self) -> None:
        self.asked: queue.Queue[None] = queue.Queue()
        self.answers: queue.Queue[float] = queue.Queue()
        self.began = 0.0

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Before the loader's workers start."""
        self.asked.get()
        self.began = time.perf_counter()

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """After the last step."""
        self.answers.put(time.perf_counter() - self.began)

    def epoch(self) -> float:
        """Let an epoch pass; its seconds."""
        self.asked.put(None)
        return self.answers.get()


def epochs(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One epoch of `Trainer.fit` a measurement: `images` and `seconds`. settings as for the tutorial's loop."""
    end = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    view = transforms.Compose([transforms.RandomResizedCrop(settings["size"]), transforms.RandomHorizontalFlip(), *end])
    images = datasets.ImageFolder(Path(settings["data"]) / "train", view)
    loader = DataLoader(images, settings["batch"], shuffle=True, num_workers=WORKERS)
    gate = Gate()

    def fit() -> None:
        torch.set_num_threads(settings["threads"])  # a thread has its own setting
        trainer = lightning.Trainer(
            accelerator="cpu", max_epochs=-1, logger=False, enable_checkpointing=False, callbacks=gate
        )
        trainer.fit(Classifier(network(settings | {"classes": len(images.classes)})), loader)

    # The Trainer wants to be in charge of its loop, so it gets a thread, which ends with the process.
    threading.Thread(target=fit, daemon=True).start()
    gate.epoch()
    yield {"workers": WORKERS}
    while True:
        yield {"images": len(images), "seconds": gate.epoch()}
