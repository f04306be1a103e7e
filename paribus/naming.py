"""Names that become folders: a study's, or a comparison's, after its file."""

import hashlib
import re

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
TAKEN = ("runs", "prepared")  # folders that stand beside those of studies


def folder_name(text: str) -> str:
    """`text` where it is a plain name, else what is plain of it and a hash: no two texts share a folder."""
    if NAME.fullmatch(text) and text[0] not in ".-" and text not in TAKEN:
        return text
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:48]
    return f"{plain or 'study'}-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def is_junk(name: str) -> bool:
    """Names that operating systems, notebooks and storage boxes leave behind."""
    return name.startswith((".", "@", "$")) or name.lower() in ("__macosx", "thumbs.db", "desktop.ini")
