"""C7: files of a study's folder are damaged, and no command may take them for what they were."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import small_study
from outcome import Outcome, Plan

TRIALS, SHORT = 2000, 60
ROWS = "image,target,arm,seed,prediction"


@dataclass(frozen=True)
class Damage:
    """What was done to which files."""

    kind: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Tree:
    """A folder as it should be, a command that reads it, and what that leaves there when nothing is damaged."""

    name: str
    folder: Path
    command: Callable[[], small_study.Said]
    before: dict[str, bytes]
    after: dict[str, bytes]
    trains: bool = False


def c7(plan: Plan) -> Outcome:
    """A bit flipped, an end cut, a block zeroed, two files swapped: in every file of a study's folder."""
    trees = list(_trees(plan.scratch))
    draw, notes, trials = random.Random(plan.seed), [], 0
    wanted = SHORT if plan.short else TRIALS
    with small_study.inside(plan.scratch):
        while trials < wanted:
            tree = trees[trials % len(trees)]
            damage = _damage(tree, draw, trials // len(trees))
            if damage is None:
                continue
            trials += 1
            wrong = _verdict(tree, tree.command(), damage)
            notes += (
                [f"{tree.name}, {damage.kind} of {', '.join(p.name for p in damage.files)}: {wrong}"] if wrong else []
            )
            small_study.restore(tree.folder, tree.before)
    return Outcome("C7", trials, same=trials - len(notes), different=len(notes), notes=tuple(notes))


def _verdict(tree: Tree, said: small_study.Said, damage: Damage) -> str | None:
    """Nothing if the damage was named, or was in no input: then the command leaves what it always leaves."""
    if said.code == 7:
        return None if any(path.name in said.err for path in damage.files) else f"not named: {said.err}"
    if said.code != 0:
        return f"exit {said.code}: {said.err}"
    found = small_study.contents(tree.folder)
    own = {path.relative_to(tree.folder).as_posix() for path in damage.files}
    different = [name for name in {**found, **tree.after} if found.get(name) != tree.after.get(name)]
    silent = [name for name in different if name not in own and not _shows_the_clock(tree, name)]
    return f"exit 0 and other results: {silent}" if silent else None


def _shows_the_clock(tree: Tree, name: str) -> bool:
    """How long training took is in `timing.json`, and from there in the report."""
    return tree.trains and (name.endswith("timing.json") or name.startswith("study/"))


# ------------------------------------------------------------------------------------------------ what is damaged


def _trees(scratch: Path) -> Iterator[Tree]:
    """A finished study under three commands, one that was stopped, and a comparison of tables under two."""
    study = small_study.placed(scratch / "finished")
    out = study.parent / "out"
    small_study.run(study)
    yield _tree("run again", out, lambda: small_study.run(study))
    yield _tree("report", out, lambda: small_study.command("report", out))
    yield _tree("verify", out, lambda: small_study.command("verify", out))
    stopped = small_study.placed(scratch / "stopped")
    small_study.stopped(stopped, before_epoch=3)
    yield _tree("go on", stopped.parent / "out", lambda: small_study.run(stopped, "--max-runs", 1), trains=True)
    table = scratch / "models.csv"
    lines = [f"i{i},{'ab'[i % 2]},{arm},{seed},{'ab'[(i + (i % 7 == k)) % 2]}"
             for k, arm in enumerate(("old", "new")) for seed in range(2) for i in range(30)]  # fmt: skip
    table.write_text("\n".join([ROWS, *lines]) + "\n")
    compared = scratch / "compared"
    small_study.command("compare", table, "--out", compared)
    yield _tree("report of tables", compared, lambda: small_study.command("report", compared))
    yield _tree("verify of tables", compared, lambda: small_study.command("verify", compared))


def _tree(name: str, folder: Path, command: Callable[[], small_study.Said], trains: bool = False) -> Tree:
    before = small_study.contents(folder)
    said = command()
    after = small_study.contents(folder)
    small_study.restore(folder, before)
    if said.code != 0:
        raise RuntimeError(f"{name} does not work undamaged: {said}")
    return Tree(name, folder, command, before, after, trains)


def _damage(tree: Tree, draw: random.Random, turn: int) -> Damage | None:
    """Damage to the file whose turn it is, at a place and of a kind that is drawn; None if nothing changed."""
    names = [name for name, content in tree.before.items() if content]
    path = tree.folder / names[turn % len(names)]
    content, kind = path.read_bytes(), draw.choice(("bit flip", "cut", "zeroed block", "swap"))
    if kind == "swap":
        other = tree.folder / draw.choice(names)
        swapped = other.read_bytes()
        if swapped == content:
            return None
        path.write_bytes(swapped)
        other.write_bytes(content)
        return Damage(kind, (path, other))
    damaged = _DAMAGED[kind](content, draw)
    if damaged == content:
        return None
    path.write_bytes(damaged)
    return Damage(kind, (path,))


def _flipped(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def _zeroed(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    length = min(512, len(content) - at)
    return content[:at] + bytes(length) + content[at + length :]


_DAMAGED = {"bit flip": _flipped, "cut": _cut, "zeroed block": _zeroed}
