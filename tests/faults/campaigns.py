"""All campaigns by name, each a function from a plan to its outcome; the first line of its docstring is its title."""

from collections.abc import Callable

from clocks import c12
from contending import c10
from corrupting import c7
from failing_calls import c4, c5
from hostile_names import c14
from identity import c15
from killing import c1, c2
from mutated_files import c8
from mutated_studies import c9
from outcome import Outcome, Plan
from planting import c3
from power_loss import c6
from starving import c11

CAMPAIGNS: dict[str, Callable[[Plan], Outcome]] = {
    "C1": c1, "C2": c2, "C3": c3, "C4": c4, "C5": c5, "C6": c6, "C7": c7, "C8": c8, "C9": c9, "C10": c10, "C11": c11,
    "C12": c12, "C14": c14, "C15": c15,
}  # fmt: skip
