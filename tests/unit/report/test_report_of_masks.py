"""The report of a segmentation study: numbers from the evidence, pictures from the folder, one inert page."""

import csv
import io
import json
import re
import shutil
from dataclasses import replace

import masked_study
import numpy as np
import pytest
from test_page import HOSTILE, Tags

from paribus import metrics, per_class, running, sealed, simulate
from paribus.collect import collect
from paribus.contrasts import contrasts
from paribus.labels import Space
from paribus.questions import Design, Question
from paribus.report import document, page, render
from paribus.report.masks import shown
from paribus.report.methods import methods
from paribus.report.sections import arms, view
from paribus.report.tables import files
from paribus.results import ArmResult, Results
from paribus.stats import these_images
from paribus.thumbnails import Thumbnails
from paribus.verify import verify


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """(folder of the finished study, its bound study and place)"""
    bound, place = masked_study.made(tmp_path_factory.mktemp("study"))
    running.run(bound, place, masked_study.Silent())
    return place.folder, bound, place


@pytest.fixture(scope="module")
def results(study):
    return collect(study[0])


@pytest.fixture(scope="module")
def content(results):
    return document(results)


@pytest.fixture(scope="module")
def made(study):
    return (study[0] / "report.html").read_text("utf-8")


def simulated(images=30, effects=(("baseline", 0.0), ("better", 0.8)), groups=None):
    """Results of simulated masks, without colours; `sign` is rare."""
    arms = simulate.masks(dict(effects), 3, images, np.random.default_rng(5))
    question = Question("better", "Is it?", {"baseline": -1.0, "better": 1.0}, "mean_iou", 0.01, primary=True)
    design = Design((3,), "test", groups=groups)
    rows = contrasts([question], arms, design)
    return Results(
        "masks", "mean_iou", 0.01, design, "better", tuple(ArmResult(n, n, r) for n, r in arms.items()), (question,),
        rows, (), {"name": "made up", "classes": list(simulate.OF_MASKS)}, {}, {}, 1.0, "paribus compare",
    )  # fmt: skip


def test_every_metric_of_an_arm_is_that_of_the_evidence(results, content):
    for arm, row in zip(results.arms, content["arms"], strict=True):
        last = [run.evidence["val"].at(2) for run in arm.runs]
        assert set(row["scores"]) == set(metrics.names("segmentation"))
        for name, level in row["scores"].items():
            assert level["mean"] == pytest.approx(np.mean([metrics.named(name)(each).mean() for each in last]))
        train = [metrics.mean_iou(run.evidence["train"].at(2)).mean() for run in arm.runs]
        assert row["train_mean_iou"] == pytest.approx(np.mean(train)) and row["train_accuracy"] is None
        assert row["runs"][0]["best_val"]["value"] == max(r["val_mean_iou"] for r in row["runs"][0]["curves"])


def test_a_level_with_few_groups_is_of_exactly_these_images(results, content, made):
    runs = [metrics.mean_iou(run.evidence["val"].at(run.evidence["val"].epochs[-1])) for run in results.arms[0].runs]
    found, expected = content["arms"][0], these_images([np.stack(runs)], [1.0])
    assert content["study"]["groups"] == 2
    assert found["ci95"] == found["scores"]["mean_iou"]["ci95"] == pytest.approx((expected.low, expected.high))
    assert "exactly these images: they form fewer than 8 groups" in made


def test_each_arm_has_its_own_classes_and_colours(content):
    by_name = {arm["name"]: arm for arm in content["arms"]}
    assert len(by_name["baseline"]["classes"]) == 11 and len(by_name["three"]["classes"]) == 3
    assert by_name["three"]["space"]["classes"] == ["sky", "static", "objects"]
    assert by_name["baseline"]["space"]["colours"][3] == [128, 64, 128]
    asked = {q["name"]: q for q in content["questions"]}
    assert [row["name"] for row in asked["labels"]["classes"]["rows"]] == ["sky", "static", "objects"]
    assert asked["labels"]["classes"]["space"] == by_name["three"]["space"]


def test_levels_in_other_classes_have_an_axis_of_their_own(content, made):
    shown = view(content)["arms"]
    assert [group["classes"] for group in shown["groups"]] == [11, 3]
    assert {row["arm"] for row in shown["groups"][1]["rows"]} == {"three"}
    assert [row["arm"] for row in shown["rows"]] == [arm["name"] for arm in content["arms"]]
    assert "In 3 classes: levels that do not compare with those above" in made
    alone = page(document(simulated()))
    assert "levels that do not compare with those above" not in alone and "<h2>The arms</h2>" in alone


def test_an_arm_without_a_run_stands_with_the_first_classes(content):
    begun = [arm | {"space": None, "runs": []} if arm["name"] == "skips" else arm for arm in content["arms"]]
    groups = arms.arms(content | {"arms": begun})["groups"]
    assert [group["classes"] for group in groups] == [11, 3]
    assert "skips" in {row["arm"] for row in groups[0]["rows"]}


def test_rare_classes_have_their_images_and_no_interval():
    rows = {row["name"]: row for row in document(simulated())["arms"][0]["classes"]}
    assert rows["sign"]["images"] < 8 and rows["sign"]["value"] is not None and rows["sign"]["low"] is None
    assert rows["sky"]["images"] == 30 and rows["sky"]["low"] < rows["sky"]["value"] < rows["sky"]["high"]
    text = Tags(page(document(simulated()))).text
    assert "too rare" in text and f"in {rows['sign']['images']} image" in text and "no interval" in text


def test_differences_by_class_are_exploratory_and_adjusted():
    content = document(simulated())
    rows = content["questions"][0]["classes"]["rows"]
    tested = [row for row in rows if row["p"] is not None]
    assert len(tested) >= 3 and all(row["p_adjusted"] >= row["p"] for row in tested)
    assert all((row["p"] is None) == (row["low"] is None) for row in rows)
    assert "EXPLORATORY" in page(content) and "Benjamini" in page(content)


def test_a_question_about_boundaries_shows_classes_at_boundaries(results, content):
    asked = {q["name"]: q for q in content["questions"]}
    assert asked["edges"]["classes"]["measure"] == "boundary_iou" and asked["skips"]["classes"]["measure"] == "iou"
    runs = {arm.name: [run.evidence["val"].at(2) for run in arm.runs] for arm in results.arms}
    low, high = ([replace(c, confusion=c.boundary) for c in runs[a]] for a in ("baseline", "skips"))
    groups = [results.design.groups[i] for i in low[0].image_ids] if results.design.groups else None
    expected = per_class.differences([low, high], groups=groups)
    assert [r["value"] for r in asked["edges"]["classes"]["rows"]] == [r.value for r in expected]


def test_the_naive_difference_is_taken_apart(content, made):
    asked = {q["name"]: q for q in content["questions"]}
    found = asked["labels"]["label_spaces"]
    assert found["naive"] == pytest.approx(found["easier_score"] + found["training"])
    assert found["training"] == pytest.approx(asked["labels"]["difference"])
    arms = {arm["name"]: arm["mean"] for arm in content["arms"]}
    assert found["naive"] == pytest.approx(arms["three"] - arms["baseline"])
    assert asked["skips"]["label_spaces"] is None
    assert "the naive difference is" in Tags(made).text


def test_the_arm_to_use_is_not_one_of_easier_classes(content):
    means = {arm["name"]: arm["mean"] for arm in content["arms"]}
    assert means["three"] > means["skips"]  # of three classes, which are easier
    assert content["best"]["name"] == "skips"


def test_levels_that_were_scored_where_they_were_chosen_are_optimistic(content):
    assert content["best"]["on_val"] is None
    assert "chosen on the images it is scored on: optimistic" in page(content)


def test_pictures_are_of_both_ends_and_of_the_middle():
    results = simulated(images=40, effects=(("baseline", 0.0), ("better", 0.02)))
    known = {arm.name: [run.evidence["test"].at(1) for run in arm.runs] for arm in results.arms}
    found = shown(results, known)
    right = {
        arm: np.mean([np.trace(c.confusion, axis1=1, axis2=2) / c.confusion.sum(axis=(1, 2)) for c in counts], axis=0)
        for arm, counts in known.items()
    }
    gap = right["better"] - right["baseline"]
    by_why = {why: [r["number"] for r in found["images"] if r["why"] == why] for why in ("gains", "loses", "typical")}
    assert by_why["gains"] == list(np.argsort(-gap)[:2]) and by_why["loses"] == list(np.argsort(gap)[:2])
    mean = np.mean(list(right.values()), axis=0)
    rest = [k for k in range(40) if k not in {*by_why["gains"], *by_why["loses"]}]
    assert by_why["typical"] == sorted(rest, key=lambda k: abs(mean[k] - np.median(mean)))[:2]
    first = found["images"][0]
    assert first["gap"] == pytest.approx(gap.max()) and first["right"]["better"] == pytest.approx(
        right["better"][first["number"]]
    )
    assert found["sides"] == ["baseline", "better"] and found["runs"]["better"]["seed"] == 0


def test_many_arms_have_fewer_images():
    effects = (("baseline", 0.0), ("better", 0.1), *((f"arm-{k}", 0.0) for k in range(10)))
    assert len(document(simulated(effects=effects))["pictures"]["images"]) == 2


def test_images_without_a_label_are_never_picked(results):
    def emptied(run):
        kept = run.evidence["val"]
        none = np.arange(kept.confusion.shape[1]) != 0
        return replace(
            run, evidence=run.evidence | {"val": replace(kept, confusion=kept.confusion * none[:, None, None])}
        )

    arms = tuple(replace(arm, runs=tuple(map(emptied, arm.runs))) for arm in results.arms)
    rows = document(replace(results, arms=arms))["pictures"]["images"]
    assert rows and all(row["number"] != 0 for row in rows)


def test_the_page_is_inert_and_has_its_pictures(made, content):
    tags = Tags(made).tags
    rows = content["pictures"]["images"]
    pictures = [a for tag, a in tags if tag == "img"]
    assert len(pictures) == len(rows) * (3 + 3 * 4)  # input, truth, who is right; four of each arm
    assert all(a["src"].startswith("data:image/") and a["alt"] for a in pictures)
    assert len(made) < 3_000_000
    for tag, attributes in tags:
        assert tag not in {"link", "iframe", "object", "embed", "form", "base", "foreignobject"}
        assert not {a for a in attributes if a.startswith("on") or a == "style"}, (tag, attributes)
    for attributes in (a for tag, a in tags if tag == "svg"):
        assert attributes.get("aria-hidden") == "true" or attributes.get("role") == "img"


def test_a_slider_is_a_range_that_keys_move_and_nothing_is_hidden_without_script(made, content):
    tags = Tags(made).tags
    sliders = [a for tag, a in tags if tag == "input"]
    assert len(sliders) == len(content["pictures"]["images"])
    assert all(a["type"] == "range" and a["aria-label"] and a["max"] == "300" for a in sliders)
    assert [a["value"] for tag, a in tags if tag == "button"][:4] == ["0", "100", "200", "300"]
    style = re.search("<style>(.*?)</style>", made, re.S)[1]
    outside = re.findall(r"(?m)^\.layer[^{]*\{[^}]*\}", style)
    assert outside and not any("clip" in rule or "display: none" in rule for rule in outside)


def test_no_picture_at_all_without_pictures(results, content, tmp_path):
    path = render(results, tmp_path)
    text = path.read_text("utf-8")
    assert "<img" not in text and "data:image" not in text and '<input type="range"' not in text
    assert content["pictures"]["images"][0]["image"] in text  # the names and numbers are there
    assert sealed.opened(json.loads((tmp_path / "report.json").read_text("utf-8")), "report.json") == content


def test_a_report_is_drawn_again_without_the_data(study, results, made):
    folder = study[0]
    again = page(document(results), Thumbnails(folder / "pictures"))
    assert again == made
    assert verify(folder) == []


def test_a_sheet_shows_each_image_and_former_sheets_go(study, content):
    folder, bound, place = study
    (folder / "pictures" / "07-of-another-time.png").write_bytes(b"")
    running.run(bound, place, masked_study.Silent())
    names = sorted(path.name for path in (folder / "pictures").glob("[0-9][0-9]-*.png"))
    shown = enumerate((row["image"] for row in content["pictures"]["images"]), 1)
    assert names == [f"{k:02d}-{image.replace('/', '-')}.png" for k, image in shown]


def moved(study, to):
    """(bound, place) of a copy of the study, without its pictures."""
    folder, bound, place = study
    shutil.copytree(folder.parent, to, ignore=shutil.ignore_patterns("pictures"))
    return bound, replace(place, folder=to / folder.name, store=replace(place.store, root=to / "runs"))


def test_a_study_run_without_pictures_writes_none(study, content, tmp_path):
    bound, place = moved(study, tmp_path / "out")
    done = running.run(bound, place, masked_study.Silent(), pictures=False)
    assert document(done.results)["pictures"] == content["pictures"]
    assert "<img" not in done.page.read_text("utf-8") and not (place.folder / "pictures").exists()


def test_masks_that_were_not_kept_are_not_shown(study, tmp_path):
    bound, place = moved(study, tmp_path / "out")
    for run in place.store.root.iterdir():
        shutil.rmtree(run / "masks", ignore_errors=True)
    assert "<img" not in running.run(bound, place, masked_study.Silent()).page.read_text("utf-8")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(results, made, name, tmp_path):
    classes = tuple(f"{name}{k}" for k in range(11))
    baseline, skips = (replace(arm, name=name + arm.name, space=None) for arm in results.arms[:2])
    space = Space(classes, results.arms[0].space.colours)

    def run(r):
        kept = {
            s: replace(e, classes=classes, image_ids=tuple(name + i for i in e.image_ids))
            for s, e in r.evidence.items()
        }
        return replace(r, evidence=kept)

    arms = [replace(arm, space=space, runs=tuple(map(run, arm.runs))) for arm in (baseline, skips)]
    asked = Question(name, name, {arms[0].name: -1.0, arms[1].name: 1.0}, "mean_iou", primary=True)
    design = replace(results.design, groups=None)
    rows = contrasts([asked], {arm.name: arm.runs for arm in arms}, design)
    told = {"name": name, "classes": list(classes), "images": {name: 3}, "splits": {name: dict.fromkeys(classes, 5)}}
    told |= {"void": {name: 1}, "images_with": {name: dict.fromkeys(classes, 2)}}
    hostile = replace(results, arms=tuple(arms), questions=(asked,), contrasts=rows, design=design, data=told)
    png = b"\x89PNG\r\n\x1a\n...."
    text = render(hostile, tmp_path, lambda image: png).read_text("utf-8")
    plain, seen = Tags(made), Tags(text)
    assert {t for t, _ in seen.tags} <= {t for t, _ in plain.tags} | {"p", "strong"}
    assert sum(t == "script" for t, _ in seen.tags) == 1
    assert not [a for _, attributes in seen.tags for a in attributes if a.startswith("on")]
    assert not re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff]", text)


def test_tables_hold_the_classes_and_the_label_spaces(content):
    made = {name: list(csv.DictReader(io.StringIO(text))) for name, text in files(content).items() if "csv" in name}
    assert len(made["classes.csv"]) == 11 + 11 + 3 and len(made["class_differences.csv"]) == 11 + 11 + 3
    assert len(made["levels.csv"]) == 3 * len(metrics.names("segmentation"))
    assert [row["question"] for row in made["label_spaces.csv"]] == ["labels"]
    assert len(made["confusions.csv"]) == 121 + 121 + 9
    total = sum(float(row["pixels"]) for row in made["confusions.csv"] if row["arm"] == "baseline")
    assert total == sum(content["study"]["data"]["splits"]["val"].values())
    assert float(made["arms.csv"][0]["train_mean_iou"]) == content["arms"][0]["train_mean_iou"]


def test_the_methods_speak_of_pixels(content):
    text = methods(content)
    for said in ("after training on 12", "12 images", "11 or 3 classes", "void", "Boundary IoU", "Mean IoU was taken"):
        assert said in text
    assert "Every pixel" not in methods(content | {"study": content["study"] | {"task": "classification"}})


def test_the_data_are_told_in_pixels(study, content, made):
    data, bound = content["study"]["data"], study[1]
    counted = bound.scans["baseline"].pixels("val")
    assert [data["splits"]["val"][name] for name in data["classes"]] == list(counted.pixels)
    assert data["void"]["val"] == counted.void and data["images_with"]["val"]["road"] == counted.images_with[3]
    assert data["images"] == {"train": 12, "val": 12}
    assert "12 training images" in made and "Pixels of the classes" in made
    rows = re.search("<h3>Pixels of the classes.*?</table>", made, re.S)[0]
    assert re.findall('scope="row"><bdi>([a-z]+)', rows) == data["classes"]


def test_curves_and_fit_are_named_by_what_they_measure(made):
    for said in ("Validation mean IoU, %", "Validation pixel accuracy, %", "Mean IoU on clean training images"):
        assert said in made
    assert "best validation mean IoU (optimistic)" in made and "Accuracy on clean" not in made
    assert "Share of the row’s pixels" in made and made.count('<table class="confusion pixels">') == 3
