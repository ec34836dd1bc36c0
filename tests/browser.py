"""A real Chromium for the check in the browser: its script as it is served, and each way to cryptography.

Cases import modules by their names. What the page's script holds is given to them out of that script, so that its very
bytes are tried; what a page does not fetch (receipts, trust policies) is given as the module that it is.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from api.pages.joining import exports, script_name
from api.pages.modules import ENTRY, LIBRARY_ENTRY, Modules

# The same engine without a window about it, of which nobody looks at a thing: a page takes a fifth of the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
needs_library = pytest.mark.skipif(not Modules().library, reason="no JavaScript packages here: no npm at set-up")

SECURE: Final = "https://check.example"
PLAIN: Final = "http://shop.example"
"""Without https there is no WebCrypto."""
NO_CHECKING: Final = """
const importKey = SubtleCrypto.prototype.importKey;
SubtleCrypto.prototype.importKey = function (...given) {
  const refused = given.some((one) => one && one.name === "Ed25519");
  if (refused) return Promise.reject(new DOMException("", "NotSupportedError"));
  return importKey.apply(this, given);
};
"""
"""Keys of Ed25519 can be made, and none be taken from elsewhere, so that the library checks."""
NO_ED25519: Final = (
    NO_CHECKING
    + """
const generateKey = SubtleCrypto.prototype.generateKey;
SubtleCrypto.prototype.generateKey = function (...given) {
  if (given[0].name === "Ed25519") return Promise.reject(new DOMException("", "NotSupportedError"));
  return generateKey.apply(this, given);
};
"""
)
LAX: Final = "SubtleCrypto.prototype.verify = async () => true;"
"""A WebCrypto that takes what format.md §3 refuses."""
OLD: Final = (
    NO_ED25519
    + """
for (const [owner, names] of [
  [Object, ["hasOwn", "groupBy"]], [Array.prototype, ["at", "findLast", "toSorted", "toReversed", "with"]],
  [String.prototype, ["at", "isWellFormed", "replaceAll"]], [Promise, ["withResolvers", "try"]], [Array, ["fromAsync"]],
  [Uint8Array, ["fromHex", "fromBase64"]], [Uint8Array.prototype, ["at", "toHex", "toBase64", "findLast"]],
  [window, ["structuredClone", "CompressionStream", "Iterator"]],
]) names.forEach((name) => delete owner[name]);
"""
)
"""A browser of 2021: what came with Safari 15.4 or later is not there."""
WAYS: Final = {
    "native": ("native", SECURE, ""),
    "library, on plain http": ("library", PLAIN, ""),
    "library, without Ed25519": ("library", SECURE, NO_ED25519),
    "library, in a browser of 2021": ("library", SECURE, OLD),
    "library, beside a lax WebCrypto": ("library", SECURE, LAX),
}
"""Name → the way that must be found, the site's origin, and what is done to the browser before."""
_CASES = Path(__file__).with_name("check_cases.js")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of the machine."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--host-resolver-rules=MAP shop.example 127.0.0.1",
            ],
        )
        yield found
        found.close()


def module_of(modules: Modules, name: str) -> bytes | None:
    """What is served by a name, but for a module that the page's script holds the one that it holds."""
    found = modules.read(modules.mark, name, zipped=False)
    script = modules.read(modules.mark, script_name(ENTRY), zipped=False)
    assert script is not None
    held = re.findall(r"\$(\w+)", script.decode().rpartition("export{")[2])
    module = name.removesuffix(".js")
    if found is None or module not in held:
        return found
    given = ", ".join(exports(found.decode()))
    return f'import {{ ${module} }} from "./{script_name(ENTRY)}";\nexport const {{ {given} }} = ${module};'.encode()


@contextmanager
def cases_page(browser: Browser, way: str, *, library: bool = True) -> Iterator[Page]:
    """A page on which ``window.check`` gives verdicts; without the ``library`` as if its packages were absent."""
    path, origin, before = WAYS[way]
    context = browser.new_context()
    if before:
        context.add_init_script(before)
    modules = Modules()

    def answer(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        if name == "page":
            route.fulfill(body="<script type=module src=check_cases.js></script>", content_type="text/html")
            return
        found = _CASES.read_bytes() if name == _CASES.name else module_of(modules, name)
        if found is None or (not library and name == script_name(LIBRARY_ENTRY)):
            route.fulfill(status=404)
        else:
            route.fulfill(body=found, content_type="text/javascript")

    context.route("**/*", answer)
    page = context.new_page()
    page.goto(f"{origin}/page")
    page.wait_for_function("window.check", timeout=60_000)
    assert page.evaluate("check.path") == (path if library or path == "native" else None)
    yield page
    context.close()


def verdicts_of(page: Page, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the browser says of each case, a few at a time."""
    given = [{name: one[name] for name in ("kind", "document", "asked")} for one in cases]
    return [
        said
        for at in range(0, len(given), 50)
        for said in page.evaluate("(c) => check.verdicts(c)", given[at : at + 50])
    ]
