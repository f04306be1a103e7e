"""The crop audit: how much of an object the crops of training hold, and how large it looks there.

The crops are drawn again from the recipe's own streams: they are those that training sees, image by image and epoch by
epoch. That objects look larger in training than at evaluation is a rival explanation of what a crop does (Touvron et
al. 2019, arXiv 1906.06423), which is why both sizes are told.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from paribus import windows
from paribus.audits.rows import CropAudit, CropRow, seen, spread
from paribus.datasets import Item
from paribus.parts import build, names
from paribus.prepared import reduced_size
from paribus.recipe import Recipe, augment_paths, has_masks, sides
from paribus.scan import Scan
from paribus.views import Pictures, TrainingViews, eval_sizes
from paribus.windows import Box, Size, Window

DRAWS = 20  # crops of each training image
NO_BOXES = (
    "not applicable: where the object is in the images is not known. Boxes can be given in a file `boxes.csv` in the "
    "folder of the data (path,x,y,w,h in pixels)."
)


def of_arms(recipes: Mapping[str, Recipe], scans: Mapping[str, Scan], seed: int = 0, draws: int = DRAWS) -> CropAudit:
    """The crop audit of some arms, by name; `seed` is that of the run whose crops are drawn again."""
    rows = [row for arm, recipe in recipes.items() if (row := of_arm(arm, recipe, scans[arm], seed, draws))]
    return CropAudit(tuple(rows), seed, None if rows else NO_BOXES)


def of_arm(arm: str, recipe: Recipe, found: Scan, seed: int = 0, draws: int = DRAWS) -> CropRow | None:
    """One arm's row, from `draws` crops of every training image that has a box; None if none has one.

    A recipe with `views: K` has K crops of each image and no more.
    """
    views = TrainingViews(Pictures(found.images), recipe, seed)
    window_of, draws = in_training(views), min(draws, recipe.views or draws)
    shares, sizes, enlarged, fixed = [], [], [], []
    for index, item in enumerate(views.pictures.items("train")):
        if item.box is None:
            continue
        size, box = decoded(item, recipe, found)
        whole_picture = at_evaluation(recipe, size)
        fixed.append((whole_picture.share(box), whole_picture.relative(box)))
        for epoch in range(1, draws + 1):
            window = window_of(epoch, index, size)
            shares.append(window.share(box))
            sizes.append(window.relative(box))
            enlarged.append(window.magnified() / whole_picture.magnified())
    if not shares:
        return None
    return CropRow(
        arm=arm,
        images=len(fixed),
        draws=draws,
        training=seen(shares, sizes),
        evaluation=seen([share for share, _ in fixed], [size for _, size in fixed]),
        enlarged=spread(enlarged),
        not_followed=tuple(part.use for part in recipe.augment if not _known(part.use)),
    )


def in_training(views: TrainingViews) -> Callable[[int, int, Size], Window]:
    """(epoch, index of a training image, its decoded size) -> what the network sees of it then."""
    recipe = views.recipe
    size = sides(recipe.input.args["size"])
    paths = augment_paths([part.use for part in recipe.augment])
    moves = [
        (path, build(part, windows.__name__, size))
        for path, part in zip(paths, recipe.augment, strict=True)
        if part.use in names(windows.__name__)
    ]

    def window_of(epoch: int, index: int, decoded: Size) -> Window:
        window = windows.whole(decoded)
        for path, move in moves:
            window = move(window, views.stream(path, epoch, index))
        if window.size == size:
            return window
        if has_masks(recipe.data):
            return replace(window, size=size)
        return windows.centre(window, size, round(size[0] / recipe.input.args["crop_fraction"]))

    return window_of


def at_evaluation(recipe: Recipe, size: Size) -> Window:
    """What evaluation shows of an image of a decoded size."""
    side, shorter = eval_sizes(recipe)
    picture = windows.whole(size)
    return replace(picture, size=side) if has_masks(recipe.data) else windows.centre(picture, side, shorter)


def decoded(item: Item, recipe: Recipe, found: Scan) -> tuple[Size, Box]:
    """The size at which an item is decoded (see `input.prepare`), and its box there."""
    facts = found.facts[item.id]
    assert item.box is not None
    size = reduced_size(facts.height, facts.width, recipe.input.args["prepare"])
    down, across = size[0] / facts.height, size[1] / facts.width
    left, top, right, bottom = item.box
    return size, (left * across, top * down, right * across, bottom * down)


def _known(use: str) -> bool:
    return use in names(windows.__name__) or use in windows.COLOUR_ONLY
