"""What each section of the page says: words and rows from the document, in the order a reader needs them."""

import math
import re
from typing import Any

from paribus.report import figures
from paribus.report.numbers import Scale, count, duration, listed, p_value, percent, plural, scale_of
from paribus.report.tables import VERDICTS, method_sentences, trained_here

Row = dict[str, Any]

WORDS = {
    "helps": ("HELPS", "▲"),
    "hurts": ("HURTS", "▼"),
    "no_practical_difference": ("SAME", "≈"),
    "cannot_tell": ("OPEN", "?"),
    "cannot_tell_one_run": ("ONE RUN", "1"),
    "identical": ("IDENTICAL", "="),
    None: ("NOT RUN", "…"),
}
OUTCOMES = {
    "issue": ("Issue", "✖"),
    "tip": ("Tip", "➜"),
    "passed": ("Passed", "✔"),
    "not_applicable": ("Not applicable", "–"),
    "skipped": ("Skipped", "○"),
    "ignored": ("Ignored", "◌"),
}
ESTIMANDS = {
    "new_images": "New runs and new images of this kind; the same training set.",
    "these_images": "New runs, but exactly these images; the same training set.",
    "these_networks": "Exactly these trained networks on new images; it does not speak about the change as such.",
}
EPOCHS = {
    "last": "scored after the last epoch",
    "val": "epoch chosen on val",
    "crossfit": "epoch chosen by cross-fitting",
}


def view(document: Row) -> Row:
    """Everything the template prints, section by section."""
    return {
        "facts": facts(document),
        "summary": summary(document),
        "missing": missing(document),
        "forest": forest(document),
        "answers": answers(document),
        "questions": [question(document, q) for q in document["questions"]],
        "arms": arms(document),
        "curves": curves(document),
        "confusions": confusions(document),
        "disagreements": disagreements(document),
        "calibration": calibration(document),
        "certificates": certificates(document),
        "findings": findings(document),
        "repeat": repeat(document),
    }


# The first screen


def facts(document: Row) -> list[str]:
    """The line under the title."""
    study, scale = document["study"], scale_of(document["metric"]["name"])
    splits = study["data"].get("splits", {})
    trained = sum(splits.get("train", {}).values())
    images = study["images"]
    told = [
        f"{count(trained)} training images" if trained else "",
        f"{count(images)} {study['split']} images" if images is not None else "",
        _counted([len(a["runs"]) for a in document["arms"]], "seed") + " an arm" if document["arms"] else "",
        duration(document["seconds"]) + _cores(document["environment"]) if document["seconds"] else "",
        f"margin declared beforehand: {scale.amount(study['margin'])}" if study["margin"] else "no margin declared",
    ]
    return [t for t in told if t]


def _cores(environment: Row) -> str:
    cores = environment.get("cores", environment.get("threads"))
    return f", {plural(cores, 'core')}" if isinstance(cores, int) else ""


def _counted(numbers: list[int], word: str) -> str:
    """`1 seed`, `5 seeds`, `3 to 5 seeds`."""
    low, high = min(numbers), max(numbers)
    return plural(low, word) if low == high else f"{low} to {high} {word}s"


def word_of(q: Row) -> tuple[str, str]:
    """The verdict's word and icon.

    A difference of differences does not help or hurt, it has a sign; the A/A control measures the noise.
    """
    if q["control"]:
        return ("ALARM", "!") if q["verdict"] in ("helps", "hurts") else ("NOISE FLOOR", "◆")
    if q["kind"] in ("interaction", "weights"):
        return {"helps": ("POSITIVE", "▲"), "hurts": ("NEGATIVE", "▼")}.get(q["verdict"], WORDS[q["verdict"]])
    return WORDS[q["verdict"]]


FOUND = (  # the verdict's word, and what one or several questions with it do
    ("HELPS", "helps", "help"),
    ("HURTS", "hurts", "hurt"),
    ("POSITIVE", "is positive", "are positive"),
    ("NEGATIVE", "is negative", "are negative"),
    ("SAME", "makes no practical difference", "make no practical difference"),
    ("IDENTICAL", "changes no answer on these images", "change no answer on these images"),
)
UNTOLD = (
    ("OPEN", "we cannot tell yet"),
    ("ONE RUN", "one run an arm cannot tell"),
    ("NOT RUN", "the runs are not all there"),
)
DIVERGED = ", diverged"
Words = list[tuple[str, bool]]  # pieces of a sentence, and whether each is a name


def summary(document: Row) -> Words:
    """The answer in one sentence: what was found, then what stays open."""
    by_word: dict[str, list[str]] = {}
    for q in document["questions"]:
        if not q["control"]:
            by_word.setdefault(word_of(q)[0], []).append(q["name"])
    found = [_clause(by_word[w], one if len(by_word[w]) == 1 else many) for w, one, many in FOUND if w in by_word]
    untold = [[("for ", False), *_clause(by_word[w], what)] for w, what in UNTOLD if w in by_word]
    said: Words = []
    for k, clause in enumerate(found):
        said += [("We found that " if k == 0 else " and " if k == len(found) - 1 else ", ", False), *clause]
    for k, clause in enumerate(untold):
        said += [("; " if said else "", False), *clause] if k or said else [("For ", False), *clause[1:]]
    return [*said, (".", False)] if said else []


def _clause(names: list[str], what: str) -> Words:
    words: Words = []
    for k, name in enumerate(names):
        joint = "" if k == 0 else " and " if k == len(names) - 1 else ", "
        words += [(joint, False), (name, True)]
    return [*words, (" " + what, False)]


def missing(document: Row) -> list[tuple[str, int]]:
    """Arms whose runs are not all there."""
    return [(arm, number) for arm, number in document["missing"].items() if number]


def forest(document: Row) -> Row:
    """The forest plot's rows, by metric; the A/A control last."""
    groups = []
    for metric in dict.fromkeys(q["metric"] for q in document["questions"]):
        rows = [q for q in document["questions"] if q["metric"] == metric]
        groups.append(_forest_of(metric, rows))
    primary = any(q["primary"] for q in document["questions"])
    extended = any(row["extended"] for group in groups for row in group["rows"])
    stepped = any(row["stepped"] for group in groups for row in group["rows"])
    return {"groups": groups, "primary": primary, "extended": extended, "stepped": stepped}


def _forest_of(metric: str, questions: list[Row]) -> Row:
    scale = scale_of(metric)
    margins = {abs(q["margin"] * scale.factor) for q in questions if q["margin"]}
    drawn = [scale.bounds(*_widest(q)) for q in questions if _drawable(q)]
    span = figures.span_of_intervals(drawn, max(margins, default=None))
    ordered = sorted(questions, key=lambda q: (q["control"], not q["primary"]))
    unit = f", {scale.change_unit}" if scale.change_unit else ""
    direction = " (lower is better)" if scale.lower_is_better else ""
    return {
        "head": f"{scale.label} difference{unit}{direction}",
        "axis": figures.axis_strip(span, signed=True),
        "rows": [_forest_row(scale, span, q) for q in ordered],
        "same": any(q["verdict"] == "no_practical_difference" for q in questions),
        "margin": scale.amount(next(iter(margins)) / abs(scale.factor)) if len(margins) == 1 else None,
    }


def _widest(q: Row) -> tuple[float, float]:
    """The ends of the 95 % interval and of the one at the verdict's level, whichever lie further out."""
    (low, high), used = q["ci95"], q["interval"]
    lows, highs = [low, used["low"]], [high, used["high"]]
    return min(x for x in lows if x is not None), max(x for x in highs if x is not None)


def _drawable(q: Row) -> bool:
    return q["verdict"] is not None and None not in (*q["ci95"], q["difference"])


def _forest_row(scale: Scale, span: figures.Span, q: Row) -> Row:
    word, icon = word_of(q)
    row = _named(q) | {"word": word, "icon": icon, "css": q["verdict"] or "missing", "plot": None}
    row |= {"extended": False, "stepped": False}
    if q["control"]:
        row["css"] = "alarm" if word == "ALARM" else "control"
    if not _drawable(q):
        return row | {"effect": "", "interval": ""}
    inner = scale.bounds(*q["ci95"])
    used = q["interval"]
    outer = scale.bounds(used["low"], used["high"]) if None not in (used["low"], used["high"]) else inner
    effect, interval = scale.change(q["difference"]), scale.interval(*q["ci95"])
    margin = abs(q["margin"] * scale.factor) if q["margin"] else None
    alternative = f"{effect} {scale.change_unit}, 95 % interval {interval}: {VERDICTS[q['verdict']]}"
    plot = figures.forest_cell(
        span, q["difference"] * scale.factor, inner, outer, margin, q["verdict"], alternative, q["control"]
    )
    extended = outer[0] < inner[0] - 1e-9 or outer[1] > inner[1] + 1e-9
    stepped = q["verdict"] in ("helps", "hurts") and outer[0] <= 0 <= outer[1]
    return row | {"effect": effect, "interval": interval, "plot": plot, "extended": extended, "stepped": stepped}


def _named(q: Row) -> Row:
    anchor = "q-" + re.sub(r"[^A-Za-z0-9._-]", "-", q["name"])
    return {"anchor": anchor, "name": q["name"], "ask": q["ask"], "primary": q["primary"], "control": q["control"]}


def answers(document: Row) -> list[Row]:
    """Use, Next, Caution, One run, Repeat: label, text parts, and where to read on."""
    found = [_use(document), _next(document), _caution(document), _one_run(document)]
    found.append({"label": "Repeat", "code": document["command"]} if document["command"] else None)
    empty = dict.fromkeys(("name", "text", "name_after", "pairs", "items", "more", "code"))
    return [empty | f for f in found if f]


def _use(document: Row) -> Row | None:
    best = document["best"]
    if best is None:
        return None
    scale = scale_of(document["metric"]["name"])
    if best["sd_runs"] is None:
        heard = f"{scale.value(best['mean'])} in one run"
    else:
        interval = f" {scale.range(*best['ci95'])}" if best["ci95"] else ""
        heard = (
            f"{scale.value(best['mean'])}{interval}; {plural(best['runs'], 'run')} "
            f"from {scale.number(best['min'])} to {scale.number(best['max'])}"
        )
    chosen = (
        "chosen on val"
        if best["chosen_on"] == "val"
        else "highest here, chosen on the images it is scored on: optimistic"
    )
    return {"label": "Use", "name": best["name"], "text": f"({chosen}): {heard}"}


def _next(document: Row) -> Row | None:
    open_ = [
        q for q in document["questions"] if q["verdict"] in ("cannot_tell", "cannot_tell_one_run") and not q["control"]
    ]
    open_.sort(key=lambda q: not q["primary"])
    planned = [(q["name"], q["plan"]["sentence"]) for q in open_ if q["plan"].get("sentence")]
    return {"label": "Next", "pairs": planned[:2]} if planned else None


def _caution(document: Row) -> Row:
    weighty = [f["title"] for outcome in ("issue", "tip") for f in document["findings"] if f["outcome"] == outcome]
    told = ["one training set", *dict.fromkeys(t for t in weighty if t.lower() != "one training set")]
    more = len(told) - 4
    return {"label": "Caution", "items": told[:4], "more": more if more > 0 else 0}


def _one_run(document: Row) -> Row | None:
    wrong = [q for q in document["questions"] if q.get("one_run_wrong") is not None and not q["control"]]
    worst = max(wrong, key=lambda q: q["one_run_wrong"], default=None)
    if worst is None:
        return None
    if worst["one_run_wrong"] == 0:
        text = "an arm would never have shown the other sign than all runs together, whichever run was picked"
        signless = any(q.get("difference") == 0 and not q["control"] for q in document["questions"])
        return {"label": "One run", "text": f"{text} (a difference of exactly 0 has none)" if signless else text}
    return {
        "label": "One run",
        "text": f"an arm would have shown the other sign in {percent(worst['one_run_wrong'])} of picks",
        "name_after": worst["name"],
    }


# One question


def question(document: Row, q: Row) -> Row:
    """A question's own section."""
    scale = scale_of(q["metric"])
    word, icon = word_of(q)
    shown = _named(q) | {
        "word": word,
        "icon": icon,
        "css": q["verdict"] or "missing",
        "answered": q["verdict"] is not None,
    }
    if q["control"]:
        shown |= {"css": "alarm" if word == "ALARM" else "control"}
    shown |= {"changed": q["changed"], "consequences": q["consequences"], "bundle": q["bundle"]}
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
        "one_run": percent(q["one_run_wrong"]) if q["one_run_wrong"] is not None else None,
        "tipping": scale.amount(q["tipping_point"]) if q["tipping_point"] is not None else None,
        "tests": _tests(q),
        "covers": ESTIMANDS[q["estimand"]],
        "counts": _counts(document, q),
        "strip": strip(scale, document, q),
        "notes": q["notes"],
    }


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
    told = [_counted(runs, "run") + " an arm" if runs else "", plural(q["images"], "image")]
    told.append(plural(q["groups"], "group") if q["groups"] else "")
    told.append(EPOCHS[document["study"]["epoch"]] if trained_here(document) else "scored as given")
    looks = document["study"]["looks"]
    if len(looks) > 1 and q["look"]:
        told.append(
            f"decided or last looked at with {q['look']} seeds (looks declared: {listed([str(k) for k in looks])})"
        )
    return " · ".join(t for t in told if t)


def strip(scale: Scale, document: Row, q: Row) -> Row | None:
    """Every run of the question's arms as a dot, with the numbers beside."""
    values = {arm: [v * scale.factor for v in runs if v is not None] for arm, runs in q["per_arm"].items()}
    if not any(values.values()):
        return None
    span = figures.span_around([v for runs in values.values() for v in runs], least=0.5 * 10.0**-scale.digits)
    marks = {arm["name"]: [(r["seed"], r["status"]) for r in arm["runs"]] for arm in document["arms"]}
    rows = [_strip_row(scale, span, arm, q["per_arm"][arm], marks.get(arm, [])) for arm in q["per_arm"]]
    return {"axis": figures.axis_strip(span), "rows": rows, "head": scale.label + (", %" if scale.value_unit else "")}


def _strip_row(
    scale: Scale, span: figures.Span, arm: str, runs: list[float | None], marks: list[tuple[int, str]]
) -> Row:
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


# Arms


def arms(document: Row) -> Row:
    """The table of arms, with every run, its cost and the dot plot."""
    scale = scale_of(document["metric"]["name"])
    rows = document["arms"]
    values = [r["value"] * scale.factor for a in rows for r in a["runs"] if r["value"] is not None]
    span = figures.span_around(values, least=0.5 * 10.0**-scale.digits)
    costs = any(a["seconds"] for a in rows)
    return {
        "head": scale.label + (", %" if scale.value_unit else ""),
        "axis": figures.axis_strip(span),
        "rows": [_arm(scale, span, a) for a in rows],
        "costs": costs,
        "parameters": any(a["parameters"]["total"] for a in rows),
        "speed": any(a["images_per_second"] for a in rows),
        "training": any(a["train_accuracy"] is not None for a in rows),
        "best_val": any(r["best_val"] for a in rows for r in a["runs"]),
    }


def _arm(scale: Scale, span: figures.Span, arm: Row) -> Row:
    runs = [r["value"] for r in arm["runs"]]
    marks = [(r["seed"], r["status"]) for r in arm["runs"]]
    row = _strip_row(scale, span, arm["name"], runs, marks)
    diverged = sum(status == "diverged" for _, status in marks)
    return row | {
        "label": arm["label"],
        "control": arm["control"],
        "sd": scale.spread(arm["sd_runs"]),
        "diverged": diverged,
        "seconds": arm["seconds"],
        "speed": arm["images_per_second"],
        "parameters": arm["parameters"],
        "train_accuracy": scale_of("accuracy").value(arm["train_accuracy"]),
        "runs": [_run(scale, r) for r in arm["runs"]],
        "changed": arm["changed"],
    }


def _run(scale: Scale, run: Row) -> Row:
    best = run["best_val"]
    shown = f"{scale_of('accuracy').value(best['value'])} at epoch {count(best['epoch'])}" if best else ""
    kept = ("id", "seed", "status", "seconds", "epoch")
    return {key: run[key] for key in kept} | {"value": scale.value(run["value"]), "best_val": shown}


# Learning curves


def curves(document: Row) -> Row | None:
    """Small charts with shared axes: training loss and validation accuracy, an arm a row."""
    panels = [("train_loss", "Training loss", 1.0), ("val_accuracy", "Validation accuracy, %", 100.0)]
    frames = [(key, label, _frame(document, key, factor)) for key, label, factor in panels]
    there = [(key, label, frame) for key, label, frame in frames if frame is not None]
    if not there:
        return None
    rows = []
    for arm in document["arms"]:
        charts = [_chart(arm, key, label, frame) for key, label, frame in there]
        rows.append({"arm": arm["name"], "charts": [c for c in charts if c]})
    return {"rows": [r for r in rows if r["charts"]]}


def _points(run: Row, key: str) -> list[tuple[float, float]]:
    return [
        (row["epoch"], math.nan if row.get(key) is None else row[key])
        for row in run["curves"]
        if row.get("epoch") is not None and key in row
    ]


def _frame(document: Row, key: str, factor: float) -> figures.Frame | None:
    points = [p for arm in document["arms"] for run in arm["runs"] for p in _points(run, key) if math.isfinite(p[1])]
    if not points:
        return None
    heights = sorted(y for _, y in points)
    # One diverging run must not flatten all others: the axis ends where 98 % of the values do, with room.
    top = heights[min(len(heights) - 1, int(0.98 * len(heights)))]
    top = heights[-1] if heights[-1] < heights[0] + 1.5 * (top - heights[0]) else top
    epochs = [x for x, _ in points]
    width = figures.Span(min(epochs), max(max(epochs), min(epochs) + 1))
    return figures.Frame(width, figures.span_around([heights[0], top], least=1e-3), factor)


def _chart(arm: Row, key: str, label: str, frame: figures.Frame) -> Row | None:
    lines = [points for run in arm["runs"] if (points := _points(run, key))]
    if not lines:
        return None
    mean = _mean_line(lines)
    ends = [f"{y * frame.factor:.3g}" for _, y in (mean[0], mean[-1])] if mean else [" ", " "]
    alternative = f"{label}: {plural(len(lines), 'run')}, mean from {ends[0]} to {ends[1]}"
    table = [(count(x), f"{y * frame.factor:.4g}") for x, y in mean]
    return {"label": label, "svg": figures.chart(frame, lines, mean, alternative), "table": table}


def _mean_line(lines: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """The mean at every epoch that any run reached, over the runs with a value there."""
    at: dict[float, list[float]] = {}
    for line in lines:
        for x, y in line:
            if math.isfinite(y):
                at.setdefault(x, []).append(y)
    return [(x, sum(ys) / len(ys)) for x, ys in sorted(at.items())]


# Confusions, disagreements, calibration


def confusions(document: Row) -> Row | None:
    """A matrix an arm where the classes are few, the largest confusions where they are many."""
    classes = class_names(document)
    rows = [(arm["name"], arm["confusion"]) for arm in document["arms"] if arm["confusion"]]
    if not rows:
        return None
    return {"classes": classes, "arms": [_confusion(name, c, classes) for name, c in rows]}


def class_names(document: Row) -> list[str]:
    """The classes as the data name them; numbers where they do not."""
    named = document["study"]["data"].get("classes") or []
    size = max((len(a["confusion"]["recall"]) for a in document["arms"] if a["confusion"]), default=0)
    return [str(c) for c in named] if len(named) >= size else [str(k) for k in range(size)]


def _confusion(arm: str, confusion: Row, classes: list[str]) -> Row:
    if "counts" not in confusion:
        largest = [(classes[t], classes[p], f"{n:.1f}", percent(r)) for t, p, n, r in confusion["largest"]]
        return {"arm": arm, "largest": largest, "matrix": None}
    matrix = [
        [_cell(n, r, t == p) for p, (n, r) in enumerate(zip(counts, rates, strict=True))]
        for t, (counts, rates) in enumerate(zip(confusion["counts"], confusion["rate"], strict=True))
    ]
    return {"arm": arm, "largest": None, "matrix": list(zip(classes, matrix, strict=False))}


def _cell(number: float, rate: float | None, right: bool) -> Row:
    shade = 0 if rate is None else round(10 * rate)
    shown = f"{number:.0f}" if number == int(number) or number >= 100 else f"{number:.1f}"
    return {"share": percent(rate), "count": shown, "css": f"{'right' if right else 'wrong'} h{shade}"}


def disagreements(document: Row) -> list[Row]:
    """The images on which the arms differ most, with each arm's answer in every run."""
    classes = class_names(document)
    return [
        {
            "image": row["image"],
            "target": classes[row["target"]],
            "arms": [_votes(arm, given, row["target"], classes) for arm, given in row["answers"].items()],
        }
        for row in document["disagreements"]
    ]


def _votes(arm: str, given: list[int], target: int, classes: list[str]) -> Row:
    wrong = [g for g in given if g != target]
    # With two classes a wrong answer can only be the other one: naming it would be noise.
    counts = {w: wrong.count(w) for w in wrong} if len(classes) > 2 else {}
    named = sorted(counts.items(), key=lambda pair: -pair[1])
    return {
        "arm": arm,
        "marks": [g == target for g in given],
        "said": f"{len(given) - len(wrong)} of {len(given)} right",
        "instead": [(classes[w], n) for w, n in named],
    }


def calibration(document: Row) -> list[Row]:
    """Log loss, Brier score and ECE with its reference, for the arms that gave probabilities."""
    return [
        {
            "arm": arm["name"],
            "log_loss": f"{c['log_loss']:.3f}" if c["log_loss"] is not None else "infinite",
            "brier": f"{c['brier']:.3f}" if c["brier"] is not None else "–",
            "ece": f"{c['ece']:.3f}" if c["ece"] is not None else "–",
            "reference": f"{c['ece_reference']:.3f}" if c["ece_reference"] is not None else "–",
        }
        for arm in document["arms"]
        if (c := arm["calibration"])
    ]


# Validity


def certificates(document: Row) -> list[Row]:
    """What was frozen, by hashes of parameters and buffers before and after training."""
    return [
        {"arm": arm["name"]}
        | {key: certificate.get(key) for key in ("sentence", "expected", "held")}
        | _moved(certificate)
        for arm in document["arms"]
        if isinstance(certificate := arm["certificate"], dict)
    ]


def _moved(certificate: Row) -> Row:
    told = {}
    for kind in ("parameters", "buffers"):
        before, after = certificate.get(f"{kind}_before"), certificate.get(f"{kind}_after")
        state = "" if before is None or after is None else "unchanged" if before == after else "changed"
        told[kind] = {"state": state, "before": str(before or "")[:12], "after": str(after or "")[:12]}
    return told


def findings(document: Row) -> list[Row]:
    """All checks; those that need attention first."""
    order = list(OUTCOMES)
    rows = sorted(document["findings"], key=lambda f: order.index(f["outcome"]))
    return [f | {"word": OUTCOMES[f["outcome"]][0], "icon": OUTCOMES[f["outcome"]][1]} for f in rows]


def repeat(document: Row) -> Row:
    """What is needed to do it again."""
    arm = next((a for a in document["arms"] if a["recipe"] and not a["changed"] and not a["control"]), None)
    arm = arm or next((a for a in document["arms"] if a["recipe"]), None)
    data = document["study"]["data"]
    return {
        "command": document["command"],
        "environment": _flat(document["environment"]),
        "data": _flat({k: v for k, v in data.items() if k not in ("classes", "splits")}),
        "splits": [(split, sum(by.values()), by) for split, by in data.get("splits", {}).items()],
        "recipe_of": arm["name"] if arm else None,
        "recipe": arm["recipe"] if arm else None,
        "runs": [(a["name"], [(r["seed"], r["id"]) for r in a["runs"]]) for a in document["arms"]],
        "methods": method_sentences(document),
    }


def _flat(value: Row, prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        rows += _flat(item, f"{name}.") if isinstance(item, dict) else [(name, _line(item))]
    return rows


def _line(item: Any) -> str:
    return ", ".join(map(str, item)) if isinstance(item, list) else "none" if item is None else str(item)
