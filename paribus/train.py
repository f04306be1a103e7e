"""One run, from recipe and seed to evidence. The loop is a generator; whoever iterates scores, stores and stops."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from paribus import (
    checkpoint,
    classifying,
    depthwise,
    devices,
    durable,
    environment,
    features,
    folding,
    freezing,
    room,
    segmenting,
    stopping,
    store,
    tensorfile,
)  # fmt: skip
from paribus.datasets import Item
from paribus.errors import Diverged
from paribus.heads import head_name
from paribus.parts import Part, build
from paribus.predictions import Evidence, MaskEvidence
from paribus.ranks import ALONE, Ranks
from paribus.recipe import HOMES, Recipe
from paribus.runs import Run
from paribus.seeding import derive
from paribus.views import Pictures, TrainingViews, eval_sizes, normalized

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.optim import Optimizer

Progress = Callable[[int, float], None]  # epochs done, seconds so far
Arrays = dict[str, NDArray[np.generic]]  # what was said about the images of a split; the first axis counts images


class Task(Protocol):
    """What sets classifiers apart from segmentations: `paribus.classifying` and `paribus.segmenting`."""

    def each_epoch(self, split: str) -> bool: ...
    def counts(self, pictures: Pictures, items: Sequence[Item]) -> Any: ...
    def score(self, training: "Training", pictures: Pictures, split: str) -> Arrays: ...
    def row(self, pictures: Pictures, split: str, scores: Arrays) -> dict[str, float]: ...
    def evidence(
        self, pictures: Pictures, split: str, items: Sequence[Item], epochs: list[int], scores: list[Arrays]
    ) -> Evidence | MaskEvidence: ...


def task_of(pictures: Pictures) -> Task:
    """The task that a data set is for."""
    return segmenting if pictures.images.masks is not None else classifying


@dataclass
class Training:
    """Everything that moves during a run, and the loop's position."""

    run: Run
    task: Task
    model: "nn.Module"
    head: str
    optimizer: "Optimizer"
    factor: Callable[[int], float]
    loss: Any
    views: TrainingViews
    steps_per_epoch: int
    device: str
    body_is_fixed: bool  # then what reaches the head is computed once, see `paribus.features`
    ranks: Ranks = ALONE  # the processes that train it together
    epoch: int = 0  # epochs that are trained and scored
    batch: int = 0  # steps of the next one that are done
    total: float = 0.0  # the sum of their losses, each times its images
    seen: int = 0  # and the number of these images
    whole: bool = True  # False within a step, when nothing may be stored
    curves: list[dict[str, float]] = field(default_factory=list)
    frozen: freezing.Frozen | None = None
    inexact: list[dict[str, Any]] = field(default_factory=list)  # epochs after which it went on in another environment

    def batches(self, epoch: int, first: int = 0) -> "Iterator[tuple[torch.Tensor, torch.Tensor]]":
        """(what `said` takes, targets) of an epoch: images, or the inputs of the head where those are kept.

        first: the number of the batch to begin with.
        """
        return features.batches(self, epoch, first) if self._from_features else self.views.batches(epoch, first)

    def said(self, inputs: "torch.Tensor") -> "torch.Tensor":
        """The network's output for a batch of an epoch, which may be anywhere."""
        inputs = devices.moved(inputs, self.device)
        if self._from_features:
            output: torch.Tensor = self.model.get_submodule(self.head)(inputs)
            return output.flatten(1)
        found: torch.Tensor = self.model(normalized(inputs, self.run.recipe))
        return found

    def in_evaluation(self) -> "nn.Module":
        """The network in evaluation mode, its batch norms folded into convolutions."""
        import torch

        height, width = eval_sizes(self.run.recipe)[0]
        probe = torch.linspace(-2, 2, 3 * height * width).reshape(1, 3, height, width)
        probe = devices.moved(probe.contiguous(memory_format=torch.channels_last), self.device)
        return folding.folded(self.model.eval(), probe)

    @property
    def reached(self) -> int:
        """Epochs whose steps are all done."""
        return self.epoch + (self.batch == self.steps_per_epoch)

    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(p.isfinite().all()) for p in self.model.parameters())

    def close_epoch(self) -> None:
        """The epoch whose steps are done counts from now on."""
        self.epoch, self.batch, self.total, self.seen = self.epoch + 1, 0, 0.0, 0

    def precision(self) -> Any:
        """The autocast context of the recipe's precision."""
        import torch

        if self.run.recipe.precision != "bf16":
            return nullcontext()
        return torch.autocast(devices.kind(self.device), dtype=torch.bfloat16)

    @property
    def _from_features(self) -> bool:
        return self.body_is_fixed and self.run.recipe.views is not None


def network(recipe: Recipe, num_classes: int, weights: dict[str, Any] | None, seed: int) -> "nn.Module":
    """The model with its seeded initialisation, in channels-last layout.

    The body is built under its own stream and the new classifier is drawn from the stream of its qualified name, so
    that another head shifts no draw of the body. Global random state is left as it was. It is in the processor's
    memory: what is drawn is the same whatever the device.
    """
    import torch

    with devices.seeded(derive(seed, "init")):
        model: nn.Module = build(recipe.model, HOMES["model"], num_classes, weights)
        head = head_name(model)
        torch.manual_seed(derive(seed, "init", head))
        model.get_submodule(head).reset_parameters()  # type: ignore[operator]
    return model.to(memory_format=torch.channels_last)


def prepare(
    run: Run,
    pictures: Pictures,
    weights: dict[str, Any] | None,
    ranks: Ranks = ALONE,
    device: str = devices.CPU,
) -> Training:
    """A training at its very beginning, its network on the device."""
    recipe, task = run.recipe, task_of(pictures)
    model = devices.moved(network(recipe, len(pictures.images.classes), weights, run.seed), device)
    head = head_name(model)
    freezing.set_trainable(model, recipe.trainable, head)
    if device == devices.CPU:
        depthwise.hasten(model)
    body, new = _groups(model, head)
    views = TrainingViews(pictures, recipe, run.seed, ranks)
    steps, learned = views.steps(), [pictures.items("train")[position] for position in views.positions]
    return Training(
        run=run,
        task=task,
        model=model,
        head=head,
        optimizer=build(recipe.optimizer, HOMES["optimizer"], new, body),
        factor=build(recipe.schedule, HOMES["schedule"], steps * recipe.epochs, steps),
        loss=build(recipe.loss, HOMES["loss"], task.counts(pictures, learned)),
        views=views,
        steps_per_epoch=steps,
        device=device,
        body_is_fixed=task is classifying and features.usable(recipe, model, head),
        ranks=ranks,
        frozen=freezing.frozen_hashes(model, recipe.batch_norm),
    )


def _groups(model: "nn.Module", head: str) -> "tuple[list[nn.Parameter], list[nn.Parameter]]":
    """(parameters of the backbone, of what is new) that learn: a classifier's head is new, and all of a decoder."""
    backbone = getattr(model, "backbone", None)
    old = {id(p) for p in backbone.parameters()} if backbone is not None else None
    body: list[nn.Parameter] = []
    new: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_new = name.startswith(f"{head}.") if old is None else id(parameter) not in old
            (new if is_new else body).append(parameter)
    return body, new


def fit(training: Training) -> Iterator[float]:
    """Train epoch by epoch; yields the mean loss of each. Raises Diverged where a loss or weight is not finite."""
    while training.epoch < training.run.recipe.epochs:
        for _ in steps(training):
            pass
        loss = mean_loss(training)
        training.close_epoch()
        yield loss


def steps(training: Training) -> Iterator[None]:
    """Take the steps of the next epoch that are not done yet, one at a time. Raises Diverged.

    A step that has begun is finished before a signal is answered.
    """
    recipe, optimizer = training.run.recipe, training.optimizer
    freezing.set_modes(training.model, recipe.batch_norm)
    rates = [group["lr"] for group in optimizer.param_groups]
    for inputs, targets in training.batches(training.epoch + 1, training.batch):
        with stopping.later():
            training.whole = False
            number = training.epoch * training.steps_per_epoch + training.batch
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * training.factor(number)
            count = training.ranks.counted(len(targets))
            training.total += train_step(training, inputs, targets, number) * count
            training.seen += count
            training.batch += 1
            training.whole = True
        yield
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate  # what is stored is the recipe's rate: the factor belongs to the step


def mean_loss(training: Training) -> float:
    """The mean loss of the epoch whose steps are done. Raises Diverged if a weight is not finite after them."""
    if not training.is_finite():
        raise Diverged(f"a weight is not finite after epoch {training.epoch + 1}")
    return training.total / max(1, training.seen)


def train_step(training: Training, inputs: "torch.Tensor", targets: "torch.Tensor", step: int) -> float:
    """One step on one batch, or on this process's part of it; the loss of the batch. Raises Diverged."""
    ranks, count = training.ranks, training.ranks.counted(len(targets))
    training.optimizer.zero_grad(set_to_none=True)
    with devices.seeded(derive(training.run.seed, "drop", step), training.device), training.precision():
        with ranks.on_whole_batches(count):
            said = training.said(inputs)
        known = devices.moved(targets, training.device)
        loss = training.loss(ranks.whole(said, count), ranks.whole(known, count))
    value = float(loss.detach())
    if not np.isfinite(value):
        raise Diverged(f"the loss is {value} at step {step}")
    loss.backward()
    ranks.add_up([p for group in training.optimizer.param_groups for p in group["params"]])
    training.optimizer.step()
    return value


def train(
    run: Run,
    pictures: Pictures,
    weights: dict[str, Any] | None,
    runs: store.Store,
    fingerprints: dict[str, str],
    progress: Progress = lambda epoch, seconds: None,
    note: checkpoint.Note = lambda problem: None,
    allow_inexact: bool = False,
    left: int = 1,
    ranks: Ranks = ALONE,
    device: str = devices.CPU,
) -> None:
    """Train a run and publish its folder; goes on from the last committed state if there is one.

    fingerprints: split -> fingerprint, for the splits to be scored. note: told of a state that a power loss has torn.
    allow_inexact: go on where the run was begun in another environment, and say so in its run.json. A run that diverges
    is a result: it is scored at its last finite epoch, or at its initialisation. Asked to stop by a signal, it commits
    what it has done and leaves. left: the runs for which there must be room, this one among them. ranks: the processes
    that train it together; this is the first, the others `accompany` it. Raises MachineError, IntegrityError, RankLost.
    """
    partial = runs.partial(run.id)
    training = prepare(run, pictures, weights, ranks, device)
    room.refuse_too_little(training, pictures, fingerprints, left, partial)
    watched = [split for split in fingerprints if training.task.each_epoch(split)]
    keeper = checkpoint.going_on(training, partial, watched, note, allow_inexact=allow_inexact)
    status, began = "done", time.monotonic() - keeper.seconds
    try:
        _tell(training, fingerprints, run.recipe.epochs)
        while training.epoch < run.recipe.epochs:
            _epoch(training, pictures, watched, keeper, began)
            progress(training.epoch, time.monotonic() - began)
    except Diverged:
        status = "diverged"
        last = int(training.curves[-1]["epoch"]) if training.curves else 0
        training = prepare(run, pictures, weights, ranks, device)
        keeper = checkpoint.going_on(training, partial, watched, note, allow_inexact=allow_inexact, between_epochs=True)
        _tell(training, fingerprints, last)
        _to_last_finite(training, pictures, watched, keeper, last, began)
    except (stopping.Stopped, KeyboardInterrupt):
        keeper.flush(training, time.monotonic() - began)
        raise
    training.ranks = ALONE  # the others have done their part
    with runs.publishing(run.id) as final:
        _write_results(training, pictures, keeper, final, fingerprints, status, ranks.size)
        timing = _timing(training, time.monotonic() - began)
        store.put_sealed(final / store.TIMING, timing, run.id)


def _epoch(training: Training, pictures: Pictures, watched: list[str], keeper: checkpoint.Keeper, began: float) -> None:
    """The rest of an epoch, trained, scored and remembered. Raises Diverged."""
    for _ in steps(training):
        keeper.step(training, time.monotonic() - began)
    loss = mean_loss(training)
    scores = {split: training.task.score(training, pictures, split) for split in watched}
    with stopping.later():
        training.close_epoch()
        training.curves.append(_row(training, pictures, scores, loss))
        keeper.epoch(training, scores, time.monotonic() - began)


def _to_last_finite(
    training: Training, pictures: Pictures, watched: list[str], keeper: checkpoint.Keeper, last: int, began: float
) -> None:
    """Bring the training to the end of epoch `last`, or leave it at its initialisation, which is scored then.

    Finite epochs that were not committed yet are trained again: how often epochs are committed is a matter of the
    clock, and no number may depend on it.
    """
    while training.epoch < last:
        _epoch(training, pictures, watched, keeper, began)
    training.ranks = ALONE
    if not training.curves:
        scores = {split: training.task.score(training, pictures, split) for split in watched}
        training.curves.append(_row(training, pictures, scores, None))
        keeper.epoch(training, scores, time.monotonic() - began)
    keeper.flush(training, time.monotonic() - began)


def _tell(training: Training, splits: dict[str, str], until: int) -> None:
    """Have the other processes train with this one from here to the end of epoch `until`."""
    where, content = checkpoint.position(training) if training.ranks.size > 1 else ({}, b"")
    training.ranks.tell({"run": training.run.identity, "splits": splits, "until": until, "at": where}, content)


def accompany(training: Training, pictures: Pictures, splits: Collection[str], until: int) -> None:
    """What the other processes do while the first one trains: the same steps and scores; they write nothing."""
    with suppress(Diverged):  # which all of them find at once
        while training.epoch < until:
            for _ in steps(training):
                pass
            mean_loss(training)
            for split in splits:
                if training.task.each_epoch(split):
                    training.task.score(training, pictures, split)
            training.close_epoch()


def score_again(
    run: Run,
    pictures: Pictures,
    weights: dict[str, Any] | None,
    runs: store.Store,
    fingerprints: dict[str, str],
    device: str = devices.CPU,
) -> None:
    """Add evidence on splits that a finished run has not seen, from its two kept weights; nothing is trained."""
    about = runs.about(run.id)
    training = prepare(run, pictures, weights, device=device)
    shapes = checkpoint.shapes_of(training)
    kept = {name: runs.weights(run.id, name, shapes) for name in ("best", "last")}
    epochs = {"best": int(about["best_epoch"]), "last": int(about["curves"][-1]["epoch"])}
    for split, fingerprint in fingerprints.items():
        _write_kept(training, pictures, kept, epochs, runs.folder(run.id), split, fingerprint)
    if training.task is segmenting:
        _write_masks(training, pictures, kept["last"], runs.folder(run.id), fingerprints)
    runs.hash_again(run.id)


def scores_of(run: Run, recipe: Recipe, pictures: Pictures, runs: store.Store, split: str) -> Arrays:
    """What the last weights of a finished run say about a split whose images are seen as another recipe wants it.

    Raises IntegrityError if the weights are gone or no longer what was written.
    """
    args = recipe.model.args | ({"pretrained": False} if "pretrained" in recipe.model.args else {})
    bare = replace(recipe, model=Part(recipe.model.use, args))  # the weights to begin with do not matter
    training = prepare(replace(run, recipe=bare), pictures, None)
    return _scored(training, pictures, split, runs.weights(run.id, "last", checkpoint.shapes_of(training)))


def _row(training: Training, pictures: Pictures, scores: dict[str, Arrays], loss: float | None) -> dict[str, float]:
    """One row of the learning curve: epoch, loss and rate of the training, and what the task says of each split."""
    row: dict[str, float] = {"epoch": training.epoch}
    if loss is not None:
        last_step = training.epoch * training.steps_per_epoch - 1
        row |= {"train_loss": loss, "lr": training.optimizer.param_groups[0]["lr"] * training.factor(last_step)}
    for split, each in scores.items():
        row |= training.task.row(pictures, split, each)
    return row


def _write_results(
    training: Training,
    pictures: Pictures,
    keeper: checkpoint.Keeper,
    final: Path,
    fingerprints: dict[str, str],
    status: str,
    processes: int,
) -> None:
    """The files of a finished run: what its committed epochs said, and what its kept weights say now."""
    by_epoch = keeper.epochs()
    kept = {"best": keeper.best(), "last": checkpoint.model_bytes(training)}
    epochs = {"best": checkpoint.best_epoch(training.curves), "last": training.epoch}
    for name, content in kept.items():
        durable.put(final / f"{name}.safetensors", content)
    durable.put(final / "run.json", durable.canonical(_about(training, status, processes)))
    for split, fingerprint in fingerprints.items():
        if training.task.each_epoch(split):
            scores = [each[split] for each in by_epoch.values()]
            found = training.task.evidence(pictures, split, pictures.items(split), list(by_epoch), scores)
            store.write_evidence(final, fingerprint, found)
        else:
            _write_kept(training, pictures, kept, epochs, final, split, fingerprint)
    if training.task is segmenting:
        _write_masks(training, pictures, kept["last"], final, fingerprints)


def _write_kept(
    training: Training,
    pictures: Pictures,
    kept: dict[str, bytes],
    epochs: dict[str, int],
    folder: Path,
    split: str,
    fingerprint: str,
) -> None:
    """Evidence on a split from the kept weights: best and last, or the last alone for the clean training images.

    Of the training images only those that the run has trained on.
    """
    by_epoch = {epochs[name]: kept[name] for name in (("last",) if split == "train" else ("best", "last"))}
    scores = [_scored(training, pictures, split, by_epoch[epoch]) for epoch in sorted(by_epoch)]
    items = pictures.items(split)
    if split == "train":
        positions = training.views.positions
        items = [items[position] for position in positions]
        scores = [{name: array[positions] for name, array in each.items()} for each in scores]
    store.write_evidence(folder, fingerprint, training.task.evidence(pictures, split, items, sorted(by_epoch), scores))


def _scored(training: Training, pictures: Pictures, split: str, weights: bytes) -> Arrays:
    _load(training, weights)
    return training.task.score(training, pictures, split)


def _load(training: Training, weights: bytes) -> None:
    training.model.load_state_dict(tensorfile.tensors(weights))


def _write_masks(
    training: Training, pictures: Pictures, last: bytes, final: Path, fingerprints: dict[str, str]
) -> None:
    """`masks/<split>-<fingerprint>/<number>.png`: what the last epoch predicts, in the colours of the label space."""
    space = pictures.images.space
    assert space is not None
    _load(training, last)
    for split, fingerprint in fingerprints.items():
        if split != "train":
            folder = final / "masks" / store.evidence_name(split, fingerprint)
            durable.make_folder(folder, lasting=False)
            for number, mask in enumerate(segmenting.predicted(training, pictures, split)):
                durable.put(folder / f"{number:05d}.png", segmenting.drawn(mask, space.colours))


def _about(training: Training, status: str, processes: int) -> dict[str, Any]:
    model, images = training.model, training.views.pictures.images
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
        "classes": list(images.classes),
        "space": images.space.plain() if images.space is not None else None,
        **_drawn(training),
        "environment": environment.full(training.device, processes),
        "exact": not training.inexact,
        "inexact": training.inexact,
    }


def _drawn(training: Training) -> dict[str, int]:
    """How many training images there were to draw from and how many were drawn, where the seed draws a share."""
    if training.run.recipe.train_fraction == 1:
        return {}
    return {"train_images": len(training.views.pictures.items("train")), "drawn": len(training.views.positions)}


def _timing(training: Training, seconds: float) -> dict[str, float]:
    seen = len(training.views.positions) * training.epoch
    return {"seconds": round(seconds, 3), "images_per_second": round(seen / seconds, 2) if seconds > 0 else 0.0}
