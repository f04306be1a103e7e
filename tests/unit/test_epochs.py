import numpy as np
import pytest

from paribus.epochs import chosen, folds
from paribus.errors import DataError
from paribus.metrics import accuracy
from paribus.predictions import Evidence, RunRecord

IDS = tuple(f"i{n}" for n in range(8))


def evidence(split, right, epochs=None, ids=IDS):
    """Evidence of networks that were right or wrong as told; `right` is (epochs, images)."""
    right = np.asarray(right, dtype=bool)
    logits = np.stack([~right, right], axis=2).astype(np.float32)
    kept = tuple(epochs or range(1, len(right) + 1))
    return Evidence(split, ids, np.ones(right.shape[1], dtype=np.int64), ("no", "yes"), kept, logits)


def run(*kept, status="done"):
    return RunRecord("r1", 7, status, 1.0, {e.split: e for e in kept})


def outcomes(*counts):
    """One epoch a count: the first so many of eight images are right."""
    return [[n < count for n in range(8)] for count in counts]


def test_last_is_the_last_epoch_of_the_run():
    scores, epoch = chosen(run(evidence("test", outcomes(8, 3))), "test", "last", accuracy)
    assert epoch == 2 and accuracy(scores).sum() == 3
    with pytest.raises(DataError, match=r"epoch 3 of 'test' counts but was not kept; kept: 1, 2"):
        chosen(run(evidence("test", outcomes(8, 3)), evidence("val", outcomes(1, 2, 3))), "test", "last", accuracy)


def test_val_chooses_on_val_and_scores_elsewhere():
    record = run(evidence("val", outcomes(5, 7, 7)), evidence("test", outcomes(1, 2, 8)))
    scores, epoch = chosen(record, "test", "val", accuracy)
    assert epoch == 2 and accuracy(scores).sum() == 2  # ties: the earliest
    with pytest.raises(DataError, match="cannot score there"):
        chosen(record, "val", "val", accuracy)


def test_the_initialisation_counts_only_where_nothing_else_is_there():
    record = run(evidence("val", outcomes(8, 5), (0, 1)), evidence("test", outcomes(8, 4), (0, 1)))
    assert chosen(record, "test", "val", accuracy)[1] == 1
    failed = run(evidence("val", outcomes(4), (0,)), evidence("test", outcomes(4), (0,)), status="diverged")
    assert chosen(failed, "test", "val", accuracy)[1] == 0
    assert chosen(failed, "test", "last", accuracy)[1] == 0


def test_crossfit_never_scores_an_image_by_an_epoch_it_chose():
    fold = folds(IDS)
    first = fold == 0
    right = np.array([first, ~first])  # each epoch knows one fold only
    scores, epoch = chosen(run(evidence("test", right)), "test", "crossfit", accuracy)
    assert epoch is None and accuracy(scores).sum() == 0
    assert chosen(run(evidence("test", [first | True, ~first])), "test", "crossfit", accuracy)[0] is not None


def test_crossfit_is_unbiased_where_the_best_epoch_is_not():
    generator = np.random.default_rng(0)
    ids = tuple(f"image{n}" for n in range(400))
    right = generator.random((30, 400)) < 0.8
    record = run(evidence("test", right, ids=ids))
    assert right.mean(axis=1).max() > 0.82
    assert accuracy(chosen(record, "test", "crossfit", accuracy)[0]).mean() == pytest.approx(0.8, abs=0.04)


def test_folds_keep_groups_together_and_do_not_depend_on_order():
    groups = {name: f"g{n // 2}" for n, name in enumerate(IDS)}
    fold = folds(IDS, groups)
    assert all(fold[n] == fold[n + 1] for n in range(0, 8, 2)) and sorted(fold.tolist()) == [0] * 4 + [1] * 4
    assert folds(IDS[::-1], groups).tolist() == fold[::-1].tolist()
    assert folds(IDS).tolist() != [0, 0, 0, 0, 1, 1, 1, 1]  # by hash, not by position
    with pytest.raises(DataError, match="at least two images or groups"):
        folds(IDS, dict.fromkeys(IDS, "one"))


def test_missing_evidence_is_told():
    record = run(evidence("val", outcomes(5)))
    with pytest.raises(DataError, match="no evidence on 'test'; it has: val"):
        chosen(record, "test", "last", accuracy)
    broken = evidence("test", outcomes(5))
    broken.logits[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        chosen(run(broken), "test", "last", accuracy)
