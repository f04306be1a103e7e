"""Injects faults and counts what became of them.

python tests/faults [C1 C2 …] [--short] [--seed N] [--jobs N] [--every N] [--out DIR] [--docs FILE]

Writes faults.json into DIR and, with --docs, the table in FILE. What other campaigns found before stays in both, each
with its own seed, day and versions, so that the whole can be done in several sittings. Exit 1 if a trial did not end as
it must.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import record
from campaigns import CAMPAIGNS
from outcome import Outcome, Plan
from table import into_page, table

from paribus import environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], prog="python tests/faults")
    parser.add_argument("names", nargs="*", metavar="C1", help=f"{', '.join(CAMPAIGNS)}; all if none is named")
    parser.add_argument("--short", action="store_true", help="a sample that takes seconds, as in the tests")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=environment.physical_cores(), help="trials at the same time")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="C1 and C4: only every N-th durable step")
    parser.add_argument("--out", type=Path, default=Path("build/faults"))
    parser.add_argument("--docs", type=Path, help="a page whose table is to be replaced")
    given = parser.parse_args()
    if unknown := set(given.names) - set(CAMPAIGNS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    given.out.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for name in given.names or CAMPAIGNS:
        outcomes.append(conducted(name, given.short, given.seed, given.jobs, given.every))
        print(table(outcomes[-1:]), *outcomes[-1].notes, sep="\n", flush=True)
        record.add(given.out, outcomes[-1], record.facts_of(given.seed, given.short, given.every))
    if given.docs:
        given.docs.write_text(into_page(given.docs.read_text("utf-8"), record.read(given.out)), "utf-8")
    sys.exit(not all(outcome.sound for outcome in outcomes))


def conducted(name: str, short: bool, seed: int, jobs: int, every: int) -> Outcome:
    """One campaign in a folder of its own, timed."""
    scratch, began = Path(tempfile.mkdtemp(prefix=f"faults-{name}-")), time.monotonic()
    try:
        found = CAMPAIGNS[name](Plan(scratch, short, seed, jobs, every))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return replace(found, seconds=round(time.monotonic() - began, 1))


if __name__ == "__main__":
    main()
