"""The document from the evidence: what was found in one paragraph, what a reader must know first, and the runs."""

from collections.abc import Sequence
from typing import Any

from paribus.report.numbers import count, duration, listed, plural
from paribus.report.sections.words import counted
from paribus.reproduce.answers import answers
from paribus.reproduce.blocks import Answer, Reproduction, Source, Text, Verdict
from paribus.reproduce.evidence import Evidence, Told

Row = dict[str, Any]

TITLE = "Thirteen questions, asked again"
DRAWN = ("faces", "streets")  # data that Paribus draws
SAID: tuple[tuple[Verdict, str], ...] = (  # in the order of the summary
    ("reproduced", "reproduced here"),
    ("not_reproduced", "not reproduced here"),
    ("partly", "reproduced in part"),
    ("open", "cannot be told from these runs"),
    ("one_run", "cannot be told from one run an arm"),
    ("not_run", "not run yet"),
)


def document(evidence: Evidence, command: str, links: dict[str, str]) -> Reproduction:
    """links: study -> where its own report is, relative to the page."""
    found, told = answers(evidence), list(evidence.studies.values())
    return Reproduction(
        title=TITLE,
        summary=_summary(found, told),
        remarks=tuple(_remarks(evidence)),
        answers=found,
        sources=tuple(_source(each, links[each.name]) for each in told),
        command=command,
        version=str(told[0].report["paribus"]) if told else "",
        facts=tuple(_facts(told)),
        environment=dict(told[0].report["environment"]) if told else {},
    )


def _summary(found: tuple[Answer, ...], told: Sequence[Told]) -> str:
    parts = [f"{word}: {listed(numbers)}" for verdict, word in SAID if (numbers := _of(found, verdict))]
    levels, checked = _of(found, "level"), _of(found, "checked")
    rest = []
    if levels:
        rest.append(
            f"{listed(levels)} {'asks' if len(levels) == 1 else 'ask'} for a level, which belongs to its images"
        )
    if checked:
        rest.append(f"{listed(checked)} {'is' if len(checked) == 1 else 'are'} checked by arithmetic and description")
    said = "; ".join(parts)
    tail = f" {'; '.join(rest)}." if rest else ""
    lead = "A homework report of December 2019 answered thirteen questions with one run an arm."
    return f"{lead} {_asked_again(told)} {said[:1].upper()}{said[1:]}.{tail}"


def _asked_again(told: Sequence[Told]) -> str:
    """With how many seeds; one seed an arm carries no verdict."""
    seeds = [len(arm["runs"]) for each in told for arm in each.report["arms"] if arm["runs"]]
    if not seeds:
        return "Here each is asked again."
    if max(seeds) == 1:
        return "Here each was asked again with one seed an arm, which allows no verdict about any change."
    return f"Here each was asked again with {counted(seeds, 'seed')} an arm, an interval and a verdict."


def _of(found: tuple[Answer, ...], verdict: Verdict) -> list[str]:
    return [answer.number for answer in found if answer.verdict == verdict]


def _facts(told: Sequence[Told]) -> list[str]:
    if not told:
        return []
    runs = {run["id"] for each in told for arm in each.report["arms"] for run in arm["runs"]}
    seconds = sum(each.report["seconds"] or 0.0 for each in told)
    cores = told[0].report["environment"].get("cores")
    machine = f" on {plural(cores, 'core')}" if isinstance(cores, int) else ""
    return [
        plural(len(told), "study").replace("studys", "studies"),
        plural(len(runs), "run"),
        f"{duration(seconds)} of training{machine}",
    ]


def _remarks(evidence: Evidence) -> list[Text]:
    return [
        *(_data("Part 1", evidence.training or evidence.recipe)),
        *(_data("Part 2", evidence.labels)),
        *_one_seed(list(evidence.studies.values())),
        *_stand_ins(evidence),
        Text(
            "“Reproduced here” and “not reproduced here” speak of these images, networks and recipes; what was seen "
            "on the original’s images stays as it is. What an interval covers stands below its figure.",
            "soft",
        ),
    ]


def _data(part: str, told: Told | None) -> list[Text]:
    if told is None:
        return []
    data = told.report["study"]["data"]
    sizes = listed(
        [f"{count(number)} {split}" for split in ("train", "val", "test") if (number := data["images"].get(split))]
    )
    classes = listed(list(data["classes"])) if len(data["classes"]) <= 12 else plural(len(data["classes"]), "class")
    if data["name"] in DRAWN:
        return [
            Text(
                f"{part} was answered on {data['name']} drawn by Paribus ({sizes} images): their truth is known, and "
                "they are "
                "not the original’s photographs.",
                "warning",
            )
        ]
    return [Text(f"{part} was answered on images that were given, not on the original’s: {sizes} ({classes}).", "soft")]


def _one_seed(told: Sequence[Told]) -> list[Text]:
    single = [name for each in told if (name := _with_one_run(each))]
    if not single:
        return []
    return [
        Text(
            f"One run each have {listed(single)}: what another seed would have given is not known, and "
            "nothing may be concluded about any change there. Seeds are what to add.",
            "warning",
        )
    ]


def _with_one_run(told: Told) -> str:
    """`all arms of reproduce-labels`, or those that have one run; empty where none has."""
    begun = [arm for arm in told.report["arms"] if arm["runs"]]
    single = [arm["name"] for arm in begun if len(arm["runs"]) == 1]
    if not single:
        return ""
    return f"{'all arms' if len(single) == len(begun) else listed(single)} of {told.name}"


def _stand_ins(evidence: Evidence) -> list[Text]:
    """The networks that stand in for the original's."""
    said = []
    if base := _network(evidence.training, "baseline"):
        said.append(f"{base} for the pretrained network of 1-1 and 1-2, which is not named there")
    if large := _network(evidence.recipe, "lite2"):
        said.append(f"{large} for EfficientNet-B2")
    labels = evidence.labels.arm("baseline") if evidence.labels else None
    if labels and labels["recipe"] and "backbone" in labels["recipe"]["model"]:
        model = labels["recipe"]["model"]
        decoder = f" with the {model['decoder']} decoder" if model.get("decoder") else ""
        said.append(f"{model['use']} on {model['backbone']}{decoder} for FCN-8s on VGG16")
    return [Text(f"Networks that stand in for the original’s: {'; '.join(said)}.", "soft")] if said else []


def _network(told: Told | None, name: str) -> str:
    arm = told.arm(name) if told else None
    return str(arm["recipe"]["model"]["use"]).partition(":")[2] if arm and arm["recipe"] else ""


def _source(told: Told, link: str) -> Source:
    report = told.report
    arms = tuple(
        (arm["name"], str(arm["label"]), tuple((run["seed"], run["id"]) for run in arm["runs"]))
        for arm in report["arms"]
    )
    seeds = counted([len(arm["runs"]) for arm in report["arms"]], "seed") if report["arms"] else ""
    images = f"scored on {count(report['study']['images'])} {report['study']['split']} images"
    cautions = [finding["sentence"] for finding in report["findings"] if finding["outcome"] == "issue"]
    missing = [f"{arm} ({number})" for arm, number in report["missing"].items() if number]
    if missing:
        cautions.insert(0, f"Runs are still missing: {listed(missing)}.")
    facts = (f"{seeds} an arm", images, f"{duration(report['seconds'])} of training")
    return Source(told.name, report["title"], link, facts, arms, tuple(cautions))
