"""`faces`, `streets` and `drives`: drawn images whose truth is known."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from paribus.datasets.items import SPLITS, ImageSet, Item
from paribus.datasets.legend import Labels
from paribus.datasets.splitting import split_up
from paribus.errors import Problem, StudyError, unknown
from paribus.labels import CAMVID11, chosen, mapped
from paribus.maskfile import coding
from paribus.parts import Range, Share

_KEPT_DRAWINGS = 256 << 20  # bytes of generated pixels held in memory; larger sets are drawn again when asked for

MOST = 100_000  # images of a split, or frames of a film
_Side = Annotated[int, Range(32, 1024)]  # pixels


def faces(
    *,
    n: Annotated[int, Range(2, MOST)] = 800,
    n_val: Annotated[int, Range(0, MOST)] = 400,
    n_test: Annotated[int, Range(0, MOST)] = 0,
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
    n: Annotated[int, Range(2, MOST)] = 200,
    n_val: Annotated[int, Range(0, MOST)] = 80,
    n_test: Annotated[int, Range(0, MOST)] = 0,
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
    places = [(split, index) for split, count in counts.items() for index in range(count)]
    return _scenes("streets", places, size, difficulty, seed, labels)


def drives(
    *,
    n: Annotated[int, Range(2, MOST)] = 192,
    n_test: Annotated[int, Range(0, MOST)] = 96,
    frames: Annotated[int, Range(1, MOST)] = 8,
    split: Literal["sequence", "random"] = "sequence",
    size: tuple[_Side, _Side] = (96, 128),
    difficulty: Share = 0.5,
    seed: int = 0,
    labels: Labels | str | None = None,
) -> ImageSet:
    """`streets` as film: drives of `frames` images each, a quarter of `n` images held out for validation.

    split: `sequence` holds out whole drives; `random` holds out single images, whose neighbours in the film are
    trained on: what scripts do that shuffle the frames of a video. `n_test` images are of other drives in either case.
    Raises StudyError.
    """
    if n < 4 * frames or n % frames or n_test % frames:
        message = f"drives: n {n} and n_test {n_test} must be whole drives of {frames} frames, and n four or more."
        raise StudyError([Problem("STREETS", message)])
    places = [(part, index) for part, count in (("film", n), ("test", n_test)) for index in range(count)]
    found = _scenes("drives", places, size, difficulty, seed, labels, frames)
    film = [item for item in found.items if item.split == "film"]
    units = film if split == "sequence" else [replace(item, group=None) for item in film]
    side = {item.id: item.split for item in split_up(units, {"train": 0.75, "val": 0.25}, seed)}
    return replace(found, items=tuple(replace(i, split=side.get(i.id, i.split)) for i in found.items))


def _scenes(
    name: str,
    places: list[tuple[str, int]],
    size: tuple[int, int],
    difficulty: float,
    seed: int,
    labels: Labels | str | None,
    sequence: int = 8,
) -> ImageSet:
    """Scene `index` of each drawn split, with the id `split/index`; drawings are kept while there is room."""
    from paribus.streets import Scene, draw

    space, numbers = chosen(CAMVID11, labels)
    keep = len(places) * size[0] * size[1] * 4 <= _KEPT_DRAWINGS
    kept: dict[str, Scene] = {}

    def scene(split: str, index: int) -> Scene:
        return draw(index, split=split, size=size, seed=seed, difficulty=difficulty, sequence=sequence)

    def item(where: tuple[str, int]) -> Item:
        split, index = where
        drawn = scene(split, index)
        identity = f"{split}/{index:05d}"
        if keep:
            kept[identity] = drawn
        return Item(identity, split, 0, None, drawn.group)

    def again(wanted: Item) -> Scene:
        split, _, index = wanted.id.partition("/")
        return kept.get(wanted.id) or scene(split, int(index))

    with ThreadPoolExecutor(2) as pool:
        items = tuple(pool.map(item, places))
    return ImageSet(
        name,
        space.classes,
        items,
        lambda wanted: again(wanted).image,
        space=space,
        masks=lambda wanted: mapped(again(wanted).mask, numbers),
        coding=coding(CAMVID11, space=space, numbers=numbers),
        own_masks=lambda wanted: again(wanted).mask,
    )
