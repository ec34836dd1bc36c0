"""What a report is asked: which period, grouped by what, over which parties, and how cases are placed in time.

A period is a year, a quarter, a month, a span of days or everything; its days are those of the party that has the case.
A case belongs to the day on which it was opened. ``times`` says which of the two times of its opening counts: by
``counted``, as clocks take it (``steps.happened_at``); by ``stated``, as its author says, which imports of old records
need.

>>> parse_period("2026-Q3")
Period(name='2026-Q3', first=datetime.date(2026, 7, 1), last=datetime.date(2026, 9, 30))
>>> Ask(period=parse_period("all"), by=("fault",)).document()["by"]
['fault']
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from ledger.errors import Invalid
from ledger.forms import is_uuid

DIMENSIONS: Final = (
    "party", "region", "line", "model", "fault", "channel", "mode", "team", "staff", "kind", "issue", "responsible",
    "responsible_party", "month", "quarter", "year",
)  # fmt: skip
"""What cases are grouped by. ``region`` is the party's country, ``line`` the item's category, ``model`` its brand and
model, ``team`` whose turn it was last, ``staff`` who did the work, ``responsible`` and
``responsible_party`` who was found responsible."""
OF_SALES: Final = frozenset({"party", "region", "line", "model", "month", "quarter", "year"})
"""The dimensions that a sale and a delivery have, too."""
TRENDS: Final = ("month", "quarter", "year")
TIMES: Final = ("counted", "stated")
EVIDENCE: Final = ("gb27922",)
MAX_BY: Final = 4
MAX_PARTIES: Final = 100
_DAYS: Final = 4096
"""Days of which the names of their months are remembered: of millions of cases, hundreds were opened on each."""

_PERIOD: Final = re.compile(r"(\d{4})(?:-Q([1-4])|-(\d{2}))?")
_SPAN: Final = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{4}-\d{2}-\d{2})")
_WANT: Final = "want a year 2026, a quarter 2026-Q3, a month 2026-07, days 2026-07-01/2026-07-31, or all"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``first`` to ``last``, both included; ``all`` has neither."""

    name: str
    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether a day is in it."""
        return self.first is None or self.last is None or self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked. ``parties`` and those below them are counted; without any, all are. ``trend`` is its step."""

    period: Period
    by: tuple[str, ...] = ()
    trend: str = "month"
    parties: tuple[str, ...] = ()
    times: str = "counted"
    evidence: str = ""

    def document(self) -> dict[str, Any]:
        """The members of a report that say what was asked, for ``parse_ask``."""
        return {
            "period": self.period.name,
            "by": list(self.by),
            "trend": self.trend,
            "parties": list(self.parties),
            "times": self.times,
            "evidence": self.evidence,
        }


def parse_ask(asked: Mapping[str, Any]) -> Ask:
    """What a report's member ``asked`` says, or a request of these members; raises ``Invalid`` with its pointer."""
    unknown = sorted(set(asked) - {"period", "by", "trend", "parties", "times", "evidence"})
    if unknown:
        raise Invalid(f"got the member {unknown[0]!r}, which no request has", f"/{unknown[0]}")
    return Ask(
        period=parse_period(asked.get("period")),
        by=_names(asked.get("by", ()), DIMENSIONS, "/by"),
        trend=_one(asked.get("trend", "month"), TRENDS, "/trend"),
        parties=_parties(asked.get("parties", ())),
        times=_one(asked.get("times", "counted"), TIMES, "/times"),
        evidence=_one(asked.get("evidence", ""), ("", *EVIDENCE), "/evidence"),
    )


def parse_period(text: Any) -> Period:
    """The period that a text names; raises ``Invalid``."""
    if text == "all":
        return Period("all")
    found = _PERIOD.fullmatch(text) if isinstance(text, str) else None
    span = _SPAN.fullmatch(text) if isinstance(text, str) else None
    try:
        if found is not None:
            year, quarter, month = int(found[1]), found[2], found[3]
            if quarter is not None:
                return Period(found[0], *_months(year, 3 * int(quarter) - 2, 3))
            return Period(found[0], *(_months(year, int(month), 1) if month is not None else _months(year, 1, 12)))
        if span is not None:
            first, last = date.fromisoformat(span[1]), date.fromisoformat(span[2])
            if first <= last:
                return Period(span[0], first, last)
    except ValueError:
        pass
    raise Invalid(f"got the period {str(text)[:40]!r}, {_WANT}", "/period")


@lru_cache(maxsize=_DAYS)
def bucket(day: date, step: str) -> str:
    """The month, quarter or year of a day.

    >>> [bucket(date(2026, 8, 9), step) for step in TRENDS]
    ['2026-08', '2026-Q3', '2026']
    """
    if step == "month":
        return f"{day.year:04}-{day.month:02}"
    return f"{day.year:04}-Q{(day.month + 2) // 3}" if step == "quarter" else f"{day.year:04}"


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    after = year * 12 + month - 1 + count
    return date(year, month, 1), date(after // 12, after % 12 + 1, 1) - timedelta(days=1)


def _one(value: Any, known: Sequence[str], pointer: str) -> str:
    if value not in known or not isinstance(value, str):
        raise Invalid(f"got {str(value)[:40]!r}, want one of {', '.join(filter(None, known))}", pointer)
    return value


def _names(value: Any, known: Sequence[str], pointer: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > MAX_BY:
        raise Invalid(f"want a list of at most {MAX_BY} of {', '.join(known)}", pointer)
    found = tuple(_one(one, known, f"{pointer}/{number}") for number, one in enumerate(value))
    if len(set(found)) != len(found):
        raise Invalid("got a dimension twice, want each once", pointer)
    return found


def _parties(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > MAX_PARTIES:
        raise Invalid(f"want a list of at most {MAX_PARTIES} parties", "/parties")
    for number, one in enumerate(value):
        if not isinstance(one, str) or is_uuid(one) is None:
            raise Invalid("got something else than a party's urn:uuid", f"/parties/{number}")
    return tuple(sorted(set(value)))
