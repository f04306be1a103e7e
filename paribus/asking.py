"""From what a study file asks to questions: contrasts over arms that differ in one thing."""

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

from paribus.errors import Problem, unknown
from paribus.labels import SPACES
from paribus.metrics import misfit, names
from paribus.questions import CONTROL, Question
from paribus.recipe import Recipe, differences, has_masks
from paribus.scoring import misfits
from paribus.spaces import Defined, by_name, classes_of

if TYPE_CHECKING:
    from paribus.study import Arm, _Reader

LEAST, MOST = 0.001, 1000.0  # size of a weight
QUESTION_KEYS = ("ask", "compare", "effect", "weights", "bundle", "metric", "margin", "score_in")
MOST_QUESTIONS = 512
LONGEST_TEXT = 500
Factors = dict[str, dict[str, dict[str, Any]]]


def chain(arms: Mapping[str, "Arm"], name: str) -> dict[str, Any]:
    """Every unit in which an arm differs from the baseline as written, its bases' included."""
    arm = arms[name]
    below = chain(arms, arm.base) if arm.name != "baseline" and arm.base in arms else {}
    return below | arm.change


def owns(unit: str, path: str) -> bool:
    """Whether the choice at `path` belongs to the unit as written: `model` owns `model.name`."""
    return path == unit or path.startswith(f"{unit}.") or unit == f"{path}.use"


def has_effect(unit: str, arm: "Arm", recipes: dict[str, Recipe], tuned: Collection[str]) -> bool:
    """Whether the completed recipes of an arm and its base differ in what the unit owns, tuned paths aside."""
    return any(owns(unit, path) for path in differences(recipes[arm.base], recipes[arm.name], tuned))


def pair(question: Question, arms: Iterable["Arm"]) -> tuple[str, str] | None:
    """The arms whose recipes a question sets side by side: those of `compare`, or of an effect's factor alone.

    None for questions of more than two recipes.
    """
    if question.kind == "compare":
        low, high = sorted(question.weights, key=question.weights.__getitem__)
        return low, high
    if question.kind != "effect":
        return None
    levels = {arm.name: arm.levels for arm in arms}
    moved = {name: {f for f in of if of[f] != levels["baseline"][f]} for name, of in levels.items() if of}
    return "baseline", next(name for name, factors in moved.items() if factors == {question.factors[0]})


def questions(
    reader: "_Reader",
    arms: tuple["Arm", ...],
    factors: Factors,
    recipes: dict[str, Recipe],
    metric: str,
    margin: float | None,
    primary: str | None,
    control: bool,
) -> tuple[Question, ...]:
    """The study's questions; where nothing is asked, every arm against its base or every effect (rule R7)."""
    written = reader.top("questions") or {}
    if not isinstance(written, dict):
        reader.problem(("questions",), "questions must be a mapping of name to question.")
        written = {}
    if len(written) > MOST_QUESTIONS:
        reader.problem(("questions",), f"there are {len(written)} questions; a study has at most {MOST_QUESTIONS}.")
        written = dict(islice(written.items(), 1))
    asker = _Asker(reader, {a.name: a for a in arms}, factors, recipes, metric, margin)
    found = [asker.question(name, asked) for name, asked in (written or asker.unasked()).items()]
    good = [q for q in found if q is not None]
    if primary is None and len(found) == 1 and good:
        primary = good[0].name
    if primary is not None and primary not in (written or {q.name for q in good}):
        reader.problem(("primary",), unknown("question", str(primary), [q.name for q in good]))
    good = [replace(q, primary=q.name == primary) for q in good]
    if control and "baseline" in recipes:
        ask = "A/A: the same recipe twice, under other seeds"
        weights = {"baseline": -1.0, CONTROL: 1.0}
        shares = _fractions(weights, recipes)
        good.append(Question("a/a", ask, weights, metric, margin, control=True, train_fractions=shares))
    return tuple(good)


def _fractions(weights: Iterable[str], recipes: Mapping[str, Recipe]) -> dict[str, float]:
    """The shares of the training images that seeds draw, of the arms that draw one."""
    return {arm: recipes[arm].train_fraction for arm in weights if arm in recipes and recipes[arm].train_fraction < 1}


class _Asker:
    def __init__(
        self,
        reader: "_Reader",
        arms: dict[str, "Arm"],
        factors: Factors,
        recipes: dict[str, Recipe],
        metric: str,
        margin: float | None,
    ):
        self.reader, self.arms, self.factors, self.recipes = reader, arms, factors, recipes
        self.metric, self.margin = metric, margin

    def unasked(self) -> dict[str, dict[str, Any]]:
        """What is asked when nothing is asked (rule R7)."""
        found: dict[str, dict[str, Any]] = {}
        two_level = [f for f, levels in self.factors.items() if len(levels) == 2]
        found |= {f: {"effect": [f]} for f in two_level}
        found |= {f"{a}-by-{b}": {"effect": [a, b]} for a, b in combinations(two_level, 2)}
        for arm in self.arms.values():
            asked_already = arm.levels and all(len(self.factors[f]) == 2 for f in arm.levels)
            if arm.name in ("baseline", CONTROL) or arm.name in self.reader.refused or asked_already:
                continue
            found[arm.name] = {"compare": [arm.base, arm.name], "bundle": arm.bundle}
        return found

    def question(self, name: str, asked: Any) -> Question | None:
        where = ("questions", name)
        if not isinstance(asked, dict):
            self.reader.problem(where, f"question {name!r} must be a mapping with `compare`, `effect` or `weights`.")
            return None
        for key in asked:
            if key not in QUESTION_KEYS:
                self.reader.problem((*where, key), unknown(f"key of question {name!r}", key, QUESTION_KEYS))
        ask = asked.get("ask")
        if (ask is not None and not isinstance(ask, str)) or max(len(name), len(ask or "")) > LONGEST_TEXT:
            message = f"question {name[:80]!r}: a name and `ask` are texts of at most {LONGEST_TEXT} characters."
            self.reader.problem(where, message)
        kinds = [k for k in ("compare", "effect", "weights") if k in asked]
        if len(kinds) != 1:
            self.reader.problem(where, f"question {name!r} needs exactly one of compare, effect and weights.")
            return None
        metric = asked.get("metric", self.metric)
        if "metric" in asked:
            self.reader.check_metric((*where, "metric"), metric)
        if not isinstance(asked.get("bundle", False), bool):
            self.reader.problem((*where, "bundle"), f"bundle must be true or false, not {asked['bundle']!r}.")
        if asked.get("margin") is not None:
            self.reader.checked_margin((*where, "margin"), asked["margin"], metric)
        weights = getattr(self, f"_{kinds[0]}")((*where, kinds[0]), asked[kinds[0]])
        if weights is None or any(arm in self.reader.refused or arm not in self.recipes for arm in weights):
            return None
        return self._checked(name, asked, kinds[0], weights, str(metric))

    def _checked(self, name: str, asked: dict[str, Any], kind: str, weights: dict[str, float], metric: str) -> Question:
        factors = tuple(asked["effect"]) if kind == "effect" else ()
        changed, consequences, units = self._difference(kind, asked, weights)
        space = self._space(("questions", name), asked.get("score_in"))
        bundle = asked.get("bundle") is True
        if kind == "compare" and (not units or (len(units) > 1 and not bundle)):
            a, b = asked["compare"]
            aside = " apart from what `tune` chooses" if self.reader.tuned else ""
            what = f"differ in {', '.join(units)}" if units else f"do not differ{aside}"
            fix = (
                "compare arms that differ in one unit, or say `bundle: true`."
                if units
                else "compare two different arms."
            )
            self.reader.problem(
                ("questions", name), f"question {name!r}: {a!r} and {b!r} {what}.", fix, "QUESTION_BUNDLE"
            )
        question = Question(
            name=name,
            ask=str(asked.get("ask") or _sentence(kind, asked)),
            weights=weights,
            metric=metric,
            margin=asked.get("margin", self.margin),
            kind="interaction" if len(factors) == 2 else kind,  # type: ignore[arg-type]
            factors=factors,
            bundle=(bundle or kind == "effect") and len(units) > 1,  # a level that bundles makes a bundled effect
            changed=changed,
            consequences=consequences,
            score_in=space.plain() if space else None,
            train_fractions=_fractions(weights, self.recipes),
        )
        self._comparable(question)
        return question

    def _space(self, where: tuple[str | int, ...], name: Any) -> Defined | None:
        if name is None:
            return None
        found = by_name(str(name), self.reader.spaces)
        if found is None:
            known = [*self.reader.spaces, *SPACES]
            self.reader.problem((*where, "score_in"), unknown("label space", str(name), known))
        return found

    def _comparable(self, question: Question) -> None:
        """Metrics that fit the task, and are taken in one label space."""
        where = ("questions", question.name)
        classes = {arm: classes_of(self.recipes[arm]) for arm in question.weights}
        masks = any(has_masks(self.recipes[arm].data) for arm in question.weights)
        wrong = (
            misfit(question.metric, "segmentation" if masks else "classification")
            if question.metric in names()  # that of another is said where it is asked for
            else None
        )
        found = [wrong] if wrong else []
        if masks and all(classes.values()):
            found += misfits(question, {arm: each for arm, each in classes.items() if each})
        elif question.score_in is not None and not masks:
            message = "score_in belongs to label spaces, which classification has not."
            found.append(Problem("SCORE_IN", message, "", "leave it out."))
        for each in found:
            self.reader.problem(where, each.message, each.fix, each.code)

    def _difference(
        self, kind: str, asked: dict[str, Any], weights: dict[str, float]
    ) -> tuple[dict[str, list[Any]], dict[str, list[Any]], list[str]]:
        """What the two sides differ in: (by the units asked about, as their consequence, the units)."""
        if kind == "weights" or (kind == "effect" and len(asked["effect"]) == 2):
            return {}, {}, []
        pair = asked["compare"] if kind == "compare" else self._pair(asked["effect"][0])
        a, b = (chain(self.arms, arm) for arm in pair)
        moved = differences(self.recipes[pair[0]], self.recipes[pair[1]], self.reader.tuned)
        units = [u for u in {**a, **b} if a.get(u, _MISSING) != b.get(u, _MISSING) and any(owns(u, p) for p in moved)]
        asked_about = {p: v for p, v in moved.items() if any(owns(u, p) for u in units)}
        return asked_about, {p: v for p, v in moved.items() if p not in asked_about}, units

    def _pair(self, factor: str) -> list[str]:
        level = list(self.factors[factor])[1]
        return ["baseline", level]

    def _arm(self, where: tuple[str | int, ...], name: Any) -> bool:
        if isinstance(name, str) and name in self.arms:
            return True
        self.reader.problem(where, unknown("arm", str(name), list(self.arms)))
        return False

    def _compare(self, where: tuple[str | int, ...], value: Any) -> dict[str, float] | None:
        if not isinstance(value, list) or len(value) != 2 or value[0] == value[1]:
            self.reader.problem(where, f"compare must be two different arms, [from, to], not {value!r}.")
            return None
        if not all([self._arm(where, v) for v in value]):
            return None
        return {value[0]: -1.0, value[1]: 1.0}

    def _weights(self, where: tuple[str | int, ...], value: Any) -> dict[str, float] | None:
        numbers = isinstance(value, dict) and all(
            isinstance(w, int | float) and not isinstance(w, bool) and abs(w) <= sys.float_info.max
            for w in value.values()
        )
        if not numbers or len(value) < 2:
            self.reader.problem(where, f"weights must be a mapping of at least two arms to numbers, not {value!r}.")
            return None
        if odd := [arm for arm, w in value.items() if not LEAST <= abs(w) <= MOST]:
            message = f"weights must be from {LEAST} to {MOST:g} or below zero as far, not {value[odd[0]]:g}."
            self.reader.problem((*where, odd[0]), message, "leave out arms of weight 0.")
            return None
        if not all([self._arm((*where, arm), arm) for arm in value]):
            return None
        if abs(sum(value.values())) > 1e-9:
            self.reader.problem(where, f"the weights of a contrast sum to 0; these sum to {sum(value.values()):g}.")
            return None
        return {arm: float(w) for arm, w in value.items()}

    def _effect(self, where: tuple[str | int, ...], value: Any) -> dict[str, float] | None:
        if not isinstance(value, list) or len(value) not in (1, 2) or len(set(map(str, value))) != len(value):
            self.reader.problem(where, f"effect must be a list of one or two factors, not {value!r}.")
            return None
        for factor in value:
            if not isinstance(factor, str) or factor not in self.factors:
                self.reader.problem(where, unknown("factor", str(factor), list(self.factors)))
                return None
            if len(self.factors[factor]) != 2:
                fix = "ask with compare or weights."
                self.reader.problem(
                    where, f"factor {factor!r} has {len(self.factors[factor])} levels; an effect needs two.", fix
                )
                return None
        return self._effect_weights(value)

    def _effect_weights(self, asked: list[str]) -> dict[str, float]:
        """Weights of one: the high side less the low side, averaged over the other factors' combinations."""
        combos = [a for a in self.arms.values() if a.levels]
        cells = len(combos) / 2 ** len(asked)
        weights = {}
        for arm in combos:
            sign = 1
            for factor in asked:
                sign *= 1 if arm.levels[factor] == list(self.factors[factor])[1] else -1
            weights[arm.name] = sign / cells
        return weights


_MISSING = object()


def _sentence(kind: str, asked: dict[str, Any]) -> str:
    if kind == "compare":
        return f"Is {asked['compare'][1]} better than {asked['compare'][0]}?"
    if kind == "effect" and len(asked["effect"]) == 1:
        return f"What does {asked['effect'][0]} do, on average over the other factors?"
    if kind == "effect":
        return f"Does the effect of {asked['effect'][0]} depend on {asked['effect'][1]}?"
    return "How large is this contrast of arms?"
