"""A study written in Python: the words of the study file as a dictionary, with functions where a name may stand."""

import inspect
import sys
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any

from paribus.errors import Problem, StudyError

Where = tuple[str | int, ...]
DEEPEST = 64
OWN = "put it into a file of its own, such as my_lab.py, and import it from there: its source is part of a run's id."


def plain(written: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a study file would say, and the modules of the functions in it, which the user trusts by naming them.

    A function becomes `module:name`, a built-in one its name; tuples and ranges become lists, paths texts. Raises
    StudyError with everything that no file could say, each with the path of its keys.
    """
    if not isinstance(written, Mapping):
        raise StudyError(
            [Problem("STUDY", f"a study is a dictionary of `title`, `baseline` and so on, not {written!r}.")]
        )
    writer = _Writer()
    value = writer.value(written, ())
    if writer.problems:
        raise StudyError(writer.problems)
    return value, tuple(dict.fromkeys(writer.modules))


class _Writer:
    """Collects modules and problems on the way through a dictionary."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self.problems: list[Problem] = []

    def problem(self, where: Where, message: str, fix: str) -> None:
        self.problems.append(Problem("STUDY", message, ".".join(map(str, where)), fix))

    def value(self, value: Any, where: Where) -> Any:
        if len(where) > DEEPEST:
            self.problem(where[:3], "is nested without end.", "does a dictionary hold itself?")
            return None
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str | PurePath):
            return str(value)
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value)
        if isinstance(value, Mapping):
            return {self.key(key, where): self.value(inner, (*where, str(key))) for key, inner in value.items()}
        if isinstance(value, list | tuple | range):
            return [self.value(inner, (*where, k)) for k, inner in enumerate(value)]
        if callable(value):
            return self.function(value, where)
        fix = "write text, numbers, true or false, None, lists and dictionaries of these, or a function."
        self.problem(where, f"is a {type(value).__name__}, which no study can hold.", fix)
        return None

    def key(self, key: Any, where: Where) -> Any:
        if not isinstance(key, str | int):
            self.problem(where, f"has the key {key!r}, which is no text.", "write it in quotes.")
        return key

    def function(self, value: Any, where: Where) -> str:
        """The name by which a study file would call it."""
        name = getattr(value, "__qualname__", type(value).__name__)
        if isinstance(value, partial):
            self.problem(where, "is a partial function.", "write {'use': function, 'argument': value}.")
        elif inspect.isclass(value) or not inspect.isfunction(value):
            self.problem(where, f"{name} is no function; a part is one.", "write a function that returns it.")
        elif value.__module__ == "__main__":
            self.problem(where, f"{name} is written in the script or notebook itself.", OWN)
        elif getattr(sys.modules.get(value.__module__), name, None) is not value:
            self.problem(where, f"{name} cannot be found by its name in {value.__module__}.", OWN)
        elif value.__module__.partition(".")[0] == "paribus":
            return str(name)
        else:
            self.modules.append(value.__module__)
        return f"{getattr(value, '__module__', '')}:{name}"
