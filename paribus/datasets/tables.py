"""`csv`: images listed in a table."""

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from paribus import regular
from paribus.datasets.folders import class_problems
from paribus.datasets.found import existing, link_problem
from paribus.datasets.items import SPLIT_NAMES, SPLITS, ImageSet, Item, image_set
from paribus.datasets.splitting import split_up
from paribus.errors import DataError, Problem, StudyError, unknown
from paribus.parts import Share

Row = tuple[int, dict[str, str]]  # (line of the file, value of each column)


def csv(
    root: Path,
    *,
    manifest: str = "manifest.csv",
    image: str = "image",
    label: str = "label",
    split: str = "split",
    group: str | None = None,
    splits: dict[str, Share] | None = None,
    split_seed: int = 0,
) -> ImageSet:
    """Images listed in `manifest`, a CSV file with a header below `root`; paths are relative to the manifest.

    `image`, `label`, `split` and `group` name its columns. Without the column `split` the images are split as in
    `folder`. Raises DataError with all problems of the table at once, and StudyError.
    """
    root = existing(root)
    table = root / manifest
    outside = link_problem(table, root, manifest) if table.exists() else None
    if outside:
        raise DataError([outside])
    rows, columns = _table(table, manifest)
    problems = [
        Problem(
            "CSV_COLUMN_MISSING", f"has no column {name!r}; it has {', '.join(columns)}.", manifest, f"Set `{key}`."
        )
        for key, name in (("image", image), ("label", label), ("group", group))
        if name is not None and name not in columns
    ]
    if problems:
        raise DataError(problems)
    given_split = split in columns
    if given_split and splits:
        message = f"has a column {split!r}, and the study asks for a split."
        raise StudyError([Problem("SPLITS_TWICE", message, manifest, "Remove `splits` or name no such column.")])
    needed = [image, label, *([group] if group else []), *([split] if given_split else [])]
    problems = _row_problems(rows, needed, image, split if given_split else None, manifest)
    classes = tuple(sorted({row[label] for _, row in rows if row[label]}))
    by_split: dict[str, set[str]] = defaultdict(set)
    for _, row in rows:
        by_split[SPLIT_NAMES.get(row[split].lower(), "") if given_split else ""].add(row[label])
    if not problems:
        problems = class_problems(classes, dict(by_split), None)
    if problems:
        raise DataError(problems)
    items, left_out = [], []
    for _, row in rows:
        name = str(PurePosixPath(row[image].replace("\\", "/")))
        path = table.parent / name
        reason = link_problem(path, root, name)
        if reason:
            left_out.append(reason)
            continue
        where = SPLIT_NAMES[row[split].lower()] if given_split else ""
        items.append(Item(name, where, classes.index(row[label]), path, row[group] if group else None))
    if not given_split:
        items = split_up(items, splits, split_seed)
    return image_set("csv", classes, items, left_out, [], 0, not given_split)


def columns_of(path: Path) -> list[str]:
    """The columns of a CSV file. Raises DataError for what cannot be read as one."""
    return _table(path, path.name)[1]


def _table(path: Path, name: str) -> tuple[list[Row], list[str]]:
    """The rows of a CSV file (comma, quotes, UTF-8, a header), outer blanks removed, and its columns."""
    import csv as tables

    if not path.is_file():
        there = sorted(p.name for p in path.parent.glob("*.csv"))
        fix = f"Set `manifest` to one of {', '.join(there)}." if there else ""
        raise DataError([Problem("DATA_NOT_FOUND", "there is no such file.", name, fix)])
    try:
        reader = tables.reader(regular.lines(path), strict=True)
        header = [column.strip() for column in next(reader, [])]
        lines = [(reader.line_num, [v.strip() for v in values]) for values in reader if any(v.strip() for v in values)]
    except (OSError, ValueError, tables.Error) as error:
        fix = "Save it as CSV in UTF-8, with commas between the columns."
        raise DataError([Problem("CSV_UNREADABLE", f"is not a UTF-8 CSV file: {error}.", name, fix)]) from None
    problems = []
    if len(set(header)) < len(header):
        message = f"has a column twice: {', '.join(map(repr, header))}."
        problems.append(Problem("CSV_COLUMN_TWICE", message, name, "Give every column a name of its own."))
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        message = f"has one column only, {header[0]!r}; columns are separated by commas."
        problems.append(Problem("CSV_SEPARATOR", message, name, "Save it as CSV with commas."))
    odd = [line for line, values in lines if len(values) != len(header)]
    if odd and header:
        message = f"not {len(header)} values in {_lines(odd)}."
        problems.append(Problem("CSV_ROW_LENGTH", message, name, "Quote values that hold commas."))
    if not lines:
        problems.append(Problem("DATA_EMPTY", "has no rows.", name))
    if problems:
        raise DataError(problems)
    return [(line, dict(zip(header, values, strict=True))) for line, values in lines], header


def _row_problems(rows: list[Row], needed: list[str], image: str, split: str | None, where: str) -> list[Problem]:
    """What is wrong with the values of a table; each kind once, with its lines."""
    lines: dict[tuple[str, str], list[int]] = defaultdict(list)
    first: dict[str, int] = {}
    for line, row in rows:
        for column in needed:
            if not row[column]:
                lines["CSV_EMPTY_VALUE", f"no {column}"].append(line)
        name = row[image].replace("\\", "/")
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", name):
            reason = (
                f"a URL as {image} (files are never fetched, so that a study stays repeatable; download them first)"
            )
            lines["CSV_URL", reason].append(line)
        elif name.startswith(("/", "~")) or re.match(r"[a-zA-Z]:/", name):
            lines["PATH_ABSOLUTE", f"an absolute path as {image} (write it relative to the manifest)"].append(line)
        elif name and first.setdefault(str(PurePosixPath(name)), line) != line:
            lines["CSV_IMAGE_TWICE", "an image that was listed before"].append(line)
        if split and row[split] and row[split].lower() not in SPLIT_NAMES:
            lines["CSV_UNKNOWN_SPLIT", unknown("split", row[split], SPLITS).rstrip(".")].append(line)
    problems = [Problem(code, f"{reason} in {_lines(at)}.", where) for (code, reason), at in lines.items()]
    present = {SPLIT_NAMES.get(row[split].lower(), "") for _, row in rows} if split else set()
    if split and not lines and ("train" not in present or len(present) < 2):
        message = f"column {split!r} holds only {', '.join(sorted(present))}; needed are train and val or test."
        problems.append(Problem("SPLIT_MISSING", message, where))
    return problems


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"
