"""What one run would have said: for every question the differences of all ways to pick one run an arm."""

from paribus.report import figures
from paribus.report.histogram import Bar, histogram
from paribus.report.numbers import Scale, count, percent, scale_of
from paribus.report.sections.words import Row, named, word_of

READINGS = {
    "best_on_val": "each run at its best epoch on val, chosen and scored there",
    "as_declared": "each run scored as this study scores it",
}


def one_run(document: Row) -> Row | None:
    """The pictures, question by question, and the numbers of both readings; None where there is nothing to pick."""
    asked = [q for q in document["questions"] if q.get("one_run")]
    if not asked:
        return None
    asked.sort(key=lambda q: (q["control"], not q["primary"]))
    return {
        "questions": [_shown(q) for q in asked],
        "rows": [_numbers(q, row) for q in asked for row in q["one_run"].values()],
        "margin": any(q["margin"] for q in asked),
    }


def shown_reading(q: Row) -> Row | None:
    """The reading that is drawn and told: the best epoch on val, where that was kept; None without runs."""
    readings = q.get("one_run") or {}
    found: Row | None = readings.get("best_on_val") or readings.get("as_declared")
    return found


def sentence(q: Row, row: Row) -> str:
    """How picks were made, where they lie, and what they say against the full answer of the question `q`."""
    scale = scale_of(q["metric"])
    unit = f" {scale.change_unit}" if scale.change_unit else ""
    how = READINGS[row["reading"]]
    if row["ways"] == 1:
        lead = f"There is one way to pick one run an arm ({how}): it says {scale.change(row['median'])}{unit}."
        return f"{lead} {conclusion(q, row)}"
    drawn = "" if row["picks"] == row["ways"] else f", {count(row['picks'])} of them drawn by a fixed seed"
    lead = (
        f"{count(row['ways'])} ways to pick one run an arm ({how}){drawn}: their differences lie in "
        f"{scale.interval(row['smallest'], row['largest'])}{unit}; the full study says {scale.change(row['estimate'])}."
    )
    return f"{lead} {conclusion(q, row)}"


def conclusion(q: Row, row: Row) -> str:
    """The share of picks against the full answer, in words that depend on its verdict."""
    margin = scale_of(q["metric"]).amount(row["margin"]) if row["margin"] else None
    size = f"a difference of {margin} or more" if margin else "a difference"
    if row["verdict"] == "cannot_tell_one_run":
        return (
            "This answer rests on one run in some arm itself: whether the change or the seed made the difference must "
            "not be concluded from it, nor how often other seeds would say otherwise."
        )
    if row["control"]:
        return _counted(row["wrong_conclusion"], size, "where nothing differs, by construction", "as it should be")
    if row["verdict"] in ("helps", "hurts"):
        wrong = row["wrong_conclusion"]
        told = f"In {percent(wrong)} of picks the sign is the other one, or there is none."
        return told if wrong else "Every pick has its sign."
    if row["verdict"] == "cannot_tell":
        return _open(q, row, size)
    if row["verdict"] == "identical":
        return _counted(row["wrong_conclusion"], size, "and the full study found both sides identical", "as it found")
    return _counted(row["wrong_conclusion"], size, "which the full study rules out", "as it found")


def _counted(share: float, size: str, against: str, agreed: str) -> str:
    return f"{percent(share)} of picks show {size}, {against}." if share else f"No pick shows {size}, {agreed}."


def _open(q: Row, row: Row, size: str) -> str:
    sides = ("positive", "negative") if q["kind"] in ("interaction", "weights") else ("in favour", "against")
    told = f"{percent(row['above'])} {sides[0]}, {percent(row['below'])} {sides[1]}"
    if row["called_settled"]:
        lead = f"{percent(row['called_settled'])} of picks show {size} and would have been called settled ({told})"
    else:
        lead = f"No pick shows {size}"
    other = f" {percent(row['wrong_sign'])} of picks have the other sign." if row["wrong_sign"] else ""
    return f"{lead}; the full study cannot tell.{other}"


def _shown(q: Row) -> Row:
    row, scale = shown_reading(q), scale_of(q["metric"])
    assert row is not None
    word, icon = word_of(q)
    css = q["verdict"] if not q["control"] else "alarm" if word == "ALARM" else "control"
    text, span = sentence(q, row), _span(scale, row)
    plot = histogram(
        span,
        [Bar(*scale.bounds(b["low"], b["high"]), b["picks"], b["against"]) for b in row["bins"]],
        row["estimate"] * scale.factor,
        scale.bounds(row["low"], row["high"]),
        abs(row["margin"] * scale.factor) if row["margin"] else None,
        text,
        css,
    )
    head = f"{scale.label} difference" + (f", {scale.change_unit}" if scale.change_unit else "")
    shown = named(q) | {"word": word, "icon": icon, "css": css, "sentence": text, "plot": plot, "head": head}
    return shown | {"axis": figures.axis_strip(span, signed=True), "open": row["called_settled"] is not None}


def _span(scale: Scale, row: Row) -> figures.Span:
    """Holds every pick, zero, the margin and the full study's interval."""
    margin = row["margin"] or 0.0
    ends = [row["bins"][0]["low"], row["bins"][-1]["high"], row["low"], row["high"], 0.0, margin, -margin]
    return figures.span_around([end * scale.factor for end in ends], pad=0.03, least=1e-6)


def _numbers(q: Row, row: Row) -> Row:
    scale = scale_of(q["metric"])
    return named(q) | {
        "reading": READINGS[row["reading"]],
        "ways": count(row["ways"]),
        "range": scale.interval(row["smallest"], row["largest"]),
        "median": scale.change(row["median"]),
        "estimate": scale.change(row["estimate"]),
        **{key: percent(row[key]) for key in ("wrong_sign", "wrong_conclusion", "called_settled")},
    }
