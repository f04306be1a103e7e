"""A paragraph for the methods section of a paper: what was run, how it was scored and how it was judged."""

from typing import Any

from paribus.counting import WITHIN
from paribus.report import tuned
from paribus.report.numbers import Scale, count, listed, percent, plural, scale_of
from paribus.report.paper import markdown_text

Row = dict[str, Any]

EPOCHS = {
    "last": "Every run was scored after its last epoch.",
    "val": "The epoch of each run was chosen on the validation split and scored on the {split} split.",
    "crossfit": "The epoch of each run was chosen by two-fold cross-fitting on the {split} split: "
    "no image was scored by an epoch that it helped to choose.",
}


def methods(document: Row) -> str:
    """A paragraph for the methods section, filled from the study."""
    return "# Methods\n\n" + " ".join(map(markdown_text, method_sentences(document))) + "\n"


def method_sentences(document: Row) -> list[str]:
    """What was run, how it was scored and how it was judged; sentences in reading order."""
    study, scale = document["study"], scale_of(document["metric"]["name"])
    sentences = [_design(document), tuned.sentence(document), _scoring(document, scale), _interval(document)]
    sentences.append(_families(document))
    sentences.append(_margin(study["margin"], scale))
    sentences.append(_training_sets(document))
    sentences.append(_versions(document))
    return [s for s in sentences if s]


def _training_sets(document: Row) -> str:
    """What the intervals hold of the variation between training sets."""
    shares = fractions(document)
    if not shares:
        return "One training set was used, so variation between training sets is not covered."
    how = (
        "class by class and without replacement, the same for all arms of that seed; intervals cover which of them are "
        "drawn"
    )
    whole = [arm["name"] for arm in document["arms"] if arm["name"] not in shares]
    if not whole and len(set(shares.values())) == 1:
        return f"Each seed drew {percent(next(iter(shares.values())))} of the training images, {how}."
    told = listed([f"{percent(share)} in {arm}" for arm, share in shares.items()])
    used = f"; {listed(whole)} used all of them, where variation between training sets is not covered" if whole else ""
    return f"Each seed drew some of the training images ({told}), {how}{used}."


def fractions(document: Row) -> dict[str, float]:
    """Arm -> the share of the training images that each of its seeds drew, of the arms that drew one."""
    shares = {a["name"]: ((a["recipe"] or {}).get("data") or {}).get("train_fraction", 1) for a in document["arms"]}
    return {arm: share for arm, share in shares.items() if share < 1}


def _design(document: Row) -> str:
    arms = [a for a in document["arms"] if not a["control"]]
    runs = sorted({len(a["runs"]) for a in arms})
    each = str(runs[0]) if len(runs) == 1 else f"{runs[0]} to {runs[-1]}" if runs else "no"
    control = " and an A/A control (one recipe, two sets of seeds)" if len(arms) < len(document["arms"]) else ""
    total = sum(len(a["runs"]) for a in document["arms"])
    diverged = sum(r["status"] == "diverged" for a in document["arms"] for r in a["runs"])
    counted = f" {plural(diverged, 'run')} diverged and counted at the last finite epoch." if diverged else ""
    word = "run" if each == "1" else "runs"
    return (
        f"We compared {plural(len(arms), 'arm')}{control} with {each} {word} each, "
        f"one seed a run ({total} in all).{counted}"
    )


def images_of(document: Row, split: str) -> int | None:
    """How many images of a split the data have; None where that is not known."""
    data = document["study"]["data"]
    if split in data.get("images", {}):
        return int(data["images"][split])
    return sum(data["splits"][split].values()) if split in data.get("splits", {}) else None


def trained_here(document: Row) -> bool:
    """Whether recipes are known; if not, predictions came ready-made and nothing can be said about epochs."""
    return any(arm["recipe"] for arm in document["arms"])


def _scoring(document: Row, scale: Scale) -> str:
    study = document["study"]
    rule = EPOCHS[study["epoch"]] if trained_here(document) else "The predictions were scored as they were given."
    images = "" if study["images"] is None else f" on the same {plural(study['images'], 'image')}"
    groups = f" in {plural(study['groups'], 'group')}" if study["groups"] else ""
    trained = images_of(document, "train")
    training = f", after training on {count(trained)}" if trained else ""
    taken = f"{scale.label} was taken{images}{groups} of the {study['split']} split{training}."
    return " ".join([taken, *_pixels(document), rule.format(split=study["split"])])


def _pixels(document: Row) -> list[str]:
    """How pixels were counted; nothing where images have one label each."""
    if document["study"]["task"] != "segmentation":
        return []
    sizes = sorted({len(arm["space"]["classes"]) for arm in document["arms"] if arm["space"]})
    told = (
        f"Every pixel has one of {' or '.join(map(str, reversed(sizes)))} classes; counts of pixels were summed over "
        "all images before a ratio was taken, void pixels were left out, and so were classes that no truth holds"
    )
    void = document["study"]["data"].get("void", {}).get(document["study"]["split"])
    pixels = document["study"]["data"].get("splits", {}).get(document["study"]["split"])
    if void is not None and pixels:
        told += f" ({percent(void / (void + sum(pixels.values())))} of the pixels are void)"
    asked = {q["metric"] for q in document["questions"]}
    near = f" Boundary IoU counts the pixels at most {WITHIN} pixels from another class of the truth."
    return [told + "." + (near if "boundary_iou" in asked else "")]


def _interval(document: Row) -> str:
    answered = [q for q in document["questions"] if q["verdict"] is not None]
    text = (
        "Differences are given with intervals that treat runs and images as crossed random factors "
        "(variance of the run means plus variance of the image means less their overlap, "
        "with Satterthwaite's degrees of freedom)"
    )
    if any(q["estimand"] == "these_images" for q in answered):
        text += "; where images form fewer than 8 groups, for exactly these images (Welch's interval over runs)"
    looks = list(document["study"]["looks"])
    if len(looks) > 1:
        text += f"; looks were declared at {listed([str(k) for k in looks])} seeds and share the error of 5 %"
    return text + "."


def _families(document: Row) -> str:
    primary = [q["name"] for q in document["questions"] if q["primary"]]
    first = f"The primary question ({primary[0]}) was tested at 5 %; the " if primary else "The "
    return (
        first
        + ("others" if primary else "questions")
        + " were adjusted by Holm's method, differences and equivalences apart."
    )


def _margin(margin: float | None, scale: Scale) -> str:
    if margin is None:
        return "No margin of practical equivalence was declared."
    return (
        f"A margin of {scale.amount(margin)} was declared beforehand; "
        "equivalence was tested by two one-sided tests before difference."
    )


def _versions(document: Row) -> str:
    versions = document["environment"].get("versions") or {}
    named = [f"{name} {version}" for name, version in versions.items()] if isinstance(versions, dict) else []
    return f"Software: {', '.join(['Paribus ' + document['paribus'], *named])}."
