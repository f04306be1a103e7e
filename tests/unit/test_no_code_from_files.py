"""Nothing in the package runs what a file says: no pickle, no evaluated text, no shell, no import by a file's word."""

import ast
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2] / "paribus"
MODULES = (
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle", "code", "runpy",
)  # fmt: skip
NAMES = ("eval", "exec", "compile", "__import__")
CALLS = (
    "torch.load", "torch.hub.load", "torch.jit.load", "os.system", "os.popen", "os.execv", "os.execvp", "yaml.load",
    "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "pandas.read_pickle", "subprocess.getoutput",
    "subprocess.getstatusoutput", "tarfile.open", "zipfile.ZipFile", "shutil.unpack_archive",
)  # fmt: skip
LOADERS = ("UnsafeLoader", "FullLoader", "Loader", "CLoader", "CUnsafeLoader")  # of yaml
EXCEPTIONS = [
    ("datasets/archives.py", "_members", "tarfile.open"),  # listed and read; what writes is a loop of ours
    ("datasets/archives.py", "_members", "zipfile.ZipFile"),
    ("weights.py", "_unpickled", "torch.load"),  # weights of a named source whose hash was checked
]
IMPORTING = {"parts.py", "__init__.py"}  # `import_module`: of the package's own parts, and of what --plugin names


def dotted(node):
    """`a.b.c` of an expression; what is no chain of names is a question mark."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def dangers(tree):
    """(what, node) for everything that is banned; what is called by a name of its own is resolved first."""
    renamed = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            renamed |= {a.asname: a.name for a in node.names if a.asname}
            yield from ((f"import {a.name}", node) for a in node.names if a.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            renamed |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            if node.module.split(".")[0] in MODULES:
                yield f"from {node.module}", node
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            first, dot, rest = dotted(node).partition(".")
            name = renamed.get(first, first) + dot + rest
            if name in NAMES or name in CALLS or name.startswith("builtins.") or name.endswith("import_module"):
                yield name.rpartition(".")[2] if name.endswith("import_module") else name, node
            elif name.startswith("yaml.") and name.split(".")[1] in LOADERS:
                yield name, node
        elif isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "shell") and not is_false(node.value):
            yield node.arg, node.value


def is_false(node):
    return isinstance(node, ast.Constant) and node.value is False


def found(text):
    return [what for what, _ in dangers(ast.parse(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import pickle", ["import pickle"]),
        ("from pickle import loads", ["from pickle"]),
        ("import torch\ntorch.load(x)", ["torch.load"]),
        ("import torch as t\nt.load(x)", ["torch.load"]),
        ("from torch import load as l\nl(x)", ["torch.load"]),
        ("import torch\nf = torch.load", ["torch.load"]),
        ("import numpy as np\nnp.load(x, allow_pickle=True)", ["allow_pickle"]),
        ("np.load(x, allow_pickle=flag)", ["allow_pickle"]),
        ("np.load(x, allow_pickle=False)", []),
        ("from safetensors.torch import load\nload(x)", []),
        ("import torch\ntorch.hub.load(x)", ["torch.hub.load"]),
        ("build(x).eval()", []),
        ("eval(x)", ["eval"]),
        ("model.eval()", []),
        ("f = exec", ["exec"]),
        ("import builtins\nbuiltins.eval(x)", ["builtins.eval"]),
        ("re.compile(x)", []),
        ("import yaml\nyaml.load(x, yaml.Loader)", ["yaml.load", "yaml.Loader"]),
        ("import yaml\nyaml.safe_load(x)", []),
        ("subprocess.run(x, shell=True)", ["shell"]),
        ("import os\nos.system(x)", ["os.system"]),
        ("from os import system\nsystem(x)", ["os.system"]),
        ("import importlib\nimportlib.import_module(x)", ["import_module"]),
        ("from zipfile import ZipFile\nZipFile(x)", ["zipfile.ZipFile"]),
    ],
)
def test_the_lint_sees_what_it_must(text, expected):
    assert found(text) == expected


def test_nothing_dangerous_is_in_the_package_but_where_it_is_said():
    seen = []
    for path in sorted(HOME.rglob("*.py")):
        tree = ast.parse(path.read_text())
        homes = {id(inner): f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for inner in ast.walk(f)}
        for what, node in dangers(tree):
            if what == "import_module" and path.relative_to(HOME).as_posix() in IMPORTING:
                continue
            seen.append((path.relative_to(HOME).as_posix(), homes.get(id(node), ""), what))
    assert sorted(seen) == EXCEPTIONS


def test_no_archive_writes_its_members_itself():
    writers = ("extract", "extractall")
    calls = [
        (path.name, node.func.attr)
        for path in sorted(HOME.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in writers
    ]
    assert calls == []


def test_that_one_place_asks_for_tensors_alone_of_bytes_whose_hash_was_checked():
    functions = {f.name: f for f in ast.parse((HOME / "weights.py").read_text()).body if isinstance(f, ast.FunctionDef)}

    def those_with(wanted):
        return [name for name, f in functions.items() if any(wanted(node) for node in ast.walk(f))]

    calls = (node for node in ast.walk(functions["_unpickled"]) if isinstance(node, ast.Call))
    (call,) = (node for node in calls if dotted(node.func) == "torch.load")
    asked = {keyword.arg: keyword.value for keyword in call.keywords}
    assert isinstance(asked["weights_only"], ast.Constant) and asked["weights_only"].value is True
    assert ast.unparse(call.args[0]) == "io.BytesIO(content)"
    assert those_with(lambda n: isinstance(n, ast.Name) and n.id == "_unpickled") == ["load"]
    steps = [ast.unparse(statement) for statement in functions["load"].body]
    checked = next(k for k, step in enumerate(steps) if "found != weights.sha256" in step)
    assert checked < next(k for k, step in enumerate(steps) if "_unpickled(content" in step)
    makers = those_with(lambda n: isinstance(n, ast.Call) and dotted(n.func) == "Weights")
    assert makers == ["_checked", "_downloaded"]  # nothing becomes `Weights` before its hash and form are looked at
