"""The audits behind 1-7: what the crops of training show of the face, and where the networks look."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from paribus import auditing
from paribus.audits import attribution
from paribus.audits.rows import AttributionAudit, CropAudit
from paribus.errors import MachineError
from paribus.execute import Bound, Place
from paribus.reproduce.answers.looks import ARMS, CROPS
from paribus.reproduce.evidence import Audits
from paribus.thumbnails import jpeg

SHEET = ".png"  # how the name of a sheet ends, a path in the folder of its study
WIDE = 900  # pixels of a sheet in the document
QUICK_IMAGES, QUICK_STEPS = 24, 8
ELSEWHERE = (
    "In the images that were given, the place of the face is not known (`boxes.csv` in their folder would tell it)."
)


def audits(bound: Bound, place: Place, name: str, *, quick: bool, elsewhere: bool) -> Audits:
    """Both audits of a study whose images have boxes; pages and sheets of pictures in its folder.

    elsewhere: its images are not those of part 1.
    """
    study = bound.study
    recipes = {arm: recipe for arm, recipe in study.recipes.items() if arm in CROPS}
    seen = auditing.audit_crops(recipes, bound.scans, place.folder, study.title, study.seeds[0]).audit
    assert isinstance(seen, CropAudit)
    few = replace(bound, runs={arm: runs for arm, runs in bound.runs.items() if arm in ARMS})
    why = ELSEWHERE if elsewhere else ""
    images, steps = (QUICK_IMAGES, QUICK_STEPS) if quick or elsewhere else (attribution.IMAGES, attribution.STEPS)
    try:
        looked = auditing.audit_attribution(few, place, images=images, steps=steps).audit
    except MachineError as error:
        return Audits(name, seen, None, why, " ".join(f"{p.message} {p.fix}" for p in error.problems))
    assert isinstance(looked, AttributionAudit)
    return Audits(name, seen, looked, why)


def sheet(path: Path) -> bytes | None:
    """A sheet of pictures as a JPEG for the document; None where it is not there."""
    if not path.exists():
        return None
    with Image.open(path) as picture:
        return jpeg(np.asarray(picture.convert("RGB")), WIDE)
