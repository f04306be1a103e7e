"""All campaigns by name, each a function from a plan to its outcome; the first line of its docstring is its title."""

from collections.abc import Callable

from outcome import Outcome, Plan

CAMPAIGNS: dict[str, Callable[[Plan], Outcome]] = {}
