"""The images on which an exported network is compared with the run it comes from."""

from pathlib import Path

from paribus import prepared
from paribus.datasets import ImageSet, Item
from paribus.errors import DataError, IntegrityError, Problem, StudyError
from paribus.execute import image_set, reads_files
from paribus.parts import PartProblem, completed, resolve
from paribus.predicting import Chosen
from paribus.predictions import Evidence, MaskEvidence, RunRecord
from paribus.prepared import PREPARED
from paribus.recipe import HOMES, has_masks
from paribus.scan import scan
from paribus.store import evidence_name
from paribus.views import Pictures

ORDER = ("val", "test", "train")


def validation(
    chosen: Chosen, record: RunRecord, root: Path | None, plugins: tuple[str, ...]
) -> tuple[Pictures, str, Evidence | MaskEvidence]:
    """The images of val (of test or train where there is no val), the split, and what the run said about it.

    They are those that `paribus run` kept decoded beside the runs; without these, or where `root` is given, the data
    are looked at again. Raises DataError if they cannot be found, IntegrityError if they are other images.
    """
    split = next(each for each in ORDER if each in record.evidence)
    evidence = record.evidence[split]
    if root is None and (kept := _kept(chosen, evidence)) is not None:
        return kept, split, evidence
    return _looked_at(chosen, split, root, plugins), split, evidence


def _kept(chosen: Chosen, evidence: Evidence | MaskEvidence) -> Pictures | None:
    recipe, home = chosen.recipe, chosen.store.root.parent / PREPARED
    masks, shorter = has_masks(recipe.data), recipe.input.args["prepare"]
    there = prepared.found(chosen.splits, shorter, masks, home) if chosen.splits else None
    if there is None or not all(image in there.images for image in evidence.image_ids):
        return None
    labels = evidence.targets.tolist() if isinstance(evidence, Evidence) else [0] * len(evidence.image_ids)
    items = [Item(name, evidence.split, k, None) for name, k in zip(evidence.image_ids, labels, strict=True)]
    images = ImageSet(recipe.data.use, chosen.classes, tuple(items), there.image, space=chosen.space)
    return Pictures(images, there, shorter)


def _looked_at(chosen: Chosen, split: str, root: Path | None, plugins: tuple[str, ...]) -> Pictures:
    recipe = chosen.recipe
    try:
        completed(recipe.data, HOMES["data"], plugins)
        function = resolve(recipe.data.use, HOMES["data"], plugins)
    except PartProblem as error:
        raise StudyError([Problem("STUDY", sentence) for _, sentence in error.problems]) from None
    if root is None and reads_files(function):
        named = f" ({chosen.root})" if chosen.root else ""
        message = f"the images on which the exported network is tried are not kept decoded beside the runs{named}."
        raise DataError([Problem("DATA_NO_ROOT", message, fix="name their folder: --data FOLDER.")])
    found = scan(image_set(recipe, root), on_leak="drop_train")
    mark = found.fingerprints.get(split, "")
    names = {path.name for path in (chosen.store.folder(chosen.members[0].run.id) / "evidence").iterdir()}
    if evidence_name(split, mark) not in names:
        message = f"the {split} images are not those that the run was scored on."
        raise IntegrityError([Problem("DATA_CHANGED", message, str(root or ""), "name the folder of the same data.")])
    return Pictures(found.images, None, recipe.input.args["prepare"])
