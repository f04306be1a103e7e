"""JSON without surprises: no key twice, no NaN, no infinity, no depth or size to choke on."""

import json
from math import isfinite
from typing import Any, NoReturn

LARGEST = 64 << 20  # bytes, unless a file of its kind may have more
_SAID = 60  # characters of what was read, in messages


def parse(content: bytes, largest: int = LARGEST) -> Any:
    """The value in `content`. Raises ValueError with what is wrong, in words that follow `cannot be read:`."""
    if len(content) > largest:
        raise ValueError(f"it has {len(content)} bytes, more than {largest}")
    try:
        return json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def mapping(content: bytes, largest: int = LARGEST) -> dict[str, Any]:
    """As `parse`, of a file that must hold a mapping."""
    value = parse(content, largest)
    if not isinstance(value, dict):
        raise ValueError(f"it holds {str(value)[:_SAID]!r} where a mapping should be")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:_SAID]!r} stands twice")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"the number {text[:_SAID]} is too large")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
