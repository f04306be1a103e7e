"""What a study can name: the built-in parts with their signatures, by introspection."""

from collections.abc import Iterator

from paribus.parts import choices, names, resolve
from paribus.recipe import HOMES

KINDS = {
    "datasets": HOMES["data"],
    "models": HOMES["model"],
    "inputs": HOMES["input"],
    "transforms": "paribus.transforms",
    "pixel_transforms": "paribus.pixel_transforms",
    "optimizers": HOMES["optimizer"],
    "schedules": HOMES["schedule"],
    "losses": HOMES["loss"],
    "metrics": "paribus.metrics",
}


def lines(kind: str) -> Iterator[str]:
    """One line a part with its arguments and defaults, then the first line of its docstring."""
    home = KINDS[kind]
    for name in names(home):
        function = resolve(name, home)
        parameters = [
            f"{p.name}={p.default!r}" if p.default is not p.empty else p.name for p in choices(function).values()
        ]
        shown = f"{name}:NAME" if kind == "models" and "name" in parameters else name
        yield f"{shown}({', '.join(p for p in parameters if p != 'name')})"
        yield f"    {(function.__doc__ or '').strip().splitlines()[0]}"
    if kind == "models":
        from paribus.weights import PACKAGED

        yield "Pretrained weights that install as packages: " + ", ".join(PACKAGED)
