"""What the networks answered: confusions, the images they disagree on."""

from paribus.report import figures
from paribus.report.numbers import count, percent
from paribus.report.sections import many
from paribus.report.sections.words import Row, colours_of, of_masks


def confusions(document: Row) -> Row | None:
    """A matrix an arm where the classes are few, the largest confusions where they are many."""
    classes = class_names(document)
    rows = [(arm["name"], arm["confusion"]) for arm in document["arms"] if arm["confusion"]]
    if not rows:
        return None
    if of_masks(document):
        return {"pixels": True, "arms": [_pixels(arm) for arm in document["arms"] if arm["confusion"]]}
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


def _pixels(arm: Row) -> Row:
    """The matrix of an arm in its own classes: shares of the truth's pixels, and those of each class in all."""
    classes, confusion = arm["space"]["classes"], arm["confusion"]
    if "counts" not in confusion:
        return _confusion(arm["name"], confusion, classes)
    swatches = [figures.swatch(colour) for colour in colours_of(arm["space"]).values()]
    matrix = [
        (
            name,
            swatch,
            [_share(rate, t == p) for p, rate in enumerate(confusion["rate"][t])],
            count(sum(confusion["counts"][t])),
        )
        for t, (name, swatch) in enumerate(zip(classes, swatches, strict=True))
    ]
    columns = list(zip(swatches, classes, strict=True))
    return {"arm": arm["name"], "largest": None, "matrix": matrix, "columns": columns}


def _share(rate: float | None, right: bool) -> Row:
    shade = 0 if rate is None else round(10 * rate)
    shown = "–" if rate is None else "" if rate < 5e-4 else f"{100 * rate:.1f}"
    return {"share": shown, "css": f"{'right' if right else 'wrong'} h{shade}"}


def _cell(number: float, rate: float | None, right: bool) -> Row:
    shade = 0 if rate is None else round(10 * rate)
    shown = f"{number:.0f}" if number == int(number) or number >= 100 else f"{number:.1f}"
    return {"share": percent(rate), "count": shown, "css": f"{'right' if right else 'wrong'} h{shade}"}


def disagreements(document: Row) -> list[Row]:
    """The images on which the arms differ most, with each arm's answer in every run.

    Of many arms those that are right most and least often, of many runs how many are right.
    """
    classes = class_names(document)
    return [
        {
            "image": row["image"],
            "target": classes[row["target"]],
            "arms": [_votes(arm, row["answers"][arm], row["target"], classes) for arm in _furthest_apart(row)],
            "more": max(len(row["answers"]) - many.SHOWN, 0),
        }
        for row in document["disagreements"]
    ]


def _furthest_apart(row: Row) -> list[str]:
    """The arms to show: all in the order of the study, or those that are right most often, then those least often."""
    right = {arm: given.count(row["target"]) / len(given) for arm, given in row["answers"].items()}
    if len(right) <= many.SHOWN:
        return list(right)
    ordered = sorted(right, key=lambda arm: -right[arm])
    return [*ordered[: many.SHOWN // 2], *ordered[-many.SHOWN // 2 :]]


def _votes(arm: str, given: list[int], target: int, classes: list[str]) -> Row:
    wrong = [g for g in given if g != target]
    # With two classes a wrong answer can only be the other one: naming it would be noise.
    counts = {w: wrong.count(w) for w in wrong} if len(classes) > 2 else {}
    named = sorted(counts.items(), key=lambda pair: -pair[1])
    return {
        "arm": arm,
        "marks": [g == target for g in given] if len(given) <= many.DRAWN else [],
        "said": f"{len(given) - len(wrong)} of {len(given)} right",
        "instead": [(classes[w], n) for w, n in named],
    }
