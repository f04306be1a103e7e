"""What a data folder is, bit for bit: nothing may ever be written there."""

import hashlib
import os
import stat
from pathlib import Path

State = tuple[int, int, int, str]  # kind and permissions, size, when it changed (ns), hash or target of a link


def files_of(root: Path) -> dict[str, State]:
    """The state of everything below `root`, folders too. Pipes, sockets and huge files are not opened."""
    found: dict[str, State] = {}
    for home, folders, names in os.walk(root):
        for path in (Path(home), *(Path(home) / name for name in (*folders, *names))):
            about = path.lstat()
            found[str(path)] = about.st_mode, about.st_size, about.st_mtime_ns, _content(path, about)
    return found


def _content(path: Path, about: os.stat_result) -> str:
    if path.is_symlink():
        return str(path.readlink())
    if not stat.S_ISREG(about.st_mode) or about.st_size > 1 << 30 or not os.access(path, os.R_OK):
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()
