"""Groups of images that belong together, and splits that keep groups and copies together."""

import hashlib
from collections import defaultdict
from dataclasses import replace

from paribus import images, patterns
from paribus.datasets.items import SPLITS, Item
from paribus.errors import DataError, Problem, StudyError, unknown

_DEFAULT_SHARES = {"train": 0.7, "val": 0.3}


def group_pattern(groups: str | None) -> str | None:
    if groups is None:
        return None
    try:
        return patterns.checked(groups)
    except ValueError as error:
        expected = "expected a regular expression with one group, such as '(subject[0-9]+)_'."
        raise StudyError([Problem("GROUPS_PATTERN", f"groups {groups!r}: {error}; {expected}")]) from None


def grouped(items: list[Item], pattern: str | None) -> list[Item]:
    if pattern is None:
        return items
    try:
        found = patterns.first_groups(pattern, [item.id for item in items])
    except ValueError as error:
        fix = "write a simpler pattern, without repeats inside repeats."
        raise DataError([Problem("GROUPS_PATTERN", f"groups {pattern!r}: {error}.", fix=fix)]) from None
    missed = [item.id for item, group in zip(items, found, strict=True) if group is None]
    if missed:
        message = f"groups {pattern!r} does not match {len(missed)} of {len(items)} images, e.g. {missed[0]!r}."
        raise DataError(
            [Problem("GROUPS_PATTERN", message, "", "Widen the pattern; it is searched in the whole path.")]
        )
    return [replace(item, group=group) for item, group in zip(items, found, strict=True)]


def _shares(splits: dict[str, float] | None) -> dict[str, float]:
    """Checked shares in the order train, val, test. Raises StudyError."""
    if splits is None:
        return _DEFAULT_SHARES
    problems = [unknown("split", name, SPLITS) for name in splits if name not in SPLITS]
    problems += [f"the share of {name} is {share}, must be above 0." for name, share in splits.items() if not share > 0]
    if abs(sum(splits.values()) - 1) > 1e-6:
        problems.append(f"the shares sum to {sum(splits.values()):g}, must be 1.")
    if "train" not in splits or len(splits) < 2:
        problems.append("needed are train and at least one of val and test, such as {train: 0.7, val: 0.3}.")
    if problems:
        raise StudyError([Problem("SPLITS", f"splits: {text}") for text in problems])
    return {name: splits[name] for name in SPLITS if name in splits}


def split_up(items: list[Item], splits: dict[str, float] | None, seed: int) -> list[Item]:
    """The items with their splits drawn, class by class.

    What must stay together (a group, exact copies) is one unit. The units of a class are put in the order of a hash of
    (seed, name), and the first ones go to test, then to val, then to train: neither the order of the files nor other
    classes matter, and an added file moves few others. Shares count units.
    """
    shares = _shares(splits)
    strata: dict[int, list[tuple[str, list[Item]]]] = defaultdict(list)
    for unit in _units(items):
        labels = [item.label for item in unit]
        usual = max(sorted(set(labels)), key=labels.count)  # a group may hold several classes
        name = min(item.group or item.id for item in unit)
        strata[usual].append((hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest(), unit))
    drawn = []
    for units in strata.values():
        units.sort(key=lambda unit: unit[0])
        names = [split for split, count in _counts(len(units), shares).items() for _ in range(count)]
        drawn += [replace(item, split=split) for split, (_, unit) in zip(names, units, strict=True) for item in unit]
    return drawn


def _counts(n: int, shares: dict[str, float]) -> dict[str, int]:
    """How many of `n` units each split gets, the last split first: rounded, but at least one while there are enough."""
    counts: dict[str, int] = {}
    for split in reversed(shares):
        others = len(shares) - 1 - len(counts)  # splits that are still to come
        left = n - sum(counts.values())
        counts[split] = left if others == 0 else max(0, min(max(1, round(n * shares[split])), left - others))
    return counts


def _units(items: list[Item]) -> list[list[Item]]:
    """The items, those that must stay together in one list."""
    leader = {item.id: item.id for item in items}

    def top(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    copies = _copies(items)
    for keys in ({i.id: i.group for i in items}, copies):
        first: dict[str, str] = {}
        for name, key in keys.items():
            if key is not None:
                a, b = sorted((top(name), top(first.setdefault(key, name))))
                leader[b] = a
    units: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        units[top(item.id)].append(item)
    return list(units.values())


def _copies(items: list[Item]) -> dict[str, str | None]:
    """The content hash of each file that may have an exact copy: only files of equal size are read."""
    by_size: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        try:
            by_size[item.source.stat().st_size if item.source else -1].append(item)
        except OSError:
            continue  # the scan will name it
    hashes: dict[str, str | None] = {}
    for item in (i for alike in by_size.values() if len(alike) > 1 for i in alike):
        try:
            hashes[item.id] = images.hash_bytes(images.read_bytes(item.source)) if item.source else None
        except images.ImageProblem:
            hashes[item.id] = None  # the scan will name it
    return hashes
