"""The first screen: the facts, the answer in one sentence, the forest plot, and what to do with it."""

from paribus.report import figures
from paribus.report.methods import fractions, images_of
from paribus.report.numbers import Scale, count, duration, percent, plural, scale_of
from paribus.report.paper import VERDICTS
from paribus.report.sections.one_run import shown_reading
from paribus.report.sections.words import Row, counted, named, word_of


def facts(document: Row) -> list[str]:
    """The line under the title."""
    study, scale = document["study"], scale_of(document["metric"]["name"])
    trained = images_of(document, "train")
    images = study["images"]
    told = [
        f"{count(trained)} training images" if trained else "",
        f"{count(images)} {study['split']} images" if images is not None else "",
        counted([len(a["runs"]) for a in document["arms"]], "seed") + " an arm" if document["arms"] else "",
        duration(document["seconds"]) + _cores(document["environment"]) if document["seconds"] else "",
        f"margin declared beforehand: {scale.amount(study['margin'])}" if study["margin"] else "no margin declared",
    ]
    return [t for t in told if t]


def _cores(environment: Row) -> str:
    cores = environment.get("cores", environment.get("threads"))
    return f", {plural(cores, 'core')}" if isinstance(cores, int) else ""


CHEAPER = 2 / 3  # of the best arm's time, from which on an arm that is as good is worth a mention

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
MISLED = {
    "wrong_conclusion": "led to another conclusion than all runs together",
    "called_settled": "called settled what all runs together leave open",
}
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
        "control": any(q["control"] for q in questions),
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
    row = named(q) | {"word": word, "icon": icon, "css": q["verdict"] or "missing", "plot": None}
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


def answers(document: Row) -> list[Row]:
    """Use, Next, Caution, One run, Repeat: label, text parts, and where to read on."""
    found = [_use(document), _next(document), _caution(document), _one_run(document)]
    found.append({"label": "Repeat", "code": document["command"]} if document["command"] else None)
    empty = dict.fromkeys(("name", "text", "name_after", "link", "pairs", "items", "more", "code"))
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
        if best["on_val"] is not None
        else "highest here, chosen on the images it is scored on: optimistic"
    )
    return {"label": "Use", "name": best["name"], "text": f"({chosen}): {heard}"} | _cheaper(document, best["name"])


def _cheaper(document: Row, best: str) -> Row:
    """The pair that names the quickest arm found practically the same as the best, if it takes two thirds or less."""
    seconds = {arm["name"]: arm["seconds"] for arm in document["arms"] if arm["seconds"]}
    same = [
        arm
        for q in document["questions"]
        if q["verdict"] in ("no_practical_difference", "identical")
        and q["metric"] == document["metric"]["name"]
        and best in q["compare"]
        and len(q["compare"]) == 2
        and not q["control"]
        for arm in q["compare"]
        if arm != best and arm in seconds
    ]
    quickest = min(same, key=lambda arm: seconds[arm], default=None)
    if quickest is None or best not in seconds or seconds[quickest] > CHEAPER * seconds[best]:
        return {}
    times = f"{duration(seconds[quickest])} instead of {duration(seconds[best])}"
    return {"pairs": [(quickest, f"makes no practical difference, and trains in {times}.")]}


def _next(document: Row) -> Row | None:
    open_ = [
        q for q in document["questions"] if q["verdict"] in ("cannot_tell", "cannot_tell_one_run") and not q["control"]
    ]
    open_.sort(key=lambda q: not q["primary"])
    planned = [(q["name"], q["plan"]["sentence"]) for q in open_ if q["plan"].get("sentence")]
    return {"label": "Next", "pairs": planned[:2]} if planned else None


def _caution(document: Row) -> Row:
    weighty = [f["title"] for outcome in ("issue", "tip") for f in document["findings"] if f["outcome"] == outcome]
    one = ["one training set"] if not fractions(document) else []
    told = [*one, *dict.fromkeys(t for t in weighty if t.lower() != "one training set")]
    more = len(told) - 4
    return {"label": "Caution", "items": told[:4], "more": more if more > 0 else 0}


def _one_run(document: Row) -> Row | None:
    """Where one run an arm would have misled most: into a wrong conclusion, or else into settling what is open."""
    rows = {q["name"]: row for q in document["questions"] if not q["control"] and (row := shown_reading(q))}
    rows = {name: row for name, row in rows.items() if row["verdict"] != "cannot_tell_one_run"}
    for kind, text in MISLED.items():
        counted = {name: row[kind] for name, row in rows.items() if row[kind]}
        worst = max(counted, key=lambda name: counted[name], default=None)
        if worst is not None:
            told = f"an arm would have {text} in {percent(counted[worst])} of all picks"
            return {"label": "One run", "text": told, "name_after": worst, "link": "one-run"}
    if not rows:
        return None
    text = "an arm would have said the same as all runs together, whichever run was picked"
    return {"label": "One run", "text": text, "link": "one-run"}
