"""Ten thousand runs that cost nothing to train: what planning, storing, resuming, statistics and report cost a run.

    python -m benchmarks.simulated                       # 100 arms x 100 seeds: some minutes
    python -m benchmarks.simulated --arms 10 --seeds 10  # does it work?

The study is an ordinary one of drawn faces, run by the functions that `paribus run` calls. Only `paribus.train.train`
is put aside while the benchmark runs: in its place stand planted scores (`paribus.simulate`), published into the store
as a real run is. It is stopped half way and begun again. The page is opened by a headless browser, if there is one.
"""

import argparse
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from paribus import durable, environment, running, simulate, store, train
from paribus.execute import Place
from paribus.jobs import Unwatched
from paribus.predictions import Evidence
from paribus.runs import Run
from paribus.study import Study
from paribus.views import Pictures

IMAGES = {"train": 8, "val": 100, "test": 0}
EPOCHS = 5
REGIME = simulate.Regime(run_sd=0.01)
NOTHING = dict.fromkeys(("parameters_before", "parameters_after", "buffers_before", "buffers_after"), "0" * 64)
CERTIFICATE = NOTHING | {
    "parameters_frozen": 0,
    "expected": "nothing frozen moves",
    "held": True,
    "sentence": "Nothing was trained: the scores were planted.",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def study(arms: int, seeds: int) -> Study:
    """One baseline and `arms` - 1 changes of its learning rate."""
    baseline = {
        "data": {"use": "faces", "n": IMAGES["train"], "n_val": IMAGES["val"], "size": 32},
        "model": {"use": "small_cnn", "width": 2, "depth": 1},
        "input": {"size": 16, "crop_fraction": 1},
        "epochs": EPOCHS,
        "batch_size": 8,
    }
    changes = {f"lr-{number}": {"optimizer.lr": round(0.0113 + 0.001 * number, 6)} for number in range(1, arms)}
    return Study.from_dict(
        {"title": f"{arms} arms, {seeds} seeds", "seeds": seeds, "margin": 0.02, "baseline": baseline, "arms": changes}
    )


def planted(read: Study, seeds: int) -> Callable[..., None]:
    """What stands for `paribus.train.train`: a tenth of the arms differ from the others, by three points."""
    rates = [recipe.optimizer.args["lr"] for recipe in read.recipes.values()]
    effects = [0.03 if number % 10 == 5 else 0.0 for number in range(len(rates))]
    outcomes = simulate.correct(REGIME, effects, seeds, IMAGES["val"], np.random.default_rng(0))

    def publish(
        run: Run, pictures: Pictures, weights: None, runs: store.Store, marks: Mapping[str, str], *_: Any
    ) -> None:
        right = outcomes[rates.index(run.recipe.optimizer.args["lr"])][run.seed]
        val = scored(pictures, "val", right, EPOCHS)
        train = scored(pictures, "train", right[: IMAGES["train"]], 1)
        row = {"train_loss": 0.5, "lr": 0.1, "val_accuracy": float(right.mean()), "val_loss": 0.4}
        about = {
            "identity": run.identity,
            "status": "done",
            "curves": [{"epoch": epoch} | row for epoch in val.epochs],
            "best_epoch": 1,
            "parameters_total": 10,
            "parameters_trained": 10,
            "certificate": CERTIFICATE,
            "classes": list(val.classes),
            "environment": environment.full(),
            "exact": True,
            "inexact": [],
        }
        with runs.publishing(run.id) as folder:
            for name in store.WEIGHTS:
                durable.put(folder / name, b"no weights")
            durable.put(folder / "run.json", durable.canonical(about))
            for evidence in (val, train):
                store.write_evidence(folder, marks[evidence.split], evidence)
            store.put_sealed(folder / store.TIMING, {"seconds": 0.0, "images_per_second": 0.0}, run.id)

    return publish


def scored(pictures: Pictures, split: str, right: NDArray[np.bool_], epochs: int) -> Evidence:
    """Evidence of a network that is right where told, the same after every epoch."""
    items = pictures.items(split)
    targets = np.array([item.label for item in items], dtype=np.int64)
    answers = np.where(right, targets, 1 - targets)
    logits = np.repeat(np.eye(2, dtype=np.float32)[answers][None] * 2, epochs, axis=0)
    ids = tuple(item.id for item in items)
    numbers = tuple(range(EPOCHS - epochs + 1, EPOCHS + 1))
    return Evidence(split, ids, targets, pictures.images.classes, numbers, logits)


def measure(arms: int, seeds: int, out: Path) -> dict[str, float]:
    """Seconds of each phase, the largest memory (MiB) of the process, and the page's size (MB)."""
    read, count = study(arms, seeds), arms * seeds
    place, seconds = Place.of(read, out), {}

    def timed(name: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        seconds[name] = time.perf_counter() - began

    def go(most: int | None) -> None:
        with running.holding(place), mock.patch.object(train, "train", planted(read, seeds)):
            bound, _ = running.open_study(read, out, Unwatched(), threads=1)
            running.run(bound, place, Unwatched(), max_runs=most, pictures=False)

    durable.make_folder(out)
    cpu = time.process_time()
    timed("first half, report included", lambda: go(count // 2))
    timed("the rest, report included", lambda: go(None))
    found = {"ms a run": sum(seconds.values()) / count * 1000}
    found["ms of processor a run"] = (time.process_time() - cpu) / count * 1000
    timed("again, nothing to train", lambda: go(None))
    found = seconds | found
    found["MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    page = place.folder / "report.html"
    found["page MB"] = page.stat().st_size / 1e6
    if (opened := opening(page)) is not None:
        found["seconds to open the page"], found["seconds to open an empty page"] = opened
    return found


def opening(page: Path) -> tuple[float, float] | None:
    """Seconds until a headless browser has loaded the page and given back its content; and those of an empty page."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.html"
        empty.write_text("<!doctype html><title>nothing</title>")
        taken = []
        for path in (empty, page, empty):
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", path.resolve().as_uri()]
            began = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True, timeout=300)
            taken.append(time.perf_counter() - began)
    return taken[1], taken[2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--arms", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--out", type=Path, help="kept, if given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(given.arms, given.seeds, given.out or Path(folder))
    for name, value in found.items():
        print(f"{name:32s} {value:10.2f}")


if __name__ == "__main__":
    main()
