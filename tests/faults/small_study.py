"""The smallest study of files on disk, driven through the command line of this very process."""

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from paribus import checkpoint, sealed, states, train
from paribus.cli import app, exit_code

STUDY = """\
title: Dots
margin: 0.05
seeds: 2
split: val
baseline:
  data: {use: folder, root: dots}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 16, crop_fraction: 1}
  augment: [horizontal_flip]
  optimizer: {use: adam, lr: 3e-2}
  epochs: 3
  batch_size: 8
arms:
  slow: {optimizer.lr: 1e-5}
"""


class Killed(BaseException):
    """Stands for the end of the process: nothing in the package catches it."""


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def command(*arguments: object) -> Said:
    """What the command line does with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = exit_code(lambda: app([str(a) for a in arguments], standalone_mode=False))
    return Said(code, out.getvalue(), err.getvalue())


def placed(folder: Path, seed: int = 0) -> Path:
    """A study file in `folder`, with noise pictures of two classes beside it, the second brighter."""
    generator = np.random.default_rng(seed)
    for split, count in (("train", 8), ("val", 6)):
        for label, name in enumerate(("dark", "bright")):
            (folder / "dots" / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 150, (20, 20, 3)) + 20 * label
                Image.fromarray(pixels.astype(np.uint8)).save(folder / "dots" / split / name / f"{number}.png")
    path = folder / "study.yaml"
    path.write_text(STUDY)
    return path


def run(study: Path, *more: object) -> Said:
    """`paribus run`, into `out` beside the study."""
    return command("run", study, "--out", study.parent / "out", "--threads", 1, *more)


def stopped(study: Path, before_epoch: int) -> Path:
    """Have the first run of a study end before an epoch, as a kill would end it; the folder of its committed states.

    Every epoch before it is committed: how often that is else done is a matter of the clock.
    """
    real = train.train_step

    def step(training, images, targets, number):
        if training.epoch + 1 == before_epoch:
            raise Killed
        return real(training, images, targets, number)

    always = mock.patch.object(checkpoint.Keeper, "took", property(lambda keeper: 0.0, lambda keeper, seconds: None))
    with always, mock.patch.object(train, "train_step", step), contextlib.suppress(Killed):
        run(study)
    (partial,) = (study.parent / "out" / "runs").glob("*.partial")
    return partial


def told_by(partial: Path) -> dict[str, Any]:
    """What STATE.json of a stopped run says."""
    return sealed.read(partial / states.STATE, f"{partial.stem}/{states.STATE}")


def tell(partial: Path, state: dict[str, Any]) -> None:
    """Have STATE.json say this, as somebody does who knows how its hash is kept."""
    sealed.write(partial / states.STATE, state, f"{partial.stem}/{states.STATE}")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_of(folder)}


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


def restore(folder: Path, before: dict[str, bytes]) -> None:
    """Make the files of a folder what they were."""
    for link in [path for path in folder.rglob("*") if path.is_symlink() or path.is_fifo()]:
        link.unlink()
    for path in files_of(folder):
        if path.relative_to(folder).as_posix() not in before:
            path.unlink()
    for name, content in before.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, so that files with traces of a crash do not lie about."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
