"""Imports point one way, nothing happens at import, and torch waits until it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2] / "paribus"
LAYERS = (  # a module may import only from the layers above its own; a folder counts as one module
    "errors faultpoints memory stopping",
    "devices predictions questions parts seeding images durable naming patterns strictjson regular yamlfile heads "
    "faces labels written autoaugment stats ratios picks ranking backbones fcn depthwise",
    "environment confusion counting maskfile streets zoo sheets sealed tensorfile locks",
    "metrics datasets weights freezing folding plans inputs losses models optimizers schedules transforms states room "
    "ranks",
    "pixel_transforms recipe prepared sampling scan epochs looks scoring checkpoint grouping simulate thumbnails "
    "overlays",
    "runs spaces wording decomposition per_class views listing windows boxes",
    "store asking contrasts features tuning",
    "study classifying segmenting findings one_run progress",
    "train bound",
    "jobs results trained",
    "trials on_ray together",
    "execute",
    "audits",
    "collect planning report compare maskpictures",
    "running verify upkeep auditing autopsy drafting notebook predicting",
    "modelcard",
    "api reproduce looking exporting",
    "cli",
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer.split()}


def sources():
    """Top-level module name -> its source files."""
    found = {}
    for path in sorted(HOME.rglob("*.py")):
        found.setdefault(path.relative_to(HOME).parts[0].removesuffix(".py"), []).append(path)
    del found["__init__"]
    return found


def imported(path):
    """The top-level modules of paribus that a file imports anywhere, but not only for the type checker."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names = [f"{node.module}.{a.name}" for a in node.names]
        else:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        yield from (n.split(".")[1] for n in names if n.startswith("paribus."))


def test_every_module_has_its_layer():
    assert set(sources()) == set(RANK)
    assert len(sources()) > 40  # something was looked at


@pytest.mark.parametrize("name", sorted(sources()))
def test_imports_point_one_way(name):
    used = {other for path in sources()[name] for other in imported(path)} - {name}
    assert {other for other in used if RANK[other] >= RANK[name]} == set()


@pytest.mark.parametrize(
    "name",
    [
        "predictions",
        "stats",
        "contrasts",
        "metrics",
        "epochs",
        "looks",
        "plans",
        "wording",
        "findings",
        "one_run",
        "report",
    ],
)
def test_statistics_and_report_never_import_torch_nor_the_trainer(name):
    text = "\n".join(path.read_text() for path in sources()[name])
    assert "import torch" not in text and "from torch" not in text
    assert not {"train", "execute", "views", "store"} & {o for p in sources()[name] for o in imported(p)}


def python(code, *arguments):
    command = [sys.executable, "-B", "-W", "error", "-c", code, *arguments]
    found = subprocess.run(command, capture_output=True, text=True, cwd=HOME.parent, check=False, timeout=120)
    assert found.returncode == 0, found.stderr
    return found.stdout


QUIET_IMPORT = """
import importlib, random, sys, threading
import numpy as np
import rich.progress  # draws from `random` while it is imported; that is not ours
before = (np.random.get_state()[1].tolist(), random.getstate())
acts = []
ACTS = ("os.mkdir", "os.rename", "os.remove")
def watch(event, arguments):
    wrote = event == "open" and isinstance(arguments[1], str) and any(c in arguments[1] for c in "wax+")
    if wrote or event.split(".")[0] in ("socket", "subprocess", "shutil") or event in ACTS:
        if event not in ("socket.__new__", "socket.gethostname"):
            acts.append((event, str(arguments)))
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(f"paribus.{name}")
assert not acts, acts
assert threading.active_count() == 1
assert before == (np.random.get_state()[1].tolist(), random.getstate())
print(sorted({"torch", "torchvision", "timm", "matplotlib.pyplot"} & set(sys.modules)))
"""


def test_nothing_happens_at_import_and_torch_is_not_imported():
    modules = [".".join(p.relative_to(HOME).with_suffix("").parts) for files in sources().values() for p in files]
    assert python(QUIET_IMPORT, *(m.removesuffix(".__init__") for m in modules)).strip() == "[]"


def test_a_study_of_built_in_parts_is_checked_without_torch(tmp_path):
    study = tmp_path / "s.yaml"
    study.write_text(
        "seeds: 2\nbaseline: {data: faces, model: small_cnn, augment: [cutout], schedule: one_cycle}\n"
        "arms: {hot: {optimizer.lr: 0.3}}\n"
    )
    code = "import sys; from paribus.study import Study; Study.read(sys.argv[1]); print('torch' in sys.modules)"
    assert python(code, str(study)).strip() == "False"
