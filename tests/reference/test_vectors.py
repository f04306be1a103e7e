"""Twenty known answers: statsmodels, scipy, scikit-learn, torchmetrics, baycomp, and arithmetic on numpy."""

import json
import re
from math import comb
from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy import stats as scipy_stats
from statsmodels.formula.api import ols
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import ttest_ind as pooled_ttest
from statsmodels.stats.weightstats import ttost_paired

from paribus import confusion, metrics
from paribus.epochs import crossfit_epochs
from paribus.looks import Item, replay
from paribus.plans import (
    Components,
    floor_of_images,
    images_needed,
    mde,
    power,
    seeds_needed,
)
from paribus.predictions import ClassScores
from paribus.stats import Crossed, contrast, equivalence_p, holm, mcnemar, these_images

VECTORS = json.loads((Path(__file__).parent / "statistics.json").read_text())


def near(value):
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def test_every_vector_has_a_test():
    numbered = {name[:2] for name in VECTORS if name[0].isdigit()}
    tested = set(re.findall(r"^def test_(\d\d)_", Path(__file__).read_text(), re.MULTILINE))
    assert len(numbered) == 20
    assert tested == numbered


def test_01_mcnemar():
    vector = VECTORS["01_mcnemar"]
    for gained, lost in vector["inputs"]:
        expected = vector["expected"][f"b={gained},c={lost}"]
        assert mcnemar(gained, lost) == near(expected["p_exact"])
        table = [[0, gained], [lost, 0]]
        assert statsmodels_mcnemar(table, exact=False, correction=True).pvalue == near(expected["p_chi2_corrected"])


def test_02_single_run():
    vector = VECTORS["02_single_run_paired_interval"]
    plus, minus, zero = (vector["inputs"][k] for k in ("plus", "minus", "zero"))
    old = np.array([[0.0] * plus + [1.0] * minus + [1.0] * zero])
    new = np.array([[1.0] * plus + [0.0] * minus + [1.0] * zero])
    got, expected = contrast([old, new]), vector["expected"]
    assert (got.difference, got.se, got.p) == near((expected["d"], expected["se"], expected["p"]))
    assert (got.low, got.high) == near(tuple(expected["ci"]))
    assert got.interval(0.90) == near(tuple(expected["ci90"]))
    assert got.estimand == "these_networks"


def test_03_welch_over_runs():
    vector = VECTORS["03_welch_over_runs_fixed_images"]
    arms = [np.repeat(np.array(vector["inputs"][k])[:, None], 7, axis=1) for k in ("baseline", "new")]
    for got in (these_images(arms), contrast(arms)):
        expected = vector["expected"]
        assert (got.difference, got.df, got.p) == near((expected["d"], expected["df"], expected["p"]))
        assert (got.low, got.high) == near(tuple(expected["ci"]))


def test_04_crossed_binary():
    _crossed("04_crossed_binary")


def test_05_crossed_real():
    _crossed("05_crossed_real")
    got = contrast([VECTORS["05_crossed_real"]["inputs"][k] for k in ("Y0", "Y1")])
    assert got.se == pytest.approx(VECTORS["05_crossed_real"]["expected"]["mixedlm_se"], rel=1e-4)


def _crossed(name):
    inputs, expected = VECTORS[name]["inputs"], VECTORS[name]["expected"]
    got = contrast([inputs["Y0"], inputs["Y1"]])
    assert near((expected["A_seeds"], expected["B_images"], expected["C_overlap"])) == (got.A, got.B, got.C)
    assert (got.difference, got.se**2, got.df) == near((expected["d"], expected["var"], expected["df"]))
    assert (got.se, got.p) == near((expected["se"], expected["p"]))
    assert (got.low, got.high) == near(tuple(expected["ci"]))


def test_06_grouped_images():
    vector = VECTORS["06_grouped_images_B"]
    e = np.array([vector["inputs"]["e"]])
    got = contrast([np.zeros_like(e), e], groups=vector["inputs"]["groups"])
    assert near(vector["expected"]["B"]) == got.B
    assert got.df == vector["expected"]["df"]
    assert (got.low, got.high) == near(tuple(vector["expected"]["ci_images_only"]))


def test_07_tost():
    vector = VECTORS["07_tost"]
    old, new = (np.array(vector["inputs"][k]) for k in ("baseline", "new"))
    got = these_images([np.repeat(x[:, None], 9, axis=1) for x in (old, new)])
    for margin, key in ((0.01, "0_01"), (0.002, "0_002")):
        if key == "0_01":
            assert got.interval(0.90) == near(tuple(vector["expected"]["ci90"]))
        p = equivalence_p(got.difference, got.se, got.df, margin)
        assert p == near(vector["expected"][f"p_margin_{key}"])
        verdict = "no practical difference" if p <= 0.05 else "cannot tell"
        assert verdict == vector["expected"][f"verdict_{key}"]
    assert ttost_paired(new, old, -0.01, 0.01)[0] == near(vector["expected"]["p_paired_margin_0_01"])


def test_08_holm():
    vector = VECTORS["08_holm"]
    adjusted = holm(vector["inputs"])
    assert list(adjusted) == near(vector["expected"]["holm_adjusted"])
    assert list(adjusted <= 0.05) == vector["expected"]["holm_reject"]
    reject, benjamini_hochberg, _, _ = multipletests(vector["inputs"], method="fdr_bh")
    assert list(benjamini_hochberg) == near(vector["expected"]["bh_adjusted"])
    assert list(reject) == vector["expected"]["bh_reject"]


def test_09_iou_and_collapse():
    vector = VECTORS["09_iou_and_collapse"]
    expected, counts = vector["expected"], np.array(vector["inputs"]["per_image_confusion"])
    assert list(confusion.iou(counts)) == near(expected["iou"])
    assert confusion.mean_iou(counts).mean() == near(expected["miou"])
    assert confusion.pixel_accuracy(counts).mean() == near(expected["pixel_accuracy"])
    assert confusion.mean_image_iou(counts).mean() == near(expected["mean_of_per_image_miou"])
    merged = confusion.collapsed(counts, vector["inputs"]["mapping"])
    assert merged.sum(axis=0).tolist() == expected["collapsed_confusion_sum"]
    assert list(confusion.iou(merged)) == near(expected["collapsed_iou"])
    assert confusion.mean_iou(merged).mean() == near(expected["collapsed_miou"])
    five = np.pad(counts, ((0, 0), (0, 1), (0, 1)))
    assert confusion.mean_iou(five).mean() == near(vector["absent_class"]["miou_excluding_absent"])
    as_zero = float(np.nan_to_num(confusion.iou(five)).mean())
    assert as_zero == near(vector["absent_class"]["sklearn_macro_labels5_zero_division0"])


def test_10_linearised_miou():
    expected = VECTORS["10_linearised_miou"]["expected"]
    y = confusion.mean_iou(VECTORS["09_iou_and_collapse"]["inputs"]["per_image_confusion"])
    assert list(y) == near(expected["y"])
    assert y.mean() == near(expected["mean"])
    # "influence" is the derivative for the weight of an image; the vector took it numerically
    assert list(y - y.mean()) == pytest.approx(expected["influence_numeric"], abs=1e-7)
    assert contrast([[y]], weights=[1]).se == near(expected["se_images"])


def test_11_power():
    vector = VECTORS["11_power"]
    runs = Components(runs=2 * vector["inputs"]["sd"] ** 2, images=0.0, overlap=0.0)
    expected = vector["expected"]
    assert power(0.02, runs, 5, 100) == pytest.approx(expected["power_S5_delta02"], rel=1e-7)
    for seeds in (3, 5, 10):
        assert mde(runs, seeds, 100) == pytest.approx(expected[f"mde80_S{seeds}"], rel=1e-6)
    assert seeds_needed(runs, 0.01, 100) == int(np.ceil(expected["seeds_for_delta01"]))
    planner = vector["planner_S10_N400"]
    i = planner["inputs"]
    parts = Components(i["vS"], i["vI"], i["vSI"])
    assert power(i["delta"], parts, i["S"], i["N"]) == pytest.approx(planner["expected"], rel=1e-9)


def test_12_factorial():
    vector = VECTORS["12_factorial_2x2"]
    expected = vector["expected"]
    cells = ["A=-1,B=-1", "A=1,B=-1", "A=-1,B=1", "A=1,B=1"]
    arms = [np.repeat(np.array(vector["inputs"][c])[:, None], 9, axis=1) for c in cells]
    weights = {
        "main_A": (-0.5, 0.5, -0.5, 0.5),
        "main_B": (-0.5, -0.5, 0.5, 0.5),
        "interaction": (0.5, -0.5, -0.5, 0.5),
    }
    for name, weight in weights.items():
        got = contrast(arms, weight)
        assert got.difference == near(expected[name])
        assert got.se == near(expected["se_effect"])  # equal run counts: pooled and separate variances agree
    assert contrast(arms, (1, -1, -1, 1)).difference == near(expected["diff_in_diff"])
    signs = [(-1, -1), (1, -1), (-1, 1), (1, 1)]
    rows = [(y, a, b) for c, (a, b) in zip(cells, signs, strict=True) for y in vector["inputs"][c]]
    fit = ols("y ~ a * b", pandas.DataFrame(rows, columns=["y", "a", "b"])).fit()
    assert fit.df_resid == expected["df"]
    assert fit.pvalues[["a", "b", "a:b"]].tolist() == near([expected["p"][k] for k in ("A", "B", "AB")])
    assert (2 * fit.conf_int().loc["a"]).tolist() == near(expected["ci_A"])


def test_13_calibration():
    vector = VECTORS["13_calibration"]
    y, expected = np.array(vector["inputs"]["y"]), vector["expected"]
    logs = np.log(np.array(vector["inputs"]["probs"]))
    scores = ClassScores(tuple(map(str, range(len(y)))), y, logs, ("a", "b", "c"))
    assert -metrics.neg_log_loss(scores).mean() == near(expected["nll"])
    assert -metrics.neg_brier(scores).mean() == near(expected["brier_multiclass_numpy"])
    rest = np.logaddexp(logs[:, 1], logs[:, 2])
    binary = ClassScores(scores.image_ids, (y != 0).astype(int), np.stack([logs[:, 0], rest], axis=1), ("a", "rest"))
    assert -metrics.neg_brier(binary).mean() / 2 == near(expected["brier_class0"])  # two classes count it twice
    assert metrics.calibration_error(scores, bins=15) == pytest.approx(expected["ece15"], abs=1e-7)


def test_14_nadeau_bengio():
    vector = VECTORS["14_nadeau_bengio"]
    d = np.subtract(vector["inputs"]["y"], vector["inputs"]["x"])
    folds, expected = len(d), vector["expected"]
    variance = d.var(ddof=1) * (1 / folds + 1 / (folds - 1))
    assert (d.mean(), variance, folds - 1) == near((expected["mean"], expected["var"], expected["df"]))
    t = d.mean() / np.sqrt(variance)
    assert 2 * scipy_stats.t.sf(abs(t), folds - 1) == near(expected["p_two_sided"])
    cdf = scipy_stats.t.cdf([-0.01, 0.01], folds - 1, d.mean(), np.sqrt(variance))
    assert [cdf[0], cdf[1] - cdf[0], 1 - cdf[1]] == pytest.approx(expected["probs_rope_01"], rel=1e-6)


def test_15_wilson():
    vector = VECTORS["15_wilson"]
    for (hits, count), expected in zip(vector["inputs"], vector["expected"], strict=True):
        assert list(proportion_confint(hits, count, method="wilson")) == near(expected)


def test_16_paired_runs():
    inputs, expected = VECTORS["07_tost"]["inputs"], VECTORS["16_paired_runs"]["expected"]
    result = scipy_stats.ttest_rel(inputs["new"], inputs["baseline"])
    assert (result.statistic, result.df, result.pvalue) == near((expected["t"], expected["df"], expected["p"]))
    assert list(result.confidence_interval()) == near(expected["ci"])


def test_17_permutation_floor():
    for runs, floor in VECTORS["17_permutation_floor"]["expected"].items():
        count = int(runs)
        arms = np.arange(count) + 100.0, np.arange(count, dtype=float)
        result = scipy_stats.permutation_test(arms, lambda x, y: x.mean() - y.mean(), n_resamples=np.inf)
        assert result.pvalue == near(floor)
        assert floor == near(2 / comb(2 * count, count))


def test_18_crossfit_epoch():
    vector = VECTORS["18_crossfit_epoch"]
    right = np.array(vector["inputs"]["correct_epoch_by_image"]).reshape(3, 8)
    fold = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    picked = crossfit_epochs(lambda e, images: right[e, images].mean(), len(right), fold)
    assert list(picked) == vector["expected"]["picked_epoch_per_fold"]
    scores = right[np.array(picked)[fold], np.arange(len(fold))]
    assert scores.tolist() == vector["expected"]["per_image_score"]
    assert scores.mean() == vector["expected"]["crossfit_accuracy"]
    assert right.mean(axis=1).max() == vector["expected"]["naive_best_epoch_accuracy"]


def test_19_verdicts(monkeypatch):
    said = {
        "cannot_tell": "cannot tell",
        "helps": "yes, it helps",
        "hurts": "no, it hurts",
        "no_practical_difference": "no practical difference",
    }
    vector = VECTORS["19_verdicts"]
    for case, words in zip(vector["cases"], vector["expected"], strict=True):
        result = _result(case)
        monkeypatch.setattr("paribus.looks.read", lambda item, seeds, result=result: result)
        monkeypatch.setattr("paribus.looks.futile", lambda *_: False)
        runs = (np.zeros((3, 20)), np.ones((3, 20)))
        decision = replay([Item("q", (-1.0, 1.0), runs, case["margin"], "primary")], (3,))["q"]
        expected = case["expected"]
        assert result.interval(0.95) == near(tuple(expected["ci95"]))
        assert result.interval(0.90) == near(tuple(expected["ci90"]))
        assert (decision.p, decision.p_equivalence) == near((expected["p"], expected["p_tost"]))
        verdict = said[decision.verdict]
        low, high = result.interval(decision.level)
        if decision.verdict in ("helps", "hurts") and (low > case["margin"] or high < -case["margin"]):
            verdict += " by more than the margin"
        if decision.verdict == "no_practical_difference" and decision.detected:
            verdict += " (a difference smaller than the margin is detected)"
        assert verdict == words == expected["verdict"]


def _result(case):
    p = 2 * float(scipy_stats.t.sf(abs(case["d"]) / case["se"], case["df"]))
    return Crossed(case["d"], case["se"], case["df"], 0.0, 0.0, p, 0.0, case["se"] ** 2, 0.0)


def test_20_planner():
    vector = VECTORS["20_planner"]
    i, expected = vector["inputs"], vector["expected"]
    parts = Components(i["vS"], i["vI"], i["vSI"])
    assert seeds_needed(parts, 0.025, 400) == expected["seeds_N400_delta_025"]
    assert seeds_needed(parts, 0.0175, 400) is expected["seeds_N400_delta_0175"] is None
    assert seeds_needed(parts, 0.0175, 2000) == expected["seeds_N2000_delta_0175"]
    assert images_needed(parts, 0.025, 3) == expected["images_S3_delta_025"]
    assert images_needed(parts, 0.025, 5) == expected["images_S5_delta_025"]
    assert images_needed(parts, 0.0175, 10) == expected["images_S10_delta_0175"]
    # the vector's floor was found with a finite number of seeds
    assert floor_of_images(parts, 400) == pytest.approx(expected["floor_images_400_S_infinite"], rel=1e-6)


def test_pooled_welch_is_not_the_product():
    """Run counts that differ: the product uses Welch's degrees of freedom, not the pooled ones."""
    inputs = VECTORS["03_welch_over_runs_fixed_images"]["inputs"]
    pooled = pooled_ttest(inputs["new"], inputs["baseline"], usevar="pooled")[2]
    arms = [np.repeat(np.array(inputs[k])[:, None], 7, axis=1) for k in ("baseline", "new")]
    assert these_images(arms).df < pooled
