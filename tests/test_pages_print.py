"""Customers' pages on paper: black on white in whatever theme, whole, with the way back, without what is pressed.

Chromium prints each as A4; PDFium and ZXing read what came out, as text, as dots and as a code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from api.cli import folder, init, parties
from api.pages.catalogue import load_catalogue
from api.rights import WRITE
from ledger.standards import template
from tests import paper_reading as reading
from tests.browser import needs_chromium
from tests.pictures import say
from tests.served import Server
from tests.test_pages_axe import PARTY, addresses

pytestmark = needs_chromium
MARGIN = 8
"""Millimetres at each edge of a sheet that printers leave white; the pages leave more."""
EVERYWHERE = ("heading_code", "code_text")
NOWHERE = ("skip", "footer", "owner_link", "owner_act", "paper_pdf", "paper_png")


@dataclass(frozen=True)
class Printed:
    """A page: words that must be there, and those of things that do nothing on paper."""

    there: tuple[str, ...]
    gone: tuple[str, ...] = ()


PAGES = {
    "item": Printed(("heading_state", "heading_rights", "heading_story", "heading_checked"), ("self_download",)),
    "case": Printed(("heading_state", "heading_story", "case_text")),
    "receipt": Printed(("receipt_intake", "receipt_text"), ("receipt_open", "receipt_case")),
    "party": Printed(
        ("heading_promises", "heading_answers"),
        (
            "promises_all",
            "heading_write",
            "write_text",
            "write_kind",
            "write_description",
            "write_contact",
            "write_send",
        ),
    ),
}
SETTLED = """!document.querySelector("[data-check]")
  || performance.getEntriesByName("patina-check", "measure").length > 0"""
MARKS = """(all) => all.map((one) => {
    const { borderTopStyle, width } = getComputedStyle(one, "::before");
    return [`${borderTopStyle}, ${parseFloat(width) === 0 ? "all of it" : "a ring"}`, one.className === "ahead"];
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The address of each page, served: a ring with a picture, a case that is late, a party with a standard."""
    directory = tmp_path_factory.mktemp("served") / "ledger"
    init.create(directory, "print.example/log")
    with folder.opened(directory) as ledger:
        parties.register(ledger, PARTY, {"name": "Jeweller", "roles": ["retailer", "repairer", "certifier"]}, None)
        key = ledger.access.create_api_key(PARTY, [WRITE], "print")
    with Server(directory, key) as server:
        shop = {"id": PARTY, "api_key": key}
        found = addresses(f"http://{server.place}", shop)
        say(f"http://{server.place}", shop, "standard.adopted", PARTY, template("jewellery"))
        yield found
        assert server.stop() == 0


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_each_page_is_whole_on_paper_and_leads_back(site: dict[str, str], browser: Browser, language: str) -> None:
    words = load_catalogue(language).text
    context = browser.new_context(color_scheme="dark", locale=language)
    page = context.new_page()
    for name, wanted in PAGES.items():
        page.goto(site[name])
        page.wait_for_function(SETTLED)
        page.evaluate("Promise.all([...document.images].map((one) => ((one.loading = 'eager'), one.decode())))")
        document = page.pdf(format="A4", print_background=True)
        said, sheets = reading.text(document), reading.pages(document)
        for text in (*wanted.there, *EVERYWHERE):
            assert reading.squeeze(words[text]) in said, (name, text)
        for text in (*wanted.gone, *NOWHERE):
            assert reading.squeeze(words[text].partition("{")[0]) not in said, (name, text)
        assert [code for sheet in sheets for code in reading.codes(sheet)] == [site[name]]
        assert reading.squeeze(site[name]) in said
        page.emulate_media(media="print")
        assert [line for line in shown(page) if reading.squeeze(line) not in said] == [], name
        assert page.locator("main :is(form, button, input, select, textarea, summary):visible").count() == 0, name
        page.emulate_media(media="null")
        for sheet in sheets:
            edge = round(MARGIN * 8)
            assert sheet.getextrema()[1] == 255
            inner = (edge, edge, sheet.width - edge, sheet.height - edge)
            sheet.paste(255, inner)
            assert sheet.getextrema() == (255, 255), f"{name}: something stands in the margin"
    context.close()


def shown(page: Page) -> list[str]:
    """What a page says under the media in force, line by line."""
    return [line for line in page.locator("main").inner_text().splitlines() if line.strip()]


def test_paper_needs_no_colour_and_no_ground(site: dict[str, str], browser: Browser) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(site["item"])
    page.emulate_media(media="print")
    style = "getComputedStyle(document.body)"
    assert page.evaluate(f"{style}.backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(f"{style}.color") == "rgb(0, 0, 0)"
    # Milestones reached are dots of nothing but border, those ahead dashed rings: grounds are not printed, nor colours.
    marks = page.locator(".way li").evaluate_all(MARKS)
    assert [drawn for drawn, ahead in marks if not ahead] == ["solid, all of it"] * 2
    assert {drawn for drawn, ahead in marks if ahead} == {"dashed, a ring"}
    context.close()
