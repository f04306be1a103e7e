"""Does Paribus keep its promises? Simulated studies of known truth through the real path from evidence to verdict.

    python tests/calibration/campaign.py --replicates 2000 --out calibration.json

For each cell: studies of two equal arms (false alarms must stay at or below 6.5 %, nominal 5 %; over all cells above
1 %, or the check could not fail) and studies with a planted effect (95 % intervals must cover it in at least 93.5 %).
Then a design with three looks, a family of questions, and ten planted effects with what the verdicts said.
Writes FILE.json and FILE.md; exit 1 if a promise is broken.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from paribus.contrasts import contrasts
from paribus.plans import RUN_SD, design_power
from paribus.questions import Design, Question
from paribus.simulate import Regime, correct, records

MOST_FALSE_ALARMS, LEAST_FALSE_ALARMS, LEAST_COVERAGE = 0.065, 0.01, 0.935
PLANTED = 0.025
CELLS = [(regime, runs, images) for regime in ("quiet", "typical") for runs in (3, 5, 10) for images in (100, 400)]
EFFECTS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.06, -0.04)
MARGIN = 0.015
FALSE = ("helps", "hurts")


@dataclass(frozen=True)
class Cell:
    """One row of the table; shares of replicates."""

    regime: str
    runs: int
    images: int
    replicates: int
    false_alarms: float
    coverage: float
    seconds: float


def two_arms(regime, effect, runs, images, generator, looks=None, margin=None):
    """The answer to one simulated two-arm study."""
    outcomes = correct(Regime(RUN_SD[regime]), (0.0, effect), runs, images, generator)
    arms = records({"a": outcomes[0], "b": outcomes[1]})
    question = Question("b", "Is b better than a?", {"a": -1.0, "b": 1.0}, "accuracy", margin, primary=True)
    return contrasts([question], arms, Design(looks or (runs,), "test"))[0]


def cell(regime: str, runs: int, images: int, replicates: int, seed: int = 0) -> Cell:
    """False alarms of equal arms and coverage of a planted effect, in one cell."""
    start = time.perf_counter()
    generator = np.random.default_rng([seed, int(1e4 * RUN_SD[regime]), runs, images])
    null = [two_arms(regime, 0.0, runs, images, generator) for _ in range(replicates)]
    planted = [two_arms(regime, PLANTED, runs, images, generator) for _ in range(replicates)]
    alarms = float(np.mean([row.verdict in FALSE for row in null]))
    covered = float(np.mean([row.low <= PLANTED <= row.high for row in planted]))
    return Cell(regime, runs, images, replicates, alarms, covered, time.perf_counter() - start)


def broken(cells: list[Cell]) -> list[str]:
    """Every promise that these cells break, in words."""
    wrong = []
    for c in cells:
        where = f"{c.regime}, {c.runs} runs, {c.images} images"
        if c.false_alarms > MOST_FALSE_ALARMS:
            wrong.append(f"{where}: {c.false_alarms:.1%} false alarms, more than {MOST_FALSE_ALARMS:.1%}")
        if c.coverage < LEAST_COVERAGE:
            wrong.append(f"{where}: coverage {c.coverage:.1%}, less than {LEAST_COVERAGE:.1%}")
    if sum(c.false_alarms for c in cells) / len(cells) <= LEAST_FALSE_ALARMS:
        wrong.append(f"over all cells at most {LEAST_FALSE_ALARMS:.1%} false alarms: this check could not fail")
    return wrong


def looks_cell(replicates: int, seed: int = 1) -> float:
    """False alarms of equal arms when looked at after 3, 5 and 10 seeds."""
    generator = np.random.default_rng(seed)
    rows = [two_arms("typical", 0.0, 10, 400, generator, (3, 5, 10), MARGIN) for _ in range(replicates)]
    return float(np.mean([row.verdict in FALSE for row in rows]))


def family_cell(replicates: int, arms: int = 8, seed: int = 2) -> float:
    """Share of studies of 8 equal arms against one baseline with at least one false verdict."""
    generator = np.random.default_rng(seed)
    names = [f"x{i}" for i in range(arms)]
    questions = [Question(n, "", {"base": -1.0, n: 1.0}, "accuracy") for n in names]

    def wrong() -> bool:
        outcomes = correct(Regime(RUN_SD["typical"]), (0.0,) * (arms + 1), 3, 400, generator)
        rows = contrasts(questions, records(dict(zip(["base", *names], outcomes, strict=True))), Design((3,), "test"))
        return any(row.verdict in FALSE for row in rows)

    return float(np.mean([wrong() for _ in range(replicates)]))


def planted_effects(replicates: int, runs: int = 5, images: int = 400, seed: int = 3) -> list[dict]:
    """What the verdicts said of ten effects of known size, typical seeds, margin 1.5 points."""
    generator = np.random.default_rng(seed)
    table = []
    for effect in EFFECTS:
        rows = [two_arms("typical", effect, runs, images, generator, margin=MARGIN) for _ in range(replicates)]
        said = Counter(row.verdict for row in rows)
        covered = float(np.mean([row.ci95[0] <= effect <= row.ci95[1] for row in rows]))
        table.append(
            {"effect": effect, "coverage": covered} | {verdict: n / replicates for verdict, n in sorted(said.items())}
        )
    return table


def markdown(report: dict) -> str:
    """The report as tables."""
    lines = [
        "# Calibration",
        "",
        "| seeds | runs | images | studies | false alarms | coverage |",
        "|---|---|---|---|---|---|",
    ]
    for c in report["cells"]:
        shares = f"{c['false_alarms']:.1%} | {c['coverage']:.1%}"
        lines.append(f"| {c['regime']} | {c['runs']} | {c['images']} | {c['replicates']} | {shares} |")
    lines += [
        "",
        f"Three looks (3, 5, 10 seeds; typical, 400 images): {report['looks_false_alarms']:.1%} false alarms.",
    ]
    lines += [f"Eight equal arms, at least one false verdict (Holm): {report['family_false_alarms']:.1%}."]
    detectable = 100 * report["planted_mde80"]
    lines += [
        "",
        f"Ten planted effects (typical, 5 runs, 400 images, margin 1.5; detectable: {detectable:.1f} points):",
        "",
    ]
    lines += [
        "| true effect | helps | hurts | no practical difference | cannot tell | coverage |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["planted"]:
        shares = [row.get(v, 0.0) for v in ("helps", "hurts", "no_practical_difference", "cannot_tell")]
        cells = " | ".join(f"{s:.1%}" for s in [*shares, row["coverage"]])
        lines.append(f"| {100 * row['effect']:+.1f} | {cells} |")
    broken_ones = report["broken"] or ["none"]
    return "\n".join([*lines, "", "Broken promises: " + "; ".join(broken_ones), ""])


def campaign(replicates: int, say: Callable[[str], None] = print) -> dict:
    """The whole campaign as a JSON-ready report."""
    start = time.perf_counter()
    cells = []
    for regime, runs, images in CELLS:
        cells.append(cell(regime, runs, images, replicates))
        done = cells[-1]
        say(f"{regime:8}{runs:3} runs {images:4} images: {done.false_alarms:.1%} alarms, {done.coverage:.1%} covered")
    few = max(replicates // 4, 1)
    looks, family = looks_cell(replicates), family_cell(few)
    typical = next(row for row in design_power(5, 400) if row.regime == "typical")
    wrong = broken(cells)
    if looks > MOST_FALSE_ALARMS:
        wrong.append(f"three looks: {looks:.1%} false alarms")
    if family > MOST_FALSE_ALARMS:
        wrong.append(f"a family of eight: {family:.1%} with a false verdict")
    return {
        "replicates": replicates,
        "cells": [asdict(c) for c in cells],
        "looks_false_alarms": looks,
        "family_false_alarms": family,
        "planted_mde80": typical.mde,
        "planted": planted_effects(few),
        "broken": wrong,
        "seconds": time.perf_counter() - start,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("calibration.json"))
    given = parser.parse_args()
    report = campaign(given.replicates)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    given.out.with_suffix(".md").write_text(markdown(report))
    print(markdown(report))
    return 1 if report["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
