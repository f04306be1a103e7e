"""Files that published data sets consist of: fetched once, whole or absent, into a cache folder of our own."""

import hashlib
import http.client
import os
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paribus import durable
from paribus.errors import IntegrityError, MachineError, Problem

SECONDS = 30  # without any answer
MAX_BYTES = 16 << 30
_PIECE = 1 << 20


@dataclass(frozen=True)
class Published:
    """A file, where it is published, and the md5 that its publishers (or torchvision) say it has."""

    url: str
    md5: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def cache() -> Path:
    """The folder for data from elsewhere: `PARIBUS_CACHE`, or `paribus` in the user's folder of caches."""
    home = os.environ.get("PARIBUS_CACHE")
    if home:
        return Path(home)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "paribus"


def fetched(file: Published) -> Path:
    """The file in the cache, downloaded if it is not there; its md5 is checked each time.

    Raises MachineError (exit 6) where it cannot be reached or there is no room, with what to do offline, and
    IntegrityError (exit 7) if it is not what was published.
    """
    target = cache() / "downloads" / file.name
    if not target.is_file():
        durable.make_folder(target.parent)
        _download(file, target)
    found = _md5(target)
    if found != file.md5:
        message = f"has md5 {found}; what is published has {file.md5}."
        raise IntegrityError([Problem("DOWNLOAD_HASH", message, str(target), "remove it and fetch it again.")])
    return target


def made(name: str, make: Callable[[Path], None]) -> Path:
    """A folder of the cache, filled by `make(empty folder)` if it is not there: whole or absent.

    Raises MachineError and what `make` raises.
    """
    final = cache() / name
    if final.is_dir():
        return final
    aside = final.with_name(f".{final.name}.{os.getpid()}")
    durable.remove(aside)
    durable.make_folder(aside)
    try:
        make(aside)
        durable.publish(aside, final)
    except MachineError:
        if not final.is_dir():  # another process may have been faster
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return final


class _Broken(Exception):
    """The download cannot be had or broke off; the network's word for it."""


def _download(file: Published, target: Path) -> None:
    """Fetch the file. What was fetched before a break is gone; the bytes are checked before they get their name."""
    try:
        with _opened(file) as answer:
            told = answer.headers.get("Content-Length")
            size = int(told) if told is not None and told.isdigit() else None
            durable.need(target, size or 0, f"the download {file.name}")
            much = "of unknown size" if size is None else f"({durable.megabytes(size)})"
            print(f"Downloading {file.name} {much} from {file.url}", file=sys.stderr)
            digest, got = hashlib.md5(usedforsecurity=False), 0
            with durable.stream(target, size or 0) as more:
                for piece in _pieces(answer):
                    digest.update(piece)
                    got += more(piece)
                    if got > MAX_BYTES:
                        raise _Broken(f"it has more than {durable.megabytes(MAX_BYTES)}")
                if size is not None and got != size:
                    raise _Broken(f"the download broke off after {got} of {size} bytes")
                if digest.hexdigest() != file.md5:
                    message = f"what {file.url} sends has md5 {digest.hexdigest()}; expected is {file.md5}."
                    fix = "something stands in between, or the file was changed: fetch it in another way."
                    raise IntegrityError([Problem("DOWNLOAD_HASH", message, file.name, fix)])
    except _Broken as error:
        raise _unreachable(file, target, str(error)) from None


def _opened(file: Published) -> Any:
    try:
        return urllib.request.urlopen(file.url, timeout=SECONDS)
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(str(getattr(error, "reason", error))) from None


def _pieces(answer: Any) -> Iterator[bytes]:
    try:
        while piece := answer.read(_PIECE):
            yield piece
    except (OSError, http.client.HTTPException) as error:  # the network's, not the disk's
        raise _Broken(f"the download broke off: {error}") from None


def _unreachable(file: Published, target: Path, why: str) -> MachineError:
    message = f"{file.url} cannot be fetched ({why.rstrip('.')})."
    fix = f"go online once, or fetch the file (md5 {file.md5}) on another computer and put it to {target}."
    return MachineError([Problem("DOWNLOAD_FAILED", message, "data", fix)])


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
