"""The audits as commands: from a study or a data set to rows, a page and contact sheets on disk."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from paribus import boxes, durable
from paribus.audits import attribution, crops, findings, pictures
from paribus.audits.rows import AttributionAudit, CropAudit
from paribus.datasets import ImageSet
from paribus.errors import StudyError, unknown
from paribus.execute import Bound, Place, data_root
from paribus.findings import Finding
from paribus.recipe import Recipe, complete
from paribus.report.audits import audit_page
from paribus.scan import Scan
from paribus.study import Study

LARGEST = 224  # pixels of the input, where no study says
USUAL = {"wild crop": [0.08, 1.0], "whole-object crop": [0.75, 1.0]}  # where no study says how it is trained


@dataclass(frozen=True)
class Audited:
    """What an audit left behind. lines: the rows in words."""

    audit: CropAudit | AttributionAudit
    findings: tuple[Finding, ...]
    lines: tuple[str, ...]
    page: Path


def usual_arms(images: ImageSet, shorter: int) -> dict[str, Recipe]:
    """Recipes that crop a data set as is usual; `shorter` is the shorter side of its images in pixels."""
    own = {"classes": list(images.classes)} if images.name == "masks" else {}
    made = {"data": {"use": images.name, **own}, "input": {"size": min(LARGEST, shorter)}}
    if images.masks is not None:
        scaled = ["scale_crop", "horizontal_flip"]
        return {"scaled crop": complete({**made, "model": {"use": "fcn", "skips": []}, "augment": scaled})}
    chains = {name: [{"use": "random_resized_crop", "scale": s}, "horizontal_flip"] for name, s in USUAL.items()}
    return {name: complete({**made, "model": "small_cnn", "augment": chain}) for name, chain in chains.items()}


def of_arms(study: Study, wanted: list[str] | None) -> dict[str, Recipe]:
    """The recipes of a study, or of some of its arms. Raises StudyError for an unknown one."""
    odd = [unknown("arm", name, list(study.recipes)) for name in wanted or () if name not in study.recipes]
    if odd:
        raise StudyError(odd)
    return {arm: recipe for arm, recipe in study.recipes.items() if not wanted or arm in wanted}


def with_boxes(
    study: Study, scans: Mapping[str, Scan], data: Mapping[str, Path] | None = None, given: Path | None = None
) -> dict[str, Scan]:
    """The scans of a study with the boxes of the file `given`, or of `boxes.csv` in the folder of an arm's data.

    Raises DataError.
    """
    roots = {arm: data_root(study, study.roots[arm], data or {}) for arm in scans}
    return {arm: boxes.found_in(each, roots[arm], given) for arm, each in scans.items()}


def audit_crops(
    recipes: Mapping[str, Recipe], scans: Mapping[str, Scan], folder: Path, title: str, seed: int = 0
) -> Audited:
    """The crop audit of some arms: `crops.html`, `crops.json` and `crops/*.png` in `folder`."""
    audit = crops.of_arms(recipes, scans, seed)
    alike: dict[str, list[str]] = {}
    for arm, recipe in recipes.items():
        what = [recipe.images.args, recipe.input.args, recipe.plain()["augment"], recipe.views]
        alike.setdefault(json.dumps(what, sort_keys=True), []).append(arm)
    sheets = {
        ", ".join(a): _png(pictures.of_crops(", ".join(a), recipes[a[0]], scans[a[0]], seed)) for a in alike.values()
    }
    found = findings.of_crops(audit)
    page = audit_page(f"{title}: the crops", "What the networks see", list(sheets.items()), crops=audit)
    lines = [
        f"{row.arm}: {row.training.whole:.0%} of the crops hold the whole box, the median crop "
        f"{row.training.share.median:.0%} of it; objects look {row.enlarged.median:.2f} times as large as at "
        "evaluation"
        for row in audit.rows
    ]
    return _written("crops", folder, page, sheets, Audited(audit, found, tuple(lines), folder / "crops.html"))


def audit_attribution(
    bound: Bound,
    place: Place,
    *,
    images: int = attribution.IMAGES,
    steps: int = attribution.STEPS,
    seed: int = 0,
    progress: attribution.Progress = lambda done, total: None,
) -> Audited:
    """The attribution audit of a study: `attribution.html`, `attribution.json`, `attribution/*.png` in its folder.

    Raises as `paribus.audits.attribution.of_study` does.
    """
    audit = attribution.of_study(bound, place.store, images=images, steps=steps, seed=seed, progress=progress)
    sheets = {}
    for arm in dict.fromkeys(row.arm for row in audit.rows):
        first = next(run for run in bound.runs[arm] if place.store.has(run))
        seen = attribution.sight(bound.study.recipes[arm], bound.scans[arm], audit.images[: pictures.ROWS])
        sheets[arm] = _png(pictures.of_attribution(arm, first, seen, place.store, audit.weights, steps))
    found = findings.of_attribution(audit)
    title, heading = (
        f"{bound.study.title}: where the networks look",
        "Some of the images, and what spoke for the answer",
    )
    page = audit_page(title, heading, list(sheets.items()), attribution=audit)
    lines = [
        f"{row.arm}, {row.method}: {row.share.mean:.0%} [{row.share.low:.0%}, {row.share.high:.0%}] "
        f"inside the box, which is {row.area:.0%} of the picture; with random weights "
        f"{row.randomised.mean:.0%}"
        for row in audit.rows
    ]
    path = place.folder / "attribution.html"
    return _written("attribution", place.folder, page, sheets, Audited(audit, found, tuple(lines), path))


def _written(name: str, folder: Path, page: str, sheets: Mapping[str, bytes], done: Audited) -> Audited:
    durable.make_folder(folder / name)
    for former in (folder / name).glob("*.png"):
        durable.unlink(former)
    for arms, content in sheets.items():
        durable.write(folder / name / f"{file_name(arms)}.png", content)
    durable.write_json(folder / f"{name}.json", asdict(done.audit) | {"findings": [asdict(f) for f in done.findings]})
    durable.write(done.page, page.encode("utf-8", "backslashreplace"))
    return done


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def file_name(name: str) -> str:
    """The name with nothing in it that a file's name must not have."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name)[:80]
