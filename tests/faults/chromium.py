"""A headless Chromium that is led over two pipes and tells everything that happens in a page."""

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio")
SECONDS = 240.0  # for one answer; seconds on an idle machine
# Everything is shown and touched, as an eager reader would.
TOUCH = """
document.querySelectorAll("details").forEach(part => { part.open = true; });
for (const each of document.querySelectorAll("*")) {
  for (const name of ["mouseover", "mouseenter", "focus", "input", "change"]) { each.dispatchEvent(new Event(name)); }
}
document.querySelectorAll("a, button, summary").forEach(each => { each.click(); });
document.querySelectorAll("details").forEach(part => { part.open = true; });
"""

TURNED = """
(() => {
  const texts = document.createTreeWalker(document.documentElement || document, NodeFilter.SHOW_TEXT);
  let turned = 0;
  while (texts.nextNode()) {
    const outside = !texts.currentNode.parentElement.closest("bdi");
    turned += outside && /[\\u202a-\\u202e\\u2066-\\u2069]/.test(texts.currentNode.data);
  }
  return turned;
})()
"""


def found() -> str | None:
    """Where Chromium is, if it is anywhere."""
    return next((path for name in NAMES if (path := shutil.which(name))), None) if shutil.which("bash") else None


@dataclass
class Seen:
    """What happened in a page: dialogs, requests to anywhere but the page, what the console says; and its text."""

    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    text: str = ""
    elements: dict[str, int] = field(default_factory=dict)  # name of a tag -> how many there are
    turned: int = 0  # texts outside of <bdi> that turn the writing direction

    @property
    def inert(self) -> bool:
        return not (self.dialogs or self.requests or self.console)


@contextmanager
def browser(program: str, home: Path) -> Iterator["Browser"]:
    """A browser with its files in `home`, gone at the end."""
    to_read, to_write = os.pipe(), os.pipe()
    command = ["bash", "-c", f'exec "$@" 3<&{to_read[0]} 4>&{to_write[1]}', "bash", program, *FLAGS]
    command += ["--remote-debugging-pipe", f"--user-data-dir={home}", "about:blank"]
    kept = (to_read[0], to_write[1])
    child = subprocess.Popen(command, pass_fds=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for end in kept:
        os.close(end)
    try:
        yield Browser(to_read[1], to_write[0])
    finally:
        child.terminate()
        child.wait(60)
        os.close(to_read[1])
        os.close(to_write[0])


class Browser:
    """Commands and events of the DevTools protocol (https://chromedevtools.github.io/devtools-protocol), in JSON."""

    def __init__(self, commands: int, answers: int):
        self.commands, self.answers = commands, answers
        self.number, self.rest = 0, b""
        self.seen = Seen()
        self.loaded = False
        self.address = ""

    def look(self, page: Path) -> Seen:
        """Open a page, show and touch everything in it, and tell what happened."""
        self.seen, self.loaded, self.address = Seen(), False, page.absolute().as_uri()
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable", {}, session)
        self._ask("Page.navigate", {"url": self.address}, session)
        while not self.loaded:
            self._take(self._message())
        self._value(TOUCH, session)
        self.seen.text = self._value("(document.documentElement || {}).innerText || ''", session)
        self.seen.turned = self._value(TURNED, session)
        tags = self._value("JSON.stringify([...document.querySelectorAll('*')].map(e => e.localName))", session)
        for tag in json.loads(tags):
            self.seen.elements[tag] = self.seen.elements.get(tag, 0) + 1
        self._ask("Target.closeTarget", {"targetId": target})
        return self.seen

    def _value(self, script: str, session: str) -> Any:
        answer = self._ask("Runtime.evaluate", {"expression": script, "returnByValue": True}, session)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def _ask(self, method: str, parameters: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        mine = self._send(method, parameters, session)
        while (message := self._message()).get("id") != mine:
            self._take(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        return message["result"]

    def _send(self, method: str, parameters: dict[str, Any], session: str | None) -> int:
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        command |= {"sessionId": session} if session else {}
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        return self.number

    def _message(self) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready or not (more := os.read(self.answers, 1 << 16)):
                raise RuntimeError("Chromium does not answer")
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def _take(self, message: dict[str, Any]) -> None:
        """Remember an event. A dialog is closed, or the page would wait for ever."""
        told = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self.loaded = True
            case "Page.javascriptDialogOpening":
                self.seen.dialogs.append(told["message"])
                self._send("Page.handleJavaScriptDialog", {"accept": True}, message["sessionId"])
            case "Network.requestWillBeSent":
                address = told["request"]["url"]
                if not address.startswith("data:") and address.partition("#")[0] != self.address:
                    self.seen.requests.append(address)
            case "Log.entryAdded":
                self.seen.console.append(told["entry"]["text"])
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled":
                self.seen.console.append(json.dumps(told)[:500])
            case "Page.frameAttached" | "Page.windowOpen" | "Page.downloadWillBegin":
                self.seen.requests.append(message["method"])
