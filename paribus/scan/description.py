"""A scan in plain lines."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median

from paribus.datasets import SPLITS
from paribus.errors import Problem, told
from paribus.scan.facts import Scan


def describe(found: Scan) -> list[str]:
    """The scan in plain lines: classes, counts, sizes, and the findings, each kind once."""
    items = found.images.items
    splits = [split for split in SPLITS if split in found.fingerprints]
    lines = [f"{len(items)} images, {len(found.images.classes)} classes"]
    lines += _labels(found, splits) if found.images.masks is None else _masks(found, splits)
    widths = [facts.width for facts in found.facts.values()]
    heights = [facts.height for facts in found.facts.values()]
    lines.append(
        f"sizes: widths {min(widths)} to {max(widths)} (median {median(widths):g}), "
        f"heights {min(heights)} to {max(heights)} (median {median(heights):g}) pixels"
    )
    groups = {item.group for item in items} - {None}
    if groups:
        lines.append(f"groups: {len(groups)}")
    if found.images.ignored:
        lines.append(
            f"ignored: {found.images.ignored} files or folders that are no images (hidden, texts, other types)"
        )
    lines += [problem.line("left out") for problem in found.left_out] + _warnings(found)
    return lines


def remarks(found: Scan, most: int = 10) -> list[str]:
    """What a user should know before training: files that are left out, at most `most` of a kind, and warnings."""
    return told(found.left_out, "left out", most) + _warnings(found)


def _warnings(found: Scan) -> list[str]:
    """A line for each kind of warning: its first, and how many there are."""
    more = [f" ({len(alike) - 1} more like this)" if len(alike) > 1 else "" for alike in _kinds(found.warnings)]
    return [alike[0].line("warning") + end for alike, end in zip(_kinds(found.warnings), more, strict=True)]


def _kinds(problems: Sequence[Problem]) -> list[list[Problem]]:
    kinds: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[problem.code].append(problem)
    return list(kinds.values())


def _labels(found: Scan, splits: list[str]) -> list[str]:
    """Images of each class and split."""
    counts = Counter((item.label, item.split) for item in found.images.items)
    cells = {name: [str(counts[k, split]) for split in splits] for k, name in enumerate(found.images.classes)}
    return _table(cells, splits, 8)


def _masks(found: Scan, splits: list[str]) -> list[str]:
    """Share of the labelled pixels, and images, of each class and split."""
    cells: dict[str, list[str]] = {name: [] for name in (*found.images.classes, "void", "images")}
    for split in splits:
        counted = found.pixels(split)
        labelled = max(sum(counted.pixels), 1)
        for name, pixels, images in zip(found.images.classes, counted.pixels, counted.images_with, strict=True):
            cells[name].append(f"{pixels / labelled:.2%} in {images}")
        cells["void"].append(f"{counted.void / (labelled + counted.void):.2%} of all")
        cells["images"].append(str(counted.images))
    return [*_table(cells, splits, 17), "  (share of the labelled pixels, and number of images that hold the class)"]


def _table(cells: dict[str, list[str]], splits: list[str], column: int) -> list[str]:
    width = max(len(name) for name in ("class", *cells))
    lines = ["  " + "class".ljust(width) + "".join(split.rjust(column) for split in splits)]
    return lines + [
        "  " + name.ljust(width) + "".join(each.rjust(column) for each in row) for name, row in cells.items()
    ]
