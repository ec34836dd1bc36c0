"""Periods, steps of a trend and times of a report as its charts' readers write them, in the words of a language.

>>> from ledger.reports.words import WORDS
>>> [written(one, WORDS["en"]) for one in ("2026", "2026-Q3", "2026-07", "2026-07-01/2026-07-31")]
['2026', 'Q3 2026', 'July 2026', '1 July 2026 to 31 July 2026']
>>> written("2026-07-01T09:05:00.000Z", WORDS["zh-Hans"])
'2026年7月1日 09:05 UTC'
"""

from __future__ import annotations

from collections.abc import Mapping


def written(text: str, words: Mapping[str, str]) -> str:
    """A year, quarter, month, day, span of days, or time in UTC, as the report spells it; "all" for everything."""
    if text == "all":
        return words["all"]
    if "/" in text:
        first, last = (written(day, words) for day in text.split("/"))
        return words["span"].format(first=first, last=last)
    if "T" in text:
        return words["time"].format(day=written(text[:10], words), clock=text[11:16])
    year, _, rest = text.partition("-")
    if not rest:
        return words["in_year"].format(year=year)
    if rest.startswith("Q"):
        return words["in_quarter"].format(year=year, quarter=rest[1:])
    month, _, day = rest.partition("-")
    named = words["months"].split()[int(month) - 1]
    if not day:
        return words["in_month"].format(year=year, month=named)
    return words["on_day"].format(year=year, month=named, day=int(day))
