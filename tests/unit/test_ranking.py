"""An order is as sure as its runs and images make it."""

import numpy as np
import pytest

from paribus.ranking import ranking


def hits(rng, accuracy, runs=5, images=400, spread=0.0):
    """(runs, images) of 0 and 1, each run with an accuracy of its own."""
    own = np.clip(accuracy + rng.normal(0, spread, (runs, 1)), 0, 1)
    return (rng.random((runs, images)) < own).astype(float)


def test_far_apart_is_sure_and_equal_is_a_coin():
    rng = np.random.default_rng(0)
    found = ranking({"low": hits(rng, 0.6), "high": hits(rng, 0.9)})
    assert found.order == ("high", "low") and found.share(("high", "low")) == 1.0
    same = hits(rng, 0.8)
    assert ranking({"a": same, "b": same}).above[("a", "b")] == pytest.approx(0.5, abs=0.12)


def test_shares_sum_to_one_and_follow_from_each_other():
    rng = np.random.default_rng(1)
    found = ranking({name: hits(rng, a, spread=0.03) for name, a in (("a", 0.80), ("b", 0.81), ("c", 0.79))})
    assert sum(found.orders.values()) == pytest.approx(1)
    assert found.above[("a", "b")] + found.above[("b", "a")] == pytest.approx(1)
    assert found.share(("b", "a")) == pytest.approx(found.above[("b", "a")], abs=0.01)
    assert list(found.orders.values()) == sorted(found.orders.values(), reverse=True)


def test_the_probability_is_that_of_a_normal_difference():
    """Many independent images, one arm better by a standard error: about 84 %."""
    rng = np.random.default_rng(2)
    base = rng.normal(0, 1, (1, 2000))
    better = base + rng.normal(0, 1, (1, 2000))
    better += base.mean() - better.mean() + (better - base).std() / np.sqrt(2000)
    found = ranking({"base": base, "better": better}, draws=8000)
    assert found.above[("better", "base")] == pytest.approx(0.841, abs=0.02)
    assert not found.runs_vary


def test_runs_are_resampled_within_their_arm():
    """One arm has a lucky run: with images that hardly vary, its place is as often lost as that run is not drawn."""
    images = 1000
    steady = np.full((2, images), 0.70)
    lucky = np.stack([np.full(images, 0.60), np.full(images, 0.90)])
    found = ranking({"steady": steady, "lucky": lucky}, draws=20000)
    assert found.runs_vary
    assert found.above[("lucky", "steady")] == pytest.approx(
        0.75, abs=0.02
    )  # at least one of two draws is the lucky one


def test_images_of_a_group_are_drawn_together():
    rng = np.random.default_rng(3)
    effect = np.repeat(rng.normal(0.02, 0.2, 10), 40)[None]
    alone = ranking({"a": np.zeros((1, 400)), "b": effect}, draws=8000)
    together = ranking({"a": np.zeros((1, 400)), "b": effect}, [f"g{k // 40}" for k in range(400)], draws=8000)
    assert abs(together.above[("b", "a")] - 0.5) < abs(alone.above[("b", "a")] - 0.5)


def test_the_same_seed_gives_the_same_and_another_does_not():
    rng = np.random.default_rng(4)
    arms = {"a": hits(rng, 0.80), "b": hits(rng, 0.81)}
    assert ranking(arms) == ranking(arms) != ranking(arms, seed=1)


@pytest.mark.parametrize(
    ("scores", "groups", "message"),
    [
        ({"a": np.zeros((2, 3))}, None, "an order needs two"),
        ({"a": np.zeros((2, 3)), "b": np.zeros(3)}, None, "expected \\(runs, images\\)"),
        ({"a": np.zeros((2, 3)), "b": np.zeros((2, 4))}, None, "different numbers of images"),
        ({"a": np.zeros((2, 3)), "b": np.zeros((2, 3))}, ["g"], "one an image"),
    ],
)
def test_what_does_not_fit_is_refused(scores, groups, message):
    with pytest.raises(ValueError, match=message):
        ranking(scores, groups)
