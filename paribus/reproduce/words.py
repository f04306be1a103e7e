"""The sentences about a difference, chosen by its verdict. No template says more than the verdict it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paribus.metrics import described
from paribus.report.numbers import Scale, listed, p_value, percent, plural, scale_of
from paribus.reproduce import original
from paribus.reproduce.claims import Claim, below_margin, judged
from paribus.wording import new_images, training_images

Row = dict[str, Any]

NOT_RUN = "Not answered: the runs it needs are not all there."


@dataclass(frozen=True)
class Effect:
    """How a difference is spoken of, by its verdict: whole sentences without the numbers, which follow after a colon.

    equal: for a difference that is practically none. open: for one that cannot be told.
    """

    helps: str
    hurts: str
    equal: str
    open: str


def change(what: str) -> Effect:
    """The effect of one change; `what` begins a sentence: `The whole-face crop`."""
    lower = lowered(what)
    return Effect(
        f"{what} helps here",
        f"{what} hurts here",
        f"{what} makes no practical difference here",
        f"Whether {lower} helps cannot be told here",
    )


def better(first: str, second: str) -> Effect:
    """The effect of taking `first` in place of `second`, both as they stand inside a sentence."""
    return Effect(
        f"Here {first} beats {second}",
        f"Here {first} falls behind {second}",
        f"Here {first} is practically as good as {second}",
        f"Whether {first} beats {second} cannot be told here",
    )


def difference(q: Row, *, unit: bool = True) -> str:
    """`+3.1 points of accuracy [+1.9, +4.3]`: the difference with its 95 % interval."""
    scale = scale_of(q["metric"])
    return f"{_size(q) if unit else scale.change(q['difference'])} {scale.interval(*q['ci95'])}"


def small(q: Row) -> str:
    """A difference that is practically none, with the interval that ruled out the margin, and its level."""
    return f"{_size(q)} {_used(q)}"


def _size(q: Row) -> str:
    """`+3.1 points of accuracy`."""
    scale = scale_of(q["metric"])
    where = f" in {q['score_in']}" if q.get("score_in") else ""
    points = f" {scale.unit_of_change(q['difference'])} of" if scale.change_unit else ""
    return f"{scale.change(q['difference'])}{points} {described(q['metric']).label}{where}"


def _used(q: Row) -> str:
    """The interval on which the verdict rests, with its level."""
    used = q["interval"]
    return f"{scale_of(q['metric']).interval(used['low'], used['high'])} ({100 * used['level']:.3g} % interval)"


def short(q: Row | None) -> str:
    """For the first table: `+3.1 [+1.9, +4.3]`, or that there is none."""
    return "not run" if q is None or q["verdict"] is None else difference(q, unit=False)


def finding(q: Row | None, effect: Effect) -> str:
    """What our runs say, in one or two sentences."""
    verdict = q["verdict"] if q else None
    if q is None or verdict is None:
        return NOT_RUN
    told = difference(q)
    if verdict == "cannot_tell_one_run":
        return (
            f"One run an arm: these networks differ by {told}, an interval over images alone. Whether the change or "
            "the seed made the difference cannot be told, and nothing may be concluded about the change."
        )
    if verdict == "identical":
        return "Both sides gave the same scores in every run: there is nothing to compare."
    if verdict == "no_practical_difference":
        margin = scale_of(q["metric"]).amount(q["margin"])
        return f"{effect.equal}: {small(q)}; anything as large as {margin} is ruled out."
    if verdict == "cannot_tell":
        return f"{effect.open}: {told}.{_adjusted(q)}"
    return f"{effect.helps if verdict == 'helps' else effect.hurts}: {told}."


def _adjusted(q: Row) -> str:
    """Why a question is open although its own interval excludes zero."""
    low, high = q["ci95"]
    if low <= 0 <= high:
        return ""
    adjusted = "" if q["p_adjusted"] is None else f" (adjusted p = {p_value(q['p_adjusted'])})"
    return f" Alone this interval excludes zero; among all the questions of the study it decides nothing{adjusted}."


def against(claim: Claim, q: Row | None) -> str:
    """What that means for the original's claim."""
    verdict = judged(claim, q)
    if q is None or verdict in ("not_run", "one_run"):
        return ""
    if claim.printed is None:
        return {
            "reproduced": "The original’s claim agrees with that: reproduced here.",
            "not_reproduced": "The original’s claim is not reproduced here.",
        }.get(verdict, "The original’s claim is neither reproduced nor contradicted here.")
    own = f"The original’s {original.points(claim.printed)}"
    if verdict == "reproduced":
        return f"{own} have the same sign: reproduced here."
    if verdict == "not_reproduced":
        return f"{own} {'have the other sign:' if q['verdict'] in ('helps', 'hurts') else 'are'} not reproduced here."
    if below_margin(claim, q):
        margin = scale_of(q["metric"]).amount(q["margin"])
        return f"{own} are smaller than the margin of {margin}: neither reproduced nor contradicted here."
    if not q["interval"]["low"] <= claim.printed <= q["interval"]["high"]:
        lies = f"{own} lie outside of what these runs leave open, {_used(q)}"
        return f"{lies}; their sign is neither reproduced nor contradicted."
    return f"{own} are neither reproduced nor contradicted here."


def sentence(claim: Claim, q: Row | None, effect: Effect) -> str:
    """What our runs say about a claim, and what follows for it."""
    return " ".join(part for part in (finding(q, effect), against(claim, q)) if part)


def basis(q: Row | None) -> str:
    """From what a difference was taken, and what would settle it: for the line under a figure."""
    if q is None or q["verdict"] is None:
        return ""
    runs = sorted(set(q["seeds"].values()))
    each = plural(runs[0], "run") if len(runs) == 1 else f"{runs[0]} to {runs[-1]} runs"
    groups = f" in {plural(q['groups'], 'block' if q['blocks'] else 'group')}" if q["groups"] else ""
    new = new_images(q["blocks"])
    covers = {
        "new_images": f"covers new runs and {new}",
        "these_images": "covers new runs on exactly these images",
        "these_networks": f"covers {new} for exactly these networks",
    }[q["estimand"]]
    training = training_images(q["estimand"], q["compare"], q.get("train_fractions", {}))
    told = [f"{each} an arm, {plural(q['images'], 'image')}{groups}; the interval {covers}, {training}."]
    told += _p_values(q)
    if q["plan"].get("sentence"):
        told.append(q["plan"]["sentence"])
    return " ".join(told)


def _p_values(q: Row) -> list[str]:
    if q["p"] is None or q["verdict"] in ("cannot_tell_one_run", "identical"):
        return []
    adjusted = not q["primary"] and q["p_adjusted"] is not None
    return [
        f"p {_equals(q['p'])}"
        + (f", adjusted for the other questions {_equals(q['p_adjusted'])}." if adjusted else ".")
    ]


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def confounds(q: Row | None) -> str:
    """What changes at once where several things do; nothing where one does."""
    if q is None or not q["bundle"]:
        return ""
    moved = {**q["changed"], **q["consequences"]}
    whole = {path for path in moved if "." not in path}
    paths = [
        _moved(path, sides) for path, sides in moved.items() if path in whole or path.partition(".")[0] not in whole
    ]
    return f"Several things change at once, so that no single one can be credited: {listed(paths)}." if paths else ""


def _moved(path: str, sides: Sequence[Any]) -> str:
    """`optimizer.lr (0.0005 → 0.005)`; the path alone where values are long."""
    old, new = (f"{value:g}" if isinstance(value, float) else str(value) for value in sides)
    plain = all(isinstance(value, str | int | float) for value in sides)
    return f"{path} ({old} → {new})" if plain and len(old) + len(new) < 70 else path


def level(arm: Row, metric: str = "accuracy") -> str:
    """`78.9 % (5 seeds from 77.9 to 79.9; 95 % interval [77.2, 80.6])`: an arm's own level."""
    scale = scale_of(metric)
    told = score(arm, metric)
    if told["mean"] is None:
        return "no run yet"
    runs = len(arm["runs"])
    if runs < 2:
        return f"{scale.value(told['mean'])} (one run)"
    spread = f", SD of runs {scale.spread(told['sd_runs'])}"
    if metric == arm["metric"]:
        spread = f" from {scale.number(arm['min'])} to {scale.number(arm['max'])}"
    interval = f"; 95 % interval {scale.range(*told['ci95'])}" if told["ci95"] else ""
    return f"{scale.value(told['mean'])} ({plural(runs, 'seed')}{spread}{interval})"


def score(arm: Row, metric: str) -> Row:
    """Mean, SD of runs and interval of an arm in the study's own metric, or in another one of masks."""
    if metric == arm["metric"]:
        return {key: arm[key] for key in ("mean", "sd_runs", "ci95")}
    return dict((arm["scores"] or {}).get(metric) or {"mean": None, "sd_runs": None, "ci95": None})


def points(value: float | None, scale: Scale | None = None) -> str:
    """`+2.4 points`."""
    used = scale or scale_of("accuracy")
    return f"{used.change(value)} {used.unit_of_change(value)}"


def likely(share: float) -> str:
    """A probability from counted draws: `94 %`, and `more than 99 %` where it is nearly all of them."""
    return "more than 99\N{NO-BREAK SPACE}%" if 0.995 <= share < 1 else percent(share)


def lowered(text: str) -> str:
    """As it stands inside a sentence."""
    return text[:1].lower() + text[1:]


def joined(*sentences: str) -> str:
    """The sentences that are not empty, with a space between."""
    return " ".join(each for each in sentences if each)
