"""Every page for everybody: axe-core finds nothing, the keyboard reaches all, and 200 % of zoom loses nothing.

axe-core's own rules of WCAG 2.2 A and AA, in Chromium, with JavaScript off and on, in both colour schemes and three
languages, at the width of a small phone and of a desk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from api.cli import folder, init, parties
from api.rights import WRITE
from tests.browser import CHROMIUM
from tests.build import uuid
from tests.pictures import ask, drawing, say, upload
from tests.served import Server
from tests.shop import RING

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

PARTY, CASE = uuid("jeweller of axe"), uuid("a case of axe")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = ("item", "public", "case", "receipt", "gift", "party", "/o", "/", "/docs/problems", "/i/unknown")
OPENED = {"kind": "repair", "channel": "store", "issue": "quality", "promised": "2020-01-01T18:00:00Z"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The address of each page, served: a ring with a picture, a case that is late, papers."""
    directory = tmp_path_factory.mktemp("served") / "ledger"
    init.create(directory, "axe.example/log")
    with folder.opened(directory) as ledger:
        details = {"name": "Jeweller", "roles": ["retailer", "repairer", "certifier"]}
        parties.register(ledger, PARTY, details, None)
        key = ledger.access.create_api_key(PARTY, [WRITE], "axe")
    with Server(directory, key) as server:
        yield addresses(f"http://{server.place}", {"id": PARTY, "api_key": key})
        assert server.stop() == 0


def addresses(origin: str, party: dict[str, str]) -> dict[str, str]:
    """Fill the ledger through its interface; the pages by their names."""
    photo = upload(origin, party, drawing())
    about = {"name": "Ring", "category": "jewellery", "brand": "Alder"}
    say(origin, party, "item.registered", RING, about, attachments=[photo])
    certified = {"certificate_no": "L-1", "result": "authentic", "methods": ["loupe"]}
    say(origin, party, "authentication.certified", RING, certified)
    say(origin, party, "item.sold", RING, {"channel": "store", "warranty_months": 24})
    say(origin, party, "case.opened", RING, OPENED, case=CASE)
    for weight in ("3.62", "3.42"):
        say(origin, party, "case.received", RING, {"evidence": {"weight_g": weight}}, case=CASE)
    slip = ask(origin, party, "/v1/receipts", {"kind": "intake", "items": [{"item": RING, "case": CASE}]})
    gift = ask(origin, party, "/v1/receipts", {"kind": "gift", "items": [RING]})
    return {
        "item": f"{origin}/i/{slip['items'][0]['token']}",
        "public": origin + RING.removeprefix("https://id.gs1.org"),
        "case": f"{origin}/c/{slip['items'][0]['case']['token']}",
        "receipt": f"{origin}/r/{slip['token']}",
        "gift": f"{origin}/r/{gift['token']}",
        "party": f"{origin}/p/{PARTY.removeprefix('urn:uuid:')}",
        **{path: origin + path for path in PAGES if path.startswith("/")},
    }


def violations(page: Page) -> list[str]:
    found: Any = Axe().run(page, options=RULES).response
    assert len(found["passes"]) > 10, "axe looked at nothing"
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing(
    site: dict[str, str], browser: Browser, scheme: Literal["light", "dark"], width: int
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, locale="en-GB")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for name in PAGES:
        page.goto(site[name])
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    # What the policy forbids, Chromium says on its console; a 404 page is said there, too.
    assert [text for text in said if "404" not in text] == []
    context.close()


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW"])
def test_axe_finds_nothing_in_chinese(site: dict[str, str], browser: Browser, locale: str) -> None:
    context = browser.new_context(locale=locale, viewport={"width": 320, "height": 800})
    page = context.new_page()
    for name in PAGES:
        page.goto(site[name])
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    context.close()


def test_axe_finds_what_is_wrong(site: dict[str, str], browser: Browser) -> None:
    page = browser.new_page()
    page.goto(site["item"])
    page.evaluate("document.querySelector('img.qr').removeAttribute('alt')")
    assert [one.split(":")[0] for one in violations(page)] == ["image-alt"]
    page.close()


@pytest.mark.parametrize("name", ["item", "receipt", "case", "party"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    site: dict[str, str], browser: Browser, name: str
) -> None:
    page = browser.new_page()
    page.goto(site[name])
    wanted = page.evaluate("document.querySelectorAll('a[href], button, summary, pre[tabindex]').length")
    reached = []
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS))
    assert len({one[0] for one in reached}) >= wanted * 0.8, "links of the same text may look alike"
    assert all(style == "solid" and width >= 2 and seen for _, style, width, seen in reached), reached
    # The first stop leads past the head of the page.
    assert "skip" in reached[0][0]
    page.close()


@pytest.mark.parametrize("name", ["item", "receipt", "case", "party", "/o"])
def test_at_200_percent_nothing_is_lost_or_to_be_pushed_sideways(
    site: dict[str, str], browser: Browser, name: str
) -> None:
    """WCAG 1.4.4 and 1.4.10: 200 % of a phone's text, and of a 640 px window's everything, which is 320 px."""
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto(site[name])
    whole = settled(page)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("main").inner_text() == whole
    assert page.evaluate(CUT) == []
    page.close()


def settled(page: Page) -> str:
    """What a page says once its script has changed nothing for a while."""
    said, before = page.locator("main").inner_text(), ""
    while said != before:
        page.wait_for_timeout(500)
        said, before = page.locator("main").inner_text(), said
    return said


def test_nothing_moves_for_whoever_asks_for_less_of_it(site: dict[str, str], browser: Browser) -> None:
    settings: list[tuple[Literal["reduce", "no-preference"], str]] = [("reduce", "auto"), ("no-preference", "smooth")]
    for motion, behaviour in settings:
        context = browser.new_context(reduced_motion=motion)
        page = context.new_page()
        page.goto(site["item"])
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour
        assert page.evaluate("document.getAnimations().length") == 0
        context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_choice_of_language_is_kept_from_page_to_page(site: dict[str, str], browser: Browser, scripts: bool) -> None:
    context = browser.new_context(locale="en-GB", java_script_enabled=scripts)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site["receipt"])
    page.get_by_role("link", name="繁體中文").click()
    assert "收件單" in page.locator("h1").inner_text()
    page.get_by_role("link", name="查看它的紀錄").click()
    assert "截至" in page.locator(".as-of").inner_text()
    assert page.locator("html").get_attribute("lang") == "zh-Hant"
    assert page.locator(".photo img").evaluate("(one) => one.complete && one.naturalWidth") if scripts else True
    page.goto(site["case"])
    assert "原約定" in page.locator(".due").inner_text()
    origin = site["/"].rstrip("/")
    assert all(one.startswith(origin + "/") for one in asked), asked
    context.close()


FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const seen = at.getBoundingClientRect().left >= 0;
  return [at.outerHTML.slice(0, 80), style.outlineStyle, parseFloat(style.outlineWidth), seen];
}"""
CUT = """[...document.querySelectorAll("main *")]
  .filter((one) => !one.closest("pre") && getComputedStyle(one).overflow !== "visible")
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.className)"""
WIDE = """[...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest("pre"))
  .map((one) => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`)"""
