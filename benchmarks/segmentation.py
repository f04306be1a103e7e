"""Segmentation: images a second of Paribus, of a plain PyTorch loop, and of the model alone.

    python -m benchmarks.segmentation                # the table: about 6 minutes on 2 cores
    python -m benchmarks.segmentation --short        # does it work?

FCN-8s on tf_efficientnet_lite0 at 240 x 320 pixels, all layers, batches of 8, images of CamVid (drawn streets where it
is not there), the loops in turn on the same images.
"""

import tempfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from benchmarks import contest, ours, street_scenes
from benchmarks.contest import Entry, Outcome
from benchmarks.fine_tuning import BF16, FLOAT32, LIMITS, speed
from benchmarks.tables import MISSING, Table, middle, publish, ratio, times, verdict

BATCH = 8
SIZE = (240, 320)
PLAIN = "plain PyTorch loop"
PRECISIONS = {FLOAT32: "float32", BF16: "bf16"}
NAME = "segmentation"


def entries(data: Path, size: tuple[int, int], images: int) -> list[Entry]:
    """Who takes part."""
    shared = {"data": str(data), "size": list(size), "batch": BATCH, "images": images}
    found = [
        Entry(name, "ours", {"study": ours.segmentation_study(size, BATCH, precision), "data": {"streets": str(data)}})
        for name, precision in PRECISIONS.items()
    ]
    found.append(Entry(PLAIN, "pixel_loops:plain", shared))
    return found + [
        Entry(LIMITS[name], "pixel_loops:limit", {**shared, "precision": precision})
        for name, precision in PRECISIONS.items()
    ]


def table(outcomes: Mapping[str, Outcome], size: tuple[int, int], shown: str, repeats: int) -> Table:
    """Rows: a contestant, its images a second, and how many times faster Paribus is. shown: what the images are."""
    speeds = {name: speed(outcome) for name, outcome in outcomes.items()}
    rows = [
        (name, middle(found), *(times(ratio(speeds[mine], found)) if mine != name else MISSING for mine in PRECISIONS))
        for name, found in speeds.items()
    ]
    notes = []
    for mine in PRECISIONS:
        notes.append(verdict(f"{mine}, against the model alone", ratio(speeds[mine], speeds[LIMITS[mine]]), 0.9))
        notes.append(verdict(f"{mine}, against the {PLAIN}", ratio(speeds[mine], speeds[PLAIN]), 1.5))
    images = max((m["images"] for o in outcomes.values() for m in o.measured), default=0)
    notes += [outcome.failed for outcome in outcomes.values() if outcome.failed]
    notes.append(
        f"Images a second: median (lowest to highest) of {repeats} epochs of {images} images each ({shown}), in turn."
    )
    raw = {name: vars(outcome) for name, outcome in outcomes.items()}
    columns = ("loop", "images/s", "Paribus float32 is", "Paribus bf16 is")
    return Table(NAME, f"Training FCN-8s at {size[0]} x {size[1]}", columns, tuple(rows), tuple(notes), raw)


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    size, images = ((48, 64), BATCH) if asked.short else (SIZE, asked.images)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        shown = street_scenes.part(data, {"train": images, "val": 4})
        found = contest.contest(entries(data, size, images), asked.repeats, asked.threads, asked.out / "logs" / NAME)
    return table(found, size, shown, asked.repeats)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    parser = contest.options("Segmentation: images a second of Paribus and of others.")
    parser.add_argument("--images", type=int, default=64, help="images of an epoch, of 367")
    return parser.parse_args(given)


if __name__ == "__main__":
    publish(measure, arguments())
