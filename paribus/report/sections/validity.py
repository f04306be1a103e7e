"""Why to believe it: certificates, findings, and everything needed to do it again."""

from typing import Any

from paribus.report.methods import images_of, method_sentences
from paribus.report.sections import many
from paribus.report.sections.words import Row, of_masks

OUTCOMES = {
    "issue": ("Issue", "✖"),
    "tip": ("Tip", "➜"),
    "passed": ("Passed", "✔"),
    "not_applicable": ("Not applicable", "–"),
    "skipped": ("Skipped", "○"),
    "ignored": ("Ignored", "◌"),
}


SHOWN_ELSEWHERE = ("classes", "splits", "images", "groups", "void", "images_with", "warnings", "alike")


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
        "data": _flat({k: v for k, v in data.items() if k not in SHOWN_ELSEWHERE} | _groups(data)),
        "splits": [
            (split, images_of(document, split), {} if of_masks(document) else by)
            for split, by in data.get("splits", {}).items()
        ],
        "recipe_of": arm["name"] if arm else None,
        "recipe": arm["recipe"] if arm else None,
        "runs": [(a["name"], [(r["seed"], r["id"]) for r in a["runs"]]) for a in document["arms"]]
        if many.listed(document)
        else [],
        "methods": method_sentences(document),
    }


def _groups(data: Row) -> Row:
    return {"groups": len(set(data["groups"].values()))} if data.get("groups") else {}


def _flat(value: Row, prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        rows += _flat(item, f"{name}.") if isinstance(item, dict) else [(name, _line(item))]
    return rows


def _line(item: Any) -> str:
    return ", ".join(map(str, item)) if isinstance(item, list) else "none" if item is None else str(item)
