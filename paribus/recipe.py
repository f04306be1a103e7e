"""A recipe: every choice that can move a number, and nothing that cannot."""

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any

from paribus.datasets.published import NAMES
from paribus.errors import unknown
from paribus.labels import SPACES, own_space
from paribus.losses import OF_PIXELS
from paribus.parts import PREFIXES, Part, PartProblem, Range, completed, fitted

HOMES = {
    "data": "paribus.datasets",
    "model": "paribus.models",
    "input": "paribus.inputs",
    "optimizer": "paribus.optimizers",
    "schedule": "paribus.schedules",
    "loss": "paribus.losses",
}
AUGMENT = "paribus.transforms"
PAIRED_AUGMENT = "paribus.pixel_transforms"  # for images with masks
DEFAULTS: dict[str, Any] = {
    "trainable": "all",
    "batch_norm": "follow",
    "input": {},
    "augment": [],
    "views": None,
    "optimizer": "sgd",
    "schedule": "constant",
    "loss": "cross_entropy",
    "epochs": 10,
    "batch_size": 32,
    "precision": "float32",
}
FIELDS = ("data", "model", *DEFAULTS)
MOST_PARTS = 64  # of an augmentation
PLACES = ("root",)  # arguments of data that say where, not what: never part of a recipe
TRAIN_FRACTION = "train_fraction"  # an argument of every data set, whatever its part: see `paribus.sampling`
Fraction = Annotated[float, Range(above=0, high=1)]

Written = dict[str, Any]  # a recipe as the study file writes it, field -> value
Problems = list[tuple[tuple[str | int, ...], str]]  # path below the recipe, sentence


class RecipeProblem(Exception):
    """All that is wrong with one recipe."""

    def __init__(self, problems: Problems):
        self.problems = problems
        super().__init__("; ".join(sentence for _, sentence in problems))


@dataclass(frozen=True)
class Recipe:
    """A completed recipe: every default is written out, in canonical form. Made by `complete`."""

    data: Part
    model: Part
    trainable: str | dict[str, str]
    batch_norm: str
    input: Part
    augment: tuple[Part, ...]
    views: int | None
    optimizer: Part
    schedule: Part
    loss: Part
    epochs: int
    batch_size: int
    precision: str

    @property
    def train_fraction(self) -> float:
        """The share of the training images that each seed draws for itself."""
        return float(self.data.args.get(TRAIN_FRACTION, 1.0))

    @property
    def images(self) -> Part:
        """The data part alone, without what every data set has: what it gives is the same for all fractions."""
        return Part(self.data.use, {k: v for k, v in self.data.args.items() if k != TRAIN_FRACTION})

    def plain(self) -> dict[str, Any]:
        """Nested and JSON-ready, parts as {"use": name, argument: value}."""
        return {name: _plain(getattr(self, name)) for name in FIELDS}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Recipe":
        """The recipe that `plain` wrote."""
        values = dict(plain)
        for name in HOMES:
            values[name] = part_of(values[name], name)
        values["augment"] = tuple(part_of(each, "augment") for each in values["augment"])
        return cls(**values)

    def choices(self) -> Iterator[tuple[str, Any]]:
        """Every choice as (dotted path, value), so that two recipes can be compared."""
        for name in FIELDS:
            value = getattr(self, name)
            if isinstance(value, Part):
                yield from _part_choices(name, value)
                if name == "data" and TRAIN_FRACTION not in value.args:
                    yield f"{name}.{TRAIN_FRACTION}", 1.0
            elif name == "augment":
                yield "augment", [part.use for part in value]
                for path, part in zip(augment_paths([p.use for p in value]), value, strict=True):
                    yield from ((f"{path}.{key}", arg) for key, arg in part.args.items())
            else:
                yield name, value


def complete(written: Written, plugins: tuple[str, ...] = ()) -> Recipe:
    """The recipe with every default written out. Raises RecipeProblem with all that is wrong at once."""
    problems: Problems = [((name,), unknown("recipe field", name, FIELDS)) for name in written if name not in FIELDS]
    problems += [((), f"a recipe needs {name!r}.") for name in ("data", "model") if name not in written]
    values: dict[str, Any] = {}
    for name in FIELDS:
        if name not in written and name not in DEFAULTS:
            continue
        try:
            home = augment_home(values["data"]) if name == "augment" and "data" in values else HOMES.get(name, AUGMENT)
            values[name] = _completed_field(name, written.get(name, DEFAULTS.get(name)), home, plugins)
        except RecipeProblem as error:
            problems += [((name, *where), sentence) for where, sentence in error.problems]
    if not problems:
        values["input"] = _with_normalization(values["input"], values["model"])
        if has_masks(values["data"]):  # an image with a mask is seen whole
            values["input"] = Part(values["input"].use, values["input"].args | {"crop_fraction": 1.0})
            values["data"] = _without_own_labels(values["data"])
        problems += _impossible(values)
    if problems:
        raise RecipeProblem(problems)
    return Recipe(**values)


def _completed_field(name: str, value: Any, home: str, plugins: tuple[str, ...]) -> Any:
    if name == "augment":
        return _completed_augment(value, home, plugins)
    if name in HOMES:
        return _completed_part(name, value, home, plugins)
    return _CHECKS[name](value)


def _completed_part(name: str, value: Any, home: str, plugins: tuple[str, ...]) -> Part:
    part = part_of(value, name)
    if name == "data":
        return _completed_data(part, home, plugins)
    return _completed_alone(name, part, home, plugins)


def _completed_data(part: Part, home: str, plugins: tuple[str, ...]) -> Part:
    """A data part, with `train_fraction` where it is below 1: the id of a run on all images has none."""
    own = Part(part.use, {k: v for k, v in part.args.items() if k not in (*PLACES, TRAIN_FRACTION)})
    problems: Problems = []
    more: dict[str, Any] = {}
    try:
        fraction = fitted(part.args.get(TRAIN_FRACTION, 1.0), Fraction)
        more = {TRAIN_FRACTION: fraction} if fraction < 1 else {}
    except ValueError as error:
        problems = [((TRAIN_FRACTION,), f"{TRAIN_FRACTION} {error}.")]
    try:
        own = _completed_alone("data", own, home, plugins)
    except RecipeProblem as error:
        problems = [*error.problems, *problems]
    if problems:
        raise RecipeProblem(problems)
    return Part(own.use, own.args | more)


def _completed_alone(name: str, part: Part, home: str, plugins: tuple[str, ...]) -> Part:
    try:
        _check_model_name(name, part.use)
        part = completed(part, home, plugins)
        _check_model_arguments(name, part)
        return part
    except PartProblem as error:
        raise RecipeProblem([((where,) if where else (), sentence) for where, sentence in error.problems]) from None


def _check_model_name(field: str, use: str) -> None:
    prefix, colon, name = use.partition(":")
    if field == "model" and use in PREFIXES:
        raise PartProblem([("", f"{use} needs a name: {use}:{'Unet' if use == 'smp' else 'resnet18'}.")])
    if field == "data" and prefix == "torchvision":
        if name not in NAMES:
            raise PartProblem([("", unknown("torchvision data set", name or "", [f"torchvision:{n}" for n in NAMES]))])
        return
    if field != "model" or not colon or prefix not in PREFIXES:
        return
    from paribus.zoo import known

    if name not in known(prefix):
        raise PartProblem([("", unknown(f"{prefix} model", name, known(prefix)))])


def _check_model_arguments(field: str, part: Part) -> None:
    from paribus.zoo import problems

    found = problems(part) if field == "model" else []
    if found:
        raise PartProblem(found)


def _completed_augment(value: Any, home: str, plugins: tuple[str, ...]) -> tuple[Part, ...]:
    if not isinstance(value, list):
        raise RecipeProblem([((), f"must be a list of parts, not {value!r}.")])
    if len(value) > MOST_PARTS:
        raise RecipeProblem([((), f"has {len(value)} parts; at most {MOST_PARTS} can be asked for.")])
    parts, problems = [], []
    for i, each in enumerate(value):
        try:
            parts.append(_completed_part("augment", each, home, plugins))
        except RecipeProblem as error:
            problems += [((i, *where), sentence) for where, sentence in error.problems]
    if problems:
        raise RecipeProblem(problems)
    return tuple(parts)


def part_of(value: Any, field: str) -> Part:
    """A part as a study writes it: a name, or {use: name, argument: value}. Raises RecipeProblem."""
    if isinstance(value, str):
        return Part(value)
    if isinstance(value, dict) and field == "input":
        return Part("images", {k: v for k, v in value.items() if k != "use"})
    if isinstance(value, dict) and isinstance(value.get("use"), str):
        return Part(value["use"], {k: v for k, v in value.items() if k != "use"})
    raise RecipeProblem([((), f"must be a name or {{use: name, argument: value}}, not {value!r}.")])


def _with_normalization(given: Part, model: Part) -> Part:
    from paribus import zoo

    how = given.args["normalize"]
    if how == "model":
        how = zoo.normalization(zoo.network_of(model))
    elif how == "imagenet":
        how = {"mean": list(zoo.IMAGENET[0]), "std": list(zoo.IMAGENET[1])}
    return Part(given.use, given.args | {"normalize": how})


def _without_own_labels(data: Part) -> Part:
    """`labels` that name the space which the data have anyway are no choice: they change nothing."""
    own = tuple(data.args.get("classes") or own_space(data.use).classes)
    named = data.args["labels"] if ":" not in data.use else None  # what a user's own part has is not known here
    is_own = isinstance(named, str) and named in SPACES and SPACES[named].classes == own
    return Part(data.use, data.args | {"labels": None}) if is_own else data


def has_masks(data: Part) -> bool:
    """Whether a data part gives images with masks: those are the ones with label spaces to choose from."""
    return "labels" in data.args


def augment_home(data: Part) -> str:
    """The module of the augmentations that fit the data."""
    return PAIRED_AUGMENT if has_masks(data) else AUGMENT


def sides(size: int | list[int]) -> tuple[int, int]:
    """(height, width) of an input's size as a recipe holds it."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _impossible(values: dict[str, Any]) -> Problems:
    """Choices that bind one by one and make no sense together."""
    problems: Problems = []
    args, masks = values["input"].args, has_masks(values["data"])
    normalize = args["normalize"]
    if sorted(normalize) != ["mean", "std"] or any(len(v) != 3 for v in normalize.values()):
        problems.append((("input", "normalize"), "needs `mean` and `std`, three numbers each."))
    elif any(s <= 0 for s in normalize["std"]):
        problems.append((("input", "normalize"), "needs a standard deviation above 0."))
    for name in ("size", "eval_size", "prepare"):
        if isinstance(args[name], list) and not masks:
            problems.append((("input", name), f"must be one number, the side of a square, not {args[name]}."))
    optimizer = values["optimizer"].args
    if optimizer.get("nesterov") is True and optimizer.get("momentum") == 0:
        problems.append((("optimizer", "nesterov"), "needs a momentum above 0."))
    return problems + _too_deep(values) + _unlike_the_data(values)


def _too_deep(values: dict[str, Any]) -> Problems:
    """A small_cnn whose blocks, each of which halves the sides, leave nothing of the input."""
    model, size = values["model"], values["input"].args
    if model.use != "small_cnn":
        return []
    least = min(min(sides(size[name])) for name in ("size", "eval_size") if size[name] is not None)
    if least >> model.args["depth"]:
        return []
    return [
        (("model", "depth"), f"small_cnn halves the sides {model.args['depth']} times; {least} pixels are too few.")
    ]


def _unlike_the_data(values: dict[str, Any]) -> Problems:
    """A model or loss of pixels for images without masks, or the other way round."""
    from paribus.zoo import of_pixels

    masks, model, data = has_masks(values["data"]), values["model"].use, values["data"].use
    problems: Problems = []
    if of_pixels(model) is True and not masks:
        problems.append((("model",), f"{model} classifies pixels, and the images of {data} have no masks."))
    if of_pixels(model) is False and masks:
        sentence = f"{model} classifies whole images, and those of {data} have masks; write fcn or smp:Unet."
        problems.append((("model",), sentence))
    rule = values["loss"].args.get("class_weights")
    if rule in OF_PIXELS and not masks:
        sentence = f"{rule} is of pixels, and the images of {data} have no masks; write balanced."
        problems.append((("loss", "class_weights"), sentence))
    return problems


def _whole(low: int, none: bool = False) -> Any:
    def check(value: Any) -> Any:
        if none and value is None:
            return None
        if type(value) is not int or value < low:
            raise RecipeProblem([((), f"must be a whole number from {low}, not {value!r}.")])
        return value

    return check


def _one_of(*options: str) -> Any:
    def check(value: Any) -> Any:
        if value not in options:
            raise RecipeProblem([((), f"must be one of {', '.join(options)}, not {value!r}.")])
        return value

    return check


def _trainable(value: Any) -> Any:
    if value in ("head", "all"):
        return value
    if isinstance(value, dict) and list(value) == ["from"] and isinstance(value["from"], str):
        return value
    raise RecipeProblem([((), f"must be head, all or {{from: stage}}, not {value!r}.")])


_CHECKS: dict[str, Any] = {
    "trainable": _trainable,
    "batch_norm": _one_of("follow", "frozen", "train"),
    "views": _whole(1, none=True),
    "epochs": _whole(1),
    "batch_size": _whole(1),
    "precision": _one_of("float32", "bf16"),
}


def changed(written: Written, path: str, value: Any) -> Written:
    """A copy of a written recipe with one unit replaced (rule R3).

    `field`, `field.argument`, or `augment.<use>.argument`. Raises RecipeProblem if there is nothing at that path.
    """
    field, dot, argument = path.partition(".")
    if dot and not argument:
        raise RecipeProblem([((), f"the path {path!r} ends with a dot; a path is field or field.argument.")])
    if field not in FIELDS:
        raise RecipeProblem([((), unknown("recipe field", field, FIELDS))])
    result = deepcopy(written)
    if not argument:
        result[field] = value
    elif field == "augment":
        _change_augment(result, argument, value)
    elif field in HOMES:
        part = part_of(result.get(field, DEFAULTS.get(field)), field)
        result[field] = {"use": part.use, **part.args, argument: value}
    else:
        raise RecipeProblem([((), f"{field!r} has no arguments; write {field}: {value!r}.")])
    return result


def _change_augment(written: Written, path: str, value: Any) -> None:
    use, _, argument = path.partition(".")
    listed = written.get("augment", [])
    if not isinstance(listed, list):
        raise RecipeProblem([((), f"augment must be a list of parts, not {listed!r}.")])
    parts = [part_of(each, "augment") for each in listed]
    paths = [p.removeprefix("augment.") for p in augment_paths([part.use for part in parts])]
    if use not in paths or not argument:
        raise RecipeProblem([((), unknown("augment part", use, paths) + " A path is augment.<use>.<argument>.")])
    part = parts[paths.index(use)]
    written["augment"] = [{"use": p.use, **p.args} for p in parts]
    written["augment"][paths.index(use)] = {"use": part.use, **part.args, argument: value}


def augment_paths(uses: list[str]) -> list[str]:
    """`augment.horizontal_flip`, and `augment.horizontal_flip#2` for the second of that name."""
    seen: dict[str, int] = {}
    paths = []
    for use in uses:
        seen[use] = seen.get(use, 0) + 1
        paths.append(f"augment.{use}" + (f"#{seen[use]}" if seen[use] > 1 else ""))
    return paths


def differences(a: Recipe, b: Recipe, apart_from: Collection[str] = ()) -> dict[str, list[Any]]:
    """Path -> [value in a, value in b], for every choice that differs, but for some paths."""
    left, right = dict(a.choices()), dict(b.choices())
    return {
        p: [left.get(p), right.get(p)]
        for p in [*left, *(r for r in right if r not in left)]
        if left.get(p) != right.get(p) and p not in apart_from
    }


def _part_choices(name: str, part: Part) -> Iterator[tuple[str, Any]]:
    if name != "input":
        yield name, part.use
    yield from ((f"{name}.{key}", value) for key, value in part.args.items())


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return {"use": value.use, **value.args}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
