"""What the console does for somebody with a customer waiting: where it says what is wrong, what waits, what is next."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Dialog, expect

from tests.browser import needs_chromium
from tests.counter import Counter, at_tablet, come_in, ready
from tests.offline import new_thing, to_flow, waiting

pytestmark = needs_chromium
RECORD = "form.flow button:not([type=button])"
HISTORY = {
    "en": ["Recalled", "Work: polished, checked", "Next due: 31 Jan 2030", "stones pass", "Warranty: 24 months"],
    "zh-Hans": ["召回", "工作内容：polished, checked", "2030年1月31日", "检验", "合格", "保修：24 个月"],
    "zh-Hant": ["召回", "2030年1月31日", "保固：24 個月"],
}
"""What a history says, by language."""
LABOUR = {"en": "Labour: 55 minutes", "zh-Hans": "工时：55 分钟", "zh-Hant": "工時：55 分鐘"}


def test_what_is_wrong_stands_beside_its_field_until_it_is_changed(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Without a case")
    with at_tablet(browser, counter) as page:
        for flow, field, text, why in (
            ("sell", "thing", "nobody knows it", "Choose the thing first"),
            ("handover", "thing", subject, "no open case"),
            ("sell", "card", "no card", "card"),
        ):
            to_flow(page, counter, flow, **{"thing": subject, field: text})
            page.click(RECORD)
            wrong = page.locator(f"[data-field={field}] .wrong")
            expect(wrong).to_contain_text(why, ignore_case=True)
            place = page.locator(f"#{flow}-{field}")
            expect(place).to_be_focused()
            expect(place).to_have_attribute("aria-invalid", "true")
            assert (place.get_attribute("aria-describedby") or "").endswith(f"{flow}-{field}-wrong")
            place.fill("another")
            expect(wrong).to_have_count(0)
            assert place.get_attribute("aria-invalid") is None
        assert waiting(page) == []


def test_what_does_not_fit_is_said_in_the_pages_language_and_not_the_browsers(
    counter: Counter, browser: Browser
) -> None:
    with at_tablet(browser, counter, None) as page:
        page.goto(counter.address("/console/door?lang=zh-Hans"))
        ready(page)
        page.fill("#login", "nobody@example.org")
        page.press("#login", "Enter")
        expect(page.locator("#password + .wrong")).to_have_text("请填写此项。")
        page.fill("#password", "wrong")
        page.press("#password", "Enter")
        expect(page.locator("#password + .wrong")).to_have_text("登录名与密码不匹配。")
        expect(page.locator("[data-message]")).to_be_hidden()
        come_in(page, counter, "staff stella")
        new_thing(page, counter, "sell", name="项链", category="首饰", price="12,5,0", warranty_months="ten")
        for field, said in (("price", "请填写数字，例如 12.50。"), ("warranty_months", "请填写整数，例如 24。")):
            page.click(RECORD)
            wrong = page.locator("form.flow .wrong")
            expect(wrong).to_have_text([said])
            expect(page.locator(f"#sell-{field}")).to_be_focused()
            page.fill(f"#sell-{field}", "12")
        assert waiting(page) == []


def test_amounts_begin_with_the_shops_currency_and_then_with_the_one_last_taken(
    counter: Counter, browser: Browser
) -> None:
    with at_tablet(browser, counter) as page:
        new_thing(page, counter, "sell", name="Chain", category="jewellery", price="12")
        # The shop is registered in Germany.
        expect(page.locator("#sell-currency")).to_have_value("EUR")
        page.select_option("#sell-currency", "GBP")
        page.click(RECORD)
        expect(page.locator("[data-message]")).to_have_text("Recorded.")
        to_flow(page, counter, "return")
        expect(page.locator("#return-currency")).to_have_value("GBP")


def test_a_history_says_what_others_stated_in_the_readers_language(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Ring of many records")
    counter.say("item.inspected", subject, {"tests": [{"name": "stones", "result": "pass"}]})
    counter.say("maintenance.performed", subject, {"work": ["polished", "checked"], "next_due": "2030-01-31"})
    counter.say("repair.completed", subject, {"work": ["polish"], "tests": [], "labour_minutes": 55})
    counter.say("item.recalled", subject, {"reason": "clasp", "remedy": "repair"})
    counter.say("item.sold", subject, {"channel": "store", "warranty_months": 24})
    with at_tablet(browser, counter) as page:
        for language, said in HISTORY.items():
            page.goto(counter.address(f"/console/item?id={subject}&lang={language}"))
            ready(page)
            for one in (*said, LABOUR[language]):
                expect(page.locator("[data-history]")).to_contain_text(one)
        expect(page.locator("[data-history]")).to_contain_text(re.compile(r"年\d+月\d+日 \d\d:\d\d"))
        expect(page.locator("[data-fill=category]")).to_have_text("珠寶首飾")
        to_flow(page, counter, "sell", thing=subject)
        expect(page.locator("[data-found=thing]")).to_have_text("Ring of many records 珠寶首飾")


def test_what_the_service_refuses_is_shown_at_the_field_and_replaced_when_it_was_mended(
    counter: Counter, browser: Browser
) -> None:
    with at_tablet(browser, counter) as page:
        new_thing(page, counter, "sell", name="Chain", category="jewellery", warranty_months="9999")
        page.click(RECORD)
        wrong = page.locator("[data-field=warranty_months] .wrong")
        expect(wrong).to_contain_text("This does not fit")
        expect(page.locator("#sell-warranty_months")).to_be_focused()
        (refused,) = waiting(page)
        assert refused["state"] == "refused"
        page.fill("#sell-warranty_months", "24")
        page.click(RECORD)
        expect(page.locator("[data-message]")).to_have_text("Recorded.")
        assert waiting(page) == []
        expect(page.locator("[data-queue]")).to_be_hidden()
        (subject,) = refused["statements"][0]["statement"]["subjects"]
        assert counter.said(subject) == ["item.registered", "item.sold"]
        expect(page.get_by_role("link", name="Next customer")).to_have_class("button plain")


def test_the_queue_says_what_waits_and_lets_nothing_go_by_a_slip(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Ring that waits")
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    with at_tablet(browser, counter) as page:
        page.context.route("**/v1/statements/batch*", lambda route: route.abort())
        new_thing(page, counter, "sell", name="Chain", category="jewellery")
        page.click(RECORD)
        expect(page.locator("[data-message]")).to_contain_text("Kept here")
        to_flow(page, counter, "wait", thing=subject, work="cleaned")
        page.click(RECORD)
        expect(page.locator("[data-message]")).to_contain_text("Kept here")
        page.goto(counter.address("/console/queue"))
        ready(page)
        rows = page.locator("[data-rows] li")
        expect(rows.nth(0)).to_contain_text("Sell · Chain")
        expect(rows.nth(1)).to_contain_text("While you wait · Ring that waits")
        page.once("dialog", dismiss)
        rows.first.get_by_role("button", name="Take away").click()
        expect(rows).to_have_count(2)
        assert "Sell · Chain" in asked[0]
        page.once("dialog", lambda dialog: dialog.accept())
        rows.first.get_by_role("button", name="Take away").click()
        expect(rows).to_have_count(1)
        page.once("dialog", lambda dialog: dialog.accept())
        rows.first.get_by_role("button", name="Take away").click()
        expect(rows).to_have_count(0)
        assert counter.said(subject) == ["item.registered"]


def test_what_comes_next_stands_first_and_what_is_empty_takes_a_line(counter: Counter, browser: Browser) -> None:
    order = ["case.received", "case.quoted", "repair.completed"]
    steps = [{"kinds": ["repair"], "steps": order, "source": "house"}]
    counter.say("standard.adopted", counter.shop, {"standard": "ours", "version": "1", "steps": steps})
    subject = counter.item("Walked")
    case = counter.taken_in(subject, "J-31")
    with at_tablet(browser, counter) as page:
        empty, full = page.locator("[data-list=repeated]"), page.locator("[data-list=open]")
        expect(full.locator("li")).to_have_count(1)
        expect(empty).to_have_class("card empty")
        page.set_viewport_size({"width": 360, "height": 800})
        assert empty.bounding_box()["height"] < 60  # type: ignore[index]
        # Six flows in two rows, each large enough for a finger; whatever this person may not do is not there.
        assert page.locator(".flows").bounding_box()["height"] < 120  # type: ignore[index]
        page.goto(counter.address(f"/console/item?id={subject}"))
        ready(page)
        expect(page.locator("[data-cases] li")).to_contain_text("repair · J-31")
        page.goto(counter.address(f"/console/case?id={case}&item={subject}"))
        ready(page)
        first = page.locator("[data-steps] > details:visible").first
        expect(first).to_contain_text("Quote")
        expect(page.locator("[data-steps] [data-expected]:visible")).to_have_count(1)
        expect(first.locator("[data-expected]")).to_be_visible()
        page.goto(counter.address("/console/find#text=nobody-knows-this"))
        ready(page)
        expect(page.locator("[data-rows]")).to_contain_text("as a new thing")
        expect(page.locator("[data-unknown] a").first).to_be_visible()
    with at_tablet(browser, counter, None) as page:
        page.goto(counter.address("/console/door"))
        ready(page)
        expect(page.locator(".flows")).to_be_hidden()
        expect(page.locator("[data-quick]")).to_be_hidden()
