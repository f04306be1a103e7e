"""What a study can name: the built-in parts with their signatures, by introspection."""

from collections.abc import Iterator

from paribus.datasets.published import NAMES
from paribus.parts import PREFIXES, choices, names, resolve
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
        shown = f"{name}:NAME" if kind in ("models", "datasets") and name in PREFIXES else name
        yield f"{shown}({', '.join(p for p in parameters if p != 'name')})"
        yield f"    {(function.__doc__ or '').strip().splitlines()[0]}"
    if kind == "datasets":
        yield "torchvision:NAME is one of " + ", ".join(NAMES)
        yield "Every one takes train_fraction=1.0: the share of the training images that each seed draws for itself."
    if kind == "models":
        from paribus.weights import PACKAGED

        yield "Pretrained weights that install as packages: " + ", ".join(PACKAGED)
