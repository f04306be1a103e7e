"""The `input` of a recipe: what training and evaluation share. It moves pixels, so it is a choice like any other."""

from typing import Literal


def images(
    *,
    size: int | tuple[int, int] = 224,
    normalize: Literal["model", "imagenet"] | dict[str, list[float]] = "model",
    eval_size: int | tuple[int, int] | None = None,
    crop_fraction: float = 0.875,
    prepare: int | None = None,
) -> dict[str, object]:
    """The `input` of a recipe: what training and evaluation share.

    size: side in pixels, or [height, width] for images with masks. normalize: `model` (what the network was trained
    with), `imagenet`, or {mean, std} of values in [0, 1]. eval_size: side at evaluation; null means `size`.
    crop_fraction: at evaluation the shorter side is resized to eval_size / crop_fraction and the centre is cut out;
    images with masks are always seen whole. prepare: every image is reduced once to this length of its shorter side
    (never enlarged), before training and evaluation; null keeps the original pixels.
    """
    return {
        "size": size,
        "normalize": normalize,
        "eval_size": eval_size,
        "crop_fraction": crop_fraction,
        "prepare": prepare,
    }


def sides(size: int | list[int]) -> tuple[int, int]:
    """(height, width) of a size as a recipe writes it."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])
