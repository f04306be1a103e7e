"""Every run of an arm as a dot; many runs as a box."""

from paribus.report import figures
from paribus.report.numbers import Scale, plural
from paribus.report.sections import many
from paribus.report.sections.words import Row

DIVERGED = ", diverged"


def strip(scale: Scale, document: Row, q: Row) -> Row | None:
    """The runs of the question's arms, with the numbers beside."""
    values = {arm: [v * scale.factor for v in runs if v is not None] for arm, runs in q["per_arm"].items()}
    if not any(values.values()):
        return None
    span = figures.span_of_runs([v for runs in values.values() for v in runs], scale.digits)
    marks = {arm["name"]: [(r["seed"], r["status"]) for r in arm["runs"]] for arm in document["arms"]}
    rows = [strip_row(scale, span, arm, q["per_arm"][arm], marks.get(arm, [])) for arm in q["per_arm"]]
    told = (
        many.FIVE if any(len(runs) > many.DRAWN for runs in values.values()) else "every run in the order of the seeds"
    )
    head = scale.label + (", %" if scale.value_unit else "")
    return {"axis": figures.axis_strip(span), "rows": rows, "head": f"{head}, {told}"}


def strip_row(
    scale: Scale, span: figures.Span, arm: str, runs: list[float | None], marks: list[tuple[int, str]]
) -> Row:
    """One arm's runs, mean and numbers. marks: seed and status of each run."""
    known = [(k, v) for k, v in enumerate(runs) if v is not None]
    if len(known) > many.DRAWN:
        return _box_row(scale, span, arm, [v for _, v in known])
    numbers = [scale.number(v) for _, v in known]
    mean = sum(v for _, v in known) / len(known) if known else None
    titles = [_run_title(scale, v, marks[k] if k < len(marks) else None) for k, v in known]
    alternative = f"{plural(len(known), 'run')}: {', '.join(numbers)}; mean {scale.number(mean)}"
    scaled = None if mean is None else mean * scale.factor
    dots = [figures.Dot(v * scale.factor, t, t.endswith(DIVERGED)) for (_, v), t in zip(known, titles, strict=True)]
    plot = figures.strip_cell(span, dots, scaled, alternative)
    return {"arm": arm, "plot": plot, "mean": scale.number(mean), "values": " ".join(numbers)}


def _box_row(scale: Scale, span: figures.Span, arm: str, runs: list[float]) -> Row:
    mean, five = sum(runs) / len(runs), many.five(runs)
    numbers = " ".join(scale.number(v) for v in (five if scale.factor > 0 else reversed(five)))
    alternative = f"{plural(len(runs), 'run')}, {many.FIVE}: {numbers}; mean {scale.number(mean)}"
    plot = figures.box_cell(span, [v * scale.factor for v in five], mean * scale.factor, alternative)
    return {"arm": arm, "plot": plot, "mean": scale.number(mean), "values": numbers}


def _run_title(scale: Scale, value: float, mark: tuple[int, str] | None) -> str:
    if mark is None:
        return scale.value(value)
    return f"seed {mark[0]}: {scale.value(value)}" + (DIVERGED if mark[1] == "diverged" else "")
