"""All campaigns by name, each a function from a plan to its outcome; the first line of its docstring is its title."""

from collections.abc import Callable

from corrupting import c7
from hostile_names import c14
from identity import c15
from mutated_files import c8
from mutated_studies import c9
from outcome import Outcome, Plan

CAMPAIGNS: dict[str, Callable[[Plan], Outcome]] = {"C7": c7, "C8": c8, "C9": c9, "C14": c14, "C15": c15}
