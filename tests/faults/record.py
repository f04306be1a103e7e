"""faults.json: what each campaign found the last time, and under what."""

import datetime
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from campaigns import CAMPAIGNS
from outcome import Outcome

from paribus import environment

FAULTS = "faults.json"
Facts = dict[str, Any]


def facts_of(seed: int, short: bool, every: int = 1) -> Facts:
    """What an outcome found today is to be read with."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"seed": seed, "short": short, "every": every, "day": today} | environment.light()


def add(folder: Path, outcome: Outcome, facts: Facts) -> None:
    """Have this outcome in place of an earlier one of the same campaign; those of others stay."""
    found = {each.campaign: (each, under) for each, under in read(folder)} | {outcome.campaign: (outcome, facts)}
    in_order = [found[name] for name in CAMPAIGNS if name in found]
    rows = [asdict(each) | {"sound": each.sound, "under": under} for each, under in in_order]
    beside = folder / f".{FAULTS}"
    beside.write_text(json.dumps({"campaigns": rows}, indent=1) + "\n")
    beside.replace(folder / FAULTS)


def read(folder: Path) -> list[tuple[Outcome, Facts]]:
    """Every outcome that is there, in the order of the campaigns."""
    path = folder / FAULTS
    rows = json.loads(path.read_text())["campaigns"] if path.exists() else []
    found = []
    for row in rows:
        under = row.pop("under", None)
        row.pop("sound")
        if under is not None:  # before, one set of facts stood for all
            found.append((Outcome(**row | {"notes": tuple(row["notes"])}), under))
    return found
