"""Things registered from a table in a real Chromium: CSV and XLSX, first what is wrong, then all that is right."""

from __future__ import annotations

import io
import zipfile

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import CHROMIUM
from tests.counter import Counter, at_tablet, ready

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

GTIN = "9520123456788"
"""The example of GS1's own texts: its check digit is right."""
SHEET = """<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>
<c r="D1" t="inlineStr"><is><t>型号</t></is></c></row>
<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="s"><v>3</v></c><c r="D2"><v>42</v></c></row>
</sheetData></worksheet>"""
SHARED = """<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<si><t>名称</t></si><si><t>类别</t></si><si><r><t>玫瑰金</t></r><r><t>戒指</t></r></si><si><t>珠宝</t></si></sst>"""


def workbook() -> bytes:
    """The least that is an XLSX: one sheet, shared strings, no list of links."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/worksheets/sheet1.xml", SHEET)
        made.writestr("xl/sharedStrings.xml", SHARED)
    return out.getvalue()


def given(page: Page, counter: Counter, name: str, raw: bytes) -> None:
    page.goto(counter.address("/console/register"))
    ready(page)
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": raw})


def named(counter: Counter, word: str) -> list[str]:
    return [one["name"] for one in counter.ask("GET", f"/v1/items?text={word}")["items"]]


def test_what_is_wrong_is_shown_before_anything_is_recorded(counter: Counter, browser: Browser) -> None:
    counter.ask("POST", "/v1/items", {"name": "There already", "category": "x", "gtin": GTIN, "serial": "OLD"})
    table = (
        "\ufeffName;Category;GTIN;Serial\r\n"
        f'"Tabled ""one""; gold";jewellery;{GTIN};A/1\r\n'
        "Tabled two;jewellery;;\r\n"
        ";jewellery;;\r\n"
        "Tabled four;jewellery;9520123456789;A4\r\n"
        f"Tabled five;jewellery;{GTIN};A/1\r\n"
        f"Tabled six;jewellery;{GTIN};OLD\r\n"
        f"Tabled seven;jewellery;{GTIN};\r\n"
    )
    with at_tablet(browser, counter) as page:
        given(page, counter, "things.csv", table.encode())
        expect(page.locator("[data-verdict]")).to_have_text("2 can be registered, 5 cannot.")
        # On a phone a row's cells stand below each other, so that what is wrong is seen without pushing anything.
        page.set_viewport_size({"width": 360, "height": 800})
        fault = page.locator("[data-table] tr").first.locator("[data-head='What is wrong']").bounding_box()
        assert fault is not None
        assert fault["x"] + fault["width"] < 360
        page.set_viewport_size({"width": 1024, "height": 768})
        assert named(counter, "tabled") == []
        wrong = {row.split("\t")[0]: row for row in page.locator("[data-table] tr.bad").all_inner_texts()}
        assert set(wrong) == {"4", "5", "6", "7", "8"}
        for number, why in (
            ("4", "Name is missing."), ("5", "check digit is wrong"), ("6", "same thing as row 2"),
            ("7", "registered"), ("8", "only together"),
        ):  # fmt: skip
            assert why in wrong[number]
        page.click("[data-register]")
        expect(page.locator("[data-message]")).to_have_text("2 registered.")
        assert sorted(named(counter, "tabled")) == ['Tabled "one"; gold', "Tabled two"]
        found = counter.ask("POST", "/v1/find", {"serial": "A/1"})["found"]
        assert [one["subject"] for one in found] == [f"https://id.gs1.org/01/0{GTIN}/21/A%2F1"]


def test_a_workbook_with_chinese_heads_is_read(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        given(page, counter, "things.xlsx", workbook())
        expect(page.locator("[data-verdict]")).to_have_text("1 can be registered, 0 cannot.")
        page.click("[data-register]")
        expect(page.locator("[data-message]")).to_have_text("1 registered.")
        (one,) = [one for one in counter.ask("GET", "/v1/items")["items"] if one["name"] == "玫瑰金戒指"]
        assert (one["category"], one["model"]) == ("珠宝", "42")


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("empty.csv", b"", "first row must name"),
        ("heads.csv", b"name,category\n", "first row must name"),
        ("other.csv", b"colour,size\nred,1\n", "first row must name"),
        ("binary.csv", b"\x00\xff\xfe\x9f" * 40, "could not be read"),
        ("zip.xlsx", b"PK\x03\x04" + b"\x00" * 200, "could not be read"),
        ("cut.xlsx", workbook()[:300], "could not be read"),
        ("long.csv", b"name,category\n" + b"a,b\n" * 5001, "too large"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    counter: Counter, browser: Browser, name: str, raw: bytes, why: str
) -> None:
    with at_tablet(browser, counter) as page:
        given(page, counter, name, raw)
        expect(page.locator("[data-message]")).to_contain_text(why)
        expect(page.locator("[data-preview]")).to_be_hidden()
