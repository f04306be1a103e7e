"""`huggingface`: a data set of the Hugging Face hub, or one that `datasets` has saved in a folder.

Its images are written once, as the files they are, into a cache folder of ours, and from then on nothing but those
files counts: scan, fingerprints and hashes hold for them, and nothing is asked of the hub again. No code of the hub is
ever run: data sets that are a script are refused.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paribus import durable, images, sealed
from paribus.datasets.downloads import cache, made
from paribus.datasets.folders import class_problems
from paribus.datasets.found import existing
from paribus.datasets.items import SPLIT_NAMES, SPLITS, ImageSet, Item, image_set
from paribus.datasets.splitting import split_up
from paribus.errors import DataError, IntegrityError, MachineError, Problem, StudyError
from paribus.parts import Share

INDEX = "index.json"
LARGEST_INDEX = 1 << 30  # bytes
_SAVED = ("dataset_dict.json", "state.json")  # what save_to_disk leaves
_SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp", "GIF": ".gif"}


def huggingface(
    root: Path | None = None,
    *,
    name: str | None = None,
    config: str | None = None,
    revision: str | None = None,
    image: str = "image",
    label: str = "label",
    group: str | None = None,
    splits: dict[str, Share] | None = None,
    split_seed: int = 0,
) -> ImageSet:
    """Images of the hub's data set `name` (`owner/set`), or of a folder: `save_to_disk`'s, or of parquet files.

    `config` and `revision` choose among the hub's; without `revision` the one that is there at first counts, for as
    long as the cache has it. `image`, `label` and `group` name columns; labels are classes, texts, or whole numbers.
    The splits train, validation and test are taken as they are; a set of one split is split as in `folder`, and with
    `splits` so are the training images of a set without validation images.

    Needs `pip install 'paribus[huggingface]'`. Raises DataError, StudyError, MachineError and IntegrityError.
    """
    if (root is None) == (name is None):
        message = "huggingface needs either `root`, a folder, or `name`, a data set of the hub."
        raise StudyError([Problem("HUGGINGFACE", message, fix="name: owner/set.")])
    asked = {"config": config, "revision": revision, "image": image, "label": label, "group": group}
    if root is not None:
        folder = existing(root)
        key: dict[str, Any] = {"files": _hashes(folder)}
        what = folder.name
    else:
        key, what = {"name": name}, str(name)
        if not re.fullmatch(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)?", what):
            raise StudyError([Problem("HUGGINGFACE", f"name {what!r} is none of the hub's: owner/set.")])
    digest = hashlib.sha256(json.dumps(key | asked, sort_keys=True).encode()).hexdigest()[:20]

    def make(aside: Path) -> None:
        with _told(what):
            tables = _of_folder(root) if root is not None else _of_hub(what, config, revision)
            _materialise(tables, aside, root, asked, digest, what)

    home = made(f"huggingface/{digest}", make)
    return _image_set(home, digest, what, splits, split_seed)


def _image_set(home: Path, digest: str, what: str, splits: dict[str, float] | None, seed: int) -> ImageSet:
    try:
        index = sealed.read(home / INDEX, digest, largest=LARGEST_INDEX)
    except ValueError as error:
        fix = f"remove {home}: it is made again."
        raise IntegrityError([Problem("CACHE_DAMAGED", f"{INDEX} {error}.", str(home), fix)]) from None
    classes = tuple(index["classes"])
    items = [Item(i, s, classes.index(c), home / i, g) for i, s, c, g in index["items"]]
    given = {item.split for item in items}
    if splits is not None and given - {"", "train", "test"}:
        message = f"has the splits {', '.join(sorted(given))}, and the study asks for a split."
        raise StudyError([Problem("SPLITS_TWICE", message, what, "Remove `splits`.")])
    by_split: dict[str, set[str]] = {}
    for item in items:
        by_split.setdefault(item.split, set()).add(classes[item.label])
    if problems := class_problems(classes, by_split, None):
        raise DataError(problems)
    own = given == {""} or splits is not None or given == {"train"}
    if own:
        tested = [item for item in items if item.split == "test"]
        items = tested + split_up([item for item in items if item.split != "test"], splits, seed)
    return image_set("huggingface", classes, items, [], [], 0, own)


# ------------------------------------------------------------------------------------------------ tables


def _of_folder(root: Path) -> dict[str, Any]:
    """Split -> table, of a folder that `save_to_disk` wrote or of parquet files."""
    import datasets

    if any((root / name).is_file() for name in _SAVED):
        found = datasets.load_from_disk(str(root))
        return dict(found) if isinstance(found, Mapping) else {"": found}
    parquet = _parquet(root)
    if not parquet:
        message = f"has neither {' nor '.join(_SAVED)} (save_to_disk's) nor parquet files."
        raise DataError([Problem("HUGGINGFACE_LAYOUT", message, root.name)])
    by_split: dict[str, list[str]] = {}
    for path in parquet:
        split = re.match(r"[A-Za-z]+", path.name)
        known = SPLIT_NAMES.get(split.group().lower(), "") if split else ""
        by_split.setdefault(known, []).append(str(path))
    aside = str(cache() / "huggingface" / "tables")
    return {s: datasets.Dataset.from_parquet(files, cache_dir=aside) for s, files in by_split.items()}


def _of_hub(name: str, config: str | None, revision: str | None) -> dict[str, Any]:
    import datasets

    aside = str(cache() / "huggingface" / "tables")
    return dict(datasets.load_dataset(name, config, revision=revision, cache_dir=aside))


def _parquet(root: Path) -> list[Path]:
    return [p for p in sorted(root.rglob("*.parquet")) if p.resolve().is_relative_to(root.resolve())]


def _hashes(root: Path) -> list[tuple[str, str]]:
    """(name, sha256) of the files that hold the tables."""
    files = [*sorted(root.rglob("*.arrow")), *_parquet(root), *sorted(root.rglob("*.json"))]
    found = []
    for path in files:
        with path.open("rb") as file:
            found.append((path.relative_to(root).as_posix(), hashlib.file_digest(file, "sha256").hexdigest()))
    return found


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What `datasets` and the network raise, in the user's words."""
    try:
        import datasets
    except ImportError:
        fix = "pip install 'paribus[huggingface]'."
        raise MachineError([Problem("EXTRA_MISSING", "`huggingface` needs the package datasets.", fix=fix)]) from None
    datasets.disable_progress_bars()
    try:
        yield
    except (DataError, StudyError, MachineError):
        raise
    except (ConnectionError, TimeoutError) as error:
        raise _unreachable(what, error) from None
    except Exception as error:  # whatever a reader of foreign tables raises
        said = str(error).partition("\n")[0][:300]
        network = re.search(r"offline|couldn't (reach|connect)|connection|resolve|timed out", said, re.IGNORECASE)
        if network and not isinstance(error, ValueError):
            raise _unreachable(what, error) from None
        script = " Paribus runs no code of the hub." if "script" in said or "trust_remote_code" in said else ""
        message = f"cannot be read ({type(error).__name__}: {said.rstrip('.')}).{script}"
        raise DataError([Problem("HUGGINGFACE_UNREADABLE", message, what)]) from None


def _unreachable(what: str, error: Exception) -> MachineError:
    said = str(error).partition("\n")[0][:300].rstrip(".")
    fix = "go online once, or save it on another computer (save_to_disk), copy the folder and write root: FOLDER."
    return MachineError([Problem("DOWNLOAD_FAILED", f"the hub cannot be reached ({said}).", what, fix)])


# ------------------------------------------------------------------------------------------------ files


def _materialise(
    tables: Mapping[str, Any], aside: Path, root: Path | None, asked: Mapping[str, Any], digest: str, what: str
) -> None:
    """Write each image as the file it is, and what is known of it into the index."""
    rows: list[tuple[str, str, str, str | None]] = []
    names: dict[str, int | str] = {}
    known = {split: SPLIT_NAMES.get(split.lower(), "") for split in tables}
    odd = [split for split in tables if split and not known[split]]
    if odd and len(tables) > 1:
        message = f"has the splits {', '.join(tables)}; known are {', '.join(SPLITS)} (and their usual names)."
        raise DataError([Problem("SPLIT_UNKNOWN", message, what)])
    for split, table in tables.items():
        own = known[split] if len(tables) > 1 else known[split] if known[split] == "train" else ""
        for number, row in enumerate(_rows(table, asked, what)):
            content = _content(row[asked["image"]], root, f"{split}[{number}]", asked["image"], what)
            folder = own or "all"
            kind = images.kind_of(content)
            name = f"{folder}/{number:07d}{_SUFFIX.get(kind or '', '.png')}"
            durable.make_folder(aside / folder)
            durable.put(aside / name, content)
            value = _label(row[asked["label"]], table, asked["label"], f"{split}[{number}]", what)
            names.setdefault(value[1], value[0])
            group = None if asked["group"] is None else str(row[asked["group"]])
            rows.append((name, own, value[1], group))
    classes = sorted(names, key=lambda each: (isinstance(names[each], str), names[each]))
    sealed.write(aside / INDEX, {"classes": classes, "items": rows}, digest)


def _rows(table: Any, asked: Mapping[str, Any], what: str) -> Iterator[dict[str, Any]]:
    """The rows, images as the bytes they are. Raises DataError for columns that are not there."""
    import datasets

    needed = [asked[key] for key in ("image", "label", "group") if asked[key] is not None]
    absent = [column for column in needed if column not in table.column_names]
    if absent:
        has = ", ".join(table.column_names)
        message = f"has no column {', '.join(map(repr, absent))}; it has {has}."
        raise DataError([Problem("COLUMN_MISSING", message, what, "Set `image`, `label` or `group`.")])
    column = asked["image"]
    if not isinstance(table.features[column], datasets.Image):
        message = f"column {column!r} holds {type(table.features[column]).__name__}, no images."
        raise DataError([Problem("COLUMN_NO_IMAGE", message, what, "Set `image`.")])
    yield from table.select_columns(list(dict.fromkeys(needed))).cast_column(column, datasets.Image(decode=False))


def _content(value: Any, root: Path | None, where: str, column: str, what: str) -> bytes:
    """The bytes of an image's file. A path in a table is followed below the data's own folder only."""
    if isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes):
        return value["bytes"]
    named = value.get("path") if isinstance(value, Mapping) else None
    if not named:
        raise DataError([Problem("IMG_EMPTY", f"{where} has no image in {column!r}.", what)])
    homes = [root] if root is not None else [cache(), Path(os.environ.get("HF_HOME", "~/.cache/huggingface"))]
    path = Path(named) if Path(named).is_absolute() or root is None else root / named
    real = Path(os.path.realpath(path))
    if not any(real.is_relative_to(os.path.realpath(home.expanduser())) for home in homes):
        message = f"{where} names a file outside the data's own folder: {str(named)[:200]!r}."
        raise DataError([Problem("PATH_OUTSIDE_ROOT", message, what, "Save the data set with its images in it.")])
    return images.read_bytes(real, where)


def _label(value: Any, table: Any, column: str, where: str, what: str) -> tuple[int | str, str]:
    """(what classes are ordered by, the name of the class)."""
    names = getattr(table.features[column], "names", None)
    if names is not None and isinstance(value, int) and 0 <= value < len(names):
        return value, str(names[value])
    if names is None and isinstance(value, str) and value:
        return value, value
    if names is None and type(value) is int:
        return value, str(value)
    message = f"{where} has the label {value!r} in {column!r}; expected is a class, a text or a whole number."
    raise DataError([Problem("LABEL_UNREADABLE", message, what, "Set `label`.")])
