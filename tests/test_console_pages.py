"""The console's pages in a real Chromium: every width, axe-core, three languages, and what plain http cannot do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from api.pages.catalogue import LANGUAGES
from api.pages.console import PAGES, load_words
from tests.browser import CHROMIUM
from tests.console import PIN
from tests.counter import Counter, at_tablet, kept, open_counter, ready
from tests.test_pages_axe import violations

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

WIDTHS = (320, 360, 768, 1280)
DENSE = LANGUAGES[:2]
"""Whose every page is looked at; of the third, whose signs are as wide as the second's, two."""
INSECURE = "plain.example"
SMALL = """() => [...document.querySelectorAll(
    "main button, main select, main textarea, main .rows a, .flows a, main input:not([type=checkbox])")]
  .filter((node) => node.offsetParent)
  .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect().height])
  .filter(([, height]) => height < 44)"""


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with open_counter(tmp_path_factory.mktemp("counter")) as made:
        made.ring = made.item("Ring of the pages " + "W" * 60)
        made.case = made.taken_in(made.ring)
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # The name leads here, and by it the page is not a secure context: what a tablet sees over plain http.
        rule = f"--host-resolver-rules=MAP {INSECURE} 127.0.0.1"
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", rule])
        yield found
        found.close()


def every_page(counter: Counter) -> Iterator[str]:
    for name in PAGES:
        query = {"item": f"?id={counter.ring}", "case": f"?id={counter.case}"}.get(name, "")
        yield ("/console" if name == "lists" else f"/console/{name}") + query


@pytest.mark.parametrize(("language", "scheme"), list(zip(LANGUAGES, ("light", "dark", "light"), strict=True)))
def test_axe_finds_nothing_and_no_page_is_too_wide(
    counter: Counter, browser: Browser, language: str, scheme: str
) -> None:
    pages = every_page(counter) if language in DENSE else (f"/console/case?id={counter.case}", "/console/sell")
    with at_tablet(browser, counter, color_scheme=scheme) as page:
        page.goto(counter.address(f"/console?lang={language}"))
        for path in pages:
            page.goto(counter.address(path))
            ready(page)
            assert page.locator("html").get_attribute("lang") == language
            for details in page.locator("details:visible").all():
                details.evaluate("node => (node.open = true)")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert violations(page) == [], path


def test_what_is_touched_is_large_enough_for_a_finger(counter: Counter, browser: Browser) -> None:
    """44 pixels (WCAG 2.2, 2.5.5) for every button, field and row; links within text are text."""
    with at_tablet(browser, counter) as page:
        for path in every_page(counter):
            page.goto(counter.address(path))
            ready(page)
            small = page.evaluate(SMALL)
            assert small == [], path


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_speak_the_chosen_language_and_keep_it(counter: Counter, browser: Browser, language: str) -> None:
    words = load_words(language)
    with at_tablet(browser, counter) as page:
        page.goto(counter.address(f"/console?lang={language}"))
        ready(page)
        expect(page.locator("h1")).to_have_text(words.text["lists"])
        page.click("[data-flow=sell]")
        ready(page)
        expect(page.locator("h1")).to_have_text(words.form["sell"])
        expect(page.locator("label[for=sell-price]")).to_have_text(words.field["price"])


def test_over_plain_http_it_says_what_it_cannot_do(counter: Counter, browser: Browser) -> None:
    context = browser.new_context(locale="en-GB")
    page: Page = context.new_page()
    port = counter.server.place.rpartition(":")[2]
    page.goto(f"http://{INSECURE}:{port}/console/door")
    ready(page)
    said = page.locator("[data-limits] li").all_inner_texts()
    assert page.evaluate("isSecureContext") is False
    for what in ("nobody can come in", "No scanning by camera", "not kept for when the network is down", "key store"):
        assert any(what in one for one in said), what
    context.close()


def test_an_owner_makes_the_browser_a_tablet_with_one_touch(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        expect(page.locator("[data-tablets]")).to_be_hidden()
    with at_tablet(browser, counter, "owner olga") as page:
        page.click("[data-tablets] summary")
        page.fill("#label", "Bench 2")
        page.press("#label", "Enter")
        expect(page.locator("[data-message]")).to_contain_text("This tablet signs")
        page.click("[data-leave]")
        page.click(".person:has-text('Staff Stella')")
        page.fill("#pin", PIN)
        page.press("#pin", "Enter")
        page.wait_for_url(counter.address("/console"))
        ready(page)
        expect(page.locator("[data-who]")).to_have_text("Staff Stella")


def test_what_waits_in_the_browser_is_nothing_that_the_service_answered(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        page.goto(counter.address(f"/console/item?id={counter.ring}"))
        ready(page)
        kept(page)
        paths = page.evaluate(
            """async () => (await Promise.all((await caches.keys()).map(async (name) =>
            (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat()"""
        )
        assert paths
        # Beside pages and files of the console, the modules that it fetches: the same for everybody, too.
        assert {path for path in paths if not path.startswith(("/console", "/static/"))} == set()


def test_the_console_is_kept_where_the_service_has_no_packages(counter: Counter, browser: Browser) -> None:
    """What is not there is not waited for: answers that nobody reads kept every connection that the browser has."""
    with at_tablet(browser, counter) as page:
        page.goto(counter.address(f"/console/item?id={counter.ring}"))
        ready(page)
        kept(page)
        state = page.evaluate(
            """async () => {
              const [there] = await navigator.serviceWorker.getRegistrations();
              const asked = new URL(there.active.scriptURL).searchParams;
              await there.unregister();
              asked.set("modules", "absent");
              const made = await navigator.serviceWorker.register(`/console/worker.js?${asked}`, { scope: "/console" });
              const { promise, resolve } = Promise.withResolvers();
              made.installing.addEventListener("statechange", (event) => resolve(event.target.state));
              setTimeout(() => resolve("never installed"), 30_000);
              return await promise;
            }"""
        )
        assert state == "installed"
