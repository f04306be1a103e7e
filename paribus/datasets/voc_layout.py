"""`voc`: images and masks in the layout of PASCAL VOC."""

from pathlib import Path, PurePosixPath

from paribus.datasets.found import Found, existing, link_problem
from paribus.datasets.items import ImageSet, Item, image_set, mask_set
from paribus.datasets.legend import Labels, colour_of
from paribus.datasets.pairs import Home, Pair, paired
from paribus.errors import DataError, Problem
from paribus.labels import VOC21, VOID, Space, chosen
from paribus.maskfile import Coding, coding

IMAGES, LISTS = "JPEGImages", "ImageSets/Segmentation"
_SPLITS = ("train", "val", "test")


def voc(
    root: Path,
    *,
    masks: str = "SegmentationClass",
    classes: list[str] | None = None,
    labels: Labels | str | None = None,
) -> ImageSet:
    """PASCAL VOC's segmentation (Everingham et al. 2010), or data in its layout.

    Read are the images of `JPEGImages/` that `ImageSets/Segmentation/train.txt`, `val.txt` and `test.txt` name, one a
    line, and their masks in the folder `masks`: index k of a mask's palette, or value k, is class k, and 255 is void.
    `root` is the folder of a year (`VOCdevkit/VOC2012`), or one above it. A test list of which no image has a mask, as
    it is published, is not used. `classes` are those of VOC (background and twenty more) unless they are named.
    `labels` merges classes. Raises DataError and StudyError.
    """
    code = voc_coding(classes, labels)
    root = existing(root)
    home = voc_home(root) or root
    found = Found(root)
    below = PurePosixPath(home.relative_to(root).as_posix())
    images, drawn = below / IMAGES, below / masks
    if missing := [str(name) for name in (images, drawn, below / LISTS) if not (root / name).is_dir()]:
        has = ", ".join(found.subfolders(root)) or "no folders"
        message = f"has no {' nor '.join(missing)}; it has {has}."
        raise DataError([Problem("VOC_LAYOUT", message, root.name, "Use `masks` for other layouts.")])
    lists = {split: _listed(root, below / LISTS / f"{split}.txt") for split in _SPLITS}
    if not lists["train"] or not (lists["val"] or lists["test"]):
        there = ", ".join(sorted(path.name for path in (root / below / LISTS).glob("*.txt"))) or "no lists"
        message = f"has {there}; needed are train.txt and val.txt or test.txt, with a name of an image a line."
        fix = f"Use `masks` with images: {IMAGES} and masks: {masks}, which draws a split."
        raise DataError([Problem("VOC_LISTS", message, str(below / LISTS), fix)])
    pairs, alone = paired(Home("", str(images), str(drawn)), found.files(root / images), found.files(root / drawn))
    items, left_out = _items(lists, pairs, [p for p in alone if p.code == "SEG_PAIR_AMBIGUOUS"])
    kept = {item.split for item in items}
    if "train" not in kept or len(kept) < 2:
        message = (
            f"has masks for images of {', '.join(sorted(kept)) or 'no list'} only; needed are train and val or test."
        )
        raise DataError([Problem("SPLIT_MISSING", message, str(drawn)), *left_out[:3]])
    notes = list(found.notes)
    if lists["test"] and "test" not in kept:
        message = f"none of its {len(lists['test'])} images has a mask, so that it is not used."
        notes.append(Problem("VOC_NOT_USED", message, str(below / LISTS / "test.txt")))
    data = image_set("voc", (), items, [*found.left_out, *left_out], notes, found.ignored, False)
    return mask_set(data, code)


def voc_coding(classes: list[str] | None, labels: Labels | str | None) -> Coding:
    """What the pixels of a mask mean. The colours of classes of one's own are those of VOC, by their numbers."""
    own = Space(tuple(classes), tuple(colour_of(k - 1) for k in range(len(classes)))) if classes else VOC21
    space, numbers = chosen(own, labels)
    return coding(own, void=[VOID], space=space, numbers=numbers)


def voc_home(root: Path) -> Path | None:
    """The one folder of VOC's layout at `root`, or in it, or in its VOCdevkit; None where there is none, or several."""
    homes = [path.parent for pattern in ("", "VOC*/", "VOCdevkit/VOC*/") for path in root.glob(f"{pattern}{IMAGES}")]
    return homes[0] if len(homes) == 1 else None


def _listed(root: Path, table: PurePosixPath) -> list[str]:
    """The names in a list, without what may stand behind them on their line; none if there is no list."""
    path = root / table
    if not path.is_file():
        return []
    outside = link_problem(path, root, str(table))
    if outside:
        raise DataError([outside])
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([Problem("VOC_LISTS", f"cannot be read as UTF-8: {error}.", str(table))]) from None
    return list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))


def _items(
    lists: dict[str, list[str]], pairs: list[Pair], ambiguous: list[Problem]
) -> tuple[list[Item], list[Problem]]:
    """The listed pairs, and an entry for each name that is listed twice, or has no image or no mask."""
    by_name = {PurePosixPath(pair.name).stem: pair for pair in pairs}
    doubtful = {PurePosixPath(problem.where).stem for problem in ambiguous}
    items, problems = [], list(ambiguous)
    taken: dict[str, str] = {}
    for split, names in lists.items():
        here = [name for name in names if name in by_name]
        if split == "test" and not here:
            continue
        for name in names:
            if name in taken:
                message = f"is named in {taken[name]}.txt and in {split}.txt; it stays in {taken[name]}."
                problems.append(Problem("SPLIT_LEAK", message, name, "Correct the lists."))
            elif name in by_name:
                taken[name] = split
                pair = by_name[name]
                items.append(Item(pair.name, split, 0, pair.image, mask=pair.mask))
            elif name not in doubtful:
                message = f"is named in {split}.txt and has no image or no mask."
                problems.append(Problem("FILE_MISSING", message, name))
    return items, problems
