"""Thirteen answers for whatever came out: every template with every verdict."""

import re
from dataclasses import replace

import pytest
from made_up_evidence import VERDICTS, evidence_of, fitting, told, with_verdicts

from paribus.audits.rows import AttributionAudit, AttributionRow, CropAudit, CropRow, Estimate, Seen, Spread
from paribus.reproduce.answers import answers, crop, looks, recipe, training
from paribus.reproduce.blocks import Curves, Picks, Table, Text
from paribus.reproduce.convergence import Reached, final, reached
from paribus.reproduce.evidence import Audits, Evidence

NUMBERS = ["1-1", "1-2", "1-3", "1-4", "1-5", "1-6", "1-7", "1-8", "1-9", "2-1", "2-2", "2-3", "2-4"]
FORBIDDEN = re.compile(r"refut|prove[sn]?\b|no difference|trend|significan|\bnan\b|None|\{|\}", re.I)
CLAIMS = {  # number -> the signs that the original claims
    "1-4": (1, 1), "1-5": (-1,), "1-6": (1,), "1-7": (1,), "1-8": (1,), "2-2": (1, 1), "2-3": (1,),
}  # fmt: skip
SMALL = ("1-6", "1-8")  # the original's difference is below the margin of the quick study


def texts(answer):
    """Everything that an answer says."""
    said = [answer.title, answer.claim, answer.printed, answer.here, answer.sentence]
    for block in answer.blocks:
        if isinstance(block, Text):
            said.append(block.text)
        elif isinstance(block, Table):
            said += [block.title, *block.head, *(cell for row in block.rows for cell in row)]
        elif isinstance(block, Picks):
            said.append(block.sentence)
    return said


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_question_is_answered_with_every_verdict(verdict):
    each = {"all": verdict}
    found = {a.number: a for a in answers(evidence_of(training=each, recipe=each, labels=each))}
    assert list(found) == NUMBERS
    for number, answer in found.items():
        assert all(said == said.strip() and not FORBIDDEN.search(said) for said in texts(answer)), number
        assert answer.sentence.endswith("."), number
        decided = verdict in VERDICTS[:2] or (verdict in VERDICTS[2:4] and number not in SMALL)
        assert ("reproduced" in answer.verdict) == (number in CLAIMS and decided), number
    for number, signs in CLAIMS.items():
        expected = {"helps": (1,), "hurts": (-1,)}.get(verdict)
        if verdict in VERDICTS[:4]:
            assert (found[number].verdict == "reproduced") == (expected == tuple(set(signs))), number
    left = {"cannot_tell": "open", "cannot_tell_one_run": "one_run", None: "not_run"}
    if verdict in left:
        assert {found[number].verdict for number in CLAIMS} == {left[verdict]}


def test_without_any_run_nothing_is_said_about_runs():
    found = answers(Evidence())
    assert [a.number for a in found] == NUMBERS
    assert {a.verdict for a in found if a.number != "2-4"} == {"not_run"}
    assert not any(FORBIDDEN.search(said) for a in found for said in texts(a))
    assert not any("Here" in a.sentence for a in found)


def test_a_study_that_has_begun_without_a_scored_run_is_not_traced_and_says_nothing_of_tuning():
    made = told("recipe")
    arms = [arm | {"runs": [], "mean": None, "seconds": None} for arm in made.report["arms"]]
    questions = [{k: v for k, v in q.items() if k != "one_run"} | {"verdict": None} for q in made.report["questions"]]
    begun = replace(made, report=made.report | {"arms": arms, "questions": questions})
    for answer in recipe.answers(Evidence({"recipe": begun})):
        assert answer.verdict == "not_run" and answer.traces == ()
        assert not any("chosen beforehand" in text for text in texts(answer))


def test_levels_come_with_their_seeds_and_one_run_with_a_warning():
    several, single = ({a.number: a for a in answers(evidence_of(seeds))} for seeds in (2, 1))
    assert "2 seeds from" in several["1-1"].sentence and "(one run)" in single["1-1"].sentence
    warned = [b.text for b in single["1-1"].blocks if isinstance(b, Text) and b.kind == "warning"]
    assert any("cannot be said" in text for text in warned)
    assert {single[n].verdict for n in CLAIMS} == {"one_run"}


def test_the_order_of_three_is_said_with_its_probability():
    text = " ".join(texts(training.comparison(told("training"))))
    assert re.search(r"the original’s in (more than )?[0-9.]+\s?%", text)
    alone = replace(told("training"), ranking=replace(told("training").ranking, runs_vary=False))
    assert "seeds are left out" in " ".join(texts(training.comparison(alone)))


@pytest.mark.parametrize(
    ("tuned", "frozen", "expected"),
    [
        ([0.95, 0.96], [0.80, 0.82], "It does fit the training data better"),
        ([0.90, 0.80], [0.85, 0.82], "on average, but not in every run"),
        ([0.80, 0.81], [0.85, 0.86], "is not seen here"),
        ([0.95], [0.80], "cannot be told"),
        ([None, None], [0.8, 0.8], None),
    ],
)
def test_the_fit_to_the_training_images_is_told_as_it_is(tuned, frozen, expected):
    of = told("training")
    report = of.report | {
        "arms": [_with_fit(arm, {"fine-tuned": tuned, "baseline": frozen}) for arm in of.report["arms"]]
    }
    said = " ".join(texts(training.fine_tuned(replace(of, report=report))))
    assert (expected in said) if expected else ("clean training images" not in said)


def _with_fit(arm, fits):
    values = fits.get(arm["name"])
    if values is None:
        return arm
    runs = [arm["runs"][0] | {"train_accuracy": value} for value in values]
    return arm | {"runs": runs}


@pytest.mark.parametrize("gap", [0.02, 0.0, -0.01])
def test_choosing_the_epoch_flatters_or_not(gap):
    of = told("training")
    flattered = replace(of, flattery=replace(of.flattery, best=0.8 + gap, honest=0.8))
    said = " ".join(texts(training.extractor(flattered)))
    assert ("is what choosing the epoch adds" in said) == (gap > 0)
    assert ("flattered nobody" in said) == (gap <= 0)


@pytest.mark.parametrize("view", VERDICTS)
@pytest.mark.parametrize("whole", VERDICTS)
def test_the_rival_explanation_never_says_more_than_its_answer(view, whole):
    changed = with_verdicts(told("training"), {"view-frozen": view, "crop-frozen": whole})
    said = crop._view(changed.question("view-frozen"), changed.question("crop-frozen"), "frozen network")
    assert ("may explain part" in said) == (view == whole == "helps")
    assert ("explains no gain" in said) == (view in ("no_practical_difference", "identical"))
    assert ("does not support this explanation" in said) == (view == "hurts")
    assert ("stays a possible explanation" in said) == (view == "cannot_tell")


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_gain_is_credited_to_what_was_decided(verdict):
    said = recipe.credit(with_verdicts(told("recipe"), {"all": "no_practical_difference", "model": verdict}))
    word = {"helps": "helps", "hurts": "hurts", "cannot_tell": "stays open", "cannot_tell_one_run": "tells nothing"}
    assert ("the larger network" in said) == (verdict is not None)
    for each in set(word.values()) - {word.get(verdict)}:
        assert each not in said


def test_what_each_arm_tried_is_shown():
    answer = recipe.best(told("recipe"))
    (curves,) = [block for block in answer.blocks if isinstance(block, Curves)]
    assert [row.label for row in curves.rows] == list(recipe.ARMS.values())
    assert [round(score) for _, score, _ in curves.rows[0].points] == [60, 80, 70]
    assert [kept for *_, kept in curves.rows[0].points] == [False, True, False]
    assert any("chosen beforehand" in text for text in texts(answer))


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("helps", "Interactions were found"),
        ("hurts", "Interactions were found"),
        ("no_practical_difference", "No interaction of two of them is as large as the margin"),
        ("identical", "No interaction of two of them is as large as the margin"),
        ("cannot_tell", "not ruled out"),
        ("cannot_tell_one_run", "not ruled out"),
        (None, ""),
    ],
)
def test_main_effects_are_averages_where_interactions_may_be(verdict, expected):
    said = recipe.interactions(with_verdicts(told("recipe"), {"all": verdict}))
    assert expected in said and bool(said) == bool(expected)


def test_one_interaction_is_one_and_of_what_is_missing_nothing_is_said():
    of = with_verdicts(told("recipe"), {"all": "no_practical_difference", "model-by-optimizer": "helps"})
    assert recipe.interactions(of).startswith("An interaction was found: Network × optimizer")
    of = with_verdicts(told("recipe"), {"all": "no_practical_difference", "model-by-optimizer": None})
    assert recipe.interactions(of).startswith("Of Network × optimizer nothing is known yet")


def test_the_naive_difference_of_label_spaces_is_taken_apart():
    of = evidence_of(labels={"fewer-labels": "cannot_tell"}).labels
    q = of.question("fewer-labels")
    naive, easier = q["label_spaces"]["naive"], q["label_spaces"]["easier_score"]
    answer = next(a for a in answers(Evidence({"labels": of})) if a.number == "2-3")
    assert f"{100 * naive:+.1f}".replace("-", "−") in answer.sentence
    assert f"{100 * easier:+.1f}".replace("-", "−") in answer.sentence


def test_classes_that_are_never_found_are_named():
    answer = next(a for a in answers(evidence_of()) if a.number == "2-4")
    assert any("hardly finds bicyclist" in text for text in texts(answer))


def spread(value):
    return Spread(10, value, value, value, value, value)


def crops(*arms):
    seen = Seen(spread(0.6), 0.2, (0,) * 20, spread(0.5))
    return CropAudit(tuple(CropRow(arm, 5, 20, seen, seen, spread(1.5)) for arm in arms), 0)


def attribution(sign):
    """Both methods see the face more (+1), less (-1), or the one more and the other less (0) than chance."""
    signs = {1: (1, 1), -1: (-1, -1), 0: (1, -1)}[sign]
    rows = []
    for method, each in zip(("grad_cam", "integrated_gradients"), signs, strict=True):
        over = Estimate(0.2 * each, 0.2 * each - 0.05, 0.2 * each + 0.05, 0.001)
        share = Estimate(0.4 + 0.2 * each, 0.5, 0.7, 0.001)
        rows += [
            AttributionRow(arm, method, 2, 10, share, (0.5, 0.6), 0.4, over, Estimate(0.4, 0.3, 0.5, 0.9), over)
            for arm in looks.ARMS
        ]
    return AttributionAudit(tuple(rows), (), "test", ("a", "b"), 0, 8, "best")


@pytest.mark.parametrize(
    ("sign", "expected"),
    [(1, "does not fit the explanation"), (-1, "this fits the explanation"), (0, "cannot be told")],
)
def test_where_networks_look_is_held_against_the_explanation(sign, expected):
    audits = Audits("training", crops("baseline", "whole-face"), attribution(sign))
    answer = crop.why(Evidence({"training": told("training")}, audits))
    said = texts(answer)
    assert any(expected in text for text in said) and not any(FORBIDDEN.search(text) for text in said)
    assert any("Crops with the whole face" in text for text in said)


def test_on_images_without_boxes_the_document_says_where_it_was_answered():
    audits = Audits("looks", crops("baseline"), attribution(1), "In these images the place of the face is not known.")
    warned = [b.text for b in crop.why(Evidence({}, audits)).blocks if isinstance(b, Text) and b.kind == "warning"]
    assert any("drawn faces" in text and "not known" in text for text in warned)


def test_without_captum_the_attribution_says_why_it_is_missing():
    audits = Audits("training", crops("baseline"), None, without="the attribution audit needs captum.")
    assert any("needs captum" in said for said in texts(crop.why(Evidence({}, audits))))


def test_convergence_counts_epochs_and_those_that_never_reach_it():
    def runs(*curves):
        return [{"curves": [{"epoch": k, "val_accuracy": v} for k, v in enumerate(c, 1)]} for c in curves]

    slow = reached(runs([0.5, 0.6, 0.8], [0.5, 0.6, 0.7]), "val_accuracy", 0.75)
    fast = reached(runs([0.8, 0.9, 0.9], [0.5, 0.8, 0.9]), "val_accuracy", 0.75)
    assert slow == Reached((3, None)) and fast == Reached((1, 2))
    assert slow.mean == 3 and slow.count == 1 and Reached((None,)).mean is None
    assert fast.sooner(slow) == 1.0 and slow.sooner(fast) == 0.0 and slow.sooner(slow) == 0.5
    assert final(runs([0.1, 0.4], [0.1, 0.6]), "val_accuracy") == pytest.approx(0.5)
    assert final(runs([0.1, None]), "val_accuracy") is None


def test_an_effect_row_that_fits_is_what_the_templates_get():
    """The helper of these tests: intervals agree with verdicts."""
    q = fitting(told("training").question("tuning"), "helps")
    assert q["ci95"][0] > 0 and q["difference"] > 0
