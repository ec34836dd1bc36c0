"""A thing passed on from phone to phone by three links; what is old, used, changed or of another thing is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.pages.catalogue import load_catalogue
from ledger.disclosure import format_base64url, parse_base64url
from tests.browser import NO_ED25519, needs_chromium, needs_library
from tests.owner_stage import Stage, claimed, recorded, staged
from tests.paper_reading import withstood
from tests.test_pages_axe import violations

pytestmark = needs_chromium
NAMES = (
    "scanned light",
    "scanned dark",
    "whole",
    "library",
    "replayed",
    "changed",
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
    two = tuple(browser.new_context(viewport={"width": 360, "height": 740}, locale="en") for _ in range(2))
    yield two[0], two[1]
    for one in two:
        one.close()


def link(page: Page) -> str:
    """The link that a page shows."""
    return page.locator("[data-link]:visible").input_value()


def given(page: Page) -> str:
    """The link that the giver makes."""
    page.get_by_text("Pass it on to somebody else").click()
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("[data-given] [data-link]")).to_be_visible()
    return link(page)


def follow(page: Page, where: str) -> None:
    """Open a link as a chat program does: anew."""
    page.goto("about:blank")
    page.goto(where)


def asked(phone: BrowserContext, where: str) -> tuple[Page, str]:
    """A new phone that asks for what a link offers, and the link that it sends back."""
    page = phone.new_page()
    page.goto(where)
    page.get_by_role("button", name="Ask for it with this device").click()
    expect(page.get_by_role("heading", name="Send this link back")).to_be_visible()
    return page, link(page)


def confirmed(page: Page, where: str) -> str:
    """The giver signs; the last link."""
    follow(page, where)
    page.get_by_role("button", name="The digits are the same: sign").click()
    expect(page.get_by_role("heading", name="Send this last link")).to_be_visible()
    return link(page)


def stopped(page: Page, word: str) -> None:
    """The page says that the link does nothing, why, and what to do."""
    expect(page.get_by_role("heading", name="This link does nothing")).to_be_visible()
    expect(page.locator("[data-fill=stopped]")).to_have_text(load_catalogue("en").text[f"pass_on_{word}"])


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
    """What the camera of the phone beside this one reads off its screen, by another program than drew it."""
    code = page.get_by_role("img", name="The link as a QR code")
    with Image.open(io.BytesIO(code.screenshot())) as picture:
        # ZXing finds its way over a code of a thousand characters by the pattern in its middle: no hole is torn there.
        (found,) = withstood(picture, ("torn", "scratch"))
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
    name, look = f"scanned {scheme}", {"width": 360, "height": 740}
    phones = [browser.new_context(viewport=look, locale="en", color_scheme=scheme, device_scale_factor=2)  # type: ignore[arg-type]
              for _ in range(2)]  # fmt: skip
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
    assert len(second) > 700
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
    old, _ = claimed(phones[0], stage, "changed")
    _, second = asked(phones[1], given(old))
    head, _, text = second.partition("take=")
    sent = json.loads(parse_base64url(text))
    bad = []
    for name, value in (
        ("subjects", [stage.subject("other")]),
        ("type", "item.claimed"),
        ("grant", "00" * 32),
        ("details", sent["statement"]["details"] | {"holder_custody": "sealed"}),
        ("occurred_at", "2026-01-01T00:00:00Z"),
    ):
        bad.append(sent | {"statement": sent["statement"] | {name: value}})
    bad.append(sent | {"sig": "A" * 86 + "=="})
    for one in bad:
        follow(old, f"{head}take={format_base64url(json.dumps(one).encode())}")
        stopped(old, "wrong")
    for rubbish in ("take=%", "take=abc", "give=x", "take=" + format_base64url(b"[]"), "done=a.b"):
        follow(old, head + rubbish)
        expect(old.get_by_role("button", name="The digits are the same: sign")).to_be_hidden()
    assert stage.entries("changed")[-1]["type"] == "item.claimed"


def test_a_link_ends_after_a_day_on_either_phone_and_at_the_ledger(
    stage: Stage, phones: tuple[BrowserContext, BrowserContext]
) -> None:
    old, _ = claimed(phones[0], stage, "late")
    first = given(old)
    new, second = asked(phones[1], first)
    third = confirmed(old, second)
    token, nonce, until = first.partition("give=")[2].split(".")
    page = phones[1].new_page()
    page.goto(stage.address(f"/o#give={token}.{nonce}.{int(until) - 86_401}"))
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
