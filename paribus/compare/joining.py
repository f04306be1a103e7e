"""The cells of all files as runs over the same images, or everything that keeps them from being compared."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paribus.compare.cells import SPLITS, Cell, at_lines, some
from paribus.errors import Problem, unknown
from paribus.predictions import Evidence, RunRecord

Kind = Literal["probabilities", "logits", "labels only", "neither"]
SUM_WITHIN = 1e-3
SMALLEST = float(np.finfo(np.float64).eps)  # a probability of 0 has no logarithm; scikit-learn clips here as well
MOST_TOLD = 20


@dataclass(frozen=True)
class Predicted:
    """Predictions of at least two arms on the same images, checked.

    arms: in the order of the files; the runs of each in the order of their seeds, with `facts` `scores` (how the
    numbers were read: `Kind`) and `zeros` (images whose target was given probability 0). groups: image id -> group.
    sources: name, bytes and sha256 of the files. ignored: columns that nothing was made of.
    """

    arms: dict[str, tuple[RunRecord, ...]]
    classes: tuple[str, ...]
    groups: dict[str, str] | None
    sources: tuple[dict[str, Any], ...]
    ignored: tuple[str, ...] = ()

    @property
    def runs(self) -> list[RunRecord]:
        """All runs, arm by arm."""
        return [run for runs in self.arms.values() for run in runs]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that were scored; every run has them all."""
        return tuple(split for split in SPLITS if split in self.runs[0].evidence)

    @staticmethod
    def evidence(run: RunRecord, split: str) -> Evidence:
        """What a run says about a split: always of a classification here."""
        found = run.evidence[split]
        if not isinstance(found, Evidence):
            raise TypeError("Predictions of classifiers are compared, and this is evidence about masks.")
        return found


def join(
    cells: Sequence[Cell], sources: tuple[dict[str, Any], ...], ignored: tuple[str, ...], classes: tuple[str, ...] = ()
) -> Predicted:
    """Runs from cells with which nothing is wrong (`wrong_with`)."""
    known = _all_classes(cells, classes)
    groups, _ = _groups(cells)
    arms: dict[str, tuple[RunRecord, ...]] = {}
    for arm in dict.fromkeys(c.arm for c in cells):
        seeds = sorted({c.seed for c in cells if c.arm == arm})
        arms[arm] = tuple(_run([c for c in cells if c.arm == arm and c.seed == s], known) for s in seeds)
    return Predicted(arms, known, groups, sources, ignored)


# ------------------------------------------------------------------------------------------------ checks


def wrong_with(cells: Sequence[Cell], classes: tuple[str, ...], whole: bool) -> list[Problem]:
    """Everything that keeps cells from being compared. whole: all that was given is in them."""
    if not cells:
        return []
    known = _all_classes(cells, classes)
    found = [*_several(cells), *_targets(cells), *_unknown(cells, known), *_groups(cells)[1]]
    if whole:
        found += _few(cells) + _coverage(cells)
    return found


def _all_classes(cells: Sequence[Cell], given: tuple[str, ...]) -> tuple[str, ...]:
    """The classes in the order of the first file's scores; without scores those given, or the targets in order."""
    scored = next((c.classes for c in cells if c.scores is not None), None)
    return scored or given or tuple(sorted({t for c in cells for t in set(c.targets) if t}))


def _few(cells: Sequence[Cell]) -> list[Problem]:
    problems = []
    arms = list(dict.fromkeys(c.arm for c in cells))
    if len(arms) < 2:
        message = f"only one arm, {arms[0]!r}; a comparison needs at least two."
        problems.append(Problem("ARMS_TOO_FEW", message, cells[0].where, "write the arm's name in the column `arm`."))
    for split in dict.fromkeys(c.split for c in cells):
        there = {t for c in cells if c.split == split for t in set(c.targets)}
        if len(there) < 2:
            message = f"all images of {split} are of one class, {some(sorted(there))}: there is nothing to tell apart."
            problems.append(Problem("ONE_CLASS", message, cells[0].where, "give images of at least two classes."))
    return problems


def _several(cells: Sequence[Cell]) -> list[Problem]:
    """Cells that are in two files."""
    first: dict[tuple[str, int, str, int], Cell] = {}
    twice = [(first[c.key], c) for c in cells if first.setdefault(c.key, c) is not c]
    fix = "give each run a seed of its own."
    return [Problem("RUN_TWICE", f"{b.called()} is in {a.where} already.", b.where, fix) for a, b in twice]


def _coverage(cells: Sequence[Cell]) -> list[Problem]:
    """Cells that lack images that the others have, or have others; runs that lack a split."""
    problems = []
    fix = "score all runs on the same images."
    for split in dict.fromkeys(c.split for c in cells):
        own = [c for c in cells if c.split == split]
        usual = Counter(tuple(dict.fromkeys(c.image_ids)) for c in own).most_common(1)[0][0]
        expected = set(usual)
        for cell in own:
            here = set(cell.image_ids)
            lacks, more = sorted(expected - here), sorted(here - expected)
            told = [f"lacks {len(lacks)} of {len(expected)} images: {some(lacks)}"] if lacks else []
            told += [f"has {len(more)} that the others have not: {some(more)}"] if more else []
            if told:
                problems.append(Problem("IMAGES_DIFFER", f"{cell.called()} {'; '.join(told)}.", cell.where, fix))
        runs = {(c.arm, c.seed) for c in own}
        for arm, seed in dict.fromkeys((c.arm, c.seed) for c in cells):
            if (arm, seed) not in runs:
                message = f"arm {arm!r}, seed {seed} has no image of {split}; other runs have {len(expected)}."
                problems.append(Problem("IMAGES_DIFFER", message, cells[0].where, fix))
    return _at_most(problems, "runs with other images")


def _targets(cells: Sequence[Cell]) -> list[Problem]:
    """Images whose target is not the same in all runs."""
    first: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for cell in cells:
        truth = first.setdefault(cell.split, {})
        wrong = [
            k for k, (i, t) in enumerate(zip(cell.image_ids, cell.targets, strict=True)) if truth.setdefault(i, t) != t
        ]
        if wrong:
            shown = [
                f"{cell.image_ids[k]!r} is {cell.targets[k]!r} and was {truth[cell.image_ids[k]]!r}" for k in wrong[:3]
            ]
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            lines = f", {at_lines(cell.lines[wrong].tolist())}" if cell.lines is not None else ""
            message = f"{cell.called()}{lines}: other targets than before: {', '.join(shown)}{more}."
            problems.append(Problem("TARGET_DIFFERS", message, cell.where, "an image has one target."))
    return _at_most(problems, "runs with other targets")


def _unknown(cells: Sequence[Cell], classes: tuple[str, ...]) -> list[Problem]:
    """Files whose classes are others than the first's, and targets and answers that are no class."""
    problems: dict[tuple[str, str], Problem] = {}
    for cell in cells:
        if cell.scores is not None and set(cell.classes) != set(classes):
            other = sorted(set(cell.classes) ^ set(classes))
            message = f"has other classes than {cells[0].where}: {some(other)}."
            problems[cell.where, ""] = Problem(
                "CLASSES_DIFFER", message, cell.where, "score the same classes everywhere."
            )
            continue
        for column, values in (("target", cell.targets), ("prediction", cell.answers)):
            for value in set(values if values is not None else ()) - set(classes) - {""}:
                if (cell.where, value) in problems or cell.scores is not None:
                    continue  # a table with scores has named its unknown classes already
                at = np.flatnonzero(values == value)
                lines = f"{at_lines(cell.lines[at].tolist())}, " if cell.lines is not None else ""
                message = f"{lines}{column} of {cell.called()}: {unknown('class', value, classes)}"
                fix = "correct it; classes are those of the targets unless each has a column of scores."
                problems[cell.where, value] = Problem("CLASS_UNKNOWN", message, cell.where, fix)
    return _at_most(list(problems.values()), "unknown classes")


def _groups(cells: Sequence[Cell]) -> tuple[dict[str, str] | None, list[Problem]]:
    """Image id -> group, from whatever file names groups; and images that have two or none."""
    groups: dict[str, str] = {}
    problems = []
    for cell in cells:
        if cell.groups is None:
            continue
        pairs = zip(cell.image_ids, cell.groups, strict=True)
        wrong = [k for k, (image, group) in enumerate(pairs) if groups.setdefault(image, group) != group]
        if wrong:
            message = f"{cell.called()}: other groups than before for {some([cell.image_ids[k] for k in wrong])}."
            problems.append(Problem("GROUP_DIFFERS", message, cell.where, "an image belongs to one group."))
    if not groups:
        return None, []
    lost = sorted({i for c in cells for i in set(c.image_ids) if i not in groups})
    if lost:
        problems.append(
            Problem("GROUP_MISSING", f"no group for {some(lost)}.", cells[0].where, "give every image one.")
        )
    return groups, _at_most(problems, "runs with other groups")


def contradictions(cells: Sequence[Cell]) -> list[Problem]:
    """Rows whose answer is not the class with the highest score, of cells with which nothing else is wrong."""
    problems = []
    for cell in cells:
        if cell.scores is None or cell.answers is None:
            continue
        given = _codes(cell.answers, cell.classes)
        wrong = np.flatnonzero(cell.scores[np.arange(len(given)), given] < cell.scores.max(axis=1))
        if len(wrong):
            lines = at_lines(cell.lines[wrong].tolist()) if cell.lines is not None else f"{len(wrong)} images"
            message = f"{cell.called()}: `prediction` is not the class with the highest score in {lines}."
            fix = "leave out `prediction`, or the scores if the answers were made otherwise."
            problems.append(Problem("PREDICTION_DIFFERS", message, cell.where, fix))
    return _at_most(problems, "runs like that")


def _at_most(problems: list[Problem], what: str) -> list[Problem]:
    more = len(problems) - MOST_TOLD
    if more <= 0:
        return problems
    return [*problems[:MOST_TOLD], Problem(problems[0].code, f"and {more} more {what}.", problems[0].where)]


# ------------------------------------------------------------------------------------------------ runs


def _run(cells: Sequence[Cell], classes: tuple[str, ...]) -> RunRecord:
    kind = _kind(cells)
    evidence = {}
    for split in (s for s in SPLITS if any(c.split == s for c in cells)):
        own = sorted((c for c in cells if c.split == split), key=lambda c: c.epoch)
        evidence[split] = Evidence(
            split=split,
            image_ids=tuple(own[0].image_ids),
            targets=_codes(own[0].targets, classes),
            classes=classes,
            epochs=tuple(c.epoch for c in own),
            logits=np.ascontiguousarray(np.stack([_logits(c, kind, classes) for c in own])),
        )
    facts = {"scores": kind, "zeros": _zeros(cells) if kind == "probabilities" else 0, "file": cells[0].where}
    return RunRecord(_id(cells[0], evidence), cells[0].seed, "done", 0.0, evidence, facts=facts)


def _kind(cells: Sequence[Cell]) -> Kind:
    """How the numbers of a run are meant."""
    if any(c.scores is None for c in cells):
        return "labels only"
    scores = np.concatenate([c.scores for c in cells if c.scores is not None])
    if scores.min() < 0 or scores.max() > 1:
        return "logits"
    return "probabilities" if np.abs(scores.sum(axis=1) - 1).max() <= SUM_WITHIN else "neither"


def _logits(cell: Cell, kind: Kind, classes: tuple[str, ...]) -> NDArray[np.float32]:
    """(N, C) in the order of `classes`, with the highest where the file has it.

    Answers alone become 1 and 0: there is no confidence in them. Logits are given relative to the highest of their
    image, which changes no probability and keeps large ones exact.
    """
    rows = np.arange(len(cell.image_ids))
    if cell.scores is None or kind in ("labels only", "neither"):
        logits = np.zeros((len(rows), len(classes)), dtype=np.float32)
        logits[rows, _answer(cell, classes)] = 1
        return logits
    scores = cell.scores[:, _codes(classes, cell.classes)]
    wide = (
        np.log(np.clip(scores, SMALLEST, None))
        if kind == "probabilities"
        else scores - scores.max(axis=1, keepdims=True)
    )
    logits = np.clip(wide, np.finfo(np.float32).min, None).astype(np.float32)
    answer = _answer(cell, classes)
    lost = np.flatnonzero(logits.argmax(axis=1) != answer)  # equal after rounding, or equal in the file
    logits[lost, answer[lost]] = np.nextafter(logits[lost].max(axis=1), np.float32(np.inf))
    return logits


def _answer(cell: Cell, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """(N,) the class that was answered: as named, else the highest score; ties go to the first class of the file."""
    if cell.answers is not None:
        return _codes(cell.answers, classes)
    assert cell.scores is not None
    highest = cell.scores.argmax(axis=1)
    return np.asarray(_codes(cell.classes, classes)[highest], dtype=np.int64)


def _zeros(cells: Sequence[Cell]) -> int:
    """How many images' targets were given probability 0."""
    count = 0
    for cell in cells:
        if cell.scores is not None:
            truth = cell.scores[np.arange(len(cell.targets)), _codes(cell.targets, cell.classes)]
            count += int((truth <= SMALLEST).sum())
    return count


def _codes(names: Iterable[str], classes: tuple[str, ...]) -> NDArray[np.int64]:
    number = {name: k for k, name in enumerate(classes)}
    return np.array([number[name] for name in names], dtype=np.int64)


def _id(cell: Cell, evidence: dict[str, Evidence]) -> str:
    """A name for the run: a hash of all that was read of it."""
    digest = hashlib.sha256(json.dumps([cell.arm, cell.seed]).encode())
    for split, kept in evidence.items():
        about = [split, kept.epochs, kept.image_ids, kept.classes]
        digest.update(json.dumps(about).encode())
        digest.update(kept.targets.tobytes() + kept.logits.tobytes())
    return digest.hexdigest()[:16]
