"""Commands on what is stored: report, verify; and compare, for what was trained elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paribus.cli.opening import (
    COMPARED,
    pictures_choice,
    plugins,
    say,
    say_answers,
    study_folders,
)
from paribus.cli.options import (
    OUT,
    Out,
    PicturesOption,
    Plugins,
    ReportFolder,
)

if TYPE_CHECKING:
    pass


def report(
    folder: ReportFolder,
    plugin: Plugins = None,
    pictures: PicturesOption = "few",
    spreadsheet: Annotated[
        bool,
        typer.Option("--spreadsheet", help="CSV tables in which no name is a formula: a ' before = + - @."),
    ] = False,
) -> None:
    """Write the report again from what is stored; trains nothing and opens no image."""
    from paribus import collect, compare, durable
    from paribus.locks import lock
    from paribus.report import render
    from paribus.thumbnails import Thumbnails

    pictures_choice(pictures)
    for each in study_folders(folder):
        with lock(each):
            durable.refuse_links(each)
            compared = (each / COMPARED).exists()
            results = compare.collect(each) if compared else collect.collect(each, plugins=plugins(plugin))
            shown = Thumbnails(each / "pictures") if pictures == "few" else None
            say(f"Report: {render(results, each, shown, spreadsheet)}")


def verify(folder: ReportFolder, plugin: Plugins = None) -> None:
    """Compute every number of report.json again from the evidence and say what differs."""
    from paribus.errors import IntegrityError
    from paribus.verify import verify as problems_of

    found = [problem for each in study_folders(folder) for problem in problems_of(each, plugins=plugins(plugin))]
    if found:
        raise IntegrityError(found)
    say("Every number of the report follows from the evidence.")


def compare(
    predictions: Annotated[list[Path], typer.Argument(metavar="PREDICTIONS…", help="A CSV, or one safetensors a run.")],
    out: Out = OUT,
    baseline: Annotated[str | None, typer.Option(help="The arm that the others are compared with.")] = None,
    metric: Annotated[str, typer.Option(help="A metric; see `paribus list metrics`.")] = "accuracy",
    margin: Annotated[
        float | None, typer.Option(help="The smallest difference that matters, in the metric's unit.")
    ] = None,
    primary: Annotated[str | None, typer.Option(help="The question whose verdict is not adjusted.")] = None,
    title: Annotated[str | None, typer.Option(help="The report's title.")] = None,
) -> None:
    """The same statistics, verdicts and report for models that were trained elsewhere."""
    from paribus import compare as comparing
    from paribus import durable
    from paribus.locks import lock
    from paribus.naming import folder_name
    from paribus.report import render

    read = comparing.read(predictions)
    command = " ".join(["paribus compare", *(p.name for p in predictions)])
    name = title or predictions[0].stem
    results = comparing.results(
        read, title=name, metric=metric, margin=margin, baseline=baseline, primary=primary, command=command
    )
    folder = out / folder_name(predictions[0].stem)
    with lock(folder):
        durable.refuse_links(folder)
        comparing.write(read, folder, results)
        path = render(results, folder)
    say_answers(results.contrasts)
    say(f"Report: {path}")
