"""The network of a finished run, in evaluation mode."""

from dataclasses import replace
from typing import TYPE_CHECKING

from paribus import tensorfile
from paribus.errors import DataError, Problem
from paribus.parts import Part
from paribus.recipe import Recipe
from paribus.runs import Run
from paribus.store import Store
from paribus.train import network

if TYPE_CHECKING:
    from torch import nn


def trained(run: Run, classes: int, store: Store, weights: str) -> "nn.Module":
    """The network of a finished run in evaluation mode, with its `last` or `best` weights.

    Raises DataError if they were removed, IntegrityError if they are not what was written.
    """
    if not (store.folder(run.id) / f"{weights}.safetensors").exists():
        message = f"has no {weights}.safetensors any more (`paribus clean --weights` removes them)."
        fix = "remove this folder and run the study again."
        raise DataError([Problem("WEIGHTS_REMOVED", message, run.id, fix)])
    model = unloaded(run.recipe, classes, run.seed)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    model.load_state_dict(tensorfile.tensors(store.weights(run.id, weights, shapes)))
    return model


def unloaded(recipe: Recipe, classes: int, seed: int) -> "nn.Module":
    """The network of a recipe in evaluation mode with drawn weights, without what a pretrained one begins with."""
    args = recipe.model.args | ({"pretrained": False} if "pretrained" in recipe.model.args else {})
    return network(replace(recipe, model=Part(recipe.model.use, args)), classes, None, seed).eval()
