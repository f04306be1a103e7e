"""The studies of the reproduction can run at every size, and share runs with those of the repository."""

from itertools import product
from pathlib import Path

import pytest
import yaml

from paribus.errors import DataError
from paribus.recipe import differences
from paribus.reproduce import studies
from paribus.reproduce.answers import crop, labels, looks, recipe, training
from paribus.reproduce.studies import Asked, composed, merged, study
from paribus.study import Study

STUDIES = Path(__file__).parents[3] / "studies"
HERE = Path("anywhere")
SIZES = [Asked(faces, camvid, quick) for faces, camvid, quick in product((None, HERE), (None, HERE), (False, True))]


@pytest.mark.parametrize("asked", SIZES, ids=lambda a: f"{'quick' if a.quick else 'full'}-{'-'.join(a.data)}")
@pytest.mark.parametrize("name", [*studies.NAMES, studies.LOOKS])
def test_every_size_is_a_study_that_can_run(asked, name, tmp_path):
    read = study(asked, name, tmp_path)
    assert read.path.name == f"{asked.stem(name)}.yaml"
    use = read.recipes["baseline"].data.use
    assert use == (
        {"labels": "streets"}.get(name, "faces") if asked.drawn(name) else {"labels": "camvid"}.get(name, "folder")
    )
    assert (read.roots["baseline"] is None) == asked.drawn(name)


@pytest.mark.parametrize(
    ("name", "file"), [("training", "smiles"), ("labels", "camvid"), ("recipe", "what-earned-the-gain")]
)
def test_the_full_size_shares_its_runs_with_the_worked_study(name, file):
    ours = Study.from_dict(composed(Asked(HERE, HERE), name))
    worked = Study.read(STUDIES / f"{file}.yaml")
    for arm in worked.recipes:
        assert differences(ours.recipes[arm], worked.recipes[arm]) == {}, arm
        assert ours.seeds_of(arm)[: len(worked.seeds)] == worked.seeds_of(arm)[: len(ours.seeds)]


def test_the_drawn_study_of_the_audits_shares_its_runs_with_the_quick_one():
    ours = Study.from_dict(composed(Asked(HERE), "looks"))
    quick = Study.from_dict(composed(Asked(quick=True), "training"))
    for arm in looks.ARMS:
        assert differences(ours.recipes[arm], quick.recipes[arm]) == {}, arm


@pytest.mark.parametrize("quick", [False, True])
def test_what_the_answers_ask_for_is_there(quick):
    asked = Asked(quick=quick)
    of = {name: Study.from_dict(composed(asked, name)) for name in studies.NAMES}
    questions = {name: {q.name for q in each.questions} for name, each in of.items()}
    claims = (training.TUNING, training.EXTRACTOR, crop.FROZEN, crop.TUNED, crop.INTERACTION, crop.TRANSFER)
    assert {c.question for c in claims} | {"pretraining", "architecture", "view-frozen", "view-tuned"} <= questions[
        "training"
    ]
    assert {recipe.EVERYTHING.question, *recipe.FACTORS, *recipe.INTERACTIONS} <= questions["recipe"]
    wanted = {c.question for c in (labels.SKIPS, labels.SKIPS_PIXELS, labels.FEWER)} | {"skips-boundaries", "weights"}
    assert wanted <= questions["labels"]
    arms = {arm for _, wild, whole, _ in crop.GRID for arm in (wild, whole)}
    assert arms | set(training.LABELS) | set(looks.ARMS) | set(looks.CROPS) <= set(of["training"].recipes)
    assert set(recipe.ARMS) == set(of["recipe"].recipes)
    assert {"baseline", "no-skips", "three", "unweighted"} <= set(of["labels"].recipes)


def test_the_interaction_is_the_difference_of_the_two_effects_of_the_crop():
    of = {q.name: q.weights for q in Study.from_dict(composed(Asked(), "training")).questions}
    summed = {arm: of["crop-tuned"].get(arm, 0) - of["crop-frozen"].get(arm, 0) for arm in of["crop-by-training"]}
    assert of["crop-by-training"] == summed


def test_seeds_can_be_asked_for(tmp_path):
    assert study(Asked(seeds=1, quick=True), "labels", tmp_path).seeds == (0,)


def test_without_a_test_split_epochs_are_cross_fitted_on_val(tmp_path):
    read = study(Asked(HERE), "training", tmp_path, frozenset({"train", "val"}))
    assert (read.split, read.epoch) == ("val", "crossfit")
    drawn = study(Asked(), "training", tmp_path, frozenset({"train", "val"}))
    assert (drawn.split, drawn.epoch) == ("test", "val")


def test_both_folders_are_complained_about_at_once(tmp_path):
    with pytest.raises(DataError) as caught:
        studies.checked(Asked(tmp_path / "nowhere", tmp_path / "nothing"))
    assert len(caught.value.problems) == 2
    assert not list(tmp_path.iterdir())


def test_the_file_that_is_written_is_the_study(tmp_path):
    asked = Asked(quick=True)
    study(asked, "training", tmp_path)
    assert yaml.safe_load((tmp_path / f"{asked.stem('training')}.yaml").read_text()) == composed(asked, "training")


def test_a_part_with_another_name_takes_the_place_of_the_whole():
    base = {"data": {"use": "folder", "root": "x"}, "input": {"size": 96, "normalize": "model"}}
    found = merged(base, {"data": {"use": "faces", "n": 2}, "input": {"size": 64}})
    assert found == {"data": {"use": "faces", "n": 2}, "input": {"size": 64, "normalize": "model"}}
    assert base["input"]["size"] == 96
