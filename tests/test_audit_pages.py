"""The auditor's and operator's pages in a real Chromium: a live audit, a proof, lists by role, every page by axe."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from api.pages.audit import HERE, PAGES, load_audit_words
from api.pages.catalogue import LANGUAGES
from tests.audited import SHOP, Audited, site, somebody, visit
from tests.browser import needs_chromium
from tests.console import PASSWORD, login_of
from tests.test_pages_axe import violations
from tests.test_pages_languages import SIMPLIFIED, TRADITIONAL

__all__ = ["site"]

WIDTHS = (360, 1280)
SCRIPTS = "".join(file.read_text("utf-8") for file in sorted((HERE / "static" / "audit").glob("*.js")))
TEMPLATES = "".join(file.read_text("utf-8") for file in sorted((HERE / "templates" / "audit").glob("*.html")))


@needs_chromium
def test_the_browser_audits_the_log_and_remembers_it(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner operator") as page:
        visit(page, site.address("/audit"))
        page.fill("#vkey", site.vkey)
        for again in (False, True):
            page.click("[data-audit] button")
            expect(page.locator("[data-audit] button")).to_be_enabled(timeout=60_000)
            expect(page.locator("[data-verdict]")).to_contain_text("nothing wrong was found", timeout=60_000)
            steps = page.locator("[data-steps] li").all_inner_texts()
            assert any("signed by the key that you gave" in one for one in steps)
            assert any("has only grown" in one for one in steps) is again
            assert any("Every entry has the hash" in one for one in steps)
        expect(page.locator("pre")).to_contain_text(f"--vkey '{site.vkey}'")
        visit(page, site.address())
        expect(page.locator("[data-mine]")).to_contain_text("nothing wrong")


@needs_chromium
def test_who_may_not_read_entries_audits_their_hashes_and_is_told(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "auditor shop") as page:
        # What a service whose entries are not public answers (tests/test_access_table.py).
        page.route("**/tile/entries/**", lambda route: route.fulfill(status=403))
        visit(page, site.address("/audit"))
        page.click("[data-audit] button")
        expect(page.locator("[data-verdict].good")).to_be_visible(timeout=60_000)
        expect(page.locator("[data-steps]")).to_contain_text("Entries were not read: your role may not")
        expect(page.locator("[data-steps]")).to_contain_text("a key that the service itself names")
        visit(page, site.address("/tree?index=7"))
        expect(page.locator("[data-entry-none]")).to_be_visible()


RISKS = (
    ("complaints_jumped", {"recent": 4, "of": 6, "before": 5, "of_before": 65, "p": "2.70e-3", "adjusted": "2.71e-2"},
     ("4 beside 6 in the last 28 days", "5 beside 65", "with 2.70e-3", "with 2.71e-2")),
    ("scans_implausible", {"code": 3, "subject": "urn:uuid:x", "day": "2026-11-24", "recent": 90, "before": 12,
                           "days_before": 28, "p": "1.00e-9", "adjusted": "1.10e-9"},
     ("90 scans on", "24 Nov 2026", "28 days before, 12", "with 1.10e-9")),
    ("holders_reset", {"recent": 3}, ("3 in the last 28 days",)),
    ("key_compromised", {"doubtful": 2, "key": "did:key:z6Mk", "since": "2026-07-01T00:00:00.000Z"},
     ("2 statements", "2026", "did:key:z6Mk")),
)  # fmt: skip


@needs_chromium
def test_a_field_that_does_not_fit_says_so_in_the_pages_language(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner operator") as page:
        visit(page, site.address("/tree?lang=zh-Hant"))
        page.fill("#index", "ten")
        page.press("#index", "Enter")
        expect(page.locator("#index + .wrong")).to_have_text("請填寫整數，例如 24。")


@needs_chromium
def test_a_risk_says_in_words_what_it_rests_on(site: Audited, browser: Browser) -> None:
    told = [
        {"kind": kind, "severity": "low", "party": SHOP, "entries": [7], "figures": figures}
        for kind, figures, _ in RISKS
    ]
    with somebody(browser, site, "owner operator") as page:
        page.route("**/v1/risks", lambda route: route.fulfill(json={"size": 9, "signals": told}))
        visit(page, site.address("/risks"))
        rows = page.locator("[data-rows] > li")
        expect(rows).to_have_count(len(RISKS))
        for number, (_, _, words) in enumerate(RISKS):
            said = rows.nth(number).inner_text()
            assert [one for one in words if one not in said] == [], said
            assert "{" not in said
            assert "…" not in said
        rows.first.locator("a").click()
        expect(page.locator("[data-verdict].good")).to_contain_text("that entry 7 is in the tree")


@needs_chromium
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("**/tile/0/000", "entry 0 has another hash"),
        ("**/tile/entries/000", "entry 0 has another hash"),
        ("**/tile/1/000.p/1", "tile 0 of level 1"),
    ],
)
def test_one_turned_bit_is_found(site: Audited, browser: Browser, path: str, why: str) -> None:
    def turned(route: Route) -> None:
        answer = route.fetch()
        raw = bytearray(answer.body())
        raw[2] ^= 1
        route.fulfill(response=answer, body=bytes(raw))

    with somebody(browser, site, "owner operator") as page:
        visit(page, site.address("/audit"))
        page.route(path, turned)
        page.click("[data-audit] button")
        expect(page.locator("[data-verdict]")).to_contain_text(re.compile(why), timeout=60_000)
        expect(page.locator("[data-verdict].bad")).to_be_visible()


@needs_chromium
def test_another_ledgers_key_and_a_log_that_shrank_are_found(site: Audited, browser: Browser) -> None:
    other = "audited.example/log+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    with somebody(browser, site, "auditor shop") as page:
        visit(page, site.address("/audit"))
        page.fill("#vkey", other)
        page.click("[data-audit] button")
        expect(page.locator("[data-verdict].bad")).to_be_visible()
        kept = {"at": "2026-01-01T00:00:00Z", "size": "9999", "proved": {"size": "9999", "root": "0" * 64}}
        page.evaluate("(kept) => localStorage.setItem('patina/v1/audit', JSON.stringify(kept))", kept)
        page.fill("#vkey", site.vkey)
        page.click("[data-audit] button")
        expect(page.locator("[data-verdict]")).to_contain_text("9999 entries were proved before")


@needs_chromium
def test_a_proof_is_drawn_and_computed(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner operator") as page:
        visit(page, site.address("/tree?index=7"))
        expect(page.locator("[data-verdict].good")).to_contain_text("that entry 7 is in the tree")
        # RFC 9162: a leaf in the left, full half of 256 below more than 256 entries has 8 hashes there and one above.
        assert page.locator(".tree .proof").count() == 9
        assert page.locator("[data-proof] li").count() == 9 + 2
        visit(page, site.address("/tree?index=100"))
        expect(page.locator("[data-entry] a")).to_contain_text("urn:uuid:")
        page.fill("#index", "999999")
        page.press("#index", "Enter")
        expect(page.locator("[data-message]")).to_contain_text("The log has")


@needs_chromium
def test_lists_are_for_who_may_read_them(site: Audited, browser: Browser) -> None:
    denied: dict[str, set[str]] = {
        "staff shop": {"reports", "parties", "keys", "people", "webhooks", "addresses"},
        "auditor shop": {"parties", "keys", "people", "webhooks", "addresses"},
        "owner shop": {"parties"},
        "owner operator": set(),
    }
    for who, pages in denied.items():
        with somebody(browser, site, who) as page:
            for name in PAGES[1:]:
                visit(page, site.address(f"/{name}"))
                refused = page.locator("[data-message]:visible")
                assert (refused.count() > 0) is (name in pages), (who, name)


@needs_chromium
def test_an_owner_adds_and_deletes_an_address(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner shop") as page:
        visit(page, site.address("/addresses"))
        page.locator("[name=email]").fill("otto@shop.example")
        page.locator("[name=language]").select_option("zh-Hant")
        expect(page.locator("[value='report.*']")).to_be_disabled()
        page.locator("[name=person]").select_option(label="Auditor Shop (auditor)")
        page.locator("[value='case.overdue']").uncheck()
        page.locator("[data-add] button").click()
        row = page.locator("tbody tr")
        expect(row).to_have_count(1)
        told = ["otto@shop.example", "Auditor Shop", "a report was made", "zh-Hant", "not yet"]
        assert row.locator("td").all_inner_texts()[: len(told)] == told
        row.locator("button").click()
        row.locator("button", has_text="really").click()
        expect(row).to_have_count(0)


@needs_chromium
def test_an_owner_schedules_a_report_and_a_mail_leads_to_one(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner shop") as page:
        visit(page, site.address("/reports"))
        page.select_option("#every", "quarter")
        page.select_option("#role", "auditor")
        page.select_option("#plan-by", "fault")
        page.check("[data-plan] [name=costs]")
        page.click("[data-plan] button")
        row = page.locator("[data-schedules] li")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("quarter · auditor · fault · with costs · next on")
        row.locator("button").click()
        row.locator("button", has_text="really").click()
        expect(row).to_have_count(0)
        page.select_option("#by", "line")
        page.check("[data-ask] [name=evidence]")
        page.click("[data-ask] button")
        first = page.locator("[data-rows] li").first
        expect(first).to_contain_text("all time · product line · ")
        # This one, and not one that was made before.
        expect(first.locator(".pill.good")).to_be_visible(timeout=60_000)
        newest = page.request.get(f"http://{site.place}/v1/reports").json()["reports"][0]["id"]
        link = site.address(f"/reports?report={newest}")
        page.click("[data-leave]")
        page.wait_for_url(re.compile("/console/door"))
        page.goto(link)  # as from a mail, by somebody who has not come in
        page.wait_for_url(re.compile(r"/console/door\?next="))
        page.fill("#login", login_of("auditor shop"))
        page.fill("#password", PASSWORD)
        page.click("[data-form=password] button")
        page.wait_for_url(link)
        expect(page.locator("[data-chart]")).to_be_visible(timeout=60_000)
        expect(page.locator("[data-image]")).to_have_attribute("src", re.compile(newest))
        expect(page.locator("[data-plan]")).to_be_hidden()
        visit(page, site.address("/reports?report=0000000000000000"))
        expect(page.locator("[data-message]")).to_contain_text("no report of your party")


@needs_chromium
def test_an_operator_suspends_and_reinstates_with_a_reason(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner operator") as page:
        visit(page, site.address("/parties"))
        for name, after in (("Suspend", "yes"), ("Reinstate", "no")):
            row = page.locator("tr", has_text="Audited Shop")
            row.locator("button", has_text=name).click()
            row.locator("input").fill("error")
            row.locator("button", has_text="really").click()
            expect(page.locator("[data-message]")).to_have_text("Done.")
            expect(row.locator("td").nth(5)).to_have_text(after)
        visit(page, site.address())
        expect(page.locator("[data-disk]")).to_contain_text("GiB")
        visit(page, site.address("/keys"))
        expect(page.locator("td", has_text="Audited Shop").locator(".id").first).to_have_text(SHOP)
        visit(page, site.address("/reports"))
        assert page.locator("#parties option").all_inner_texts()[0] == "All parties"
        expect(page.locator(f"#parties option[value='{SHOP}']")).to_have_text("Audited Shop")


@needs_chromium
def test_a_report_is_asked_for_and_its_charts_are_shown(site: Audited, browser: Browser) -> None:
    with somebody(browser, site, "owner shop") as page:
        visit(page, site.address("/reports"))
        page.get_by_role("button", name=load_audit_words("en").text["ask_report"]).click()
        expect(page.locator("[data-rows] .pill.good")).to_have_count(1, timeout=60_000)
        page.locator("[data-rows] button").click()
        page.wait_for_function("() => document.querySelector('[data-image]').naturalWidth > 0")
        links = page.locator("[data-files] a")
        assert links.all_inner_texts() == ["JSON", "CSV", "XLSX", "SVG"]
        for link in links.all():
            answer = page.request.get(site.address("").partition("/console")[0] + str(link.get_attribute("href")))
            assert answer.ok, answer.text()
        violated = violations(page)
    assert violated == []


@needs_chromium
@pytest.mark.parametrize(("language", "scheme"), list(zip(LANGUAGES, ("light", "dark", "light"), strict=True)))
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    site: Audited, browser: Browser, language: str, scheme: str
) -> None:
    with somebody(browser, site, "owner operator", color_scheme=scheme) as page:
        for name in PAGES:
            path = "" if name == "health" else f"/{name}"
            visit(page, site.address(f"{path}?lang={language}"))
            expect(page.locator("h1")).to_have_text(load_audit_words(language).text[f"page_{name}"])
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            assert violations(page) == [], name


def test_every_language_has_every_word_and_keeps_to_its_script() -> None:
    english = load_audit_words("en")
    for language in LANGUAGES:
        words = load_audit_words(language)
        assert set(words.text) == set(english.text)
        assert set(words.option) == set(english.option)
        for name, text in words.text.items():
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english.text[name])), name
    hans, hant = ("".join(load_audit_words(one).text.values()) for one in LANGUAGES[1:])
    assert not (TRADITIONAL - SIMPLIFIED) & set(hans)
    assert not (SIMPLIFIED - TRADITIONAL) & set(hant)


def test_every_used_text_is_there() -> None:
    used = {*re.findall(r"\bt\.(\w+)", TEMPLATES), *re.findall(r'say\("(\w+)"', SCRIPTS)}
    used |= {f"page_{name}" for name in PAGES}
    assert used <= set(load_audit_words("en").text), used - set(load_audit_words("en").text)
