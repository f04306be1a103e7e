"""Effects of known direction, planted in drawn images: what do the verdicts say, and what would one run have said?

    python -m scoreboard                  # all studies, or: make scoreboard
    python -m scoreboard grey-faces       # some of them

Each study is run by `paribus run`; what is trained already is not trained again, so that the same command goes on
after an interruption. Writes scoreboard.md and scoreboard.json.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from paribus.collect import collect
from scoreboard.board import Row, markdown, rows_of, summary
from scoreboard.planted import Planted, read

HOME = Path(__file__).parent
PLUGIN = "scoreboard.data"


def run(study: Path, out: Path, threads: int | None = None) -> None:
    """`paribus run` of a study. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", "paribus.cli", "run", str(study.resolve()), "--out", str(out.resolve())]
    command += ["--plugin", PLUGIN, "--pictures", "none", *(["--threads", str(threads)] if threads else [])]
    subprocess.run(command, check=True, cwd=HOME.parent)  # where the plugin is found


def measured(
    studies: list[Path], planted: dict[str, dict[str, Planted]], out: Path, threads: int | None = None
) -> list[Row]:
    """The rows of the studies, each run first where anything is missing."""
    rows: list[Row] = []
    for study in studies:
        began = time.monotonic()
        run(study, out, threads)
        rows += rows_of(study.stem, collect(out / study.stem), planted[study.stem])
        print(f"{study.stem}: {time.monotonic() - began:.0f} s", flush=True)
    return rows


def write(rows: list[Row], out: Path) -> None:
    """`scoreboard.md` and `scoreboard.json`."""
    out.mkdir(parents=True, exist_ok=True)
    report = {"summary": summary(rows), "rows": [asdict(row) for row in rows]}
    (out / "scoreboard.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    (out / "scoreboard.md").write_text(markdown(rows), "utf-8")


def main(given: list[str] | None = None, home: Path = HOME) -> int:
    """Run the studies of `home` and print the table; the exit code of a study that failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = sorted(path.stem for path in (home / "studies").glob("*.yaml"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all where none is named")
    parser.add_argument("--out", type=Path, default=Path("build/scoreboard"))
    parser.add_argument("--threads", type=int, default=None)
    asked = parser.parse_args(given)
    if unknown := set(asked.names) - set(names):
        parser.error(f"no study {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    studies = [home / "studies" / f"{name}.yaml" for name in asked.names or names]
    try:
        rows = measured(studies, read(home / "planted.yaml"), asked.out, asked.threads)
    except subprocess.CalledProcessError as error:
        return error.returncode
    write(rows, asked.out)
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
