"""From the command to the document: every study is bound before any is trained, and the document grows with each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from paribus import auditing as boxes_of
from paribus import durable, running
from paribus.errors import Problem, RunsFailed
from paribus.execute import Bound, Place, Watcher
from paribus.report.page import Pictures
from paribus.reproduce import auditing
from paribus.reproduce import evidence as evidence_of
from paribus.reproduce.answers import crop, training
from paribus.reproduce.auditing import SHEET, sheet
from paribus.reproduce.evidence import Evidence, Told
from paribus.reproduce.html import html
from paribus.reproduce.markdown import markdown
from paribus.reproduce.studies import LOOKS, NAMES, Asked, checked, study
from paribus.reproduce.whole import document
from paribus.study import Study
from paribus.thumbnails import Thumbnails

PAGE, FIGURES = "reproduction", "reproduction-figures"


@dataclass(frozen=True)
class Wanted:
    """How the document is to be made.

    command: that repeats it, without paths of this machine. max_runs: to train of each study now, all where None.
    """

    out: Path
    format: Literal["html", "md"] = "html"
    pictures: bool = True
    command: str = "paribus reproduce"
    threads: int | None = None
    weights: Mapping[str, Path] | None = None
    max_runs: int | None = None


@dataclass(frozen=True)
class Opened:
    """A study with its data and its place."""

    bound: Bound
    place: Place
    watcher: Watcher


def conduct(asked: Asked, wanted: Wanted, watch: Callable[[Study], Watcher]) -> Path:
    """Train what is missing, study by study, and write the document after each; gives its path.

    watch: a watcher for each study. Raises StudyError, DataError, MachineError, IntegrityError and LockedError before
    anything is trained, and RunsFailed after the document is written.
    """
    found, failures = Evidence(), list[Problem]()
    for name, each in _opened(asked, wanted, watch).items():
        with running.holding(each.place):
            told, failed = _run(asked, wanted, name, each)
            failures += failed
            found = found.having(name, told)
            audited = name == LOOKS or (name == "training" and _boxed(each.bound))
            if audited and not any(told.report["missing"].values()):
                audits = auditing.audits(each.bound, each.place, told.name, quick=asked.quick, elsewhere=name == LOOKS)
                found = replace(found, audits=audits)
            path = write(found, wanted)
    if failures:
        raise RunsFailed(failures)
    return path


def _opened(asked: Asked, wanted: Wanted, watch: Callable[[Study], Watcher]) -> dict[str, Opened]:
    """The studies in the order in which they run; that of the audits where the given faces have no boxes."""
    splits = checked(asked)
    durable.make_folder(wanted.out)
    opened: dict[str, Opened] = {}
    for name in NAMES:
        opened[name] = _open(study(asked, name, wanted.out, splits), asked, wanted, watch)
        if name == "training":
            bound = opened[name].bound
            scans = boxes_of.with_boxes(bound.study, bound.scans, asked.data)
            opened[name] = replace(opened[name], bound=replace(bound, scans=scans))
            if not _boxed(opened[name].bound):
                opened[LOOKS] = _open(study(asked, LOOKS, wanted.out), asked, wanted, watch)
    return opened


def _open(read: Study, asked: Asked, wanted: Wanted, watch: Callable[[Study], Watcher]) -> Opened:
    watcher = watch(read)
    bound, place = running.open_study(read, wanted.out, watcher, asked.data, wanted.weights, wanted.threads)
    return Opened(bound, place, watcher)


def _boxed(bound: Bound) -> bool:
    return any(item.box for item in bound.scans["baseline"].images.items)


def _run(asked: Asked, wanted: Wanted, name: str, opened: Opened) -> tuple[Told, list[Problem]]:
    command = _command(asked, name)
    done = running.run(
        opened.bound,
        opened.place,
        opened.watcher,
        max_runs=wanted.max_runs,
        pictures=wanted.pictures,
        command=command,
    )
    ranked, pair = (training.ORDER, crop.DISAGREE) if name == "training" else ((), ())
    told = evidence_of.told(opened.place.folder.name, done.results, ranked, pair)
    return told, list(done.failed.problems) if done.failed else []


def write(found: Evidence, wanted: Wanted) -> Path:
    """The document of the studies that are there."""
    made = document(found, wanted.command, {each.name: f"{each.name}/report.html" for each in found.studies.values()})
    shown = {each.name: _pictures(each, wanted.out) for each in found.studies.values()} if wanted.pictures else {}
    path = wanted.out / f"{PAGE}.{wanted.format}"
    if wanted.format == "html":
        durable.write(path, html(made, shown).encode("utf-8", "backslashreplace"))
        return path
    text, files = markdown(made, FIGURES, shown)
    durable.make_folder(wanted.out / FIGURES)
    for name, content in files.items():
        durable.write(wanted.out / name, content)
    durable.write(path, text.encode("utf-8", "backslashreplace"))
    return path


def _pictures(told: Told, out: Path) -> Pictures:
    """The pictures of a study's report, and the sheets of its audits."""
    folder = out / told.name
    kept = Thumbnails(folder / "pictures")

    def picture(name: str) -> bytes | None:
        return sheet(folder / name) if name.endswith(SHEET) else kept(name)

    return picture


def _command(asked: Asked, name: str) -> str:
    """What repeats one study alone."""
    given = [f"--data {data}=FOLDER" for data in asked.data if not asked.drawn(name)]
    return " ".join([f"paribus run {asked.stem(name)}.yaml", *given])
