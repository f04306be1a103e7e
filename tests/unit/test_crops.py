"""The crop audit: known chains have known shares, and what is not known is said to be unknown."""

from dataclasses import replace

import pytest
from tiny import recipe

from paribus import boxes, datasets
from paribus.audits import crops, findings
from paribus.errors import DataError
from paribus.scan import scan

CENTRE = (24.0, 24.0, 72.0, 72.0)  # half of the side of a picture of 96


@pytest.fixture(scope="module")
def faces():
    """Drawn faces whose boxes are all said to be in the middle."""
    found = scan(datasets.faces(n=24, n_val=4, size=96))
    items = tuple(replace(item, box=CENTRE) for item in found.images.items)
    return replace(found, images=replace(found.images, items=items))


def row(faces, augment, draws=8, **size):
    return crops.of_arm(
        "arm", recipe(augment=augment, input={"size": 48, "crop_fraction": 1} | size), faces, draws=draws
    )


def test_without_a_crop_every_box_is_whole_and_as_large_as_at_evaluation(faces):
    found = row(faces, ["horizontal_flip"])
    assert (found.images, found.draws, found.training.share.count) == (24, 8, 192)
    assert found.training.whole == found.evaluation.whole == 1
    assert found.training.size.median == pytest.approx(0.5)
    assert found.enlarged.low == found.enlarged.high == pytest.approx(1)
    assert sum(found.training.histogram) == 192 and found.training.histogram[-1] == 192


def test_a_crop_of_fixed_size_enlarges_by_its_own_factor(faces):
    found = row(faces, [{"use": "random_resized_crop", "scale": [0.25, 0.25], "ratio": [1, 1]}])
    assert found.enlarged.median == pytest.approx(2)
    assert found.training.size.median == pytest.approx(1)
    assert found.training.whole == 0  # as large as the box, and hardly ever exactly there
    assert 0.2 < found.training.share.median < 0.7


def test_wider_crops_hold_more_of_the_box(faces):
    wild, tight = (row(faces, [{"use": "random_resized_crop", "scale": [low, 1]}]) for low in (0.08, 0.75))
    assert wild.training.whole < 0.5 < tight.training.whole
    assert wild.training.share.median < tight.training.share.median
    assert wild.enlarged.median > tight.enlarged.median > 1


def test_evaluation_that_cuts_off_the_border_is_told(faces):
    found = row(faces, ["resize"], crop_fraction=0.4)
    assert found.evaluation.whole == 0
    assert found.evaluation.share.median == pytest.approx((0.4 / 0.5) ** 2, abs=0.03)
    assert found.enlarged.median == pytest.approx(0.4)


def test_a_larger_evaluation_is_the_rival_explanation(faces):
    found = row(faces, ["horizontal_flip"], eval_size=96)
    assert found.enlarged.median == pytest.approx(0.5)


def test_views_in_advance_are_no_more_crops_than_there_are(faces):
    found = crops.of_arm("arm", recipe(views=2), faces, draws=8)
    assert found.draws == 2 and found.training.share.count == 48


def test_images_reduced_once_have_their_boxes_reduced_too(faces):
    found = row(faces, ["horizontal_flip"], prepare=48)
    assert found.training.size.median == pytest.approx(0.5)
    assert found.training.whole == 1


def test_augmentations_that_cannot_be_followed_are_named(faces):
    assert row(faces, ["auto_augment", "cutout", "color_jitter"], draws=1).not_followed == ("auto_augment",)


def test_without_boxes_it_is_not_applicable(faces):
    items = tuple(replace(item, box=None) for item in faces.images.items)
    blind = replace(faces, images=replace(faces.images, items=items))
    audit = crops.of_arms({"baseline": recipe()}, {"baseline": blind})
    assert audit.rows == () and "boxes.csv" in audit.not_applicable
    assert {f.outcome for f in findings.of_crops(audit)} == {"not_applicable"}


def test_the_same_seed_gives_the_same_rows_and_another_one_others(faces):
    assert crops.of_arm("a", recipe(), faces, 0) == crops.of_arm("a", recipe(), faces, 0)
    assert crops.of_arm("a", recipe(), faces, 0) != crops.of_arm("a", recipe(), faces, 1)


def test_findings_name_the_arms_that_miss_or_enlarge_the_object(faces):
    arms = {
        "tight": recipe(augment=["horizontal_flip"], input={"size": 48, "crop_fraction": 1}),
        "wild": recipe(augment=["random_resized_crop"]),
    }
    box, scale = findings.of_crops(crops.of_arms(arms, dict.fromkeys(arms, faces)))
    assert (box.outcome, scale.outcome) == ("tip", "tip")
    assert "wild: " in box.sentence and "tight" not in box.sentence
    assert "wild: " in scale.sentence and "tight" not in scale.sentence
    box, scale = findings.of_crops(crops.of_arms({"tight": arms["tight"]}, {"tight": faces}))
    assert (box.outcome, scale.outcome) == ("passed", "passed")


def written(folder, text):
    path = folder / "boxes.csv"
    path.write_text(text)
    return path


def test_boxes_come_from_a_table_and_are_cut_at_the_border(faces, tmp_path):
    path = written(tmp_path, "path,x,y,w,h\ntrain/00000,10,20,30,40\ntrain/00001,-5,80,20,50\n")
    found = {item.id: item.box for item in boxes.boxed(faces, path).images.items}
    assert found["train/00000"] == (10, 20, 40, 60)
    assert found["train/00001"] == (0, 80, 15, 96)
    assert found["train/00002"] == CENTRE


def test_boxes_move_no_fingerprint(faces, tmp_path):
    path = written(tmp_path, "path,x,y,w,h\ntrain/00000,10,20,30,40\n")
    assert boxes.boxed(faces, path).fingerprints == faces.fingerprints


def test_all_that_is_wrong_with_a_table_is_said_at_once(faces, tmp_path):
    lines = ["path,x,y,w,h", "train/00000,1,1,2,2", "train/00000,1,1,2,2", "nobody,1,1,2,2", "train/00003,a,1,2,2"]
    lines += ["train/00004,200,1,2,2", "train/00005,1,1,0,2", "train/00006,1,1,inf,2"]
    with pytest.raises(DataError) as error:
        boxes.boxed(faces, written(tmp_path, "\n".join(lines)))
    said = {problem.message for problem in error.value.problems}
    assert said == {
        "an image that was listed before: 'train/00000' in line 3.",
        "an image that is not in the data set: 'nobody' in line 4.",
        "not x, y, w, h of a box inside of the image: line 5, line 6, line 7, line 8.",
    }


@pytest.mark.parametrize("text", ["", "path,x,y\na,1,2\n", "\xff\xfe"])
def test_a_table_without_the_columns_is_refused(faces, tmp_path, text):
    path = tmp_path / "boxes.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="BOXES"):
        boxes.boxed(faces, path)
