"""A report as rows: one for every number, for spreadsheets and other programs.

Each row says which part of the report it is from (``report`` itself, ``figures``, ``groups``, ``trend``), of which
group or step, which figure by its path in the document, and the value. Lengths of time are seconds, shares two rows,
``count`` and ``of``. Text that a spreadsheet would take for a formula is written with an apostrophe before it.

>>> list(flat({"clocks": {"visit": {"limit": {"count": 3, "of": 4}}}}))
[('clocks.visit.limit.count', 3), ('clocks.visit.limit.of', 4)]
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

HEAD: Final = ("part", "key", "figure", "value")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_PARTS: Final = frozenset({"figures", "groups", "trend"})

Row = tuple[str, str, str, str | int]


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str | int]]:
    """Every number and text of a value with its path; members that are null are left out."""
    if isinstance(value, Mapping):
        for name in value:
            yield from flat(value[name], f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from flat(one, f"{path}.{number}" if path else str(number))
    elif isinstance(value, bool):
        yield path, int(value)
    elif value is not None:
        yield path, value


def rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Every row of a report, in its order."""
    for path, value in flat({name: member for name, member in report.items() if name not in _PARTS}):
        yield "report", "", path, value
    for part in ("figures", "groups", "trend"):
        for key, figures in keyed(report, part):
            for path, value in flat(figures):
                yield part, key, path, value


def keyed(report: Mapping[str, Any], part: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The figures of a part, each with the name of its group or step."""
    if part == "figures":
        yield "", report["figures"]
    elif part == "groups":
        names = {one["party"]: one["name"] for one in report["parties"]}
        for one in report["groups"]:
            yield " / ".join(names.get(value) or value or "–" for value in one["key"].values()), one["figures"]
    else:
        for one in report["trend"]:
            yield one["step"], one["figures"]


def plain(value: str | int) -> str | int:
    """A value as a cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_csv(report: Mapping[str, Any]) -> bytes:
    """The report as CSV (RFC 4180): UTF-8 with a byte order mark, so that spreadsheets read Chinese."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEAD)
    writer.writerows(tuple(map(plain, row)) for row in rows(report))
    return b"\xef\xbb\xbf" + text.getvalue().encode()
