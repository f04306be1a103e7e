"""What runs occupy, and freeing it. Nothing that a study's report needs is removed."""

from collections.abc import Iterator
from pathlib import Path

from paribus import durable
from paribus.collect import read_lock
from paribus.errors import DataError, Problem
from paribus.locks import lock
from paribus.prepared import PREPARED, maps
from paribus.store import WEIGHTS, Store


def survey(out: Path) -> Iterator[str]:
    """One line a study, then the runs and the room they take."""
    runs = _runs(out)
    needed = _needed(out)
    for folder, ids in needed.items():
        done, later = sum(i in runs for i in ids), _not_chosen(out / folder)
        then = f"; then {later} arms to score with what is chosen" if later else ""
        yield f"{folder}: {done} of {len(ids)} runs finished{then}"
    unfinished = Store(out / "runs").unfinished()
    sizes = {name: _size(path) for name, path in runs.items()}
    weights = sum((path / n).stat().st_size for path in runs.values() for n in WEIGHTS if (path / n).exists())
    orphans = [name for name in runs if not any(name in ids for ids in needed.values())]
    yield f"{len(runs)} finished runs: {_mib(sum(sizes.values()))}, of which weights {_mib(weights)}"
    yield f"{len(unfinished)} unfinished: {_mib(sum(map(_size, unfinished)))}"
    yield f"decoded images: {_mib(sum(map(_size, maps(out / PREPARED))))} (made again when needed)"
    yield f"{len(orphans)} needed by no study here: {_mib(sum(sizes[name] for name in orphans))}"


def clean(out: Path, *, weights: bool, remove: bool) -> Iterator[str]:
    """Remove unfinished runs, runs that no study here needs, decoded images and, with `weights`, trained weights.

    Without `remove` it only says what would go.

    Raises LockedError (exit 5) while a study is being run in `out`.
    """
    runs = _runs(out)
    with lock(out / "runs"):
        needed = {name for ids in _needed(out).values() for name in ids}
        doomed = Store(out / "runs").unfinished()
        doomed += [path for name, path in runs.items() if name not in needed]
        doomed += maps(out / PREPARED)
        freed = 0
        for path in doomed:
            freed += _size(path)
            yield f"{'removed' if remove else 'would remove'} {path.relative_to(out)} ({_mib(_size(path))})"
            if remove:
                durable.remove(path)
        if weights:
            files = [path / n for path in runs.values() if path not in doomed for n in WEIGHTS if (path / n).exists()]
            freed += sum(f.stat().st_size for f in files)
            yield f"{'removed' if remove else 'would remove'} the weights of {len(files) // 2} runs"
            for file in files if remove else ():
                durable.unlink(file)
    yield f"{_mib(freed)} {'freed' if remove else 'to free; give --yes to remove'}"


def _runs(out: Path) -> dict[str, Path]:
    if not (out / "runs").is_dir():
        raise DataError([Problem("NO_STUDY_HERE", "there are no runs in it.", str(out), "name the --out folder.")])
    return Store(out / "runs").finished()


def _needed(out: Path) -> dict[str, list[str]]:
    """Study -> the ids of its runs: those that are scored, and those that chose what is."""
    found = {}
    for path in sorted(out.glob("*/study.lock.json")):
        arms = read_lock(path.parent)["arms"]
        tried = [each["runs"] for arm in arms for each in (arm.get("tuning") or {}).get("candidates", ())]
        found[path.parent.name] = sorted({run for runs in [*tried, *(arm["runs"] for arm in arms)] for run in runs})
    return found


def _not_chosen(folder: Path) -> int:
    """How many arms of a study wait for their tuning runs."""
    arms = read_lock(folder)["arms"]
    return sum(bool(arm.get("tuning")) and not arm["tuning"]["chosen"] for arm in arms)


def _size(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
