"""The explanation of 1-7 put to the test: what the crops show of the face, and whether the networks look at it."""

from collections.abc import Sequence

from paribus.audits import findings
from paribus.audits.rows import METHODS, AttributionAudit, AttributionRow, CropAudit, Estimate
from paribus.findings import Finding
from paribus.report.numbers import count, percent, plural
from paribus.reproduce.blocks import Block, Picture, Pictures, Table, Text
from paribus.reproduce.evidence import Audits
from paribus.reproduce.rows import NOTHING

ARMS = {
    "baseline": "Frozen, wild crop",
    "whole-face": "Frozen, whole-face crop",
    "fine-tuned": "Fine-tuned, wild crop",
    "fine-tuned.whole-face": "Fine-tuned, whole-face crop",
}
CROPS = {  # the arms that differ in what is seen
    "baseline": "Wild crop",
    "whole-face": "Whole-face crop",
    "larger-view": "Wild crop, larger view at evaluation",
}
SHEETS = ("baseline", "whole-face")  # of crops that are shown
ACCUSED = "baseline"  # of which the original says that it scored by what is not the face
LOOKING = ("LOOKS_AWAY", "LOOKS_LESS")  # findings about arms


def looks(audits: Audits | None) -> list[Block | None]:
    """Both audits, or why there are none."""
    if audits is None:
        return []
    lead = [Text("The explanation itself, put to the test", "heading")]
    if audits.elsewhere:
        where = f"That needs images of which it is known which pixels are the face. {audits.elsewhere}"
        lead.append(
            Text(f"{where} This part was therefore answered on drawn faces, with arms of the same names.", "warning")
        )
    study = audits.name
    return [*lead, *_crops(audits.crops, study), *_attribution(audits.attribution, audits.without, study)]


def _crops(audit: CropAudit | None, study: str) -> list[Block | None]:
    rows = {row.arm: row for row in audit.rows} if audit else {}
    if not rows or audit is None:
        return (
            [Text(f"What the crops show of the face: {audit.not_applicable}")] if audit and audit.not_applicable else []
        )
    told = [
        (
            CROPS.get(arm, arm),
            percent(row.training.share.median),
            percent(row.training.whole),
            percent(row.evaluation.share.median),
            f"{row.enlarged.median:.2f}",
        )
        for arm, row in rows.items()
    ]
    some = next(iter(rows.values()))
    head = ("Arm", "Of the face in the median crop", "Crops with the whole face", "Of the face at evaluation")
    table = Table((*head, "Times larger in training"), tuple(told), "What the networks see of the face")
    drawn = (
        f"The crops of training were drawn again, {count(some.draws)} of each of {plural(some.images, 'image')}, "
        "from the "
        "very streams that training uses."
    )
    sheets = Pictures(
        tuple(Picture(study, f"crops/{arm}.png", CROPS[arm]) for arm in SHEETS if arm in rows),
        "What the networks really see: the crops of four epochs, with the box of the face",
        sheets=True,
    )
    return [Text(drawn), table, sheets]


def _attribution(audit: AttributionAudit | None, without: str, study: str) -> list[Block | None]:
    if audit is None or audit.not_applicable:
        why = without or (audit.not_applicable if audit else "")
        return [Text(f"Where the networks look was not asked: {why}")] if why else []
    head = ("Arm", "Method", "Inside the face [95 %]", "The same network with random weights", "Area of the face")
    rows = [_attribution_row(row) for row in audit.rows if row.arm in ARMS]
    table = Table(head, tuple(rows), "Where the networks look: share of the positive attribution", words=2)
    return [
        Text(
            "If the frozen network with wild crops scored by features unrelated to the face, little of what speaks "
            "for its "
            f"answers would lie on the face. {verdict([row for row in audit.rows if row.arm == ACCUSED])}"
        ),
        table,
        Pictures(
            tuple(Picture(study, f"attribution/{arm}.png", ARMS[arm]) for arm in (ACCUSED, "whole-face")),
            "Some of the images, what spoke for the answer, and the same with random weights",
            sheets=True,
        ),
        *_said(findings.of_attribution(audit)),
    ]


def _attribution_row(row: AttributionRow) -> tuple[str, ...]:
    return (
        ARMS[row.arm],
        METHODS[row.method],
        f"{percent(row.share.mean)} {_between(row.share)}" if row.runs else NOTHING,
        f"{percent(row.randomised.mean)} {_between(row.randomised)}",
        percent(row.area),
    )


def _between(value: Estimate) -> str:
    return f"[{100 * value.low:.0f}, {100 * value.high:.0f}]"


def verdict(rows: Sequence[AttributionRow]) -> str:
    """What the attribution of one arm says about the explanation: both methods, against area and random weights."""
    if not rows:
        return "It was not asked."
    over = [_sign(row) for row in rows]
    told = "; ".join(
        f"{METHODS[row.method]} {percent(row.share.mean)} against {percent(row.randomised.mean)} with random weights "
        f"and {percent(row.area)} of the area"
        for row in rows
    )
    if all(sign > 0 for sign in over):
        return f"It is more than chance puts there, by every method ({told}): this does not fit the explanation."
    if all(sign < 0 for sign in over):
        return f"It is less than chance puts there, by every method ({told}): this fits the explanation."
    return (
        f"That cannot be told: not every method finds clearly more, nor each clearly less, than chance does ({told})."
    )


def _sign(row: AttributionRow) -> int:
    """+1 where the share is above both chances by its intervals, -1 where it is below both, else 0."""
    both = (row.over_area, row.over_randomised)
    return int(all(each.low > 0 for each in both)) - int(all(each.high < 0 for each in both))


def _said(found: Sequence[Finding]) -> list[Block | None]:
    """What the audit found about arms that look away from the face, or at it less than others."""
    weighty = [each for each in found if each.code in LOOKING and each.outcome in ("issue", "tip")]
    return [Text(each.sentence) for each in weighty]
