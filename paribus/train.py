"""One run, from recipe and seed to evidence. The loop is a generator; whoever iterates scores, stores and stops."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paribus import checkpoint, durable, environment, freezing, store
from paribus.heads import head_name
from paribus.parts import build
from paribus.predictions import Evidence
from paribus.recipe import HOMES, Recipe
from paribus.runs import Run
from paribus.seeding import derive
from paribus.views import EVAL_BATCH, Pictures, TrainingViews, eval_sizes, normalized

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.optim import Optimizer

Progress = Callable[[int, float], None]  # epochs done, seconds so far


class Diverged(Exception):
    """The loss or a weight is no longer finite."""


@dataclass
class Training:
    """Everything that moves during a run, and the loop's position."""

    run: Run
    model: "nn.Module"
    head: str
    optimizer: "Optimizer"
    factor: Callable[[int], float]
    loss: Any
    views: TrainingViews
    steps_per_epoch: int
    epoch: int = 0
    curves: list[dict[str, float]] = field(default_factory=list)
    frozen: freezing.Frozen | None = None


def network(recipe: Recipe, num_classes: int, weights: dict[str, Any] | None, seed: int) -> "nn.Module":
    """The model with its seeded initialisation, in channels-last layout.

    The body is built under its own stream and the new classifier is drawn from the stream of its qualified name, so
    that another head shifts no draw of the body. Global random state is left as it was.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        model: nn.Module = build(recipe.model, HOMES["model"], num_classes, weights)
        head = head_name(model)
        torch.manual_seed(derive(seed, "init", head))
        model.get_submodule(head).reset_parameters()  # type: ignore[operator]
    return model.to(memory_format=torch.channels_last)


def prepare(run: Run, pictures: Pictures, weights: dict[str, Any] | None) -> Training:
    """A training at its very beginning."""
    recipe = run.recipe
    classes = pictures.images.classes
    model = network(recipe, len(classes), weights, run.seed)
    head = head_name(model)
    freezing.set_trainable(model, recipe.trainable, head)
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    heads = [p for n, p in trained if n.startswith(f"{head}.")]
    body = [p for n, p in trained if not n.startswith(f"{head}.")]
    items = pictures.items("train")
    counts = np.bincount([i.label for i in items], minlength=len(classes)).tolist()
    views = TrainingViews(pictures, recipe, run.seed)
    steps = views.steps()
    return Training(
        run=run,
        model=model,
        head=head,
        optimizer=build(recipe.optimizer, HOMES["optimizer"], heads, body),
        factor=build(recipe.schedule, HOMES["schedule"], steps * recipe.epochs, steps),
        loss=build(recipe.loss, HOMES["loss"], counts),
        views=views,
        steps_per_epoch=steps,
        frozen=freezing.frozen_hashes(model, recipe.batch_norm),
    )


def fit(training: Training) -> Iterator[float]:
    """Train epoch by epoch; yields the mean loss of each. Raises Diverged where a loss or weight is not finite."""
    recipe = training.run.recipe
    rates = [group["lr"] for group in training.optimizer.param_groups]
    while training.epoch < recipe.epochs:
        freezing.set_modes(training.model, recipe.batch_norm)
        epoch = training.epoch + 1
        total, seen = 0.0, 0
        for number, (images, targets) in enumerate(training.views.batches(epoch)):
            step = training.epoch * training.steps_per_epoch + number
            for group, rate in zip(training.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * training.factor(step)
            total += train_step(training, images, targets, step) * len(targets)
            seen += len(targets)
        if not all(bool(p.isfinite().all()) for p in training.model.parameters()):
            raise Diverged(f"a weight is not finite after epoch {epoch}")
        for group, rate in zip(training.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate  # what is stored is the recipe's rate: the factor belongs to the step
        training.epoch = epoch
        yield total / max(1, seen)


def train_step(training: Training, images: "torch.Tensor", targets: "torch.Tensor", step: int) -> float:
    """One step on one batch; the loss. Raises Diverged if it is not finite."""
    import torch

    training.optimizer.zero_grad(set_to_none=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(training.run.seed, "drop", step))
        with precision(training.run.recipe):
            loss = training.loss(training.model(normalized(images, training.run.recipe)), targets)
    value = float(loss.detach())
    if not np.isfinite(value):
        raise Diverged(f"the loss is {value} at step {step}")
    loss.backward()
    training.optimizer.step()
    return value


def precision(recipe: Recipe) -> Any:
    """The autocast context of a recipe's precision."""
    import torch

    return torch.autocast("cpu", dtype=torch.bfloat16) if recipe.precision == "bf16" else nullcontext()


def predict(training: Training, pictures: Pictures, split: str) -> NDArray[np.float32]:
    """(N, C) logits on the images of a split, in the order of `pictures.items`.

    Where the body is frozen its output is computed once and shared by all epochs and runs; only the head is applied
    each time, on batches of the same images, so that both ways give the same bytes.
    """
    import torch

    recipe = training.run.recipe
    training.model.eval()
    with torch.inference_mode(), precision(recipe):
        if _body_stands_still(training) and _head_is_last(training):
            key = _features_key(training, split)
            features = pictures.features(key, lambda: _features(training, pictures, split))
            head = training.model.get_submodule(training.head)
            logits = [head(batch).flatten(1).float() for batch in features.split(EVAL_BATCH)]
        else:
            batches = pictures.evaluation(split, recipe)
            logits = [training.model(normalized(batch, recipe)).float() for batch in batches]
    result: NDArray[np.float32] = torch.cat(logits).numpy()
    return result


def _features(training: Training, pictures: Pictures, split: str) -> "torch.Tensor":
    """What reaches the head, for every image of a split."""
    import torch

    caught: list[torch.Tensor] = []
    head = training.model.get_submodule(training.head)
    handle = head.register_forward_pre_hook(lambda module, inputs: caught.append(inputs[0].detach().clone()))
    try:
        for batch in pictures.evaluation(split, training.run.recipe):
            training.model(normalized(batch, training.run.recipe))
    finally:
        handle.remove()
    return torch.cat(caught)


def _head_is_last(training: Training) -> bool:
    """Whether the network does nothing with the head's output but flatten it; SqueezeNet, for one, averages it."""
    import torch

    caught: list[torch.Tensor] = []
    head = training.model.get_submodule(training.head)
    handle = head.register_forward_hook(lambda module, inputs, output: caught.append(output.flatten(1).clone()))
    side, _ = eval_sizes(training.run.recipe)
    probe = torch.linspace(-2, 2, 2 * 3 * side * side).reshape(2, 3, side, side)
    try:
        said = training.model(probe.contiguous(memory_format=torch.channels_last))
    finally:
        handle.remove()
    return len(caught) == 1 and torch.equal(caught[0], said)


def _body_stands_still(training: Training) -> bool:
    return training.run.recipe.trainable == "head" and training.run.recipe.batch_norm != "train"


def _features_key(training: Training, split: str) -> tuple[Any, ...]:
    recipe = training.run.recipe
    frozen = training.frozen
    assert frozen is not None
    choices = json.dumps([recipe.model.use, recipe.model.args, recipe.input.args, recipe.precision], sort_keys=True)
    return (split, choices, frozen.parameters, frozen.buffers)


def train(
    run: Run,
    pictures: Pictures,
    weights: dict[str, Any] | None,
    runs: store.Store,
    fingerprints: dict[str, str],
    progress: Progress = lambda epoch, seconds: None,
) -> None:
    """Train a run and publish its folder; goes on from the last committed epoch if there is one.

    fingerprints: split -> fingerprint, for the splits to be scored. A run that diverges is a result: it is scored at
    its last finite epoch, or at its initialisation.
    """
    partial = runs.partial(run.id)
    training = prepare(run, pictures, weights)
    scored = {split: mark for split, mark in fingerprints.items() if split != "train"}
    started = (partial / checkpoint.STATE).exists()
    seconds = checkpoint.resume(training, partial) if started else checkpoint.begin(partial)
    keeper = checkpoint.Keeper(partial)
    status, began = "done", time.monotonic() - seconds
    try:
        for loss in fit(training):
            logits = {split: predict(training, pictures, split) for split in scored}
            if not all(np.isfinite(v).all() for v in logits.values()):
                raise Diverged(f"an output is not finite after epoch {training.epoch}")
            training.curves.append(_row(training, pictures, logits, loss))
            keeper.keep(training, logits, time.monotonic() - began)
            progress(training.epoch, time.monotonic() - began)
    except Diverged:
        status = "diverged"
        last = int(training.curves[-1]["epoch"]) if training.curves else 0
        training = _last_finite(run, pictures, weights, partial, scored, last)
    final = runs.unpublished(run.id)
    _write_results(training, pictures, partial, final, fingerprints, status)
    durable.write_json(final / store.TIMING, _timing(training, time.monotonic() - began))
    runs.publish(run.id)


def score_again(
    run: Run, pictures: Pictures, weights: dict[str, Any] | None, runs: store.Store, fingerprints: dict[str, str]
) -> None:
    """Add evidence on splits that a finished run has not seen, from its two kept weights; nothing is trained."""
    from safetensors.torch import load

    about, kept = runs.about(run.id), {}
    last = int(about["curves"][-1]["epoch"])
    for epoch, name in ((about["best_epoch"], "best.safetensors"), (last, "last.safetensors")):
        training = prepare(run, pictures, weights)
        training.model.load_state_dict(load(runs.content(run.id, name)))
        kept[int(epoch)] = {split: predict(training, pictures, split) for split in fingerprints}
    for split, fingerprint in fingerprints.items():
        epochs = sorted(kept) if split != "train" else [last]
        found = _evidence(pictures, split, epochs, [kept[e][split] for e in epochs])
        store.write_evidence(runs.folder(run.id), fingerprint, found)
    runs.hash_again(run.id)


def _row(
    training: Training, pictures: Pictures, logits: dict[str, NDArray[np.float32]], loss: float | None
) -> dict[str, float]:
    """One row of the learning curve: `<split>_accuracy` and `<split>_loss` (mean negative log-likelihood)."""
    row: dict[str, float] = {"epoch": training.epoch}
    if loss is not None:
        last_step = training.epoch * training.steps_per_epoch - 1
        row |= {"train_loss": loss, "lr": training.optimizer.param_groups[0]["lr"] * training.factor(last_step)}
    for split, values in logits.items():
        targets = np.array([i.label for i in pictures.items(split)])
        wide = values.astype(np.float64)
        spread = np.log(np.exp(wide - wide.max(axis=1, keepdims=True)).sum(axis=1)) + wide.max(axis=1)
        row[f"{split}_accuracy"] = float((values.argmax(axis=1) == targets).mean())
        row[f"{split}_loss"] = float((spread - wide[np.arange(len(targets)), targets]).mean())
    return row


def _last_finite(
    run: Run, pictures: Pictures, weights: dict[str, Any] | None, partial: Path, scored: dict[str, str], last: int
) -> Training:
    """The training as it was after epoch `last`, or at its initialisation, which is scored then.

    Finite epochs that were not committed yet are trained again: how often epochs are committed is a matter of the
    clock, and no number may depend on it.
    """
    training = prepare(run, pictures, weights)
    seconds = checkpoint.resume(training, partial) if (partial / checkpoint.STATE).exists() else 0.0
    keeper, epochs = checkpoint.Keeper(partial), fit(training)
    while not training.curves or training.epoch < last:
        loss = next(epochs) if last else None
        logits = {split: predict(training, pictures, split) for split in scored}
        training.curves.append(_row(training, pictures, logits, loss))
        keeper.keep(training, logits, seconds)
    keeper.flush(training, seconds)
    return training


def _write_results(
    training: Training, pictures: Pictures, partial: Path, final: Path, fingerprints: dict[str, str], status: str
) -> None:
    """The files of a finished run, from its committed epochs."""
    by_epoch = checkpoint.committed_epochs(partial)
    for split, fingerprint in fingerprints.items():
        kept, logits = list(by_epoch), [each[split] for each in by_epoch.values() if split in each]
        if split == "train":  # how well the clean training images are known in the end
            kept, logits = [training.epoch], [predict(training, pictures, "train")]
        store.write_evidence(final, fingerprint, _evidence(pictures, split, kept, logits))
    durable.write(final / "best.safetensors", checkpoint.best_weights(partial))
    durable.write(final / "last.safetensors", checkpoint.model_bytes(training))
    durable.write_json(final / "run.json", _about(training, status))


def _evidence(pictures: Pictures, split: str, epochs: list[int], logits: list[NDArray[np.float32]]) -> Evidence:
    items = pictures.items(split)
    return Evidence(
        split=split,
        image_ids=tuple(i.id for i in items),
        targets=np.array([i.label for i in items], dtype=np.int64),
        classes=pictures.images.classes,
        epochs=tuple(epochs),
        logits=np.stack(logits),
    )


def _about(training: Training, status: str) -> dict[str, Any]:
    model = training.model
    assert training.frozen is not None
    after = freezing.frozen_hashes(model, training.run.recipe.batch_norm)
    return {
        "identity": training.run.identity,
        "status": status,
        "curves": training.curves,
        "best_epoch": checkpoint.best_epoch(training.curves),
        "parameters_total": sum(p.numel() for p in model.parameters()),
        "parameters_trained": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "certificate": freezing.certificate(training.frozen, after, model, training.run.recipe.batch_norm),
        "classes": list(training.views.pictures.images.classes),
        "environment": environment.full(),
    }


def _timing(training: Training, seconds: float) -> dict[str, float]:
    seen = len(training.views.pictures.items("train")) * training.epoch
    return {"seconds": round(seconds, 3), "images_per_second": round(seen / seconds, 2) if seconds > 0 else 0.0}
