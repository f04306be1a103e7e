"""The first commands on data of one's own: new, look."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from paribus.cli.data import drawn_or_at
from paribus.cli.opening import bindings_of, holding, read_study, say
from paribus.cli.options import OUT, Data, Out, Plugins, Threads
from paribus.errors import Problem, StudyError

if TYPE_CHECKING:
    from paribus.drafting.seeing import Task

TASKS = ("classification", "segmentation")


def new(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A folder of labelled images, of images and masks, or a table (CSV)."),
    ],
    task: Annotated[
        str | None, typer.Option("--task", metavar="|".join(TASKS), help="Where a folder could be taken for both.")
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0, help="How long the study may take here.")] = 30,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The study file.")] = Path("study.yaml"),
    threads: Threads = None,
) -> None:
    """Look at data and write a study for them that fits the time: a baseline, and arms worth asking for."""
    import torch

    from paribus import durable
    from paribus.drafting import draft
    from paribus.drafting.whole import refuse_place
    from paribus.environment import physical_cores

    if task is not None and task not in TASKS:
        raise StudyError([Problem("USAGE", f"--task must be {' or '.join(TASKS)}, not {task!r}.")])
    torch.set_num_threads(threads or physical_cores())
    made = draft(data, out, cast("Task | None", task), minutes, say)
    refuse_place(data, out)  # another process may have been faster
    durable.write(out, made.text.encode())
    say(f"Study: {out}")
    for command in made.commands:
        say(f"  {command}")


def look(
    source: Annotated[
        str, typer.Argument(metavar="STUDY|DATA", help="A study file, a folder or CSV of images, faces or streets.")
    ],
    out: Out = OUT,
    arm: Annotated[list[str] | None, typer.Option("--arm", help="An arm of the study; all if not given.")] = None,
    data: Data = None,
    plugin: Plugins = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="The seed of the run whose views are shown; the study's first if not given."),
    ] = None,
) -> None:
    """Contact sheets of what each arm's model sees: evaluation beside the first epochs of training, with labels."""
    from paribus import auditing, looking

    if source.endswith((".yaml", ".yml")):
        from paribus.execute import Place, scans_of

        read = read_study(Path(source), plugin)
        recipes, place = auditing.of_arms(read, arm), Place.of(read, out)
        first = read.seeds[0] if seed is None else seed
        with holding(read, out):
            scans = scans_of(read, place, bindings_of(read, data))
            page = looking.look(recipes, scans, place.folder, read.title, first)
    else:
        from paribus.scan import scan

        found, name = scan(drawn_or_at(source)[0]), Path(source).resolve().name
        shorter = min(min(facts.width, facts.height) for facts in found.facts.values())
        recipes = auditing.usual_arms(found.images, shorter)
        folder = out / auditing.file_name(f"look-{name}")
        page = looking.look(recipes, dict.fromkeys(recipes, found), folder, name, seed or 0)
    say(f"Page: {page}")
