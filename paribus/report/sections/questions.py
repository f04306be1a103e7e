"""One question's own section: what was changed, the effect, its doubt and its tests."""

from paribus.report import figures
from paribus.report.methods import trained_here
from paribus.report.numbers import Scale, listed, p_value, percent, plural, scale_of
from paribus.report.sections.masks import label_spaces
from paribus.report.sections.one_run import conclusion, shown_reading
from paribus.report.sections.strips import strip
from paribus.report.sections.words import Row, counted, named, word_of
from paribus.wording import new_images, training_images

ESTIMANDS = {
    "new_images": "New runs and {new}; {training}.",
    "these_images": "New runs, but exactly these images; {training}.",
    "these_networks": "Exactly these trained networks on {new}; it does not speak about the change as such.",
}
EPOCHS = {
    "last": "scored after the last epoch",
    "val": "epoch chosen on val",
    "crossfit": "epoch chosen by cross-fitting",
}


def question(document: Row, q: Row) -> Row:
    """A question's own section."""
    scale = scale_of(q["metric"])
    word, icon = word_of(q)
    shown = named(q) | {
        "word": word,
        "icon": icon,
        "css": q["verdict"] or "missing",
        "answered": q["verdict"] is not None,
    }
    if q["control"]:
        shown |= {"css": "alarm" if word == "ALARM" else "control"}
    shown |= {key: q[key] for key in ("changed", "consequences", "tuned", "bundle")}
    shown["weights"] = [(arm, _weight(w)) for arm, w in q["compare"].items()]
    if not shown["answered"]:
        return shown
    return shown | {
        "sentence": q["sentence"],
        "effect": f"{scale.change(q['difference'])} {scale.unit_of_change(q['difference'])}".strip(),
        "intervals": _intervals(scale, q),
        "doubt": _doubt(q),
        "plan": q["plan"].get("sentence"),
        "detectable": scale.amount(q["mde80"]) if q["mde80"] is not None else None,
        "one_run": conclusion(q, row) if (row := shown_reading(q)) else None,
        "tipping": scale.amount(q["tipping_point"]) if q["tipping_point"] is not None else None,
        "tests": _tests(q),
        "covers": _covers(q),
        "counts": _counts(document, q),
        "strip": strip(scale, document, q),
        "notes": q["notes"],
        "spaces": label_spaces(q),
    }


def _covers(q: Row) -> str:
    told = training_images(q["estimand"], q["compare"], q.get("train_fractions", {}))
    new = new_images(q["blocks"]) + ("" if q["blocks"] else " of this kind")
    return ESTIMANDS[q["estimand"]].format(new=new, training=told.replace("same training set", "the same training set"))


def _weight(weight: float) -> str:
    text = f"{abs(weight):.3g}"
    return ("+" if weight > 0 else "\N{MINUS SIGN}") + text


def _intervals(scale: Scale, q: Row) -> str:
    used = q["interval"]
    text = f"95 %: {scale.interval(*q['ci95'])} · 90 %: {scale.interval(*q['ci90'])}"
    space = "\N{NO-BREAK SPACE}"  # a line may break between two intervals, not inside one
    if used["level"] is not None and round(used["level"], 4) not in (0.95, 0.9):
        text += f" · widened for looks and family, {_level(used['level'])}: {scale.interval(used['low'], used['high'])}"
    return " · ".join(part.replace(" ", space) for part in text.split(" · "))


def _level(level: float) -> str:
    return f"{100 * level:.2f}".rstrip("0").rstrip(".") + " %"


def _doubt(q: Row) -> Row | None:
    runs, images = q["shares"].get("runs"), q["shares"].get("images")
    if runs is None or images is None:
        return None
    told = [
        (images, "the images", f"{percent(images)} from the images"),
        (runs, "the runs", f"{percent(runs)} from the runs"),
    ]
    text = ", ".join(words for _, _, words in sorted(told, key=lambda t: -t[0]))
    return {"text": text, "bar": figures.share_bar(runs, text)}


def _tests(q: Row) -> str:
    if q["p"] is None:
        return ""
    text = f"difference p {_equals(q['p'])}"
    if not q["primary"] and not q["control"] and q["p_adjusted"] is not None:
        text += f", adjusted {_equals(q['p_adjusted'])}"
    if q["p_equivalence"] is not None:
        text += f" · equivalence p {_equals(q['p_equivalence'])}"
        if not q["primary"] and not q["control"] and q["p_equivalence_adjusted"] is not None:
            text += f", adjusted {_equals(q['p_equivalence_adjusted'])}"
    return text + (f" · {q['df']:.1f} degrees of freedom" if q["df"] is not None else "")


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def _counts(document: Row, q: Row) -> str:
    runs = sorted(set(q["seeds"].values()))
    told = [counted(runs, "run") + " an arm" if runs else "", plural(q["images"], "image")]
    told.append(plural(q["groups"], "block" if q["blocks"] else "group") if q["groups"] else "")
    told.append(EPOCHS[document["study"]["epoch"]] if trained_here(document) else "scored as given")
    looks = document["study"]["looks"]
    if len(looks) > 1 and q["look"]:
        told.append(
            f"decided or last looked at with {q['look']} seeds (looks declared: {listed([str(k) for k in looks])})"
        )
    return " · ".join(t for t in told if t)
