"""C6: the power goes, and what was not yet stored is lost, torn or reordered."""

import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import disk
import oracle
import trial_studies
from attempts import conducted
from disk import Entry
from oracle import Reference, Verdict
from outcome import Outcome, Plan

from paribus import prepared, sealed, states, thumbnails
from paribus.errors import IntegrityError
from paribus.store import DONE, Store

STATES, SHORT_STATES = 2000, 150
CONTINUED, SHORT_CONTINUED = 60, 2  # of the states, by the command itself
LOG = "log.pickle"


def c6(plan: Plan) -> Outcome:
    """Power lost at every operation: what was not synced is lost, torn or reordered."""
    draw = random.Random(plan.seed)
    verdicts, names = [], []
    for kind in list(trial_studies.KINDS)[: 1 if plan.short else None]:
        found = lost_power(plan, kind, draw, len(trial_studies.KINDS) if not plan.short else 1)
        names += found[0]
        verdicts += found[1]
    return oracle.outcome("C6", names, verdicts)


def lost_power(
    plan: Plan, kind: str, draw: random.Random, share: int, planted: oracle.Change = oracle.nothing
) -> tuple[list[str], list[Verdict]]:
    """A share of the states of one study: their names, and what became of them."""
    log = next(conducted(plan.jobs, recorded, [plan.scratch / f"{kind}-recorded"], [kind], [planted]))
    moments = _moments(log, (SHORT_STATES if plan.short else STATES) // share, draw)
    verdicts, names = [], []
    for number, (length, mode) in enumerate(moments):
        verdicts.append(_recovered(plan.scratch / f"{kind}-{number}", log[:length], mode, draw))
        names.append(
            f"{kind}, {mode} after {length} of {len(log)} operations ({' '.join(map(str, log[length - 1][:2]))})"
        )
    some = (
        []
        if planted is not oracle.nothing
        else draw.sample(moments, (SHORT_CONTINUED if plan.short else CONTINUED) // share)
    )
    if some:
        expected = oracle.reference(kind, plan.jobs)
        trials = [
            (plan.scratch / f"{kind}-on-{n}", expected, disk.left(disk.after(log[:length]), mode, draw))
            for n, (length, mode) in enumerate(some)
        ]
        verdicts += conducted(plan.jobs, continued, *zip(*trials, strict=True))
        names += [f"{kind}, {mode} after {length} operations, and on" for length, mode in some]
    return names, verdicts


def _moments(log: list[Entry], count: int, draw: random.Random) -> list[tuple[int, str]]:
    """(operations until the power goes, mode), every operation about as often as any other."""
    lengths = (
        [1 + n % len(log) for n in range(count)] if count >= len(log) else draw.sample(range(1, len(log) + 1), count)
    )
    return [(length, list(disk.MODES)[n % len(disk.MODES)]) for n, length in enumerate(lengths)]


# -------------------------------------------------------------------------------------------- what the study has done


def recorded(folder: Path, kind: str, planted: oracle.Change) -> list[Entry]:
    """What a study does to the files below its folder, with marks where it says that something is stored."""
    trial_studies.placed(folder, kind)
    try:
        ended = oracle.attempt(folder, lambda: _record(folder, planted)).wait()
        if ended.code != 0:
            raise RuntimeError(f"the study to be recorded: {ended}")
        return pickle.loads((folder / LOG).read_bytes())
    finally:
        shutil.rmtree(folder)


def _record(folder: Path, planted: oracle.Change) -> None:
    from paribus import durable, running

    oracle.committed_often()
    planted()
    recorder = disk.Recorder(folder)
    real_commit, real_publish, real_run = states.write, durable.publish, running.run

    def commit(partial: Path, committed: states.Committed) -> None:
        real_commit(partial, committed)
        newest = committed.states[0]
        recorder.mark("committed", partial.stem, newest.epoch, newest.batch)

    def publish(partial: Path, final: Path) -> None:
        real_publish(partial, final)
        recorder.mark("published", final.parent.name, final.name)

    def run(*given: Any, **named: Any) -> Any:
        found = real_run(*given, **named)
        log = [entry for entry in recorder.log if not str(entry[1]).endswith("LOCK")]
        with _unrecorded(folder / LOG) as file:
            file.write(pickle.dumps(log))
        return found

    states.write, durable.publish, running.run = commit, publish, run


def _unrecorded(path: Path) -> Any:
    import io

    return io.FileIO(path, "w")


# ----------------------------------------------------------------------------------------------- what is left of it


def _recovered(folder: Path, log: list[Entry], mode: str, draw: random.Random) -> Verdict:
    """Whether a state of the disk is one that the study may find: whole, and no older than what was said."""
    folder.mkdir()
    try:
        disk.build(disk.left(disk.after(log), mode, draw).get("out", {}), folder / "out")
        trouble = _trouble(folder / "out", [entry for entry in log if entry[0] == "mark"])
        return Verdict("cannot_resume", trouble) if trouble else Verdict()
    except IntegrityError as error:
        return Verdict("cannot_resume", "; ".join(error.lines()))
    finally:
        shutil.rmtree(folder)


def _trouble(out: Path, marks: list[Entry]) -> str:
    """What was said to be stored and is not; raises IntegrityError for what cannot be read."""
    store = Store(out / "runs")
    published = {name for _, what, home, *name in marks if what == "published" and home == "runs" for name in name}
    for name in published:
        if not (store.folder(name) / DONE).exists():
            return f"the run {name} was published and is not there"
    for folder in store.root.iterdir() if store.root.exists() else ():
        if "." not in folder.name and folder.is_dir():
            if not (folder / DONE).exists():
                return f"the run {folder.name} has a name and no {DONE}"
            if damaged := store.damage(folder.name):
                raise IntegrityError(damaged)
    committed = {run: (epoch, batch) for _, what, run, *at in marks if what == "committed" for epoch, batch in [at]}
    for run, said in committed.items():
        if not (store.root / run).exists():
            found = _newest(store.partial(run))
            if found < said:
                return f"the run {run} was committed at {said} and goes on from {found}"
    for partial in store.root.glob("*.partial") if store.root.exists() else ():
        if not (store.root / partial.stem).exists():
            _newest(partial)
    _whole(out)
    return ""


def _newest(partial: Path) -> tuple[int, int]:
    """(epoch, batch) from which a run goes on."""
    if not (partial / states.STATE).exists():
        return -1, 0
    state, _ = states.newest(partial, states.read(partial).states)
    return state.epoch, state.batch


def _whole(out: Path) -> None:
    """Everything beside the runs is whole or absent. Raises IntegrityError."""
    for home in (out / "prepared").glob("[!.]*"):
        if (home / "index.json").exists():
            prepared._opened(home)
    for picture in (out / "study" / "pictures").glob("[!.]*.jpg"):
        thumbnails._checked(picture)
    for name in ("study.lock.json", "data.lock.json", "report.json"):
        path = out / "study" / name
        if path.exists():
            try:
                sealed.read(path, name)
            except ValueError as error:
                raise IntegrityError(f"{name} {error}") from None


def continued(folder: Path, expected: Reference, content: dict[str, Any]) -> Verdict:
    """The command itself goes on with what is left."""
    trial_studies.placed(folder, expected.kind)
    try:
        if "out" in content:
            disk.build(content["out"], folder / "out")
        return oracle.goes_on(folder, expected, oracle.committed_often)
    finally:
        shutil.rmtree(folder)
