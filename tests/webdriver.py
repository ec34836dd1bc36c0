"""Browsers that Playwright does not bring, driven by W3C WebDriver over plain HTTP: WebKitGTK's and WPE's.

No real Safari runs where these tests run; the engine of every browser on an iPhone is WebKit, and Debian packages two
ports of it, each with a driver of its own. A phone here is one session of such a driver, with storage of its own, and
speaks to sites by way of a ``Middle``, which can change what comes, stand for a page without https and put a script
before a page's own, as Playwright's routes and init scripts do for Chromium.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PATIENCE: Final = 120
"""Seconds until something that is waited for counts as missing: long, for a machine that is busy with other work."""
ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
"""By this name WebDriver gives the reference of an element."""


@dataclass(frozen=True)
class Engine:
    """A driver, where its options stand, what it starts, Debian's packages of both, and whether it needs a display."""

    driver: str
    capability: str
    browser: tuple[str, ...]
    packages: str
    display: bool

    @property
    def binary(self) -> str | None:
        """Where the browser is; ``None`` if it or its driver is not on this machine."""
        found = next((path for path in self.browser if Path(path).exists()), None)
        return found if shutil.which(self.driver) and (shutil.which("Xvfb") or not self.display) else None

    @property
    def words(self) -> list[str]:
        return ["--automation", *([] if self.display else ["--platform=headless"])]


_LIBRARIES: Final = "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"
ENGINES: Final = {
    "WebKitGTK": Engine(
        "WebKitWebDriver",
        "webkitgtk:browserOptions",
        tuple(f"{at}/webkit2gtk-{api}/MiniBrowser" for at in _LIBRARIES for api in ("4.1", "4.0")),
        "webkit2gtk-driver xvfb",
        display=True,
    ),
    "WPE WebKit": Engine(
        "WPEWebDriver", "wpe:browserOptions", ("/usr/bin/cog",), "wpewebkit-driver cog", display=False
    ),
}


class Refused(AssertionError):
    """What a driver could not do, in its own words."""


class Phone:
    """A session of a driver: one device, whose pages share a storage that is nobody else's and goes with it."""

    def __init__(self, port: int, capabilities: dict[str, Any]) -> None:
        self._port, self._at = port, ""
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._at, self.version = f"/session/{made['sessionId']}", str(made["capabilities"]["browserVersion"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            text = None if method != "POST" else json.dumps(body or {})
            connection.request(method, self._at + path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            value = json.loads(answer.read())["value"]
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(f"{path}: {value}")
        return value

    def close(self) -> None:
        self._call("DELETE", "")

    def go(self, where: str) -> None:
        """Open an address anew, as one does from a chat or a camera."""
        self._call("POST", "/url", {"url": "about:blank"})
        self._call("POST", "/url", {"url": where})

    def run(self, script: str, *given: Any) -> Any:
        """What the body of a function returns on the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(given)})

    def ask(self, script: str, *given: Any) -> Any:
        """What the body of an async function returns on the page."""
        waited = f"""const done = arguments[arguments.length - 1];
          (async (...given) => {{ {script} }})(...Array.from(arguments).slice(0, -1))
            .then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));"""
        self._call("POST", "/timeouts", {"script": PATIENCE * 1000})
        said = self._call("POST", "/execute/async", {"script": waited, "args": list(given)})
        assert "error" not in said, said
        return said.get("value")

    def until(self, script: str, *given: Any) -> Any:
        """What the body of a function returns, as soon as that is something."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            found = self.run(script, *given)
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"not so after {PATIENCE} s: {script} {given}: {self.text('body')}")

    def text(self, selector: str) -> str:
        """What is seen of an element."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def seen(self, words: str) -> str:
        """The smallest element that shows these words, once one does: its reference."""
        found = self.until(SEEN, words)
        return str(found[ELEMENT])

    def press(self, words: str) -> None:
        """Press what shows these words, once it can be pressed."""
        found = self.until(f"const seen = (() => {{ {SEEN} }})(); {READY}", words)
        self._call("POST", f"/element/{found[ELEMENT]}/click")

    def fill(self, selector: str, text: str) -> None:
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        self._call("POST", f"/element/{found[ELEMENT]}/value", {"text": text})

    def size(self, width: int, height: int = 740) -> None:
        """Make the window so large that the page has this size."""
        for _ in range(2):
            seen = self.run("return [outerWidth - innerWidth, outerHeight - innerHeight]")
            self._call("POST", "/window/rect", {"width": width + seen[0], "height": height + seen[1]})

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))


SEEN: Final = """
const shows = (one) => one.innerText && one.innerText.replace(/\\s+/g, " ").includes(arguments[0])
  && one.getClientRects().length > 0;
const found = Array.from(document.querySelectorAll("main *")).filter(shows);
return found.find((one) => !Array.from(one.children).some(shows));
"""
READY: Final = """
if (!seen || seen.disabled) return null;
seen.scrollIntoView({ behavior: "instant", block: "center" }); // the driver does not wait for a page that glides
return seen;
"""


@contextmanager
def started(words: list[str], **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs while the block does, and says nothing."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more) as running:
        try:
            yield running
        finally:
            running.terminate()


@contextmanager
def display() -> Iterator[str]:
    """A screen that nobody sees."""
    reading, writing = os.pipe()
    words = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1600x24", "-nolisten", "tcp"]
    with started(words, pass_fds=[writing]), os.fdopen(reading) as said:
        os.close(writing)
        yield f":{said.readline().strip()}"


@contextmanager
def phones(engine: Engine, count: int = 1, proxy: str = "", **look: str) -> Iterator[list[Phone]]:
    """So many phones with an engine; ``look`` are variables of the environment, ``proxy`` what stands in between."""
    with ExitStack() as opened:
        environment = os.environ | look
        if engine.display:
            environment["DISPLAY"] = opened.enter_context(display())
        yield [opened.enter_context(_phone(engine, environment, proxy)) for _ in range(count)]


@contextmanager
def _phone(engine: Engine, environment: dict[str, str], proxy: str) -> Iterator[Phone]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    capabilities: dict[str, Any] = {engine.capability: {"binary": engine.binary, "args": engine.words}}
    if proxy:
        capabilities["proxy"] = {"proxyType": "manual", "httpProxy": proxy}
    with started([engine.driver, f"--port={port}"], env=environment):
        _listening(port)
        phone = Phone(port, capabilities)
        try:
            yield phone
        finally:
            phone.close()


def _listening(port: int) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < ends, "the driver does not start"
            time.sleep(0.02)
        else:
            return
