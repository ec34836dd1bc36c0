"""``patina calendar``: proposes the document of a country's days for one year, for the operator to look at and adopt.

The days come from the package ``holidays``, Chinese make-up days included, and the offsets of the country's zones from
this machine's time zone database, whose version is written down. What is adopted is the document; neither the package
nor the database is ever asked when something is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

import holidays

from api.cli import terminal
from ledger import times
from ledger.days import FIRST_YEAR, LAST_YEAR, MAX_ZONES, WEEKDAYS
from ledger.errors import Invalid, Unavailable
from ledger.standard import adopt

# Governments decree make-up days a year at a time; whoever has done so lately will do it again.
LATELY: Final = 3
MAX_NAME: Final = 80


def main(argv: Sequence[str]) -> int:
    """Propose the days of a year; 0."""
    parser = terminal.parser(
        "calendar",
        "Propose the working days of a country and year, as a document to look at and adopt.",
        "patina calendar propose --country CN --year 2026 --json > days.json",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="propose")
    propose = terminal.add_verb(verbs, "propose", "propose the days of a country and year")
    propose.add_argument("--country", required=True, metavar="CC", help="two capitals of ISO 3166, such as CN")
    propose.add_argument("--year", required=True, type=int, metavar="YYYY")
    propose.add_argument("--zone", action="append", metavar="Z", help="a zone (default: all of the country)")
    terminal.add_json(propose)
    given = parser.parse_args(argv)
    document = proposed(given.country, given.year, given.zone)
    if given.json:
        terminal.answer(document)
    else:
        _show(document["calendar"])
    return 0


def proposed(country: str, year: int, zones: Sequence[str] | None = None) -> dict[str, Any]:
    """The document that would be adopted; raises ``Invalid`` for a country, year or zone that is not known."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(f"got the year {year}, want one from {FIRST_YEAR} to {LAST_YEAR}")
    try:
        known = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        raise Invalid(f"got the country {country[:20]!r}, want one that the package holidays knows") from None
    section: dict[str, Any] = {
        "name": country,
        "year": year,
        "weekend": [WEEKDAYS[day] for day in sorted(known.weekend)],
        "off": [{"date": str(day), "name": name[:MAX_NAME]} for day, name in sorted(known.items())],
        "on": [{"date": str(day)} for day in _made_up(known, year)],
        "source": "house",
        "provisional": _awaits_decree(known, year),
        "tzdata": _database(),
        "zones": [{"zone": zone, "offsets": list(_offsets(zone, year))} for zone in zones or _zones_of(country)],
    }
    document = {
        "standard": f"days-{country}-{year}",
        "version": f"holidays-{version('holidays')}",
        "name": {"en": f"Working days of {country}, {year}"},
        "calendar": section,
    }
    adopt(document)
    return document


def _made_up(known: Any, year: int) -> list[date]:
    """The weekend days of a year on which people work."""
    return sorted(day for day in known.weekend_workdays if day.year == year)


def _awaits_decree(known: Any, year: int) -> bool:
    """Whether a country that moves its holidays by decree has not been heard of for this year."""
    decreed = getattr(known, "special_public_holidays", None) or {}
    return year not in decreed and any(year - lately in decreed for lately in range(1, LATELY + 1))


def _database() -> str:
    """The version of this machine's time zone database."""
    for folder in TZPATH:
        try:
            with Path(folder, "tzdata.zi").open(encoding="ascii") as file:
                first = file.readline()
        except OSError:
            continue
        if first.startswith("# version "):
            return first.removeprefix("# version ").strip()[:32]
    try:
        return version("tzdata")
    except PackageNotFoundError:
        raise Unavailable("got no version of the time zone database: install the package tzdata") from None


def _zones_of(country: str) -> list[str]:
    """The zones of a country by the database's own table."""
    for folder in TZPATH:
        try:
            table = Path(folder, "zone.tab").read_text("utf-8")
        except OSError:
            continue
        rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
        zones = sorted(row[2] for row in rows if row[0] == country)
        if zones:
            return zones[:MAX_ZONES]
    raise Unavailable(f"got no table of the zones of {country}: name them with --zone")


def _offsets(zone: str, year: int) -> Iterator[dict[str, Any]]:
    """The offsets of a zone from the day before a year to the day after it."""
    try:
        rules = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"got the zone {zone[:64]!r}, want one of the time zone database") from None

    def minutes(moment: datetime) -> int:
        offset = moment.astimezone(rules).utcoffset()
        assert offset is not None
        return offset // timedelta(minutes=1)

    moment, end = (datetime(year, 1, 1, tzinfo=UTC) - timedelta(days=1), datetime(year + 1, 1, 2, tzinfo=UTC))
    now = minutes(moment)
    yield {"minutes": now}
    while moment < end:
        following = moment + timedelta(hours=1)
        if minutes(following) != now:
            now = minutes(following)
            changed = int(_changed(minutes, moment, following).timestamp()) * times.SECOND
            yield {"minutes": now, "from": times.format_recorded(changed)}
        moment = following


def _changed(minutes: Any, before: datetime, after: datetime) -> datetime:
    """The second at which the offset changes between two moments."""
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if minutes(middle) == minutes(before):
            before = middle
        else:
            after = middle
    return after


def _show(section: dict[str, Any]) -> None:
    rows = [(day["date"], "off", day["name"]) for day in section["off"]]
    rows += [(day["date"], "on", "working day, made up for a holiday") for day in section["on"]]
    print(terminal.table(("date", "", ""), sorted(rows)))
    zones = ", ".join(zone["zone"] for zone in section["zones"])
    print(f"\nweekend {' '.join(section['weekend'])}; zones {zones} by tzdata {section['tzdata']}")
    if section["provisional"]:
        print("provisional: this country decrees its days a year at a time, and this year's are not known yet")
