"""A part of a recipe is a function by name and the arguments that are ours to choose. Modules are the registry.

A part's positional arguments come from the run; its keyword-only arguments are the study's choices, so that the
signature is the schema: it validates what a study wrote and completes every default.
"""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Literal, Union

from paribus.errors import unknown

PREFIXES = ("timm", "torchvision")  # `timm:resnet18` is the built-in function `timm` with name="resnet18"


@dataclass(frozen=True)
class Part:
    """Which function, and the arguments that are ours to choose."""

    use: str
    args: dict[str, Any] = field(default_factory=dict)


class PartProblem(Exception):
    """What is wrong with one part; `problems` holds (path below the part, sentence)."""

    def __init__(self, problems: list[tuple[str, str]]):
        self.problems = problems
        super().__init__("; ".join(sentence for _, sentence in problems))


def names(home: str) -> list[str]:
    """The parts a module offers: its own public functions."""
    module = import_module(home)
    own = (n for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__)
    return sorted(n for n in own if not n.startswith("_") and _is_part(getattr(module, n)))


def _is_part(function: Callable[..., Any]) -> bool:
    return getattr(function, "__doc__", None) is not None


def resolve(use: str, home: str, plugins: tuple[str, ...] = ()) -> Callable[..., Any]:
    """The function a name stands for.

    `sgd` is looked up in `home`, `timm:resnet18` is served by the wrapper `timm` of `home`, and `my_lab:wide` by the
    module `my_lab`, if the user named it. Raises PartProblem.
    """
    prefix, colon, name = use.rpartition(":")
    if not colon:
        return _public(home, use)
    if prefix in PREFIXES and hasattr(import_module(home), prefix):
        return partial(getattr(import_module(home), prefix), name=name)
    if prefix not in plugins:
        raise PartProblem(
            [
                (
                    "",
                    f"{use!r} names a module that is not part of Paribus. If you trust it, "
                    f"name it on the command line: --plugin {prefix}.",
                )
            ]
        )
    return _public(prefix, name)


def _public(module_name: str, name: str) -> Callable[..., Any]:
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise PartProblem([("", f"the module {module_name!r} cannot be imported ({error}).")]) from None
    function = getattr(module, name, None)
    borrowed = module_name.startswith("paribus.") and name not in names(module_name)  # what a built-in module imports
    if name.startswith("_") or borrowed or not inspect.isfunction(function):
        kind = module_name.rpartition(".")[2].rstrip("s")
        raise PartProblem([("", unknown(kind, name, names(module_name)))])
    return function


def choices(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The keyword-only parameters of a part: what a study may choose."""
    bound = function.keywords if isinstance(function, partial) else {}
    parameters = inspect.signature(function).parameters.values()
    return {p.name: _evaluated(p, function) for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in bound}


def _evaluated(parameter: inspect.Parameter, function: Callable[..., Any]) -> inspect.Parameter:
    """The parameter with an annotation that is a text (`from __future__ import annotations`) put into types."""
    if not isinstance(parameter.annotation, str):
        return parameter
    inner = function.func if isinstance(function, partial) else function
    try:
        return parameter.replace(annotation=typing.get_type_hints(inner)[parameter.name])
    except (NameError, TypeError):  # a name that only the type checker sees: nothing to check against
        return parameter.replace(annotation=Any)


def completed(part: Part, home: str, plugins: tuple[str, ...] = ()) -> Part:
    """The part with every default written out. Raises PartProblem with all that is wrong."""
    function = resolve(part.use, home, plugins)
    chosen = choices(function)
    problems = [
        (name, unknown(f"argument of {part.use}", name, list(chosen))) for name in part.args if name not in chosen
    ]
    args: dict[str, Any] = {}
    for name, parameter in chosen.items():
        if name not in part.args and parameter.default is parameter.empty:
            problems.append(("", f"{part.use} needs {name!r}."))
            continue
        value = part.args.get(name, parameter.default)
        try:
            args[name] = fitted(value, parameter.annotation)
        except ValueError as error:
            problems.append((name, f"{part.use}: {name} {error}."))
    if problems:
        raise PartProblem(problems)
    return Part(part.use, args)


def build(part: Part, home: str, *given: Any) -> Any:
    """Call the part: `given` comes from the run, the keyword arguments from the recipe (a completed one)."""
    prefix = part.use.rpartition(":")[0]
    return resolve(part.use, home, (prefix,))(*given, **part.args)


def fitted(value: Any, annotation: Any) -> Any:
    """`value` in its canonical form for `annotation` (a float for a whole number, a list for a tuple).

    Raises ValueError with what was expected and what was found.
    """
    if annotation is inspect.Parameter.empty or annotation is Any:
        return value
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return _first_fitting(value, inner, annotation)
    if origin is Literal:
        if value in inner and not isinstance(value, bool):
            return value
        raise ValueError(f"must be one of {', '.join(map(str, inner))}, not {value!r}")
    if origin in (list, tuple):
        return _fitted_list(value, origin, inner, annotation)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ValueError(f"must be a mapping, not {value!r}")
        return {str(k): fitted(v, inner[1]) for k, v in value.items()}
    if annotation is None or annotation is types.NoneType:
        if value is None:
            return None
        raise ValueError(f"must be null, not {value!r}")
    return _fitted_scalar(value, annotation)


def _first_fitting(value: Any, options: tuple[Any, ...], annotation: Any) -> Any:
    for option in options:
        try:
            return fitted(value, option)
        except ValueError:
            continue
    raise ValueError(f"must be {_words(annotation)}, not {value!r}")


def _fitted_list(value: Any, origin: Any, inner: tuple[Any, ...], annotation: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list, not {value!r}")
    if origin is tuple and Ellipsis not in inner:
        if len(value) != len(inner):
            raise ValueError(f"must be a list of {len(inner)}, not {value!r}")
        return [fitted(v, a) for v, a in zip(value, inner, strict=True)]
    return [fitted(v, inner[0]) for v in value]


def _fitted_scalar(value: Any, annotation: type) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is float and is_number and abs(value) <= sys.float_info.max:
        return float(value)
    if annotation in (bool, str, int) and type(value) is annotation:
        return value
    raise ValueError(f"must be {_words(annotation)}, not {value!r}")


def _words(annotation: Any) -> str:
    plain = {float: "a number", int: "a whole number", str: "a text", bool: "true or false", types.NoneType: "null"}
    if annotation in plain:
        return plain[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(option) for option in inner)
    if origin is Literal:
        return " or ".join(str(option) for option in inner)
    if origin in (list, tuple):
        return "a list"
    return "a mapping" if origin is dict else str(annotation)
