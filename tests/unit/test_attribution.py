"""The attribution audit: maps of networks whose answer has a known place, and what is said of their shares."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import contents, image_set, recipe, run, trained
from torch import nn

from paribus.audits import attribution, findings, maps
from paribus.audits.rows import METHODS, AttributionAudit
from paribus.audits.shares import Looked, areas, differences, inside, row, shares
from paribus.errors import DataError, MachineError
from paribus.store import Store
from paribus.trained import trained as trained_network
from paribus.trained import unloaded

pytest.importorskip("captum", reason="the extra `audit` is not installed")

SIZE = 16


class HalfSeeing(nn.Module):
    """Answers by the brightness of the left half; class 2 is never likely."""

    def __init__(self):
        super().__init__()
        self.look = nn.Conv2d(3, 2, 1, bias=False)
        self.look.weight.data[:] = 1.0

    def forward(self, images):
        left = images.clone()
        left[..., SIZE // 2 :] = 0
        bright = self.look(left).mean((1, 2, 3))
        return torch.stack([bright, -bright, bright - 9], dim=1)


def pictures(count=5):
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


LEFT, RIGHT = (0.0, 0.0, SIZE / 2, SIZE), (SIZE / 2, 0.0, float(SIZE), float(SIZE))


@pytest.mark.parametrize("images", [pictures(), -pictures()], ids=["class 0", "class 1"])
def test_integrated_gradients_find_the_half_that_is_seen(images):
    found = maps.integrated_gradients(HalfSeeing(), images, 8)
    assert found.shape == (5, SIZE, SIZE) and found.min() == 0
    assert shares(found, [LEFT] * 5) == pytest.approx(1)
    assert shares(found, [RIGHT] * 5) == pytest.approx(0)


def test_grad_cam_finds_the_half_that_is_seen():
    model, images = HalfSeeing(), pictures()
    assert maps.last_stage(model, images) == ("look", (SIZE, SIZE))
    found = maps.grad_cam(model, "look", images)
    assert found.shape == (5, SIZE, SIZE) and found.min() == 0
    assert shares(found, [LEFT] * 5) == pytest.approx(1)


def test_integrated_gradients_add_up_to_the_margin_over_the_next_likely_class():
    model, images = HalfSeeing(), pictures(1)
    logits = model(images)[0].detach()
    found = maps.integrated_gradients(model, images, 32)
    margin = float(logits.max() - logits.sort().values[-2])
    assert found.sum() == pytest.approx(margin, rel=1e-3)  # nothing speaks against: no pixel is left out


def test_the_last_stage_is_the_last_map_with_several_cells():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert maps.last_stage(model, pictures()) == ("1", (4, 4))
    assert maps.last_stage(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, 2)), pictures()) is None


def test_the_share_of_a_box_counts_parts_of_pixels():
    assert inside((0.5, 1, 2, 2.25), (3, 3)) == pytest.approx(np.array([[0, 0, 0], [0.5, 1, 0], [0.125, 0.25, 0]]))
    even = np.ones((1, 4, 4))
    assert shares(even, [(1, 1, 3, 3)]) == pytest.approx(0.25) == areas([(1, 1, 3, 3)], (4, 4))
    assert shares(even, [(-5, -5, 2, 9)]) == pytest.approx(0.5)  # what lies outside of the picture does not count
    assert shares(np.zeros((1, 4, 4)), [(0, 0, 1, 4)]) == pytest.approx(0.25)  # says nothing: the share of the area


def looked(share, noise=0.02, runs=3, images=40, random=0.3, area=0.3, seed=0):
    rng = np.random.default_rng(seed)
    drawn = [rng.normal(mean, noise, (count, images)) for mean, count in ((share, runs), (random, 5))]
    return Looked(*drawn, np.full(images, area))


def audit(**arms):
    """The audit of arms with these shares by method, `(Grad-CAM, integrated gradients)`."""
    found = {
        arm: {m: looked(share, seed=number) for m, share in zip(METHODS, each, strict=True)}
        for number, (arm, each) in enumerate(arms.items())
    }
    rows = tuple(row(arm, m, each) for arm, by_method in found.items() for m, each in by_method.items())
    return AttributionAudit(rows, differences(found), "test", ("a",), 0, 8, "last")


def outcome(told, code):
    return next(f for f in findings.of_attribution(told) if f.code == code)


def test_a_row_holds_means_and_intervals_over_images_and_runs():
    found = row("arm", "grad_cam", looked(0.5))
    assert found.share.low < 0.5 < found.share.high
    assert found.share.mean == pytest.approx(np.mean(found.per_run))
    assert (found.runs, found.images, found.area) == (3, 40, 0.3)
    assert found.over_area.mean == pytest.approx(found.share.mean - 0.3)
    assert found.over_randomised.mean == pytest.approx(found.share.mean - found.randomised.mean)
    assert found.over_area.low > 0 and found.over_area.p < 0.01


def test_groups_of_images_widen_the_interval():
    rng = np.random.default_rng(0)
    alike = np.repeat(rng.normal(0.5, 0.1, 10), 4) + rng.normal(0, 0.001, (3, 40))
    alone = replace(looked(0.5), trained=alike)
    grouped = replace(alone, groups=tuple(str(i // 4) for i in range(40)))
    plain, wide = (row("a", "grad_cam", each).share for each in (alone, grouped))
    assert wide.high - wide.low > 1.5 * (plain.high - plain.low)


def test_pairs_are_adjusted_over_all_of_them():
    found = audit(a=(0.5, 0.5), b=(0.5, 0.5), c=(0.4, 0.4)).differences
    assert [(d.arm, d.other, d.method) for d in found[:3]] == [(b, a, "grad_cam") for a, b in ("ab", "ac", "bc")]
    assert len(found) == 6 and all(d.p_adjusted >= d.difference.p for d in found)
    assert found[1].difference.mean == pytest.approx(-0.1, abs=0.02)


def test_an_arm_below_both_references_looks_away():
    told = outcome(audit(good=(0.5, 0.5), bad=(0.15, 0.29)), "LOOKS_AWAY")
    assert told.outcome == "issue"
    assert "bad: 15" in told.sentence and "good" not in told.sentence


@pytest.mark.parametrize("shares_", [(0.5, 0.5), (0.3, 0.3), (0.27, 0.27), (0.15, 0.5)], ids=str)
def test_no_wolf_is_cried(shares_):
    """Above chance, at chance, below it by less than matters, and where the methods say opposite things."""
    assert outcome(audit(arm=shares_), "LOOKS_AWAY").outcome == "passed"


def test_below_the_area_is_not_enough_where_random_networks_are_as_low():
    found = {"arm": {"grad_cam": looked(0.15, random=0.15)}}
    rows = (row("arm", "grad_cam", found["arm"]["grad_cam"]),)
    told = AttributionAudit(rows, (), "test", ("a",), 0, 8, "last")
    assert outcome(told, "LOOKS_AWAY").outcome == "passed"
    assert outcome(told, "ATTRIBUTION_SANITY").outcome == "tip"


def test_arms_that_look_less_than_others_are_named():
    told = outcome(audit(a=(0.5, 0.5), b=(0.35, 0.5)), "LOOKS_LESS")
    assert told.outcome == "tip" and "b less than a (by Grad-CAM)" in told.sentence
    assert outcome(audit(a=(0.5, 0.5), b=(0.49, 0.5)), "LOOKS_LESS").outcome == "passed"
    assert outcome(audit(a=(0.5, 0.3), b=(0.3, 0.5)), "LOOKS_LESS").outcome == "passed"  # methods disagree
    assert outcome(audit(a=(0.5, 0.5)), "LOOKS_LESS").outcome == "not_applicable"


def test_random_networks_at_the_share_of_the_area_pass_the_sanity_check():
    assert outcome(audit(a=(0.5, 0.5)), "ATTRIBUTION_SANITY").outcome == "passed"


def test_images_are_drawn_with_a_seed_whatever_their_order():
    ids = [f"{i:03d}" for i in range(30)]
    found = attribution.sample(ids, 8, 0)
    assert found == attribution.sample(ids[::-1], 8, 0) == sorted(found)
    assert len(set(found)) == 8 and found != attribution.sample(ids, 8, 1)
    assert attribution.sample(ids, 99, 0) == ids


def test_the_network_asked_is_the_one_that_was_trained(tmp_path):
    one = run()
    folder = trained(tmp_path, one)
    before = contents(folder)
    store, images = Store(tmp_path), image_set()
    found = replace_scan(images)
    seen = attribution.sight(one.recipe, found, [i.id for i in images.items if i.split == "val"])
    model = trained_network(one, 2, store, "last")
    with torch.inference_mode():
        logits = model(seen.inputs).numpy()
    kept = store.load(one.id).evidence["val"]
    assert logits == pytest.approx(kept.logits[-1], abs=1e-5)
    assert contents(folder) == before


def replace_scan(images):
    """A scan of images in memory, with boxes."""
    from paribus.scan import scan

    found = scan(images)
    items = tuple(replace(item, box=(2.0, 2.0, 12.0, 12.0)) for item in found.images.items)
    return replace(found, images=replace(found.images, items=items))


def test_weights_that_were_removed_are_named(tmp_path):
    one = run()
    folder = trained(tmp_path, one)
    (folder / "last.safetensors").unlink()
    with pytest.raises(DataError, match="WEIGHTS_REMOVED"):
        trained_network(one, 2, Store(tmp_path), "last")


def test_random_weights_are_drawn_by_a_seed_and_are_no_run_s():
    made = [attribution.randomised(recipe(), 2, seed).state_dict()["0.weight"] for seed in (0, 0, 1)]
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])
    assert not made[0].equal(unloaded(recipe(), 2, 0).state_dict()["0.weight"])


def test_without_captum_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MachineError, match=r"paribus\[audit\]"):
        maps.require_captum()
