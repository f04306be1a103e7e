"""A run: one recipe, one seed, one training set. Its id is what it is, never when, where or by whom."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from paribus.parts import PREFIXES
from paribus.recipe import Recipe

FORMAT = 1  # a change that makes old folders wrong adds one


@dataclass(frozen=True)
class Run:
    """What determines every number of a run on one kind of machine.

    train: fingerprint of the training images, of those drawn where the seed draws a share. weights: sha256 of the
    pretrained weights' file, or None.
    sources: module -> sha256 of its source, for parts that the user brought.
    """

    recipe: Recipe
    seed: int
    train: str
    weights: str | None = None
    sources: dict[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        """What the id is taken over: the completed recipe, not what was written."""
        return {
            "format": FORMAT,
            "recipe": self.recipe.plain(),
            "seed": self.seed,
            "train": self.train,
            "weights": self.weights,
            "sources": self.sources,
        }

    @cached_property
    def id(self) -> str:
        """The first 20 hex digits of the sha256 of the identity in canonical JSON."""
        return id_of(self.identity)


def id_of(identity: dict[str, Any]) -> str:
    """The id that belongs to an identity."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def sources_of(recipe: Recipe) -> dict[str, str]:
    """The hashes of the user's own modules that a recipe uses: another source is another run."""
    parts = (recipe.data, recipe.model, recipe.optimizer, recipe.schedule, recipe.loss, *recipe.augment)
    modules = {p.use.rpartition(":")[0] for p in parts} - {"", *PREFIXES}
    found = {}
    for module in sorted(modules):
        spec = find_spec(module)
        if spec is not None and spec.origin is not None:
            found[module] = hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()
    return found
