"""Controlled experiments for image models: change one thing; know what it did."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paribus.api import Study
    from paribus.stats import contrast

__all__ = ["Study", "contrast"]

_HOMES = {"Study": "paribus.api", "contrast": "paribus.stats"}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first used: `import paribus` costs nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'paribus' has no attribute {name!r}; it offers {', '.join(__all__)}")
