"""The studies of the repository can run as written, and those of CamVid are what their head comments say."""

from pathlib import Path

import pytest

from paribus.recipe import differences
from paribus.study import Study

HOME = Path(__file__).parents[2]
STUDIES = HOME / "studies"


@pytest.mark.parametrize(
    "file", sorted([*STUDIES.glob("*.yaml"), *HOME.glob("paribus/studies/*.yaml")]), ids=lambda file: file.stem
)
def test_every_study_is_accepted(file):
    assert Study.read(file).recipes


def test_the_two_splits_of_camvid_are_asked_with_one_recipe():
    standard, drives = (Study.read(STUDIES / f"{name}.yaml") for name in ("camvid", "camvid-sequence"))
    for arm in ("baseline", "no-skips"):
        assert set(differences(standard.recipes[arm], drives.recipes[arm])) == {"data.split"}
    primary = [next(q for q in each.questions if q.primary) for each in (standard, drives)]
    assert primary[0].weights == primary[1].weights == {"no-skips": -1.0, "baseline": 1.0}


def test_the_short_form_by_drives_is_shorter_and_nothing_else():
    whole, short = (Study.read(STUDIES / f"camvid-sequence{form}.yaml") for form in ("", "-short"))
    for arm in ("baseline", "no-skips"):
        assert set(differences(whole.recipes[arm], short.recipes[arm])) == {"epochs"}
    assert whole.questions == short.questions


def test_the_three_labels_are_scored_as_three():
    questions = {q.name: q for q in Study.read(STUDIES / "camvid.yaml").questions}
    assert questions["fewer-labels"].score_in["classes"] == ["sky", "static", "objects"]
    assert questions["skips"].score_in is None
