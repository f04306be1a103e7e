"""The studies that answer the questions: written for the data and the size asked for, then read like any other.

Each file in `paribus/studies/reproduce/` holds a whole `study`, and what differs from it: `quick`, at the quick size,
and `drawn`, on images that Paribus draws.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from paribus import durable, yamlfile
from paribus.datasets import camvid, folder
from paribus.errors import DataError, Problem, StudyError
from paribus.study import Study

Written = dict[str, Any]

NAMES = ("training", "recipe", "labels")  # in the order in which they run
LOOKS = "looks"  # in the place of `training` for what needs boxes, always drawn and quick
OF_FACES = ("training", "recipe")
FACES, CAMVID = "faces", "camvid"  # the names to which paths are bound
SPLITS = frozenset({"train", "val", "test"})


@dataclass(frozen=True)
class Asked:
    """What the command was given. faces, camvid: folders, or None for drawn images; seeds: of each arm, or None."""

    faces: Path | None = None
    camvid: Path | None = None
    quick: bool = False
    seeds: int | None = None

    @property
    def data(self) -> dict[str, Path]:
        """Name -> folder, as a study binds it."""
        return {name: path for name, path in ((FACES, self.faces), (CAMVID, self.camvid)) if path is not None}

    def drawn(self, name: str) -> bool:
        """Whether a study runs on drawn images."""
        if name == LOOKS:
            return True
        return (self.faces if name in OF_FACES else self.camvid) is None

    def stem(self, name: str) -> str:
        """The name of a study's file and folder: another size or other data are another study."""
        tags = ["quick"] * (self.quick and name != LOOKS) + ["drawn"] * self.drawn(name)
        return "-".join(["reproduce", name, *tags])


def checked(asked: Asked) -> frozenset[str]:
    """The splits of the folder of faces; all of them where they are drawn.

    Raises DataError with the problems of both folders.
    """
    problems: list[Problem] = []
    found = SPLITS
    if asked.faces is not None:
        try:
            found = frozenset(item.split for item in folder(asked.faces).items)
        except (DataError, StudyError) as error:
            problems += error.problems
    if asked.camvid is not None:
        try:
            camvid(asked.camvid)
        except (DataError, StudyError) as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return found


def study(asked: Asked, name: str, out: Path, splits: frozenset[str] = SPLITS) -> Study:
    """A study, written into `out` as a file that `paribus run` takes too. splits: those of the folder of faces."""
    path = out / f"{asked.stem(name)}.yaml"
    text = yaml.safe_dump(composed(asked, name, splits), sort_keys=False, allow_unicode=True, width=110)
    durable.write(path, f"# Written by `paribus reproduce`; `paribus run` takes it too.\n{text}".encode())
    return Study.read(path)


def composed(asked: Asked, name: str, splits: frozenset[str] = SPLITS) -> Written:
    """What the file of a study says."""
    content = files("paribus").joinpath(f"studies/reproduce/{name}.yaml").read_bytes()
    told: Written = yamlfile.parse(content, f"{name}.yaml").value
    written = dict(told["study"])
    if asked.quick:
        written = merged(written, told.get("quick", {}))
    if asked.drawn(name):
        written = merged(written, told.get("drawn", {}).get("quick" if asked.quick else "full", {}))
    elif name in OF_FACES and "test" not in splits:
        written |= {"split": "val", "epoch": "crossfit"}
    return written | ({} if asked.seeds is None else {"seeds": asked.seeds})


def merged(base: Written, other: Written) -> Written:
    """`base` with the values of `other`, key by key; a part with another `use` takes the place of the whole part."""
    found = dict(base)
    for key, value in other.items():
        before = found.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and value.get("use") in (None, before.get("use")):
            value = merged(before, value)
        found[key] = value
    return found
