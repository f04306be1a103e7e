"""A segmentation study whose runs were made up: real masks of `streets`, and predictions that err at their borders."""

import json

import numpy as np
from PIL import Image

from paribus import durable, segmenting, store
from paribus.counting import counts, near_boundary
from paribus.execute import Place, bind
from paribus.labels import VOID
from paribus.predictions import MaskEvidence
from paribus.study import Study

TEXT = """
title: "streets: do skips help, and do three classes?"
metric: mean_iou
margin: 0.01
seeds: {seeds}
split: val
labels:
  three: {{from: camvid11, merge: {{sky: [sky], static: [building, road, pavement, tree, fence], objects: [pole, sign, car, pedestrian, bicyclist]}}}}
baseline:
  data: {{use: streets, n: {train}, n_val: {val}, n_test: 0, size: [{height}, {width}]}}
  model: {{use: fcn, backbone: resnet18, skips: [], pretrained: false}}
  input: {{size: [{height}, {width}], normalize: model}}
  epochs: 2
  batch_size: 8
arms:
  skips: {{model.skips: [8, 16]}}
  three: {{data.labels: three}}
questions:
  skips: {{ask: "Do skip connections help?", compare: [baseline, skips]}}
  edges: {{ask: "Do they help at the borders of things?", compare: [baseline, skips], metric: boundary_iou}}
  labels: {{ask: "Is it better to train on three classes than to merge the answers of eleven?", compare: [baseline, three], score_in: three}}
primary: skips
"""  # noqa: E501
COARSE = {"baseline": 8, "skips": 3, "three": 8}  # pixels of the blocks in which an arm sees


class Silent:
    """A watcher that says nothing."""

    def __getattr__(self, name):
        return lambda *given: None


def made(folder, *, seeds=3, train=12, val=12, size=(48, 64), masks=True):
    """(bound, place) of the study in `folder` with all of its runs there, and nothing left to train."""
    path = folder / "streets.yaml"
    path.write_text(TEXT.format(seeds=seeds, train=train, val=val, height=size[0], width=size[1]))
    study = Study.read(path)
    place = Place.of(study, folder / "out")
    bound = bind(study, place)
    for number, (arm, runs) in enumerate(bound.runs.items()):
        for run in runs:
            _write(bound, place, arm, run, np.random.default_rng([number, run.seed]), masks)
    return bound, place


def _write(bound, place, arm, run, generator, masks):
    scan, marks = bound.scans[arm], bound.fingerprints(arm)
    with place.store.publishing(run.id) as final:
        curves = []
        for split in ("train", "val"):
            items = [item for item in scan.images.items if item.split == split]
            truths = [scan.images.masks(item) for item in items]
            said = [[_seen(t, COARSE[arm] + more, generator, scan) for t in truths] for more in (6, 0)]
            kept = _evidence(split, items, truths, said, scan)
            if split == "train":
                counts = (kept.confusion[1:], kept.boundary[1:])
                kept = MaskEvidence(split, kept.image_ids, kept.classes, (2,), *counts)
            else:
                rows = [{"confusion": c, "boundary": b} for c, b in zip(kept.confusion, kept.boundary, strict=True)]
                for epoch, row in enumerate(rows, 1):
                    told = {"epoch": epoch, "train_loss": 2.0 / (epoch + generator.random()), "lr": 1e-3}
                    curves.append(told | segmenting.row(None, "val", row))
                for k, mask in enumerate(said[1] if masks else ()):
                    target = final / "masks" / store.evidence_name(split, marks[split])
                    durable.make_folder(target)
                    durable.write(target / f"{k:05d}.png", segmenting.drawn(mask, scan.images.space.colours))
            store.write_evidence(final, marks[split], kept)
        about = {"identity": run.identity, "status": "done", "curves": curves, "best_epoch": 2}
        about |= {"parameters_total": 11_200_000, "parameters_trained": 11_200_000, "environment": {"threads": 2}}
        durable.write_json(final / "run.json", json.loads(json.dumps(about)))
        durable.write_json(final / store.TIMING, {"seconds": 61.0 + run.seed, "images_per_second": 40.0})


def _seen(truth, block, generator, scan):
    """The truth in blocks, a little displaced, with one patch that is called something else."""
    height, width = truth.shape
    filled = np.where(truth == VOID, 0, truth)
    shifted = np.roll(filled, generator.integers(-1, 2, 2), (0, 1))
    small = Image.fromarray(shifted).resize((max(width // block, 1), max(height // block, 1)), Image.Resampling.NEAREST)
    seen = np.array(small.resize((width, height), Image.Resampling.NEAREST))
    top, left = generator.integers(0, height - height // 5), generator.integers(0, width - width // 6)
    seen[top : top + height // 5, left : left + width // 6] = generator.integers(len(scan.images.classes))
    return seen


def _evidence(split, items, truths, said, scan):
    size = len(scan.images.classes)
    edges = [near_boundary(t) for t in truths]
    confusion = [[counts(s, t, size) for s, t in zip(each, truths, strict=True)] for each in said]
    boundary = [[counts(s, t, size, e) for s, t, e in zip(each, truths, edges, strict=True)] for each in said]
    ids = tuple(item.id for item in items)
    kept = (np.stack([np.stack(each) for each in epochs]).astype(np.int32) for epochs in (confusion, boundary))
    return MaskEvidence(split, ids, scan.images.classes, (1, 2), *kept)
