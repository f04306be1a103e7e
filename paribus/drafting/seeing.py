"""What kind of data set lies at a path, and how a study names it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from paribus import datasets
from paribus.datasets import ImageSet
from paribus.datasets.cityscapes_layout import IMAGES, MASKS
from paribus.datasets.found import existing
from paribus.datasets.tables import columns_of
from paribus.datasets.voc_layout import LISTS, voc_home
from paribus.errors import DataError, Problem
from paribus.parts import Part, build
from paribus.recipe import HOMES
from paribus.scan import undeclared

Task = Literal["classification", "segmentation"]

# What columns of tables are called where they are not called what `csv` expects.
_COLUMNS = {
    "image": ("image", "path", "file", "filename", "file_name", "image_path", "filepath", "img"),
    "label": ("label", "class", "target", "category", "class_name", "y"),
    "split": ("split", "set", "subset", "partition"),
    "group": ("group", "patient", "patient_id", "subject", "subject_id", "person", "site"),
}
_COCO = ("instances_*.json", "panoptic_*.json", "stuff_*.json", "*.coco.json")


@dataclass(frozen=True)
class Seen:
    """A data set that was recognised by its names; its images are not opened yet.

    kind: in words. data: the data part as a study writes it, without `root`. root: the folder that is bound to it.
    lines: what was found out on the way. advice: what a study for it would say. doubts: what names and numbers cannot
    tell.
    """

    kind: str
    data: dict[str, Any]
    root: Path
    images: ImageSet
    lines: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def seen_at(path: Path, task: Task | None = None) -> Seen:
    """The data set at a path: a folder of class folders, of images and masks, VOC, Cityscapes, CamVid, or a CSV file.

    task: what is asked for, where a folder could be taken for both. Raises DataError with what to do instead.
    """
    if path.suffix.lower() == ".csv":
        if task == "segmentation":
            raise DataError([Problem("SEG_NOT_FOUND", "is a table of labels; masks lie in folders.", path.name)])
        return _table(path)
    existing(path)
    if task != "classification":
        for layout in (_cityscapes, _voc, _camvid, _masks):
            if (found := layout(path)) is not None:
                return found
        _refuse_coco(path)
    if task == "segmentation":
        message = "no two of its folders hold images and masks of the same names."
        fix = (
            "put them into images/ and masks/, a/1.jpg and a/1.png; or VOC, Cityscapes or CamVid as they are published."
        )
        raise DataError([Problem("SEG_NOT_FOUND", message, path.name, fix)])
    return Seen("images in a folder a class", {"use": "folder"}, path, datasets.folder(path))


def _table(path: Path) -> Seen:
    """A CSV file; its columns are found by their names."""
    root, choices = path.parent, {"manifest": path.name} if path.name != "manifest.csv" else {}
    if not path.is_file():
        raise DataError([Problem("DATA_NOT_FOUND", "there is no such file.", path.name)])
    there = {name.lower(): name for name in reversed(columns_of(path))}
    for column, names in _COLUMNS.items():
        name = next((there[each] for each in names if each in there), None)
        if name is not None and (name != column or column == "group"):
            choices[column] = name
    named = [f"{column}: column {choices[column]!r}" for column in _COLUMNS if column in choices]
    images = datasets.csv(root, **choices)  # type: ignore[arg-type]
    return Seen("images listed in a table", {"use": "csv"} | choices, root, images, tuple(named))


def _cityscapes(path: Path) -> Seen | None:
    if not (path / IMAGES).is_dir() or not (path / MASKS).is_dir():
        return None
    own = next((path / MASKS).rglob("*_labelIds.png"), None)
    made = own is None and next((path / MASKS).rglob("*_labelTrainIds.png"), None) is not None
    choices: dict[str, Any] = {"masks": "labelTrainIds"} if made else {}
    images = datasets.cityscapes(path, **choices)
    doubts = ("`group: city` would let verdicts speak of new cities; val has few.",)
    return Seen("Cityscapes", {"use": "cityscapes"} | choices, path, images, doubts=doubts)


def _voc(path: Path) -> Seen | None:
    home = voc_home(path)
    if home is None:
        return None
    if not (home / "SegmentationClass").is_dir() and (home / "Annotations").is_dir():
        fix = "save masks of class indices into SegmentationClass, or sort the images into a folder a class."
        raise DataError(
            [Problem("VOC_BOXES", "has boxes (Annotations) and no masks; boxes are not learned.", path.name, fix)]
        )
    if not all((home / LISTS / f"{split}.txt").is_file() for split in ("train", "val")):
        return None  # images and masks, of which a split can be drawn
    doubts = ("If the classes are not those of VOC, name them: `classes: [background, ...]` in the data part.",)
    return Seen("PASCAL VOC", {"use": "voc"}, path, datasets.voc(path), doubts=doubts)


def _camvid(path: Path) -> Seen | None:
    if not (path / "trainannot").is_dir() and not (path / "LabeledApproved_full").is_dir():
        return None
    return Seen("CamVid", {"use": "camvid"}, path, datasets.camvid(path))


def _masks(path: Path) -> Seen | None:
    try:
        found = undeclared(path)
    except DataError:
        _refuse_coco(path)  # numbered segments look like far too many classes
        raise
    if found is None:
        return None
    data = {"use": "masks", **found.choices}
    images: ImageSet = build(Part("masks", found.choices), HOMES["data"], path)
    return Seen("images and masks", data, path, images, found.seen, found.advice, found.doubts)


def _refuse_coco(path: Path) -> None:
    names: Sequence[Path] = [p for pattern in _COCO for base in ("", "*/") for p in path.glob(base + pattern)]
    if names:
        first = min(names).relative_to(path).as_posix()
        message = f"{first} has polygons or numbered segments; a mask must say the class of each pixel."
        fix = (
            "write index PNGs named like the images (pycocotools: annToMask; panopticapi: "
            "panoptic2semantic_segmentation.py) and put both into images/ and masks/."
        )
        raise DataError([Problem("DATA_COCO", message, path.name, fix)])
