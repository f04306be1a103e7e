"""A run's id is what the run is: every number-moving choice is in it, and nothing else."""

import copy
import hashlib

import pytest
from tiny import BASELINE, recipe, run

from paribus import optimizers, sealed
from paribus.execute import missing
from paribus.recipe import complete
from paribus.runs import Run, id_of, sources_of
from paribus.store import DONE, Store, owner_of
from paribus.study import Study


def id_with(**changes):
    return run(**changes).id


def test_the_id_is_stable_over_processes_and_versions_of_this_code():
    """A changed value here is a changed id for every run that anybody has stored: raise runs.FORMAT and say so."""
    one = run(data="folder")
    assert one.id == id_of(one.identity) == "642920ceb4f21668abe7"
    assert set(one.identity) == {"format", "recipe", "seed", "train", "weights", "sources"}


def test_a_changed_default_in_code_changes_the_id(monkeypatch):
    before = id_with()
    monkeypatch.setitem(optimizers.sgd.__kwdefaults__, "weight_decay", 1e-4)
    assert id_with() != before


def test_restating_a_default_does_not():
    restated = {"use": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.0, "nesterov": False, "backbone_lr": None}
    assert id_with(optimizer=restated) == id_with()
    assert id_with(trainable="all", batch_norm="follow", views=None, precision="float32") == id_with()
    assert id_with(schedule="constant", loss={"use": "cross_entropy", "label_smoothing": 0}) == id_with()
    assert id_with(augment=["resize"]) == id_with(augment=[{"use": "resize"}])


def test_one_way_of_writing_is_as_good_as_another():
    assert id_with(optimizer={"use": "sgd", "lr": 1}) == id_with(optimizer={"use": "sgd", "lr": 1.0})
    crop = {"use": "random_resized_crop"}
    assert id_with(augment=[crop | {"scale": (0.5, 1)}]) == id_with(augment=[crop | {"scale": [0.5, 1.0]}])
    backwards = complete(dict(reversed(BASELINE.items())))
    assert Run(backwards, 0, "f" * 64).id == id_with()


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"train": "e" * 64},
        {"epochs": 4},
        {"batch_size": 4},
        {"trainable": "head"},
        {"batch_norm": "frozen"},
        {"precision": "bf16"},
        {"loss": {"use": "cross_entropy", "label_smoothing": 0.1}},
        {"schedule": "cosine"},
        {"augment": ["horizontal_flip", {"use": "random_resized_crop", "scale": [0.5, 1]}]},  # order counts
        {"input": {"size": 16, "crop_fraction": 0.9}},
        {"model": {"use": "small_cnn", "width": 5, "depth": 2}},
        {"data": {"use": "faces", "n": 100}},
    ],
)
def test_every_choice_is_in_the_id(changes):
    assert id_with(**changes) != id_with()


def test_weights_and_sources_are_in_the_id():
    plain = Run(recipe(), 0, "f")
    assert len({plain.id, Run(recipe(), 0, "f", weights="a").id, Run(recipe(), 0, "f", sources={"m": "1"}).id}) == 3


def test_paths_are_not_in_the_id():
    folder = {"use": "folder", "root": "/a"}
    assert id_with(data=folder) == id_with(data=folder | {"root": "/b/c"}) == id_with(data="folder")


def test_the_source_of_a_users_module_is_in_the_id(tmp_path, monkeypatch):
    module = tmp_path / "lab_for_ids.py"
    module.write_text("def wide(num_classes, weights, *, width: int = 2):\n    return None\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = complete(BASELINE | {"model": "lab_for_ids:wide"}, ("lab_for_ids",))
    before = sources_of(found)
    assert before == {"lab_for_ids": hashlib.sha256(module.read_bytes()).hexdigest()}
    module.write_text(module.read_text() + "# another\n")
    assert sources_of(found) != before
    assert sources_of(recipe(model="timm:tf_efficientnet_lite0")) == {}


def test_names_of_studies_and_arms_are_not_in_the_id_and_a_baseline_is_shared(tmp_path):
    from types import SimpleNamespace

    def runs(study):
        return {a: tuple(Run(study.recipes[a], s, "f") for s in study.seeds_of(a)) for a in study.recipes}

    top = {"seeds": 2, "baseline": BASELINE}
    one = runs(Study.from_dict({**copy.deepcopy(top), "title": "one", "arms": {"hot": {"optimizer.lr": 0.3}}}))
    two = runs(
        Study.from_dict(
            {**copy.deepcopy(top), "title": "two", "arms": {"hotter": {"optimizer.lr": 0.3}, "long": {"epochs": 4}}}
        )
    )
    assert [r.id for r in one["baseline"]] == [r.id for r in two["baseline"]]
    assert [r.id for r in one["hot"]] == [r.id for r in two["hotter"]]
    store = Store(tmp_path)
    for done in (*one["baseline"], *one["hot"]):
        store.folder(done.id).mkdir()
        sealed.write(store.folder(done.id) / DONE, {"files": {}}, owner_of(done.id, DONE))
    left = list(missing(SimpleNamespace(runs=two, fingerprints=lambda arm: {}), store, dict.fromkeys(two, 2)))
    assert [(arm, r.seed) for arm, r in left] == [("long", 0), ("long", 1)]
