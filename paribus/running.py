"""A study from its file to its report: bind the data, train what is missing, collect, render."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from paribus import durable, maskpictures, memory, sealed
from paribus.collect import collect, lock
from paribus.devices import CPU
from paribus.errors import DataError, IntegrityError, MachineError, RunsFailed
from paribus.execute import STUDY_LOCK, Bound, Place, Watcher, Where, bind, data_lock, execute
from paribus.jobs import here
from paribus.locks import lock as lock_of
from paribus.prepared import LIMIT, PREPARED
from paribus.prepared import tidy as tidy_prepared
from paribus.report import pictures_of_masks, render
from paribus.results import Results
from paribus.study import Study
from paribus.thumbnails import Thumbnails

FINDINGS = "findings.jsonl"  # what was found of the last command: every file left out, every warning, every failure


@dataclass(frozen=True)
class Outcome:
    """What a study left behind. failed: the runs that could not be trained, if any; the others are complete."""

    results: Results
    page: Path
    failed: RunsFailed | None = None


@contextmanager
def holding(place: Place) -> Iterator[None]:
    """The only writer of the study's folder and of the runs beside it, which can be written and hold no leftovers.

    Folders that are still empty in the end are removed again; why data were refused is left in FINDINGS. Raises
    LockedError (exit 5) at once if another process is there, MachineError (exit 6) if what is written there would not
    last, IntegrityError (exit 7) if it would be written elsewhere.
    """
    folders = (place.folder, place.store.root, place.store.root.parent)
    new = [folder for folder in folders if not folder.exists()]
    try:
        with lock_of(place.store.root), lock_of(place.folder):
            for folder in (place.store.root, place.folder):
                durable.refuse_links(folder)
            for folder in (place.store.root, place.folder):
                durable.probe(folder)
                durable.sweep(folder)
            place.store.tidy()
            tidy_prepared(place.store.root.parent / PREPARED)
            try:
                yield
            except (DataError, IntegrityError) as error:
                with suppress(MachineError):  # it is said in any case
                    _write_findings(place, [problem.record() for problem in error.problems])
                raise
    finally:
        for folder in new:
            with suppress(OSError):
                folder.rmdir()


def open_study(
    study: Study,
    out: Path,
    watcher: Watcher,
    data: Mapping[str, Path] | None = None,
    weight_files: Mapping[str, Path] | None = None,
    threads: int | None = None,
    hashes: Mapping[str, str] | None = None,
) -> tuple[Bound, Place]:
    """The study with its data scanned and its weights found.

    Sets torch's threads (default: the physical cores) and has the process keep the memory that it frees. Writes
    nothing. Raises DataError, MachineError and IntegrityError.
    """
    import torch

    from paribus.environment import physical_cores

    place = Place.of(study, out)
    bound = bind(study, place, data, weight_files, watcher, hashes)
    torch.set_num_threads(threads or physical_cores())
    memory.keep_freed()
    return bound, place


def run(
    bound: Bound,
    place: Place,
    watcher: Watcher,
    *,
    max_runs: int | None = None,
    prepared: float | None = None,
    pictures: bool = True,
    command: str | None = None,
    allow_inexact: bool = False,
    where: Where = here,
    device: str = CPU,
) -> Outcome:
    """Train every run that is missing and write locks, report and tables into the study's folder.

    Only within `holding(place)`. prepared: GiB of decoded images that may be kept on disk, LIMIT if not given.
    allow_inexact: runs that were begun in another environment go on, and are marked for ever. where: runs are trained.
    device: on which networks compute, see `paribus.devices.chosen`.
    """
    durable.make_folder(place.folder)
    for name, each in {data_lock(bound.study, arm): each for arm, each in bound.scans.items()}.items():
        sealed.write(place.folder / name, each.lock(), name)

    def write_lock(known: Bound) -> None:
        sealed.write(place.folder / STUDY_LOCK, lock(known, command), STUDY_LOCK)

    write_lock(bound)
    records = [record for found in bound.scans.values() for record in found.records()]
    _write_findings(place, records)
    failed = None
    try:
        limit = LIMIT if prepared is None else prepared
        execute(bound, place, watcher, max_runs, limit, allow_inexact, write_lock, where, device)
    except RunsFailed as error:
        failed = error
        _write_findings(place, records + [problem.record() for problem in failed.problems])
    results = collect(place.folder, plugins=bound.study.plugins)
    shown = _pictures(bound, place, results) if pictures else None
    return Outcome(results, render(results, place.folder, shown), failed)


def _write_findings(place: Place, records: list[dict[str, str]]) -> None:
    """A line for each problem; arms that share their data find the same."""
    lines = dict.fromkeys(json.dumps(record, ensure_ascii=False) for record in records)
    durable.make_folder(place.folder)
    durable.write(place.folder / FINDINGS, "".join(f"{line}\n" for line in lines).encode())


def _pictures(bound: Bound, place: Place, results: Results) -> Thumbnails:
    """The pictures of the report: small copies made when asked for, of masks all that is shown."""
    folder, images = place.folder / "pictures", bound.scans["baseline"].images
    chosen = pictures_of_masks(results)
    if images.masks is not None and chosen is not None:
        maskpictures.draw(chosen, folder, bound, place.store)
    by_id = {item.id: item for item in images.items}
    return Thumbnails(folder, lambda name: images.load(by_id[name]) if name in by_id else None)
