"""A holder on her phone, from the tap to the entry that `patina verify` proves: decide, accept, rate, complain."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.pages.catalogue import load_catalogue
from ledger.disclosure import digest
from tests.browser import NO_ED25519, needs_chromium, needs_library
from tests.files import jpeg
from tests.owner_stage import HANDED, OPENED, QUOTED, RECEIVED, WORKED, Stage, Step, claimed, recorded, staged

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
pytestmark = needs_chromium
ASKED: tuple[Step, ...] = (OPENED, RECEIVED, QUOTED)
DELIVERED: Step = ("item.delivered", {"method": "courier", "state": "whole"}, {})
NOTED: Step = ("item.inspected", {"tests": []}, {"note": "likes yellow gold"})
SCENES: dict[str, tuple[Step, ...]] = {
    "approve": ASKED,
    "decline": ASKED,
    "by the case": ASKED,
    "languages": (*ASKED, DELIVERED),
    "without WebCrypto": ASKED,
    "handed over": (OPENED, RECEIVED, WORKED, HANDED),
    "delivered": (DELIVERED,),
    "complaint": (),
    "stranger": ASKED,
    "erasure": (NOTED,),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("acts") / "ledger", SCENES) as found:
        yield found


def last(stage: Stage, name: str) -> dict[str, Any]:
    return stage.entries(name)[-1]


@pytest.mark.parametrize(
    ("name", "button", "kind"), [("approve", "Approve", "case.approved"), ("decline", "Decline", "case.declined")]
)
def test_a_quote_is_shown_with_its_amount_and_decided_once(
    stage: Stage, phone: BrowserContext, name: str, button: str, kind: str
) -> None:
    page, said = claimed(phone, stage, name)
    quote = page.locator("[data-cases] form").filter(has_text="A quote waits")
    expect(quote).to_contain_text("86.40 EUR")
    expect(quote).to_contain_text("1 March 2031")
    other = {"Approve": "Decline", "Decline": "Approve"}[button]
    quote.get_by_text(other, exact=True).click()
    quote.get_by_text(button, exact=True).click()
    agreed = quote.get_by_text("at a price of: 86.40 EUR")
    (expect(agreed).to_be_visible if button == "Approve" else expect(agreed).to_be_hidden)()
    assert len(quote.get_by_role("button").all()) == 1, "one is open at a time"
    quote.get_by_role("button", name=f"Yes, {button.lower()}").click()
    recorded(page)
    expect(quote).to_have_count(0)
    signed = last(stage, name)
    assert (signed["type"], signed["party"]) == (kind, stage.subject(name))
    assert signed["details"] == {"free": False, "currency": "EUR", "due": "2031-03-01"}
    assert "86.40" not in str(signed), "the amount is private"
    assert len(signed["_sd"]) == 5, "amount, lines, up_to, note and attachments, of which four are decoys"
    assert said == []


def test_the_holder_signs_the_amount_that_she_saw(stage: Stage, phone: BrowserContext) -> None:
    page, _ = claimed(phone, stage, "by the case")
    with phone.expect_event("request", lambda request: request.url.endswith("/statements")) as asked:
        page.goto("about:blank")
        page.goto(stage.address(f"/c/{stage.tokens['by the case']}"))
        page.get_by_role("link", name="Act as the owner").click()
        page.get_by_text("Approve", exact=True).click()
        expect(page.get_by_text("at a price of: 86.40 EUR")).to_be_visible()
        page.get_by_role("button", name="Yes, approve").click()
    body = asked.value.post_data_json
    assert f"/c/{stage.tokens['by the case']}/" in asked.value.url
    (text,) = body["disclosures"]
    assert digest(text) in body["statement"]["_sd"]
    recorded(page)
    assert last(stage, "by the case")["type"] == "case.approved"


def test_a_hand_over_is_accepted_and_the_service_rated_and_the_rating_revised(
    stage: Stage, phone: BrowserContext
) -> None:
    page, said = claimed(phone, stage, "handed over")
    accept = page.locator("form").filter(has=page.get_by_role("heading", name="Is it as it should be?"))
    accept.get_by_label("appearance").select_option("pass")
    accept.get_by_role("button", name="I take it over").click()
    recorded(page)
    signed = last(stage, "handed over")
    assert signed["type"] == "case.accepted"
    assert signed["details"] == {"checks": [{"aspect": "appearance", "result": "pass"}]}
    rate = page.locator("form").filter(has=page.get_by_role("button", name="Send the rating"))
    assert rate.evaluate("(form) => form.checkValidity()") is False, "nothing is sent without an overall mark"
    rate.get_by_label("Overall").select_option("2")
    rate.get_by_label("Attitude").select_option("5")
    rate.get_by_label("Comment").fill("Slow, but kind")
    rate.get_by_role("button").click()
    recorded(page)
    first = last(stage, "handed over")
    assert (first["type"], first["details"]) == ("case.evaluated", {"overall": 2, "attitude": 5})
    assert "Slow" not in str(first)
    expect(page.get_by_text("Your rating")).to_be_visible()
    assert page.locator("[data-cases] details").evaluate("(one) => one.open") is False
    page.get_by_text("Your rating").click()
    expect(rate.get_by_label("Overall")).to_have_value("2")
    rate.get_by_label("Overall").select_option("4")
    rate.get_by_role("button").click()
    recorded(page)
    revised = last(stage, "handed over")
    assert (revised["type"], revised["corrects"]) == ("statement.corrected", first["id"])
    assert revised["details"] == {"reason": "revised", "details": {"overall": 4, "attitude": 5}}
    assert said == []


def test_a_delivery_is_refused_with_what_was_not_in_order(stage: Stage, phone: BrowserContext) -> None:
    page, _ = claimed(phone, stage, "delivered")
    page.get_by_label("packaging").select_option("fail")
    page.get_by_role("button", name="I do not take it over").click()
    recorded(page)
    signed = last(stage, "delivered")
    assert (signed["type"], signed["details"]) == (
        "item.refused",
        {"checks": [{"aspect": "packaging", "result": "fail"}]},
    )
    expect(page.get_by_role("heading", name="Delivered to you")).to_be_hidden()


def test_a_complaint_has_words_and_photographs_that_only_those_see_who_may(stage: Stage, phone: BrowserContext) -> None:
    page, said = claimed(phone, stage, "complaint")
    page.get_by_text("Complain", exact=True).click()
    page.get_by_label("Issue").select_option("transport")
    page.get_by_label("Description").fill("One stone is <b>loose</b>")
    page.set_viewport_size({"width": 320, "height": 480})
    picture = {"name": "IMG 1.JPG", "mimeType": "image/jpeg", "buffer": jpeg()}
    page.get_by_label("Photographs").set_input_files([picture])  # type: ignore[arg-type]
    page.get_by_role("button", name="Send the complaint").click()
    recorded(page)
    said_where = page.get_by_role("status")
    expect(said_where).to_be_focused()
    expect(said_where).to_be_in_viewport()
    expect(page.locator("[role=status] + section")).to_contain_text("Something is wrong")
    assert page.evaluate("scrollY") > 0, "she stays where she acted"
    expect(said_where).to_have_text("Recorded. The holder opened a request: complaint.")
    expect(page.get_by_role("button", name="Send the complaint")).to_be_hidden()
    signed = last(stage, "complaint")
    assert (signed["type"], signed["subjects"]) == ("case.opened", [stage.subject("complaint")])
    assert signed["details"] == {"kind": "complaint", "channel": "web", "issue": "transport"}
    assert "loose" not in str(signed)
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("[data-private]")).to_contain_text("One stone is <b>loose</b>")
    page.get_by_role("button", name="photo-1").click()
    expect(page.get_by_role("img", name="photo-1")).to_be_visible()
    assert said == []


def test_the_holder_asks_for_erasure_and_sees_that_it_was_done(stage: Stage, phone: BrowserContext) -> None:
    page, said = claimed(phone, stage, "erasure")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("[data-private]")).to_contain_text("likes yellow gold")
    page.get_by_text("Ask for erasure").click()
    page.get_by_role("button", name="Send the request").click()
    recorded(page)
    signed = last(stage, "erasure")
    assert (signed["type"], signed["party"]) == ("case.opened", stage.subject("erasure"))
    assert signed["details"] == {"kind": "consultation", "channel": "web", "issue": "terms"}
    noted = next(one["id"] for one in stage.entries("erasure") if one["type"] == "item.inspected")
    words = ["erase", "--statement", noted, "--dir", str(stage.directory)]
    ran = subprocess.run([sys.executable, "-m", "ledger.command", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("[data-private]")).to_contain_text("Please erase the personal data")
    expect(page.locator("[data-private]")).not_to_contain_text("likes yellow gold")
    erased = [one for one in stage.entries("erasure") if one["type"] == "data.erased"]
    assert len(erased) == 1, "the log itself says that something was erased"
    assert said == []


@needs_library
def test_without_ed25519_in_the_browser_the_library_signs_and_the_page_says_how_the_key_is_kept(
    stage: Stage, phone: BrowserContext
) -> None:
    phone.add_init_script(NO_ED25519)
    page, said = claimed(phone, stage, "without WebCrypto")
    expect(page.get_by_text("keeps it as plain bytes")).to_be_visible()
    expect(page.get_by_text("no program can read it out")).to_be_hidden()
    page.get_by_text("Approve", exact=True).click()
    page.get_by_role("button", name="Yes, approve").click()
    recorded(page)
    assert last(stage, "without WebCrypto")["type"] == "case.approved"
    assert said == []


def test_the_paper_alone_opens_nothing_after_the_claim_and_a_stranger_is_offered_nothing(
    stage: Stage, browser: Browser, phone: BrowserContext
) -> None:
    claimed(phone, stage, "stranger")
    other = browser.new_context(locale="en")
    page = other.new_page()
    page.goto(stage.owner_url("stranger"))
    expect(page.get_by_role("heading", name="Claimed on another device")).to_be_visible()
    page.goto(stage.address(f"/i/{stage.cards['stranger'].token}"))
    page.get_by_role("link", name="Act as the owner").click()
    expect(page.get_by_role("heading", name="Type the owner code")).to_be_visible()
    expect(page.get_by_text("Approve", exact=True)).to_have_count(0)
    other.close()


def fits(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width, width


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_the_acts_are_said_in_the_reader_s_language_and_fit_a_phone(
    stage: Stage, phone: BrowserContext, language: str
) -> None:
    words = load_catalogue(language).text
    page = phone.new_page()
    page.goto(stage.address(f"/o?lang={language}"))
    page.goto(stage.owner_url("languages"))
    for name in ("owner_quote", "owner_accept"):
        expect(page.get_by_role("heading", name=words[name]).first).to_be_visible()
    expect(page.locator("dl").get_by_text("86.40 EUR")).to_be_visible()
    for name, tone in (("owner_quote_yes", "full"), ("owner_quote_no", "empty")):
        ground = page.get_by_text(words[name], exact=True).evaluate("(one) => getComputedStyle(one).backgroundColor")
        assert (ground == "rgba(0, 0, 0, 0)") == (tone == "empty"), "the two do not look alike"
    when = r"\d+ [A-Z]\w+ \d{4}, \d\d:\d\d" if language == "en" else r"\d{4}年\d+月\d+日 \d\d:\d\d"
    expect(page.locator("[data-fill=step]:visible")).to_have_text(re.compile(f"^{when} · Corner Shop$"))
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    for width in (320, 360, 1280):
        fits(page, width)
        assert Axe().run(page, options=RULES).response["violations"] == []
