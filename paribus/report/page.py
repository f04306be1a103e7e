"""The page: one inert HTML file, a pure function of the document and the pictures."""

import base64
import hashlib
import unicodedata
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jinja2
import yaml
from markupsafe import Markup, escape

from paribus.report import figures, sections
from paribus.report.numbers import count, duration, percent, plural

DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
Pictures = Callable[[str], bytes | None]


def page(document: dict[str, Any], pictures: Pictures | None = None) -> str:
    """The report as HTML that loads nothing and runs only its own few lines of script.

    Every name in `document` is data: escaped, isolated for right-to-left text, control characters made visible.
    """
    css, js = assets()
    return (
        environment("report")
        .get_template("page.html")
        .render(
            document=document,
            css=Markup(css),
            js=Markup(js),
            csp=Markup(content_security_policy(css, js)),
            view=sections.view(document),
            figures=figures,
            picture=lambda image: picture_data(pictures, image),
        )
    )


def assets() -> tuple[str, str]:
    """The style sheet and the script of every page."""
    folder = files("paribus.report")
    css, js = (folder.joinpath(name).read_text("utf-8").strip() for name in ("page.css", "page.js"))
    return css, js


def environment(folder: str) -> jinja2.Environment:
    """For the templates in a folder of this package: everything they print is escaped and made visible."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("paribus", folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "name": name,
        "duration": duration,
        "count": count,
        "percent": percent,
        "plural": plural,
        "choice": choice,
        "yaml": as_yaml,
        "unspaced": lambda text: visible(str(text)).replace("\n", " "),
    }
    return made


def content_security_policy(css: str, js: str) -> str:
    """Nothing may load; the one style sheet and the one script are allowed by their hashes."""
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{_digest(css)}'; script-src 'sha256-{_digest(js)}'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def visible(text: str, isolated: bool = False) -> str:
    """`text` with control characters, lone surrogates and line separators as escapes; line feeds stay.

    isolated: it stands in an element of its own, so that what turns the writing direction turns no other words.
    """

    def hidden(c: str) -> bool:
        turns = c in DIRECTIONS and not isolated
        return turns or (c != "\n" and unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp"))

    return "".join(c.encode("unicode_escape").decode() if hidden(c) else c for c in text)


def _shown(value: object) -> object:
    """What any expression of the template becomes: markup stays, text is made visible, None is empty."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def name(text: object) -> Markup:
    """A name from outside, isolated so that its writing direction stays its own."""
    return Markup("<bdi>{}</bdi>").format(visible(str(text), isolated=True).replace("\n", "\\n"))


def choice(value: object) -> Markup:
    """A value of a recipe: `[0.08, 1]`, `none`, `true`."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return Markup("<bdi>{}</bdi>").format(visible(text.removesuffix("...\n").strip(), isolated=True))


def as_yaml(value: object) -> Markup:
    """A nested value as a block of YAML."""
    return Markup(escape(visible(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100))))


def picture_data(pictures: Pictures | None, image: str) -> Markup | None:
    """A `data:` address of the picture, or None where there is none or its bytes are neither PNG nor JPEG."""
    content = pictures(image) if pictures else None
    if not content:
        return None
    kind = (
        "png" if content.startswith(b"\x89PNG\r\n\x1a\n") else "jpeg" if content.startswith(b"\xff\xd8\xff") else None
    )
    if kind is None:
        return None
    return Markup("data:image/{};base64,{}").format(kind, base64.b64encode(content).decode("ascii"))
