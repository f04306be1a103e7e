"""Commands that use trained networks: predict, export."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from paribus.cli.opening import plugins, say
from paribus.cli.options import OUT, Plugins

SHOWN = 10  # images whose answers are printed

What = Annotated[
    str,
    typer.Argument(metavar="WHAT", help="A study file, a study's folder, or the folder of one run (DIR/runs/ID)."),
]
ArmOption = Annotated[
    str | None, typer.Option("--arm", help="The arm; the one that the report recommends if not given.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="One run of the arm.")]
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="The --out folder of the study's `paribus run`.")]


def predict(
    what: What,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGES…", help="Files, folders, patterns; - reads paths, one a line.")
    ],
    arm: ArmOption = None,
    seed: SeedOption = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the predictions go.")] = Path("predictions"),
    runs: Runs = OUT,
    plugin: Plugins = None,
) -> None:
    """What trained networks say about images: classes with probabilities, or masks; the runs of an arm vote."""
    from paribus import predicting
    from paribus.errors import ImagesLeftOut

    chosen = predicting.choose(Path(what), arm=arm, seed=seed, runs=runs, plugins=plugins(plugin))
    for remark in chosen.remarks:
        say(remark)
    say(f"Asking {chosen.name}.")
    left = iter(range(SHOWN))
    done = predicting.predict(
        chosen, images, out, sys.stdin.buffer, lambda line: say(line) if next(left, None) is not None else None
    )
    if done.images > SHOWN:
        say(f"... and {done.images - SHOWN} more")
    for line in predicting.summary(done, chosen):
        say(line)
    if done.problems:
        raise ImagesLeftOut(done.problems)


def export(
    run: What,
    to: Annotated[str, typer.Option("--to", metavar="onnx|timm|smp", help="Which library shall load it.")],
    arm: ArmOption = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="One run of the arm; the best on val if not given.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the export.")] = Path("exported"),
    runs: Runs = OUT,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FOLDER", help="The study's images, if they are no longer kept decoded."),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """A trained network as a folder for ONNX, timm or segmentation-models-pytorch, tried on the validation images."""
    from paribus import exporting, predicting

    named = plugins(plugin)
    chosen = predicting.choose(Path(run), arm=arm, seed=seed, runs=runs, plugins=named)
    chosen, why = predicting.one_of(chosen)
    for line in (*chosen.remarks, *why, f"Exporting {chosen.name}."):
        say(line)
    done = exporting.export(chosen, to, out, data, named)
    say(f"Exported: {done.folder}, {done.checked}.")
