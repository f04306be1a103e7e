"""The label spaces that a study defines under `labels`, and what their names stand for in recipes and questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paribus.errors import ParibusError, Problem, StudyError, unknown
from paribus.labels import SPACES, Space, merge, own_space
from paribus.recipe import Recipe, Written

KEYS = ("from", "merge")
_GREY = (128, 128, 128)  # of classes whose colour nobody asks for


@dataclass(frozen=True)
class Defined:
    """A label space by name: its classes, and the old classes that each is made of."""

    name: str
    classes: tuple[str, ...]
    groups: dict[str, list[str]]

    def plain(self) -> dict[str, Any]:
        """As a question keeps it."""
        return {"name": self.name, "classes": list(self.classes), "merge": self.groups}


def defined(name: str, written: Any, own: tuple[str, ...] | None) -> Defined:
    """The space that `labels: {name: {from: space, merge: {new: [old, ...]}}}` defines.

    own: the classes of the baseline's masks where its data part names them; they are what `from: own` means. Raises
    StudyError with all that is wrong.
    """
    if not isinstance(written, Mapping) or set(written) != set(KEYS) or not isinstance(written["merge"], Mapping):
        fix = "write {from: camvid11, merge: {new name: [classes]}}."
        raise StudyError([Problem("LABELS", f"the label space {name!r} needs `from` and `merge`.", "", fix)])
    base = SPACES.get(str(written["from"]))
    if base is None and written["from"] == "own" and own:
        base = Space(own, (_GREY,) * len(own))
    if base is None:
        known = [*SPACES, *(["own"] if own else [])]
        raise StudyError([Problem("LABELS", unknown("label space", str(written["from"]), known))])
    groups = {str(new): _names(old) for new, old in written["merge"].items()}
    return Defined(name, merge(base, groups)[0].classes, groups)


def _names(old: Any) -> list[str]:
    return [str(each) for each in old] if isinstance(old, list) else [str(old)]


def meant(written: Written, known: Mapping[str, Defined]) -> Written:
    """A written recipe with `data.labels` saying what, where it named a space of the study."""
    data = written.get("data")
    if not isinstance(data, dict) or not isinstance(name := data.get("labels"), str) or name not in known:
        return written
    return written | {"data": data | {"labels": {"merge": known[name].groups}}}


def by_name(name: str, known: Mapping[str, Defined]) -> Defined | None:
    """The space a question names: one that the study defines, or a built-in one."""
    if name in known:
        return known[name]
    built_in = SPACES.get(name)
    return Defined(name, built_in.classes, {c: [c] for c in built_in.classes}) if built_in else None


def classes_of(recipe: Recipe) -> tuple[str, ...] | None:
    """The classes in which an arm's masks are learned; None without masks, or where its labels are wrong."""
    args = recipe.data.args
    if "labels" not in args:
        return None
    own = tuple(args["classes"]) if args.get("classes") else own_space(recipe.data.use).classes
    labels = args["labels"]
    if not isinstance(labels, Mapping):
        return own
    try:
        return merge(Space(own, (_GREY,) * len(own)), labels["merge"])[0].classes
    except (ParibusError, KeyError):
        return None
