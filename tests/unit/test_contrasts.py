from dataclasses import replace

import numpy as np
import pytest

from paribus.contrasts import arms_still_needed, contrasts, undecided
from paribus.errors import DataError, StudyError
from paribus.predictions import Evidence
from paribus.questions import Design, Question
from paribus.simulate import Regime, correct, records
from paribus.wording import shares_sentence

FORBIDDEN = ("no difference", "not significant", "trend", "proves")
FIXED = Design((5,), "test")


def study(effects, runs=5, images=400, seed=0, regime=None):
    """Records of arms a, b, c … whose accuracies differ from the regime's by `effects`."""
    outcomes = correct(regime or Regime(0.005), effects, runs, images, np.random.default_rng(seed))
    return records(dict(zip("abcdefghij", outcomes, strict=False)))


def ask(name="b", **more):
    return Question(**{"name": name, "ask": "?", "weights": {"a": -1.0, name: 1.0}, "metric": "accuracy"} | more)


def answer(arms, *questions, design=FIXED, **more):
    return contrasts(questions or [ask(primary=True)], arms, design, **more)


def test_it_helps_and_the_mirror_image_hurts():
    arms = study((0.0, 0.08))
    row = answer(arms, ask(primary=True, margin=0.01))[0]
    mirrored = answer(arms, ask(primary=True, margin=0.01, weights={"a": 1.0, "b": -1.0}))[0]
    assert (row.verdict, mirrored.verdict) == ("helps", "hurts")
    assert row.sentence.startswith("Helps: +") and "By more than the margin of 1 point." in row.sentence
    assert "new runs and new images, same training set (5 runs an arm, 400 images, last epoch)" in row.sentence
    assert row.difference == -mirrored.difference and row.low == pytest.approx(-mirrored.high)
    assert row.level == 0.95 and (row.low, row.high) == row.ci95 and row.plan == {}
    assert row.seeds == {"a": 5, "b": 5} and len(row.per_arm["b"]) == 5 and row.settled
    assert row.per_arm["b"][0] == pytest.approx(np.mean(arms["b"][0].evidence["test"].logits[0].argmax(axis=1)))


def test_open_leads_with_what_is_ruled_out():
    arms = study((0.0, 0.01), seed=6)
    row = answer(arms, ask(primary=True, margin=0.02))[0]
    assert row.verdict == "cannot_tell"
    assert row.sentence[0] in "+-" and "is ruled out." in row.sentence.split("] ")[0] + row.sentence
    bound = min(-row.low, row.high)
    assert f"{100 * bound:.1f} points is ruled out" in row.sentence
    word = {True: "loss", False: "gain"}
    assert f"A {word[-row.low <= row.high]} above" in row.sentence
    turned = answer(arms, ask(primary=True, margin=0.02, weights={"a": 1.0, "b": -1.0}))[0]
    assert f"A {word[-turned.low <= turned.high]} above {100 * bound:.1f} points is ruled out" in turned.sentence
    assert f"below {100 * row.mde80:.1f} points would usually be missed" in row.sentence
    assert row.plan["target"] == 0.02 and row.plan["target_is"] == "margin" and row.plan["sentence"]
    assert 0 <= row.one_run_wrong <= 1


def test_equivalence_comes_first():
    arms = study((0.0, 0.0), runs=10, images=4000, regime=Regime(0.002), seed=1)
    row = answer(arms, ask(primary=True, margin=0.02), design=Design((10,), "test"))[0]
    assert row.verdict == "no_practical_difference" and row.level == pytest.approx(0.90)
    assert "anything as large as 2 points is ruled out" in row.sentence and "(90 % interval)" in row.sentence
    assert row.low > -0.02 and row.high < 0.02
    small = study((0.0, 0.012), runs=10, images=4000, regime=Regime(0.002), seed=1)
    row = answer(small, ask(primary=True, margin=0.03), design=Design((10,), "test"))[0]
    assert row.verdict == "no_practical_difference" and "smaller than the margin was detected" in row.sentence


def test_without_a_margin_there_is_no_equivalence():
    row = answer(study((0.0, 0.0), runs=10, images=4000, regime=Regime(0.002), seed=1), design=Design((10,), "test"))[0]
    assert row.verdict == "cannot_tell" and row.p_equivalence is None
    assert row.plan["target_is"] == "observed" and "the difference seen here" in row.plan["sentence"]


def test_one_run_never_carries_a_verdict():
    row = answer(study((-0.1, 0.08), runs=1), ask(primary=True, margin=0.5), design=Design((1,), "test"))[0]
    assert row.verdict == "cannot_tell_one_run" and row.estimand == "these_networks"
    assert "cannot tell whether the change or the seed" in row.sentence and "These two networks" in row.sentence
    assert row.tipping_point > 0 and row.one_run_wrong is None and row.mde80 is None and row.p < 0.01
    assert "3 seeds" in row.plan["sentence"]


def test_one_run_in_one_arm():
    arms = study((0.0, 0.1))
    row = answer(arms | {"b": arms["b"][:1]})[0]
    assert row.verdict == "cannot_tell_one_run" and "assuming equal run variance" in row.sentence
    assert row.estimand == "new_images" and row.tipping_point is None


def test_identical_arms():
    one = study((0.0,))["a"][:1]
    row = answer({"a": one * 5, "b": one * 5}, ask(primary=True, margin=0.01))[0]
    assert row.verdict == "identical" and row.difference == 0 and row.one_run_wrong is None
    assert row.sentence.startswith("Identical on these images")


def test_same_predictions_of_runs_that_vary_are_noted():
    arms = study((0.0, 0.0))
    row = answer({"a": arms["a"], "b": arms["a"]}, ask(primary=True, margin=0.001))[0]
    assert row.verdict == "cannot_tell" and "same scores in every run" in row.notes[0]
    assert answer(arms)[0].notes == ()


def test_few_groups_answer_for_these_images():
    arms = study((0.0, 0.1), images=100)
    ids = arms["a"][0].evidence["test"].image_ids
    few = Design((5,), "test", groups={name: str(n % 7) for n, name in enumerate(ids)})
    row = answer(arms, design=few)[0]
    assert row.estimand == "these_images" and row.groups == 7
    assert "exactly these images" in row.sentence and "7 groups" in row.sentence and row.notes
    enough = Design((5,), "test", groups={name: str(n % 8) for n, name in enumerate(ids)})
    assert answer(arms, design=enough)[0].estimand == "new_images"
    with pytest.raises(DataError, match="have no group"):
        answer(arms, design=Design((5,), "test", groups={ids[0]: "x"}))


def test_primary_is_unadjusted_and_the_others_share():
    arms = study((0.0, 0.03, 0.03, 0.03, 0.0), seed=5)
    others = [ask(name, margin=0.01) for name in "cde"]
    rows = answer(arms, ask("b", primary=True, margin=0.01), *others)
    assert rows[0].p_adjusted == rows[0].p and rows[0].level == 0.95
    assert rows[0].p_equivalence_adjusted == rows[0].p_equivalence
    ordered = sorted(rows[1:], key=lambda r: r.p)
    assert ordered[0].p_adjusted == pytest.approx(min(1, 3 * ordered[0].p))
    assert ordered[-1].p_adjusted == pytest.approx(max(ordered[-1].p, ordered[1].p_adjusted))
    assert all(r.level == pytest.approx(1 - 0.05 / 3) for r in rows[1:] if r.verdict == "cannot_tell")
    weakest = sorted(rows[1:], key=lambda r: r.p_equivalence)
    assert weakest[0].p_equivalence_adjusted == pytest.approx(min(1, 3 * weakest[0].p_equivalence))


def test_the_control_is_in_no_family():
    arms = study((0.0, 0.03, 0.0), seed=5)
    alone = answer(arms, ask("b"))[0]
    with_control, control = answer(arms, ask("b"), ask("c", control=True))
    assert with_control == alone and control.p_adjusted == control.p and control.settled
    assert "same recipe twice" in control.sentence


LOOKS = Design((3, 5, 10), "test")


def test_a_question_stops_at_its_first_decisive_look():
    early = study((0.0, 0.11), runs=10)
    row = answer(early, design=LOOKS)[0]
    assert (row.look, row.verdict, row.alpha, row.seeds) == (3, "helps", pytest.approx(0.010), {"a": 3, "b": 3})
    assert row.level == pytest.approx(0.99) and "(99 % interval)" in row.sentence
    spoiled = early | {"b": early["b"][:3] + study((0.0, -0.3), runs=10)["b"][3:]}
    assert answer(spoiled, design=LOOKS)[0] == row


def test_looks_ask_for_more_seeds_only_where_it_is_open():
    arms = study((0.0, 0.11, 0.02), runs=3, seed=2)
    questions = [ask("b", primary=True), ask("c")]
    rows = answer(arms, *questions, design=LOOKS)
    assert undecided(rows) == ("c",)
    assert arms_still_needed(rows, LOOKS.looks) == {"a": 5, "c": 5}
    more = study((0.0, 0.11, 0.02), runs=5, seed=2)
    rows = answer(more | {"b": more["b"][:3]}, *questions, design=LOOKS)
    assert [r.look for r in rows] == [3, 5]
    last = answer(study((0.0, 0.0), runs=10), design=LOOKS)
    assert undecided(last) == () and arms_still_needed(last, LOOKS.looks) == {}


def test_short_of_the_first_look_nothing_is_decided():
    row = answer(study((0.0, 0.1), runs=2), design=LOOKS)[0]
    assert row.verdict == "cannot_tell" and not row.settled and "no verdict yet" in row.sentence
    assert arms_still_needed([row], LOOKS.looks) == {"a": 3, "b": 3}


def test_a_question_that_stopped_by_equivalence_keeps_its_place_in_the_family():
    calm = Regime(0.001)
    arms = study((0.0, 0.0, 0.02), runs=10, images=4000, regime=calm, seed=4)
    wide, narrow = ask("b", margin=0.05), ask("c")
    rows = answer(arms, wide, narrow, design=LOOKS)
    assert (rows[0].verdict, rows[0].look) == ("no_practical_difference", 3)
    alone = answer(arms, narrow, design=LOOKS)[0]
    assert rows[1].look >= alone.look and rows[1].p_adjusted >= min(1.0, rows[1].p)
    assert rows[1].level == pytest.approx(1 - rows[1].alpha / 2)


def test_futility_stops():
    arms = study((0.0, 0.0), runs=3, images=100, seed=1)
    row = answer(arms, ask(primary=True, margin=0.001), design=LOOKS)[0]
    assert row.settled and row.verdict == "cannot_tell" and "Stopped" in row.sentence
    assert arms_still_needed([row], LOOKS.looks) == {}


def test_losses_are_printed_positive():
    arms = study((0.0, 0.08))
    row = answer(arms, ask(primary=True, metric="neg_log_loss"))[0]
    assert row.verdict == "helps" and row.difference > 0
    assert f"log loss -{row.difference:.3f} [-{row.high:.3f}, -{row.low:.3f}]" in row.sentence


def test_metrics_of_plugins():
    def shout(scores):
        return 2.0 * (scores.predicted() == scores.targets)

    arms = study((0.0, 0.08))
    row = answer(arms, ask(metric="my_lab:shout"), metrics={"my_lab:shout": shout})[0]
    assert row.difference == pytest.approx(2 * answer(arms)[0].difference)
    with pytest.raises(StudyError, match="Unknown metric"):
        answer(arms, ask(metric="my_lab:shout"))


def factorial(interaction):
    arms = study((0.0, 0.02, 0.02, 0.04 + interaction), images=1000)
    main = Question("A", "", {"a": -0.5, "b": 0.5, "c": -0.5, "d": 0.5}, "accuracy", 0.01, "effect", ("A",))
    cross = Question("AB", "", {"a": 1.0, "b": -1.0, "c": -1.0, "d": 1.0}, "accuracy", 0.5, "interaction", ("A", "B"))
    return arms, main, cross


def test_a_main_effect_says_that_it_is_an_average():
    arms, main, cross = factorial(0.0)
    assert answer(arms, main, cross)[1].verdict == "no_practical_difference"  # a margin of 50 points
    assert answer(arms, main, cross)[0].notes == ()
    rows = answer(arms, main, replace(cross, margin=None))
    assert "average over its levels" in rows[0].notes[0] and "B" in rows[0].notes[0]
    assert f"half scale of textbooks it is {100 * rows[1].difference / 2:+.1f}" in rows[1].notes[0]


def test_other_images_are_refused():
    arms = study((0.0, 0.0), images=50)
    shifted = tuple(replace(r, evidence={"test": _other(r.evidence["test"])}) for r in arms["b"])
    with pytest.raises(DataError) as caught:
        answer({"a": arms["a"], "b": shifted})
    assert len(caught.value.problems) == 10  # five runs, other images and other targets
    fewer = {"a": study((0.0,), images=40)["a"], "b": arms["b"]}
    with pytest.raises(DataError, match="other images"):
        answer(fewer)


def _other(evidence: Evidence):
    return replace(evidence, image_ids=tuple("x" + i for i in evidence.image_ids), targets=1 - evidence.targets)


def test_bad_questions_are_refused():
    arms = study((0.0, 0.0), images=50)
    with pytest.raises(StudyError, match="must sum to zero"):
        answer(arms, ask(weights={"a": 1.0, "b": 1.0}))
    with pytest.raises(DataError, match="needs arm 'z', which has no run"):
        answer(arms, ask(weights={"a": -1.0, "z": 1.0}))


def test_picks_of_one_run():
    arms = {k: np.zeros((2, 10), dtype=bool) for k in "ab"}
    arms["a"][0, :4] = True  # accuracies .4 and 0 against .2 and .5: one pick of four is wrong
    arms["b"][0, :2], arms["b"][1, :5] = True, True
    row = answer(records(arms), design=Design((2,), "test"))[0]
    assert row.difference == pytest.approx(0.15) and row.one_run_wrong == 0.25
    assert row.per_arm == {"a": pytest.approx([0.4, 0.0]), "b": pytest.approx([0.2, 0.5])}


def test_many_arms_are_sampled():
    names = "abcdefgh"
    outcomes = correct(Regime(0.005), (0.0,) * 8, 10, 50, np.random.default_rng(0))
    weights = {n: 0.25 if k % 2 else -0.25 for k, n in enumerate(names)}
    arms = records(dict(zip(names, outcomes, strict=True)))
    row = answer(arms, ask(weights=weights), design=Design((10,), "test"))[0]
    assert 0 < row.one_run_wrong < 0.6


def test_where_the_doubt_comes_from():
    assert shares_sentence({"runs": 0.3, "images": 0.7}).startswith(
        "Of the uncertainty, 70 % comes from the few images"
    )
    assert shares_sentence({"runs": 0.9, "images": 0.1}).startswith("Of the uncertainty, 90 % comes from the few runs")


@pytest.mark.parametrize("seed", range(6))
def test_sentences_never_say_more_than_the_data(seed):
    arms = study((0.0, 0.02 * seed - 0.05, 0.01, 0.0), seed=seed, runs=3)
    questions = [
        ask("b", primary=True, margin=0.02),
        ask("c", metric="neg_brier"),
        ask("d", control=True),
        ask("x", weights={"a": 1.0, "b": -1.0, "c": -1.0, "d": 1.0}, kind="interaction", factors=("f", "g")),
    ]
    for row in answer(arms, *questions, design=Design((3,), "test")):
        text = " ".join([row.sentence, row.plan.get("sentence", ""), *row.notes]).lower()
        assert not any(word in text for word in FORBIDDEN), text
        assert "same training set" in text and "3 runs an arm" in text and "400 images" in text
        assert row.shares["runs"] + row.shares["images"] == pytest.approx(1)
        assert row.ci90[0] >= row.ci95[0] and row.ci90[1] <= row.ci95[1]
