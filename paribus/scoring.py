"""In which label space a question about masks is scored, and what would make its difference meaningless."""

from collections.abc import Mapping
from typing import Any

from paribus.errors import Problem
from paribus.metrics import Floats, MetricFunction
from paribus.predictions import MaskCounts
from paribus.questions import Question

Classes = tuple[str, ...]
ON_BOUNDARIES = ("boundary_iou",)  # metrics of pixels that depend on the classes between which the boundaries run


def in_space(counts: MaskCounts, space: Mapping[str, Any]) -> MaskCounts:
    """The counts in a question's `score_in` space; as they are if their classes are those of the space.

    Raises ValueError if a class has no place there; `misfits` tells so beforehand.
    """
    names = tuple(space["classes"])
    if counts.classes == names:
        return counts
    home = _homes(counts.classes, space)
    lost = [old for old in counts.classes if old not in home]
    if lost:
        raise ValueError(f"The space {space['name']!r} has no place for {', '.join(lost)}.")
    return counts.merged(names, [names.index(home[old]) for old in counts.classes])


def scored_in(metric: MetricFunction, space: Mapping[str, Any] | None) -> MetricFunction:
    """The metric of what a run says, seen in `space`; the metric itself without one."""
    if space is None:
        return metric

    def seen(counts: MaskCounts) -> Floats:
        return metric(in_space(counts, space))

    return seen


def misfits(question: Question, classes: Mapping[str, Classes]) -> list[Problem]:
    """Why a question about masks must not be answered; nothing if it may. `classes`: those of each arm it weighs.

    Metrics of different label spaces are different quantities, so that their difference means nothing. Boundaries of
    finer classes are other pixels than those of coarser ones, in whichever space they are scored.
    """
    spaces = {arm: classes[arm] for arm, weight in question.weights.items() if weight}
    found = [_unlike(question, spaces)] if question.score_in is None else _unplaced(question, spaces)
    if question.score_in is not None and question.metric in ON_BOUNDARIES and len(set(spaces.values())) > 1:
        message = (
            f"question {question.name!r} asks for {question.metric}, and its arms were trained on different classes "
            f"({_listed(spaces)}): the boundaries between them are different pixels."
        )
        fix = "ask it with another metric, such as mean_iou, or of arms with the same classes."
        found.append(Problem("BOUNDARIES_DIFFER", message, "", fix))
    return [problem for problem in found if problem]


def _unlike(question: Question, spaces: Mapping[str, Classes]) -> Problem | None:
    if len(set(spaces.values())) == 1:
        return None
    message = (
        f"question {question.name!r} would subtract {question.metric} of different label spaces ({_listed(spaces)}), "
        "which are different quantities: their difference means nothing."
    )
    fix = "write `score_in:` with the label space in which all of its arms are to be scored, such as the coarser one."
    return Problem("SPACES_DIFFER", message, "", fix)


def _unplaced(question: Question, spaces: Mapping[str, Classes]) -> list[Problem | None]:
    space = question.score_in or {}
    found: list[Problem | None] = []
    for arm, own in spaces.items():
        home = _homes(own, space)
        lost = [name for name in own if name not in home]
        if lost:
            message = (
                f"question {question.name!r} is scored in {space['name']!r}, which has no place for "
                f"{', '.join(lost)} of arm {arm!r}."
            )
            fix = "name every class of the arm in the space's `merge`, or score in another space."
            found.append(Problem("SCORE_IN", message, "", fix))
    return found


def _homes(own: Classes, space: Mapping[str, Any]) -> dict[str, str]:
    """Old class -> class of the space. A set of classes that is the space's own stays as it is."""
    if set(own) == set(space["classes"]):
        return {name: name for name in own}
    return {old: new for new, members in (space.get("merge") or {}).items() for old in members}


def _listed(spaces: Mapping[str, Classes]) -> str:
    return ", ".join(f"{arm}: {len(own)} classes" for arm, own in spaces.items())
