"""A real A/A: one recipe under two names and two sets of seeds, in whole studies. Verdicts must be rare.

    python tests/calibration/real_aa.py --repeats 20 --out calibration

Each repeat draws its own faces and trains three small networks an arm. Writes real_aa.json and real_aa.md.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from paribus.contrasts import Contrast
from paribus.predictions import RunRecord
from paribus.runs import Run
from paribus.study import Study

ALLOWED = 2  # of 20: "helps" or "hurts" where nothing differs
LEARNED = 0.7  # mean accuracy of all networks, of two classes: those that guess make all studies alike


class Silent:
    """A watcher that says nothing."""

    def scanning(self, done: int, total: int) -> None: ...
    def noted(self, problem: Any) -> None: ...
    def tuning(self, missing: int, finished: int) -> None: ...
    def tuned(self, arm: str, found: object) -> None: ...
    def planned(self, missing: int, finished: int) -> None: ...
    def started(self, arm: str, run: Run) -> None: ...
    def epoch(self, arm: str, run: Run, epoch: int, seconds: float) -> None: ...
    def finished(self, arm: str, run: Run, record: RunRecord) -> None: ...
    def looked(self, look: int, rows: tuple[Contrast, ...]) -> None: ...


def study(repeat: int, images: int, epochs: int) -> dict[str, Any]:
    """An A/A study on faces of its own; the control arm has other seeds than the baseline.

    Four blocks at 48 pixels, trained in many small steps, see the mouth: about eight of ten right after six epochs.
    """
    data = {"use": "faces", "n": images, "n_val": images // 2, "size": 48, "difficulty": 0.0, "seed": repeat}
    return {
        "title": f"A/A {repeat}",
        "margin": 0.05,
        "seeds": [10 * repeat + s for s in range(3)],
        "split": "val",
        "control": "a/a",
        "baseline": {
            "data": data,
            "model": {"use": "small_cnn", "width": 6, "depth": 4},
            "input": {"size": 48, "crop_fraction": 1},
            "augment": ["horizontal_flip"],
            "optimizer": {"use": "adam", "lr": 1e-2},
            "schedule": "one_cycle",
            "epochs": epochs,
            "batch_size": 16,
        },
    }


def repeat_once(repeat: int, images: int, epochs: int) -> dict[str, Any]:
    """One study, trained and answered; the A/A row."""
    from paribus import running

    with tempfile.TemporaryDirectory() as folder:
        read = Study.from_dict(study(repeat, images, epochs))
        bound, place = running.open_study(read, Path(folder), Silent(), threads=1)  # too small to share
        done = running.run(bound, place, Silent(), pictures=False)
    row = next(r for r in done.results.contrasts if r.question.control)
    accuracy = sum(map(sum, row.per_arm.values())) / sum(map(len, row.per_arm.values()))
    return {"repeat": repeat, "verdict": row.verdict, "difference": row.difference, "p": row.p, "accuracy": accuracy}


def broken(rows: list[dict[str, Any]]) -> list[str]:
    """What the repeats do not keep: few false alarms, by networks that learned something."""
    false_alarms = sum(row["verdict"] in ("helps", "hurts") for row in rows)
    accuracy = sum(row["accuracy"] for row in rows) / len(rows)
    lines = [f"{false_alarms} of {len(rows)} is more than {ALLOWED} of 20"] * (false_alarms > ALLOWED * len(rows) / 20)
    return lines + [f"mean accuracy {accuracy:.3f}: the networks did not learn"] * (accuracy < LEARNED)


def main() -> int:
    """Run the repeats and write the table; exit code 1 if too many came out as a difference or nothing was learned."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path("calibration"))
    asked = parser.parse_args()
    rows = [repeat_once(r, asked.images, asked.epochs) for r in range(asked.repeats)]
    false_alarms = sum(row["verdict"] in ("helps", "hurts") for row in rows)
    asked.out.mkdir(parents=True, exist_ok=True)
    report = {"rows": rows, "false_alarms": false_alarms, "repeats": asked.repeats}
    (asked.out / "real_aa.json").write_text(json.dumps(report, indent=1) + "\n")
    lines = ["| repeat | mean accuracy | difference, points | p | verdict |", "|---|---|---|---|---|"]
    lines += [
        f"| {r['repeat']} | {r['accuracy']:.3f} | {100 * r['difference']:+.1f} | {r['p']:.3f} | {r['verdict']} |"
        for r in rows
    ]
    (asked.out / "real_aa.md").write_text("\n".join(lines) + "\n")
    print(f"{false_alarms} of {asked.repeats} A/A studies came out as a difference")
    wrong = broken(rows)
    for line in wrong:
        print(line)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
