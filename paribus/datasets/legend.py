"""What a study says that the values and colours of masks mean."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from paribus.errors import Problem, StudyError, unknown
from paribus.labels import VOID, Colour, Space, chosen
from paribus.maskfile import MAX_CLASSES, Coding, coding

Labels = dict[str, dict[str, list[str]]]
Palette = dict[str, list[int] | list[list[int]]]
Values = dict[str, int | list[int]]


def declared(
    classes: Sequence[str],
    palette: Palette | None,
    values: Values | None,
    void: Sequence[int | list[int]] | None,
    labels: Labels | str | None,
) -> Coding:
    """The coding that these choices of `masks` describe. Raises StudyError with all that is wrong at once."""
    colours = {name: _colours(found) for name, found in (palette or {}).items()}
    if values is None:
        numbers = {name: [k] for k, name in enumerate(classes)}
    else:
        numbers = {name: [found] if isinstance(found, int) else found for name, found in values.items()}
    taken = {each for found in numbers.values() for each in found}
    void_values = [v for v in void if isinstance(v, int)] if void is not None else [VOID] * (VOID not in taken)
    void_colours = [tuple(v) for v in void or () if not isinstance(v, int)]

    problems = _class_problems(classes) + _unlike(classes, palette, "palette") + _unlike(classes, values, "values")
    problems += _odd_colours([*(c for found in colours.values() for c in found), *void_colours])
    problems += _twice([*numbers.items(), ("void", void_values)])
    problems += _twice([*colours.items(), ("void", void_colours)])
    if void_colours and palette is None:
        problems.append("void has colours, and no `palette` is declared.")
    if problems:
        raise StudyError([Problem("MASKS", f"masks: {text}") for text in problems])

    shown = [colours[name][0] if palette is not None else colour_of(k) for k, name in enumerate(classes)]
    own = Space(tuple(classes), tuple(_rgb(colour) for colour in shown))
    space, merged = chosen(own, labels)
    known = {each: classes.index(name) for name, found in numbers.items() for each in found}
    by_colour = {_rgb(each): classes.index(name) for name, found in colours.items() for each in found}
    return coding(
        own,
        values=known if values is not None else None,
        colours=by_colour | {_rgb(each): VOID for each in void_colours},
        void=void_values,
        space=space,
        numbers=merged,
    )


def colour_of(number: int) -> Colour:
    """The colour in which class `number` is shown if none is declared: the colour map of PASCAL VOC, after its black.

    Its bits are spread over the channels so that neighbours differ (VOCdevkit, VOClabelcolormap.m).
    """
    bits, colour = number + 1, [0, 0, 0]
    for shift in range(8):
        for channel in range(3):
            colour[channel] |= (bits >> channel & 1) << (7 - shift)
        bits >>= 3
    return _rgb(colour)


def _colours(found: list[int] | list[list[int]]) -> list[tuple[Any, ...]]:
    """One colour or several, as several."""
    several = [each for each in found if isinstance(each, list)]
    return [tuple(each) for each in several] if several else [tuple(found)]


def _rgb(colour: Sequence[int]) -> Colour:
    red, green, blue = colour
    return red, green, blue


def _class_problems(classes: Sequence[str]) -> list[str]:
    problems = [f"classes has {name!r} twice." for name in sorted({c for c in classes if classes.count(c) > 1})]
    if not 2 <= len(classes) <= MAX_CLASSES:
        problems.append(f"classes has {len(classes)} name(s); expected are 2 to {MAX_CLASSES}.")
    return problems


def _unlike(classes: Sequence[str], given: Mapping[str, Any] | None, what: str) -> list[str]:
    """Where a mapping from classes names others, or not all."""
    if given is None:
        return []
    missing = [name for name in classes if name not in given]
    problems = [f"{what}: {unknown('class', name, list(classes))}" for name in given if name not in classes]
    return problems + [f"{what} says nothing about {', '.join(missing)}."] * bool(missing)


def _odd_colours(colours: Iterable[tuple[Any, ...]]) -> list[str]:
    right = "expected is [R, G, B] with whole numbers from 0 to 255."
    return [
        f"{list(colour)} is no colour; {right}"
        for colour in colours
        if len(colour) != 3 or not all(isinstance(v, int) and 0 <= v <= 255 for v in colour)
    ]


def _twice(given: Iterable[tuple[str, Sequence[Hashable]]]) -> list[str]:
    homes: dict[Hashable, list[str]] = defaultdict(list)
    for name, found in given:
        for each in found:
            homes[each].append(name)
    return [f"{each} means {' and '.join(names)}." for each, names in homes.items() if len(names) > 1]
