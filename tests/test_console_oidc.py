"""Coming into the console by an identity provider, in a real Chromium: away to it, back, and why not, in words."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from api.pages.catalogue import LANGUAGES
from api.pages.console import load_words
from tests.browser import needs_chromium
from tests.console import login_of
from tests.counter import Counter, at_tablet, open_counter, ready
from tests.provider import CLIENT, SECRET, FakeProvider, fake_provider
from tests.test_pages_axe import violations

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with fake_provider(lambda: time.time_ns() // 1000) as made:
        # Another site than the service's, as providers are: no cookie of ours goes there by chance.
        made.issuer = made.issuer.replace("127.0.0.1", "localhost")
        made.claims = {"email": login_of("staff stella")}
        yield made


@pytest.fixture(scope="module")
def counter(provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with pytest.MonkeyPatch.context() as patch:
        given = {"ISSUER": provider.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET}
        for name, value in given.items():
            patch.setenv(f"PATINA_OIDC_{name}", value)
        with open_counter(tmp_path_factory.mktemp("counter")) as made:
            yield made


def comes(page: Page) -> None:
    """Press the button at the door, and see what comes of it."""
    with page.expect_navigation(url=re.compile("/console")):
        page.click("[data-oidc]")
    ready(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_comes_in_to_the_page_that_she_wanted(counter: Counter, browser: Browser, language: str) -> None:
    words = load_words(language).text
    with at_tablet(browser, counter, None) as page:
        page.goto(counter.address(f"/console/door?lang={language}"))
        page.goto(counter.address("/console/sell?item=x"))
        page.wait_for_url("**/console/door?next=*")
        ready(page)
        expect(page.locator("h2", has_text=words["oidc"])).to_be_visible()
        expect(page.locator("main")).to_contain_text("localhost")
        page.click("[data-oidc]")
        page.wait_for_url(counter.address("/console/sell?item=x"))
        ready(page)
        expect(page.locator("[data-who]")).to_have_text("Staff Stella")


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_not_let_in_reads_why(counter: Counter, browser: Browser, provider: FakeProvider, language: str) -> None:
    words = load_words(language).text
    right = dict(provider.claims)
    with at_tablet(browser, counter, None) as page:
        page.goto(counter.address(f"/console/door?lang={language}"))
        ready(page)
        said = page.locator("[data-message]")
        for wrong in ({"nonce": "another"}, {"aud": "another"}, {"exp": 1}):
            provider.claims = right | wrong
            comes(page)
            expect(said).to_have_text(words["oidc_token"])
        provider.claims = right | {"sub": "subject-9", "email": "stranger@example.org"}
        comes(page)
        expect(said).to_have_text(words["oidc_nobody"])
        provider.claims, provider.denies = right, True
        comes(page)
        provider.denies = False
        expect(said).to_have_text(words["oidc_denied"])
        page.goto(counter.address("/v1/session/oidc/callback?code=stolen&state=another"))
        ready(page)
        expect(said).to_have_text(words["oidc_again"])
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page) == []
        # A link cannot make the page say anything else.
        page.goto(counter.address("/console/door?refused=<b>text"))
        ready(page)
        expect(said).to_be_hidden()
        comes(page)
        expect(page.locator("[data-who]")).to_have_text("Staff Stella")
