"""What `tune` of a study file asks for: read, and refused where it would mislead."""

from collections.abc import Mapping
from itertools import product
from math import isfinite
from typing import TYPE_CHECKING, Any

from paribus.errors import unknown
from paribus.metrics import misfit, names
from paribus.questions import CONTROL
from paribus.recipe import FIELDS, Recipe, RecipeProblem, Written, changed, complete, has_masks
from paribus.spaces import meant
from paribus.tuning import ON, Candidate, Grid, Tuning, Values

if TYPE_CHECKING:
    from paribus.study import _Reader

KEYS = ("seeds", "on")  # every other key of `tune` is a path
FORMS = ("times", "values")
MOST_CANDIDATES = 100  # of an arm
EXAMPLE = "tune: {optimizer.lr: {times: [0.3, 1, 3]}, seeds: [100], on: val}."
DIGITS = 12  # of a product: 0.1 times 3 is 0.3 and the same run as a written 0.3


def paths(written: Any) -> frozenset[str]:
    """The paths that are tuned, as far as `tune` can be read: what they hold is no choice of an arm's any more."""
    return frozenset(str(key) for key in written if key not in KEYS) if isinstance(written, dict) else frozenset()


def tuning(
    reader: "_Reader",
    scored: tuple[int, ...],
    metric: str,
    written: Mapping[str, Written],
    recipes: Mapping[str, Recipe],
) -> Tuning | None:
    """The study's tuning; None without `tune`, and, with every problem told to the reader, where it is wrong.

    scored: the seeds of all arms, the control's included. written, recipes: of every arm that could be read.
    """
    asked = reader.top("tune")
    if asked is None:
        return None
    if not isinstance(asked, dict) or not paths(asked):
        reader.problem(("tune",), "tune must be a mapping of paths to the values to try.", EXAMPLE)
        return None
    before = len(reader.problems)
    _check_split(reader, asked)
    _check_metric(reader, metric, recipes)
    seeds = _seeds(reader, asked, scored)
    grid = {path: asked[path] for path in asked if path not in KEYS and _is_grid(reader, path, asked[path])}
    choices = {arm: dict(recipe.choices()) for arm, recipe in recipes.items()}
    _check_own(reader, grid, choices)
    if len(reader.problems) > before:
        return None
    own = {arm: Candidate({path: choices[arm][path] for path in grid}, recipe) for arm, recipe in recipes.items()}
    told = set[str]()
    candidates = {arm: _candidates(reader, arm, grid, own[arm].values, written[arm], told) for arm in recipes}
    return Tuning(grid, seeds, own, candidates)


def _check_split(reader: "_Reader", asked: dict[str, Any]) -> None:
    on = asked.get("on", ON)
    if on != ON:
        why = {
            "test": "what was chosen on the test images would be scored on the images that chose it",
            "train": "on the images it was trained on, the arm that fits them most closely always wins",
        }.get(str(on), "the validation images are there to choose by")
        reader.problem(("tune", "on"), f"values are chosen on val, not on {on!r}: {why}.", "on: val.", "TUNE_ON")


def _check_metric(reader: "_Reader", metric: str, recipes: Mapping[str, Recipe]) -> None:
    """Values are chosen by the study's own metric, whatever its questions ask for."""
    masks = any(has_masks(recipe.data) for recipe in recipes.values())
    wrong = misfit(metric, "segmentation" if masks else "classification") if recipes and metric in names() else None
    if wrong:
        reader.problem(("metric",), f"`tune` chooses by the study's metric: {wrong.message}", wrong.fix, wrong.code)


def _seeds(reader: "_Reader", asked: dict[str, Any], scored: tuple[int, ...]) -> tuple[int, ...]:
    seeds = asked.get("seeds")
    free = next(seed for seed in range(100, 3000, 100) if seed not in scored)
    fine = isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not fine or len(set(seeds or ())) != len(seeds or ()):
        message = f"seeds must be a list of different whole numbers, not {seeds!r}."
        reader.problem(("tune", "seeds"), message, f"seeds: [{free}].")
        return ()
    both = [seed for seed in seeds or () if seed in scored]
    if both:
        message = f"the tuning seeds {both} are scored too: a run that helped to choose would be counted."
        reader.problem(("tune", "seeds"), message, f"seeds: [{free}].", "TUNE_SEEDS")
    return tuple(seeds or ())


def _is_grid(reader: "_Reader", path: str, value: Any) -> bool:
    """Whether `value` says which numbers to try at a path; a problem if not."""
    where, field = ("tune", path), path.partition(".")[0]
    if field not in FIELDS:
        reader.problem(where, unknown("recipe field", field, FIELDS))
        return False
    if field == "data":
        reader.problem(where, f"{path} cannot be tuned: the data are what all arms share.", "tune another path.")
        return False
    form = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
    if form not in FORMS:
        message = f"{path} needs either `times`, factors on each arm's own value, or `values`, not {value!r}."
        reader.problem(where, message, f"{path}: {{times: [0.3, 1, 3]}}.")
        return False
    numbers = value[form]
    least = "above 0 " if form == "times" else ""
    if not _are_numbers(numbers) or (form == "times" and min(numbers) <= 0):
        message = f"{path}: {form} must be at least two different numbers {least}to try, not {numbers!r}."
        reader.problem((*where, form), message, f"{form}: [0.3, 1, 3].")
        return False
    return True


def _are_numbers(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(v, int | float) and not isinstance(v, bool) and isfinite(v) for v in value)
        and len(set(value)) == len(value) >= 2
    )


def _check_own(reader: "_Reader", grid: Grid, choices: Mapping[str, Mapping[str, Any]]) -> None:
    """Every arm must have a number of its own at every path; the control has the baseline's."""
    for path, form in grid.items():
        wrong = {arm: why for arm, own in choices.items() if arm != CONTROL and (why := _unfit(path, form, own))}
        if wrong:
            named = ", ".join(f"{arm} ({why})" for arm, why in wrong.items())
            message = f"{path} cannot be tuned in every arm: {named}."
            fix = "write a number above 0 in these arms, or tune a path that every arm has."
            reader.problem(("tune", path), message, fix, "TUNE_PATH")


def _unfit(path: str, form: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """Why an arm has no value at a path that could be tuned; empty if it has one."""
    if path not in own:
        return "has no such choice"
    value = own[path]
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "is null, no number" if value is None else f"is {value!r}, no number"
    return "is 0, which no factor changes" if value == 0 and "times" in form else ""


def _candidates(
    reader: "_Reader", arm: str, grid: Grid, own: Values, written: Written, told: set[str]
) -> tuple[Candidate, ...]:
    """Every point of an arm's grid. Recipes that cannot be are told, each sentence once for all arms."""
    points = list(product(*(_values(grid[path], own[path]) for path in grid)))
    if len(points) > MOST_CANDIDATES:
        if not told:
            reader.problem(("tune",), f"{len(points)} candidates an arm are more than {MOST_CANDIDATES}.", "try fewer.")
        told.add("")
        return ()
    found = []
    for point in points:
        wanted = dict(zip(grid, point, strict=True))
        try:
            recipe = complete(meant(_changed(written, wanted), reader.spaces), reader.plugins)
        except RecipeProblem as error:
            for sentence in (s for _, s in error.problems if s not in told):
                told.add(sentence)
                reader.problem(("tune", *list(grid)[:1]), f"{arm}: {sentence}")
            continue
        choices = dict(recipe.choices())
        found.append(Candidate({path: choices[path] for path in grid}, recipe))
    return tuple(found)


def _changed(written: Written, values: Values) -> Written:
    for path, value in values.items():
        written = changed(written, path, value)
    return written


def _values(form: dict[str, list[float]], own: float) -> list[float]:
    if "values" in form:
        return form["values"]
    return [_product(own, factor) for factor in form["times"]]


def _product(own: float, factor: float) -> float:
    """As it would be written: a whole number of a whole number where it is one."""
    value = float(f"{own * factor:.{DIGITS}g}")
    return int(value) if isinstance(own, int) and value.is_integer() else value
