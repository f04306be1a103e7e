"""What the commands share: study files and data are opened, work is held, options become values."""

import re
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paribus.errors import Problem, StudyError

if TYPE_CHECKING:
    from paribus.execute import Bound, Place, Where
    from paribus.progress import Screen
    from paribus.study import Study

COMPARED = "predictions.json"  # in the folder of a comparison, as study.lock.json in that of a study


def read_study(path: Path, plugin: list[str] | None) -> "Study":
    from paribus.study import Study

    return Study.read(path, plugins(plugin))


def plugins(given: list[str] | None) -> tuple[str, ...]:
    """The modules that the user named; they may lie in the current folder."""
    if given:
        sys.path.insert(0, str(Path.cwd()))
    return tuple(given or ())


def holding(study: "Study", out: Path) -> AbstractContextManager[None]:
    from paribus.execute import Place
    from paribus.running import holding

    return holding(Place.of(study, out))


def opened(
    read: "Study",
    out: Path,
    data: list[str] | None,
    weights: list[str] | None,
    sha256: list[str] | None,
    threads: int | None,
) -> "tuple[Bound, Place]":
    from paribus.running import open_study

    bindings, files, hashes = bindings_of(read, data), pairs(weights, "--weights"), hashes_of(sha256)
    screen = screen_of(read)
    try:
        bound, place = open_study(read, out, screen, bindings, files, threads, hashes)
    finally:
        screen.close()
    _say_remarks(bound)
    return bound, place


def _say_remarks(bound: "Bound") -> None:
    """What the scans left out, what looks odd and what will take long, before anything is trained."""
    from paribus.environment import emulates_bf16
    from paribus.scan import remarks

    lines = [line for found in bound.scans.values() for line in remarks(found)]
    half = [arm for arm, recipe in bound.study.recipes.items() if recipe.precision == "bf16"]
    if half and emulates_bf16():
        message = (
            f"{', '.join(half)}: bf16 is several times slower than float32 here, as this processor only emulates it."
        )
        lines.append(Problem("BF16_EMULATED", message, fix="precision: float32; plan times both.").line("warning"))
    for line in dict.fromkeys(lines):  # arms share data sets, and see the same files in other label spaces
        print(line, file=sys.stderr)


def screen_of(study: "Study") -> "Screen":
    from paribus.progress import Screen

    return Screen(study.title)


def train_and_report(
    study: "Study",
    bound: "Bound",
    place: "Place",
    max_runs: int | None,
    pictures: str,
    command: str,
    prepared: float | None = None,
    allow_inexact: bool = False,
    where: "Where | None" = None,
    device: str = "auto",
) -> None:
    from paribus import devices, running
    from paribus.jobs import here

    on = devices.chosen(device)
    screen = screen_of(study)
    try:
        done = running.run(
            bound,
            place,
            screen,
            max_runs=max_runs,
            prepared=prepared,
            pictures=pictures == "few",
            command=command,
            allow_inexact=allow_inexact,
            where=where or here,
            device=on,
        )
    finally:
        screen.close()
    say_answers(done.results.contrasts)
    say(f"Report: {done.page}")
    if done.failed is not None:
        raise done.failed


def say_answers(rows: Any) -> None:
    for row in rows:
        say(f"{row.question.name}: {row.sentence}")


def pairs(given: list[str] | None, option: str) -> dict[str, Path]:
    pairs: dict[str, Path] = {}
    problems = []
    for text in given or ():
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            problems.append(
                Problem("USAGE", f"{option} {text}: expected NAME=PATH.", fix=f"{option} smiles=/data/smiles.")
            )
        elif pairs.setdefault(name, Path(path)) != Path(path):
            message = f"{option} {name} is given twice: {pairs[name]} and {path}."
            problems.append(Problem("USAGE", message, fix="keep one of them."))
    if problems:
        raise StudyError(problems)
    return pairs


def bindings_of(study: "Study", given: list[str] | None) -> dict[str, Path]:
    """Where data are, of names that the study reads: one that it does not know is a slip."""
    from paribus.errors import unknown

    bindings, names = pairs(given, "--data"), sorted({root for root in study.roots.values() if root is not None})
    wrong = [name for name in bindings if name not in names]
    if wrong:
        none = "the study reads no files, so that --data has nothing to name."
        raise StudyError(
            [Problem("USAGE", f"--data: {unknown('data', name, names)}" if names else none) for name in wrong]
        )
    return bindings


def hashes_of(given: list[str] | None) -> dict[str, str]:
    pairs = {text.partition("=")[0]: text.partition("=")[2].lower() for text in given or ()}
    problems = [
        Problem("USAGE", f"--sha256 {model}={digest}: expected MODEL=HASH, of 64 hexadecimal digits.")
        for model, digest in pairs.items()
        if not model or not re.fullmatch(r"[0-9a-f]{64}", digest)
    ]
    if problems:
        raise StudyError(problems)
    return pairs


def pictures_choice(value: str) -> None:
    if value not in ("few", "none"):
        raise StudyError([Problem("USAGE", f"--pictures must be few or none, not {value!r}.")])


def study_folders(folder: Path) -> list[Path]:
    """The folder itself if it holds a report, else the folders in it that do."""
    from paribus.errors import DataError

    markers = ("study.lock.json", COMPARED)
    if any((folder / m).exists() for m in markers):
        return [folder]
    found = sorted({p.parent for m in markers for p in folder.glob(f"*/{m}")}) if folder.is_dir() else []
    if not found:
        fix = "name the folder that `paribus run` or `paribus compare` wrote."
        raise DataError([Problem("NO_STUDY_HERE", "there is no study in it.", str(folder), fix)])
    return found


def say(text: str) -> None:
    """One line for the user, with control characters made visible."""
    from paribus.errors import printable

    print(printable(text))
