"""What the audits say about a study, as findings: a network that looks away from the object, crops that miss it."""

from paribus.audits.rows import METHODS, AttributionAudit, AttributionRow, CropAudit
from paribus.findings import Finding
from paribus.stats import holm

CLEARLY = 0.05  # of a share: less is not worth a finding, however small its p
ALPHA = 0.05
MISSED = 0.5  # of the crops, or more, lack a part of the box
ENLARGED = 1.25  # times as large in training as at evaluation


def of_crops(audit: CropAudit) -> tuple[Finding, ...]:
    """CROP_BOX and CROP_SCALE."""
    if audit.not_applicable:
        said = _sentence(audit.not_applicable)
        return tuple(Finding(code, title, "not_applicable", said) for code, title in _CROPS.items())
    return _crop_box(audit), _crop_scale(audit)


def of_attribution(audit: AttributionAudit) -> tuple[Finding, ...]:
    """ATTRIBUTION_SANITY, LOOKS_AWAY and LOOKS_LESS."""
    if audit.not_applicable:
        said = _sentence(audit.not_applicable)
        return tuple(Finding(code, title, "not_applicable", said) for code, title in _ATTRIBUTION.items())
    return _sanity(audit), _looks_away(audit), _looks_less(audit)


_CROPS = {"CROP_BOX": "Objects in the crops", "CROP_SCALE": "Size of objects in training and at evaluation"}
_ATTRIBUTION = {
    "ATTRIBUTION_SANITY": "Attribution of random networks",
    "LOOKS_AWAY": "Networks that look away from the object",
    "LOOKS_LESS": "Arms that look at the object less than others",
}


def _crop_box(audit: CropAudit) -> Finding:
    code, title = "CROP_BOX", _CROPS["CROP_BOX"]
    missed = [row for row in audit.rows if 1 - row.training.whole >= MISSED]
    if not missed:
        return Finding(code, title, "passed", "In every arm most training crops hold the whole box.")
    named = "; ".join(
        f"{row.arm}: {row.training.whole:.0%} hold the whole box, {row.training.share.median:.0%} of its area is in "
        "the median crop"
        for row in missed
    )
    return Finding(code, title, "tip", f"Most training crops lack a part of the object. {named}.")


def _crop_scale(audit: CropAudit) -> Finding:
    code, title = "CROP_SCALE", _CROPS["CROP_SCALE"]
    odd = [row for row in audit.rows if not 1 / ENLARGED < row.enlarged.median < ENLARGED]
    if not odd:
        said = "In every arm objects look about as large in training as at evaluation."
        return Finding(code, title, "passed", said)
    named = "; ".join(f"{row.arm}: {row.enlarged.median:.2g} times as large as at evaluation" for row in odd)
    said = (
        f"Objects look larger or smaller in training ({named}, in the median). An arm with another `eval_size` tells "
    )
    return Finding(code, title, "tip", said + "whether that explains what the crop does.")


def _sanity(audit: AttributionAudit) -> Finding:
    """Whether what random networks show differs from a map that is the same everywhere."""
    code, title = "ATTRIBUTION_SANITY", _ATTRIBUTION["ATTRIBUTION_SANITY"]
    biased = [row for row in audit.rows if abs(row.randomised.mean - row.area) > CLEARLY]
    if not biased:
        said = "With all weights drawn anew, the share inside the box is that of its area."
        return Finding(code, title, "passed", said)
    named = "; ".join(
        f"{row.arm}, {METHODS[row.method]}: {row.randomised.mean:.0%} of the attribution, {row.area:.0%} of the area"
        for row in biased
    )
    said = f"Networks with random weights already favour or avoid the box ({named}): what counts is the share beyond "
    return Finding(code, title, "tip", said + "theirs, not beyond the area.")


def _looks_away(audit: AttributionAudit) -> Finding:
    """Arms with clearly less inside the box than both its area and random networks, by one method and against none.

    The larger p of the two counts (an intersection-union test), adjusted by Holm over all arms and methods.
    """
    code, title = "LOOKS_AWAY", _ATTRIBUTION["LOOKS_AWAY"]
    adjusted = holm([max(row.over_area.p, row.over_randomised.p) for row in audit.rows])
    away = [row for row, p in zip(audit.rows, adjusted, strict=True) if p <= ALPHA and _below(row)]
    arms = [arm for arm in dict.fromkeys(row.arm for row in away) if not any(map(_above, _of(audit, arm)))]
    if not arms:
        said = "No arm has clearly less of its attribution inside the box than chance gives."
        return Finding(code, title, "passed", said)
    named = "; ".join(_listed(_of(audit, arm)) for arm in arms)
    said = "What speaks for their answers lies outside of the object more than chance would put it there: "
    return Finding(code, title, "issue", f"{said}{named}. Their scores may not hold where the background changes.")


def _of(audit: AttributionAudit, arm: str) -> list[AttributionRow]:
    return [row for row in audit.rows if row.arm == arm]


def _below(row: AttributionRow) -> bool:
    return max(row.over_area.mean, row.over_randomised.mean) <= -CLEARLY


def _above(row: AttributionRow) -> bool:
    return min(row.over_area.low, row.over_randomised.low) > 0


def _looks_less(audit: AttributionAudit) -> Finding:
    """Pairs of arms that clearly differ by one method, and by none the other way."""
    code, title = "LOOKS_LESS", _ATTRIBUTION["LOOKS_LESS"]
    if not audit.differences:
        return Finding(code, title, "not_applicable", "There is one arm.")
    clear: dict[tuple[str, str], list[str]] = {}
    for each in audit.differences:
        if each.p_adjusted <= ALPHA and abs(each.difference.mean) >= CLEARLY:
            pair = (each.arm, each.other) if each.difference.mean < 0 else (each.other, each.arm)
            clear.setdefault(pair, []).append(METHODS[each.method])
    found = {pair: methods for pair, methods in clear.items() if pair[::-1] not in clear}
    if not found:
        return Finding(code, title, "passed", "No two arms clearly differ in how much they look at the object.")
    named = "; ".join(f"{less} less than {more} (by {' and '.join(how)})" for (less, more), how in found.items())
    return Finding(code, title, "tip", f"Share of the attribution inside the box: {named}.")


def _listed(rows: list[AttributionRow]) -> str:
    shares = ", ".join(
        f"{row.share.mean:.0%} [{row.share.low:.0%}, {row.share.high:.0%}] by {METHODS[row.method]}" for row in rows
    )
    return f"{rows[0].arm}: {shares}, where the box is {rows[0].area:.0%} of the picture"


def _sentence(text: str) -> str:
    return text.removeprefix("not applicable: ")[:1].upper() + text.removeprefix("not applicable: ")[1:]
