"""IoU of each class: the engine's interval where the class is there often enough, none where it is not."""

from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from paribus import confusion, per_class
from paribus.simulate import masks
from paribus.stats import contrast, these_images


@pytest.fixture(scope="module")
def arms():
    made = masks({"a": 0.0, "b": 0.3}, 4, 100, np.random.default_rng(1), run_sd=0.1)
    return [[run.evidence["test"].at(1) for run in runs] for runs in made.values()]


def test_levels_are_the_sets_iou_with_the_engines_interval(arms):
    rows = per_class.levels(arms[0])
    assert [row.name for row in rows] == ["sky", "road", "building", "car", "sign"]
    for k, row in enumerate(rows):
        assert row.value == pytest.approx(np.mean([confusion.iou(run.confusion)[k] for run in arms[0]]))
        assert row.images == (arms[0][0].confusion[:, k].sum(axis=1) > 0).sum() and row.p is row.p_adjusted is None
    expected = contrast([np.stack([confusion.class_iou(run.confusion, 0) for run in arms[0]])], [1.0])
    assert (rows[0].low, rows[0].high) == pytest.approx((expected.low, expected.high))
    assert rows[0].estimand == "new_images"


def test_n_eff_counts_equal_areas(arms):
    one = arms[0][0]
    u = one.confusion[:, 2].sum(axis=1) + one.confusion[:, :, 2].sum(axis=1) - one.confusion[:, 2, 2]
    assert per_class.levels([one])[2].n_eff == pytest.approx(u.sum() ** 2 / (u**2).sum())
    even = np.tile([[5, 1], [2, 4]], (30, 1, 1))
    rows = per_class.levels([replace(one, image_ids=tuple(map(str, range(30))), confusion=even, classes=("x", "y"))])
    assert [row.n_eff for row in rows] == pytest.approx([30, 30])


def test_no_interval_below_eight(arms):
    def only(images):
        made = []
        for run in arms[0]:
            counts = np.zeros_like(run.confusion) + np.diag([9, 9, 9, 9, 0])
            counts[:images, 4, 4] = 7
            counts[:images, 4, 0] = np.arange(images) % 3
            made.append(replace(run, confusion=counts))
        return per_class.levels(made)[4]

    seven, nine, none = only(7), only(9), only(0)
    assert (seven.images, seven.low, seven.high) == (7, None, None) and 0.8 < seven.value < 1
    assert nine.images == 9 and nine.low is not None
    assert (none.value, none.low, none.images, none.n_eff) == (None, None, 0, 0.0)


def test_one_image_that_holds_nearly_all_pixels_is_few_too(arms):
    made = []
    for run in arms[0]:
        counts = run.confusion.copy()
        counts[0, 0, 0] = counts[:, 0].sum() * 100
        made.append(replace(run, confusion=counts))
    row = per_class.levels(made)[0]
    assert row.images == 100 and row.n_eff < 2 and row.low is None


def test_differences_are_contrasts_adjusted_over_the_classes(arms):
    rows = per_class.differences(arms)
    common = [row for row in rows if row.p is not None]
    assert len(common) >= 4 and all(row.value > 0 for row in common)
    adjusted = multipletests([row.p for row in common], method="fdr_bh")[1]
    assert [row.p_adjusted for row in common] == pytest.approx(list(adjusted))
    scores = [np.stack([confusion.class_iou(run.confusion, 1) for run in arm]) for arm in arms]
    assert rows[1].p == pytest.approx(contrast(scores).p)
    assert per_class.differences(arms, (1.0, -1.0))[1].value == pytest.approx(-rows[1].value)


def test_groups_count_and_few_groups_speak_of_these_images(arms):
    groups = [f"g{n // 5}" for n in range(100)]
    row = per_class.levels(arms[0], groups)[0]
    y = np.stack([confusion.class_iou(run.confusion, 0) for run in arms[0]])
    assert row.groups == 20 and row.low == pytest.approx(contrast([y], [1.0], groups).low)
    few = per_class.levels(arms[0], [f"g{n // 20}" for n in range(100)])[0]
    assert few.estimand == "these_images" and few.low == pytest.approx(these_images([y], [1.0]).low)
    lumped = [f"g{n}" if n > 80 else "g" for n in range(100)]
    held = arms[0][0].confusion[:, 3].sum(axis=1) > 0
    assert per_class.levels(arms[0], lumped)[3].groups == len(set(np.array(lumped)[held]))
    hidden = [replace(run, confusion=run.confusion * (np.arange(100) < 90)[:, None, None]) for run in arms[0]]
    rare = per_class.levels(hidden, [f"g{n}" if n >= 90 else f"h{n // 15}" for n in range(100)])[0]
    assert rare.groups == 6 and rare.low is None  # 16 groups in all, six that hold the class
