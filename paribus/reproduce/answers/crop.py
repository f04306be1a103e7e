"""1-5 to 1-7: the crop that shows the whole face, and why it would help one network and hurt the other."""

from typing import Any

from paribus.report.numbers import percent, scale_of
from paribus.reproduce import original
from paribus.reproduce.answers.looks import ARMS, looks
from paribus.reproduce.blocks import Answer, Block, Table, Text, blocks
from paribus.reproduce.claims import Claim, judged
from paribus.reproduce.evidence import Evidence, Told
from paribus.reproduce.rows import NOTHING, dots, effects, picks, trace
from paribus.reproduce.words import (
    Effect,
    basis,
    change,
    difference,
    finding,
    joined,
    sentence,
    short,
)

Row = dict[str, Any]

ACCURACY = scale_of("accuracy")
FROZEN = Claim("crop-frozen", -1, original.EXTRACTOR_WHOLE_FACE.accuracy - original.EXTRACTOR.accuracy)
TUNED = Claim("crop-tuned", 1, original.FINE_TUNED_WHOLE_FACE.accuracy - original.FINE_TUNED.accuracy)
INTERACTION = Claim("crop-by-training", 1, (TUNED.printed or 0.0) - (FROZEN.printed or 0.0))
TRANSFER = Claim("pretraining-by-crop", -1)
DISAGREE = ("fine-tuned", "fine-tuned.whole-face")  # the pair of 1-6
MORE_FOR_TUNED = Effect(
    "The crop does more for the fine-tuned network than for the frozen one",
    "The crop does more for the frozen network than for the fine-tuned one",
    "The crop does practically the same for both networks",
    "Whether the crop does more for the fine-tuned network than for the frozen one cannot be told",
)
MORE_TRANSFER = Effect(
    "Pretraining brings more with the whole-face crop than with the wild one",
    "Pretraining brings less with the whole-face crop than with the wild one",
    "Pretraining brings practically the same with both crops",
    "Whether pretraining brings less with the whole-face crop cannot be told",
)
GRID = (  # what is trained, with the arms of both crops and the question about the crop
    ("Frozen, pretrained", "baseline", "whole-face", "crop-frozen"),
    ("Fine-tuned, pretrained", "fine-tuned", "fine-tuned.whole-face", "crop-tuned"),
    ("All layers, from scratch", "scratch", "scratch.whole-face", "crop-scratch"),
)
PRINTED = {
    "baseline": original.EXTRACTOR.accuracy,
    "whole-face": original.EXTRACTOR_WHOLE_FACE.accuracy,
    "fine-tuned": original.FINE_TUNED.accuracy,
    "fine-tuned.whole-face": original.FINE_TUNED_WHOLE_FACE.accuracy,
}


def answers(evidence: Evidence) -> list[Answer]:
    """In the order of the original."""
    told = evidence.training
    return [frozen(told), tuned(told), why(evidence)]


def frozen(told: Told | None) -> Answer:
    """1-5."""
    labels = {"baseline": "Frozen, wild crop", "whole-face": "Frozen, whole-face crop"}
    claim = (
        "The interval of scales of the random crop is narrowed so that most crops hold the whole face. The frozen "
        f"network gets worse: {_printed(original.EXTRACTOR_WHOLE_FACE)} instead of {_printed(original.EXTRACTOR)}."
    )
    title = "Does a crop that shows the whole face help the frozen network?"
    return _crop(told, "1-5", FROZEN, title, claim, labels, [])


def tuned(told: Told | None) -> Answer:
    """1-6."""
    labels = {"fine-tuned": "Fine-tuned, wild crop", "fine-tuned.whole-face": "Fine-tuned, whole-face crop"}
    claim = (
        f"With the same crop the fine-tuned network gets better: {_printed(original.FINE_TUNED_WHOLE_FACE)} instead of "
        f"{_printed(original.FINE_TUNED)}."
    )
    title = "Does that crop help the fine-tuned network?"
    return _crop(told, "1-6", TUNED, title, claim, labels, [Text(_few_images(told))])


def _crop(
    told: Told | None,
    number: str,
    claim: Claim,
    title: str,
    said: str,
    labels: dict[str, str],
    more: list[Block | None],
) -> Answer:
    q = told.question(claim.question) if told else None
    known = {claim.question: claim.printed or 0.0}
    drawn: list[Block | None] = []
    if told:
        name = {claim.question: "The whole-face crop against the wild one"}
        drawn = [effects(told, name, known, "Difference of accuracy, points"), dots(told, labels, PRINTED)]
    return Answer(
        number,
        title,
        said,
        original.points(claim.printed or 0.0),
        short(q),
        judged(claim, q),
        sentence(claim, q, change("The whole-face crop")),
        blocks(drawn, Text(basis(q), "soft") if basis(q) else None, picks(told, claim.question), more),
        trace(told, claim.question, *labels),
    )


def _printed(arm: original.Classifier) -> str:
    return original.percent(arm.accuracy)


def _few_images(told: Told | None) -> str:
    """What the original's own difference can carry, by arithmetic."""
    net = original.images_apart(original.FINE_TUNED, original.FINE_TUNED_WHOLE_FACE)
    most = original.most_disagreement(net)
    start = f"The original’s difference is {net} of {original.IMAGES} images."
    if most is not None:
        start += (
            " So many more right answers are surprising for two networks (McNemar’s exact test, p < 0.05) only if "
            "they "
            f"disagree on at most {most} of the images, and this is before any difference between seeds."
        )
    share = told.disagreement if told else None
    if share is None:
        return start
    of_so_many = f"{round(share * original.IMAGES)} of {original.IMAGES}"
    return f"{start} Here, two networks of these two arms disagree on {percent(share)} on average: {of_so_many}."


def why(evidence: Evidence) -> Answer:
    """1-7."""
    told = evidence.training
    q = told.question(INTERACTION.question) if told else None
    claim = (
        "With wild crops the frozen network scored by features unrelated to the face, by accident; with consistent "
        "crops "
        "the fine-tuned one can be tuned more precisely. And the transfer effect is not as dramatic as it looked."
    )
    labels = {"crop-by-training": "What the crop does, fine-tuned against frozen"}
    labels |= {"pretraining-by-crop": "What pretraining brings, whole-face against wild crop"}
    known = {INTERACTION.question: INTERACTION.printed or 0.0}
    return Answer(
        "1-7",
        "Why would the crop hurt the frozen network and help the fine-tuned one?",
        claim,
        f"{original.points(INTERACTION.printed or 0.0)} apart",
        short(q),
        judged(INTERACTION, q),
        sentence(INTERACTION, q, MORE_FOR_TUNED),
        blocks(
            Text(
                "Two differences in opposite directions are a claim about an interaction: that the effect of the crop "
                "depends on what is trained. It is one contrast, the difference of the two differences; whether they "
                "have opposite signs is asked in 1-5 and 1-6."
            ),
            _grid(told),
            effects(told, labels, known, "Differences of differences of accuracy, points") if told else None,
            Text(basis(q), "soft") if basis(q) else None,
            picks(told, INTERACTION.question),
            _rival(told),
            looks(evidence.audits),
            _transfer(told),
        ),
        trace(told, INTERACTION.question, *(arm for _, wild, whole, _ in GRID for arm in (wild, whole)))
        + trace(evidence.looks, None, *ARMS),
    )


def _grid(told: Told | None) -> Table | None:
    """What is trained x crop, with the original's numbers."""
    if told is None:
        return None
    head = (
        "What is trained",
        "Wild crop, %",
        "Whole-face crop, %",
        "Difference, points [95 %]",
        "The original, points",
    )
    rows = [_grid_row(told, *row) for row in GRID]
    return Table(head, tuple(row for row in rows if row), "What the crop does, by what is trained")


def _grid_row(told: Told, label: str, wild: str, whole: str, question: str) -> tuple[str, ...] | None:
    pair, q = [told.arm(wild), told.arm(whole)], told.question(question)
    if None in pair:
        return None
    shown = NOTHING if q is None or q["verdict"] is None else difference(q, unit=False)
    own = PRINTED[whole] - PRINTED[wild] if wild in PRINTED else None
    means = [ACCURACY.number(arm["mean"]) for arm in pair if arm]
    return (label, *means, shown, NOTHING if own is None else original.points(own).partition("\N{NO-BREAK SPACE}")[0])


def _rival(told: Told | None) -> list[Block | None]:
    """The other explanation: with wild crops things look larger in training than at evaluation."""
    if told is None:
        return []
    asked = [(told.question(f"view-{who}"), told.question(f"crop-{who}"), name) for who, name in NETWORKS]
    told_each = [_view(view, crop, name) for view, crop, name in asked if view is not None]
    if not told_each:
        return []
    start = (
        "A rival explanation needs no accident: a wild crop, enlarged to the network’s input, shows things larger in "
        "training than the whole image does at evaluation. So the same networks were also evaluated on a larger view "
        "of the whole image, with the wild crop in training."
    )
    labels = {"view-frozen": "Frozen: larger view at evaluation", "crop-frozen": "Frozen: whole-face crop in training"}
    labels |= {"view-tuned": "Fine-tuned: larger view at evaluation"}
    labels |= {"crop-tuned": "Fine-tuned: whole-face crop in training"}
    return [
        Text("A rival explanation: the scale", "heading"),
        Text(joined(start, *told_each)),
        effects(told, labels, {}, "Scale at evaluation against crop in training, points"),
    ]


NETWORKS = (("frozen", "frozen network"), ("tuned", "fine-tuned network"))


def _view(view: Row | None, crop: Row | None, name: str) -> str:
    """What the larger view does for a network, and what that says about the scale as an explanation."""
    lower = Effect(
        f"The larger view helps the {name}",
        f"The larger view hurts the {name}",
        f"The larger view makes no practical difference to the {name}",
        f"Whether the larger view helps the {name} cannot be told",
    )
    told = finding(view, lower)
    verdict = view["verdict"] if view else None
    if verdict == "helps" and crop is not None and crop["verdict"] == "helps":
        return f"{told} The mismatch of scale may explain part of what the crop does ({difference(crop)})."
    if verdict == "helps":
        return f"{told} The mismatch of scale matters in itself."
    if verdict == "hurts":
        return f"{told} Giving the scale back in this way costs accuracy, which does not support this explanation."
    if verdict in ("no_practical_difference", "identical"):
        return f"{told} The mismatch of scale explains no gain from the crop that would matter."
    if verdict == "cannot_tell":
        return f"{told} The mismatch of scale stays a possible explanation."
    return told


def _transfer(told: Told | None) -> list[Block | None]:
    q = told.question(TRANSFER.question) if told else None
    if q is None or q["verdict"] is None:
        return []
    said = Text(
        "“The actual transfer effect is not as dramatic” with the whole-face crop would show as pretraining "
        "bringing less "
        f"there. {sentence(TRANSFER, q, MORE_TRANSFER)}"
    )
    return [Text("The transfer effect", "heading"), said]
