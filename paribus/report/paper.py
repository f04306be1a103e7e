"""The table of questions for a paper: LaTeX and Markdown."""

import re
from typing import Any

from paribus.report.numbers import MINUS, p_value, plural, scale_of

Row = dict[str, Any]

VERDICTS = {
    "helps": "helps",
    "hurts": "hurts",
    "no_practical_difference": "no practical difference",
    "cannot_tell": "cannot tell",
    "cannot_tell_one_run": "one run an arm: cannot tell",
    "identical": "identical on these images",
    None: "not answered yet",
}


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
