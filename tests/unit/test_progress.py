"""What a finished run says of itself on the screen."""

from types import SimpleNamespace

import pytest
from rich.console import Console

from paribus.predictions import RunRecord
from paribus.progress import Screen, _best


def record(*curves, status="done"):
    return RunRecord("run", 0, status, 61.0, {}, tuple(curves))


def test_the_best_epoch_is_named_and_called_optimistic():
    rows = [{"epoch": k, "val_accuracy": v} for k, v in ((1, 0.5), (2, 0.9), (3, 0.9))]
    assert _best(record(*rows)) == "best val acc 0.9000 at epoch 2 (optimistic), training took 1 min 01 s"


def test_masks_are_judged_by_mean_iou():
    rows = [
        {"epoch": 1, "val_accuracy": 0.9, "val_mean_iou": 0.3},
        {"epoch": 2, "val_accuracy": 0.8, "val_mean_iou": 0.4},
    ]
    assert "best val mean IoU 0.4000 at epoch 2" in _best(record(*rows))


def test_without_validation_only_the_time_is_told():
    assert _best(record({"epoch": 1})) == "training took 1 min 01 s"


OPEN, SETTLED = (SimpleNamespace(question=SimpleNamespace(name=f"q{k}"), settled=k) for k in (False, True))


@pytest.mark.parametrize(
    ("look", "rows", "said"),
    [
        (1, (SETTLED,), "after 1 seed: verdicts are taken\n"),
        (3, (SETTLED, OPEN), "after 3 seeds: still open: qFalse\n"),
        (3, (), ""),
    ],
)
def test_a_look_tells_what_is_open_where_something_was_asked(capsys, look, rows, said):
    screen = Screen("a study", Console(highlight=False, markup=False))
    screen.looked(look, rows)
    screen.close()
    assert capsys.readouterr().out == said
