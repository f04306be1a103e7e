"""The benchmarks' tables and their bookkeeping: ratios, turns, extrapolation, fits. Nothing is trained here."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    contest,
    feature_extractor,
    fine_tuning,
    ours,
    peers,
    photographs,
    scaling,
    segmentation,
    steps,
    street_scenes,
    tables,
    whole_study,
)
from benchmarks.contest import Entry, Outcome

# A worker's own code: prints in between, measures by counting.
LOOP = """
import sys
def epochs(settings):
    print("this must not reach the answers")
    yield {"ready": settings["word"]}
    for number in range(settings.get("until", 100)):
        yield {"images": 10, "seconds": float(number + 1)}
    raise RuntimeError("the loop broke")
"""


def outcomes(**seconds: list[float]) -> dict[str, Outcome]:
    """Contestants that trained on 12 images an epoch."""
    return {name: Outcome([{"images": 12, "seconds": s} for s in given]) for name, given in seconds.items()}


class TestRatios:
    def test_is_taken_repetition_by_repetition(self):
        # The machine was ten times slower in the last two of three: a ratio of medians would say 5.
        assert tables.ratio([2, 20, 20], [1, 10, 4]) == 2

    def test_is_none_where_one_was_not_measured(self):
        assert tables.ratio([], [1.0]) is None
        assert tables.times(None) == "–"

    def test_a_verdict_says_reached_or_not(self):
        assert tables.verdict("speed", 2.0, 2.0) == "speed: 2.00 x (aim: at least 2.00 x, reached)."
        assert "not reached" in tables.verdict("speed", 1.99, 2.0)
        assert "not measured" in tables.verdict("speed", None, 2.0)

    def test_a_line_gives_back_its_own_numbers(self):
        found = tables.line([1, 2, 4], [3.5, 4.0, 5.0])
        assert (found.fixed, found.slope) == pytest.approx((3.0, 0.5))
        assert found.deviation == pytest.approx(0, abs=1e-12)
        assert tables.line([1, 2, 3], [1.0, 2.0, 6.0]).deviation > 0.2


class TestTable:
    def test_markdown_has_every_row_and_note(self, tmp_path):
        table = tables.Table("name", "Title", ("a", "b"), (("1", "2"),), ("a note",), {"x": [1]})
        assert table.markdown() == "## Title\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n- a note\n"
        table.write(tmp_path)
        assert (tmp_path / "name.md").read_text() == table.markdown()
        stored = json.loads((tmp_path / "name.json").read_text())
        assert stored["raw"] == {"x": [1]}
        assert stored["environment"]["threads"] >= 1

    def test_fine_tuning_compares_with_both_precisions(self):
        found = {
            fine_tuning.FLOAT32: [2.0, 2.0],
            fine_tuning.BF16: [1.0, 1.0],
            fine_tuning.TUTORIAL: [6.0, 6.0],
            fine_tuning.TUNED: [2.0, 2.0],
            fine_tuning.LIMITS[fine_tuning.FLOAT32]: [1.9, 1.9],
            fine_tuning.LIMITS[fine_tuning.BF16]: [0.5, 0.5],
        }
        table = fine_tuning.table({224: outcomes(**found)}, 2)
        rows = {row[1]: row[2:] for row in table.rows}
        assert rows[fine_tuning.TUTORIAL] == ("2.0 (2.0 to 2.0)", "3.00 x", "6.00 x")
        assert rows[fine_tuning.FLOAT32] == ("6.0 (6.0 to 6.0)", "–", "2.00 x")
        text = table.markdown()
        assert "float32, against the model alone: 0.95 x (aim: at least 0.95 x, reached)" in text
        assert "bf16, against the model alone: 0.50 x (aim: at least 0.95 x, not reached)" in text
        assert "against fastai Learner: not measured" in text

    def test_segmentation_has_aims_of_its_own(self):
        found = {
            segmentation.FLOAT32: [2.0, 2.0],
            segmentation.BF16: [1.0, 1.0],
            segmentation.PLAIN: [2.5, 2.5],
            segmentation.LIMITS[segmentation.FLOAT32]: [1.8, 1.8],
            segmentation.LIMITS[segmentation.BF16]: [0.8, 0.8],
        }
        text = segmentation.table(outcomes(**found), (240, 320), "drawn streets", 2).markdown()
        assert "| plain PyTorch loop | 4.8 (4.8 to 4.8) | 1.25 x | 2.50 x |" in text
        assert "float32, against the model alone: 0.90 x (aim: at least 0.90 x, reached)" in text
        assert "bf16, against the model alone: 0.80 x (aim: at least 0.90 x, not reached)" in text
        assert "float32, against the plain PyTorch loop: 1.25 x (aim: at least 1.50 x, not reached)" in text
        assert "240 x 320" in text and "12 images each (drawn streets)" in text

    def test_tiny_sizes_are_marked(self):
        table = tables.Table("name", "Title", ("a",), (), (), {})
        assert table.marked(False) == table
        assert "measures nothing" in table.marked(True).markdown()

    def test_a_contestant_that_failed_is_named(self):
        found = outcomes(**{name: [1.0] for name in (fine_tuning.FLOAT32, fine_tuning.BF16, fine_tuning.TUNED)})
        found |= {name: Outcome([{"images": 12, "seconds": 1.0}]) for name in fine_tuning.LIMITS.values()}
        found[fine_tuning.FASTAI] = Outcome(failed="fastai Learner stopped: out of memory")
        assert "224 px: fastai Learner stopped: out of memory" in fine_tuning.table({224: found}, 1).notes

    def test_the_profile_shares_add_up(self):
        name = f"{fine_tuning.FLOAT32}, 224 px"
        spent = {"forward": 1.0, "backward": 2.0, "optimizer": 0.5, "other": 0.5}
        mine = Outcome([{"images": 8, "seconds": 4.0, "spent": spent}])
        alone = Outcome([{"images": 8, "seconds": 2.0}])
        row = fine_tuning.profile_table({name: mine}, {name: alone}).rows[0]
        assert row == (name, "2.0 (2.0 to 2.0)", "25.0 %", "50.0 %", "12.5 %", "12.5 %", "0.50 x")

    def test_the_feature_extractor_extrapolates_what_it_did_not_run_whole(self):
        found = {
            feature_extractor.DRAWN: Outcome([{"seconds": 10.0}]),
            feature_extractor.FRESH: Outcome([{"seconds": 20.0}]),
            feature_extractor.CACHED: Outcome([{"seconds": 12.0}]),
            feature_extractor.TUTORIAL: Outcome([{"seconds": 3.0, "val_seconds": 1.0}]),
        }
        seconds = feature_extractor.study_seconds(found, 5, 25)
        assert seconds[feature_extractor.DRAWN] == [10.0]
        assert seconds[feature_extractor.FRESH] == [100.0]
        assert seconds[feature_extractor.TUTORIAL] == [5 * 25 * 4.0]
        table = feature_extractor.table(found, 5, 25, {}, 1)
        assert "against tutorial loop: 50.00 x (aim: at least 20.00 x, reached)" in table.notes[0]
        assert "against tutorial loop: 5.00 x (aim: at least 2.00 x, reached)" in table.notes[1]

    def test_the_whole_study_counts_the_arms_that_were_not_measured(self):
        arms = {name: {"epochs": 2, "seeds": 3} for name in ("a", "b", "c")}
        found = {
            "Paribus: a": Outcome([{"run": 10.0, "epochs": [4.0, 4.0]}], {"opening": 5.0, "first_run": 8.0}),
            "tutorial loop: a": Outcome([{"seconds": 9.0, "val_seconds": 1.0}]),
            "Paribus: c": Outcome([{"run": 1.0, "epochs": [0.5, 0.5]}], {"opening": 6.0, "first_run": 0.1}),
            "tutorial loop: c": Outcome([{"seconds": 1.0, "val_seconds": 1.0}]),
        }
        table = whole_study.table(found, arms, {"a": ["a", "b"], "c": ["c"]}, None, 1)
        # a: 6 runs of 10 s and 8 - (10 - 8 + 4) s once; c: 3 runs of 1 s; the scan, once.
        assert table.raw["total_seconds"]["Paribus"] == [6 * 10 + 2 + 3 * 1 + 6]
        # An epoch is 10 s, and the test images take 5 times the validation images' second.
        assert table.raw["total_seconds"]["tutorial loop"] == [6 * (2 * 10 + 5) + 3 * (2 * 2 + 5)]

    def test_scaling_prints_slope_and_fixed_cost(self):
        seconds = {"images": {250: [2.0, 2.0], 500: [3.0, 3.0], 1000: [5.0, 5.0]}}
        table = scaling.table(seconds, {1: 200.0, 8: 210.0}, 2)
        assert "images: 1.00 s + 4.00 ms each; farthest from the line: 0 %." in table.notes
        assert table.rows[-1] == ("runs, peak memory", "8", "210 MB", "1.05")


class TestContest:
    def test_everyone_begins_a_repetition_once(self):
        assert [contest.turned("abc", n)[0] for n in range(4)] == ["a", "b", "c", "a"]
        assert sorted(contest.turned("abc", 2)) == ["a", "b", "c"]

    def test_a_worker_answers_on_request_and_prints_elsewhere(self, tmp_path, monkeypatch):
        entry = _loop(tmp_path, monkeypatch, word="hello")
        found = contest.contest([entry], 2, 1, tmp_path / "logs")["one"]
        assert found.ready == {"ready": "hello"}
        assert [m["seconds"] for m in found.measured] == [1.0, 2.0]
        assert "must not reach" in (tmp_path / "logs" / "one.log").read_text()

    def test_who_fails_is_left_out_and_the_others_go_on(self, tmp_path, monkeypatch):
        short = replace(_loop(tmp_path, monkeypatch, word="a", until=1), name="short")
        found = contest.contest([short, _loop(tmp_path, monkeypatch, word="b")], 3, 1, tmp_path / "logs")
        assert "the loop broke" in found["short"].failed
        assert len(found["short"].measured) == 1
        assert len(found["one"].measured) == 3

    def test_who_takes_long_is_measured_less_often(self, tmp_path, monkeypatch):
        entry = replace(_loop(tmp_path, monkeypatch, word="a"), every=3)
        assert len(contest.contest([entry], 4, 1, tmp_path / "logs")["one"].measured) == 2


class TestMaterial:
    def test_a_part_has_the_classes_alike_and_spreads_over_the_names(self, tmp_path):
        for split in ("train", "val"):
            for name in ("ants", "bees"):
                (tmp_path / "all" / split / name).mkdir(parents=True)
                for number in range(10):
                    (tmp_path / "all" / split / name / f"{number}.jpg").write_bytes(b"")
        part = photographs.part(tmp_path / "all", tmp_path / "part", {"train": 5, "val": 2})
        assert [len(list((part / "train" / n).iterdir())) for n in ("ants", "bees")] == [3, 2]
        assert {f.name for f in (part / "train" / "bees").iterdir()} == {"0.jpg", "5.jpg"}

    def test_a_data_set_that_is_not_there_is_named(self, tmp_path, monkeypatch):
        from paribus.errors import DataError

        monkeypatch.setattr(photographs, "DATA", tmp_path)
        with pytest.raises(DataError, match="PARIBUS_DATA"):
            photographs.data_set("smiles")

    def test_streets_stand_in_for_camvid_in_its_layout(self, tmp_path, monkeypatch):
        from paribus.datasets import camvid

        monkeypatch.setattr(photographs, "DATA", tmp_path / "nothing")
        assert street_scenes.part(tmp_path / "data", {"train": 3, "val": 2}) == street_scenes.STREETS
        images = camvid(tmp_path / "data")
        assert sorted(item.split for item in images.items) == ["train"] * 3 + ["val"] * 2
        assert images.load(images.items[0]).shape == (*street_scenes.SIZE, 3)

    def test_camvid_is_taken_where_it_is(self, tmp_path, monkeypatch):
        for folder in ("train", "trainannot"):
            (tmp_path / "camvid" / folder).mkdir(parents=True)
            for number in range(10):
                (tmp_path / "camvid" / folder / f"{number}.png").write_bytes(b"")
        monkeypatch.setattr(photographs, "DATA", tmp_path)
        assert street_scenes.part(tmp_path / "data", {"train": 2}) == street_scenes.CAMVID
        assert {f.name for f in (tmp_path / "data" / "trainannot").iterdir()} == {"0.png", "5.png"}

    def test_the_plain_loop_moves_image_and_mask_together(self, tmp_path, monkeypatch):
        from benchmarks.pixel_loops import Pairs

        monkeypatch.setattr(photographs, "DATA", tmp_path / "nothing")
        street_scenes.part(tmp_path, {"train": 1})
        pairs = Pairs(tmp_path / "train", tmp_path / "trainannot", (48, 64))
        for _ in range(8):
            image, mask = pairs[0]
            assert image.shape == (3, 48, 64) and mask.shape == (48, 64)
            assert set(mask.unique().tolist()) <= {*range(11), street_scenes.INDEX_VOID}

    def test_peers_share_what_does_the_work(self, tmp_path):
        from importlib.metadata import version

        lines = peers.constraints().splitlines()
        assert f"torch=={version('torch').partition('+')[0]}" in lines
        assert [line.partition("==")[0] for line in lines] == list(peers.SHARED)
        assert peers.python_of(tmp_path) is None
        (tmp_path / peers.READY).write_text("")
        assert peers.python_of(tmp_path) == tmp_path / "bin" / "python"

    def test_arms_of_one_kind_are_measured_once(self):
        arms = ours.study_arms(whole_study.STUDY)
        grouped = whole_study.kinds(arms, every_arm=False)
        assert sorted(a for members in grouped.values() for a in members) == sorted(arms)
        assert "scratch" in grouped["fine-tuned"] and "a-a" in grouped["baseline"]
        assert set(whole_study.kinds(arms, every_arm=True)) == set(arms)


class TestOurs:
    def test_the_studies_are_accepted(self):
        from paribus.study import Study

        for written in (
            ours.fine_tuning_study(224, 32, "bf16", None),
            ours.fine_tuning_study(112, 32, "float32", 128),
            ours.feature_study(range(5), 25, 4),
            ours.feature_study([3], 25, None),
            ours.small_study(20, 3, 2, 1),
            ours.segmentation_study((240, 320), 8, "bf16"),
        ):
            Study.from_dict(written)
        assert set(Study.from_dict(ours.small_study(20, 3, 2, 1)).recipes) == {"baseline", "rate-1", "rate-2"}

    def test_kept_logits_come_back_in_the_order_of_the_names(self, tmp_path):
        targets = np.array([1, 0])
        logits = [np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)] * 2
        ours.write_kept(tmp_path / "0.npz", ["b", "a"], targets, logits)
        runs = ours.kept_runs([tmp_path / "0.npz", tmp_path / "0.npz"])
        said = runs[0].evidence["test"]
        assert said.image_ids == ("a", "b") and said.targets.tolist() == [0, 1]
        assert said.at(1).predicted().tolist() == [0, 1]
        assert [r.seed for r in runs] == [0, 1, 2, 3]

    def test_more_repetitions_make_no_more_seeds(self, tmp_path):
        targets, ids = np.arange(40) % 2, [f"{n:02d}" for n in range(40)]
        for way, seeds in (("drawn", 2), ("fresh", 1), ("cached", 2)):
            logits = [np.eye(2, dtype=np.float32)[targets]] * seeds
            for repetition in range(3):
                ours.write_kept(tmp_path / way / f"{repetition}.npz", ids, targets, logits)
        found = feature_extractor.accuracies(tmp_path, 2)
        assert len(found) == 2
        assert all(len(values) == 2 for each in found.values() for values in each.per_arm.values())

    def test_ways_are_compared_as_a_study_would(self, tmp_path):
        rng = np.random.default_rng(0)
        targets = rng.integers(0, 2, 400)
        ids = [f"{n:03d}" for n in range(400)]

        def way(name: str, right: float) -> list:
            said = [np.where(rng.random(400) < right, targets, 1 - targets) for _ in range(4)]
            ours.write_kept(tmp_path / f"{name}.npz", ids, targets, [np.eye(2, dtype=np.float32)[s] for s in said])
            return ours.kept_runs([tmp_path / f"{name}.npz"])

        found = ours.compared("worse", "better", {"worse": way("worse", 0.6), "better": way("better", 0.9)}, 0.01)
        assert found.verdict == "helps"
        assert "better 9" in feature_extractor.told(found)


def _loop(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: object) -> Entry:
    """A contestant whose loop is LOOP, put into a package `benchmarks` of its own beside the real worker."""
    home = folder / "home"
    (home / "benchmarks").mkdir(parents=True, exist_ok=True)
    (home / "benchmarks" / "__init__.py").write_text("")
    worker = Path(contest.__file__).with_name("worker.py").read_text()
    (home / "benchmarks" / "worker.py").write_text(worker)
    (home / "benchmarks" / "counting_loop.py").write_text(LOOP)
    (home / "torch.py").write_text("def set_num_threads(n): pass\ndef manual_seed(n): pass\n")  # the real one is slow
    monkeypatch.setattr(contest, "HERE", home)
    return Entry("one", "counting_loop", dict(settings), Path(sys.executable))


def test_two_who_time_the_same_things_are_compared_line_by_line():
    outcomes = {
        "plain": Outcome([{"a step": 20.0, "a layer": 3.0}, {"a step": 30.0, "a layer": 3.0}]),
        "fast": Outcome([{"a step": 10.0, "a layer": 6.0}, {"a step": 10.0, "a layer": 6.0}]),
    }
    found = steps.both("n", "t", outcomes, "two times")
    assert found.columns == ("what", "plain, ms", "fast, ms", "faster by")
    assert [(row[0], row[-1]) for row in found.rows] == [("a step", "2.50 x"), ("a layer", "0.50 x")]
    broken = steps.both("n", "t", outcomes | {"fast": Outcome(failed="it broke")}, "two times")
    assert broken.rows == () and broken.notes == ("it broke", "two times")
