"""1-8 and 1-9: the best recipe, which of its parts earned the gain, and what they cost."""

from typing import Any

from paribus.report import tuned
from paribus.report.numbers import count, duration, listed, percent, plural, scale_of
from paribus.reproduce import original
from paribus.reproduce.blocks import Answer, Block, CurveRow, Curves, Table, Text, blocks
from paribus.reproduce.claims import Claim, judged
from paribus.reproduce.convergence import final, reached
from paribus.reproduce.evidence import Evidence, Told
from paribus.reproduce.rows import NOTHING, dots, effects, picks, seconds, trace
from paribus.reproduce.words import (
    NOT_RUN,
    basis,
    change,
    difference,
    finding,
    joined,
    level,
    lowered,
    sentence,
    short,
    small,
)

Row = dict[str, Any]

ACCURACY = scale_of("accuracy")
EVERYTHING = Claim("everything", 1, original.BEST_RECIPE.accuracy - original.FINE_TUNED_WHOLE_FACE.accuracy)
FACTORS = {
    "augmentation": "the richer augmentation",
    "model": "the larger network",
    "optimizer": "Adam instead of SGD",
}
INTERACTIONS = {
    "augmentation-by-model": "Augmentation × network",
    "augmentation-by-optimizer": "Augmentation × optimizer",
    "model-by-optimizer": "Network × optimizer",
}
EFFORT = ("EQUAL_TUNING", "TUNING_EDGE", "TUNED_WHERE_SCORED")  # findings about how arms were tuned
FIRST, LAST = "baseline", "rich.lite2.adam"
ARMS = {  # of the factorial, in the order of its factors
    "baseline": "Plain, smaller network, SGD",
    "adam": "Plain, smaller network, Adam",
    "lite2": "Plain, larger network, SGD",
    "lite2.adam": "Plain, larger network, Adam",
    "rich": "Rich, smaller network, SGD",
    "rich.adam": "Rich, smaller network, Adam",
    "rich.lite2": "Rich, larger network, SGD",
    "rich.lite2.adam": "Rich, larger network, Adam",
}
WITH_SGD, WITH_ADAM = (
    ("baseline", "lite2", "rich", "rich.lite2"),
    ("adam", "lite2.adam", "rich.adam", "rich.lite2.adam"),
)
SMALLER, LARGER = ("baseline", "adam", "rich", "rich.adam"), ("lite2", "lite2.adam", "rich.lite2", "rich.lite2.adam")


def answers(evidence: Evidence) -> list[Answer]:
    """In the order of the original."""
    return [best(evidence.recipe), reasons(evidence.recipe, evidence.training)]


def best(told: Told | None) -> Answer:
    """1-8."""
    q = told.question("everything") if told else None
    claim = (
        "ColorJitter, RandomResizedCrop(scale=(0.75, 1)), flip, AutoAugment (CIFAR-10 policy), Cutout and another "
        "flip; "
        "EfficientNet-B2 with Linear(1000, 2) behind its classifier; Adam at 0.001: "
        f"{original.percent(original.BEST_RECIPE.accuracy)}, after {original.minutes(original.BEST_RECIPE.seconds)}."
    )
    mains = {name: f"{what[:1].upper()}{what[1:]}" for name, what in FACTORS.items()}
    labels = {"everything": "All three at once"} | mains | INTERACTIONS
    known = {"everything": EVERYTHING.printed or 0.0}
    lead = change("The combination of richer augmentation, a larger network and Adam")
    return Answer(
        "1-8",
        "Does the best recipe help, and which of its parts earned the gain?",
        claim,
        original.points(EVERYTHING.printed or 0.0),
        short(q),
        judged(EVERYTHING, q),
        sentence(EVERYTHING, q, lead),
        blocks(
            Text(
                "The original changes augmentation, network and optimizer at once, so that its gain over 1-6 "
                f"({original.images_apart(original.FINE_TUNED_WHOLE_FACE, original.BEST_RECIPE)} of {original.IMAGES} "
                "images) cannot be credited to any of them."
            ),
            effects(told, labels, known, "Main effects and interactions on accuracy, points") if told else None,
            Text(basis(q), "soft") if basis(q) else None,
            Text(joined(credit(told), interactions(told))) if told else None,
            dots(told, ARMS, {LAST: original.BEST_RECIPE.accuracy}) if told else None,
            _tuned(told),
            _passed(told),
            picks(told, "everything"),
        ),
        trace(told, "everything", *ARMS),
    )


def credit(told: Told) -> str:
    """Which factors the gain can be credited to, by the verdicts on their main effects."""
    asked = {name: told.question(name) for name in FACTORS}
    by_verdict: dict[str, list[str]] = {}
    for name, q in asked.items():
        if q is not None and q["verdict"] is not None:
            told_by = small(q) if q["verdict"] == "no_practical_difference" else difference(q)
            by_verdict.setdefault(q["verdict"], []).append(f"{FACTORS[name]} ({told_by})")
    said = {
        "helps": ("helps", "help"),
        "hurts": ("hurts", "hurt"),
        "no_practical_difference": ("makes no practical difference", "make no practical difference"),
        "identical": ("changed no answer", "changed no answer"),
        "cannot_tell": ("stays open", "stay open"),
        "cannot_tell_one_run": (
            "was seen in one run an arm, which tells nothing",
            "were seen in one run an arm, which tells nothing",
        ),
    }
    parts = [f"{listed(who)} {said[v][len(who) > 1]}" for v in said if (who := by_verdict.get(v))]
    return f"On average over the others, {'; '.join(parts)}." if parts else ""


def interactions(told: Told) -> str:
    """Whether the main effects may be read alone."""
    rows = [(label, q) for name, label in INTERACTIONS.items() if (q := told.question(name)) and q["verdict"]]
    if not rows:
        return ""
    found = [f"{label} ({difference(q)})" for label, q in rows if q["verdict"] in ("helps", "hurts")]
    open_ = [label for label, q in rows if q["verdict"].startswith("cannot_tell")]
    if found:
        more = f" {listed(open_)} cannot be told." if open_ else ""
        were, them = ("An interaction was found", "it") if len(found) == 1 else ("Interactions were found", "them")
        return f"{were}: {listed(found)}. The main effects are averages over {them}.{more}"
    if open_:
        return (
            f"Interactions are not ruled out ({listed(open_)}): the main effects are averages over the other factors."
        )
    missing = [label for label in INTERACTIONS.values() if label not in dict(rows)]
    if missing:
        return f"Of {listed(missing)} nothing is known yet: the main effects are averages over the other factors."
    return (
        "No interaction of two of them is as large as the margin: to within it, main effects hold at either level of "
        "another factor."
    )


def _tuned(told: Told | None) -> list[Block | None]:
    """Whether every arm had the same effort, and what each tried and kept."""
    arms = [arm for arm in told.arms(list(ARMS)) if arm["tuning"]] if told else []
    if told is None or not arms:
        return []
    said = joined(tuned.sentence(told.report), *(f["sentence"] for f in told.report["findings"] if f["code"] in EFFORT))
    rows = tuple(CurveRow(ARMS[arm["name"]], _tried(arm["tuning"])) for arm in arms)
    title = "What each arm tried beforehand: accuracy on the validation images, %, by learning rate (filled: kept)"
    return [Text(said) if said else None, Curves(rows, title) if any(row.points for row in rows) else None]


def _tried(found: Row) -> tuple[tuple[float, float, bool], ...]:
    """(learning rate, accuracy in percent, whether it was kept) of each value with a score."""
    path = next(iter(found["own"]))
    points = [
        (each["values"][path], 100 * each["mean"], each["values"] == found["chosen"])
        for each in found["tried"]
        if each["mean"] is not None
    ]
    return tuple(sorted(points))


def _passed(told: Told | None) -> Text | None:
    """How the best arm, chosen without the scored images, stands beside the original's number."""
    chosen = told.report["best"] if told else None
    arm = told.arm(chosen["name"]) if told and chosen else None
    if chosen is None or arm is None or told is None:
        return None
    how = "chosen on the validation images" if chosen["on_val"] is not None else "the highest here, which is optimistic"
    printed = original.percent(original.BEST_RECIPE.accuracy)
    compared = "above" if arm["mean"] > original.BEST_RECIPE.accuracy else "not above"
    where, ran = told.report["study"]["split"], len(told.arms(list(ARMS)))
    which = lowered(ARMS.get(str(arm["name"]), str(arm["name"])))
    return Text(
        f"The best of the {plural(ran, 'arm')} that {'has' if ran == 1 else 'have'} runs ({which}; {how}) "
        f"reaches {level(arm)} on the {where} images; its mean is {compared} the original’s {printed}, which is a "
        "number of other images."
    )


def reasons(told: Told | None, training: Told | None) -> Answer:
    """1-9."""
    network = told.question("model") if told else None
    ran = network is not None and network["verdict"] is not None
    said = joined(finding(network, change("The larger network")), _price(told)) if ran else NOT_RUN
    return Answer(
        "1-9",
        "Why these parts: common use, performance per parameter, faster convergence?",
        "The augmentations are commonly used; EfficientNet performs better per parameter; Adam converges faster.",
        "no number",
        f"network {short(network)}" if ran else "not run",
        "checked" if ran else "not_run",
        said,
        blocks(
            Text(
                "That something is commonly used is no claim about these images. The other two reasons can be looked "
                "at."
            ),
            _costs(told),
            Text(_paid(told)) if told and _paid(told) else None,
            _alexnet(training),
            _converged(told),
        ),
        trace(told, "model", *ARMS),
    )


def _costs(told: Told | None) -> Table | None:
    arms = told.arms(list(ARMS)) if told else []
    if not arms:
        return None
    head = ("Arm", "Parameters", "Time, median run", "Accuracy, %", "95 % interval")
    rows = [
        (
            ARMS[arm["name"]],
            count(arm["parameters"]["total"]),
            duration(seconds(arm)),
            ACCURACY.number(arm["mean"]),
            ACCURACY.range(*arm["ci95"]) if arm["ci95"] else NOTHING,
        )
        for arm in arms
    ]
    return Table(head, tuple(rows), "Cost beside benefit")


def _price(told: Told | None) -> str:
    """What the larger network costs: parameters and time, as multiples."""
    ratios = _ratios(told, LARGER, SMALLER)
    if ratios is None:
        return ""
    parameters, longer = ratios
    return f"It has {parameters:.1f} times the parameters and takes {longer:.1f} times as long."


def _paid(told: Told) -> str:
    """The prices of the other two factors."""
    rich = _ratios(
        told, tuple(a for a in ARMS if a.startswith("rich")), tuple(a for a in ARMS if not a.startswith("rich"))
    )
    adam = _ratios(told, WITH_ADAM, WITH_SGD)
    parts = [
        f"{what} takes {ratio[1]:.2f} times as long"
        for what, ratio in (("the richer augmentation", rich), ("Adam", adam))
        if ratio
    ]
    return f"Besides, {listed(parts)}." if parts else ""


def _ratios(told: Told | None, these: tuple[str, ...], those: tuple[str, ...]) -> tuple[float, float] | None:
    """(parameters, seconds) of some arms as multiples of others, means over arms; None where an arm is not there."""
    sides = [told.arms(these), told.arms(those)] if told else [[], []]
    if len(sides[0]) < len(these) or len(sides[1]) < len(those):
        return None
    totals = [[arm["parameters"]["total"] for arm in side] for side in sides]
    took = [[seconds(arm) or 0.0 for arm in side] for side in sides]
    if not all(value for side in (*totals, *took) for value in side):
        return None
    return sum(totals[0]) / sum(totals[1]), sum(took[0]) / sum(took[1])


def _alexnet(training: Told | None) -> Text | None:
    """Parameters and time of EfficientNet against AlexNet, the original's and ours."""
    printed = original.EFFICIENTNET_B2_PARAMETERS / original.ALEXNET_PARAMETERS
    longer = original.BEST_RECIPE.seconds / original.ALEXNET.seconds
    start = (
        f"The original’s EfficientNet-B2 has {printed:.2f} times AlexNet’s parameters and took "
        f"{original.minutes(original.BEST_RECIPE.seconds)} against {original.minutes(original.ALEXNET.seconds)}, "
        f"{longer:.1f} times as long: parameters are not time."
    )
    pair = training.arms(["scratch", "alexnet-scratch"]) if training else []
    took = [seconds(arm) or 0.0 for arm in pair]
    if len(pair) < 2 or not all(took) or not all(arm["parameters"]["total"] for arm in pair):
        return Text(start)
    fewer = pair[0]["parameters"]["total"] / pair[1]["parameters"]["total"]
    time = took[0] / took[1]
    return Text(
        f"{start} Here, the EfficientNet of 1-4 has {fewer:.2f} times AlexNet’s parameters and takes {time:.1f} "
        "times as "
        "long, both trained in all layers."
    )


def _converged(told: Told | None) -> list[Block | None]:
    """Epochs to the accuracy on val that SGD has at its end, with the same augmentation and network."""
    rows, shares = [], []
    for sgd, adam in zip(WITH_SGD, WITH_ADAM, strict=True):
        pair = told.arms([sgd, adam]) if told else []
        target = final(pair[0]["runs"], "val_accuracy") if len(pair) == 2 else None
        if target is None:
            continue
        slow, fast = (reached(arm["runs"], "val_accuracy", target) for arm in pair)
        shares.append(fast.sooner(slow))
        told_each = [
            f"{side.mean:.1f} ({side.count} of {len(side.epochs)})"
            if side.mean is not None
            else f"– (0 of {len(side.epochs)})"
            for side in (slow, fast)
        ]
        rows.append((ARMS[sgd].removesuffix(", SGD"), ACCURACY.number(target), *told_each, percent(shares[-1])))
    if not rows:
        return []
    share = sum(shares) / len(shares)
    epochs = {len(run["curves"]) for arm in told.arms(list(ARMS)) for run in arm["runs"]} if told else set()
    head = (
        "With",
        "Target on val, %",
        "SGD: epochs (runs that reach it)",
        "Adam: epochs (runs that reach it)",
        "Adam sooner",
    )
    said = (
        "Adam “converges faster” if it needs fewer epochs to a target: here the accuracy on the validation images "
        "that SGD has "
        f"after its last epoch ({listed([str(n) for n in sorted(epochs)])} epochs, one schedule for both). Over "
        "pairs of runs, "
        f"Adam is there sooner in {percent(share)} (ties count half). {_faster(share)}"
    )
    return [Text(said), Table(head, tuple(rows), "Epochs to a target")]


def _faster(share: float) -> str:
    if share >= 0.9:
        return "That describes these runs; it agrees with the original’s reason."
    if share <= 0.1:
        return "That describes these runs; it is the opposite of the original’s reason."
    return "That describes these runs, and is no clear lead for either."
