"""A study: what is asked, a baseline, and arms that each change one thing. Read from YAML, refused if it misleads."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from os.path import normpath
from pathlib import Path
from typing import Any, Self

from paribus import asking, metrics, patterns, spaces, yamlfile
from paribus.errors import Problem, StudyError, unknown
from paribus.naming import NAME
from paribus.parts import PartProblem, resolve
from paribus.questions import CONTROL, Question
from paribus.recipe import Recipe, RecipeProblem, Written, changed, complete, differences
from paribus.tuning import Tuning
from paribus.tuning import asked as tune
from paribus.written import plain

KEYS = (
    "title", "metric", "margin", "seeds", "looks", "split", "epoch", "groups", "control", "tune", "baseline", "factors",
    "arms", "questions", "primary", "on_leak", "labels",
)  # fmt: skip
CONTROL_SEEDS = 1000  # the control arm's seeds are the study's plus this
METRICS = "paribus.metrics"
MOST_ARMS = 512
LONGEST_TEXT = 500
MOST_PROBLEMS = 100  # that are said at once


@dataclass(frozen=True)
class Arm:
    """A named change to its base: unit (a path as written) -> value."""

    name: str
    change: dict[str, Any]
    base: str = "baseline"
    bundle: bool = False
    levels: dict[str, str] = field(default_factory=dict)  # factor -> level, for arms made by factors


@dataclass(frozen=True)
class Study:
    """A study that has been checked. `recipes` are completed, by arm; `roots` say where an arm's data are, if files."""

    title: str
    metric: str
    margin: float | None
    seeds: tuple[int, ...]
    looks: tuple[int, ...]
    split: str | None
    epoch: str
    groups: dict[str, Any] | None
    control: bool
    on_leak: str
    primary: str | None
    arms: tuple[Arm, ...]
    recipes: dict[str, Recipe]
    questions: tuple[Question, ...]
    roots: dict[str, str | None]
    plugins: tuple[str, ...] = ()
    path: Path | None = None
    tuning: Tuning | None = None

    @classmethod
    def read(cls, path: Path | str, plugins: tuple[str, ...] = ()) -> Self:
        """The study in a YAML file. Raises StudyError with every problem, its line and the near name."""
        document = yamlfile.read(Path(path))
        return cls(**vars(_Reader(document, Path(path).name, plugins).study()) | {"path": Path(path)})

    @classmethod
    def from_dict(cls, written: Mapping[str, Any], plugins: tuple[str, ...] = ()) -> Self:
        """The study that a dictionary in the form of the file says; where a part's name may stand, a function may too.

        Such a function is recorded as `module:name`, and its module is trusted like one of `plugins`. Raises
        StudyError with every problem and the path of its keys.
        """
        value, modules = plain(written)
        trusted = tuple(dict.fromkeys((*plugins, *modules)))
        return cls(**vars(_Reader(yamlfile.Document(value, {}), "study", trusted).study()))

    def seeds_of(self, arm: str) -> tuple[int, ...]:
        """The seeds of an arm, in order; the control has its own."""
        return tuple(s + CONTROL_SEEDS for s in self.seeds) if arm == CONTROL and self.control else self.seeds

    def chain(self, arm: str) -> dict[str, Any]:
        """Every unit in which an arm differs from the baseline as written, its bases' included."""
        return asking.chain({a.name: a for a in self.arms}, arm)


class _Reader:
    """Collects every problem of a document on the way to a study."""

    def __init__(self, document: yamlfile.Document, name: str, plugins: tuple[str, ...]):
        self.document, self.name, self.plugins = document, name, plugins
        self.problems: list[Problem] = []
        self.spaces: dict[str, spaces.Defined] = {}
        self.tuned: frozenset[str] = frozenset()  # paths that `tune` chooses: what arms differ in there is no change
        self.refused: set[str] = set()  # arms that are known to be wrong: no second complaint
        self.told: set[tuple[tuple[str | int, ...], str]] = set()  # what is wrong in recipes: an arm repeats its base's

    def problem(self, where: tuple[str | int, ...], message: str, fix: str = "", code: str = "STUDY") -> None:
        at = (
            f"{self.name}:{self.document.line(*where)}"
            if self.document.lines
            else ".".join(map(str, where)) or self.name
        )
        self.problems.append(Problem(code, message, at, fix))

    def study(self) -> Study:
        top = self.document.value
        if not isinstance(top, dict):
            self.problem((), "a study is a mapping of `title`, `baseline`, `arms` and so on.")
            raise StudyError(self.problems)
        for key in top:
            if key not in KEYS:
                self.problem((key,), unknown("key of a study", key, KEYS))
        title = self._text("title", "Untitled study")
        metric = self._metric()
        margin = self._margin()
        seeds, looks = self._seeds()
        split = self._choice("split", ("train", "val", "test"), None)
        epoch = self._choice("epoch", ("last", "val", "crossfit"), "last")
        if epoch == "val" and split in ("train", "val"):  # of train the last epoch alone is kept
            self.problem(
                ("epoch",), "`epoch: val` chooses on val and needs another split to score on: test.", "epoch: crossfit."
            )
        groups = self._groups()
        control = self._choice("control", ("a/a",), None) is not None
        if control and {s + CONTROL_SEEDS for s in seeds} & set(seeds):
            self.problem(("seeds",), f"the control's seeds are these plus {CONTROL_SEEDS}, and they overlap.")
        on_leak = self._choice("on_leak", ("refuse", "drop_train"), "refuse")
        self.spaces = self._spaces()
        self.tuned = tune.paths(self.top("tune"))
        factors = self._factors()
        arms = self._arms(factors, control)
        written, recipes = self._recipes(arms)
        roots = {name: self._root(name, w) for name, w in written.items()}
        self._check_roots(arms, roots)
        self._check_arms(arms, recipes)
        primary = self._text("primary", None)
        questions = asking.questions(self, arms, factors, recipes, metric, margin, primary, control)
        self._check_scored(split, recipes)
        scored = seeds + tuple(s + CONTROL_SEEDS for s in seeds if control)
        tuning = tune.tuning(self, scored, metric, written, recipes)
        if self.problems:
            raise StudyError(_in_order(self.problems))
        return Study(
            title=title, metric=metric, margin=margin, seeds=seeds, looks=looks, split=split, epoch=str(epoch),
            groups=groups, control=control, on_leak=str(on_leak), primary=primary, arms=arms, recipes=recipes,
            questions=questions, roots=roots, plugins=self.plugins, tuning=tuning,
        )  # fmt: skip

    def _check_scored(self, split: str | None, recipes: dict[str, Recipe]) -> None:
        """Training images cannot be scored where every seed draws its own."""
        drawing = [arm for arm, recipe in recipes.items() if recipe.train_fraction < 1]
        if split == "train" and drawing:
            message = f"scores on train need the same images in every run, and seeds of {', '.join(drawing)} draw some."
            self.problem(("split",), message, "split: val, or train_fraction: 1.")

    # --- what is asked

    def top(self, key: str, default: Any = None) -> Any:
        return self.document.value.get(key, default)

    def _text(self, key: str, default: Any) -> Any:
        value = self.top(key, default)
        if value is not None and not isinstance(value, str):
            self.problem((key,), f"{key} must be a text, not {value!r}.")
            return default
        if value is not None and len(value) > LONGEST_TEXT:
            self.problem((key,), f"{key} has {len(value)} characters; at most {LONGEST_TEXT} can be shown.")
        return value

    def _choice(self, key: str, options: tuple[str, ...], default: str | None) -> str | None:
        value = self.top(key, default)
        if value is not None and value not in options:
            self.problem((key,), f"{key} must be one of {', '.join(options)}, not {value!r}.")
            return default
        return value

    def _spaces(self) -> dict[str, spaces.Defined]:
        written, found = self.top("labels") or {}, {}
        if not isinstance(written, dict):
            self.problem(("labels",), "labels must be a mapping of name to {from, merge}.")
            return {}
        data = (self.top("baseline") or {}).get("data") if isinstance(self.top("baseline"), dict) else None
        own = data.get("classes") if isinstance(data, dict) else None
        for name, value in written.items():
            try:
                found[name] = spaces.defined(str(name), value, tuple(map(str, own)) if isinstance(own, list) else None)
            except StudyError as error:
                for each in error.problems:
                    self.problem(("labels", name), each.message, each.fix, each.code)
        return found

    def _metric(self) -> str:
        value = self._text("metric", "accuracy")
        self.check_metric(("metric",), value)
        return str(value)

    def check_metric(self, where: tuple[str | int, ...], value: Any) -> None:
        """A metric is a function by name, like every part."""
        if ":" not in str(value) and str(value) not in metrics.names():  # the module has helpers beside its metrics
            self.problem(where, unknown("metric", str(value), metrics.names()))
            return
        try:
            resolve(str(value), METRICS, self.plugins)
        except PartProblem as error:
            for _, sentence in error.problems:
                self.problem(where, sentence)

    def _margin(self) -> float | None:
        value = self.top("margin")
        return None if value is None else self.checked_margin(("margin",), value, self.top("metric", "accuracy"))

    def checked_margin(self, where: tuple[str | int, ...], value: Any, metric: Any) -> float | None:
        """A margin in the metric's own unit; None, and a problem, for what cannot be one."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < value <= sys.float_info.max:
            self.problem(
                where, f"margin must be a number above 0 in the metric's unit, not {value!r}.", "margin: 0.02."
            )
            return None
        if value >= 1 and metric in ("accuracy", "balanced_accuracy", "macro_f1", "auroc"):
            self.problem(where, f"margin {value} is in the metric's unit, where 1 is everything.", f"{value / 100}.")
        return float(value)

    def _seeds(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        seeds, looks = self.top("seeds"), self.top("looks")
        if (seeds is None) == (looks is None):
            self.problem(
                ("seeds",) if seeds is not None else (), "a study has exactly one of `seeds` and `looks`.", "seeds: 5."
            )
            return (0,), (1,)
        if looks is not None:
            if not _whole_list(looks) or sorted(set(looks)) != looks or min(looks) < 2:
                self.problem(
                    ("looks",), f"looks must be growing numbers of seeds from 2, not {looks!r}.", "looks: [3, 5, 10]."
                )
                return (0,), (1,)
            return tuple(range(looks[-1])), tuple(looks)
        if type(seeds) is int and 1 <= seeds <= 1000:
            return tuple(range(seeds)), (seeds,)
        if _whole_list(seeds) and len(set(seeds)) == len(seeds):
            return tuple(seeds), (len(seeds),)
        self.problem(("seeds",), f"seeds must be a count from 1 or a list of different whole numbers, not {seeds!r}.")
        return (0,), (1,)

    def _groups(self) -> dict[str, Any] | None:
        value = self.top("groups")
        if value is None:
            return None
        if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in ("pattern", "column", "block"):
            self.problem(("groups",), f"groups must be one of pattern, column or block, not {value!r}.", "{block: 10}.")
            return None
        kind, what = next(iter(value.items()))
        if kind == "block" and (type(what) is not int or what < 1):
            self.problem(("groups", kind), f"block must be a number of images, not {what!r}.")
        if kind == "pattern":
            try:
                patterns.checked(what)
            except ValueError as error:
                message = f"pattern must be a regular expression with one group, not {what!r}: {error}."
                self.problem(("groups", kind), message)
        return dict(value)

    # --- arms

    def _factors(self) -> dict[str, dict[str, dict[str, Any]]]:
        value = self.top("factors", {})
        if not isinstance(value, dict):
            self.problem(("factors",), "factors must be a mapping of factor to its levels.")
            return {}
        good = {}
        for factor, levels in value.items():
            if (
                not isinstance(levels, dict)
                or len(levels) < 2
                or not all(isinstance(c or {}, dict) for c in levels.values())
            ):
                self.problem(
                    ("factors", factor), f"factor {factor!r} must have at least two levels, each a mapping of changes."
                )
                continue
            first = next(iter(levels))
            if levels[first]:
                self.problem(
                    ("factors", factor, first), f"the first level of a factor is the baseline's: {first}: {{}}."
                )
                continue
            good[factor] = {level: dict(change or {}) for level, change in levels.items()}
        return good

    def _arms(self, factors: dict[str, dict[str, dict[str, Any]]], control: bool) -> tuple[Arm, ...]:
        arms = [Arm("baseline", {}, levels={f: next(iter(levels)) for f, levels in factors.items()})]
        if prod(map(len, factors.values())) > MOST_ARMS:
            self.problem(("factors",), f"the factors make more than {MOST_ARMS} arms.", "leave some out.")
            raise StudyError(self.problems)
        arms += _combinations(factors) if factors else []
        written = self.top("arms", {})
        if not isinstance(written, dict):
            self.problem(("arms",), "arms must be a mapping of name to changes.")
            written = {}
        if len(written) > MOST_ARMS:
            self.problem(("arms",), f"there are {len(written)} arms; a study has at most {MOST_ARMS}.")
            raise StudyError(self.problems)
        for name, change in written.items():
            if not isinstance(change, dict):
                self.problem(("arms", name), f"arm {name!r} must be a mapping of path to value, not {change!r}.")
                continue
            if not isinstance(change.get("bundle", False), bool):
                self.problem(("arms", name, "bundle"), f"bundle must be true or false, not {change['bundle']!r}.")
            rest = {k: v for k, v in change.items() if k not in ("base", "bundle")}
            arms.append(Arm(name, rest, str(change.get("base", "baseline")), change.get("bundle") is True))
        if control:
            arms.append(Arm(CONTROL, {}))
        self._check_names(arms)
        return tuple(arms)

    def _check_names(self, arms: list[Arm]) -> None:
        seen: set[str] = set()
        for arm in arms:
            if not isinstance(arm.name, str) or not NAME.fullmatch(arm.name):
                self.problem(self.where(arm), f"the name {arm.name!r} must be 1 to 64 of A-Z a-z 0-9 . _ -")
            if arm.name in seen:
                self.problem(self.where(arm), f"two arms are named {arm.name!r}.", "give one of them another name.")
            seen.add(arm.name)

    def _recipes(self, arms: tuple[Arm, ...]) -> tuple[dict[str, Written], dict[str, Recipe]]:
        baseline = self.top("baseline")
        if not isinstance(baseline, dict):
            self.problem(("baseline",), "a study needs a `baseline`: a recipe with `data`, `model` and so on.")
            self.refused |= {a.name for a in arms}
            return {}, {}
        written: dict[str, Written] = {}
        recipes: dict[str, Recipe] = {}
        for arm in _in_order_of_base(arms, self):
            base = baseline if arm.name == "baseline" else written.get(arm.base)
            if base is None:
                self.refused.add(arm.name)
                continue
            before = len(self.problems)
            written[arm.name] = self._written(arm, base)
            if len(self.problems) == before:
                self._complete(arm, written[arm.name], recipes)
            else:
                self.refused.add(arm.name)
        return written, recipes

    def _written(self, arm: Arm, base: Written) -> Written:
        for path, value in arm.change.items():
            try:
                base = changed(base, path, value)
            except RecipeProblem as error:
                for _, sentence in error.problems:
                    self.problem(self.where(arm, path), f"arm {arm.name!r}: {sentence}")
        return base

    def where(self, arm: Arm, *path: str) -> tuple[str | int, ...]:
        """The place in the file where an arm's change is written."""
        written = self.top("arms")
        if isinstance(written, dict) and arm.name in written and not arm.levels:
            return ("arms", arm.name, *path)
        for factor, level in arm.levels.items():
            change = self.top("factors", {}).get(factor, {}).get(level) or {}
            if path and path[0] in change:
                return ("factors", factor, level, *path)
        return ("factors",) if arm.levels and arm.name != "baseline" else ("baseline", *path)

    def _complete(self, arm: Arm, written: Written, recipes: dict[str, Recipe]) -> None:
        try:
            recipes[arm.name] = complete(spaces.meant(written, self.spaces), self.plugins)
        except RecipeProblem as error:
            self.refused.add(arm.name)
            own = [problem for problem in error.problems if arm.base not in self.refused or problem not in self.told]
            self.told |= set(error.problems)
            for where, sentence in own:
                place = ("baseline", *where) if arm.name == "baseline" else self._place(arm, where)
                self.problem(place, f"{arm.name}: {'.'.join(map(str, where[:1]))}: {sentence}")

    def _place(self, arm: Arm, where: tuple[str | int, ...]) -> tuple[str | int, ...]:
        touching = [path for path in arm.change if where and path.partition(".")[0] == where[0]]
        return self.where(arm, *touching[:1])

    def _root(self, arm: str, written: Written) -> str | None:
        """What `data.root` says: a name, or a path that stays below the study's folder unless it is absolute."""
        data = written.get("data")
        root = data.get("root") if isinstance(data, dict) else None
        wrong = None
        if root is not None and (not isinstance(root, str) or not root.strip() or "\0" in root):
            wrong = f"root must be a name or a path, not {root!r}."
        elif root is not None and not root.startswith("/") and normpath(root).split("/")[0] == "..":
            wrong = f"root {root!r} leads out of the study's folder."
        if wrong and arm == "baseline":
            fix = "write a path below it, or a name, and say where it is: --data NAME=PATH."
            self.problem(("baseline", "data", "root"), wrong, fix, "DATA_OUTSIDE")
        return None if root is None or wrong else str(root)

    def _check_roots(self, arms: tuple[Arm, ...], roots: dict[str, str | None]) -> None:
        for arm in arms:
            if arm.name not in roots or arm.base not in roots or roots[arm.name] == roots[arm.base]:
                continue
            here, there = ("no folder" if root is None else repr(root) for root in (roots[arm.name], roots[arm.base]))
            self.problem(
                self.where(arm, *(u for u in ("data.root", "data") if u in arm.change)),
                f"arm {arm.name!r} reads the data from {here}, and {arm.base!r} from {there}: "
                "scores on different images cannot be compared.",
                "let both read one `root` and change another argument of `data`, which leaves the scored images "
                "alone; `--data NAME=PATH` says where the folder is.",
                "ARM_OTHER_DATA",
            )
            self.refused.add(arm.name)

    def _check_arms(self, arms: tuple[Arm, ...], recipes: dict[str, Recipe]) -> None:
        for arm in arms:
            if arm.name in ("baseline", CONTROL) or arm.name in self.refused or arm.base not in recipes:
                continue
            moved = [u for u in arm.change if asking.has_effect(u, arm, recipes, self.tuned)]
            tuned = sorted(self.tuned & set(arm.change))
            if tuned and not differences(recipes[arm.base], recipes[arm.name], self.tuned):
                what = ", ".join(tuned)
                message = f"arm {arm.name!r} changes nothing but {what}, which `tune` chooses for every arm."
                fix = "tune another path, or leave the arm out."
                self.problem(self.where(arm, tuned[0]), message, fix, "ARM_TUNED")
            elif not differences(recipes[arm.base], recipes[arm.name]):
                fix = "change something, or write `control: a/a` for an equal arm."
                self.problem(
                    self.where(arm), f"arm {arm.name!r} changes nothing of {arm.base!r}.", fix, "ARM_CHANGES_NOTHING"
                )
            elif len(arm.change) > 1 and not arm.bundle and len(moved) != 1:
                units = ", ".join(arm.change)
                fix = "make two arms of it, or say `bundle: true`; then no single change can be credited."
                self.problem(
                    self.where(arm), f"arm {arm.name!r} must change one thing; it changes {units}.", fix, "ARM_BUNDLE"
                )


def _combinations(factors: dict[str, dict[str, dict[str, Any]]]) -> Iterator[Arm]:
    """Every combination of levels but the first; its base is the one without its last change."""
    firsts = {factor: next(iter(levels)) for factor, levels in factors.items()}
    for chosen in product(*factors.values()):
        levels = dict(zip(factors, chosen, strict=True))
        moved = [f for f in factors if levels[f] != firsts[f]]
        if not moved:
            continue
        change = dict(factors[moved[-1]][levels[moved[-1]]])
        bundle = change.pop("bundle", False) is True
        base = ".".join(levels[f] for f in moved[:-1]) or "baseline"
        yield Arm(".".join(levels[f] for f in moved), change, base, bundle, levels)


def _in_order_of_base(arms: tuple[Arm, ...], reader: _Reader) -> Iterator[Arm]:
    """Bases before the arms that stand on them. Complains about unknown bases and circles."""
    known, waiting, done = {a.name for a in arms}, list(arms), set[str]()
    for arm in arms:
        if arm.base not in known:
            reader.problem(
                ("arms", arm.name, "base"), f"arm {arm.name!r}: {unknown('arm', str(arm.base), sorted(known))}"
            )
            reader.refused.add(arm.name)
    waiting = [a for a in waiting if a.base in known]
    while waiting:
        ready = [a for a in waiting if a.name == "baseline" or a.base in done or a.base in reader.refused]
        if not ready:
            names_ = ", ".join(a.name for a in waiting)
            reader.problem(
                ("arms", waiting[0].name), f"the arms {names_} stand on each other; one must stand on the baseline."
            )
            reader.refused |= {a.name for a in waiting}
            return
        yield from ready
        done |= {a.name for a in ready}
        waiting = [a for a in waiting if a not in ready]


def _whole_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(v) is int and v >= 0 for v in value)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By line; of very many the first."""
    ordered = sorted(problems, key=_line_of)
    more = len(ordered) - MOST_PROBLEMS
    if more <= 0:
        return ordered
    return [*ordered[:MOST_PROBLEMS], Problem("STUDY", f"and {more} more problems.", ordered[MOST_PROBLEMS].where)]


def _line_of(problem: Problem) -> tuple[int, str]:
    tail = problem.where.rpartition(":")[2]
    return (int(tail) if tail.isdigit() else 0, problem.message)
