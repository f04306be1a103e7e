"""Data sets of Hugging Face's `datasets`: saved in folders in the test; images become files of ours, once."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paribus.datasets import hub, huggingface
from paribus.errors import DataError, IntegrityError, MachineError, StudyError
from paribus.recipe import complete
from paribus.scan import scan

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PARIBUS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def png(number):
    pixels = np.random.default_rng(number).integers(0, 255, (16, 20, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return pixels, buffer.getvalue()


def table(first, count, column="image", labels=("cat", "dog"), **more):
    rows = {column: [{"bytes": png(first + k)[1], "path": None} for k in range(count)]}
    rows["label"] = [k % 2 for k in range(count)]
    features = {column: datasets.Image(), "label": datasets.ClassLabel(names=list(labels)) if labels else None}
    if labels is None:
        features["label"] = datasets.Value("int64")
    for name, values in more.items():
        rows[name], features[name] = values, datasets.Value("string")
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def saved(folder, **splits):
    datasets.DatasetDict(splits).save_to_disk(str(folder))
    return folder


def counts(data):
    return {split: sum(item.split == split for item in data.items) for split in ("train", "val", "test")}


def state(folder):
    return {p: (p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(Path(folder).rglob("*"))}


@pytest.fixture
def folder(tmp_path):
    return saved(tmp_path / "pets", train=table(0, 8), validation=table(8, 4), test=table(12, 4))


def test_a_saved_data_set_becomes_files_of_ours_once(folder, cache, monkeypatch):
    before = state(folder)
    data = huggingface(folder)
    assert data.classes == ("cat", "dog") and counts(data) == {"train": 8, "val": 4, "test": 4}
    assert state(folder) == before and all(item.source.is_relative_to(cache) for item in data.items)
    first = next(item for item in data.items if item.split == "val")
    assert np.array_equal(data.load(first), png(8)[0]) and first.source.read_bytes() == png(8)[1]
    found = scan(data)
    assert set(found.fingerprints) == {"train", "val", "test"} and not found.left_out
    monkeypatch.setattr(hub, "_materialise", None)  # not called again
    assert scan(huggingface(folder)).fingerprints == found.fingerprints


def test_another_content_is_another_folder(folder, tmp_path):
    one = huggingface(folder)
    other = huggingface(saved(tmp_path / "other", train=table(100, 8), validation=table(8, 4)))
    assert {i.source.parents[1] for i in one.items}.isdisjoint(i.source.parents[1] for i in other.items)


def test_parquet_files(tmp_path):
    home = tmp_path / "tables" / "data"
    home.mkdir(parents=True)
    table(0, 6).to_parquet(home / "train-00000-of-00002.parquet")
    table(6, 4).to_parquet(home / "train-00001-of-00002.parquet")
    table(10, 4).to_parquet(home / "test-00000-of-00001.parquet")
    before = state(tmp_path / "tables")
    data = huggingface(tmp_path / "tables", splits={"train": 0.6, "val": 0.4})
    assert counts(data) == {"train": 6, "val": 4, "test": 4} and data.classes == ("cat", "dog")
    assert state(tmp_path / "tables") == before


def test_one_split_is_split_here_and_groups_stay_together(tmp_path):
    groups = [f"person {k // 4}" for k in range(24)]
    saved(tmp_path / "one", train=table(0, 24, labels=None, who=groups))
    data = huggingface(tmp_path / "one", group="who")
    assert data.own_split and data.classes == ("0", "1") and counts(data)["test"] == 0 < counts(data)["val"]
    homes = {group: {i.split for i in data.items if i.group == group} for group in groups}
    assert all(len(splits) == 1 for splits in homes.values())


def test_images_are_decoded_by_our_limits(tmp_path):
    rows = table(0, 8).to_dict()
    rows["image"][3] = {"bytes": b"<html>not found</html>", "path": None}
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    saved(tmp_path / "odd", train=datasets.Dataset.from_dict(rows, features=features), validation=table(8, 4))
    found = scan(huggingface(tmp_path / "odd"))
    assert [problem.code for problem in found.left_out] == ["IMG_NOT_AN_IMAGE"]
    assert counts(found.images) == {"train": 7, "val": 4, "test": 0}


def test_a_path_in_a_table_leads_nowhere(tmp_path, cache):
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(1)[1])
    for path in (str(secret), "../secret.png"):
        with pytest.raises(DataError, match="outside the data's own folder"):
            hub._content({"bytes": None, "path": path}, tmp_path / "pets", "train[0]", "image", "pets")
    inside = tmp_path / "pets" / "a.png"
    inside.parent.mkdir()
    inside.write_bytes(png(2)[1])
    assert hub._content({"bytes": None, "path": "a.png"}, inside.parent, "x", "image", "pets") == png(2)[1]
    (tmp_path / "pets" / "link.png").symlink_to(secret)
    with pytest.raises(DataError, match="outside the data's own folder"):
        hub._content({"bytes": None, "path": "link.png"}, inside.parent, "x", "image", "pets")


WRONG = {
    "image": ({"image": "picture"}, "no column 'picture'; it has image, label"),
    "kind": ({"image": "label"}, "holds ClassLabel, no images"),
    "splits": ({"splits": {"train": 0.5, "val": 0.5}}, "Remove `splits`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_what_is_asked(folder, name, cache):
    asked, message = WRONG[name]
    with pytest.raises((DataError, StudyError), match=message):
        huggingface(folder, **asked)
    assert not list((cache / "huggingface").glob(".*"))  # nothing half made is left


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(DataError, match="nor parquet files"):
        huggingface(tmp_path / "x")
    (tmp_path / "x" / "train.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="cannot be read"):
        huggingface(tmp_path / "x")


def test_a_cache_that_was_changed(folder, cache):
    huggingface(folder)
    (index,) = cache.glob("huggingface/*/index.json")
    index.write_text(index.read_text().replace('"cat"', '"cow"'))
    with pytest.raises(IntegrityError, match="it is made again"):
        huggingface(folder)


def test_either_a_folder_or_a_name(folder):
    for given in ((None, {}), (folder, {"name": "owner/set"}), (None, {"name": "../x"}), (None, {"name": "a/b/c"})):
        with pytest.raises(StudyError, match="owner/set"):
            huggingface(given[0], **given[1])


def test_a_name_is_asked_of_the_hub_and_no_code_is_run(monkeypatch, cache):
    asked = []

    def load_dataset(*args, **kwargs):
        asked.append((args, kwargs))
        return datasets.DatasetDict(train=table(0, 6), test=table(6, 4))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    data = huggingface(name="owner/set", revision="abc", splits={"train": 0.5, "val": 0.5})
    assert counts(data)["test"] == 4
    ((args, kwargs),) = asked
    assert args == ("owner/set", None) and kwargs["revision"] == "abc"
    assert "trust_remote_code" not in kwargs and Path(kwargs["cache_dir"]).is_relative_to(cache)
    huggingface(name="owner/set", revision="abc", split_seed=1)
    assert len(asked) == 1


@pytest.mark.parametrize("error", [ConnectionError("Couldn't reach the hub"), OSError("Connection refused")])
def test_offline(monkeypatch, error):
    def load_dataset(*args, **kwargs):
        raise error

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(MachineError, match=r"the hub cannot be reached.*write root: FOLDER"):
        huggingface(name="owner/set")


def test_without_the_package(monkeypatch, folder):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MachineError, match=r"pip install 'paribus\[huggingface\]'"):
        huggingface(folder)


def test_a_study_names_it():
    recipe = complete({"data": {"use": "huggingface", "name": "owner/set"}, "model": "small_cnn"})
    assert recipe.data.args["label"] == "label" and recipe.data.args["revision"] is None
