"""A thing passed on from phone to phone by three links; what is old, used, changed or of another thing is refused.

Their QR codes are read off a phone's screen by ZXing and OpenCV.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final, Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from ledger.disclosure import format_base64url, parse_base64url
from tests.browser import NO_ED25519, needs_chromium, needs_library
from tests.build import key
from tests.owner_stage import Stage, claimed, recorded, staged
from tests.paper_reading import codes_by_opencv, withstood
from tests.passing import as_before, as_link, asked, confirmed, digits, follow, given, link, signed, stopped, transfer
from tests.test_pages_axe import violations

pytestmark = needs_chromium
PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
LEAST: Final = 4
"""Pixels of a phone's page that a module of a code has at least: a camera has seen that many since phones have one."""
DRAW: Final = """async (link) => {
  const { $owner_pass } = await import(document.querySelector("script[type=module]").src);
  document.querySelector("[data-given] svg").replaceWith(await $owner_pass.drawn(link));
}"""
"""Another link in the place of that which is shown."""
NAMES = (
    "drawn",
    "scanned light",
    "scanned dark",
    "whole",
    "library",
    "replayed",
    "changed",
    "before",
    "late",
    "moved on",
    "other",
    "fits",
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("passing") / "ledger", dict.fromkeys(NAMES, ())) as found:
        yield found


@pytest.fixture
def phones(browser: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Two phones: neither has the other's storage."""
    two = tuple(browser.new_context(viewport=PHONE, locale="en") for _ in range(2))
    yield two[0], two[1]
    for one in two:
        one.close()


def pass_on(stage: Stage, phones: tuple[BrowserContext, BrowserContext], name: str) -> tuple[Page, Page, list[str]]:
    """Both phones' pages after a whole transfer, and the three links."""
    old, said = claimed(phones[0], stage, name)
    first = given(old)
    new, second = asked(phones[1], first)
    seen = new.locator("[data-state=asked] [data-fill=digits]").inner_text()
    follow(old, second)
    expect(old.locator("[data-state=confirm] [data-fill=digits]")).to_have_text(seen)
    third = confirmed(old, second)
    follow(new, third)
    expect(new.get_by_role("heading", name="This device is the owner's")).to_be_visible()
    recorded(new)
    assert said == []
    return old, new, [first, second, third]


def last(stage: Stage, name: str, page: Page) -> dict[str, Any]:
    """The newest statement of a thing, out of the bundle that its present holder's phone fetches."""
    token = page.locator("[data-page]").get_attribute("href")
    assert token is not None
    return stage.entries(name, token.rsplit("/", 1)[1])[-1]


def scanned(page: Page) -> str:
    """What the camera of the phone beside this one reads off its screen, by other programs than drew it, also hurt."""
    code = page.get_by_role("img", name="The link as a QR code")
    modules = int((code.get_attribute("viewBox") or "").split()[-1])
    place = code.bounding_box()
    assert place is not None
    assert place["width"] >= LEAST * modules
    with Image.open(io.BytesIO(code.screenshot())) as picture:
        (found,) = withstood(picture, "Q")
        assert codes_by_opencv(picture) == [found]
    return found


def sound(page: Page) -> None:
    """On a phone and on a desk axe-core finds nothing, and nothing is too wide."""
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@needs_library
def test_each_link_is_scanned_off_the_screen_and_every_page_of_both_is_sound(
    stage: Stage, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    name = f"scanned {scheme}"
    phones = [
        browser.new_context(viewport=PHONE, locale="en", color_scheme=scheme, device_scale_factor=2) for _ in range(2)
    ]
    old, said = claimed(phones[0], stage, name)
    first = given(old)
    assert scanned(old) == first
    sound(old)
    new = phones[1].new_page()
    new.goto(first)
    expect(new.locator("[data-take]")).to_be_visible()
    sound(new)
    new.locator("[data-take]").click()
    expect(new.locator("[data-state=asked]")).to_be_visible()
    second = link(new)
    assert scanned(new) == second
    sound(new)
    follow(old, second)
    expect(old.locator("[data-confirm]")).to_be_visible()
    sound(old)
    third = confirmed(old, second)
    assert scanned(old) == third
    sound(old)
    follow(new, third)
    recorded(new)
    sound(new)
    follow(old, second)
    stopped(old, "gone")
    sound(old)
    assert said == []
    for one in phones:
        one.close()


@needs_library
def test_each_of_many_links_is_read_off_a_phones_screen_with_a_tenth_of_it_gone(
    stage: Stage, phones: tuple[BrowserContext, BrowserContext]
) -> None:
    # A screen of one dot a pixel is coarser than any phone's: the hardest to read, and the quickest to be read.
    page, lot = claimed(phones[0], stage, "drawn")[0], random.Random(203)
    given(page)
    for number in range(26):
        host = ("id.shop.example", "records.the-corner-workshop.example")[number % 2]
        sent = f"https://{host}/o#take=" + ".".join(format_base64url(lot.randbytes(size)) for size in (12, 16, 32, 64))
        page.evaluate(DRAW, sent)
        assert scanned(page) == sent


def test_two_phones_pass_a_thing_on_and_the_former_holder_is_refused(
    stage: Stage, phones: tuple[BrowserContext, BrowserContext]
) -> None:
    before = stage.item("whole")
    old, new, links = pass_on(stage, phones, "whole")
    signed = last(stage, "whole", new)
    assert (signed["type"], signed["details"]["holder_custody"]) == ("item.transferred", "device")
    assert signed["details"]["holder_key"] != before["holder"]["key"]
    follow(old, stage.owner_url("whole"))
    expect(old.get_by_role("heading", name="This item has another holder now")).to_be_visible()
    follow(old, links[1])
    stopped(old, "gone")
    follow(new, links[2])
    stopped(new, "not_here")
    page = phones[1].new_page()
    page.goto(links[0])
    stopped(page, "gone")
    follow(new, stage.address("/o"))
    new.get_by_role("button", name="Solitaire ring").click()
    new.get_by_text("It is lost").click()
    new.get_by_role("button", name="Yes, report it lost").click()
    recorded(new)
    assert last(stage, "whole", new)["type"] == "item.reported_lost"


@needs_library
def test_a_phone_without_ed25519_takes_over_by_the_library(
    stage: Stage, phones: tuple[BrowserContext, BrowserContext]
) -> None:
    phones[1].add_init_script(NO_ED25519)
    _, new, _ = pass_on(stage, phones, "library")
    expect(new.get_by_text("keeps it as plain bytes")).to_be_visible()
    assert last(stage, "library", new)["type"] == "item.transferred"


def test_a_link_is_for_one_phone_and_the_last_one_for_the_phone_that_asked(
    stage: Stage, browser: Browser, phones: tuple[BrowserContext, BrowserContext]
) -> None:
    old, _ = claimed(phones[0], stage, "replayed")
    first = given(old)
    follow(old, first)
    stopped(old, "own")
    _, second = asked(phones[1], first)
    third = confirmed(old, second)
    assert confirmed(old, second) == third, "the same phone may be given the same signature again"
    thief = browser.new_context(locale="en")
    page, other = asked(thief, first)
    follow(old, other)
    stopped(old, "used")
    follow(page, third)
    stopped(page, "not_here")
    follow(page, second)
    stopped(page, "elsewhere")
    old.goto("about:blank")
    old.goto(stage.address("/o"))
    old.get_by_role("button", name="Solitaire ring").click()
    given(old)
    follow(old, second)
    stopped(old, "elsewhere")
    thief.close()
    assert stage.item("replayed")["holder"]["custody"] == "device"
    assert stage.entries("replayed")[-1]["type"] == "item.claimed", "nothing was passed on"


def test_a_link_that_was_changed_or_is_of_another_thing_is_not_signed(
    stage: Stage, phones: tuple[BrowserContext, BrowserContext]
) -> None:
    name = "changed"
    old, _ = claimed(phones[0], stage, name)
    item = stage.item(name)
    nonce = given(old).partition("give=")[2].split(".")[1]
    good = signed(transfer(item))
    for form in (as_link, as_before):
        follow(old, stage.address(f"/o#take={form(nonce, *good)}"))
        expect(old.locator("[data-state=confirm] [data-fill=digits]")).to_have_text(digits(good[0]))
    others: list[dict[str, Any]] = [
        {"subjects": [stage.subject("other")]},
        {"type": "item.claimed"},
        {"grant": "00" * 32},
        {"details": good[0]["details"] | {"holder_custody": "sealed"}},
        {"occurred_at": "2026-01-01T00:00:00.000Z"},
    ]
    bad = [form(nonce, *signed(transfer(item) | one)) for form in (as_link, as_before) for one in others]
    # Signed now and dated ahead, it would be taken by the ledger long after the offer's end.
    bad.append(as_link(nonce, *signed(transfer(item, timedelta(days=2)))))
    parts = {"sig": bytes(64), "key": key("another").public, "id": bytes(15)}
    bad += [as_link(nonce, *good, {part: raw}) for part, raw in parts.items()]
    for one in bad:
        follow(old, stage.address(f"/o#take={one}"))
        stopped(old, "wrong")
    follow(old, stage.address(f"/o#take={as_link('A' * 16, *good)}"))
    stopped(old, "elsewhere")
    for rubbish in ("take=%", "take=abc", "take=...", "give=x", "take=" + format_base64url(b"[]"), "done=a.b"):
        follow(old, stage.address(f"/o#{rubbish}"))
        expect(old.get_by_role("button", name="The digits are the same: sign")).to_be_hidden()
    assert stage.entries(name)[-1]["type"] == "item.claimed"


def test_a_link_that_was_given_out_in_the_form_of_before_is_understood(
    stage: Stage, phones: tuple[BrowserContext, BrowserContext]
) -> None:
    old, _ = claimed(phones[0], stage, "before")
    new, second = asked(phones[1], given(old))
    nonce, _, _, sig = second.partition("take=")[2].split(".")
    kept = "import(document.querySelector('script[type=module]').src).then((owner) => owner.deviceKeys())"
    (mine,) = new.evaluate(f"{kept}.then((keys) => keys.map(({{ asked }}) => asked.statement))")
    third = confirmed(old, stage.address(f"/o#take={as_before(nonce, mine, parse_base64url(sig))}"))
    assert confirmed(old, second) == third, "it says the same"
    follow(new, third)
    recorded(new)
    assert last(stage, "before", new) == mine


def test_a_link_ends_after_a_day_on_either_phone_and_at_the_ledger(
    stage: Stage, phones: tuple[BrowserContext, BrowserContext]
) -> None:
    old, _ = claimed(phones[0], stage, "late")
    first = given(old)
    # A phone's own clock does not count.
    phones[1].add_init_script("const real = Date.now; Date.now = () => real() + 3 * 86_400_000")
    new, second = asked(phones[1], first)
    third = confirmed(old, second)
    token, nonce, until = first.partition("give=")[2].split(".")
    page = phones[1].new_page()
    page.goto(stage.address(f"/o#give={token}.{nonce}.{int(until) - 86_460}"))
    stopped(page, "late")
    # Both signed the statement with its time: nothing on the way dates it anew (test_api_holders.py: nor waits a day).
    phones[1].route("**/statements", lambda route: route.continue_(post_data=_dated(route.request.post_data_json)))
    follow(new, third)
    stopped(new, "refused")
    phones[1].unroute("**/statements")
    follow(new, third)
    recorded(new)


def _dated(body: dict[str, Any]) -> str:
    """A body whose statement is dated otherwise than it was signed."""
    return json.dumps(body | {"statement": body["statement"] | {"occurred_at": "2026-01-01T00:00:00Z"}})


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_every_part_of_passing_on_fits_a_phone_in_each_language(
    stage: Stage, phones: tuple[BrowserContext, BrowserContext], language: str
) -> None:
    page = phones[0].new_page()
    page.goto(stage.address(f"/o?lang={language}"))
    page.evaluate("for (const one of document.querySelectorAll('[hidden]')) one.hidden = false")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    for width in (320, 360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
