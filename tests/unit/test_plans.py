import numpy as np
import pytest
from statsmodels.stats.power import TTestIndPower

from paribus.plans import (
    Components,
    cautious,
    components,
    design_power,
    expected_components,
    floor_of_images,
    floor_of_seeds,
    futile,
    images_needed,
    mde,
    plan,
    power,
    seeds_needed,
)
from paribus.simulate import Regime, correct
from paribus.stats import contrast

TYPICAL = Components(9.57e-05, 0.0172, 0.104)


def test_runs_only_is_the_t_test():
    parts = Components(2 * 0.013**2, 0.0, 0.0)
    expected = TTestIndPower().power(0.02 / 0.013, 4, 0.05)
    assert power(0.02, parts, 4, 50) == pytest.approx(expected, rel=1e-7)


def test_components_rebuild_the_variance():
    y = [np.random.default_rng(s).random((4, 200)) + np.random.default_rng(s + 9).random((4, 1)) for s in (0, 1)]
    parts, got = components(y), contrast(y)
    rebuilt = parts.runs / 4 + parts.images / 200 + parts.overlap / 800
    assert rebuilt == pytest.approx(got.A + max(got.B - got.C, 0), rel=1e-9)


def test_components_of_a_simulation_are_the_expected_ones():
    generator = np.random.default_rng(0)
    found = []
    for _ in range(40):
        found.append(components(correct(Regime(0.007), (0.0, 0.0), 10, 1000, generator)))
    expected = expected_components(0.007)
    assert np.mean([c.overlap for c in found]) == pytest.approx(expected.overlap, rel=0.03)
    assert np.mean([c.images for c in found]) == pytest.approx(expected.images, rel=0.2)
    assert np.mean([c.runs for c in found]) == pytest.approx(expected.runs, rel=0.3)


def test_components_need_a_known_run_variance():
    with pytest.raises(ValueError, match="one run"):
        components([np.ones((1, 5)), np.ones((1, 5))])


def test_groups_count_as_fewer_images():
    y = [np.repeat(np.random.default_rng(s).random((3, 40)), 5, axis=1) for s in (0, 1)]
    grouped = components(y, groups=np.repeat(np.arange(40), 5))
    assert grouped.images_per_group == 5
    assert mde(grouped, 3, 200) > mde(components(y), 3, 200)


def test_exactly_these_images_have_runs_only():
    y = list(np.random.default_rng(0).random((2, 3, 40)))
    parts = components(y, images_fixed=True)
    assert parts.images == parts.overlap == 0
    assert parts.runs == pytest.approx(sum(np.var(a.mean(axis=1), ddof=1) for a in y))


def test_mde_has_the_wanted_power():
    for seeds, images in ((2, 50), (3, 400), (10, 5000)):
        assert power(mde(TYPICAL, seeds, images), TYPICAL, seeds, images) == pytest.approx(0.8, abs=1e-6)


def test_fewest_is_fewest():
    seeds = seeds_needed(TYPICAL, 0.02, 1000)
    assert power(0.02, TYPICAL, seeds, 1000) >= 0.8 > power(0.02, TYPICAL, seeds - 1, 1000)
    images = images_needed(TYPICAL, 0.02, 5)
    assert power(0.02, TYPICAL, 5, images) >= 0.8 > power(0.02, TYPICAL, 5, images - 50)


def test_power_never_falls_with_more():
    by_seeds = [power(0.02, TYPICAL, s, 400) for s in range(2, 40)]
    by_images = [power(0.02, TYPICAL, 3, n) for n in range(50, 3000, 50)]
    assert np.all(np.diff(by_seeds) > 0) and np.all(np.diff(by_images) > 0)


def test_floors():
    assert floor_of_images(TYPICAL, 400) == pytest.approx(mde(TYPICAL, 1e7, 400), rel=0.01)
    assert floor_of_seeds(TYPICAL, 3) < mde(TYPICAL, 3, 1e9)
    assert seeds_needed(TYPICAL, 0.015, 400) is None
    assert images_needed(TYPICAL, 0.01, 3) is None


def test_the_cautious_plan_asks_for_more():
    found = plan(TYPICAL, 0.025, 3, 400, df_runs=4)
    assert found.seeds_cautious > found.seeds
    assert cautious(TYPICAL, 4).runs == pytest.approx(TYPICAL.runs * 4 / 1.6488, rel=1e-3)


def test_design_power_before_any_training():
    typical = {s: {r.regime: r for r in design_power(s, 400)}["typical"] for s in (1, 3, 5, 10)}
    assert [100 * typical[s].mde for s in (1, 3, 5, 10)] == pytest.approx([5.6, 4.1, 3.1, 2.5], abs=0.1)
    assert not typical[1].verdict_possible and typical[3].verdict_possible
    rows = design_power(5, 400)
    assert [r.regime for r in rows] == ["quiet", "typical", "noisy"]
    assert rows[0].mde < rows[1].mde < rows[2].mde


def test_a_factorial_reuses_every_run():
    main = design_power(3, 400, weights=(-0.5, 0.5, -0.5, 0.5))[1].mde
    interaction = design_power(3, 400, weights=(1, -1, -1, 1))[1].mde
    assert interaction == pytest.approx(2 * main)
    assert main < design_power(3, 400)[1].mde


def test_bad_designs_are_refused():
    with pytest.raises(ValueError, match="accuracy is 88"):
        design_power(3, 400, accuracy=88)
    with pytest.raises(ValueError, match="at least 1 seed"):
        design_power(0, 400)


def test_futility():
    assert futile(TYPICAL, 0.002, 10, 400, 0.025)
    assert not futile(TYPICAL, 0.025, 10, 400, 0.025)


def test_no_variance_at_all():
    nothing = Components(0.0, 0.0, 0.0)
    assert mde(nothing, 3, 10) == 0 and power(0.1, nothing, 3, 10) == 1
