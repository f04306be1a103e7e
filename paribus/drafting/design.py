"""Which study is worth asking for data like these: a baseline, and arms that each change one thing."""

import math
from dataclasses import dataclass, replace
from typing import Any

from paribus.drafting.material import BLOCK, Material

NETWORK = "tf_efficientnet_lite0"
SIDES = (224, 160, 128, 96, 64)  # pixels of the input of classifiers
SHORTER = (256, 192, 128, 96, 64)  # and the shorter side of that of segmentations
MARGIN = 0.02  # in the unit of the metric, for the user to change
MANY = 2000  # training images
STRIDE = 32  # pixels: the sides of a segmentation's input are multiples of it
SCALES = (0.75, 1.5)  # of objects in training on masks


@dataclass(frozen=True)
class Question:
    """An arm, what it changes in the baseline, and the question that it answers. better: the side that may win."""

    name: str
    arm: str
    change: dict[str, Any]
    ask: str
    why: str
    baseline_is_new: bool = True


@dataclass(frozen=True)
class Design:
    """Everything that the time decides about a study, beside its questions."""

    size: int | tuple[int, int]
    epochs: int
    seeds: int
    questions: tuple[Question, ...]
    precision: str = "float32"
    prepare: int | None = None


def sizes(data: Material) -> list[int | tuple[int, int]]:
    """The inputs that are worth their time, the largest first: none larger than the pictures but the smallest."""
    whole = math.ceil(data.shorter / STRIDE) * STRIDE
    sides = SHORTER if data.masks else SIDES
    fitting = [side for side in sides if side < whole]
    least = fitting[-1:] or [sides[-1]]
    own = [whole] if sides[-1] < whole < sides[0] and whole not in sides else []
    found = own + [side for side in sides if side <= whole] or least
    if not data.masks:
        return list(found)
    ratio = data.height / data.width
    return [(_side(s * max(1.0, ratio), s), _side(s * max(1.0, 1 / ratio), s)) for s in found]


def _side(length: float, shorter: int) -> int:
    """The nearest multiple of the stride; of very long pictures at most three times the shorter side."""
    return min(max(STRIDE, round(length / STRIDE) * STRIDE), 3 * shorter)


def area(size: int | tuple[int, int]) -> int:
    """Pixels of an input."""
    return size * size if isinstance(size, int) else size[0] * size[1]


def batch_size(data: Material) -> int:
    """Images of a step: few where there are few, so that an epoch has some steps."""
    usual = 8 if data.masks else 32 if data.train >= 500 else 16
    return max(2, min(usual, data.train // 2))


def epochs(data: Material, pretrained: bool) -> tuple[int, int]:
    """(epochs that are usual for so many images, the fewest that are worth training)."""
    steps = math.ceil(data.train / batch_size(data))
    wanted, low, high = (800, 6, 30) if data.masks else (400, 3, 20)
    if not pretrained:
        wanted, low, high = 2 * wanted, 2 * low, 2 * high
    usual = min(max(round(wanted / steps), low), high)
    return usual, max(1, usual // 3)


def questions(data: Material, pretrained: bool) -> tuple[Question, ...]:
    """What is worth asking of such data, the most important first."""
    if data.masks:
        return _of_masks()
    crop = Question(
        "crop",
        "wild-crop",
        {"augment.random_resized_crop.scale": [0.08, 1]},
        "Is it better to show half of a picture or more in training, or crops down to 8 % of it?",
        "small crops are harder to learn from and harder to learn by heart",
    )
    weights = Question(
        "weights",
        "weighted",
        {"loss.class_weights": "balanced"},
        "Do class weights help the rare classes more than they cost the common ones?",
        f"the largest class has {data.imbalance:.0f} times as many training images as the rarest",
        baseline_is_new=False,
    )
    tuning = Question(
        "tuning",
        "frozen",
        {"trainable": "head"},
        "Does fine-tuning all layers beat training the head alone?",
        "with few images a frozen network may be as good, and is much cheaper",
    )
    rate = Question(
        "rate",
        "low-rate",
        {"optimizer.lr": 1e-3},
        "Does a lower learning rate learn more?",
        "a network that starts from nothing depends on it most",
        baseline_is_new=False,
    )
    smoothing = Question(
        "smoothing",
        "smoothed",
        {"loss.label_smoothing": 0.1},
        "Does label smoothing help?",
        "cheap, and it tempers confident mistakes",
        baseline_is_new=False,
    )
    third = [weights] if not data.balanced else [smoothing] if data.train >= MANY else []
    return (tuning, crop, *third) if pretrained else (crop, *(third or [rate]))


def _of_masks() -> tuple[Question, ...]:
    skips = Question(
        "skips",
        "no-skips",
        {"model.skips": []},
        "Do skip connections help?",
        "they bring back what is thin or small",
    )
    weights = Question(
        "weights",
        "weighted",
        {"loss.class_weights": "root_median_frequency"},
        "Do class weights help?",
        "rare classes count as much as common ones in the mean IoU",
        baseline_is_new=False,
    )
    return skips, weights


def written(data: Material, part: dict[str, Any], title: str, design: Design, pretrained: bool) -> dict[str, Any]:
    """The study as its file says it. part: the data part, with its root. Keys are in the order of the file."""
    asked = design.questions
    study: dict[str, Any] = {
        "title": title,
        "metric": data.metric,
        "margin": MARGIN,
        "seeds": design.seeds,
        "split": data.split,
        "epoch": "last",
    }
    if data.film:
        study["groups"] = {"block": BLOCK}
    study["baseline"] = _baseline(data, part, design, pretrained)
    if asked:
        study["arms"] = {each.arm: each.change for each in asked}
        study["questions"] = {each.name: {"compare": _sides(each), "ask": each.ask} for each in asked}
        study["primary"] = asked[0].name
    return study


def _sides(question: Question) -> list[str]:
    return [question.arm, "baseline"] if question.baseline_is_new else ["baseline", question.arm]


def _baseline(data: Material, part: dict[str, Any], design: Design, pretrained: bool) -> dict[str, Any]:
    given: dict[str, Any] = {"size": list(design.size) if isinstance(design.size, tuple) else design.size}
    given["normalize"] = "model"
    if design.prepare is not None:
        given["prepare"] = design.prepare
    recipe: dict[str, Any] = {"data": part}
    if data.masks:
        recipe["model"] = {"use": "fcn", "backbone": NETWORK, "skips": [8, 16], "pretrained": pretrained}
        augment = [{"use": "scale_crop", "scale": list(SCALES)}, "horizontal_flip"]
        optimizer = {"use": "adamw", "lr": 3e-3} | ({"backbone_lr": 3e-4} if pretrained else {})
    else:
        recipe["model"] = {"use": f"timm:{NETWORK}", "pretrained": pretrained}
        given["crop_fraction"] = 1
        augment = [{"use": "random_resized_crop", "scale": [0.5, 1]}, "horizontal_flip"]
        optimizer = {"use": "adamw", "lr": 5e-3, "backbone_lr": 3e-4} if pretrained else {"use": "adamw", "lr": 3e-3}
    recipe["trainable"] = "all"
    if pretrained and not data.masks:
        recipe["batch_norm"] = "frozen"
    recipe |= {"input": given, "augment": augment, "optimizer": optimizer, "schedule": "one_cycle"}
    recipe |= {"loss": "cross_entropy", "epochs": design.epochs, "batch_size": batch_size(data)}
    if design.precision != "float32":
        recipe["precision"] = design.precision
    return recipe


def prepared_for_masks(data: Material, size: tuple[int, int]) -> int | None:
    """The shorter side to which pictures with masks may be reduced once: no crop of training is enlarged by it."""
    needed = math.ceil(min(size) * SCALES[1])
    return needed if data.shorter >= 1.5 * needed else None


def with_fewer(design: Design, count: int) -> Design:
    """The design with its first questions alone."""
    return replace(design, questions=design.questions[:count])
