"""The campaigns against damaged files, hostile names and changed identities see what they are for."""

from importlib import import_module
from itertools import islice

import chromium
import corrupting
import hostile_names
import identity
import mutated_studies
import pytest
from outcome import Plan

from paribus import checkpoint, sealed, store
from paribus.study import Study


def test_files_that_nobody_checks_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(sealed, "opened", lambda value, owner: {k: v for k, v in value.items() if k != sealed.SEAL})
    monkeypatch.setattr(store, "_checked", lambda folder, name, hashes: (folder / name).read_bytes())
    trees = corrupting._trees
    monkeypatch.setattr(corrupting, "_trees", lambda scratch: islice(trees(scratch), 1, 2))
    monkeypatch.setattr(corrupting, "SHORT", 30)
    found = corrupting.c7(Plan(tmp_path, short=True))
    assert found.different and not found.sound
    assert any("other results" in note for note in found.notes), found.notes


def test_a_page_that_escapes_nothing_is_noticed(tmp_path, monkeypatch):
    if chromium.found() is None:
        pytest.skip("there is no Chromium here")
    pages = import_module("paribus.report.page")
    monkeypatch.setattr(pages, "name", lambda text: pages.Markup(f"<bdi>{text}</bdi>"))
    monkeypatch.setattr(pages, "content_security_policy", lambda css, js: "")
    monkeypatch.setattr(pages, "visible", lambda text, isolated=False: text)
    monkeypatch.setattr(hostile_names, "PAYLOADS", ("<form></form><img src={canary}/1 onerror=alert(3)>\u202e",))
    found = hostile_names.c14(Plan(tmp_path, short=True))
    told = " ".join(found.notes)
    assert not found.sound and "dialogs ['3" in told and "/1" in told and "not to be read" in told
    assert "elements ['form']" in told and "turn the direction" in told


def test_an_identity_that_nobody_compares_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "moved_from", lambda then, now: {})
    trials = identity._trials
    monkeypatch.setattr(identity, "_trials", lambda *given: dict(islice(trials(*given).items(), 2)))
    found = identity.c15(Plan(tmp_path, short=True))
    assert found.different == found.trials == 2


def test_a_reader_that_stumbles_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(Study, "read", lambda path, plugins: 1 / 0)
    monkeypatch.setattr(mutated_studies, "SHORT", 3)
    found = mutated_studies.c9(Plan(tmp_path, short=True))
    assert found.different == 3 and "exit 1: error[DEFECT]" in found.notes[0]
