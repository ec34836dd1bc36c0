"""The page of the owner code in a real Chromium: the same keys as everywhere, kept on the device, and said plainly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from api.cli import folder, init, parties
from ledger import holderkey
from ledger.db.codes import Card
from ledger.disclosure import make_disclosure
from ledger.dsse import SigningKey
from tests.build import ring, uuid
from tests.kept_files import listing, uploaded, with_photo
from tests.served import Server
from tests.test_holder_vectors import VECTORS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

KEY = SigningKey.from_seed(bytes(range(11, 43)))
SHOP = uuid("owner's shop")
ITEMS = 9
PRIVATE = {
    "price": {"amount": "1234.56", "currency": "EUR"},
    "receipt_no": "R-77123",
    "note": "<b>likes</b> the old setting",
}
WIDTHS = (320, 360, 768, 1280)


@dataclass
class Site:
    """A server, its ledger's folder, and cards of sold items, a ``fresh`` one for each test."""

    server: Server
    directory: Path
    fresh: Iterator[Card]
    unsold: Card
    kept: Card
    """Sold, and claimed by no test: its paper speaks."""

    def address(self, path: str) -> str:
        return f"http://{self.server.place}{path}"

    def owner_url(self, card: Card, more: str = "") -> str:
        return self.address(f"/o#{holderkey.format_code(card.secret)}{more}")

    def item(self, card: Card) -> dict[str, Any]:
        return dict(json.loads(self.server.get(f"/i/{card.token}")[1]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("owner") / "ledger"
    init.create(directory, "owner.example/log")
    with folder.opened(directory) as ledger:
        parties.register(ledger, SHOP, {"name": "Corner Shop", "roles": ["retailer"]}, KEY)
        groups = [[ring(number)] for number in range(ITEMS)]
        photo = uploaded(ledger, SHOP)
        cards = ledger.codes.draw(groups, kind="card", custody="receipt", party=SHOP)
        for card in cards:
            (item,) = card.keys
            about = {"name": "Solitaire ring " + "W" * 40, "category": "jewellery"}
            drafts = [("item.registered", about)]
            if card is not cards[-1]:
                drafts.append(
                    ("item.sold", {"channel": "store", "holder_key": card.keys[item], "holder_custody": "receipt"})
                )
            values = [folder.value_of(ledger, SHOP, kind, [item], details) for kind, details in drafts]
            said = [folder.draft(value, [KEY]) for value in values[:1]]
            said += [
                with_photo(ledger, folder.draft_private(ledger, value, [KEY], PRIVATE | listing(photo)), photo)
                for value in values[1:]
            ]
            folder.say(ledger, *said)
    running = Server(directory, "pk_none")
    yield Site(running, directory, iter(cards[1:-1]), cards[-1], cards[0])
    assert running.stop() == 0


@pytest.fixture
def card(site: Site) -> Card:
    """A sold card of each test's own."""
    return next(site.fresh)


def watched(context: BrowserContext, where: str) -> tuple[Page, list[str], list[str]]:
    """A page, what it asked for, and what Chromium complained of."""
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(where)
    return page, asked, said


def test_python_and_javascript_derive_the_same_keys_and_signatures(site: Site, phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto(site.address("/o"))
    found = page.evaluate(
        """async (vectors) => {
          const mark = document.querySelector("script[type=module]").src;
          const h = await import(mark);
          return Promise.all(vectors.map(async (vector) => {
            const secret = h.parseCode(vector.code + "&from=chat");
            const seed = await h.deriveSeed(secret, vector.subject);
            const key = await h.keyOf(seed);
            const hex = (raw) => [...raw].map((one) => one.toString(16).padStart(2, "0")).join("");
            return {
              secret: hex(secret), code: h.base64url(secret), typed: hex(h.parseTyped(vector.typed)),
              view_token: await h.viewToken(secret), seed: hex(seed), did: key.did,
              canonical: h.canonical(vector.statement), signed: await h.sign(vector.statement, key),
              asked: await h.signAsking(vector.asked, key),
              extractable: key.signer.extractable,
            };
          }));
        }""",
        VECTORS,
    )
    for vector, one in zip(VECTORS, found, strict=True):
        for name in ("secret", "code", "view_token", "seed", "did", "canonical"):
            assert one[name] == vector[name], name
        assert one["typed"] == vector["secret"]
        assert one["signed"] == {"key": vector["did"], "sig": vector["sig"]}
        signature = {"key": vector["did"], "sig": vector["asked_sig"]}
        assert one["asked"] == {"asked": vector["asked"], "signature": signature}
        assert one["extractable"] is False


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("0004-1061-050r-3gg2-8alc-6ot3-gf", "000102030405060708090a0b0c0d0e0f"),
        ("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "ff" * 16),
        ("8ZZZZZZZZZZZZZZZZZZZZZZZZZ", None),
        ("0004106105", None),
        ("00041061050R3GG28A1C60T3GU", None),
        ("", None),
    ],
)
def test_what_is_typed_is_read_as_python_reads_it(
    site: Site, phone: BrowserContext, text: str, secret: str | None
) -> None:
    page = phone.new_page()
    page.goto(site.address("/o"))
    found = page.evaluate(
        """async (text) => {
          const h = await import(document.querySelector("script[type=module]").src);
          const raw = h.parseTyped(text);
          return raw && [...raw].map((one) => one.toString(16).padStart(2, "0")).join("");
        }""",
        text,
    )
    assert found == secret
    if secret is not None:
        assert holderkey.parse_typed(text).hex() == secret


def test_a_holder_claims_reports_loss_and_says_that_it_is_back(site: Site, phone: BrowserContext, card: Card) -> None:
    page, asked, said = watched(phone, site.owner_url(card, "?utm=chat"))
    expect(page.get_by_role("heading", name="You have the owner code")).to_be_visible()
    assert page.url == site.address("/o"), "the secret does not stay in the address bar"
    page.get_by_role("button", name="Make this device the owner's").click()
    expect(page.get_by_role("heading", name="This device is the owner's")).to_be_visible()
    shown = site.item(card)
    assert [step["by"] for step in shown["holder"]["steps"]] == ["Corner Shop", "by the bearer of the receipt"]
    assert shown["holder"]["custody"] == "device"
    page.get_by_text("It is lost").click()
    page.get_by_role("button", name="Yes, report it lost").click()
    expect(page.get_by_role("button", name="It is back")).to_be_visible()
    assert site.item(card)["lost"] is True
    page.get_by_role("button", name="It is back").click()
    expect(page.get_by_text("It is lost")).to_be_visible()
    page.get_by_text("It was stolen").click()
    page.get_by_role("button", name="Yes, report it stolen").click()
    expect(page.get_by_role("button", name="It is back")).to_be_visible()
    assert site.item(card)["stolen"] is True
    page.get_by_role("button", name="It is back").click()
    expect(page.get_by_text("It was stolen")).to_be_visible()
    labels = [record["by"].get("holder") for record in site.item(card)["records"]]
    assert labels == [None, None, "receipt", "device", "device", "device", "device"]
    secrets = (holderkey.format_code(card.secret), holderkey.format_typed(card.secret), card.secret.hex())
    assert all(one.startswith(site.address("/")) for one in asked)
    assert not [one for one in asked if any(secret in one for secret in secrets)], "the secret left the page"
    assert said == []


@pytest.mark.parametrize("width", [360, 1280])
def test_the_holder_sees_what_is_private_in_her_own_time_and_that_it_fits(
    site: Site, phone: BrowserContext, width: int
) -> None:
    card = site.kept
    page, asked, said = watched(phone, site.owner_url(card))
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text("1234.56 EUR")).to_be_visible()
    shown = page.locator("[data-private]")
    for text in ("R-77123", "<b>likes</b> the old setting", "Receipt number", "checked on this device"):
        expect(shown).to_contain_text(text)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    assert not [one for one in asked if holderkey.format_code(card.secret) in one]


def test_the_page_says_so_if_a_private_member_is_not_what_was_signed(site: Site, phone: BrowserContext) -> None:
    def alter(route: Route) -> None:
        answer = route.fetch()
        bundle = answer.json()
        bundle["disclosures"] = {
            statement: [make_disclosure("price", "1.00", bytes(16))] for statement in bundle["disclosures"]
        }
        route.fulfill(response=answer, json=bundle)

    phone.route("**/history", alter)
    page, _, _ = watched(phone, site.owner_url(site.kept))
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_role("status")).to_contain_text("does not fit the records that were signed")
    expect(page.locator("[data-private]")).to_be_empty()


def test_the_device_knows_its_things_without_the_code_and_its_key_cannot_be_read_out(
    site: Site, phone: BrowserContext, card: Card
) -> None:
    page, _, _ = watched(phone, site.owner_url(card))
    page.get_by_role("button", name="Make this device the owner's").click()
    expect(page.get_by_role("heading", name="This device is the owner's")).to_be_visible()
    kept = page.evaluate(
        """async () => {
          const h = await import(document.querySelector("script[type=module]").src);
          const [one] = await h.deviceKeys();
          const read = await crypto.subtle.exportKey("pkcs8", one.signer).then(() => "read", (error) => error.name);
          return { did: one.did, extractable: one.signer.extractable, read, names: Object.keys(one).sort() };
        }"""
    )
    assert (kept["did"], kept["extractable"], kept["read"]) == (
        site.item(card)["holder"]["key"],
        False,
        "InvalidAccessError",
    )
    assert kept["names"] == ["did", "item", "ledger", "name", "signer", "token"]
    page.goto(site.address("/o"))
    page.get_by_role("button", name="Solitaire ring").click()
    expect(page.get_by_role("heading", name="This device is the owner's")).to_be_visible()


def test_another_phone_claims_again_and_waits_and_the_first_refuses(
    site: Site, browser: Browser, phone: BrowserContext, card: Card
) -> None:
    page, _, _ = watched(phone, site.owner_url(card))
    page.get_by_role("button", name="Make this device the owner's").click()
    expect(page.get_by_role("heading", name="This device is the owner's")).to_be_visible()
    first = site.item(card)["holder"]["key"]
    other = browser.new_context()
    second, _, _ = watched(other, site.owner_url(card))
    expect(second.get_by_role("heading", name="Claimed on another device")).to_be_visible()
    second.get_by_role("button", name="Claim again, in 72 hours").click()
    expect(second.get_by_role("heading", name="Your claim waits")).to_be_visible()
    assert (site.item(card)["holder"]["key"], len(site.item(card)["waiting"])) == (first, 1)
    page.reload()
    page.get_by_role("button", name="Solitaire ring").click()
    page.get_by_role("button", name="Refuse it").click()
    expect(page.get_by_role("status")).to_contain_text("Recorded.")
    assert (site.item(card)["holder"]["key"], site.item(card)["waiting"]) == (first, [])
    other.close()


def test_without_a_fragment_the_typed_code_is_asked_for(site: Site, phone: BrowserContext, card: Card) -> None:
    page, _, said = watched(phone, site.address("/o"))
    box = page.get_by_label("Owner code")
    box.fill("nonsense")
    page.get_by_role("button", name="Open").first.click()
    expect(page.get_by_role("status")).to_contain_text("That is no owner code")
    typed = holderkey.format_typed(card.secret).lower()
    box.fill(" ".join(typed[start : start + 4] for start in range(0, 26, 4)))
    box.press("Enter")
    expect(page.get_by_role("heading", name="You have the owner code")).to_be_visible()
    assert said == []


def test_an_owner_code_whose_view_code_is_gone_asks_for_the_item(site: Site, phone: BrowserContext, card: Card) -> None:
    with folder.opened(site.directory) as ledger:
        assert ledger.codes.revoke(card.id)
        token = ledger.codes.create(next(iter(card.keys)), "view")
    page, _, _ = watched(phone, site.owner_url(card))
    expect(page.get_by_role("heading", name="Which item is it?")).to_be_visible()
    page.get_by_label("Address or code of the item").fill("somewhere else")
    page.get_by_role("button", name="Open").last.click()
    expect(page.get_by_role("status")).to_contain_text("That is no code of an item")
    page.get_by_label("Address or code of the item").fill(site.address(f"/i/{token}"))
    page.get_by_role("button", name="Open").last.click()
    expect(page.get_by_role("heading", name="You have the owner code")).to_be_visible()


def test_an_owner_code_that_is_not_in_use_opens_nothing(site: Site, phone: BrowserContext) -> None:
    page, _, _ = watched(phone, site.owner_url(site.unsold))
    expect(page.get_by_role("heading", name="Which item is it?")).to_be_visible()
    stranger = Card("", bytes(16), {})
    page.goto("about:blank")
    page.goto(site.owner_url(stranger))
    expect(page.get_by_role("heading", name="Which item is it?")).to_be_visible()


def test_a_browser_that_can_make_no_key_is_told_plainly(site: Site, phone: BrowserContext) -> None:
    phone.add_init_script("Object.defineProperty(window, 'crypto', { value: {} });")
    page, asked, _ = watched(phone, site.owner_url(site.unsold))
    expect(page.get_by_role("heading", name="This browser cannot do it")).to_be_visible()
    expect(page.get_by_text("or ask the shop")).to_be_visible()
    assert not [one for one in asked if "/i/" in one], "nothing was sent"


def test_without_a_script_the_page_says_what_to_do(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.address("/o"))
    assert "the shop can do the same for you" in page.locator("main").inner_text()
    context.close()


def test_the_page_runs_its_own_script_and_no_other(site: Site, phone: BrowserContext) -> None:
    page, _, _ = watched(phone, site.address("/o"))
    answer = page.request.get(site.address("/o"))
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.stolen = 1";
          document.body.append(script);
        }"""
    )
    assert page.evaluate("window.stolen") is None
    assert page.evaluate("fetch('https://other.example/').then(() => 'sent', () => 'refused')") == "refused"
    other = page.request.get(site.address("/docs")).headers["content-security-policy"]
    assert "script-src" not in other


def test_every_state_of_the_page_fits_a_phone(site: Site, phone: BrowserContext) -> None:
    page, _, _ = watched(phone, site.address("/o"))
    page.evaluate("for (const one of document.querySelectorAll('[hidden]')) one.hidden = false")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


@pytest.mark.parametrize("width", [360, 1280])
def test_the_holder_opens_her_private_files_on_the_page_and_an_altered_one_is_not_shown(
    site: Site, phone: BrowserContext, width: int
) -> None:
    page, _, said = watched(phone, site.owner_url(site.kept))
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("button", name="Show it").click()
    page.get_by_role("button", name="ring.jpg").click()
    picture = page.get_by_role("img", name="ring.jpg")
    expect(picture).to_be_visible()
    assert picture.evaluate("(one) => one.decode().then(() => one.naturalWidth)") > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    phone.route("**/attachments/*", lambda route: route.fulfill(body=b"another picture", content_type="image/jpeg"))
    page.get_by_role("button", name="Show it").click()
    page.get_by_role("button", name="ring.jpg").click()
    expect(page.get_by_role("status")).to_contain_text("not the one that was signed")
    expect(picture).to_have_count(0)
