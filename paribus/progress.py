"""What is happening, on one screen: study, run, epoch, time left. Plain lines when the output is not a terminal."""

import sys
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.text import Text

from paribus.contrasts import Contrast
from paribus.errors import Problem, printable
from paribus.predictions import RunRecord
from paribus.runs import Run
from paribus.tuning import shown
from paribus.tuning.choice import Tuned


@dataclass
class Screen:
    """A watcher of `paribus.execute`. On a terminal two lines are redrawn; elsewhere each finished run is a line."""

    title: str
    console: Console = field(default_factory=lambda: Console(file=sys.stderr, highlight=False, markup=False))
    missing: int = 0
    done: int = 0
    began: float = 0.0
    run_began: float = 0.0
    run_seconds: dict[str, list[float]] = field(default_factory=dict)
    live: Live | None = None

    def scanning(self, done: int, total: int) -> None:
        """Images looked at so far."""
        if done == total:
            self._say(f"{total} images looked at")
        elif done % 50 == 0:
            self._show(f"{printable(self.title)}: looking at the images, {done} of {total}")

    def tuning(self, missing: int, finished: int) -> None:
        """Tuning runs to train before any that is scored, and those that are there already."""
        self._begin(missing)
        already = f", {finished} are there already" if finished else ""
        if missing:
            self._say(f"tuning: {_runs(missing)} to train before those that are scored{already}")

    def tuned(self, arm: str, found: Tuned) -> None:
        """What an arm tried, and what it keeps."""
        if found.chosen is not None:
            listed = ", ".join(f"{shown(each.values)}: {each.mean:.4f}" for each in found.tried)
            self._say(f"{arm} keeps {shown(found.chosen.values)} (on val {listed})")

    def planned(self, missing: int, finished: int) -> None:
        """Runs to train, and those that are there already."""
        self._begin(missing)
        already = f", {finished} are there already" if finished else ""
        all_of_them = "the one run is" if finished == 1 else f"all {finished} runs are"
        self._say(f"{_runs(missing)} to train{already}" if missing else f"nothing to train: {all_of_them} there")

    def noted(self, problem: Problem) -> None:
        """Something that the user should know and that stops nothing."""
        self._say(problem.line("note"))

    def started(self, arm: str, run: Run) -> None:
        """A run begins, or goes on."""
        self.run_began = time.monotonic()
        self._show(self._line(arm, run, 0))

    def epoch(self, arm: str, run: Run, epoch: int, seconds: float) -> None:
        """An epoch is over."""
        self._show(self._line(arm, run, epoch))

    def finished(self, arm: str, run: Run, record: RunRecord) -> None:
        """A run is stored."""
        self.done += 1
        took = time.monotonic() - self.run_began
        self.run_seconds.setdefault(arm, []).append(took)
        self._say(f"[{self.done}/{self.missing}] {arm} seed {run.seed}: {_best(record)}{self._left()}")

    def looked(self, look: int, rows: tuple[Contrast, ...]) -> None:
        """Verdicts after a look."""
        open_ = [r.question.name for r in rows if not r.settled]
        if rows:
            said = f"still open: {', '.join(open_)}" if open_ else "verdicts are taken"
            self._say(f"after {look} {'seed' if look == 1 else 'seeds'}: {said}")

    def _begin(self, missing: int) -> None:
        self.missing, self.done, self.began = missing, 0, time.monotonic()

    def close(self) -> None:
        """Give the terminal back."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def _line(self, arm: str, run: Run, epoch: int) -> str:
        where = f"run {self.done + 1} of {self.missing}: {arm} seed {run.seed}, epoch {epoch} of {run.recipe.epochs}"
        return f"{printable(self.title)}\n{where}{self._left()}"

    def _left(self) -> str:
        if not self.done:
            return ""
        seconds = (time.monotonic() - self.began) / self.done * (self.missing - self.done)
        return f", about {duration(seconds)} left" if seconds > 0 else ""

    def _say(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)

    def _show(self, text: str) -> None:
        if not self.console.is_terminal:
            return
        if self.live is None:
            self.live = Live(console=self.console, transient=True, refresh_per_second=4)
            self.live.start()
        self.live.update(Text(text))


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def _best(record: RunRecord) -> str:
    """As the tutorial prints it, and labelled: the best of many epochs is too high."""
    if record.status == "diverged":
        return f"diverged after epoch {int(record.curves[-1]['epoch'])}; counted, scored at its last finite epoch"
    took = f"training took {duration(record.seconds)}"
    masks = any("val_mean_iou" in row for row in record.curves)
    column, name = ("val_mean_iou", "mean IoU") if masks else ("val_accuracy", "acc")
    rows = [row for row in record.curves if column in row]
    if not rows:
        return took
    best = max(rows, key=lambda row: (row[column], -row["epoch"]))
    return f"best val {name} {best[column]:.4f} at epoch {int(best['epoch'])} (optimistic), {took}"


def duration(seconds: float) -> str:
    """`2 h 05 min`, `3 min 20 s` or `12 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole} s"
