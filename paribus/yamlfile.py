"""Reads YAML as data: 1.2 rules (`1e-3` is a number, `no` is a string), no tags, no aliases, no duplicate keys."""

import re
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from paribus.errors import Problem, StudyError

LARGEST = 1 << 20  # bytes
DEEPEST = 20
MOST_VALUES = 20_000
LARGEST_INT = 1 << 63

Where = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's core schema in place of 1.1's guesses."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML reads it from the class)


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


@dataclass(frozen=True)
class Document:
    """What a file says, and the line (from 1) on which each value stands, by its path of keys and positions."""

    value: Any
    lines: dict[Where, int]

    def line(self, *where: str | int) -> int:
        """The line of the value at `where`, or of the nearest thing above it that was written."""
        while where not in self.lines and where:
            where = where[:-1]
        return self.lines.get(where, 1)


def read(path: Path) -> Document:
    """The document in `path`. Raises StudyError with every problem of form and its line."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise StudyError([Problem("STUDY_NOT_FOUND", "there is no such file.", str(path), "check the path.")]) from None
    except OSError as error:
        raise StudyError([Problem("STUDY_UNREADABLE", f"cannot be read ({error.strerror}).", str(path))]) from None
    if len(raw) > LARGEST:
        raise StudyError(
            [Problem("STUDY_TOO_LARGE", f"is too large; a study has at most {LARGEST} bytes.", f"{path.name}:1")]
        )
    return parse(raw, path.name)


def parse(raw: bytes, name: str) -> Document:
    """The document in `raw`; `name` stands in the messages. Raises StudyError."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message, where = f"byte {error.start} is not UTF-8.", _at(name, raw, error.start)
        raise StudyError([Problem("STUDY_NOT_UTF8", message, where, "save it as UTF-8.")]) from None
    reader = _Reader(name)
    try:
        _refuse_what_is_not_data(text, reader)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else _at(name, text, getattr(error, "position", 0))
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise StudyError([Problem("STUDY_NOT_YAML", f"is not YAML: {what}.", where)]) from None
    value = reader.value(node, ()) if node is not None else None
    if reader.problems:
        raise StudyError(reader.problems)
    return Document(value, reader.lines or {(): 1})


def _at(name: str, content: bytes | str, position: int) -> str:
    """`name:line` of a place in the content."""
    newline: Any = b"\n" if isinstance(content, bytes) else "\n"
    return f"{name}:{content.count(newline, 0, position) + 1}"


def _refuse_what_is_not_data(text: str, reader: "_Reader") -> None:
    """Tags, aliases, depth: from the events alone, before anything is composed: a bomb or 3000 levels cost nothing."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if number > MOST_VALUES:
            reader.problem(event, "STUDY_TOO_LARGE", f"has more than {MOST_VALUES} keys and values.", "leave some out.")
            break
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent):
            reader.problem(event, "YAML_ALIAS", f"the alias *{event.anchor} is not allowed.", "write the value out.")
        elif getattr(event, "tag", None) is not None:
            reader.problem(
                event, "YAML_TAG", f"the tag {getattr(event, 'tag', None)} is not allowed.", "write plain values."
            )
        if depth > DEEPEST:
            reader.problem(event, "YAML_TOO_DEEP", f"is nested more than {DEEPEST} levels deep.", "flatten it.")
            break
    if reader.problems:
        raise StudyError(reader.problems)


class _Reader:
    def __init__(self, name: str):
        self.name = name
        self.lines: dict[Where, int] = {}
        self.problems: list[Problem] = []

    def problem(self, at: Any, code: str, message: str, fix: str = "") -> None:
        self.problems.append(Problem(code, message, f"{self.name}:{at.start_mark.line + 1}", fix))

    def value(self, node: yaml.Node, where: Where) -> Any:
        self.lines[where] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*where, i)) for i, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key == "<<":
                self.problem(key_node, "YAML_KEY", "a key must be a plain text.")
                continue
            if key in found:
                self.problem(key_node, "YAML_DUPLICATE_KEY", f"the key {key!r} stands twice.", "keep one of them.")
            found[key] = self.value(value_node, (*where, key))
            self.lines[(*where, key)] = key_node.start_mark.line + 1
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        if any("\ud800" <= c <= "\udfff" for c in node.value):
            self.problem(node, "YAML_TEXT", "has half a character (a lone surrogate).", "write the character itself.")
        kind = node.tag.rpartition(":")[2]
        if kind in ("int", "float"):
            return self._number(node, kind)
        return {"bool": node.value.lower() == "true", "null": None}.get(kind, node.value)

    def _number(self, node: yaml.Node, kind: str) -> int | float:
        wide = float(node.value)
        if not abs(wide) < LARGEST_INT if kind == "int" else not isfinite(wide):
            self.problem(node, "YAML_NUMBER", f"the number {node.value[:20]} is too large.")
            return 0
        return int(node.value) if kind == "int" else wide
