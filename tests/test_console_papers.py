"""Papers from the console in a real Chromium: what its buttons bring is read as a printer and a stranger would."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, Route, expect

from tests import paper_reading as reading
from tests.browser import needs_chromium
from tests.counter import Counter, at_tablet, ready
from tests.test_console_flows import fill, opened

pytestmark = needs_chromium


def printed(page: Page, kind: str) -> tuple[list[str], list[str]]:
    """What a button brings, beside the console too: the code of each sheet, and what it says without its gaps."""
    documents: list[bytes] = []

    def look(route: Route) -> None:
        answer = route.fetch()
        documents.append(answer.body())
        route.fulfill(response=answer)

    page.route("**/v1/receipts*", look)
    # A browser without a window shows no PDF: it loads it down, from the same address.
    brought: list[str] = []
    page.context.once("page", lambda new: new.on("download", lambda download: brought.append(download.url)))
    with page.context.expect_page() as beside:
        page.click(f"[data-paper={kind}]")
    for _ in range(1500):
        if [*brought, beside.value.url][0].startswith("blob:"):
            break
        page.wait_for_timeout(20)
    else:
        raise AssertionError("no paper was brought")
    beside.value.close()
    page.unroute("**/v1/receipts*")
    (document,) = documents
    expect(page.locator("[data-papers] a, [data-made] a").last).to_have_attribute("href", re.compile("^blob:"))
    codes = [code for sheet in reading.pages(document) for code in reading.codes(sheet)]
    return codes, [reading.squeeze(one) for one in reading.texts(document)]


def new_thing(page: Page, counter: Counter, flow: str, **fields: str) -> None:
    opened(page, counter, flow)
    page.click("[data-make=thing]")
    fill(page, flow, **fields)
    page.click("form.flow button:not([type=button])")
    expect(page.locator("[data-message]")).to_have_text("Recorded.")


def test_each_flow_leads_to_its_paper_and_the_owner_code_to_a_sheet_of_its_own(
    counter: Counter, browser: Browser
) -> None:
    with at_tablet(browser, counter) as page:
        new_thing(page, counter, "sell", name="Paper watch", category="watches", price="1250.00", receipt_no="R-9")
        page.select_option("[data-made] select", "58mm")
        (view, owner), (receipt, apart) = printed(page, "sale")
        typed = re.sub("[^A-Z0-9]", "", page.locator("[data-made] .short").first.inner_text())
        assert "/r/" in view
        assert "/o#" in owner
        assert typed in apart
        assert typed not in receipt
        assert "1,250.00" in receipt
        # Once more is a copy, and says so; the size was remembered.
        assert "COPYno.2" in printed(page, "sale")[1][1]
        new_thing(page, counter, "intake", name="Paper ring", category="jewellery", weight_g="3.62", job_no="J-91")
        expect(page.locator("[data-made] select")).to_have_value("58mm")
        (slip, bag), (first, label) = printed(page, "intake")
        assert ("/r/" in slip, "/i/" in bag) == (True, True)
        assert "J-91" in first
        assert label.startswith("BaglabelJ-91")


def test_papers_are_made_again_from_the_pages_of_the_thing_and_of_the_case(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Printed again")
    counter.say("item.sold", subject, {"channel": "store"})
    case = counter.taken_in(subject, "J-92")
    with at_tablet(browser, counter) as page:
        page.goto(counter.address(f"/console/item?id={subject}"))
        ready(page)
        assert "Giftreceipt" in printed(page, "gift")[1][0]
        assert "/r/" in printed(page, "sale")[0][0]
        page.goto(counter.address(f"/console/case?id={case}"))
        ready(page)
        assert "J-92" in printed(page, "intake")[1][1]
        assert printed(page, "handover")[1][0].startswith("Hand-overslip")
        # Without a network, or refused, it says so, and nothing stays open beside it.
        page.route("**/v1/receipts*", lambda route: route.abort())
        page.click("[data-paper=handover]")
        expect(page.locator("[data-papers]")).to_contain_text("No network")
        page.unroute("**/v1/receipts*")
        page.route(
            "**/v1/receipts*", lambda route: route.fulfill(status=403, json={"type": "/docs/problems#forbidden"})
        )
        page.click("[data-paper=handover]")
        expect(page.locator("[data-papers]")).to_contain_text("The paper could not be made.")
        page.wait_for_function("() => !document.querySelector('[data-paper]:disabled')")
        assert page.context.pages == [page]
