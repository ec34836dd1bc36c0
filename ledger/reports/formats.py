"""A report in the formats that it is handed out in: canonical JSON, CSV, XLSX and SVG.

Only JSON can be counted again; the others are made from it, so that the same report gives the same bytes, and each
names its checkpoint. XLSX is written by XlsxWriter and is no part of the core: whoever installs without it has the
other three.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ledger import report
from ledger.errors import Unknown
from ledger.reports.chart import write_svg
from ledger.reports.rows import HEAD, flat, keyed, plain, rows, write_csv

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml",
}
FORMATS: Final = tuple(MEDIA_TYPES)


def render(document: Mapping[str, Any], form: str, language: str = "en") -> bytes:
    """The bytes of a report in one of ``FORMATS``; raises ``Unknown`` where XLSX cannot be written."""
    raw = report.encode(document)
    if form == "json":
        return raw
    # In the order of the canonical document, wherever it comes from.
    ordered: dict[str, Any] = json.loads(raw)
    if form == "svg":
        return write_svg(ordered, language)
    return write_csv(ordered) if form == "csv" else write_xlsx(ordered)


def write_xlsx(document: Mapping[str, Any]) -> bytes:
    """The report as a workbook: what it rests on, all figures, and groups and trend with a column for each figure."""
    try:
        import xlsxwriter  # noqa: PLC0415 - the other formats do without it
    except ImportError:
        raise Unknown("XLSX wants the library XlsxWriter: install with the extra [xlsx]") from None
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    # The time of the newest leaf: the report has no time of its own.
    created = datetime.fromisoformat(document["as_of"]).replace(tzinfo=None)
    book.set_properties({"title": "Patina report", "created": created})
    head = book.add_format({"bold": True})
    everything = list(rows(document))
    for name, part in (("Report", "report"), ("Figures", "figures")):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, HEAD[2:], head)
        sheet.set_column(0, 0, 48)
        for number, row in enumerate((row for row in everything if row[0] == part), 1):
            sheet.write_row(number, 0, [plain(cell) for cell in row[2:]])
        sheet.freeze_panes(1, 1)
    for name, part in (("Groups", "groups"), ("Trend", "trend")):
        _wide(book.add_worksheet(name), list(keyed(document, part)), head)
    book.close()
    return made.getvalue()


def _wide(sheet: Any, keys: list[tuple[str, Mapping[str, Any]]], head: Any) -> None:
    """One row for each group or step, one column for each figure that any of them has."""
    flats = [dict(flat(figures)) for _, figures in keys]
    columns = list(dict.fromkeys(path for one in flats for path in one))
    sheet.write_row(0, 0, ["", *columns], head)
    for number, ((key, _), one) in enumerate(zip(keys, flats, strict=True), 1):
        sheet.write_row(number, 0, [plain(key), *(plain(one.get(path, "")) for path in columns)])
    sheet.freeze_panes(1, 1)
