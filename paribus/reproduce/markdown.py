"""The document as Markdown for a repository's page, with its figures as files beside it."""

from collections.abc import Mapping, Sequence

from paribus.report.page import Pictures
from paribus.report.paper import markdown_text as plain
from paribus.reproduce import drawing
from paribus.reproduce.blocks import Answer, Block, Curves, Dots, Effects, Picks, Reproduction, Source, Table, Text
from paribus.reproduce.blocks import Pictures as Shots
from paribus.reproduce.claims import SHOWN

Files = dict[str, bytes]  # path relative to the page -> content
PARTS = {"1": "Part 1: faces in two classes", "2": "Part 2: every pixel of street scenes"}
MARKS = {"warning": "> ", "heading": "#### "}
ENDING = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}


def markdown(document: Reproduction, folder: str, pictures: Mapping[str, Pictures] | None = None) -> tuple[str, Files]:
    """The page, and the figures that it shows: files to be put into `folder` beside it."""
    files: Files = {}
    lines = [f"# {plain(document.title)}", "", plain(" · ".join(document.facts)), "", plain(document.summary), ""]
    lines += _overview(document.answers)
    for remark in document.remarks:
        lines += [("> " if remark.kind == "warning" else "") + plain(remark.text), ""]
    for part, title in PARTS.items():
        lines += [f"## {title}", ""]
        for answer in document.answers:
            if answer.number.startswith(part):
                lines += _answer(answer, folder, pictures or {}, files)
    lines += ["## The runs", ""]
    for source in document.sources:
        lines += _source(source)
    lines += ["## Repeat it", "", "```", document.command, "```", ""]
    lines += [f"{name}: {plain(str(value))}  " for name, value in sorted(document.environment.items())]
    return "\n".join(lines).rstrip() + "\n", files


def _overview(answers: tuple[Answer, ...]) -> list[str]:
    rows = [
        (f"[{a.number}](#{a.anchor})", plain(a.title), plain(a.printed), plain(a.here), f"**{_word(a)}**")
        for a in answers
    ]
    return [*_rows(("", "Question", "The original", "Here [95 %]", ""), rows, 5), ""]


def _word(answer: Answer) -> str:
    return SHOWN[answer.verdict][0].lower()


def _rows(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], words: int) -> list[str]:
    rule = [":---" if k < words else "---:" for k in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (tuple(map(plain, head)), rule, *rows)]


def _answer(answer: Answer, folder: str, pictures: Mapping[str, Pictures], files: Files) -> list[str]:
    lines = [f'<a id="{answer.anchor}"></a>', "", f"### {answer.number} {plain(answer.title)}", ""]
    lines += [f"**{_word(answer)[:1].upper()}{_word(answer)[1:]}.** {plain(answer.sentence)}", ""]
    lines += [f"*The original report:* {plain(answer.claim)} **{plain(answer.printed)}**", ""]
    for number, block in enumerate(answer.blocks, 1):
        lines += _block(block, f"{folder}/{answer.anchor}-{number}", pictures, files)
    for trace in answer.traces:
        lines += [f"<sub>From {plain(', '.join(trace.arms))} of {plain(trace.study)}.</sub>", ""]
    return lines


def _block(block: Block, stem: str, pictures: Mapping[str, Pictures], files: Files) -> list[str]:
    if isinstance(block, Text):
        return [MARKS.get(block.kind, "") + plain(block.text), ""]
    if isinstance(block, Table):
        title = [f"*{plain(block.title)}*", ""] if block.title else []
        rows = [tuple(map(plain, row)) for row in block.rows]
        return [*title, *_rows(block.head, rows, block.words), ""]
    if isinstance(block, Dots | Effects | Picks | Curves):
        files[f"{stem}.svg"] = drawing.alone(block).encode("utf-8")
        told = [plain(block.sentence), ""] if isinstance(block, Picks) else []
        return [f"![{plain(block.title)}]({stem}.svg)", "", *told]
    return _shots(block, stem, pictures, files)


def _shots(block: Shots, stem: str, pictures: Mapping[str, Pictures], files: Files) -> list[str]:
    shown = []
    for number, one in enumerate(block.pictures, 1):
        getter = pictures.get(one.study)
        content = getter(one.name) if getter else None
        ending = next((end for start, end in ENDING.items() if content and content.startswith(start)), None)
        if content and ending:
            name = f"{stem}-{number}.{ending}"
            files[name] = content
            shown.append((f"![{plain(one.caption)}]({name})", plain(one.caption)))
    if not shown:
        return []
    head, captions = zip(*shown, strict=True)
    rows = [f"| {' | '.join(cells)} |" for cells in (head, tuple(":---:" for _ in head), captions)]
    return [f"*{plain(block.title)}*", "", *rows, ""]


def _source(source: Source) -> list[str]:
    lines = [f"### {plain(source.title)}", "", plain(" · ".join(source.facts)), ""]
    lines += [f"- {plain(caution)}" for caution in source.cautions] + ([""] if source.cautions else [])
    rows = [
        (plain(arm), plain(label), ", ".join(f"{seed} `{run}`" for seed, run in runs))
        for arm, label, runs in source.arms
    ]
    return [*lines, *_rows(("Arm", "What sets it apart", "Runs: seed and id"), rows, 3), ""]
