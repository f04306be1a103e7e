"""The document as a page and as Markdown: whole, inert, with links that lead somewhere, the same answers in both."""

import base64
import hashlib
import html as entities
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made_up_evidence import evidence_of

from paribus.reproduce import drawing
from paribus.reproduce.blocks import DotRow, Dots, EffectRow, Effects, Picture, Pictures, Text
from paribus.reproduce.evidence import Evidence
from paribus.reproduce.html import html
from paribus.reproduce.markdown import markdown
from paribus.reproduce.whole import document

VOID = {"meta", "br", "img", "input"}
HOSTILE = "<script>alert(1)</script>\x00\u202e|`*_[x](y)"


class Page(HTMLParser):
    """Tags with attributes, ids, and what was never closed or closed out of turn."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.stack, self.wrong, self.words = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if not {"style", "script"} & set(self.stack):
            self.words.append(data)


def spaced(text):
    """With plain spaces alone."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def made():
    found = evidence_of()
    return document(
        found, "paribus reproduce --quick", {t.name: f"{t.name}/report.html" for t in found.studies.values()}
    )


@pytest.fixture(scope="module")
def page(made):
    return html(made)


def test_the_page_is_well_formed_and_every_link_leads_somewhere(made, page):
    read = Page(page)
    assert read.wrong == [] and read.stack == []
    assert len(read.ids) == len(set(read.ids))
    links = [given["href"] for tag, given in read.tags if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(read.ids)
    away = {link.partition("#")[0] for link in links if not link.startswith("#")}
    assert away == {source.link for source in made.sources}
    for answer in made.answers:
        assert answer.anchor in read.ids and f"#{answer.anchor}" in links


def test_the_questions_named_in_other_reports_are_there(made):
    found = evidence_of().studies
    names = {t.name: {q["name"] for q in t.report["questions"]} for t in found.values()}
    arms = {t.name: {a["name"] for a in t.report["arms"]} for t in found.values()}
    for answer in made.answers:
        for trace in answer.traces:
            assert trace.question is None or trace.question in names[trace.study]
            assert set(trace.arms) <= arms[trace.study]


def test_the_page_is_inert(page):
    policy = entities.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    for tag in ("style", "script"):
        (inline,) = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", page, re.S)
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'" in policy
    for tag, given in Page(page).tags:
        assert tag not in {"link", "iframe", "object", "form"}
        assert not {name for name in given if name.startswith("on") or name == "style"}


def test_the_first_screen_has_all_thirteen_with_their_answers(made, page):
    first = page[page.index("<main>") : page.index("<nav")]
    for answer in made.answers:
        assert entities.escape(answer.here, quote=False) in first and answer.number in first


def test_both_forms_say_the_same(made, page):
    text, _ = markdown(made, "figures")
    words, plain = spaced("".join(Page(page).words)), spaced(re.sub(r"\\(.)", r"\1", text))
    for answer in made.answers:
        assert spaced(answer.sentence) in words and spaced(answer.sentence) in plain
        for block in answer.blocks:
            if isinstance(block, Text):
                assert spaced(block.text) in words and spaced(block.text) in plain


def test_markdown_tables_are_whole_and_figures_are_there(made):
    text, files = markdown(made, "figures")
    widths = {}
    for number, line in enumerate(text.splitlines()):
        if line.startswith("|"):
            widths[number] = len(re.findall(r"(?<!\\)\|", line))
    assert widths and all(widths[n] == widths[n - 1] for n in widths if n - 1 in widths)
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert shown and set(shown) == set(files)
    anchors = set(re.findall(r'<a id="([^"]+)"', text))
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors == {a.anchor for a in made.answers}
    for content in files.values():
        assert content.startswith(b"<svg xmlns") and Page(content.decode()).wrong == []


def test_hostile_names_stay_text(made):
    arms = ((HOSTILE, HOSTILE, ((0, "0123"),)),)
    answer = replace(made.answers[0], sentence=HOSTILE, blocks=(Dots((DotRow(HOSTILE, (1.0,), None),), HOSTILE),))
    hostile = replace(made, answers=(answer,), sources=(replace(made.sources[0], arms=arms),), title=HOSTILE)
    shown = html(hostile)
    assert "<script>alert" not in shown and "\x00" not in shown
    text, files = markdown(hostile, "figures")
    assert "<script>" not in text and all(b"<script>" not in content for content in files.values())


def test_drawn_images_stand_ins_and_one_seed_are_named_before_the_answers():
    links = {f"reproduce-{name}": "x" for name in ("training", "recipe", "labels")}
    said = " ".join(remark.text for remark in document(evidence_of(1), "x", links).remarks)
    for part in (
        "faces drawn by Paribus",
        "streets drawn by Paribus",
        "EfficientNet-B2",
        "VGG16",
        "One run each have all arms of",
    ):
        assert part in said, part
    several = " ".join(remark.text for remark in document(evidence_of(2), "x", links).remarks)
    assert "One run each" not in several
    mixed = evidence_of(2)
    arms = mixed.labels.report["arms"]
    single = [arm | {"runs": arm["runs"][:1]} if arm["name"] == "three" else arm for arm in arms]
    mixed = mixed.having("labels", replace(mixed.labels, report=mixed.labels.report | {"arms": single}))
    some = " ".join(remark.text for remark in document(mixed, "x", links).remarks)
    assert "One run each have three of reproduce-labels: what another seed" in some


def test_an_empty_document_is_one_too():
    nothing = document(Evidence(), "paribus reproduce", {})
    assert Page(html(nothing)).wrong == [] and markdown(nothing, "f")[0].startswith("# ")
    assert "Not run yet" in nothing.summary


def test_pictures_are_shown_where_they_are_kept(made):
    block = Pictures((Picture("reproduce-labels", "a", "Input"), Picture("reproduce-labels", "b", "Truth")), "A scene")
    one = replace(made, answers=(replace(made.answers[0], blocks=(block,)),))
    kept = {"reproduce-labels": {"a": b"\x89PNG\r\n\x1a\nx"}.get}
    shown = html(one, kept)
    assert shown.count("<img ") == 1 and "A scene" in shown and "Truth" not in shown
    assert "<img " not in html(one)
    text, files = markdown(one, "f", kept)
    assert [name for name in files if name.endswith(".png")] and "A scene" in text
    assert "A scene" not in markdown(one, "f")[0]


def test_a_figure_holds_every_number_it_is_given():
    dots = Dots((DotRow("a", (70.0, 80.0), 95.0), DotRow("b", (60.0,), None)), "Accuracy")
    drawn = drawing.alone(dots)
    assert drawn.count("<circle") == 3 and drawn.count("◇") == 2  # the mark and its legend
    effects = Effects((EffectRow("x", 1.0, -1.0, 3.0, "cannot_tell", 2.0, -4.5),), "Difference")
    assert "+1.0 [−1.0, +3.0]" in drawing.alone(effects) and "hollow" in drawing.alone(effects)
