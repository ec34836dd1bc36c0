"""The six flows of the console in a real Chromium, each from coming in to the entries in the log."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from api.pages.flows import MAX_FIELDS
from tests.browser import CHROMIUM
from tests.console import PIN
from tests.counter import PEOPLE, Counter, at_tablet, ready
from tests.pictured import drawing

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


def opened(page: Page, counter: Counter, flow: str) -> None:
    page.goto(counter.address(f"/console/{flow}"))
    ready(page)
    assert 1 <= page.locator("form.flow [data-field]").count() <= MAX_FIELDS


def fill(page: Page, flow: str, **fields: str) -> None:
    """Fill fields in by name; the thing is left, so that it is looked up."""
    for name, text in fields.items():
        page.fill(f"#{flow}-{name}", text)
        page.locator(f"#{flow}-{name}").blur()


def choose_thing(page: Page, flow: str, subject: str, field: str = "thing") -> None:
    fill(page, flow, **{field: subject})
    expect(page.locator(f"[data-found={field}] strong")).not_to_be_empty()


def record(page: Page) -> str:
    """Record, and the thing's id as the page names it afterwards."""
    page.click("form.flow button:not([type=button])")
    expect(page.locator("[data-message]")).to_have_text("Recorded.")
    page.click("[data-done] a[data-item]")
    page.wait_for_url(re.compile("/console/item"))
    ready(page)
    return page.locator("[data-fill=id]").inner_text()


def taken_in(counter: Counter, page: Page, name: str) -> str:
    subject = counter.item(name)
    opened(page, counter, "intake")
    choose_thing(page, "intake", subject)
    fill(page, "intake", weight_g="3.62")
    record(page)
    return subject


def test_intake_of_a_thing_that_nobody_knew(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        expect(page.locator("h1")).to_have_text("Work")
        opened(page, counter, "intake")
        page.click("[data-make=thing]")
        page.set_input_files("#intake-photo", {"name": "IMG 1.JPG", "mimeType": "image/jpeg", "buffer": drawing()})
        fill(page, "intake", name="Gold ring", category="jewellery", weight_g="3,62", condition="scratch inside")
        fill(
            page,
            "intake",
            description="stone loose",
            promised="2030-01-31",
            job_no="J-77",
            customer="Ada",
            phone="0171 5550100",
        )
        subject = record(page)
        expect(page.locator("[data-history]")).to_contain_text("Ada")
        expect(page.locator("[data-history] img")).to_have_count(1)
        registered, case, received = counter.statements(subject)
        assert [one["type"] for one in (registered, case, received)] == [
            "item.registered",
            "case.opened",
            "case.received",
        ]
        assert case["details"]["job_no"] == "J-77"
        assert case["details"]["promised"] == "2030-01-31"
        assert "Ada" not in str(case)
        assert received["details"]["evidence"] == {"photos": [received["attachments"][0]["name"]], "weight_g": "3.62"}
        assert received["details"]["condition"] == ["scratch inside"]
        assert case["case"] == received["case"]
        assert len({one["agent"] for one in (registered, case, received)}) == 1
        for text in ("J-77", "+49 171 5550100", "(0171) 555-0100"):
            found(page, counter, text, "Gold ring")


def found(page: Page, counter: Counter, text: str, name: str) -> None:
    """What is typed into the search leads to one thing, whose page opens."""
    page.goto(counter.address("/console/find"))
    ready(page)
    page.fill("#text", text)
    page.press("#text", "Enter")
    page.wait_for_url(re.compile("/console/item"))
    expect(page.locator("[data-fill=name]")).to_have_text(name)


def test_a_thing_is_found_by_serial_certificate_address_and_words(counter: Counter, browser: Browser) -> None:
    numbered = "https://id.gs1.org/01/09520123456788/21/SN4711"
    counter.say("item.registered", numbered, {"name": "Numbered", "category": "watches"})
    counter.say("certificate.recorded", numbered, {"issuer_name": "A Laboratory", "certificate_no": "GIA 123-456"})
    with at_tablet(browser, counter) as page:
        for text in ("SN4711", "gia 123456", numbered, "numbered"):
            found(page, counter, text, "Numbered")


def test_hand_over_with_both_sides_and_a_reason_for_the_difference(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        subject = taken_in(counter, page, "Silver chain")
        opened(page, counter, "handover")
        choose_thing(page, "handover", subject)
        expect(page.locator("[data-sides] .side")).to_have_count(2)
        expect(page.locator("[data-sides]")).to_contain_text("3.62")
        fill(page, "handover", weight_g="3.42")
        expect(page.locator(".differs")).to_contain_text("−0.20")
        page.click("form.flow button:not([type=button])")
        expect(page.locator("[data-done]")).to_be_hidden()
        page.select_option("#handover-changed", "cleaned")
        page.select_option("#handover-basis", "signed_paper")
        record(page)
        said = counter.statements(subject)
        assert [one["type"] for one in said][-4:] == [
            "case.inspected", "case.handed_over", "case.accepted", "case.closed",
        ]  # fmt: skip
        assert said[-3]["details"]["evidence"] == {"weight_g": "3.42", "reason": "cleaned"}
        assert said[-2]["details"]["basis"] == "signed_paper"


def test_a_person_is_chosen_by_pin_on_the_shared_tablet(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter, None) as page:
        page.goto(counter.address("/console"))
        page.wait_for_url(re.compile("/console/door"))
        ready(page)
        page.click("summary")
        page.fill("#device", counter.device_key)
        page.press("#device", "Enter")
        expect(page.locator(".person")).to_have_count(len(PEOPLE))
        page.click(".person:has-text('Technician Tess')")
        page.fill("#pin", PIN)
        page.press("#pin", "Enter")
        page.wait_for_url(counter.address("/console"))
        ready(page)
        expect(page.locator("[data-who]")).to_have_text("Technician Tess")
        # She works at the bench: of the flows she is offered only what she may say.
        expect(page.locator("[data-flow]:visible")).to_have_count(0)
        page.click("[data-leave]")
        page.wait_for_url(re.compile("/console/door"))
        page.goto(counter.address("/console"))
        page.wait_for_url(re.compile("/console/door"))


def test_a_sale_names_the_key_of_the_owner_code_that_is_shown_once(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        opened(page, counter, "sell")
        page.click("[data-make=thing]")
        fill(page, "sell", name="Watch", category="watches", price="1250.00", customer="Bea", receipt_no="R-9")
        page.select_option("#sell-currency", "EUR")
        page.click("form.flow button:not([type=button])")
        expect(page.locator("[data-message]")).to_have_text("Recorded.")
        # 26 typed characters are what an owner code has, in groups.
        shown = page.locator("[data-made] .short").first.inner_text()
        assert len(re.sub(r"[^A-Z0-9]", "", shown)) == 26
        page.click("[data-done] a[data-item]")
        page.wait_for_url(re.compile("/console/item"))
        ready(page)
        expect(page.locator("[data-history]")).to_contain_text("1250.00 EUR")
        sold = counter.statements(page.locator("[data-fill=id]").inner_text())[-1]
        assert sold["details"].pop("holder_key").startswith("did:key:z6Mk")
        assert sold["details"] == {
            "channel": "store", "warranty_months": 24, "return_days": 7, "holder_custody": "receipt",
        }  # fmt: skip


def test_what_is_done_while_the_customer_waits_is_one_record(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Cleaned ring")
    with at_tablet(browser, counter) as page:
        opened(page, counter, "wait")
        choose_thing(page, "wait", subject)
        fill(page, "wait", work="cleaned\npolished", next_due="2030-05-01")
        record(page)
        assert counter.said(subject) == ["item.registered", "maintenance.performed"]
        assert counter.statements(subject)[-1]["details"] == {"work": ["cleaned", "polished"], "next_due": "2030-05-01"}


def test_an_exchange_takes_one_thing_back_and_names_the_other(counter: Counter, browser: Browser) -> None:
    back, out = counter.item("Cracked bracelet"), counter.item("New bracelet")
    with at_tablet(browser, counter) as page:
        opened(page, counter, "exchange")
        choose_thing(page, "exchange", back)
        choose_thing(page, "exchange", out, "replacement")
        fill(page, "exchange", difference="15")
        record(page)
        said = counter.statements(back)
        assert [one["type"] for one in said] == [
            "item.registered", "case.opened", "case.received", "case.decided", "exchange.completed", "case.closed",
        ]  # fmt: skip
        assert said[-2]["subjects"] == [back, out]
        assert said[-2]["details"] == {"replacement": out, "reason": "defect"}


def test_a_return_settles_the_refund_with_it(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Loose earring")
    with at_tablet(browser, counter) as page:
        opened(page, counter, "return")
        choose_thing(page, "return", subject)
        fill(page, "return", condition="as new", refund="80.50")
        page.check("#return-resaleable")
        record(page)
        expect(page.locator("[data-history]")).to_contain_text("80.50 EUR")
        said = counter.statements(subject)
        assert [one["type"] for one in said] == [
            "item.registered", "case.opened", "case.received", "case.decided", "return.completed", "case.settled",
            "case.closed",
        ]  # fmt: skip
        assert said[4]["details"] == {"reason": "defect", "condition": "as new", "resaleable": True}


def test_a_whole_intake_by_the_keyboard_alone(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Keyboard ring")
    with at_tablet(browser, counter) as page:
        page.keyboard.press("Alt+1")
        page.wait_for_url(re.compile("/console/intake"))
        ready(page)
        expect(page.locator("#intake-thing")).to_be_focused()
        page.keyboard.type(subject)
        page.keyboard.press("Enter")
        seen = []
        for _ in range(12):
            seen.append(page.evaluate("document.activeElement.name"))
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            if seen[-1] == "phone":
                break
            if seen[-1] == "job_no":
                page.keyboard.type("J-88")
            page.keyboard.press("Control+Enter" if seen[-1] == "description" else "Enter")
        assert seen == [
            "photo",
            "weight_g",
            "condition",
            "issue",
            "description",
            "promised",
            "job_no",
            "customer",
            "phone",
        ]
        page.keyboard.press("Enter")
        expect(page.locator("[data-message]")).to_have_text("Recorded.")
        assert counter.statements(subject)[1]["details"]["job_no"] == "J-88"
