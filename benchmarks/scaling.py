"""Scaling: the seconds of a study against its images, arms and seeds; its memory against the number of runs.

    python -m benchmarks.scaling                     # about 9 minutes on 2 cores
    python -m benchmarks.scaling --short             # does it work?

Generated faces and a small network, so that the study's own work shows and not the network's. A study that costs what
its parts cost lies on a straight line above a fixed cost.
"""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks import contest, ours
from benchmarks.contest import Entry, Outcome
from benchmarks.tables import Table, line, middle, publish

NAME = "scaling"
IMAGES, EPOCHS = 250, 2
SWEEPS: dict[str, Sequence[int]] = {"images": (250, 500, 1000, 2000), "arms": (1, 2, 4, 8), "seeds": (1, 2, 4, 8)}
RUNS = (1, 8, 32)  # of the memory's table
SHORT: dict[str, Sequence[int]] = {"images": (20, 40), "arms": (1, 2), "seeds": (1, 2)}

Seconds = Mapping[str, Mapping[int, list[float]]]


def study(what: str, amount: int, images: int, epochs: int) -> dict[str, Any]:
    """One arm, one seed and `images` images, but for the thing that grows."""
    sizes = {"images": images, "arms": 1, "seeds": 1, what: amount}
    return ours.small_study(sizes["images"], sizes["arms"], sizes["seeds"], epochs)


def table(seconds: Seconds, memory: Mapping[int, float], repeats: int) -> Table:
    """Rows: what grows and how far, seconds, and the same as a ratio to the fitted line; then the memory."""
    rows, notes = [], []
    for what, by_amount in seconds.items():
        amounts = sorted(by_amount)
        middles = [median(by_amount[a]) for a in amounts]
        fit = line(amounts, middles)
        for amount, found in zip(amounts, middles, strict=True):
            fitted = fit.fixed + fit.slope * amount
            rows.append((what, str(amount), middle(by_amount[amount], 2), f"{found / fitted:.2f}"))
        fitted_line = f"{fit.fixed:.2f} s + {1000 * fit.slope:.2f} ms each"
        notes.append(f"{what}: {fitted_line}; farthest from the line: {100 * fit.deviation:.0f} %.")
    for runs, peak in memory.items():
        rows.append(("runs, peak memory", str(runs), f"{peak:.0f} MB", f"{peak / next(iter(memory.values())):.2f}"))
    notes.append("The last column is the ratio to the fitted line, for the memory the ratio to the first row's.")
    notes.append(
        f"Seconds: median (lowest to highest) of {repeats} studies, in turn; each from the file to the report."
    )
    raw = {"seconds": {w: {str(a): v for a, v in by.items()} for w, by in seconds.items()}, "peak_mb": dict(memory)}
    return Table(
        NAME, "What grows with a study", ("what", "how many", "seconds", "ratio"), tuple(rows), tuple(notes), raw
    )


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    sweeps, images = (SHORT, 20) if asked.short else (SWEEPS, IMAGES)
    epochs = 1 if asked.short else EPOCHS
    points = [(what, amount) for what, amounts in sweeps.items() for amount in amounts]
    written = [study(what, amount, images, epochs) for what, amount in points]
    # One process takes the points in turn: it measures all of them once before any of them twice. The first study
    # pays for what a process does once, and is thrown away.
    asked_for = {"studies": [written[0], *(s for _ in range(asked.repeats) for s in written)], "data": {}}
    everything = contest.contest(
        [Entry("studies", "ours:studies", asked_for)],
        1 + len(points) * asked.repeats,
        asked.threads,
        asked.out / "logs",
    )["studies"]
    _complain(everything)
    seconds: dict[str, dict[int, list[float]]] = {what: {} for what in sweeps}
    for number, measured in enumerate(everything.measured[1:]):
        what, amount = points[number % len(points)]
        seconds[what].setdefault(amount, []).append(measured["seconds"])
    return table(seconds, {n: _peak(n, images, asked) for n in ((1, 2) if asked.short else RUNS)}, asked.repeats)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    return contest.options("Scaling: seconds against images, arms and seeds; memory against runs.").parse_args(given)


def _peak(runs: int, images: int, asked: Namespace) -> float:
    """The peak memory in MB of a process of its own that trains so many runs."""
    settings = {"studies": [study("seeds", runs, images, 1)], "data": {}}
    entry = Entry(f"{runs} runs", "ours:studies", settings)
    found = contest.contest([entry], 1, asked.threads, asked.out / "logs")[entry.name]
    _complain(found)
    return float(found.measured[0]["peak_mb"])


def _complain(outcome: Outcome) -> None:
    if outcome.failed:
        raise contest.ContestantFailed(outcome.failed)


if __name__ == "__main__":
    publish(measure, arguments())
