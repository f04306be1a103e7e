"""The rest of the clock: what waits for nobody's training. Commands, contrasts, reports of finished runs.

    python -m benchmarks.clock                       # about 3 minutes on 2 cores
    python -m benchmarks.clock --short               # does it work?

Runs are made up (their answers drawn, their folders written as training writes them), so that what is measured is the
command line, the statistics and the report alone.
"""

import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import contest, ours
from benchmarks.tables import Table, middle, publish

NAME = "clock"
STUDY = Path(__file__).parent.parent / "paribus" / "studies" / "demo.yaml"
Aim = tuple[str, float, str]  # what, at most, unit


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    arms, seeds, images = (2, 2, 50) if asked.short else (10, 10, 5000)
    many = (2, 3, 20) if asked.short else (20, 50, 200)
    with tempfile.TemporaryDirectory() as folder:
        plain = _plain_study(Path(folder))
        checks = [_repeated(lambda f=file: _command("check", str(f)), asked.repeats) for file in (plain, STUDY)]
    found: list[tuple[Aim, list[float]]] = [
        (("paribus --help", 0.3, "s"), _repeated(lambda: _command("--help"), asked.repeats)),
        (("paribus check", 1.0, "s"), checks[0]),
        (("paribus check, a network of timm (imports torch)", 10.0, "s"), checks[1]),
        ((f"contrast, 2 x {seeds} x {images}", 0.020, "s"), _contrasts(seeds, images, asked.repeats)),
    ]
    for shape, limit in (((arms, seeds, images), 10.0), (many, 10.0)):
        seconds, peak = _reports(*shape, asked.repeats)
        name = f"paribus report, {shape[0]} arms x {shape[1]} seeds x {shape[2]} images"
        found += [((name, limit, "s"), seconds), ((f"{name}: peak memory", 1.0, "GB"), [peak])]
    rows = tuple(
        (what, f"{middle(values, 4 if limit < 0.1 else 2)} {unit}", f"{limit:g} {unit}", _reached(values, limit))
        for (what, limit, unit), values in found
    )
    notes = (
        f"Median (lowest to highest) of {asked.repeats}; commands are whole processes, started cold.",
        "Reports read the lock and the run folders; the images of the data set are not there at all.",
    )
    raw = {what: values for (what, _, _), values in found}
    return Table(NAME, "The rest of the clock", ("what", "measured", "aim, at most", ""), rows, notes, raw)


def _reached(values: list[float], limit: float) -> str:
    return "reached" if sorted(values)[len(values) // 2] <= limit else "not reached"


def _repeated(act: Callable[[], Any], repeats: int) -> list[float]:
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return seconds


def _command(*words: str) -> float:
    """Run the command line in a process of its own; its peak memory in GB."""
    process = subprocess.Popen([sys.executable, "-m", "paribus.cli", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"paribus {' '.join(words)} ended with status {status}")
    return usage.ru_maxrss / 2**20


def _plain_study(folder: Path) -> Path:
    """A study that names no network of timm or torchvision: reading it needs no torch."""
    import yaml

    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(ours.small_study(100, 4, 3, 2)))
    return path


def _contrasts(seeds: int, images: int, repeats: int) -> list[float]:
    from paribus.stats import contrast

    rng = np.random.default_rng(0)
    scores = [(rng.random((seeds, images)) < share).astype(float) for share in (0.85, 0.87)]
    contrast(scores)
    return _repeated(lambda: contrast(scores), 20 * repeats)


def _reports(arms: int, seeds: int, images: int, repeats: int) -> tuple[list[float], float]:
    """(seconds, peak memory in GB) of rendering a study of made-up runs."""
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        place = ours.made_up(Path(folder), arms, seeds, images)
        seconds = _repeated(lambda: peaks.append(_command("report", str(place), "--pictures", "none")), repeats)
    return seconds, max(peaks)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    return contest.options("Commands, contrasts and reports: what waits for no training.").parse_args(given)


if __name__ == "__main__":
    publish(measure, arguments())
