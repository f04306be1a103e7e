"""`paribus reproduce`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paribus.cli.opening import (
    pairs,
    pictures_choice,
    say,
    screen_of,
)
from paribus.cli.options import (
    Out,
    PicturesOption,
    Threads,
    WeightFiles,
)
from paribus.errors import Problem, StudyError

if TYPE_CHECKING:
    from paribus.progress import Screen
    from paribus.reproduce.studies import Asked
    from paribus.study import Study


def reproduce(
    faces: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Images of faces in class folders; drawn ones if not given.")
    ] = None,
    camvid: Annotated[Path | None, typer.Option(metavar="PATH", help="CamVid; drawn streets if not given.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller and fewer.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds an arm, instead of the studies’ own.")] = None,
    max_runs: Annotated[
        int | None, typer.Option("--max-runs", min=0, help="Train at most so many runs of each study now.")
    ] = None,
    out: Out = Path("paribus-reproduction"),
    format: Annotated[str, typer.Option("--format", metavar="html|md", help="A page, or Markdown.")] = "html",
    weights: WeightFiles = None,
    pictures: PicturesOption = "few",
    threads: Threads = None,
) -> None:
    """The thirteen questions of the original report, asked again: one document, each answer traced to its runs."""
    from paribus.reproduce.conduct import Wanted, conduct
    from paribus.reproduce.studies import Asked

    pictures_choice(pictures)
    if format not in ("html", "md"):
        raise StudyError([Problem("USAGE", f"--format must be html or md, not {format!r}.")])
    asked = Asked(faces, camvid, quick, seeds)
    named = pairs(weights, "--weights")
    wanted = Wanted(out, format, pictures == "few", _reproduced(asked), threads, named, max_runs)  # type: ignore[arg-type]
    screens: list[Screen] = []

    def watch(study: "Study") -> "Screen":
        screens.append(screen_of(study))
        return screens[-1]

    try:
        path = conduct(asked, wanted, watch)
    finally:
        for screen in screens:
            screen.close()
    say(f"The document: {path}")


def _reproduced(asked: "Asked") -> str:
    """The command for a reader with the same data elsewhere."""
    given = [f"--{name} FOLDER" for name in asked.data] + ["--quick"] * asked.quick
    return " ".join(["paribus reproduce", *given, *([] if asked.seeds is None else [f"--seeds {asked.seeds}"])])
