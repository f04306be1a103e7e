"""Label spaces: merging loses no class and no pixel, whatever the order of the groups, and says all that is wrong."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paribus.errors import StudyError
from paribus.labels import CAMVID11, VOID, Space, chosen, mapped, merge

THREE = {
    "sky": ["sky"],
    "static": ["building", "road", "pavement", "tree", "fence"],
    "objects": ["pole", "sign", "car", "pedestrian", "bicyclist"],
}


def refused(call, *args):
    with pytest.raises(StudyError) as caught:
        call(*args)
    return "\n".join(p.line() for p in caught.value.problems)


def test_camvid_in_three_classes():
    space, numbers = merge(CAMVID11, THREE)
    assert space.classes == ("sky", "static", "objects")
    assert numbers == (0, 1, 2, 1, 1, 1, 2, 1, 2, 2, 2)
    assert space.colours == ((128, 128, 128), (128, 0, 0), (192, 192, 128))


@given(st.permutations(list(THREE)))
def test_the_order_of_the_groups_moves_no_number(names):
    assert merge(CAMVID11, {name: THREE[name] for name in names}) == merge(CAMVID11, THREE)


def test_a_space_survives_json():
    assert Space.from_plain(json.loads(json.dumps(CAMVID11.plain()))) == CAMVID11
    with pytest.raises(ValueError, match="2 classes and 1 colours"):
        Space(("a", "b"), ((0, 0, 0),))


def test_all_that_is_wrong_with_a_merge_is_told_at_once():
    groups = {"up": ["sky", "tre"], "down": ["road", "sky"], "none": []}
    text = refused(merge, CAMVID11, groups)
    assert "Did you mean 'tree'" in text and "'sky' is listed 2 times (up, down)" in text
    assert "merge.none holds no class" in text and "no group has building, pole, pavement, tree" in text
    assert "makes 1 class" in refused(merge, CAMVID11, {"all": list(CAMVID11.classes)})
    assert "listed 2 times" in refused(merge, Space(("a", "b"), ((0,) * 3,) * 2), {"x": ["a", "a"], "y": ["b"]})


def test_what_labels_may_say():
    assert chosen(CAMVID11, None) == chosen(CAMVID11, "camvid11") == (CAMVID11, tuple(range(11)))
    assert chosen(CAMVID11, {"merge": THREE}) == merge(CAMVID11, THREE)
    assert "Did you mean 'camvid11'" in refused(chosen, CAMVID11, "camvid1")
    assert "whose classes are a, b" in refused(chosen, Space(("a", "b"), ((0,) * 3,) * 2), "camvid11")
    assert "expected is merge alone" in refused(chosen, CAMVID11, {"three": THREE})


def test_void_stays_void_and_no_pixel_is_lost():
    mask = np.array([[0, 1, 2], [10, VOID, 3]], np.uint8)
    assert mapped(mask, merge(CAMVID11, THREE)[1]).tolist() == [[0, 1, 2], [2, VOID, 1]]
