"""Every campaign in its short form. The full ones: `make faults`."""

import subprocess
import sys
from pathlib import Path

import pytest
import record
from campaigns import CAMPAIGNS
from outcome import Outcome, Plan
from table import BEGIN, END, into_page, table

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_nothing_is_lost_in(name, tmp_path):
    found = CAMPAIGNS[name](Plan(tmp_path, short=True))
    if found.skipped:
        pytest.skip(found.skipped)
    assert found.sound, [found, *found.notes]


def test_an_outcome_is_sound_only_if_every_trial_is():
    good = Outcome("C1", trials=3, same=3)
    assert good.sound and Outcome("C1", skipped="no strace here").sound
    assert not Outcome("C1").sound  # nothing was tried, and nobody said why
    bad = ({"same": 2}, {"different": 1}, {"cannot_resume": 1}, {"leftovers": 1})
    assert not any(Outcome(**{**vars(good), **change}).sound for change in bad)


def test_the_page_gets_the_table_between_its_marks(monkeypatch):
    def faulty(plan):
        """Something is broken on purpose.

        More words.
        """

    monkeypatch.setitem(CAMPAIGNS, "C0", faulty)
    facts = record.facts_of(seed=3, short=False)
    rows = [Outcome("C0", 2000, 2000, 2000, seconds=61.2), Outcome("C0", skipped="no root")]
    found = [(row, facts) for row in rows]
    once = into_page(f"a\n{BEGIN}\nold\n{END}\nb", found)
    assert "| C0 | Something is broken on purpose | 2 000 | 2 000 | 2 000 | 0 | 0 | 0 | 61 |" in once
    assert "Something is broken on purpose (skipped: no root) | – |" in once and "old" not in once
    assert once.startswith("a\n") and once.endswith("\nb") and into_page(once, found) == once
    assert len(table(rows).splitlines()) == 4
    with pytest.raises(ValueError, match="no <!-- faults: begin"):
        into_page("a", found)


def test_outcomes_of_several_sittings_stay_each_with_its_own_facts(tmp_path):
    first, again = Outcome("C9", 3, same=2, notes=("one",)), Outcome("C9", 3, same=3)
    record.add(tmp_path, first, record.facts_of(1, short=False))
    record.add(tmp_path, Outcome("C7", 5, same=5), record.facts_of(2, short=True))
    record.add(tmp_path, again, record.facts_of(3, short=False))
    found = record.read(tmp_path)
    assert [(each.campaign, each.same, under["seed"]) for each, under in found] == [("C7", 5, 2), ("C9", 3, 3)]
    page = into_page(f"{BEGIN}{END}", found)
    assert "\nC7: " in page and "; short form; seed 2; " in page and "\nC9: " in page and "; seed 3; " in page
    assert [path.name for path in tmp_path.iterdir()] == ["faults.json"]


def test_an_unknown_campaign_is_refused():
    found = subprocess.run([sys.executable, HERE, "C99"], capture_output=True, text=True, check=False)
    assert found.returncode == 2 and "unknown: C99" in found.stderr
