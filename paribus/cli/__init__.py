"""The command line. Imports what a command needs when it runs: `paribus --help` costs no torch."""

import io
import sys

import typer

from paribus import stopping
from paribus.cli import data, models, reports, reproducing, starting, studies, upkeep
from paribus.cli.ending import exit_code

app = typer.Typer(
    help="Controlled experiments on image models: change one thing; know what it did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Look at data sets.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")

for command in (
    starting.new,
    starting.look,
    studies.check,
    studies.plan,
    studies.run,
    studies.demo,
    studies.autopsy,
    data.crops,
    data.attribution,
    reproducing.reproduce,
    models.predict,
    models.export,
    reports.report,
    reports.verify,
    reports.compare,
    upkeep.status,
    upkeep.clean,
):
    app.command()(command)
app.command("list")(upkeep.list_parts)
data_app.command("scan")(data.scan)


def main() -> None:
    """The entry point: runs a command and turns every error into lines and an exit code."""
    stopping.listen()
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a letter gets its escape
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(exit_code(lambda: app(standalone_mode=False)))
