"""The worked example of docs/deadlines.md as a work list has it: a ring that came back before the Spring Festival."""

from __future__ import annotations

from ledger import merkle
from ledger.caseload import Load, case_loads
from ledger.leaf import Entry, Signature, statement_from
from ledger.promises import Promises
from ledger.times import format_recorded
from tests.casebook import SHOP, Casebook

_OFF = [{"date": f"2026-02-{day}"} for day in (16, 17, 18, 19, 20, 23)]
_CALENDAR = {
    "name": "CN", "year": 2026, "source": "house", "off": _OFF, "on": [{"date": "2026-02-14"}, {"date": "2026-02-28"}],
    "tzdata": "2025b", "zones": [{"zone": "Asia/Shanghai", "offsets": [{"minutes": 480}]}],
}  # fmt: skip
_LIMIT = {"clock": "processed", "within": {"working_days": 3}, "at_most": {"working_days": 7}, "source": "house"}
_HOURS = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "10:00", "until": "19:00"}]


def ring_that_came_back() -> Load:
    """The row of the return, on the day on which it was received."""
    book = Casebook()
    book.open("2026-02-13T14:55:00+08:00", kind="return")
    book.say("case.received", "2026-02-13T15:00:00+08:00", {"evidence": {}})
    said = [
        _said(0, "party.registered", {"name": "Shop", "roles": ["retailer"], "calendar": "CN",
                                      "timezone": "Asia/Shanghai", "hours": _HOURS}),
        _said(1, "standard.adopted", {"standard": "ours", "version": "1", "limits": [_LIMIT]}),
        _said(2, "standard.adopted", {"standard": "days-CN-2026", "version": "1", "calendar": _CALENDAR}),
    ]  # fmt: skip
    told = [(entry, merkle.leaf_hash(entry.statement.id.encode()).hex()) for entry in book.entries]
    (load,) = case_loads(told, Promises({SHOP: said}, SHOP, 1 << 40))
    return load


def _said(index: int, kind: str, details: dict[str, object]) -> Entry:
    statement = {
        "id": f"urn:uuid:00000000-0000-7000-8000-00000000000{index}", "type": kind, "subjects": [SHOP], "party": SHOP,
        "occurred_at": format_recorded(index), "details": details,
    }  # fmt: skip
    return Entry(index, "0" * 64, format_recorded(index), (), statement_from(statement), (Signature("k", "s"),), 1)
