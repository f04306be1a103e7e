"""Evaluation: its share of a run's time, where the validation set is half as large as the training set.

    python -m benchmarks.evaluation                  # about 6 minutes on 2 cores
    python -m benchmarks.evaluation --short          # does it work?

Training and validation of one epoch after the other: EfficientNet-Lite0, all layers, on photographs of ants and bees,
and FCN-8s on images of CamVid (drawn streets where it is not there); in bf16 too where the processor computes in it.
"""

import tempfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from benchmarks import contest, ours, photographs, street_scenes
from benchmarks.contest import Entry, Outcome
from benchmarks.tables import Table, middle, publish
from paribus.environment import emulates_bf16

NAME = "evaluation"
AIM = 0.1
SIZES = (96, 224)  # pixels of the classifiers
MASKS = (240, 320)


def entries(folder: Path, images: int, short: bool) -> list[Entry]:
    """Who takes part. Writes the images below `folder`."""
    counts = {"train": images, "val": images // 2}
    photos = photographs.part(photographs.data_set(photographs.ANTS_BEES), folder / "photographs", counts)
    street_scenes.part(folder / "streets", counts)
    found = []
    for precision in ("float32",) if short or emulates_bf16() else ("float32", "bf16"):
        for side in SIZES[:1] if short else SIZES:
            study = ours.fine_tuning_study(side, 32, precision, None)
            found.append(_entry(f"classifier, {side} px, {precision}", study, "photographs", photos))
        size = (48, 64) if short else MASKS
        name = f"segmentation, {size[0]} x {size[1]} px, {precision}"
        found.append(_entry(name, ours.segmentation_study(size, 8, precision), "streets", folder / "streets"))
    return found


def _entry(name: str, study: dict[str, object], data: str, folder: Path) -> Entry:
    return Entry(name, "ours:evaluations", {"study": study, "data": {data: str(folder)}})


def table(outcomes: Mapping[str, Outcome], repeats: int, images: int) -> Table:
    """Rows: what is trained, seconds of an epoch's training and of its evaluation, and the latter's share of both."""
    rows = []
    for name, outcome in outcomes.items():
        trained, scored = ([m[k] for m in outcome.measured] for k in ("seconds", "score_seconds"))
        shares = [100 * s / (t + s) for t, s in zip(trained, scored, strict=True)]
        reached = "reached" if shares and sorted(shares)[len(shares) // 2] <= 100 * AIM else "not reached"
        rows.append((name, middle(trained), middle(scored), f"{middle(shares)} %", reached))
    notes = [outcome.failed for outcome in outcomes.values() if outcome.failed]
    notes.append(f"{images} training images, {images // 2} of validation; median (lowest to highest) of {repeats}.")
    columns = ("what", "training, s", "evaluation, s", "its share", f"aim: at most {100 * AIM:.0f} %")
    raw = {name: vars(outcome) for name, outcome in outcomes.items()}
    return Table(NAME, "Evaluation's share of a run", columns, tuple(rows), tuple(notes), raw)


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    images = 8 if asked.short else asked.images
    with tempfile.TemporaryDirectory() as folder:
        who = entries(Path(folder), images, asked.short)
        found = contest.contest(who, asked.repeats, asked.threads, asked.out / "logs" / NAME)
    return table(found, asked.repeats, images)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    parser = contest.options("Evaluation's share of a run's time.")
    parser.add_argument("--images", type=int, default=200, help="training images, of 245")
    return parser.parse_args(given)


if __name__ == "__main__":
    publish(measure, arguments())
