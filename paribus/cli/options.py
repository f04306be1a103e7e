"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

OUT = Path("paribus-out")

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="The study file (YAML).")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where runs and reports go.")]
Data = Annotated[list[str] | None, typer.Option("--data", metavar="NAME=PATH", help="Where the data named NAME are.")]
WeightFiles = Annotated[
    list[str] | None, typer.Option("--weights", metavar="MODEL=FILE", help="A file of pretrained weights.")
]
Hashes = Annotated[
    list[str] | None,
    typer.Option("--sha256", metavar="MODEL=HASH", help="The sha256 that a model's pretrained weights must have."),
]
Plugins = Annotated[
    list[str] | None, typer.Option("--plugin", metavar="MODULE", help="A module of yours whose parts a study may name.")
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Processor threads; the physical cores if not given.")
]
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where networks compute; auto takes a GPU if any.")
]
PicturesOption = Annotated[str, typer.Option("--pictures", metavar="few|none", help="Whether the report shows images.")]
BoxesOption = Annotated[
    Path | None, typer.Option("--boxes", metavar="CSV", help="Where the objects are: path,x,y,w,h in pixels.")
]
ReportFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A study's folder, or the --out folder above it.")]
