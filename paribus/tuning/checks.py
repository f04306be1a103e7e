"""Whether arms had equal effort, as the findings tell it: (title, outcome, sentence) of each check."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from paribus.questions import CONTROL, Question
from paribus.tuning import ON, Values
from paribus.tuning.choice import Tuned

Told = tuple[str, Literal["passed", "issue", "tip", "not_applicable"], str]

RATES = ("optimizer.lr", "optimizer.backbone_lr")
NOTHING_TUNED = "Nothing was tuned."


def effort(tune: Mapping[str, Any] | None, tuned: Mapping[str, Tuned], questions: Sequence[Question]) -> Told:
    """Whether every arm had the same budget. tune: what the study's lock says of it. tuned: by arm."""
    if tune is not None and tuned:
        return _spent(tune, tuned)
    by_hand = [f"{q.name} ({rates})" for q in questions if (rates := _rates_by_hand(q))]
    if by_hand:
        sentence = (
            f"The two sides of a question learn at other rates, set by hand: {'; '.join(by_hand)}. What either would "
            "gain from another is not known; `tune` gives every arm the same budget."
        )
        return "Learning rates set by hand", "issue", sentence
    sentence = "Arms share the baseline's learning rates unless they change them; none was tuned on its own here."
    return "No arm tuned on its own", "tip", sentence


def _spent(tune: Mapping[str, Any], tuned: Mapping[str, Tuned]) -> Told:
    waiting = [
        f"{arm} ({sum(each.complete for each in found.tried)} of {len(found.tried)})"
        for arm, found in tuned.items()
        if found.chosen is None
    ]
    if waiting:
        return "Tuning not finished", "issue", f"Values tried so far: {', '.join(waiting)}."
    budgets = {arm: len(found.tried) for arm, found in tuned.items()}
    if len(set(budgets.values())) > 1:
        named = ", ".join(f"{arm} ({count})" for arm, count in budgets.items())
        return "Unequal tuning", "issue", f"Arms tried different numbers of values: {named}."
    seeds, kept = len(tune["seeds"]), next(iter(budgets.values()))
    sentence = (
        f"Every arm tried {kept} values of {', '.join(tune['grid'])} with {seeds} seed{'s' if seeds > 1 else ''} each "
        f"and kept the best on {ON}; these runs are not scored. Intervals are for the values that were kept: that "
        "other runs might have kept others is outside of them."
    )
    return "Equal tuning", "passed", sentence


def _rates_by_hand(question: Question) -> str:
    """The learning rates in which two sides differ beside what is asked about; empty where they do not."""
    apart = question.changed | question.consequences
    if set(apart) <= set(RATES):  # the rate itself is what is asked about
        return ""
    return ", ".join(f"{path} {_plain(a)} and {_plain(b)}" for path, (a, b) in apart.items() if path in RATES)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "none"


def edges(tuned: Mapping[str, Tuned]) -> Told:
    """Whether some arm kept the last value it tried, so that a better one may lie beyond."""
    title = "Best value at the edge"
    if not tuned:
        return title, "not_applicable", NOTHING_TUNED
    kept: dict[str, Values] = {arm: found.chosen.values for arm, found in tuned.items() if found.chosen}
    named = [
        f"{arm} ({path} {kept[arm][path]:g}, the {end})"
        for arm, found in tuned.items()
        for path, end in found.edges.items()
        if arm != CONTROL
    ]
    if not named:
        return title, "passed", "No arm kept the smallest or the largest of the values it tried."
    return title, "tip", f"Kept the last value tried: {', '.join(named)}. A better one may lie beyond: widen `tune`."


def where_scored(split: str, tuned: Mapping[str, Tuned]) -> Told:
    """Whether the images that chose the values are those that are scored."""
    title = "Tuned on the scored images"
    if not tuned:
        return title, "not_applicable", NOTHING_TUNED
    if split != ON:
        return title, "passed", f"Values were chosen on {ON} and scored on {split}: no scored image helped to choose."
    sentence = (
        f"Values were chosen on the {ON} images, on which the arms are scored too (with other seeds): every level is "
        "optimistic, and so is the difference of an arm whose values mattered more. Another split to score on tells."
    )
    return title, "issue", sentence
