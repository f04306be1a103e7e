"""Everything the benchmarks ask of Paribus, in one place: generators for `benchmarks.worker`."""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paribus import running, weights, yamlfile
from paribus.contrasts import Contrast, contrasts
from paribus.errors import Problem
from paribus.execute import Bound, Place
from paribus.predictions import ClassScores, Evidence, RunRecord
from paribus.questions import Design, Question
from paribus.recipe import Recipe
from paribus.runs import Run
from paribus.study import Study
from paribus.zoo import network_of, normalization

NETWORK = "timm:tf_efficientnet_lite0"
SPLIT = "test"  # where the feature extractors are scored
SKIPS = (8, 16)
SCALE = (0.75, 1.5)  # of the segmentations' augmentation
RATE, BACKBONE_RATE = 3e-3, 3e-4  # of the segmentations' AdamW


class Silent:
    """A watcher that speaks of problems only."""

    def scanning(self, done: int, total: int) -> None: ...
    def tuning(self, missing: int, finished: int) -> None: ...
    def tuned(self, arm: str, found: object) -> None: ...
    def planned(self, missing: int, finished: int) -> None: ...
    def started(self, arm: str, run: Run) -> None: ...
    def epoch(self, arm: str, run: Run, epoch: int, seconds: float) -> None: ...
    def finished(self, arm: str, run: Run, record: RunRecord) -> None: ...
    def looked(self, look: int, rows: tuple[Contrast, ...]) -> None: ...

    def noted(self, problem: Problem) -> None:
        """Into the contestant's log."""
        print(problem, file=sys.stderr)


def weights_file(use: str = NETWORK) -> str:
    """Where the pretrained weights of a network are, for the other loops. Raises MachineError if there are none."""
    return str(weights.find(use).path)


def pixel_statistics(use: str = NETWORK) -> dict[str, Any]:
    """`mean` and `std` by channel, in [0, 1], of the pixels a network was trained with."""
    return dict(normalization(use))


def fine_tuning_study(size: int, batch: int, precision: str, prepare: int | None) -> dict[str, Any]:
    """All layers learn, as in the transfer-learning tutorial; more epochs than anybody will ask for.

    prepare: the shorter side in pixels to which images are reduced once, None for their original pixels.
    """
    return {
        "title": "Fine-tuning, for its speed",
        "seeds": 1,
        "split": "val",
        "baseline": {
            "data": {"use": "folder", "root": "photographs"},
            "model": {"use": NETWORK, "pretrained": True},
            "input": {"size": size, "normalize": "model", "prepare": prepare},
            "augment": ["random_resized_crop", "horizontal_flip"],
            "optimizer": {"use": "sgd", "lr": 1e-3},
            "epochs": 1000,
            "batch_size": batch,
            "precision": precision,
        },
    }


def segmentation_study(size: tuple[int, int], batch: int, precision: str) -> dict[str, Any]:
    """FCN-8s on images with masks, all layers, as the CamVid study trains it, for more epochs than anybody asks for."""
    return {
        "title": "Segmentation, for its speed",
        "metric": "mean_iou",
        "seeds": 1,
        "split": "val",
        "baseline": {
            "data": {"use": "camvid", "root": "streets"},
            "model": {"use": "fcn", "backbone": NETWORK.partition(":")[2], "skips": list(SKIPS), "pretrained": True},
            "input": {"size": list(size), "normalize": "model"},
            "augment": [{"use": "scale_crop", "scale": list(SCALE)}, "horizontal_flip"],
            "optimizer": {"use": "adamw", "lr": RATE, "backbone_lr": BACKBONE_RATE},
            "epochs": 1000,
            "batch_size": batch,
            "precision": precision,
        },
    }


def segmenter(classes: int) -> Any:
    """The network of `segmentation_study` with its pretrained backbone, for the other loops."""
    from paribus.models import fcn

    state = weights.load(weights.find(NETWORK))
    return fcn(classes, state, backbone=NETWORK.partition(":")[2], skips=SKIPS, pretrained=True)


def feature_study(seeds: Sequence[int], epochs: int, views: int | None) -> dict[str, Any]:
    """A frozen network and a new head on the smiles data; `views` drawn in advance, or None for fresh draws."""
    return {
        "title": "Feature extractor, for its speed",
        "seeds": list(seeds),
        "split": SPLIT,
        "epoch": "last",
        "baseline": {
            "data": {"use": "folder", "root": "smiles"},
            "model": {"use": NETWORK, "pretrained": True},
            "trainable": "head",
            "input": {"size": 96, "normalize": "model", "crop_fraction": 1},
            "augment": [{"use": "random_resized_crop", "scale": [0.08, 1]}, "horizontal_flip"],
            "views": views,
            "optimizer": {"use": "adamw", "lr": 5e-3},
            "schedule": "one_cycle",
            "epochs": epochs,
            "batch_size": 32,
        },
    }


def small_study(images: int, arms: int, seeds: int, epochs: int) -> dict[str, Any]:
    """Generated faces and a small network; the arms differ in the learning rate, which costs nothing."""
    rates = {f"rate-{n}": {"optimizer.lr": 1e-3 * (1 + n)} for n in range(1, arms)}
    return {
        "title": "Many small runs",
        "seeds": seeds,
        "split": "val",
        "baseline": {
            "data": {"use": "faces", "n": images, "n_val": max(20, images // 5), "size": 32},
            "model": {"use": "small_cnn", "width": 8},
            "input": {"size": 32, "crop_fraction": 1},
            "augment": ["horizontal_flip"],
            "optimizer": {"use": "adam", "lr": 1e-3},
            "epochs": epochs,
        },
        **({"arms": rates} if rates else {}),
    }


def epochs(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One epoch of fine-tuning a measurement: `images` and `seconds`. settings: study, data, threads."""
    from paribus.train import fit

    with tempfile.TemporaryDirectory() as folder:
        training, count = _training(settings, Path(folder))
        losses = fit(training)
        next(losses)
        yield {}
        while True:
            began = time.perf_counter()
            next(losses)
            yield {"images": count, "seconds": time.perf_counter() - began}


def evaluations(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Training and scoring val, an epoch a measurement: `images`, `seconds`, `score_seconds`. settings: as of `epochs`.

    Scored as `paribus.train` does it: the network's batch norms are folded, pixels are those kept by the first scoring.
    """
    from paribus.train import fit

    with tempfile.TemporaryDirectory() as folder:
        training, count = _training(settings, Path(folder))
        pictures = training.views.pictures
        losses = fit(training)
        next(losses)
        training.task.score(training, pictures, "val")
        yield {}
        while True:
            began = time.perf_counter()
            next(losses)
            trained = time.perf_counter()
            training.task.score(training, pictures, "val")
            yield {"images": count, "seconds": trained - began, "score_seconds": time.perf_counter() - trained}


def profile(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Where the time of one epoch of fine-tuning goes: seconds of `forward`, `backward`, `optimizer` and `other`.

    Read off at the doors of the model and of the optimizer. `forward` is the network alone; the loss counts as
    `backward`; `other` is waiting for the next batch, normalisation, and the bookkeeping of the loop.
    """
    from paribus.train import fit

    with tempfile.TemporaryDirectory() as folder:
        training, count = _training(settings, Path(folder))
        clock = _Clock()
        training.model.register_forward_pre_hook(lambda *_: clock.pass_on("other"))
        training.model.register_forward_hook(lambda *_: clock.pass_on("forward"))
        training.optimizer.register_step_pre_hook(lambda *_: clock.pass_on("backward"))
        training.optimizer.register_step_post_hook(lambda *_: clock.pass_on("optimizer"))
        losses = fit(training)
        next(losses)
        yield {}
        while True:
            clock.start()
            next(losses)
            clock.pass_on("other")
            yield {"images": count, "seconds": sum(clock.spent.values()), "spent": dict(clock.spent)}


def studies(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A whole study a measurement, from its dictionary to its report: `seconds` and `peak_mb`, the process's so far.

    settings: studies (dictionaries, taken in turn), data, threads, keep (a file for the logits, or None: see `kept`).
    """
    import timm  # noqa: F401 - importing is not part of a study's time; the other loops have done it too

    yield {}
    number = 0
    while True:
        written = settings["studies"][number % len(settings["studies"])]
        found = study_seconds(written, settings["data"], settings["threads"], settings.get("keep"), str(number))
        number += 1
        yield {**found, "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}


def study_seconds(
    written: dict[str, Any], data: dict[str, str], threads: int, keep: str | None = None, name: str = ""
) -> dict[str, float]:
    """Seconds of a study in an empty folder, scan and report included. Raises RunsFailed if a run could not be trained.

    keep: a folder for `<name>.npz`, what the last epoch of every baseline run said about the split that is scored.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        bound, place = _open(Study.from_dict(written), data, threads, Path(folder))
        opened = time.perf_counter()
        outcome = running.run(bound, place, Silent(), pictures=False)
        ended = time.perf_counter()
    if outcome.failed:
        raise outcome.failed
    if keep:
        runs = outcome.results.arms[0].runs
        last = [_last(run) for run in runs]
        write_kept(Path(keep) / f"{name}.npz", last[0].image_ids, last[0].targets, [s.logits for s in last])
    return {"seconds": ended - began, "opening": opened - began}


def arms(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A whole run of an arm of a study file a measurement: `run` seconds, and those of its `epochs`.

    Before the first one a run of one epoch, whose seconds are told (`first_run`), does what all later runs share:
    decoding, features. settings: study_file, arm, epochs (None for the study's), data, threads.
    """
    from paribus.store import Store
    from paribus.train import train

    def seconds(run: Run) -> tuple[float, list[float]]:
        marks = [time.perf_counter()]
        with tempfile.TemporaryDirectory() as runs:
            state = _state(bound, run)
            note = lambda *_: marks.append(time.perf_counter())  # noqa: E731
            train(run, pictures, state, Store(Path(runs)), scan.fingerprints, note)
        ended = time.perf_counter()
        return ended - marks[0], [b - a for a, b in pairwise(marks)]

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        bound, place = _open(_unasked(settings["study_file"]), settings["data"], settings["threads"], Path(folder))
        opening = time.perf_counter() - began
        run, scan = bound.runs[settings["arm"]][0], bound.scans[settings["arm"]]
        pictures = _pictures(bound, place, settings["arm"])
        first, _ = seconds(_lasting(run, 1))
        yield {"opening": opening, "first_run": first}
        while True:
            took, of_epochs = seconds(_lasting(run, settings["epochs"] or run.recipe.epochs))
            yield {"run": took, "epochs": of_epochs}


def write_kept(
    file: Path, ids: Sequence[str], targets: NDArray[np.int64], logits: Sequence[NDArray[np.float32]]
) -> None:
    """Logits (N, C) of one or more seeds on the same images."""
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, ids=np.array(ids), targets=targets, logits=np.stack(logits))


def kept_runs(files: Sequence[Path]) -> list[RunRecord]:
    """The runs in files of `write_kept`, images in the order of their names, seeds numbered from 0."""
    records: list[RunRecord] = []
    for file in files:
        with np.load(file) as found:
            order = np.argsort(found["ids"])
            ids, targets = tuple(str(i) for i in found["ids"][order]), found["targets"][order]
            for logits in found["logits"]:
                seed = len(records)
                classes = tuple(f"class {c}" for c in range(logits.shape[1]))
                said = Evidence(SPLIT, ids, targets.astype(np.int64), classes, (1,), logits[order][None])
                records.append(RunRecord(f"{file.stem}-{seed}", seed, "done", 0.0, {SPLIT: said}))
    return records


def compared(before: str, after: str, runs: Mapping[str, Sequence[RunRecord]], margin: float) -> Contrast:
    """The contrast of two ways to train, in accuracy, as a study's question would answer it."""
    question = Question(
        "speed", "Does the faster way cost accuracy?", {before: -1.0, after: 1.0}, "accuracy", margin, primary=True
    )
    design = Design((min(len(runs[before]), len(runs[after])),), SPLIT, "last")
    return contrasts([question], {name: runs[name] for name in (before, after)}, design)[0]


def made_up(folder: Path, arms: int, seeds: int, images: int) -> Path:
    """The folder of a study whose runs nobody trained: drawn answers, written as training writes them."""
    from paribus import durable, sealed
    from paribus.collect import lock
    from paribus.execute import STUDY_LOCK
    from paribus.store import TIMING, owner_of, write_evidence

    study = Study.from_dict(small_study(20, arms, seeds, 1) | {"title": "Made up"})
    bound, place = _open(study, {}, 1, folder)
    marks = bound.scans["baseline"].fingerprints
    durable.make_folder(place.folder)
    sealed.write(place.folder / STUDY_LOCK, lock(bound), STUDY_LOCK)
    rng = np.random.default_rng(0)
    ids, targets = tuple(f"val/{i:06d}" for i in range(images)), np.arange(images) % 2
    for arm, run in ((arm, run) for arm, runs in bound.runs.items() for run in runs):
        with place.store.publishing(run.id) as final:
            right = rng.random(images) < 0.8 + 0.01 * (arm != "baseline")
            logits = 2 * np.eye(2, dtype=np.float32)[np.where(right, targets, 1 - targets)]
            said = Evidence("val", ids, targets, ("neutral", "smiling"), (1,), logits[None])
            write_evidence(final, marks["val"], said)
            durable.write_json(final / "run.json", _made_up_facts(run))
            timing = {"seconds": 1.0, "images_per_second": 20.0}
            sealed.write(final / TIMING, timing, owner_of(run.id, TIMING))
    return place.folder


def _made_up_facts(run: Run) -> dict[str, Any]:
    return {
        "identity": run.identity,
        "status": "done",
        "curves": [{"epoch": 1, "train_loss": 0.5, "lr": 1e-3, "val_accuracy": 0.8, "val_loss": 0.5}],
        "best_epoch": 1,
        "parameters_total": 1000,
        "parameters_trained": 1000,
        "certificate": None,
        "classes": ["neutral", "smiling"],
        "environment": {},
    }


def study_arms(file: Path) -> dict[str, dict[str, Any]]:
    """What a loop needs to know of each arm of a study file, and its number of `seeds`."""
    study = Study.read(file)
    return {arm: {**_facts(recipe), "seeds": len(study.seeds_of(arm))} for arm, recipe in study.recipes.items()}


def _facts(recipe: Recipe) -> dict[str, Any]:
    return {
        "model": recipe.model.use,
        "pretrained": bool(recipe.model.args.get("pretrained")),
        "trainable": recipe.trainable,
        "size": recipe.input.args["size"],
        "batch": recipe.batch_size,
        "epochs": recipe.epochs,
    }


def _last(run: RunRecord) -> ClassScores:
    """What a classifier's run said about the scored split after its last epoch."""
    said = run.evidence[SPLIT]
    assert isinstance(said, Evidence)
    return said.at(said.epochs[-1])


def _unasked(file: str) -> Study:
    """The study with one seed an arm and without its questions, which one seed could not answer."""
    written = dict(yamlfile.read(Path(file)).value)
    for key in ("questions", "primary", "control", "epoch"):
        written.pop(key, None)
    return Study.from_dict({**written, "seeds": 1})


def _lasting(run: Run, epochs: int) -> Run:
    return replace(run, recipe=replace(run.recipe, epochs=epochs))


def _open(study: Study, data: dict[str, str], threads: int, folder: Path) -> tuple[Bound, Place]:
    places = {name: Path(place) for name, place in data.items()}
    return running.open_study(study, folder, Silent(), places, threads=threads)


def _training(settings: dict[str, Any], folder: Path) -> tuple[Any, int]:
    """The baseline's training at its beginning, and its number of images."""
    from paribus.train import prepare

    bound, place = _open(Study.from_dict(settings["study"]), settings["data"], settings["threads"], folder)
    run, pictures = bound.runs["baseline"][0], _pictures(bound, place, "baseline")
    return prepare(run, pictures, _state(bound, run)), len(pictures.items("train"))


def _pictures(bound: Bound, place: Place, arm: str) -> Any:
    """An arm's decoded images, as `paribus.execute` has them."""
    from paribus.prepared import prepared
    from paribus.views import Pictures

    scan, shorter = bound.scans[arm], bound.study.recipes[arm].input.args["prepare"]
    found = prepared(scan.images, scan.fingerprints, shorter, place.store.root.parent / "prepared")
    return Pictures(scan.images, found, shorter)


def _state(bound: Bound, run: Run) -> dict[str, Any] | None:
    return weights.load(bound.weights[network_of(run.recipe.model)]) if run.weights is not None else None


class _Clock:
    """Seconds by name; whatever passed since the last mark goes to the name given."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.mark = 0.0

    def start(self) -> None:
        """Forget what was."""
        self.spent.clear()
        self.mark = time.perf_counter()

    def pass_on(self, name: str) -> None:
        """The time since the last mark was spent on `name`."""
        now = time.perf_counter()
        self.spent[name] = self.spent.get(name, 0.0) + now - self.mark
        self.mark = now
