"""The sentences of a verdict. Numbers first, what is ruled out next, never more than the data carry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from paribus.looks import Decision
from paribus.metrics import described
from paribus.plans import Plan
from paribus.questions import Design, Question

_EPOCHS = {"last": "last epoch", "val": "epoch chosen on val", "crossfit": "epoch cross-fitted"}


@dataclass(frozen=True)
class Scale:
    """How values of a metric are printed: in points or raw, with the sign of a loss turned."""

    label: str
    points: bool
    flipped: bool

    def signed(self, value: float) -> str:
        """`+2.4` in points, `-0.031` raw; for a loss the sign of the loss itself."""
        shown = -value if self.flipped else value
        return f"{100 * shown:+.1f}" if self.points else f"{shown:+.3f}"

    def size(self, value: float) -> str:
        """`2.4 points` or `0.031`, without a sign."""
        return f"{100 * abs(value):.1f} points" if self.points else f"{abs(value):.3f}"

    def declared(self, value: float) -> str:
        """A margin as it was written: `2 points`, `1 point` or `0.01`."""
        shown = f"{100 * value:g}"
        return f"{shown} point{'' if shown == '1' else 's'}" if self.points else f"{value:g}"

    def effect(self, difference: float, interval: tuple[float, float]) -> str:
        """`+2.4 points of accuracy [-0.5, +5.3]` or `log loss -0.031 [-0.050, -0.012]`."""
        low, high = (interval[1], interval[0]) if self.flipped else interval
        bounds = f"[{self.signed(low)}, {self.signed(high)}]"
        if self.points:
            return f"{self.signed(difference)} points of {self.label} {bounds}"
        return f"{self.label} {self.signed(difference)} {bounds}"


def scale_of(metric: str) -> Scale:
    """How differences of this metric are printed."""
    shown = described(metric)
    return Scale(shown.label, shown.unit == "points", shown.flipped)


def scale_of_question(question: Question) -> Scale:
    """How its differences are printed; the label names the space in which its arms are scored."""
    scale = scale_of(question.metric)
    return scale if question.score_in is None else replace(scale, label=f"{scale.label} in {question.score_in['name']}")


def sentence(
    question: Question,
    decision: Decision,
    interval: tuple[float, float],
    level: float,
    design: Design,
    images: int,
    groups: int | None,
    mde: float | None,
    tipping: float | None,
) -> str:
    """The answer to a question in a few sentences, ending with what the interval covers.

    interval, level: as printed. mde: shown where the verdict is open.
    """
    scale = scale_of_question(question)
    effect = scale.effect(decision.result.difference, interval)
    if abs(level - 0.95) > 1e-9:
        effect += f" ({100 * level:.3g} % interval)"
    if decision.verdict == "identical":
        lead = "Identical on these images: both sides gave the same scores in every run; there is nothing to test."
    elif decision.verdict == "cannot_tell_one_run":
        lead = _one_run(question, decision, effect, scale, tipping)
    elif decision.verdict == "no_practical_difference":
        lead = _equivalent(question, decision, effect, scale)
    elif decision.verdict == "cannot_tell":
        lead = _open(question, decision, effect, interval, scale, mde)
    else:
        lead = _decided(question, decision, effect, interval, scale)
    return f"{lead} {coverage(question, decision, design, images, groups)}"


def coverage(question: Question, decision: Decision, design: Design, images: int, groups: int | None) -> str:
    """What the interval covers, and from how many runs, images and groups."""
    stretches = new_images(design.in_blocks)
    estimand = decision.result.estimand
    what = {
        "new_images": f"Covers new runs and {stretches}",
        "these_images": "Covers new runs on exactly these images",
        "these_networks": f"Covers {stretches} for exactly these networks",
    }[estimand]
    what += f", {training_images(estimand, question.weights, question.train_fractions)}"
    counts = set(decision.runs)
    if len(counts) == 1:
        runs = f"{_count(counts.pop(), 'run')} an arm"
    else:
        each = zip(question.weights, decision.runs, strict=True)
        runs = "runs: " + ", ".join(f"{arm} {count}" for arm, count in each)
    grouped = "" if groups is None else f" in {_count(groups, 'block' if design.in_blocks else 'group')}"
    return f"{what} ({runs}, {_count(images, 'image')}{grouped}, {_EPOCHS[design.epoch]})."


def new_images(in_blocks: bool) -> str:
    """The images that an interval covers. in_blocks: those at hand are stretches of recordings."""
    return "new stretches of the same recordings" if in_blocks else "new images"


def training_images(estimand: str, arms: Iterable[str], fractions: Mapping[str, float]) -> str:
    """What an interval covers of the training images: the end of `Covers new runs and new images, …`.

    fractions: arm -> share of the training images that each of its seeds draws, of the arms that draw one.
    """
    if not fractions:
        return "same training set"
    if estimand == "these_networks":
        return "same training images"
    shares = {arm: f"{100 * fraction:.4g} %" for arm, fraction in fractions.items()}
    fixed = [arm for arm in arms if arm not in fractions]
    if not fixed and len(set(shares.values())) == 1:
        return f"and new training images drawn from this set ({next(iter(shares.values()))} a run)"
    each = ", ".join(f"{share} a run of {arm}" for arm, share in shares.items())
    if not fixed:
        return f"and new training images drawn from this set ({each})"
    return f"new training images drawn from this set for one side only ({each}; {' and '.join(fixed)}: all of it)"


def plan_sentence(question: Question, plan: Plan, seeds: float, images: int, fixed_images: bool) -> str:
    """What would settle the question: `About 1600 more images would show …; no number of seeds would.`"""
    scale = scale_of_question(question)
    source = "the margin" if question.margin is not None else "the difference seen here"
    target = f"a true difference of {scale.size(plan.target)} ({source}) in 4 of 5 studies"
    if plan.seeds is not None and plan.seeds <= seeds:
        return f"This design already shows {target}; what is open is whether the effect is smaller than that."
    more_seeds = None if plan.seeds is None else _more_seeds(plan, plan.seeds, seeds)
    if fixed_images:
        return f"{more_seeds} would show {target}." if more_seeds else f"No number of seeds would show {target}."
    more_images = None if plan.images is None else f"{max(plan.images - images, 1)} more images"
    if more_images and more_seeds:
        return f"About {more_images} or {more_seeds} would show {target}."
    if more_images:
        return f"About {more_images} would show {target}; no number of seeds would."
    if more_seeds:
        return f"About {more_seeds} would show {target}; no number of images would."
    return f"Neither images nor seeds alone would show {target}: more of both are needed."


def average_note(interaction: Question, verdict: str, factor: str) -> str:
    """The note of a main effect whose factor takes part in an interaction that is not ruled out."""
    others = ", ".join(f for f in interaction.factors if f != factor)
    state = "was found" if verdict in ("helps", "hurts") else "is not ruled out"
    return f"An interaction with {others} {state} ({interaction.name}): this effect is an average over its levels."


def half_scale_note(question: Question, difference: float, interval: tuple[float, float]) -> str:
    """The note of an interaction: its size on the half scale that textbooks use."""
    scale = scale_of_question(question)
    half = scale.effect(difference / 2, (interval[0] / 2, interval[1] / 2))
    return f"A difference of differences; on the half scale of textbooks it is {half}."


def shares_sentence(shares: Mapping[str, float]) -> str:
    """`Of the uncertainty, 70 % comes from the few images, 30 % from the few runs.`"""
    images, runs = round(100 * shares["images"]), 100 - round(100 * shares["images"])
    if images >= runs:
        return f"Of the uncertainty, {images} % comes from the few images, {runs} % from the few runs."
    return f"Of the uncertainty, {runs} % comes from the few runs, {images} % from the few images."


def _decided(question: Question, decision: Decision, effect: str, interval: tuple[float, float], scale: Scale) -> str:
    helps = decision.verdict == "helps"
    if question.control:
        word = "The same recipe twice appears to differ, which is a false alarm or a fault"
    elif question.kind in ("interaction", "weights"):
        word = "Positive" if helps else "Negative"
    else:
        word = "Helps" if helps else "Hurts"
    nearest = interval[0] if helps else -interval[1]
    more = ""
    if question.margin is not None and nearest > question.margin:
        more = f" By more than the margin of {scale.declared(question.margin)}."
    return f"{word}: {effect}.{more}"


def _equivalent(question: Question, decision: Decision, effect: str, scale: Scale) -> str:
    margin = scale.declared(question.margin or 0.0)
    small = " A difference smaller than the margin was detected." if decision.detected else ""
    return f"No practical difference: {effect}; anything as large as {margin} is ruled out.{small}"


def _open(
    question: Question,
    decision: Decision,
    effect: str,
    interval: tuple[float, float],
    scale: Scale,
    mde: float | None,
) -> str:
    parts = [f"{effect[0].upper()}{effect[1:]}.", _ruled_out(question, interval, scale)]
    if question.control:
        parts.append("The same recipe twice: the interval covers zero, as it should.")
    elif not decision.reached:
        parts.append("The runs of the first look are not all there: no verdict yet.")
    elif mde is not None:
        parts.append(f"With this design a true difference below {scale.size(mde)} would usually be missed.")
    if decision.futile:
        parts.append("Stopped: even the last look would hardly find a difference of the margin.")
    return " ".join(parts)


def _ruled_out(question: Question, interval: tuple[float, float], scale: Scale) -> str:
    low, high = interval
    if question.kind in ("interaction", "weights"):
        worse, better = "negative value beyond", "positive value beyond"
    elif scale.flipped:
        worse, better = "rise above", "fall of more than"
    else:
        worse, better = "loss above", "gain above"
    word, bound = (worse, low) if -low <= high else (better, high)
    return f"A {word} {scale.size(bound)} is ruled out."


def _one_run(question: Question, decision: Decision, effect: str, scale: Scale, tipping: float | None) -> str:
    if max(decision.runs) == 1:
        lead = "One run per arm: cannot tell whether the change or the seed made the difference."
        these = "two networks" if len(decision.runs) == 2 else f"{len(decision.runs)} networks"
        size = f"These {these} differ by {effect}, an interval over images."
    else:
        lead = "One run in some arm: cannot tell whether the change or the seed made the difference."
        assumed = (
            "assuming equal run variance in all arms" if decision.result.equal_run_variance else "over images only"
        )
        size = f"The runs at hand differ by {effect}, {assumed}."
    if tipping is None:
        return f"{lead} {size}"
    if tipping == 0:
        return f"{lead} {size} The difference is inside the noise of the images already."
    return f"{lead} {size} It would drown in the noise if seeds vary by more than {scale.size(tipping)} (SD)."


def _more_seeds(plan: Plan, wanted: int, seeds: float) -> str:
    more = max(round(wanted - seeds), 1)
    if plan.seeds_cautious is None or plan.seeds_cautious == wanted:
        return f"{_count(more, 'more seed')} an arm"
    return f"{_count(more, 'more seed')} an arm (to be safe: {max(round(plan.seeds_cautious - seeds), 1)})"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
