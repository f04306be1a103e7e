"""Every run of an arm as a dot."""

from paribus.report import figures
from paribus.report.numbers import Scale, plural
from paribus.report.sections.words import Row

DIVERGED = ", diverged"


def strip(scale: Scale, document: Row, q: Row) -> Row | None:
    """Every run of the question's arms as a dot, with the numbers beside."""
    values = {arm: [v * scale.factor for v in runs if v is not None] for arm, runs in q["per_arm"].items()}
    if not any(values.values()):
        return None
    span = figures.span_of_runs([v for runs in values.values() for v in runs], scale.digits)
    marks = {arm["name"]: [(r["seed"], r["status"]) for r in arm["runs"]] for arm in document["arms"]}
    rows = [strip_row(scale, span, arm, q["per_arm"][arm], marks.get(arm, [])) for arm in q["per_arm"]]
    return {"axis": figures.axis_strip(span), "rows": rows, "head": scale.label + (", %" if scale.value_unit else "")}


def strip_row(
    scale: Scale, span: figures.Span, arm: str, runs: list[float | None], marks: list[tuple[int, str]]
) -> Row:
    """One arm's dots, mean and numbers. marks: seed and status of each run."""
    known = [(k, v) for k, v in enumerate(runs) if v is not None]
    numbers = [scale.number(v) for _, v in known]
    mean = sum(v for _, v in known) / len(known) if known else None
    titles = [_run_title(scale, v, marks[k] if k < len(marks) else None) for k, v in known]
    alternative = f"{plural(len(known), 'run')}: {', '.join(numbers)}; mean {scale.number(mean)}"
    scaled = None if mean is None else mean * scale.factor
    dots = [figures.Dot(v * scale.factor, t, t.endswith(DIVERGED)) for (_, v), t in zip(known, titles, strict=True)]
    plot = figures.strip_cell(span, dots, scaled, alternative)
    return {"arm": arm, "plot": plot, "mean": scale.number(mean), "values": " ".join(numbers)}


def _run_title(scale: Scale, value: float, mark: tuple[int, str] | None) -> str:
    if mark is None:
        return scale.value(value)
    return f"seed {mark[0]}: {scale.value(value)}" + (DIVERGED if mark[1] == "diverged" else "")
