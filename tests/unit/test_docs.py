"""What the docs say can be written, can be written; their commands run; what they list is all there is."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
import yaml
from PIL import Image

from paribus import losses, metrics, parts, yamlfile
from paribus.cli import app, exit_code
from paribus.recipe import complete
from paribus.study import Study

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "segmentation.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]


@pytest.mark.parametrize("block", [b for b in BLOCKS if set(b) == {"data"}], ids=lambda b: b["data"]["use"])
def test_data_can_be_written_so(block):
    assert complete({**block, "model": "fcn", "optimizer": "sgd"}).data.use == block["data"]["use"]


def test_label_spaces_can_be_written_so():
    block = next(b for b in BLOCKS if "labels" in b)
    baseline = {"data": {"use": "camvid", "root": "camvid"}, "model": "fcn", "optimizer": "sgd"}
    study = Study.from_dict({"title": "x", "metric": "mean_iou", "seeds": 2, "baseline": baseline, **block})
    assert study.questions[0].score_in["classes"] == ["sky", "static", "objects"]


def test_tuning_can_be_written_so():
    (block,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "tuning.md").read_text(), re.DOTALL)
    baseline = {"data": "faces", "model": "small_cnn", "optimizer": {"use": "sgd", "lr": 0.01}}
    arms = {"adam": {"optimizer": {"use": "adam", "lr": 1e-3}}}
    written = {"title": "x", "baseline": baseline, "arms": arms, **yamlfile.parse(block.encode(), "").value}
    study = Study.from_dict(written)
    assert [c.values["optimizer.lr"] for c in study.tuning.candidates["adam"]] == [0.0003, 0.001, 0.003]


def test_every_metric_augmentation_and_rule_of_weights_is_named():
    named = [*metrics.names("segmentation"), *parts.names("paribus.pixel_transforms"), *losses.OF_PIXELS]
    assert [name for name in named if f"`{name}`" not in TEXT and f" {name}`" not in TEXT] == []


@pytest.mark.parametrize("page", [*DOCS.glob("*.md"), DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_pictures_and_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


# ------------------------------------------------------------------------------------------------ commands

ROOT = DOCS.parent
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md"]
RUN = ("quick-start.md", "asking.md", "reading-a-report.md", "your-data-your-model.md")  # every command is run
LONG = ("paribus demo", "paribus run cells.yaml")  # minutes: parsed only
SHORTER = {  # what makes a study of the docs one of a second
    "normalize: model, crop_fraction: 1": "crop_fraction: 1", "size: 64": "size: 32", "n: 480": "n: 12",
    '{use: "timm:tf_efficientnet_lite0", pretrained: true}': "{use: small_cnn, width: 4}", "epochs: 6": "epochs: 1",
    "n: 200": "n: 12", "n: 400": "n: 12", "n_val: 80": "n_val: 6", "n_val: 200": "n_val: 6", "n_test: 200": "n_test: 6",
    "n_test: 400": "n_test: 6", "epochs: 4": "epochs: 1", "epochs: 8": "epochs: 1", "seeds: 3": "seeds: 2",
    "seeds: 5": "seeds: 2", "size: 160": "size: 16", "normalize: model": "crop_fraction: 1",
    '{use: "timm:resnet18", pretrained: true}': "{use: small_cnn, width: 4}",
}  # fmt: skip


def blocks(page):
    """(language, text) of every fenced block of a page."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def fenced(page):
    """The lines of a page's fenced blocks that call the command line, without comments."""
    lines = [line for language, text in blocks(page) if language in ("", "sh") for line in text.splitlines()]
    return [line.partition(" #")[0].strip() for line in lines if line.startswith("paribus ")]


def inline(page):
    """The commands that a page names in passing, often without their arguments."""
    return [code for code in re.findall(r"`(paribus [a-z][^`\n]*)`", page.read_text()) if ":" not in code.split()[1]]


def command_of(words):
    """The command that the words begin with, and what follows it. Fails for one that does not exist."""
    found, rest = typer.main.get_command(app), list(words)
    while hasattr(found, "commands") and rest:
        name = rest.pop(0)
        assert name in found.commands, f"there is no command {name!r}"
        found = found.commands[name]
    return found, rest


def options_exist(words):
    """Fails for an option that the command does not have."""
    found, rest = command_of(words)
    known = {name for parameter in found.params for name in parameter.opts} | {"--help"}
    unknown = [w for w in rest if w.startswith("--") and w.partition("=")[0] not in known]
    assert not unknown, f"{' '.join(words)}: there is no {unknown[0]}"


def parsed(words):
    """Fails for what the command line would not take: a missing argument, an unknown option, a wrong value."""
    found, rest = command_of(words)
    found.make_context(words[0], rest).close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_the_docs_exist(page):
    for line in fenced(page):
        parsed(shlex.split(line)[1:])
    for line in inline(page):
        options_exist(re.sub(r"[\[\]]", "", line).split()[1:])


def test_a_command_that_does_not_exist_would_be_found(tmp_path):
    for line in ("paribus rum study.yaml", "paribus data scam x"):
        with pytest.raises(AssertionError, match="no command"):
            options_exist(line.split()[1:])
    with pytest.raises(AssertionError, match="there is no --datas"):
        options_exist(["run", "x", "--datas", "y"])
    for line in ("run", "run x --datas y", "plan x --accuracy 2", "verify a b"):
        with pytest.raises(Exception, match=r"Missing|No such option|less than|range|unexpected"):
            parsed(line.split())


def drawn(folder):
    """The folders and files that the pages speak of, as small as they can be."""
    rng = np.random.default_rng(0)
    rows = ["image,label,split"]
    for split, count in (("train", 6), ("val", 4)):
        for label, name in enumerate(("cat", "dog")):
            for i in range(count):
                pixels = (rng.integers(0, 150, (20, 20, 3)) + 90 * label).astype(np.uint8)
                for path in (f"photos/{split}/{name}/{i}.png", f"table/{split}-{name}-{i}.png"):
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(pixels).save(folder / path)
                rows.append(f"{split}-{name}-{i}.png,{name},{split}")
    (folder / "table" / "manifest.csv").write_text("\n".join(rows) + "\n")
    for split in ("train", "val"):
        for kind, depth in (("images", (16, 16, 3)), ("masks", (16, 16))):
            (folder / "cells" / split / kind).mkdir(parents=True)
            for i in range(3):
                pixels = rng.integers(0, 256 if kind == "images" else 2, depth).astype(np.uint8)
                Image.fromarray(pixels).save(folder / "cells" / split / kind / f"{i}.png")
    answers = ["image,target,arm,seed,cat,dog"]
    for arm in ("old", "new"):
        for seed in (0, 1):
            for i in range(12):
                p = rng.uniform(0.1, 0.9)
                answers.append(f"{i},{('cat', 'dog')[i % 2]},{arm},{seed},{p:.3f},{1 - p:.3f}")
    (folder / "predictions.csv").write_text("\n".join(answers) + "\n")


def files_of(page):
    """The files that a page writes out: a block that begins with a comment naming it."""
    named = (re.match(r"# (\S+\.(?:yaml|py))\n", text) for _, text in blocks(page))
    return {found[1]: found.string for found in named if found}


def run(line):
    """The exit code of a line of the command line, run here."""
    return exit_code(lambda: app(shlex.split(line)[1:], standalone_mode=False))


@pytest.mark.parametrize("name", RUN)
def test_every_command_of_the_pages_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))
    drawn(tmp_path)
    pages = [DOCS / "quick-start.md", DOCS / name] if name == "reading-a-report.md" else [DOCS / name]
    for path, text in ((p, t) for page in pages for p, t in files_of(page).items()):
        for long, short in SHORTER.items():
            text = text.replace(long, short)
        (tmp_path / path).write_text(text)
    before = ["paribus run faces.yaml"] if len(pages) > 1 else []  # what a report is of
    lines = [line for line in (*before, *fenced(pages[-1])) if line not in LONG]
    codes = {line: run(line) for line in lines}
    sys.modules.pop("my_lab", None)
    assert len(codes) > 1 and set(codes.values()) == {0}, f"{codes}\n{capsys.readouterr().err}"


def test_the_studies_of_the_pages_are_studies_as_they_stand(tmp_path):
    """Not only as short as they are run above."""
    for name in RUN:
        for path, text in files_of(DOCS / name).items():
            if path.endswith(".yaml") and "my_lab" not in text:
                (tmp_path / path).write_text(text)
                assert Study.read(tmp_path / path).questions


def test_the_study_in_python_is_that_of_the_file():
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "quick-start.md").read_text(), re.DOTALL)
    scope = {}
    exec(block.partition("study.run")[0], scope)
    from_file = yamlfile.parse(files_of(DOCS / "quick-start.md")["faces.yaml"].encode(), "").value
    found, expected = scope["study"], Study.from_dict(from_file)
    assert (found.recipes, found.questions, found.seeds) == (expected.recipes, expected.questions, expected.seeds)


def test_the_pictures_are_drawn_by_the_script(tmp_path):
    spec = importlib.util.spec_from_file_location("draw_statistics", DOCS / "pictures" / "draw_statistics.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.runs(tmp_path / "runs.png")
    with Image.open(tmp_path / "runs.png") as new, Image.open(DOCS / "pictures" / "statistics-runs.png") as kept:
        assert new.size == kept.size


def test_tests_that_a_page_names_are_there():
    named = {
        name for page in DOCS.glob("*.md") for name in re.findall(r"`((?:unit|faults)/\S+?\.py)`", page.read_text())
    }
    assert len(named) > 10
    assert [name for name in sorted(named) if not (DOCS.parent / "tests" / name).exists()] == []


def _lines_of_data():
    lines = (DOCS / "data.md").read_text().splitlines()
    return [yaml.safe_load(line)["data"] for line in lines if line.strip().startswith("data: ") and "|" not in line]


@pytest.mark.parametrize("data", _lines_of_data(), ids=str)
def test_data_from_elsewhere_can_be_written_so(data):
    model = "small_cnn" if data != "pet_trimaps" else {"use": "fcn"}
    assert complete({"data": data, "model": model}).data.use == (data if isinstance(data, str) else data["use"])


def test_a_share_of_the_training_images_can_be_asked_about_so():
    asked = "half: {data.train_fraction: 0.5}"
    assert asked in (DOCS / "data.md").read_text()
    baseline = {"data": {"use": "folder", "root": "smiles", "train_fraction": 0.8}, "model": "small_cnn"}
    study = Study.from_dict({"title": "x", "seeds": 2, "baseline": baseline, "arms": yaml.safe_load(f"{{{asked}}}")})
    assert study.questions[0].changed == {"data.train_fraction": [0.8, 0.5]}
