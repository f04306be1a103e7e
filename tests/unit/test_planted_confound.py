"""A background that gives the class away must be found out, and one that does not must not be accused."""

import numpy as np
import pytest

from paribus import auditing
from paribus.audits import attribution, findings
from paribus.execute import Place, bind, execute, records
from paribus.study import Study

pytest.importorskip("captum", reason="the extra `audit` is not installed")

CLEAN = {"use": "faces", "n": 360, "n_val": 120, "n_test": 160, "size": 48, "difficulty": 0.0}
STUDY = {
    "title": "planted",
    "seeds": 3,
    "split": "test",
    "baseline": {
        "data": CLEAN,
        "model": {"use": "small_cnn", "width": 8, "depth": 3},
        "input": {"size": 48, "crop_fraction": 1},
        "augment": ["horizontal_flip"],
        "optimizer": {"use": "adamw", "lr": 3e-3},
        "epochs": 8,
    },
    "arms": {"confounded": {"data.confound": {"train": 0.8, "val": 0.8}}},
}


class Unwatched:
    def __getattr__(self, name):
        return lambda *args: None


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """(bound, place, audit) of a study whose second arm can read the class off the background, but not in test."""
    study = Study.from_dict(STUDY)
    place = Place.of(study, tmp_path_factory.mktemp("planted"))
    bound = bind(study, place)
    execute(bound, place, Unwatched())
    return bound, place, attribution.of_study(bound, place.store, steps=8)


def shares(audit, arm):
    return {row.method: row for row in audit.rows if row.arm == arm}


def test_the_audit_sees_where_a_confounded_network_looks(audited):
    _, _, audit = audited
    clean, confounded = (shares(audit, arm) for arm in ("baseline", "confounded"))
    for method in clean:
        assert confounded[method].share.mean < clean[method].share.mean - 0.1
        assert confounded[method].over_randomised.mean < 0
    assert confounded["grad_cam"].over_area.high < 0


def test_it_is_reported_and_the_clean_arm_is_not(audited):
    away = next(f for f in findings.of_attribution(audited[2]) if f.code == "LOOKS_AWAY")
    assert away.outcome == "issue"
    assert "confounded: " in away.sentence and "baseline" not in away.sentence


def test_the_confounded_network_fails_where_the_link_is_broken(audited):
    bound, place, _ = audited
    found = {
        (arm, split): np.mean([run.curves[-1][f"{split}_accuracy"] for run in runs])
        for arm, runs in records(bound, place.store).items()
        for split in ("val", "test")
    }
    assert found["confounded", "val"] > 0.8
    assert found["confounded", "test"] < 0.6
    assert abs(found["baseline", "val"] - found["baseline", "test"]) < 0.12


def test_the_command_leaves_a_page_and_sheets(audited):
    bound, place, audit = audited
    done = auditing.audit_attribution(bound, place, images=8, steps=4)
    page = done.page.read_text()
    assert "LOOKS_AWAY" in page and page.count("data:image/png") == 2
    assert {p.name for p in (place.folder / "attribution").iterdir()} == {"baseline.png", "confounded.png"}
    assert len(done.lines) == len(audit.rows) == 4
