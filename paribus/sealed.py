"""JSON that is read again: it carries a hash of what it says and of whose it is, so that no change goes unnoticed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paribus import durable, regular, strictjson

SEAL = "sha256"


def write(path: Path, value: Mapping[str, Any], owner: str) -> None:
    """Replace `path` by the mapping and its seal. `owner`: a file of equal form, of another owner, is not taken for it.

    Raises MachineError.
    """
    durable.write_json(path, sealed(value, owner))


def sealed(value: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """The mapping with its seal."""
    return {**value, SEAL: seal_of(value, owner)}


def read(
    path: Path, owner: str, *, unsealed: frozenset[str] = frozenset(), largest: int = strictjson.LARGEST
) -> dict[str, Any]:
    """What `write` wrote, without the seal.

    unsealed: the keys of such a file from before there were seals; one with exactly these is taken as it is. Raises
    ValueError with what is wrong, in words that follow the file's name.
    """
    try:
        if path.is_symlink():
            raise ValueError("it is a link")
        if (size := regular.size_of(path)) > largest:
            raise ValueError(f"it has {size} bytes, more than {largest}")
        value = strictjson.mapping(path.read_bytes(), largest)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"cannot be read: {error}") from None
    return value if unsealed and set(value) == unsealed else opened(value, owner)


def opened(value: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """The mapping without its seal. Raises ValueError if it is not the one of this content and owner."""
    rest = {key: inner for key, inner in value.items() if key != SEAL}
    found, written = seal_of(rest, owner), str(value.get(SEAL))
    if found != written:
        raise ValueError(f"is not what was written here: it has sha256 {found[:16]}, {written[:16]} was written")
    return rest


def seal_of(value: Mapping[str, Any], owner: str) -> str:
    """Hex sha256 over the owner and the mapping in canonical form: blanks and the order of keys do not count."""
    text = json.dumps([owner, value], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
