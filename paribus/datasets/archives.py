"""Archives from elsewhere, unpacked with a loop of our own: a bad member refuses the whole archive."""

import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from paribus import durable
from paribus.errors import DataError, Problem

MAX_BYTES = 32 << 30  # of all that is unpacked
MAX_RATIO = 100  # of that to the archive
MAX_MEMBERS = 1_000_000
_FREE = 1 << 20  # bytes that may be unpacked whatever the ratio: a small archive of text has a high one
_PIECE = 1 << 20


@dataclass(frozen=True)
class _Member:
    """One entry: its name as written, its declared size, why it is no file or folder (or ""), and how it is opened."""

    name: str
    size: int
    odd: str
    is_folder: bool
    content: IO[bytes] | None = None


def unpack(archive: Path, into: Path) -> None:
    """The files of a tar (plain or compressed) or zip archive, below `into`, an empty folder that nobody reads yet.

    Files and folders only: links, devices and sparse files, names that lead out or are there twice, encrypted members,
    more than MAX_MEMBERS members, more than MAX_BYTES or MAX_RATIO times the archive's own size, and members that hold
    more or less than they declare refuse the archive; the caller throws `into` away then. Nothing is ever written
    outside it. Owners, modes and times are not taken over.

    Raises DataError, MachineError.
    """
    limit = min(MAX_BYTES, max(_FREE, MAX_RATIO * archive.stat().st_size))
    seen: set[str] = set()
    total = 0
    try:
        for member in _members(archive):
            parts = _parts(member, archive)
            key = "/".join(parts)
            total += member.size
            if key in seen and not member.is_folder:
                raise _refused(archive, f"holds {member.name!r} twice")
            if total > limit or len(seen) >= MAX_MEMBERS:
                raise _refused(archive, f"unpacks to more than {durable.megabytes(limit)} or {MAX_MEMBERS} files")
            seen.add(key)
            if parts:
                _write(member, into.joinpath(*parts), archive)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _refused(archive, f"is damaged or of an unknown kind ({error})") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise _refused(archive, "holds a name as a file and as a folder") from None
    except OSError as error:
        if error.errno is None:  # what gzip, bz2 and lzma raise for bytes that are not theirs
            raise _refused(archive, f"is damaged ({error})") from None
        raise durable.environment_error(error, into) from None


def _write(member: _Member, path: Path, archive: Path) -> None:
    if member.is_folder:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    assert member.content is not None
    with path.open("xb") as file, member.content as content:
        while piece := content.read(min(_PIECE, left + 1)):
            left -= len(piece)
            if left < 0:
                break
            file.write(piece)
    if left:
        raise _refused(archive, f"holds another number of bytes in {member.name!r} than it declares")


def _members(archive: Path) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for each in packed.infolist():
                kind = stat.S_IFMT(each.external_attr >> 16)
                odd = "" if kind in (0, stat.S_IFREG, stat.S_IFDIR) else "is a link or device"
                odd = "is encrypted" if each.flag_bits & 1 else odd
                name = each.orig_filename  # zipfile's own name has lost what follows a NUL
                content = None if odd or each.is_dir() else packed.open(each)
                yield _Member(name, each.file_size, odd, each.is_dir(), content)
        return
    with tarfile.open(archive) as tar:
        for entry in tar:
            plain = entry.isreg() and not entry.issparse()
            odd = "" if plain or entry.isdir() else "is a link, device or sparse file"
            yield _Member(entry.name, entry.size, odd, entry.isdir(), tar.extractfile(entry) if plain else None)


def _parts(member: _Member, archive: Path) -> tuple[str, ...]:
    """The path below the folder, part by part. Raises DataError."""
    name = member.name
    path = PurePosixPath(name)
    if member.odd:
        raise _refused(archive, f"holds {name!r}, which {member.odd}")
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in name or re.match(r"[A-Za-z]:", name)
    strange = not name or any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name)
    if leads_out or strange or max(map(len, ("", *path.parts))) > 200 or len(name) > 1000:
        raise _refused(archive, f"holds the name {name[:200]!r}, which may lead out of its folder")
    return tuple(part for part in path.parts if part != ".")


def _refused(archive: Path, why: str) -> DataError:
    return DataError([Problem("ARCHIVE_REFUSED", f"{why}. Nothing of it is used.", archive.name)])
