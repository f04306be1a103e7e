"""Data sets that torchvision knows, fetched from a server in the test that holds tiny archives of the same layout."""

import hashlib
import io
import tarfile
import threading
import zipfile
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from paribus.datasets import downloads, pet_trimaps, published, torchvision
from paribus.datasets.downloads import Published, fetched
from paribus.errors import DataError, IntegrityError, MachineError, StudyError
from paribus.execute import image_set
from paribus.labels import VOID
from paribus.parts import PartProblem, resolve
from paribus.recipe import RecipeProblem, complete
from paribus.scan import scan


class Quiet(SimpleHTTPRequestHandler):
    short = False  # whether half of a file is sent

    def log_message(self, *args):
        pass

    def copyfile(self, source, outputfile):
        content = source.read()
        outputfile.write(content[: len(content) // 2] if self.short else content)


@pytest.fixture
def server(tmp_path, monkeypatch):
    folder = tmp_path / "server"
    folder.mkdir()
    monkeypatch.setenv("PARIBUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Quiet, "short", False)
    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


def picture(number, size=(24, 20)):
    return np.random.default_rng(number).integers(0, 255, (*size, 3)).astype(np.uint8)


def encoded(pixels, kind):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def mat(**arrays):
    buffer = io.BytesIO()
    savemat(buffer, arrays)
    return buffer.getvalue()


def put(server, monkeypatch, name, contents):
    """Serve these contents as the files of a data set."""
    folder, url = server
    told = []
    for file, content in contents.items():
        (folder / file).write_bytes(content)
        told.append(Published(url + file, hashlib.md5(content).hexdigest()))
    monkeypatch.setitem(published.FILES, name, tuple(told))
    return told


def pets():
    """Two breeds, ten trainval and four test images; trimaps of 1, 2 and 3."""
    names = {"Abyssinian": (1, 1), "yorkshire_terrier": (37, 2)}
    images, notes, lists = {}, {}, {"trainval": "", "test": ""}
    for breed, (label, kind) in names.items():
        for k in range(7):
            name, split = f"{breed}_{k}", "trainval" if k < 5 else "test"
            images[f"images/{name}.jpg"] = encoded(picture(10 * label + k), "JPEG")
            trimap = np.full((24, 20), 2, np.uint8)
            trimap[4:20, 4:16], trimap[6:18, 6:14] = 3, 1
            notes[f"annotations/trimaps/{name}.png"] = encoded(trimap, "PNG")
            lists[split] += f"{name} {label} {kind} 1\n"
    notes |= {f"annotations/{split}.txt": text.encode() for split, text in lists.items()}
    return {"images.tar.gz": tar(images), "annotations.tar.gz": tar(notes)}


def counts(data):
    return {split: sum(item.split == split for item in data.items) for split in ("train", "val", "test")}


def test_pets_are_fetched_once_and_scanned(server, monkeypatch, capsys):
    put(server, monkeypatch, "OxfordIIITPet", pets())
    recipe = complete({"data": "torchvision:OxfordIIITPet", "model": "small_cnn"})
    data = image_set(recipe, None)
    assert "Downloading images.tar.gz (" in capsys.readouterr().err
    assert data.classes == ("Abyssinian", "yorkshire_terrier") and counts(data) == {"train": 8, "val": 2, "test": 4}
    found = scan(data)
    assert set(found.fingerprints) == {"train", "val", "test"} and not found.left_out
    for file in server[0].iterdir():
        file.unlink()  # nothing is asked again
    assert [i.id for i in torchvision(name="OxfordIIITPet").items] == [i.id for i in data.items]
    assert capsys.readouterr().err == ""


def test_pets_with_masks(server, monkeypatch):
    put(server, monkeypatch, "OxfordIIITPet", pets())
    data = pet_trimaps()
    assert data.classes == ("pet", "background") and counts(data) == {"train": 8, "val": 2, "test": 4}
    mask = data.masks(data.items[0])
    assert (mask[0, 0], mask[4, 4], mask[10, 10]) == (1, VOID, 0)
    with_border = pet_trimaps(classes=("pet", "background", "border"))
    assert with_border.masks(with_border.items[0])[4, 4] == 2
    both = {i.id: i.split for i in torchvision(name="OxfordIIITPet").items}
    assert both == {i.id: i.split for i in data.items}  # both tasks, the same splits
    assert scan(data).fingerprints["val"]
    with pytest.raises(StudyError, match="classes are two names"):
        pet_trimaps(classes=("pet",))


def test_a_folder_of_the_users_is_read_and_not_written(server, monkeypatch, tmp_path):
    for content in pets().values():
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            packed.extractall(tmp_path / "mine" / "oxford-iiit-pet", filter="data")
    before = sorted(p for p in (tmp_path / "mine").rglob("*"))
    data = torchvision(tmp_path / "mine", name="OxfordIIITPet")
    assert counts(data)["test"] == 4 and all(i.source.is_relative_to(tmp_path / "mine") for i in data.items)
    assert sorted((tmp_path / "mine").rglob("*")) == before and not (tmp_path / "cache").exists()
    with pytest.raises(DataError, match="Leave `root` out"):
        torchvision(tmp_path, name="Flowers102")


def test_flowers(server, monkeypatch):
    labels = [1 + k % 3 for k in range(12)]
    contents = {
        "102flowers.tgz": tar({f"jpg/image_{k + 1:05d}.jpg": encoded(picture(k), "JPEG") for k in range(12)}),
        "imagelabels.mat": mat(labels=[labels]),
        "setid.mat": mat(trnid=[[1, 2, 3]], valid=[[4, 5, 6]], tstid=[[7, 8, 9, 10, 11, 12]]),
    }
    put(server, monkeypatch, "Flowers102", contents)
    data = torchvision(name="Flowers102")
    assert counts(data) == {"train": 3, "val": 3, "test": 6} and data.classes == ("001", "002", "003")
    assert {i.id: i.label for i in data.items}["test/image_00008.jpg"] == 1
    assert not scan(data).left_out
    with pytest.raises(StudyError, match="images of its own"):
        torchvision(name="Flowers102", splits={"train": 0.5, "val": 0.5})


def cifar(records=4):
    files = {"batches.meta.txt": b"airplane\nautomobile\n\n"}
    for k, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        rng = np.random.default_rng(k)
        rows = rng.integers(0, 255, (records, 3073)).astype(np.uint8)
        rows[:, 0] = np.arange(records) % 2
        files[f"{name}.bin"] = rows.tobytes()
    return {f"cifar-10-batches-bin/{name}": content for name, content in files.items()}


def test_cifar_is_read_where_it_lies(server, monkeypatch):
    files = cifar()
    put(server, monkeypatch, "CIFAR10", {"cifar-10-binary.tar.gz": tar(files)})
    data = torchvision(name="CIFAR10", splits={"train": 0.7, "val": 0.3})
    assert counts(data) == {"train": 14, "val": 6, "test": 4} and data.classes == ("airplane", "automobile")
    record = np.frombuffer(files["cifar-10-batches-bin/test_batch.bin"], np.uint8)[3073:6146]
    (item,) = (i for i in data.items if i.id == "test/test_batch-00001")
    pixels = data.load(item)
    assert item.label == record[0] == 1 and pixels.shape == (32, 32, 3)
    assert pixels[2, 5].tolist() == [record[1 + c * 1024 + 2 * 32 + 5] for c in range(3)]
    assert set(scan(data).fingerprints) == {"train", "val", "test"}
    with pytest.raises(StudyError, match="the test images are given"):
        torchvision(name="CIFAR10", splits={"train": 0.5, "val": 0.3, "test": 0.2})


def test_a_cut_file_of_cifar(server, monkeypatch):
    files = cifar()
    files["cifar-10-batches-bin/data_batch_2.bin"] += b"x"
    put(server, monkeypatch, "CIFAR10", {"cifar-10-binary.tar.gz": tar(files)})
    with pytest.raises(DataError, match=r"data_batch_2\.bin.*multiple of 3073"):
        torchvision(name="CIFAR10")


def test_eurosat_is_a_zip_of_class_folders(server, monkeypatch):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for k in range(8):
            packed.writestr(f"2750/{'Forest' if k % 2 else 'River'}/{k}.jpg", encoded(picture(k), "JPEG"))
    put(server, monkeypatch, "EuroSAT", {"EuroSAT.zip": buffer.getvalue()})
    data = torchvision(name="EuroSAT")
    assert data.name == "EuroSAT" and data.classes == ("Forest", "River") and data.own_split


# ------------------------------------------------------------------------------------------------ what goes wrong


def cached(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file())


def test_other_bytes_than_published(server, monkeypatch, tmp_path):
    (told, _) = put(server, monkeypatch, "OxfordIIITPet", pets())
    (server[0] / told.name).write_bytes(b"something else")
    with pytest.raises(IntegrityError, match=f"expected is {told.md5}") as error:
        torchvision(name="OxfordIIITPet")
    assert error.value.exit_code == 7 and cached(tmp_path) == []


def test_a_file_in_the_cache_that_was_changed(server, monkeypatch, tmp_path):
    told = put(server, monkeypatch, "OxfordIIITPet", pets())
    fetched(told[0]).write_bytes(b"rotten")
    with pytest.raises(IntegrityError, match="remove it and fetch it again"):
        torchvision(name="OxfordIIITPet")


def test_a_download_that_breaks_off_leaves_nothing_and_can_be_repeated(server, monkeypatch, tmp_path):
    put(server, monkeypatch, "OxfordIIITPet", pets())
    monkeypatch.setattr(Quiet, "short", True)
    with pytest.raises(MachineError, match="broke off") as error:
        torchvision(name="OxfordIIITPet")
    assert error.value.exit_code == 6 and cached(tmp_path) == []
    monkeypatch.setattr(Quiet, "short", False)
    assert counts(torchvision(name="OxfordIIITPet"))["test"] == 4


def test_offline_is_told_with_the_ways_out(monkeypatch, tmp_path):
    monkeypatch.setenv("PARIBUS_CACHE", str(tmp_path / "cache"))
    file = Published("http://127.0.0.1:9/images.tar.gz", "0" * 32)
    monkeypatch.setitem(published.FILES, "OxfordIIITPet", (file,))
    with pytest.raises(MachineError, match=r"cannot be fetched.*go online once, or fetch the file \(md5 0000") as error:
        torchvision(name="OxfordIIITPet")
    assert error.value.exit_code == 6
    assert str(tmp_path / "cache" / "downloads" / "images.tar.gz") in str(error.value)


def test_a_file_that_was_put_there_by_hand_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("PARIBUS_CACHE", str(tmp_path))
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "x.tgz").write_bytes(b"content")
    assert (
        fetched(Published("http://127.0.0.1:9/x.tgz", hashlib.md5(b"content").hexdigest())).read_bytes() == b"content"
    )


def test_no_room_is_told_before_anything_is_fetched(server, monkeypatch, tmp_path):
    told = put(server, monkeypatch, "OxfordIIITPet", pets())
    monkeypatch.setattr("paribus.durable.free", lambda path: 100)
    with pytest.raises(MachineError, match=r"too little room for the download images\.tar\.gz"):
        fetched(told[0])
    assert cached(tmp_path) == []


def test_a_bad_archive_leaves_nothing(server, monkeypatch, tmp_path):
    contents = pets() | {"annotations.tar.gz": tar({"../evil": b"1"})}
    put(server, monkeypatch, "OxfordIIITPet", contents)
    with pytest.raises(DataError, match="may lead out"):
        torchvision(name="OxfordIIITPet")
    assert cached(tmp_path) == ["annotations.tar.gz", "images.tar.gz"]  # the downloads alone
    assert list((tmp_path / "cache" / "torchvision").iterdir()) == []


@pytest.mark.parametrize("line", ["../../x 1 1 1", "Abyssinian_1 99 1 1", "Abyssinian_1 1"])
def test_lists_that_name_something_else(server, monkeypatch, line):
    contents = pets()
    contents["annotations.tar.gz"] = tar({"annotations/trainval.txt": line.encode(), "annotations/test.txt": b"# none"})
    put(server, monkeypatch, "OxfordIIITPet", contents)
    with pytest.raises(DataError, match=r"trainval\.txt.*line 1"):
        torchvision(name="OxfordIIITPet")


def test_names_and_folders(tmp_path):
    with pytest.raises(RecipeProblem, match="CIFAR10"):
        complete({"data": "torchvision:CIFAR", "model": "small_cnn"})
    with pytest.raises(RecipeProblem, match="torchvision:"):
        complete({"data": {"use": "torchvision", "name": "CIFAR10"}, "model": "small_cnn"})
    assert complete({"data": "torchvision:CIFAR10", "model": "small_cnn"}).data.args == {
        "splits": None,
        "split_seed": 0,
    }
    with pytest.raises(PartProblem):
        resolve("torchvision.models:resnet18", "paribus.datasets")
    with pytest.raises(DataError, match="no such folder"):
        torchvision(tmp_path / "none", name="CIFAR10")


def test_the_cache_is_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.delenv("PARIBUS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert downloads.cache() == tmp_path / "paribus"


def test_addresses_and_hashes_are_torchvisions():
    from torchvision import datasets

    pets = datasets.OxfordIIITPet._RESOURCES
    assert [(f.url, f.md5) for f in published.FILES["OxfordIIITPet"]] == list(pets)
    flowers = datasets.Flowers102
    expected = [(flowers._download_url_prefix + name, md5) for name, md5 in flowers._file_dict.values()]
    assert [(f.url, f.md5) for f in published.FILES["Flowers102"]] == expected
