"""What the original report printed, as data, and what follows from the printed numbers alone.

It is a computer-vision homework report of December 2019: each arm was trained once, and the number of its best epoch
was printed, chosen on the images it is the accuracy of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy import stats as distributions

from paribus.labels import CAMVID11
from paribus.report.numbers import MINUS
from paribus.stats import mcnemar

IMAGES = 400  # of the validation split: not printed, the fewest that fit every printed accuracy (`fewest_images`)
DECIMALS = 4  # of every printed accuracy
NEAR_ZERO = 0.05  # an IoU below it is a class that is hardly ever found


@dataclass(frozen=True)
class Classifier:
    """One arm of part 1. accuracy: of the best epoch on the validation images; seconds: of its training."""

    question: str
    name: str
    accuracy: float
    seconds: int


@dataclass(frozen=True)
class Segmenter:
    """One arm of part 2, each number with the epoch it is the best of."""

    question: str
    name: str
    mean_iou: float
    mean_iou_epoch: int
    pixel_accuracy: float
    pixel_accuracy_epoch: int


@dataclass(frozen=True)
class PerClass:
    """One row of 2-4: IoU of each class "at maximum performance", beside the two means printed with it."""

    name: str
    classes: tuple[str, ...]
    iou: tuple[float, ...]
    mean_iou: float
    pixel_accuracy: float

    @property
    def undetected(self) -> tuple[str, ...]:
        """The classes with an IoU of exactly zero."""
        return tuple(name for name, value in self._pairs if value == 0)

    @property
    def hardly_detected(self) -> tuple[str, ...]:
        """The classes with an IoU below `NEAR_ZERO`, those of zero among them."""
        return tuple(name for name, value in self._pairs if value < NEAR_ZERO)

    @property
    def mean(self) -> float:
        """The mean of the printed list."""
        return mean(self.iou)

    def mean_without(self, left_out: Sequence[str]) -> float:
        """The mean of the printed list without these classes."""
        return mean([value for name, value in self._pairs if name not in left_out])

    @property
    def _pairs(self) -> list[tuple[str, float]]:
        return list(zip(self.classes, self.iou, strict=True))


EXTRACTOR = Classifier("1-1", "feature extractor", 0.8300, 4 * 60 + 15)
FINE_TUNED = Classifier("1-2", "fine-tuned", 0.8750, 5 * 60 + 24)
ALEXNET = Classifier("1-3", "AlexNet from scratch", 0.7175, 5 * 60 + 26)
EXTRACTOR_WHOLE_FACE = Classifier("1-5", "feature extractor, whole face", 0.7825, 3 * 60 + 33)
FINE_TUNED_WHOLE_FACE = Classifier("1-6", "fine-tuned, whole face", 0.8925, 4 * 60 + 45)
BEST_RECIPE = Classifier("1-8", "best recipe", 0.9075, 14 * 60 + 12)
CLASSIFIERS = (EXTRACTOR, FINE_TUNED, ALEXNET, EXTRACTOR_WHOLE_FACE, FINE_TUNED_WHOLE_FACE, BEST_RECIPE)

ALEXNET_PARAMETERS = 61_100_840  # of torchvision's, with its 1000 classes
EFFICIENTNET_B2_PARAMETERS = 9_200_000  # as printed

WITH_SKIPS = Segmenter("2-1", "with skip connections", 0.4295, 41, 0.8523, 41)
WITHOUT_SKIPS = Segmenter("2-2", "without skip connections", 0.4055, 20, 0.8384, 17)
THREE_CLASSES = Segmenter("2-3", "three classes, without skip connections", 0.8261, 20, 0.9629, 20)
SEGMENTERS = (WITH_SKIPS, WITHOUT_SKIPS, THREE_CLASSES)

ELEVEN_BY_CLASS = PerClass(
    "11 classes",
    CAMVID11.classes,
    (0.8899, 0.7452, 0.0, 0.9159, 0.7039, 0.7380, 0.0, 0.0034, 0.2936, 0.0353, 0.0),
    0.3932,
    0.8306,
)
THREE_BY_CLASS = PerClass("3 classes", ("sky", "static", "objects"), (0.9049, 0.9559, 0.6175), 0.8261, 0.9629)


def mean(values: Sequence[float]) -> float:
    """The plain mean."""
    return sum(values) / len(values)


def fewest_images(accuracies: Sequence[float], most: int = 10_000) -> int | None:
    """The fewest images of which every printed accuracy can be the share of right ones; None above `most`."""

    def fits(accuracy: float, images: int) -> bool:
        return round(round(accuracy * images) / images, DECIMALS) == round(accuracy, DECIMALS)

    return next((n for n in range(1, most + 1) if all(fits(a, n) for a in accuracies)), None)


def images_apart(first: Classifier, second: Classifier) -> int:
    """How many more of the validation images the second network got right."""
    return round((second.accuracy - first.accuracy) * IMAGES)


def most_disagreement(net: int, alpha: float = 0.05) -> int | None:
    """On how many images two networks may disagree at most for a net gain of `net` images to reach p < alpha.

    The exact test of McNemar: with more images on which one is right and the other wrong, the same net gain is chance.
    None where not even one-sided disagreement reaches it.
    """
    if mcnemar(abs(net), 0) >= alpha:
        return None
    return abs(net) + 2 * _last(lambda lost: mcnemar(abs(net) + lost, lost) < alpha)


def _last(holds: Callable[[int], bool]) -> int:
    """The last number from 0 up to which `holds` without a gap."""
    number = 0
    while holds(number + 1):
        number += 1
    return number


def of_images_alone(accuracy: float, images: int = IMAGES) -> tuple[float, float]:
    """The 95 % interval (Wilson 1927) of one fixed network's accuracy, from the few images alone."""
    found = distributions.binomtest(round(accuracy * images), images).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def minutes(seconds: int) -> str:
    """As the original printed it: `4 m 15 s`."""
    return f"{seconds // 60} m {seconds % 60} s"


def percent(value: float) -> str:
    """A printed share with all of its digits: `71.75 %`."""
    return f"{100 * value:.2f}\N{NO-BREAK SPACE}%"


def points(difference: float) -> str:
    """A difference of printed shares with all of its digits: `+1.75 points`."""
    shown = round(100 * difference, 2)
    return f"{'+' if shown > 0 else MINUS if shown < 0 else ''}{abs(shown):.2f}\N{NO-BREAK SPACE}points"
