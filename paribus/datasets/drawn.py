"""`faces` and `streets`: drawn images whose truth is known."""

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from paribus.datasets.items import SPLITS, ImageSet, Item
from paribus.datasets.legend import Labels
from paribus.errors import Problem, StudyError, unknown
from paribus.labels import CAMVID11, chosen, mapped
from paribus.maskfile import coding
from paribus.parts import Range, Share

_KEPT_DRAWINGS = 256 << 20  # bytes of generated pixels held in memory; larger sets are drawn again when asked for

_Side = Annotated[int, Range(32, 1024)]  # pixels


def faces(
    *,
    n: Annotated[int, Range(2)] = 800,
    n_val: Annotated[int, Range(0)] = 400,
    n_test: Annotated[int, Range(0)] = 0,
    size: Annotated[int, Range(32, 1024)] = 96,
    difficulty: Share = 0.5,
    confound: Share | dict[str, Share] = 0.0,
    seed: int = 0,
) -> ImageSet:
    """Drawn faces, smiling or neutral, whose truth is known; nothing is read from disk.

    `n`, `n_val` and `n_test` count the images of each split, `size` is their side in pixels, `difficulty` in [0, 1]
    sets how much the classes overlap, and `confound` is the share of training images whose background hue follows the
    label; {train: 0.8, val: 0.8} links other splits too, and leaves the link broken in test. `seed` draws another set;
    a run's seed never changes the data. Raises StudyError.
    """
    from paribus.faces import CLASSES, draw

    counts = {"train": n, "val": n_val, "test": n_test}
    problems = [f"faces: {k} is {v}, must be 0 or more." for k, v in counts.items() if v < 0]
    problems += ["faces: needs n of 2 or more, and n_val or n_test of 2 or more."] * (n < 2 or max(n_val, n_test) < 2)
    linked = confound if isinstance(confound, dict) else {"train": confound}
    problems += [f"faces: confound: {unknown('split', name, SPLITS)}" for name in linked if name not in SPLITS]
    problems += [
        f"faces: {name} is {value}, must be between 0 and 1."
        for name, value in (("difficulty", difficulty), *(("confound", share) for share in linked.values()))
        if not 0 <= value <= 1
    ]
    problems += [f"faces: size is {size}, must be between 32 and 1024."] * (not 32 <= size <= 1024)
    if problems:
        raise StudyError([Problem("FACES", text) for text in problems])
    keep = sum(counts.values()) * size * size * 3 <= _KEPT_DRAWINGS
    kept: dict[str, NDArray[np.uint8]] = {}

    def item(place: tuple[str, int]) -> Item:
        split, index = place
        face = draw(index, split=split, size=size, difficulty=difficulty, confound=confound, seed=seed)
        name = f"{split}/{index:05d}"
        if keep:
            kept[name] = face.image
        return Item(name, split, face.label, None, box=face.box)

    def load(wanted: Item) -> NDArray[np.uint8]:
        if wanted.id in kept:
            return kept[wanted.id]
        index = int(wanted.id.rpartition("/")[2])
        return draw(index, split=wanted.split, size=size, difficulty=difficulty, confound=confound, seed=seed).image

    with ThreadPoolExecutor(2) as pool:
        items = tuple(pool.map(item, [(split, i) for split, count in counts.items() for i in range(count)]))
    return ImageSet("faces", tuple(CLASSES), items, load)


def streets(
    *,
    n: Annotated[int, Range(2)] = 200,
    n_val: Annotated[int, Range(0)] = 80,
    n_test: Annotated[int, Range(0)] = 0,
    size: tuple[_Side, _Side] = (96, 128),
    difficulty: Share = 0.5,
    seed: int = 0,
    labels: Labels | str | None = None,
) -> ImageSet:
    """Drawn street scenes with CamVid's eleven classes, whose truth is known; nothing is read from disk.

    `n`, `n_val` and `n_test` count the images of each split, `size` is their height and width in pixels, `difficulty`
    in [0, 1] makes them hazy, noisy and badly lit. `seed` draws another set; a run's seed never changes the data.
    `labels` merges classes. The images of one drive are a group. Raises StudyError.
    """
    from paribus.streets import Scene, draw

    counts = {"train": n, "val": n_val, "test": n_test}
    height, width = size
    problems = [f"streets: {k} is {v}, must be 0 or more." for k, v in counts.items() if v < 0]
    problems += ["streets: needs n of 2 or more, and n_val or n_test of 2 or more."] * (n < 2 or max(n_val, n_test) < 2)
    problems += [f"streets: difficulty is {difficulty}, must be between 0 and 1."] * (not 0 <= difficulty <= 1)
    problems += [f"streets: size is {height} x {width}, sides must be between 32 and 1024."] * (
        not all(32 <= side <= 1024 for side in (height, width))
    )
    if problems:
        raise StudyError([Problem("STREETS", text) for text in problems])
    space, numbers = chosen(CAMVID11, labels)
    keep = sum(counts.values()) * height * width * 4 <= _KEPT_DRAWINGS
    kept: dict[str, Scene] = {}

    def scene(split: str, index: int) -> Scene:
        return draw(index, split=split, size=(height, width), seed=seed, difficulty=difficulty)

    def item(place: tuple[str, int]) -> Item:
        split, index = place
        drawn = scene(split, index)
        name = f"{split}/{index:05d}"
        if keep:
            kept[name] = drawn
        return Item(name, split, 0, None, drawn.group)

    def again(wanted: Item) -> Scene:
        return kept.get(wanted.id) or scene(wanted.split, int(wanted.id.rpartition("/")[2]))

    with ThreadPoolExecutor(2) as pool:
        items = tuple(pool.map(item, [(split, i) for split, count in counts.items() for i in range(count)]))
    return ImageSet(
        "streets",
        space.classes,
        items,
        lambda wanted: again(wanted).image,
        space=space,
        masks=lambda wanted: mapped(again(wanted).mask, numbers),
        coding=coding(CAMVID11, space=space, numbers=numbers),
        own_masks=lambda wanted: again(wanted).mask,
    )
