"""What a file system was told, and what of it a power loss may leave.

The model promises as little as POSIX does. What a file holds is on the disk after an fsync of the file; that a name is
there, or is there no longer, after an fsync of its folder. Until then a write may be lost, cut off or leave zeros, and
of the changes of names in a folder some may have reached the disk and others, earlier ones too, not. A renaming is
whole or not done: no file system loses both names.
"""

import builtins
import io
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Entry = tuple[Any, ...]  # kind, path, and what else belongs to it


class Recorder:
    """Writes down what this process does to the files below a folder, from now on, and what it says is stored."""

    def __init__(self, root: Path):
        self.root, self.log = root, []
        self._one_at_a_time = threading.RLock()  # files are synced in threads
        self._written: dict[Path, bytes] = {}  # files that were opened to be written, and what is known to be in them
        self._wrap("open", self._opened)
        self._wrap("fsync", self._synced)
        self._wrap("mkdir", lambda path, *rest, dir_fd=None: self._note("mkdir", path, dir_fd))
        self._wrap("rmdir", lambda path, dir_fd=None: self._note("remove", path, dir_fd))
        self._wrap("unlink", lambda path, dir_fd=None: self._note("remove", path, dir_fd))
        self._wrap("rename", lambda old, new, **rest: self._renamed(old, new))
        self._wrap("replace", lambda old, new, **rest: self._renamed(old, new))
        self._forbid()

    def mark(self, *what: Any) -> None:
        """Something was said to be stored."""
        with self._one_at_a_time:
            self._catch_up()
            self.log.append(("mark", *what))

    def _wrap(self, name: str, note: Callable[..., None]) -> None:
        real = getattr(os, name)

        def wrapped(*given: Any, **named: Any) -> Any:
            with self._one_at_a_time:
                self._catch_up()
                found = real(*given, **named)
                note(*given, **named)
            return found

        setattr(os, name, wrapped)

    def _forbid(self) -> None:
        """Files below the folder are opened in a way that is seen here, or not at all."""
        real = builtins.open  # which `io.open` is too

        def opened(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            path = None if isinstance(file, int) else self._below(file, None)
            if path is not None and set(mode) & set("wax+") and named.get("opener") is None:
                raise RuntimeError(f"{path} is written in a way that is not recorded")
            return real(file, mode, *rest, **named)

        builtins.open = io.open = opened

    def _opened(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        below = self._below(path, dir_fd)
        if below is not None and flags & os.O_CREAT:
            self.log.append(("create", below.as_posix()))
            self._written[below] = b""

    def _synced(self, descriptor: int) -> None:
        below = self._below(_opened_path(descriptor), None)
        if below is not None:
            self.log.append(("fsync", below.as_posix()))
            self._written.pop(below, None)

    def _note(self, kind: str, path: Any, dir_fd: int | None) -> None:
        below = self._below(path, dir_fd)
        if below is not None:
            self.log.append((kind, below.as_posix()))
            self._written.pop(below, None)

    def _renamed(self, old: Any, new: Any) -> None:
        source, target = self._below(old, None), self._below(new, None)
        if source is None or target is None:
            return
        self.log.append(("rename", source.as_posix(), target.as_posix()))
        for path in list(self._written):
            if path == source or source in path.parents:
                self._written[target / path.relative_to(source)] = self._written.pop(path)

    def _catch_up(self) -> None:
        """What was written since the last entry."""
        for path, known in self._written.items():
            descriptor = _open(self.root / path, os.O_RDONLY)
            content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            os.close(descriptor)
            if content != known:
                self.log.append(("data", path.as_posix(), content))
                self._written[path] = content

    def _below(self, path: Any, dir_fd: int | None) -> Path | None:
        if isinstance(path, int):
            return None
        home = _opened_path(dir_fd) if dir_fd is not None else Path.cwd()
        whole = Path(os.path.normpath(home / os.fsdecode(path)))
        return whole.relative_to(self.root) if whole.is_relative_to(self.root) else None


def _opened_path(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


_open = os.open  # before anything is wrapped


@dataclass
class Node:
    """A file or folder. What is stored of it, and what it is now."""

    is_folder: bool
    now: bytes = b""
    stored: bytes = b""
    names: dict[str, "Node"] = field(default_factory=dict)
    stored_names: dict[str, "Node"] = field(default_factory=dict)
    pending: list[Callable[[dict[str, "Node"]], None]] = field(default_factory=list)


def after(log: list[Entry]) -> Node:
    """The folder after these entries."""
    root = Node(is_folder=True)
    for kind, *given in log:
        if kind != "mark":
            _ENTRIES[kind](root, *given)
    return root


def left(node: Node, mode: str, draw: random.Random) -> dict[str, Any] | bytes:
    """What a power loss leaves of it: bytes, or name -> what is left. mode: a key of MODES."""
    if not node.is_folder:
        return MODES[mode].content(node, draw)
    names = dict(node.stored_names)
    for change in MODES[mode].kept(node.pending, draw):
        change(names)
    return {name: left(each, mode, draw) for name, each in names.items()}


def build(content: dict[str, Any] | bytes, path: Path) -> None:
    """Make files of what is left."""
    if isinstance(content, bytes):
        path.write_bytes(content)
        return
    path.mkdir()
    for name, each in content.items():
        build(each, path / name)


# ------------------------------------------------------------------------------------------------------ the entries


def _found(root: Node, path: str) -> tuple[Node, str]:
    """(the folder in which a name is, the name)."""
    *above, name = Path(path).parts
    for each in above:
        root = root.names[each]
    return root, name


def _add(root: Node, path: str, is_folder: bool) -> None:
    home, name = _found(root, path)
    node = home.names.get(name)
    if node is not None and not node.is_folder:  # opened again: the same file, empty
        node.now = b""
        return
    made = Node(is_folder)
    _change(home, lambda names: names.update({name: made}))


def _remove(root: Node, path: str) -> None:
    home, name = _found(root, path)
    gone = home.names[name]
    _change(home, lambda names: names.pop(name) if names.get(name) is gone else None)


def _rename(root: Node, old: str, new: str) -> None:
    home, name = _found(root, old)
    target, becomes = _found(root, new)
    if target is not home:
        raise RuntimeError(f"{old} is moved to another folder, which the model does not know")
    moved = home.names[name]

    def change(names: dict[str, Node]) -> None:
        if names.get(name) is moved:
            del names[name]
        names[becomes] = moved

    _change(home, change)


def _change(home: Node, change: Callable[[dict[str, Node]], Any]) -> None:
    change(home.names)
    home.pending.append(change)


def _data(root: Node, path: str, content: bytes) -> None:
    home, name = _found(root, path)
    home.names[name].now = content


def _fsync(root: Node, path: str) -> None:
    node = root
    for name in Path(path).parts:
        node = node.names[name]
    node.stored, node.stored_names = node.now, dict(node.names)
    node.pending.clear()


_ENTRIES: dict[str, Callable[..., None]] = {
    "create": lambda root, path: _add(root, path, False),
    "mkdir": lambda root, path: _add(root, path, True),
    "remove": _remove,
    "rename": _rename,
    "data": _data,
    "fsync": _fsync,
}


# ---------------------------------------------------------------------------------------------------------- the modes


@dataclass(frozen=True)
class Mode:
    """kept: which of the changes of names since the last fsync are done. content: what a file holds."""

    kept: Callable[[list[Any], random.Random], list[Any]]
    content: Callable[[Node, random.Random], bytes]


def _stored(node: Node, draw: random.Random) -> bytes:
    return node.stored


def _torn(node: Node, draw: random.Random) -> bytes:
    """What was stored, or of what was written since all, a part, or its length in zeros."""
    if node.now == node.stored:
        return node.stored
    cut = draw.randrange(len(node.now) + 1)
    whole, part = node.now, node.now[:cut]
    return draw.choice((node.stored, whole, part, part + bytes(len(whole) - cut), bytes(len(whole))))


MODES = {
    "lost": Mode(lambda pending, draw: [], _stored),
    "torn": Mode(lambda pending, draw: pending, _torn),
    "in order": Mode(lambda pending, draw: pending[: draw.randrange(len(pending) + 1)], _torn),
    "reordered": Mode(lambda pending, draw: [each for each in pending if draw.random() < 0.5], _torn),
}
