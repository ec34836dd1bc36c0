"""The page of a case that checks itself, in a real Chromium, and the files that a page opens as they were signed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, BrowserContext, Route, expect

from api.cli import folder, init, parties
from ledger.disclosure import make_disclosure
from ledger.dsse import SigningKey
from tests.browser import NO_ED25519, needs_chromium, needs_library
from tests.build import ring, uuid
from tests.kept_files import listing, uploaded, with_photo
from tests.served import Server
from tests.test_check_page import Bundle, badge, spoilt

pytestmark = needs_chromium

KEY = SigningKey.from_seed(bytes(range(29, 61)))
SHOP, CASE = uuid("a shop with a case"), uuid("a case that is checked")
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}
WORDS = "one stone is <b>loose</b>"


@dataclass
class Site:
    """A ledger that is served, and the paths of an item, of its case, and of a message to its shop."""

    server: Server
    item: str
    case: str
    message: str

    def address(self, path: str) -> str:
        return f"http://{self.server.place}{path}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("case") / "ledger"
    init.create(directory, "case.example/log")
    item = ring(1)
    with folder.opened(directory) as ledger:
        parties.register(ledger, SHOP, {"name": "Corner Shop", "roles": ["retailer", "repairer"]}, KEY)
        photo = uploaded(ledger, SHOP)
        listed = {name: getattr(photo, name) for name in ("media_type", "name", "sha256", "size")}
        about = folder.value_of(
            ledger, SHOP, "item.registered", [item], {"name": "Signet ring", "category": "jewellery"}
        )
        said = folder.draft(about | {"attachments": [listed]}, [KEY])
        folder.say(ledger, replace(said, rows=(*said.rows, *ledger.attachments.use_rows([photo], [SHOP], public=True))))
        opened = folder.value_of(ledger, SHOP, "case.opened", [item], OPENED) | {"case": CASE}
        private = {"description": WORDS} | listing(photo)
        folder.say(ledger, with_photo(ledger, folder.draft_private(ledger, opened, [KEY], private), photo))
        codes = ledger.codes
        paths = f"/i/{codes.create(item, 'view')}", f"/c/{codes.create(item, 'case', case=CASE)}"
    with Server(directory) as server:
        yield Site(server, *paths, written(server))
        assert server.stop() == 0


def written(server: Server) -> str:
    """A complaint about the shop, without an item; the path of its case."""
    body = json.dumps({"kind": "complaint", "issue": "attitude", "description": WORDS}).encode()
    to = f"http://{server.place}/p/{SHOP.removeprefix('urn:uuid:')}/cases"
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    with urlopen(Request(to, body, headers), timeout=60) as answer:
        return "/c/" + str(json.load(answer)["page"]).rpartition("/c/")[2]


@pytest.mark.parametrize("way", ["native", pytest.param("library", marks=needs_library)])
def test_the_page_of_a_case_says_that_the_phone_has_checked(site: Site, phone: BrowserContext, way: str) -> None:
    if way == "library":
        phone.add_init_script(NO_ED25519)
    asked: list[str] = []
    complained: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    phone.on("console", lambda message: complained.append(message.text))
    for path in (site.case, site.message):
        state, text, found, page = badge(phone, site.address(path))
        assert (state, found) == ("phone", way), text
        assert "Checked by your phone: unchanged, and complete as of" in text
        expect(page.locator("main")).to_contain_text(WORDS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert all(url.startswith(site.address("/")) for url in asked), asked
    # The photograph of these tests has no thumbnail.
    assert [one for one in complained if "404" not in one] == []


def test_a_private_member_that_was_not_signed_turns_the_badge_red(site: Site, phone: BrowserContext) -> None:
    def alter(bundle: Bundle) -> None:
        (statement,) = bundle["disclosures"]
        bundle["disclosures"][statement] = [make_disclosure("description", "all is well", bytes(16))]

    spoilt(phone, alter)
    state, text, _, _ = badge(phone, site.address(site.case))
    assert (state, "(check 9 of 12)" in text) == ("bad", True)


def test_without_a_script_the_case_is_as_complete_and_says_that_the_server_checked(
    site: Site, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(site.address(site.case))
    said = page.locator("main").inner_text()
    assert "Complete as of" in said
    assert "Checked by the server, not by your phone" in page.locator("[data-check]").inner_text()
    assert WORDS in said
    context.close()


def test_what_is_older_than_a_day_is_called_so(site: Site, phone: BrowserContext) -> None:
    phone.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=25))
    state, text, _, _ = badge(phone, site.address(site.case))
    assert (state, "by your phone's clock is more than a day ago" in text) == ("phone", True)


def test_a_file_opens_as_it_was_signed_or_not_at_all(site: Site, phone: BrowserContext) -> None:
    for path in (site.item, site.case):
        page = badge(phone, site.address(path))[3]
        link = page.locator('a[href*="/attachments/"]').last
        expect(page.locator("[data-check]")).to_have_attribute("data-state", "phone")

        def turned(route: Route) -> None:
            answer = route.fetch()
            raw = bytearray(answer.body())
            raw[-3] ^= 1
            route.fulfill(response=answer, body=bytes(raw))

        page.route(re.compile("/attachments/[0-9a-f]+$"), turned)
        link.click()
        expect(page.locator("[data-check]")).to_have_attribute("data-state", "bad")
        expect(page.locator("[data-check]")).to_contain_text("A file is not the one that was recorded.")
        assert page.url == site.address(path), "nothing was opened"
        page.unroute_all()
        link.click()
        page.wait_for_url(re.compile("^blob:"))
        assert page.evaluate("document.images[0].naturalWidth") > 0
        page.close()


def test_what_is_gone_is_explained_by_the_server(site: Site, phone: BrowserContext) -> None:
    page = badge(phone, site.address(site.item))[3]
    link = page.locator('a[href*="/attachments/"]').last
    page.evaluate("(one) => { one.href = one.href.slice(0, -64) + '0'.repeat(64); }", link.element_handle())
    link.click()
    page.wait_for_url("**/attachments/000*")
    expect(page.locator("body")).to_contain_text("not_found")
