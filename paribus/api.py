"""The same words in Python: a study that is read, run, and read back as data frames."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paribus.study
from paribus import collect, devices
from paribus.errors import Problem, StudyError
from paribus.execute import Place, Watcher
from paribus.results import Results

if TYPE_CHECKING:
    import pandas as pd

OUT = Path("paribus-out")  # as on the command line
RUN = {"seed": "int64", "value": "float64", "epoch": "Int64", "seconds": "float64"}  # the numbers of a run
ANSWER = dict.fromkeys(("margin", "difference", "low", "high", "p", "p_adjusted"), "float64")


@dataclass(frozen=True)
class Study(paribus.study.Study):
    """A checked study that can run and be read back: `paribus.Study`."""

    def run(
        self,
        out: Path | str = OUT,
        data: Mapping[str, Path | str] | None = None,
        weights: Mapping[str, Path | str] | None = None,
        *,
        threads: int | None = None,
        max_runs: int | None = None,
        sha256: Mapping[str, str] | None = None,
        pictures: bool = True,
        allow_inexact: bool = False,
        device: str = "auto",
        watcher: Watcher | None = None,
    ) -> Path:
        """Train what is missing and write the report, as `paribus run`; gives the report's page.

        data: name -> folder. weights: model -> file. sha256: model -> the hash its weights must have. allow_inexact:
        runs that were begun in another environment go on, and are marked for ever. device: auto, cpu, cuda or mps.
        watcher: told of progress; lines on stderr if not given.
        Raises DataError, MachineError, IntegrityError and LockedError, and RunsFailed after the report is written.
        """
        from paribus import running
        from paribus.progress import Screen

        on = devices.chosen(device)
        screen = Screen(self.title)
        told = watcher or screen
        try:
            with running.holding(Place.of(self, Path(out))):
                bound, place = running.open_study(self, Path(out), told, _paths(data), _paths(weights), threads, sha256)
                done = running.run(
                    bound,
                    place,
                    told,
                    max_runs=max_runs,
                    pictures=pictures,
                    allow_inexact=allow_inexact,
                    device=on,
                )
        finally:
            screen.close()
        if done.failed is not None:
            raise done.failed
        return done.page

    def results(self, out: Path | str = OUT) -> "pd.DataFrame":
        """One row a finished run: arm, seed, run, value (of the study's metric), epoch, seconds, status.

        Read from what `run` left in `out`; trains nothing. epoch: at which the run was scored; missing where it was
        chosen by cross-fitting. Raises DataError if the study has not been run there, StudyError if it has changed.
        """
        import pandas as pd

        from paribus.report.document import document

        rows = [
            {"arm": arm["name"], "run": run["id"]} | {key: run[key] for key in ("status", *RUN)}
            for arm in document(self._stored(Path(out)))["arms"]
            for run in arm["runs"]
        ]
        columns = ["arm", "seed", "run", "value", "epoch", "seconds", "status"]
        return pd.DataFrame(rows, columns=columns).astype(RUN)

    def answers(self, out: Path | str = OUT) -> "pd.DataFrame":
        """One row a question: question, ask, metric, margin, difference, low, high, p, p_adjusted, verdict, sentence.

        low and high are the 95 % interval, in the metric's own unit like difference and margin. Questions whose arms
        have no run yet are left out. A notebook shows the questions with their verdicts. Raises as `results` does.
        """
        from paribus.notebook import Answers

        rows = [
            {
                "question": row.question.name,
                "ask": row.question.ask,
                "metric": row.question.metric,
                "margin": row.question.margin,
                "low": row.ci95[0],
                "high": row.ci95[1],
            }
            | {key: getattr(row, key) for key in ("difference", "p", "p_adjusted", "verdict", "sentence")}
            for row in self._stored(Path(out)).contrasts
        ]
        columns = ["question", "ask", "metric", *ANSWER, "verdict", "sentence"]
        return Answers(Answers(rows, columns=columns).astype(ANSWER))

    def _repr_html_(self) -> str:
        """Arms and questions, for a notebook."""
        from paribus.notebook import study_html

        return study_html(self)

    def _stored(self, out: Path) -> Results:
        folder = Place.of(self, out).folder
        told = collect.read_lock(folder)
        of_lock = {key: told[key] for key in ("metric", "margin", "seeds", "looks", "epoch")}
        # What tuning chose is found out and not asked; locks of before shares were drawn name none.
        of_lock["questions"] = [{"train_fractions": {}} | question | {"tuned": {}} for question in told["questions"]]
        of_lock["arms"] = {arm["name"]: (arm.get("tuning") or arm)["recipe"] for arm in told["arms"]}
        of_lock["tune"] = {key: tune[key] for key in ("grid", "seeds")} if (tune := told.get("tune")) else None
        if of_lock != self._asked():
            message = "holds the results of another version of this study."
            raise StudyError(
                [Problem("STUDY_CHANGED", message, str(folder), "run the study again: what is equal stays.")]
            )
        return collect.collect(folder, plugins=self.plugins)

    def _asked(self) -> dict[str, Any]:
        """What the lock must say too, as JSON gives it back."""
        asked = {key: getattr(self, key) for key in ("metric", "margin", "seeds", "looks", "epoch")}
        asked["questions"] = [vars(question) for question in self.questions]
        asked["arms"] = {name: recipe.plain() for name, recipe in self.recipes.items()}
        asked["tune"] = {"grid": self.tuning.grid, "seeds": self.tuning.seeds} if self.tuning is not None else None
        plain: dict[str, Any] = json.loads(json.dumps(asked))
        return plain


def _paths(given: Mapping[str, Path | str] | None) -> dict[str, Path]:
    return {name: Path(path) for name, path in (given or {}).items()}
