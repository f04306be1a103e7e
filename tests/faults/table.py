"""The table of outcomes, and its place in a page of the documentation."""

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns import CAMPAIGNS
from outcome import Outcome

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
COUNTS = ("trials", "kills", "same", "different", "cannot_resume", "leftovers")


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown: one row a campaign."""
    head = ["", "injected", *(name.replace("_", " ") for name in COUNTS), "seconds"]
    rows = [head, ["---", "---", *("---:" for _ in head[2:])], *map(_row, outcomes)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(outcome: Outcome) -> list[str]:
    title = (CAMPAIGNS[outcome.campaign].__doc__ or "").splitlines()[0].rstrip(".")
    if outcome.skipped:
        return [outcome.campaign, f"{title} (skipped: {outcome.skipped})", *("–" for _ in COUNTS), "–"]
    counts = [f"{getattr(outcome, name):,}".replace(",", " ") for name in COUNTS]
    return [outcome.campaign, title, *counts, f"{outcome.seconds:.0f}"]


def into_page(page: str, found: Sequence[tuple[Outcome, Mapping[str, Any]]]) -> str:
    """The page with the table between its two marks replaced, and under it what each outcome was measured on."""
    before, _, rest = page.partition(BEGIN)
    _, marked, after = rest.partition(END)
    if not marked:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    campaigns: dict[str, list[str]] = {}
    for outcome, facts in found:
        campaigns.setdefault(_under(facts), []).append(outcome.campaign)
    lines = [under if len(campaigns) == 1 else f"{', '.join(names)}: {under}" for under, names in campaigns.items()]
    rows = table([outcome for outcome, _ in found])
    under = "  \n".join(lines)  # two blanks: a line of its own
    return f"{before}{BEGIN}\n{rows}\n\n{under}\n{END}{after}"


def _under(facts: Mapping[str, Any]) -> str:
    versions = facts["versions"]
    on = ", ".join(f"{name} {versions[name]}" for name in ("paribus", "python", "torch", "numpy", "pillow"))
    short = "short form; " if facts["short"] else ""
    every = f"every {facts['every']}th durable step; " if facts.get("every", 1) > 1 else ""
    machine = f"{facts['system']} {facts['machine']}, {facts['cores']} cores"
    return f"{facts['day']}; {short}{every}seed {facts['seed']}; {on}; {machine}."
