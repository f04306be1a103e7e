"""The `input` of a recipe: what training and evaluation share. It moves pixels, so it is a choice like any other."""

from typing import Literal


def images(
    *,
    size: int = 224,
    normalize: Literal["model", "imagenet"] | dict[str, list[float]] = "model",
    eval_size: int | None = None,
    crop_fraction: float = 0.875,
) -> dict[str, object]:
    """The `input` of a recipe: what training and evaluation share.

    size: side in pixels. normalize: `model` (what the network was trained with), `imagenet`, or {mean, std} of values
    in [0, 1]. eval_size: side at evaluation; null means `size`. crop_fraction: at evaluation the shorter side is
    resized to eval_size / crop_fraction and the centre is cut out.
    """
    return {"size": size, "normalize": normalize, "eval_size": eval_size, "crop_fraction": crop_fraction}
