"""report.json: strict JSON, complete, and equal to what the evidence says."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from paribus import metrics, sealed
from paribus.report import document, render
from paribus.report.document import finite
from paribus.report.methods import methods
from paribus.report.paper import latex_text, markdown_text
from paribus.report.sections import first_screen
from paribus.report.tables import files

TOP = {"paribus", "study", "arms", "questions", "findings", "environment", "seconds"}
ARM = {"name", "metric", "mean", "sd_runs", "runs"}
RUN = {"id", "seed", "value", "seconds", "status"}
QUESTION = {
    "ask", "compare", "metric", "score_in", "difference", "ci95", "ci90", "df", "p", "p_adjusted", "interval", "margin",
    "verdict", "sentence", "estimand", "shares", "mde80", "plan", "changed",
}  # fmt: skip


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def test_every_promised_key_is_there_in_strict_json(results, tmp_path):
    render(results, tmp_path)
    read = json.loads((tmp_path / "report.json").read_text("utf-8"), parse_constant=refuse)
    assert set(read) >= TOP
    assert all(set(arm) >= ARM and all(set(run) >= RUN for run in arm["runs"]) for arm in read["arms"])
    assert all(set(question) >= QUESTION for question in read["questions"])
    assert all(set(q["interval"]) == {"level", "low", "high"} for q in read["questions"])
    assert all({"code", "outcome", "sentence"} <= set(finding) for finding in read["findings"])
    assert sealed.opened(read, "report.json") == document(results)


def test_the_fit_is_taken_from_the_answers_kept_of_the_training_images(results):
    """Where no run says it itself: accuracy on the clean training images, after the last epoch kept of them."""
    first = results.arms[0]
    kept = first.runs[0].evidence["val"]
    facts = {key: value for key, value in first.runs[0].facts.items() if key != "train_accuracy"}
    run = replace(
        first.runs[0], facts=facts, evidence={**first.runs[0].evidence, "train": replace(kept, split="train")}
    )
    shown = document(replace(results, arms=(replace(first, runs=(run,)), *results.arms[1:])))["arms"][0]["runs"][0]
    assert shown["train_accuracy"] == pytest.approx((kept.at(kept.epochs[-1]).predicted() == kept.targets).mean())


def test_what_is_not_finite_becomes_null():
    assert finite({"a": [float("nan"), float("inf"), np.float32(1.5)], 2: np.array([1, 2])}) == {
        "a": [None, None, 1.5],
        "2": [1, 2],
    }


def test_the_values_are_those_of_the_epoch_chosen_on_val(results):
    for arm, row in zip(results.arms, document(results)["arms"], strict=True):
        for run, shown in zip(arm.runs, row["runs"], strict=True):
            val = run.evidence["val"]
            right = [(val.at(e).predicted() == val.targets).mean() for e in val.epochs]
            epoch = val.epochs[int(np.argmax(right))]
            scores = run.evidence["test"].at(epoch)
            assert shown["epoch"] == epoch
            assert shown["value"] == pytest.approx((scores.predicted() == scores.targets).mean())
        assert row["mean"] == pytest.approx(np.mean([r["value"] for r in row["runs"]]))
        assert row["sd_runs"] == pytest.approx(np.std([r["value"] for r in row["runs"]], ddof=1))
        assert row["ci95"][0] < row["mean"] < row["ci95"][1]


def test_the_best_arm_is_chosen_on_val_not_on_what_is_shown(results):
    content = document(results)
    assert content["best"]["chosen_on"] == "val"
    assert content["best"]["name"] == "fine-tuned.whole-face"

    def worse_on_test(run):
        kept = run.evidence["test"]
        return replace(run, evidence=run.evidence | {"test": replace(kept, logits=-kept.logits)})

    arms = tuple(
        replace(a, runs=tuple(map(worse_on_test, a.runs))) if a.name == "fine-tuned.whole-face" else a
        for a in results.arms
    )
    assert document(replace(results, arms=arms))["best"]["name"] == "fine-tuned.whole-face"


@pytest.mark.parametrize(
    ("verdict", "seconds", "said"),
    [
        ("no_practical_difference", 40.0, True),
        ("identical", 40.0, True),
        ("no_practical_difference", 50.0, False),  # more than two thirds of the best arm's 72 s
        ("cannot_tell", 40.0, False),
        ("helps", 40.0, False),
    ],
)
def test_an_arm_that_is_as_good_and_cheaper_is_named_beside_the_best(results, verdict, seconds, said):
    content = document(results)
    assert content["best"]["name"] == "fine-tuned.whole-face"
    next(arm for arm in content["arms"] if arm["name"] == "fine-tuned")["seconds"] = seconds
    next(q for q in content["questions"] if q["name"] == "crop-tuned")["verdict"] = verdict
    use = first_screen.answers(content)[0]
    told = [("fine-tuned", "makes no practical difference, and trains in 40 s instead of 1 min 12 s.")]
    assert use["label"] == "Use" and use["pairs"] == (told if said else None)


def test_without_val_the_best_arm_is_said_to_be_optimistic(compared):
    assert document(compared)["best"]["chosen_on"] == "test"


def test_confusions_are_means_over_runs(results):
    arm, row = results.arms[0], document(results)["arms"][0]
    counts = np.array(row["confusion"]["counts"])
    assert counts.sum() == pytest.approx(200)
    assert np.trace(counts) / 200 == pytest.approx(row["mean"])
    assert np.allclose(np.array(row["confusion"]["rate"]).sum(axis=1), 1)
    assert len(arm.runs) == 5


def test_calibration_matches_the_metrics(compared):
    run = compared.arms[0].runs[0]
    scores = run.evidence["test"].at(run.evidence["test"].epochs[-1])
    one = replace(compared, arms=(replace(compared.arms[0], runs=(run,)),), contrasts=(), questions=())
    shown = document(one)["arms"][0]["calibration"]
    assert shown["log_loss"] == pytest.approx(-metrics.neg_log_loss(scores).mean())
    assert shown["ece"] == pytest.approx(metrics.calibration_error(scores))
    assert 0 < shown["ece_reference"] < 0.2


def test_disagreements_lead_with_the_widest_and_leave_the_control_out(results):
    rows = document(results)["disagreements"]
    assert [r["spread"] for r in rows] == sorted((r["spread"] for r in rows), reverse=True)
    assert all("a-a" not in r["answers"] for r in rows)
    row = rows[0]
    share = [np.mean([a == row["target"] for a in given]) for given in row["answers"].values()]
    assert row["spread"] == pytest.approx(np.var(share))


def test_a_diverged_run_is_counted(results):
    arm = next(a for a in document(results)["arms"] if a["name"] == "alexnet-scratch")
    assert [r["status"] for r in arm["runs"]].count("diverged") == 1
    assert all(r["value"] is not None for r in arm["runs"])


def test_a_broken_certificate_is_the_one_shown(results):
    def broken(run, k):
        facts = dict(run.facts or {})
        return replace(run, facts=facts | {"certificate": {"held": k != 3, "sentence": f"run {k}"}})

    arm = replace(results.arms[0], runs=tuple(broken(r, k) for k, r in enumerate(results.arms[0].runs)))
    content = document(replace(results, arms=(arm, *results.arms[1:])))
    assert content["arms"][0]["certificate"]["sentence"] == "run 3"


def test_tables_hold_the_rows(results):
    content = document(results)
    made = files(content)
    assert set(made) == {
        "questions.csv", "arms.csv", "runs.csv", "findings.csv", "one_run.csv", "one_run_picks.csv", "questions.tex",
        "questions.md", "methods.md", "mistakes.csv", "reliability.csv", "thresholds.csv", "curves.csv",
    }  # fmt: skip
    read = list(csv.DictReader(io.StringIO(made["questions.csv"])))
    assert [float(r["difference"]) for r in read] == [q["difference"] for q in content["questions"]]
    assert len(list(csv.DictReader(io.StringIO(made["runs.csv"])))) == 40
    assert len(list(csv.DictReader(io.StringIO(made["findings.csv"])))) == 6


def test_latex_and_markdown_hold_no_active_character():
    assert latex_text("50 % of a_b & {c} \\input{x} $1$ #") == (
        r"50 \% of a\_b \& \{c\} \textbackslash{}input\{x\} \$1\$ \#"
    )
    assert markdown_text("a|b <img> [x](y) `c` *d*\nnew") == r"a\|b \<img\> \[x\](y) \`c\` \*d\* new"


def test_latex_has_as_many_cells_in_every_row(results):
    rows = [r for r in files(document(results))["questions.tex"].splitlines() if r.endswith(r"\\")]
    assert len(rows) == 1 + len(results.questions)
    assert {r.replace(r"\&", "").count("&") for r in rows} == {4}
    assert not [r for r in rows if r.startswith("[")]


def test_a_paper_names_the_metric_of_each_difference_where_there_are_several(results):
    mixed = document(results)
    assert "| Accuracy difference (points) |" in files(mixed)["questions.md"]
    mixed["questions"][0]["metric"] = "balanced_accuracy"
    table = files(mixed)["questions.md"]
    assert "| Difference |" in table and "| Balanced accuracy: " in table and "| Accuracy: " in table


def test_a_paper_says_nothing_of_adjusting_where_nothing_is_adjusted(results):
    alone = document(results)
    assert "adjusted by Holm" in files(alone)["questions.md"]
    alone["questions"] = [q for q in alone["questions"] if q["primary"]]
    made = files(alone)
    assert made["questions.md"].endswith("primary question, not adjusted.\n") and "Holm" not in made["questions.tex"]


def test_the_p_of_a_paper_is_the_one_behind_the_verdict(results):
    rows = [r for r in files(document(results))["questions.md"].splitlines() if "practical" in r or "\\*" in r]
    primary, same = rows[0], rows[1]
    assert "| < 0.001 |".replace("<", "\\<") in primary and "0.600 (equivalence)" in same


def test_the_methods_say_what_was_done(results, compared):
    text = methods(document(results))
    for said in ("7 arms", "A/A control", "5 runs each", "1 run diverged", "2.0 points", "chosen on the validation"):
        assert said in text
    assert "Holm" in text and "One training set" in text and "torch 2.14.0" in text
    assert "scored as they were given" in methods(document(compared))


def test_no_half_file_is_left(results, tmp_path):
    render(results, tmp_path)
    render(results, tmp_path)
    names = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert names == sorted(["report.html", "report.json", *files(document(results))])


def test_names_come_back_byte_for_byte_from_csv(results, tmp_path):
    arm = replace(results.arms[0], name='caf\udce9,"x"\n=1+1')
    render(replace(results, arms=(arm,), contrasts=(), questions=()), tmp_path)
    text = (tmp_path / "tables" / "arms.csv").read_bytes().decode("utf-8", "surrogateescape")
    assert next(iter(csv.DictReader(io.StringIO(text, newline=""))))["arm"] == arm.name


def test_no_cell_of_a_spreadsheet_is_a_formula(results, tmp_path):
    names = ["=cmd|' /C calc'!A0", "+1+1", "-1-1", "@SUM(A1)", "\tx", "plain", "a=b"]
    findings = tuple(replace(results.findings[0], code=f"C{k}", sentence=name) for k, name in enumerate(names))
    hostile = document(replace(results, findings=findings))
    for spreadsheet in (False, True):
        made = files(hostile, spreadsheet)
        cells = [row["sentence"] for row in csv.DictReader(io.StringIO(made["findings.csv"], newline=""))]
        guarded = [f"'{name}" for name in names[:5]] + names[5:]
        assert cells == (guarded if spreadsheet else names)
        values = [float(row["difference"]) for row in csv.DictReader(io.StringIO(made["questions.csv"], newline=""))]
        assert min(values) < 0  # numbers stay numbers
