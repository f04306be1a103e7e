"""The study file of a draft: every choice with the reason for it."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from paribus.errors import printable

WIDE = 116


def study_file(head: Sequence[str], study: Mapping[str, Any], why: Mapping[str, str]) -> str:
    """The YAML of a study, under a head of comments. why: path such as `baseline.input` -> the comment above it."""
    lines = [f"# {printable(line)}".rstrip() for line in head]
    for key, value in study.items():
        lines += _remark(why.get(key), "")
        if key in ("baseline", "arms", "questions"):
            lines.append(f"{key}:")
            for name, inner in value.items():
                lines += _remark(why.get(f"{key}.{name}"), "  ")
                lines += _entry(name, inner, "  ")
        else:
            lines += _entry(key, value, "")
    return "\n".join(lines) + "\n"


def _remark(text: str | None, indent: str) -> list[str]:
    lines = textwrap.wrap(printable(text), WIDE - len(indent), break_long_words=False) if text else []
    return [f"{indent}# {line}" for line in lines]


def _entry(name: str, value: Any, indent: str) -> list[str]:
    """`name: value` on one line; a mapping that would be too wide has a line an argument."""
    line = f"{indent}{_flow(name)}: {_flow(value)}"
    if len(line) <= WIDE or not isinstance(value, dict):
        return [line]
    return [f"{indent}{_flow(name)}:", *(f"{indent}  {_flow(k)}: {_flow(v)}" for k, v in value.items())]


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**9, allow_unicode=True, sort_keys=False)
    return text.removesuffix("...\n").strip()
