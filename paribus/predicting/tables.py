"""Predictions as rows of `predictions.csv` and `predictions.json`, written while they come: none is kept."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paribus import durable
from paribus.errors import Problem, encodable

CSV, JSON = "predictions.csv", "predictions.json"


class Tables:
    """Where rows go; see `tables`."""

    def __init__(self, csv_out: Any, json_out: Any, about: Mapping[str, Any], shares: str):
        self._csv, self._json, self._shares = csv_out, json_out, shares
        self._classes: list[str] = list(about["classes"])
        self._rows = self._left_out = 0
        head = json.dumps(about, ensure_ascii=False, allow_nan=False)
        self._json(f'{head[:-1]}, "images": ['.encode(errors="backslashreplace"))

    def row(self, row: Mapping[str, Any], shares: Sequence[float]) -> None:
        """One image. shares: (C,) what each class has of it, under the name `shares` that was given."""
        row = {name: encodable(value) if isinstance(value, str) else value for name, value in row.items()}
        if not self._rows:
            self._line([*row, *(f"{self._shares}({name})" for name in self._classes)])
        rounded = [round(float(share), 6) for share in shares]
        self._line([*(_cell(value) for value in row.values()), *rounded])
        named = {self._shares: dict(zip(self._classes, rounded, strict=True))}
        text = json.dumps({**row, **named}, ensure_ascii=False, allow_nan=False)
        self._json(f"{',' if self._rows else ''}\n{text}".encode(errors="backslashreplace"))
        self._rows += 1

    def left_out(self, problem: Problem) -> None:
        """A file that could not be used. Only after all rows."""
        text = json.dumps(problem.record(), ensure_ascii=False)
        start = "," if self._left_out else '\n], "left_out": ['
        self._json(f"{start}\n{text}".encode(errors="backslashreplace"))
        self._left_out += 1

    def end(self) -> None:
        """No more is to come."""
        self._json(b"\n]}\n" if self._left_out else b'\n], "left_out": []}\n')

    def _line(self, cells: Sequence[Any]) -> None:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow(cells)
        self._csv(out.getvalue().encode(errors="backslashreplace"))


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


@contextmanager
def tables(folder: Path, about: Mapping[str, Any], shares: str) -> Iterator[Tables]:
    """Both files in `folder`, whole or absent.

    about: what the JSON begins with; its `classes` name the columns of the CSV, as `shares(class)`. Raises
    MachineError.
    """
    with durable.stream(folder / CSV) as csv_out, durable.stream(folder / JSON) as json_out:
        made = Tables(csv_out, json_out, about, shares)
        yield made
        made.end()
