"""Commands on a study file: check, plan, run; and the studies that come with Paribus."""

from pathlib import Path
from typing import Annotated

import typer

from paribus import devices
from paribus.cli.opening import (
    holding,
    opened,
    pictures_choice,
    read_study,
    say,
    train_and_report,
)
from paribus.cli.options import (
    OUT,
    Data,
    Device,
    Hashes,
    Out,
    PicturesOption,
    Plugins,
    StudyFile,
    Threads,
    WeightFiles,
)
from paribus.cli.places import device_of, follows, threads_of, where_of


def check(study: StudyFile, plugin: Plugins = None) -> None:
    """Read a study file and say everything that is wrong with it; nothing is trained."""
    read = read_study(study, plugin)
    scored = list(read.recipes.values()) * len(read.seeds)
    trials = read.tuning.recipes() * len(read.tuning.seeds) if read.tuning else []
    arms, questions = len(read.recipes), len(read.questions)
    say(f"{read.title}: {arms} arms, {questions} questions, up to {len(read.seeds)} seeds an arm.")
    for question in read.questions:
        say(f"  {question.name}: {question.ask}" + (" (primary)" if question.primary else ""))
        for path, (old, new) in question.changed.items():
            say(f"      {path}: {old} -> {new}")
        for path, (old, new) in question.consequences.items():
            say(f"      consequence: {path}: {old} -> {new}")
    if read.tuning:
        paths = ", ".join(read.tuning.grid)
        say(f"  tune: {paths} of every arm, chosen on val by {len(trials)} runs that are not scored")
    epochs = sum(recipe.epochs for recipe in scored + trials)
    say(f"The study can run as written (at most {len(scored + trials)} runs, {epochs} epochs).")


def plan(
    study: StudyFile,
    out: Out = OUT,
    data: Data = None,
    weights: WeightFiles = None,
    sha256: Hashes = None,
    plugin: Plugins = None,
    threads: Threads = None,
    device: Device = "auto",
    accuracy: Annotated[float, typer.Option(min=0.5, max=0.999, help="The accuracy you expect, for the power.")] = 0.88,
) -> None:
    """Before any training: what effect the design can detect, and how long it takes on this machine."""
    from paribus.durable import megabytes
    from paribus.planning import costs, detectable, reduction
    from paribus.progress import duration
    from paribus.report.numbers import plural

    bound, place = opened(read_study(study, plugin), out, data, weights, sha256, threads)
    rows = costs(bound, place.store, device=devices.chosen(device))
    say("Time on this machine, from a few real steps:")
    for row in rows:
        once = f", and {duration(row.shared)} once" if row.shared else ""
        say(f"  {row.arm}: {plural(row.missing, 'run')} to train, about {duration(row.seconds_a_run)} each{once}")
        if row.trials:
            say(f"      tuning first: {plural(row.trials, 'run')}, about {duration(row.seconds_a_trial)} each")
        if row.faster:
            say(f"      precision: {row.faster} would take {duration(row.by_precision[row.faster])} a run")
    if shorter := reduction(bound):
        say(f"  input.prepare: {shorter} in the baseline would reduce all images once; no crop of any arm needs more")
    runs, room = sum(r.missing + r.trials for r in rows), megabytes(sum(r.bytes for r in rows))
    say(f"  in all about {duration(sum(r.seconds for r in rows))} for {runs} runs, and {room} on disk")
    say("")
    if bound.scans["baseline"].images.masks is not None:
        say("What effect can be found is not told of masks in advance: how images differ depends on the network too.")
        say("The report tells it from the runs that are there; --max-runs trains a few.")
        return
    say(f"Smallest true effect found in 80 % of such studies, at an accuracy of about {accuracy:.0%}, in points:")
    for power in detectable(bound, accuracy):
        each = ", ".join(f"{row.regime} seeds {row.mde * 100:.1f}" for row in power.rows)
        say(f"  {power.name}: {each}  ({power.seeds} seeds, {power.images} images)")
        typical = power.rows[min(1, len(power.rows) - 1)]
        if bound.study.margin and typical.floor_images > bound.study.margin:
            floor = typical.floor_images * 100
            say(f"      no number of seeds finds the margin on these images (floor {floor:.1f} points)")


def run(
    study: StudyFile,
    out: Out = OUT,
    data: Data = None,
    weights: WeightFiles = None,
    sha256: Hashes = None,
    plugin: Plugins = None,
    threads: Threads = None,
    max_runs: Annotated[int | None, typer.Option("--max-runs", min=1, help="Train at most so many runs now.")] = None,
    pictures: PicturesOption = "few",
    prepared: Annotated[
        float | None,
        typer.Option(
            "--prepared", metavar="GIB", min=0, help="How much of decoded images to keep on disk; 20 if not given."
        ),
    ] = None,
    allow_inexact: Annotated[
        bool,
        typer.Option(
            "--allow-inexact",
            help="Let runs go on that were begun in another environment; the report says for ever that they did.",
        ),
    ] = False,
    device: Device = "auto",
    on: Annotated[
        str | None,
        typer.Option(
            "--on", metavar="ray[://HOST:PORT]", help="Train the runs as tasks of Ray, each on --threads cores."
        ),
    ] = None,
    gpus_per_run: Annotated[
        float, typer.Option("--gpus-per-run", min=0, help="With --on: the share of a GPU that each run takes.")
    ] = 0.0,
    processes: Annotated[
        int, typer.Option("--processes", min=1, help="Train each run in so many processes, which share its batches.")
    ] = 1,
) -> None:
    """Train what is missing and write the report; the same command goes on after an interruption."""
    device = device_of(devices.checked(device), processes)
    pictures_choice(pictures)
    read = read_study(study, plugin)
    command = _repeatable(study, data, weights, plugin)
    if follows(read, out, data, weights, sha256, threads, prepared):
        return
    with holding(read, out):
        bound, place = opened(read, out, data, weights, sha256, threads_of(threads, processes))
        with where_of(on, threads, gpus_per_run, processes) as where:
            train_and_report(read, bound, place, max_runs, pictures, command, prepared, allow_inexact, where, device)


def demo(out: Out = Path("paribus-demo"), threads: Threads = None) -> None:
    """Two small studies, minutes on two cores: drawn faces to classify, drawn streets to segment; no download."""
    from importlib.resources import as_file, files

    for name in ("demo.yaml", "demo-streets.yaml"):
        with as_file(files("paribus") / "studies" / name) as path:
            read = read_study(path, None)
            with holding(read, out):
                bound, place = opened(read, out, None, None, None, threads)
                train_and_report(read, bound, place, None, "few", "paribus demo")


def autopsy(out: Out = OUT, threads: Threads = None) -> None:
    """Common defects of segmentation scripts: what each would have reported, beside the right number."""
    from importlib.resources import as_file, files

    from paribus import autopsy as defective

    with as_file(files("paribus") / "studies" / "autopsy.yaml") as path:
        read = read_study(path, None)
    with holding(read, out):
        bound, place = opened(read, out, None, None, None, threads)
        train_and_report(read, bound, place, None, "few", "paribus autopsy")
        lines = defective.write(defective.defects(bound, place), place.folder)
    for line in lines:
        say(line)


def _repeatable(study: Path, data: list[str] | None, weights: list[str] | None, plugin: list[str] | None) -> str:
    """The command for a reader with the same data elsewhere: names, no paths of this machine."""
    name = study.name if study.is_absolute() else study.as_posix()
    options = [f"--data {given.partition('=')[0]}=FOLDER" for given in data or ()]
    options += [f"--weights {given.partition('=')[0]}=FILE" for given in weights or ()]
    options += [f"--plugin {module}" for module in plugin or ()]
    return " ".join(["paribus run", name, *options])
