"""Which device is taken, and that all that a network touches is there: on a pretended device."""

from types import SimpleNamespace

import pytest
import torch
from tiny import image_set, recipe, run, trained
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from typer.testing import CliRunner

from paribus import checkpoint, devices, environment, findings
from paribus.cli import app
from paribus.errors import IntegrityError, MachineError, StudyError
from paribus.store import Store
from paribus.train import prepare, train
from paribus.views import Pictures


def there(monkeypatch, cuda=False, mps=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "taken"), [(False, False, "cpu"), (True, False, "cuda"), (False, True, "mps"), (True, True, "cuda")]
)
def test_auto_takes_what_is_there(monkeypatch, cuda, mps, taken):
    there(monkeypatch, cuda, mps)
    assert devices.chosen("auto") == taken
    assert devices.chosen("cpu") == "cpu"


def test_a_device_that_is_not_there_and_a_name_that_is_none(monkeypatch):
    there(monkeypatch, mps=True)
    with pytest.raises(MachineError, match="--device cuda: torch finds no such device here; there is mps and cpu"):
        devices.chosen("cuda")
    with pytest.raises(StudyError, match=r"no device 'gpu'|unknown device 'gpu'|'gpu'.*auto"):
        devices.chosen("gpu")


def test_the_command_line_refuses_before_it_reads(tmp_path):
    found = CliRunner().invoke(app, ["run", str(tmp_path / "none.yaml"), "--device", "tpu"])
    assert isinstance(found.exception, StudyError) and "'tpu'" in str(found.exception)


class Elsewhere(TorchDispatchMode):
    """A device that is the processor in truth: it knows its own tensors by their memory, and mixes with no others.

    As on a real one, numbers without a dimension may come from the processor.
    """

    def __init__(self):
        super().__init__()
        self.own, self.alive, self.operations = set(), [], 0

    def take(self, what):
        if isinstance(what, torch.nn.Module):
            for tensor in [*what.parameters(), *what.buffers()]:
                self._keep(tensor)
            return what
        return what if self.has(what) else self._keep(what.clone())

    def back(self, tensor):
        with torch._C._DisableTorchDispatch():
            return tensor.clone()

    def has(self, tensor):
        return tensor.untyped_storage()._cdata in self.own

    def _keep(self, tensor):
        storage = tensor.untyped_storage()
        self.own.add(storage._cdata)
        self.alive.append(storage)  # so that no other tensor gets its place
        return tensor

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = [t for t in tree_leaves((args, kwargs or {})) if isinstance(t, torch.Tensor)]
        here = [t for t in given if self.has(t)]
        strange = [t for t in given if t.ndim and not self.has(t)]
        found = function(*args, **(kwargs or {}))
        if here:
            if strange and "copy_" not in str(function):
                raise RuntimeError(f"{function}: tensors on two devices")
            self.operations += 1
            for tensor in tree_leaves(found):
                if isinstance(tensor, torch.Tensor):
                    self._keep(tensor)
        return found


@pytest.fixture
def elsewhere(monkeypatch):
    mode = Elsewhere()
    monkeypatch.setattr(devices, "moved", lambda what, device: mode.take(what) if device == "cuda" else what)
    monkeypatch.setattr(devices, "back", mode.back)
    monkeypatch.setattr(devices, "alongside", lambda t, other: mode.take(t) if mode.has(other) else t)
    for module in ("losses", "views"):
        monkeypatch.setattr(f"paribus.{module}.alongside", devices.alongside)
    monkeypatch.setattr(devices, "of", lambda network: "cuda" if mode.has(next(network.parameters())) else "cpu")
    monkeypatch.setattr(devices, "kind", lambda device: "cpu")
    monkeypatch.setattr(devices, "described", lambda device: {"device": device})
    return mode


def numpy_refused(monkeypatch, mode):
    plain = torch.Tensor.numpy

    def numpy(tensor, *args, **kwargs):
        if mode.has(tensor):
            raise TypeError("can't convert a tensor of another device to numpy")
        return plain(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "numpy", numpy)


CASES = {
    "all": {"loss": {"use": "cross_entropy", "class_weights": "balanced"}, "optimizer": {"use": "adam"}},
    "focal": {"loss": {"use": "focal", "class_weights": [1, 2]}, "precision": "float32"},
    "head": {"trainable": "head", "views": 1},
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_a_run_is_left_on_the_processor(tmp_path, monkeypatch, elsewhere, name):
    one = run(**{"epochs": 2, **CASES[name]})
    expected = trained(tmp_path / "here", one)
    numpy_refused(monkeypatch, elsewhere)
    with elsewhere:
        train(one, Pictures(image_set()), None, Store(tmp_path / "there"), {"val": "a" * 64}, device="cuda")
    assert elsewhere.operations > 100
    for weights in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "there" / one.id / weights).read_bytes() == (expected / weights).read_bytes()
    assert Store(tmp_path / "there").about(one.id)["environment"]["device"] == "cuda"


def test_the_pretended_device_mixes_with_no_other(elsewhere):
    with elsewhere, pytest.raises(RuntimeError, match="two devices"):
        elsewhere.take(torch.ones(3)) + torch.ones(3)


def test_the_network_that_is_drawn_is_the_same_on_every_device(elsewhere):
    pictures = Pictures(image_set())
    here, there = (prepare(run(), pictures, None, device=device) for device in ("cpu", "cuda"))
    for one, other in zip(here.model.parameters(), there.model.parameters(), strict=True):
        assert one.equal(other)
    assert elsewhere.has(next(there.model.parameters())) and not elsewhere.has(next(here.model.parameters()))


def test_depthwise_convolutions_are_hastened_on_processors_alone(elsewhere):
    one = run(model="timm:tf_efficientnet_lite0", batch_norm="frozen")
    for device, expected in (("cpu", True), ("cuda", False)):
        network = prepare(one, Pictures(image_set()), None, device=device).model
        found = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.groups > 1 and m.stride == (1, 1)]
        assert found, device
        assert [("forward" in vars(m)) for m in found] == [expected] * len(found), device


class Killed(BaseException):
    """Stands for a process that is no more."""


def test_a_run_begun_on_another_device_does_not_go_on(tmp_path, monkeypatch):
    one = run()
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.0)

    def kill(epoch, seconds):
        raise Killed

    with pytest.raises(Killed):
        train(one, Pictures(image_set()), None, Store(tmp_path), {"val": "a" * 64}, kill)
    monkeypatch.setattr(devices, "moved", lambda what, device: what)
    monkeypatch.setattr(devices, "described", lambda device: {"device": device})
    with pytest.raises(IntegrityError, match=r"another environment \(device: cpu -> cuda\)"):
        train(one, Pictures(image_set()), None, Store(tmp_path), {"val": "a" * 64}, device="cuda")


def test_the_environment_names_the_device(monkeypatch):
    assert environment.full()["device"] == "cpu" and "device_name" not in environment.full()
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    assert environment.full("cuda")["device_name"] == "Some GPU"


def of_devices(*used):
    runs = [SimpleNamespace(id=str(k), facts={"environment": {"device": device}}) for k, device in enumerate(used)]
    looked = SimpleNamespace(runs={"a": runs})
    return findings._bitwise(looked), findings._one_environment(looked)


def test_the_report_says_that_a_gpu_is_not_bitwise():
    here, _ = of_devices("cpu", "cpu")
    assert here.outcome == "passed"
    there, mixed = of_devices("cpu", "cuda")
    assert there.outcome == "tip" and "Computed on cuda: not bitwise on this device" in there.sentence
    assert mixed.outcome == "issue" and "several environments (device: cpu, cuda)" in mixed.sentence


def test_environments_of_before_processes_were_recorded_had_one():
    versions = {"versions": {"torch": "2"}}
    assert environment.fields(versions) == environment.fields({**versions, "device": "cpu", "processes": 1})
    assert environment.fields(versions)["versions.torch"] == "2"
    assert environment.fields(versions) != environment.fields({**versions, "processes": 2})


def test_autocast_is_asked_for_the_device():
    training = prepare(run(precision="bf16"), Pictures(image_set()), None)
    assert training.precision().device == "cpu"
    training.device = "cuda:0"
    assert devices.kind(training.device) == "cuda"
    assert recipe(precision="bf16").precision == "bf16"
