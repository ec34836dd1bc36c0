"""The console beside its flows, in a real Chromium: a case by its allowed steps, no network, and who may do what."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger import holderkey
from ledger.dsse import SigningKey
from tests.browser import CHROMIUM
from tests.build import key, uuid
from tests.console import PASSWORD, login_of
from tests.counter import Counter, at_tablet, come_in, kept, ready
from tests.shop import signed
from tests.test_console_flows import choose_thing, fill, opened, taken_in

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


def to_case(page: Page, counter: Counter, subject: str) -> None:
    page.goto(counter.address(f"/console/item?id={subject}"))
    ready(page)
    page.click("[data-cases] a")
    page.wait_for_url(re.compile("/console/case"))
    ready(page)


def step(page: Page, name: str, **fields: str) -> None:
    form = page.locator(f"[data-step='{name}']")
    form.locator("summary").click()
    for field, text in fields.items():
        form.locator(f"[name={field}]").fill(text)
    form.locator("button:not([type=button])").click()
    expect(form).not_to_have_attribute("open", "")
    expect(page.locator("[data-message]")).to_have_text("Recorded.")


def test_a_case_is_walked_by_the_steps_that_are_allowed(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        subject = taken_in(counter, page, "Walked ring")
        to_case(page, counter, subject)
        offered = page.locator("[data-step]:visible")
        names = set(offered.evaluate_all("nodes => nodes.map((node) => node.dataset.step)"))
        assert "case.quoted" in names
        assert not {"case.approved", "case.declined", "case.reopened"} & names
        step(page, "case.quoted", amount="120.00")
        expect(page.locator("[data-history]")).to_contain_text("120.00 EUR")
        expect(page.locator("[data-step='case.approved']")).to_be_visible()
        form = page.locator("[data-step='case.approved']")
        form.locator("summary").click()
        form.locator("button").click()
        # One decision on a quote: it is not offered again.
        expect(form).to_be_hidden()
        step(page, "repair.completed", work="re-tipped prong\npolished")
        assert counter.said(subject)[-3:] == ["case.quoted", "case.approved", "repair.completed"]
        assert counter.statements(subject)[-1]["details"]["work"] == ["re-tipped prong", "polished"]


def test_the_counter_sees_the_rights_that_the_customer_sees(counter: Counter, browser: Browser) -> None:
    sold, kept = counter.item("Sold ring"), counter.item("Kept ring")
    counter.say("item.sold", sold, {"channel": "store", "warranty_months": 12})
    with at_tablet(browser, counter) as page:
        page.goto(counter.address(f"/console/item?id={sold}"))
        ready(page)
        row = page.locator("[data-rights] li", has_text="Repair free of charge")
        expect(row).to_contain_text("until ")
        expect(row).to_contain_text("Warranty of the seller (promised at the sale)")
        expect(page.locator("[data-no-warranty]")).to_be_hidden()
        page.goto(counter.address(f"/console/item?id={kept}&lang=zh-Hans"))
        ready(page)
        expect(page.locator("[data-rights] li")).to_have_count(0)
        expect(page.locator("[data-no-warranty]")).to_be_visible()


def test_the_counter_is_told_how_the_key_of_a_holders_word_is_kept(counter: Counter, browser: Browser) -> None:
    ring, phone = counter.item("Claimed ring"), key("phone of the claimed ring")
    drawn = counter.ask("POST", f"/v1/items/{quote(ring, safe='')}/codes", {"kind": "owner"})
    paper = holderkey.holder_key(holderkey.parse_owner_code(drawn["owner"]["code"]), ring)
    counter.say("item.sold", ring, {"channel": "store", "holder_key": paper.did, "holder_custody": "receipt"})

    def holder(kind: str, by: SigningKey, *also: SigningKey, **more: Any) -> None:
        shown = json.loads(counter.server.get(f"/i/{drawn['token']}")[1])
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = {
            "id": uuid(f"{kind} of the claimed ring"), "type": kind, "party": ring, "subjects": [ring], "details": {},
            "grant": shown["holder"]["grant"], "ledger": shown["ledger"], "occurred_at": now, **more,
        }  # fmt: skip
        counter.ask("POST", f"/i/{drawn['token']}/statements", signed(said, by, *also))

    holder("item.reported_lost", paper)
    holder("item.claimed", paper, phone, details={"holder_key": phone.did, "holder_custody": "device"})
    case = uuid("asked by the holder")
    holder("case.opened", phone, case=case, details={"kind": "complaint", "channel": "web", "issue": "quality"})
    receipt, device = "by the bearer of the receipt", "by the holder's own device"
    with at_tablet(browser, counter) as page:
        page.goto(counter.address(f"/console/item?id={ring}"))
        ready(page)
        expect(page.locator("[data-history] li")).to_have_count(5)
        expect(page.locator("[data-history] .by")).to_have_text([device, receipt, receipt])
        to_case(page, counter, ring)
        expect(page.locator("[data-history] .by")).to_have_text([device])
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.goto(counter.address(f"/console/case?id={case}&item={ring}&lang=zh-Hans"))
        ready(page)
        expect(page.locator("[data-history] .by")).to_have_text(["由持有人自己的手机"])


def test_work_lists_begin_with_what_is_overdue(counter: Counter, browser: Browser) -> None:
    limit = {"clock": "first_response", "within": {"minutes": 15}, "source": "house"}
    adopted = {"standard": "ours", "version": "1", "limits": [limit]}
    counter.say("standard.adopted", counter.shop, adopted)
    late, early = counter.item("Late ring"), counter.item("Early ring")
    opened_with = {"kind": "repair", "channel": "store", "issue": "quality"}
    before = (datetime.now(UTC) - timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    counter.say("case.opened", late, opened_with, case=uuid("late"), occurred_at=before)
    counter.say("case.opened", early, opened_with, case=uuid("early"))
    with at_tablet(browser, counter) as page:
        assert page.locator("[data-list]").first.get_attribute("data-list") == "overdue"
        expect(page.locator("[data-list=overdue] [data-rows] a")).to_have_text(["Late ring"])
        expect(page.locator("[data-list=open] [data-rows]")).to_contain_text("Early ring")
        page.click("[data-list=overdue] a")
        page.wait_for_url(re.compile("/console/case"))
        ready(page)
        expect(page.locator("[data-facts]")).to_contain_text("overdue")


def test_without_a_network_it_is_kept_and_sent_once_when_back(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Offline ring")
    with at_tablet(browser, counter) as page:
        kept(page)
        page.context.set_offline(True)
        page.goto(counter.address("/console/wait"))
        ready(page)
        expect(page.locator("[data-offline]")).to_be_visible()
        expect(page.locator("[data-who]")).to_have_text("Staff Stella")
        fill(page, "wait", thing=subject)
        expect(page.locator("[data-found=thing]")).to_contain_text("No network")
        fill(page, "wait", work="cleaned offline")
        before = datetime.now(UTC)
        page.click("form.flow button:not([type=button])")
        expect(page.locator("[data-message]")).to_contain_text("Kept here")
        expect(page.locator("a[data-queue]")).to_have_text("1 to send")
        page.goto(counter.address("/console/queue"))
        ready(page)
        expect(page.locator("[data-rows] li")).to_contain_text("waits for the network")
        assert counter.said(subject) == ["item.registered"]
        page.context.set_offline(False)
        page.click("[data-send]")
        expect(page.locator("[data-rows] li")).to_have_count(0)
        (_, done) = counter.statements(subject)
        assert done["details"] == {"work": ["cleaned offline"]}
        told = datetime.fromisoformat(done["occurred_at"])
        assert abs(told - before) < timedelta(minutes=2)


def test_an_answer_that_was_lost_makes_no_second_statement(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Lost answer")
    with at_tablet(browser, counter) as page:
        opened(page, counter, "wait")
        choose_thing(page, "wait", subject)
        fill(page, "wait", work="polished", note="left-handed")
        sent: list[str] = []

        def lose(route: object) -> None:
            sent.append(route.request.post_data or "")  # type: ignore[attr-defined]
            route.fetch()  # type: ignore[attr-defined]
            route.abort("connectionreset")  # type: ignore[attr-defined]

        page.route("**/v1/statements/batch*", lose)
        page.click("form.flow button:not([type=button])")
        expect(page.locator("[data-message]")).to_contain_text("Kept here")
        assert counter.said(subject) == ["item.registered", "maintenance.performed"]
        page.unroute("**/v1/statements/batch*")
        page.goto(counter.address("/console/queue"))
        ready(page)
        expect(page.locator("[data-rows] li")).to_have_count(0)
        assert counter.said(subject) == ["item.registered", "maintenance.performed"]
        assert len(json.loads(sent[0])) == 1


def test_a_conflict_is_explained_and_stays_until_it_is_taken_away(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        subject = taken_in(counter, page, "Contested ring")
        to_case(page, counter, subject)
        case = page.locator("[data-fill=case]").inner_text()
        # Two tablets close the case; the second was without a network when the first did.
        page.context.set_offline(True)
        form = page.locator("[data-step='case.quoted']")
        form.locator("summary").click()
        form.locator("button").click()
        expect(page.locator("[data-message]")).to_contain_text("Kept here")
        counter.say("case.closed", subject, {"outcome": "withdrawn"}, case=case)
        page.context.set_offline(False)
        page.goto(counter.address("/console/queue"))
        ready(page)
        row = page.locator("[data-rows] li")
        expect(row).to_contain_text("contradicts what the ledger holds")
        expect(row).to_contain_text("this case is closed")
        expect(row).to_contain_text("What may follow:")
        assert counter.said(subject)[-1] == "case.closed"
        page.once("dialog", lambda dialog: dialog.accept())
        row.locator("button:has-text('Take away')").click()
        expect(row).to_have_count(0)


def test_what_one_made_another_does_not_send(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Stella's ring")
    with at_tablet(browser, counter) as page:
        opened(page, counter, "wait")
        choose_thing(page, "wait", subject)
        fill(page, "wait", work="hers")
        page.route("**/v1/statements/batch*", lambda route: route.abort("connectionreset"))
        page.click("form.flow button:not([type=button])")
        expect(page.locator("[data-message]")).to_contain_text("Kept here")
        page.unroute("**/v1/statements/batch*")
        page.request.delete(counter.address("/v1/session"))
        page.context.clear_cookies()
        come_in(page, counter, "owner olga")
        page.goto(counter.address("/console/queue"))
        ready(page)
        page.click("[data-send]")
        expect(page.locator("[data-rows] li")).to_contain_text("Staff Stella")
        assert counter.said(subject) == ["item.registered"]
        page.context.clear_cookies()
        come_in(page, counter, "staff stella")
        expect(page.locator("a[data-queue]")).to_be_hidden()
        assert counter.said(subject)[-1] == "maintenance.performed"


def test_a_forged_request_and_a_wrong_role_change_nothing(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Guarded ring")
    statement = {
        "type": "maintenance.performed", "subjects": [subject], "party": counter.shop, "details": {"work": ["forged"]},
    }  # fmt: skip
    with at_tablet(browser, counter) as page:
        send = """async ([body, headers]) => (await fetch("/v1/statements/batch?atomic=true", {
            method: "POST",
            headers: {"Content-Type": "application/json", ...headers},
            body: JSON.stringify([body]),
        })).status"""
        assert page.evaluate(send, [{"statement": statement}, {}]) == 403
        assert page.evaluate(send, [{"statement": statement}, {"Patina-Csrf": "A" * 43}]) == 403
    with at_tablet(browser, counter, "auditor aude") as page:
        expect(page.locator("[data-flow]:visible")).to_have_count(0)
        opened(page, counter, "wait")
        choose_thing(page, "wait", subject)
        fill(page, "wait", work="audited")
        page.click("form.flow button:not([type=button])")
        expect(page.locator("[data-message]")).to_contain_text("You may not record this")
    assert counter.said(subject) == ["item.registered"]


def test_where_to_go_after_coming_in_is_never_another_place(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter, None) as page:
        for asked in (
            "https://evil.example/console",
            "//evil.example",
            "/console/../v1/session",
            "javascript:alert(1)",
        ):
            page.context.clear_cookies()
            page.goto(counter.address(f"/console/door?next={asked}"))
            ready(page)
            page.fill("#login", login_of("owner olga"))
            page.fill("#password", PASSWORD)
            page.press("#password", "Enter")
            page.wait_for_url(counter.address("/console"))
            ready(page)
