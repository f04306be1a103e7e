"""The command line. Imports what a command needs when it runs: `paribus --help` costs no torch."""

import io
import os
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paribus import stopping
from paribus.errors import MachineError, ParibusError, Problem, StudyError, is_lack_of_memory

if TYPE_CHECKING:
    from paribus.auditing import Audited
    from paribus.datasets import ImageSet
    from paribus.execute import Bound, Place
    from paribus.progress import Screen
    from paribus.reproduce.studies import Asked
    from paribus.study import Study

OUT = Path("paribus-out")
COMPARED = "predictions.json"  # in the folder of a comparison, as study.lock.json in that of a study

app = typer.Typer(
    help="Controlled experiments on image models: change one thing; know what it did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Look at data sets.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")

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
PicturesOption = Annotated[str, typer.Option("--pictures", metavar="few|none", help="Whether the report shows images.")]
BoxesOption = Annotated[
    Path | None, typer.Option("--boxes", metavar="CSV", help="Where the objects are: path,x,y,w,h in pixels.")
]
ReportFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A study's folder, or the --out folder above it.")]


@app.command()
def check(study: StudyFile, plugin: Plugins = None) -> None:
    """Read a study file and say everything that is wrong with it; nothing is trained."""
    read = _read(study, plugin)
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


@app.command()
def plan(
    study: StudyFile,
    out: Out = OUT,
    data: Data = None,
    weights: WeightFiles = None,
    sha256: Hashes = None,
    plugin: Plugins = None,
    threads: Threads = None,
    accuracy: Annotated[float, typer.Option(min=0.5, max=0.999, help="The accuracy you expect, for the power.")] = 0.88,
) -> None:
    """Before any training: what effect the design can detect, and how long it takes on this machine."""
    from paribus.durable import megabytes
    from paribus.planning import costs, detectable, reduction
    from paribus.progress import duration

    bound, place = _open(_read(study, plugin), out, data, weights, sha256, threads)
    rows = costs(bound, place.store)
    say("Time on this machine, from a few real steps:")
    for row in rows:
        once = f", and {duration(row.shared)} once" if row.shared else ""
        say(f"  {row.arm}: {row.missing} runs to train, about {duration(row.seconds_a_run)} each{once}")
        if row.trials:
            say(f"      tuning first: {row.trials} runs, about {duration(row.seconds_a_trial)} each")
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


@app.command()
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
    device: Annotated[str, typer.Option("--device", help="Only cpu in this version.")] = "cpu",
) -> None:
    """Train what is missing and write the report; the same command goes on after an interruption."""
    if device != "cpu":
        raise StudyError(
            [Problem("DEVICE", f"--device {device}: this version computes on the cpu only.", fix="leave it out.")]
        )
    _pictures_choice(pictures)
    read = _read(study, plugin)
    command = _repeatable(study, data, weights, plugin)
    with _holding(read, out):
        bound, place = _open(read, out, data, weights, sha256, threads)
        _run(read, bound, place, max_runs, pictures, command, prepared, allow_inexact)


@app.command()
def demo(out: Out = Path("paribus-demo"), threads: Threads = None) -> None:
    """Two small studies, minutes on two cores: drawn faces to classify, drawn streets to segment; no download."""
    from importlib.resources import as_file, files

    for name in ("demo.yaml", "demo-streets.yaml"):
        with as_file(files("paribus") / "studies" / name) as path:
            read = _read(path, None)
            with _holding(read, out):
                bound, place = _open(read, out, None, None, None, threads)
                _run(read, bound, place, None, "few", "paribus demo")


@app.command()
def autopsy(out: Out = OUT, threads: Threads = None) -> None:
    """Common defects of segmentation scripts: what each would have reported, beside the right number."""
    from importlib.resources import as_file, files

    from paribus import autopsy as defective

    with as_file(files("paribus") / "studies" / "autopsy.yaml") as path:
        read = _read(path, None)
    with _holding(read, out):
        bound, place = _open(read, out, None, None, None, threads)
        _run(read, bound, place, None, "few", "paribus autopsy")
        lines = defective.write(defective.defects(bound, place), place.folder)
    for line in lines:
        say(line)


@app.command()
def crops(
    source: Annotated[
        str, typer.Argument(metavar="STUDY|DATA", help="A study file, a folder or CSV of images, faces or streets.")
    ],
    out: Out = OUT,
    arm: Annotated[list[str] | None, typer.Option("--arm", help="An arm of the study; all if not given.")] = None,
    data: Data = None,
    boxes: BoxesOption = None,
    plugin: Plugins = None,
    seed: Annotated[int, typer.Option(min=0, help="The seed of the run whose crops are drawn again.")] = 0,
) -> None:
    """What the networks really see: how much of an object the crops of training hold, with contact sheets."""
    from paribus import auditing
    from paribus.boxes import found_in
    from paribus.scan import scan as look

    if source.endswith((".yaml", ".yml")):
        from paribus.execute import Place, scans_of

        read = _read(Path(source), plugin)
        recipes, place, bindings = auditing.of_arms(read, arm), Place.of(read, out), _pairs(data, "--data")
        with _holding(read, out):
            scans = auditing.with_boxes(read, scans_of(read, place, bindings), bindings, boxes)
            done = auditing.audit_crops(recipes, scans, place.folder, read.title, seed)
    else:
        images, root = _drawn_or_at(source)
        found = found_in(look(images), root, boxes)
        shorter = min(min(facts.width, facts.height) for facts in found.facts.values())
        recipes, name = auditing.usual_arms(found.images, shorter), Path(source).resolve().name
        folder = out / auditing.file_name(f"crops-{name}")
        done = auditing.audit_crops(recipes, dict.fromkeys(recipes, found), folder, name, seed)
    _say_audit(done)


@app.command()
def attribution(
    study: StudyFile,
    out: Out = OUT,
    data: Data = None,
    weights: WeightFiles = None,
    boxes: BoxesOption = None,
    plugin: Plugins = None,
    threads: Threads = None,
    images: Annotated[int, typer.Option(min=2, help="At most so many scored images.")] = 48,
    steps: Annotated[int, typer.Option(min=2, help="Steps of integrated gradients.")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="Which images are drawn.")] = 0,
) -> None:
    """Where the networks of a finished study look: how much of what spoke for an answer lies on the object."""
    from dataclasses import replace

    from paribus import auditing

    read = _read(study, plugin)
    with _holding(read, out):
        bound, place = _open(read, out, data, weights, None, threads)
        bound = replace(bound, scans=auditing.with_boxes(read, bound.scans, _pairs(data, "--data"), boxes))
        done = auditing.audit_attribution(bound, place, images=images, steps=steps, seed=seed)
    _say_audit(done)


@app.command()
def reproduce(
    faces: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Images of faces in class folders; drawn ones if not given.")
    ] = None,
    camvid: Annotated[Path | None, typer.Option(metavar="PATH", help="CamVid; drawn streets if not given.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller and fewer: a quarter of an hour.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds an arm, instead of the studies’ own.")] = None,
    out: Out = Path("paribus-reproduction"),
    format: Annotated[str, typer.Option("--format", metavar="html|md", help="A page, or Markdown.")] = "html",
    weights: WeightFiles = None,
    pictures: PicturesOption = "few",
    threads: Threads = None,
) -> None:
    """The thirteen questions of the original report, asked again: one document, each answer traced to its runs."""
    from paribus.reproduce.conduct import Wanted, conduct
    from paribus.reproduce.studies import Asked

    _pictures_choice(pictures)
    if format not in ("html", "md"):
        raise StudyError([Problem("USAGE", f"--format must be html or md, not {format!r}.")])
    asked = Asked(faces, camvid, quick, seeds)
    wanted = Wanted(out, format, pictures == "few", _reproduced(asked), threads, _pairs(weights, "--weights"))  # type: ignore[arg-type]
    screens: list[Screen] = []

    def watch(study: "Study") -> "Screen":
        screens.append(_screen(study))
        return screens[-1]

    try:
        path = conduct(asked, wanted, watch)
    finally:
        for screen in screens:
            screen.close()
    say(f"The document: {path}")


@app.command()
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

    _pictures_choice(pictures)
    for each in _study_folders(folder):
        with lock(each):
            durable.refuse_links(each)
            compared = (each / COMPARED).exists()
            results = compare.collect(each) if compared else collect.collect(each, plugins=_plugins(plugin))
            shown = Thumbnails(each / "pictures") if pictures == "few" else None
            say(f"Report: {render(results, each, shown, spreadsheet)}")


@app.command()
def verify(folder: ReportFolder, plugin: Plugins = None) -> None:
    """Compute every number of report.json again from the evidence and say what differs."""
    from paribus.errors import IntegrityError
    from paribus.verify import verify as problems_of

    found = [problem for each in _study_folders(folder) for problem in problems_of(each, plugins=_plugins(plugin))]
    if found:
        raise IntegrityError(found)
    say("Every number of the report follows from the evidence.")


@app.command()
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
    _say_answers(results.contrasts)
    say(f"Report: {path}")


@app.command()
def status(out: Annotated[Path, typer.Argument(metavar="DIR", help="The --out folder.")] = OUT) -> None:
    """What is stored: studies, their runs, and the room they take."""
    from paribus.upkeep import survey

    for line in survey(out):
        say(line)


@app.command()
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


@app.command("list")
def list_parts(kind: Annotated[str, typer.Argument(help="models, datasets, transforms, optimizers, …")]) -> None:
    """The built-in parts of one kind, with the arguments that a study may choose."""
    from paribus.listing import KINDS, lines

    if kind not in KINDS:
        from paribus.errors import unknown

        raise StudyError([Problem("USAGE", unknown("kind of part", kind, list(KINDS)))])
    for line in lines(kind):
        say(line)


@data_app.command("scan")
def scan(
    path: Annotated[
        Path,
        typer.Argument(
            help="A folder of labelled images, of images and masks, CamVid, a manifest (CSV), or a study file (YAML)."
        ),
    ],
    out: Out = OUT,
    data: Data = None,
    plugin: Plugins = None,
) -> None:
    """Look at every image once: classes, counts, what is broken, what is suspicious, what masks hold."""
    from paribus.scan import describe
    from paribus.scan import scan as look

    if path.suffix in (".yaml", ".yml"):
        _scan_study(_read(path, plugin), out, _pairs(data, "--data"))
        return
    for line in describe(look(_images_at(path))):
        say(line)


def _images_at(path: Path) -> "ImageSet":
    """The images of a folder or manifest; what is taken for masks without being declared is said."""
    from paribus import datasets
    from paribus.parts import Part, build
    from paribus.recipe import HOMES
    from paribus.scan import undeclared

    if path.suffix == ".csv":
        return datasets.csv(path.parent, manifest=path.name)
    if (path / "trainannot").is_dir() or (path / "LabeledApproved_full").is_dir():
        return datasets.camvid(path)
    if (found := undeclared(path)) is not None:
        for line in found.lines:
            say(line)
        images: ImageSet = build(Part("masks", found.choices), HOMES["data"], path)
        return images
    return datasets.folder(path)


def _drawn_or_at(source: str) -> "tuple[ImageSet, Path | None]":
    """The images that `source` names, a path or a kind of drawn ones, and the folder they are in."""
    from paribus import datasets

    path = Path(source)
    if not path.exists() and source == "faces":
        return datasets.faces(n=200, n_val=40), None
    if not path.exists() and source == "streets":
        return datasets.streets(n=40, n_val=8), None
    return _images_at(path), path.parent if path.suffix == ".csv" else path


def _say_audit(done: "Audited") -> None:
    for line in done.lines:
        say(line)
    for found in done.findings:
        say(f"{found.outcome.replace('_', ' ')}: {found.sentence}")
    say(f"Page: {done.page}")


def _scan_study(study: "Study", out: Path, data: dict[str, Path]) -> None:
    """Each data set of a study; where the study has been run, also what changed since."""
    from paribus.execute import Place, scans_of
    from paribus.scan import describe

    arms: dict[int, list[str]] = {}
    found = scans_of(study, Place.of(study, out), data)
    for arm, each in found.items():
        arms.setdefault(id(each), []).append(arm)
    for names in arms.values():
        if len(arms) > 1:
            say(f"{', '.join(names)}:")
        for line in describe(found[names[0]]):
            say(line)


def _read(path: Path, plugin: list[str] | None) -> "Study":
    from paribus.study import Study

    return Study.read(path, _plugins(plugin))


def _plugins(given: list[str] | None) -> tuple[str, ...]:
    """The modules that the user named; they may lie in the current folder."""
    if given:
        sys.path.insert(0, str(Path.cwd()))
    return tuple(given or ())


def _holding(study: "Study", out: Path) -> AbstractContextManager[None]:
    from paribus.execute import Place
    from paribus.running import holding

    return holding(Place.of(study, out))


def _open(
    read: "Study",
    out: Path,
    data: list[str] | None,
    weights: list[str] | None,
    sha256: list[str] | None,
    threads: int | None,
) -> "tuple[Bound, Place]":
    from paribus.running import open_study

    bindings, files, hashes = _pairs(data, "--data"), _pairs(weights, "--weights"), _hashes(sha256)
    screen = _screen(read)
    try:
        bound, place = open_study(read, out, screen, bindings, files, threads, hashes)
    finally:
        screen.close()
    _say_remarks(bound)
    return bound, place


def _say_remarks(bound: "Bound") -> None:
    """What the scans left out and what looks odd, before anything is trained."""
    from paribus.scan import remarks

    lines = [line for found in bound.scans.values() for line in remarks(found)]
    for line in dict.fromkeys(lines):  # arms share data sets, and see the same files in other label spaces
        print(line, file=sys.stderr)


def _screen(study: "Study") -> "Screen":
    from paribus.progress import Screen

    return Screen(study.title)


def _run(
    study: "Study",
    bound: "Bound",
    place: "Place",
    max_runs: int | None,
    pictures: str,
    command: str,
    prepared: float | None = None,
    allow_inexact: bool = False,
) -> None:
    from paribus import running

    screen = _screen(study)
    try:
        done = running.run(
            bound,
            place,
            screen,
            max_runs=max_runs,
            prepared=prepared,
            pictures=pictures == "few",
            command=command,
            allow_inexact=allow_inexact,
        )
    finally:
        screen.close()
    _say_answers(done.results.contrasts)
    say(f"Report: {done.page}")
    if done.failed is not None:
        raise done.failed


def _say_answers(rows: Any) -> None:
    for row in rows:
        say(f"{row.question.name}: {row.sentence}")


def _pairs(given: list[str] | None, option: str) -> dict[str, Path]:
    pairs, problems = {}, []
    for text in given or ():
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            problems.append(
                Problem("USAGE", f"{option} {text}: expected NAME=PATH.", fix=f"{option} smiles=/data/smiles.")
            )
        pairs[name] = Path(path)
    if problems:
        raise StudyError(problems)
    return pairs


def _hashes(given: list[str] | None) -> dict[str, str]:
    pairs = {text.partition("=")[0]: text.partition("=")[2].lower() for text in given or ()}
    problems = [
        Problem("USAGE", f"--sha256 {model}={digest}: expected MODEL=HASH, of 64 hexadecimal digits.")
        for model, digest in pairs.items()
        if not model or not re.fullmatch(r"[0-9a-f]{64}", digest)
    ]
    if problems:
        raise StudyError(problems)
    return pairs


def _pictures_choice(value: str) -> None:
    if value not in ("few", "none"):
        raise StudyError([Problem("USAGE", f"--pictures must be few or none, not {value!r}.")])


def _study_folders(folder: Path) -> list[Path]:
    """The folder itself if it holds a report, else the folders in it that do."""
    from paribus.errors import DataError

    markers = ("study.lock.json", COMPARED)
    if any((folder / m).exists() for m in markers):
        return [folder]
    found = sorted({p.parent for m in markers for p in folder.glob(f"*/{m}")}) if folder.is_dir() else []
    if not found:
        fix = "name the folder that `paribus run` or `paribus compare` wrote."
        raise DataError([Problem("NO_STUDY_HERE", "there is no study in it.", str(folder), fix)])
    return found


def _repeatable(study: Path, data: list[str] | None, weights: list[str] | None, plugin: list[str] | None) -> str:
    """The command for a reader with the same data elsewhere: names, no paths of this machine."""
    name = study.name if study.is_absolute() else study.as_posix()
    options = [f"--data {given.partition('=')[0]}=FOLDER" for given in data or ()]
    options += [f"--weights {given.partition('=')[0]}=FILE" for given in weights or ()]
    options += [f"--plugin {module}" for module in plugin or ()]
    return " ".join(["paribus run", name, *options])


def _reproduced(asked: "Asked") -> str:
    """The command for a reader with the same data elsewhere."""
    given = [f"--{name} FOLDER" for name in asked.data] + ["--quick"] * asked.quick
    return " ".join(["paribus reproduce", *given, *([] if asked.seeds is None else [f"--seeds {asked.seeds}"])])


def say(text: str) -> None:
    """One line for the user, with control characters made visible."""
    from paribus.errors import printable

    print(printable(text))


def main() -> None:
    """The entry point: runs a command and turns every error into lines and an exit code."""
    stopping.listen()
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a letter gets its escape
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_exit_code(lambda: app(standalone_mode=False)))


def _exit_code(command: Callable[[], Any]) -> int:
    try:
        command()
    except ParibusError as error:
        return _said(error)
    except stopping.Stopped as stopped:
        print("Stopped. The last committed state is kept: the same command goes on.", file=sys.stderr)
        return stopped.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        from paribus.durable import environment_error

        return _said(environment_error(error, Path(str(error.filename or "."))))
    except Exception as error:
        if is_lack_of_memory(error):
            fix = "take a smaller batch or input."
            return _said(MachineError([Problem("ENV_MEMORY", "there is not enough memory.", fix=fix)]))
        message = getattr(error, "format_message", None)  # a usage error of the command line's library
        return _misused(error, message()) if callable(message) else _crashed(error)
    return 0


def _misused(error: Any, message: str) -> int:
    if message.startswith("Usage:"):  # nothing was asked: the help itself
        print(message, file=sys.stderr)
        return StudyError.exit_code
    context = getattr(error, "ctx", None)
    fix = f"{context.command_path} --help tells what there is." if context is not None else ""
    return _said(StudyError([Problem("USAGE", message, fix=fix)]))


def _said(error: ParibusError) -> int:
    for line in error.lines():
        print(line, file=sys.stderr)
    return error.exit_code


def _crashed(error: Exception) -> int:
    import time

    from paribus import durable

    path = Path(f"crash-{time.strftime('%Y%m%d-%H%M%S')}.txt")
    try:
        durable.write(path, traceback.format_exc().encode(errors="backslashreplace"))
        where = f" The trace is in {path}."
    except MachineError:
        where = ""
    message = f"{type(error).__name__}: {error}. This is a defect of Paribus.{where}"
    return _said(ParibusError([Problem("DEFECT", message)]))


if __name__ == "__main__":
    main()
