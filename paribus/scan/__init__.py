"""Looks at every image of a data set once: what is usable, what is wrong, and what the content was."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from paribus.datasets import ImageSet
from paribus.errors import DataError, Problem
from paribus.scan import alike, masked, whole
from paribus.scan.description import describe, remarks
from paribus.scan.facts import FORMAT, Alike, Facts, Scan
from paribus.scan.looking import guarded, look, sources
from paribus.scan.pixels import SplitPixels
from paribus.scan.undeclared import undeclared
from paribus.scan.whole import REJECT_COUNT, REJECT_SHARE, OnLeak

__all__ = [
    "FORMAT",
    "REJECT_COUNT",
    "REJECT_SHARE",
    "Facts",
    "OnLeak",
    "Scan",
    "SplitPixels",
    "changed",
    "describe",
    "remarks",
    "scan",
    "undeclared",
]


def scan(
    data: ImageSet,
    *,
    on_leak: OnLeak = "refuse",
    known: Mapping[str, Any] | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Scan:
    """Read and decode every item once, and check the set as a whole.

    Files are decoded in processes of their own (`paribus.scan.sandbox`). Unusable ones, and images that occur under two
    labels, are left out and named. The same image in two splits is refused, unless `on_leak` is "drop_train": then its
    copy in train is left out. `known` is the `lock()` of an earlier scan: a file with the same content is not decoded
    again. `progress` is called with (done, all).

    In a set of masks every mask is decoded once too, and two labels are two masks.

    Raises DataError with every problem: DATA_EMPTY, DATA_TOO_MANY_REJECTED, SPLIT_LEAK, CLS_EMPTY_CLASS,
    CLS_TOO_FEW_IMAGES; of masks SPLIT_EMPTY, SEG_NO_LABELS, SEG_TOO_FEW_CLASSES, SEG_PALETTE_INCONSISTENT.
    """
    seen, before = look(data, known, workers, progress)
    facts = {name: found for name, found in seen.items() if isinstance(found, Facts)}
    data = whole.reunited(data, facts)
    broken = [*data.left_out, *(found for found in seen.values() if isinstance(found, Problem))]
    copies = whole.copies([item for item in data.items if item.id in facts], facts)
    agreeing, linked, conflicts = whole.told_apart(copies, facts)
    left_out = [*broken, *(problem for same in conflicts for problem in whole.conflict(same, data))]
    problems = whole.rejections(broken, len(data.items) + len(data.left_out))
    leaks, dropped = whole.leaks(agreeing, on_leak)
    problems += leaks
    left_out += [whole.dropped(item, twin) for item, twin in dropped]

    gone = {problem.where for problem in left_out}
    usable = tuple(item for item in data.items if item.id in facts and item.id not in gone)
    has_masks = data.masks is not None
    problems += masked.refusals(data, usable, facts) if has_masks else whole.missing_classes(data, usable)
    if problems:
        raise DataError(problems)
    facts = {item.id: facts[item.id] for item in usable}
    duplicates = [d for same in agreeing for d in whole.duplicates([item for item in same if item.id not in gone])]
    odd = [*data.notes, *(w for f in facts.values() for w in _warnings(f)), *duplicates]
    odd += [whole.linked_conflict(same, data) for same in linked]
    odd += masked.remarks(data, usable, facts) if has_masks else []
    near = alike.near_copies(usable, facts)
    odd += [*alike.remarks(near), *whole.shared_groups(usable)]
    checked = guarded(replace(data, items=usable, left_out=tuple(left_out)), facts)
    return Scan(
        checked,
        facts,
        whole.fingerprints(checked, facts),
        tuple(left_out),
        tuple(odd),
        whole.origins(checked, facts),
        sources(usable, facts, before),
        (*(Alike(item.id, item.split, twin.id, twin.split, dropped=True) for item, twin in dropped), *near),
    )


def _warnings(facts: Facts) -> tuple[Problem, ...]:
    return facts.warnings + (facts.mask.warnings if facts.mask else ())


def changed(lock: Mapping[str, Any], now: Scan) -> list[Problem]:
    """How the data differ from an earlier scan; empty if they are the same. The caller decides what to do."""
    before = {row["path"]: row for row in lock["files"]}
    after = {row["path"]: row for row in now.lock()["files"]}
    reasons = {problem.where: problem for problem in now.left_out}
    problems = []
    if list(lock["classes"]) != list(now.images.classes):
        message = f"the classes were {', '.join(lock['classes'])} and are {', '.join(now.images.classes)}."
        problems.append(Problem("DATA_CHANGED", message))
    for path, old in before.items():
        if path in after:
            differing = [key for key in ("sha256", "pixels", "label", "split", "group") if old[key] != after[path][key]]
            differing += ["mask"] * (_mask_mark(old) != _mask_mark(after[path]))
            if differing:
                problems.append(Problem("DATA_CHANGED", f"is not as scanned before: {', '.join(differing)}.", path))
        elif path in reasons:
            problems.append(Problem("DATA_CHANGED", f"was usable and is left out now: {reasons[path].message}", path))
        else:
            problems.append(Problem("FILE_MISSING", "was there when the data were scanned before.", path))
    message = "was not there when the data were scanned before."
    problems += [Problem("DATA_CHANGED", message, path) for path in after if path not in before]
    return problems


def _mask_mark(row: Mapping[str, Any]) -> tuple[Any, ...] | None:
    mask = row.get("mask")
    return (mask["sha256"], mask["pixels"]) if mask else None
