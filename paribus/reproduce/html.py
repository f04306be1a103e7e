"""The document as one HTML page that loads nothing, on the style sheet of every report."""

from collections.abc import Mapping
from importlib.resources import files

from markupsafe import Markup

from paribus.report.page import Pictures, assets, content_security_policy, environment, picture_data
from paribus.reproduce import drawing
from paribus.reproduce.blocks import Picture, Reproduction
from paribus.reproduce.claims import SHOWN


def html(document: Reproduction, pictures: Mapping[str, Pictures] | None = None) -> str:
    """The page. pictures: study -> the pictures kept beside its report; a study without shows none."""
    css, js = assets()
    css = f"{css}\n{files('paribus.reproduce').joinpath('page.css').read_text('utf-8').strip()}"
    made = environment("reproduce")
    made.filters["shot"] = _shot
    return made.get_template("page.html").render(
        page=document,
        css=Markup(css),
        js=Markup(js),
        csp=Markup(content_security_policy(css, js)),
        shown=SHOWN,
        draw=drawing,
        links={source.name: source.link for source in document.sources},
        picture=lambda one: picture_data((pictures or {}).get(one.study), one.name),
    )


def _shot(one: Picture, picture: object) -> dict[str, object] | None:
    """The picture with its bytes as an address; None where it is not kept."""
    source = picture(one) if callable(picture) else None
    return {"source": source, "caption": one.caption} if source else None
