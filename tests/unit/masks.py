"""Made masks and their counts, for tests of what segmentation needs."""

import numpy as np

from paribus.counting import boundary_counts, counts
from paribus.labels import VOID
from paribus.predictions import MaskCounts, MaskEvidence, RunRecord

CLASSES = ("sky", "road", "tree", "car")


def blocky(generator, shape, classes, size=6):
    """A mask of squares, so that there are insides and boundaries."""
    small = generator.integers(0, classes, (shape[0] // size + 1, shape[1] // size + 1))
    return np.repeat(np.repeat(small, size, 0), size, 1)[: shape[0], : shape[1]].astype(np.uint8)


def pairs(seed=0, images=10, shape=(30, 42), classes=4, wrong=0.3, void=0.1):
    """(prediction, truth) masks with noise and void."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(images):
        truth = blocky(generator, shape, classes)
        noise = generator.integers(0, classes, shape)
        prediction = np.where(generator.random(shape) < wrong, noise, truth).astype(np.uint8)
        truth[generator.random(shape) < void] = VOID
        made.append((prediction, truth))
    return made


def counted(masks, classes=CLASSES):
    """The MaskCounts of (prediction, truth) masks."""
    size = len(classes)
    ids = tuple(f"image-{n:02d}" for n in range(len(masks)))
    confusion = np.stack([counts(p, t, size) for p, t in masks])
    return MaskCounts(ids, confusion, np.stack([boundary_counts(p, t, size) for p, t in masks]), classes)


def evidence(split, *epochs, kept=None):
    """MaskEvidence of the MaskCounts of each epoch."""
    first = epochs[0]
    numbers = tuple(kept or range(1, len(epochs) + 1))
    confusion = np.stack([e.confusion for e in epochs]).astype(np.int32)
    boundary = np.stack([e.boundary for e in epochs]).astype(np.int32)
    return MaskEvidence(split, first.image_ids, first.classes, numbers, confusion, boundary)


def record(*kept, seed=0):
    """A finished run with this evidence."""
    return RunRecord(f"run-{seed}", seed, "done", 1.0, {e.split: e for e in kept})
