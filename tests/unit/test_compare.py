"""Predictions made elsewhere: read, refused, answered, kept."""

import csv
import json
import random
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy import stats

from paribus import compare
from paribus.compare import reading
from paribus.errors import DataError, IntegrityError, StudyError
from paribus.questions import Question
from paribus.report import document, render

KEYS = ["image", "target", "arm", "seed"]


def write(path, rows, columns):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def labelled(arms=("a", "b"), seeds=3, images=12, wrong=2):
    """Rows with answers; arm number k gets `wrong` x k images wrong, others in each seed."""
    classes = ("cat", "dog")
    rows = []
    for k, arm in enumerate(arms):
        for seed in range(seeds):
            bad = {(seed + j * (k + 2)) % images for j in range(wrong * k)}
            rows += [[f"{i}.png", classes[i % 2], arm, seed, classes[(i + (i in bad)) % 2]] for i in range(images)]
    return rows


@pytest.fixture
def answers(tmp_path):
    return write(tmp_path / "p.csv", labelled(), [*KEYS, "prediction"])


def scored(seeds=2, images=40, arms=("a", "b"), classes=("x", "y", "z"), kind="logits", seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(classes), images)
    rows = []
    for arm in arms:
        for s in range(seeds):
            scores = rng.normal(size=(images, len(classes)))
            scores[np.arange(images), truth] += 1
            if kind == "probabilities":
                scores = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            rows += [
                [f"{i}", classes[t], arm, s, *map(repr, map(float, z))]
                for i, (t, z) in enumerate(zip(truth, scores, strict=True))
            ]
    return rows


def problems_of(paths, **options):
    with pytest.raises(DataError) as caught:
        compare.read(paths, **options)
    return caught.value.problems


def codes(problems):
    return [p.code for p in problems]


def plain(content):
    return json.loads(json.dumps(content))


# ------------------------------------------------------------------------------------------------ statistics


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Two classifiers of scikit-learn, three seeds each: (the file, {arm: (runs, images) right or wrong})."""
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.neural_network import MLPClassifier
    from sklearn.tree import DecisionTreeClassifier

    x, y = datasets.load_digits(return_X_y=True)
    train, test = np.arange(0, 600), np.arange(600, 900)
    rows, right = [], {}
    for arm, make in (
        ("tree", lambda s: DecisionTreeClassifier(max_features=8, random_state=s)),
        ("forward", lambda s: MLPClassifier((16,), solver="lbfgs", max_iter=40, random_state=s)),
    ):
        for seed in range(3):
            model = make(seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(x[train] / 16, y[train])
            p = model.predict_proba(x[test] / 16)
            right.setdefault(arm, []).append(p.argmax(axis=1) == y[test])
            rows += [[f"digit {i}", y[i], arm, seed, *map(repr, map(float, q))] for i, q in zip(test, p, strict=True)]
    path = write(tmp_path_factory.mktemp("digits") / "digits.csv", rows, [*KEYS, *map(str, range(10))])
    return path, {arm: np.array(v, dtype=float) for arm, v in right.items()}, {"y": y[test]}


def by_hand(first, second):
    """The crossed contrast, written out: difference, se, Satterthwaite df and p for new runs and new images."""
    difference = second.mean() - first.mean()
    images = first.shape[1]
    a = [y.mean(axis=1).var(ddof=1) / len(y) for y in (first, second)]
    e = second.mean(axis=0) - first.mean(axis=0)
    b = e.var(ddof=1) / images
    c = []
    for y in (first, second):
        residual = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
        c.append((residual**2).sum() / ((len(y) - 1) * (images - 1)) / (len(y) * images))
    variance = max(sum(a) + b - sum(c), sum(a), b)
    return difference, variance, a, b, c


def test_scikit_learn_digits_against_the_formulas(digits):
    path, right, _ = digits
    row = compare.results(compare.read([path]), title="Digits").contrasts[0]
    difference, variance, a, b, c = by_hand(right["tree"], right["forward"])
    assert row.question.name == "forward" and row.question.primary
    assert row.difference == pytest.approx(difference, abs=1e-12)
    assert row.se == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert row.parts == pytest.approx({"A": sum(a), "B": b, "C": sum(c)}, rel=1e-9)
    assert row.p == pytest.approx(2 * stats.t.sf(abs(difference) / row.se, row.df), rel=1e-9)
    half = stats.t.isf(0.025, row.df) * row.se
    assert row.ci95 == pytest.approx((difference - half, difference + half), rel=1e-9)
    assert row.per_arm["tree"] == pytest.approx(right["tree"].mean(axis=1))


def test_degrees_of_freedom_are_satterthwaites(digits):
    path, right, _ = digits
    row = compare.results(compare.read([path]), title="Digits").contrasts[0]
    _, variance, a, b, c = by_hand(right["tree"], right["forward"])
    images = right["tree"].shape[1]
    terms = sum(v**2 / 2 for v in a) + b**2 / (images - 1)
    with_overlap = terms + sum(v**2 / (2 * (images - 1)) for v in c)
    assert variance**2 / with_overlap * (1 - 1e-9) <= row.df <= variance**2 / terms * (1 + 1e-9)


def test_log_loss_is_scikit_learns(digits):
    from sklearn.metrics import log_loss

    path, _, truth = digits
    read = compare.read([path])
    results = compare.results(read, title="Digits", metric="neg_log_loss")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for arm in ("tree", "forward"):
        for seed, value in enumerate(results.contrasts[0].per_arm[arm]):
            p = [[float(r[str(k)]) for k in range(10)] for r in rows if r["arm"] == arm and r["seed"] == str(seed)]
            assert -value == pytest.approx(log_loss(truth["y"], p, labels=range(10)), rel=1e-5)
    zeros = next(f for f in results.findings if f.code == "COMPARE_ZEROS")
    assert zeros.outcome == "tip" and "tree" in zeros.sentence


def test_the_report_is_a_function_of_the_predictions(digits, tmp_path):
    path, right, _ = digits
    read = compare.read([path])
    results = compare.results(read, title="Digits", margin=0.02)
    page = render(results, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert page.exists() and report["questions"][0]["difference"] == pytest.approx(
        right["forward"].mean() - right["tree"].mean()
    )
    compare.write(read, tmp_path, results)
    again = compare.collect(tmp_path)
    assert plain(document(again)) == plain(document(results))


def test_the_order_of_rows_does_not_matter(tmp_path):
    rows, columns = scored(seeds=3, arms=("a", "b", "c")), [*KEYS, "x", "y", "z"]
    first = compare.read([write(tmp_path / "p.csv", rows, columns)])
    mixed = list(rows)
    random.Random(1).shuffle(mixed)
    second = compare.read([write(tmp_path / "q.csv", mixed, columns)])
    one, two = (compare.results(p, title="T", baseline="a") for p in (first, second))
    answers = [{c.question.name: c for c in r.contrasts} for r in (one, two)]
    assert answers[0] == answers[1]
    assert [r.id for r in first.arms["b"]] == [r.id for r in second.arms["b"]]


def test_twenty_runs_on_five_thousand_images_are_read_in_seconds(tmp_path):
    columns = [*KEYS, "x", "y", "z"]
    path = write(tmp_path / "p.csv", scored(seeds=10, images=5000), columns)
    began = time.process_time()
    read = compare.read([path])
    assert time.process_time() - began < 5
    assert len(read.runs) == 20


def test_no_torch_is_needed():
    code = "import sys; from paribus import compare, verify; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ------------------------------------------------------------------------------------------------ how things are read


def test_probabilities_and_logits_are_told_apart(tmp_path):
    columns = [*KEYS, "x", "y", "z"]
    rows = scored(kind="probabilities", arms=("a",)) + scored(kind="logits", arms=("b",))
    read = compare.read([write(tmp_path / "p.csv", rows, columns)])
    assert [r.facts["scores"] for r in read.runs] == ["probabilities"] * 2 + ["logits"] * 2
    for record in read.runs:
        scores = record.evidence["test"].at(1)
        seed, arm = record.seed, "a" if record in read.arms["a"] else "b"
        given = {r[0]: np.array(list(map(float, r[4:]))) for r in rows if r[2] == arm and r[3] == seed}
        for k, image in enumerate(scores.image_ids):
            z = given[image]
            expected = z if arm == "a" else np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            assert np.exp(scores.log_probabilities()[k]) == pytest.approx(expected, rel=1e-5)


def test_scores_that_are_neither_count_by_their_highest_only(tmp_path):
    rows = [[*r[:4], "0.9", "0.8", "0.1"] for r in scored()]
    read = compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "x", "y", "z"])])
    assert {r.facts["scores"] for r in read.runs} == {"neither"}
    with pytest.raises(StudyError, match="sum to 1"):
        compare.results(read, title="T", metric="neg_log_loss")


def test_the_highest_score_stays_the_highest_in_single_precision(tmp_path):
    rows = [[i, "xy"[i % 2], arm, 0, "0.49999999999", "0.50000000001"] for arm in "ab" for i in range(4)]
    read = compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "x", "y"])])
    assert all(r.evidence["test"].at(1).predicted().tolist() == [1, 1, 1, 1] for r in read.runs)


def test_ties_go_to_the_first_column_in_either_order_of_columns(tmp_path):
    rows = [[i, "xy"[i % 2], arm, 0, "0.5", "0.5"] for arm in "ab" for i in range(4)]
    read = compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "y", "x"])])
    assert read.classes == ("y", "x")
    assert all(r.evidence["test"].at(1).predicted().tolist() == [0] * 4 for r in read.runs)


def test_image_ids_are_kept_byte_for_byte(tmp_path):
    hostile = [
        " lead",
        "trail ",
        'quo"te',
        "com,ma",
        "new\nline",
        "NA",
        "nan",
        "",
        "e\u0301",
        "é",
        "<b>",
        "=1+1",
        "\x00",
    ]
    names = [n for n in hostile if n]
    rows = [[n, "xy"[k % 2], arm, 0, "x"] for arm in "ab" for k, n in enumerate(names)]
    read = compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])])
    assert set(read.runs[0].evidence["test"].image_ids) == set(names)
    folder = tmp_path / "kept"
    compare.write(read, folder, compare.results(read, title="T"))
    assert compare.load(folder).runs[0].evidence["test"].image_ids == read.runs[0].evidence["test"].image_ids


def test_epochs_splits_and_groups(tmp_path):
    rows = [
        [i, "xy"[i % 2], arm, seed, "xy"[(i + (i % (epoch + 3) == 0)) % 2], epoch, split, f"g{i // 2}"]
        for split in ("val", "test")
        for epoch in (1, 2, 5)
        for arm in "ab"
        for seed in (0, 7)
        for i in range(20)
    ]
    columns = [*KEYS, "prediction", "epoch", "split", "group"]
    read = compare.read([write(tmp_path / "p.csv", rows, columns)])
    run = read.arms["b"][1]
    assert run.seed == 7 and run.evidence["val"].epochs == (1, 2, 5) and read.groups["3"] == "g1"
    results = compare.results(read, title="T", epoch="val")
    assert results.design.split == "test" and results.contrasts[0].groups == 10
    assert compare.results(read, title="T", split="val").design.split == "val"
    with pytest.raises(StudyError, match="Did you mean 'val'"):
        compare.results(read, title="T", split="vla")


def test_several_files_are_one_comparison(tmp_path):
    rows = labelled()
    whole = compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])])
    parts = [
        write(tmp_path / f"{arm}.csv", [r for r in rows if r[2] == arm], [*KEYS, "prediction"]) for arm in ("a", "b")
    ]
    apart = compare.read(parts)
    assert [r.id for r in apart.runs] == [r.id for r in whole.runs]
    assert [s["name"] for s in apart.sources] == ["a.csv", "b.csv"]


def test_classes_may_stand_in_another_order_in_each_file(tmp_path):
    rows = scored()
    turned = [[*r[:4], r[6], r[4], r[5]] for r in rows if r[2] == "b"]
    whole = compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "x", "y", "z"])])
    first = write(tmp_path / "a.csv", [r for r in rows if r[2] == "a"], [*KEYS, "x", "y", "z"])
    apart = compare.read([first, write(tmp_path / "b.csv", turned, [*KEYS, "z", "x", "y"])])
    assert [r.id for r in apart.runs] == [r.id for r in whole.runs]


def test_columns_that_are_no_class_beside_answers_are_left_out_and_told(tmp_path):
    rows = [["0", *r, "0.9"] for r in labelled()]
    read = compare.read([write(tmp_path / "p.csv", rows, ["", *KEYS, "prediction", "confidence"])])
    assert read.ignored == ("(no name)", "confidence")
    found = compare.results(read, title="T").findings
    assert next(f for f in found if f.code == "COMPARE_COLUMNS").outcome == "tip"


# ------------------------------------------------------------------------------------------------ safetensors


def tensors(path, arm, seed, logits, targets, ids, change=None):
    about = {"image_ids": json.dumps(ids), "classes": json.dumps(["x", "y"]), "arm": arm, "seed": str(seed)}
    save_file({"logits": logits, "targets": targets}, path, metadata=about | (change or {}))
    return path


def test_one_safetensors_a_run(tmp_path):
    rng = np.random.default_rng(0)
    ids, targets = [f"{k}" for k in range(20)], np.arange(20) % 2
    logits = {(a, s): rng.normal(size=(2, 20, 2)).astype(np.float32) for a in "ab" for s in (0, 1)}
    paths = []
    for n, ((arm, seed), z) in enumerate(logits.items()):
        order = rng.permutation(20)  # every file in an order of its own
        names = [ids[k] for k in order]
        z = np.ascontiguousarray(z[:, order])
        paths.append(tensors(tmp_path / f"{n}.safetensors", arm, seed, z, targets[order], names))
    read = compare.read(paths)
    evidence = read.arms["b"][1].evidence["test"]
    assert evidence.epochs == (1, 2) and evidence.image_ids == tuple(sorted(ids))
    expected = logits["b", 1][:, [ids.index(i) for i in evidence.image_ids]]
    assert np.allclose(evidence.logits, expected - expected.max(axis=2, keepdims=True))
    assert compare.results(read, title="T", metric="auroc").contrasts[0].images == 20


def test_safetensors_may_be_described_by_a_file_beside(tmp_path):
    ids, targets, rng = ["p", "q", "r"], np.array([0, 1, 1]), np.random.default_rng(0)
    for arm in "ab":
        save_file({"logits": rng.normal(size=(3, 2)), "targets": targets}, tmp_path / f"{arm}.safetensors")
        about = {"image_ids": ids, "classes": ["x", "y"], "arm": arm, "seed": 0}
        (tmp_path / f"{arm}.json").write_text(json.dumps(about))
    read = compare.read([tmp_path / "a.safetensors", tmp_path / "b.safetensors"])
    assert list(read.arms) == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": "one"}, "`seed` must be a whole number"),
        ({"classes": json.dumps(["x"])}, "shape"),
        ({"split": "tset"}, "`split` must be one of"),
        ({"image_ids": json.dumps(["p", "q"])}, "2 images and 2 classes"),
    ],
)
def test_safetensors_that_cannot_be_used(tmp_path, change, said):
    path = tensors(tmp_path / "a.safetensors", "a", 0, np.zeros((3, 2)), np.array([0, 1, 1]), ["p", "q", "r"], change)
    assert any(said in p.message for p in problems_of([path]))


def test_safetensors_that_are_none(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"not tensors at all")
    assert codes(problems_of([path])) == ["TENSORS_UNREADABLE"]
    save_file({"scores": np.zeros(3)}, path)
    lacking = " ".join(p.message for p in problems_of([path]))
    assert all(word in lacking for word in ("'logits'", "'targets'", "'image_ids'", "'arm'", "'seed'", "'classes'"))


# ------------------------------------------------------------------------------------------------ refused


def test_missing_columns_are_named_with_the_near_ones(tmp_path):
    path = write(tmp_path / "p.csv", [["1", "x", "a", 0, "x"]], ["images", "label", "arm", "seeds", "prediction"])
    found = problems_of([path])
    assert [p.code for p in found] == ["CSV_COLUMN_MISSING"] * 3
    assert "'image'. Is it 'images'?" in found[0].message and "'seed'. Is it 'seeds'?" in found[2].message


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    rows = labelled()
    rows[3][4] = "dgo"  # line 5: unknown class
    rows[5][1] = "cat"  # line 7: image 5 is a dog in the other runs
    del rows[14]  # arm a, seed 1 lacks 2.png
    rows.append(rows[-1])  # the same image twice
    found = problems_of([write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])])
    told = {p.code: p.message for p in found}
    assert set(told) == {"CLASS_UNKNOWN", "TARGET_DIFFERS", "IMAGES_DIFFER", "IMAGE_TWICE"}
    assert "line 5" in told["CLASS_UNKNOWN"] and "Did you mean 'dog'?" in told["CLASS_UNKNOWN"]
    assert "'5.png'" in told["TARGET_DIFFERS"]
    assert "arm 'a', seed 1 (test, epoch 1) lacks 1 of 12 images: '2.png'" in told["IMAGES_DIFFER"]
    assert "lines 72 and 73" in told["IMAGE_TWICE"]


def test_a_row_that_cannot_be_placed_hides_no_other_problem_and_makes_none(tmp_path):
    rows = labelled()
    rows[2][3] = "first"
    rows[3][4] = "dgo"
    found = problems_of([write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])])
    assert codes(found) == ["CSV_VALUE", "CLASS_UNKNOWN"]


def test_two_files_are_checked_in_one_go(tmp_path, answers):
    broken = write(tmp_path / "q.csv", [["1", "x"]], ["image", "target"])
    rows = labelled(arms=("c",))
    rows[3][4] = "dgo"
    found = problems_of([broken, answers, write(tmp_path / "r.csv", rows, [*KEYS, "prediction"])])
    assert {p.where for p in found} == {"q.csv", "r.csv"} and codes(found)[-1] == "CLASS_UNKNOWN"


def test_a_run_that_is_in_two_files(tmp_path, answers):
    again = write(tmp_path / "q.csv", [r for r in labelled() if r[2:4] == ["b", 1]], [*KEYS, "prediction"])
    found = problems_of([answers, again])
    assert codes(found) == ["RUN_TWICE"] and "arm 'b', seed 1" in found[0].message


def test_groups_belong_to_images(tmp_path):
    columns = [*KEYS, "prediction", "group"]
    rows = [[*r, f"g{int(r[0][:-4]) // 3}"] for r in labelled()]
    rows[4][5] = "other"
    assert codes(problems_of([write(tmp_path / "p.csv", rows, columns)])) == ["GROUP_DIFFERS"] * 5
    rows[4][5] = ""
    assert "GROUP_MISSING" in codes(problems_of([write(tmp_path / "p.csv", rows, columns)]))


def test_images_that_others_have_not(tmp_path):
    rows = labelled()
    rows[0][0] = "other.png"
    found = problems_of([write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])])
    assert codes(found) == ["IMAGES_DIFFER"]
    assert "lacks 1 of 12 images: '0.png'; has 1 that the others have not: 'other.png'" in found[0].message


def test_a_split_that_a_run_lacks(tmp_path):
    rows = [[*r, split] for split in ("val", "test") for r in labelled() if (split, *r[2:4]) != ("val", "b", 2)]
    found = problems_of([write(tmp_path / "p.csv", rows, [*KEYS, "prediction", "split"])])
    assert codes(found) == ["IMAGES_DIFFER"] and "arm 'b', seed 2 has no image of val" in found[0].message


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("seed", "one", "CSV_VALUE"),
        ("seed", "1.5", "CSV_VALUE"),
        ("arm", " a", "CSV_VALUE"),
        ("arm", "", "CSV_VALUE"),
        ("image", "", "CSV_EMPTY_VALUE"),
        ("target", "", "CSV_EMPTY_VALUE"),
        ("prediction", "", "CSV_EMPTY_VALUE"),
    ],
)
def test_values_that_cannot_be_placed(tmp_path, column, value, code):
    rows = labelled()
    rows[8][[*KEYS, "prediction"].index(column)] = value
    found = problems_of([write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])])
    assert code in codes(found)
    assert any("line 10" in p.message for p in found if p.code == code)


@pytest.mark.parametrize(
    ("text", "code"), [("nan", "SCORE_NOT_FINITE"), ("inf", "SCORE_NOT_FINITE"), ("", "SCORE_NOT_A_NUMBER")]
)
def test_scores_that_are_no_numbers(tmp_path, text, code):
    rows = scored()
    rows[5][6] = text
    found = problems_of([write(tmp_path / "p.csv", rows, [*KEYS, "x", "y", "z"])])
    assert codes(found) == [code] and "line 7" in found[0].message and "'z'" in found[0].message


def test_a_target_without_a_column(tmp_path):
    rows = scored()
    for row in rows:
        row[1] = row[1].replace("z", "zz")
    found = problems_of([write(tmp_path / "p.csv", rows, [*KEYS, "x", "y", "z"])])
    assert codes(found) == ["CLASS_UNKNOWN"] and "Did you mean 'z'?" in found[0].message


def test_an_answer_that_is_not_the_highest_score(tmp_path):
    rows = [[*r, "xyz"[int(np.argmax(list(map(float, r[4:]))))]] for r in scored()]
    columns = [*KEYS, "x", "y", "z", "prediction"]
    assert compare.read([write(tmp_path / "p.csv", rows, columns)]).runs[0].facts["scores"] == "logits"
    rows[4][-1] = "xyz"[("xyz".index(rows[4][-1]) + 1) % 3]
    found = problems_of([write(tmp_path / "p.csv", rows, columns)])
    assert codes(found) == ["PREDICTION_DIFFERS"] and "line 6" in found[0].message
    rows[4][-1] = "zz"
    assert codes(problems_of([write(tmp_path / "p.csv", rows, columns)])) == ["CLASS_UNKNOWN"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "DATA_EMPTY"),
        (b"\n\n", "DATA_EMPTY"),
        (b"image,target,arm,seed,prediction\n", "DATA_EMPTY"),
        (b"image;target;arm;seed;prediction\n1;x;a;0;x\n", "CSV_SEPARATOR"),
        (b"image,target,arm,seed,prediction\n\xff\xfe,x,a,0,x\n", "CSV_UNREADABLE"),
        ("image,target\n".encode("utf-16"), "CSV_UNREADABLE"),
        (b'image,target,arm,seed,prediction\n"1,x,a,0,x\n', "CSV_UNREADABLE"),
        (b"image,target,arm,seed,prediction\n1,x,a,0\n", "CSV_ROW_LENGTH"),
        (b"image,target,arm,arm,seed,prediction\n1,x,a,a,0,x\n", "CSV_COLUMN_TWICE"),
        (b"image,target,arm,seed\n1,x,a,0\n", "CSV_COLUMN_MISSING"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, code):
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    assert code in codes(problems_of([path]))


def test_files_that_are_not_there_or_too_large(tmp_path, answers, monkeypatch):
    assert codes(problems_of([tmp_path / "none.csv", tmp_path])) == ["DATA_NOT_FOUND", "DATA_NOT_FOUND"]
    monkeypatch.setattr(reading.table, "MOST_BYTES", 100)
    assert codes(problems_of([answers])) == ["TABLE_TOO_LARGE"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, answers):
    answers.write_bytes(b"\xef\xbb\xbf" + answers.read_bytes())
    assert list(compare.read([answers]).arms) == ["a", "b"]


def test_one_arm_or_one_class_is_no_comparison(tmp_path):
    columns = [*KEYS, "prediction"]
    assert codes(problems_of([write(tmp_path / "p.csv", labelled(arms=("a",)), columns)])) == ["ARMS_TOO_FEW"]
    rows = [[r[0], "cat", r[2], r[3], "cat"] for r in labelled()]
    assert codes(problems_of([write(tmp_path / "p.csv", rows, columns)])) == ["ONE_CLASS"]


def test_a_class_that_no_image_has_can_be_named(tmp_path):
    rows = labelled()
    rows[3][4] = "bird"
    path = write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])
    assert codes(problems_of([path])) == ["CLASS_UNKNOWN"]
    assert compare.read([path], classes=["bird", "cat", "dog"]).classes == ("bird", "cat", "dog")


# ------------------------------------------------------------------------------------------------ questions


def test_answers_alone_carry_no_probability(answers):
    read = compare.read([answers])
    assert {r.facts["scores"] for r in read.runs} == {"labels only"}
    for metric in ("neg_log_loss", "neg_brier", "auroc"):
        with pytest.raises(StudyError, match="only the answers of 'a', 'b' are known"):
            compare.results(read, title="T", metric=metric)
    for metric in ("accuracy", "balanced_accuracy", "macro_f1"):
        results = compare.results(read, title="T", metric=metric)
    assert all(arm["calibration"] is None for arm in document(results)["arms"])


def test_the_baseline_is_the_one_named_so_or_the_first_or_the_one_asked_for(tmp_path, answers):
    read = compare.read([answers])
    assert compare.results(read, title="T").questions[0].weights == {"a": -1, "b": 1}
    assert compare.results(read, title="T", baseline="b").questions[0].weights == {"b": -1, "a": 1}
    named = compare.read([write(tmp_path / "q.csv", labelled(("a", "baseline", "c")), [*KEYS, "prediction"])])
    asked = compare.results(named, title="T").questions
    assert [q.weights["baseline"] for q in asked] == [-1, -1] and not any(q.primary for q in asked)
    assert compare.results(named, title="T", primary="c").primary == "c"


def test_an_arm_that_repeats_the_baseline_is_a_control(tmp_path):
    path = write(tmp_path / "p.csv", labelled(("baseline", "a-a", "c")), [*KEYS, "prediction"])
    results = compare.results(compare.read([path]), title="T")
    assert [(q.name, q.control, q.primary) for q in results.questions] == [("a/a", True, False), ("c", False, True)]
    assert [a.control for a in results.arms] == [False, True, False]


def test_questions_of_ones_own(tmp_path):
    path = write(tmp_path / "p.csv", labelled(("a", "b", "c", "d")), [*KEYS, "prediction"])
    asked = Question("depends", "?", {"a": 1, "b": -1, "c": -1, "d": 1}, "accuracy", kind="interaction")
    row = compare.results(compare.read([path]), title="T", questions=[asked]).contrasts[0]
    means = {arm: np.mean(values) for arm, values in row.per_arm.items()}
    assert row.difference == pytest.approx(means["a"] - means["b"] - means["c"] + means["d"])


def test_everything_that_cannot_be_asked_is_told_at_once(answers):
    with pytest.raises(StudyError) as caught:
        compare.results(compare.read([answers]), title="T", metric="acuracy", margin=2, baseline="bb", epoch="val")
    told = "\n".join(p.line() for p in caught.value.problems)
    for part in (
        "Did you mean 'accuracy'?",
        "Unknown arm 'bb'. Did you mean 'b'?",
        "both must be",
    ):
        assert part in told
    with pytest.raises(StudyError, match="Unknown question 'zz'"):
        compare.results(compare.read([answers]), title="T", primary="zz")
    for margin in (0.0, -1.0, float("nan"), 2.0):
        with pytest.raises(StudyError):
            compare.results(compare.read([answers]), title="T", margin=margin)


def test_one_run_an_arm_cannot_tell(tmp_path):
    path = write(tmp_path / "p.csv", labelled(seeds=1), [*KEYS, "prediction"])
    results = compare.results(compare.read([path]), title="T")
    assert results.contrasts[0].verdict == "cannot_tell_one_run"
    assert next(f for f in results.findings if f.code == "COMPARE_ONE_RUN").outcome == "issue"


def test_arms_with_different_numbers_of_runs_are_all_used(tmp_path):
    rows = [r for r in labelled(seeds=4) if r[2] == "b" or r[3] < 2]
    results = compare.results(compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])]), title="T")
    assert results.contrasts[0].seeds == {"a": 2, "b": 4} and results.design.looks == (4,)
    assert next(f for f in results.findings if f.code == "COMPARE_BALANCE").outcome == "tip"


def test_runs_that_are_copies_are_pointed_out(tmp_path):
    rows = labelled()
    found = compare.results(compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "prediction"])]), title="T").findings
    copies = next(f for f in found if f.code == "COMPARE_COPIES")
    assert copies.outcome == "issue" and "a (3 runs, 1 different)" in copies.sentence and "b (" not in copies.sentence


# ------------------------------------------------------------------------------------------------ kept


def test_kept_predictions_are_the_same(tmp_path):
    rows = [[*r, f"g{int(r[0]) // 4}"] for r in scored()]
    read = compare.read([write(tmp_path / "p.csv", rows, [*KEYS, "x", "y", "z", "group"])])
    compare.write(read, tmp_path / "kept", compare.results(read, title="T"))
    again = compare.load(tmp_path / "kept")
    assert (again.classes, again.groups, again.sources, again.ignored) == (
        read.classes, read.groups, read.sources, read.ignored,
    )  # fmt: skip
    for one, two in zip(read.runs, again.runs, strict=True):
        assert (one.id, one.seed, one.facts) == (two.id, two.seed, two.facts)
        assert one.evidence["test"].logits.tobytes() == two.evidence["test"].logits.tobytes()
        assert one.evidence["test"].targets.tobytes() == two.evidence["test"].targets.tobytes()


@pytest.mark.parametrize("name", ["predictions.safetensors", "predictions.json", "asked.json", "predictions.done.json"])
def test_a_flipped_byte_is_found(tmp_path, answers, name):
    read = compare.read([answers])
    compare.write(read, tmp_path / "kept", compare.results(read, title="T"))
    path = tmp_path / "kept" / name
    content = bytearray(path.read_bytes())
    at = content.rindex(b'"') - 1 if name.endswith("done.json") else len(content) - 3
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=name):
        compare.collect(tmp_path / "kept")
    path.unlink()
    with pytest.raises(IntegrityError, match=name):
        compare.collect(tmp_path / "kept")
