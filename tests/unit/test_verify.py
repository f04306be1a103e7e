"""A stored report against its evidence: what was changed is found, and nothing else is."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from paribus import compare
from paribus.contrasts import contrasts
from paribus.errors import IntegrityError
from paribus.findings import Finding
from paribus.questions import Design, Question
from paribus.report import document, render
from paribus.results import ArmResult, Results
from paribus.simulate import OF_MASKS, masks
from paribus.verify import verify


@pytest.fixture(scope="module")
def results_and_predictions(tmp_path_factory):
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 60)
    path = tmp_path_factory.mktemp("made") / "p.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "target", "arm", "seed", "x", "y", "z"])
        for k, arm in enumerate(("baseline", "wide", "deep")):
            for seed in range(3):
                scores = rng.normal(size=(60, 3))
                scores[np.arange(60), truth] += 1 + 0.3 * k
                for i, (t, z) in enumerate(zip(truth, scores, strict=True)):
                    table.writerow([f"{i}.png", "xyz"[t], arm, seed, *z.tolist()])
    read = compare.read([path])
    return compare.results(read, title="Made", margin=0.05, primary="wide"), read


@pytest.fixture
def folder(tmp_path, results_and_predictions):
    results, read = results_and_predictions
    compare.write(read, tmp_path, results)
    render(results, tmp_path)
    return tmp_path


def change(folder, edit):
    path = folder / "report.json"
    report = json.loads(path.read_text())
    report.pop("sha256", None)  # else every change is found, whatever it is of
    edit(report)
    path.write_text(json.dumps(report))


def leaves(value, path=()):
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    elif type(value) in (int, float):
        yield path, value


def at(report, path):
    for key in path:
        report = report[key]
    return report


def test_an_untouched_report_follows_from_its_evidence(folder):
    assert verify(folder) == []


def test_every_single_number_is_checked(folder, results_and_predictions, monkeypatch):
    """Each number of the report is changed in turn; only clocks and the machine may go unseen."""
    results, _ = results_and_predictions
    computed = document(results)
    monkeypatch.setattr("paribus.verify.document", lambda _: computed)  # the same each time: this saves seconds
    change(folder, lambda report: None)
    whole = (folder / "report.json").read_text()
    free = ("environment", "seconds")
    numbers = [(p, v) for p, v in leaves(json.loads(whole)) if p[0] not in free and p[-1] not in ("seconds",)]
    assert len(numbers) > 150
    for path, value in numbers:
        report = json.loads(whole)
        at(report, path[:-1])[path[-1]] = value * (1 + 1e-6) if value else 1e-6
        (folder / "report.json").write_text(json.dumps(report))
        assert verify(folder, lambda _: results), path


def test_the_problem_names_the_place_and_both_values(folder):
    change(folder, lambda report: report["questions"][0].update(difference=0.5))
    found = verify(folder)
    assert [p.where for p in found] == ["questions[wide].difference"]
    assert "is 0.5 in the report" in found[0].message


def test_words_are_checked_as_numbers_are(folder):
    change(folder, lambda report: report["questions"][0].update(verdict="hurts"))
    assert [p.where for p in verify(folder)] == ["questions[wide].verdict"]


def test_a_tiny_rounding_is_no_difference_and_a_small_change_is(folder):
    def scaled(factor):
        def edit(report):
            report["arms"][0]["mean"] *= factor

        return edit

    change(folder, scaled(1 + 1e-13))
    assert verify(folder) == []
    change(folder, scaled(1 + 1e-7))
    assert [p.where for p in verify(folder)] == ["arms[baseline].mean"]


def test_what_is_not_evidence_may_differ(folder):
    def edit(report):
        report.update(paribus="9.9", command="other", seconds=77.0, environment={"cores": 64})
        report["arms"][0]["runs"][0]["seconds"] = 5.0
        report["arms"][0]["seconds"] = 5.0

    change(folder, edit)
    assert verify(folder) == []


def test_the_seal_finds_what_no_number_depends_on(folder):
    path = folder / "report.json"
    report = json.loads(path.read_text())
    path.write_text(json.dumps(report | {"seconds": 77.0}))
    (problem,) = verify(folder)
    assert problem.code == "REPORT_CHANGED" and report["sha256"][:16] in problem.message
    path.write_text(json.dumps(report))  # written in another way, it says the same
    assert verify(folder) == []


@pytest.mark.parametrize("value", [None, "0.1", True])
def test_what_is_no_number_is_found(folder, value):
    change(folder, lambda report: report["questions"][0].update(p=value))
    assert [p.where for p in verify(folder)] == ["questions[wide].p"]


def test_missing_and_added_keys(folder):
    def edit(report):
        del report["questions"][1]["se"]
        report["questions"][1]["luck"] = 7

    change(folder, edit)
    found = {p.where: p.code for p in verify(folder)}
    assert found == {"questions[deep].se": "REPORT_LACKS", "questions[deep].luck": "REPORT_ADDS"}


def test_a_run_more_or_less_shifts_no_other(folder):
    def edit(report):
        runs = report["arms"][1]["runs"]
        runs.append(dict(runs[0], seed=99))
        del report["arms"][2]["runs"][0]

    change(folder, edit)
    found = {p.where: p.code for p in verify(folder)}
    assert found == {"arms[wide].runs[99]": "REPORT_ADDS", "arms[deep].runs[0]": "REPORT_LACKS"}


def test_rows_in_another_order_are_found(folder):
    change(folder, lambda report: report["questions"].reverse())
    assert [p.where for p in verify(folder)] == ["questions"]


def test_a_flipped_byte_of_the_evidence_is_damage(folder):
    path = folder / "predictions.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"predictions\.safetensors"):
        verify(folder)


def test_a_changed_margin_is_found(folder):
    change(folder, lambda report: report["study"]["declared"].update(margin=0.5))
    assert "study.declared.margin" in [p.where for p in verify(folder)]


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 99999])
def test_a_report_that_cannot_be_read(folder, content):
    (folder / "report.json").unlink()
    if content is not None:
        (folder / "report.json").write_bytes(content)
    with pytest.raises(IntegrityError, match="REPORT_UNREADABLE"):
        verify(folder)


def test_a_report_that_says_nothing(folder):
    (folder / "report.json").write_text("[]")
    with pytest.raises(IntegrityError):
        verify(folder)


def test_other_evidence_than_the_report_was_made_from(folder, results_and_predictions):
    """A rebuild that finds one run less, as of a study whose run folder is gone."""
    results, _ = results_and_predictions
    arms = (replace(results.arms[0], runs=results.arms[0].runs[:2]), *results.arms[1:])
    found = {p.where: p.code for p in verify(folder, lambda _: replace(results, arms=arms))}
    assert found["arms[baseline].runs[2]"] == "REPORT_ADDS" and "arms[baseline].mean" in found


def test_a_fault_of_the_reports_own_code_is_found_in_the_second_way(folder, results_and_predictions):
    """Report and rebuild agree on a wrong number, as they would if the code that both use were at fault."""
    results, _ = results_and_predictions
    wrong = replace(results.contrasts[0], difference=0.9, ci95=(0.8, 1.0))
    forged = replace(results, contrasts=(wrong, *results.contrasts[1:]))
    (folder / "report.json").write_text(json.dumps(document(forged)))
    where = [p.where for p in verify(folder, lambda _: forged)]
    assert "questions[wide].difference" in where and "questions[wide].ci95[0]" in where


def test_findings_are_compared(folder, results_and_predictions):
    results, _ = results_and_predictions
    more = (*results.findings, Finding("NEW", "New", "issue", "Something."))
    assert [p.where for p in verify(folder, lambda _: replace(results, findings=more))] == ["findings[NEW]"]


# ------------------------------------------------------------------------------------------------ masks

SPACE = {"name": "two", "classes": ["still", "moving"], "merge": {"still": [*OF_MASKS[:3], "sign"], "moving": ["car"]}}


def of_masks(metric):
    """The results of a study of masks, whose second question is scored in a space of two classes."""
    runs = masks({"baseline": 0.0, "better": 0.4}, 3, 40, np.random.default_rng(0))
    two = {"baseline": -1.0, "better": 1.0}
    questions = (Question("own", "?", two, metric, primary=True), Question("in", "?", two, metric, score_in=SPACE))
    design = Design((3,), "test")
    return Results(
        title="Made", metric=metric, margin=None, design=design, primary="own",
        arms=tuple(ArmResult(name, name, records) for name, records in runs.items()), questions=questions,
        contrasts=contrasts(questions, runs, design), findings=(), data={}, study={}, environment={}, seconds=0.0,
        command="",
    )  # fmt: skip


@pytest.mark.parametrize("metric", ["mean_iou", "pixel_accuracy", "dice"])
def test_reports_about_masks_follow_from_their_evidence(tmp_path, metric):
    results = of_masks(metric)
    (tmp_path / "report.json").write_text(json.dumps(document(results)))
    stored = json.loads((tmp_path / "report.json").read_text())
    assert [q["score_in"] for q in stored["questions"]] == [None, "two"]
    assert stored["arms"][0]["calibration"] is None and stored["disagreements"] == []
    assert np.sum(stored["arms"][0]["confusion"]["counts"]) > 1e4  # pixels
    assert verify(tmp_path, lambda _: results) == []


@pytest.mark.parametrize("metric", ["mean_iou", "pixel_accuracy"])
def test_a_wrong_metric_of_masks_is_found_by_its_definition(tmp_path, monkeypatch, metric):
    """Report and check are built by the same wrong code; the second way is not."""
    monkeypatch.setattr(
        f"paribus.confusion.{metric}", lambda counts: np.linspace(0, 1, len(counts)) + counts[0, 0, 0] % 7
    )
    results = of_masks(metric)
    (tmp_path / "report.json").write_text(json.dumps(document(results)))
    found = {p.where for p in verify(tmp_path, lambda _: results)}
    assert {"arms[baseline].mean", "questions[own].difference", "questions[in].difference"} <= found
