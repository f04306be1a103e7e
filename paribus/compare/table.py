"""Predictions from a CSV file: one row an image, arm, seed (and split, epoch), with an answer or scores."""

import csv
import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paribus import regular
from paribus.compare.cells import ONLY_EPOCH, SPLITS, UNNAMED_SPLIT, Cell, Names, at_lines, is_arm_name, some
from paribus.errors import DataError, Problem, unknown

MOST_BYTES = 4 << 30
NEEDED = ("image", "target", "arm", "seed")
OPTIONAL = ("prediction", "epoch", "split", "group")
NO_NAME = "(no name)"  # the column of row numbers that some programs write
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass
class _Column:
    """A column of text: every different value once, and its number in every row."""

    values: dict[str, int] = field(default_factory=dict)
    rows: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, text: str) -> None:
        self.rows.append(self.values.setdefault(text, len(self.values)))

    def codes(self) -> Codes:
        return np.frombuffer(self.rows, dtype=np.int64)

    def names(self) -> Names:
        return np.array([*self.values, None], dtype=object)[:-1]  # None keeps numpy from guessing a type

    def each(self) -> Names:
        """The text of every row."""
        return np.asarray(self.names()[self.codes()])


@dataclass
class _Table:
    """The file as it stands. numbers: (rows x scores), row by row; not_numbers: (line, column, text)."""

    where: str
    columns: list[str]
    texts: dict[str, _Column]
    scores: list[str]
    numbers: "array[float]" = field(default_factory=lambda: array("d"))
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    not_numbers: list[tuple[int, str, str]] = field(default_factory=list)
    ragged: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text_at = [(self.columns.index(c), column) for c, column in self.texts.items()]
        self.score_at = [self.columns.index(c) for c in self.scores]

    def add(self, values: list[str], line: int) -> None:
        if not values:
            return  # an empty line
        if len(values) != len(self.columns):
            self.ragged.append(line)
            return
        self.lines.append(line)
        for at, column in self.text_at:
            column.add(values[at])
        try:
            self.numbers.extend([float(values[at]) for at in self.score_at])
        except ValueError:
            self._add_slowly(values, line)

    def _add_slowly(self, values: list[str], line: int) -> None:
        for at in self.score_at:
            try:
                self.numbers.append(float(values[at]))
            except ValueError:
                self.numbers.append(0.0)
                self.not_numbers.append((line, self.columns[at], values[at]))

    def lines_where(self, column: str, codes: set[int]) -> list[int]:
        return [line for line, code in zip(self.lines, self.texts[column].rows, strict=True) if code in codes]


def read(path: Path, name: str) -> tuple[list[Cell], list[str], list[Problem], bool]:
    """The cells of a table, the columns that were ignored, everything that is wrong with its rows, and whether every
    row is in a cell (if not, nothing can be said of what is missing).

    Raises DataError for a file that cannot be read as a table at all.
    """
    table = _parsed(path, name)
    ignored = [NO_NAME] if "" in table.columns else []
    classes, left, problems = _classes(table)
    problems += _empty(table) + _bad_numbers(table, classes)
    keys, placed, unplaced = _keys(table)
    cells, twice = _cells(table, keys, np.flatnonzero(placed), classes)
    return cells, ignored + left, unplaced + problems + twice, not unplaced


# ------------------------------------------------------------------------------------------------ the file


def _parsed(path: Path, name: str) -> _Table:
    line = 0
    try:
        reader = csv.reader(regular.lines(path, MOST_BYTES), strict=True)
        table = _headed([column.strip() for column in next(reader, [])], name)
        for values in reader:
            line = reader.line_num
            table.add(values, line)
    except UnicodeDecodeError as error:
        message = f"is not text in UTF-8: byte {error.object[error.start]:#04x} after line {line}."
        raise DataError([Problem("CSV_UNREADABLE", message, name, "save it as CSV in UTF-8.")]) from None
    except (csv.Error, ValueError, OSError) as error:
        message = f"cannot be read as CSV after line {line}: {error}."
        raise DataError(
            [Problem("CSV_UNREADABLE", message, name, "quote fields that hold commas or quotes.")]
        ) from None
    if not table.lines and not table.ragged:
        raise DataError([Problem("DATA_EMPTY", "has a header and no rows.", name)])
    return table


def _headed(header: list[str], name: str) -> _Table:
    """An empty table with these columns. Raises DataError for columns that are missing or there twice."""
    if not any(header):
        raise DataError([Problem("DATA_EMPTY", "is empty.", name, f"write a header: {', '.join(NEEDED)}, prediction.")])
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        raise DataError([Problem("CSV_SEPARATOR", "has one column only; columns are separated by commas.", name)])
    known = NEEDED + OPTIONAL
    scores = [c for c in header if c and c not in known]
    twice = sorted({c for c in header if header.count(c) > 1})
    problems = [Problem("CSV_COLUMN_TWICE", f"has two columns named {c!r}.", name) for c in twice]
    fix = f"the columns are {', '.join(NEEDED)}, and prediction or one column a class."
    for column in NEEDED:
        if column not in header:
            message = f"has no column {column!r}.{_near(column, scores)}"
            problems.append(Problem("CSV_COLUMN_MISSING", message, name, fix))
    if "prediction" not in header and not scores:
        fix = "add `prediction` with the name of a class, or one column a class with its probability or logit."
        problems.append(Problem("CSV_COLUMN_MISSING", "has neither a column 'prediction' nor scores.", name, fix))
    if problems:
        raise DataError(problems)
    return _Table(name, header, {c: _Column() for c in header if c in known}, scores)


def _near(column: str, others: list[str]) -> str:
    hint = re.search(r"Did you mean ('.*')\?", unknown("column", column, others))
    return f" Is it {hint.group(1)}?" if hint else ""


# ------------------------------------------------------------------------------------------------ the values


def _classes(table: _Table) -> tuple[tuple[str, ...], list[str], list[Problem]]:
    """The classes that have a column (none: only answers are known), columns not used, and unknown classes."""
    named = table.texts["prediction"].values if "prediction" in table.texts else None
    targets = table.texts["target"].values
    if named is not None and not set(targets) & set(table.scores):
        return (), table.scores, []
    problems = []
    for column, values in (("target", targets), ("prediction", named or {})):
        for value, code in values.items():
            if value and value not in table.scores:
                lines = at_lines(table.lines_where(column, {code}))
                message = f"{lines}, {column}: {unknown('class', value, table.scores)}"
                fix = "correct it, or add a column with the scores of this class."
                problems.append(Problem("CLASS_UNKNOWN", message, table.where, fix))
    return tuple(table.scores), [], problems


def _empty(table: _Table) -> list[Problem]:
    problems = []
    for column in ("image", "target", "prediction"):
        code = table.texts[column].values.get("") if column in table.texts else None
        if code is not None:
            lines = at_lines(table.lines_where(column, {code}))
            problems.append(Problem("CSV_EMPTY_VALUE", f"no {column} in {lines}.", table.where))
    groups = table.texts.get("group")
    if groups and "" in groups.values and len(groups.values) > 1:
        lines = at_lines(table.lines_where("group", {groups.values[""]}))
        problems.append(Problem("GROUP_MISSING", f"no group in {lines}.", table.where, "give every image a group."))
    return problems


def _bad_numbers(table: _Table, classes: tuple[str, ...]) -> list[Problem]:
    """Scores that are no numbers or not finite."""
    if not classes:
        return []
    problems = []
    fix = "write a number in every column of a class; remove columns that hold something else."
    for column in dict.fromkeys(c for _, c, _ in table.not_numbers):
        found = [(line, text) for line, c, text in table.not_numbers if c == column]
        message = (
            f"column {column!r} is read as a class and holds {found[0][1]!r} in {at_lines([x for x, _ in found])}."
        )
        problems.append(Problem("SCORE_NOT_A_NUMBER", message, table.where, fix))
    rows, at = np.nonzero(~np.isfinite(_scores(table)))
    if len(rows):
        lines = at_lines(np.asarray(table.lines)[np.unique(rows)].tolist())
        columns = some([table.scores[k] for k in np.unique(at)])
        message = f"scores that are not finite in {lines}, column {columns}."
        problems.append(
            Problem("SCORE_NOT_FINITE", message, table.where, "write finite numbers, for instance -100 for log 0.")
        )
    return problems


def _scores(table: _Table) -> Floats:
    return np.frombuffer(table.numbers, dtype=np.float64).reshape(len(table.lines), len(table.scores))


def _keys(table: _Table) -> tuple[Codes, NDArray[np.bool_], list[Problem]]:
    """(rows, 4): the number of the arm, the seed, the number of the split and the epoch; and which rows have them."""
    problems = []
    placed = np.ones(len(table.lines), dtype=bool)
    if table.ragged:
        message = f"not {len(table.columns)} values, as the header has, in {at_lines(table.ragged)}."
        problems.append(Problem("CSV_ROW_LENGTH", message, table.where, "quote fields that hold commas or quotes."))

    def mapped(column: str, convert: Callable[[str], int | None], default: int, fix: str) -> Codes:
        if column not in table.texts:
            return np.full(len(table.lines), default)
        values = {text: convert(text) for text in table.texts[column].values}
        for text in (t for t, v in values.items() if v is None):
            lines = at_lines(table.lines_where(column, {table.texts[column].values[text]}))
            problems.append(Problem("CSV_VALUE", f"{lines}: {text!r} is no {column}.", table.where, fix))
            placed[table.texts[column].codes() == table.texts[column].values[text]] = False
        return np.array([v or 0 for v in values.values()], dtype=np.int64)[table.texts[column].codes()]

    arms = table.texts["arm"].values
    fix = "1 to 64 printable characters without blanks at the ends."
    arm = mapped("arm", lambda text: arms[text] if is_arm_name(text) else None, 0, fix)
    seed = mapped("seed", _whole, 0, "a whole number from 0, one for each run of an arm.")
    split = mapped("split", _split, SPLITS.index(UNNAMED_SPLIT), f"one of {', '.join(SPLITS)}.")
    epoch = mapped("epoch", _whole, ONLY_EPOCH, "a whole number; 0 is the initialisation.")
    return np.stack([arm, seed, split, epoch], axis=1), placed, problems


def _whole(text: str) -> int | None:
    """`7` and `7.0`, as programs write that keep numbers as floats."""
    match = re.fullmatch(r"\s*([0-9]{1,18})(\.0*)?\s*", text, re.ASCII)
    return int(match.group(1)) if match else None


def _split(text: str) -> int | None:
    return SPLITS.index(text) if text in SPLITS else None


# ------------------------------------------------------------------------------------------------ the cells


def _cells(
    table: _Table, keys: Codes, placed: NDArray[np.intp], classes: tuple[str, ...]
) -> tuple[list[Cell], list[Problem]]:
    """The placed rows, cell by cell, their images in the order of their names; and images that a cell has twice."""
    different, at = np.unique(keys[placed], axis=0, return_inverse=True)
    cell_of = np.full(len(keys), -1)
    cell_of[placed] = at.reshape(-1)
    names = table.texts["image"].names()
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)] = np.arange(len(names))
    image = rank[table.texts["image"].codes()]
    order = placed[np.lexsort((image[placed], cell_of[placed]))]
    again = np.zeros(len(order), dtype=bool)
    again[1:] = (cell_of[order][1:] == cell_of[order][:-1]) & (image[order][1:] == image[order][:-1])
    kept = order[~again]
    edges = np.searchsorted(cell_of[kept], np.arange(len(different) + 1))
    rows = [kept[first:last] for first, last in pairwise(edges)]
    return _filled(table, different.tolist(), rows, classes), _twice(table, np.flatnonzero(again), order)


def _filled(table: _Table, keys: list[list[int]], rows: list[Codes], classes: tuple[str, ...]) -> list[Cell]:
    """One cell a key, from its rows."""
    texts = table.texts
    arms = list(texts["arm"].values)
    images, targets = texts["image"].each(), texts["target"].each()
    groups = texts["group"].each() if "group" in texts and set(texts["group"].values) != {""} else None
    answers = texts["prediction"].each() if "prediction" in texts else None
    scores = _scores(table) if classes else None
    lines = np.asarray(table.lines, dtype=np.int64)
    return [
        Cell(
            arm=arms[arm],
            seed=seed,
            split=SPLITS[split],
            epoch=epoch,
            image_ids=images[own],
            targets=targets[own],
            groups=None if groups is None else groups[own],
            answers=None if answers is None else answers[own],
            scores=None if scores is None else scores[own],
            classes=classes,
            where=table.where,
            lines=lines[own],
        )
        for (arm, seed, split, epoch), own in zip(keys, rows, strict=True)
    ]


def _twice(table: _Table, at: NDArray[np.intp], order: NDArray[np.intp]) -> list[Problem]:
    if not len(at):
        return []
    images, lines = table.texts["image"].each(), np.asarray(table.lines)
    shown = [f"{images[order[k]]!r} (lines {lines[order[k - 1]]} and {lines[order[k]]})" for k in at[:3]]
    more = f" and {len(at) - 3} more" if len(at) > 3 else ""
    message = f"the same image twice for one arm and seed: {', '.join(shown)}{more}."
    fix = "keep one row an image and run; several epochs or splits need a column `epoch` or `split`."
    return [Problem("IMAGE_TWICE", message, table.where, fix)]
