"""Every number of a stored report, computed again from the evidence and compared."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats as distributions

from paribus import regular, sealed, strictjson
from paribus.contrasts import Contrast
from paribus.epochs import chosen
from paribus.errors import DataError, IntegrityError, Problem
from paribus.metrics import named
from paribus.predictions import RunRecord
from paribus.report import REPORT, document
from paribus.results import ArmResult, Results
from paribus.scoring import scored_in
from paribus.store import Store

LARGEST = 1 << 30  # bytes of a report
PREDICTIONS = "predictions.json"  # there in the folder of a comparison of predictions
RELATIVE = 1e-9
ABSOLUTE = 1e-15  # below it a number is the rounding of zero
Rebuild = Callable[[Path], Results]

# What depends on the clock, on the machine or on how the report was asked for, and not on the evidence.
PASSING = re.compile(
    r"(paribus|command|seconds|environment\b.*"
    r"|arms\[[^\]]*\]\.(seconds|images_per_second|tuning\.seconds)"
    r"|arms\[[^\]]*\]\.runs\[[^\]]*\]\.(seconds|curves\[[^\]]*\]\.seconds))"
)


def verify(folder: Path, rebuild: Rebuild | None = None, plugins: tuple[str, ...] = ()) -> list[Problem]:
    """What in `report.json` does not follow from the evidence; nothing if all does.

    The results are built again from the evidence and compared with the report leaf by leaf, floats within 1e-9
    (relative). The levels, differences and intervals are besides computed in a second way, from the answers of each
    image. rebuild: folder -> results; by default what a study or a comparison folder calls for, with metrics of the
    user's own in the modules `plugins`. Raises IntegrityError
    for evidence that is not what was written, and for a report that cannot be read.
    """
    stored, broken = _stored(folder / REPORT)
    results = (rebuild or _rebuild_of(folder, plugins))(folder)
    computed = json.loads(json.dumps(document(results)))
    found = [*broken, *_differences("", stored, computed), *_second_way(results, stored)]
    found += _damage(folder, results) if rebuild is None else ()
    return list({problem.where: problem for problem in reversed(found)}.values())[::-1]  # the first of each place


def _stored(path: Path) -> tuple[dict[str, Any], list[Problem]]:
    """What the report says, and a problem if its seal is not the one of what it says."""
    where, fix = f"{path.parent.name}/{path.name}", "write it again with `paribus report`."
    try:
        value = strictjson.mapping(regular.content(path), LARGEST)
    except (OSError, ValueError) as error:
        raise IntegrityError([Problem("REPORT_UNREADABLE", f"cannot be read: {error}.", where, fix)]) from None
    if sealed.SEAL not in value:
        return value, []
    try:
        return sealed.opened(value, REPORT), []
    except ValueError as error:
        rest = {key: inner for key, inner in value.items() if key != sealed.SEAL}
        return rest, [Problem("REPORT_CHANGED", f"{error}.", where, fix)]


def _damage(folder: Path, results: Results) -> Iterator[Problem]:
    """Files of the runs that no number needs, such as weights, and that are not what was written."""
    if not (folder / PREDICTIONS).exists():
        store = Store(folder.parent / "runs")
        for run_id in {run.id for arm in results.arms for run in arm.runs if store.folder(run.id).exists()}:
            yield from store.damage(run_id)


def _rebuild_of(folder: Path, plugins: tuple[str, ...]) -> Rebuild:
    if (folder / PREDICTIONS).exists():
        from paribus.compare import collect as compared

        return compared
    from paribus.collect import collect

    return partial(collect, plugins=plugins)


# ------------------------------------------------------------------------------------------------ leaf by leaf


def _differences(path: str, stored: Any, computed: Any) -> Iterator[Problem]:
    if PASSING.fullmatch(path):
        return
    if isinstance(stored, dict) and isinstance(computed, dict):
        yield from _of_mappings(path, stored, computed, ".{}" if path else "{}")
    elif isinstance(stored, list) and isinstance(computed, list):
        name = _naming(stored, computed)
        yield from _of_mappings(path, _by_name(stored, name), _by_name(computed, name), "[{}]")
        if (
            name
            and [row[name] for row in stored] != [row[name] for row in computed]
            and _same_names(stored, computed, name)
        ):
            yield _problem(path, "is in the order", [row[name] for row in stored], [row[name] for row in computed])
    elif not _equal(stored, computed):
        yield _problem(path, "is", stored, computed)


def _of_mappings(path: str, stored: dict[Any, Any], computed: dict[Any, Any], form: str) -> Iterator[Problem]:
    for key in [*computed, *(k for k in stored if k not in computed)]:
        inner = path + form.format(key)
        if PASSING.fullmatch(inner):
            continue
        if key not in stored:
            yield Problem("REPORT_LACKS", f"is not in the report; the evidence gives {_shown(computed[key])}.", inner)
        elif key not in computed:
            yield Problem("REPORT_ADDS", f"is in the report as {_shown(stored[key])}; nothing gives it.", inner)
        else:
            yield from _differences(inner, stored[key], computed[key])


def _naming(*lists: list[Any]) -> str | None:
    """The key by which the rows of both lists are told apart, so that one row more shifts no other."""
    for name in ("name", "seed", "code", "image", "epoch"):
        if all(_names(rows, name) for rows in lists) and any(lists):
            return name
    return None


def _names(rows: list[Any], name: str) -> bool:
    named = all(isinstance(row, dict) and isinstance(row.get(name), str | int | float) for row in rows)
    return named and len({row[name] for row in rows}) == len(rows)


def _by_name(rows: list[Any], name: str | None) -> dict[Any, Any]:
    return {row[name] if name else k: row for k, row in enumerate(rows)}


def _same_names(stored: list[Any], computed: list[Any], name: str) -> bool:
    return {row[name] for row in stored} == {row[name] for row in computed}


def _equal(stored: Any, computed: Any) -> bool:
    numbers = [type(v) in (int, float) for v in (stored, computed)]
    if all(numbers):
        return math.isclose(stored, computed, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(stored) is type(computed) and bool(stored == computed)


def _problem(path: str, what: str, stored: Any, computed: Any) -> Problem:
    message = f"{what} {_shown(stored)} in the report; the evidence gives {_shown(computed)}."
    return Problem("REPORT_DIFFERS", message, path or REPORT)


def _shown(value: Any, most: int = 200) -> str:
    text = json.dumps(value)
    return text if len(text) <= most else f"{text[:most]}…"


# ------------------------------------------------------------------------------------------------ a second way


def _second_way(results: Results, stored: Any) -> Iterator[Problem]:
    """Levels, differences and intervals from their definition, without the code that the report was made with."""
    arms = {row.get("name"): row for row in _rows(stored, "arms")}
    questions = {row.get("name"): row for row in _rows(stored, "questions")}
    if results.metric in DEFINED:
        for arm in (a for a in results.arms if a.name in arms):
            yield from _level(results, arm, arms[arm.name])
    for contrast in (c for c in results.contrasts if c.question.name in questions):
        yield from _difference(results, contrast, questions[contrast.question.name])


def _rows(stored: Any, key: str) -> list[dict[str, Any]]:
    rows = stored.get(key) if isinstance(stored, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _level(results: Results, arm: ArmResult, stored: dict[str, Any]) -> Iterator[Problem]:
    values = [v for run in arm.runs if (v := _defined(results, run, results.metric)) is not None]
    if values:
        yield from _told(f"arms[{arm.name}].mean", stored.get("mean"), math.fsum(values) / len(values))


def _defined(results: Results, run: RunRecord, metric: str, space: dict[str, Any] | None = None) -> float | None:
    """A run's value by the metric's definition; None without usable evidence."""
    design = results.design
    try:
        scores, _ = chosen(run, design.split, design.epoch, scored_in(named(metric), space), design.groups)
    except DataError:
        return None
    return DEFINED[metric](scores, space)


def _share_right(scores: Any, space: None) -> float:
    """The share of images whose highest score is the target's."""
    return int(np.count_nonzero(np.argmax(scores.logits, axis=1) == scores.targets)) / len(scores.targets)


def _pixels_right(scores: Any, space: dict[str, Any] | None) -> float:
    total = _pixels(scores, space)
    return sum(n for (t, p), n in total.items() if t == p) / sum(total.values())


def _mean_iou(scores: Any, space: dict[str, Any] | None) -> float:
    """Over the classes of the truth: pixels of both masks / pixels of either."""
    total = _pixels(scores, space)
    ratios = []
    for name in {t for (t, _), n in total.items() if n}:
        either = sum(n for pair, n in total.items() if name in pair)
        ratios.append(total[name, name] / either)
    return math.fsum(ratios) / len(ratios)


def _pixels(scores: Any, space: dict[str, Any] | None) -> dict[tuple[str, str], int]:
    """(true class, predicted class) -> pixels of all images, by name and in the label space."""
    names = list(scores.classes)
    if space is not None and set(names) != set(space["classes"]):
        homes = {old: new for new, members in space["merge"].items() for old in members}
        names = [homes[name] for name in names]
    total: dict[tuple[str, str], int] = Counter({(name, name): 0 for name in names})
    for t, true in enumerate(names):
        for p, predicted in enumerate(names):
            total[true, predicted] += int(scores.confusion[:, t, p].sum())
    return total


DEFINED: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": _share_right,
    "pixel_accuracy": _pixels_right,
    "mean_iou": _mean_iou,
}


def _difference(results: Results, contrast: Contrast, stored: dict[str, Any]) -> Iterator[Problem]:
    question = contrast.question
    where = f"questions[{question.name}]"
    if question.metric in DEFINED:
        by_name = {arm.name: arm.runs for arm in results.arms}
        total = 0.0
        for arm, weight in question.weights.items():
            if weight:
                runs = by_name[arm][: contrast.seeds[arm]]
                values = [_defined(results, run, question.metric, question.score_in) or 0.0 for run in runs]
                total += weight * math.fsum(values) / len(runs)
        yield from _told(f"{where}.difference", stored.get("difference"), total)
    if contrast.se > 0:
        for key, level in (("ci95", 0.95), ("ci90", 0.90)):
            half = float(distributions.t.isf((1 - level) / 2, contrast.df)) * contrast.se
            ends = stored.get(key) or (None, None)
            yield from _told(f"{where}.{key}[0]", ends[0], contrast.difference - half)
            yield from _told(f"{where}.{key}[1]", ends[1], contrast.difference + half)


def _told(path: str, stored: Any, expected: float) -> Iterator[Problem]:
    """A problem if the stored number is another. Sums in another order differ by more than single roundings."""
    if type(stored) not in (int, float) or not math.isclose(stored, expected, rel_tol=RELATIVE, abs_tol=1e-12):
        message = f"is {_shown(stored)} in the report; computed in a second way it is {expected!r}."
        yield Problem("REPORT_DIFFERS", message, path)
