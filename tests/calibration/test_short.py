"""The campaign in small: it passes, and it fails for engines that leave a source of chance out."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import campaign
import real_aa

from paribus import looks
from paribus.stats import contrast, these_images


def test_two_cells_keep_the_promises():
    cells = [campaign.cell("noisy", 3, 400, 200), campaign.cell("typical", 5, 100, 150)]
    assert campaign.broken(cells) == []


def test_an_engine_that_takes_images_only_is_caught(monkeypatch):
    monkeypatch.setattr(
        looks, "read", lambda item, seeds: contrast([y.mean(axis=0)[None] for y in item.scores], item.weights)
    )
    assert any("false alarms, more than" in line for line in campaign.broken([campaign.cell("noisy", 3, 400, 60)]))


def test_an_engine_that_takes_runs_only_is_caught(monkeypatch):
    monkeypatch.setattr(looks, "read", lambda item, seeds: these_images(item.scores, item.weights))
    wrong = campaign.broken([campaign.cell("typical", 10, 100, 60)])
    assert any("false alarms, more than" in line for line in wrong)
    assert any("coverage" in line for line in wrong)


def test_a_check_that_cannot_fail_is_caught():
    silent = campaign.Cell("quiet", 3, 100, 2000, false_alarms=0.0, coverage=1.0, seconds=0.0)
    assert "could not fail" in campaign.broken([silent])[0]


def test_real_studies_that_raise_alarms_or_only_guess_are_caught():
    def rows(alarms, accuracy):
        verdicts = ["helps"] * alarms + ["cannot_tell"] * (20 - alarms)
        return [{"verdict": verdict, "accuracy": accuracy} for verdict in verdicts]

    assert real_aa.broken(rows(2, 0.8)) == []
    assert "3 of 20" in real_aa.broken(rows(3, 0.8))[0]
    assert "did not learn" in real_aa.broken(rows(0, 0.55))[0]


@pytest.mark.slow
def test_the_whole_campaign():
    assert campaign.campaign(2000)["broken"] == []
