"""What is asked, and the formats a report is handed out in: CSV, workbook and charts say what the document says."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pytest

from ledger.errors import Invalid, Unknown
from ledger.report_ask import DIMENSIONS, Period, parse_ask, parse_period
from ledger.reports import dates
from ledger.reports.chart import MOST
from ledger.reports.formats import FORMATS, render
from ledger.reports.words import WORDS
from tests.build import uuid
from tests.reported import counted, written

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    made = written()
    folder = made.write_ledger(tmp_path_factory.mktemp("formats") / "ledger")
    return counted(made, folder, by=["channel", "party"])


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026-07-01/2026-07-01", date(2026, 7, 1), date(2026, 7, 1)),
    ],
)
def test_periods_are_read(text: str, first: date, last: date) -> None:
    assert parse_period(text) == Period(text, first, last)


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-13", "2026-00", "2026-Q5", "0000", "9999-12", "2026-02-30/2026-03-01", "2026-07-02/2026-07-01", 3],
)
def test_what_is_no_period_is_refused(text: Any) -> None:
    with pytest.raises(Invalid) as refused:
        parse_period(text)
    assert refused.value.pointer == "/period"


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"color": 1}, "/color"),
        ({"by": ["fault", "soul"]}, "/by/1"),
        ({"by": ["fault", "fault"]}, "/by"),
        ({"by": "fault"}, "/by"),
        ({"by": ["party", "region", "line", "model", "fault"]}, "/by"),
        ({"trend": "day"}, "/trend"),
        ({"times": ["stated"]}, "/times"),
        ({"evidence": "iso"}, "/evidence"),
        ({"parties": "x"}, "/parties"),
        ({"parties": [uuid("a"), "b"]}, "/parties/1"),
        ({"parties": [3]}, "/parties/0"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_place(asked: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_ask({"period": "all"} | asked)
    assert refused.value.pointer == pointer


def test_a_request_comes_back_from_its_document() -> None:
    ask = parse_ask({"period": "all", "by": ["line"], "parties": [uuid("b"), uuid("a"), uuid("b")]})
    assert parse_ask(ask.document()) == ask
    assert len(ask.parties) == 2


def test_csv_has_a_row_for_every_figure_and_runs_nothing(document: dict[str, Any]) -> None:
    document = document | {"origin": "=cmd()"}
    raw = render(document, "csv")
    assert raw.startswith("\ufeff".encode())
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["part", "key", "figure", "value"]
    found = {(part, key, figure): value for part, key, figure, value in rows[1:]}
    assert found["figures", "", "cases"] == str(document["figures"]["cases"])
    assert found["figures", "", "clocks.first_response.limit.of"] == "2"
    assert found["trend", "2026-08", "cases"] == "2"
    assert found["groups", "store / shop", "cases"] == "1"
    assert found["groups", "– / shop", "services.end_of_life"] == "1"
    assert found["report", "", "origin"] == "'=cmd()"


def test_a_workbook_says_the_same_and_is_the_same_every_time(document: dict[str, Any]) -> None:
    raw = render(document, "xlsx")
    assert raw == render(document, "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(raw))
    assert book.sheetnames == ["Report", "Figures", "Groups", "Trend"]
    figures = {row[0]: row[1] for row in book["Figures"].iter_rows(min_row=2, values_only=True)}
    assert figures["cases"] == 3
    trend = list(book["Trend"].iter_rows(values_only=True))
    cases = trend[0].index("cases")
    assert {row[0]: row[cases] for row in trend[1:]} == {"2026-06": 0, "2026-07": 1, "2026-08": 2, "2026-09": 0}
    assert all(one.date_time[0] == 1980 for one in zipfile.ZipFile(io.BytesIO(raw)).infolist())
    assert str(book.properties.created)[:10] == document["as_of"][:10]


def test_without_its_library_only_the_workbook_is_missing(document: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(Unknown, match="XlsxWriter"):
        render(document, "xlsx")
    assert all(render(document, one) for one in FORMATS if one != "xlsx")


@pytest.mark.parametrize("language", WORDS)
def test_charts_are_well_formed_and_say_every_value_in_words(document: dict[str, Any], language: str) -> None:
    tree = ET.fromstring(render(document, "svg", language))
    assert tree.get("role") == "img"
    names = tree.get("aria-labelledby", "").split()
    assert [tree[0].tag, tree[1].tag] == [f"{SVG}title", f"{SVG}desc"]
    assert [tree[0].get("id"), tree[1].get("id")] == names
    texts = [one.text or "" for one in tree.iter(f"{SVG}text")]
    # Nothing that people read is spelt as programs spell it.
    august, period = ("August 2026", "2026") if language == "en" else ("2026年8月", "2026年")
    july = august.replace("August", "July").replace("8月", "7月")
    said = [one.text or "" for one in tree.iter() if one.tag != f"{SVG}style"]
    assert period in texts[0]
    assert [one for one in said if re.search("[0-9]{4}-[0-9Q]", one)] == []
    by = {
        "en": "Cases by channel / party",
        "zh-Hans": "服务单（按渠道 / 参与方）",
        "zh-Hant": "服務案（按管道 / 參與方）",
    }
    assert by[language] in texts
    # July: of one answer within four hours one; August: of one none; in neither month another limit.
    assert {july, "100.0 % (1 / 1)", "0.0 % (0 / 1)", "5.0 (1)", WORDS[language]["nothing"]} <= set(texts)
    # A bar is never longer than what it is of.
    bars = [int(one.get("width", "")) for one in tree.iter(f"{SVG}rect")]
    assert all(0 <= bar <= whole for whole, bar in zip(bars[::2], bars[1::2], strict=True))
    lengths = drawn(tree)
    assert (lengths[f"{july}: 100.0 % (1 / 1)"], lengths[f"{august}: 0.0 % (0 / 1)"]) == (380, 0)


def drawn(tree: ET.Element) -> dict[str, int]:
    """How long the bar of each title is, of 380."""
    return {one[0].text or "": int(one[-1].get("width", "")) for one in tree.iter(f"{SVG}g")}


def test_charts_escape_names_and_say_how_many_are_left_out(document: dict[str, Any]) -> None:
    figures = document["figures"]
    groups = [{"key": {"fault": f"<F&{number}>" * 9}, "figures": figures} for number in range(MOST + 2)]
    trend = [{"step": f"{year}", "figures": figures} for year in range(2000, 2001 + MOST)]
    asked = document["asked"] | {"by": ["fault"], "period": "all", "trend": "year"}
    tree = ET.fromstring(render(document | {"groups": groups, "trend": trend, "asked": asked}, "svg"))
    texts = [one.text or "" for one in tree.iter(f"{SVG}text")]
    assert "and 2 more" in texts
    assert "and 1 more" in texts
    assert any(text.startswith("<F&0>") and text.endswith("…") for text in texts)
    assert "2000" not in texts, "of a long trend the last steps are drawn"
    empty = ET.fromstring(render(document | {"groups": [], "trend": []}, "svg"))
    assert [one.text for one in empty.iter(f"{SVG}text")].count(WORDS["en"]["nothing"]) == 4


@pytest.mark.parametrize(
    ("text", "english", "simplified"),
    [
        ("all", "all time", "全部时间"),
        ("2026", "2026", "2026年"),
        ("2026-Q3", "Q3 2026", "2026年第3季度"),
        ("2026-12", "December 2026", "2026年12月"),
        ("2026-02-09/2026-02-28", "9 February 2026 to 28 February 2026", "2026年2月9日至2026年2月28日"),
        ("2026-05-04T09:07:59.999Z", "4 May 2026, 09:07 UTC", "2026年5月4日 09:07 UTC"),
    ],
)
def test_times_are_written_as_people_write_them(text: str, english: str, simplified: str) -> None:
    assert dates.written(text, WORDS["en"]) == english
    assert dates.written(text, WORDS["zh-Hans"]) == simplified
    traditional = simplified.replace("时间", "時間").replace("季度", "季")
    assert dates.written(text, WORDS["zh-Hant"]) == traditional


def test_words_are_complete() -> None:
    assert len({frozenset(words) for words in WORDS.values()}) == 1
    assert set(DIMENSIONS) <= set(WORDS["en"]), "each is named in the reader's language"


def test_charts_show_improvements_before_and_after(document: dict[str, Any]) -> None:
    plan: dict[str, Any] = {"finding": "late parts", "measure": "resolved", "target": "90 %", "done": 9}
    told = [
        plan | {"before": {"count": 1, "of": 2}, "after": {"count": 3, "of": 4}},
        plan | {"finding": "rude", "measure": "attitude", "target": None, "done": None, "before": None,
                "after": {"count": 9, "of": 2}},
        plan | {"finding": "dust", "measure": "sweep more", "before": None, "after": None},
    ]  # fmt: skip
    tree = ET.fromstring(render(document | {"improvements": told}, "svg"))
    said = [one.text for one in tree.iter(f"{SVG}title")]
    assert drawn(tree)[said[-5] or ""] == 285, "three quarters of 380"
    assert drawn(tree)[said[-3] or ""] == 342, "4.5 stars of five"
    assert said[-6:] == [
        "Before: late parts: 50.0 % (1 / 2)",
        "After (target 90 %): late parts: 75.0 % (3 / 4)",
        "Before: rude: no figure",
        "Since the plan: rude: 4.5 (2)",
        "Before: dust: no figure",
        "After (target 90 %): dust: no figure",
    ]
    texts = [one.text for one in tree.iter(f"{SVG}text")]
    assert "Improvements" in texts
    assert "Improvements" not in [one.text for one in ET.fromstring(render(document, "svg")).iter(f"{SVG}text")]
    many = ET.fromstring(render(document | {"improvements": told * 5}, "svg"))
    assert [one.text for one in many.iter(f"{SVG}text")][-1] == "and 3 more"
