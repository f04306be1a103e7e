"""safetensors, looked at before the library reads them: what the header says must be whole, single and exact.

The format is https://github.com/huggingface/safetensors#format: the header's length, the header in JSON, the data. The
library itself takes a header that has one name twice (the last counts).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paribus import regular, strictjson

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

MOST_HEADER = 10 << 20  # bytes
SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8,
    "U64": 8, "F64": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """What the header says of one tensor; begin and end are bytes of the data."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def entries(content: bytes) -> dict[str, Entry]:
    """Name -> what the header says. Raises ValueError with what is wrong, in words that follow the file's name."""
    return _entries(content[: 8 + MOST_HEADER], len(content))


def entries_of(path: Path) -> dict[str, Entry]:
    """The same of a file, of which only the header is read. Raises OSError too."""
    size = regular.size_of(path)
    with path.open("rb") as file:
        return _entries(file.read(8 + MOST_HEADER), size)


def _entries(head: bytes, size: int) -> dict[str, Entry]:
    length = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{":
        raise ValueError(f"is no safetensors file: it begins with {head[:16]!r}")
    if length > MOST_HEADER:
        raise ValueError(f"has a header of {length} bytes, more than {MOST_HEADER}")
    if 8 + length > size:
        raise ValueError(f"is cut: its header alone has {length} bytes, the file {size}")
    try:
        header = strictjson.mapping(head[8 : 8 + length], MOST_HEADER)
    except ValueError as error:
        raise ValueError(f"has a header that cannot be read: {error}") from None
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("has metadata that are no texts")
    found = {name: _entry(name, told) for name, told in header.items()}
    _refuse_gaps(found, size - 8 - length)
    return found


def _entry(name: str, told: Any) -> Entry:
    if not isinstance(told, dict) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"says of {name[:80]!r} something else than dtype, shape and data_offsets")
    dtype, shape, offsets = told["dtype"], told["shape"], told["data_offsets"]
    if not isinstance(dtype, str) or dtype not in SIZES:
        raise ValueError(f"says that {name[:80]!r} has the dtype {str(dtype)[:20]!r}")
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        raise ValueError(f"says that {name[:80]!r} has a shape or offsets that are no lists of whole numbers")
    if prod(shape) * SIZES[dtype] != offsets[1] - offsets[0]:
        raise ValueError(f"gives {name[:80]!r} {offsets[1] - offsets[0]} bytes, which its shape {shape} does not take")
    return Entry(dtype, tuple(shape), *offsets)


def _counts(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 32 and all(type(v) is int and 0 <= v < 1 << 60 for v in value)


def _refuse_gaps(found: Mapping[str, Entry], size: int) -> None:
    at = 0
    for name, entry in sorted(found.items(), key=lambda pair: (pair[1].begin, pair[1].end)):
        if entry.begin != at:
            raise ValueError(f"has data that overlap or leave a gap before {name[:80]!r}")
        at = entry.end
    if at != size:
        raise ValueError(f"is cut or has more than its tensors: they take {at} bytes of data, {size} are there")


def refuse_other_shapes(found: Mapping[str, Entry], expected: Mapping[str, tuple[int, ...]], prefix: str = "") -> None:
    """The tensors whose names begin with `prefix` must have the names and shapes expected. Raises ValueError."""
    there = {name.removeprefix(prefix): entry for name, entry in found.items() if name.startswith(prefix)}
    for name in expected:
        if name not in there:
            raise ValueError(f"lacks the tensor {name!r}")
        if there[name].shape != tuple(expected[name]):
            raise ValueError(f"has {name!r} of the shape {there[name].shape}; the model's is {tuple(expected[name])}")
    if more := [name for name in there if name not in expected]:
        raise ValueError(f"has a tensor {more[0][:80]!r} that the model does not have")


def arrays(content: bytes) -> "dict[str, NDArray[np.generic]]":
    """The tensors as numpy arrays. Raises ValueError."""
    from safetensors.numpy import load

    entries(content)
    return _read(load, content)


def tensors(content: bytes) -> "dict[str, torch.Tensor]":
    """The tensors of torch. Raises ValueError."""
    from safetensors.torch import load

    entries(content)
    return _read(load, content)


def _read(load: Any, content: bytes) -> dict[str, Any]:
    from safetensors import SafetensorError

    try:
        return dict(load(content))
    except (SafetensorError, TypeError, KeyError) as error:  # a type that the array library does not have
        raise ValueError(f"cannot be read as safetensors: {error}") from None


def not_finite(tensors: "Mapping[str, torch.Tensor]") -> str | None:
    """The name of a tensor with a value that is not finite, if there is one."""
    return next((name for name, t in tensors.items() if t.is_floating_point() and not bool(t.isfinite().all())), None)
