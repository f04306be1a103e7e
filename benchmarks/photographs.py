"""Where the benchmarks' images are: the data sets of the repository's studies."""

import os
import shutil
from pathlib import Path

from paribus.errors import DataError, Problem

DATA = Path(os.environ.get("PARIBUS_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
ANTS_BEES, SMILES = "ants-bees", "smiles"


def data_set(name: str) -> Path:
    """The folder of a data set. Raises DataError, with what to do, if it is not there."""
    folder = DATA / name
    if not folder.is_dir():
        fix = "set PARIBUS_DATA to the folder that holds it."
        raise DataError([Problem("DATA_NOT_FOUND", f"the benchmarks need the data set {name!r}.", str(folder), fix)])
    return folder


def part(source: Path, target: Path, counts: dict[str, int]) -> Path:
    """A copy of `counts` images of each split (None of the others), classes alike, evenly spread over the names."""
    for split, count in counts.items():
        classes = sorted(p for p in (source / split).iterdir() if p.is_dir())
        for place, folder in enumerate(classes):
            wanted = count // len(classes) + (place < count % len(classes))
            (target / split / folder.name).mkdir(parents=True)
            for file in spread(sorted(folder.iterdir()), wanted):
                shutil.copy(file, target / split / folder.name / file.name)
    return target


def spread(files: list[Path], wanted: int) -> list[Path]:
    """`wanted` of the files, at even distances; all of them if there are not so many."""
    wanted = min(wanted, len(files))
    return [files[i * len(files) // wanted] for i in range(wanted)]
