"""`boxes.csv`: where the object is in the images of a data set, for audits. No run depends on it."""

import csv
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from paribus import regular
from paribus.datasets.found import link_problem
from paribus.errors import DataError, Problem
from paribus.scan import Facts, Scan

FILE = "boxes.csv"  # in the folder of the data
COLUMNS = ("path", "x", "y", "w", "h")
_SHOWN = 5  # lines or names in a message

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the upright image


def boxed(found: Scan, path: Path) -> Scan:
    """The scanned set with the boxes that the CSV file `path` gives; images it does not name keep what they have.

    The header is path,x,y,w,h: the image relative to the data's folder, the upper left corner, width and height of its
    box in pixels of the upright image, one row an image. What lies outside of the image is cut off. Raises DataError
    with everything that is wrong.
    """
    rows = _rows(path)
    names = {item.id for item in found.images.items}
    unused = {problem.where for problem in found.left_out}
    wrong: dict[str, list[str]] = defaultdict(list)
    boxes: dict[str, Box] = {}
    for line, row in rows:
        name = str(PurePosixPath(row["path"].replace("\\", "/")))
        if name in unused:
            continue
        if name not in names:
            wrong["an image that is not in the data set"].append(f"{name!r} in line {line}")
        elif name in boxes:
            wrong["an image that was listed before"].append(f"{name!r} in line {line}")
        elif (box := _box(row, found.facts[name])) is None:
            wrong["not x, y, w, h of a box inside of the image"].append(f"line {line}")
        else:
            boxes[name] = box
    if wrong:
        raise DataError([Problem("BOXES", f"{what}: {_few(where)}.", path.name) for what, where in wrong.items()])
    items = tuple(replace(item, box=boxes.get(item.id, item.box)) for item in found.images.items)
    return replace(found, images=replace(found.images, items=items))


def found_in(found: Scan, root: Path | None, given: Path | None = None) -> Scan:
    """The set with the boxes of the file `given`, else of `boxes.csv` in the folder of its data, if there is one."""
    if given is not None:
        return boxed(found, given)
    if root is None or not (root / FILE).exists():
        return found
    outside = link_problem(root / FILE, root, FILE)
    if outside:
        raise DataError([outside])
    return boxed(found, root / FILE)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        reader = csv.reader(regular.lines(path), skipinitialspace=True, strict=True)
        columns = [name.strip() for name in next(reader, [])]
        lines = [(reader.line_num, [value.strip() for value in values]) for values in reader if values]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError([Problem("BOXES", f"cannot be read as a UTF-8 CSV file ({error}).", path.name)]) from None
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        message = f"has the columns {', '.join(columns) or 'none'}; {', '.join(missing)} not among them."
        raise DataError([Problem("BOXES", message, path.name, f"Write the header {','.join(COLUMNS)}.")])
    odd = [f"line {number}" for number, values in lines if len(values) != len(columns)]
    if odd or len(set(columns)) < len(columns):
        message = f"not {len(columns)} values in {_few(odd)}." if odd else f"has a column twice: {', '.join(columns)}."
        raise DataError(
            [Problem("BOXES", message, path.name, f"Write the header {','.join(COLUMNS)}, a row an image.")]
        )
    return [(number, dict(zip(columns, values, strict=True))) for number, values in lines]


def _box(row: Mapping[str, str], facts: Facts) -> Box | None:
    """The part of a row's box that is inside of its image; None if there is none, or the row is not of numbers."""
    try:
        x, y, w, h = (float(row[name]) for name in COLUMNS[1:])
    except ValueError:
        return None
    left, top, right, bottom = max(x, 0.0), max(y, 0.0), min(x + w, facts.width), min(y + h, facts.height)
    known = all(math.isfinite(value) for value in (x, y, w, h))
    return (left, top, right, bottom) if known and left < right and top < bottom and w > 0 and h > 0 else None


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
