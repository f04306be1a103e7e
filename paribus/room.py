"""How much room on the disk the runs of a study may take, known before one is trained."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paribus import durable

if TYPE_CHECKING:
    from paribus.train import Training
    from paribus.views import Pictures

STATES = 3  # that an unfinished run keeps at most, see `paribus.states`
MOMENTS = 2  # numbers that an optimizer remembers of a weight, at most


def refuse_too_little(training: "Training", pictures: "Pictures", splits: Iterable[str], runs: int, at: Path) -> None:
    """Raises MachineError (exit 6) if `runs` runs like this one may not find room where `at` is or will be."""
    weights = _size(training.model.state_dict().values())
    learned = _size(p for p in training.model.parameters() if p.requires_grad)
    a_run = of_a_run(training, pictures, splits)
    unfinished = STATES * (weights + MOMENTS * learned) + a_run - weights
    durable.need(at, runs * a_run + unfinished, f"{runs} runs like this one")


def of_a_run(training: "Training", pictures: "Pictures", splits: Iterable[str]) -> int:
    """Bytes of a finished run like this one that is scored on these splits: weights twice, and what it says of images.

    Pictures of predicted masks come on top; they are compressed.
    """
    said = sum(_evidence(training, pictures, split) for split in splits)
    return 2 * _size(training.model.state_dict().values()) + said


def _evidence(training: "Training", pictures: "Pictures", split: str) -> int:
    """Bytes of what is kept of a split: numbers for each class, or two tables of classes by classes, for each epoch."""
    classes = len(pictures.images.classes)
    an_image = 4 * classes if pictures.images.masks is None else 2 * 4 * classes**2
    epochs = training.run.recipe.epochs if training.task.each_epoch(split) else 2
    return len(pictures.items(split)) * an_image * epochs


def _size(tensors: Iterable[Any]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
