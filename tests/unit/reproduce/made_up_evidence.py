"""The studies of the reproduction as they might have come out: real questions and statistics over made-up answers."""

from copy import deepcopy
from dataclasses import replace
from functools import cache

import numpy as np

from paribus.contrasts import contrasts
from paribus.labels import Space
from paribus.predictions import Evidence as Answers
from paribus.predictions import MaskEvidence, RunRecord
from paribus.questions import CONTROL, Design
from paribus.reproduce import evidence
from paribus.reproduce.answers import crop, training
from paribus.reproduce.evidence import Evidence
from paribus.reproduce.studies import Asked, composed
from paribus.results import ArmResult, Results
from paribus.study import Study
from paribus.tuning.choice import Tried, Tuned

VERDICTS = (
    "helps", "hurts", "no_practical_difference", "identical", "cannot_tell", "cannot_tell_one_run", None,
)  # fmt: skip
THREE = ("sky", "static", "objects")
HOME = (0, 1, 2, 1, 1, 1, 2, 1, 2, 2, 2)  # of the eleven classes in the three
FACES = ("neutral", "smiling")
EPOCHS = (1, 2, 3)


def evidence_of(seeds=2, **changed):
    """All three studies. changed: study -> {question: verdict}; `all` stands for every question."""
    studies = {name: told(name, seeds) for name in ("training", "recipe", "labels")}
    return Evidence({name: with_verdicts(each, changed.get(name, {})) for name, each in studies.items()})


def with_verdicts(told, verdicts):
    """The study with other verdicts, and differences and intervals that fit them."""
    report = deepcopy(told.report)
    for q in report["questions"]:
        if not q["control"] and (q["name"] in verdicts or "all" in verdicts):
            q |= fitting(q, verdicts.get(q["name"], verdicts.get("all")))
    return replace(told, report=report)


def fitting(q, verdict):
    """What the row of a question says with this verdict."""
    margin = q["margin"]
    middle = {"helps": 3 * margin, "hurts": -3 * margin, "cannot_tell": margin}.get(verdict, 0.0)
    half = {"cannot_tell": 3 * margin, "identical": 0.0, "no_practical_difference": margin / 2}.get(verdict, margin)
    row = {"verdict": verdict, "difference": middle, "ci95": (middle - half, middle + half)}
    row["interval"] = {"level": 0.9, "low": middle - half, "high": middle + half}
    row["estimand"] = "these_networks" if verdict == "cannot_tell_one_run" else "new_images"
    for reading in (q.get("one_run") or {}).values():
        reading |= {"verdict": verdict, "estimate": middle}
        reading["called_settled"] = 0.4 if str(verdict).startswith("cannot_tell") else None
    return row


@cache
def told(name, seeds=2):
    """A study from made-up answers."""
    ranked, pair = (training.ORDER, crop.DISAGREE) if name == "training" else ((), ())
    return evidence.told(f"reproduce-{name}", results(name, seeds), ranked, pair)


@cache
def results(name, seeds=2):
    """Every arm of the study with as many runs, and every question answered by the real statistics."""
    study = Study.from_dict(composed(Asked(quick=True, seeds=seeds), name))
    masks = name == "labels"
    split = "val" if masks else "test"
    groups = {f"val/{k:05d}": f"g{k // 2}" for k in range(20)} if masks else None
    design = Design((seeds,), split, "last" if masks else "val", groups)
    arms = tuple(_arm(study, number, arm, masks) for number, arm in enumerate(study.arms))
    by_name = {arm.name: arm.runs for arm in arms}
    rows = contrasts(study.questions, by_name, design)
    classes = list(arms[0].space.classes) if masks else list(FACES)
    data = {"name": "streets" if masks else "faces", "classes": classes, "groups": groups, "warnings": []}
    declared = {"tune": {"grid": study.tuning.grid, "seeds": [100]}} if study.tuning else {}
    data |= {"images": {"train": 40, "val": 20, "test": 24}, "splits": {split: dict.fromkeys(classes, 100)}}
    return Results(
        title=study.title, metric=study.metric, margin=study.margin, design=design, primary=study.primary, arms=arms,
        questions=study.questions, contrasts=rows, findings=(), data=data, study=declared, seconds=100.0, command="x",
        environment={"cores": 2, "versions": {"torch": "2"}},
    )  # fmt: skip


def _arm(study, number, arm, masks):
    make = _mask_run if masks else _run
    seeds = study.seeds_of(arm.name)
    space = Space(THREE, ((1, 2, 3),) * 3) if arm.name == "three" else _eleven() if masks else None
    runs = tuple(make(arm.name, number, seed) for seed in seeds)
    recipe = study.recipes[arm.name].plain()
    told = (arm.name, f"{arm.name} is special", runs, recipe, {}, arm.base, arm.name == CONTROL, space)
    return ArmResult(*told, tuning=_tuned(recipe) if study.tuning else None)


def _tuned(recipe):
    """Three rates tried; the arm's own was best."""
    own = recipe["optimizer"]["lr"]
    tried = [({"optimizer.lr": k * own}, ("a",), (score,)) for k, score in ((0.3, 0.6), (1, 0.8), (3, 0.7))]
    return Tuned({"optimizer.lr": own}, tuple(Tried(*each, 0, 5.0) for each in tried))


def _eleven():
    from paribus.labels import CAMVID11

    return CAMVID11


def _facts(number):
    certificate = {"held": True, "sentence": "It stood still.", "expected": "nothing moves"}
    return {"parameters_total": 1000 * (number + 1), "parameters_trained": 10, "certificate": certificate}


def _run(name, number, seed):
    generator = np.random.default_rng([number, seed])
    kept = {split: _answers(generator, split, n) for split, n in (("train", 40), ("val", 20), ("test", 24))}
    curves = tuple({"epoch": e, "train_loss": 1 / e, "val_accuracy": 0.5 + e / 10} for e in EPOCHS)
    return RunRecord(f"{name}-{seed}", seed, "done", 10.0 + number, kept, curves, _facts(number))


def _answers(generator, split, n):
    targets = np.arange(n) % 2
    logits = generator.normal(size=(len(EPOCHS), n, 2)).astype(np.float32)
    logits[:, np.arange(n), targets] += 1
    ids = tuple(f"{split}/{k:05d}" for k in range(n))
    return Answers(split, ids, targets, FACES, EPOCHS, logits)


def _mask_run(name, number, seed):
    generator = np.random.default_rng([number, seed])
    kept = {"val": _counts(generator, name, "val", 20), "train": _counts(generator, name, "train", 8)}
    curves = tuple({"epoch": e, "train_loss": 1 / e, "val_mean_iou": 0.1 * e} for e in EPOCHS)
    return RunRecord(f"{name}-{seed}", seed, "done", 10.0 + number, kept, curves, _facts(number))


def _counts(generator, name, split, n):
    """Every class has 50 pixels in every image, some of them taken for the next class; bicyclists are never found."""
    confusion = np.zeros((2, n, 11, 11), np.int32)
    right = generator.integers(20, 45, (2, n, 11))
    right[:, :, 10] = 0
    for k in range(11):
        confusion[:, :, k, k] = right[:, :, k]
        confusion[:, :, k, (k + 1) % 11] = 50 - right[:, :, k]
    classes = _eleven().classes
    if name == "three":
        merge = np.eye(3, dtype=np.int32)[list(HOME)]
        confusion, classes = merge.T @ confusion @ merge, THREE
    ids = tuple(f"{split}/{k:05d}" for k in range(n))
    return MaskEvidence(split, ids, classes, (2, 3), confusion, confusion // 2)
