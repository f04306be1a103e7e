"""C3: defects of storing and of going on are planted, and the other campaigns must notice each."""

import random
from collections.abc import Callable
from pathlib import Path

import contending
import killing
import oracle
import power_loss
from attempts import conducted
from oracle import Change, Verdict
from outcome import Outcome, Plan

KILLS, SHORT_KILLS = 30, 6  # trials until a defect counts as not noticed


def c3(plan: Plan) -> Outcome:
    """Defects planted on purpose: a trial is one defect, and "same" are those that the campaigns noticed."""
    draw = random.Random(plan.seed)
    names = list(PLANTED)[: 2 if plan.short else None]
    verdicts = []
    for name in names:
        found = PLANTED[name](plan, draw, name.replace(" ", "-"))
        noticed = any(each.trouble for each in found)
        kills = sum(each.kills for each in found)
        verdicts.append(Verdict("" if noticed else "different", "was not noticed", kills))
    return oracle.outcome("C3", names, verdicts)


def _by_kills(planted: Change, where: str) -> Callable[[Plan, random.Random, str], list[Verdict]]:
    """Killed before steps that begin or end like `where`, until it shows."""

    def search(plan: Plan, draw: random.Random, name: str) -> list[Verdict]:
        expected = oracle.reference("classes", plan.jobs, planted)
        kind, _, end = where.partition(" ")
        steps = [n for n, step in enumerate(expected.steps, 1) if step.startswith(kind) and step.endswith(end)]
        most = min(len(steps), SHORT_KILLS if plan.short else KILLS)
        found: list[Verdict] = []
        for step in draw.sample(steps, most):
            trial = (plan.scratch / f"{name}-{step}", expected, step, None, planted)
            found += conducted(plan.jobs, killing.killed_at, *zip(trial, strict=True))
            if found[-1].trouble:
                break
        return found

    return search


def _by_power(planted: Change) -> Callable[[Plan, random.Random, str], list[Verdict]]:
    def search(plan: Plan, draw: random.Random, name: str) -> list[Verdict]:
        few = Plan(plan.scratch, short=True, seed=plan.seed, jobs=plan.jobs)
        return power_loss.lost_power(few, "classes", draw, 1, planted)[1]

    return search


def _by_contention(planted: Change) -> Callable[[Plan, random.Random, str], list[Verdict]]:
    def search(plan: Plan, draw: random.Random, name: str) -> list[Verdict]:
        trial = (plan.scratch / name, oracle.reference("classes", plan.jobs), 2, 0.5, True, planted)
        return list(conducted(plan.jobs, contending.contended, *zip(trial, strict=True)))

    return search


# ------------------------------------------------------------------------------------------------------- the defects


def written_in_place() -> None:
    """No temporary file and no renaming."""
    from paribus import durable

    def write(path: Path, content: bytes) -> None:
        durable.step("create", path)
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            durable.step("half", path)
            file.write(content[len(content) // 2 :])

    durable.write = write


def one_stream_of_the_process() -> None:
    """What is drawn for an image depends on how much this process has drawn, as with a global generator."""
    import torch

    from paribus import views

    made: list[torch.Generator] = []

    def generator(seed: int, *purpose: str | int) -> torch.Generator:
        if not made:
            made.append(torch.Generator().manual_seed(seed))
        return made[0]

    views.generator = generator


def optimizer_forgotten() -> None:
    """The moments of the optimizer are stored and not taken up again."""
    from paribus import checkpoint

    checkpoint._load_optimizer = lambda training, tensors: None


def log_appended_to() -> None:
    """A log with a line for each epoch: those that are trained again are in it twice."""
    from paribus.checkpoint import Keeper

    real = Keeper.epoch

    def epoch(keeper, training, scores, seconds):
        with (keeper.partial.parent / "log.csv").open("a") as file:
            file.write(f"{training.run.seed},{training.epoch}\n")
        real(keeper, training, scores, seconds)

    Keeper.epoch = epoch


def named_before_it_is_there() -> None:
    """STATE.json names files that are written after it."""
    from paribus import checkpoint, durable

    put, sync, write = durable.put, durable.sync, checkpoint.states.write
    late: list[tuple[Path, bytes]] = []

    def later(path: Path, content: bytes) -> None:
        if path.parent.suffix == ".partial" and path.suffix == ".safetensors":
            late.append((path, content))
        else:
            put(path, content)

    def write_first(partial, committed):
        write(partial, committed)
        for path, content in late:
            put(path, content)
        late.clear()

    durable.put, checkpoint.states.write = later, write_first
    durable.sync = lambda *paths: sync(*(path for path in paths if path.exists()))


def nothing_swept() -> None:
    """What killed processes left half made stays."""
    from paribus import running
    from paribus.store import Store

    Store.tidy = lambda store: None
    running.tidy_prepared = lambda home: None


def nothing_synced() -> None:
    """No file and no folder is ever synced."""
    from paribus import durable

    durable._fsync = lambda path: durable.step("fsync", path)


def only_files_synced() -> None:
    """Files are synced, folders are not."""
    from paribus import durable

    real = durable._fsync
    durable._fsync = lambda path: None if path.is_dir() else real(path)


def nothing_locked() -> None:
    """The lock is a file and no lock."""
    from paribus import locks

    locks.fcntl.flock = lambda file, how: None


PLANTED = {
    "written in place": _by_kills(written_in_place, "half STATE.json"),
    "one stream of the process": _by_kills(one_stream_of_the_process, "rename STATE.json"),
    "optimizer forgotten": _by_kills(optimizer_forgotten, "rename STATE.json"),
    "log appended to": _by_kills(log_appended_to, "fsync .safetensors"),
    "named before it is there": _by_kills(named_before_it_is_there, "create .safetensors"),
    "nothing swept": _by_kills(nothing_swept, "rmtree .removed"),
    "nothing synced": _by_power(nothing_synced),
    "only files synced": _by_power(only_files_synced),
    "nothing locked": _by_contention(nothing_locked),
}
