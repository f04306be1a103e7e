"""How a study and its answers show themselves in a notebook: small tables, every name escaped."""

import pandas as pd
from markupsafe import Markup

from paribus.report.numbers import MINUS, count, p_value, plural, scale_of
from paribus.report.page import choice, name
from paribus.report.paper import VERDICTS
from paribus.study import Study

NOTHING = Markup("")


def study_html(study: Study) -> str:
    """The study's arms and what each changes, and its questions."""
    scale = scale_of(study.metric)
    margin = f"margin {scale.amount(study.margin)}" if study.margin is not None else "no margin"
    facts = f"{plural(len(study.seeds), 'seed')} an arm · {scale.label} · {margin}"
    arms = _table(("Arm", "Changes"), [(name(arm), _chain(study.chain(arm))) for arm in study.recipes])
    questions = _table(
        ("Question", "Asks", "Compares"),
        [(name(q.name) + (" ★" if q.primary else ""), name(q.ask), _weights(q.weights)) for q in study.questions],
    )
    return str(Markup("<div><p><b>{}</b><br>{}</p>{}{}</div>").format(name(study.title), facts, arms, questions))


def _chain(change: dict[str, object]) -> Markup:
    rows = [Markup("<code>{}: {}</code>").format(name(path), choice(value)) for path, value in change.items()]
    return Markup("<br>").join(rows) if rows else Markup("nothing")


def _weights(weights: dict[str, float]) -> Markup:
    shown = [
        Markup("{}{:g} {}").format("+" if weight > 0 else MINUS, abs(weight), name(arm))
        for arm, weight in weights.items()
        if weight
    ]
    return Markup(", ").join(shown)


def _table(heads: tuple[str, ...], rows: list[tuple[object, ...]]) -> Markup:
    head = NOTHING.join(Markup("<th>{}</th>").format(each) for each in heads)
    body = NOTHING.join(
        Markup("<tr>{}</tr>").format(NOTHING.join(Markup("<td>{}</td>").format(cell) for cell in row)) for row in rows
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


class Answers(pd.DataFrame):  # type: ignore[misc]
    """The frame of answers; in a notebook a table of questions with verdicts. What is cut from it is a plain frame."""

    def _repr_html_(self) -> str:
        if self.empty:
            return "<p>No question is answered yet.</p>"
        heads = ("Question", "Verdict", "Difference", "95 % interval", "p (adjusted)", "In words")
        rows: list[tuple[object, ...]] = []
        for row in self.to_dict("records"):
            scale = scale_of(row["metric"])
            unit = f" {scale.unit_of_change(row['difference'])}".rstrip()
            change, interval = scale.change(row["difference"]) + unit, scale.interval(row["low"], row["high"])
            p = p_value(row["p"] if pd.isna(row["p_adjusted"]) else row["p_adjusted"])
            verdict = Markup("<b>{}</b>").format(VERDICTS.get(row["verdict"], row["verdict"]))
            rows.append((name(row["ask"] or row["question"]), verdict, change, interval, p, name(row["sentence"])))
        return str(Markup("<div><p>{}</p>{}</div>").format(f"{count(len(rows))} answered", _table(heads, rows)))
