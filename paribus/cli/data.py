"""Commands that look at images: data scan, crops, attribution."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paribus.cli.opening import (
    bindings_of,
    holding,
    opened,
    read_study,
    say,
)
from paribus.cli.options import (
    OUT,
    BoxesOption,
    Data,
    Out,
    Plugins,
    StudyFile,
    Threads,
    WeightFiles,
)

if TYPE_CHECKING:
    from paribus.auditing import Audited
    from paribus.datasets import ImageSet
    from paribus.study import Study


def scan(
    path: Annotated[
        Path,
        typer.Argument(
            help="A folder of labelled images, of images and masks, VOC, Cityscapes, CamVid, a CSV, or a study file."
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
        read = read_study(path, plugin)
        _scan_study(read, out, bindings_of(read, data))
        return
    for line in describe(look(images_at(path))):
        say(line)


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
    from paribus import auditing, durable
    from paribus.boxes import found_in
    from paribus.locks import lock
    from paribus.scan import scan as look

    if source.endswith((".yaml", ".yml")):
        from paribus.execute import Place, scans_of

        read = read_study(Path(source), plugin)
        recipes, place, bindings = auditing.of_arms(read, arm), Place.of(read, out), bindings_of(read, data)
        with holding(read, out):
            scans = auditing.with_boxes(read, scans_of(read, place, bindings), bindings, boxes)
            done = auditing.audit_crops(recipes, scans, place.folder, read.title, seed)
    else:
        images, root = drawn_or_at(source)
        found = found_in(look(images), root, boxes)
        shorter = min(min(facts.width, facts.height) for facts in found.facts.values())
        recipes, name = auditing.usual_arms(found.images, shorter), Path(source).resolve().name
        folder = out / auditing.file_name(f"crops-{name}")
        with lock(folder):
            durable.refuse_links(folder)
            done = auditing.audit_crops(recipes, dict.fromkeys(recipes, found), folder, name, seed)
    _say_audit(done)


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

    read = read_study(study, plugin)
    with holding(read, out):
        bound, place = opened(read, out, data, weights, None, threads)
        bound = replace(bound, scans=auditing.with_boxes(read, bound.scans, bindings_of(read, data), boxes))
        done = auditing.audit_attribution(bound, place, images=images, steps=steps, seed=seed)
    _say_audit(done)


def images_at(path: Path) -> "ImageSet":
    """The images of a folder or manifest; what is taken for masks without being declared is said."""
    from paribus.drafting import seen_at

    found = seen_at(path)
    for line in (*found.lines, *found.advice, *found.doubts):
        say(line)
    return found.images


def drawn_or_at(source: str) -> "tuple[ImageSet, Path | None]":
    """The images that `source` names, a path or a kind of drawn ones, and the folder they are in."""
    from paribus import datasets

    path = Path(source)
    if not path.exists() and source == "faces":
        return datasets.faces(n=200, n_val=40), None
    if not path.exists() and source == "streets":
        return datasets.streets(n=40, n_val=8), None
    return images_at(path), path.parent if path.suffix == ".csv" else path


def _say_audit(done: "Audited") -> None:
    for line in done.lines:
        say(line)
    for found in done.findings:
        say(f"{found.outcome.replace('_', ' ')}: {found.sentence}")
    say(f"Page: {done.page}")
