"""The scoreboard in small: a planted effect and a change that changes nothing, from `paribus run` to the table."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from paribus.contrasts import contrasts
from paribus.questions import Design, Question
from paribus.recipe import differences
from paribus.simulate import records
from paribus.study import Study
from scoreboard import __main__ as command
from scoreboard import board, data
from scoreboard.planted import RIGHT, Planted, outcome, read

STUDIES = sorted((command.HOME / "studies").glob("*.yaml"))
TINY = """
title: "Tiny"
metric: accuracy
margin: 0.1
seeds: 3
split: val
control: a/a
baseline:
  data: {use: "scoreboard.data:faces", n: 64, n_val: 64, size: 32, difficulty: 0, marked: true}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 32, crop_fraction: 1}
  augment: [{use: horizontal_flip, p: 0}]
  optimizer: {use: adam, lr: 1e-2}
  schedule: one_cycle
  epochs: 4
  batch_size: 8
arms:
  blind: {augment: [{use: cutout, side: 96}]}
  no-flip: {augment: []}
questions:
  blind: {compare: [baseline, blind]}
  no-flips: {compare: [no-flip, baseline]}
"""


PLANTED = """
tiny:
  blind: {truth: hurts, planted: "black pictures"}
  no-flips: {truth: nothing, planted: "no flips"}
  a/a: {truth: nothing, planted: "other seeds"}
"""


@pytest.fixture
def home(tmp_path):
    """A scoreboard of one tiny study."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "tiny.yaml").write_text(TINY)
    (tmp_path / "planted.yaml").write_text(PLANTED)
    return tmp_path


def test_whole_studies_from_the_command_to_the_table(home, capfd):
    given = ["--out", str(home / "out"), "--threads", "1"]
    assert command.main(given, home) == 0
    first = capfd.readouterr()
    table = (home / "out" / "scoreboard.md").read_text()
    assert table in first.out and "12 runs to train" in first.err
    assert "3 planted effects: " in table and "0 are wrong." in table
    blind, none, _ = json.loads((home / "out" / "scoreboard.json").read_text())["rows"]
    assert (blind["verdict"], blind["outcome"], blind["ways"]) == ("hurts", "right", 9)
    assert none["difference"] == 0 and none["truth"] == "nothing"
    assert command.main(given, home) == 0
    again = capfd.readouterr()
    assert "nothing to train: all 12 runs are there" in again.err and table in again.out


def test_a_study_that_fails_ends_the_command_with_itsexit_code(home, capfd):
    (home / "studies" / "tiny.yaml").write_text("seeds: 3\n")
    assert command.main(["--out", str(home / "out")], home) == 2
    assert "a study needs" in capfd.readouterr().err and not (home / "out" / "scoreboard.md").exists()


def test_an_unknown_name_is_refused(home, capsys):
    with pytest.raises(SystemExit):
        command.main(["tinny"], home)
    assert "there are tiny" in capsys.readouterr().err


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_every_question_has_its_truth_and_every_truth_its_question(file):
    study = Study.read(file, (command.PLUGIN,))
    assert set(read(command.HOME / "planted.yaml")[file.stem]) == {q.name for q in study.questions}


def test_ten_effects_and_more_are_planted_of_every_kind_for_images_and_masks():
    planted = read(command.HOME / "planted.yaml")
    assert set(planted) == {file.stem for file in STUDIES}
    assert len([p for rows in planted.values() for p in rows.values()]) >= 20
    assert {p.truth for rows in planted.values() for p in rows.values()} == set(RIGHT)
    assert len(planted["streets"]) >= 8


def test_what_differs_by_nothing_differs_by_one_choice_in_the_recipe():
    study = Study.read(command.HOME / "studies" / "faces.yaml", (command.PLUGIN,))
    assert set(differences(study.recipes["baseline"], study.recipes["faint-decay"])) == {"optimizer.weight_decay"}


def test_a_truth_that_is_none_is_refused(tmp_path):
    (tmp_path / "planted.yaml").write_text("s: {q: {truth: perhaps, planted: x}}\n")
    with pytest.raises(ValueError, match="q: truth is 'perhaps'; write one of helps, hurts, nothing, tiny"):
        read(tmp_path / "planted.yaml")


@pytest.mark.parametrize(
    ("truth", "right", "wrong", "stays_open"),
    [
        ("helps", ["helps"], ["hurts", "no_practical_difference", "identical"], True),
        ("hurts", ["hurts"], ["helps", "no_practical_difference", "identical"], True),
        ("nothing", ["no_practical_difference", "identical"], ["helps", "hurts"], True),
        ("tiny", ["helps", "no_practical_difference", "identical", "cannot_tell"], ["hurts"], False),
    ],
)
def test_which_verdicts_are_right(truth, right, wrong, stays_open):
    assert {outcome(truth, verdict) for verdict in right} == {"right"}
    assert {outcome(truth, verdict) for verdict in wrong} == {"wrong"}
    assert (outcome(truth, "cannot_tell") == "open") == stays_open


def test_a_control_is_wrong_only_if_it_came_out_as_a_difference():
    said = ("helps", "hurts", "cannot_tell", "no_practical_difference", "identical")
    assert [outcome("nothing", verdict, control=True) for verdict in said] == ["wrong"] * 2 + ["right"] * 3


# --- what one run would have said is held against the truth, not against the verdict


def answer(verdict, margin=0.015):
    accuracies = {"a": [0.80, 0.84], "b": [0.83, 0.82]}  # differences of picks .03 -.01 .02 -.02
    outcomes = [np.arange(100) < 100 * each for arm in accuracies.values() for each in arm]
    runs = records({"a": np.stack(outcomes[:2]), "b": np.stack(outcomes[2:])}, split="val")
    question = Question("q", "", {"a": -1.0, "b": 1.0}, "accuracy", margin, primary=True)
    row = replace(contrasts([question], runs, Design((2,), "val"))[0], verdict=verdict)
    arms = tuple(SimpleNamespace(name=name, runs=each) for name, each in runs.items())
    return SimpleNamespace(arms=arms, contrasts=(row,))


@pytest.mark.parametrize(
    ("truth", "margin", "wrong"),
    [
        ("helps", 0.015, 0.5),
        ("hurts", 0.015, 0.5),
        ("nothing", 0.015, 0.75),
        ("nothing", 0.025, 0.25),
        ("tiny", 0.04, 0),
    ],
)
@pytest.mark.parametrize("verdict", ["cannot_tell", "helps", "no_practical_difference"])
def test_picks_are_held_against_the_truth(truth, margin, wrong, verdict):
    row = board.rows_of("s", answer(verdict, margin), {"q": Planted("x", truth)})[0]
    assert row.one_run_wrong == wrong and row.verdict == verdict and row.outcome == outcome(truth, verdict)
    assert (row.one_run_low, row.one_run_high) == pytest.approx((-0.02, 0.03))


def test_the_summary_counts():
    rows = [
        board.rows_of("s", answer(verdict), {"q": Planted("x", truth)})[0]
        for verdict, truth in (("helps", "helps"), ("cannot_tell", "hurts"), ("helps", "nothing"), ("helps", "tiny"))
    ]
    rows[3] = replace(rows[3], one_run_wrong=0.0)
    said = board.summary(rows).replace("\N{NO-BREAK SPACE}", " ")
    assert "4 planted effects: 2 verdicts are right, 1 left open what is true, 1 are wrong." in said
    assert "wrong in 44 % on average" in said and "for 3 of them in some pick" in said
    assert board.markdown(rows).count("\n| ") == 4


# --- the flaws that are planted are there, in the training images alone


def by_id(images, split):
    return {item.id: item for item in images.items if item.split == split}


def test_labels_are_flipped_in_the_share_asked_for_and_in_training_only():
    plain, wrong = data.faces(n=100, n_val=4, size=32), data.faces(n=100, n_val=4, size=32, flipped=0.3)
    flipped = [id for id, item in by_id(plain, "train").items() if item.label != by_id(wrong, "train")[id].label]
    assert 20 < len(flipped) < 40
    more = data.faces(n=100, n_val=4, size=32, flipped=0.5)
    assert set(flipped) < {
        id for id, item in by_id(plain, "train").items() if by_id(more, "train")[id].label != item.label
    }
    assert by_id(plain, "val") == by_id(wrong, "val")


def test_a_mark_tells_the_true_class_in_every_split():
    marked = data.faces(n=20, n_val=20, flipped=0.5, marked=True)
    true = {item.id: item.label for item in data.faces(n=20, n_val=20).items}
    for item in marked.items:
        edge = marked.load(item)[:6]
        assert edge.min() == edge.max() == 255 * true[item.id]


def test_grey_faces_have_no_colour_and_are_the_same_faces():
    plain, grey = data.faces(n=4, n_val=4), data.faces(n=4, n_val=4, grey=True)
    for item in grey.items:
        colours, pixels = plain.load(item).astype(int), grey.load(item)
        assert pixels.dtype == np.uint8 and np.ptp(pixels, axis=2).max() == 0 and np.ptp(colours, axis=2).max() > 20
        assert abs(colours @ [0.299, 0.587, 0.114] - pixels[..., 0]).max() <= 0.5


@pytest.mark.parametrize("which", ["masks", "own_masks"])
def test_masks_of_training_images_lie_too_far_to_the_right(which):
    plain, moved = data.streets(n=8, n_val=8), data.streets(n=8, n_val=8, shifted=6)
    for item in plain.items:
        before, after = getattr(plain, which)(item), getattr(moved, which)(item)
        if item.split == "train":
            assert np.array_equal(after[:, 6:], before[:, :-6]) and not np.array_equal(before, after)
        else:
            assert np.array_equal(before, after)


def test_without_a_flaw_the_data_are_the_built_in_ones():
    from paribus import datasets

    ours, theirs = data.streets(n=8, n_val=8), datasets.streets(n=8, n_val=8, size=(72, 96), difficulty=0.3)
    assert ours.items == theirs.items and np.array_equal(ours.load(ours.items[0]), theirs.load(theirs.items[0]))
