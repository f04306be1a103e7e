"""C15: one field of a run's identity changes before it goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import small_study
from outcome import Outcome, Plan
from PIL import Image


def c15(plan: Plan) -> Outcome:
    """One field of the identity changed before a run goes on: refused, or not the same run."""
    study = small_study.placed(plan.scratch)
    with small_study.inside(plan.scratch):
        partial = small_study.stopped(study, before_epoch=3)
        before = small_study.contents(plan.scratch)
        notes = []
        trials = _trials(partial, plan.short)
        for name, trial in trials.items():
            small_study.restore(plan.scratch, before)
            wrong = trial(study, partial)
            notes += [f"{name}: {wrong}"] if wrong else []
    good = len(trials) - len(notes)
    return Outcome("C15", len(trials), same=good, different=len(notes), notes=tuple(notes))


Trial = Callable[[Path, Path], str | None]  # study, partial run -> what was wrong, if anything was


def _trials(partial: Path, short: bool) -> dict[str, Trial]:
    """Every field of the environment (short: one stands for all), and what is no field of it."""
    environment = dict(list(_flat(small_study.told_by(partial)["environment"]).items())[: 1 if short else None])
    trials: dict[str, Trial] = {"threads given": _threads, "two fields": _two_fields}
    trials |= {name: _field(name, environment[name]) for name in environment}
    trials |= {"data": _data, "batch size": _batch_size, "inexact": _inexact, "finished elsewhere": _finished_elsewhere}
    return trials


def _flat(value: dict) -> dict[str, object]:
    nested = {f"{k}.{i}": v for k, inner in value.items() if isinstance(inner, dict) for i, v in inner.items()}
    return {k: v for k, v in value.items() if not isinstance(v, dict)} | nested


def _begun_elsewhere(partial: Path, **fields: object) -> None:
    """Have the run begun where the fields (`versions.torch` with two underscores) had other values."""
    state = small_study.told_by(partial)
    for name, value in fields.items():
        home, _, inner = name.rpartition("__")
        (state["environment"][home] if home else state["environment"])[inner] = value
    small_study.tell(partial, state)


def _refused(study: Path, partial: Path, words: tuple[str, ...], *options: object) -> str | None:
    """Nothing if going on is refused with all these words, and changes no file."""
    before = small_study.contents(partial)
    said = small_study.run(study, *options)
    missing = [each for each in ("RESUME_IDENTITY", partial.name, "rm -r ", *words) if each not in said.err]
    if said.code != 7 or missing:
        return f"exit {said.code}, lacks {missing}: {said.err}"
    return None if small_study.contents(partial) == before else "the state was changed"


def _field(name: str, now: object) -> Trial:
    def trial(study: Path, partial: Path) -> str | None:
        then = now + 1 if isinstance(now, int) else f"{now}.dev1"
        _begun_elsewhere(partial, **{name.replace(".", "__"): then})
        return _refused(study, partial, (f"{name}: {then} -> {now}",))

    return trial


def _two_fields(study: Path, partial: Path) -> str | None:
    _begun_elsewhere(partial, threads=7, versions__torch="2.0.0", machine="arm64")
    return _refused(study, partial, ("threads: 7 -> ", "versions.torch: 2.0.0 -> ", "machine: arm64 -> "))


def _threads(study: Path, partial: Path) -> str | None:
    return _refused(study, partial, ("threads: 1 -> 2",), "--threads", 2)


def _data(study: Path, partial: Path) -> str | None:
    image = next((study.parent / "dots" / "train" / "dark").iterdir())
    Image.new("RGB", (20, 20), "red").save(image)
    before = small_study.contents(partial)
    said = small_study.run(study)
    if said.code != 7 or "DATA_CHANGED" not in said.err or image.name not in said.err:
        return f"exit {said.code}: {said.err}"
    return None if small_study.contents(partial) == before else "the state was changed"


def _batch_size(study: Path, partial: Path) -> str | None:
    """What belongs to the id makes another run: it begins anew and does not touch this one."""
    study.write_text(small_study.STUDY.replace("batch_size: 8", "batch_size: 4"))
    before = small_study.contents(partial)
    said = small_study.run(study, "--max-runs", 1)
    if said.code != 0 or small_study.contents(partial) != before:
        return f"exit {said.code}, or the other run's state was changed: {said.err}"
    return None


def _inexact(study: Path, partial: Path) -> str | None:
    _begun_elsewhere(partial, threads=7)
    said = small_study.run(study, "--allow-inexact")
    report = json.loads((study.parent / "out" / "study" / "report.json").read_bytes())
    finding = next(f for f in report["findings"] if f["code"] == "EXACT")
    exact = [run["exact"] for arm in report["arms"] for run in arm["runs"]]
    if said.code != 0 or exact.count(False) != 1 or finding["outcome"] != "issue":
        return f"exit {said.code}, exact: {exact}: {said.err}"
    return None if "threads 7 -> 1" in finding["sentence"] else finding["sentence"]


def _finished_elsewhere(study: Path, partial: Path) -> str | None:
    """A finished run of another environment is used, and the report says that there are two."""
    first = small_study.run(study, "--max-runs", 1)
    second = small_study.run(study, "--threads", 2)
    report = json.loads((study.parent / "out" / "study" / "report.json").read_bytes())
    finding = next(f for f in report["findings"] if f["code"] == "ENVIRONMENTS")
    good = (first.code, second.code) == (0, 0) and finding["outcome"] == "issue" and "1 are there" in second.err
    return None if good else f"{first}, {second}, {finding}"
