"""Mistakes, confused pairs, reliability and thresholds: what scikit-learn says of the same logits."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from made_up_study import example
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from paribus.predictions import ClassScores, MaskEvidence
from paribus.report import document, page
from paribus.report.reliability import reliability
from paribus.report.tables import files

CLASSES = ("car", "truck", "bus")


@pytest.fixture(scope="module")
def binary(results):
    return document(results)


@pytest.fixture(scope="module")
def many():
    found = example(runs=2, images=90, epochs=2, arms={"baseline": (0.7, 0, ""), "deep": (0.8, 0, "")}, classes=CLASSES)
    return found, document(found)


def scores_of(results, content, arm):
    """The logits of every run of an arm on test and val, at the epochs that the report scored."""
    runs = next(a for a in results.arms if a.name == arm).runs
    epochs = [run["epoch"] for run in next(a for a in content["arms"] if a["name"] == arm)["runs"]]
    return [(r.evidence["test"].at(e), r.evidence["val"].at(e)) for r, e in zip(runs, epochs, strict=True)]


def probabilities(scores):
    return np.exp(scores.log_probabilities())


def row_of(content, arm):
    return next(a for a in content["arms"] if a["name"] == arm)


@pytest.mark.parametrize("arm", ["baseline", "alexnet-scratch"])  # of the second one a run diverged
def test_thresholds_are_those_of_scikit_learn(results, binary, arm):
    kept, found = scores_of(results, binary, arm), row_of(binary, arm)["thresholds"]
    truth, given = kept[0][0].targets, [probabilities(test)[:, 1] for test, _ in kept]
    assert (found["positive"], found["positives"], found["images"]) == (1, int(truth.sum()), 200)
    areas = [reference.roc_auc_score(truth, p) for p in given]
    assert found["auroc"] == pytest.approx({"mean": np.mean(areas), "low": min(areas), "high": max(areas)})
    precisions = [reference.average_precision_score(truth, p) for p in given]
    assert found["average_precision"]["mean"] == pytest.approx(np.mean(precisions))
    for row in found["rows"]:
        taken = [p >= row["threshold"] for p in given]
        several = {
            "precision": [reference.precision_score(truth, t, zero_division=np.nan) for t in taken],
            "recall": [reference.recall_score(truth, t) for t in taken],
            "f1": [reference.f1_score(truth, t) for t in taken],
        }
        for name, values in several.items():
            expected = {"mean": np.nanmean(values), "low": np.nanmin(values), "high": np.nanmax(values)}
            assert row[name] == pytest.approx(expected)
    assert [row["threshold"] for row in found["rows"]] == pytest.approx(np.arange(1, 10) / 10)


def test_the_chosen_threshold_is_the_best_on_val_and_scored_on_test(results):
    arm = replace(results.arms[0], runs=results.arms[0].runs[:2])
    two = replace(results, arms=(arm,), contrasts=(), questions=())
    content = document(two)
    kept, found = scores_of(two, content, "baseline"), row_of(content, "baseline")["thresholds"]["chosen"]
    values = []
    for test, val in kept:
        of_val = {t: reference.f1_score(val.targets, probabilities(val)[:, 1] >= t) for t in np.arange(1, 100) / 100}
        best = [t for t, f1 in of_val.items() if f1 > max(of_val.values()) - 1e-12]
        threshold = min(best, key=lambda t: abs(t - 0.5))
        values.append((threshold, reference.f1_score(test.targets, probabilities(test)[:, 1] >= threshold)))
    assert found["threshold"]["mean"] == pytest.approx(np.mean([t for t, _ in values]))
    assert found["f1"]["mean"] == pytest.approx(np.mean([f1 for _, f1 in values]))


def test_without_val_no_threshold_is_chosen(compared):
    assert row_of(document(compared), "baseline")["thresholds"]["chosen"] is None


def test_curves_are_those_of_scikit_learn(results, binary):
    kept, found = scores_of(results, binary, "baseline"), row_of(binary, "baseline")["thresholds"]
    truth = kept[0][0].targets
    roc, pr = [], []
    for test, _ in kept:
        false_alarms, recall, _ = reference.roc_curve(truth, probabilities(test)[:, 1], drop_intermediate=False)
        highest = dict(zip(false_alarms, recall, strict=True))  # the last of equals
        roc.append([np.interp(row["false_alarms"], list(highest), list(highest.values())) for row in found["roc"]])
        precision, recall, _ = reference.precision_recall_curve(truth, probabilities(test)[:, 1])
        pr.append([precision[np.flatnonzero(recall >= row["recall"] - 1e-12)[-1]] for row in found["pr"]])
    for rows, key, values in ((found["roc"], "recall", roc), (found["pr"], "precision", pr)):
        assert [row[key] for row in rows] == pytest.approx(np.mean(values, axis=0))
        assert [row["low"] for row in rows] == pytest.approx(np.min(values, axis=0))
        assert [row["high"] for row in rows] == pytest.approx(np.max(values, axis=0))


def test_targets_of_one_class_have_no_thresholds(results):
    def of_one_class(run):
        kept = {s: replace(e, targets=np.zeros_like(e.targets)) for s, e in run.evidence.items()}
        return replace(run, evidence=kept)

    arm = replace(results.arms[0], runs=tuple(map(of_one_class, results.arms[0].runs)))
    content = document(replace(results, arms=(arm,), contrasts=(), questions=()))
    assert content["arms"][0]["thresholds"] is None
    assert 'id="thresholds"' not in page(content)


@pytest.mark.parametrize("classes", [2, 3])
def test_reliability_is_that_of_scikit_learn(results, binary, many, classes):
    found, content = (results, binary) if classes == 2 else many
    kept, told = scores_of(found, content, "baseline"), row_of(content, "baseline")["calibration"]
    tests = [test for test, _ in kept]
    confidence = np.concatenate([probabilities(s).max(axis=1) for s in tests])
    right = np.concatenate([s.predicted() == s.targets for s in tests])
    shares, means = calibration_curve(right, confidence, n_bins=15, strategy="uniform")
    rows = told["reliability"]
    assert [row["right"] for row in rows] == pytest.approx(shares)
    assert [row["confidence"] for row in rows] == pytest.approx(means)
    assert sum(row["images"] for row in rows) == pytest.approx(len(tests[0].targets))
    losses = [reference.log_loss(s.targets, probabilities(s), labels=range(classes)) for s in tests]
    assert told["log_loss"] == pytest.approx(np.mean(losses), rel=1e-6)
    briers = [((probabilities(s) - np.eye(classes)[s.targets]) ** 2).sum(axis=1).mean() for s in tests]
    assert told["brier"] == pytest.approx(np.mean(briers))


def test_a_calibrated_network_lies_in_the_grey_blocks():
    """Answers that are right as often as they say: 19 bins in 20, a few more or less by chance."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(40):
        said = rng.uniform(0.5, 1, 600)
        logits = np.log(np.stack([said, 1 - said], axis=1)).astype(np.float32)
        scores = ClassScores(tuple(map(str, range(600))), (rng.random(600) > said).astype(int), logits, ("a", "b"))
        inside += [r["calibrated"][0] <= r["right"] <= r["calibrated"][1] for r in reliability([scores], 15)]
    assert 0.93 <= np.mean(inside) < 0.99


def test_mistakes_are_the_wrong_answers_that_cost_most(results, binary):
    kept = [test for test, _ in scores_of(results, binary, "fine-tuned")]
    told = next(row for row in binary["mistakes"] if row["arm"] == "fine-tuned")
    mean = np.mean([probabilities(s) for s in kept], axis=0)
    loss = np.mean([-np.log(probabilities(s)[np.arange(200), s.targets]) for s in kept], axis=0)
    wrong = [i for i in np.argsort(-loss) if mean[i].argmax() != kept[0].targets[i]]
    assert (told["wrong"], told["of"], told["runs"]) == (len(wrong), 200, 5)
    assert [row["image"] for row in told["images"]] == [kept[0].image_ids[i] for i in wrong[:6]]
    first = told["images"][0]
    assert first["loss"] == pytest.approx(loss[wrong[0]]) and first["answer"] != first["target"]
    assert first["probability"] == pytest.approx(mean[wrong[0]].max()) and first["said"] == 7 * 5
    assert all(row["arm"] != "a-a" for row in binary["mistakes"])


def test_a_label_that_every_run_contradicts_is_pointed_at(results):
    """The label of one image turned round: every run says otherwise, and is sure."""

    def turned(run):
        kept = {}
        for split, e in run.evidence.items():
            targets, logits = e.targets.copy(), e.logits.copy()
            logits[:, 7] = np.where(np.arange(2) == targets[7], 9.0, 0.0)
            targets[7] = 1 - targets[7]
            kept[split] = replace(e, targets=targets, logits=logits)
        return replace(run, evidence=kept)

    arms = tuple(replace(a, runs=tuple(map(turned, a.runs))) for a in results.arms[:2])
    content = document(replace(results, arms=arms, contrasts=(), questions=()))
    image = results.arms[0].runs[0].evidence["test"].image_ids[7]
    assert all(row["images"][0]["image"] == image for row in content["mistakes"])
    asks = "every run of every arm says so: is the label right?"
    assert image in first_card(page(content)) and asks in first_card(page(content))
    for arm in content["mistakes"]:
        arm["images"][0]["probability"] = 0.7  # networks that are not sure say nothing about labels
    assert image in first_card(page(content)) and asks not in first_card(page(content))


def first_card(made):
    return made[made.index('id="mistakes"') :].partition("</figure>")[0]


def test_confused_pairs_are_those_of_scikit_learn(many):
    found, content = many
    matrices = {
        arm: np.array(
            [reference.confusion_matrix(test.targets, test.predicted()) for test, _ in scores_of(found, content, arm)]
        )
        for arm in ("baseline", "deep")
    }
    mean = np.mean([m.mean(axis=0) for m in matrices.values()], axis=0)
    rows = content["confused"]
    sizes = [mean[row["truth"], row["answer"]] for row in rows]
    assert sizes == sorted(sizes, reverse=True) and all(row["truth"] != row["answer"] for row in rows)
    assert sum(sizes) == pytest.approx(mean.sum() - np.trace(mean))
    for arm, m in matrices.items():
        cell, (t, a) = rows[0]["arms"][arm], (rows[0]["truth"], rows[0]["answer"])
        assert cell["images"] == pytest.approx(m[:, t, a].mean())
        assert (cell["low"], cell["high"]) == pytest.approx((m[:, t, a].min() / 30, m[:, t, a].max() / 30))


def test_the_page_shows_what_fits_the_task(binary, many):
    two, three = page(binary), page(many[1])
    assert 'id="thresholds"' in two and "Most confused pairs" not in two
    assert 'id="thresholds"' not in three and "Most confused pairs" in three
    for made in (two, three):
        assert 'id="mistakes"' in made and "How often a confident answer is right" in made
    assert two.index("<details open><summary><bdi>fine-tuned.whole-face</bdi>") > two.index('id="mistakes"')


def test_one_run_has_no_bands_and_no_thin_lines():
    content = document(example(runs=1, images=60, epochs=2, arms={"baseline": (0.7, 0, "")}))
    made = page(content)
    shown = made[made.index('id="calibration"') : made.index('id="findings"')]
    assert 'class="spread"' not in shown and 'class="thin"' not in shown and 'class="thick"' in shown
    assert "lowest run" not in shown


def test_several_runs_have_bands(binary):
    made = page(binary)
    shown = made[made.index('id="calibration"') : made.index('id="findings"')]
    assert shown.count('class="spread"') == 2 * 8 and shown.count('class="thin"') == 5 * 8


def test_masks_have_nothing_of_it(results):
    def of_masks(run):
        counts = np.random.default_rng(run.seed).integers(1, 50, (1, 12, 2, 2)).astype(np.int32)
        test = MaskEvidence("test", tuple(map(str, range(12))), ("sky", "road"), (1,), counts, counts)
        return replace(run, evidence={"test": test}, curves=())

    arms = tuple(replace(arm, runs=tuple(map(of_masks, arm.runs))) for arm in results.arms[:2])
    design = replace(results.design, epoch="last")
    content = document(replace(results, metric="mean_iou", arms=arms, design=design, contrasts=(), questions=()))
    assert content["study"]["task"] == "segmentation" and content["arms"][0]["confusion"]
    assert content["mistakes"] == [] and content["confused"] == []
    assert all(arm["thresholds"] is None and arm["calibration"] is None for arm in content["arms"])
    made = page(content)
    assert not [name for name in ("mistakes", "calibration", "thresholds") if f'id="{name}"' in made]
    assert not {"mistakes.csv", "confused.csv", "reliability.csv", "thresholds.csv", "curves.csv"} & set(files(content))


def test_answers_without_probabilities_have_nothing_of_it(compared):
    def only_answers(run):
        kept = run.evidence["test"]
        answers = np.where(np.arange(2) == kept.logits.argmax(axis=2)[..., None], 20.0, 0.0).astype(np.float32)
        return replace(run, evidence={"test": replace(kept, logits=answers)})

    arms = tuple(replace(arm, runs=tuple(map(only_answers, arm.runs))) for arm in compared.arms)
    content = document(replace(compared, arms=arms))
    assert content["mistakes"] == [] and all(arm["thresholds"] is None for arm in content["arms"])


def test_tables_hold_every_point(binary):
    made = {name: list(csv.DictReader(io.StringIO(text))) for name, text in files(binary).items() if "csv" in name}
    assert len(made["curves.csv"]) == 8 * (51 + 50) and len(made["thresholds.csv"]) == 8 * 10
    arm = binary["arms"][0]
    assert float(made["thresholds.csv"][4]["f1"]) == arm["thresholds"]["rows"][4]["f1"]["mean"]
    assert float(made["reliability.csv"][0]["right"]) == arm["calibration"]["reliability"][0]["right"]
    assert len(made["mistakes.csv"]) == 7 * 6
