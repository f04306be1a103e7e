"""A verdict of ours says about a claim what it can say, and no more."""

import re
from itertools import product

import pytest
from made_up_evidence import VERDICTS, fitting, told

from paribus.reproduce.claims import SHOWN, Claim, judged, together
from paribus.reproduce.words import against, better, change, finding, sentence

WHOLE = ("reproduced", "not_reproduced", "open", "one_run", "not_run")
FORBIDDEN = re.compile(r"\b(refut|prove|no difference|trend|significant|true\b|disprove)", re.I)
OPEN = ("cannot_tell", "cannot_tell_one_run", None)


def row(verdict):
    q = dict(told("training").question("crop-frozen"))
    return q | fitting(q, verdict)


def test_a_claim_is_reproduced_by_a_decided_answer_of_its_sign_alone():
    for sign, verdict in product((-1, 1), VERDICTS):
        found = judged(Claim("crop-frozen", sign), row(verdict))
        assert (found == "reproduced") == (verdict == {1: "helps", -1: "hurts"}[sign]), (sign, verdict)
        assert (found == "not_reproduced") == (verdict not in OPEN and found != "reproduced")
    assert judged(Claim("crop-frozen", 1), None) == "not_run"


def test_an_open_answer_may_still_exclude_what_the_original_printed():
    q = row("cannot_tell") | {"interval": {"level": 0.994, "low": -0.01, "high": 0.06}}
    outside, inside = (
        against(Claim("crop-frozen", sign, printed), q) for sign, printed in ((-1, -0.0475), (1, 0.0475))
    )
    assert "lie outside of what these runs leave open, [−1.0, +6.0] (99.4 % interval)" in outside
    assert "neither reproduced nor contradicted" in outside and "lie outside" not in inside


@pytest.mark.parametrize("verdict", ["no_practical_difference", "identical"])
def test_an_original_difference_below_the_margin_is_not_contradicted_by_none_as_large_as_it(verdict):
    q = row(verdict)
    small, large = (Claim("crop-frozen", 1, share * q["margin"]) for share in (0.6, 1.2))
    assert judged(small, q) == "open" and "are smaller than the margin of 3.0\u00a0points: neither" in against(small, q)
    assert judged(large, q) == "not_reproduced" and judged(Claim("crop-frozen", 1), q) == "not_reproduced"


def test_what_is_ruled_out_stands_beside_the_interval_that_ruled_it_out():
    q = row("no_practical_difference") | {"ci95": (-0.04, 0.01), "interval": {"level": 0.9, "low": -0.029, "high": 0.0}}
    said = finding(q, change("The crop"))
    assert (
        "[−2.9, 0.0] (90 % interval); anything as large as 3.0\u00a0points is ruled out" in said and "4.0" not in said
    )


@pytest.mark.parametrize("parts", [p for n in (1, 2, 3) for p in product(WHOLE, repeat=n)], ids="+".join)
def test_several_parts_are_reproduced_only_together(parts):
    found = together(parts)
    assert (found == "reproduced") == (set(parts) == {"reproduced"})
    assert (found == "partly") == ("reproduced" in parts and set(parts) <= set(WHOLE[:3]) and len(set(parts)) > 1)
    assert found in SHOWN


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("effect", [change("The crop"), better("the crop", "none")], ids=["change", "better"])
def test_every_verdict_has_a_sentence_that_says_no_more(verdict, effect):
    q = row(verdict)
    for sign, printed in product((-1, 1), (None, 0.0475, -0.0475)):
        said = sentence(Claim("crop-frozen", sign, printed), q, effect)
        assert said.endswith(".") and not FORBIDDEN.search(said)
        assert (effect.helps in said) == (verdict == "helps") and (effect.hurts in said) == (verdict == "hurts")
        assert ("ruled out" in said) == (verdict == "no_practical_difference")
        assert ("cannot be told" in said) == (verdict in OPEN[:2])
        if verdict in OPEN:
            assert not re.search(
                r"(?<!neither )(?<!nothing may be )reproduced here", said.replace("neither reproduced nor", "")
            )


@pytest.mark.parametrize("verdict", VERDICTS)
def test_what_follows_for_the_original_agrees_with_the_badge(verdict):
    for sign in (-1, 1):
        claim = Claim("crop-frozen", sign, 0.05 * sign)
        said, badge = against(claim, row(verdict)), judged(claim, row(verdict))
        assert ("not reproduced here" in said) == (badge == "not_reproduced")
        assert (": reproduced here" in said) == (badge == "reproduced")
        assert ("neither reproduced nor contradicted" in said) == (badge == "open")
        assert (said == "") == (badge in ("one_run", "not_run"))


def test_an_interval_that_excludes_zero_and_decides_nothing_is_explained():
    q = row("cannot_tell") | {"ci95": (0.001, 0.05), "p_adjusted": 0.07}
    said = finding(q, change("The crop"))
    assert "Alone this interval excludes zero" in said and "0.070" in said
    assert "Alone" not in finding(row("cannot_tell"), change("The crop"))


def test_one_run_allows_no_conclusion():
    said = finding(row("cannot_tell_one_run"), change("The crop"))
    assert "One run an arm" in said and "nothing may be concluded" in said
