import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from paribus.stats import (
    contrast,
    equivalence_p,
    holm,
    look_alphas,
    mcnemar,
    these_images,
    tipping_point,
)

RNG = np.random.default_rng


def literal(y0, y1, groups=None):
    """The textbook formulas, written out with loops."""
    d = y1.mean() - y0.mean()
    n = y0.shape[1]
    labels = np.arange(n) if groups is None else np.asarray(groups)
    names = np.unique(labels)
    g = len(names)
    e = y1.mean(axis=0) - y0.mean(axis=0)
    b = g / (g - 1) * sum((e[labels == k] - e.mean()).sum() ** 2 for k in names) / n**2
    a_parts, c_parts = [], []
    for y in (y0, y1):
        s = len(y)
        a_parts.append(np.var(y.mean(axis=1), ddof=1) / s)
        rest = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0) + y.mean()
        total = sum(rest[run, labels == k].sum() ** 2 for run in range(s) for k in names)
        c_parts.append(s / (s - 1) * g / (g - 1) * total / (s * n) ** 2)
    a, c = sum(a_parts), sum(c_parts)
    v = max(a + b - c, a, b)
    runs = [len(y0) - 1, len(y1) - 1]
    bottom_a = sum(x**2 / f for x, f in zip(a_parts, runs, strict=True))
    bottom_c = sum(x**2 / (f * (g - 1)) for x, f in zip(c_parts, runs, strict=True))
    df = max(v**2 / (bottom_a + b**2 / (g - 1) + bottom_c), min(a**2 / bottom_a, g - 1))
    return d, np.sqrt(v), df, a, b, c


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("runs", [(3, 3), (2, 7)])
def test_the_formulas_written_out(runs, grouped):
    generator = RNG(1)
    y0, y1 = (generator.standard_normal((s, 24)) + generator.standard_normal((s, 1)) for s in runs)
    groups = generator.integers(0, 6, 24) if grouped else None
    got = contrast([y0, y1], groups=groups)
    expected = literal(y0, y1, groups)
    assert (got.difference, got.se, got.df, got.A, got.B, got.C) == pytest.approx(expected, rel=1e-9)


def test_names_of_groups_do_not_matter():
    y = RNG(2).random((2, 3, 8))
    words = np.array(["b", "a", "b", "c", "a", "c", "d", "d"])
    assert contrast(list(y), groups=words) == contrast(list(y), groups=[1, 0, 1, 2, 0, 2, 3, 3])


def test_ungrouped_is_one_image_a_group():
    y = RNG(3).random((2, 4, 30))
    one, other = contrast(list(y)), contrast(list(y), groups=np.arange(30))
    assert (one.se, one.df) == pytest.approx((other.se, other.df))


def test_identical_arms_are_not_tested():
    y = (RNG(4).random((3, 20)) > 0.2).astype(float)
    same_runs = np.repeat(y[:1], 3, axis=0)
    got = contrast([same_runs, same_runs])
    assert got.identical and got.p == 1 and (got.low, got.high) == (0, 0)
    thirds = np.full((3, 20), 0.1)
    assert contrast([thirds, np.full((7, 20), 0.1)]).identical  # rounding is not spread


def test_everything_moved_alike():
    got = contrast([np.zeros((3, 20)), np.ones((3, 20))])
    assert got.difference == 1 and got.p == 0 and not got.identical


def test_no_run_variance_leaves_the_images():
    y = RNG(5).random((1, 40))
    shifted = RNG(6).random((1, 40))
    got = contrast([np.repeat(y, 3, axis=0), np.repeat(shifted, 4, axis=0)])
    expected = scipy_stats.ttest_1samp(shifted[0] - y[0], 0)
    assert (got.p, got.df) == pytest.approx((expected.pvalue, 39))


def test_one_run_each_is_about_these_networks():
    got = contrast([RNG(7).random((1, 30)), RNG(8).random((1, 30))])
    assert got.estimand == "these_networks" and got.A == 0 and got.df == 29 and got.share_images == 1


def test_one_run_borrows_the_run_variance_of_the_other_arm():
    many, one = RNG(9).random((4, 50)), RNG(10).random((1, 50))
    got = contrast([many, one])
    assert got.equal_run_variance and got.estimand == "new_images"
    assert pytest.approx(np.var(many.mean(axis=1), ddof=1) * (1 / 4 + 1)) == got.A
    only_runs = these_images([many, one])
    assert only_runs.df == pytest.approx(3)


def test_two_runs_are_too_few_to_borrow_from():
    got = contrast([RNG(9).random((2, 50)), RNG(10).random((1, 50))])
    assert got.estimand == "these_networks" and not got.equal_run_variance


def test_these_images_is_welch():
    y0, y1 = RNG(11).random((4, 15)), RNG(12).random((6, 15))
    got = these_images([y0, y1])
    expected = scipy_stats.ttest_ind(y1.mean(axis=1), y0.mean(axis=1), equal_var=False)
    assert (got.p, got.df) == pytest.approx((expected.pvalue, expected.df))
    with pytest.raises(ValueError, match="One run in every arm"):
        these_images([y0[:1], y1[:1]])


def test_a_zero_weight_leaves_an_arm_out():
    y = RNG(13).random((3, 4, 20))
    assert contrast(list(y), (-1, 1, 0)) == contrast(list(y[:2]))


def test_level_of_one_arm():
    y = RNG(14).random((5, 60))
    got = contrast([y], weights=(1,))
    assert got.difference == pytest.approx(y.mean()) and got.low < y.mean() < got.high


@given(st.integers(2, 5), st.integers(2, 5), st.integers(2, 30), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_the_interval_is_never_narrower_than_runs_or_images_alone(s0, s1, n, seed):
    y0, y1 = (RNG([seed, s]).integers(0, 2, (runs, n)).astype(float) for s, runs in enumerate((s0, s1)))
    got, mirrored = contrast([y0, y1]), contrast([y1, y0])
    assert got.se**2 >= max(got.A, got.B) * (1 - 1e-12)
    assert mirrored.difference == pytest.approx(-got.difference) and mirrored.p == pytest.approx(got.p)
    assert got.share_runs + got.share_images in (pytest.approx(0), pytest.approx(1))
    assert (got.p < 0.05) == (got.low > 0 or got.high < 0)


@pytest.mark.parametrize(
    ("scores", "more", "message"),
    [
        ([], {}, "No scores"),
        ([np.ones((2, 5)), np.ones((2, 6))], {}, r"\[5, 6\] images"),
        ([np.ones((2, 5)), np.full((2, 5), np.nan)], {}, "Arm 1 holds scores that are not finite"),
        ([np.ones(5), np.ones(5)], {}, r"expected \(runs, images\)"),
        ([np.ones((0, 5)), np.ones((2, 5))], {}, "Arm 0 has no runs"),
        ([np.ones((2, 1)), np.ones((2, 1))], {}, "at least two are needed"),
        ([np.ones((2, 5))] * 3, {}, "3 arms and 2 weights"),
        ([np.ones((2, 5))] * 2, {"weights": (0, 0)}, "not all zero"),
        ([np.ones((2, 5))] * 2, {"groups": [1, 2]}, "one label an image"),
        ([np.ones((2, 5))] * 2, {"groups": [1] * 5}, "at least two groups"),
        ([np.ones((2, 5))] * 2, {"level": 95}, "between 0 and 1"),
    ],
)
def test_bad_input_is_refused(scores, more, message):
    with pytest.raises(ValueError, match=message):
        contrast(scores, **more)


def test_all_faults_are_told_at_once():
    with pytest.raises(ValueError, match=r"no runs.*not finite.*level"):
        contrast([np.ones((0, 5)), np.full((2, 5), np.inf)], level=2)


def test_it_is_fast():
    y = list(RNG(15).random((2, 10, 5000)))
    best = min(_seconds(y) for _ in range(5))
    assert best < 0.02


def _seconds(y):
    start = time.perf_counter()
    contrast(y)
    return time.perf_counter() - start


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_holm_against_statsmodels(count):
    p = RNG(count).random(count).round(1) / 8  # with ties
    assert list(holm(p)) == pytest.approx(list(multipletests(p, method="holm")[1]))
    assert list(holm(np.ones(count))) == [1.0] * count


def test_mcnemar_and_scipy():
    assert mcnemar(9, 2) == pytest.approx(scipy_stats.binomtest(9, 11).pvalue)
    assert mcnemar(0, 0) == 1 == mcnemar(3, 3)


def test_equivalence():
    assert equivalence_p(0.0, 0.001, 20, 0.01) < 0.001
    assert equivalence_p(0.02, 0.001, 20, 0.01) > 0.99
    assert equivalence_p(0.0, 0.0, 5, 0.01) == 0 and equivalence_p(0.02, 0.0, 5, 0.01) == 1


def test_tipping_point():
    assert tipping_point(0.01, 0.02**2) == 0
    sigma = tipping_point(0.06, 0.01**2)
    assert pytest.approx(1.96 * np.sqrt(0.01**2 + 2 * sigma**2)) == 0.06


def test_alphas_of_looks():
    assert look_alphas(1) == (0.05,)
    assert look_alphas(3) == pytest.approx((0.010, 0.015, 0.025))
    assert sum(look_alphas(6)) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="at least one look"):
        look_alphas(0)
