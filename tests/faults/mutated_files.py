"""C8: images and masks with altered bytes, looked at as the scan looks at them, and data sets of them."""

import contextlib
import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import altered_bytes as altered
from outcome import Outcome, Plan
from untouched import files_of

from paribus.cli import app, exit_code
from paribus.errors import printable
from paribus.images import ImageProblem
from paribus.labels import Space
from paribus.maskfile import coding
from paribus.scan.reading import Files
from paribus.scan.sandbox import Limits, Sandbox

LIMITS = Limits(memory=1 << 30, seconds=2.0)
CODING = coding(Space(("a", "b", "c"), ((0, 0, 0), (255, 0, 0), (0, 255, 0))), void=(255,))
FILES, FILES_SHORT, TOGETHER = 20_000, 500, 500  # TOGETHER: on disk at a time
SETS, SETS_SHORT, CLEAN = 40, 2, 60  # CLEAN: good images in a set
CONTAINED = {"IMG_DECODER_CRASH", "IMG_DECODER_TIMEOUT", "IMG_MEMORY"}  # named, and one file each: told in the notes
NAMED = {  # what may be said of a regular file; anything else is a defect
    *("used", "IMG_EMPTY_FILE", "IMG_NOT_AN_IMAGE", "IMG_FORMAT_NOT_ALLOWED", "IMG_TRUNCATED", "IMG_UNREADABLE"),
    *("IMG_BOMB", "IMG_ASPECT", "IMG_TOO_SMALL", "IMG_MODE_UNSUPPORTED"),
    *("SEG_MASK_LOSSY", "SEG_MASK_MULTIFRAME", "SEG_MASK_CHANNELS", "SEG_MASK_COLOUR", "SEG_MASK_FLOAT"),
    *("SEG_MASK_0_255", "SEG_VALUE_RANGE", "SEG_EXIF", "SEG_SIZE_MISMATCH"),
}
STUDY = """
title: Altered
seeds: 1
baseline:
  data: {use: folder, root: altered}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 16}
  epochs: 1
  batch_size: 16
"""


@dataclass(frozen=True)
class Trial:
    """One altered file, in the place of an image or of a mask."""

    name: str
    content: bytes
    mask: bool


def c8(plan: Plan) -> Outcome:
    """Images and masks with altered bytes: each is used or named, within 2 s and 1 GiB"""
    generator = random.Random(plan.seed)
    codes, faults = _files(plan, generator, FILES_SHORT if plan.short else FILES)
    sets = SETS_SHORT if plan.short else SETS
    for number in range(sets):
        faults += [f"set {number}: {fault}" for fault in _of_set(plan.scratch / f"set-{number}", generator)]
    told = ", ".join(f"{code} {count}" for code, count in codes.most_common())
    trials = codes.total() + sets
    return Outcome(
        "C8", trials, same=max(0, trials - len(faults)), different=len(faults), notes=(*faults[:20], f"files: {told}")
    )


# ---------------------------------------------------------------------------------------------- file by file


def _files(plan: Plan, generator: random.Random, count: int) -> tuple[Counter[str], list[str]]:
    """(what was said, and how often; what should not have been)"""
    codes: Counter[str] = Counter()
    faults = []
    home, good = plan.scratch / "files", plan.scratch / "good.png"
    home.mkdir()
    good.write_bytes(altered.encoded(altered.picture(0), "PNG"))
    with ThreadPoolExecutor(plan.jobs) as pool, Sandbox(CODING, LIMITS) as sandbox:
        for trials in _batches(generator, count):
            files = [_put(home, trial, good) for trial in trials]
            before = files_of(home)
            for trial, said in zip(trials, pool.map(lambda each: _said(sandbox, each), files), strict=True):
                codes[said] += 1
                faults += [f"{trial.name}: {said}"] * (said not in NAMED | CONTAINED)
            faults += ["a source changed"] * (files_of(home) != before)
            first, again = (_said(sandbox, files[0]) for _ in range(2))
            faults += [f"{files[0].name}: first {first}, then {again}"] * (first != again)
            for each in home.iterdir():
                each.unlink()
    return codes, faults


def _batches(generator: random.Random, count: int) -> Iterator[list[Trial]]:
    images = [(*each, False) for each in altered.images()]
    masks = [(*each, True) for each in altered.masks()]
    sources = images + masks * (len(images) // (2 * len(masks)))  # every third
    for start in range(0, count, TOGETHER):
        yield [_trial(number, sources, generator) for number in range(start, min(start + TOGETHER, count))]


def _trial(number: int, sources: list[tuple[str, bytes, bool]], generator: random.Random) -> Trial:
    (ending, content, mask), (_, other, _) = generator.choice(sources), generator.choice(sources)
    return Trial(f"{number:05d}.{ending}", altered.altered(content, other, generator), mask)


def _put(home: Path, trial: Trial, good: Path) -> Files:
    path = home / trial.name
    path.write_bytes(trial.content)
    return Files(trial.name, good, trial.name, path) if trial.mask else Files(trial.name, path)


def _said(sandbox: Sandbox, files: Files) -> str:
    try:
        sandbox.look(files)
    except ImageProblem as error:
        return error.problem.code if error.problem.where == files.name else "another file was named"
    return "used"


# ---------------------------------------------------------------------------------------------- whole sets


def _of_set(home: Path, generator: random.Random) -> list[str]:
    """What went wrong with a data set of good and altered images, through the command line."""
    root, names = home / "set", []
    for number in range(CLEAN):
        folder = root / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:03d}.png").write_bytes(altered.encoded(altered.picture(100 + number), "PNG"))
    sources = [(*each, False) for each in altered.images()]
    for number in range(generator.choice((1, 2, 3, 12))):
        trial = _trial(number, sources, generator)
        names.append(f"{'ab'[number % 2]}/altered-{trial.name}")
        (root / names[-1]).write_bytes(trial.content)
    (home / "study.yaml").write_text(STUDY)
    before, said = files_of(root), io.StringIO()
    command = ["run", home / "study.yaml", "--out", home / "out", "--data", f"altered={root}", "--threads", 1]
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        code = exit_code(lambda: app([*map(str, command), "--pictures", "none"], standalone_mode=False))
    found = [f"exit {code}: {said.getvalue()}"] * (code not in (0, 3))
    found += ["a source changed"] * (files_of(root) != before)
    found += ["a run was begun"] * (code == 3 and any((home / "out").glob("runs/*")))
    found += [f"{name} is nowhere" for name in names if name not in _known(home / "out/study", root, names, code)]
    return found + ["control characters"] * any(printable(line) != line for line in said.getvalue().splitlines())


def _known(folder: Path, root: Path, names: list[str], code: int) -> set[str]:
    """The files that are used or named; of a set that is refused as a whole, those that could have been used."""
    named = {json.loads(line)["path"] for line in (folder / "findings.jsonl").read_text("utf-8").splitlines()}
    if code == 0:
        return named | {row["path"] for row in json.loads((folder / "data.lock.json").read_bytes())["files"]}
    with Sandbox(CODING, LIMITS) as sandbox:
        return named | {name for name in names if _said(sandbox, Files(name, root / name)) == "used"}
