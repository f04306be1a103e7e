"""A whole study: the arms of studies/smiles.yaml by Paribus and by the tutorial's loop, from measured epochs.

    python -m benchmarks.whole_study                 # about 6 minutes on 2 cores
    python -m benchmarks.whole_study --every-arm     # every arm, not one of each kind: about 20 minutes
    python -m benchmarks.whole_study --short         # does it work?

Arms of one kind (same network, same layers learning) cost the same: one of each kind is measured and counted for all.
Paribus trains one whole run of it, checkpoints and evidence included; the tutorial's loop is timed epoch by epoch.
"""

import tempfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import contest, ours, photographs
from benchmarks.contest import Entry, Outcome
from benchmarks.tables import Table, middle, publish, ratio, times, verdict

STUDY = Path(__file__).parent.parent / "studies" / "smiles.yaml"
NAME = "whole_study"
OURS, THEIRS = "Paribus", "tutorial loop"
TEST_BY_VAL = 5.0  # 2000 test images are scored once a run, 400 validation images in every epoch

Arms = Mapping[str, Mapping[str, Any]]


def kinds(arms: Arms, every_arm: bool) -> dict[str, list[str]]:
    """The arm that is measured -> the arms it stands for, itself included."""
    found: dict[str, list[str]] = {}
    by_kind: dict[str, str] = {}
    for arm, facts in arms.items():
        kind = arm if every_arm else f"{facts['model']} {facts['trainable']} {facts['size']} {facts['batch']}"
        found.setdefault(by_kind.setdefault(kind, arm), []).append(arm)
    return found


def entries(arms: Arms, measured: list[str], data: Path, epochs: int | None, repeats: int) -> list[Entry]:
    """Paribus and the tutorial's loop, for every measured arm. epochs: of a run, where not the study's own."""
    found = []
    for arm in measured:
        facts = arms[arm]
        mine = {"study_file": str(STUDY), "arm": arm, "epochs": epochs, "data": {"smiles": str(data)}}
        theirs = {
            **{key: facts[key] for key in ("model", "trainable", "size", "batch")},
            "weights": ours.weights_file(facts["model"]) if facts["pretrained"] else None,
            "shorter": facts["size"],
            "data": str(data),
            "phases": ["train", "val"],
        }
        found.append(Entry(f"{OURS}: {arm}", "ours:arms", mine, every=repeats))
        found.append(Entry(f"{THEIRS}: {arm}", "tutorial", theirs))
    return found


def tutorial_run(outcome: Outcome, epochs: int) -> list[float]:
    """Seconds of a run of the tutorial's loop, from each measured epoch; its test images are scored once."""
    return [epochs * (m["seconds"] + m["val_seconds"]) + TEST_BY_VAL * m["val_seconds"] for m in outcome.measured]


def once(outcome: Outcome) -> float:
    """Seconds that Paribus needs once for all runs of a kind: decoding, and features that later runs find."""
    if not outcome.measured:
        return 0.0
    later = outcome.measured[0]
    one_epoch = later["run"] - sum(later["epochs"]) + median(later["epochs"])
    return max(0.0, outcome.ready["first_run"] - one_epoch)


def table(
    outcomes: Mapping[str, Outcome], arms: Arms, grouped: Mapping[str, list[str]], epochs: int | None, repeats: int
) -> Table:
    """Rows: the measured arms and the whole study, seconds of both, and the ratio."""
    rows, total = [], {OURS: [0.0], THEIRS: [0.0] * repeats}
    for arm, members in grouped.items():
        runs = sum(arms[a]["seeds"] for a in members)
        mine = [m["run"] for m in outcomes[f"{OURS}: {arm}"].measured]
        theirs = tutorial_run(outcomes[f"{THEIRS}: {arm}"], epochs or arms[arm]["epochs"])
        rows.append((f"{arm} ({runs} runs)", middle(mine), middle(theirs), times(_faster(mine, theirs))))
        shared = once(outcomes[f"{OURS}: {arm}"])
        total[OURS] = [t + runs * s + shared for t, s in zip(total[OURS], mine, strict=False)]
        total[THEIRS] = [t + runs * s for t, s in zip(total[THEIRS], theirs, strict=False)]
    opening = max((o.ready.get("opening", 0.0) for o in outcomes.values()), default=0.0)
    total[OURS] = [t + opening for t in total[OURS]]
    whole = _faster(total[OURS], total[THEIRS])
    rows.append(("the whole study", middle(total[OURS], 0), middle(total[THEIRS], 0), times(whole)))
    notes = (
        verdict(f"The whole study, against the {THEIRS}", whole, 4.0),
        f"Seconds of one run. {OURS}: a whole run. {THEIRS}: extrapolated from {repeats} measured epochs of training "
        "and validation; median (lowest to highest).",
        f"The whole study is the runs, and for {OURS} the scan and what is computed once; its report is left out.",
        *(f"{arm} stands for {', '.join(members)}." for arm, members in grouped.items()),
        *(o.failed for o in outcomes.values() if o.failed),
    )
    raw = {name: vars(o) for name, o in outcomes.items()} | {"total_seconds": total}
    columns = ("arm", f"{OURS}, seconds", f"{THEIRS}, seconds", f"{OURS} is")
    return Table(NAME, "The whole smiles study", columns, tuple(rows), notes, raw)


def measure(asked: Namespace) -> Table:
    """The benchmark."""
    arms = ours.study_arms(STUDY)
    grouped = kinds(arms, asked.every_arm)
    with tempfile.TemporaryDirectory() as folder:
        data = photographs.data_set(photographs.SMILES)
        if asked.short:
            data = photographs.part(data, Path(folder) / "data", {"train": 64, "val": 16, "test": 32})
        epochs = 2 if asked.short else None
        chosen = entries(arms, list(grouped), data, epochs, asked.repeats)
        found = contest.contest(chosen, asked.repeats, asked.threads, asked.out / "logs" / NAME)
    return table(found, arms, grouped, epochs, asked.repeats)


def arguments(given: list[str] | None = None) -> Namespace:
    """The command line's options."""
    parser = contest.options("A whole study: Paribus against the tutorial's loop.")
    parser.add_argument("--every-arm", action="store_true", help="measure every arm, not one of each kind")
    return parser.parse_args(given)


def _faster(mine: list[float], theirs: list[float]) -> float | None:
    return ratio(theirs, [median(mine)] * len(theirs)) if mine else None


if __name__ == "__main__":
    publish(measure, arguments())
