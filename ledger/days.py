"""The days and zone rules of one country and year, as a document on the ledger (standards.md, amendments.md R11).

A calendar is data: an operator adopts, by ``standard.adopted``, a document whose member ``calendar`` lists the days of
one country and year on which nobody works although the week says so (``off``), and the days on which people do
although it does not (``on``: in China, the Saturdays and Sundays that make up for a long holiday). Zone rules stand
beside them, as offsets from UTC with the moment from which each holds, and the version of the time zone database that
they were taken from. So a time that is measured today is measured the same in ten years, whatever a library says then,
and a report names the hash of what it used:

>>> section = {"name": "CN", "year": 2026, "weekend": ["sat", "sun"], "source": "house",
...            "off": [{"date": "2026-01-01", "name": "New Year"}], "on": [{"date": "2026-01-04"}],
...            "tzdata": "2026a", "zones": [{"zone": "Asia/Shanghai", "offsets": [{"minutes": 480}]}]}
>>> year = read(section)
>>> sorted(year.off), sorted(year.on), year.zones["Asia/Shanghai"]
([datetime.date(2026, 1, 1)], [datetime.date(2026, 1, 4)], ((None, 480),))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Final

from ledger import canonical, times
from ledger.errors import Invalid
from ledger.shapes import DATE, FLAG, Shape, integer, many, parsed, pattern, record, text, words

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Years of which a calendar of working days means something; the first is before any record that is kept.
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
MAX_ZONES: Final = 40
"""The United States have thirty names of zones that are no links to others."""
# Half an hour more than any zone that ever was, on both sides.
_WIDEST: Final = 15 * 60

_DAY: Final = record({"date": DATE}, {"name": text(80)})
_OFFSET: Final = record(
    {"minutes": integer(-_WIDEST, _WIDEST)}, {"from": parsed(times.parse_occurred, "a time with zone")}
)
ZONE_NAME: Final = pattern(
    r"(?=.{1,64}\Z)[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*", "a time zone of the IANA database, such as Asia/Shanghai"
)
SECTION: Final[Shape] = record(
    {
        "name": text(64),
        "year": integer(FIRST_YEAR, LAST_YEAR),
        "off": many(_DAY, 366),
        "on": many(_DAY, 366),
        "source": text(64),
    },
    {
        "weekend": many(words(*WEEKDAYS), 6, distinct=True),
        "provisional": FLAG,
        "tzdata": text(32),
        "zones": many(record({"zone": ZONE_NAME, "offsets": many(_OFFSET, 16, at_least=1)}), MAX_ZONES),
    },
    together=(("tzdata", "zones"),),
)
"""The shape of the member ``calendar`` of a standard."""

Offsets = tuple[tuple[int | None, int], ...]
"""Minutes east of UTC, each with the microsecond from which it holds; the first holds from ever."""


@dataclass(frozen=True, slots=True)
class Year:
    """The days of one calendar in one year. ``weekend`` are weekdays, Monday 0; ``zones`` are offsets by name."""

    name: str
    year: int
    weekend: frozenset[int]
    off: frozenset[date]
    on: frozenset[date]
    zones: Mapping[str, Offsets]
    provisional: bool
    hash: str


def check(section: Any, pointer: str = "") -> tuple[str, ...]:
    """Return pointers to members of a ``calendar`` that are not known; raises ``Invalid`` for what is wrong in it."""
    try:
        unknown = SECTION.check(section)
        _check_days(section)
        _check_offsets(section)
    except Invalid as wrong:
        wrong.pointer = pointer + wrong.pointer
        raise
    return tuple(pointer + one for one in unknown)


def read(section: Mapping[str, Any]) -> Year:
    """Return the year that a checked ``calendar`` section says; its hash is of the section's canonical bytes."""
    return Year(
        name=section["name"],
        year=section["year"],
        weekend=frozenset(map(WEEKDAYS.index, section.get("weekend", ("sat", "sun")))),
        off=frozenset(date.fromisoformat(one["date"]) for one in section["off"]),
        on=frozenset(date.fromisoformat(one["date"]) for one in section["on"]),
        zones={one["zone"]: tuple(map(_offset, one["offsets"])) for one in section.get("zones", ())},
        provisional=section.get("provisional", False),
        hash=sha256(canonical.encode(section)).hexdigest(),
    )


def weeks_only(name: str, year: int) -> Year:
    """Return a year of which nobody has adopted the days: its weekends, marked provisional, and no hash."""
    return Year(name, year, frozenset({5, 6}), frozenset(), frozenset(), {}, provisional=True, hash="")


def fingerprint(used: Iterable[Year]) -> str:
    """Return the SHA-256, in hex, of the hashes of the years used, by name and year: what a report embeds."""
    told = [{"name": one.name, "year": one.year, "sha256": one.hash} for one in used]
    told.sort(key=lambda one: (one["name"], one["year"]))
    return sha256(canonical.encode(told)).hexdigest()


def _offset(one: Mapping[str, Any]) -> tuple[int | None, int]:
    return times.parse_occurred(one["from"]) if "from" in one else None, one["minutes"]


def _check_days(section: Mapping[str, Any]) -> None:
    seen: set[str] = set()
    for kind in ("off", "on"):
        for number, day in enumerate(section[kind]):
            if date.fromisoformat(day["date"]).year != section["year"]:
                raise Invalid(f"got a day of another year, want one of {section['year']}", f"/{kind}/{number}/date")
            if day["date"] in seen:
                raise Invalid("got a day twice, want each once in off or on", f"/{kind}/{number}/date")
            seen.add(day["date"])


def _check_offsets(section: Mapping[str, Any]) -> None:
    for place, zone in enumerate(section.get("zones", ())):
        before: int | None = None
        for number, offset in enumerate(zone["offsets"]):
            pointer = f"/zones/{place}/offsets/{number}/from"
            if (number == 0) != ("from" not in offset):
                raise Invalid("want a moment on every offset but the first, which holds before the others", pointer)
            moment = times.parse_occurred(offset["from"]) if number else None
            if before is not None and moment is not None and moment <= before:
                raise Invalid("got offsets out of order, want each from later than the one before it", pointer)
            before = moment
