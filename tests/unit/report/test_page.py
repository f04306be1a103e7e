"""The page is inert, complete and says only what the document says."""

import base64
import hashlib
import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from made_up_study import CLASSES, contrast, example

from paribus.findings import Finding
from paribus.questions import Question
from paribus.report import document, page, render
from paribus.report.sections import OUTCOMES, WORDS

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></script><script>alert(2)</script>",
    "{{ 7 * 7 }}",
    "\u202eevil\u2066",
    "nul\x00 esc\x1b[31m line\nbreak",
    "byte-\udce9",
    "' onmouseover='alert(1)",
]


class Tags(HTMLParser):
    """Every tag with its attributes, and the text outside of style and script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.stack = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.stack = [tag] if tag in ("style", "script") else self.stack

    def handle_endtag(self, tag):
        self.stack = [] if tag in self.stack else self.stack

    def handle_data(self, data):
        if not self.stack:
            self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


@pytest.fixture(scope="module")
def made(results):
    return page(document(results))


def test_the_policy_names_the_very_style_and_script(made):
    policy = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', made)[1])
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        inline = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", made, re.S)
        assert len(inline) == 1
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_nothing_is_loaded_and_nothing_needs_what_the_policy_forbids(made):
    text = made.split("<style>")[0] + made.split("</style>")[1].split("<script>")[0]
    assert not re.search(r"(https?:)?//[a-z0-9]", re.sub(r"sha256-[A-Za-z0-9+/=]+", "", text))
    assert "url(" not in made and "@import" not in made
    for tag, attributes in Tags(made).tags:
        assert tag not in {"link", "iframe", "object", "embed", "form", "base", "foreignobject"}
        assert not {a for a in attributes if a.startswith("on") or a == "style"}, (tag, attributes)
        assert attributes.get("href", "#").startswith("#")
        assert attributes.get("src", "data:").startswith("data:")


def renamed(results, name):
    """The same study with one hostile text in every place that takes a name."""
    names = {arm.name: f"{name}{k}" for k, arm in enumerate(results.arms)}
    classes = (f"{name}-a", f"{name}-b")

    def evidence(e):
        return replace(e, classes=classes, image_ids=tuple(name + i for i in e.image_ids))

    def run(r):
        return replace(r, id=name + r.id, evidence={s: evidence(e) for s, e in r.evidence.items()})

    def question(q):
        texts = {"name": name + q.name, "ask": name + q.ask, "changed": {name: [name, {name: [name]}]}}
        return replace(q, weights={names[a]: w for a, w in q.weights.items()}, **texts)

    contrasts = tuple(
        replace(
            c,
            question=question(c.question),
            sentence=name,
            notes=(name,),
            plan={"sentence": name},
            per_arm={names[a]: v for a, v in c.per_arm.items()},
            seeds={names[a]: v for a, v in c.seeds.items()},
        )
        for c in results.contrasts
    )
    arms = tuple(
        replace(a, name=names[a.name], label=name, recipe={name: name}, runs=tuple(map(run, a.runs)))
        for a in results.arms
    )
    return replace(
        results,
        title=name,
        arms=arms,
        contrasts=contrasts,
        questions=tuple(c.question for c in contrasts),
        findings=(Finding(name, name, "issue", name),),
        data={"name": name, "classes": list(classes), "splits": {name: {name: 3}}},
        environment={name: name},
        command=name,
        missing={names["scratch"]: 1},
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(results, made, name, tmp_path):
    path = render(renamed(results, name), tmp_path)
    hostile = path.read_text("utf-8")
    plain, seen = Tags(made), Tags(hostile)
    assert {t for t, _ in seen.tags} <= {t for t, _ in plain.tags} | {"p", "strong"}
    assert sum(t == "script" for t, _ in seen.tags) == 1
    assert not [a for _, attributes in seen.tags for a in attributes if a.startswith("on")]
    shown = name if name.isprintable() or "\u202e" in name else name.split("\x00")[0].split("\udce9")[0]
    assert shown in seen.text
    assert not re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff]", hostile)


def test_a_name_with_its_own_direction_is_isolated(results):
    assert "<bdi>\u202eevil" in page(document(renamed(results, "\u202eevil")))


@pytest.mark.parametrize("verdict", [v for v in WORDS if v is not None])
def test_every_verdict_has_its_word(results, verdict):
    arms = {arm.name: arm for arm in results.arms}
    asked = Question("one", "Does it?", {"baseline": -1.0, "scratch": 1.0}, "accuracy", 0.02)
    answer = contrast(asked, verdict, 0.01, 0.02, arms, 200)
    text = page(document(replace(results, questions=(asked,), contrasts=(answer,))))
    word, icon = WORDS[verdict]
    assert text.count(f'<span class="icon" aria-hidden="true">{html.escape(icon)}</span>{word}</span>') == 3
    others = {w for v, (w, _) in WORDS.items() if v != verdict}
    assert not [w for w in others if f"</span>{w}</span>" in text]


def test_every_outcome_has_its_word(made):
    for word, icon in OUTCOMES.values():
        assert f"{icon}</span>{word}</span>" in made


def test_a_question_without_an_answer_says_so(results):
    text = page(document(replace(results, contrasts=(), missing={"scratch": 2})))
    assert "NOT RUN" in text and "Not complete." in text and "scratch</bdi> (2)" in text


def test_an_interaction_does_not_help(results):
    arms = {arm.name: arm for arm in results.arms}
    weights = {"baseline": 1.0, "whole-face": -1.0, "fine-tuned": -1.0, "fine-tuned.whole-face": 1.0}
    asked = Question("both", "Does one depend on the other?", weights, "accuracy", kind="weights")
    text = page(
        document(replace(results, questions=(asked,), contrasts=(contrast(asked, "helps", 0.05, 0.01, arms, 9),)))
    )
    assert ">POSITIVE<" in text and "HELPS" not in text


def test_the_numbers_of_the_first_screen_come_from_the_document(results):
    content = document(results)
    content["questions"][0] |= {"difference": 0.0777, "ci95": [0.0111, 0.1444]}
    content["best"] |= {"mean": 0.4321, "ci95": [0.41, 0.45]}
    first = page(content).split("<nav")[0]
    assert "+7.8" in first and "[+1.1, +14.4]" in first and "43.2\u00a0% [41.0, 45.0]" in first


def test_a_loss_is_positive_and_its_difference_turned(results):
    arms = {arm.name: arm for arm in results.arms}
    asked = Question("loss", "Is it lower?", {"baseline": -1.0, "fine-tuned": 1.0}, "neg_log_loss")
    answer = replace(contrast(asked, "helps", 0.05, 0.02, arms, 200), sentence="")
    changed = replace(results, metric="neg_log_loss", margin=None, questions=(asked,), contrasts=(answer,))
    content = document(changed)
    text = Tags(page(content)).text
    assert "−0.050" in text and "[−0.070, −0.030]" in text and "lower is better" in text
    assert content["arms"][0]["mean"] < 0 and f"{-content['arms'][0]['mean']:.3f}" in text


def test_pictures_are_shown_only_if_given_and_only_as_pictures(results, made):
    assert "<img" not in made and "data:image" not in made
    png = b"\x89PNG\r\n\x1a\n...."
    shown = page(document(results), lambda image: png)
    content = document(results)
    wrong = sum(len(arm["images"]) for arm in content["mistakes"])
    assert shown.count("<img") == len(content["disagreements"]) + wrong > wrong > 0
    assert base64.b64encode(png).decode() in shown
    assert "<img" not in page(document(results), lambda image: b"<svg onload=alert(1)>")


def test_figures_have_text_alternatives(made):
    drawn = [a for tag, a in Tags(made).tags if tag == "svg"]
    assert drawn
    for attributes in drawn:
        named = attributes.get("role") == "img" and (attributes.get("aria-label") or "viewbox" in attributes)
        assert named or attributes.get("aria-hidden") == "true"
    assert made.count('<svg class="chart" role="img"') == len(
        re.findall(r'class="chart" role="img" viewBox="[^"]*"><title>\S', made)
    )


def test_narrow_dark_and_printed_are_provided_for(made):
    for needed in (
        "@media screen and (max-width",
        "prefers-color-scheme: dark",
        "@media print",
        ":focus-visible",
        'name="viewport"',
    ):
        assert needed in made
    assert 'class="skip" href="#answers"' in made


def test_predictions_alone_make_a_page(compared):
    text = page(document(compared))
    for absent in ("curves", "frozen", "The completed recipe"):
        assert f'id="{absent}"' not in text
    assert "Not known: no recipes came" in text and 'id="confusions"' in text
    assert "chosen on the images it is scored on: optimistic" in text


def test_answers_without_probabilities_show_no_calibration(compared):
    def answered(run):
        kept = run.evidence["test"]
        hard = np.eye(2, dtype=np.float32)[kept.logits.argmax(axis=2)]
        return replace(run, evidence={"test": replace(kept, logits=hard)})

    arms = tuple(replace(a, runs=tuple(answered(r) for r in a.runs)) for a in compared.arms)
    content = document(replace(compared, arms=arms))
    assert all(arm["calibration"] is None for arm in content["arms"])
    assert 'id="calibration"' not in page(content)


def test_one_run_an_arm_makes_a_page():
    small = example(runs=1, images=40)
    text = page(document(small))
    assert "in one run" in text and "1 seed an arm" in text


def test_many_classes_show_the_largest_confusions():
    many = example(runs=2, images=120, classes=tuple(f"class {k}" for k in range(20)))
    text = page(document(many))
    assert '<table class="confusion">' not in text and "of the class" in text


def test_two_classes_show_the_matrix(made):
    assert made.count('<table class="confusion">') == 8
    assert all(f"<bdi>{c}</bdi>" in made for c in CLASSES)
