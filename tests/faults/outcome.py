"""The common form of all campaigns: what one is told, and what it found."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """How a campaign is to be run.

    short: a sample of it that takes seconds. jobs: trials at the same time. every: only every so many-th durable step,
    in the campaigns that take one after the other.
    """

    scratch: Path  # an empty folder of its own
    short: bool = False
    seed: int = 0
    jobs: int = 1
    every: int = 1

    def steps(self, count: int) -> range:
        """The durable steps that are tried, of so many."""
        return range(1 + self.seed % self.every, count + 1, self.every)


@dataclass(frozen=True)
class Outcome:
    """One row of the table.

    trials: faults that were injected. kills: processes that were killed. same: trials that ended as they must, bit for
    bit where there are results. different: trials with another result and no word about it. cannot_resume: the same
    command did not go on. leftovers: temporary files, live processes and held locks at the end. notes: what is to be
    known of every trial that did not end as it must. skipped: why nothing was tried.
    """

    campaign: str
    trials: int = 0
    kills: int = 0
    same: int = 0
    different: int = 0
    cannot_resume: int = 0
    leftovers: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def sound(self) -> bool:
        """Whether every trial ended as it must; a campaign that was skipped says nothing."""
        good = self.trials > 0 and self.same == self.trials
        return bool(self.skipped) or (good and not self.different and not self.cannot_resume and not self.leftovers)
