"""The signature is the schema."""

import sys
import typing
from typing import Annotated, Any, Literal

import pytest

from paribus.parts import (
    Ascending,
    NotNegative,
    Part,
    PartProblem,
    Positive,
    Range,
    Share,
    build,
    choices,
    completed,
    fitted,
    names,
    resolve,
)
from paribus.recipe import AUGMENT, HOMES, PAIRED_AUGMENT

HOME = "paribus.optimizers"


def refused(part, home=HOME, plugins=()):
    with pytest.raises(PartProblem) as caught:
        completed(part, home, plugins)
    return caught.value.problems


def test_every_default_is_written_out():
    found = completed(Part("sgd", {"lr": 1}), HOME)
    rest = {"backbone_lr": None, "momentum": 0.9, "weight_decay": 0.0, "nesterov": False, "clip_norm": None}
    assert found.args == {"lr": 1.0, **rest}
    assert type(found.args["lr"]) is float


def test_all_misfits_of_one_part_at_once_with_near_names():
    problems = dict(refused(Part("sgd", {"lrr": 1, "momentum": "much", "nesterov": 1})))
    assert "Did you mean 'lr'?" in problems["lrr"]
    assert problems["momentum"] == "sgd: momentum must be a number of at least 0 and below 1, not 'much'."
    assert problems["nesterov"] == "sgd: nesterov must be true or false, not 1."


def test_unknown_names_and_names_that_are_no_parts():
    assert "Did you mean 'adam'?" in refused(Part("adm"))[0][1]
    for name in ("_groups", "Any", "TYPE_CHECKING", "__name__"):
        assert "Unknown optimizer" in refused(Part(name))[0][1]
    for name in ("field", "replace", "dataclass"):  # what paribus.datasets imports for itself
        assert "Unknown dataset" in refused(Part(name), "paribus.datasets")[0][1]


def test_a_module_is_imported_only_if_the_user_named_it(tmp_path, monkeypatch):
    (tmp_path / "lab_of_tests.py").write_text(
        "from __future__ import annotations\n"
        "from typing import Annotated\n"
        "from paribus.parts import Range\n"
        "def slow(head, body, *, lr: Annotated[float, Range(0)] = 1, betas: tuple[float, float] = (0, 1)):\n"
        "    return lr\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    part = Part("lab_of_tests:slow")
    assert "--plugin lab_of_tests" in refused(part)[0][1]
    assert "lab_of_tests" not in sys.modules
    assert completed(part, HOME, ("lab_of_tests",)).args == {"lr": 1.0, "betas": [0.0, 1.0]}
    assert build(completed(part, HOME, ("lab_of_tests",)), HOME, [], []) == 1.0
    assert "must be a number" in refused(Part("lab_of_tests:slow", {"lr": "x"}), HOME, ("lab_of_tests",))[0][1]
    assert (
        "must be a number of at least 0, not -1"
        in refused(Part("lab_of_tests:slow", {"lr": -1}), HOME, ("lab_of_tests",))[0][1]
    )
    sys.modules.pop("lab_of_tests")


def test_a_plugin_that_cannot_be_imported_is_named():
    assert "'no_such_lab' cannot be imported" in refused(Part("no_such_lab:f"), HOME, ("no_such_lab",))[0][1]


def test_prefixes_bind_the_name():
    function = resolve("timm:resnet18", "paribus.models")
    assert "name" not in choices(function)
    assert set(choices(function)) == {"pretrained", "classifier", "drop_rate", "drop_path_rate"}


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, float, 1.0),
        ((1, 2), tuple[float, float], [1.0, 2.0]),
        ([1, 2], tuple[float, ...], [1.0, 2.0]),
        (None, float | None, None),
        (2, float | None, 2.0),
        ("a", Literal["a", "b"] | list[float], "a"),
        ([1], Literal["a"] | list[float], [1.0]),
        ({"x": [1]}, dict[str, list[float]], {"x": [1.0]}),
        ("free", Any, "free"),
        (0, Share, 0.0),
        (1, Share, 1.0),
        (3, Annotated[int, Range(3), "a note for others"], 3),
        (None, NotNegative | None, None),
        ([0.5, 0.5], Annotated[tuple[float, float], Ascending()], [0.5, 0.5]),
        ("x", Share | Literal["x"], "x"),
    ],
)
def test_canonical_forms(value, annotation, expected):
    assert repr(fitted(value, annotation)) == repr(expected)


@pytest.mark.parametrize(
    ("value", "annotation", "words"),
    [
        (True, float, "a number"),
        (True, int, "a whole number"),
        (1.0, int, "a whole number"),
        (float("inf"), float, "a number"),
        (float("nan"), float, "a number"),
        (1, bool, "true or false"),
        ([1], tuple[float, float], "a list of 2"),
        ("ab", list[str], "a list"),
        ("c", Literal["a", "b"], "one of a, b"),
        ([], Literal["a", "b"], "one of a, b"),
        ([1], dict[str, float], "a mapping"),
        ("x", float | None, "a number or null"),
        (-0.1, Share, "must be a number from 0 to 1, not -0.1"),
        (1.1, Share, "must be a number from 0 to 1, not 1.1"),
        ("x", Share, "must be a number from 0 to 1, not 'x'"),
        (0, Positive, "must be a number above 0, not 0"),
        (-1, NotNegative | None, "must be a number of at least 0 or null, not -1"),
        (1, Annotated[float, Range(0, below=1)], "must be a number of at least 0 and below 1, not 1"),
        (2, Annotated[int, Range(3)], "must be a whole number of at least 3, not 2"),
        ([1, 2], tuple[Share, Share], "must be a list of 2, each a number from 0 to 1, not"),
        ([1, 2], list[Share], "must be a list, each a number from 0 to 1, not"),
        ([2, 1], Annotated[tuple[int, int], Ascending()], "whole number \\(the smallest first\\)"),
        (2, Share | Literal["x"], "must be a number from 0 to 1 or x, not 2"),
    ],
)
def test_what_does_not_fit(value, annotation, words):
    with pytest.raises(ValueError, match=words):
        fitted(value, annotation)


def test_the_modules_are_the_registry_and_hold_what_the_documents_promise():
    promised = {
        "transforms": ["auto_augment", "color_jitter", "cutout", "horizontal_flip", "random_resized_crop", "resize"],
        "optimizers": ["adam", "adamw", "sgd"],
        "pixel_transforms": ["color_jitter", "horizontal_flip", "resize", "scale_crop"],
        "schedules": ["constant", "cosine", "one_cycle", "polynomial", "step"],
        "losses": ["cross_entropy", "dice", "focal"],
        "models": ["fcn", "small_cnn", "smp", "timm", "torchvision"],
        "datasets": [
            "camvid",
            "cityscapes",
            "csv",
            "drives",
            "faces",
            "folder",
            "huggingface",
            "masks",
            "pet_trimaps",
            "streets",
            "torchvision",
            "voc",
        ],
        "inputs": ["images"],
    }
    assert {home: names(f"paribus.{home}") for home in promised} == promised


@pytest.mark.parametrize(
    ("use", "name", "bad", "good"),
    [
        ("random_resized_crop", "scale", [[0.5, 0.1], [0, 1], [0.5, 1.5], [0.5]], [[0.08, 1], [1, 1]]),
        ("random_resized_crop", "ratio", [[0, 1], [-1, 1], [2, 1]], [[0.5, 2]]),
        ("horizontal_flip", "p", [-0.1, 1.5, 50], [0, 0.5, 1]),
        ("color_jitter", "brightness", [-0.1], [0, 2]),
        ("color_jitter", "contrast", [-0.1], [0, 2]),
        ("color_jitter", "saturation", [-0.1], [0, 2]),
        ("color_jitter", "hue", [-0.1, 0.6], [0, 0.5]),
        ("auto_augment", "fill", [-1, 256, 0.5], [0, 255]),
        ("cutout", "side", [-16, 0], [1, 500]),
        ("cutout", "fill", [-1, 256], [0, 255, "image_mean"]),
    ],
)
def test_ranges_of_the_transforms(use, name, bad, good):
    for value in bad:
        (found,) = refused(Part(use, {name: value}), "paribus.transforms")
        assert found[0] == name and f"{use}: {name} must be" in found[1] and repr(value) in found[1]
    for value in good:
        assert completed(Part(use, {name: value}), "paribus.transforms").args[name] == value


@pytest.mark.parametrize(
    ("home", "use", "name", "bad", "good"),
    [
        ("inputs", "images", "size", [7, 0, -64], [8, [8, 16]]),
        ("inputs", "images", "eval_size", [7, 0], [8, None]),
        ("inputs", "images", "prepare", [7], [8, None]),
        ("inputs", "images", "crop_fraction", [0, 1.01, -1], [0.5, 1]),
        ("models", "small_cnn", "width", [0, -4, 1e3, 4096], [1, 16]),
        ("models", "small_cnn", "depth", [0, -1, 60], [1, 8]),
        ("models", "timm:resnet18", "drop_rate", [-0.1, 1, 20], [0, 0.5]),
        ("models", "timm:resnet18", "drop_path_rate", [-0.1, 1], [0, 0.5]),
        ("losses", "cross_entropy", "label_smoothing", [-0.1, 1.1], [0, 0.1]),
        ("losses", "cross_entropy", "class_weights", [[1, -1], "fair"], [[1, 2.5], "balanced", None]),
        ("optimizers", "sgd", "lr", [-1e-3], [0, 0.1]),
        ("optimizers", "sgd", "backbone_lr", [-1e-3], [0, None]),
        ("optimizers", "sgd", "momentum", [-0.1, 1, 9], [0, 0.9]),
        ("optimizers", "sgd", "weight_decay", [-0.1], [0, 0.1]),
        ("optimizers", "sgd", "clip_norm", [0, -1], [1, None]),
        ("optimizers", "adam", "betas", [[0.9, 1], [-0.1, 0.9], [0.9]], [[0.9, 0.99]]),
        ("optimizers", "adamw", "betas", [[0.9, 1.1]], [[0, 0.99]]),
        ("schedules", "step", "every", [0, -1], [1]),
        ("schedules", "step", "gamma", [-0.1], [0.1]),
        ("schedules", "cosine", "final", [-0.1, 1.1], [0, 1]),
        ("schedules", "one_cycle", "warm_up", [-0.1, 1.1, 30], [0, 0.3, 1]),
        ("schedules", "one_cycle", "initial", [-0.1, 1.1], [0, 1]),
        ("schedules", "one_cycle", "final", [-0.1, 1.1], [0, 1]),
        ("schedules", "polynomial", "power", [0, -1], [0.9]),
        ("datasets", "folder", "splits", [{"train": 70, "val": 30}], [{"train": 0.7, "val": 0.3}]),
        ("datasets", "faces", "n", [1, -5], [2]),
        ("datasets", "faces", "n_test", [-1], [0]),
        ("datasets", "faces", "size", [16, 2048], [32, 1024]),
        ("datasets", "faces", "difficulty", [-0.1, 1.1], [0, 1]),
        ("datasets", "faces", "confound", [-0.1, 1.1], [0, 1]),
    ],
)
def test_ranges_of_the_other_parts(home, use, name, bad, good):
    for value in bad:
        (found,) = refused(Part(use, {name: value}), f"paribus.{home}")
        assert found[0] == name and f"{use}: {name} must be" in found[1] and "not " + repr(value) in found[1]
    for value in good:
        assert completed(Part(use, {name: value}), f"paribus.{home}").args[name] == value


ANY_NUMBER = {"seed", "split_seed"}  # no number is wrong
CHECKED_TOGETHER = {"normalize", "palette", "values", "void"}  # by the recipe, and by the coding of masks


def bare_numbers(annotation):
    """Whether a number of an annotation has no range beside it."""
    if typing.get_origin(annotation) is Annotated:
        ranged = any(isinstance(rule, Range) for rule in annotation.__metadata__)
        return not ranged and bare_numbers(annotation.__origin__)
    return annotation in (int, float) or any(map(bare_numbers, typing.get_args(annotation)))


def test_every_number_that_a_study_may_write_has_a_range():
    homes = [*HOMES.values(), AUGMENT, PAIRED_AUGMENT]
    found = [
        f"{home}.{part}: {name}"
        for home in homes
        for part in names(home)
        for name, parameter in choices(resolve(part, home)).items()
        if name not in ANY_NUMBER | CHECKED_TOGETHER and bare_numbers(parameter.annotation)
    ]
    assert found == []
    assert bare_numbers(float | None) and bare_numbers(dict[str, list[float]]) and not bare_numbers(Share | None)


def plugin(folder, monkeypatch, body):
    """A module of somebody's with one function, imported by name."""
    (folder / "their_lab.py").write_text(body)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "their_lab", raising=False)
    return Part("their_lab:wide")


def test_a_part_may_leave_out_the_last_of_what_the_run_gives(tmp_path, monkeypatch):
    part = plugin(tmp_path, monkeypatch, "def wide(num_classes, *, width: int = 2):\n    return num_classes, width\n")
    whole = completed(part, HOMES["model"], ("their_lab",))
    assert build(whole, HOMES["model"], 7, "weights") == (7, 2)


def test_what_a_study_may_choose_is_no_positional_argument(tmp_path, monkeypatch):
    part = plugin(tmp_path, monkeypatch, "def wide(num_classes, weights, width=2):\n    return width\n")
    ((_, told),) = refused(part, HOMES["model"], ("their_lab",))
    assert "what comes from the run is num_classes, weights. Put a `*` before width" in told
