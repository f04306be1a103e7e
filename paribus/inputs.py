"""The `input` of a recipe: what training and evaluation share. It moves pixels, so it is a choice like any other."""

from typing import Annotated, Literal

from paribus.parts import Range

Pixels = Annotated[int, Range(8, 4096)]


def images(
    *,
    size: Pixels | tuple[Pixels, Pixels] = 224,
    normalize: Literal["model", "imagenet"] | dict[str, list[float]] = "model",
    eval_size: Pixels | tuple[Pixels, Pixels] | None = None,
    crop_fraction: Annotated[float, Range(0.1, 1)] = 0.875,
    prepare: Pixels | None = None,
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
