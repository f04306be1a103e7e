# ruff: noqa: E501  (the rows of made-up numbers read better unbroken)
"""A study as it might have come out: made up, with every kind of verdict and finding that a report must show."""

from dataclasses import replace

import numpy as np

from paribus.contrasts import Contrast
from paribus.findings import Finding
from paribus.predictions import Evidence, RunRecord
from paribus.questions import Design, Question
from paribus.results import ArmResult, Results

CLASSES = ("neutral", "smiling")
ARMS = {  # name: (accuracy, spread of the runs, label)
    "baseline": (0.795, 0.006, "feature extractor, wild crop"),
    "whole-face": (0.819, 0.010, "whole-face crop"),
    "fine-tuned": (0.852, 0.006, "all layers learn"),
    "fine-tuned.whole-face": (0.889, 0.005, "all layers learn, whole-face crop"),
    "scratch": (0.745, 0.014, "not pretrained"),
    "scratch.whole-face": (0.750, 0.014, "not pretrained, whole-face crop"),
    "alexnet-scratch": (0.700, 0.013, "AlexNet, not pretrained"),
    "a-a": (0.797, 0.006, "the baseline on seeds of its own"),
}


def example(runs=5, images=2000, epochs=8, arms=ARMS, classes=CLASSES) -> Results:
    """The whole study; the third run of `alexnet-scratch` diverged."""
    made = tuple(_arm(name, k, runs, images, epochs, classes, arms) for k, name in enumerate(arms))
    contrasts = tuple(_contrasts(made, images))
    return Results(
        title="Smiles: what is trained, and what the crop shows",
        metric="accuracy",
        margin=0.02,
        design=Design(looks=(3, 5, 10), split="test", epoch="val"),
        primary="tuning",
        arms=made,
        questions=tuple(c.question for c in contrasts),
        contrasts=contrasts,
        findings=FINDINGS,
        data={
            "name": "smiles",
            "classes": list(classes),
            "splits": {s: dict.fromkeys(classes, n) for s, n in (("train", 400), ("val", 200), ("test", images // 2))},
            "fingerprint": "9f2d60b1c4",
        },
        study={"title": "Smiles: what is trained, and what the crop shows", "seeds": runs},
        environment={"threads": 2, "versions": {"python": "3.12.3", "torch": "2.14.0"}, "platform": "linux x86-64"},
        seconds=3725.0,
        command="paribus run studies/smiles.yaml",
    )


def _arm(name, number, runs, images, epochs, classes, arms):
    accuracy, sd, label = arms[name]
    rng = np.random.default_rng(number)
    diverged = {2} if name == "alexnet-scratch" else set()
    made = tuple(_run(rng, name, s, accuracy, sd, images, epochs, classes, s in diverged) for s in range(runs))
    recipe = {
        "model": {"use": "timm:tf_efficientnet_lite0", "pretrained": True},
        "trainable": "head" if name in ("baseline", "whole-face", "a-a") else "all",
        "augment": [{"use": "random_resized_crop", "scale": [0.08, 1]}, "horizontal_flip"],
        "optimizer": {"use": "adamw", "lr": 5e-3, "backbone_lr": 5e-4},
        "epochs": epochs,
    }
    changed = {} if name in ("baseline", "a-a") else {"trainable": ["head", "all"]}
    return ArmResult(name, label, made, recipe, changed, None if name == "baseline" else "baseline", name == "a-a")


def _run(rng, name, seed, accuracy, sd, images, epochs, classes, diverged):
    final = accuracy + rng.normal(0, sd)
    rise = 1 - np.exp(-np.arange(1, epochs + 1) / 2)
    evidence = {
        split: _evidence(np.random.default_rng(7), rng, split, n, epochs, final, rise, classes, diverged)
        for split, n in (("val", images // 5), ("test", images))
    }
    if diverged:  # what was kept ends at the last finite epoch
        kept = epochs // 2
        evidence = {split: replace(e, epochs=e.epochs[:kept], logits=e.logits[:kept]) for split, e in evidence.items()}
    curves = tuple(
        {
            "epoch": e + 1,
            "train_loss": float("nan")
            if diverged and e >= epochs // 2
            else float(0.75 - 0.55 * rise[e] * accuracy + rng.normal(0, 0.01)),
            "lr": 0.005,
            "val_accuracy": accuracy_at(evidence["val"], e),
        }
        for e in range(epochs)
    )
    frozen = name in ("baseline", "whole-face", "a-a")
    facts = {
        "parameters_total": 3_371_026,
        "parameters_trained": 2562 if frozen else 3_371_026,
        "images_per_second": 412.0 if frozen else 96.0,
        "train_accuracy": accuracy + 0.05,
    }
    if frozen:
        facts["certificate"] = {
            "parameters_before": "5d41402abc4b2a76",
            "parameters_after": "5d41402abc4b2a76",
            "buffers_before": "7d793037a0760186",
            "buffers_after": "7d793037a0760186",
            "expected": "nothing moves outside the head",
            "held": True,
            "sentence": "212 parameters and 147 buffers outside the head are bitwise what they were.",
        }
    seconds = 31.0 if frozen else 70.0
    status = "diverged" if diverged else "done"
    return RunRecord(
        f"{seed}{'abcdef'[seed % 6]}{hash_of(name)}", seed, status, seconds + seed, evidence, curves, facts
    )


def accuracy_at(evidence, place):
    """Of the epoch at this place; nan where it was not kept."""
    if place >= len(evidence.epochs):
        return float("nan")
    return float((evidence.logits[place].argmax(1) == evidence.targets).mean())


def hash_of(name: str) -> str:
    """Something that looks like an id."""
    return "".join(f"{ord(c):02x}" for c in name)[:14]


def _evidence(images_rng, rng, split, n, epochs, final, rise, classes, diverged):
    targets = np.arange(n) % len(classes)
    hardness = images_rng.normal(0, 1.0, n)
    own = rng.normal(0, 0.7, n)
    logits = np.empty((epochs, n, len(classes)), np.float32)
    for e in range(epochs):
        skill = 0.5 + (final - 0.5) * rise[e] / rise[-1]
        score = hardness + own + rng.normal(0, 0.15, n)
        right = score > np.quantile(score, 1 - skill)
        logits[e] = rng.normal(0, 0.2, (n, len(classes)))
        answer = np.where(right, targets, (targets + 1) % len(classes))
        logits[e, np.arange(n), answer] += 1.2 + np.abs(score)
    return Evidence(
        split,
        tuple(f"{split}/{classes[t]}/{i:05d}.jpg" for i, t in enumerate(targets)),
        targets,
        classes,
        tuple(range(1, epochs + 1)),
        logits,
    )


QUESTIONS = (  # name, ask, from, to, verdict, difference, half width, what changed
    (
        "tuning",
        "Does fine-tuning all layers beat the frozen feature extractor?",
        "baseline",
        "fine-tuned",
        "helps",
        0.057,
        0.019,
        {"trainable": ["head", "all"]},
    ),
    (
        "pretraining",
        "Does pretraining beat starting from scratch?",
        "scratch",
        "fine-tuned",
        "helps",
        0.107,
        0.028,
        {"model.pretrained": [False, True]},
    ),
    (
        "crop-frozen",
        "Does the whole-face crop help the frozen model?",
        "baseline",
        "whole-face",
        "cannot_tell",
        0.024,
        0.029,
        {"augment.random_resized_crop.scale": [[0.08, 1], [0.75, 1]]},
    ),
    (
        "crop-tuned",
        "Does the whole-face crop help the fine-tuned model?",
        "fine-tuned",
        "fine-tuned.whole-face",
        "helps",
        0.037,
        0.021,
        {"augment.random_resized_crop.scale": [[0.08, 1], [0.75, 1]]},
    ),
    (
        "crop-scratch",
        "Does the whole-face crop help a network that starts from nothing?",
        "scratch",
        "scratch.whole-face",
        "no_practical_difference",
        0.004,
        0.017,
        {"augment.random_resized_crop.scale": [[0.08, 1], [0.75, 1]]},
    ),
    (
        "alexnet",
        "Is AlexNet as good from scratch?",
        "scratch",
        "alexnet-scratch",
        "hurts",
        -0.045,
        0.027,
        {"model": [{"use": "timm:tf_efficientnet_lite0"}, {"use": "torchvision:alexnet"}]},
    ),
    ("a-a", "One recipe twice: what chance alone does", "baseline", "a-a", "cannot_tell", 0.003, 0.019, {}),
)


def _contrasts(arms, images):
    by_name = {arm.name: arm for arm in arms}
    for name, ask, low, high, verdict, d, half, changed in QUESTIONS:
        if low not in by_name or high not in by_name:
            continue
        question = Question(
            name, ask, {low: -1.0, high: 1.0}, "accuracy", 0.02, primary=name == "tuning", control=name == "a-a",
            bundle=name == "pretraining", changed=changed,
            consequences={"input.normalize": ["lite0", "imagenet"]} if name == "alexnet" else {},
        )  # fmt: skip
        yield contrast(question, verdict, d, half, by_name, images)


def contrast(question, verdict, d, half, by_name, images) -> Contrast:
    """A row as the statistics would fill it; the numbers are made up but fit together."""
    accuracy = {a: [_last_finite(r) for r in by_name[a].runs] for a in question.weights}
    open_ = verdict.startswith("cannot_tell")
    sentence = {
        "helps": f"Yes, it helps: by {100 * d:+.1f} points [{100 * (d - half):+.1f}, {100 * (d + half):+.1f}].",
        "hurts": f"No, it hurts: by {100 * d:+.1f} points [{100 * (d - half):+.1f}, {100 * (d + half):+.1f}].",
        "no_practical_difference": "Anything as large as 2.0 points is ruled out.",
        "cannot_tell": f"A loss beyond {100 * (half - d):.1f} points is ruled out; the data fit anything from {100 * (d - half):+.1f} to {100 * (d + half):+.1f} points.",
    }.get(verdict, "One run per arm: whether the change or the seed made the difference cannot be told.")
    runs = {a: len(by_name[a].runs) for a in question.weights}
    return Contrast(
        question=question, verdict=verdict, sentence=sentence, difference=d, se=half / 2.1, df=14.2,
        p=0.0004 if not open_ else 0.12, p_adjusted=0.002 if not open_ else 0.24, p_equivalence=0.3,
        p_equivalence_adjusted=0.6, ci95=(d - half, d + half), ci90=(d - 0.82 * half, d + 0.82 * half),
        level=0.99 if not question.primary else 0.985, low=d - 1.3 * half, high=d + 1.3 * half, estimand="new_images",
        shares={"runs": 0.3, "images": 0.7}, mde80=0.041,
        plan={"sentence": "1600 more test images (no training) would settle it; no number of seeds will do."} if open_ else {},
        per_arm=accuracy, seeds=runs, images=images, groups=None, look=5, one_run_wrong=0.09 if open_ else 0.0,
        notes=("The main effect is an average over both crops.",) if question.name == "tuning" else (),
    )  # fmt: skip


def _last_finite(run):
    evidence = run.evidence["test"]
    return accuracy_at(evidence, len(evidence.epochs) - 1)


FINDINGS = (
    Finding("LEAK_EXACT", "No image in two splits", "passed", "3200 files compared by their bytes; none is in two splits."),
    Finding("RUN_DIVERGED", "A run diverged", "issue", "alexnet-scratch, seed 2: the loss was not finite at epoch 5; scored at epoch 4."),
    Finding("ONE_TUNING", "Scratch not tuned separately", "tip", "All arms share one learning rate; networks from scratch may want another."),
    Finding("GROUPS", "Groups of images", "not_applicable", "No groups were declared."),
    Finding("LEAK_NEAR", "Near duplicates across splits", "skipped", "Not looked for: run `paribus data scan --near`."),
    Finding("CLASS_BALANCE", "Class balance", "ignored", "Named in the study's `ignore` list."),
)  # fmt: skip


def without_recipes(results: Results) -> Results:
    """The same predictions as `paribus compare` would hand them over: no recipes, curves, facts, splits or command."""
    arms = tuple(
        replace(
            arm, recipe=None, changed={}, base=None, label="",
            runs=tuple(
                replace(run, curves=(), facts=None, seconds=0.0, evidence={"test": run.evidence["test"]}) for run in arm.runs
            ),
        )
        for arm in results.arms
    )  # fmt: skip
    contrasts = tuple(replace(c, question=replace(c.question, changed={}, consequences={})) for c in results.contrasts)
    design = replace(results.design, epoch="last", looks=(5,))
    return replace(
        results, arms=arms, contrasts=contrasts, questions=tuple(c.question for c in contrasts), design=design,
        findings=(), data={"name": "predictions.csv", "classes": list(CLASSES)}, study={}, environment={}, seconds=0.0,
        command="paribus compare predictions.csv",
    )  # fmt: skip
