"""The tables of a report as files: CSV for machines, LaTeX and Markdown for papers, and a paragraph on methods."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

from paribus.counting import WITHIN
from paribus.report import trusted, tuned
from paribus.report.numbers import MINUS, Scale, count, listed, p_value, percent, plural, scale_of

Row = dict[str, Any]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # how a cell begins that spreadsheets compute

VERDICTS = {
    "helps": "helps",
    "hurts": "hurts",
    "no_practical_difference": "no practical difference",
    "cannot_tell": "cannot tell",
    "cannot_tell_one_run": "one run an arm: cannot tell",
    "identical": "identical on these images",
    None: "not answered yet",
}
EPOCHS = {
    "last": "Every run was scored after its last epoch.",
    "val": "The epoch of each run was chosen on the validation split and scored on the {split} split.",
    "crossfit": "The epoch of each run was chosen by two-fold cross-fitting on the {split} split: "
    "no image was scored by an epoch that it helped to choose.",
}


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


def _several_metrics(document: Row) -> bool:
    return len({q["metric"] for q in document["questions"]} | {document["metric"]["name"]}) > 1


def _paper_rows(document: Row) -> list[list[str]]:
    rows, several = [], _several_metrics(document)
    for q in document["questions"]:
        scale, verdict = scale_of(q["metric"]), VERDICTS[q["verdict"]]
        verdict = f"A/A control: {verdict}" if q["control"] else verdict
        mark = " *" if q["primary"] else ""
        if q["verdict"] is None:
            rows.append([q["ask"] + mark, "", "", "", verdict])
            continue
        interval = scale.interval(*q["ci95"])
        change = scale.change(q["difference"])
        change = f"{scale.label}: {change} {scale.change_unit}".rstrip() if several else change
        rows.append([q["ask"] + mark, change, interval, _paper_p(q), verdict])
    return rows


def _paper_p(q: Row) -> str:
    """The p-value behind the verdict: of equivalence where that was found, else of a difference."""
    if q["control"]:
        return ""
    if q["verdict"] == "no_practical_difference":
        return p_value(q["p_equivalence"] if q["primary"] else q["p_equivalence_adjusted"]) + " (equivalence)"
    return p_value(q["p"] if q["primary"] else q["p_adjusted"])


def paper_header(document: Row) -> list[str]:
    """The column heads of the table of questions."""
    scale = scale_of(document["metric"]["name"])
    unit = f" ({scale.change_unit})" if scale.change_unit else ""
    what = "Difference" if _several_metrics(document) else f"{scale.label} difference{unit}"
    return ["Question", what, "95 % interval", "p (adjusted)", "Verdict"]


LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    MINUS: r"$-$",
    "\N{NO-BREAK SPACE}": "~",
    "\N{NARROW NO-BREAK SPACE}": r"\,",
}


def latex_text(text: str) -> str:
    """`text` on one line, with nothing left that LaTeX would act on."""
    return "".join(LATEX.get(c, c if c.isprintable() else " ") for c in text)


def latex(document: Row) -> str:
    """The table of questions for a paper (needs the package booktabs)."""
    lines = [r"\begin{tabular}{lrrrl}", r"\toprule"]
    lines.append(" & ".join(map(latex_text, paper_header(document))) + r" \\")
    lines.append(r"\midrule")
    # A cell that begins with "[" would be read as the optional argument of the line break before it.
    rows = [[latex_text(cell).replace("[", "{[}") for cell in row] for row in _paper_rows(document)]
    lines += [" & ".join(row) + r" \\" for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [f"% {latex_text(note)}" for note in [_footnote(document)] if note]
    return "\n".join(lines) + "\n"


def markdown_text(text: str) -> str:
    """`text` on one line, with nothing left that Markdown or HTML would act on."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"([\\`*_\[\]<>|&#~!])", r"\\\1", flat)


def markdown(document: Row) -> str:
    """The table of questions in Markdown."""
    lines = ["| " + " | ".join(paper_header(document)) + " |", "|:---|---:|---:|---:|:---|"]
    lines += ["| " + " | ".join(map(markdown_text, row)) + " |" for row in _paper_rows(document)]
    note = _footnote(document)
    return "\n".join([*lines, *(["", markdown_text(note)] if note else [])]) + "\n"


def _footnote(document: Row) -> str:
    family = [q for q in document["questions"] if not q["primary"] and not q["control"]]
    starred = ["* primary question, not adjusted"] if any(q["primary"] for q in document["questions"]) else []
    adjusted = [f"p of {plural(len(family), 'question')} adjusted by Holm's method"] if family else []
    said = "; ".join([*starred, *adjusted])
    return f"{said}." if said else ""


def methods(document: Row) -> str:
    """A paragraph for the methods section, filled from the study."""
    return "# Methods\n\n" + " ".join(map(markdown_text, method_sentences(document))) + "\n"


def method_sentences(document: Row) -> list[str]:
    """What was run, how it was scored and how it was judged; sentences in reading order."""
    study, scale = document["study"], scale_of(document["metric"]["name"])
    sentences = [_design(document), tuned.sentence(document), _scoring(document, scale), _interval(document)]
    sentences.append(_families(document))
    sentences.append(_margin(study["margin"], scale))
    sentences.append(_training_sets(document))
    sentences.append(_versions(document))
    return [s for s in sentences if s]


def _training_sets(document: Row) -> str:
    """What the intervals hold of the variation between training sets."""
    shares = fractions(document)
    if not shares:
        return "One training set was used, so variation between training sets is not covered."
    how = (
        "class by class and without replacement, the same for all arms of that seed; intervals cover which of them are "
        "drawn"
    )
    whole = [arm["name"] for arm in document["arms"] if arm["name"] not in shares]
    if not whole and len(set(shares.values())) == 1:
        return f"Each seed drew {percent(next(iter(shares.values())))} of the training images, {how}."
    told = listed([f"{percent(share)} in {arm}" for arm, share in shares.items()])
    used = f"; {listed(whole)} used all of them, where variation between training sets is not covered" if whole else ""
    return f"Each seed drew some of the training images ({told}), {how}{used}."


def fractions(document: Row) -> dict[str, float]:
    """Arm -> the share of the training images that each of its seeds drew, of the arms that drew one."""
    shares = {a["name"]: ((a["recipe"] or {}).get("data") or {}).get("train_fraction", 1) for a in document["arms"]}
    return {arm: share for arm, share in shares.items() if share < 1}


def _design(document: Row) -> str:
    arms = [a for a in document["arms"] if not a["control"]]
    runs = sorted({len(a["runs"]) for a in arms})
    each = str(runs[0]) if len(runs) == 1 else f"{runs[0]} to {runs[-1]}" if runs else "no"
    control = " and an A/A control (one recipe, two sets of seeds)" if len(arms) < len(document["arms"]) else ""
    total = sum(len(a["runs"]) for a in document["arms"])
    diverged = sum(r["status"] == "diverged" for a in document["arms"] for r in a["runs"])
    counted = f" {plural(diverged, 'run')} diverged and counted at the last finite epoch." if diverged else ""
    word = "run" if each == "1" else "runs"
    return (
        f"We compared {plural(len(arms), 'arm')}{control} with {each} {word} each, "
        f"one seed a run ({total} in all).{counted}"
    )


def images_of(document: Row, split: str) -> int | None:
    """How many images of a split the data have; None where that is not known."""
    data = document["study"]["data"]
    if split in data.get("images", {}):
        return int(data["images"][split])
    return sum(data["splits"][split].values()) if split in data.get("splits", {}) else None


def trained_here(document: Row) -> bool:
    """Whether recipes are known; if not, predictions came ready-made and nothing can be said about epochs."""
    return any(arm["recipe"] for arm in document["arms"])


def _scoring(document: Row, scale: Scale) -> str:
    study = document["study"]
    rule = EPOCHS[study["epoch"]] if trained_here(document) else "The predictions were scored as they were given."
    images = "" if study["images"] is None else f" on the same {plural(study['images'], 'image')}"
    groups = f" in {plural(study['groups'], 'group')}" if study["groups"] else ""
    trained = images_of(document, "train")
    training = f", after training on {count(trained)}" if trained else ""
    taken = f"{scale.label} was taken{images}{groups} of the {study['split']} split{training}."
    return " ".join([taken, *_pixels(document), rule.format(split=study["split"])])


def _pixels(document: Row) -> list[str]:
    """How pixels were counted; nothing where images have one label each."""
    if document["study"]["task"] != "segmentation":
        return []
    sizes = sorted({len(arm["space"]["classes"]) for arm in document["arms"] if arm["space"]})
    told = (
        f"Every pixel has one of {' or '.join(map(str, reversed(sizes)))} classes; counts of pixels were summed over "
        "all images before a ratio was taken, void pixels were left out, and so were classes that no truth holds"
    )
    void = document["study"]["data"].get("void", {}).get(document["study"]["split"])
    pixels = document["study"]["data"].get("splits", {}).get(document["study"]["split"])
    if void is not None and pixels:
        told += f" ({percent(void / (void + sum(pixels.values())))} of the pixels are void)"
    asked = {q["metric"] for q in document["questions"]}
    near = f" Boundary IoU counts the pixels at most {WITHIN} pixels from another class of the truth."
    return [told + "." + (near if "boundary_iou" in asked else "")]


def _interval(document: Row) -> str:
    answered = [q for q in document["questions"] if q["verdict"] is not None]
    text = (
        "Differences are given with intervals that treat runs and images as crossed random factors "
        "(variance of the run means plus variance of the image means less their overlap, "
        "with Satterthwaite's degrees of freedom)"
    )
    if any(q["estimand"] == "these_images" for q in answered):
        text += "; where images form fewer than 8 groups, for exactly these images (Welch's interval over runs)"
    looks = list(document["study"]["looks"])
    if len(looks) > 1:
        text += f"; looks were declared at {listed([str(k) for k in looks])} seeds and share the error of 5 %"
    return text + "."


def _families(document: Row) -> str:
    primary = [q["name"] for q in document["questions"] if q["primary"]]
    first = f"The primary question ({primary[0]}) was tested at 5 %; the " if primary else "The "
    return (
        first
        + ("others" if primary else "questions")
        + " were adjusted by Holm's method, differences and equivalences apart."
    )


def _margin(margin: float | None, scale: Scale) -> str:
    if margin is None:
        return "No margin of practical equivalence was declared."
    return (
        f"A margin of {scale.amount(margin)} was declared beforehand; "
        "equivalence was tested by two one-sided tests before difference."
    )


def _versions(document: Row) -> str:
    versions = document["environment"].get("versions") or {}
    named = [f"{name} {version}" for name, version in versions.items()] if isinstance(versions, dict) else []
    return f"Software: {', '.join(['Paribus ' + document['paribus'], *named])}."
