"""Archives are unpacked whole or refused whole, and nothing is ever written outside (RELIABILITY 2.5)."""

import io
import stat
import tarfile
import zipfile

import pytest

from paribus.datasets import archives
from paribus.datasets.archives import unpack
from paribus.errors import DataError


def tar(path, *members, mode="w:gz"):
    """members: (name, content) or a TarInfo."""
    with tarfile.open(path, mode) as packed:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                packed.addfile(member)
            else:
                entry = tarfile.TarInfo(member[0])
                entry.size = len(member[1])
                packed.addfile(entry, io.BytesIO(member[1]))
    return path


def entry(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    return folder


def outside(into):
    """What lies beside the folder: nothing ever may."""
    return sorted(p.name for p in into.parent.iterdir() if p != into)


GOOD = (("a/b.txt", b"one"), ("./c.txt", b""), ("a/d/e.bin", b"\0" * 3000))


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_files_and_folders_are_unpacked(tmp_path, into, kind):
    if kind == "zip":
        archive = zipped(tmp_path / "x.zip", *GOOD, ("empty/", b""))
    else:
        archive = tar(tmp_path / "x.tar", *GOOD, entry("empty", tarfile.DIRTYPE), mode=kind)
    unpack(archive, into)
    found = {p.relative_to(into).as_posix(): p.read_bytes() for p in into.rglob("*") if p.is_file()}
    assert found == {"a/b.txt": b"one", "c.txt": b"", "a/d/e.bin": b"\0" * 3000}
    assert (into / "empty").is_dir()


NAMES = ["../evil", "/evil", "a/../../evil", "..\\evil", "C:\\evil", "C:evil", "a\x01b", "x" * 201]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_out(tmp_path, into, name):
    for archive in (
        tar(tmp_path / "x.tar", ("good.txt", b"1"), (name, b"evil")),
        zipped(tmp_path / "x.zip", ("good.txt", b"1"), (name, b"evil")),
    ):
        with pytest.raises(DataError, match=r"may lead out of its folder\. Nothing of it is used"):
            unpack(archive, into)
        assert outside(into) == [] and not any("evil" in p.name for p in into.rglob("*"))
        (into / "good.txt").unlink(missing_ok=True)


KINDS = {
    "symlink": (tarfile.SYMTYPE, "/etc"),
    "hardlink": (tarfile.LNKTYPE, "/etc/passwd"),
    "device": (tarfile.CHRTYPE, ""),
    "pipe": (tarfile.FIFOTYPE, ""),
}


@pytest.mark.parametrize("kind", KINDS)
def test_links_and_devices(tmp_path, into, kind):
    archive = tar(tmp_path / "x.tar", entry("there", *KINDS[kind]), ("there/passwd", b"evil"))
    with pytest.raises(DataError, match=r"'there', which is a link, device or sparse file"):
        unpack(archive, into)
    assert list(into.rglob("*")) == [] and outside(into) == []


def test_a_link_in_a_zip(tmp_path, into):
    info = zipfile.ZipInfo("there")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="'there', which is a link or device"):
        unpack(zipped(tmp_path / "x.zip", (info, b"/etc")), into)


def test_a_bomb(tmp_path, into, monkeypatch):
    monkeypatch.setattr(archives, "_FREE", 1000)
    for archive in (
        tar(tmp_path / "x.tar", ("zeros", b"\0" * 1_000_000)),
        zipped(tmp_path / "x.zip", ("zeros", b"\0" * 1_000_000)),
    ):
        assert archive.stat().st_size * archives.MAX_RATIO < 1_000_000
        with pytest.raises(DataError, match="unpacks to more than"):
            unpack(archive, into)
        assert list(into.rglob("*")) == []


def test_too_many_members(tmp_path, into, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    with pytest.raises(DataError, match="or 3 files"):
        unpack(tar(tmp_path / "x.tar", *((str(k), b"") for k in range(5))), into)


def test_a_name_twice_and_a_file_below_a_file(tmp_path, into):
    with pytest.raises(DataError, match=r"holds './a' twice"):
        unpack(tar(tmp_path / "x.tar", ("a", b"1"), ("./a", b"2")), into)
    (into / "a").unlink()
    with pytest.raises(DataError, match="holds a name as a file and as a folder"):
        unpack(tar(tmp_path / "y.tar", ("a", b"1"), ("a/b", b"2")), into)


def test_a_zip_that_declares_less_than_it_holds(tmp_path, into):
    archive = zipped(tmp_path / "x.zip", ("a", b"0123456789" * 50))
    data = bytearray(archive.read_bytes())
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + at
        assert int.from_bytes(data[place : place + 4], "little") == 500
        data[place : place + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(data)
    with pytest.raises(DataError, match="Nothing of it is used"):
        unpack(archive, into)
    assert (into / "a").stat().st_size <= 500


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_what_is_no_archive_or_half_of_one(tmp_path, into, cut):
    whole = tar(tmp_path / "x.tar.gz", ("a", bytes(range(256)) * 20)).read_bytes()
    (tmp_path / "half").write_bytes(whole[:cut])
    (tmp_path / "text").write_text("<html>not found</html>")
    for name in ("half", "text"):
        with pytest.raises(DataError, match="is damaged"):
            unpack(tmp_path / name, into)
