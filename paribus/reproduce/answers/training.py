"""1-1 to 1-4: the frozen network, the fine-tuned one, AlexNet from scratch, and their comparison."""

from collections.abc import Sequence
from typing import Any

from paribus.report.numbers import count, duration, scale_of
from paribus.reproduce import original
from paribus.reproduce.blocks import Answer, Block, Picture, Pictures, Table, Text, blocks
from paribus.reproduce.claims import Claim, judged, together
from paribus.reproduce.evidence import Evidence, Told
from paribus.reproduce.original import Classifier
from paribus.reproduce.rows import NOTHING, dots, effects, picks, seconds, trace
from paribus.reproduce.words import (
    NOT_RUN,
    basis,
    better,
    change,
    confounds,
    finding,
    joined,
    level,
    likely,
    sentence,
)

Row = dict[str, Any]

ACCURACY = scale_of("accuracy")
LABELS = {
    "fine-tuned": "Fine-tuned: all layers learn",
    "baseline": "Feature extractor: frozen, a new linear classifier",
    "alexnet-scratch": "AlexNet from scratch",
    "scratch": "The pretrained network’s own architecture, from scratch",
}
PRINTED = {
    "fine-tuned": original.FINE_TUNED.accuracy,
    "baseline": original.EXTRACTOR.accuracy,
    "alexnet-scratch": original.ALEXNET.accuracy,
}
ORDER = ("fine-tuned", "baseline", "alexnet-scratch")  # the original's, best first
SHORT = {"fine-tuned": "fine-tuned", "baseline": "frozen", "alexnet-scratch": "AlexNet"}
SHOWN = 6  # images
TUNING = Claim("tuning", 1, original.FINE_TUNED.accuracy - original.EXTRACTOR.accuracy)
EXTRACTOR = Claim("extractor-over-alexnet", 1, original.EXTRACTOR.accuracy - original.ALEXNET.accuracy)


def answers(evidence: Evidence) -> list[Answer]:
    """In the order of the original."""
    told = evidence.training
    return [extractor(told), fine_tuned(told), alexnet(told), comparison(told)]


def extractor(told: Told | None) -> Answer:
    """1-1."""
    claim = "A pretrained network is frozen, and only a new linear classifier learns."
    apart = "A level belongs to its images: the original’s and ours cannot be compared. What can be, stands in 1-4."
    more = [
        Text(apart),
        _seed_range(told, "baseline"),
        _images_alone(original.EXTRACTOR),
        _flattery(told),
        _stood_still(told),
    ]
    title = "What does a frozen network with a new linear classifier reach?"
    return _level_answer(told, "baseline", original.EXTRACTOR, title, claim, more)


def fine_tuned(told: Told | None) -> Answer:
    """1-2."""
    claim = (
        "All layers of the pretrained network and the new linear classifier learn. It fits the training data better."
    )
    more = [_fit(told), _seed_range(told, "fine-tuned"), _time(told)]
    title = "What does fine-tuning all layers reach?"
    return _level_answer(told, "fine-tuned", original.FINE_TUNED, title, claim, more)


def alexnet(told: Told | None) -> Answer:
    """1-3."""
    claim = "AlexNet is not pretrained, and all its layers learn."
    more = [_seed_range(told, "alexnet-scratch"), _against_frozen(told), _architecture(told)]
    return _level_answer(
        told, "alexnet-scratch", original.ALEXNET, "What does AlexNet reach from scratch?", claim, more
    )


def _level_answer(
    told: Told | None, name: str, printed: Classifier, title: str, claim: str, more: Sequence[Block | None]
) -> Answer:
    arm = told.arm(name) if told else None
    ran = told is not None and arm is not None and arm["mean"] is not None
    here = "not run" if not ran or arm is None else _short_level(arm)
    said = f"Here it reaches {level(arm)}." if ran and arm else NOT_RUN
    labels = {name: LABELS[name]}
    return Answer(
        printed.question,
        title,
        f"{claim} Best epoch of one run: {original.percent(printed.accuracy)} of the validation images, after "
        f"{original.minutes(printed.seconds)}.",
        original.percent(printed.accuracy),
        here,
        "level" if ran else "not_run",
        said,
        blocks(dots(told, labels, PRINTED) if told else None, more if ran else None),
        trace(told, None, name),
    )


def _short_level(arm: Row) -> str:
    interval = f" {ACCURACY.range(*arm['ci95'])}" if arm["ci95"] and len(arm["runs"]) > 1 else " (one run)"
    return f"{ACCURACY.value(arm['mean'])}{interval}"


def _seed_range(told: Told | None, name: str) -> Text | None:
    arm = told.arm(name) if told else None
    if arm is None or arm["min"] is None:
        return None
    if len(arm["runs"]) == 1:
        return Text("There is one run: what another seed would have given cannot be said.", "warning")
    apart = ACCURACY.amount(arm["max"] - arm["min"])
    return Text(
        f"Between the worst and the best of its {len(arm['runs'])} runs, which differ in the seed alone, lie {apart}."
    )


def _images_alone(printed: Classifier) -> Text:
    low, high = original.of_images_alone(printed.accuracy)
    return Text(
        f"The original’s {original.percent(printed.accuracy)} fit {original.IMAGES} validation images, the fewest "
        "that fit "
        f"all its numbers. On so few, the images alone leave {ACCURACY.range(low, high)} open (95 %, Wilson), before "
        "any difference between seeds."
    )


def _flattery(told: Told | None) -> Text | None:
    found = told.flattery if told else None
    if found is None:
        return None
    gap = found.best - found.honest
    ours, mean = ("our one run gets", "") if found.runs == 1 else (f"our {count(found.runs)} runs get", " on average")
    start = (
        f"Printed as in the original, by the best epoch on the images that choose it, {ours} "
        f"{ACCURACY.value(found.best)} of the validation images right{mean}; where each half of these "
        "images is "
        f"scored by the epoch that is best on the other half, {ACCURACY.value(found.honest)}."
    )
    if gap <= 0:
        return Text(f"{start} Here, choosing the epoch flattered nobody.")
    return Text(f"{start} The difference of {ACCURACY.amount(gap)} is what choosing the epoch adds.")


def _stood_still(told: Told | None) -> Text | None:
    arm = told.arm("baseline") if told else None
    certificate = (arm or {}).get("certificate")
    if not certificate or certificate.get("held") is None:
        return None
    if certificate["held"]:
        return Text(
            "Frozen means frozen: by hash, before and after training, nothing outside the new classifier moved."
        )
    return Text("Something that should be frozen moved in a run: this arm is not what it claims to be.", "warning")


def _fit(told: Told | None) -> Text | None:
    """Whether the fine-tuned network fits the training images better, by every run of either."""
    pair = told.arms(["fine-tuned", "baseline"]) if told else []
    fits = [[run["train_accuracy"] for run in arm["runs"] if run["train_accuracy"] is not None] for arm in pair]
    if len(fits) < 2 or not all(fits):
        return None
    tuned, frozen = (sum(each) / len(each) for each in fits)
    start = (
        f"On the clean training images, the fine-tuned network is right on {ACCURACY.value(tuned)} and the frozen one "
        f"on {ACCURACY.value(frozen)}"
    )
    if len(fits[0]) == len(fits[1]) == 1:
        return Text(f"{start}, in one run each: which of the two fits better in general cannot be told.")
    if min(fits[0]) > max(fits[1]):
        return Text(
            f"{start}; its worst run fits better than the frozen network’s best. It does fit the training data better."
        )
    if tuned > frozen:
        return Text(f"{start}. It fits the training data better on average, but not in every run.")
    return Text(f"{start}. That it fits the training data better is not seen here.")


def _time(told: Told | None) -> Text | None:
    pair = told.arms(["fine-tuned", "baseline"]) if told else []
    took = [seconds(arm) or 0.0 for arm in pair]
    if len(pair) < 2 or not all(took):
        return None
    ratio = original.FINE_TUNED.seconds / original.EXTRACTOR.seconds
    ours = took[0] / took[1]
    return Text(
        f"Fine-tuning took {ratio:.1f} times as long as training the classifier alone in the original, and "
        f"{ours:.1f} times here ({duration(took[0])} against {duration(took[1])}, median runs)."
    )


def _against_frozen(told: Told | None) -> Text | None:
    pair = told.arms(["alexnet-scratch", "baseline"]) if told else []
    if len(pair) < 2 or pair[1]["mean"] is None or len(pair[0]["runs"]) < 2:
        return None
    values = [run["value"] for run in pair[0]["runs"] if run["value"] is not None]
    above = sum(value > pair[1]["mean"] for value in values)
    told_above = "none ends" if not above else f"{above} of {len(values)} end" + ("s" if above == 1 else "")
    return Text(f"Of these runs, {told_above} above the frozen network’s mean.")


def _architecture(told: Told | None) -> Text | None:
    """1-2 against 1-3 changes the pretraining and the architecture: the second alone."""
    q = told.question("architecture") if told else None
    if q is None:
        return None
    effect = better("the other architecture, from scratch as well,", "AlexNet")
    own = joined(finding(q, effect), confounds(q))
    return Text(
        "Between 1-2 and 1-3 the original changes the pretraining and the architecture at once, if the two networks "
        f"differ. {own}"
    )


def comparison(told: Told | None) -> Answer:
    """1-4."""
    tuning, extractor = (told.question(c.question) if told else None for c in (TUNING, EXTRACTOR))
    verdict = together([judged(TUNING, tuning), judged(EXTRACTOR, extractor)])
    printed = " > ".join(f"{100 * PRINTED[name]:g}" for name in ORDER) + " %"
    both = [
        sentence(TUNING, tuning, better("fine-tuning", "the frozen network")),
        sentence(EXTRACTOR, extractor, better("the frozen network", "AlexNet from scratch")),
    ]
    steps = {"tuning": "Fine-tuned against frozen", "extractor-over-alexnet": "Frozen against AlexNet from scratch"}
    steps |= {"pretraining": "The same network, pretrained against from scratch"}
    known = {TUNING.question: TUNING.printed or 0.0, EXTRACTOR.question: EXTRACTOR.printed or 0.0}
    return Answer(
        "1-4",
        "Which of the three is best, and why?",
        "Fine-tuning is best, the feature extractor second, training from scratch last.",
        printed,
        _order_here(told),
        verdict,
        " ".join(both) if verdict != "not_run" else both[0],
        blocks(
            _table(told),
            effects(told, steps, known, "Differences of accuracy, points") if told else None,
            Text(basis(tuning), "soft") if tuning and tuning["verdict"] else None,
            _ranked(told),
            _why(told),
            Text(confounds(extractor)) if confounds(extractor) else None,
            picks(told, TUNING.question),
            _apart(told),
        ),
        trace(told, "tuning", *ORDER, "scratch"),
    )


def _order_here(told: Told | None) -> str:
    arms = [arm for arm in told.arms(ORDER) if arm["mean"] is not None] if told else []
    if len(arms) < len(ORDER):
        return "not run"
    ordered = sorted(arms, key=lambda arm: -arm["mean"])
    return " > ".join(f"{SHORT[arm['name']]} {ACCURACY.number(arm['mean'])}" for arm in ordered) + " %"


def _apart(told: Told | None) -> Pictures | None:
    """The images on which the arms of the study differ most."""
    if told is None:
        return None
    classes = told.report["study"]["data"]["classes"]
    shown = [
        Picture(told.name, row["image"], f"{classes[row['target']]}: {_votes(row)}")
        for row in told.report["disagreements"][:SHOWN]
    ]
    return (
        Pictures(tuple(shown), "Images on which the arms differ most, with how many runs are right") if shown else None
    )


def _votes(row: Row) -> str:
    """`fine-tuned 3 of 3, frozen 0 of 3`."""
    given = {name: row["answers"][name] for name in ORDER if name in row["answers"]}
    right = {name: sum(answer == row["target"] for answer in each) for name, each in given.items()}
    return ", ".join(f"{SHORT[name]} {right[name]} of {len(each)}" for name, each in given.items())


def _table(told: Told | None) -> Table | None:
    arms = told.arms(list(LABELS)) if told else []
    if not arms:
        return None
    head = (
        "Arm",
        "Network",
        "Pretrained",
        "Parameters trained",
        "Accuracy, %",
        "95 % interval",
        "Runs, from to",
        "On training images, %",
    )
    return Table((*head, "The original, %"), tuple(_table_row(arm) for arm in arms), words=3)


def _table_row(arm: Row) -> tuple[str, ...]:
    model = arm["recipe"]["model"] if arm["recipe"] else {}
    printed = PRINTED.get(arm["name"])
    spread = f"{ACCURACY.number(arm['min'])} to {ACCURACY.number(arm['max'])}" if len(arm["runs"]) > 1 else "one run"
    return (
        LABELS[arm["name"]],
        str(model.get("use", "–")).partition(":")[2] or str(model.get("use", "–")),
        "yes" if model.get("pretrained") else "no",
        count(arm["parameters"]["trained"]),
        ACCURACY.number(arm["mean"]),
        ACCURACY.range(*arm["ci95"]) if arm["ci95"] else NOTHING,
        spread,
        ACCURACY.number(arm["train_accuracy"]),
        f"{100 * printed:.2f}" if printed is not None else NOTHING,
    )


def _ranked(told: Told | None) -> Text | None:
    found = told.ranking if told else None
    if found is None or not set(ORDER) <= set(found.order):
        return None
    share = found.share(ORDER)
    what = "runs and images" if found.runs_vary else "images (there is one run an arm, so that seeds are left out)"
    orders = [(order, part) for order, part in found.orders.items() if part >= 0.005][:3]
    listed = "; ".join(f"{' > '.join(SHORT.get(a, a) for a in order)} in {likely(part)}" for order, part in orders)
    return Text(
        f"The order under resampling of {what}, {count(found.draws)} draws: the original’s in {likely(share)}. "
        f"The most frequent orders: {listed}. This describes how sure the order is; the verdicts above decide."
    )


def _why(told: Told | None) -> Text | None:
    q = told.question("pretraining") if told else None
    if q is None or q["verdict"] is None:
        return None
    own = finding(q, change("Pretraining, with the network and everything else the same,"))
    rate = ""
    if q["verdict"] in ("helps", "hurts"):
        rate = " That is its effect at one and the same learning rate; a network from scratch may want another."
    lead = "Why: the first two arms are pretrained, and AlexNet is not; they also share an architecture (see 1-3)."
    return Text(f"{lead} {own}{rate}")
