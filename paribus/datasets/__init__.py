"""The built-in data sets: what each image is called, which class or mask it has and to which split it belongs.

A data part looks at names only; whether the files are usable is for the scan to find out. Its keyword-only arguments
are the study's choices. `root` comes from the run, and is part of no identity.
"""

from paribus.datasets.camvid_layouts import camvid
from paribus.datasets.cityscapes_layout import cityscapes
from paribus.datasets.drawn import drives, faces, streets
from paribus.datasets.folders import folder
from paribus.datasets.hub import huggingface
from paribus.datasets.items import SPLITS, ImageSet, Item
from paribus.datasets.mask_folders import masks
from paribus.datasets.published import pet_trimaps, torchvision
from paribus.datasets.tables import csv
from paribus.datasets.voc_layout import voc

__all__ = [
    "SPLITS",
    "ImageSet",
    "Item",
    "camvid",
    "cityscapes",
    "csv",
    "drives",
    "faces",
    "folder",
    "huggingface",
    "masks",
    "pet_trimaps",
    "streets",
    "torchvision",
    "voc",
]
