"""C14: reports of studies whose every name was chosen by somebody who means harm."""

import csv
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import chromium
import small_study
from outcome import Outcome, Plan

FOREIGN = {"iframe", "object", "embed", "base", "link", "form", "foreignObject"}  # which no report has
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script></style></title><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "' onmouseover='alert(4)' x='",
    '" autofocus onfocus="alert(5)" y="',
    "<svg onload=alert(6)><a href=javascript:alert(7)>",
    "<img src={canary}/8><link rel=stylesheet href={canary}/9>",
    "<base href={canary}/><meta http-equiv=refresh content='0;url={canary}/10'>",
    "\u202egnp.exe\u2066<b>",
    "=cmd|' /C calc'!A0",
    "\x1b[2J\x07 esc\nnew\rline\u2028end",
    "{{{{7*7}}}}{{% raw %}}${{7*7}}--></textarea>&lt;b&gt;",
)


def c14(plan: Plan) -> Outcome:
    """Reports in Chromium, of studies with markup, scripts and escape codes in every name."""
    program = chromium.found()
    if program is None:
        return Outcome("C14", skipped="there is no Chromium here")
    notes: dict[str, list[str]] = {}
    with (
        small_study.inside(plan.scratch),
        canary() as (address, visits),
        chromium.browser(program, plan.scratch / "browser") as browser,
    ):
        for name, page, said in _pages(plan, address):
            notes[name] = list(_wrong(browser.look(page), said, visits))
            visits.clear()
    told = tuple(f"{name}: {what}" for name, found in notes.items() for what in found)
    good = sum(not found for found in notes.values())
    return Outcome("C14", len(notes), same=good, different=len(notes) - good, notes=told)


def _wrong(seen: chromium.Seen, said: list[str], visits: list[str]) -> Iterator[str]:
    """What a page did that it must not do, and the names that cannot be read in it."""
    if not seen.inert or visits:
        yield f"dialogs {seen.dialogs}, requests {seen.requests + visits}, console {seen.console}"
    if odd := sorted(FOREIGN & set(seen.elements)):
        yield f"elements {odd}"
    if seen.elements.get("script") != 1:
        yield f"{seen.elements.get('script')} scripts"
    if seen.turned:
        yield f"{seen.turned} texts turn the direction of what follows"
    text = _squeezed(seen.text)
    if unseen := [name for name in said if _squeezed(name) not in text]:
        yield f"not to be read: {unseen}"


def _squeezed(text: str) -> str:
    """Without blanks and capitals, which the layout of a page may change."""
    return "".join(text.split()).casefold()


@contextmanager
def canary() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and what was asked of it."""
    visits: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            visits.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", visits
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ------------------------------------------------------------------------------------------------ hostile studies


def _pages(plan: Plan, address: str) -> Iterator[tuple[str, Path, list[str]]]:
    """(name of the trial, page, what must be readable in it)."""
    payloads = [text.format(canary=address) for text in PAYLOADS]
    for number, payload in enumerate(payloads[::5] if plan.short else payloads):
        folder = plan.scratch / str(number)
        folder.mkdir()
        yield f"tables, {payload!r}", *_of_tables(folder, payload)
        if number == 0 or not plan.short:
            yield f"study, {payload!r}", *_of_a_study(folder, payload)


def shown(name: str) -> str:
    """A name as a page shows it: on one line, what a reader could not see as escapes."""
    return "".join(c if c.isprintable() or c in "\u202e\u2066" else c.encode("unicode_escape").decode() for c in name)


def _of_tables(folder: Path, payload: str) -> tuple[Path, list[str]]:
    """A comparison of predictions. The names of arms are printable there."""
    arms = [f"{payload[:50]} {k}" if payload.isprintable() else f"arm {k}" for k in (0, 1)]
    classes = [f"class {k} {payload}" for k in (0, 1)]
    images = [f"image {k} {payload}" for k in range(12)]
    rows = [(image, classes[i % 2], arm, seed, classes[(i + (i % 5 == k)) % 2])
            for k, arm in enumerate(arms) for seed in (0, 1) for i, image in enumerate(images)]  # fmt: skip
    with (folder / "models.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", "target", "arm", "seed", "prediction"), *rows])
    title = f"title {payload}"
    said = small_study.command("compare", folder / "models.csv", "--out", folder / "out", "--title", title)
    if said.code:
        raise RuntimeError(f"{payload!r}: {said}")
    return folder / "out" / "models" / "report.html", [*map(shown, (title, *arms, *classes, images[0]))]


def _of_a_study(folder: Path, payload: str) -> tuple[Path, list[str]]:
    """A study of files: labels from a table, names of files and folders, title, questions."""
    small_study.placed(folder)
    image = f"image {payload}".replace("\n", " ").replace("\r", " ")  # lines of the table cannot be broken
    rows = []
    for path in sorted((folder / "dots").rglob("*.png")):
        split, label = path.relative_to(folder / "dots").parts[:2]
        renamed = (
            path.with_name(f"{path.stem} {image}.png") if "/" not in image else path.parent / f"{image}{path.name}"
        )
        renamed.parent.mkdir(parents=True, exist_ok=True)
        path.rename(renamed)
        rows.append((renamed.relative_to(folder / "dots").as_posix(), f"{label} {image}", split))
    with (folder / "dots" / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", "label", "split"), *rows])
    title, question, ask = (f"{what} {payload}" for what in ("title", "question", "ask"))
    study = small_study.STUDY.replace("use: folder", "use: csv").replace("title: Dots", f"title: {json.dumps(title)}")
    asked = {question: {"compare": ["baseline", "slow"], "ask": ask}}
    (folder / "study.yaml").write_text(study + f"questions: {json.dumps(asked)}\n")
    said = small_study.run(folder / "study.yaml")
    if said.code:
        raise RuntimeError(f"{payload!r}: {said}")
    return folder / "out" / "study" / "report.html", [shown(n) for n in (title, question, ask, f"dark {image}")]
