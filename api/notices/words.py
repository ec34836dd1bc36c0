"""What customers and shops are told, in three languages: one catalogue file each in ``locales``.

The language is the one that the customer's private members name (``customer.language``), else the usual one of the
shop's country, else English.

>>> language_of("zh-TW", None), language_of("zh", "TW"), language_of("", "CN"), language_of("fr", "FR")
('zh-Hant', 'zh-Hans', 'zh-Hans', 'en')
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

LOCALES: Final = Path(__file__).parent / "locales"
LANGUAGES: Final = ("en", "zh-Hans", "zh-Hant")
_TRADITIONAL: Final = frozenset({"hant", "tw", "hk", "mo"})
_COUNTRIES: Final = {"CN": "zh-Hans", "SG": "zh-Hans", "TW": "zh-Hant", "HK": "zh-Hant", "MO": "zh-Hant"}
_DAY_LENGTH: Final = len("2026-05-04")


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The catalogue of a language; members in braces are filled in."""

    day: str
    time: str
    months: tuple[str, ...]
    the_item: str
    the_request: str
    status: Mapping[str, Mapping[str, str]]
    open: str
    why: str
    the_case: str
    overdue_subject: str
    overdue_text: str
    overdue_why: str
    periods: Mapping[str, str]
    roles: Mapping[str, str]
    report: Mapping[str, Mapping[str, str]]
    report_why: str
    report_open: str
    confirm_subject: str
    confirm_text: str
    confirm_why: str
    confirm_open: str
    confirm_title: str
    confirm_ask: str
    confirm_yes: str
    confirm_done: str
    confirm_unknown: str
    stop: str
    stop_title: str
    stop_ask: str
    stop_yes: str
    stop_done_title: str
    stop_done: str
    stop_unknown_title: str
    stop_unknown: str

    def moment(self, text: str) -> str:
        """A day or a time as it was stated."""
        found = datetime.fromisoformat(text)
        parts: dict[str, Any] = {"year": found.year, "month": self.months[found.month - 1], "day": found.day}
        return (
            self.day.format(**parts) if len(text) == _DAY_LENGTH else self.time.format(**parts, clock=f"{found:%H:%M}")
        )

    def period(self, text: str) -> str:
        """A year, a quarter of it or a month, as reports name them (``2026``, ``2026-Q3``, ``2026-07``)."""
        year, _, part = text.partition("-")
        if not part:
            return self.periods["year"].format(year=year)
        if part.startswith("Q"):
            return self.periods["quarter"].format(year=year, quarter=part[1:])
        return self.periods["month"].format(year=year, month=self.months[int(part) - 1])


@lru_cache(maxsize=len(LANGUAGES))
def words_of(language: str) -> Words:
    """The words of one of ``LANGUAGES``, read once."""
    return msgspec.json.decode((LOCALES / f"{language}.json").read_bytes(), type=Words)


def language_of(wished: str, country: str | None) -> str:
    """The language of ``LANGUAGES`` for a wish (as BCP 47 writes it) and a country (ISO 3166)."""
    first, *others = wished.replace("_", "-").casefold().split("-")
    if first == "zh":
        return "zh-Hant" if _TRADITIONAL.intersection(others) else "zh-Hans"
    if first == "en":
        return "en"
    return _COUNTRIES.get(country or "", "en")
