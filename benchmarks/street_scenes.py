"""Images with masks for the benchmarks, in the layout of SegNet's CamVid: a part of CamVid, or drawn streets."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import photographs
from paribus.labels import VOID
from paribus.streets import draw

CAMVID, STREETS = "CamVid", "drawn streets"
INDEX_VOID = 11  # in SegNet's masks
SIZE = (360, 480)  # height, width of CamVid's images there


def part(target: Path, counts: dict[str, int]) -> str:
    """Write `counts` images of each split and their masks below `target`; what they are: CamVid where it is there."""
    source = photographs.DATA / "camvid"
    for split, count in counts.items():
        images, masks = target / split, target / f"{split}annot"
        images.mkdir(parents=True)
        masks.mkdir()
        if source.is_dir():
            for file in photographs.spread(sorted((source / split).glob("*.png")), count):
                shutil.copy(file, images / file.name)
                shutil.copy(source / masks.name / file.name, masks / file.name)
        else:
            for index in range(count):
                _draw(index, split, images, masks)
    return CAMVID if source.is_dir() else STREETS


def _draw(index: int, split: str, images: Path, masks: Path) -> None:
    scene = draw(index, split=split, size=SIZE, seed=0)
    mask = np.where(scene.mask == VOID, INDEX_VOID, scene.mask).astype(np.uint8)
    Image.fromarray(scene.image).save(images / f"street_{index:04d}.png")
    Image.fromarray(mask).save(masks / f"street_{index:04d}.png")
