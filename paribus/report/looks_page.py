"""The page of contact sheets: what each arm's model sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from paribus.report.page import assets, content_security_policy, environment, picture_data


@dataclass(frozen=True)
class Sight:
    """The arms that see the same. facts: what happens to an image, name -> words. changed: path -> how it differs from
    the baseline. sheet: a PNG.
    """

    arms: tuple[str, ...]
    facts: Mapping[str, str]
    changed: Mapping[str, str]
    sheet: bytes


def looks_page(title: str, sights: Sequence[Sight], seed: int, epochs: int) -> str:
    """One self-contained page; it loads nothing."""
    css, js = assets()
    sheets = {", ".join(sight.arms): sight.sheet for sight in sights}
    return (
        environment("report")
        .get_template("looks_page.html")
        .render(
            title=title,
            seed=seed,
            epochs=epochs,
            sights=[
                {
                    "arms": sight.arms,
                    "caption": caption,
                    "facts": list(sight.facts.items()),
                    "changed": list(sight.changed.items()),
                    "sheet": picture_data(sheets.get, caption),
                }
                for caption, sight in zip(sheets, sights, strict=True)
            ],
            css=Markup(css),
            csp=Markup(content_security_policy(css, js)),
        )
    )
