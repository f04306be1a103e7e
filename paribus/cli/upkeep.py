"""Commands on what there is: status, clean, list."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paribus.cli.opening import (
    say,
)
from paribus.cli.options import (
    OUT,
)
from paribus.errors import Problem, StudyError

if TYPE_CHECKING:
    pass


def status(out: Annotated[Path, typer.Argument(metavar="DIR", help="The --out folder.")] = OUT) -> None:
    """What is stored: studies, their runs, and the room they take."""
    from paribus.upkeep import survey

    for line in survey(out):
        say(line)


def clean(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="The --out folder.")] = OUT,
    weights: Annotated[
        bool, typer.Option("--weights", help="Remove the trained weights too; reports still work.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it only show what would go.")] = False,
) -> None:
    """Free the room of runs that no study needs, and of unfinished ones."""
    from paribus.upkeep import clean as clean_up

    for line in clean_up(out, weights=weights, remove=yes):
        say(line)


def list_parts(kind: Annotated[str, typer.Argument(help="models, datasets, transforms, optimizers, …")]) -> None:
    """The built-in parts of one kind, with the arguments that a study may choose."""
    from paribus.listing import KINDS, lines

    if kind not in KINDS:
        from paribus.errors import unknown

        raise StudyError([Problem("USAGE", unknown("kind of part", kind, list(KINDS)))])
    for line in lines(kind):
        say(line)
