"""`folder`: images in one folder a class."""

from collections.abc import Sequence
from pathlib import Path

from paribus.datasets.found import Found, existing, split_folders
from paribus.datasets.items import ImageSet, Item, image_set, name_collisions
from paribus.datasets.splitting import group_pattern, grouped, split_up
from paribus.errors import DataError, Problem, StudyError
from paribus.parts import Share


def folder(
    root: Path, *, splits: dict[str, Share] | None = None, split_seed: int = 0, groups: str | None = None
) -> ImageSet:
    """Images in one folder a class: `train/<class>/` and `val/<class>/` (and `test/<class>/`), or `<class>/` alone.

    Without split folders the images are split by `splits` (default 0.7 train, 0.3 val), class by class; the draw
    depends on `split_seed` and names only. Exact copies stay together, and so do the images of a group: `groups` is a
    regular expression with one group, searched in the path relative to `root`. Raises DataError and StudyError.
    """
    pattern = group_pattern(groups)
    root = existing(root)
    found = Found(root)
    tops = found.subfolders(root)
    by_split, problems = split_folders(tops, found)
    if by_split and splits:
        message = f"has the folders {', '.join(p.name for p in by_split.values())}, and the study asks for a split."
        raise StudyError([Problem("SPLITS_TWICE", message, root.name, "Remove `splits`.")])
    homes = {split: found.subfolders(home) for split, home in by_split.items()} if by_split else {"": tops}
    classes = tuple(sorted({name for home in homes.values() for name in home}))
    problems += class_problems(classes, {s: set(home) for s, home in homes.items()}, found)
    if problems:
        raise DataError(problems + found.left_out)
    items = [
        Item(rel, split, classes.index(name), path)
        for split, home in homes.items()
        for name, class_folder in home.items()
        for rel, path in found.files(class_folder)
    ]
    found.leave_out_loose()
    if not items and not found.left_out:
        raise DataError([Problem("DATA_EMPTY", "holds no images.", root.name)])
    items = grouped(items, pattern)
    if not by_split:
        items = split_up(items, splits, split_seed)
    return image_set("folder", classes, items, found.left_out, found.notes, found.ignored, not by_split)


def class_problems(classes: Sequence[str], by_split: dict[str, set[str]], found: Found | None) -> list[Problem]:
    """What is wrong with the classes, before any file is opened."""
    where = found.root.name if found else ""
    if not classes:
        if found is None or not found.loose:
            return [Problem("DATA_EMPTY", "holds no images.", where)]
        message = f"holds {len(found.loose)} images but no class folders."
        return [
            Problem("CLS_NO_CLASS_FOLDERS", message, where, "Put the images of each class into a folder of its name.")
        ]
    problems = name_collisions(classes, "CLASS_NAME_COLLISION", "CLASS_NAME_COLLISION", "class names")
    if len(classes) < 2:
        message = f"has one class only, {classes[0]!r}; two or more are needed."
        nested = found and any(p.is_dir() and not p.name.startswith(".") for p in (found.root / classes[0]).glob("*"))
        fix = f"Did you mean the folder {where}/{classes[0]} ?" if nested else ""
        problems.append(Problem("CLS_TOO_FEW_CLASSES", message, where, fix))
    lists = {split: sorted(names) for split, names in by_split.items()}
    if len({tuple(names) for names in lists.values()}) > 1:
        odd = sorted(set(classes) - set(classes).intersection(*by_split.values()))
        listed = "; ".join(f"{split}: {', '.join(names) or 'none'}" for split, names in lists.items())
        message = f"the splits have different classes ({', '.join(odd)} not in all). {listed}."
        problems.append(Problem("SPLIT_CLASS_MISMATCH", message, where, "Give every split the same classes."))
    return problems
