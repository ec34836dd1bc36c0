"""What the auditor's pages show in a real Chromium: how far an audit is, how the ledger is, and each list."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route, expect

from api.pages.audit import load_audit_words
from ledger.standards import template
from tests.audited import SHOP, Audited, site, somebody, visit
from tests.browser import needs_chromium
from tests.build import uuid
from tests.console import login_of

__all__ = ["site"]
pytestmark = needs_chromium


def test_an_audit_says_how_far_it_is(site: Audited, browser: Browser) -> None:
    held: list[Route] = []
    with somebody(browser, site, "owner operator") as page:
        visit(page, site.address("/audit"))
        page.route("**/tile/0/001.p/*", lambda route: held.append(route))  # noqa: PLW0108 -- Playwright wants a function of Python
        with page.expect_request("**/tile/0/001.p/*"):
            page.click("[data-audit] button")
        # The first full tile is done; the rest is waited for.
        expect(page.locator("progress#progress")).to_be_visible()
        size = page.request.get(f"http://{site.place}/v1/log/health").json()["size"]
        expect(page.locator("[data-count]")).to_have_text(f"256 of {size}")
        assert page.evaluate("document.querySelector('#progress').value") == pytest.approx(256 / size)
        assert page.locator("[data-stage]").inner_text() == load_audit_words("en").text["stage_leaves"]
        held[0].continue_()
        expect(page.locator("[data-verdict].good")).to_be_visible()
        expect(page.locator("progress#progress")).to_be_hidden()


def test_the_first_page_says_what_the_service_told(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner operator") as page:
        told = page.request.get(f"http://{site.place}/v1/log/health").json()
        late = told | {
            "now": "2026-01-01T00:07:10.000Z",
            "recorded_at": "2026-01-01T00:00:00.000Z",
            "witnesses": [{"name": "wit.example", "at": "2026-01-01T00:00:00.000Z"}],
        }
        page.route("**/v1/log/health", lambda route: route.fulfill(json=late))
        visit(page, site.address())
        facts = page.locator("[data-newest]").inner_text()
        for one in (
            "audited.example/log",
            f"{told['size']:,}",
            told["root"],
            f"{told['statements']:,}",
            load_audit_words("en").text["minutes"].replace("{n}", "7"),
        ):
            assert one in facts, one
        expect(page.locator("[data-witnesses]")).to_contain_text("wit.example")
        expect(page.locator("[data-no-witness]")).to_be_hidden()


def test_each_list_has_what_it_is_named_after(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner shop") as page:
        key = {"Authorization": f"Bearer {site.key}"}
        origin = f"http://{site.place}"
        words = {"type": "standard.adopted", "party": SHOP, "subjects": [SHOP], "details": template("jewellery")}
        hook = {"url": "https://hook.example/in", "events": ["case.*"]}
        noted = {
            "statement": {
                "type": "item.inspected",
                "party": SHOP,
                "subjects": [uuid("thing 1")],
                "details": {"tests": []},
            },
            "private": {"note": "likes yellow gold"},
        }
        said = [
            page.request.post(f"{origin}/v1/statements", data=one, headers=key) for one in ({"statement": words}, noted)
        ]
        assert all(one.ok for one in said), said[-1].text()
        token = {"Patina-Csrf": page.request.get(f"{origin}/v1/session").json()["csrf"]}
        hooked = page.request.post(f"{origin}/v1/webhooks", data=hook, headers=token)
        assert hooked.ok, hooked.text()
        asked = page.request.post(f"{origin}/v1/erasures", data={"statements": [said[-1].json()["id"]]}, headers=key)
        assert asked.ok, asked.text()
        for name, wanted in (
            ("people", ("Auditor Shop", login_of("auditor shop"))),
            ("keys", ("did:key:z", "audited")),
            ("standards", (SHOP, f"jewellery {template('jewellery')['version']}")),
            ("webhooks", ("https://hook.example/in", "case.*")),
            (
                "erasures",
                (asked.json()["id"], SHOP),
            ),
        ):
            visit(page, site.address(f"/{name}"))
            for one in wanted:
                expect(page.locator("[data-tables] table", has_text=one).first).to_be_visible()
