"""What reaches the head of a network whose body stands still: computed once per image and view, for all runs."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from paribus import devices, freezing
from paribus.recipe import Recipe
from paribus.views import EVAL_BATCH, Pictures, eval_sizes, normalized

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paribus.train import Training

    Images = Callable[[], Iterator[torch.Tensor]]


def usable(recipe: Recipe, model: "nn.Module", head: str) -> bool:
    """Whether the head's input is a function of the pixels alone and its output is the network's.

    Only the head may learn, batch norm may not move, nothing before the head may draw (dropout), and nothing may come
    after it but a flattening: SqueezeNet, for one, averages. The last two are tried out on a probe.
    """
    if recipe.trainable != "head" or recipe.batch_norm == "train":
        return False
    freezing.set_modes(model, recipe.batch_norm)
    (first, said, put_out), (again, _, _) = (_probed(recipe, model, head, seed) for seed in (1, 2))
    model.eval()
    return put_out.flatten(1).equal(said) and first.equal(again)


def _probed(recipe: Recipe, model: "nn.Module", head: str, seed: int) -> "tuple[torch.Tensor, ...]":
    """(what reaches the head, what the network says, what the head says) for two images and a global seed."""
    import torch

    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    caught = model.get_submodule(head).register_forward_hook(
        lambda module, inputs, output: seen.append((inputs[0].clone(), output.clone()))
    )
    device = devices.of(model)
    height, width = eval_sizes(recipe)[0]
    probe = torch.linspace(-2, 2, 2 * 3 * height * width).reshape(2, 3, height, width)
    try:
        with torch.inference_mode(), devices.seeded(seed, device):
            said = model(devices.moved(probe.contiguous(memory_format=torch.channels_last), device))
    finally:
        caught.remove()
    reached, put_out = seen[-1]
    return reached, said, put_out if len(seen) == 1 else put_out.new_zeros(0)


def of_split(training: "Training", pictures: Pictures, split: str) -> "torch.Tensor":
    """(N, …) the head's inputs for the images of a split as evaluation sees them, computed the first time."""
    key = (*_key(training), split)
    return _once(training, pictures, key, lambda: pictures.evaluation(split, training.run.recipe))


def of_view(training: "Training", number: int) -> "torch.Tensor":
    """(N, …) the head's inputs for all training images in one of their K views, computed the first time."""
    recipe = training.run.recipe
    drawn = json.dumps([recipe.views, recipe.plain()["augment"]], sort_keys=True)
    key = (*_key(training), "view", number, drawn)
    return _once(training, training.views.pictures, key, lambda: training.views.view(number))


def batches(training: "Training", epoch: int, first: int = 0) -> "Iterator[tuple[torch.Tensor, torch.Tensor]]":
    """(head inputs (B, …), targets (B,)) of an epoch of a recipe with `views: K`, from the batch `first` on."""
    views = training.run.recipe.views
    assert views is not None
    reached, targets = of_view(training, (epoch - 1) % views), training.views.targets()
    for batch in islice(training.views.chosen(epoch), first, None):
        own = batch[training.ranks.part(len(batch))]
        yield reached[own], targets[own]


def _once(training: "Training", pictures: Pictures, key: tuple[Any, ...], images: "Images") -> Any:
    return pictures.once(key, lambda: _reached(training, images()))


def _reached(training: "Training", images: "Iterator[torch.Tensor]") -> "torch.Tensor":
    """The head's inputs for batches of uint8 images, in evaluation mode; kept in the processor's memory."""
    import torch

    caught: list[torch.Tensor] = []
    network = training.in_evaluation()
    head = network.get_submodule(training.head)
    handle = head.register_forward_pre_hook(
        lambda module, inputs: caught.append(devices.back(inputs[0].detach()).clone())
    )
    try:
        with torch.inference_mode(), training.precision():
            for batch in images:
                network(normalized(devices.moved(batch, training.device), training.run.recipe))
    finally:
        handle.remove()
    with torch.inference_mode(False):
        return torch.cat(caught).clone()  # a normal tensor: the head's gradient may need it


def _key(training: "Training") -> tuple[Any, ...]:
    """Everything that decides the head's inputs but the pictures."""
    recipe, frozen = training.run.recipe, training.frozen
    assert frozen is not None
    choices = [recipe.model.use, recipe.model.args, recipe.input.args, recipe.precision, EVAL_BATCH]
    return ("features", json.dumps(choices, sort_keys=True), frozen.parameters, frozen.buffers)
