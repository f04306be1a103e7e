"""The command line: exit codes, messages, and what is left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paribus.cli import app, exit_code
from paribus.locks import lock

STUDY = """
title: "Dots"
margin: 0.05
seeds: 2
split: val
control: a/a
baseline:
  data: {use: folder, root: dots}
  model: {use: small_cnn, width: 4, depth: 2}
  input: {size: 16, crop_fraction: 1}
  augment: [horizontal_flip]
  optimizer: {use: adam, lr: 3e-2}
  epochs: 2
  batch_size: 8
arms:
  wide: {model.width: 8}
"""


def cli(*arguments: object) -> int:
    return exit_code(lambda: app([str(a) for a in arguments], standalone_mode=False))


def draw(folder: Path, seed: int = 0, counts: dict[str, int] | None = None) -> Path:
    """Noise pictures of two classes, the second brighter."""
    rng = np.random.default_rng(seed)
    for split, count in (counts or {"train": 12, "val": 10}).items():
        for label, name in enumerate(("dark", "bright")):
            (folder / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 150, (20, 20, 3)) + 6 * label
                Image.fromarray(pixels.astype(np.uint8)).save(folder / split / name / f"{i}.png")
    return folder


@pytest.fixture
def study(tmp_path):
    draw(tmp_path / "dots")
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def disagreeing(study) -> None:
    """Arms of which one learns and the other does not, so that there are images to show."""
    study.write_text(
        STUDY.replace("wide: {model.width: 8}", "slow: {optimizer.lr: 1e-6}").replace("epochs: 2", "epochs: 8")
    )


def run(study, *more):
    return cli("run", study, "--out", study.parent / "out", "--threads", 1, *more)


def written(study) -> dict:
    return json.loads((study.parent / "out/study/report.json").read_text())


def test_a_study_runs_from_file_to_report(study, capsys):
    disagreeing(study)
    assert run(study) == 0
    said = capsys.readouterr()
    assert "best val acc" in said.err and "(optimistic)" in said.err
    assert "Report: " in said.out
    report = written(study)
    assert [q["ask"] for q in report["questions"]] == [
        "Is slow better than baseline?",
        "A/A: the same recipe twice, under other seeds",
    ]
    page = (study.parent / "out/study/report.html").read_text()
    assert "Dots" in page and "data:image/jpeg" in page
    assert {p.name for p in (study.parent / "out/study/tables").iterdir()} >= {
        "questions.md",
        "questions.tex",
        "methods.md",
    }


def test_running_twice_trains_nothing(study, monkeypatch, capsys):
    assert run(study) == 0
    first = written(study)
    monkeypatch.setattr("paribus.train.train", lambda *a, **k: pytest.fail("trained again"))
    assert run(study) == 0
    assert "nothing to train" in capsys.readouterr().err
    second = written(study)
    assert first["questions"] == second["questions"]


def test_two_studies_share_the_baseline(study, capsys):
    assert run(study) == 0
    other = study.with_name("other.yaml")
    other.write_text(STUDY.replace("Dots", "Other").replace("wide: {model.width: 8}", "slow: {optimizer.lr: 1e-4}"))
    capsys.readouterr()
    assert run(other) == 0
    assert "2 runs to train, 4 are there already" in capsys.readouterr().err


def test_max_runs_stops_and_the_report_says_what_is_missing(study):
    assert run(study, "--max-runs", 3) == 0
    assert written(study)["missing"]
    assert run(study) == 0
    assert not written(study)["missing"]


def test_the_report_is_drawn_again_without_the_images(study, monkeypatch):
    disagreeing(study)
    run(study)
    before = written(study)
    (study.parent / "dots").rename(study.parent / "gone")
    assert cli("report", study.parent / "out") == 0
    after = written(study)
    assert before == after
    assert after["command"] == "paribus run study.yaml"
    assert "data:image/jpeg" in (study.parent / "out/study/report.html").read_text()
    assert cli("report", study.parent / "out", "--pictures", "none") == 0
    assert "data:image" not in (study.parent / "out/study/report.html").read_text()


def test_five_mistakes_are_told_at_once_with_lines_and_near_names(study, capsys):
    text = STUDY.replace("width: 4,", "widht: 4,").replace("use: adam", "use: adma").replace("epochs: 2", "epochs: 0")
    study.write_text(text.replace("margin: 0.05", "margn: 0.05").replace("[horizontal_flip]", "[horizontal_flop]"))
    assert run(study) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 5
    for line, number, near in zip(
        lines, (3, 9, 11, 12, 13), ("margin", "width", "horizontal_flip", "adam", "from 1"), strict=True
    ):
        assert f"study.yaml:{number}: " in line
        assert near in line
    assert not (study.parent / "out").exists()


@pytest.mark.parametrize(
    ("spoil", "code", "expected"),
    [
        (lambda s: s.parent.joinpath("dots").rename(s.parent / "x"), 3, "--data dots=FOLDER"),
        (lambda s: [p.unlink() for p in s.parent.glob("dots/*/bright/*")], 3, "CLS_EMPTY_CLASS"),
        (lambda s: _copy_across(s.parent / "dots"), 3, "SPLIT_LEAK"),
        (lambda s: s.write_text(STUDY.replace("small_cnn, width: 4, depth: 2", '"timm:resnet81"')), 2, "resnet18"),
        (lambda s: s.write_text(STUDY.replace("model.width: 8", "model.width: 4")), 2, "ARM_CHANGES_NOTHING"),
        (lambda s: s.write_text(STUDY + "  two: {model.width: 8, batch_size: 4}\n"), 2, "ARM_BUNDLE"),
        (lambda s: s.unlink(), 2, "STUDY_NOT_FOUND"),
    ],
)
def test_bad_input_is_one_clear_message(study, capsys, spoil, code, expected):
    spoil(study)
    assert run(study) == code
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said
    assert not list(study.parent.glob("out/runs/*"))


def _copy_across(dots: Path) -> None:
    (dots / "val/dark/copy.png").write_bytes((dots / "train/dark/0.png").read_bytes())


def test_predictions_made_elsewhere_are_compared_verified_and_drawn_again(tmp_path, capsys):
    rows = ["image,target,arm,seed,prediction"]
    for arm, wrong in (("old", 4), ("new", 1)):
        for seed in range(3):
            rows += [f"i{i},{'ab'[i % 2]},{arm},{seed},{'ab'[(i + (i % 10 + seed < wrong)) % 2]}" for i in range(60)]
    table = tmp_path / "models.csv"
    table.write_text("\n".join(rows) + "\n")
    assert cli("compare", table, "--out", tmp_path / "out", "--margin", 0.02) == 0
    assert "Report: " in capsys.readouterr().out
    assert cli("verify", tmp_path / "out") == 0
    assert cli("report", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out/models/report.json").read_text())["questions"][0]["difference"] > 0.1


def test_absent_weights_are_one_clear_message(study, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("urllib.request.urlopen", _offline)
    study.write_text(
        STUDY.replace("{use: small_cnn, width: 4, depth: 2}", '{use: "torchvision:alexnet", pretrained: true}')
    )
    study.write_text(study.read_text().replace("wide: {model.width: 8}", "hot: {optimizer.lr: 1.0}"))
    assert run(study) == 6
    said = capsys.readouterr().err
    assert "WEIGHTS_ABSENT" in said and "--weights torchvision:alexnet=FILE" in said and "pretrained: false" in said
    assert not (study.parent / "out/runs").exists()


def _offline(*arguments, **options):
    raise OSError("no network")


def test_an_unreadable_image_is_named_and_the_rest_is_used(study, capsys):
    (study.parent / "dots/train/dark/0.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf")
    assert run(study) == 0
    said = capsys.readouterr().err
    assert said.partition("runs to train")[0].count("left out[IMG_UNREADABLE]: train/dark/0.png") == 1
    report = written(study)
    finding = next(f for f in report["findings"] if f["code"] == "IMAGES_LEFT_OUT")
    assert finding["outcome"] == "issue"
    lock = json.loads((study.parent / "out/study/data.lock.json").read_text())
    assert "train/dark/0.png" in json.dumps(lock["left_out"])


def test_changed_data_are_refused_with_the_file_named(study, capsys):
    run(study)
    Image.new("RGB", (20, 20), "red").save(study.parent / "dots/train/dark/0.png")
    assert run(study) == 7
    said = capsys.readouterr().err
    assert "DATA_CHANGED" in said and "train/dark/0.png" in said


def test_changed_validation_images_are_scored_again_without_training(study, capsys):
    run(study)
    Image.effect_noise((20, 20), 80).convert("RGB").save(study.parent / "dots/val/dark/new.png")
    (study.parent / "out/study/data.lock.json").unlink()
    capsys.readouterr()
    before = {p: p.stat().st_mtime_ns for p in study.parent.glob("out/runs/*/last.safetensors")}
    assert run(study) == 0
    assert written(study)["study"]["images"] == 21
    assert before == {p: p.stat().st_mtime_ns for p in study.parent.glob("out/runs/*/last.safetensors")}


def test_verify_finds_a_changed_number(study, capsys):
    run(study)
    assert cli("verify", study.parent / "out") == 0
    path = study.parent / "out/study/report.json"
    report = json.loads(path.read_text())
    report["questions"][0]["difference"] += 0.01
    path.write_text(json.dumps(report))
    assert cli("verify", study.parent / "out") == 7
    assert "difference" in capsys.readouterr().err


def test_status_and_clean(study, capsys):
    run(study)
    (study.parent / f"out/runs/{'01' * 10}.partial").mkdir()
    assert cli("status", study.parent / "out") == 0
    assert "6 finished runs" in capsys.readouterr().out
    assert cli("clean", study.parent / "out") == 0
    assert (study.parent / f"out/runs/{'01' * 10}.partial").exists()
    assert cli("clean", study.parent / "out", "--yes", "--weights") == 0
    assert not (study.parent / f"out/runs/{'01' * 10}.partial").exists()
    assert not list((study.parent / "out/runs").rglob("last.safetensors"))
    assert cli("report", study.parent / "out") == 0


def test_a_second_process_is_told_who_is_there_and_writes_nothing(study, capsys):
    out = study.parent / "out"
    assert run(study, "--max-runs", 1) == 0
    for held in ("runs", "study"):
        with lock(out / held):
            before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
            assert run(study) == 5
            assert f"is in use by process {os.getpid()} on" in capsys.readouterr().err
            assert {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()} == before
            assert cli("report", out) == (5 if held == "study" else 0)
    assert run(study) == 0
    assert not list(out.rglob("LOCK")) and not list(out.rglob(".*"))


def test_plan_says_time_and_power_and_trains_nothing(study, capsys):
    assert cli("plan", study, "--out", study.parent / "out", "--threads", 1) == 0
    said = capsys.readouterr().out
    assert "wide: 2 runs to train" in said and "quiet seeds" in said and "noisy seeds" in said
    assert re.search(r"for 6 runs, and [0-9.]+ kB on disk", said)
    assert not (study.parent / "out/runs").exists()


def test_plan_of_masks_tells_no_power_of_right_and_wrong_images(tmp_path, capsys):
    path = tmp_path / "streets.yaml"
    path.write_text(
        """
title: "Streets"
metric: mean_iou
margin: 0.01
seeds: 3
split: val
baseline:
  data: {use: streets, n: 4, n_val: 2, size: [32, 32]}
  model: {use: fcn, backbone: resnet10t, skips: [], width: 4}
  input: {size: 32, normalize: imagenet}
  epochs: 1
  batch_size: 2
arms:
  skips: {model.skips: [16]}
"""
    )
    assert cli("plan", path, "--out", tmp_path / "out", "--threads", 1) == 0
    said = capsys.readouterr().out
    assert "6 runs" in said and "in advance" in said
    assert "accuracy of about" not in said and "margin" not in said


def test_check_says_what_each_question_changes(study, capsys):
    assert cli("check", study) == 0
    assert "model.width: 4 -> 8" in capsys.readouterr().out


@pytest.mark.parametrize(
    "kind", ["models", "datasets", "transforms", "pixel_transforms", "optimizers", "schedules", "losses", "metrics"]
)
def test_list_shows_signatures(kind, capsys):
    assert cli("list", kind) == 0
    assert "(" in capsys.readouterr().out


def test_data_scan_describes_a_folder(study, capsys):
    assert cli("data", "scan", study.parent / "dots") == 0
    assert "44 images, 2 classes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("frobnicate",),
        ("list", "modles"),
        ("run", "x.yaml", "--data", "nopath"),
        ("run", "x.yaml", "--device", "gpu"),
    ],
)
def test_wrong_usage_is_exit_2(arguments, capsys):
    assert cli(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_package_offers_its_public_names_lazily():
    import paribus

    assert paribus.Study.__name__ == "Study" and callable(paribus.contrast)
    with pytest.raises(AttributeError, match="offers Study, contrast"):
        paribus.Trainer  # noqa: B018
    assert (
        _python("import sys, paribus; print(len([m for m in sys.modules if m.startswith('paribus')]))").stdout == "1\n"
    )


def test_a_defect_is_exit_1_with_one_line_and_a_trace_in_a_file(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert exit_code(lambda: 1 / 0) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert "ZeroDivisionError" in next(tmp_path.glob("crash-*.txt")).read_text()


def test_help_and_check_do_not_import_torch(study):
    code = (
        "import sys; from paribus.cli import app, exit_code; "
        f"exit_code(lambda: app(['check', {str(study)!r}], standalone_mode=False)); print('torch' in sys.modules)"
    )
    assert _python(code).stdout.strip().endswith("False")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_the_same_command_goes_on(study, number, code):
    study.write_text(STUDY.replace("epochs: 2", "epochs: 200"))
    command = [
        sys.executable,
        "-m",
        "paribus.cli",
        "run",
        str(study),
        "--out",
        str(study.parent / "out"),
        "--threads",
        "1",
    ]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment())
    deadline = time.monotonic() + 120
    while not list(study.parent.glob("out/runs/*.partial/STATE.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(number)
    _, said = child.communicate(timeout=30)
    assert child.returncode == code
    assert "Traceback" not in said
    assert list(study.parent.glob("out/runs/*.partial/STATE.json"))
    study.write_text(STUDY)
    assert run(study) == 0


def _python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("capability, told", [("AVX2", True), ("AVX512", False)])
def test_bf16_is_not_begun_without_a_word_where_it_is_slow(study, monkeypatch, capsys, capability, told):
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: capability)
    study.write_text(STUDY.replace("wide: {model.width: 8}", "half: {precision: bf16}"))
    assert run(study, "--max-runs", 1) == 0
    assert ("warning[BF16_EMULATED]: half: bf16 is several times slower" in capsys.readouterr().err) == told


def test_several_processes_share_a_run_on_the_processor_only(study, capsys):
    assert run(study, "--processes", 2, "--device", "cuda") == 2
    assert "--processes shares a run on the processor only, not on cuda." in capsys.readouterr().err
