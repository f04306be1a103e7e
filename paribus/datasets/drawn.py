"""`faces` and `streets`: drawn images whose truth is known."""

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from paribus.datasets.items import ImageSet, Item
from paribus.errors import Problem, StudyError
from paribus.parts import Range, Share

_KEPT_DRAWINGS = 256 << 20  # bytes of generated pixels held in memory; larger sets are drawn again when asked for


def faces(
    *,
    n: Annotated[int, Range(2)] = 800,
    n_val: Annotated[int, Range(0)] = 400,
    n_test: Annotated[int, Range(0)] = 0,
    size: Annotated[int, Range(32, 1024)] = 96,
    difficulty: Share = 0.5,
    confound: Share = 0.0,
    seed: int = 0,
) -> ImageSet:
    """Drawn faces, smiling or neutral, whose truth is known; nothing is read from disk.

    `n`, `n_val` and `n_test` count the images of each split, `size` is their side in pixels, `difficulty` in [0, 1]
    sets how much the classes overlap, and `confound` is the share of training images whose background hue follows the
    label. `seed` draws another set; a run's seed never changes the data. Raises StudyError.
    """
    from paribus.faces import CLASSES, draw

    counts = {"train": n, "val": n_val, "test": n_test}
    problems = [f"faces: {k} is {v}, must be 0 or more." for k, v in counts.items() if v < 0]
    problems += ["faces: needs n of 2 or more, and n_val or n_test of 2 or more."] * (n < 2 or max(n_val, n_test) < 2)
    problems += [
        f"faces: {name} is {value}, must be between 0 and 1."
        for name, value in (("difficulty", difficulty), ("confound", confound))
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
        options = {"difficulty": difficulty, "confound": confound}
        return draw(index, split=wanted.split, size=size, seed=seed, **options).image

    with ThreadPoolExecutor(2) as pool:
        items = tuple(pool.map(item, [(split, i) for split, count in counts.items() for i in range(count)]))
    return ImageSet("faces", tuple(CLASSES), items, load)
