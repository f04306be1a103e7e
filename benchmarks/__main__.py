"""All benchmarks, one after the other: `python -m benchmarks`, or `make bench`. About an hour on 2 cores.

    python -m benchmarks                             # all of them
    python -m benchmarks fine_tuning scaling         # some of them

Takes the options that all have (--repeats, --short, --out, --threads) and --peers. Nothing else should run meanwhile.
"""

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    clock,
    contest,
    evaluation,
    feature_extractor,
    fine_tuning,
    freed_memory,
    heads,
    optimizers,
    peers,
    scaling,
    segmentation,
    small_maps,
    whole_study,
)
from benchmarks.tables import Table

PROFILED = 2  # epochs: shares hardly move


def benchmarks(given: list[str], peers_at: Path) -> dict[str, Callable[[], Table]]:
    """Name -> what measures it. given: the options that all have."""
    rarely = [*given, "--repeats", str(PROFILED), "--profile"]
    return {
        "fine_tuning": lambda: fine_tuning.measure(fine_tuning.arguments([*given, "--peers", str(peers_at)])),
        "profile": lambda: fine_tuning.measure_profile(fine_tuning.arguments(rarely)),
        "feature_extractor": lambda: feature_extractor.measure(feature_extractor.arguments(given)),
        "evaluation": lambda: evaluation.measure(evaluation.arguments(given)),
        "freed_memory": lambda: freed_memory.measure(freed_memory.arguments(given)),
        "small_maps": lambda: small_maps.measure(small_maps.arguments(given)),
        "optimizers": lambda: optimizers.measure(optimizers.arguments(given)),
        "heads": lambda: heads.measure(heads.arguments(given)),
        "segmentation": lambda: segmentation.measure(segmentation.arguments(given)),
        "whole_study": lambda: whole_study.measure(whole_study.arguments(given)),
        "scaling": lambda: scaling.measure(scaling.arguments(given)),
        "clock": lambda: clock.measure(clock.arguments(given)),
    }


def main() -> None:
    """Run the benchmarks; write each table, and those of this run together as `benchmarks.md`."""
    parser = contest.options("All benchmarks, or some.")
    names = list(benchmarks([], peers.DEFAULT))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all where none is named")
    parser.add_argument("--peers", type=Path, default=peers.DEFAULT, metavar="FOLDER", help="where the peers are")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    given = ["--repeats", str(asked.repeats), "--out", str(asked.out), "--threads", str(asked.threads)]
    chosen = benchmarks([*given, *(["--short"] if asked.short else [])], asked.peers)
    found: list[Table] = []
    began = time.monotonic()
    for name in asked.names or names:
        contest.say(f"=== {name}, {time.monotonic() - began:.0f} s since the start")
        found.append(chosen[name]().marked(asked.short))
        found[-1].write(asked.out)
        print(found[-1].markdown(), flush=True)
    (asked.out / "benchmarks.md").write_text("\n".join(t.markdown() for t in found), encoding="utf-8")
    contest.say(f"{time.monotonic() - began:.0f} s in all; tables in {asked.out}")


if __name__ == "__main__":
    main()
