"""Equal effort: every arm tries as many values of the same choices, on val, by runs that are never scored."""

import json
from dataclasses import dataclass

from paribus.recipe import Recipe

ON = "val"  # the only split that may choose

Values = dict[str, float]  # path of the recipe -> value
Grid = dict[str, dict[str, list[float]]]  # path -> {"times": factors on an arm's own value} or {"values": numbers}


@dataclass(frozen=True)
class Candidate:
    """One point of an arm's grid: the values of the tuned paths, and the completed recipe that has them."""

    values: Values
    recipe: Recipe


@dataclass(frozen=True)
class Tuning:
    """What `tune` of a study file asks for.

    grid: as written. own: each arm as written, and candidates: what it tries, the last path moving fastest. The A/A
    control tries what the baseline does, in the same runs, and so chooses the same.
    """

    grid: Grid
    seeds: tuple[int, ...]
    own: dict[str, Candidate]
    candidates: dict[str, tuple[Candidate, ...]]

    def recipes(self) -> list[Recipe]:
        """The different recipes that are tried: arms with equal ones share their runs."""
        all_of_them = [candidate.recipe for each in self.candidates.values() for candidate in each]
        return list({json.dumps(recipe.plain(), sort_keys=True): recipe for recipe in all_of_them}.values())


def shown(values: Values) -> str:
    """`optimizer.lr 0.003`."""
    return ", ".join(f"{path} {value:g}" for path, value in values.items())
