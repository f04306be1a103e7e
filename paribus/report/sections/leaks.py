"""Images that splits share, or nearly share: the pairs, and every arm's level with and without them."""

from paribus.report.numbers import count, plural, scale_of
from paribus.report.sections.words import Row


def leaks(document: Row) -> Row | None:
    """Words, rows and pairs; None where there is nothing to show."""
    told = document.get("leaks")
    if not told:
        return None
    scale = scale_of(document["metric"]["name"])
    arms = [
        {
            "arm": row["name"],
            "all": scale.value(row["all"]),
            "without": scale.value(row["without"]),
            "change": scale.change(row["change"]),
        }
        for row in told["arms"]
    ]
    return {
        "sentence": _sentence(told),
        "heads": [f"all {count(told['images'])}", f"without these {count(told['suspected'])}"],
        "unit": scale.change_unit,
        "label": scale.label,
        "arms": arms,
        "pairs": [_pair(pair) for pair in told["pairs"]],
        "more": told["count"] - len(told["pairs"]),
    }


def _sentence(told: Row) -> str:
    have = "has" if told["suspected"] == 1 else "have"
    scored = plural(told["images"], f"{told['split']} image")
    text = (
        f"{count(told['suspected'])} of the {scored} {have} a twin in another split: the same picture, or one that "
        "looks nearly the same."
    )
    if told["dropped"]:
        text += f" Exact copies that were left out of train: {count(told['dropped'])}."
    return f"{text} What networks remember of a twin makes a score too good: the table shows what remains without them."


def _pair(pair: Row) -> Row:
    how = "the same picture; its copy in train was left out" if pair["dropped"] else None
    near = f"thumbnails differ by {pair['distance']:.1f} of 255 grey levels"
    near += " once brightness and contrast are equal" if pair["equalised"] else ""
    return {
        "how": how or near,
        "images": [(pair["first"], pair["first_split"]), (pair["second"], pair["second_split"])],
    }
