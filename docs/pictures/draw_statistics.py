"""Draws the pictures of docs/statistics.md: `python docs/pictures/draw_statistics.py [DIR]`.

Runs and intervals are those of docs/results/smiles/report.json, a study that was really run.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from scipy.stats import t as student

HERE = Path(__file__).parent
STUDY = json.loads((HERE.parent / "results" / "smiles" / "report.json").read_text("utf-8"))
INK, SOFT, BLUE, GREEN, RED, BAND = "#1d2126", "#5c646e", "#1f4f8f", "#0a6c62", "#a8391b", "#eceae2"


def runs(path: Path) -> None:
    """Every run of four arms: what a table of one run an arm picks from."""
    figure, axis = plt.subplots(figsize=(6.4, 2.4))
    names = ["baseline", "fine-tuned", "scratch", "alexnet-scratch"]
    arms = {arm["name"]: arm for arm in STUDY["arms"]}
    for row, name in enumerate(reversed(names)):
        values = [100 * run["value"] for run in arms[name]["runs"]]
        axis.plot(values, [row] * len(values), "o", color=BLUE, alpha=0.7, markersize=7, markeredgecolor="white")
        axis.plot([np.mean(values)] * 2, [row - 0.3, row + 0.3], color=INK, linewidth=2)
    axis.set_yticks(range(len(names)), list(reversed(names)))
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_xlabel("accuracy on 2000 test faces, %: a dot a seed, the line their mean")
    _save(figure, axis, path)


def verdicts(path: Path) -> None:
    """What an interval says, beside the margin."""
    figure, axis = plt.subplots(figsize=(6.4, 2.7))
    rows = [
        ("helps", 5, 2, GREEN),
        ("hurts", -4.5, 1.8, RED),
        ("no practical difference", 0.3, 1.2, BLUE),
        ("cannot tell", 1.5, 4, "#7a5d00"),
    ]
    axis.axvspan(-2, 2, color=BAND, zorder=0)
    axis.axvline(0, color=SOFT, linewidth=1)
    for row, (_, middle, half, colour) in enumerate(reversed(rows)):
        axis.plot([middle - half, middle + half], [row, row], color=colour, linewidth=3)
        axis.plot([middle], [row], "o", color=colour, markersize=8, markeredgecolor="white")
    axis.set_yticks(range(len(rows)), [name for name, *_ in reversed(rows)])
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.set_xlabel("difference, points; shaded: smaller than the margin of 2")
    _save(figure, axis, path)


def widths(path: Path) -> None:
    """How wide the interval of the primary question would be with other seeds and other images."""
    question = next(q for q in STUDY["questions"] if q["primary"])
    seeds, images = max(question["seeds"].values()), question["images"]
    share = question["shares"]["runs"]
    variance = question["se"] ** 2
    figure, axis = plt.subplots(figsize=(6.4, 2.8))
    counts = np.arange(2, 21)
    for number, colour in ((200, RED), (500, "#7a5d00"), (2000, GREEN), (10000, BLUE)):
        of_runs = variance * share * seeds / counts
        of_images = np.full_like(of_runs, variance * (1 - share) * images / number)
        total = of_runs + of_images
        free = total**2 / (of_runs**2 / (2 * counts - 2) + of_images**2 / (number - 1))
        axis.plot(counts, 100 * student.ppf(0.975, free) * np.sqrt(total), color=colour, label=f"{number} images")
    axis.set_ylim(0, None)
    axis.set_xticks(range(2, 21, 3))
    axis.set_xlabel("seeds an arm")
    axis.set_ylabel("half width, points")
    axis.legend(frameon=False, fontsize=9)
    _save(figure, axis, path)


def _save(figure: "plt.Figure", axis: "plt.Axes", path: Path) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.tick_params(colors=SOFT)
    axis.xaxis.label.set_color(SOFT)
    axis.yaxis.label.set_color(SOFT)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Draw all three into a folder, this one if none is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for draw in (runs, verdicts, widths):
        draw(folder / f"statistics-{draw.__name__}.png")


if __name__ == "__main__":
    main()
