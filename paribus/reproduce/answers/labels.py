"""2-1 to 2-4: skip connections, three classes instead of eleven, and the numbers of each class."""

from collections.abc import Sequence
from typing import Any

from paribus import overlays
from paribus.labels import CAMVID11
from paribus.report.numbers import listed, percent, scale_of
from paribus.report.sections import masks, words
from paribus.reproduce import original
from paribus.reproduce.blocks import Answer, Block, Picture, Pictures, Table, Text, blocks
from paribus.reproduce.claims import Claim, judged, together
from paribus.reproduce.evidence import Evidence, Told
from paribus.reproduce.original import PerClass, Segmenter
from paribus.reproduce.rows import dots, effects, levels, picks, trace
from paribus.reproduce.words import (
    NOT_RUN,
    basis,
    change,
    finding,
    joined,
    level,
    lowered,
    points,
    sentence,
    short,
)

Row = dict[str, Any]

MIOU = scale_of("mean_iou")
PIXELS = scale_of("pixel_accuracy")
WITH, WITHOUT, THREE = original.WITH_SKIPS, original.WITHOUT_SKIPS, original.THREE_CLASSES
SKIPS = Claim("skips", 1, WITH.mean_iou - WITHOUT.mean_iou)
SKIPS_PIXELS = Claim("skips-pixels", 1, WITH.pixel_accuracy - WITHOUT.pixel_accuracy)
FEWER = Claim("fewer-labels", 1, THREE.mean_iou - WITHOUT.mean_iou)
LABELS = {"baseline": "With skip connections", "no-skips": "Without skip connections"}
PRINTED = {"baseline": WITH.mean_iou, "no-skips": WITHOUT.mean_iou}
SCENES = 2  # images shown
MEASURES = ("mean_iou", "pixel_accuracy", "boundary_iou")


def answers(evidence: Evidence) -> list[Answer]:
    """In the order of the original."""
    told = evidence.labels
    return [with_skips(told), without_skips(told), three(told), by_class(told)]


def with_skips(told: Told | None) -> Answer:
    """2-1."""
    arm = told.arm("baseline") if told else None
    claim = (
        "FCN-8s on VGG16: features of shallow layers are added in the decoder. "
        f"Best epochs of one run: {_printed(WITH)}."
    )
    apart = "A level belongs to its images, its network and its size: the original’s and ours cannot be compared."
    return Answer(
        "2-1",
        "What does the network with skip connections reach?",
        claim,
        _both(WITH),
        _here(arm),
        "level" if arm else "not_run",
        f"Here it reaches a mean IoU of {level(arm, 'mean_iou')}." if arm else NOT_RUN,
        blocks(
            dots(told, {"baseline": LABELS["baseline"]}, PRINTED, "Mean IoU of every run, %") if told else None,
            levels(told, {"baseline": LABELS["baseline"]}, MEASURES, "Every measure, mean [95 %]") if told else None,
            Text(apart) if arm else None,
            _scenes(told, ["baseline"]),
        ),
        trace(told, None, "baseline"),
    )


def without_skips(told: Told | None) -> Answer:
    """2-2."""
    skips, pixels = (told.question(claim.question) if told else None for claim in (SKIPS, SKIPS_PIXELS))
    asked = {
        "skips": "Mean IoU",
        "skips-pixels": "Pixel accuracy",
        "skips-boundaries": "IoU near boundaries",
    }
    known = {"skips": SKIPS.printed or 0.0, "skips-pixels": SKIPS_PIXELS.printed or 0.0}
    both = [
        sentence(SKIPS, skips, change("Adding skip connections")),
        sentence(SKIPS_PIXELS, pixels, change("Adding skip connections")),
    ]
    verdict = together([judged(SKIPS, skips), judged(SKIPS_PIXELS, pixels)])
    return Answer(
        "2-2",
        "Do skip connections help?",
        f"Without skip connections: {_printed(WITHOUT)}. So they help by about two points in both measures, because "
        "they "
        "carry spatial detail from shallow layers.",
        f"{original.points(SKIPS.printed or 0.0)} of mean IoU, {original.points(SKIPS_PIXELS.printed or 0.0)} of "
        "pixels",
        short(skips),
        verdict,
        " ".join(both) if verdict != "not_run" else both[0],
        blocks(
            effects(told, asked, known, "What skip connections do, points") if told else None,
            Text(basis(skips), "soft") if basis(skips) else None,
            dots(told, LABELS, PRINTED, "Mean IoU of every run, %") if told else None,
            Text(_detail(told)) if told and _detail(told) else None,
            Text(_epochs_apart()),
            picks(told, "skips"),
            _scenes(told, ["no-skips", "baseline"]),
        ),
        trace(told, "skips", "no-skips", "baseline"),
    )


def _detail(told: Told) -> str:
    """The original's reason: detail, which is what the pixels near boundaries ask for."""
    q = told.question("skips-boundaries")
    if q is None or q["verdict"] is None:
        return ""
    return joined(
        "If it is spatial detail that they carry, it should show near the boundaries of classes.",
        finding(q, change("Adding skip connections")),
    )


def _epochs_apart() -> str:
    second = original.ELEVEN_BY_CLASS
    gap, gain = WITHOUT.mean_iou - second.mean_iou, SKIPS.printed or 0.0
    return (
        f"The original’s best epochs lie at {WITH.mean_iou_epoch} with and at {WITHOUT.mean_iou_epoch} without skip "
        "connections. It prints the network without them twice, with a mean IoU of "
        f"{original.percent(WITHOUT.mean_iou)} here and {original.percent(second.mean_iou)} in 2-4: two readings of "
        "one network that "
        f"differ by {100 * gap:.2f} points, {percent(gap / gain)} of the gain that it credits to the skip connections."
    )


def three(told: Told | None) -> Answer:
    """2-3."""
    q = told.question("fewer-labels") if told else None
    naive = THREE.mean_iou - WITHOUT.mean_iou
    return Answer(
        "2-3",
        "Are three classes easier to learn than eleven?",
        f"With three classes, without skip connections: {_printed(THREE)}. Fewer classes have simpler contours and are "
        "easier to learn.",
        f"{original.points(naive)} of mean IoU",
        short(q),
        judged(FEWER, q),
        _fewer(q),
        blocks(
            Text(
                "A mean IoU over eleven classes and one over three are different quantities; their difference says "
                "nothing about learning. So the network that learned eleven classes is scored in the same three: its "
                "answers are merged, pixel by pixel."
            ),
            _taken_apart(q),
            Text(basis(q), "soft") if basis(q) else None,
            picks(told, "fewer-labels"),
            _three_is_ours(),
        ),
        trace(told, "fewer-labels", "no-skips", "three"),
    )


def _fewer(q: Row | None) -> str:
    effect = change("Training on three classes instead of eleven, both judged on the three,")
    found = q["label_spaces"] if q and q["verdict"] is not None else None
    if not found:
        return finding(q, effect)
    verdict = judged(FEWER, q)
    follows = {
        "reproduced": "That fewer classes are easier to learn is reproduced here.",
        "not_reproduced": "That fewer classes are easier to learn is not reproduced here.",
        "open": "That fewer classes are easier to learn is neither reproduced nor contradicted here.",
    }.get(verdict, "")
    share = ""
    if found["naive"] and 0 <= found["easier_score"] / found["naive"] <= 1:
        share = f" ({percent(found['easier_score'] / found['naive'])} of it)"
    return joined(
        finding(q, effect),
        f"Of the naive difference of {points(found['naive'])}, {points(found['easier_score'])}{share} come from the "
        "easier score.",
        follows,
    )


def _taken_apart(q: Row | None) -> Table | None:
    found = q["label_spaces"] if q else None
    if not found:
        return None
    names = {"no-skips": "Trained on eleven", "three": "Trained on three"}
    rows = [
        (
            names.get(arm, arm),
            str(found["classes"][arm]),
            MIOU.number(found["own"][arm]),
            MIOU.number(found["shared"][arm]),
        )
        for arm in found["own"]
    ]
    rows.append(("Difference, points", "", MIOU.change(found["naive"]), MIOU.change(found["training"])))
    head = ("Arm", "Classes learned", "Mean IoU in its own classes, %", "Mean IoU in the three, %")
    return Table(head, tuple(rows), "The difference taken apart")


def _three_is_ours() -> Text:
    return Text(
        "The original does not print which three classes it made; its numbers fit sky, static scene and objects, the "
        "classes used here.",
        "soft",
    )


def by_class(told: Told | None) -> Answer:
    """2-4."""
    eleven, three = original.ELEVEN_BY_CLASS, original.THREE_BY_CLASS
    return Answer(
        "2-4",
        "What do the numbers of each class say?",
        f"The IoU of each of the 11 classes, with a mean of {eleven.mean_iou:.4f} and "
        f"{original.percent(eleven.pixel_accuracy)} of the "
        f"pixels right, and of the 3 classes, with {three.mean_iou:.4f} and "
        f"{original.percent(three.pixel_accuracy)}. One class that "
        "is never detected greatly reduces the mean, and all other factors are controlled.",
        f"mean IoU {eleven.mean_iou:.4f}",
        f"{eleven.mean_without(eleven.hardly_detected):.3f} without what it misses",
        "checked",
        _undetected(eleven),
        blocks(
            Text(_sums(eleven, three)),
            _classes(told, eleven),
            Text(_ours(told)) if told and _ours(told) else None,
            effects(told, {"weights": "Class weights against none"}, {}, "What class weights do to mean IoU, points")
            if told
            else None,
            _weights(told),
            Text(
                "That all other factors are controlled cannot be told from numbers of one run: the mean printed here "
                "is "
                f"{original.percent(eleven.mean_iou)}, and 2-2 prints {original.percent(WITHOUT.mean_iou)} for the "
                "same network."
            ),
        ),
        trace(told, "weights", "no-skips", "baseline", "unweighted"),
    )


def _undetected(row: PerClass) -> str:
    lost = row.undetected
    first = row.mean_without(lost[:1])
    none = row.mean_without(row.hardly_detected)
    return (
        f"It is arithmetic: the printed list has {len(lost)} classes at zero ({listed(list(lost))}), not one. "
        "Without one of them "
        f"the mean is {first:.4f} instead of {row.mean:.4f}; without the {len(row.hardly_detected)} at or near zero "
        f"({listed(list(row.hardly_detected))}) {none:.3f}."
    )


def _sums(eleven: PerClass, three: PerClass) -> str:
    said = []
    for row in (eleven, three):
        same = abs(round(row.mean, original.DECIMALS) - row.mean_iou) < 10**-original.DECIMALS / 2
        agree = "which it does" if same else f"and it is {row.mean:.4f}"
        said.append(f"the list of the {row.name} should have the printed mean of {row.mean_iou:.4f}, {agree}")
    return (
        f"{'; '.join(said)[:1].upper()}{'; '.join(said)[1:]}. Leaving a missed class out of the mean makes the "
        "number larger and the "
        "network no better. What it measures is how the classes are weighted: each counts the same, however few "
        "pixels it has."
    )


def _classes(told: Told | None, printed: PerClass) -> Table | None:
    """The original's IoU of each class beside ours, and how many pixels the class has here."""
    pair = told.arms(["no-skips", "baseline"]) if told else []
    ours = {arm["name"]: {row["name"]: row["value"] for row in arm["classes"] or ()} for arm in pair}
    shares = _shares(told)
    head = (
        "Class",
        "The original, without skips",
        "Here, without skips",
        "Here, with skips",
        "Share of the scored pixels here",
    )
    rows = [
        (
            name,
            MIOU.number(value),
            *(MIOU.number(ours.get(arm, {}).get(name)) for arm in ("no-skips", "baseline")),
            percent(shares.get(name)),
        )
        for name, value in zip(CAMVID11.classes, printed.iou, strict=True)
    ]
    return Table(head, tuple(rows), "IoU of each class, %")


def _shares(told: Told | None) -> dict[str, float]:
    if told is None:
        return {}
    study = told.report["study"]
    pixels = study["data"].get("splits", {}).get(study["split"], {})
    total = sum(pixels.values())
    return {name: number / total for name, number in pixels.items()} if total else {}


def _ours(told: Told) -> str:
    """Which classes our own networks hardly find."""
    arm = told.arm("no-skips")
    if arm is None or not arm["classes"]:
        return ""
    low = [row["name"] for row in arm["classes"] if row["value"] is not None and row["value"] < original.NEAR_ZERO]
    which = "Our network without skip connections"
    bound = percent(original.NEAR_ZERO)
    if not low:
        return f"{which} finds every class: none has an IoU below {bound}."
    shares = _shares(told)
    few = sum(shares.get(name, 0.0) for name in low)
    rare = f" {'It has' if len(low) == 1 else 'They have'} {percent(few)} of the scored pixels." if shares else ""
    return f"{which} hardly finds {listed(low)} (IoU below {bound}).{rare}"


def _weights(told: Told | None) -> Text | None:
    q = told.question("weights") if told else None
    if q is None or q["verdict"] is None:
        return None
    return Text(
        joined(
            finding(q, change("Weighting rare classes more")),
            "It is a choice of training, not of how the mean is taken.",
        )
    )


def _printed(arm: Segmenter) -> str:
    return (
        f"a mean IoU of {original.percent(arm.mean_iou)} (epoch {arm.mean_iou_epoch}), "
        f"{original.percent(arm.pixel_accuracy)} of the "
        f"pixels right (epoch {arm.pixel_accuracy_epoch})"
    )


def _both(arm: Segmenter) -> str:
    return f"mean IoU {original.percent(arm.mean_iou)}, pixels {original.percent(arm.pixel_accuracy)}"


def _here(arm: Row | None) -> str:
    if arm is None:
        return "not run"
    pixels = (arm["scores"] or {}).get("pixel_accuracy", {}).get("mean")
    return f"mean IoU {MIOU.value(arm['mean'])}, pixels {PIXELS.value(pixels)}"


def _scenes(told: Told | None, arms: Sequence[str]) -> list[Block | None]:
    """Pictures of the images where skip connections do most and least, chosen by the report's rule.

    Of one arm its answers and errors, of two also where only one of them is right.
    """
    found = masks.pictures(told.report) if told else None
    if told is None or found is None:
        return []
    legend = _legend(told, len(arms) > 1)
    made: list[Block | None] = []
    for scene in found["scenes"][:SCENES]:
        layers = {arm["arm"]: dict(arm["layers"]) for arm in scene["arms"] if arm["arm"] in arms}
        shown = [("Input", scene["input"]), ("Truth", scene["truth"])]
        for arm in (arm for arm in arms if arm in layers):
            who = lowered(LABELS[arm])
            shown += [(f"Answer {who}", layers[arm]["Prediction"]), (f"Errors {who}", layers[arm]["Errors"])]
        if len(arms) > 1 and scene["apart"]:
            shown.append(("Who is right", scene["apart"]))
        pictures = tuple(Picture(told.name, name, caption) for caption, name in shown)
        made.append(Pictures(pictures, f"{scene['image']}: {scene['why']}", legend))
    return made


def _legend(told: Told, both: bool) -> tuple[tuple[str, str], ...]:
    arm = told.arm("baseline")
    space = arm["space"] if arm else None
    classes = list(words.colours_of(space).items()) if space else []
    keys = [("wrong", overlays.WRONG), ("void", overlays.UNLABELLED)]
    if both:
        keys += [("only without is right", overlays.LEFT), ("only with is right", overlays.RIGHT)]
        keys += [("neither is", overlays.NEITHER)]
    return (*classes, *((text, words.hexadecimal(colour)) for text, colour in keys))
