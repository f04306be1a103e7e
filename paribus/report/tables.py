"""The folder `tables` of a report: CSV for machines, and what papers need."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from paribus.report import trusted, tuned
from paribus.report.methods import methods
from paribus.report.paper import latex, markdown

Row = dict[str, Any]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # how a cell begins that spreadsheets compute


def files(document: Row, spreadsheet: bool = False) -> dict[str, str]:
    """File name -> text, for the folder `tables`.

    spreadsheet: CSV files in which no name is taken for a formula; else names stand there as they are.
    """
    made = {
        "questions.csv": to_csv(question_rows(document)),
        "arms.csv": to_csv(arm_rows(document)),
        "runs.csv": to_csv(run_rows(document)),
        "findings.csv": to_csv(document["findings"]),
        "one_run.csv": to_csv(one_run_rows(document)),
        "one_run_picks.csv": to_csv(pick_rows(document)),
        "questions.tex": latex(document),
        "questions.md": markdown(document),
        "methods.md": methods(document),
    }
    made |= _files_of_masks(document) | _files_of_tuning(document) | _files_of_trust(document)
    guarded = {name: for_spreadsheets(text) for name, text in made.items() if spreadsheet and name.endswith(".csv")}
    return made | guarded


def _files_of_tuning(document: Row) -> dict[str, str]:
    text = to_csv(tuned.rows(document))
    return {"tuning.csv": text} if text else {}


def _files_of_trust(document: Row) -> dict[str, str]:
    """What answers are worth; a table that has no row is no file."""
    made = {
        "mistakes.csv": to_csv(trusted.mistake_rows(document)),
        "confused.csv": to_csv(trusted.confused_rows(document)),
        "reliability.csv": to_csv(trusted.reliability_rows(document)),
        "thresholds.csv": to_csv(trusted.threshold_rows(document)),
        "curves.csv": to_csv(trusted.curve_rows(document)),
    }
    return {name: text for name, text in made.items() if text}


def _files_of_masks(document: Row) -> dict[str, str]:
    """The tables of classes and label spaces; none where images have one label each."""
    if document["study"]["task"] != "segmentation":
        return {}
    made = {
        "levels.csv": to_csv(level_rows(document)),
        "classes.csv": to_csv(class_rows(document)),
        "class_differences.csv": to_csv(class_difference_rows(document)),
        "label_spaces.csv": to_csv(label_space_rows(document)),
        "confusions.csv": to_csv(confusion_rows(document)),
    }
    return {name: text for name, text in made.items() if text}


def level_rows(document: Row) -> list[Row]:
    """One row an arm and metric."""
    return [
        {"arm": arm["name"], "classes": len(arm["space"]["classes"]), "metric": metric}
        | {"mean": level["mean"], "sd_runs": level["sd_runs"]}
        | dict(zip(("ci95_low", "ci95_high"), level["ci95"] or (None, None), strict=True))
        for arm in document["arms"]
        for metric, level in (arm["scores"] or {}).items()
    ]


def class_rows(document: Row) -> list[Row]:
    """One row an arm and class: its IoU, and how many images hold the class."""
    kept = ("low", "high", "images", "n_eff", "groups", "estimand")
    return [
        {"arm": arm["name"], "class": row["name"], "iou": row["value"]} | {key: row[key] for key in kept}
        for arm in document["arms"]
        for row in arm["classes"] or ()
    ]


def class_difference_rows(document: Row) -> list[Row]:
    """One row a question and class: exploratory differences."""
    kept = ("low", "high", "p", "p_adjusted", "images", "n_eff", "groups", "estimand")
    return [
        {"question": q["name"], "measure": q["classes"]["measure"], "class": row["name"], "difference": row["value"]}
        | {key: row[key] for key in kept}
        for q in document["questions"]
        for row in (q["classes"] or {}).get("rows", ())
    ]


def label_space_rows(document: Row) -> list[Row]:
    """One row a question that is scored in another label space: the naive difference taken apart."""
    return [
        {"question": q["name"], "metric": q["metric"], "score_in": q["score_in"]}
        | {key: q["label_spaces"][key] for key in ("naive", "easier_score", "training")}
        for q in document["questions"]
        if q["label_spaces"]
    ]


def confusion_rows(document: Row) -> list[Row]:
    """One row an arm, true class and answer: pixels, mean over runs; nothing for arms with too many classes."""
    return [
        {"arm": arm["name"], "truth": truth, "answer": answer, "pixels": pixels}
        for arm in document["arms"]
        if arm["space"] and "counts" in (arm["confusion"] or {})
        for truth, row in zip(arm["space"]["classes"], arm["confusion"]["counts"], strict=True)
        for answer, pixels in zip(arm["space"]["classes"], row, strict=True)
    ]


def question_rows(document: Row) -> list[Row]:
    """One row a question, in the metric's own unit; an unanswered question has empty cells."""
    return [_question_row(q) for q in document["questions"]]


def _question_row(q: Row) -> Row:
    low95, high95 = q.get("ci95") or (None, None)
    low90, high90 = q.get("ci90") or (None, None)
    used, shares = q.get("interval") or {}, q.get("shares") or {}
    return {
        "name": q["name"],
        "ask": q["ask"],
        "metric": q["metric"],
        "verdict": q["verdict"],
        "difference": q.get("difference"),
        "ci95_low": low95,
        "ci95_high": high95,
        "ci90_low": low90,
        "ci90_high": high90,
        "interval_level": used.get("level"),
        "interval_low": used.get("low"),
        "interval_high": used.get("high"),
        "df": q.get("df"),
        "p": q.get("p"),
        "p_adjusted": q.get("p_adjusted"),
        "margin": q["margin"],
        "share_runs": shares.get("runs"),
        "share_images": shares.get("images"),
        "mde80": q.get("mde80"),
        "images": q.get("images"),
        "primary": q["primary"],
        "control": q["control"],
    }


def one_run_rows(document: Row) -> list[Row]:
    """One row a question and reading: what all ways to pick one run an arm would have said."""
    return [
        {key: value for key, value in row.items() if key != "bins"}
        for q in document["questions"]
        for row in (q.get("one_run") or {}).values()
    ]


def pick_rows(document: Row) -> list[Row]:
    """One row a bin of a histogram: its ends, the picks that fall there, and those of them against the answer."""
    return [
        {"question": q["name"], "reading": reading} | each
        for q in document["questions"]
        for reading, row in (q.get("one_run") or {}).items()
        for each in row["bins"]
    ]


def arm_rows(document: Row) -> list[Row]:
    """One row an arm."""
    return [
        {
            "arm": arm["name"],
            "label": arm["label"],
            "metric": arm["metric"],
            "mean": arm["mean"],
            "sd_runs": arm["sd_runs"],
            "runs": len(arm["runs"]),
            "seconds_a_run": arm["seconds"],
            "images_per_second": arm["images_per_second"],
            "parameters_trained": arm["parameters"]["trained"],
            "parameters_total": arm["parameters"]["total"],
            "train_accuracy": arm["train_accuracy"],
            **({"train_mean_iou": arm["train_mean_iou"]} if arm["space"] else {}),
            **{name: (arm["calibration"] or {}).get(name) for name in ("log_loss", "brier", "ece", "ece_reference")},
        }
        for arm in document["arms"]
    ]


def run_rows(document: Row) -> list[Row]:
    """One row a run."""
    kept = ("id", "seed", "value", "seconds", "status", "epoch", "train_accuracy")
    return [
        {"arm": arm["name"]}
        | {key: run[key] for key in kept}
        | {f"best_val_{key}": (run["best_val"] or {}).get(key) for key in ("value", "epoch")}
        for arm in document["arms"]
        for run in arm["runs"]
    ]


def to_csv(rows: Sequence[Row]) -> str:
    """Rows with the keys of the first as header; names are written as they are, quoted where CSV needs it."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def for_spreadsheets(text: str) -> str:
    """A CSV with a ' before every text that begins as formulas do; numbers stay numbers."""
    out = io.StringIO()
    rows = csv.reader(io.StringIO(text, newline=""))
    csv.writer(out, lineterminator="\n").writerows([[_no_formula(cell) for cell in row] for row in rows])
    return out.getvalue()


def _no_formula(cell: str) -> str:
    try:
        float(cell)
    except ValueError:
        return f"'{cell}" if cell.startswith(FORMULA) else cell
    return cell
