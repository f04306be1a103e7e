"""The same learning rates as torch's schedulers, step by step."""

import pytest
import torch
from torch.optim import lr_scheduler

from paribus import schedules

STEPS, PER_EPOCH = 60, 6


def torchs(make, steps=STEPS):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(schedule, steps=STEPS):
    return [0.5 * schedule(number) for number in range(steps)]


@pytest.mark.parametrize(("steps", "share"), [(60, 0.3), (7, 0.3), (100, 0.1), (1000, 0.45)])
def test_one_cycle(steps, share):
    cycle = lambda o: lr_scheduler.OneCycleLR(o, 0.5, steps, pct_start=share, cycle_momentum=False)  # noqa: E731
    assert ours(schedules.one_cycle(steps, 6, warm_up=share), steps) == pytest.approx(torchs(cycle, steps), abs=1e-12)


def test_step():
    decay = lambda o: lr_scheduler.StepLR(o, 2 * PER_EPOCH, 0.1)  # noqa: E731
    assert ours(schedules.step(STEPS, PER_EPOCH, every=2)) == pytest.approx(torchs(decay), rel=1e-9)


@pytest.mark.parametrize("final", [0.0, 0.1])
def test_cosine(final):
    anneal = lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS - 1, eta_min=0.5 * final)  # noqa: E731
    assert ours(schedules.cosine(STEPS, PER_EPOCH, final=final)) == pytest.approx(torchs(anneal), abs=1e-12)


@pytest.mark.parametrize("power", [0.9, 2.0])
def test_polynomial(power):
    decay = lambda o: lr_scheduler.PolynomialLR(o, STEPS, power)  # noqa: E731
    assert ours(schedules.polynomial(STEPS, PER_EPOCH, power=power)) == pytest.approx(torchs(decay), rel=1e-9)
    assert schedules.polynomial(100, 10)(50) == 0.5**0.9


def test_constant_and_the_shortest_trainings():
    assert ours(schedules.constant(STEPS, PER_EPOCH)) == [0.5] * STEPS
    for make in (schedules.one_cycle, schedules.cosine, schedules.step, schedules.polynomial):
        for steps in (1, 2, 3):
            assert all(0 <= make(steps, 1)(number) <= 1 for number in range(steps))
