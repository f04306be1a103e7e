"""A part of a recipe is a function by name and the arguments that are ours to choose. Modules are the registry.

A part's positional arguments come from the run; its keyword-only arguments are the study's choices, so that the
signature is the schema: it validates what a study wrote and completes every default. What a type alone does not say is
written beside it: `p: Annotated[float, Range(0, 1)] = 0.5`.
"""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Annotated, Any, Literal, Union

from paribus.errors import unknown

PREFIXES = ("timm", "torchvision", "smp")  # `timm:resnet18` is the built-in function `timm` with name="resnet18"


@dataclass(frozen=True)
class Range:
    """The numbers an argument may be: `low` and `high` are allowed themselves, `above` and `below` are not."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    def holds(self, value: Any) -> bool:
        """Whether a number is one of them."""
        return not (
            (self.low is not None and value < self.low)
            or (self.high is not None and value > self.high)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
        )

    def words(self) -> str:
        """What follows `a number`: `from 0 to 1`, `above 0`, `of at least 0 and below 1`."""
        if self.low is not None and self.high is not None:
            return f"from {self.low:g} to {self.high:g}"
        ends = (("of at least", self.low), ("above", self.above), ("at most", self.high), ("below", self.below))
        return " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)


@dataclass(frozen=True)
class Ascending:
    """A list of numbers in which none is smaller than the one before it."""

    def holds(self, value: Any) -> bool:
        """Whether a list is one of them."""
        return list(value) == sorted(value)

    def words(self) -> str:
        """What follows `a list`."""
        return "(the smallest first)"


Share = Annotated[float, Range(0, 1)]
MOST = 1e30  # size of a number: networks count in float32
NotNegative = Annotated[float, Range(0)]
Positive = Annotated[float, Range(above=0)]


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
    """The parts a module offers: its own public functions; a package's own are those of its modules that it names."""
    module = import_module(home)
    own = (n for n, f in vars(module).items() if inspect.isfunction(f) and f"{f.__module__}.".startswith(f"{home}."))
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


def positional(function: Callable[..., Any]) -> list[str]:
    """The names of what a part takes by position; a `*args` takes whatever is given."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind in kinds]


def _evaluated(parameter: inspect.Parameter, function: Callable[..., Any]) -> inspect.Parameter:
    """The parameter with an annotation that is a text (`from __future__ import annotations`) put into types."""
    if not isinstance(parameter.annotation, str):
        return parameter
    inner = function.func if isinstance(function, partial) else function
    try:
        return parameter.replace(annotation=typing.get_type_hints(inner, include_extras=True)[parameter.name])
    except (NameError, TypeError):  # a name that only the type checker sees: nothing to check against
        return parameter.replace(annotation=Any)


def completed(part: Part, home: str, plugins: tuple[str, ...] = ()) -> Part:
    """The part with every default written out. Raises PartProblem with all that is wrong."""
    function = resolve(part.use, home, plugins)
    chosen = choices(function)
    problems = [
        (name, unknown(f"argument of {part.use}", name, list(chosen))) for name in part.args if name not in chosen
    ]
    given = positional(function)
    offered = max((positional(getattr(import_module(home), n)) for n in names(home)), key=len, default=given)
    if len(given) > len(offered):
        more = ", ".join(given[len(offered) :])
        told = f"{part.use} takes {', '.join(given)} by position; what comes from the run is {', '.join(offered)}."
        problems.append(("", f"{told} Put a `*` before {more}: what a study may choose is keyword-only."))
    args: dict[str, Any] = {}
    for name, parameter in chosen.items():
        if name not in part.args and parameter.default is parameter.empty:
            problems.append(("", f"{part.use} needs {name!r}."))
            continue
        value = part.args.get(name, parameter.default)
        if _largest(value) > MOST:
            problems.append((name, f"{part.use}: {name} must be at most {MOST:g} in size, not {value!r}."))
            continue
        try:
            args[name] = fitted(value, parameter.annotation)
        except ValueError as error:
            problems.append((name, f"{part.use}: {name} {error}."))
    if problems:
        raise PartProblem(problems)
    return Part(part.use, args)


def _largest(value: Any) -> float:
    """The size of the largest number in a value."""
    if isinstance(value, list | tuple):
        return max(map(_largest, value), default=0)
    if isinstance(value, Mapping):
        return max(map(_largest, value.values()), default=0)
    return abs(value) if isinstance(value, int | float) else 0


def build(part: Part, home: str, *given: Any) -> Any:
    """Call the part: `given` comes from the run, the keyword arguments from the recipe (a completed one).

    A part may leave out the last of what is given: a network that is never pretrained is
    `wide(num_classes, *, width=2)`.
    """
    prefix = part.use.rpartition(":")[0]
    function = resolve(part.use, home, (prefix,))
    return function(*given[: len(positional(function))], **part.args)


def fitted(value: Any, annotation: Any) -> Any:
    """`value` in its canonical form for `annotation` (a float for a whole number, a list for a tuple).

    Raises ValueError with what was expected and what was found.
    """
    if annotation is inspect.Parameter.empty or annotation is Any:
        return value
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _fitted_within(value, inner[0], _rules(inner), annotation)
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


def _rules(inner: tuple[Any, ...]) -> list[Range | Ascending]:
    """What an Annotated says to us; it may say other things to others."""
    return [rule for rule in inner[1:] if isinstance(rule, Range | Ascending)]


def _fitted_within(value: Any, kind: Any, rules: list[Range | Ascending], annotation: Any) -> Any:
    misfit = ValueError(f"must be {_words(annotation)}, not {value!r}")
    try:
        found = fitted(value, kind)
    except ValueError:
        raise misfit from None
    if not all(rule.holds(found) for rule in rules):
        raise misfit
    return found


def _first_fitting(value: Any, options: tuple[Any, ...], annotation: Any) -> Any:
    for option in options:
        try:
            return fitted(value, option)
        except ValueError:
            continue
    raise ValueError(f"must be {_words(annotation)}, not {value!r}")


def _fitted_list(value: Any, origin: Any, inner: tuple[Any, ...], annotation: Any) -> list[Any]:
    misfit = ValueError(f"must be {_words(annotation)}, not {value!r}")
    if not isinstance(value, list | tuple):
        raise misfit
    each = inner if origin is tuple and Ellipsis not in inner else (inner[0],) * len(value)
    if len(value) != len(each):
        raise misfit
    try:
        return [fitted(v, a) for v, a in zip(value, each, strict=True)]
    except ValueError:
        raise misfit from None


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
    if origin is Annotated:
        return " ".join([_words(inner[0]), *(rule.words() for rule in _rules(inner))])
    if origin in (list, tuple):
        size = f" of {len(inner)}" if origin is tuple and Ellipsis not in inner else ""
        return f"a list{size}, each {_words(inner[0])}"
    return f"a mapping, each value {_words(inner[1])}" if origin is dict else str(annotation)
