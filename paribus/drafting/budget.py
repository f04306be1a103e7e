"""Which seeds, epochs and arms fit a given time, from what a run was measured to cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from paribus.planning import ArmCost

SHARE = 0.8  # of the time that training may take: the rest is for looking at the images, scores and the report
MOST_SEEDS, USUAL_SEEDS, LEAST_SEEDS = 10, 3, 2


@dataclass(frozen=True)
class Fit:
    """How many arms beside the baseline, how many seeds and epochs, and the seconds that they take."""

    arms: int
    seeds: int
    epochs: int
    seconds: float


def fit(
    costs: Sequence[ArmCost], measured: int, usual: int, least: int, budget: float, once: float = 0.0
) -> Fit | None:
    """What fits into `budget` seconds; None if not even two seeds of one arm and the baseline do.

    costs: of the baseline and then of each arm, the most important first, for runs of `measured` epochs. usual, least:
    epochs that are wanted, and the fewest. once: seconds that are needed whatever is chosen. Seeds are added while
    there is time, up to ten; where three seeds take too long there are fewer epochs, then fewer arms, then two seeds.
    """
    for arms, seeds, epochs in _wishes(len(costs) - 1, usual, least):
        seconds = once + taken(costs[: arms + 1], measured, seeds, epochs)
        if seconds <= budget:
            return Fit(arms, seeds, epochs, seconds)
    return None


def taken(costs: Sequence[ArmCost], measured: int, seeds: int, epochs: int) -> float:
    """Seconds of a study of these arms."""
    return sum(seeds * cost.seconds_a_run * epochs / measured + cost.shared for cost in costs)


def minutes_for_the_least(costs: Sequence[ArmCost], measured: int, least: int, once: float = 0.0) -> float:
    """What to give so that two seeds of the baseline and one arm fit."""
    return (once + taken(costs[:2], measured, LEAST_SEEDS, least)) / SHARE / 60


def _wishes(arms: int, usual: int, least: int) -> Iterator[tuple[int, int, int]]:
    """(arms, seeds, epochs), the best first."""
    yield from ((arms, seeds, usual) for seeds in range(MOST_SEEDS, USUAL_SEEDS - 1, -1))
    for fewer in range(arms, 0, -1):
        yield from ((fewer, USUAL_SEEDS, epochs) for epochs in range(usual, least - 1, -1))
    yield from ((1, LEAST_SEEDS, epochs) for epochs in range(usual, least - 1, -1))
