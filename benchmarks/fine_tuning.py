"""Fine-tuning: images a second of Paribus, of other loops, and of the model alone.

    python -m benchmarks.fine_tuning                 # the table: about 10 minutes on 2 cores
    python -m benchmarks.fine_tuning --profile       # where the time of Paribus goes: 4 minutes
    python -m benchmarks.fine_tuning --short         # does it work?

tf_efficientnet_lite0, all layers, batches of 32, photographs of ants and bees, the loops in turn on the same images.
"""

import tempfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import contest, ours, peers, photographs
from benchmarks.contest import Entry, Outcome
from benchmarks.tables import MISSING, Table, middle, publish, ratio, times, verdict

BATCH = 32
SIZES = (224, 112)
SHORTER = 8 / 7  # the tutorial's 256 pixels for 224
FLOAT32, BF16 = "Paribus, float32", "Paribus, bf16"
LIMITS = {FLOAT32: "model only, float32", BF16: "model only, bf16"}
TUTORIAL, TUNED, FASTAI, LIGHTNING = "tutorial loop", "tutorial loop, tuned by hand", "fastai Learner", "Lightning"
PEERS = (TUTORIAL, FASTAI, LIGHTNING)
PARTS = ("forward", "backward", "optimizer", "other")
NAME = "fine_tuning"


def entries(data: Path, size: int, images: int, peer_python: Path | None, reduced: bool = False) -> list[Entry]:
    """Who takes part at one input size; the peers only where they are installed.

    reduced: Paribus trains from images reduced once, to the length that the loop tuned by hand takes.
    """
    shared = {
        "data": str(data),
        "size": size,
        "shorter": round(size * SHORTER),
        "batch": BATCH,
        "phases": ["train"],
        "model": ours.NETWORK,
        "weights": ours.weights_file(),
        "images": images,
    }
    found = [_ours(name, precision, data, size, reduced) for name, precision in ((FLOAT32, "float32"), (BF16, "bf16"))]
    found += [Entry(TUTORIAL, "tutorial", shared), Entry(TUNED, "tuned", shared)]
    if peer_python:
        found.append(Entry(FASTAI, "fastai_loop", shared, peer_python))
        found.append(Entry(LIGHTNING, "lightning_loop", shared, peer_python))
    found += [
        Entry(LIMITS[name], "limit", {**shared, "precision": precision})
        for name, precision in ((FLOAT32, "float32"), (BF16, "bf16"))
    ]
    return found


def table(by_size: Mapping[int, Mapping[str, Outcome]], repeats: int) -> Table:
    """Rows: a contestant at an input size, its images a second, and how many times faster Paribus is."""
    rows, notes = [], []
    for size, outcomes in by_size.items():
        speeds = {name: speed(outcome) for name, outcome in outcomes.items()}
        for name, found in speeds.items():
            against = [times(ratio(speeds[mine], found)) if mine != name else MISSING for mine in (FLOAT32, BF16)]
            rows.append((f"{size} px", name, middle(found), *against))
        notes += [*_verdicts(size, speeds), *_remarks(size, outcomes)]
    images = max((m["images"] for o in by_size.values() for c in o.values() for m in c.measured), default=0)
    notes.append(f"Images a second: median (lowest to highest) of {repeats} epochs each, in turn; ratios are medians.")
    notes.append(f"An epoch has {images} photographs: the start of worker processes weighs more than in a longer one.")
    raw = {str(size): {n: vars(o) for n, o in outcomes.items()} for size, outcomes in by_size.items()}
    columns = ("input", "loop", "images/s", "Paribus float32 is", "Paribus bf16 is")
    return Table(NAME, "Fine-tuning EfficientNet-Lite0", columns, tuple(rows), tuple(notes), raw)


def speed(outcome: Outcome) -> list[float]:
    """Images a second of every measurement."""
    return [m["images"] / m["seconds"] for m in outcome.measured]


def profile_table(by_name: Mapping[str, Outcome], limits: Mapping[str, Outcome]) -> Table:
    """Rows: Paribus at a precision and size; the share of an epoch's seconds by what they were spent on."""
    rows = []
    for name, outcome in by_name.items():
        spent = {part: sum(m["spent"].get(part, 0.0) for m in outcome.measured) for part in PARTS}
        total = sum(spent.values())
        shares = [f"{100 * spent[p] / total:.1f} %" if total else MISSING for p in PARTS]
        rows.append((name, middle(speed(outcome)), *shares, times(ratio(speed(outcome), speed(limits[name])))))
    notes = (
        "Forward is the network alone; the loss counts as backward; other is waiting for images, normalisation and "
        "the loop's own work.",
    )
    raw = {name: vars(o) for name, o in by_name.items()} | {f"{n}, model only": vars(o) for n, o in limits.items()}
    columns = ("loop", "images/s", *PARTS, "of the model alone")
    return Table("profile", "Where the time of fine-tuning goes", columns, tuple(rows), notes, raw)


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    python = peers.python_of(asked.peers)
    if python is None:
        contest.say(f"no peers in {asked.peers}: python -m benchmarks.peers --at {asked.peers}")
    by_size = {}
    with tempfile.TemporaryDirectory() as folder:
        images = BATCH if asked.short else asked.images
        data = _photographs(Path(folder), images)
        for size in (64,) if asked.short else SIZES:
            contest.say(f"--- {size} px")
            found = entries(data, size, images, python, asked.reduced)
            by_size[size] = contest.contest(found, asked.repeats, asked.threads, asked.out / "logs" / f"{NAME}-{size}")
    return table(by_size, asked.repeats)


def measure_profile(asked: Namespace) -> Table:
    """Where Paribus's time goes, beside the model alone."""
    by_name: dict[str, Outcome] = {}
    limits: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as folder:
        images = BATCH if asked.short else asked.images
        data = _photographs(Path(folder), images)
        for size in (64,) if asked.short else SIZES:
            everyone = {e.name: e for e in entries(data, size, images, None, asked.reduced)}
            chosen = [Entry(n, "ours:profile", everyone[n].settings) for n in (FLOAT32, BF16)]
            chosen += [everyone[LIMITS[n]] for n in (FLOAT32, BF16)]
            logs = asked.out / "logs" / f"profile-{size}"
            found = contest.contest(chosen, asked.repeats, asked.threads, logs)
            by_name |= {f"{n}, {size} px": found[n] for n in (FLOAT32, BF16)}
            limits |= {f"{n}, {size} px": found[LIMITS[n]] for n in (FLOAT32, BF16)}
    return profile_table(by_name, limits)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    parser = contest.options("Fine-tuning: images a second of Paribus and of others.")
    parser.add_argument("--images", type=int, default=96, help="photographs of an epoch, of 245")
    parser.add_argument("--peers", type=Path, default=peers.DEFAULT, metavar="FOLDER", help="where the peers are")
    parser.add_argument("--reduced", action="store_true", help="Paribus with input.prepare, as the loop tuned by hand")
    parser.add_argument("--profile", action="store_true", help="only Paribus: where its time goes")
    return parser.parse_args(given)


def _ours(name: str, precision: str, data: Path, size: int, reduced: bool) -> Entry:
    settings: dict[str, Any] = {
        "study": ours.fine_tuning_study(size, BATCH, precision, round(size * SHORTER) if reduced else None),
        "data": {"photographs": str(data)},
    }
    return Entry(name, "ours", settings)


def _photographs(folder: Path, images: int) -> Path:
    """The training images, and a few for validation: every loop wants some."""
    return photographs.part(photographs.data_set(photographs.ANTS_BEES), folder / "data", {"train": images, "val": 16})


def _verdicts(size: int, speeds: Mapping[str, list[float]]) -> list[str]:
    """The aims at one size: near the limit, far ahead of the peers, not behind a careful hand."""
    lines = []
    for mine in (FLOAT32, BF16):
        at = f"{size} px, {mine}"
        lines.append(verdict(f"{at}, against the model alone", ratio(speeds[mine], speeds[LIMITS[mine]]), 0.95))
        lines += [verdict(f"{at}, against {n}", ratio(speeds[mine], speeds.get(n, [])), 2.0) for n in PEERS]
        lines.append(verdict(f"{at}, against {TUNED}", ratio(speeds[mine], speeds[TUNED]), 1.0))
    return lines


def _remarks(size: int, outcomes: Mapping[str, Outcome]) -> list[str]:
    workers = outcomes[TUNED].ready.get("workers")
    lines = [] if workers is None else [f"{size} px: {TUNED} was fastest with {workers} workers."]
    return lines + [f"{size} px: {o.failed}" for o in outcomes.values() if o.failed]


if __name__ == "__main__":
    asked = arguments()
    publish(measure_profile if asked.profile else measure, asked)
