"""How numbers are written and where ticks stand."""

import pytest

from paribus.report.figures import span_of_intervals, span_of_runs
from paribus.report.numbers import axis, duration, listed, percent, scale_of


def test_ticks_are_round_inside_and_few():
    assert axis(-8.8, 19.0) == [-5, 0, 5, 10, 15]
    assert axis(0.0, 1.0, 5) == pytest.approx([0, 0.5, 1])
    for low, high in ((-0.013, 0.4), (68.1, 90.2), (1e-6, 3e-6), (-4000, 12)):
        ticks = axis(low, high)
        assert 2 <= len(ticks) <= 6 and all(low <= t <= high for t in ticks)


def test_points_losses_and_bare_scores():
    accuracy, loss, own = scale_of("accuracy"), scale_of("neg_log_loss"), scale_of("my_lab:score")
    assert (accuracy.value(0.8888), accuracy.change(-0.0049), accuracy.change(0.0)) == ("88.9\u00a0%", "−0.5", "0.0")
    assert accuracy.amount(0.01) == "1.0\u00a0point" and accuracy.amount(0.02) == "2.0\u00a0points"
    assert (loss.value(-0.25), loss.interval(0.01, 0.03)) == ("0.250", "[−0.030, −0.010]")
    assert own.value(0.5) == "0.500" and accuracy.value(float("nan")) == "–"


def test_words():
    assert [duration(s) for s in (4.2, 48, 252, 3725)] == ["4.2 s", "48 s", "4 min 12 s", "1 h 2 min"]
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c"
    assert percent(0.004) == "0.4\u00a0%" and percent(0.09) == "9\u00a0%"


def test_one_huge_interval_does_not_flatten_the_rest():
    span = span_of_intervals([(-1.0, 1.0), (0.0, 2.0), (-90.0, 90.0)], 2.0)
    assert -10 < span.low < -2 and 2 < span.high < 10


def test_one_run_alone_stands_on_an_axis_of_a_point():
    alone, many = span_of_runs([70.41], 1), span_of_runs([50.0, 90.0], 1)
    assert alone.high - alone.low == pytest.approx(1.0) and alone.holds(70.41)
    assert (many.low, many.high) == pytest.approx((47.6, 92.4))
