"""Feature extractor: a study of 5 seeds and 25 epochs on a frozen network, by Paribus and by others.

    python -m benchmarks.feature_extractor           # about 10 minutes on 2 cores
    python -m benchmarks.feature_extractor --short   # does it work?

Smiles data, 96 px. Paribus draws 4 views an image in advance, or afresh in every epoch; the tutorial's loop trains a
run a seed, which is extrapolated from its measured epochs; plain PyTorch computes the features of 4 views once.
"""

import tempfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import contest, ours, photographs
from benchmarks.contest import Entry, Outcome
from benchmarks.tables import MISSING, Table, middle, publish, ratio, times, verdict
from paribus.contrasts import Contrast

VIEWS = 4
SIZE, BATCH = 96, 32
MARGIN = 0.01
DRAWN, FRESH = f"Paribus, views: {VIEWS}", "Paribus, fresh draws"
TUTORIAL, CACHED = "tutorial loop", "plain PyTorch, features cached"
NAME = "feature_extractor"


def entries(data: Path, seeds: int, epochs: int, kept: Path) -> list[Entry]:
    """Who takes part. Fresh draws take one seed a measurement: its repetitions are the study's runs."""
    network = {"model": ours.NETWORK, "weights": ours.weights_file(), "trainable": "head"}
    loop = {**network, "data": str(data), "size": SIZE, "shorter": SIZE, "batch": BATCH, "phases": ["train", "val"]}
    whole = [ours.feature_study(range(seeds), epochs, VIEWS)]
    each = [ours.feature_study([seed], epochs, None) for seed in range(seeds)]
    cached = {
        **loop,
        **ours.pixel_statistics(),
        "views": VIEWS,
        "seeds": seeds,
        "epochs": epochs,
        "keep": str(kept / "cached"),
    }
    return [
        Entry(DRAWN, "ours:studies", _ours(whole, data, kept / "drawn")),
        Entry(FRESH, "ours:studies", _ours(each, data, kept / "fresh")),
        Entry(CACHED, "cached:studies", cached),
        Entry(TUTORIAL, "tutorial", loop),
    ]


def study_seconds(outcomes: Mapping[str, Outcome], seeds: int, epochs: int) -> dict[str, list[float]]:
    """Seconds of the whole study, by repetition: measured whole, or a run times its seeds, or an epoch times both."""
    whole = {name: [m["seconds"] for m in o.measured] for name, o in outcomes.items()}
    fresh = [seeds * seconds for seconds in whole[FRESH]]
    loop = [seeds * epochs * (m["seconds"] + m["val_seconds"]) for m in outcomes[TUTORIAL].measured]
    return {**whole, FRESH: fresh, TUTORIAL: loop}


def table(
    outcomes: Mapping[str, Outcome], seeds: int, epochs: int, contrasts: Mapping[str, Contrast], repeats: int
) -> Table:
    """Rows: a way to do the study, its seconds, and how many times faster Paribus is. contrasts: in accuracy."""
    seconds = study_seconds(outcomes, seeds, epochs)
    rows = []
    for name, found in seconds.items():
        against = [times(ratio(found, seconds[mine])) if mine != name else MISSING for mine in (DRAWN, FRESH)]
        rows.append((name, middle(found), *against))
    notes = [
        verdict(f"{DRAWN}, against {TUTORIAL}", ratio(seconds[TUTORIAL], seconds[DRAWN]), 20.0),
        verdict(f"{FRESH}, against {TUTORIAL}", ratio(seconds[TUTORIAL], seconds[FRESH]), 2.0),
        *(f"Accuracy, {name}: {told(found)}" for name, found in contrasts.items()),
        f"{seeds} seeds, {epochs} epochs. Seconds of the whole study: median (lowest to highest) of {repeats}.",
        f"{TUTORIAL}: extrapolated, {seeds} x {epochs} measured epochs of training and validation. {FRESH}: one run a "
        f"repetition, times {seeds}; each has its own scan and evaluation, which one study would share.",
        "Paribus scores train, val and test and writes its report in this time; the others score val or test only.",
        *(o.failed for o in outcomes.values() if o.failed),
    ]
    raw = {name: vars(o) for name, o in outcomes.items()} | {
        "contrasts": {
            n: {"verdict": c.verdict, "difference": c.difference, "ci95": c.ci95} for n, c in contrasts.items()
        }
    }
    columns = ("way", "seconds a study", f"{DRAWN} is", f"{FRESH} is")
    return Table(NAME, "A frozen network and a new head", columns, tuple(rows), tuple(notes), raw)


def told(found: Contrast) -> str:
    """A contrast in points of accuracy."""
    low, high = (100 * v for v in found.ci95)
    each = ", ".join(f"{arm} {100 * sum(v) / len(v):.1f} %" for arm, v in found.per_arm.items())
    return (
        f"{found.verdict.replace('_', ' ')} at a margin of {100 * MARGIN:g} point; "
        f"{100 * found.difference:+.2f} points [{low:+.2f}, {high:+.2f}] ({each})."
    )


def accuracies(kept: Path, seeds: int) -> dict[str, Contrast]:
    """Views drawn in advance against fresh draws, and against the plain loop; what is not there is left out."""
    # A repetition of a whole study says the same again; one of fresh draws is one more seed, until all had their turn.
    folders = {DRAWN: ("drawn", 1), FRESH: ("fresh", seeds), CACHED: ("cached", 1)}
    runs = {way: ours.kept_runs(_files(kept / name)[:many]) for way, (name, many) in folders.items()}
    others = [name for name in (FRESH, CACHED) if runs[name] and runs[DRAWN]]
    return {f"{DRAWN} against {name}": ours.compared(name, DRAWN, runs, MARGIN) for name in others}


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    seeds, epochs = (2, 2) if asked.short else (asked.seeds, asked.epochs)
    with tempfile.TemporaryDirectory() as folder:
        data, kept = photographs.data_set(photographs.SMILES), asked.out / "kept"
        if asked.short:
            data = photographs.part(data, Path(folder) / "data", {"train": 64, "val": 16, "test": 32})
        for file in kept.glob("*/*.npz"):
            file.unlink()
        found = contest.contest(
            entries(data, seeds, epochs, kept), asked.repeats, asked.threads, asked.out / "logs" / NAME
        )
    return table(found, seeds, epochs, accuracies(kept, seeds), asked.repeats)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    parser = contest.options("Feature extractor: a study on a frozen network, by Paribus and by others.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=25)
    return parser.parse_args(given)


def _ours(studies: list[dict[str, Any]], data: Path, kept: Path) -> dict[str, Any]:
    return {"studies": studies, "data": {"smiles": str(data)}, "keep": str(kept)}


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npz"), key=lambda f: int(f.stem))


if __name__ == "__main__":
    publish(measure, arguments())
