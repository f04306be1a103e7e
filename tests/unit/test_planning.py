"""What `paribus plan` says before any training."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from tiny import recipe

from paribus.planning import ArmCost, reduction


def bound(shorter, **changes):
    """As much of a bound study as is looked at: one arm, ten images."""
    facts = {str(i): SimpleNamespace(width=shorter * 2, height=shorter) for i in range(10)}
    study = SimpleNamespace(recipes={"baseline": recipe(**changes)})
    return SimpleNamespace(study=study, scans={"baseline": SimpleNamespace(facts=facts)})


CROP = [{"use": "random_resized_crop", "scale": [0.25, 1]}]


@pytest.mark.parametrize(
    ("shorter", "changes", "expected"),
    [
        (500, {"augment": CROP, "input": {"size": 100, "crop_fraction": 1}}, 200),  # half a side is 100 pixels
        (250, {"augment": CROP, "input": {"size": 100, "crop_fraction": 1}}, None),  # hardly larger
        (500, {"augment": [], "input": {"size": 100, "crop_fraction": 0.5}}, 200),  # evaluation wants more
        (500, {"augment": [], "input": {"size": 100, "prepare": 128}}, None),  # said already
    ],
)
def test_images_that_are_larger_than_any_arm_needs_could_be_reduced_once(shorter, changes, expected):
    assert reduction(bound(shorter, **changes)) == expected


def test_what_all_missing_runs_take():
    row = ArmCost("baseline", 3, 10.0, shared=5.0, trials=2, seconds_a_trial=1.0, bytes_a_run=1000)
    assert (row.seconds, row.bytes) == (37.0, 5000)


def test_the_faster_precision_is_named_only_where_it_saves_a_tenth():
    row = ArmCost("baseline", 1, 10.0, by_precision={"float32": 10.0, "bf16": 8.0})
    assert row.faster == "bf16"
    assert replace(row, by_precision={"float32": 10.0, "bf16": 9.5}).faster is None
    assert replace(row, seconds_a_run=8.0, by_precision={"float32": 10.0, "bf16": 8.0}).faster is None
    assert ArmCost("baseline", 0, 0.0).faster is None
